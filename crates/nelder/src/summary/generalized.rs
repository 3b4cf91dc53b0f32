//! The summary of a fitted generalized linear model, and intervals of its predictions.

use super::inference::{coefficient_rows, width};
use super::linear::all_residuals;
use super::record::{GlmSummary, ResidualSummary, Theta};
use crate::model::{Covariance, Glm, GlmPrediction, Regression, SavedGlm};

/// R's `summary` of a fit, Wald limits at `level`. `call` is printed as it is. With a covariance the tests are those
/// of lmtest's `coeftest`.
///
/// ```
/// use nelder::family::Family;
/// use nelder::frame::Frame;
/// use nelder::model::{GlmSpec, glm};
/// use nelder::pass::NoProgress;
/// use nelder::summary::{generalized, print_generalized};
/// let (x, y) = ([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 3.0, 8.0]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let fit = glm(&GlmSpec::new("y ~ x", Family::poisson()), &frame, &NoProgress).unwrap();
/// let text = print_generalized::summary(&generalized::summary(&fit, "glm(y ~ x, poisson)", 0.95, None));
/// assert!(text.contains("Number of Fisher Scoring iterations: 4"));
/// ```
pub fn summary(fit: &Glm<'_>, call: &str, level: f64, covariance: Option<&Covariance>) -> GlmSummary {
    let own = &fit.fit;
    GlmSummary {
        call: call.to_string(),
        family: own.family.label(),
        link: own.family.link.name(),
        residuals: match own.df_residual() {
            0 => ResidualSummary::Saturated,
            1..=5 if !own.residuals.is_empty() => all_residuals(&own.residuals, 0),
            _ => ResidualSummary::Quantiles(fit.quantiles),
        },
        coefficients: coefficient_rows(fit, level, covariance),
        aliased: fit.coefnames().len() - own.rank(),
        z_tests: fit.dof_tests(covariance.is_some()).is_infinite(),
        dispersion: fit.dispersion,
        null_deviance: own.null_deviance,
        df_null: fit.df_null(),
        deviance: own.deviance,
        df_residual: own.df_residual(),
        rank: own.rank(),
        omitted: own.counts.omitted,
        nobs: own.rows(),
        log_lik: own.log_lik(),
        aic: own.aic(),
        bic: fit.bic(),
        iterations: own.iterations,
        converged: own.converged,
        theta: fit
            .theta()
            .filter(|_| own.family.estimated)
            .map(|estimate| Theta {
                estimate,
                std_error: own.theta_error.unwrap_or(f64::NAN),
                twice_log_lik: 2.0 * own.log_lik(),
            }),
        warnings: own.warnings.iter().map(ToString::to_string).collect(),
    }
}

/// (lower, upper) around predictions, for the linear predictor or the mean at each row. Those of the mean are the
/// link's, taken to the scale of the mean.
pub fn mean_intervals(fit: &SavedGlm, rows: &GlmPrediction, level: f64, on_link: bool) -> Vec<(f64, f64)> {
    let df = match fit.family.known_dispersion() {
        true => f64::INFINITY,
        false => fit.df_residual as f64,
    };
    let width = width(level, df);
    let of = |(v, s): (&f64, &f64)| {
        let (low, high) = (v - width * s, v + width * s);
        if on_link {
            return (low, high);
        }
        let (a, b) = (fit.family.inverse_link(low).0, fit.family.inverse_link(high).0);
        (a.min(b), a.max(b))
    };
    rows.link.iter().zip(&rows.link_error).map(of).collect()
}
