//! Paths of several responses and their curves, and the models of folds that these are of.

use super::held_out_rows::Models;
use super::multi_path::MultiPath;
use crate::design::RowCounts;
use crate::model::elastic_net::cross_validation_spec::CrossValidationSpec;
use crate::model::elastic_net::curve::{Curve, ErrorsOver, FoldErrors};
use crate::model::elastic_net::held_out_predictors::HeldOutPredictors;
use crate::model::elastic_net::path::Path;
use crate::model::elastic_net::problem::Problem;
use crate::model::elastic_net::validated::{self, model_at};
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
    /// By α, the linear predictors of held-out rows by model and response, where they are kept.
    pub kept: Vec<HeldOutPredictors>,
}

/// The models of folds' paths at the λ of the whole path, and after them those of each mixture with the relaxed fits, by fold, λ and response.
pub(super) fn aligned(
    paths: &[MultiPath],
    whole: &MultiPath,
    spec: &CrossValidationSpec,
) -> Vec<Vec<Models>> {
    let of = |path: &MultiPath, m: usize| -> Models {
        let model = |own: &Path| model_at(own, whole.first(), m, spec.alignment);
        path.responses.iter().map(model).collect()
    };
    let mixtures = spec.mixtures();
    let fold = |path: &MultiPath| {
        let mixed = mixtures.iter().map(|gamma| path.blended(*gamma));
        let all = std::iter::once(path.clone()).chain(mixed);
        all.flat_map(|path| (0..whole.len()).map(move |m| of(&path, m)))
            .collect()
    };
    paths.iter().map(fold).collect()
}

/// The curve of a path, with the numbers of columns that have coefficients.
pub(super) fn curve_of(
    path: &MultiPath,
    errors: &[FoldErrors],
    spec: &CrossValidationSpec,
    over: ErrorsOver,
    weightless: u64,
) -> Curve {
    let (first, draws) = (path.first(), spec.repeats as usize);
    let mut curve = validated::curve_of(first, errors, draws, (over, weightless), (spec, spec.measure));
    curve.nonzero = (0..path.len()).map(|m| path.typical_nonzero(m)).collect();
    for own in curve.relaxed.iter_mut().flat_map(|own| &mut own.curves) {
        own.nonzero.clone_from(&curve.nonzero);
    }
    curve
}
