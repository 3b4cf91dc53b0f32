//! Rows of a Cox model in memory, by stratum and time, and passes over them.

use std::time::Instant;

use nelder_device::Dd;
use rayon::prelude::*;

use super::folds::Folds;
use super::gathered_rows::gathered;
use super::moments::ColumnMoments;
use super::newton_rows::NewtonRows;
use super::partial_likelihood::{PartialLikelihood, Ties};
use super::problem::Problem;
use super::risk_sets::{RiskSets, SurvivalTimes};
use super::survival_response::survival_times;
use crate::design::{Block, BlockSchema, Numbers, RowCounts};
use crate::frame::Scan;
use crate::model::equations::ladder::{first_products, rows_left};
use crate::model::{Accuracy, ModelError, ModelFrame};
use crate::pass::{
    Coefficients, Gram, GramStatistic, Monitor, PassError, PassRecord, Products, Statistic, Sum, Worker,
    predictor_of,
};

/// Rows that a thread takes at a time.
pub(super) const RUN: usize = 4096;

/// Rows of a Cox model, by stratum and time.
pub(super) struct CoxRows {
    /// The atoms of the columns.
    pub atoms: BlockSchema,
    /// The columns.
    pub block: Block<'static>,
    /// Prior weights.
    pub weights: Vec<f64>,
    offset: Option<Vec<f64>>,
    /// Their times.
    pub times: SurvivalTimes,
    /// When they are at risk.
    pub sets: RiskSets,
    /// Positions in the source.
    pub source: Vec<u64>,
    /// The gram of the columns under the prior weights.
    pub gram: Gram,
    /// Rows that were read, used and left out.
    pub counts: RowCounts,
    /// The passes so far.
    pub passes: Vec<PassRecord>,
    /// Treatment of events at the same time.
    pub ties: Ties,
    /// True if scores are summed in twice the precision.
    pub exact: bool,
}

/// The rows of a path: some of those in memory, the others with weight zero.
#[derive(Clone)]
pub(super) struct CoxPart {
    /// Their partial likelihood.
    pub likelihood: PartialLikelihood,
    /// Sums that do not change along a path.
    pub sums: NewtonRows,
}

