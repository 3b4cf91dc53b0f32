//! Directions of recession: whether a likelihood has a maximum, and where its domain has an inside.
//!
//! A log-likelihood that is concave in η has no maximum exactly where there is a direction γ with Xγ ≠ 0 along which no
//! row's likelihood falls (Albert & Anderson 1984; Konis 2007). For zeros and ones that is a cone: rows at an end of
//! their range move there or stay, all others stay. The point of it in which most rows have moved minimises
//!
//! ```text
//! Σ max(0, 1 − σz)² + K Σ max(0, −σz)² + K Σ z²,   z = Xγ,   K → ∞
//! ```
//!
//! (first sum over rows at an end, second over those that move away from it, last over the others), by Newton's steps,
//! each a weighted least squares of a pass. Violations fall as 1/K where there is such a direction, and stay where
//! there is none: the iterative rectifier of Correia, Guimarães & Zylkin (2019) with all rows' signs.

use nelder_device::Dd;

use super::iteration::{Here, Iteration, plus};
use super::passes::Rows;
use super::step_equations::SolvedStep;
use crate::family::{Programs, Receding};
use crate::model::{ModelError, Score};
use crate::pass::{PassOutputs, Products, Scoring};

/// K for one row, one after the other.
const STIFFNESS: [f64; 3] = [1048576.0, 1099511627776.0, 1125899906842624.0];
/// The violations that may be left with each of them.
const VIOLATION: [f64; 3] = [1e-3, 1e-8, 1e-11];
/// Steps with each of them at most.
const MOST_STEPS: u32 = 40;
/// Heights τ of the barrier at the edge of a domain, in units of a row's deviance.
const HEIGHTS: [f64; 10] = [1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9];
/// Whole steps in a row after which the distance has to be smaller.
const CHAIN: u32 = 6;
/// Lengths of a step that are tried at most.
const MOST_TRIALS: u32 = 20;
/// The tolerance for aliased columns where rows differ by K in weight.
const ALIASED: f64 = 1e-13;
/// A coefficient of a direction that moves no row by more is none.
const MOVES: f64 = 1e-6;

