//! A path's columns, penalty and settings, for whatever rows.

use std::sync::Arc;

use nelder_device::Dd;

use super::descent::Ending;
use super::gaussian_path::{PathSettings, gaussian_path};
use super::gaussian_relaxation::relax;
use super::lambda::{Gain, LambdaSequence, PathControl};
use super::moments::{Correlations, Moments, Standardizing};
use super::newton_path::NewtonPath;
use super::newton_rows::NewtonRows;
use super::path::Path;
use super::penalty::Penalty;
use super::report::ElasticNetReport;
use super::{ElasticNetSpec, Reading};
use crate::design::{Columns, Elimination, RowCounts};
use crate::family::FamilyName;
use crate::model::equations::solution::columns_of;
use crate::model::report::devices;
use crate::model::{ModelError, ModelFrame, by_atom};
use crate::pass::{Coefficients, Gram, PassRecord};

/// Columns, penalty and settings of a path, for whatever rows.
pub(super) struct Problem {
    pub columns: Arc<Columns>,
    /// The penalty, its bounds in the units of the rows.
    pub penalty: Penalty,
    /// Sequence of λ, and where paths and iterations end.
    pub settings: PathSettings,
    /// Treatment of columns before they are penalized.
    pub standardizing: Standardizing,
    units: Units,
    /// Name of the algorithm.
    pub algorithm: &'static str,
    /// Reading of the columns, and the passes that are planned, in words.
    pub plan: (&'static str, &'static str),
}

/// Rows that are passed over.
pub(super) const BY_ROWS: &str = "by rows, in passes";
/// A pass for the products of all columns.
pub(super) const ONE_PASS: &str = "one for the products of the columns; of folds one for each draw, and one for measures that products do not tell";
/// A pass for each step.
pub(super) const PASS_PER_STEP: &str = "two to begin with, then one for each Newton step, which the models of all folds share; of folds one more for their errors";

