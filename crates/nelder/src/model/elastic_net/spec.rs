//! Specification of an elastic net.

use std::cell::OnceCell;

use super::descent::EXACT_BELOW;
use super::lambda::{LambdaSequence, PathControl};
use super::measure::Measure;
use super::partial_likelihood::Ties;
use super::penalty::Penalty;
use super::relaxation::Relaxing;
use crate::design::Columns;
use crate::family::Family;
use crate::formula::{NameTable, nearest};
use crate::model::model_frame::Wishes;
use crate::model::{LmSpec, ModelError};

/// One number for each column of the model, or for some by name.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum PerColumn {
    /// The default for every column.
    #[default]
    Default,
    /// The same number for every column.
    All(f64),
    /// A number for each column, in their order without the intercept.
    Each(Vec<f64>),
    /// Numbers for columns by name, or for all columns of a term by its label; the default for the others.
    Named(Vec<(String, f64)>),
}

/// Way in which a path reads its columns: glmnet's `type.gaussian`, for every family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Reading {
    /// By rows where columns are few, by columns where they are more than rows, or sparse.
    #[default]
    Auto,
    /// Pass by pass over the rows, for the covariances of all columns: `covariance`.
    Rows,
    /// Column by column, where these lie in memory: `naive`.
    Columns,
}

/// An elastic net: the arguments of `glmnet`, with expressions as text.
///
/// ```
/// use nelder::model::ElasticNetSpec;
/// let spec = ElasticNetSpec::new("mpg ~ wt + hp").alpha(0.5);
/// assert_eq!(spec.alpha, 0.5);
/// ```
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct ElasticNetSpec {
    /// Formula, weights, offset, subset, missing values, contrasts and accuracy, as of a linear model. A formula without an
    /// intercept is a model without one.
    pub design: LmSpec,
    /// Family and link.
    pub family: Family,
    /// Cox's model of proportional hazards in the place of the family, with its treatment of events at the same time.
    #[serde(default)]
    pub cox: Option<Ties>,
    /// Share of the absolute values in the penalty, from 0 (ridge) to 1 (lasso).
    pub alpha: f64,
    /// Penalties.
    pub lambda: LambdaSequence,
    /// Where an automatic sequence of λ ends early.
    pub control: PathControl,
    /// True if columns are divided by their standard deviations before they are penalized; coefficients are of the columns as they are.
    pub standardize: bool,
    /// True if every factor has an indicator for each of its levels, as `makeX` makes them; false for R's contrasts. Contrasts that
    /// the design asks for hold in any case.
    pub all_levels: bool,
    /// Factors of the penalty, `penalty.factor`: 0 for columns that are not penalized, infinite for those that are left out.
    pub penalty_factors: PerColumn,
    /// Columns that are left out, by name or by the label of their term.
    pub exclude: Vec<String>,
    /// Lower bounds of the coefficients, `lower.limits`, at most 0.
    pub lower: PerColumn,
    /// Upper bounds of the coefficients, `upper.limits`, at least 0.
    pub upper: PerColumn,
    /// Convergence, `thresh`: a sweep that lowers the objective by less than this part of the null deviance for each column is the last. Below 1e-10
    /// the minimum is computed exactly.
    pub threshold: f64,
    /// The most coefficients other than zero at one λ, `dfmax`.
    pub most_nonzero: Option<usize>,
    /// The most coefficients that are ever other than zero, `pmax`.
    pub most_active: Option<usize>,
    /// Sweeps at most over a whole path, `maxit`.
    pub most_sweeps: u64,
    /// Way in which the columns are read.
    pub reading: Reading,
    /// Relaxed fits of the active sets, `relax`, where they are asked for.
    #[serde(default)]
    pub relax: Option<Relaxing>,
    /// True for the objective as it is printed, ½ RSS / n + λ Σ f (α |β| + (1 − α) β² / 2); false for glmnet's, whose square is divided by the deviation of
    /// the response.
    pub printed: bool,
}

