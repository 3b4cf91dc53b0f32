//! The path of one model.

use std::sync::Arc;

use nelder_device::Dd;
use serde::Serialize;

use super::ElasticNetSpec;
use super::descent::Ending;
use super::gaussian_path::{PathSettings, gaussian_path};
use super::generalized::{self, GeneralizedRows};
use super::lambda::{Gain, LambdaSequence, PathControl, PathEnd};
use super::moments::{ColumnMoments, Correlations, Moments, Standardizing};
use super::newton_path::{NewtonPath, NewtonRows};
use super::path::Path;
use super::penalty::Penalty;
use crate::design::{Columns, RowCounts, is_factor};
use crate::family::FamilyName;
use crate::formula::Contrast;
use crate::frame::Source;
use crate::model::equations::ladder::{check_finite, first_products, rows_left};
use crate::model::equations::solution::columns_of;
use crate::model::model_frame::{Wishes, bind_as};
use crate::model::report::devices;
use crate::model::{ModelError, ModelFrame, by_atom};
use crate::pass::{Coefficients, Course, Gram, GramStatistic, Monitor, Opening, Pass, PassRecord, Run};

/// Record of the computation of a path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ElasticNetReport {
    /// `coordinate descent on covariances`.
    pub algorithm: String,
    /// Where the passes ran.
    pub device: String,
    /// In which precision products were formed.
    pub precision: String,
    /// Sweeps of coordinate descent and Newton steps, over the whole path.
    pub sweeps: u64,
    /// The largest violation of the optimality conditions at any λ, for standardized columns and a response of unit variance.
    pub violation: f64,
    /// Reason why the path has no further λ.
    pub end: PathEnd,
    /// The columns that are computed from the numbers that were read: `log(x)`, `x:z`.
    pub computed: Vec<String>,
    /// The passes over the data, in order.
    pub passes: Vec<PassRecord>,
}

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
    let bound = bind_columns(spec, Arc::new(source))?.at(run.executor);
    bound.rows.keep_blocks();
    let found = match spec.family.is_of_residuals() {
        true => gaussian(spec, &bound, run.monitor)?,
        false => generalized(spec, &bound, run.monitor)?,
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

/// A path and what led to it.
struct Found {
    columns: Columns,
    path: Path,
    counts: RowCounts,
    report: ElasticNetReport,
}

/// The path of a Gaussian model, from one gram.
fn gaussian(
    spec: &ElasticNetSpec,
    bound: &ModelFrame<'_>,
    monitor: &dyn Monitor,
) -> Result<Found, ModelError> {
    let products = first_products(bound, spec.design.accuracy);
    let course = Course::LeastSquares(products);
    let mut passes = bound.passes.clone();
    let (session, records) = bound.executor.open(&bound.rows, &Opening::new(course, monitor))?;
    passes.extend(records);
    let statistic = GramStatistic { products };
    let pass = Pass::new("gram", statistic.precision(), &statistic, monitor);
    let found = session.reduce(&bound.rows, pass)?;
    passes.extend(found.records);
    rows_left(&found.counts, bound)?;
    check_finite(&found.value, bound)?;
    let problem = Problem::new(spec, bound, &found.counts, &found.value)?;
    let path = problem.path(&found.value)?;
    let report = problem.report(&path, bound, passes, statistic.precision());
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
    let problem = Problem::of_rows(spec, &rows, bound)?;
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
        self.path.end.warning(self.path.len())
    }
}

/// Joins a model to its data: with an intercept among the columns in any case, and indicators of all levels where they are asked for.
pub(super) fn bind_columns<'s>(
    spec: &ElasticNetSpec,
    source: Arc<dyn Source + 's>,
) -> Result<ModelFrame<'s>, ModelError> {
    spec.check()?;
    let mut design = spec.design.clone();
    let mut terms = design.meaning(&source.schema().names())?;
    if terms.terms.is_empty() {
        return Err(ModelError::argument(
            "formula",
            format!("`{}` has no column to penalize", design.formula),
        ));
    }
    terms.intercept = true;
    design.terms = Some(terms);
    let general = !spec.family.is_of_residuals();
    let wishes = Wishes {
        untouched: general,
        levels: spec.family.is_binomial(),
        two_levels: true,
        start: None,
    };
    let mut bound = bind_as(&design, &wishes, source)?;
    let responses = bound.rows.layout().atoms.responses;
    if responses != 1 && !spec.family.is_binomial() {
        return Err(ModelError::argument(
            "formula",
            format!("the response has {responses} columns; a path is of one response"),
        ));
    }
    if spec.all_levels {
        let shapes = bound.rows.shapes();
        for v in 0..bound.contrasts.len() {
            let own = bound.contrasts[v].is_some() || bound.rows.variables().contrast(v).is_some();
            if is_factor(&shapes[v]) && !own {
                bound.contrasts[v] = Some(Contrast::Identity);
            }
        }
    }
    Ok(bound)
}

