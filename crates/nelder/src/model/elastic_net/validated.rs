//! Paths and their curves, and the errors of folds that these are of.

use rayon::prelude::*;

use super::concordance::{Scored, area};
use super::cross_validation_spec::{Alignment, CrossValidationSpec};
use super::curve::{Curve, ErrorsOver, FoldErrors};
use super::held_out::{ClassRows, HeldOutSums};
use super::held_out_predictors::HeldOutPredictors;
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
    /// By α, the linear predictors of held-out rows, where they are kept.
    pub kept: Vec<HeldOutPredictors>,
}

/// The models of folds' paths at the λ of the whole path, and after them those of each mixture with the relaxed fits, by γ.
pub(super) fn aligned(
    paths: &[Path],
    whole: &Path,
    spec: &CrossValidationSpec,
) -> Vec<Vec<(f64, SparseVector)>> {
    paths.iter().map(|path| aligned_one(path, whole, spec)).collect()
}

/// The models of a path at the λ of the whole path, and those of its mixtures.
fn aligned_one(path: &Path, whole: &Path, spec: &CrossValidationSpec) -> Vec<(f64, SparseVector)> {
    let gammas = spec.mixtures();
    let mixtures = gammas.iter().map(|gamma| path.blended(*gamma));
    let all = std::iter::once(path.clone()).chain(mixtures);
    let models =
        all.flat_map(|path| (0..whole.len()).map(move |m| model_at(&path, whole, m, spec.alignment)));
    models.collect()
}

/// The model of a path at step `m` of the whole path.
pub(super) fn model_at(path: &Path, whole: &Path, m: usize, alignment: Alignment) -> (f64, SparseVector) {
    match alignment {
        Alignment::Lambda => path.at(whole.steps[m].lambda),
        Alignment::Fraction => {
            let step = &path.steps[m.min(path.len() - 1)];
            (step.intercept, step.coefficients.clone())
        }
    }
}

/// The curve of a path, and those of its mixtures with the relaxed fits.
pub(super) fn curve_of(
    path: &Path,
    errors: &[FoldErrors],
    draws: usize,
    (over, weightless): (ErrorsOver, u64),
    (spec, measure): (&CrossValidationSpec, Measure),
) -> Curve {
    Curve::new(path, errors, draws, over, weightless)
        .with_mixtures(path, errors, draws, (over, weightless), &spec.mixtures())
        .chosen_by(measure)
}

/// The squared errors of a fold's path on its rows, at the λ of the whole path.
pub(super) fn squared_errors(
    held_out: &Moments,
    path: &Path,
    whole: &Path,
    spec: &CrossValidationSpec,
    unit: f64,
) -> FoldErrors {
    let models = aligned_one(path, whole, spec);
    let errors = held_out.squared_errors(&models);
    FoldErrors {
        weight: held_out.columns.weight,
        rows: held_out.columns.rows,
        errors: errors.into_iter().map(|e| e * unit).collect(),
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

/// Refuses folds whose models have no solution at all.
pub(super) fn short_paths<'p>(paths: impl ExactSizeIterator<Item = &'p Path>) -> Result<(), ModelError> {
    let folds = paths.len();
    match paths.enumerate().find(|(_, path)| path.is_empty()) {
        None => Ok(()),
        Some((fold, path)) => Err(ModelError::argument(
            "y",
            format!(
                "no model can be fitted to the rows without fold {} of {folds}: {}",
                fold + 1,
                path.end.reason()
            ),
        )),
    }
}

impl ModelError {
    /// The same of a fold's model, with the fold's number, from 0.
    pub(super) fn in_fold(self, k: usize, folds: usize) -> ModelError {
        match self {
            ModelError::Argument { argument, why } => ModelError::Argument {
                argument,
                why: format!("{why}, in the rows without fold {} of {folds}", k + 1),
            },
            other => other,
        }
    }
}

/// The area under the curve of rows of two classes, from their η and their weights in the first and in the second.
pub(super) fn area_of(eta: &[f64], weights: &[[f64; 2]]) -> f64 {
    let rows = eta.iter().zip(weights).map(|(eta, weights)| Scored {
        score: 1.0 / (1.0 + (-eta).exp()),
        negative: weights[0],
        positive: weights[1],
    });
    area(rows.collect())
}

/// The areas under the curve of folds of two classes, from the predictors of their rows.
///
/// Probabilities that round to the same are ties.
pub(super) fn errors_of_classes(sums: HeldOutSums) -> Vec<FoldErrors> {
    let of = |(k, own): (usize, ClassRows)| {
        let areas = own.predictors.par_iter().map(|eta| area_of(eta, &own.weights));
        FoldErrors {
            weight: sums.weights[k],
            rows: sums.rows[k],
            errors: areas.collect(),
            squares: Vec::new(),
        }
    };
    sums.classes.into_iter().enumerate().map(of).collect()
}

/// The α whose error is least, or whose most of a gain is most; the first of several.
pub(super) fn best_of<P>(grid: &[(f64, P, Curve)], measure: Measure) -> usize {
    let sign = if measure.is_gain() { -1.0 } else { 1.0 };
    let least = |(_, _, curve): &(f64, P, Curve)| sign * curve.least();
    let mut best = 0;
    for (i, one) in grid.iter().enumerate() {
        if least(one) < least(&grid[best]) {
            best = i;
        }
    }
    best
}
