//! Analysis of deviance as R prints it: sequential, between models, single term changes, and the trace of `step`.

use super::coefficients::{Column, Role, TestMatrix};
use super::distributions::{chi_squared, f};
use super::format::{number, round_half_even};
use crate::model::{Glm, ModelLine, Regression, SequentialDeviance, TermChange, TermChanges};

/// R's digits for these tables, `max(getOption("digits") - 2, 3)`.
const DIGITS: usize = 5;

/// Which test of a change in deviance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DevianceTest {
    /// None.
    #[default]
    None,
    /// χ² of the change over the dispersion.
    Chisq,
    /// F of the change per degree of freedom over the dispersion.
    F,
}

/// F (where that is the test) and the tail area of a change in deviance, R's `stat.anova`. `df_dispersion` is infinite
/// where the dispersion is known.
pub fn deviance_test(
    test: DevianceTest,
    change: f64,
    df: f64,
    dispersion: f64,
    df_dispersion: f64,
) -> (Option<f64>, Option<f64>) {
    if df == 0.0 {
        return (None, None);
    }
    match test {
        DevianceTest::None => (None, None),
        DevianceTest::Chisq => {
            let value = change / dispersion * df.signum();
            (None, Some(chi_squared::sf(value.max(0.0), df.abs())))
        }
        DevianceTest::F => {
            let value = change / df / dispersion;
            let p = match df_dispersion.is_infinite() {
                true => chi_squared::sf((value * df.abs()).max(0.0), df.abs()),
                false => f::sf(value.max(0.0), df.abs(), df_dispersion),
            };
            (Some(value), Some(p))
        }
    }
}

type Values = Vec<Option<f64>>;

/// The columns of a test, where there is one.
fn tests(test: DevianceTest, all: Vec<(Option<f64>, Option<f64>)>) -> Vec<Column> {
    let (values, areas): (Values, Values) = all.into_iter().unzip();
    match test {
        DevianceTest::None => Vec::new(),
        DevianceTest::Chisq => vec![Column::new("Pr(>Chi)", Role::PValue, areas)],
        DevianceTest::F => vec![
            Column::new("F", Role::Statistic, values),
            Column::new("Pr(>F)", Role::PValue, areas),
        ],
    }
}

/// `anova(fit, test = …)`.
pub fn sequential(fit: &Glm<'_>, table: &SequentialDeviance, test: DevianceTest) -> String {
    let rows = &table.terms;
    let with = |first: Option<f64>, of: &dyn Fn(usize) -> Option<f64>| -> Values {
        std::iter::once(first).chain((0..rows.len()).map(of)).collect()
    };
    let tested = std::iter::once((None, None)).chain(
        rows.iter()
            .map(|r| deviance_test(test, r.deviance, r.df, table.dispersion, table.df_dispersion)),
    );
    let mut columns = vec![
        Column::new("Df", Role::Count, with(None, &|i| Some(rows[i].df))),
        Column::new("Deviance", Role::Amount, with(None, &|i| Some(rows[i].deviance))),
        Column::new(
            "Resid. Df",
            Role::Count,
            with(Some(table.df_null), &|i| Some(rows[i].df_residual)),
        ),
        Column::new(
            "Resid. Dev",
            Role::Amount,
            with(Some(table.null_deviance), &|i| Some(rows[i].residual)),
        ),
    ];
    columns.extend(tests(test, tested.collect()));
    let names = std::iter::once("NULL".to_string()).chain(rows.iter().map(|r| r.term.clone()));
    let table = TestMatrix {
        rows: names.collect(),
        columns,
    };
    format!(
        "Analysis of Deviance Table\n\nModel: {}, link: {}\n\nResponse: {}\n\nTerms added sequentially (first to last)\n\n\n{}",
        fit.fit.family.label(),
        fit.fit.family.link.name(),
        fit.responsename(),
        table.print(DIGITS, "")
    )
}

