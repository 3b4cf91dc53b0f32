//! Cross-validation of a path of several responses: `cv.glmnet`.

use std::sync::Arc;

use super::fit::MultiNet;
use super::gaussian_folds::gaussian;
use super::held_out_rows::Models;
use super::multi_path::MultiPath;
use super::multinomial_folds::multinomial;
use super::responses::bind_responses;
use super::spec::{MultiFamily, MultiValidationSpec};
use crate::design::RowCounts;
use crate::frame::Source;
use crate::model::ModelError;
use crate::model::elastic_net::cross_validation_spec::{Alignment, CrossValidationSpec};
use crate::model::elastic_net::curve::{Choice, Curve, ErrorsOver, FoldErrors};
use crate::model::elastic_net::problem::Problem;
use crate::pass::{PassRecord, Run};

/// A cross-validated path of several responses.
pub struct MultiValidation<'s> {
    /// Specification.
    pub spec: MultiValidationSpec,
    /// The path of all rows, of the α whose error is least.
    pub fit: MultiNet<'s>,
    /// Its error by λ.
    pub curve: Curve,
    /// The same for each α, where several were asked for, in their order.
    pub grid: Vec<(f64, MultiPath, Curve)>,
}

impl MultiValidation<'_> {
    /// The α whose error is least.
    pub fn alpha(&self) -> f64 {
        self.fit.spec.net.alpha
    }

    /// λ of a choice.
    pub fn lambda(&self, choice: Choice) -> f64 {
        self.curve.lambdas[self.curve.index(choice)]
    }
}

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

/// Cross-validates a path of several responses.
///
/// # Errors
/// Those of [`multi_net`](super::multi_net); folds that are none; too few observations in a fold.
pub fn cross_validate_multi<'s, 'm>(
    spec: &MultiValidationSpec,
    source: impl Source + 's,
    run: impl Into<Run<'m>>,
) -> Result<MultiValidation<'s>, ModelError> {
    let run = run.into();
    spec.folds.check(source.rows())?;
    let (bound, responses) = bind_responses(&spec.model, Arc::new(source))?;
    let bound = bound.at(run.executor);
    bound.rows.keep_blocks();
    let found = match spec.model.family {
        MultiFamily::Gaussian { standardize } => {
            gaussian(spec, &bound, &responses, standardize, run.monitor)?
        }
        MultiFamily::Multinomial { .. } => multinomial(spec, &bound, &responses, run.monitor)?,
    };
    bound.rows.forget_blocks();
    let MultiValidated {
        problem,
        counts,
        passes,
        precision,
        grid,
        over,
        few,
    } = found;
    let least = |(_, _, curve): &(f64, MultiPath, Curve)| curve.errors[curve.best];
    let mut best = 0;
    for (i, one) in grid.iter().enumerate() {
        if least(one) < least(&grid[best]) {
            best = i;
        }
    }
    let (alpha, path, curve) = grid[best].clone();
    let report = problem.report(path.first(), &bound, passes, precision);
    Ok(MultiValidation {
        spec: MultiValidationSpec {
            model: spec.model.clone(),
            folds: CrossValidationSpec {
                over,
                ..spec.folds.clone()
            },
        },
        fit: MultiNet {
            spec: spec.model.alpha(alpha),
            bound,
            columns: problem.into_columns(),
            responses: responses.names,
            path,
            counts,
            report,
            few,
        },
        curve,
        grid: if grid.len() > 1 { grid } else { Vec::new() },
    })
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
