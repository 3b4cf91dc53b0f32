//! Tables of inference against R: coefficients, intervals, analysis of variance, single terms, steps.

use crate::common::{each, near, numbers, spec, table};
use nelder::model::{Direction, Inference, Lm, StepScope, Vcov, anova, lm, step};
use nelder::pass::NoProgress;
use nelder::summary::inference::{
    add1_rows, coefficient_rows, drop1_rows, model_rows, sequential_rows, wald,
};
use serde_json::Value;

const FAMILIES: [&str; 11] = [
    "basic",
    "aliased",
    "factors",
    "functions",
    "interactions",
    "rows",
    "robust",
    "extremes",
    "compare",
    "inference",
    "random",
];

/// Relative errors of R's numbers: ε κ, times what the response exceeds its residuals by, with a constant for
/// the number of operations.
fn tolerance(case: &Value) -> f64 {
    let kappa = case["condition"].as_f64().unwrap();
    let sigma = case["expected"]["sigma"].as_f64().unwrap_or(1.0);
    let lost = case["scale"].as_f64().unwrap() / sigma;
    (64.0 * f64::EPSILON * (kappa * kappa + lost)).max(1e-11)
}

fn texts(v: &Value) -> Vec<&str> {
    v.as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap())
        .collect()
}

#[track_caller]
fn column(got: impl Iterator<Item = Option<f64>>, want: &Value, tol: f64, what: &str) {
    let got: Vec<f64> = got.map(|v| v.unwrap_or(f64::NAN)).collect();
    let want = numbers(want);
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (&g, &w)) in got.iter().zip(&want).enumerate() {
        assert_eq!(g.is_finite(), w.is_finite(), "{what}, row {i}: {g} is not {w}");
        near(g, w, tol, 0.0, &format!("{what}, row {i}"));
    }
}

/// p-values lose the digits of the statistic times its logarithm.
const TAIL: f64 = 100.0;

#[test]
fn sequential_and_single_terms() {
    let (mut sequential, mut single) = (0, 0);
    each(&FAMILIES, "lm", |case, name| {
        let expected = &case["expected"];
        if !expected["anova"].is_object() && !expected["drop1"].is_object() {
            return;
        }
        let data = table(case["data"].as_str().unwrap());
        let frame = data.frame();
        let fit = lm(
            &spec(case["formula"].as_str().unwrap(), &case["options"]),
            &frame,
            &NoProgress,
        )
        .unwrap();
        let tol = tolerance(case);
        let want = &expected["anova"];
        if want.is_object() {
            let rows = sequential_rows(&fit.sequential(0).unwrap());
            let terms: Vec<&str> = rows.iter().map(|r| r.term.as_str()).collect();
            assert_eq!(terms, texts(&want["term"]), "{name}");
            column(rows.iter().map(|r| Some(r.df)), &want["df"], 0.0, name);
            let total: f64 = rows.iter().map(|r| r.sum_sq).sum();
            let squares = rough_squares(&fit);
            for (row, w) in rows.iter().zip(numbers(&want["sum_sq"])) {
                // what is rounding error beside Σ w y² in R is zero in the oracle
                if w == 0.0 && row.sum_sq <= 1e-12 * squares {
                    continue;
                }
                near(row.sum_sq, w, tol, 1e-3 * total, &format!("{name}, {}", row.term));
            }
            if rows.iter().all(|r| r.sum_sq > 1e-3 * total) {
                column(rows.iter().map(|r| r.f), &want["f"], 10.0 * tol, name);
                column(rows.iter().map(|r| r.p_value), &want["p"], TAIL * tol, name);
            }
            sequential += 1;
        }
        let want = &expected["drop1"];
        // two things R does otherwise in the smaller models: it finds aliased columns with its default tolerance,
        // and it forgets the offset where no column is left
        let other = case["options"]["tol"].is_number() || case["formula"] == "y ~ 0 + x1 + offset(2 * o)";
        if want.is_object() && !other {
            let changes = fit.drop1(0, None, 2.0).unwrap();
            assert!(changes.passes.is_empty());
            check_single(&drop1_rows(&changes), want, tol, rough_squares(&fit), name);
            single += 1;
        }
    });
    assert!(sequential > 100 && single > 80, "{sequential} {single}");
}