impl Iteration<'_, '_> {
    /// The columns whose coefficients have no estimate: those that some direction of recession moves. `None` where the likelihood
    /// has a maximum, or where that cannot be told.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn recession(&mut self) -> Result<Option<Vec<usize>>, ModelError> {
        let Some(ends) = self.scorer.family.receding().filter(|_| self.held.is_none()) else {
            return Ok(None);
        };
        if ends == Receding::BothEnds && self.passes.moments.rows == 0 {
            return Ok(None);
        }
        let rows = self.passes.moments.rows as f64;
        let mut direction = vec![Dd::ZERO; self.map.columns()];
        for (stiffness, allowed) in STIFFNESS.iter().zip(VIOLATION) {
            let like = (*self.passes.programs()).clone();
            let programs = Programs::recession(ends, self.passes.weighted(), stiffness * rows, like);
            let search = (Rows::WithoutOffset, CHAIN);
            let Some((found, sums)) = self.nearest(&programs, direction, search, |_| false)? else {
                return Ok(None);
            };
            // no row has moved, or one the wrong way
            if sums.likelihood.hi < 0.5 || !(sums.edge >= -allowed) {
                return Ok(None);
            }
            direction = found;
        }
        let mut moved = self.moves(&direction);
        for own in self.cone(ends, &direction)? {
            moved
                .iter_mut()
                .zip(self.moves(&own))
                .for_each(|(all, own)| *all |= own);
        }
        let columns: Vec<usize> = (0..self.map.columns()).filter(|&c| moved[c]).collect();
        Ok((!columns.is_empty()).then_some(columns))
    }

    /// Which coefficients of a direction are not zero but for rounding.
    fn moves(&self, direction: &[Dd]) -> Vec<bool> {
        let size = |c: usize| direction[c].hi.abs() * self.spread.deviations[c];
        let largest = (0..direction.len()).map(size).fold(0.0, f64::max);
        (0..direction.len()).map(|c| size(c) > MOVES * largest).collect()
    }

    /// A basis of the space that the cone of recession spans. A direction inside the cone moves every row that any of its
    /// directions moves; what moves none of the other rows may be added to it, and is in the span. So it is the null space of the
    /// rows that do not move, without what moves no row at all.
    fn cone(&mut self, ends: Receding, inside: &[Dd]) -> Result<Vec<Vec<Dd>>, ModelError> {
        let programs = Programs::unmoved(ends, self.passes.weighted(), (*self.passes.programs()).clone());
        let wanted = PassOutputs {
            gram: Some(Products::Exact),
            ..PassOutputs::default()
        };
        let origin = vec![Dd::ZERO; inside.len()];
        let all = self.distance(&programs, &origin, &wanted, Rows::WithoutOffset)?;
        let Some(all) = self.equations(&all)? else {
            return Ok(Vec::new());
        };
        let in_all = all.accepted();
        let sums = self.distance(&programs, inside, &wanted, Rows::WithoutOffset)?;
        if sums.gram.as_ref().is_none_or(|g| !(g.weight.hi > 0.0)) {
            let unit = |c: usize| {
                let mut out = origin.clone();
                out[c] = Dd::ONE;
                out
            };
            return Ok((0..inside.len()).filter(|&c| in_all[c]).map(unit).collect());
        }
        let Some(unmoved) = self.equations(&sums)? else {
            return Ok(Vec::new());
        };
        let in_unmoved = unmoved.accepted();
        let free = (0..inside.len()).filter(|&c| in_all[c] && !in_unmoved[c]);
        Ok(free.filter_map(|c| unmoved.null_vector(c)).collect())
    }

    /// Coefficients at which all means are in the family's range, and what a pass finds there; `None` where there are none.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn inside(&mut self) -> Result<Option<Here>, ModelError> {
        let moments = self.passes.moments;
        let mean = (moments.response / moments.weight).hi;
        let family = self.passes.family;
        let domain = family.domain(mean);
        let mut centre = family.link(mean);
        if !(centre > domain.0 && centre < domain.1) {
            centre = match (domain.0.is_finite(), domain.1.is_finite()) {
                (true, true) => 0.5 * (domain.0 + domain.1),
                (true, false) => domain.0 + 1.0,
                (false, true) => domain.1 - 1.0,
                (false, false) => 0.0,
            };
        }
        let programs = Programs::interior(
            domain,
            centre,
            self.passes.weighted(),
            (*self.passes.programs()).clone(),
        );
        let start = vec![Dd::ZERO; self.map.columns()];
        let well = |sums: &Scoring| sums.edge > 0.0 && sums.deviance.hi == 0.0;
        let Some((beta, sums)) = self.nearest(&programs, start, (Rows::AsTheyAre, 0), well)? else {
            return Ok(None);
        };
        if !(sums.edge > 0.0) {
            return Ok(None);
        }
        let wanted = self.passes.gram();
        let sums = self.at("inside", Some(&beta), wanted)?;
        Ok(super::iteration::sound(&sums).then_some(Here {
            beta: Some(beta),
            sums,
        }))
    }

    /// Coefficients of the largest likelihood where that is at the edge of the domain, by Newton's steps for the likelihood and a
    /// barrier of falling height, from the inside; `None` where the domain has no end, or the steps fail. The deviance is
    /// then within 2nτ of the least that there is.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn towards_the_edge(&mut self) -> Result<Option<Here>, ModelError> {
        let moments = self.passes.moments;
        let domain = self.passes.family.domain((moments.response / moments.weight).hi);
        if !domain.0.is_finite() && !domain.1.is_finite() {
            return Ok(None);
        }
        let Some(start) = self.inside()? else {
            return Ok(None);
        };
        let unit = self.size_of(start.sums.deviance.hi) / moments.rows as f64;
        let mut beta = start.beta.unwrap_or_default();
        for height in HEIGHTS {
            let programs = Programs::barrier(
                domain,
                height * unit,
                self.passes.weighted(),
                (*self.passes.programs()).clone(),
            );
            let Some((found, sums)) = self.nearest(&programs, beta, (Rows::AsTheyAre, 0), |_| false)? else {
                return Ok(None);
            };
            if !(sums.edge > 0.0) {
                return Ok(None);
            }
            beta = found;
        }
        self.exactly();
        self.again(beta).map(Some)
    }

    /// Where Newton's steps with the observed information lead from coefficients.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn newton(&mut self, beta: Vec<Dd>) -> Result<Option<Here>, ModelError> {
        let all = (f64::NEG_INFINITY, f64::INFINITY);
        let programs = Programs::barrier(
            all,
            0.0,
            self.passes.weighted(),
            (*self.passes.programs()).clone(),
        );
        match self.nearest(&programs, beta, (Rows::AsTheyAre, 0), |_| false)? {
            Some((beta, _)) => self.again(beta).map(Some),
            None => Ok(None),
        }
    }

    /// The equations of a distance's pass and the step that they give; `None` where they fail.
    fn towards(&self, sums: &Scoring, beta: &[Dd]) -> Result<Option<SolvedStep>, ModelError> {
        let Some(gram) = &sums.gram else {
            return Ok(None);
        };
        let Some(equations) = self.equations_of(gram, ALIASED)? else {
            return Ok(None);
        };
        let step = equations.step(&Score::of(&sums.score), beta);
        let sound = step.gain.is_finite() && step.delta.iter().all(|d| d.is_finite());
        Ok(sound.then_some(step))
    }

    /// Whole steps in a row until the distance is smaller than it was, `chain` of them at most. A step across kinks lands where the
    /// curvature of the rows beyond them is known, and the next one from there is right for them: the active sets of a
    /// semismooth Newton method (Hintermüller, Ito & Kunisch 2002).
    fn chase(
        &mut self,
        programs: &Programs,
        (beta, distance): (&[Dd], f64),
        first: &SolvedStep,
        (rows, chain): (Rows, u32),
        wanted: &PassOutputs,
    ) -> Result<Option<(Vec<Dd>, Scoring)>, ModelError> {
        let mut at = plus(beta, &first.delta);
        for _ in 0..chain {
            let there = self.distance(programs, &at, wanted, rows)?;
            if there.deviance.hi < distance {
                return Ok(Some((at, there)));
            }
            let Some(step) = self.towards(&there, &at)? else {
                return Ok(None);
            };
            at = plus(&at, &step.delta);
        }
        Ok(None)
    }

    /// Newton's steps towards the smallest distance, or until a point is `enough`; `None` where the equations fail.
    fn nearest(
        &mut self,
        programs: &Programs,
        start: Vec<Dd>,
        (rows, chain): (Rows, u32),
        enough: impl Fn(&Scoring) -> bool,
    ) -> Result<Option<(Vec<Dd>, Scoring)>, ModelError> {
        let wanted = PassOutputs {
            gram: Some(Products::Exact),
            last: Some(self.scorer.residual_width(&self.passes.moments, 1.0)),
            ..PassOutputs::default()
        };
        let mut beta = start;
        let mut sums = self.distance(programs, &beta, &wanted, rows)?;
        for _ in 0..MOST_STEPS {
            if enough(&sums) {
                break;
            }
            let Some(step) = self.towards(&sums, &beta)? else {
                return Ok(None);
            };
            if step.gain <= 1e-13 * sums.deviance.hi.abs() {
                break;
            }
            let here = (beta.as_slice(), sums.deviance.hi);
            if let Some(next) = self.chase(programs, here, &step, (rows, chain), &wanted)? {
                (beta, sums) = next;
                continue;
            }
            // from a kink the curvature on the other side is not known, and may be K times as large: the parabola through
            // both values and the slope lands near the smallest value there
            let (mut t, mut fell) = (1.0f64, false);
            for _ in 0..MOST_TRIALS {
                let part: Vec<Dd> = step.delta.iter().map(|d| d.mul_f64(t)).collect();
                let next = plus(&beta, &part);
                let there = self.distance(programs, &next, &wanted, rows)?;
                let rise = there.deviance.hi - sums.deviance.hi;
                if rise < 0.0 {
                    (beta, sums, fell) = (next, there, true);
                    break;
                }
                let top = step.gain * t * t / (2.0 * step.gain * t + rise);
                t = if top.is_finite() {
                    top.clamp(1e-20 * t, 0.5 * t)
                } else {
                    0.5 * t
                };
            }
            if !fell {
                break;
            }
        }
        Ok(Some((beta, sums)))
    }
}
