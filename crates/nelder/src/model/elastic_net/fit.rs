//! The path of one model.

use std::sync::Arc;

use super::ElasticNetSpec;
use super::cox_path;
use super::cox_rows::CoxRows;
use super::generalized::{self, GeneralizedRows};
use super::partial_likelihood::Ties;
use super::path::Path;
use super::problem::Problem;
use super::report::ElasticNetReport;
use super::resident::ResidentModel;
use super::survival_terms::with_strata;
use crate::design::{Columns, DesignError, RowCounts, is_factor};
use crate::formula::Contrast;
use crate::frame::Source;
use crate::model::equations::ladder::{check_finite, first_products, rows_left};
use crate::model::model_frame::bind_as;
use crate::model::{LmSpec, ModelError, ModelFrame};
use crate::pass::{Course, Gram, GramStatistic, Monitor, Opening, Pass, PassRecord, Reduced, Run};

/// A path of penalized models.
pub struct ElasticNet<'s> {
    /// Specification of the model.
    pub spec: ElasticNetSpec,
    /// The model joined to its data.
    pub bound: ModelFrame<'s>,
    /// The columns of the model matrix, the intercept first.
    pub columns: Columns,
    /// The solutions, in the units of the data.
    pub path: Path,
    /// Rows that were read, used and left out.
    pub counts: RowCounts,
    /// Record of the computation.
    pub report: ElasticNetReport,
}

/// Fits a path: `glmnet`.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{ElasticNetSpec, elastic_net};
/// use nelder::pass::NoProgress;
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let fit = elastic_net(&ElasticNetSpec::new("y ~ x"), &frame, &NoProgress)?;
/// // at the largest λ nothing is in; it is the covariance of the standardized column and y
/// assert_eq!(fit.path.nonzero(0), 0);
/// assert!((fit.path.steps[0].lambda - 1.96 * 1.25_f64.sqrt()).abs() < 1e-12);
/// # Ok::<(), nelder::model::ModelError>(())
/// ```
///
/// # Errors
/// Arguments that do not fit, a formula or data that make no model, a constant response, errors of a pass.
pub fn elastic_net<'s, 'm>(
    spec: &ElasticNetSpec,
    source: impl Source + 's,
    run: impl Into<Run<'m>>,
) -> Result<ElasticNet<'s>, ModelError> {
    let run = run.into();
    let source: Arc<dyn Source + 's> = Arc::new(source);
    fitted(spec, &source, run).map_err(|e| in_names_of(&spec.design, &*source, e))
}

/// An error in which the response and the columns, where they are its subject, have the names that they have in the formula.
pub(super) fn in_names_of(design: &LmSpec, source: &(impl Source + ?Sized), error: ModelError) -> ModelError {
    let ModelError::Argument { argument, why } = error else {
        return error;
    };
    let terms = design.meaning(&source.schema().names()).ok();
    let label = terms.and_then(|terms| match (argument.as_str(), terms.terms.as_slice()) {
        ("y", _) => Some(terms.variables[terms.response?].to_string()),
        ("x", [one]) => Some(one.label.clone()),
        ("x", _) => Some("formula".into()),
        _ => None,
    });
    ModelError::Argument {
        argument: label.unwrap_or(argument),
        why,
    }
}

fn fitted<'s>(
    spec: &ElasticNetSpec,
    source: &Arc<dyn Source + 's>,
    run: Run<'_>,
) -> Result<ElasticNet<'s>, ModelError> {
    if let Some(model) = ResidentModel::new(spec, source, &run)? {
        return by_columns(spec, model, run.monitor);
    }
    let bound = bind_columns(spec, source.clone())?.at(run.executor);
    bound.rows.keep_blocks();
    let found = match spec.cox {
        Some(ties) => cox(spec, &bound, ties, run.monitor)?,
        None if spec.family.is_of_residuals() => gaussian(spec, &bound, run.monitor)?,
        None => generalized(spec, &bound, run.monitor)?,
    };
    bound.rows.forget_blocks();
    Ok(ElasticNet {
        spec: spec.clone(),
        columns: found.columns,
        bound,
        path: found.path,
        counts: found.counts,
        report: found.report,
    })
}

/// The path of a model whose columns are read one by one.
fn by_columns<'s>(
    spec: &ElasticNetSpec,
    mut model: ResidentModel<'s>,
    monitor: &dyn Monitor,
) -> Result<ElasticNet<'s>, ModelError> {
    let problem = model.problem(spec)?;
    let path = model.path(&problem, monitor)?;
    let report = problem.report(&path, &model.bound, model.passes, "f64");
    Ok(ElasticNet {
        spec: spec.clone(),
        columns: problem.into_columns(),
        bound: model.bound,
        path,
        counts: model.counts,
        report,
    })
}

/// A path and what led to it.
struct Found {
    columns: Columns,
    path: Path,
    counts: RowCounts,
    report: ElasticNetReport,
}

