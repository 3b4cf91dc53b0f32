//! Specification of a generalized linear model.

use crate::family::Family;
use crate::model::{Accuracy, LmSpec, ModelError};

/// A generalized linear model: R's `glm` arguments, with expressions as text.
///
/// ```
/// use nelder::family::Family;
/// use nelder::model::GlmSpec;
/// let spec = GlmSpec::new("am ~ wt", Family::binomial()).epsilon(1e-12);
/// assert_eq!(spec.max_iterations, 25);
/// ```
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct GlmSpec {
    /// Formula, weights, offset, subset, missing values, contrasts, tolerance and accuracy, as of a linear model.
    pub design: LmSpec,
    /// Family and link.
    pub family: Family,
    /// Coefficients to start from, in the order of the columns.
    pub start: Option<Vec<f64>>,
    /// Linear predictors to start from, an expression of the columns.
    pub eta_start: Option<String>,
    /// Means to start from, an expression of the columns.
    pub mu_start: Option<String>,
    /// The iteration ends when |D − D'| / (|D| + 0.1) falls below it, for deviances D and D' of successive steps.
    pub epsilon: f64,
    /// Steps at most.
    pub max_iterations: u32,
    /// Steps whose relative change of the deviance is above this may form their Hessian in single precision, where
    /// the accuracy is [`Accuracy::Auto`].
    pub epsilon_f64: f64,
}

impl GlmSpec {
    /// A model with R's defaults.
    pub fn new(formula: &str, family: Family) -> Self {
        GlmSpec {
            design: LmSpec::new(formula),
            family,
            start: None,
            eta_start: None,
            mu_start: None,
            epsilon: 1e-8,
            max_iterations: 25,
            epsilon_f64: 1e-6,
        }
    }

    /// Sets the prior weights.
    pub fn weights(mut self, expression: &str) -> Self {
        self.design = self.design.weights(expression);
        self
    }

    /// Sets the offset.
    pub fn offset(mut self, expression: &str) -> Self {
        self.design = self.design.offset(expression);
        self
    }

    /// Sets the rows to use.
    pub fn subset(mut self, expression: &str) -> Self {
        self.design = self.design.subset(expression);
        self
    }

    /// Sets the accuracy.
    pub fn accuracy(mut self, accuracy: Accuracy) -> Self {
        self.design = self.design.accuracy(accuracy);
        self
    }

    /// Sets where the iteration ends.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Sets the number of steps.
    pub fn max_iterations(mut self, steps: u32) -> Self {
        self.max_iterations = steps;
        self
    }

    /// Sets the coefficients to start from.
    pub fn start(mut self, coefficients: &[f64]) -> Self {
        self.start = Some(coefficients.to_vec());
        self
    }

    /// The tolerance for aliasing in force: R's `min(1e-7, epsilon / 1000)`.
    pub fn tolerance(&self) -> f64 {
        self.design.tol.unwrap_or((self.epsilon / 1000.0).min(1e-7))
    }

    /// Checks what does not depend on data.
    pub(in crate::model) fn check(&self) -> Result<(), ModelError> {
        let wrong = |argument: &str, why: String| {
            Err(ModelError::Argument {
                argument: argument.into(),
                why,
            })
        };
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return wrong("epsilon", format!("{} is not a number above 0", self.epsilon));
        }
        if !(self.epsilon_f64 >= 0.0) {
            return wrong(
                "epsilon_f64",
                format!("{} is not a number from 0", self.epsilon_f64),
            );
        }
        if self.max_iterations == 0 {
            return wrong("maxit", "0 steps are none; give 1 or more".into());
        }
        if let Some(bad) = self.start.iter().flatten().find(|b| !b.is_finite()) {
            return wrong("start", format!("{bad} is not a finite number"));
        }
        let given = [
            ("start", self.start.is_some()),
            ("etastart", self.eta_start.is_some()),
            ("mustart", self.mu_start.is_some()),
        ];
        let names: Vec<&str> = given.iter().filter(|(_, g)| *g).map(|(n, _)| *n).collect();
        if names.len() > 1 {
            return wrong(
                names[1],
                format!("{} starts the iteration already; give one of them", names[0]),
            );
        }
        Ok(())
    }
}
