//! Columns in memory as a penalty sees them: centred, and divided by their deviations.

use rayon::prelude::*;

use super::column::{ResidentColumn, TOGETHER};
use super::rounded::{ReadColumns, RoughScores, RoundedColumns};
use crate::model::elastic_net::moments::{Standardizing, varies};

/// Columns that hold less than one number in so many are sparse.
const SPARSE: usize = 4;

/// Standardized columns x̃ = (x − x̄) / s of rows of some weights.
#[derive(Debug)]
pub(super) struct StandardizedColumns<'a> {
    columns: &'a [ResidentColumn<'a>],
    rounded: &'a RoundedColumns,
    /// √ max w / w₀, of the weights and those of the rounded columns.
    stretch: f64,
    /// x̄, or zero without an intercept.
    pub centers: Vec<f64>,
    /// s; one where columns are not divided.
    pub scales: Vec<f64>,
    /// True for columns that are not constant.
    pub varies: Vec<bool>,
    /// √ Σ w x̃², for weights of sum 1.
    pub norms: Vec<f64>,
}

/// Moments of a column: centre, scale, norm of what is standardized, and if it varies.
type Column = (f64, f64, f64, bool);

impl<'a> StandardizedColumns<'a> {
    /// Of columns under weights of sum 1, which are zero where those of the moments are.
    pub fn new(read: &'a ReadColumns<'a>, weights: &[f64], standardizing: Standardizing) -> Self {
        let ReadColumns {
            columns,
            rounded,
            weights: base,
        } = read;
        let of = |(mean, variance): (f64, f64)| -> Column {
            let varies = varies(variance, mean);
            let center = if standardizing.intercept { mean } else { 0.0 };
            let scale = if standardizing.deviations && varies {
                variance.sqrt()
            } else {
                1.0
            };
            let rest = mean - center;
            (center, scale, (variance + rest * rest).sqrt() / scale, varies)
        };
        let found: Vec<Column> = match read.is_of(weights) {
            true => {
                let moments = rounded.means.iter().zip(&rounded.variances);
                moments.map(|(m, v)| of((*m, *v))).collect()
            }
            false => {
                let moments = columns.par_iter().with_min_len(TOGETHER);
                moments.map(|c| of(c.moments(weights))).collect()
            }
        };
        let ratios = weights.iter().zip(base.iter()).filter(|(w, _)| **w > 0.0);
        StandardizedColumns {
            columns,
            rounded,
            stretch: ratios.map(|(w, base)| w / base).fold(0.0, f64::max).sqrt(),
            centers: found.iter().map(|c| c.0).collect(),
            scales: found.iter().map(|c| c.1).collect(),
            norms: found.iter().map(|c| c.2).collect(),
            varies: found.iter().map(|c| c.3).collect(),
        }
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Σ x̃ⱼ v, where Σ v is `total`.
    pub fn correlation(&self, j: usize, v: &[f64], total: f64) -> f64 {
        self.columns[j].dot(v, total, self.centers[j]) / self.scales[j]
    }

    /// True if there are rounded columns.
    pub fn has_rounded(&self) -> bool {
        self.rounded.is_some()
    }

    /// Σ x̃ⱼ d by rounded columns, each of which is off by [`rough_error`](Self::rough_error) times ‖d / √w‖ at most.
    pub fn rough_correlations(&self, columns: &[usize], scores: &RoughScores, out: &mut [f64]) {
        self.rounded.sums(columns, scores, out);
        for (&j, out) in columns.iter().zip(out) {
            *out = self.rounded.product(j, *out, scores, self.centers[j]) / self.scales[j];
        }
    }

    /// A bound of the error of a correlation with scores of norm 1: √(Σ w e²) / s, of which Σ w e² is at most max w / w₀ times that of the weights w₀.
    pub fn rough_error(&self, j: usize) -> f64 {
        self.stretch * self.rounded.error(j) / self.scales[j]
    }

    /// Bytes of a rounded column.
    pub fn rough_bytes(&self) -> u64 {
        self.rounded.bytes()
    }

    /// x̃ⱼ of each row.
    pub fn write(&self, j: usize, out: &mut [f64]) {
        self.columns[j].standardized(self.centers[j], self.scales[j], out);
    }

    /// Bytes of a column in memory.
    pub fn bytes(&self, j: usize) -> u64 {
        self.columns[j].bytes()
    }

    /// True if most of what the columns would be is zero and not held.
    pub fn is_sparse(&self, rows: usize) -> bool {
        let held: usize = self.columns.iter().map(ResidentColumn::held).sum();
        held * SPARSE < rows * self.len()
    }

    /// Σ x v over the numbers that a column holds, as they are.
    pub fn sum_of(&self, j: usize, v: &[f64]) -> f64 {
        self.columns[j].sum(v)
    }

    /// Σ ω x̃² and Σ ω x, where Σ ω is `total`.
    pub fn weighted(&self, j: usize, weight: &[f64], total: f64) -> (f64, f64) {
        let (square, sum) = self.columns[j].weighted(weight, total, self.centers[j]);
        (square / (self.scales[j] * self.scales[j]), sum)
    }

    /// v ← v + a x and q ← q − a ω x, over the numbers that a column holds.
    pub fn move_along(&self, j: usize, a: f64, weight: &[f64], scores: &mut [f64], images: &mut [f64]) {
        self.columns[j].each(|i, x| {
            images[i] += a * x;
            scores[i] -= a * x * weight[i];
        });
    }
}