/// A Gaussian problem: columns, penalty and settings, for whatever rows.
pub(super) struct Problem {
    pub columns: Arc<Columns>,
    penalty: Penalty,
    settings: PathSettings,
    standardizing: Standardizing,
    units: Units,
    algorithm: &'static str,
}

/// Powers of two that take numbers from the units of the rows to those of the data.
struct Units {
    /// Of coefficients, by column without the intercept.
    columns: Vec<f64>,
    /// Of the response.
    response: f64,
}

impl Problem {
    /// Resolves the columns and what is asked for each.
    ///
    /// # Errors
    /// Columns that are too many; arguments that do not fit them.
    pub fn new(
        spec: &ElasticNetSpec,
        bound: &ModelFrame<'_>,
        counts: &RowCounts,
        gram: &Gram,
    ) -> Result<Self, ModelError> {
        let columns = columns_of(bound, counts, gram, false)?;
        let scales = bound.rows.scales();
        let atoms = gram.atoms();
        let units = Units {
            columns: columns.map.column_scales(atoms, scales)[1..].to_vec(),
            response: scales.get(atoms.dense + atoms.extra).copied().unwrap_or(1.0),
        };
        let labels: Vec<&str> = bound
            .rows
            .layout()
            .terms
            .iter()
            .map(|t| t.label.as_str())
            .collect();
        let mut penalty = spec.per_column(&columns, &labels)?;
        for (j, scale) in units.columns.iter().enumerate() {
            penalty.lower[j] *= units.response / scale;
            penalty.upper[j] *= units.response / scale;
        }
        let p = penalty.factors.len();
        let most_nonzero = spec.most_nonzero.unwrap_or(p + 1);
        let sequence = match &spec.lambda {
            LambdaSequence::Given(values) => {
                LambdaSequence::Given(values.iter().map(|v| v * units.response).collect())
            }
            automatic => automatic.clone(),
        };
        let settings = PathSettings {
            sequence,
            control: PathControl {
                // glmnet's rule: a path along a bound of zero may gain nothing for a while
                least_gain: match penalty.lower.iter().chain(&penalty.upper).any(|b| *b == 0.0) {
                    true => 0.0,
                    false => spec.control.least_gain,
                },
                ..spec.control
            },
            gain: match spec.family.name {
                _ if spec.family.is_of_residuals() => Gain::Relative,
                FamilyName::Poisson => Gain::OverSteps,
                _ => Gain::Absolute,
            },
            ending: Ending {
                threshold: spec.threshold,
                most_sweeps: spec.most_sweeps,
                most_active: spec.most_active.unwrap_or((2 * most_nonzero + 20).min(p)),
            },
            most_nonzero,
            printed: spec.printed,
        };
        let standardizing = Standardizing {
            deviations: spec.standardize,
            intercept: has_intercept(spec, bound),
        };
        Ok(Problem {
            columns: Arc::new(columns),
            penalty,
            settings,
            standardizing,
            units,
            algorithm: match spec.family.is_of_residuals() {
                true => "coordinate descent on covariances",
                false => "proximal Newton steps with coordinate descent",
            },
        })
    }

    /// The same for the rows of a generalized model.
    ///
    /// # Errors
    /// As [`new`](Self::new); columns that are all constant.
    pub fn of_rows(
        spec: &ElasticNetSpec,
        rows: &GeneralizedRows<'_, '_>,
        bound: &ModelFrame<'_>,
    ) -> Result<Self, ModelError> {
        let Some(gram) = rows.gram() else {
            return Err(ModelError::Overflow("the response".into()));
        };
        let problem = Problem::new(spec, bound, &rows.counts, gram)?;
        let varies = ColumnMoments::new(gram, &problem.columns.map).varies;
        match varies.iter().any(|v| *v) {
            true => Ok(problem),
            false => Err(ModelError::argument("x", "all columns are constant")),
        }
    }