impl ElasticNetSpec {
    /// A model with glmnet's defaults.
    pub fn new(formula: &str) -> Self {
        ElasticNetSpec {
            design: LmSpec::new(formula),
            family: Family::gaussian(),
            cox: None,
            alpha: 1.0,
            lambda: LambdaSequence::default(),
            control: PathControl::default(),
            standardize: true,
            all_levels: true,
            penalty_factors: PerColumn::Default,
            exclude: Vec::new(),
            lower: PerColumn::Default,
            upper: PerColumn::Default,
            threshold: 1e-7,
            most_nonzero: None,
            most_active: None,
            most_sweeps: 100_000,
            reading: Reading::Auto,
            relax: None,
            printed: false,
        }
    }

    /// Sets the family and its link.
    pub fn family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// Makes it Cox's model of the hazard, whose response is `Surv(time, status)` or `Surv(start, stop, status)`.
    pub fn cox(mut self, ties: Ties) -> Self {
        self.cox = Some(ties);
        self
    }

    /// Sets the share of the absolute values in the penalty.
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Sets the penalties.
    pub fn lambda(mut self, lambda: LambdaSequence) -> Self {
        self.lambda = lambda;
        self
    }

    /// Sets the threshold of convergence.
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    /// Asks for relaxed fits of the active sets.
    pub fn relax(mut self, relaxing: Relaxing) -> Self {
        self.relax = Some(relaxing);
        self
    }

    /// The measure of a name, for a model of this kind.
    ///
    /// # Errors
    /// A name that is none, or not of such a model.
    pub fn measure(&self, name: &str) -> Result<Measure, ModelError> {
        match self.cox {
            Some(_) => Measure::parse_cox(name),
            None => Measure::parse(name, &self.family),
        }
    }

    /// Name of a measure as glmnet prints it.
    pub fn measure_label(&self, measure: Measure) -> String {
        match (self.cox, measure) {
            (Some(_), Measure::Deviance) => "Partial Likelihood Deviance".into(),
            _ => measure.label(&self.family),
        }
    }

    /// True if a path is the Gaussian model's, from one gram.
    pub(super) fn is_of_residuals(&self) -> bool {
        self.cox.is_none() && self.family.is_of_residuals()
    }

    /// Treatment of the response.
    pub(super) fn response_wishes(&self) -> Wishes {
        Wishes {
            untouched: !self.is_of_residuals(),
            levels: self.cox.is_none() && self.family.is_binomial(),
            two_levels: true,
            start: None,
        }
    }

    /// True if the threshold asks for the exact minimum.
    pub(super) fn is_exact(&self) -> bool {
        self.threshold < EXACT_BELOW
    }

    /// Arguments that no data can mend.
    ///
    /// # Errors
    /// `alpha` outside 0 to 1; λ that rise, or are negative; fewer than one λ; a ratio outside 0 to 1; a threshold that is not positive.
    pub(super) fn check(&self) -> Result<(), ModelError> {
        let wrong = |argument: &str, why: String| Err(ModelError::argument(argument, why));
        if !(0.0..=1.0).contains(&self.alpha) {
            return wrong("alpha", format!("{} is not between 0 and 1", self.alpha));
        }
        match &self.lambda {
            LambdaSequence::Automatic { count: 0, .. } => return wrong("nlambda", "0 is below 1".into()),
            LambdaSequence::Automatic {
                ratio: Some(ratio), ..
            } if !(0.0..1.0).contains(ratio) => {
                return wrong(
                    "lambda.min.ratio",
                    format!("{ratio} is not in [0, 1); it is the last lambda over the first"),
                );
            }
            LambdaSequence::Automatic { .. } => {}
            LambdaSequence::Given(values) if values.is_empty() => {
                return wrong("lambda", "there are none".into());
            }
            LambdaSequence::Given(values) => {
                if let Some(bad) = values.iter().find(|v| !(**v >= 0.0 && v.is_finite())) {
                    return wrong("lambda", format!("{bad} is no penalty; it must be 0 or more"));
                }
                if let Some(i) = (1..values.len()).find(|&i| values[i] > values[i - 1]) {
                    return wrong(
                        "lambda",
                        format!(
                            "rises from {} to {} at number {}; a path starts at the largest",
                            values[i - 1],
                            values[i],
                            i + 1
                        ),
                    );
                }
            }
        }
        if !(self.threshold > 0.0 && self.threshold.is_finite()) {
            return wrong("thresh", format!("{} is not above 0", self.threshold));
        }
        if self.control.least_steps == 0 {
            return wrong("mnlam", "0 is below 1".into());
        }
        if self.most_sweeps == 0 {
            return wrong("maxit", "0 is below 1".into());
        }
        Ok(())
    }