/// Σ w y² of the first response.
fn rough_squares(fit: &nelder::model::Lm<'_>) -> f64 {
    let y = fit.fit.gram.atoms().dense;
    fit.fit.gram.second(y, y).hi
}

fn check_single(
    rows: &[nelder::summary::tables::SingleTermRow],
    want: &Value,
    tol: f64,
    squares: f64,
    name: &str,
) {
    let terms: Vec<&str> = rows.iter().map(|r| r.term.as_str()).collect();
    assert_eq!(terms, texts(&want["term"]), "{name}");
    column(rows.iter().map(|r| r.df), &want["df"], 0.0, name);
    column(rows.iter().map(|r| Some(r.rss)), &want["rss"], tol, name);
    let scale = rows[0].rss.abs();
    for (row, w) in rows.iter().zip(numbers(&want["sum_sq"])) {
        if w == 0.0 && row.sum_sq.is_some_and(|s| s <= 1e-12 * squares) {
            continue;
        }
        near(
            row.sum_sq.unwrap_or(f64::NAN),
            w,
            tol,
            scale,
            &format!("{name}, {}", row.term),
        );
    }
    // the logarithm of the sum of squares over n, times n
    let n_times = 100.0;
    for (row, w) in rows.iter().zip(numbers(&want["aic"])) {
        near(row.aic, w, tol, n_times, &format!("{name}, AIC of {}", row.term));
    }
    for (row, (f, p)) in rows
        .iter()
        .zip(numbers(&want["f"]).into_iter().zip(numbers(&want["p"])))
    {
        let what = format!("{name}, test of {}", row.term);
        assert_eq!(row.f.is_some(), f.is_finite(), "{what}");
        // R's sum of squares is a difference of two of the size of the residuals
        if f > 1e-3 {
            near(row.f.unwrap(), f, 1e3 * tol, 0.0, &what);
            near(row.p_value.unwrap(), p, TAIL * 1e2 * tol, 0.0, &what);
        }
    }
}

#[test]
fn additions() {
    let mut count = 0;
    each(&["inference"], "add1", |case, name| {
        let data = table(case["data"].as_str().unwrap());
        let frame = data.frame();
        let fit = lm(
            &spec(case["formula"].as_str().unwrap(), &case["options"]),
            &frame,
            &NoProgress,
        )
        .unwrap();
        let changes = fit
            .add1(0, case["scope"].as_str().unwrap(), 2.0, &NoProgress)
            .unwrap();
        check_single(
            &add1_rows(&changes),
            &case["expected"],
            tolerance(case),
            rough_squares(&fit),
            name,
        );
        count += 1;
    });
    assert_eq!(count, 6);
}

#[test]
fn models_beside_each_other() {
    let mut count = 0;
    each(&["compare", "inference"], "anova", |case, name| {
        let data = table(case["data"].as_str().unwrap());
        let frame = data.frame();
        let fits: Vec<Lm<'_>> = texts(&case["formulas"])
            .iter()
            .map(|f| lm(&spec(f, &case["options"]), &frame, &NoProgress).unwrap())
            .collect();
        let rows = model_rows(&anova(&fits.iter().collect::<Vec<_>>(), 0).unwrap());
        let (want, tol) = (&case["expected"], tolerance(case));
        column(
            rows.iter().map(|r| Some(r.res_df)),
            &want["df_residual"],
            0.0,
            name,
        );
        column(rows.iter().map(|r| Some(r.rss)), &want["rss"], tol, name);
        column(rows.iter().map(|r| r.df), &want["df"], 0.0, name);
        column(rows.iter().map(|r| r.sum_sq), &want["sum_sq"], 1e2 * tol, name);
        column(rows.iter().map(|r| r.f), &want["f"], 1e2 * tol, name);
        column(rows.iter().map(|r| r.p_value), &want["p"], TAIL * 1e2 * tol, name);
        let formulas: Vec<&str> = rows.iter().map(|r| r.formula.as_str()).collect();
        assert_eq!(formulas, texts(&case["formulas"]), "{name}");
        count += 1;
    });
    assert_eq!(count, 7);
}

