//! Errors of held-out rows: each row's loss under the models that were fitted without its fold, at each λ.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use serde::{Deserialize, Serialize};

use super::folds::Folds;
use super::held_out_predictors::FoldPredictors;
use super::measure::Measure;
use super::path::SparseVector;
use super::problem::Problem;
use super::row_losses::{ObservedRows, RowLosses};
use crate::design::{Block, BlockSchema, Room, RowError, human_size};
use crate::family::Programs;
use crate::model::{ModelError, ModelFrame};
use crate::pass::{
    Coefficients, Monitor, Observed, Pass, PassRecord, Session, Statistic, Sum, Worker, travels,
};

/// Rows whose predictors are formed at a time.
const RUN: usize = 256;

/// Rows whose losses are asked for.
pub(super) struct HeldOutRows<'a, 's> {
    pub bound: &'a ModelFrame<'s>,
    pub session: &'a dyn Session,
    pub monitor: &'a dyn Monitor,
    pub programs: &'a Programs,
    /// True if two responses are numbers of successes and of failures.
    pub counts: bool,
    /// True if the rows' offset is part of their predictor; false where it has been subtracted from the response.
    pub offset: bool,
    /// True if the predictors are kept.
    pub keep: bool,
}

/// Models of a fold, by λ: intercept and coefficients.
type Models = Vec<(f64, SparseVector)>;

impl HeldOutRows<'_, '_> {
    /// Sums of the losses under the models of each fold, in the units of the rows.
    ///
    /// # Errors
    /// Those of the pass.
    pub fn losses(
        &self,
        problem: &Problem,
        folds: &Folds,
        measure: Measure,
        models: &[Models],
    ) -> Result<(HeldOutSums, Vec<PassRecord>), ModelError> {
        let order = problem.columns.names.len();
        if measure == Measure::Area || self.keep {
            self.room(models.first().map_or(0, Vec::len))?;
        }
        let of = |(intercept, own): &(f64, SparseVector)| {
            let mut beta = vec![0.0; order];
            beta[0] = *intercept;
            own.entries().for_each(|(j, b)| beta[j + 1] = b);
            problem.coefficients(self.bound, &beta)
        };
        let statistic = HeldOut {
            folds,
            models: models.iter().map(|fold| fold.iter().map(of).collect()).collect(),
            measure,
            counts: self.counts,
            offset: self.offset,
            keep: self.keep,
            programs: self.programs,
        };
        let pass = Pass::new("held-out rows", "f64", &statistic, self.monitor);
        let found = self.session.reduce(&self.bound.rows, pass)?;
        Ok((found.value, found.records))
    }
}

impl HeldOutRows<'_, '_> {
    /// Refuses predictors by row and λ that would be larger than the memory that a fit may take.
    fn room(&self, lambdas: usize) -> Result<(), ModelError> {
        let room = Room::of_machine().bytes();
        let rows = self.bound.rows.source().rows().unwrap_or(0);
        let bytes = 8.0 * rows as f64 * (lambdas + 2) as f64;
        if bytes <= room {
            return Ok(());
        }
        Err(ModelError::argument(
            if self.keep { "keep" } else { "type.measure" },
            format!(
                "the predictors of {rows} rows at {lambdas} lambda, which {} needs in memory, are {}, and a fit may take {}; ask for fewer lambda, or \
                 for another measure",
                if self.keep { "keep" } else { "auc" },
                human_size(bytes),
                human_size(room)
            ),
        ))
    }
}

/// Losses of held-out rows, as a statistic.
struct HeldOut<'a> {
    pub folds: &'a Folds,
    /// By fold and λ, coefficients by atom.
    pub models: Vec<Vec<Coefficients>>,
    pub measure: Measure,
    /// True if two responses are numbers of successes and of failures.
    pub counts: bool,
    /// True if the rows' offset is part of their predictor.
    pub offset: bool,
    /// True if the predictors are kept.
    pub keep: bool,
    /// The family's programs.
    pub programs: &'a Programs,
}

/// Sums of losses of held-out rows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct HeldOutSums {
    /// By fold, Σ w.
    pub weights: Vec<f64>,
    /// By fold, rows.
    pub rows: Vec<u64>,
    /// By fold and λ, Σ w loss.
    pub losses: Vec<Vec<f64>>,
    /// By fold and λ, Σ w loss².
    pub squares: Vec<Vec<f64>>,
    /// By fold, its rows with their predictors, for a measure of all of them together.
    pub classes: Vec<ClassRows>,
    /// By fold, the predictors of its rows, where they are kept.
    pub kept: Vec<FoldPredictors>,
}

