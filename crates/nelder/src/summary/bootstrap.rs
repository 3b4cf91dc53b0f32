//! Summary of a bootstrap: estimates, bias, standard errors and intervals, as a table, CSV and records for JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::format::format_significant;
use super::text::{Justify, matrix};
use super::tidy::quote;
use crate::model::{Bootstrap, IntervalKind, ModelError, Resampling};

/// One coefficient. What is not known is missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BootstrapRow {
    /// Name of the coefficient.
    pub term: String,
    /// The estimate of the fit.
    pub estimate: Option<f64>,
    /// Mean of the draws less the estimate.
    pub bias: Option<f64>,
    /// Standard deviation of the draws.
    pub std_error: Option<f64>,
    /// Lower end of the interval.
    pub conf_low: Option<f64>,
    /// Upper end of the interval.
    pub conf_high: Option<f64>,
    /// Draws that are numbers.
    pub draws: usize,
}

/// Summary of a bootstrap.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BootstrapSummary {
    /// The call of the fit.
    pub call: String,
    /// Type of resampling.
    #[serde(rename = "type")]
    pub resampling: Resampling,
    /// Replicates that were made.
    pub replicates: usize,
    /// Seed.
    pub seed: u64,
    /// Kind of the intervals.
    pub interval: IntervalKind,
    /// Their level.
    pub level: f64,
    /// The coefficients.
    pub coefficients: Vec<BootstrapRow>,
    /// Warnings about the draws.
    pub warnings: Vec<String>,
    /// Units that were resampled, in words.
    #[serde(skip)]
    title: String,
}

/// The summary of a bootstrap with intervals of a kind; BCa takes the acceleration of each coefficient.
///
/// # Errors
/// Intervals that the draws do not give.
pub fn summary(
    boot: &Bootstrap,
    call: &str,
    (kind, level): (IntervalKind, f64),
    acceleration: &[f64],
) -> Result<BootstrapSummary, ModelError> {
    let (draws, report) = (&boot.draws, &boot.report);
    let (bias, std_errors, missing) = (draws.bias(), draws.std_errors(), draws.missing());
    let some = |v: f64| Some(v).filter(|v| v.is_finite());
    let (mut coefficients, mut extreme) = (Vec::new(), false);
    for (c, term) in draws.names.iter().enumerate() {
        let own = acceleration.get(c).copied().unwrap_or(f64::NAN);
        let interval = draws.interval(c, kind, level, own)?;
        extreme |= interval.extreme;
        let known = !draws.estimate[c].is_nan();
        coefficients.push(BootstrapRow {
            term: term.clone(),
            estimate: some(draws.estimate[c]),
            bias: some(bias[c]).filter(|_| known),
            std_error: some(std_errors[c]).filter(|_| known),
            conf_low: some(interval.low),
            conf_high: some(interval.high),
            draws: if known { draws.replicates() - missing[c] } else { 0 },
        });
    }
    let mut warnings = Vec::new();
    if report.made < report.asked {
        warnings.push(format!(
            "interrupted: {} of {} replicates were made",
            report.made, report.asked
        ));
    }
    if report.aliased > 0 {
        let most = coefficients.iter().zip(&missing).max_by_key(|(_, n)| **n);
        warnings.push(format!(
            "in {} of {} replicates a coefficient is not identified, most often `{}` ({}); it is missing there, and bias, standard \
             error and interval are of the others",
            report.aliased,
            report.made,
            most.map_or("", |(row, _)| row.term.as_str()),
            most.map_or(0, |(_, n)| *n),
        ));
    }
    if report.not_converged > 0 {
        warnings.push(format!(
            "{} of {} replicates did not converge, as where a class is separated; they are missing, and bias, standard error and \
             interval are of the others",
            report.not_converged, report.made
        ));
    }
    if extreme {
        warnings.push(format!(
            "{} replicates are few for intervals of this level: an end is the smallest or the largest draw",
            report.made
        ));
    }
    let units = match (boot.spec.resampling, &report.clusters, &report.strata) {
        (_, Some(n), _) => format!("{n} clusters"),
        (_, _, Some(n)) => format!("rows within {n} strata"),
        _ => "rows".to_string(),
    };
    let title = match boot.spec.resampling {
        Resampling::Case => format!("Bootstrap of {units}"),
        Resampling::Bayesian => format!("Bayesian bootstrap of {units}"),
        Resampling::Residual => "Bootstrap of residuals".to_string(),
        Resampling::Wild => format!("Wild bootstrap of {units}, signs"),
        Resampling::Mammen => format!("Wild bootstrap of {units}, Mammen's two values"),
        Resampling::Parametric => "Parametric bootstrap".to_string(),
    };
    Ok(BootstrapSummary {
        call: call.to_string(),
        resampling: boot.spec.resampling,
        replicates: draws.replicates(),
        seed: boot.spec.seed,
        interval: kind,
        level,
        coefficients,
        warnings,
        title,
    })
}