/// A gram, the records of all passes up to it, and the precision of its products.
type GramPass = (Reduced<Gram>, Vec<PassRecord>, &'static str);

/// The gram of all rows, in one pass.
///
/// # Errors
/// Those of the pass; no row left; a product that is not finite.
pub(super) fn gram(
    spec: &ElasticNetSpec,
    bound: &ModelFrame<'_>,
    monitor: &dyn Monitor,
) -> Result<GramPass, ModelError> {
    let products = first_products(bound, spec.design.accuracy);
    let course = Course::LeastSquares(products);
    let mut passes = bound.passes.clone();
    let (session, records) = bound.executor.open(&bound.rows, &Opening::new(course, monitor))?;
    passes.extend(records);
    let statistic = GramStatistic { products };
    let pass = Pass::new("gram", statistic.precision(), &statistic, monitor);
    let found = session.reduce(&bound.rows, pass)?;
    passes.extend(found.records.iter().cloned());
    rows_left(&found.counts, bound)?;
    check_finite(&found.value, bound)?;
    Ok((found, passes, statistic.precision()))
}

/// The path of a Gaussian model, from one gram.
fn gaussian(
    spec: &ElasticNetSpec,
    bound: &ModelFrame<'_>,
    monitor: &dyn Monitor,
) -> Result<Found, ModelError> {
    let (found, passes, precision) = gram(spec, bound, monitor)?;
    let problem = Problem::new(spec, bound, &found.counts, &found.value)?;
    let path = problem.path(&found.value)?;
    let report = problem.report(&path, bound, passes, precision);
    Ok(Found {
        columns: problem.into_columns(),
        path,
        counts: found.counts,
        report,
    })
}

/// The path of a generalized model, by Newton's method.
fn generalized(
    spec: &ElasticNetSpec,
    bound: &ModelFrame<'_>,
    monitor: &dyn Monitor,
) -> Result<Found, ModelError> {
    let mut rows = GeneralizedRows::new(spec, bound, monitor)?;
    let problem = generalized::problem(spec, &rows, bound)?;
    let mut path = generalized::path(&mut rows, &problem)?;
    problem.rescale(&mut path);
    let report = problem.report(&path, bound, rows.passes, "f64");
    Ok(Found {
        columns: problem.into_columns(),
        path,
        counts: rows.counts,
        report,
    })
}

/// The path of a Cox model, over rows in memory.
fn cox(
    spec: &ElasticNetSpec,
    bound: &ModelFrame<'_>,
    ties: Ties,
    monitor: &dyn Monitor,
) -> Result<Found, ModelError> {
    let mut rows = CoxRows::new(bound, monitor, spec.design.accuracy, (ties, spec.is_exact()), 1)?;
    let problem = cox_path::problem(spec, &rows, bound)?;
    let mut path = cox_path::path(&mut rows, &problem, bound, monitor)?;
    problem.rescale(&mut path);
    let report = problem.report(&path, bound, rows.passes, "f64");
    Ok(Found {
        columns: problem.into_columns(),
        path,
        counts: rows.counts,
        report,
    })
}

impl ElasticNet<'_> {
    /// Rows in the fit.
    pub fn rows(&self) -> u64 {
        self.counts.used
    }

    /// Names of the columns, without the intercept.
    pub fn names(&self) -> &[String] {
        &self.columns.names[1..]
    }

    /// A sentence where the path ended before it should; `None` otherwise.
    pub fn warning(&self) -> Option<String> {
        self.path.warning()
    }
}

/// The refusal of columns whose products have no room, for a kind of model that has no other way.
pub(super) fn of_all_columns(error: ModelError, models: &str) -> ModelError {
    match error {
        ModelError::Design(DesignError::NoRoom(lack)) => ModelError::argument(
            "family",
            format!(
                "{models} are fitted from the products of all of their columns, and {lack}; models of one response of the other families, such as \
                 gaussian and binomial, take more columns, which they read one by one: choose columns beforehand, such as those that one of them keeps"
            ),
        ),
        other => other,
    }
}

/// Joins a model to its data: with an intercept among the columns in any case, and indicators of all levels where they are asked for.
pub(super) fn bind_columns<'s>(
    spec: &ElasticNetSpec,
    source: Arc<dyn Source + 's>,
) -> Result<ModelFrame<'s>, ModelError> {
    joined(spec, source).map_err(|e| match spec.cox {
        Some(_) => of_all_columns(e, "Cox models"),
        None => e,
    })
}

fn joined<'s>(spec: &ElasticNetSpec, source: Arc<dyn Source + 's>) -> Result<ModelFrame<'s>, ModelError> {
    spec.check()?;
    let mut design = spec.design.clone();
    let mut terms = design.meaning(&source.schema().names())?;
    if spec.cox.is_some() {
        with_strata(&mut terms)?;
    }
    if terms.terms.is_empty() {
        return Err(ModelError::argument(
            "formula",
            format!("`{}` has no column to penalize", design.formula),
        ));
    }
    terms.intercept = true;
    design.terms = Some(terms);
    let mut bound = bind_as(&design, &spec.response_wishes(), source)?;
    let responses = bound.rows.layout().atoms.responses;
    if responses != 1 && !spec.family.is_binomial() && spec.cox.is_none() {
        return Err(ModelError::argument(
            "formula",
            format!("the response has {responses} columns; a path is of one response"),
        ));
    }
    with_all_levels(spec, &mut bound);
    Ok(bound)
}

/// Gives factors an indicator for each of their levels, where that is asked for and the factor has no contrasts of its own.
pub(super) fn with_all_levels(spec: &ElasticNetSpec, bound: &mut ModelFrame<'_>) {
    if !spec.all_levels {
        return;
    }
    let shapes = bound.rows.shapes();
    for v in 0..bound.contrasts.len() {
        let own = bound.contrasts[v].is_some() || bound.rows.variables().contrast(v).is_some();
        if is_factor(&shapes[v]) && !own {
            bound.contrasts[v] = Some(Contrast::Identity);
        }
    }
}
