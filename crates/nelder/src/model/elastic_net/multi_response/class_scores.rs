//! Scores of a multinomial model's rows: deviance, XᵀW(y − p) of each class, and the second derivatives where they are asked for.

use std::sync::Arc;

use nelder_device::Dd;
use nelder_device::kernels::{self, Pair};
use serde::{Deserialize, Serialize};

use super::held_out_rows::predictor;
use super::observed_rows::ObservedRows;
use super::responses::Responses;
use crate::design::{Block, BlockSchema, CodeMaps, RowError};
use crate::model::elastic_net::folds::Folds;
use crate::model::elastic_net::membership::Membership;
use crate::pass::{
    Coefficients, Gram, GramWorker, Products, ScoreSums, StateError, Statistic, Sum, Worker, travels,
};

/// Scores of several paths in one pass: for each its rows, the coefficients of the classes, and whether second derivatives are wanted.
///
/// With ηₖ = oₖ + xᵀβₖ and p = e^η / Σ e^η, computed about the largest η: the deviance is 2 Σ w Σ yₖ log(yₖ / pₖ), the score of class k
/// Σ w (yₖ − pₖ) x, and −∂²/∂βₖ∂βₘᵀ of half the deviance, for k ≠ m, minus the gram under the weights w pₖ pₘ; the blocks of a row add up to zero.
pub(super) struct ClassScores<'a> {
    pub folds: &'a Folds,
    pub responses: &'a Responses,
    /// Of rows without responses.
    pub atoms: &'a BlockSchema,
    pub plans: Vec<ClassPlan>,
    /// True if products of scores are formed in double precision, not in twice that.
    pub rough: bool,
}

/// Sums that are wanted for one path.
#[derive(Clone)]
pub(super) struct ClassPlan {
    /// Rows that the path is of.
    pub of: Membership,
    /// Coefficients by class.
    pub at: Arc<Vec<Coefficients>>,
    /// True if second derivatives are wanted.
    pub curvature: bool,
}

/// Sums of one path.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ClassScore {
    /// 2 Σ w Σ yₖ log(yₖ / pₖ).
    pub deviance: Dd,
    /// By class.
    pub scores: Vec<ScoreSums>,
    /// By pair of classes (1, 0), (2, 0), (2, 1), …: the gram under w pₖ pₘ. Empty where it is not wanted.
    pub grams: Vec<Gram>,
}

impl Sum for ClassScore {
    travels!();

    fn recode(&mut self, maps: &CodeMaps) -> Result<(), StateError> {
        self.scores.iter_mut().try_for_each(|score| score.recode(maps))?;
        self.grams.iter_mut().try_for_each(|gram| gram.recode(maps))
    }

    fn merge(&mut self, other: Self) {
        self.deviance += other.deviance;
        self.scores
            .iter_mut()
            .zip(&other.scores)
            .for_each(|(a, b)| a.merge(b));
        self.grams
            .iter_mut()
            .zip(other.grams)
            .for_each(|(a, b)| a.merge(b));
    }
}

/// Takes in rows for each path that they are in.
pub(super) struct ClassScoresWorker<'a> {
    of: &'a ClassScores<'a>,
    worker: GramWorker,
    sums: Vec<ClassScore>,
    of_rows: Vec<u32>,
    /// By class: η, then probabilities; and scores.
    eta: Vec<Vec<f64>>,
    score: Vec<Vec<f64>>,
    deviance: Vec<f64>,
    weight: Vec<f64>,
}

