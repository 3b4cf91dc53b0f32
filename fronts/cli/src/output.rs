//! Output of fits as text and JSON.

use std::fmt::Write as _;
use std::io::Write;

use nelder::model::{BootstrapReport, ElasticNetReport, PcaReport, SolveReport, Vcov};
use nelder::pass::{PassRecord, Plan};
use nelder::summary::bootstrap::BootstrapSummary;
use nelder::summary::tidy;
use nelder::summary::{GlmSummary, LmSummary, PcaSummary};
use serde::Serialize;

use crate::arguments::ModelOptions;
use crate::failure::Failure;

/// JSON object of `--json` for one response of a linear model.
#[derive(Serialize)]
struct Part<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a str>,
    #[serde(flatten)]
    fit: tidy::Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a SolveReport>,
}

/// JSON object of `--json` for several responses.
#[derive(Serialize)]
struct Parts<'a> {
    responses: Vec<Part<'a>>,
    report: &'a SolveReport,
}

/// The text of `--json`. Several responses stand in `responses`, one alone beside the report.
pub fn json(summaries: &[LmSummary], report: &SolveReport) -> Result<String, Failure> {
    let text = match summaries {
        [one] => serde_json::to_string_pretty(&Part {
            response: None,
            fit: tidy::Report::from(one),
            report: Some(report),
        }),
        several => serde_json::to_string_pretty(&Parts {
            responses: several
                .iter()
                .map(|s| Part {
                    response: Some(&s.response),
                    fit: tidy::Report::from(s),
                    report: None,
                })
                .collect(),
            report,
        }),
    };
    text.map(|t| t + "\n").map_err(|e| Failure::Data(e.to_string()))
}

/// JSON object of `--json` for a generalized linear model.
#[derive(Serialize)]
struct Generalized<'a> {
    #[serde(flatten)]
    fit: tidy::GlmReport,
    report: &'a SolveReport,
}

/// The text of `--json` for a generalized linear model.
pub fn generalized_json(summary: &GlmSummary, report: &SolveReport) -> Result<String, Failure> {
    let all = Generalized {
        fit: tidy::GlmReport::from(summary),
        report,
    };
    serde_json::to_string_pretty(&all)
        .map(|t| t + "\n")
        .map_err(|e| Failure::Data(e.to_string()))
}

/// A plan as text.
pub fn planned(plan: &Plan) -> String {
    let mut out = format!(
        "Planned on {}: about {:.2e} s\n  {:<10} {:>14} {:>7} {:>9} {:>10}\n",
        plan.device,
        plan.seconds(),
        "pass",
        "bytes",
        "device",
        "precision",
        "seconds"
    );
    for p in &plan.passes {
        let _ = writeln!(
            out,
            "  {:<10} {:>14} {:>7} {:>9} {:>10.2e}",
            p.name, p.bytes, p.device, p.precision, p.seconds
        );
    }
    for note in &plan.notes {
        let _ = writeln!(out, "  {note}");
    }
    out + "\n"
}

/// The report as text, beside what was planned.
pub fn explain(report: &SolveReport, plan: Option<&Plan>) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "Computed by {} in {} on {}",
        report.algorithm, report.precision, report.device
    );
    let _ = writeln!(out, "  condition of the scaled design  {:.3e}", report.condition);
    let digits = &report.digits;
    let mut line = |what: &str, coefficients: f64, std_errors: Option<f64>| {
        let errors = std_errors.map_or("none".to_string(), |d| format!("{d:.1}"));
        let _ = writeln!(
            out,
            "  {what:<30}  {coefficients:.1} of the coefficients, {errors} of their standard errors"
        );
    };
    line("digits known to be right", digits.coefficients, digits.std_errors);
    let written = &digits.as_written;
    if (written.coefficients, written.std_errors) != (digits.coefficients, digits.std_errors) {
        line(
            "  for decimals as written",
            written.coefficients,
            written.std_errors,
        );
    }
    out += &computed(&report.computed);
    let _ = writeln!(out, "  refinements                     {}", report.refinements);
    out + &passes(&report.passes, &report.notes, plan)
}

/// The line that says which columns the digits take as computed.
fn computed(columns: &[String]) -> String {
    match columns.is_empty() {
        true => String::new(),
        false => format!("    with these as computed        {}\n", columns.join(", ")),
    }
}

/// The passes as they were run, after the seconds that were planned and the notes.
fn passes(passes: &[PassRecord], notes: &[String], plan: Option<&Plan>) -> String {
    let mut out = String::new();
    if let Some(plan) = plan {
        let of_passes = plan.seconds() - plan.rest;
        let took: f64 = passes.iter().map(|p| p.seconds).sum();
        let _ = writeln!(
            out,
            "  seconds of the passes           {took:.2e}, {of_passes:.2e} planned"
        );
    }
    for note in notes {
        let _ = writeln!(out, "  note: {note}");
    }
    let width = passes.iter().map(|p| p.name.len()).max().unwrap_or(4).max(4);
    let _ = writeln!(
        out,
        "  {:<width$} {:>12} {:>14} {:>6} {:>9} {:>10}",
        "pass", "rows", "bytes", "device", "precision", "seconds"
    );
    for p in passes {
        let _ = writeln!(
            out,
            "  {:<width$} {:>12} {:>14} {:>6} {:>9} {:>10.4}",
            p.name, p.rows, p.bytes, p.device, p.precision, p.seconds
        );
    }
    out
}

