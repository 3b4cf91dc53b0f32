//! Linear predictors of held-out rows: each row's by the models that were fitted without its fold.

use serde::{Deserialize, Serialize};

/// Linear predictors of the rows of a fold, as they come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct FoldPredictors {
    /// The rows of the source, from 0.
    pub rows: Vec<u64>,
    /// η by model, in the order of the models.
    pub values: Vec<Vec<f64>>,
}

impl FoldPredictors {
    /// No rows, of so many models.
    pub fn new(models: usize) -> Self {
        FoldPredictors {
            rows: Vec::new(),
            values: vec![Vec::new(); models],
        }
    }

    /// Takes over the rows of another part of the same fold.
    pub fn merge(&mut self, other: FoldPredictors) {
        self.rows.extend(other.rows);
        let pairs = self.values.iter_mut().zip(other.values);
        pairs.for_each(|(own, others)| own.extend(others));
    }
}

/// Linear predictors of all rows by the models without their folds, with their offsets: `fit.preval`, as `keep = TRUE` has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldOutPredictors {
    /// The rows of the source that are in the model, from 0, ascending.
    pub rows: Vec<u64>,
    /// The fold of each, from 0.
    pub folds: Vec<u32>,
    /// η of the rows for each λ of the path of all rows; after these, for each γ of the mixtures with relaxed fits and each λ.
    pub values: Vec<Vec<f64>>,
}

impl HeldOutPredictors {
    /// Of the rows of each fold, in `unit`.
    pub(super) fn new(parts: &[FoldPredictors], unit: f64) -> Self {
        let place = |(fold, part): (u32, &FoldPredictors)| {
            let of = (0..part.rows.len()).map(move |i| (fold, i));
            of.map(|(fold, i)| (part.rows[i], fold, i)).collect::<Vec<_>>()
        };
        let mut order: Vec<(u64, u32, usize)> = (0..).zip(parts).flat_map(place).collect();
        order.sort_unstable();
        let models = parts.first().map_or(0, |part| part.values.len());
        let column = |m: usize| {
            let of = |(_, fold, i): &(u64, u32, usize)| parts[*fold as usize].values[m][*i] * unit;
            order.iter().map(of).collect()
        };
        HeldOutPredictors {
            rows: order.iter().map(|(row, ..)| *row).collect(),
            folds: order.iter().map(|(_, fold, _)| *fold).collect(),
            values: (0..models).map(column).collect(),
        }
    }
}
