//! Paths of elastic nets and their cross-validation as plain records, as glmnet prints them, and drawn.

use serde::Serialize;

use super::chart::{Chart, Mark, Series};
use super::coefficients::{Column, Role, TestMatrix};
use super::format::{format_significant, round_half_even, signif};
use super::print_generalized::missing;
use super::text::{self, Justify};
use crate::model::{Choice, CrossValidation, Curve, ElasticNet, Path, SparseVector};

/// Digits of λ, `max(3, getOption("digits") - 3)`.
const DIGITS: usize = 4;
/// Digits of tables of class `anova`, `max(getOption("digits") - 2, 3)`.
const TABLE_DIGITS: usize = 5;

/// Record of a path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathSummary {
    /// The call, as R would print it.
    pub call: String,
    /// Names of the columns.
    pub names: Vec<String>,
    /// Share of the absolute values in the penalty.
    pub alpha: f64,
    /// λ, descending.
    pub lambda: Vec<f64>,
    /// Coefficients other than zero, by λ.
    pub df: Vec<usize>,
    /// Share of the null deviance that is explained, by λ.
    pub dev_ratio: Vec<f64>,
    /// Intercepts, by λ; none of a Cox model.
    pub a0: Vec<f64>,
    /// Coefficients other than zero, by λ: name and value.
    pub beta: Vec<Vec<(String, f64)>>,
    /// Deviance of the model of the intercept alone.
    pub nulldev: f64,
    /// The largest violation of the optimality conditions, by λ.
    pub kkt: Vec<f64>,
    /// Rows used.
    pub nobs: u64,
    /// Rows left out because a value was missing.
    pub omitted: u64,
    /// The relaxed fits, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relaxed: Option<RelaxedSummary>,
}

/// Record of relaxed fits: those of the λ whose active set has one. Of several responses intercepts and coefficients are by response, too.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RelaxedSummary<Intercepts = Vec<f64>, Coefficients = NamedCoefficients> {
    /// λ, descending.
    pub lambda: Vec<f64>,
    /// Share of the null deviance that is explained, by λ.
    pub dev_ratio: Vec<f64>,
    /// Intercepts, by λ; none of a Cox model.
    pub a0: Intercepts,
    /// Coefficients other than zero, by λ: name and value.
    pub beta: Coefficients,
}

/// Coefficients other than zero, by λ: name and value.
pub type NamedCoefficients = Vec<Vec<(String, f64)>>;

/// The record of a path.
pub fn summary(fit: &ElasticNet<'_>, call: &str) -> PathSummary {
    let steps = &fit.path.steps;
    let named = |v: &SparseVector| v.entries().map(|(j, b)| (fit.names()[j].clone(), b)).collect();
    let intercepts = |path: &Path| match fit.spec.cox {
        Some(_) => Vec::new(),
        None => path.steps.iter().map(|s| s.intercept).collect(),
    };
    let relaxed = |path: &Path| RelaxedSummary {
        lambda: path.lambdas(),
        dev_ratio: path.steps.iter().map(|s| s.explained).collect(),
        a0: intercepts(path),
        beta: path.steps.iter().map(|s| named(&s.coefficients)).collect(),
    };
    PathSummary {
        relaxed: fit.path.relaxed.as_deref().map(relaxed),
        call: call.to_string(),
        names: fit.names().to_vec(),
        alpha: fit.spec.alpha,
        lambda: fit.path.lambdas(),
        df: steps.iter().map(|s| s.coefficients.len()).collect(),
        dev_ratio: steps.iter().map(|s| s.explained).collect(),
        a0: intercepts(&fit.path),
        beta: steps.iter().map(|s| named(&s.coefficients)).collect(),
        nulldev: fit.path.null_deviance,
        kkt: steps.iter().map(|s| s.violation).collect(),
        nobs: fit.rows(),
        omitted: fit.counts.omitted,
    }
}

/// Record of a cross-validation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CrossValidationSummary {
    /// The path of all rows.
    #[serde(flatten)]
    pub path: PathSummary,
    /// The measure.
    pub measure: String,
    /// The curve.
    pub curve: Curve,
    /// `lambda.min`.
    pub lambda_min: f64,
    /// `lambda.1se`.
    pub lambda_1se: f64,
    /// For each α that was compared: α, its least error, the error's standard error, and λ there.
    pub alphas: Vec<[f64; 4]>,
}

/// The record of a cross-validation.
pub fn cross_validation(found: &CrossValidation<'_>, call: &str) -> CrossValidationSummary {
    let line = |(alpha, _, curve): &(f64, Path, Curve)| {
        let best = curve.best;
        [
            *alpha,
            curve.errors[best],
            curve.std_errors[best],
            curve.lambdas[best],
        ]
    };
    CrossValidationSummary {
        path: summary(&found.fit, call),
        measure: found.fit.spec.measure_label(found.spec.measure),
        curve: found.curve.clone(),
        lambda_min: found.lambda(Choice::Best),
        lambda_1se: found.lambda(Choice::OneError),
        alphas: found.grid.iter().map(line).collect(),
    }
}

