//! Working quantities of a fit by scoring, one a row: means, weights, residuals of every kind.

use std::borrow::Cow;

use nelder_device::kernels::Pair;

use super::Coefficients;
use super::observed::Observed;
use super::residual::{differences_of, residuals_of};
use super::scoring::run_program;
use crate::design::{Block, BlockSchema, Numbers};
use crate::family::Programs;

/// Working quantities of the rows of a block: predictors, means, weights, residuals.
#[derive(Clone, Debug, Default)]
pub struct Working {
    /// Linear predictors with the offset.
    pub eta: Vec<f64>,
    /// Means.
    pub mu: Vec<f64>,
    /// dμ/dη.
    pub slope: Vec<f64>,
    /// Prior weights times trials; empty when all are one.
    pub prior: Vec<f64>,
    /// Working weights W.
    pub weight: Vec<f64>,
    /// Working residuals (y − μ) dη/dμ.
    pub residual: Vec<f64>,
    /// Responses.
    pub response: Vec<f64>,
    /// Deviance residuals.
    pub deviance: Vec<f64>,
    /// Pearson residuals.
    pub pearson: Vec<f64>,
}

/// η of the rows of a block with the offset, and dμ/dη with μ: what a prediction needs.
pub fn means(
    programs: &Programs,
    atoms: &BlockSchema,
    block: &Block<'_>,
    coefficients: &Coefficients,
) -> Working {
    let n = block.rows;
    let zero: Vec<f64> = match &block.offset {
        None => vec![0.0; n],
        Some(o) => o.iter().map(|o| -o).collect(),
    };
    let (mut high, mut low) = (Vec::new(), Vec::new());
    residuals_of(atoms, block, Pair::of(&zero), coefficients, &mut high, &mut low);
    let eta: Vec<f64> = high.iter().map(|h| 0.0 - h).collect();
    let (mut mu, mut slope) = (vec![0.0; n], vec![0.0; n]);
    run_program(
        &programs.inverse_link,
        &[&eta, &eta],
        n,
        &mut [&mut mu, &mut slope],
    );
    Working {
        eta,
        mu,
        slope,
        ..Working::default()
    }
}

impl Working {
    /// All of it, for rows with responses.
    pub fn of(
        programs: &Programs,
        atoms: &BlockSchema,
        counts: bool,
        block: &Block<'_>,
        coefficients: &Coefficients,
    ) -> Working {
        let n = block.rows;
        let mut out = means(programs, atoms, block, coefficients);
        let observed = Observed::of(block, counts);
        let y = observed.y.as_ref();
        let w = observed.weight.as_deref().unwrap_or(y);
        let trials = observed.trials.as_deref().unwrap_or(y);
        let rest = observed.rest.as_deref().unwrap_or(y);
        let mut columns: [Vec<f64>; 10] = std::array::from_fn(|_| vec![0.0; n]);
        // least squares: the residual in twice the precision stands for y, and 0 for η
        let (mut high, mut low) = (Vec::new(), Vec::new());
        let zeros;
        let row = if programs.family.is_of_residuals() {
            let offset = block.offset.as_deref();
            differences_of(atoms, block, (y, offset), coefficients, &mut high, &mut low);
            zeros = vec![0.0; n];
            [&high[..], &zeros]
        } else {
            [y, &out.eta]
        };
        run_program(
            &programs.finish,
            &[row[0], row[1], w, trials, rest],
            n,
            &mut columns.each_mut(),
        );
        let [weight, score, _, pearson, _, _, _, deviance, ..] = &mut columns;
        out.response = y.to_vec();
        out.prior = observed.weight.as_ref().map_or_else(Vec::new, |w| w.to_vec());
        out.residual = (0..n)
            .map(|i| match weight[i] >= f64::MIN_POSITIVE / f64::EPSILON {
                true => score[i] / weight[i],
                // a row of no weight still has a working residual
                false => programs.family.working_residual(row[0][i], row[1][i]),
            })
            .collect();
        out.pearson = (0..n).map(|i| pearson[i].sqrt().copysign(deviance[i])).collect();
        out.weight = std::mem::take(weight);
        out.deviance = std::mem::take(deviance);
        out
    }

    /// The same scores under other working weights: residuals s / W.
    pub fn with_weights(mut self, weights: Vec<f64>) -> Working {
        for ((residual, own), weight) in self.residual.iter_mut().zip(&self.weight).zip(&weights) {
            if *own > 0.0 && *weight > 0.0 {
                *residual *= own / weight;
            }
        }
        self.weight = weights;
        self
    }

    /// The block as a weighted linear model sees it: working residuals as the response, working weights as weights.
    pub fn block<'b>(&'b self, block: &'b Block<'_>) -> Block<'b> {
        Block {
            kept: block.kept.clone(),
            excluded: block.excluded.clone(),
            responses: vec![Numbers {
                high: Cow::Borrowed(&self.residual),
                low: None,
            }],
            weights: Some(Cow::Borrowed(&self.weight)),
            ..block.design(0, block.rows)
        }
    }
}
