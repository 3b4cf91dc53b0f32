//! Specification of a linear model.

use crate::design::{DesignError, Missing, Room};
use crate::formula::{Contrast, Terms, parse_formula, term_count, terms};
use crate::model::ModelError;

/// Precision of the arithmetic of a fit, and of its results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Accuracy {
    /// Double-precision results at the least cost: escalates when the condition asks for it.
    #[default]
    Auto,
    /// The same as `Auto` on a device with double precision.
    Double,
    /// The quickest: the gram in single precision wherever that is quicker. Residuals in twice the precision refine the
    /// coefficients all the same; standard errors keep the digits that the report states, five or six.
    Single,
    /// Columns formed and decomposed in twice the precision; the default tolerance is 1e-15.
    Certified,
}

/// Levels of the smaller of two crossed factors from which on its equations take too long: they are of that order, and factoring them in
/// twice the precision takes half a minute there, eight times as long for twice as many. Below, levels have standard errors.
pub const CROSSED_FROM: usize = 2000;

/// A linear model: R's `lm` arguments, with expressions as text.
///
/// ```
/// use nelder::model::LmSpec;
/// let spec = LmSpec::new("mpg ~ wt + factor(cyl)").weights("hp");
/// assert_eq!(spec.weights.as_deref(), Some("hp"));
/// ```
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct LmSpec {
    /// The formula.
    pub formula: String,
    /// Terms of the formula, where it is not to be read as text: for a front that evaluates formulas itself, with
    /// [`Expr::Evaluated`](crate::formula::Expr::Evaluated) variables.
    #[serde(skip)]
    pub terms: Option<Terms>,
    /// Case weights, an expression of the columns.
    pub weights: Option<String>,
    /// An offset beside those in the formula.
    pub offset: Option<String>,
    /// Rows to use, a logical expression.
    pub subset: Option<String>,
    /// Rows with missing values.
    pub missing: Missing,
    /// Contrasts by variable.
    pub contrasts: Vec<(String, Contrast)>,
    /// A column is aliased when less than this part of its norm is left: R's `tol`, 1e-7 by default (1e-15 when
    /// certified).
    pub tol: Option<f64>,
    /// Precision of the arithmetic.
    pub accuracy: Accuracy,
    /// Levels that both of two crossed factors have from which on their levels are eliminated by conjugate gradients, and have
    /// estimates alone; [`CROSSED_FROM`] by default. Fewer where there is no room for the equations otherwise.
    #[serde(skip)]
    pub crossed_from: Option<usize>,
    /// True if the fit is to take a [`Fingerprint`](crate::design::Fingerprint) of its rows in the first pass, for
    /// comparisons of saved fits.
    #[serde(skip)]
    pub fingerprint: bool,
}

impl LmSpec {
    /// A model with R's defaults.
    pub fn new(formula: &str) -> Self {
        LmSpec {
            formula: formula.to_string(),
            ..LmSpec::default()
        }
    }

    /// A model whose terms are known; `formula` is for print only.
    pub fn of_terms(formula: &str, terms: Terms) -> Self {
        LmSpec {
            terms: Some(terms),
            ..LmSpec::new(formula)
        }
    }

    /// The terms over columns of these names.
    ///
    /// # Errors
    /// A formula that cannot be read or has no meaning.
    pub(in crate::model) fn meaning(&self, columns: &[&str]) -> Result<Terms, ModelError> {
        self.meaning_of(columns, 0)
    }

    /// The same, terms being refused for their gram where they are more than the columns of the data: as many may be read one by one.
    pub(in crate::model) fn meaning_of_columns(&self, columns: &[&str]) -> Result<Terms, ModelError> {
        self.meaning_of(columns, columns.len() as u128)
    }

    fn meaning_of(&self, columns: &[&str], free: u128) -> Result<Terms, ModelError> {
        match &self.terms {
            Some(terms) => Ok(terms.clone()),
            None => {
                let formula = parse_formula(&self.formula)?;
                // with the intercept, and before they are written out
                if let Some(count) = term_count(&formula, columns).filter(|c| *c > free) {
                    let room = Room::of_machine().for_terms(count.saturating_add(1));
                    room.map_err(DesignError::NoRoom)?;
                }
                Ok(terms(&formula, columns)?)
            }
        }
    }

    /// Sets the case weights.
    pub fn weights(mut self, expression: &str) -> Self {
        self.weights = Some(expression.to_string());
        self
    }

    /// Sets the offset.
    pub fn offset(mut self, expression: &str) -> Self {
        self.offset = Some(expression.to_string());
        self
    }

    /// Sets the rows to use.
    pub fn subset(mut self, expression: &str) -> Self {
        self.subset = Some(expression.to_string());
        self
    }

    /// Sets the accuracy.
    pub fn accuracy(mut self, accuracy: Accuracy) -> Self {
        self.accuracy = accuracy;
        self
    }

    /// Sets the tolerance for aliasing.
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = Some(tol);
        self
    }

    /// Sets the contrasts of a variable.
    pub fn contrast(mut self, variable: &str, contrast: Contrast) -> Self {
        self.contrasts.push((variable.to_string(), contrast));
        self
    }

    /// The tolerance in force.
    pub fn tolerance(&self) -> f64 {
        self.tol.unwrap_or(if self.accuracy == Accuracy::Certified {
            1e-15
        } else {
            1e-7
        })
    }
}
