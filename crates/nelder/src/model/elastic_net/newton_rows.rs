//! Rows of a path of Newton steps: sums that do not change along it, those that a step wants, and those that a pass found.

use nelder_device::Dd;

use super::moments::ColumnMoments;
use crate::design::{ColumnEncoding, ColumnKind};
use crate::pass::ScoreSums;

/// Coefficients that a pass is wanted at, in the units of the rows.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// By column, the intercept first.
    pub beta: Vec<f64>,
    /// True if the weighted gram is wanted too.
    pub gram: bool,
}

/// Rows of a path: sums that do not change along it.
#[derive(Clone, Debug)]
pub(super) struct NewtonRows {
    /// Moments of the columns under the prior weights.
    pub columns: ColumnMoments,
    /// W, the sum of the prior weights.
    pub weight: f64,
    /// The working weight of a row of weight one at the constant: H there is that times the columns' moments.
    pub share: f64,
    /// The constant to start from.
    pub start: f64,
}

/// Sums over the rows at coefficients.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The deviance; infinite where the coefficients are out of range.
    pub deviance: f64,
    /// Xᵀs by column, the intercept first.
    pub score: Vec<f64>,
    /// Moments of the columns under working weights, and the sum of these over that of the prior weights, where they were wanted.
    pub curvature: Option<(ColumnMoments, f64)>,
}

/// Xᵀs by column of the model matrix, the intercept first.
pub(super) fn by_column(score: &ScoreSums, map: &ColumnEncoding) -> Vec<Dd> {
    let mut out: Vec<Dd> = (map.kinds.iter())
        .map(|kind| match kind {
            ColumnKind::Intercept => score.ones,
            ColumnKind::Dense(e) => score.dense[*e],
            ColumnKind::Coded { .. } => Dd::ZERO,
        })
        .collect();
    for (g, table) in score.groups.iter().enumerate() {
        for code in 0..table.codes() {
            for (a, v) in table.row(code).iter().enumerate() {
                for &(column, value) in map.row(g, a, code) {
                    out[column as usize] += Dd::two_sum(v.hi, v.lo).mul_f64(value);
                }
            }
        }
    }
    out
}
