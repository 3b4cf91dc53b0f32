//! `summary` of a generalized linear model as text, character by character what R 4.2 prints in a UTF-8 locale with
//! its default options (`digits = 7`, `width = 80`, `scipen = 0`).

use super::coefficients::print_tested;
use super::format::{format_optional, format_significant, number, round_half_even, signif, zapsmall};
use super::record::{GlmSummary, ResidualSummary, Theta};
use super::text;

/// R's `max(3, getOption("digits") - 3)`.
const DIGITS: usize = 4;

/// Returns R's print of `summary(glm(...))`.
pub fn summary(fit: &GlmSummary) -> String {
    let mut out = format!("\nCall:\n{}\n\nDeviance Residuals: \n", fit.call);
    out.push_str(&residuals(fit));
    if fit.coefficients.is_empty() {
        out.push_str("\nNo Coefficients\n");
    } else {
        match fit.aliased {
            0 => out.push_str("\nCoefficients:\n"),
            n => out.push_str(&format!(
                "\nCoefficients: ({n} not defined because of singularities)\n"
            )),
        }
        let test = if fit.z_tests { 'z' } else { 't' };
        out.push_str(&print_tested(&fit.coefficients, DIGITS, test));
    }
    out.push_str(&format!(
        "\n(Dispersion parameter for {} family taken to be {})\n\n",
        fit.family,
        number(fit.dispersion)
    ));
    let deviances = padded(&format_significant(
        &[fit.null_deviance, fit.deviance],
        DIGITS + 1,
    ));
    let df = padded(&[fit.df_null.to_string(), fit.df_residual.to_string()]);
    for (k, name) in ["    Null", "Residual"].iter().enumerate() {
        out.push_str(&format!(
            "{name} deviance: {}  on {}  degrees of freedom\n",
            deviances[k], df[k]
        ));
    }
    out.push_str(&missing(fit.omitted));
    out.push_str(&format!(
        "AIC: {}\n\nNumber of Fisher Scoring iterations: {}\n\n",
        optional(fit.aic, DIGITS + 1),
        fit.iterations
    ));
    if let Some(theta) = &fit.theta {
        out.push_str(&estimated(theta));
    }
    out
}

/// Returns R's print of the model itself, without `summary`.
pub fn brief(fit: &GlmSummary) -> String {
    let mut out = format!("\nCall:  {}\n\n", fit.call);
    if fit.coefficients.is_empty() {
        out.push_str("No coefficients\n\n");
    } else {
        out.push_str("Coefficients:\n");
        let terms: Vec<String> = fit.coefficients.iter().map(|c| c.term.clone()).collect();
        let all: Vec<Option<f64>> = fit.coefficients.iter().map(|c| c.estimate).collect();
        out.push_str(&text::named_vector(&terms, &format_optional(&all, DIGITS), 2));
    }
    out.push_str(&format!(
        "\nDegrees of Freedom: {} Total (i.e. Null);  {} Residual\n",
        fit.df_null, fit.df_residual
    ));
    out.push_str(&missing(fit.omitted));
    let four = |v: f64| optional(signif(v, DIGITS), 7);
    out.push_str(&format!(
        "Null Deviance:\t    {} \nResidual Deviance: {} \tAIC: {}\n",
        four(fit.null_deviance),
        four(fit.deviance),
        four(fit.aic)
    ));
    out
}

fn optional(v: f64, digits: usize) -> String {
    if v.is_nan() {
        return "NA".into();
    }
    format_significant(&[v], digits).concat()
}

fn padded(texts: &[String]) -> Vec<String> {
    let widest = texts.iter().map(|t| text::width(t)).max().unwrap_or(0);
    texts.iter().map(|t| format!("{t:>widest$}")).collect()
}

/// The line of so many rows that were left out as incomplete.
pub(super) fn missing(rows: u64) -> String {
    match rows {
        0 => String::new(),
        1 => "  (1 observation deleted due to missingness)\n".into(),
        n => format!("  ({n} observations deleted due to missingness)\n"),
    }
}

fn residuals(fit: &GlmSummary) -> String {
    let zapped = |values: &[f64]| format_significant(&zapsmall(values, DIGITS as i32 + 1), DIGITS);
    match &fit.residuals {
        ResidualSummary::Quantiles(q) => {
            let names = ["Min", "1Q", "Median", "3Q", "Max"].map(str::to_owned);
            text::named_vector(&names, &zapped(q), 2)
        }
        ResidualSummary::All { names, values } => text::named_vector(names, &zapped(values), 2),
        ResidualSummary::Saturated => zeros(fit.nobs),
    }
}

/// A vector of zeros without names, two blanks between them.
fn zeros(length: u64) -> String {
    let label = length.to_string().len() + 2;
    let a_line = ((text::LINE - label) / 3).max(1) as u64;
    let line = |first: u64| {
        let count = a_line.min(length - first);
        format!(
            "{:>label$}{}\n",
            format!("[{}]", first + 1),
            "  0".repeat(count as usize)
        )
    };
    (0..length.div_ceil(a_line)).map(|k| line(k * a_line)).collect()
}

/// Returns MASS's lines on the θ of a negative binomial, with decimals to the third significant digit of its standard error.
fn estimated(theta: &Theta) -> String {
    let decimals = (2.0 - theta.std_error.log10().floor()).max(0.0);
    let places = if decimals.is_finite() {
        decimals as usize
    } else {
        0
    };
    let fixed = |v: f64, at_least: usize| {
        let plain = number(v);
        let has = plain.split_once('.').map_or(0, |(_, d)| d.len());
        match has < at_least && !plain.contains('e') {
            true => format!("{v:.at_least$}"),
            false => plain,
        }
    };
    let round = |v: f64| round_half_even(v, places as i32);
    format!(
        "\n              Theta:  {} \n          Std. Err.:  {} \n\n 2 x log-likelihood:  {} \n",
        fixed(round(theta.estimate), places),
        fixed(round(theta.std_error), places),
        fixed(round_half_even(theta.twice_log_lik, 3), places)
    )
}