/// A path as `print.glmnet` has it: coefficients other than zero, percent of deviance explained and λ, a line for each λ.
pub fn print(fit: &PathSummary) -> String {
    let relaxed = fit.relaxed.as_ref().map(|r| (&r.lambda[..], &r.dev_ratio[..]));
    print_path(&fit.call, &fit.df, &fit.dev_ratio, &fit.lambda, relaxed) + &missing(fit.omitted)
}

/// The same of whatever path; with the λ and shares of its relaxed fits, where there are some, as `print.relaxed` has it.
pub(super) fn print_path(
    call: &str,
    df: &[usize],
    dev_ratio: &[f64],
    lambda: &[f64],
    relaxed: Option<(&[f64], &[f64])>,
) -> String {
    let column =
        |name: &str, role, values: Vec<f64>| Column::new(name, role, values.into_iter().map(Some).collect());
    let percent = |d: &f64| round_half_even(100.0 * d, 2);
    let mut columns = vec![
        column("Df", Role::Count, df.iter().map(|d| *d as f64).collect()),
        column("%Dev", Role::Amount, dev_ratio.iter().map(percent).collect()),
    ];
    if let Some((lambdas, shares)) = relaxed {
        let of = |lambda: &f64| {
            let at = lambdas.iter().position(|own| own == lambda)?;
            Some(percent(&shares[at]))
        };
        columns.push(Column::new(
            "%Dev R",
            Role::Amount,
            lambda.iter().map(of).collect(),
        ));
    }
    columns.push(column(
        "Lambda",
        Role::Amount,
        lambda.iter().map(|l| signif(*l, DIGITS)).collect(),
    ));
    let table = TestMatrix {
        rows: (1..=lambda.len()).map(|i| i.to_string()).collect(),
        columns,
    };
    let kind = if relaxed.is_some() { "Relaxed\n" } else { "" };
    format!("\nCall:  {call} \n{kind}\n{}", table.print(TABLE_DIGITS, ""))
}

/// A cross-validation as `print.cv.glmnet` has it, after a table of the α that were compared.
pub fn print_cross_validation(found: &CrossValidationSummary) -> String {
    print_curve(
        (&found.path.call, &found.measure),
        &found.curve,
        &found.alphas,
        found.path.alpha,
    ) + &missing(found.path.omitted)
}

/// The same of whatever path: its call and measure, its curve, a line for each of the α that were compared, and the best of them.
pub(super) fn print_curve(
    (call, measure): (&str, &str),
    curve: &Curve,
    alphas: &[[f64; 4]],
    alpha: f64,
) -> String {
    let chosen: Vec<(&Curve, usize)> = match &curve.relaxed {
        None => vec![(curve, curve.best), (curve, curve.one_error)],
        Some(own) => [own.best, own.one_error]
            .map(|at| (&own.curves[at.gamma], at.lambda))
            .to_vec(),
    };
    let column = |name: &str, role, of: &dyn Fn(&Curve, usize) -> f64| {
        Column::new(name, role, chosen.iter().map(|(c, m)| Some(of(c, *m))).collect())
    };
    let mut columns = vec![
        column("Lambda", Role::Amount, &|c, m| c.lambdas[m]),
        column("Index", Role::Count, &|_, m| (m + 1) as f64),
        column("Measure", Role::Amount, &|c, m| c.errors[m]),
        column("SE", Role::Amount, &|c, m| c.std_errors[m]),
        column("Nonzero", Role::Count, &|c, m| c.nonzero[m] as f64),
    ];
    if let Some(own) = &curve.relaxed {
        let places = [own.best.gamma, own.one_error.gamma];
        let gammas = places.map(|at| Some(own.gammas[at])).to_vec();
        let index = places.map(|at| Some((at + 1) as f64)).to_vec();
        columns.insert(0, Column::new("Index", Role::Count, index));
        columns.insert(0, Column::new("Gamma", Role::Amount, gammas));
    }
    let table = TestMatrix {
        rows: vec!["min".into(), "1se".into()],
        columns,
    };
    let mut out = format!("\nCall:  {call} \n\nMeasure: {measure} \n\n");
    if !alphas.is_empty() {
        let column = |name: &str, at: usize| {
            let values: Vec<f64> = alphas.iter().map(|line| line[at]).collect();
            (name.to_string(), format_significant(&values, DIGITS))
        };
        let columns = [
            column("alpha", 0),
            column("Lambda", 3),
            column("Measure", 1),
            column("SE", 2),
        ];
        let rows = vec![String::new(); alphas.len()];
        out += &text::matrix(&rows, &columns, 1, Justify::Right);
        out += &format!("\nThe least is that of alpha = {alpha}:\n\n");
    }
    out + &table.print(DIGITS, "")
}

