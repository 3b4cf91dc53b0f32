//! Coefficients of replicates from their sums, by the equations of the model at the columns of the whole fit.

use crate::design::{BlockSchema, Columns};
use crate::model::Score;
use crate::model::equations::solution::{Solver, in_model};
use crate::model::glm::{Equations, StepColumns};
use crate::model::{FittedEquations, ModelError, Regression};
use crate::pass::{Gram, LanePlan, LaneSums, Products};

use nelder_device::Dd;

/// Pivot of the scaled equations below which they are factored in twice the precision: above it, two of the sixteen digits are lost.
const LEAST_PIVOT: f64 = 1e-2;

/// The coefficients of a replicate.
#[derive(Clone, Debug)]
pub(super) struct Replicated {
    /// By column, in the units of the data; `NaN` where aliased.
    pub coefficients: Vec<f64>,
    /// Their variances under the model; empty unless asked for.
    pub variances: Vec<f64>,
}

/// Share of Σ w (y − ȳ)² below which a residual sum of squares is rounding of double precision.
const EXACT: f64 = 64.0 * f64::EPSILON;

/// Parts of the whole fit that replicates share.
pub(super) struct WholeFit<'a> {
    pub columns: &'a Columns,
    pub equations: FittedEquations<'a>,
    pub tol: f64,
    /// Powers of two that take coefficients to the units of the data.
    pub scales: Vec<f64>,
    /// Standard errors over the root of the dispersion, in the units of the rows; `NaN` where aliased.
    pub errors: Vec<f64>,
    rows: u64,
}

impl<'a> WholeFit<'a> {
    /// The parts of a fit.
    pub fn of<R: Regression + ?Sized>(fit: &'a R) -> Self {
        let equations = fit.equations();
        let atoms = equations.gram.atoms();
        let response = equations
            .scales
            .get(atoms.dense + atoms.extra)
            .copied()
            .unwrap_or(1.0);
        WholeFit {
            columns: fit.columns(),
            scales: equations.column_scales().iter().map(|s| s / response).collect(),
            errors: (equations.variances.iter().zip(equations.column_scales()))
                .map(|(v, s)| v.sqrt() * response / s)
                .collect(),
            equations,
            tol: fit.design().tolerance(),
            rows: fit.nobs(),
        }
    }

    /// The plan of the sums of second order, about the means of the fit.
    pub fn plan(&self) -> LanePlan {
        let gram = self.equations.gram;
        let codes: Vec<usize> = gram.groups.iter().map(|table| table.codes()).collect();
        LanePlan::second_order(gram.atoms(), &codes, &centres(gram))
    }

    /// The plan of the sums of first order.
    pub fn first_plan(&self) -> LanePlan {
        let gram = self.equations.gram;
        let codes: Vec<usize> = gram.groups.iter().map(|table| table.codes()).collect();
        LanePlan::first_order(gram.atoms(), &codes, &centres(gram))
    }

    /// The coefficients of the fit in the units of the rows; 0 where aliased.
    pub fn start(&self, coefficients: &[f64]) -> Vec<Dd> {
        let own = coefficients.iter().zip(&self.scales);
        own.map(|(b, s)| if b.is_nan() { Dd::ZERO } else { Dd::from(b / s) })
            .collect()
    }

    /// Coefficients in the units of the data, `NaN` where `accepted` is not true.
    pub fn in_units(&self, beta: &[Dd], accepted: &[bool]) -> Vec<f64> {
        let own = beta.iter().zip(&self.scales).zip(accepted);
        own.map(|((b, s), &accepted)| if accepted { b.hi * s } else { f64::NAN })
            .collect()
    }

    /// The coefficients of the response ŷ + e* from the score Xᵀ W e* of a lane: β̂ + (Xᵀ W X)⁻¹ Xᵀ W e*.
    pub fn moved(&self, start: &[Dd], sums: &LaneSums<'_>, lane: usize) -> Replicated {
        let FittedEquations {
            map,
            normal,
            factor,
            aliased,
            ..
        } = self.equations;
        let score = sums.score(lane);
        let correction = normal.correct(factor, map, &Score::of(&score));
        let step = normal.coefficients(map, &correction.solution, Dd::ZERO);
        let beta: Vec<Dd> = start.iter().zip(&step).map(|(b, d)| *b + *d).collect();
        let accepted: Vec<bool> = aliased.iter().map(|aliased| !aliased).collect();
        Replicated {
            coefficients: self.in_units(&beta, &accepted),
            variances: Vec::new(),
        }
    }

