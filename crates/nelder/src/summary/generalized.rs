//! The summary of a fitted generalized linear model, and its tables of inference.

use super::distributions::{normal, student};
use super::linear::all_residuals;
use super::record::{CoefficientRow, GlmSummary, ResidualSummary, Theta};
use crate::model::{Covariance, Glm, GlmPrediction, SavedGlm};

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
        aliased: fit.names().len() - own.rank(),
        z_tests: uses_z(fit, covariance),
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
        bic: own.bic(),
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

/// Wald intervals of the coefficients at a level, (lower, upper) by column: R's `confint.default` where the
/// dispersion is known, with Student's quantiles where it is estimated. With a covariance, lmtest's `coefci`.
pub fn confint(fit: &Glm<'_>, level: f64, covariance: Option<&Covariance>) -> Vec<(f64, f64)> {
    let errors = covariance.map_or_else(|| fit.std_errors.clone(), Covariance::std_errors);
    let outside = (1.0 - level) / 2.0;
    let width = match uses_z(fit, covariance) {
        true => normal::quantile_upper(outside),
        false => student::quantile_upper(outside, fit.fit.df_residual() as f64),
    };
    let ends = |(b, s): (&f64, f64)| (b - width * s, b + width * s);
    fit.coefficients.iter().zip(errors).map(ends).collect()
}

/// True if tests are z tests; under a robust covariance they are, as lmtest has them for a `glm`.
fn uses_z(fit: &Glm<'_>, covariance: Option<&Covariance>) -> bool {
    fit.fit.family.known_dispersion() || covariance.is_some()
}

/// The coefficient table at a level: R's `summary`, or under another covariance lmtest's `coeftest`.
pub fn coefficient_rows(fit: &Glm<'_>, level: f64, covariance: Option<&Covariance>) -> Vec<CoefficientRow> {
    let errors = covariance.map_or_else(|| fit.std_errors.clone(), Covariance::std_errors);
    let intervals = confint(fit, level, covariance);
    let df = fit.fit.df_residual() as f64;
    let z = uses_z(fit, covariance);
    let rows = fit
        .names()
        .iter()
        .zip(&fit.coefficients)
        .zip(errors)
        .zip(intervals);
    rows.map(|(((term, &b), s), (low, high))| {
        let some = |v: f64| (!b.is_nan()).then_some(v);
        let t = b / s;
        let p = match (t.is_nan(), z) {
            (true, _) => f64::NAN,
            (_, true) => 2.0 * normal::sf(t.abs()),
            (_, false) => student::two_sided(t, df),
        };
        CoefficientRow {
            term: term.clone(),
            estimate: some(b),
            std_error: some(s),
            statistic: some(t),
            p_value: some(p),
            conf_low: some(low),
            conf_high: some(high),
        }
    })
    .collect()
}

/// (lower, upper) around predictions, for the linear predictor or the mean at each row. Those of the mean are the
/// link's, taken to the scale of the mean.
pub fn mean_intervals(fit: &SavedGlm, rows: &GlmPrediction, level: f64, on_link: bool) -> Vec<(f64, f64)> {
    let outside = (1.0 - level) / 2.0;
    let width = match fit.family.known_dispersion() {
        true => normal::quantile_upper(outside),
        false => student::quantile_upper(outside, fit.df_residual as f64),
    };
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
