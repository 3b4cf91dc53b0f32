//! Analysis of variance tables: sequential, between models, single term deletions, and the trace of `step`.

use super::coefficients::{Column, Role, TestMatrix};
use super::format::{number, round_half_even};

/// R's digits for these tables, `max(getOption("digits") - 2, 3)`.
const DIGITS: usize = 5;

/// One row of a sequential table: a term, or the residuals (without `f` and `p`).
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SequentialRow {
    /// The term's label, or `Residuals`.
    pub term: String,
    /// Degrees of freedom.
    pub df: f64,
    /// Sum of squares.
    pub sum_sq: f64,
    /// F statistic.
    pub f: Option<f64>,
    /// Its upper tail area.
    pub p_value: Option<f64>,
}

/// `anova` of one model.
///
/// `response` is the left side of the formula as R deparses it.
pub fn sequential(response: &str, rows: &[SequentialRow]) -> String {
    let column = |name: &str, role, value: &dyn Fn(&SequentialRow) -> Option<f64>| {
        Column::new(name, role, rows.iter().map(value).collect())
    };
    let table = TestMatrix {
        rows: rows.iter().map(|r| r.term.clone()).collect(),
        columns: vec![
            column("Df", Role::Count, &|r| Some(r.df)),
            column("Sum Sq", Role::Amount, &|r| Some(r.sum_sq)),
            column("Mean Sq", Role::Amount, &|r| Some(r.sum_sq / r.df)),
            column("F value", Role::Statistic, &|r| r.f),
            column("Pr(>F)", Role::PValue, &|r| r.p_value),
        ],
    };
    format!(
        "Analysis of Variance Table\n\nResponse: {response}\n{}",
        table.print(DIGITS, "")
    )
}

/// One model of a comparison. The first has no `df`, `sum_sq`, `f`, `p_value`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ModelRow {
    /// The model's formula as R deparses it.
    pub formula: String,
    /// Residual degrees of freedom.
    pub res_df: f64,
    /// Residual sum of squares.
    pub rss: f64,
    /// Degrees of freedom between this model and the one before.
    pub df: Option<f64>,
    /// Sum of squares between this model and the one before.
    pub sum_sq: Option<f64>,
    /// F statistic, against the mean square of the largest model.
    pub f: Option<f64>,
    /// Its upper tail area.
    pub p_value: Option<f64>,
}

/// `anova` of several models.
pub fn between_models(rows: &[ModelRow]) -> String {
    let column = |name: &str, role, value: fn(&ModelRow) -> Option<f64>| {
        Column::new(name, role, rows.iter().map(value).collect())
    };
    let labels: Vec<String> = {
        let width = rows.len().to_string().len();
        (1..=rows.len()).map(|i| format!("{i:>width$}")).collect()
    };
    let table = TestMatrix {
        rows: (1..=rows.len()).map(|i| i.to_string()).collect(),
        columns: vec![
            column("Res.Df", Role::Count, |r| Some(r.res_df)),
            column("RSS", Role::Amount, |r| Some(r.rss)),
            column("Df", Role::Count, |r| r.df),
            column("Sum of Sq", Role::Amount, |r| r.sum_sq),
            column("F", Role::Statistic, |r| r.f),
            column("Pr(>F)", Role::PValue, |r| r.p_value),
        ],
    };
    let mut out = String::from("Analysis of Variance Table\n\n");
    for (label, row) in labels.iter().zip(rows) {
        out.push_str(&format!("Model {label}: {}\n", row.formula));
    }
    out + &table.print(DIGITS, "")
}

/// One row of a table of single term changes. The row of the unchanged model is named `<none>` and has no `df`,
/// `sum_sq`, `f`, `p_value`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SingleTermRow {
    /// The term, `<none>`, or in a step's trace `- term` or `+ term`.
    pub term: String,
    /// Degrees of freedom of the term.
    pub df: Option<f64>,
    /// Change in the residual sum of squares.
    pub sum_sq: Option<f64>,
    /// Residual sum of squares of the changed model.
    pub rss: f64,
    /// `extractAIC` of the changed model.
    pub aic: f64,
    /// F statistic, where asked for.
    pub f: Option<f64>,
    /// Its upper tail area, where asked for.
    pub p_value: Option<f64>,
}

fn single_term_table(rows: &[SingleTermRow], test: bool) -> String {
    let column = |name: &str, role, value: fn(&SingleTermRow) -> Option<f64>| {
        Column::new(name, role, rows.iter().map(value).collect())
    };
    let mut columns = vec![
        column("Df", Role::Count, |r| r.df),
        column("Sum of Sq", Role::Amount, |r| r.sum_sq),
        column("RSS", Role::Amount, |r| Some(r.rss)),
        column("AIC", Role::Amount, |r| Some(r.aic)),
    ];
    if test {
        columns.push(column("F value", Role::Statistic, |r| r.f));
        columns.push(column("Pr(>F)", Role::PValue, |r| r.p_value));
    }
    TestMatrix {
        rows: rows.iter().map(|r| r.term.clone()).collect(),
        columns,
    }
    .print(DIGITS, "")
}

/// `drop1(model, test = "F")`, or without the test.
pub fn single_term_deletions(formula: &str, rows: &[SingleTermRow], test: bool) -> String {
    format!(
        "Single term deletions\n\nModel:\n{formula}\n{}",
        single_term_table(rows, test)
    )
}

/// `add1(model, test = "F")`, or without the test.
pub fn single_term_additions(formula: &str, rows: &[SingleTermRow], test: bool) -> String {
    format!(
        "Single term additions\n\nModel:\n{formula}\n{}",
        single_term_table(rows, test)
    )
}

/// One step of `step`'s trace: the model at hand, its criterion, and the changes considered, sorted by theirs.
/// `first` says whether it is the starting model.
pub fn step(first: bool, aic: f64, formula: &str, rows: &[SingleTermRow]) -> String {
    let title = if first { "Start: " } else { "\nStep: " };
    let table = if rows.is_empty() {
        String::new()
    } else {
        single_term_table(rows, false)
    };
    format!(
        "{title} AIC={}\n{formula}\n\n{table}",
        number(round_half_even(aic, 2))
    )
}
