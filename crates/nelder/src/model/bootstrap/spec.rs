//! Specification of a bootstrap.

use std::str::FromStr;

use crate::model::ModelError;

/// Resampling of a bootstrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resampling {
    /// Rows with replacement, or clusters of them (Efron 1979).
    #[default]
    Case,
    /// Rows, or clusters of them, with weights of an exponential distribution (Rubin 1981).
    Bayesian,
    /// Residuals that are drawn again (linear models).
    Residual,
    /// Residuals with random signs, by row or by cluster (linear models; Wu 1986).
    Wild,
    /// The same with Mammen's (1993) two values in the place of ±1.
    Mammen,
    /// Responses of the model's distribution.
    Parametric,
}

impl Resampling {
    /// Name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Resampling::Case => "case",
            Resampling::Bayesian => "bayesian",
            Resampling::Residual => "residual",
            Resampling::Wild => "wild",
            Resampling::Mammen => "mammen",
            Resampling::Parametric => "parametric",
        }
    }
}

impl FromStr for Resampling {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let all = [
            Resampling::Case,
            Resampling::Bayesian,
            Resampling::Residual,
            Resampling::Wild,
            Resampling::Mammen,
            Resampling::Parametric,
        ];
        all.into_iter().find(|own| own.name() == text).ok_or_else(|| {
            let names = all.map(Resampling::name).join(", ");
            ModelError::argument("type", format!("`{text}` is none of {names}"))
        })
    }
}

/// A bootstrap: how many replicates, of what.
///
/// ```
/// use nelder::model::{BootstrapSpec, Resampling};
/// let spec = BootstrapSpec::new(1000).resampling(Resampling::Case).cluster("school").seed(7);
/// assert_eq!((spec.replicates, spec.cluster.as_deref()), (1000, Some("school")));
/// ```
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct BootstrapSpec {
    /// Replicates: R.
    pub replicates: u32,
    /// Resampling.
    pub resampling: Resampling,
    /// Clusters that are resampled as wholes, an expression of the columns.
    pub cluster: Option<String>,
    /// Strata within which rows are resampled, an expression of the columns.
    pub strata: Option<String>,
    /// Seed of the draws.
    pub seed: u64,
    /// A replicate of a generalized linear model has converged where its step is shorter than this, in units of its standard errors.
    pub tolerance: f64,
    /// True if the variance of each replicate's coefficients is kept, for studentized intervals.
    pub variances: bool,
}

impl BootstrapSpec {
    /// Resampling of rows.
    pub fn new(replicates: u32) -> Self {
        BootstrapSpec {
            replicates,
            resampling: Resampling::Case,
            cluster: None,
            strata: None,
            seed: 1,
            tolerance: 1e-8,
            variances: false,
        }
    }

    /// The same with another resampling.
    pub fn resampling(self, resampling: Resampling) -> Self {
        BootstrapSpec { resampling, ..self }
    }

    /// The same with clusters.
    pub fn cluster(self, expression: &str) -> Self {
        BootstrapSpec {
            cluster: Some(expression.to_string()),
            ..self
        }
    }

    /// The same within strata.
    pub fn strata(self, expression: &str) -> Self {
        BootstrapSpec {
            strata: Some(expression.to_string()),
            ..self
        }
    }

    /// The same with another seed.
    pub fn seed(self, seed: u64) -> Self {
        BootstrapSpec { seed, ..self }
    }

    /// The same, each replicate's variances kept.
    pub fn with_variances(self) -> Self {
        BootstrapSpec {
            variances: true,
            ..self
        }
    }

    /// Checks what needs no rows.
    pub(super) fn check(&self) -> Result<(), ModelError> {
        if self.replicates < 1 {
            return Err(ModelError::argument(
                "R",
                "there must be 1 replicate at least; 1,000 is usual, and 10,000 for BCa intervals",
            ));
        }
        if self.cluster.is_some() && self.strata.is_some() {
            return Err(ModelError::argument(
                "strata",
                "clusters are not resampled within strata; give one of the two",
            ));
        }
        let by_cluster = [
            Resampling::Case,
            Resampling::Bayesian,
            Resampling::Wild,
            Resampling::Mammen,
        ];
        if self.cluster.is_some() && !by_cluster.contains(&self.resampling) {
            return Err(ModelError::argument(
                "cluster",
                format!(
                    "type = {} draws for each row; clusters are for case, bayesian, wild and mammen",
                    self.resampling.name()
                ),
            ));
        }
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            return Err(ModelError::argument(
                "tolerance",
                format!("{} is not between 0 and 1", self.tolerance),
            ));
        }
        if self.strata.is_some() && self.resampling != Resampling::Case {
            return Err(ModelError::argument(
                "strata",
                format!(
                    "only type = case resamples within strata, not {}",
                    self.resampling.name()
                ),
            ));
        }
        Ok(())
    }
}
