//! Measures of a cross-validation: the loss of a held-out row.

use serde::{Deserialize, Serialize};

use crate::family::{Family, FamilyName};
use crate::model::ModelError;

/// Loss of a row: glmnet's `type.measure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measure {
    /// The unit deviance, `deviance`; of a Gaussian model the squared error.
    Deviance,
    /// The squared error (y − μ)², `mse`; of a binomial model the sum over both classes.
    Squared,
    /// The absolute error |y − μ|, `mae`; of a binomial model the sum over both classes.
    Absolute,
    /// The share of wrong classes, `class`: 1 where y and μ are on different sides of one half.
    Class,
    /// The area under the curve of sensitivity against 1 − specificity, `auc`, of two classes; the larger, the better.
    Area,
    /// Harrell's C of a Cox model, `C`: the share of comparable pairs in the right order; the larger, the better.
    Concordance,
}

impl Measure {
    /// The measure of a name, for a family.
    ///
    /// # Errors
    /// A name that is none, or not of this family.
    pub fn parse(name: &str, family: &Family) -> Result<Measure, ModelError> {
        let known = ["default", "deviance", "mse", "mae", "class", "auc"];
        let found = match name {
            "default" | "deviance" => Measure::Deviance,
            "mse" => Measure::Squared,
            "mae" => Measure::Absolute,
            "class" => Measure::Class,
            "auc" => Measure::Area,
            "C" => {
                return Err(ModelError::argument(
                    "type.measure",
                    format!("C is for survival times, and the family is {}", family.label()),
                ));
            }
            other => {
                let hint = crate::formula::nearest(other, known.into_iter())
                    .map_or(String::new(), |n| format!("; did you mean `{n}`?"));
                return Err(ModelError::argument(
                    "type.measure",
                    format!("`{other}` is none of {}{hint}", known.join(", ")),
                ));
            }
        };
        match found {
            Measure::Class | Measure::Area if !family.is_binomial() => Err(ModelError::argument(
                "type.measure",
                format!("{name} is for two classes, and the family is {}", family.label()),
            )),
            found => Ok(found),
        }
    }

    /// The measure of a name, for a Cox model.
    ///
    /// # Errors
    /// A name that is none, or not of such a model.
    pub fn parse_cox(name: &str) -> Result<Measure, ModelError> {
        match name {
            "default" | "deviance" => Ok(Measure::Deviance),
            "C" => Ok(Measure::Concordance),
            other => Err(ModelError::argument(
                "type.measure",
                format!("`{other}` is none of default, deviance, C, the measures of a Cox model"),
            )),
        }
    }

    /// True if the best model has the most of it.
    pub fn is_gain(self) -> bool {
        matches!(self, Measure::Area | Measure::Concordance)
    }

    /// Name of the measure as glmnet prints it.
    pub fn label(&self, family: &Family) -> String {
        match self {
            Measure::Deviance if family.is_of_residuals() => "Mean-Squared Error".into(),
            Measure::Deviance => match family.name {
                FamilyName::Binomial => "Binomial Deviance".into(),
                FamilyName::Poisson => "Poisson Deviance".into(),
                _ => "GLM Deviance".into(),
            },
            Measure::Squared => "Mean-Squared Error".into(),
            Measure::Absolute => "Mean Absolute Error".into(),
            Measure::Class => "Misclassification Error".into(),
            Measure::Area => "AUC".into(),
            Measure::Concordance => "C-index".into(),
        }
    }

    /// Losses from responses and means, in the place of the means.
    pub(super) fn losses(self, y: &[f64], means: &mut [f64], two_classes: bool) {
        let classes = if two_classes { 2.0 } else { 1.0 };
        for (mu, &y) in means.iter_mut().zip(y) {
            *mu = match self {
                // of rows together
                Measure::Deviance | Measure::Area | Measure::Concordance => *mu,
                Measure::Squared => classes * (y - *mu) * (y - *mu),
                Measure::Absolute => classes * (y - *mu).abs(),
                // a share y of the trials are of the second class
                Measure::Class => {
                    if *mu > 0.5 {
                        1.0 - y
                    } else {
                        y
                    }
                }
            };
        }
    }
}
