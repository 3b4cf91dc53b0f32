//! Printed tables and formatted numbers against R, character by character.

use nelder::summary::format::{
    SMALLEST_P, format_p_value, format_significant, general, round_half_even, signif, zapsmall,
};
use nelder::summary::tables::{
    ModelRow, SequentialRow, SingleTermRow, between_models, sequential, single_term_additions,
    single_term_deletions, step,
};
use nelder::summary::{CoefficientRow, FStatistic, LmSummary, ResidualSummary, print};
use serde_json::Value;
use std::path::Path;

fn oracle(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../accuracy/oracle")
        .join(file)
}

fn read_json(file: &str) -> Vec<Value> {
    serde_json::from_str(&std::fs::read_to_string(oracle(file)).unwrap()).unwrap()
}

/// `null` is R's NA.
fn number(v: &Value) -> Option<f64> {
    match v {
        Value::Null => None,
        Value::String(s) => Some(s.parse().unwrap()),
        v => Some(v.as_f64().unwrap()),
    }
}

fn numbers(v: &Value) -> Vec<Option<f64>> {
    v.as_array().unwrap().iter().map(number).collect()
}

fn known(v: &Value) -> f64 {
    number(v).unwrap()
}

fn text(v: &Value) -> String {
    v.as_str().unwrap().to_owned()
}

fn texts(v: &Value) -> Vec<String> {
    v.as_array().unwrap().iter().map(text).collect()
}

fn record(v: &Value) -> LmSummary {
    let residuals = match &v["residuals"] {
        Value::String(_) => ResidualSummary::Saturated,
        r if r["quantiles"].is_array() => {
            let q: Vec<f64> = numbers(&r["quantiles"]).into_iter().flatten().collect();
            ResidualSummary::Quantiles(q.try_into().unwrap())
        }
        r => ResidualSummary::All {
            names: texts(&r["names"]),
            values: numbers(&r["values"]).into_iter().flatten().collect(),
        },
    };
    let table = numbers(&v["coefficients"]);
    let coefficients = v["terms"]
        .as_array()
        .unwrap()
        .iter()
        .zip(table.chunks(4))
        .map(|(term, row)| CoefficientRow {
            term: text(term),
            estimate: row[0],
            std_error: row[1],
            statistic: row[2],
            p_value: row[3],
            ..Default::default()
        });
    let f_statistic = v["f"].as_array().map(|f| FStatistic {
        value: known(&f[0]),
        df1: known(&f[1]),
        df2: known(&f[2]),
        p_value: known(&f[3]),
    });
    LmSummary {
        call: text(&v["call"]),
        response: text(&v["response"]),
        residuals,
        weighted: v["weighted"].as_bool().unwrap(),
        coefficients: coefficients.collect(),
        estimates_only: Vec::new(),
        aliased: known(&v["aliased"]) as usize,
        sigma: known(&v["sigma"]),
        df_residual: known(&v["df_residual"]) as u64,
        rank: known(&v["rank"]) as usize,
        r_squared: number(&v["r_squared"]),
        adj_r_squared: number(&v["adj_r_squared"]),
        f_statistic,
        omitted: known(&v["omitted"]) as u64,
        nobs: 0,
        log_lik: 0.0,
        aic: 0.0,
        bic: 0.0,
        deviance: 0.0,
    }
}

/// Row labels, and the columns as R holds them.
fn table(v: &Value) -> (Vec<String>, Vec<Vec<Option<f64>>>) {
    (
        texts(&v["rows"]),
        v["columns"].as_array().unwrap().iter().map(numbers).collect(),
    )
}

fn single_terms(v: &Value) -> Vec<SingleTermRow> {
    let (rows, c) = table(v);
    let at = |j: usize, i: usize| c.get(j).and_then(|column| column[i]);
    rows.into_iter()
        .enumerate()
        .map(|(i, term)| SingleTermRow {
            term,
            df: at(0, i),
            sum_sq: at(1, i),
            rss: at(2, i).unwrap(),
            aic: at(3, i).unwrap(),
            f: at(4, i),
            p_value: at(5, i),
        })
        .collect()
}

