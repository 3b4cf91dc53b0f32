//! Cross-validation of a path: `cv.glmnet`.
//!
//! A Gaussian model's folds come from one pass: with G the gram of all rows and G_k that of fold k, the model without the fold is
//! fitted to G − G_k, centred and scaled for itself, and its squared error on the fold is a quadratic form in G_k. So a grid of folds
//! and α costs one pass too.

use std::sync::Arc;

use super::cross_validation_spec::CrossValidationSpec;
use super::curve::{Choice, Curve};
use super::fit::{bind_columns, in_names_of};
use super::held_out_predictors::HeldOutPredictors;
use super::path::Path;
use super::report::ElasticNetReport;
use super::resident::ResidentModel;
use super::validated::{Validated, best_of};
use super::{ElasticNet, ElasticNetSpec, cox_folds, gaussian_folds, generalized_folds};
use crate::frame::Source;
use crate::model::{ModelError, ModelFrame};
use crate::pass::Run;

/// A cross-validated path.
pub struct CrossValidation<'s> {
    /// Specification.
    pub spec: CrossValidationSpec,
    /// The path of all rows, of the α whose error is least.
    pub fit: ElasticNet<'s>,
    /// Its error by λ.
    pub curve: Curve,
    /// The same for each α, where several were asked for, in their order.
    pub grid: Vec<(f64, Path, Curve)>,
    /// The linear predictors of held-out rows, where they are kept.
    pub held_out: Option<HeldOutPredictors>,
}

impl CrossValidation<'_> {
    /// The α whose error is least.
    pub fn alpha(&self) -> f64 {
        self.fit.spec.alpha
    }

    /// The record of the computation.
    pub fn report(&self) -> &ElasticNetReport {
        &self.fit.report
    }

    /// λ of a choice.
    pub fn lambda(&self, choice: Choice) -> f64 {
        self.curve.lambdas[self.curve.index(choice)]
    }
}

/// Cross-validates a path: `cv.glmnet`.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{Choice, CrossValidationSpec, ElasticNetSpec, cross_validate};
/// use nelder::pass::NoProgress;
/// let x: Vec<f64> = (0..60).map(f64::from).collect();
/// let y: Vec<f64> = x.iter().map(|x| 2.0 * x + (x * 1.7).sin()).collect();
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let found = cross_validate(&CrossValidationSpec::new(ElasticNetSpec::new("y ~ x")), &frame, &NoProgress)?;
/// assert!(found.lambda(Choice::Best) <= found.lambda(Choice::OneError));
/// # Ok::<(), nelder::model::ModelError>(())
/// ```
///
/// # Errors
/// Those of [`elastic_net`](super::elastic_net); folds that are none; too few observations in a fold.
pub fn cross_validate<'s, 'm>(
    spec: &CrossValidationSpec,
    source: impl Source + 's,
    run: impl Into<Run<'m>>,
) -> Result<CrossValidation<'s>, ModelError> {
    let run = run.into();
    spec.check(source.rows())?;
    let source: Arc<dyn Source + 's> = Arc::new(source);
    let (bound, found) =
        validated(spec, &source, run).map_err(|e| in_names_of(&spec.model.design, &*source, e))?;
    let Validated {
        problem,
        counts,
        passes,
        precision,
        grid,
        over,
        measure,
        mut kept,
    } = found;
    let best = best_of(&grid, measure);
    let (alpha, path, curve) = grid[best].clone();
    let report = problem.report(&path, &bound, passes, precision);
    Ok(CrossValidation {
        spec: CrossValidationSpec {
            over,
            measure,
            ..spec.clone()
        },
        fit: ElasticNet {
            spec: ElasticNetSpec {
                alpha,
                ..spec.model.clone()
            },
            bound,
            columns: problem.into_columns(),
            path,
            counts,
            report,
        },
        curve,
        held_out: (best < kept.len()).then(|| kept.swap_remove(best)),
        grid: if grid.len() > 1 { grid } else { Vec::new() },
    })
}

/// Paths and curves, over the columns or the rows.
fn validated<'s>(
    spec: &CrossValidationSpec,
    source: &Arc<dyn Source + 's>,
    run: Run<'_>,
) -> Result<(ModelFrame<'s>, Validated), ModelError> {
    let Some(mut model) = ResidentModel::new(&spec.model, source, &run)? else {
        return by_rows(spec, source.clone(), run);
    };
    let found = model.cross_validated(spec, run.monitor)?;
    Ok((model.bound, found))
}

/// Paths and curves by passes over the rows.
fn by_rows<'s>(
    spec: &CrossValidationSpec,
    source: Arc<dyn Source + 's>,
    run: Run<'_>,
) -> Result<(ModelFrame<'s>, Validated), ModelError> {
    let bound = bind_columns(&spec.model, source)?.at(run.executor);
    bound.rows.keep_blocks();
    let found = match spec.model.cox {
        Some(ties) => cox_folds::cox(spec, &bound, ties, run.monitor)?,
        None if spec.model.family.is_of_residuals() => gaussian_folds::gaussian(spec, &bound, run.monitor)?,
        None => generalized_folds::generalized(spec, &bound, run.monitor)?,
    };
    bound.rows.forget_blocks();
    Ok((bound, found))
}