    /// The coefficients under the weights of a lane of sums of second order.
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`].
    pub fn solve(&self, sums: &LaneSums<'_>, lane: usize, variances: bool) -> Result<Replicated, ModelError> {
        // the sums are about the means, but columns of codes are not: collinear ones want a factor in twice the precision
        let sound = |e: &Equations, products: Products| {
            products == Products::Exact || e.factor.pivots.iter().all(|p| *p > LEAST_PIVOT)
        };
        if let Some(equations) = self.decided(sums, lane, sound)? {
            return Ok(self.solved(&equations, variances));
        }
        let none = vec![f64::NAN; self.scales.len()];
        Ok(Replicated {
            variances: if variances { none.clone() } else { Vec::new() },
            coefficients: none,
        })
    }

    /// The equations of a lane of sums of second order, first judged as rounded and then as exact; `None` where neither decides, or is `sound`.
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`].
    pub fn decided(
        &self,
        sums: &LaneSums<'_>,
        lane: usize,
        sound: impl Fn(&Equations, Products) -> bool,
    ) -> Result<Option<Equations>, ModelError> {
        for products in [Products::Rounded, Products::Exact] {
            let of = StepColumns {
                columns: self.columns,
                map: self.equations.map,
                held: None,
                aliased: self.equations.aliased,
            };
            let solver = Solver {
                tol: self.tol,
                device: None,
            };
            let found = Equations::new(&sums.gram(lane, products), of, solver)?;
            if let Some(equations) = found.filter(|e| sound(e, products)) {
                return Ok(Some(equations));
            }
        }
        Ok(None)
    }

    fn solved(&self, equations: &Equations, variances: bool) -> Replicated {
        let (normal, map) = (&equations.normal, &equations.map);
        let solution = normal.solve(&equations.factor, 0);
        let beta = normal.coefficients(map, &solution, normal.response_means[0]);
        let accepted = in_model(map, normal, &equations.factor);
        let coefficients = self.in_units(&beta, &accepted);
        let rank = accepted.iter().filter(|a| **a).count() as u64;
        let mut out = Replicated {
            coefficients,
            variances: Vec::new(),
        };
        if variances {
            let left = normal.residual_squares(0, &solution);
            // of a replicate that fits exactly, as of as many different rows as coefficients, rounding is left
            let left = if left > EXACT * normal.total[0].hi {
                left
            } else {
                0.0
            };
            let dispersion = left / self.rows.saturating_sub(rank) as f64;
            let of = |(v, s): (&Option<crate::solve::Variance>, &f64)| {
                v.as_ref().map_or(f64::NAN, |v| v.value * dispersion * s * s)
            };
            out.variances = equations.variances().iter().zip(&self.scales).map(of).collect();
        }
        out
    }
}

/// A number near the mean of each dense and extra column and response: their weighted means in the fit.
fn centres(gram: &Gram) -> Vec<f64> {
    let atoms: &BlockSchema = gram.atoms();
    let z = atoms.dense + atoms.responses;
    let mean = |j: usize| gram.sums[j].hi / gram.weight.hi;
    let of_extra = |e: usize| {
        let places = atoms.groups.iter().zip(&gram.groups);
        let found = places.filter_map(|(group, table)| {
            let a = group.multipliers.iter().position(|m| *m == Some(e))?;
            let cells = (0..table.codes()).filter_map(|code| table.row(code).get(a * (1 + z)));
            Some(cells.map(|cell| cell.hi).sum::<f64>() / gram.weight.hi)
        });
        found.into_iter().next().unwrap_or(0.0)
    };
    let dense = (0..atoms.dense).map(mean);
    let extra = (atoms.dense..atoms.dense + atoms.extra).map(of_extra);
    dense.chain(extra).chain((atoms.dense..z).map(mean)).collect()
}
