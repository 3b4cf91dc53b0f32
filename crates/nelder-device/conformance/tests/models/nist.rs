//! The NIST StRD linear sets against certified values in exact arithmetic.

use std::path::PathBuf;

use nelder::frame::Frame;
use nelder::model::{Accuracy, LmSpec, Regression, lm};
use nelder::pass::{NoProgress, Run};
use nelder_conformance::place;
use serde_json::Value;

fn folder() -> PathBuf {
    // elsewhere in a bundle
    let accuracy = std::env::var_os("NELDER_ACCURACY").map(PathBuf::from);
    let here = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../accuracy");
    accuracy.unwrap_or_else(here).join("nist")
}

struct Set {
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
}

fn read(name: &str) -> Set {
    let text = std::fs::read_to_string(folder().join(format!("{name}.csv"))).unwrap();
    let mut lines = text.lines();
    let names: Vec<String> = lines.next().unwrap().split(',').map(str::to_string).collect();
    let mut columns = vec![Vec::new(); names.len()];
    for line in lines.filter(|l| !l.is_empty()) {
        for (column, field) in columns.iter_mut().zip(line.split(',')) {
            column.push(field.parse().unwrap());
        }
    }
    Set { names, columns }
}

/// Correct significant digits: the log relative error, absolute where the true value is zero.
fn digits(value: f64, truth: f64) -> f64 {
    let error = if truth == 0.0 {
        value.abs()
    } else {
        ((value - truth) / truth).abs()
    };
    if error == 0.0 { 17.0 } else { -error.log10() }
}

/// Smallest number of correct digits of coefficients and of standard errors, and the digits claimed.
fn measure(name: &str, spec: LmSpec) -> (f64, f64, f64, f64) {
    let certified: Value =
        serde_json::from_str(&std::fs::read_to_string(folder().join("certified.json")).unwrap()).unwrap();
    let set = read(name);
    let mut frame = Frame::new();
    for (name, column) in set.names.iter().zip(&set.columns) {
        frame = frame.with_real(name, column);
    }
    let fit = lm(&spec, &frame, Run::on(place(), &NoProgress)).unwrap();
    let truth = |key: &str| -> Vec<f64> {
        let list = certified[name][key].as_array().unwrap();
        list.iter()
            .map(|v| v.as_str().unwrap().parse().unwrap())
            .collect()
    };
    let smallest = |values: &[f64], truth: &[f64]| {
        assert_eq!(values.len(), truth.len());
        values
            .iter()
            .zip(truth)
            .map(|(&v, &t)| digits(v, t))
            .fold(17.0, f64::min)
    };
    let r = &fit.responses[0];
    let b = smallest(&r.coefficients, &truth("coefficients"));
    let s = smallest(&r.std_errors, &truth("std_errors"));
    // NIST's values are of the decimals that are written
    let claim = fit.report().digits.as_written;
    println!(
        "{name:10} coefficients {b:5.1} (claimed {:5.1})  standard errors {s:5.1} (claimed {:5.1})  κ {:.1e} {} {}",
        claim.coefficients,
        claim.std_errors.unwrap_or(f64::NAN),
        fit.report().condition,
        fit.report().algorithm,
        fit.report().passes.len(),
    );
    (b, s, claim.coefficients, claim.std_errors.unwrap())
}

fn formula(name: &str) -> String {
    let powers = |d: usize| (2..=d).map(|k| format!(" + I(x^{k})")).collect::<String>();
    match name {
        "norris" => "y ~ x".into(),
        "noint1" | "noint2" => "y ~ x - 1".into(),
        "pontius" => format!("y ~ x{}", powers(2)),
        "filip" => format!("y ~ x{}", powers(10)),
        "longley" => "y ~ x1 + x2 + x3 + x4 + x5 + x6".into(),
        _ => format!("y ~ x{}", powers(5)),
    }
}

const TEN: [&str; 10] = [
    "norris", "pontius", "noint1", "noint2", "longley", "wampler1", "wampler2", "wampler3", "wampler4",
    "wampler5",
];

#[test]
fn thirteen_digits_by_default() {
    let all = TEN.map(|name| (name, measure(name, LmSpec::new(&formula(name)))));
    for (name, (b, s, cb, cs)) in all {
        assert!(b >= 13.0 && s >= 13.0, "{name}: {b} {s}");
        assert!(cb <= b && cs <= s, "{name} claims {cb} {cs} of {b} {s}");
    }
}

#[test]
fn filip_as_r_fits_it() {
    let (b, _, claim, _) = measure("filip", LmSpec::new(&formula("filip")).tol(1e-11));
    // R: 8.4; the powers are rounded to double precision, which the claim does not cover
    assert!(b >= 8.4, "{b}");
    assert!(claim <= 16.0);
}

#[test]
fn thirteen_digits_certified() {
    let certified = |name| measure(name, LmSpec::new(&formula(name)).accuracy(Accuracy::Certified));
    let all: Vec<_> = TEN
        .into_iter()
        .chain(["filip"])
        .map(|name| (name, certified(name)))
        .collect();
    for (name, (b, s, cb, cs)) in all {
        assert!(b >= 13.0 && s >= 13.0, "{name}: {b} {s}");
        assert!(cb <= b && cs <= s, "{name} claims {cb} {cs} of {b} {s}");
    }
}