/// Rows of two classes with their predictors.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ClassRows {
    /// Weights in the first and in the second class.
    pub weights: Vec<[f64; 2]>,
    /// By λ, η of the rows.
    pub predictors: Vec<Vec<f64>>,
}

impl HeldOutSums {
    /// No rows seen, for the numbers of λ of each fold.
    pub fn new(lambdas: impl Iterator<Item = usize> + Clone) -> Self {
        let by_lambda = || lambdas.clone().map(|m| vec![0.0; m]).collect();
        let folds = lambdas.clone().count();
        HeldOutSums {
            weights: vec![0.0; folds],
            rows: vec![0; folds],
            losses: by_lambda(),
            squares: by_lambda(),
            classes: lambdas
                .clone()
                .map(|m| ClassRows {
                    weights: Vec::new(),
                    predictors: vec![Vec::new(); m],
                })
                .collect(),
            kept: lambdas.map(FoldPredictors::new).collect(),
        }
    }
}

impl Sum for HeldOutSums {
    travels!();

    fn merge(&mut self, other: Self) {
        let add = |a: &mut Vec<f64>, b: &[f64]| a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        add(&mut self.weights, &other.weights);
        self.rows.iter_mut().zip(&other.rows).for_each(|(a, b)| *a += b);
        let pairs = self.losses.iter_mut().zip(&other.losses);
        pairs.for_each(|(a, b)| add(a, b));
        let pairs = self.squares.iter_mut().zip(&other.squares);
        pairs.for_each(|(a, b)| add(a, b));
        for (a, b) in self.classes.iter_mut().zip(other.classes) {
            a.weights.extend(b.weights);
            let by_lambda = a.predictors.iter_mut().zip(b.predictors);
            by_lambda.for_each(|(a, b)| a.extend(b));
        }
        (self.kept.iter_mut().zip(other.kept)).for_each(|(a, b)| a.merge(b));
    }
}

/// Forms the losses of blocks of rows.
struct HeldOutWorker<'a> {
    of: &'a HeldOut<'a>,
    schema: BlockSchema,
    sums: HeldOutSums,
    of_rows: Vec<u32>,
    /// By fold, coefficients of the dense columns: columns x λ.
    dense: Vec<Vec<f64>>,
    losses: RowLosses,
    pack: Vec<f64>,
    eta: Vec<f64>,
    loss: Vec<f64>,
}

impl Statistic for HeldOut<'_> {
    type Sum = HeldOutSums;
    type Worker<'w>
        = HeldOutWorker<'w>
    where
        Self: 'w;

    fn worker(&self, schema: &BlockSchema) -> HeldOutWorker<'_> {
        HeldOutWorker {
            of: self,
            schema: schema.clone(),
            sums: HeldOutSums::new(self.models.iter().map(Vec::len)),
            of_rows: Vec::new(),
            dense: (self.models.iter())
                .map(|fold| fold.iter().flat_map(|m| m.dense.iter().map(|b| b.hi)).collect())
                .collect(),
            losses: RowLosses::new(self.programs, self.measure),
            pack: Vec::new(),
            eta: Vec::new(),
            loss: vec![0.0; RUN],
        }
    }
}

impl Worker for HeldOutWorker<'_> {
    type Sum = HeldOutSums;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        let mut of_rows = std::mem::take(&mut self.of_rows);
        self.of.folds.of_block(block, &mut of_rows)?;
        for fold in 0..self.of.models.len() {
            let own: Vec<u32> = (0..block.rows as u32)
                .filter(|&i| of_rows[i as usize] == fold as u32)
                .collect();
            for rows in own.chunks(RUN) {
                self.take(fold, &block.gathered(rows));
            }
        }
        self.of_rows = of_rows;
        Ok(())
    }

    fn finish(self) -> HeldOutSums {
        self.sums
    }
}