impl Statistic for ClassScores<'_> {
    type Sum = Vec<ClassScore>;
    type Worker<'w>
        = ClassScoresWorker<'w>
    where
        Self: 'w;

    fn worker(&self, _: &BlockSchema) -> ClassScoresWorker<'_> {
        let classes = self.responses.names.len();
        let none = |plan: &ClassPlan| ClassScore {
            deviance: Dd::ZERO,
            scores: vec![ScoreSums::new(self.atoms); classes],
            grams: match plan.curvature {
                true => vec![Gram::new(self.atoms, Products::Stepping); classes * (classes - 1) / 2],
                false => Vec::new(),
            },
        };
        ClassScoresWorker {
            of: self,
            worker: GramWorker::new(self.atoms, Products::Stepping),
            sums: self.plans.iter().map(none).collect(),
            of_rows: Vec::new(),
            eta: vec![Vec::new(); classes],
            score: vec![Vec::new(); classes],
            deviance: Vec::new(),
            weight: Vec::new(),
        }
    }
}

impl Worker for ClassScoresWorker<'_> {
    type Sum = Vec<ClassScore>;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        let of = self.of;
        let observed = of.responses.of_rows(block)?;
        let all = of.plans.iter().all(|plan| plan.of == Membership::All);
        match all {
            true => self.of_rows.resize(block.rows, 0),
            false => of.folds.of_block(block, &mut self.of_rows)?,
        }
        for (at, plan) in of.plans.iter().enumerate() {
            for (k, coefficients) in plan.at.iter().enumerate() {
                coefficients.check(block)?;
                self.eta[k].resize(block.rows, 0.0);
                predictor(of.atoms, block, coefficients, &mut self.eta[k]);
                if let Some(offset) = observed.offsets.get(k) {
                    self.eta[k].iter_mut().zip(offset).for_each(|(e, o)| *e += o);
                }
            }
            // rows of other folds weigh nothing
            self.weight.clone_from(&observed.weight);
            for (w, fold) in self.weight.iter_mut().zip(&self.of_rows) {
                if !plan.of.has(*fold) {
                    *w = 0.0;
                }
            }
            self.rows(&observed);
            self.add(at, block);
        }
        Ok(())
    }

    fn finish(self) -> Vec<ClassScore> {
        self.sums
    }
}

impl ClassScoresWorker<'_> {
    /// Probabilities in the place of η, scores and deviances of rows, under their weights.
    fn rows(&mut self, observed: &ObservedRows) {
        let (classes, n) = (self.eta.len(), self.weight.len());
        self.deviance.clear();
        self.score.iter_mut().for_each(|s| s.resize(n, 0.0));
        for i in 0..n {
            let w = self.weight[i];
            let most = self.eta.iter().map(|e| e[i]).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = self.eta.iter().map(|e| (e[i] - most).exp()).sum();
            let whole = most + sum.ln();
            let mut deviance = 0.0;
            for k in 0..classes {
                let (y, eta) = (observed.y[k][i], self.eta[k][i]);
                if y > 0.0 {
                    deviance += y * (y.ln() - (eta - whole));
                }
                let p = (eta - most).exp() / sum;
                self.score[k][i] = w * (y - p);
                self.eta[k][i] = p;
            }
            self.deviance.push(if w > 0.0 { 2.0 * w * deviance } else { 0.0 });
        }
    }

    /// Adds the rows of a block to the sums of a plan.
    fn add(&mut self, at: usize, block: &Block<'_>) {
        let of = self.of;
        let sums = &mut self.sums[at];
        sums.deviance += kernels::sum(Pair::of(&self.deviance));
        for (sum, score) in sums.scores.iter_mut().zip(&self.score) {
            sum.add(of.atoms, block, Pair::of(score), of.rough);
        }
        if sums.grams.is_empty() {
            return;
        }
        let mut rows = block.design(0, block.rows);
        let mut pair = 0;
        for k in 1..self.eta.len() {
            for m in 0..k {
                let products = self.eta[k].iter().zip(&self.eta[m]).zip(&self.weight);
                rows.weights = Some(products.map(|((p, q), w)| w * p * q).collect());
                self.worker.swap(&mut sums.grams[pair]);
                self.worker.add(&rows);
                self.worker.flush();
                self.worker.swap(&mut sums.grams[pair]);
                pair += 1;
            }
        }
    }
}
