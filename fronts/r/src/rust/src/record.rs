//! One conversion for each record of the library.

use nelder::model::{
    Glm, GlmPrediction, Influence, Lm, Regression, Sequential, SequentialDeviance, SolveReport, TermChanges,
    Warning,
};
use nelder::pass::PassRecord;

use crate::lists::Record;

/// Results of a linear fit that take no further pass: coefficients, their errors, sums of squares, degrees of freedom.
pub fn linear(fit: &Lm<'_>) -> Record {
    let mut out = Record::default();
    let of = |f: &dyn Fn(usize) -> f64| (0..fit.responses.len()).map(f).collect::<Vec<f64>>();
    out.texts("names", fit.coefnames().to_vec())
        .integers("assign", fit.columns().assign.iter().copied())
        .reals(
            "coefficients",
            fit.responses
                .iter()
                .flat_map(|r| r.coefficients.iter().copied())
                .collect(),
        )
        .reals(
            "std_errors",
            fit.responses
                .iter()
                .flat_map(|r| r.std_errors.iter().copied())
                .collect(),
        )
        .flags("aliased", fit.fit.aliased.clone())
        .integers("rank", [fit.rank])
        .real("df_residual", fit.df_residual as f64)
        .real("rows", fit.rows() as f64)
        .real("omitted", fit.omitted() as f64)
        .texts(
            "responses",
            fit.responses.iter().map(|r| r.name.clone()).collect(),
        )
        .reals("rss", of(&|y| fit.responses[y].rss))
        .reals("mss", of(&|y| fit.responses[y].mss))
        .reals("sigma", of(&|y| fit.responses[y].sigma));
    out
}

/// Results of a generalized linear fit that take no further pass: coefficients, their errors, deviances, AIC, warnings.
pub fn generalized(fit: &Glm<'_>, trace: &[(String, f64)]) -> Record {
    let own = &fit.fit;
    // R's own functions say it, of counts row by row
    let said = |w: &&Warning| !matches!(w, Warning::FractionalCounts { .. } | Warning::FractionalSuccesses);
    let mut out = Record::default();
    out.texts("names", fit.coefnames().to_vec())
        .integers("assign", own.columns.assign.iter().copied())
        .reals("coefficients", fit.coefficients.clone())
        .reals("std_errors", fit.std_errors.clone())
        .flags("aliased", own.aliased.clone())
        .integers("rank", [own.rank()])
        .real("df_residual", own.df_residual() as f64)
        .real("df_null", fit.df_null() as f64)
        .real("rows", own.rows() as f64)
        .real("omitted", own.counts.omitted as f64)
        .real("deviance", own.deviance)
        .real("null_deviance", own.null_deviance)
        .real("aic", own.aic())
        .real("log_lik", own.log_lik())
        .real("dispersion", fit.dispersion)
        .real("dispersion_of_pearson", own.pearson / own.df_residual() as f64)
        .integers("iterations", [own.iterations as usize])
        .flags("converged", vec![own.converged])
        .flags("boundary", vec![own.boundary])
        .real("theta", fit.theta().unwrap_or(f64::NAN))
        .real("theta_error", own.theta_error.unwrap_or(f64::NAN))
        .flags("counts", vec![own.moments.counts])
        .flags("whole", vec![own.moments.whole])
        .texts(
            "trace_passes",
            trace.iter().map(|(name, _)| name.clone()).collect(),
        )
        .reals("trace", trace.iter().map(|(_, deviance)| *deviance).collect())
        .texts(
            "warnings",
            own.warnings
                .iter()
                .filter(said)
                .map(ToString::to_string)
                .collect(),
        );
    out
}

/// The passes over the data, a column for each of what is known of them.
pub fn passes(all: &[PassRecord]) -> Record {
    let mut table = Record::default();
    table
        .texts("pass", all.iter().map(|p| p.name.clone()).collect())
        .texts("device", all.iter().map(|p| p.device.clone()).collect())
        .texts("precision", all.iter().map(|p| p.precision.clone()).collect())
        .reals("rows", all.iter().map(|p| p.rows as f64).collect())
        .reals("bytes", all.iter().map(|p| p.bytes as f64).collect())
        .reals("seconds", all.iter().map(|p| p.seconds).collect());
    table
}

/// Report of the solve: algorithm, device, precision, condition, digits, refinements and passes.
pub fn report(report: &SolveReport) -> Record {
    let mut out = Record::default();
    out.texts("algorithm", vec![report.algorithm.clone()])
        .texts("device", vec![report.device.clone()])
        .texts("precision", vec![report.precision.clone()])
        .real("condition", report.condition)
        .reals(
            "digits",
            vec![
                report.digits.coefficients,
                report.digits.std_errors.unwrap_or(f64::NAN),
            ],
        )
        .reals(
            "written",
            vec![
                report.digits.as_written.coefficients,
                report.digits.as_written.std_errors.unwrap_or(f64::NAN),
            ],
        )
        .texts("computed", report.computed.clone())
        .integers("refinements", [report.refinements as usize])
        .texts("notes", report.notes.clone())
        .inner("passes", passes(&report.passes));
    out
}