fn printed(case: &Value) -> String {
    let v = &case["record"];
    match case["kind"].as_str().unwrap() {
        "summary" => print::summary(&record(v)),
        "summaries" => print::summaries(&v.as_array().unwrap().iter().map(record).collect::<Vec<_>>()),
        "brief" => {
            let fit = record(&v[0]);
            print::brief(&fit.call.clone(), &[fit])
        }
        "brief_of" => print::brief(
            &text(&v["call"]),
            &v["fits"]
                .as_array()
                .unwrap()
                .iter()
                .map(record)
                .collect::<Vec<_>>(),
        ),
        "sequential" => {
            let (rows, c) = table(&v["table"]);
            let rows: Vec<SequentialRow> = rows
                .into_iter()
                .enumerate()
                .map(|(i, term)| SequentialRow {
                    term,
                    df: c[0][i].unwrap(),
                    sum_sq: c[1][i].unwrap(),
                    f: c[3][i],
                    p_value: c[4][i],
                })
                .collect();
            sequential(&text(&v["response"]), &rows)
        }
        "between" => {
            let (_, c) = table(&v["table"]);
            let rows: Vec<ModelRow> = texts(&v["formulas"])
                .into_iter()
                .enumerate()
                .map(|(i, formula)| ModelRow {
                    formula,
                    res_df: c[0][i].unwrap(),
                    rss: c[1][i].unwrap(),
                    df: c[2][i],
                    sum_sq: c[3][i],
                    f: c[4][i],
                    p_value: c[5][i],
                })
                .collect();
            between_models(&rows)
        }
        "drop" => single_term_deletions(&text(&v["formula"]), &single_terms(&v["table"]), false),
        "drop_test" => single_term_deletions(&text(&v["formula"]), &single_terms(&v["table"]), true),
        "add" => single_term_additions(&text(&v["formula"]), &single_terms(&v["table"]), false),
        "add_test" => single_term_additions(&text(&v["formula"]), &single_terms(&v["table"]), true),
        "step" => v
            .as_array()
            .unwrap()
            .iter()
            .map(|s| {
                step(
                    s["first"].as_bool().unwrap(),
                    known(&s["aic"]),
                    &text(&s["formula"]),
                    &single_terms(&s["table"]),
                )
            })
            .collect(),
        other => panic!("no kind {other}"),
    }
}

#[test]
fn tables_are_those_of_r() {
    let cases = read_json("print.json");
    assert!(cases.len() > 100);
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let expected = std::fs::read_to_string(oracle("print").join(format!("{name}.txt"))).unwrap();
        let ours = printed(case);
        if ours != expected {
            let differing: Vec<String> = ours
                .lines()
                .zip(expected.lines())
                .filter(|(a, b)| a != b)
                .take(4)
                .map(|(a, b)| format!("  ours {a:?}\n  R    {b:?}"))
                .collect();
            wrong.push(format!(
                "{name} ({} and {} lines)\n{}",
                ours.lines().count(),
                expected.lines().count(),
                differing.join("\n")
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn numbers_are_written_as_r_writes_them() {
    let cases = read_json("format.json");
    assert!(cases.len() > 2000);
    let mut wrong = Vec::new();
    for case in &cases {
        let x: Vec<Option<f64>> = texts(&case["x"])
            .iter()
            .map(|s| if s == "NA" { None } else { Some(s.parse().unwrap()) })
            .collect();
        let plain: Vec<f64> = x.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
        let digits = case["digits"].as_i64().unwrap();
        let call = case["call"].as_str().unwrap();
        let expected = texts(&case["value"]);
        let written = match call {
            "format" if x.contains(&None) => nelder::summary::format::format_optional(&x, digits as usize),
            "format" => format_significant(&plain, digits as usize),
            "p_value" => format_p_value(&plain, digits as usize, SMALLEST_P),
            "general" => plain.iter().map(|&v| general(v, digits as usize)).collect(),
            _ => Vec::new(),
        };
        let values: Vec<f64> = match call {
            "signif" => plain.iter().map(|&v| signif(v, digits as usize)).collect(),
            "round" => plain.iter().map(|&v| round_half_even(v, digits as i32)).collect(),
            "zapsmall" => zapsmall(&plain, digits as i32),
            _ => Vec::new(),
        };
        let agrees = if values.is_empty() {
            written == expected
        } else {
            // R divides by a power of ten in extended precision: the nearest double, or a neighbour of it.
            values.iter().zip(&expected).all(|(v, e)| {
                let e: f64 = if e == "NA" { f64::NAN } else { e.parse().unwrap() };
                *v == e || (v.is_nan() && e.is_nan()) || (v - e).abs() <= f64::EPSILON * e.abs()
            })
        };
        if !agrees {
            wrong.push(format!(
                "{call} {plain:?} {digits}: ours {written:?} {values:?}, R {expected:?}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
