//! Scores of several coefficient vectors over the same rows: columns are read once, while they are in cache.

use std::sync::Arc;

use nelder_device::kernels::{self, Pair};
use nelder_device::{Input, Output, Runner, vectorized};

use super::membership::Membership;
use crate::design::Block;
use crate::pass::{At, Coefficients, Observed, Scoring, ScoringPlan};

/// Rows that are taken at a time: a column of them, and their predictors and scores under each vector, stay in the first cache.
const RUN: usize = 512;

/// One vector of coefficients: its sums, and columns over the rows of a run.
struct Vector {
    of: Membership,
    at: Arc<Coefficients>,
    sums: Scoring,
    eta: Vec<f64>,
    score: Vec<f64>,
    weight: Vec<f64>,
    deviance: Vec<f64>,
    /// Prior weights, zero for rows that are not its own.
    prior: Vec<f64>,
    /// Xᵀs of the dense columns over the rows of a block.
    dense: Vec<f64>,
}

/// Forms scores and deviances, in double precision, without grams.
pub(super) struct SharedScores {
    plan: Arc<ScoringPlan>,
    step: Runner<f64>,
    vectors: Vec<Vector>,
}

impl SharedScores {
    /// No rows seen, for plans of one family. Prior weights are read in any case.
    pub fn new(plans: &[(Membership, Arc<ScoringPlan>)]) -> Option<Self> {
        let (_, first) = plans.first()?;
        let vector = |(of, plan): &(Membership, Arc<ScoringPlan>)| match &plan.at {
            At::Start => None,
            At::Coefficients(at) => Some(Vector {
                of: *of,
                at: at.clone(),
                sums: Scoring::new(plan),
                eta: vec![0.0; RUN],
                score: vec![0.0; RUN],
                weight: vec![0.0; RUN],
                deviance: vec![0.0; RUN],
                prior: vec![0.0; RUN],
                dense: vec![0.0; plan.atoms.dense],
            }),
        };
        Some(SharedScores {
            step: first.programs.step.runner().unwrap_or_else(|_| Runner::empty()),
            vectors: plans.iter().map(vector).collect::<Option<_>>()?,
            plan: first.clone(),
        })
    }

    /// Takes in the rows of a block, each with its fold.
    pub fn add(&mut self, block: &Block<'_>, folds: &[u32]) {
        let observed = Observed::of(block, self.plan.counts);
        let mut from = 0;
        while from < block.rows {
            let to = (from + RUN).min(block.rows);
            self.run(block, &observed, folds, (from, to));
            from = to;
        }
        for vector in &mut self.vectors {
            for (cell, own) in vector.sums.score.dense.iter_mut().zip(&mut vector.dense) {
                *cell = cell.add_f64(std::mem::take(own));
            }
        }
    }

    fn run(&mut self, block: &Block<'_>, observed: &Observed<'_>, folds: &[u32], (from, to): (usize, usize)) {
        let n = to - from;
        let offset = block.offset.as_ref().filter(|_| self.plan.offset);
        for v in &mut self.vectors {
            match offset {
                None => v.eta[..n].fill(v.at.intercept.hi),
                Some(o) => {
                    let pairs = v.eta[..n].iter_mut().zip(&o[from..to]);
                    pairs.for_each(|(eta, o)| *eta = v.at.intercept.hi + o);
                }
            }
        }
        // 1. η: a column at a time, for all vectors that have it
        for (j, x) in block.dense[..self.plan.atoms.dense].iter().enumerate() {
            let x = &x.high[from..to];
            for v in &mut self.vectors {
                let b = v.at.dense[j].hi;
                if b != 0.0 {
                    add_product(&mut v.eta[..n], x, b);
                }
            }
        }
        for v in &mut self.vectors {
            for (g, table) in v.at.groups.iter().enumerate() {
                let codes = &block.codes[g][from..to];
                for (a, multiplier) in self.plan.atoms.groups[g].multipliers.iter().enumerate() {
                    let x = multiplier.map(|e| &block.dense[e].high[from..to]);
                    for (i, &code) in codes.iter().enumerate() {
                        if let Some(b) = table.cells.get(code as usize * table.width + a) {
                            v.eta[i] += x.map_or(b.hi, |x| x[i] * b.hi);
                        }
                    }
                }
            }
            // 2. W, s, the deviance
            let prior = observed.weight.as_deref().map(|w| &w[from..to]);
            for (i, w) in v.prior[..n].iter_mut().enumerate() {
                let own = folds.is_empty() || v.of.has(folds[from + i]);
                *w = if own { prior.map_or(1.0, |p| p[i]) } else { 0.0 };
            }
            let y = &observed.y[from..to];
            let [trials, rest] =
                [&observed.trials, &observed.rest].map(|c| c.as_ref().map_or(y, |c| &c[from..to]));
            let inputs = [y, &v.eta[..n], &v.prior[..n], trials, rest].map(Input::Real);
            let mut outputs =
                [&mut v.weight, &mut v.score, &mut v.deviance].map(|c| Output::Real(&mut c[..n]));
            if self.step.run(&inputs, n, &mut outputs).is_err() {
                v.deviance[..n].fill(f64::NAN);
            }
            let deviance = &v.deviance[..n];
            v.sums.deviance += kernels::sum(Pair::of(deviance));
            if !v.sums.deviance.hi.is_finite() {
                v.sums.out_of_range |= deviance.iter().any(|d| d.is_nan());
            }
            v.sums.score.ones += kernels::sum(Pair::of(&v.score[..n]));
        }
        // 3. Xᵀs
        for (j, x) in block.dense[..self.plan.atoms.dense].iter().enumerate() {
            let x = &x.high[from..to];
            for v in &mut self.vectors {
                v.dense[j] += kernels::rough_sum(x, Some(&v.score[..n]));
            }
        }
        for v in &mut self.vectors {
            for (g, table) in v.sums.score.groups.iter_mut().enumerate() {
                let codes = &block.codes[g][from..to];
                let Some(&largest) = codes.iter().max() else {
                    continue;
                };
                table.reserve(largest as usize);
                for (a, multiplier) in self.plan.atoms.groups[g].multipliers.iter().enumerate() {
                    let x = multiplier.map(|e| &block.dense[e].high[from..to]);
                    for (i, &code) in codes.iter().enumerate() {
                        let value = x.map_or(v.score[i], |x| x[i] * v.score[i]);
                        let cell = &mut table.cells[code as usize * table.width + a];
                        *cell = cell.add_f64(value);
                    }
                }
            }
        }
    }

    /// The sums of each vector.
    pub fn finish(self) -> Vec<Scoring> {
        self.vectors.into_iter().map(|v| v.sums).collect()
    }
}

/// y += b x.
fn add_product(y: &mut [f64], x: &[f64], b: f64) {
    vectorized(
        #[inline(always)]
        || {
            for (y, x) in y.iter_mut().zip(x) {
                *y = f64::mul_add(*x, b, *y);
            }
        },
    );
}
