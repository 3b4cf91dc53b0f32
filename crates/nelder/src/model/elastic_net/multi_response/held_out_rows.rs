//! Losses of held-out rows of a model of several responses, under the models that were fitted without their folds, at each λ.

use nelder_device::vectorized;

use super::observed_rows::ObservedRows;
use super::responses::Responses;
use crate::design::{Block, BlockSchema, RowError};
use crate::model::ModelFrame;
use crate::model::elastic_net::folds::Folds;
use crate::model::elastic_net::held_out::HeldOutSums;
use crate::model::elastic_net::held_out_predictors::FoldPredictors;
use crate::model::elastic_net::measure::Measure;
use crate::model::elastic_net::path::SparseVector;
use crate::model::elastic_net::problem::Problem;
use crate::model::elastic_net::row_losses::probabilities;
use crate::pass::{Coefficients, Statistic, Worker};

/// Probabilities are kept so far off 0 and 1 where their logarithms are taken: glmnet's `prob_min`.
const LEAST_PROBABILITY: f64 = 1e-5;

/// Losses of held-out rows, as a statistic.
pub(super) struct HeldOutResponses<'a> {
    folds: &'a Folds,
    responses: &'a Responses,
    /// By fold, λ and response, coefficients by atom.
    models: Vec<Vec<Vec<Coefficients>>>,
    measure: Measure,
    keep: bool,
}

impl<'a> HeldOutResponses<'a> {
    /// Of the models of each fold, by λ and response, in the units of the rows; `keep` has their predictors kept, by model and response.
    pub fn new(
        folds: &'a Folds,
        responses: &'a Responses,
        (measure, keep): (Measure, bool),
        models: &[Vec<Models>],
        (problem, bound): (&Problem, &ModelFrame<'_>),
    ) -> Self {
        let order = problem.columns.names.len();
        let of = |(intercept, own): &(f64, SparseVector)| {
            let mut beta = vec![0.0; order];
            beta[0] = *intercept;
            own.entries().for_each(|(j, b)| beta[j + 1] = b);
            problem.coefficients(bound, &beta)
        };
        let at = |models: &Models| models.iter().map(of).collect();
        HeldOutResponses {
            folds,
            responses,
            models: models.iter().map(|fold| fold.iter().map(at).collect()).collect(),
            measure,
            keep,
        }
    }
}

/// Models of the responses at one λ: intercepts and coefficients.
pub(super) type Models = Vec<(f64, SparseVector)>;

/// Forms the losses of blocks of rows.
pub(super) struct HeldOutResponsesWorker<'a> {
    of: &'a HeldOutResponses<'a>,
    schema: BlockSchema,
    sums: HeldOutSums,
    of_rows: Vec<u32>,
    /// η by response; means in their place.
    eta: Vec<Vec<f64>>,
}

impl Statistic for HeldOutResponses<'_> {
    type Sum = HeldOutSums;
    type Worker<'w>
        = HeldOutResponsesWorker<'w>
    where
        Self: 'w;

    fn worker(&self, schema: &BlockSchema) -> HeldOutResponsesWorker<'_> {
        let mut sums = HeldOutSums::new(self.models.iter().map(Vec::len));
        let kept = |models: &Vec<_>| FoldPredictors::new(models.len() * self.responses.names.len());
        sums.kept = self.models.iter().map(kept).collect();
        HeldOutResponsesWorker {
            of: self,
            schema: schema.clone(),
            sums,
            of_rows: Vec::new(),
            eta: vec![Vec::new(); self.responses.names.len()],
        }
    }
}

impl Worker for HeldOutResponsesWorker<'_> {
    type Sum = HeldOutSums;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        self.of.folds.of_block(block, &mut self.of_rows)?;
        for fold in 0..self.of.models.len() {
            let own: Vec<u32> = (0..block.rows as u32)
                .filter(|&i| self.of_rows[i as usize] == fold as u32)
                .collect();
            if !own.is_empty() {
                self.take(fold, &block.gathered(&own))?;
            }
        }
        Ok(())
    }

    fn finish(self) -> HeldOutSums {
        self.sums
    }
}