/// The summary as text.
pub fn print(summary: &BootstrapSummary) -> String {
    let rows = &summary.coefficients;
    let terms: Vec<String> = rows.iter().map(|row| row.term.clone()).collect();
    // an estimate and its ends share their decimals, as in R's tables
    let together: [fn(&BootstrapRow) -> Option<f64>; 3] = [|r| r.estimate, |r| r.conf_low, |r| r.conf_high];
    let percent = |p: f64| format!("{} %", (p * 1e6).round() / 1e4);
    let tail = (1.0 - summary.level) / 2.0;
    let column = |value: fn(&BootstrapRow) -> Option<f64>, digits: usize| {
        let known: Vec<f64> = rows.iter().filter_map(value).collect();
        let mut texts = format_significant(&known, digits).into_iter();
        let of = |row| {
            value(row)
                .and_then(|_| texts.next())
                .unwrap_or_else(|| "NA".to_string())
        };
        rows.iter().map(of).collect::<Vec<String>>()
    };
    let columns = [
        ("Estimate".to_string(), column(together[0], 5)),
        ("Bias".to_string(), column(|r| r.bias, 3)),
        ("Std. Error".to_string(), column(|r| r.std_error, 4)),
        (percent(tail), column(together[1], 5)),
        (percent(1.0 - tail), column(together[2], 5)),
    ];
    let mut out = format!(
        "\nCall:\n{}\n\n{}: {} replicates, seed {}\n\n{}\nIntervals: {}, {} % level\n",
        summary.call,
        summary.title,
        summary.replicates,
        summary.seed,
        matrix(&terms, &columns, 1, Justify::Right),
        summary.interval.title(),
        (summary.level * 1e6).round() / 1e4,
    );
    for warning in &summary.warnings {
        out += &format!("Note: {warning}\n");
    }
    out
}

/// Writes the coefficients as CSV: a header and one line each; what is missing as `NA`.
///
/// # Errors
/// A writer that fails.
pub fn write_csv(out: &mut impl Write, summary: &BootstrapSummary) -> io::Result<()> {
    writeln!(out, "term,estimate,bias,std_error,conf_low,conf_high,draws")?;
    for row in &summary.coefficients {
        write!(out, "{}", quote(&row.term))?;
        for value in [row.estimate, row.bias, row.std_error, row.conf_low, row.conf_high] {
            write_number(out, value)?;
        }
        writeln!(out, ",{}", row.draws)?;
    }
    Ok(())
}

/// Writes all draws as CSV: the names of the coefficients, then a line for each replicate.
///
/// # Errors
/// A writer that fails.
pub fn write_draws(out: &mut impl Write, boot: &Bootstrap) -> io::Result<()> {
    let names = boot.draws.names.iter().map(|name| quote(name));
    writeln!(out, "replicate,{}", names.collect::<Vec<_>>().join(","))?;
    for (i, row) in boot
        .draws
        .values
        .chunks(boot.draws.names.len().max(1))
        .enumerate()
    {
        write!(out, "{}", i + 1)?;
        for value in row {
            write_number(out, Some(*value).filter(|v| v.is_finite()))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_number(out: &mut impl Write, value: Option<f64>) -> io::Result<()> {
    match value {
        Some(v) => write!(out, ",{v:?}"),
        None => write!(out, ",NA"),
    }
}
