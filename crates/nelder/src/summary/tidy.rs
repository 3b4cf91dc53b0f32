//! A fit as plain data: a table of coefficients as `broom::tidy` gives it, and the two objects of the JSON report.

use super::record::{CoefficientRow, GlmSummary, LmSummary};
use serde::Serialize;
use std::io::{self, Write};

/// The columns of the tidy table.
pub const TIDY_COLUMNS: [&str; 7] = [
    "term",
    "estimate",
    "std_error",
    "statistic",
    "p_value",
    "conf_low",
    "conf_high",
];

/// Writes the coefficients as CSV: a header, then one line for each coefficient; numbers in the shortest form that
/// reads back as the same double; what is missing or not finite as `NA`. With several responses a first column
/// `response` names them.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use nelder::summary::{CoefficientRow, tidy::write_rows};
/// let rows = [CoefficientRow { term: "x".into(), estimate: Some(0.5), ..Default::default() }];
/// let mut out = Vec::new();
/// write_rows(&mut out, &rows)?;
/// assert_eq!(out, b"term,estimate,std_error,statistic,p_value,conf_low,conf_high\nx,0.5,NA,NA,NA,NA,NA\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_rows(out: &mut impl Write, rows: &[CoefficientRow]) -> io::Result<()> {
    writeln!(out, "{}", TIDY_COLUMNS.join(","))?;
    for row in rows {
        write_row(out, row)?;
    }
    Ok(())
}

/// [`write_rows`] for the fits of one model, one for each response.
///
/// # Errors
/// Those of the writer.
pub fn write_csv(out: &mut impl Write, fits: &[LmSummary]) -> io::Result<()> {
    if let [fit] = fits {
        return write_rows(out, &fit.coefficients);
    }
    writeln!(out, "response,{}", TIDY_COLUMNS.join(","))?;
    for fit in fits {
        for row in &fit.coefficients {
            write!(out, "{},", quote(&fit.response))?;
            write_row(out, row)?;
        }
    }
    Ok(())
}

fn write_row(out: &mut impl Write, row: &CoefficientRow) -> io::Result<()> {
    write!(out, "{}", quote(&row.term))?;
    for value in [
        row.estimate,
        row.std_error,
        row.statistic,
        row.p_value,
        row.conf_low,
        row.conf_high,
    ] {
        match finite(value) {
            Some(v) => write!(out, ",{v:?}")?,
            None => write!(out, ",NA")?,
        }
    }
    writeln!(out)
}

/// A CSV field, in quotes where it needs them.
pub(super) fn quote(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite())
}

/// The keys `coefficients` and `fit` of the JSON report. Numbers that are missing or not finite are `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// One object for each coefficient.
    pub coefficients: Vec<CoefficientRow>,
    /// Numbers of the whole fit.
    pub fit: FitNumbers,
}

/// One number each of a whole fit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FitNumbers {
    /// Rows used.
    pub nobs: u64,
    /// Residual degrees of freedom.
    pub df_residual: u64,
    /// Residual standard error.
    pub sigma: Option<f64>,
    /// Multiple R².
    pub r_squared: Option<f64>,
    /// Adjusted R².
    pub adj_r_squared: Option<f64>,
    /// The overall F statistic.
    pub f_statistic: Option<f64>,
    /// Log-likelihood.
    pub log_lik: Option<f64>,
    /// Akaike's criterion.
    pub aic: Option<f64>,
    /// Schwarz's criterion.
    pub bic: Option<f64>,
    /// Weighted residual sum of squares.
    pub deviance: Option<f64>,
}

/// The same for a generalized linear model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GlmReport {
    /// One object for each coefficient.
    pub coefficients: Vec<CoefficientRow>,
    /// Numbers of the whole fit.
    pub fit: GlmNumbers,
}

/// One number each of a whole generalized linear model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GlmNumbers {
    /// Name of the family in R.
    pub family: String,
    /// Name of the link in R.
    pub link: String,
    /// Rows used.
    pub nobs: u64,
    /// Residual degrees of freedom.
    pub df_residual: u64,
    /// Degrees of freedom of the model of the intercept alone.
    pub df_null: u64,
    /// Deviance.
    pub deviance: Option<f64>,
    /// Deviance of the model of the intercept alone.
    pub null_deviance: Option<f64>,
    /// Dispersion.
    pub dispersion: Option<f64>,
    /// Steps of Fisher scoring.
    pub iterations: u32,
    /// True if the iteration converged.
    pub converged: bool,
    /// Log-likelihood.
    pub log_lik: Option<f64>,
    /// Akaike's criterion.
    pub aic: Option<f64>,
    /// Schwarz's criterion.
    pub bic: Option<f64>,
    /// θ of a negative binomial, where it was estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theta: Option<f64>,
    /// Its standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theta_std_error: Option<f64>,
    /// Warnings for the user, a sentence each.
    pub warnings: Vec<String>,
}

fn known(rows: &[CoefficientRow]) -> Vec<CoefficientRow> {
    let row = |r: &CoefficientRow| CoefficientRow {
        term: r.term.clone(),
        estimate: finite(r.estimate),
        std_error: finite(r.std_error),
        statistic: finite(r.statistic),
        p_value: finite(r.p_value),
        conf_low: finite(r.conf_low),
        conf_high: finite(r.conf_high),
    };
    rows.iter().map(row).collect()
}

impl From<&GlmSummary> for GlmReport {
    fn from(fit: &GlmSummary) -> Self {
        let number = |v: f64| finite(Some(v));
        Self {
            coefficients: known(&fit.coefficients),
            fit: GlmNumbers {
                family: fit.family.clone(),
                link: fit.link.clone(),
                nobs: fit.nobs,
                df_residual: fit.df_residual,
                df_null: fit.df_null,
                deviance: number(fit.deviance),
                null_deviance: number(fit.null_deviance),
                dispersion: number(fit.dispersion),
                iterations: fit.iterations,
                converged: fit.converged,
                log_lik: number(fit.log_lik),
                aic: number(fit.aic),
                bic: number(fit.bic),
                theta: fit.theta.map(|t| t.estimate),
                theta_std_error: fit.theta.and_then(|t| number(t.std_error)),
                warnings: fit.warnings.clone(),
            },
        }
    }
}

impl From<&LmSummary> for Report {
    fn from(fit: &LmSummary) -> Self {
        let number = |v: f64| finite(Some(v));
        Self {
            coefficients: known(&fit.coefficients),
            fit: FitNumbers {
                nobs: fit.nobs,
                df_residual: fit.df_residual,
                sigma: number(fit.sigma),
                r_squared: finite(fit.r_squared),
                adj_r_squared: finite(fit.adj_r_squared),
                f_statistic: finite(fit.f_statistic.map(|f| f.value)),
                log_lik: number(fit.log_lik),
                aic: number(fit.aic),
                bic: number(fit.bic),
                deviance: number(fit.deviance),
            },
        }
    }
}