impl HeldOutResponsesWorker<'_> {
    /// Takes in rows of one fold.
    fn take(&mut self, fold: usize, rows: &Block<'_>) -> Result<(), RowError> {
        let of = self.of;
        let observed = of.responses.of_rows(rows)?;
        self.sums.weights[fold] += observed.weight.iter().sum::<f64>();
        self.sums.rows[fold] += observed.weight.iter().filter(|w| **w > 0.0).count() as u64;
        if of.keep {
            let own = (0..rows.rows).map(|i| rows.source_row(i));
            self.sums.kept[fold].rows.extend(own);
        }
        let mut loss = vec![0.0; rows.rows];
        for (m, models) in of.models[fold].iter().enumerate() {
            for (k, (eta, model)) in self.eta.iter_mut().zip(models).enumerate() {
                eta.resize(rows.rows, 0.0);
                predictor(&self.schema, rows, model, eta);
                if let Some(offset) = observed.offsets.get(k) {
                    eta.iter_mut().zip(offset).for_each(|(e, o)| *e += o);
                }
            }
            if of.keep {
                let places = m * self.eta.len()..(m + 1) * self.eta.len();
                let kept = &mut self.sums.kept[fold].values[places];
                (kept.iter_mut().zip(&self.eta)).for_each(|(own, eta)| own.extend_from_slice(eta));
            }
            if of.responses.classes {
                probabilities(&mut self.eta);
            }
            losses(of.measure, of.responses.classes, &observed, &self.eta, &mut loss);
            for (w, l) in observed.weight.iter().zip(&loss) {
                self.sums.losses[fold][m] += w * l;
                self.sums.squares[fold][m] += w * l * l;
            }
        }
        Ok(())
    }
}

/// η of rows, without offsets; most coefficients are zero.
pub(super) fn predictor(schema: &BlockSchema, rows: &Block<'_>, model: &Coefficients, eta: &mut [f64]) {
    eta.fill(model.intercept.hi);
    vectorized(
        #[inline(always)]
        || {
            for (x, b) in rows.dense.iter().zip(&model.dense).filter(|(_, b)| b.hi != 0.0) {
                for (e, x) in eta.iter_mut().zip(x.high.iter()) {
                    *e = x.mul_add(b.hi, *e);
                }
            }
        },
    );
    for (g, table) in model.groups.iter().enumerate() {
        for (a, multiplier) in schema.groups[g].multipliers.iter().enumerate() {
            for (i, &code) in rows.codes[g].iter().enumerate() {
                if let Some(b) = table.cells.get(code as usize * table.width + a) {
                    eta[i] += multiplier.map_or(b.hi, |e| rows.dense[e].high[i] * b.hi);
                }
            }
        }
    }
}

/// Losses of rows, summed over responses or classes, from responses and means.
fn losses(measure: Measure, classes: bool, observed: &ObservedRows, means: &[Vec<f64>], loss: &mut [f64]) {
    loss.fill(0.0);
    let columns = observed.y.iter().zip(means);
    match measure {
        Measure::Class => {
            for (i, loss) in loss.iter_mut().enumerate() {
                // the first class of the largest probability
                let mut best = 0;
                for k in 1..means.len() {
                    if means[k][i] > means[best][i] {
                        best = k;
                    }
                }
                *loss = 1.0 - observed.y[best][i];
            }
        }
        Measure::Deviance if classes => {
            for (y, p) in columns {
                for (loss, (y, p)) in loss.iter_mut().zip(y.iter().zip(p)) {
                    if *y > 0.0 {
                        *loss += 2.0 * y * (y / p.clamp(LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY)).ln();
                    }
                }
            }
        }
        Measure::Absolute => {
            for (y, mu) in columns {
                for (loss, (y, mu)) in loss.iter_mut().zip(y.iter().zip(mu)) {
                    *loss += (y - mu).abs();
                }
            }
        }
        _ => {
            for (y, mu) in columns {
                for (loss, (y, mu)) in loss.iter_mut().zip(y.iter().zip(mu)) {
                    *loss += (y - mu) * (y - mu);
                }
            }
        }
    }
}