/// The report on principal components as text: algorithm, precision, digits and passes, beside what was planned.
pub fn explain_components(report: &PcaReport, plan: Option<&Plan>) -> String {
    let mut out = String::new();
    let digits = &report.digits;
    let _ = writeln!(
        out,
        "Computed by {} in {} on {}",
        report.algorithm, report.precision, report.device
    );
    let _ = writeln!(
        out,
        "  digits known to be right        {:.1} of the standard deviations (in units of the first), {:.1} of the rotation",
        digits.sdev, digits.rotation
    );
    out += &computed(&report.computed);
    if report.steps > 0 {
        let _ = writeln!(out, "  steps of the iteration          {}", report.steps);
    }
    out + &passes(&report.passes, &report.notes, plan)
}

/// The report on a path as text: reading, passes planned and made, optimality and sweeps.
pub fn explain_path(report: &ElasticNetReport) -> String {
    let mut out = format!(
        "Computed by {} in {} on {}\n",
        report.algorithm, report.precision, report.device
    );
    let lines = [
        ("reading", report.reading.clone()),
        ("passes planned", report.planned.clone()),
        ("passes made", report.passes.len().to_string()),
        (
            "largest KKT residual",
            format!(
                "{:.1e} (for columns and a response of unit variance)",
                report.violation
            ),
        ),
        ("sweeps", report.sweeps.to_string()),
        ("end of the path", report.end.reason().into()),
    ];
    for (what, value) in lines {
        let _ = writeln!(out, "  {what:<30}  {value}");
    }
    out += &computed(&report.computed);
    out + &passes(&report.passes, &[], None)
}

/// JSON object of `--json` for a path.
#[derive(Serialize)]
struct Penalized<'a, S> {
    #[serde(flatten)]
    summary: &'a S,
    report: &'a ElasticNetReport,
}

/// The text of `--json` for a path or its cross-validation.
pub fn path_json(summary: &impl Serialize, report: &ElasticNetReport) -> Result<String, Failure> {
    serde_json::to_string_pretty(&Penalized { summary, report })
        .map(|t| t + "\n")
        .map_err(|e| Failure::Data(e.to_string()))
}

/// The report on a bootstrap as text: algorithm, passes and what they took, after the report of the fit.
pub fn explain_bootstrap(report: &BootstrapReport) -> String {
    let mut out = format!("Bootstrap by {}\n", report.algorithm);
    let lines = [
        ("replicates", format!("{} of {}", report.made, report.asked)),
        (
            "passes over the rows",
            format!("{}, {} replicates at a time", report.reads, report.at_a_time),
        ),
        ("sums of a pass", format!("{:.1} MB", report.bytes / 1e6)),
        ("with a coefficient aliased", report.aliased.to_string()),
        ("not converged", report.not_converged.to_string()),
    ];
    for (what, value) in lines {
        let _ = writeln!(out, "  {what:<30}  {value}");
    }
    out + &passes(&report.passes, &report.notes, None)
}

/// JSON object of `--json` for a bootstrap.
#[derive(Serialize)]
struct Resampled<'a> {
    #[serde(flatten)]
    summary: &'a BootstrapSummary,
    bootstrap: &'a BootstrapReport,
    report: &'a SolveReport,
}

/// The text of `--json` for a bootstrap.
pub fn bootstrap_json(
    summary: &BootstrapSummary,
    bootstrap: &BootstrapReport,
    report: &SolveReport,
) -> Result<String, Failure> {
    let all = Resampled {
        summary,
        bootstrap,
        report,
    };
    serde_json::to_string_pretty(&all)
        .map(|t| t + "\n")
        .map_err(|e| Failure::Data(e.to_string()))
}

/// JSON object of `--json` for principal components.
#[derive(Serialize)]
struct Components<'a> {
    #[serde(flatten)]
    summary: &'a PcaSummary,
    report: &'a PcaReport,
}

/// The text of `--json` for principal components.
pub fn components_json(summary: &PcaSummary, report: &PcaReport) -> Result<String, Failure> {
    serde_json::to_string_pretty(&Components { summary, report })
        .map(|t| t + "\n")
        .map_err(|e| Failure::Data(e.to_string()))
}

/// Prints what a fit was asked for: one JSON object, or its table (unless the coefficients are in a file, `tidied`) and
/// how it was computed.
pub fn deliver(
    options: &ModelOptions,
    tidied: bool,
    report: &SolveReport,
    plan: Option<&Plan>,
    table: impl FnOnce() -> String,
    json: impl FnOnce() -> Result<String, Failure>,
) -> Result<(), Failure> {
    if options.json {
        return print(&json()?);
    }
    let mut text = String::new();
    if !tidied {
        text += &table();
        if options.vcov.parse::<Vcov>()? != Vcov::Iid {
            text += &format!("Standard errors: {}\n", options.vcov);
        }
        if options.explain {
            text += "\n";
        }
    }
    if options.explain {
        text += &explain(report, plan);
    }
    print(&text)
}

/// Prints to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // the reader of a pipe may leave early
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Data(format!("standard output: {e}")))
        }
        _ => Ok(()),
    }
}

/// Says something on standard error, where that can be.
pub fn note(text: &str) {
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}
