//! The cases of `accuracy/oracle`: data, options and what R found.
#![allow(dead_code)]

use std::path::PathBuf;

use nelder::formula::Contrast;
use nelder::frame::Frame;
use nelder::model::LmSpec;
use serde_json::Value;

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../accuracy/oracle")
}

/// The cases of a family.
pub fn cases(family: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder().join(format!("{family}.json"))).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    all["cases"].as_array().unwrap().clone()
}

/// A column of a CSV file as `read.csv` types it.
pub enum Data {
    Numbers(Vec<f64>),
    Logical(Vec<u8>),
    Text(Vec<Option<String>>),
}

pub struct Table(pub Vec<(String, Data)>);

/// Reads `data/NAME.csv`.
pub fn table(path: &str) -> Table {
    let text = std::fs::read_to_string(folder().join(path)).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut fields: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
    for line in lines.filter(|l| !l.is_empty()) {
        for (column, field) in fields.iter_mut().zip(line.split(',')) {
            column.push((field != "NA" && !field.is_empty()).then(|| field.to_string()));
        }
    }
    let typed = |values: Vec<Option<String>>| {
        let all = |test: &dyn Fn(&str) -> bool| values.iter().flatten().all(|v| test(v));
        if all(&|v| v.parse::<f64>().is_ok()) {
            Data::Numbers(
                values
                    .iter()
                    .map(|v| v.as_ref().map_or(f64::NAN, |v| v.parse().unwrap()))
                    .collect(),
            )
        } else if all(&|v| v == "TRUE" || v == "FALSE") {
            Data::Logical(
                values
                    .iter()
                    .map(|v| v.as_ref().map_or(2, |v| u8::from(v == "TRUE")))
                    .collect(),
            )
        } else {
            Data::Text(values)
        }
    };
    Table(
        names
            .iter()
            .map(|n| n.to_string())
            .zip(fields.into_iter().map(typed))
            .collect(),
    )
}

impl Table {
    pub fn frame(&self) -> Frame<'_> {
        self.0
            .iter()
            .fold(Frame::new(), |frame, (name, data)| match data {
                Data::Numbers(v) => frame.with_real(name, v),
                Data::Logical(v) => frame.with_logical(name, v),
                Data::Text(v) => frame.with_text(name, v),
            })
    }

    pub fn rows(&self) -> usize {
        match &self.0[0].1 {
            Data::Numbers(v) => v.len(),
            Data::Logical(v) => v.len(),
            Data::Text(v) => v.len(),
        }
    }
}

/// A formula with the options of a case.
pub fn spec(formula: &str, options: &Value) -> LmSpec {
    let mut spec = LmSpec::new(formula);
    let text = |key: &str| options[key].as_str().map(str::to_string);
    spec.weights = text("weights");
    spec.offset = text("offset");
    spec.subset = text("subset");
    spec.tol = options["tol"].as_f64();
    for (name, kind) in options["contrasts"].as_object().into_iter().flatten() {
        let contrast = match kind.as_str().unwrap() {
            "sum" => Contrast::Sum,
            "helmert" => Contrast::Helmert,
            "poly" => Contrast::Poly,
            "treatment" => Contrast::Treatment { base: 0 },
            _ => continue,
        };
        spec.contrasts.push((name.clone(), contrast));
    }
    spec
}

/// Whether the options hold what [`spec`] does not read.
pub fn unusual(options: &Value) -> bool {
    options["contrasts"]
        .as_object()
        .into_iter()
        .flatten()
        .any(|(_, k)| k == "SAS")
}

/// Numbers of a list; `NaN` for null.
pub fn numbers(v: &Value) -> Vec<f64> {
    v.as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap_or(f64::NAN))
        .collect()
}

/// Asserts that two numbers are equal up to `tol` times `scale`, or both missing.
#[track_caller]
pub fn near(got: f64, want: f64, tol: f64, scale: f64, what: &str) {
    if want.is_nan() && !got.is_finite() {
        return;
    }
    assert!(
        (got - want).abs() <= tol * scale.abs().max(want.abs()),
        "{what}: {got:e} is not {want:e}"
    );
}

/// Runs each case; says at the end which failed.
pub fn each(families: &[&str], kind: &str, mut check: impl FnMut(&Value, &str)) {
    let mut failed = Vec::new();
    for family in families {
        for case in cases(family)
            .iter()
            .filter(|c| c["kind"] == kind && !unusual(&c["options"]))
        {
            let name = format!("{family}: {}", case["name"].as_str().unwrap());
            let run = std::panic::AssertUnwindSafe(|| check(case, &name));
            if std::panic::catch_unwind(run).is_err() {
                failed.push(name);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