/// `anova(m1, m2, …, test = …)`, with the dispersion of the largest model.
pub fn between_models(
    lines: &[ModelLine],
    test: DevianceTest,
    dispersion: f64,
    df_dispersion: f64,
) -> String {
    let tested = lines.iter().map(|l| match (l.change, l.df) {
        (Some(deviance), Some(df)) => deviance_test(test, deviance, df, dispersion, df_dispersion),
        _ => (None, None),
    });
    let column = |name: &str, role, value: fn(&ModelLine) -> Option<f64>| {
        Column::new(name, role, lines.iter().map(value).collect())
    };
    let mut columns = vec![
        column("Resid. Df", Role::Count, |l| Some(l.df_residual)),
        column("Resid. Dev", Role::Amount, |l| Some(l.deviance)),
        column("Df", Role::Count, |l| l.df),
        column("Deviance", Role::Amount, |l| l.change),
    ];
    columns.extend(tests(test, tested.collect()));
    let table = TestMatrix {
        rows: (1..=lines.len()).map(|i| i.to_string()).collect(),
        columns,
    };
    let width = lines.len().to_string().len();
    let mut out = String::from("Analysis of Deviance Table\n\n");
    for (i, line) in lines.iter().enumerate() {
        out.push_str(&format!("Model {:>width$}: {}\n", i + 1, line.formula));
    }
    out + &table.print(DIGITS, "")
}

fn changes(table: &TermChanges, test: DevianceTest, adding: bool) -> String {
    let rows = &table.rows;
    let column = |name: &str, role, value: fn(&TermChange) -> Option<f64>| {
        Column::new(name, role, rows.iter().map(value).collect())
    };
    let mut columns = vec![
        column("Df", Role::Count, |r| r.df),
        column("Deviance", Role::Amount, |r| Some(r.deviance)),
    ];
    if rows.iter().any(|r| !r.aic.is_nan()) {
        columns.push(column("AIC", Role::Amount, |r| Some(r.aic)));
    }
    let own = rows.first().map_or(f64::NAN, |r| r.deviance);
    match test {
        DevianceTest::None => {}
        DevianceTest::Chisq => {
            let name = if table.dispersion == 1.0 {
                "LRT"
            } else {
                "scaled dev."
            };
            columns.push(column(name, Role::Amount, |r| r.change));
            let areas = rows.iter().map(|r| match (r.change, r.df) {
                (Some(value), Some(df)) if df > 0.0 => Some(chi_squared::sf(value, df)),
                _ => None,
            });
            columns.push(Column::new("Pr(>Chi)", Role::PValue, areas.collect()));
        }
        DevianceTest::F => {
            let all = rows.iter().map(|r| {
                let df = r.df.filter(|df| *df > 0.0)?;
                let left = if adding {
                    table.df_residual - df
                } else {
                    table.df_residual
                };
                // R measures an added term by the larger model's deviance, a dropped one by the model's own
                let mean = if adding { r.deviance / left } else { own / left };
                let value = (r.deviance - own).abs() / df / mean;
                Some((value, f::sf(value, df, left)))
            });
            let all: Vec<Option<(f64, f64)>> = all.collect();
            columns.push(Column::new(
                "F value",
                Role::Statistic,
                all.iter().map(|a| a.map(|a| a.0)).collect(),
            ));
            columns.push(Column::new(
                "Pr(>F)",
                Role::PValue,
                all.iter().map(|a| a.map(|a| a.1)).collect(),
            ));
        }
    }
    TestMatrix {
        rows: rows.iter().map(|r| r.term.clone()).collect(),
        columns,
    }
    .print(DIGITS, "")
}

/// `drop1(fit, test = …)`.
pub fn deletions(formula: &str, table: &TermChanges, test: DevianceTest) -> String {
    format!(
        "Single term deletions\n\nModel:\n{formula}\n{}",
        changes(table, test, false)
    )
}

/// `add1(fit, test = …)`.
pub fn additions(formula: &str, table: &TermChanges, test: DevianceTest) -> String {
    format!(
        "Single term additions\n\nModel:\n{formula}\n{}",
        changes(table, test, true)
    )
}

/// One step of `step`'s trace. `first` says whether it is the starting model.
pub fn step(first: bool, aic: f64, formula: &str, rows: &[TermChange]) -> String {
    let title = if first { "Start: " } else { "\nStep: " };
    let table = TermChanges {
        rows: rows.to_vec(),
        df_residual: f64::NAN,
        dispersion: 1.0,
        passes: Vec::new(),
    };
    let text = if rows.is_empty() {
        String::new()
    } else {
        changes(&table, DevianceTest::None, false)
    };
    format!(
        "{title} AIC={}\n{formula}\n\n{text}",
        number(round_half_even(aic, 2))
    )
}
