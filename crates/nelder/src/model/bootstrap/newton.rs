//! Replicates of a generalized linear model: steps from the fit to each replicate's own maximum, all of them over one read of the rows.
//!
//! The first step is Fisher scoring with the replicate's information at the coefficients of the fit. As a replicate's maximum is about one
//! standard error away, that matrix is nearly the one there, and the steps that follow take new scores under it: each leaves about
//! 1/√n of the distance. Where a step leaves more than a twentieth, the information is formed anew. A replicate has converged
//! where the step is shorter than a tolerance in units of its standard errors, √(sᵀ I⁻¹ s / φ).

use nelder_device::Dd;

use super::replicates::{Replicated, WholeFit};
use crate::model::equations::solution::in_model;
use crate::model::glm::Equations;
use crate::model::{Dispersion, ModelError, Score};
use crate::pass::{Coefficients, LaneSums};
use crate::solve::Variance;

/// Share of the last step's length beyond which a step's matrix is too old.
const SLOW: f64 = 0.05;
/// Length of a step below which a coefficient that still moves by more than [`FAR`] has no maximum.
const SHORT: f64 = 1e-3;
/// A distance in standard errors of the whole fit.
const FAR: f64 = 0.1;
/// Steps that are halved one after the other at most.
const MOST_HALVED: u32 = 12;

/// A replicate under way.
pub(super) struct Climb {
    /// Coefficients in the units of the rows, and those before the last step.
    pub beta: Vec<Dd>,
    before: Vec<Dd>,
    pub equations: Option<Equations>,
    /// Length of the last step.
    length: f64,
    halved: u32,
    /// True if the next pass is to form the information anew.
    pub wants_information: bool,
    /// Once it has ended, true if it converged.
    pub ended: Option<bool>,
}

impl Climb {
    /// At the coefficients of the fit.
    pub fn new(start: &[Dd]) -> Self {
        Climb {
            beta: start.to_vec(),
            before: start.to_vec(),
            equations: None,
            length: f64::INFINITY,
            halved: 0,
            wants_information: true,
            ended: None,
        }
    }

    /// The coefficients by atom, for a pass.
    pub fn by_atom(&self, whole: &WholeFit<'_>) -> Coefficients {
        whole.equations.by_atom(&self.beta)
    }

    /// Takes a step from the sums of a lane; `astray` if a mean left the family's range.
    pub fn step(
        &mut self,
        whole: &WholeFit<'_>,
        (scores, informations, lane): (&LaneSums<'_>, Option<&LaneSums<'_>>, usize),
        astray: bool,
        tolerance: f64,
    ) -> Result<(), ModelError> {
        if astray {
            self.halve();
            return Ok(());
        }
        let fresh = informations.is_some() && (self.wants_information || self.equations.is_none());
        if let (Some(sums), true) = (informations, fresh) {
            self.equations = whole.decided(sums, lane, |_, _| true)?;
            self.wants_information = false;
        }
        let Some(equations) = &self.equations else {
            self.ended = Some(false);
            return Ok(());
        };
        let score = scores.score(lane);
        let correction = equations
            .normal
            .correct(&equations.factor, &equations.map, &Score::of(&score));
        let length = correction.gain.hi.max(0.0).sqrt();
        if !length.is_finite() {
            self.ended = Some(false);
            return Ok(());
        }
        if length > 2.0 * self.length {
            self.halve();
            return Ok(());
        }
        self.wants_information = !fresh && length > SLOW * self.length;
        (self.length, self.halved) = (length, 0);
        let delta = equations
            .normal
            .coefficients(&equations.map, &correction.solution, Dd::ZERO);
        // a step that the likelihood hardly feels, and yet far: the replicate is separated, and its maximum at infinity
        let far = delta.iter().zip(&whole.errors).any(|(d, e)| d.hi.abs() > FAR * e);
        if length < SHORT && far {
            self.ended = Some(false);
            return Ok(());
        }
        self.before = self.beta.clone();
        self.beta.iter_mut().zip(&delta).for_each(|(b, d)| *b += *d);
        if length <= tolerance {
            self.ended = Some(true);
        }
        Ok(())
    }

    /// Goes half of the last step back.
    fn halve(&mut self) {
        self.halved += 1;
        if self.halved > MOST_HALVED {
            self.ended = Some(false);
        }
        for (b, before) in self.beta.iter_mut().zip(&self.before) {
            *b = (*b + *before).scale(0.5);
        }
    }
}

impl WholeFit<'_> {
    /// The coefficients of a replicate; `NaN` where it did not converge.
    pub fn climbed(&self, climb: &Climb, variances: bool, dispersion: Dispersion) -> Replicated {
        let none = vec![f64::NAN; self.scales.len()];
        let (Some(equations), Some(true)) = (&climb.equations, climb.ended) else {
            return Replicated {
                variances: if variances { none.clone() } else { Vec::new() },
                coefficients: none,
            };
        };
        let accepted = in_model(&equations.map, &equations.normal, &equations.factor);
        let scaled = |(v, s): (&Option<Variance>, &f64)| {
            v.as_ref()
                .map_or(f64::NAN, |v| v.value * dispersion.value * s * s)
        };
        Replicated {
            coefficients: self.in_units(&climb.beta, &accepted),
            variances: match variances {
                true => equations
                    .variances()
                    .iter()
                    .zip(&self.scales)
                    .map(scaled)
                    .collect(),
                false => Vec::new(),
            },
        }
    }
}