    /// Penalty factors, lower and upper bounds of the columns without the intercept, in the units of the data.
    ///
    /// # Errors
    /// Numbers of another length, unknown names, a negative factor, bounds on the wrong side of zero, no column that is penalized.
    pub(super) fn per_column(&self, columns: &Columns, terms: &[&str]) -> Result<Penalty, ModelError> {
        let names = &columns.names[1..];
        let named = Named {
            columns,
            terms,
            places: OnceCell::new(),
        };
        let mut factors = named.resolved("penalty.factor", &self.penalty_factors, 1.0)?;
        let lower = named.resolved("lower.limits", &self.lower, f64::NEG_INFINITY)?;
        let upper = named.resolved("upper.limits", &self.upper, f64::INFINITY)?;
        let wrong = |argument: &str, why: String| Err(ModelError::argument(argument, why));
        for (j, name) in names.iter().enumerate() {
            if !(factors[j] >= 0.0) {
                return wrong(
                    "penalty.factor",
                    format!("{} for `{name}` is not 0 or more", factors[j]),
                );
            }
            if !(lower[j] <= 0.0) {
                return wrong("lower.limits", format!("{} for `{name}` is above 0", lower[j]));
            }
            if !(upper[j] >= 0.0) {
                return wrong("upper.limits", format!("{} for `{name}` is below 0", upper[j]));
            }
        }
        for name in &self.exclude {
            for j in named.places("exclude", name)? {
                factors[j] = f64::INFINITY;
            }
        }
        let finite: f64 = factors.iter().filter(|f| f.is_finite()).sum();
        if !(finite > 0.0) {
            return wrong(
                "penalty.factor",
                "all are 0 or infinite: nothing is penalized".into(),
            );
        }
        // they sum to the number of columns; a column that is left out counts with a factor of one, as in glmnet
        let excluded = factors.iter().filter(|f| f.is_infinite()).count() as f64;
        let scale = names.len() as f64 / (finite + excluded);
        factors.iter_mut().for_each(|f| *f *= scale);
        Ok(Penalty {
            alpha: self.alpha,
            factors,
            lower,
            upper,
        })
    }
}

/// The columns of a model, without the intercept, and the labels of its terms.
struct Named<'a> {
    columns: &'a Columns,
    terms: &'a [&'a str],
    /// The names of the columns, made where one is looked for.
    places: OnceCell<NameTable>,
}

impl Named<'_> {
    /// The columns of a name, or of the term with this label.
    fn places(&self, argument: &str, name: &str) -> Result<Vec<usize>, ModelError> {
        let (names, assign) = (&self.columns.names[1..], &self.columns.assign[1..]);
        let table = self.places.get_or_init(|| {
            let mut table = NameTable::default();
            table.reserve(names.len());
            names.iter().for_each(|n| table.push(n));
            table
        });
        if let Some(j) = table.find(name, |j| names[j] == name) {
            return Ok(vec![j]);
        }
        if let Some(t) = self.terms.iter().position(|t| *t == name) {
            return Ok((0..names.len()).filter(|&j| assign[j] == t + 1).collect());
        }
        let known = names.iter().map(String::as_str).chain(self.terms.iter().copied());
        let hint = nearest(name, known).map_or(String::new(), |n| format!("; did you mean `{n}`?"));
        Err(ModelError::argument(
            argument,
            format!("`{name}` is no column or term of the model{hint}"),
        ))
    }

    fn resolved(&self, argument: &str, wish: &PerColumn, default: f64) -> Result<Vec<f64>, ModelError> {
        let p = self.columns.names.len() - 1;
        match wish {
            PerColumn::Default => Ok(vec![default; p]),
            PerColumn::All(value) => Ok(vec![*value; p]),
            PerColumn::Each(values) if values.len() == p => Ok(values.clone()),
            PerColumn::Each(values) => Err(ModelError::argument(
                argument,
                format!("{} numbers for {p} columns", values.len()),
            )),
            PerColumn::Named(pairs) => {
                let mut values = vec![default; p];
                for (name, value) in pairs {
                    for j in self.places(argument, name)? {
                        values[j] = *value;
                    }
                }
                Ok(values)
            }
        }
    }
}
