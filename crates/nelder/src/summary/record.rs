//! The plain records of fitted models, which the printed, tidy and JSON forms read.

use serde::Serialize;

/// One row of the coefficient table. All numbers are `None` for an aliased coefficient, which R prints as `NA`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CoefficientRow {
    /// The column's name in the design, as R writes it.
    pub term: String,
    /// The coefficient.
    pub estimate: Option<f64>,
    /// Its standard error; NaN without residual degrees of freedom.
    pub std_error: Option<f64>,
    /// The t statistic, or z where the dispersion is known.
    pub statistic: Option<f64>,
    /// The two-sided p-value.
    pub p_value: Option<f64>,
    /// Lower end of the confidence interval.
    pub conf_low: Option<f64>,
    /// Upper end of the confidence interval.
    pub conf_high: Option<f64>,
}

/// Residuals in the printed summary, times √w where there are weights w.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum ResidualSummary {
    /// Minimum, quartiles and maximum (R's `quantile`, type 7): with more than five residual degrees of freedom.
    Quantiles([f64; 5]),
    /// Every residual with its row's name: with one to five residual degrees of freedom.
    All {
        /// Row names.
        names: Vec<String>,
        /// Residuals.
        values: Vec<f64>,
    },
    /// No residual degrees of freedom, all residuals zero.
    Saturated,
}

/// The overall F test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FStatistic {
    /// The statistic.
    pub value: f64,
    /// Numerator degrees of freedom.
    pub df1: f64,
    /// Denominator degrees of freedom.
    pub df2: f64,
    /// Its upper tail area.
    pub p_value: f64,
}

/// Record of R's `summary.lm`, for one response.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LmSummary {
    /// The call as R deparses it, lines separated by `\n`.
    pub call: String,
    /// The response's name, printed only where there are several responses.
    pub response: String,
    /// The residuals.
    pub residuals: ResidualSummary,
    /// True if the fit has case weights, which puts `Weighted Residuals` over the residuals.
    pub weighted: bool,
    /// The coefficients in the design's order, aliased ones included.
    pub coefficients: Vec<CoefficientRow>,
    /// Terms whose coefficients are estimates without standard errors: they are not printed.
    pub estimates_only: Vec<EstimatedTerm>,
    /// Number of aliased coefficients.
    pub aliased: usize,
    /// Residual standard error.
    pub sigma: f64,
    /// Residual degrees of freedom.
    pub df_residual: u64,
    /// Rank of the design.
    pub rank: usize,
    /// Multiple R²; `None` where there is nothing but an intercept or no coefficient at all (R prints none then).
    pub r_squared: Option<f64>,
    /// Adjusted R², likewise.
    pub adj_r_squared: Option<f64>,
    /// The overall F test, likewise.
    pub f_statistic: Option<FStatistic>,
    /// Rows left out because a value was missing.
    pub omitted: u64,
    /// Rows used (with a weight other than zero).
    pub nobs: u64,
    /// Log-likelihood (R's `logLik`).
    pub log_lik: f64,
    /// Akaike's criterion (R's `AIC`).
    pub aic: f64,
    /// Schwarz's criterion (R's `BIC`).
    pub bic: f64,
    /// Weighted residual sum of squares.
    pub deviance: f64,
}

/// A term whose levels were eliminated, so that its coefficients have no standard errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EstimatedTerm {
    /// R's label of the term.
    pub term: String,
    /// Its first coefficient.
    pub first: usize,
    /// Number of its coefficients, which follow each other.
    pub count: usize,
    /// Number of them that are aliased.
    pub aliased: usize,
}

/// θ of a negative binomial that was estimated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Theta {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Twice the log-likelihood.
    pub twice_log_lik: f64,
}

/// Record of R's `summary.glm`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GlmSummary {
    /// The call as R deparses it, lines separated by `\n`.
    pub call: String,
    /// Name of the family in R.
    pub family: String,
    /// Name of the link in R.
    pub link: String,
    /// The deviance residuals: quantiles with more than five residual degrees of freedom, else all.
    pub residuals: ResidualSummary,
    /// The coefficients in the design's order, aliased ones included.
    pub coefficients: Vec<CoefficientRow>,
    /// Number of aliased coefficients.
    pub aliased: usize,
    /// True if tests are z tests: the dispersion is known, or the covariance is robust.
    pub z_tests: bool,
    /// The dispersion; NaN where it is not known and no degrees of freedom are left to estimate it.
    pub dispersion: f64,
    /// Deviance of the model of the intercept and the offset alone.
    pub null_deviance: f64,
    /// Its degrees of freedom.
    pub df_null: u64,
    /// Deviance.
    pub deviance: f64,
    /// Residual degrees of freedom.
    pub df_residual: u64,
    /// Rank of the design.
    pub rank: usize,
    /// Rows left out because a value was missing.
    pub omitted: u64,
    /// Rows used (with a weight other than zero).
    pub nobs: u64,
    /// Log-likelihood (R's `logLik`); NaN for a quasi-likelihood.
    pub log_lik: f64,
    /// Akaike's criterion (R's `AIC`).
    pub aic: f64,
    /// Schwarz's criterion (R's `BIC`).
    pub bic: f64,
    /// Steps of Fisher scoring.
    pub iterations: u32,
    /// True if the iteration converged.
    pub converged: bool,
    /// θ, where it was estimated.
    pub theta: Option<Theta>,
    /// Warnings for the user, a sentence each.
    pub warnings: Vec<String>,
}