impl CoxRows {
    /// Gathers the rows, and forms the gram of their columns, for so many paths over some of them.
    ///
    /// # Errors
    /// Times and statuses that are none, with their row; no event; rows that have no room; those of a pass.
    pub fn new(
        bound: &ModelFrame<'_>,
        monitor: &dyn Monitor,
        accuracy: Accuracy,
        (ties, exact): (Ties, bool),
        paths: usize,
    ) -> Result<Self, ModelError> {
        let (mut blocks, counts, records) = gathered(bound, monitor, paths)?;
        rows_left(&counts, bound)?;
        let (times, source) = survival_times(bound, &blocks)?;
        let order = times.order();
        let times = times.gathered(&order);
        let weights = column(&mut blocks, &order, |b| b.weights.take().map(|w| w.into_owned()));
        let mut rows = CoxRows {
            atoms: BlockSchema {
                responses: 0,
                ..bound.rows.layout().atoms.clone()
            },
            weights: weights.unwrap_or_else(|| vec![1.0; order.len()]),
            offset: column(&mut blocks, &order, |b| b.offset.take()),
            sets: RiskSets::new(&times),
            times,
            source: order.iter().map(|&i| source[i as usize]).collect(),
            block: ordered(&mut blocks, &order),
            gram: Gram::new(&BlockSchema::default(), Products::Rounded),
            counts,
            passes: bound.passes.iter().cloned().chain(records).collect(),
            ties,
            exact,
        };
        let start = Instant::now();
        let products = first_products(bound, accuracy);
        rows.gram = rows.gram_of(&rows.block, &rows.weights, products);
        rows.record("columns", start);
        Ok(rows)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Notes a pass over the rows in memory.
    pub fn record(&mut self, name: &str, start: Instant) {
        let scan = Scan {
            rows: self.len() as u64,
            ..Scan::default()
        };
        self.passes.push(PassRecord::on_cpu(name, "f64", scan, start));
    }

    /// Takes the weighted means off the dense columns that are columns of the model, once no gram of the columns as they are is wanted
    /// any more: it changes no risk beside another, and predictors then round by the columns' deviations.
    pub fn centre(&mut self) {
        let weight = self.gram.weight;
        for (j, x) in self.block.dense[..self.atoms.dense].iter_mut().enumerate() {
            let mean = self.gram.sums[j] / weight;
            let low = x.low.take();
            for (i, v) in x.high.to_mut().iter_mut().enumerate() {
                let own = Dd::two_sum(*v, low.as_ref().map_or(0.0, |l| l[i]));
                *v = (own - mean).hi;
            }
        }
    }

    /// The gram of some rows' columns under weights.
    pub fn gram_of(&self, block: &Block<'_>, weights: &[f64], products: Products) -> Gram {
        let statistic = GramStatistic { products };
        // as many grams at a time as a pass over a source has
        let threads = rayon::current_num_threads();
        let part = block.rows.div_ceil(threads).next_multiple_of(RUN);
        let parts: Vec<usize> = (0..block.rows).step_by(part.max(RUN)).collect();
        let sums = parts.into_par_iter().map(|from| {
            let mut worker = statistic.worker(&self.atoms);
            let last = (from + part).min(block.rows);
            for from in (from..last).step_by(RUN) {
                let to = (from + RUN).min(last);
                let mut run = block.design(from, to);
                run.weights = Some((&weights[from..to]).into());
                // a gram looks at no row that could be wrong
                let _ = worker.update(&run);
            }
            worker.finish()
        });
        let sums: Vec<Gram> = sums.collect();
        let mut all = Gram::new(&self.atoms, products);
        sums.into_iter().for_each(|own| all.merge(own));
        all
    }

    /// Rows of a path: with these weights, and the gram of the columns under them.
    pub fn part(&self, problem: &Problem, weights: Vec<f64>, gram: &Gram) -> CoxPart {
        let likelihood = PartialLikelihood::new(&self.sets, self.ties, weights);
        let mut columns = ColumnMoments::new(gram, &problem.columns.map);
        // there is no intercept, and the columns are about their means
        columns.means.iter_mut().for_each(|m| *m = 0.0);
        let weight = columns.weight;
        CoxPart {
            sums: NewtonRows {
                share: likelihood.weight_of_events() / weight,
                weight,
                columns,
                start: 0.0,
            },
            likelihood,
        }
    }

    /// η of all rows.
    pub fn predictors(&self, at: &Coefficients) -> Vec<f64> {
        let mut eta = self.linear(at);
        if let Some(offset) = &self.offset {
            eta.iter_mut().zip(offset).for_each(|(e, o)| *e += o);
        }
        eta
    }

    /// Xβ of all rows, without the offset.
    pub fn linear(&self, at: &Coefficients) -> Vec<f64> {
        let mut eta = vec![0.0; self.len()];
        eta.par_chunks_mut(RUN).enumerate().for_each(|(k, eta)| {
            let from = k * RUN;
            predictor_of(&self.atoms, &self.block.design(from, from + eta.len()), at, eta);
        });
        eta
    }

    /// x̄ᵀβ of the means that [`centre`](Self::centre) took off.
    pub fn taken_off(&self, at: &Coefficients) -> f64 {
        let means = self.gram.sums.iter().map(|s| *s / self.gram.weight);
        at.dense.iter().zip(means).map(|(b, mean)| b.hi * mean.hi).sum()
    }

    /// The fold of each row.
    ///
    /// # Errors
    /// A row beyond those that have a fold.
    pub fn folds(&self, folds: &Folds) -> Result<Vec<u32>, ModelError> {
        // drawn folds are shuffled by runs of neighbours
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_by_key(|&i| self.source[i as usize]);
        let mut found = Vec::new();
        let rows = order.iter().map(|&i| self.source[i as usize]);
        folds.of_rows(rows, &mut found).map_err(PassError::Row)?;
        let mut out = vec![0; self.len()];
        for (&i, fold) in order.iter().zip(found) {
            out[i as usize] = fold;
        }
        Ok(out)
    }
}

/// A column of the blocks, which is taken out of them, in an order of the rows.
fn column(
    blocks: &mut [Block<'static>],
    order: &[u32],
    take: impl Fn(&mut Block<'static>) -> Option<Vec<f64>>,
) -> Option<Vec<f64>> {
    let mut all: Vec<f64> = Vec::with_capacity(order.len());
    for block in blocks {
        all.extend(take(block)?);
    }
    Some(order.iter().map(|&i| all[i as usize]).collect())
}

/// The columns of the blocks in an order of the rows, taken out of them one after the other.
fn ordered(blocks: &mut [Block<'static>], order: &[u32]) -> Block<'static> {
    let first = blocks.first().map_or((0, 0), |b| (b.dense.len(), b.codes.len()));
    let mut out = Block {
        rows: order.len(),
        ..Block::default()
    };
    for j in 0..first.0 {
        let part = |b: &mut Block<'static>| Some(std::mem::take(&mut b.dense[j].high).into_owned());
        let high = column(blocks, order, part).unwrap_or_default();
        let any = blocks.iter().any(|b| b.dense[j].low.is_some());
        let part = |b: &mut Block<'static>| {
            let rows = b.rows;
            Some(b.dense[j].low.take().unwrap_or_else(|| vec![0.0; rows]))
        };
        out.dense.push(Numbers {
            high: high.into(),
            low: if any { column(blocks, order, part) } else { None },
        });
    }
    for g in 0..first.1 {
        let mut all: Vec<u32> = Vec::with_capacity(order.len());
        for block in blocks.iter_mut() {
            all.extend(std::mem::take(&mut block.codes[g]).iter());
        }
        out.codes.push(
            order
                .iter()
                .map(|&i| all[i as usize])
                .collect::<Vec<u32>>()
                .into(),
        );
    }
    out
}
