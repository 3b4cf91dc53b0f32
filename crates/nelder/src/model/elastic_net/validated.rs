//! Paths and their curves, and the errors of folds that these are of.

use rayon::prelude::*;

use super::concordance::{Scored, area};
use super::cross_validation_spec::Alignment;
use super::curve::{Curve, ErrorsOver, FoldErrors};
use super::held_out::{ClassRows, HeldOutSums};
use super::measure::Measure;
use super::moments::Moments;
use super::path::{Path, SparseVector};
use super::problem::Problem;
use crate::design::RowCounts;
use crate::model::ModelError;
use crate::pass::PassRecord;

/// Paths and curves, and what led to them.
pub(super) struct Validated {
    pub problem: Problem,
    pub counts: RowCounts,
    pub passes: Vec<PassRecord>,
    pub precision: &'static str,
    /// By α, in the units of the data.
    pub grid: Vec<(f64, Path, Curve)>,
    pub over: ErrorsOver,
    /// The measure that the curves are of.
    pub measure: Measure,
}

/// Refuses folds whose models have no solution at all.
///
/// # Errors
/// The first of them.
pub(super) fn short_paths(paths: &[Path]) -> Result<(), ModelError> {
    match paths.iter().position(Path::is_empty) {
        None => Ok(()),
        Some(fold) => Err(ModelError::argument(
            "y",
            format!(
                "no model can be fitted to the rows without fold {} of {}: {}",
                fold + 1,
                paths.len(),
                paths[fold].end.reason()
            ),
        )),
    }
}

/// The models of folds' paths at the λ of the whole path.
pub(super) fn aligned(paths: &[Path], whole: &Path, alignment: Alignment) -> Vec<Vec<(f64, SparseVector)>> {
    let of = |path: &Path, m: usize| match alignment {
        Alignment::Lambda => path.at(whole.steps[m].lambda),
        Alignment::Fraction => {
            let step = &path.steps[m.min(path.len() - 1)];
            (step.intercept, step.coefficients.clone())
        }
    };
    let fold = |path: &Path| (0..whole.len()).map(|m| of(path, m)).collect();
    paths.iter().map(fold).collect()
}

/// The squared errors of a fold's path on its rows, at the λ of the whole path.
pub(super) fn squared_errors(
    held_out: &Moments,
    path: &Path,
    whole: &Path,
    alignment: Alignment,
    unit: f64,
) -> FoldErrors {
    let models = aligned(std::slice::from_ref(path), whole, alignment);
    let of = |(intercept, coefficients): &(f64, SparseVector)| {
        let entries: Vec<(usize, f64)> = coefficients.entries().collect();
        held_out.squared_error(*intercept, &entries) * unit
    };
    FoldErrors {
        weight: held_out.columns.weight,
        rows: held_out.columns.rows,
        errors: models.iter().flatten().map(of).collect(),
        squares: Vec::new(),
    }
}

/// The errors of folds from sums over their rows, in `unit`.
pub(super) fn errors_of_rows(sums: &HeldOutSums, unit: f64) -> Vec<FoldErrors> {
    let of = |k: usize| {
        let weight = sums.weights[k];
        let per_row = |sums: &[f64], unit: f64| sums.iter().map(|s| s / weight * unit).collect();
        FoldErrors {
            weight,
            rows: sums.rows[k],
            errors: per_row(&sums.losses[k], unit),
            squares: per_row(&sums.squares[k], unit * unit),
        }
    };
    (0..sums.weights.len()).map(of).collect()
}

/// The areas under the curve of folds of two classes, from the predictors of their rows.
///
/// Probabilities that round to the same are ties.
pub(super) fn errors_of_classes(sums: HeldOutSums) -> Vec<FoldErrors> {
    let of = |(k, own): (usize, ClassRows)| {
        let areas = own.predictors.par_iter().map(|eta| {
            let rows = eta.iter().zip(&own.weights).map(|(eta, weights)| Scored {
                score: 1.0 / (1.0 + (-eta).exp()),
                negative: weights[0],
                positive: weights[1],
            });
            area(rows.collect())
        });
        FoldErrors {
            weight: sums.weights[k],
            rows: sums.rows[k],
            errors: areas.collect(),
            squares: Vec::new(),
        }
    };
    sums.classes.into_iter().enumerate().map(of).collect()
}