/// Coefficients at some λ, each with a heading, a line for each column that has one at any of them, and one for the intercept unless there is
/// none; a dot is a zero, as in sparse matrices of R.
pub fn coefficients(names: &[String], at: &[(String, Option<f64>, SparseVector)]) -> String {
    let shown: Vec<usize> = (0..names.len())
        .filter(|&j| at.iter().any(|(_, _, beta)| beta.get(j) != 0.0))
        .collect();
    let own = at.iter().any(|(_, intercept, _)| intercept.is_some());
    let mut rows: Vec<String> = own.then(|| "(Intercept)".to_string()).into_iter().collect();
    rows.extend(shown.iter().map(|&j| names[j].clone()));
    let columns: Vec<(String, Vec<String>)> = at
        .iter()
        .map(|(heading, intercept, beta)| {
            let mut values: Vec<f64> = intercept.iter().copied().collect();
            values.extend(shown.iter().map(|&j| beta.get(j)).filter(|b| *b != 0.0));
            let mut texts = format_significant(&values, 7).into_iter();
            let mut cells: Vec<String> = texts.by_ref().take(intercept.iter().len()).collect();
            for &j in &shown {
                cells.push(match beta.get(j) {
                    0.0 => ".".to_string(),
                    _ => texts.next().unwrap_or_default(),
                });
            }
            (heading.clone(), cells)
        })
        .collect();
    let mut out = text::matrix(&rows, &columns, 1, Justify::Right);
    let hidden = names.len() - shown.len();
    if hidden > 0 {
        let (columns, have) = if hidden == 1 {
            ("column", "has")
        } else {
            ("columns", "have")
        };
        let there = if at.len() == 1 { "there" } else { "at any of them" };
        out += &format!("{hidden} more {columns} {have} the coefficient 0 {there}\n");
    }
    out
}

/// Numbers of coefficients along the top of a chart, at about eight of some places.
fn counts(places: &[f64], nonzero: &[usize]) -> Vec<(f64, String)> {
    let step = places.len().div_ceil(8).max(1);
    let at = places.iter().zip(nonzero).step_by(step);
    at.map(|(x, n)| (*x, n.to_string())).collect()
}

/// The curve of a cross-validation as SVG: errors with their standard errors against −log λ, the chosen λ marked, and numbers of
/// coefficients along the top.
pub fn curve_plot(found: &CrossValidationSummary) -> String {
    curve_chart(&found.measure, &found.curve)
}

/// The same of whatever curve.
pub(super) fn curve_chart(measure: &str, curve: &Curve) -> String {
    let places: Vec<f64> = curve.lambdas.iter().map(|l| -l.ln()).collect();
    let mark = |m: usize, label: &str| Mark {
        x: places[m],
        label: label.to_string(),
    };
    let (best, one_error) = match &curve.relaxed {
        None => (curve.best, curve.one_error),
        Some(own) => (own.best.lambda, own.one_error.lambda),
    };
    let mut marks = vec![mark(one_error, "lambda.1se")];
    match best == one_error {
        true => marks[0].label = "lambda.min, 1se".into(),
        false => marks.push(mark(best, "lambda.min")),
    }
    let mut series = vec![Series {
        points: places.iter().copied().zip(curve.errors.iter().copied()).collect(),
        bars: curve.std_errors.clone(),
        line: false,
    }];
    // mixtures with relaxed fits are lines beside the points of the path
    for own in curve.relaxed.iter().flat_map(|own| &own.curves) {
        series.push(Series {
            points: places.iter().copied().zip(own.errors.iter().copied()).collect(),
            bars: Vec::new(),
            line: true,
        });
    }
    Chart {
        title: String::new(),
        x: "−log(lambda)".into(),
        y: measure.to_string(),
        series,
        marks,
        above: counts(&places, &curve.nonzero),
    }
    .svg()
}

/// The path as SVG: a line for each coefficient against −log λ.
pub fn path_plot(fit: &ElasticNet<'_>) -> String {
    path_chart(&fit.path, "Coefficients")
}

/// The same of whatever path, with what its coefficients are.
pub(super) fn path_chart(path: &Path, label: &str) -> String {
    let places: Vec<f64> = path.steps.iter().map(|s| -s.lambda.ln()).collect();
    let any: Vec<usize> = (0..path.columns)
        .filter(|&j| path.steps.iter().any(|s| s.coefficients.get(j) != 0.0))
        .collect();
    let series = any.iter().map(|&j| Series {
        points: (places.iter().zip(&path.steps))
            .map(|(x, s)| (*x, s.coefficients.get(j)))
            .collect(),
        bars: Vec::new(),
        line: true,
    });
    let nonzero: Vec<usize> = (0..path.len()).map(|m| path.nonzero(m)).collect();
    Chart {
        title: String::new(),
        x: "−log(lambda)".into(),
        y: label.into(),
        series: series.collect(),
        marks: Vec::new(),
        above: counts(&places, &nonzero),
    }
    .svg()
}
