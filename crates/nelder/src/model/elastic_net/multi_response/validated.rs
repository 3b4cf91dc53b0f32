//! Paths of several responses and their curves, and the models of folds that these are of.

use super::held_out_rows::Models;
use super::multi_path::MultiPath;
use crate::design::RowCounts;
use crate::model::ModelError;
use crate::model::elastic_net::cross_validation_spec::Alignment;
use crate::model::elastic_net::curve::{Curve, ErrorsOver, FoldErrors};
use crate::model::elastic_net::problem::Problem;
use crate::pass::PassRecord;

/// Paths and curves, and what led to them.
pub(super) struct MultiValidated {
    pub problem: Problem,
    pub counts: RowCounts,
    pub passes: Vec<PassRecord>,
    pub precision: &'static str,
    /// By α, in the units of the data.
    pub grid: Vec<(f64, MultiPath, Curve)>,
    pub over: ErrorsOver,
    /// A sentence where a class has dangerously few rows.
    pub few: Option<String>,
}

/// The models of folds' paths at the λ of the whole path, by fold, λ and response.
pub(super) fn aligned(paths: &[MultiPath], whole: &MultiPath, alignment: Alignment) -> Vec<Vec<Models>> {
    let of = |path: &MultiPath, m: usize| match alignment {
        Alignment::Lambda => path.at(whole.first().steps[m].lambda),
        Alignment::Fraction => {
            let step = |own: &crate::model::elastic_net::Path| {
                let step = &own.steps[m.min(own.len() - 1)];
                (step.intercept, step.coefficients.clone())
            };
            path.responses.iter().map(step).collect()
        }
    };
    let fold = |path: &MultiPath| (0..whole.len()).map(|m| of(path, m)).collect();
    paths.iter().map(fold).collect()
}

/// The curve of a path, with the numbers of columns that have coefficients.
pub(super) fn curve_of(
    path: &MultiPath,
    errors: &[FoldErrors],
    draws: usize,
    over: ErrorsOver,
    weightless: u64,
) -> Curve {
    Curve {
        nonzero: (0..path.len()).map(|m| path.typical_nonzero(m)).collect(),
        ..Curve::new(path.first(), errors, draws, over, weightless)
    }
}

/// Refuses folds whose models have no solution at all.
///
/// # Errors
/// The first of them.
pub(super) fn short_paths(paths: &[MultiPath]) -> Result<(), ModelError> {
    match paths.iter().position(MultiPath::is_empty) {
        None => Ok(()),
        Some(fold) => Err(ModelError::argument(
            "y",
            format!(
                "no model can be fitted to the rows without fold {} of {}: {}",
                fold + 1,
                paths.len(),
                paths[fold].first().end.reason()
            ),
        )),
    }
}