    /// A path by Newton's method over rows of these sums.
    pub fn newton_path(&self, rows: NewtonRows) -> NewtonPath<'_> {
        NewtonPath::new(
            &self.columns.map,
            &self.settings,
            self.standardizing,
            &self.penalty,
            rows,
        )
    }

    /// The same with another share of absolute values.
    pub fn alpha(&self, alpha: f64) -> Problem {
        Problem {
            columns: self.columns.clone(),
            penalty: Penalty {
                alpha,
                ..self.penalty.clone()
            },
            settings: self.settings.clone(),
            standardizing: self.standardizing,
            algorithm: self.algorithm,
            units: Units {
                columns: self.units.columns.clone(),
                response: self.units.response,
            },
        }
    }

    /// The path for rows of this gram, in the units of the data.
    ///
    /// # Errors
    /// A constant response, or columns that are all constant.
    pub fn path(&self, gram: &Gram) -> Result<Path, ModelError> {
        let moments = Moments::new(gram, &self.columns.map);
        let mut path = self.path_of(&moments)?;
        self.rescale(&mut path);
        Ok(path)
    }

    /// The path for rows of these moments, in their units.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    pub fn path_of(&self, moments: &Moments) -> Result<Path, ModelError> {
        if !moments.response_varies && (self.standardizing.intercept || moments.response_mean == 0.0) {
            return Err(ModelError::argument(
                "y",
                "the response is constant, and has no variance to explain",
            ));
        }
        if !moments.columns.varies.iter().any(|v| *v) {
            return Err(ModelError::argument("x", "all columns are constant"));
        }
        let correlations = Correlations::new(moments, self.standardizing);
        Ok(gaussian_path(&correlations, &self.penalty, &self.settings))
    }

    /// The columns, of their own.
    pub fn into_columns(self) -> Columns {
        Arc::unwrap_or_clone(self.columns)
    }

    /// Coefficients by atom, of coefficients by column with the intercept first.
    pub fn coefficients(&self, bound: &ModelFrame<'_>, beta: &[f64]) -> Coefficients {
        let beta: Vec<Dd> = beta.iter().map(|b| Dd::new(*b)).collect();
        let atoms = &bound.rows.layout().atoms;
        let groups = atoms.groups.iter().enumerate();
        let tables: Vec<(usize, usize)> = groups
            .map(|(g, group)| (bound.rows.tuples(g).len(), group.multipliers.len()))
            .collect();
        by_atom(&self.columns.map, &beta, atoms.dense, &tables)
    }

    /// Takes a path from the units of the rows to those of the data.
    pub fn rescale(&self, path: &mut Path) {
        let response = self.units.response;
        path.null_deviance /= response * response;
        for step in &mut path.steps {
            step.lambda /= response;
            step.intercept /= response;
            let coefficients = &mut step.coefficients;
            for (j, b) in coefficients.places.iter().zip(&mut coefficients.values) {
                *b *= self.units.columns[*j as usize] / response;
            }
        }
    }

    /// Unit of squared errors of the rows, in those of the data.
    pub fn square_unit(&self) -> f64 {
        1.0 / (self.units.response * self.units.response)
    }

    /// The record of a path.
    pub fn report(
        &self,
        path: &Path,
        bound: &ModelFrame<'_>,
        passes: Vec<PassRecord>,
        precision: &str,
    ) -> ElasticNetReport {
        ElasticNetReport {
            algorithm: self.algorithm.into(),
            device: devices(&passes),
            precision: precision.into(),
            sweeps: path.sweeps,
            violation: path.steps.iter().map(|s| s.violation).fold(0.0, f64::max),
            end: path.end,
            computed: bound.computed(&self.columns.contrasts),
            passes,
        }
    }
}

/// True if the formula has an intercept.
fn has_intercept(spec: &ElasticNetSpec, bound: &ModelFrame<'_>) -> bool {
    // those of the bound model always have one
    let names = bound.rows.source().schema().names();
    spec.design.meaning(&names).is_ok_and(|terms| terms.intercept)
}
