//! Specification of an elastic net of several responses.

use crate::model::elastic_net::{ElasticNetSpec, Measure};
use crate::model::{ModelError, elastic_net::cross_validation_spec::CrossValidationSpec};

/// Family of a model of several responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum MultiFamily {
    /// Several Gaussian responses, glmnet's `mgaussian`: `cbind(a, b) ~ x`.
    Gaussian {
        /// True if each response is divided by its deviation, `standardize.response`.
        standardize: bool,
    },
    /// A class of several, `multinomial`: the response is a factor, or `cbind()` of a column of counts or shares for each class.
    Multinomial {
        /// True if a column has coefficients for all classes or for none, `type.multinomial = "grouped"`.
        grouped: bool,
    },
}

impl MultiFamily {
    /// The family of a name; `None` for those of one response.
    pub fn parse(name: &str) -> Option<MultiFamily> {
        match name {
            "mgaussian" => Some(MultiFamily::Gaussian { standardize: false }),
            "multinomial" => Some(MultiFamily::Multinomial { grouped: false }),
            _ => None,
        }
    }

    /// Name of the family.
    pub fn name(&self) -> &'static str {
        match self {
            MultiFamily::Gaussian { .. } => "mgaussian",
            MultiFamily::Multinomial { .. } => "multinomial",
        }
    }

    /// The measure of a name.
    ///
    /// # Errors
    /// A name that is none, or not of this family.
    pub fn measure(&self, name: &str) -> Result<Measure, ModelError> {
        match (name, self) {
            ("default" | "deviance", _) => Ok(Measure::Deviance),
            ("mse", _) => Ok(Measure::Squared),
            ("mae", _) => Ok(Measure::Absolute),
            ("class", MultiFamily::Multinomial { .. }) => Ok(Measure::Class),
            (other, _) => {
                let known = match self {
                    MultiFamily::Gaussian { .. } => "mse, deviance, mae",
                    MultiFamily::Multinomial { .. } => "deviance, class, mse, mae",
                };
                let why = format!(
                    "`{other}` is none of {known}, the measures of {} models",
                    self.name()
                );
                Err(ModelError::argument("type.measure", why))
            }
        }
    }

    /// Name of a measure as glmnet prints it.
    pub fn measure_label(&self, measure: Measure) -> &'static str {
        match (measure, self) {
            (Measure::Deviance, MultiFamily::Multinomial { .. }) => "Multinomial Deviance",
            (Measure::Absolute, _) => "Mean Absolute Error",
            (Measure::Class, _) => "Misclassification Error",
            _ => "Mean-Squared Error",
        }
    }
}

/// An elastic net of several responses.
///
/// ```
/// use nelder::model::{ElasticNetSpec, MultiFamily, MultiNetSpec};
/// let net = ElasticNetSpec::new("species ~ length + width").alpha(0.5);
/// let spec = MultiNetSpec::new(net, MultiFamily::Multinomial { grouped: true });
/// assert_eq!(spec.family.name(), "multinomial");
/// ```
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct MultiNetSpec {
    /// The arguments of a path of one response; its family is not looked at, nor its `printed`.
    pub net: ElasticNetSpec,
    /// Family.
    pub family: MultiFamily,
    /// Offsets of the linear predictors, expressions of the columns: none, or one for each response or class.
    pub offsets: Vec<String>,
    /// Names of the classes, where the response has their places from 0; empty where it is a factor, whose levels they are.
    pub classes: Vec<String>,
}

impl MultiNetSpec {
    /// A model without offsets.
    pub fn new(net: ElasticNetSpec, family: MultiFamily) -> Self {
        MultiNetSpec {
            net,
            family,
            offsets: Vec::new(),
            classes: Vec::new(),
        }
    }

    /// The same with another share of absolute values.
    pub(super) fn alpha(&self, alpha: f64) -> MultiNetSpec {
        MultiNetSpec {
            net: self.net.clone().alpha(alpha),
            ..self.clone()
        }
    }
}

/// A cross-validation of an elastic net of several responses.
#[derive(Clone, Debug)]
pub struct MultiValidationSpec {
    /// The model.
    pub model: MultiNetSpec,
    /// The folds and what is compared; its model is not looked at.
    pub folds: CrossValidationSpec,
}

impl MultiValidationSpec {
    /// A model, with the folds, measure and α of another model's cross-validation.
    pub fn new(model: MultiNetSpec, folds: CrossValidationSpec) -> Self {
        let folds = CrossValidationSpec {
            model: model.net.clone(),
            ..folds
        };
        MultiValidationSpec { model, folds }
    }
}
