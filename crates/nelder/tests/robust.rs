//! Covariances of the coefficients against R's `vcov` and the package sandwich.

mod common;

use common::{each, near, numbers, spec, table};
use nelder::model::{Covariance, Lm, Vcov, lm};
use nelder::pass::Quiet;
use serde_json::Value;

const FAMILIES: [&str; 9] = [
    "basic",
    "aliased",
    "factors",
    "functions",
    "interactions",
    "rows",
    "robust",
    "extremes",
    "inference",
];

/// R's values have relative errors of about ε κ in the coefficients' coordinates, and twice that in products.
fn tolerance(case: &Value) -> f64 {
    let kappa = case["condition"].as_f64().unwrap();
    // R's residuals lose the digits by which the response exceeds them
    let sigma = case["expected"]["sigma"].as_f64().unwrap_or(1.0);
    let lost = case["scale"].as_f64().unwrap() / sigma;
    (64.0 * f64::EPSILON * (kappa * kappa + lost)).max(1e-12)
}

/// Compares with a matrix over the coefficients that are not aliased; an entry relative to √(vᵢᵢ vⱼⱼ).
fn compare(fit: &Lm<'_>, got: &Covariance, want: &Value, tol: f64, name: &str) {
    let terms: Vec<&str> = want["terms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t.as_str().unwrap())
        .collect();
    // a level whose rows all have weight zero is no level here, and has missing values in R
    let at: Vec<Option<usize>> = terms
        .iter()
        .map(|t| fit.names().iter().position(|n| n == t))
        .collect();
    let rows: Vec<Vec<f64>> = want["values"].as_array().unwrap().iter().map(numbers).collect();
    for (i, &c) in at.iter().enumerate() {
        for (j, &d) in at.iter().enumerate() {
            let scale = (rows[i][i] * rows[j][j]).sqrt();
            let what = format!("{name}, {}, {} and {}", got.kind, terms[i], terms[j]);
            let value = c.zip(d).map_or(f64::NAN, |at| got.matrix[at]);
            assert_eq!(value.is_nan(), rows[i][j].is_nan(), "{what}");
            near(value, rows[i][j], tol, scale, &what);
        }
    }
    for c in (0..fit.names().len()).filter(|&c| fit.fit.aliased[c]) {
        assert!(
            (0..fit.names().len()).all(|d| got.matrix[(c, d)].is_nan()),
            "{name}: aliased"
        );
    }
}

#[test]
fn covariances() {
    let (mut plain, mut robust, mut clustered) = (0, 0, 0);
    each(&FAMILIES, "lm", |case, name| {
        let expected = &case["expected"];
        if case["formula"] == "y ~ is.na(x1) + x2" {
            return; // a logical variable of one value
        }
        let data = table(case["data"].as_str().unwrap());
        let frame = data.frame().in_batches_of(17);
        let fit = || {
            lm(
                &spec(case["formula"].as_str().unwrap(), &case["options"]),
                &frame,
                &Quiet,
            )
            .unwrap()
        };
        let tol = tolerance(case);
        // without residuals there is nothing to compare
        let has_residuals = expected["sigma"]
            .as_f64()
            .is_some_and(|s| s > 1e-12 * case["scale"].as_f64().unwrap());
        if expected["vcov"].is_object() && has_residuals {
            let fit = fit();
            let got = fit.vcov(0, &Vcov::Iid, &Quiet).unwrap();
            assert!(got.passes.is_empty());
            compare(&fit, &got, &expected["vcov"], tol, name);
            plain += 1;
        }
        let wald = |fit: &Lm<'_>, got: &Covariance, want: &Value| {
            if let (Some((value, df1, df2)), Some(f)) = (fit.wald(0, got), want["value"].as_f64()) {
                // the condition of the covariance comes on top
                near(value, f, (1e3 * tol).max(1e-9), 0.0, name);
                assert_eq!(
                    (Some(df1), Some(df2)),
                    (want["df1"].as_f64(), want["df2"].as_f64())
                );
            }
        };
        for (key, kind) in [
            ("hc0", Vcov::Hc0),
            ("hc1", Vcov::Hc1),
            ("hc2", Vcov::Hc2),
            ("hc3", Vcov::Hc3),
        ] {
            if expected[key].is_object() {
                let fit = fit();
                let got = fit.vcov(0, &kind, &Quiet).unwrap();
                assert_eq!(got.passes.len(), 1);
                compare(&fit, &got, &expected[key], tol, name);
                wald(&fit, &got, &expected[key]["f_statistic"]);
                robust += 1;
            }
        }
        if expected["cluster"].is_object() {
            let fit = fit();
            let column = expected["cluster"]["column"].as_str().unwrap();
            let got = fit.vcov(0, &Vcov::Cluster(column.into()), &Quiet).unwrap();
            assert_eq!(got.passes.len(), 1);
            compare(&fit, &got, &expected["cluster"], tol, name);
            wald(&fit, &got, &expected["cluster"]["f_statistic"]);
            clustered += 1;
        }
    });
    assert!(
        plain > 100 && robust > 200 && clustered > 6,
        "{plain} {robust} {clustered}"
    );
}