impl HeldOutWorker<'_> {
    /// Takes in rows of one fold.
    fn take(&mut self, fold: usize, rows: &Block<'_>) {
        self.predictors(fold, rows);
        let (of, n) = (self.of, rows.rows);
        let observed = Observed::of(rows, of.counts);
        if of.keep {
            self.keep(fold, rows);
        }
        if of.measure == Measure::Area {
            return self.take_classes(fold, rows, &observed);
        }
        let ones = vec![1.0; n];
        let weight: &[f64] = observed.weight.as_deref().unwrap_or(&ones);
        self.sums.weights[fold] += weight.iter().sum::<f64>();
        self.sums.rows[fold] += n as u64;
        let y = &observed.y[..n];
        let seen = ObservedRows {
            y,
            trials: observed.trials.as_deref().unwrap_or(weight),
            rest: observed.rest.as_deref().unwrap_or(y),
        };
        for m in 0..of.models[fold].len() {
            let loss = &mut self.loss[..n];
            self.losses.at(seen, &mut self.eta[m * n..(m + 1) * n], loss);
            let (mut sum, mut square) = (0.0, 0.0);
            for (w, l) in weight.iter().zip(loss.iter()) {
                sum += w * l;
                square += w * l * l;
            }
            self.sums.losses[fold][m] += sum;
            self.sums.squares[fold][m] += square;
        }
    }

    /// Keeps the predictors of rows of one fold, with their offset.
    fn keep(&mut self, fold: usize, rows: &Block<'_>) {
        let n = rows.rows;
        let kept = &mut self.sums.kept[fold];
        kept.rows.extend((0..n).map(|i| rows.source_row(i)));
        let subtracted = rows.offset.as_ref().filter(|_| !self.of.offset);
        for (m, own) in kept.values.iter_mut().enumerate() {
            let eta = &self.eta[m * n..(m + 1) * n];
            match subtracted {
                None => own.extend_from_slice(eta),
                Some(offset) => own.extend(eta.iter().zip(offset).map(|(e, o)| e + o)),
            }
        }
    }

    /// Keeps the predictors of rows of one fold for a measure of all of them; its weight is that of the rows, whatever they count.
    fn take_classes(&mut self, fold: usize, rows: &Block<'_>, observed: &Observed<'_>) {
        let n = rows.rows;
        let weight = |w: Option<&[f64]>, i: usize| w.map_or(1.0, |w| w[i]);
        self.sums.rows[fold] += n as u64;
        self.sums.weights[fold] += (0..n).map(|i| weight(rows.weights.as_deref(), i)).sum::<f64>();
        let own = &mut self.sums.classes[fold];
        own.weights.extend((0..n).map(|i| {
            let (w, y) = (weight(observed.weight.as_deref(), i), observed.y[i]);
            [w * (1.0 - y), w * y]
        }));
        for (m, eta) in own.predictors.iter_mut().enumerate() {
            eta.extend_from_slice(&self.eta[m * n..(m + 1) * n]);
        }
    }

    /// η of rows by λ: dense columns by one product, codes by their tables.
    fn predictors(&mut self, fold: usize, rows: &Block<'_>) {
        let (n, p) = (rows.rows, self.schema.dense);
        let models = &self.of.models[fold];
        self.eta.resize(n * models.len(), 0.0);
        self.pack.clear();
        rows.dense[..p]
            .iter()
            .for_each(|x| self.pack.extend_from_slice(&x.high));
        for (m, model) in models.iter().enumerate() {
            let eta = &mut self.eta[m * n..(m + 1) * n];
            eta.fill(model.intercept.hi);
            if let Some(offset) = rows.offset.as_ref().filter(|_| self.of.offset) {
                eta.iter_mut().zip(offset).for_each(|(e, o)| *e += o);
            }
            for (g, table) in model.groups.iter().enumerate() {
                for (a, multiplier) in self.schema.groups[g].multipliers.iter().enumerate() {
                    for (i, &code) in rows.codes[g].iter().enumerate() {
                        if let Some(b) = table.cells.get(code as usize * table.width + a) {
                            eta[i] += multiplier.map_or(b.hi, |e| rows.dense[e].high[i] * b.hi);
                        }
                    }
                }
            }
        }
        if p == 0 || n == 0 || models.is_empty() {
            return;
        }
        matmul(
            MatMut::from_column_major_slice_mut(&mut self.eta, n, models.len()),
            Accum::Add,
            MatRef::from_column_major_slice(&self.pack, n, p),
            MatRef::from_column_major_slice(&self.dense[fold], p, models.len()),
            1.0,
            Par::Seq,
        );
    }
}