/// Appends the rows that have values.
fn extend(to: &mut Vec<f64>, from: Vec<f64>, kept: Option<&[u32]>) {
    match kept {
        None if to.is_empty() => *to = from,
        None => to.extend(from),
        Some(kept) => to.extend(kept.iter().filter_map(|&k| from.get(k as usize))),
    }
}

/// A column of diagnostics by row: its name in R, and where it is.
type Column = (&'static str, fn(&mut Influence) -> &mut Vec<f64>);

const DIAGNOSTICS: [Column; 4] = [
    ("standardized_pearson", |r| &mut r.standardized_pearson),
    ("cooks", |r| &mut r.cooks),
    ("standardized", |r| &mut r.standardized),
    ("studentized", |r| &mut r.studentized),
];

const LINEAR: [Column; 4] = [
    ("fitted", |r| &mut r.fitted),
    ("residuals", |r| &mut r.response),
    ("hat", |r| &mut r.hat),
    ("sigma", |r| &mut r.sigma),
];

const GENERALIZED: [Column; 8] = [
    ("fitted", |r| &mut r.fitted),
    ("linear", |r| &mut r.linear),
    ("working", |r| &mut r.working),
    ("weight", |r| &mut r.weight),
    ("deviance", |r| &mut r.deviance),
    ("pearson", |r| &mut r.pearson),
    ("hat", |r| &mut r.hat),
    ("sigma", |r| &mut r.sigma),
];

/// Columns of a linear model by what is asked for; none for `dfbetas`.
pub fn linear_columns(what: &str) -> &'static [Column] {
    match what {
        "diagnostics" => &DIAGNOSTICS[1..],
        "deletions" => &[],
        "leverages" => &LINEAR,
        _ => &LINEAR[..2],
    }
}

/// The same for a generalized linear model.
pub fn generalized_columns(what: &str) -> &'static [Column] {
    match what {
        "diagnostics" => &DIAGNOSTICS,
        "leverages" => &GENERALIZED,
        _ => &GENERALIZED[..6],
    }
}

/// Appends the rows of a run that have values: of some columns, or of `dfbetas` where there are none.
pub fn append(all: &mut Influence, mut part: Influence, kept: Option<&[u32]>, columns: &[Column]) {
    for (_, column) in columns {
        extend(column(all), std::mem::take(column(&mut part)), kept);
    }
    if columns.is_empty() {
        all.dfbetas.resize(part.dfbetas.len(), Vec::new());
        for (all, part) in all.dfbetas.iter_mut().zip(part.dfbetas) {
            extend(all, part, kept);
        }
    }
}

/// Diagnostics by row: some columns, or `dfbetas` where there are none.
pub fn influence(mut of: Influence, columns: &[Column]) -> Record {
    let mut out = Record::default();
    for (name, column) in columns {
        out.reals(name, std::mem::take(column(&mut of)));
    }
    if columns.is_empty() {
        out.reals("dfbetas", of.dfbetas.concat());
    }
    out
}

/// Sums of squares of terms in their order.
pub fn sequential(of: &Sequential) -> Record {
    let mut out = Record::default();
    out.texts("terms", of.terms.iter().map(|t| t.term.clone()).collect())
        .reals("df", of.terms.iter().map(|t| t.df as f64).collect())
        .reals("squares", of.terms.iter().map(|t| t.sum_sq).collect());
    out
}

/// Deviances of terms in their order.
pub fn sequential_deviance(of: &SequentialDeviance) -> Record {
    let mut out = Record::default();
    out.texts("terms", of.terms.iter().map(|t| t.term.clone()).collect())
        .reals("df_residual", of.terms.iter().map(|t| t.df_residual).collect())
        .reals("deviance", of.terms.iter().map(|t| t.residual).collect())
        .real("df_null", of.df_null)
        .real("null_deviance", of.null_deviance);
    out
}

/// Models one term away.
pub fn changes(of: &TermChanges) -> Record {
    let mut out = Record::default();
    out.texts("terms", of.rows.iter().map(|t| t.term.clone()).collect())
        .reals("df", of.rows.iter().map(|t| t.df.unwrap_or(f64::NAN)).collect())
        .reals(
            "squares",
            of.rows.iter().map(|t| t.change.unwrap_or(f64::NAN)).collect(),
        )
        .reals("rss", of.rows.iter().map(|t| t.deviance).collect());
    out
}

/// Models one term away.
pub fn deviance_changes(of: &TermChanges) -> Record {
    let mut out = Record::default();
    out.texts("terms", of.rows.iter().map(|t| t.term.clone()).collect())
        .reals("df", of.rows.iter().map(|t| t.df.unwrap_or(f64::NAN)).collect())
        .reals("deviance", of.rows.iter().map(|t| t.deviance).collect());
    out
}

/// Predictions of a generalized linear model.
pub fn generalized_prediction(of: GlmPrediction) -> Record {
    let mut out = Record::default();
    out.reals("link", of.link).reals("link_se", of.link_error);
    out
}