/// Powers of two that take numbers from the units of the rows to those of the data.
pub(super) struct Units {
    /// Of coefficients, by column without the intercept.
    pub columns: Vec<f64>,
    /// Of the response.
    pub response: f64,
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
        let columns = columns_of(bound, counts, gram, Elimination::Nothing)?;
        let scales = bound.rows.scales();
        let atoms = gram.atoms();
        let units = Units {
            columns: columns.map.column_scales(atoms, scales)[1..].to_vec(),
            response: scales.get(atoms.dense + atoms.extra).copied().unwrap_or(1.0),
        };
        let layout = bound.rows.layout();
        let labels: Vec<&str> = layout.terms.iter().map(|t| t.label.as_str()).collect();
        let intercept = spec.cox.is_none() && has_intercept(spec, bound);
        Self::of_columns(spec, columns, &labels, units, intercept)
    }

    /// The same of columns that are known, `labels` being those of their terms.
    ///
    /// # Errors
    /// Arguments that do not fit them.
    pub fn of_columns(
        spec: &ElasticNetSpec,
        columns: Columns,
        labels: &[&str],
        units: Units,
        intercept: bool,
    ) -> Result<Self, ModelError> {
        let mut penalty = spec.per_column(&columns, labels)?;
        for (j, scale) in units.columns.iter().enumerate() {
            penalty.lower[j] *= units.response / scale;
            penalty.upper[j] *= units.response / scale;
        }
        let settings = path_settings(spec, &penalty, units.response);
        Ok(Problem {
            columns: Arc::new(columns),
            penalty,
            settings,
            standardizing: Standardizing {
                deviations: spec.standardize,
                intercept,
            },
            units,
            algorithm: match spec.is_of_residuals() {
                true => "coordinate descent on covariances",
                false => "proximal Newton steps with coordinate descent",
            },
            plan: match spec.is_of_residuals() {
                true => (BY_ROWS, ONE_PASS),
                false => (BY_ROWS, PASS_PER_STEP),
            },
        })
    }

    /// The same for several responses, which are in the units of the data: with this measure of what a further λ gains, by this algorithm.
    pub fn of_several(mut self, gain: Gain, algorithm: &'static str) -> Problem {
        let response = std::mem::replace(&mut self.units.response, 1.0);
        let bounds = self.penalty.lower.iter_mut().chain(&mut self.penalty.upper);
        bounds.for_each(|bound| *bound /= response);
        if let LambdaSequence::Given(values) = &mut self.settings.sequence {
            values.iter_mut().for_each(|lambda| *lambda /= response);
        }
        self.settings.gain = gain;
        self.settings.ridge_from_constant = true;
        self.algorithm = algorithm;
        self.plan.1 = match gain {
            Gain::OfRest => ONE_PASS,
            _ => PASS_PER_STEP,
        };
        self
    }

    /// Penalty, settings and treatment of columns, from which paths are computed beside the rows' sums.
    pub fn parts(&self) -> (&Penalty, &PathSettings, Standardizing) {
        (&self.penalty, &self.settings, self.standardizing)
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
            plan: self.plan,
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
        let mut path = self.path_of(&self.standardized(&moments)?);
        self.rescale(&mut path);
        Ok(path)
    }

    /// Moments of standardized columns and response.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    pub fn standardized(&self, moments: &Moments) -> Result<Correlations, ModelError> {
        if !moments.response_varies && (self.standardizing.intercept || moments.response_mean == 0.0) {
            return Err(ModelError::argument(
                "y",
                "the response is constant, and has no variance to explain",
            ));
        }
        if !moments.columns.varies.iter().any(|v| *v) {
            return Err(ModelError::argument("x", "all columns are constant"));
        }
        Ok(Correlations::new(moments, self.standardizing))
    }

    /// The path for rows of these moments, in their units.
    pub fn path_of(&self, correlations: &Correlations) -> Path {
        let mut path = gaussian_path(correlations, &self.penalty, &self.settings);
        if let Some(relaxing) = self.settings.relax {
            let ending = self.settings.ending;
            relax(&mut path, correlations, &self.penalty, relaxing, ending);
        }
        path
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
        if let Some(relaxed) = &mut path.relaxed {
            self.rescale(relaxed);
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
            reading: self.plan.0.into(),
            planned: self.plan.1.into(),
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

/// The settings of a path; `response` is the unit of the rows' responses.
fn path_settings(spec: &ElasticNetSpec, penalty: &Penalty, response: f64) -> PathSettings {
    let p = penalty.factors.len();
    let most_nonzero = spec.most_nonzero.unwrap_or(p + 1);
    PathSettings {
        sequence: match &spec.lambda {
            LambdaSequence::Given(values) => {
                LambdaSequence::Given(values.iter().map(|v| v * response).collect())
            }
            automatic => automatic.clone(),
        },
        control: PathControl {
            // glmnet's rule: a path along a bound of zero may gain nothing for a while
            least_gain: match penalty.lower.iter().chain(&penalty.upper).any(|b| *b == 0.0) {
                true => 0.0,
                false => spec.control.least_gain,
            },
            most_explained: match spec.cox {
                // glmnet's 0.99 for 0.999
                Some(_) => spec.control.most_explained * 0.99 / 0.999,
                None => spec.control.most_explained,
            },
            ..spec.control
        },
        gain: match spec.family.name {
            _ if spec.cox.is_some() => Gain::OverSteps(100.0),
            _ if spec.family.is_of_residuals() => Gain::Relative,
            FamilyName::Poisson => Gain::OverSteps(10.0),
            _ => Gain::Absolute,
        },
        ending: Ending {
            unit: 1.0,
            threshold: spec.threshold,
            most_sweeps: spec.most_sweeps,
            most_active: spec.most_active.unwrap_or((2 * most_nonzero + 20).min(p)),
        },
        most_nonzero,
        printed: spec.printed,
        ridge_from_constant: ridge_from_constant(spec, p),
        relax: spec.relax,
    }
}

/// True for models whose ridge beside unpenalized columns begins at the constant's λ.
///
/// glmnet's solvers over rows do not look again at the gradients of columns in their strong set, in which all of a ridge's are from the start.
/// Its solver over covariances does, as its solvers for family objects and links of their own do.
fn ridge_from_constant(spec: &ElasticNetSpec, columns: usize) -> bool {
    // from here on glmnet reads a Gaussian model's columns
    const MANY: usize = 500;
    match spec.family.name {
        _ if spec.printed => false,
        _ if spec.cox.is_some() => true,
        _ if spec.is_of_residuals() => match spec.reading {
            Reading::Auto => columns >= MANY,
            Reading::Rows => false,
            Reading::Columns => true,
        },
        FamilyName::Binomial | FamilyName::Poisson => spec.family.is_canonical(),
        _ => false,
    }
}

/// True if the formula has an intercept.
fn has_intercept(spec: &ElasticNetSpec, bound: &ModelFrame<'_>) -> bool {
    // those of the bound model always have one
    let names = bound.rows.source().schema().names();
    spec.design.meaning(&names).is_ok_and(|terms| terms.intercept)
}
