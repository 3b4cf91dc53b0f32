//! The path of one model of several responses.

use std::sync::Arc;

use super::gaussian::{MultiMoments, gaussian_path};
use super::multi_path::MultiPath;
use super::multinomial_rows::{self, MultinomialRows};
use super::relaxation::relaxed_gaussian;
use super::responses::{Responses, bind_responses};
use super::spec::{MultiFamily, MultiNetSpec};
use crate::design::{Columns, RowCounts};
use crate::frame::Source;
use crate::model::elastic_net::ElasticNetReport;
use crate::model::elastic_net::fit::{gram, in_names_of};
use crate::model::elastic_net::lambda::Gain;
use crate::model::elastic_net::problem::Problem;
use crate::model::{ModelError, ModelFrame};
use crate::pass::{Gram, Monitor, Run};

/// A path of penalized models of several responses.
pub struct MultiNet<'s> {
    /// Specification of the model.
    pub spec: MultiNetSpec,
    /// The model joined to its data.
    pub bound: ModelFrame<'s>,
    /// The columns of the model matrix, the intercept first.
    pub columns: Columns,
    /// Names of the responses, or of the classes.
    pub responses: Vec<String>,
    /// The solutions, in the units of the data.
    pub path: MultiPath,
    /// Rows that were read, used and left out.
    pub counts: RowCounts,
    /// Record of the computation.
    pub report: ElasticNetReport,
    /// A sentence where a class has dangerously few rows.
    pub few: Option<String>,
}

/// Fits a path of several responses: `glmnet(family = "mgaussian")` and `"multinomial"`.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{ElasticNetSpec, MultiFamily, MultiNetSpec, multi_net};
/// use nelder::pass::NoProgress;
/// let (x, y, z) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9], [1.0, 2.0, 3.0, 4.0]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y).with_real("z", &z);
/// let net = ElasticNetSpec::new("cbind(y, z) ~ x");
/// let fit = multi_net(&MultiNetSpec::new(net, MultiFamily::Gaussian { standardize: false }), &frame, &NoProgress)?;
/// // at the largest λ nothing is in; it is the norm of the covariances of the standardized column with y and z
/// assert_eq!((fit.responses.len(), fit.path.nonzero(0)), (2, 0));
/// assert!((fit.path.first().steps[0].lambda - 1.96_f64.hypot(1.0) * 1.25_f64.sqrt()).abs() < 1e-12);
/// # Ok::<(), nelder::model::ModelError>(())
/// ```
///
/// # Errors
/// Arguments that do not fit, a formula or data that make no model, constant responses, errors of a pass.
pub fn multi_net<'s, 'm>(
    spec: &MultiNetSpec,
    source: impl Source + 's,
    run: impl Into<Run<'m>>,
) -> Result<MultiNet<'s>, ModelError> {
    let run = run.into();
    let source: Arc<dyn Source + 's> = Arc::new(source);
    fitted(spec, &source, run).map_err(|e| in_names_of(&spec.net.design, &*source, e))
}

fn fitted<'s>(
    spec: &MultiNetSpec,
    source: &Arc<dyn Source + 's>,
    run: Run<'_>,
) -> Result<MultiNet<'s>, ModelError> {
    let (bound, responses) = bind_responses(spec, source.clone())?;
    let bound = bound.at(run.executor);
    bound.rows.keep_blocks();
    let found = match spec.family {
        MultiFamily::Gaussian { standardize } => gaussian(spec, &bound, standardize, run.monitor)?,
        MultiFamily::Multinomial { .. } => multinomial(spec, &bound, &responses, run.monitor)?,
    };
    bound.rows.forget_blocks();
    Ok(MultiNet {
        spec: spec.clone(),
        columns: found.columns,
        bound,
        responses: responses.names,
        path: found.path,
        counts: found.counts,
        report: found.report,
        few: found.few,
    })
}

/// A path and what led to it.
struct Found {
    columns: Columns,
    path: MultiPath,
    counts: RowCounts,
    report: ElasticNetReport,
    few: Option<String>,
}

/// The problem of a Gaussian model of several responses.
///
/// # Errors
/// As [`Problem::new`].
pub(super) fn gaussian_problem(
    spec: &MultiNetSpec,
    bound: &ModelFrame<'_>,
    counts: &RowCounts,
    gram: &Gram,
) -> Result<Problem, ModelError> {
    let problem = Problem::new(&spec.net, bound, counts, gram)?;
    Ok(problem.of_several(Gain::OfRest, "group descent on covariances"))
}

/// Takes the response from the columns that a report names as computed: places of classes are no rounded numbers.
pub(super) fn without_classes(report: &mut ElasticNetReport, bound: &ModelFrame<'_>) {
    let response = bound.terms.response.map(|r| bound.terms.variables[r].to_string());
    report.computed.retain(|label| Some(label) != response.as_ref());
}

/// Powers of two that the responses of a gram are multiplied with.
pub(super) fn response_scales(bound: &ModelFrame<'_>) -> Vec<f64> {
    let atoms = &bound.rows.layout().atoms;
    let scales = bound.rows.scales().iter().skip(atoms.dense + atoms.extra);
    scales.copied().collect()
}

/// The path of Gaussian responses, from one gram.
fn gaussian(
    spec: &MultiNetSpec,
    bound: &ModelFrame<'_>,
    standardize: bool,
    monitor: &dyn Monitor,
) -> Result<Found, ModelError> {
    let (found, passes, precision) = gram(&spec.net, bound, monitor)?;
    let problem = gaussian_problem(spec, bound, &found.counts, &found.value)?;
    let moments = MultiMoments::new(&found.value, &problem.columns.map, &response_scales(bound));
    let (penalty, settings, standardizing) = problem.parts();
    let path = gaussian_path(&moments, penalty, settings, standardizing, standardize)?;
    let mut path = relaxed_gaussian(path, &problem, &moments, standardize)?;
    path.responses.iter_mut().for_each(|path| problem.rescale(path));
    let report = problem.report(path.first(), bound, passes, precision);
    Ok(Found {
        columns: problem.into_columns(),
        path,
        counts: found.counts,
        report,
        few: None,
    })
}

/// The path of classes, by Newton's method.
fn multinomial(
    spec: &MultiNetSpec,
    bound: &ModelFrame<'_>,
    responses: &Responses,
    monitor: &dyn Monitor,
) -> Result<Found, ModelError> {
    let mut rows = MultinomialRows::new(spec, (bound, responses), &[], monitor)?;
    let problem = rows.problem(spec, 1)?;
    let mut path = multinomial_rows::path(&mut rows, &problem)?;
    path.responses.iter_mut().for_each(|path| problem.rescale(path));
    let few = rows.few();
    let mut report = problem.report(path.first(), bound, rows.passes, "f64");
    if responses.coded {
        without_classes(&mut report, bound);
    }
    Ok(Found {
        columns: problem.into_columns(),
        path,
        counts: rows.counts,
        report,
        few,
    })
}

impl MultiNet<'_> {
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
        self.path.first().warning()
    }
}