#[test]
fn steps() {
    let mut count = 0;
    each(&["compare", "inference"], "step", |case, name| {
        let data = table(case["data"].as_str().unwrap());
        let frame = data.frame();
        let fit = lm(
            &spec(case["formula"].as_str().unwrap(), &case["options"]),
            &frame,
            &NoProgress,
        )
        .unwrap();
        let scope = StepScope {
            lower: case["lower"].as_str().map(str::to_string),
            upper: case["upper"].as_str().map(str::to_string),
        };
        let direction = match case["direction"].as_str().unwrap() {
            "both" => Direction::Both,
            "forward" => Direction::Forward,
            _ => Direction::Backward,
        };
        let found = step(&fit, &scope, direction, case["k"].as_f64().unwrap(), &NoProgress).unwrap();
        let (want, tol) = (&case["expected"], tolerance(case));
        assert_eq!(found.formula, want["formula"].as_str().unwrap(), "{name}");
        let changes: Vec<&str> = found.path.iter().map(|m| m.change.as_str()).collect();
        assert_eq!(changes, texts(&want["step"]), "{name}");
        column(
            found.path.iter().map(|m| Some(m.deviance)),
            &want["resid_dev"],
            tol,
            name,
        );
        column(
            found.path.iter().map(|m| Some(m.df_residual)),
            &want["resid_df"],
            0.0,
            name,
        );
        for (m, w) in found.path.iter().zip(numbers(&want["aic"])) {
            near(m.aic, w, tol, 100.0, name);
        }
        count += 1;
    });
    assert_eq!(count, 13);
}

#[test]
fn tests_and_intervals_of_coefficients() {
    let mut count = 0;
    each(
        &["basic", "factors", "interactions", "rows", "robust", "inference"],
        "lm",
        |case, name| {
            let expected = &case["expected"];
            let data = table(case["data"].as_str().unwrap());
            let frame = data.frame();
            let kinds = [("", Vcov::Iid), ("hc0", Vcov::Hc0), ("hc3", Vcov::Hc3)];
            for (key, kind) in kinds
                .into_iter()
                .filter(|(k, _)| k.is_empty() || expected[*k].is_object())
            {
                let want = if key.is_empty() { expected } else { &expected[key] };
                if want["std_error"].as_array().is_none() || expected["terms"].as_array().unwrap().len() > 100
                {
                    continue;
                }
                let fit = lm(
                    &spec(case["formula"].as_str().unwrap(), &case["options"]),
                    &frame,
                    &NoProgress,
                )
                .unwrap();
                let level = case["options"]["level"].as_f64().unwrap_or(0.95);
                let covariance = (!key.is_empty()).then(|| fit.vcov(&kind, &NoProgress).unwrap());
                let rows = coefficient_rows(&fit, level, covariance.as_ref());
                if rows.len() != expected["terms"].as_array().unwrap().len() {
                    continue; // a level whose rows all have weight zero
                }
                let tol = tolerance(case);
                let errors = numbers(&want["std_error"]);
                column(rows.iter().map(|r| r.std_error), &want["std_error"], tol, name);
                for (at, row) in rows.iter().enumerate().filter(|(at, _)| errors[*at].is_finite()) {
                    let what = format!("{name}, {}", row.term);
                    let size = 1.0 + numbers(&expected["estimate"])[at].abs() / errors[at];
                    let check = |key: &str, got: Option<f64>, scale: f64| {
                        near(
                            got.unwrap(),
                            numbers(&want[key])[at],
                            tol,
                            scale,
                            &format!("{what}, {key}"),
                        );
                    };
                    check("statistic", row.statistic, size);
                    check("conf_low", row.conf_low, size * errors[at]);
                    check("conf_high", row.conf_high, size * errors[at]);
                    // d log p / d t is about t
                    let p = numbers(&want["p_value"])[at];
                    near(
                        row.p_value.unwrap(),
                        p,
                        10.0 * tol * size * size,
                        0.0,
                        &format!("{what}, p"),
                    );
                }
                if let (Some(covariance), Some(f)) = (&covariance, want["f_statistic"]["p_value"].as_f64()) {
                    let got = wald(&fit, covariance).unwrap();
                    assert!(
                        (got.p_value.ln() - f.ln()).abs() < 1e-6,
                        "{name}: {} {f}",
                        got.p_value
                    );
                }
                count += 1;
            }
        },
    );
    assert!(count > 200, "{count}");
}
