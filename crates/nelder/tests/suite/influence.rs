//! Residuals, leverages and deletion diagnostics against R, and against fits without a row.

use crate::common::{cases, near, numbers, spec, table, unusual};
use nelder::frame::Frame;
use nelder::model::{Detail, Inference, LmSpec, Regression, lm};
use nelder::pass::NoProgress;
use serde_json::Value;

#[test]
fn diagnostics_are_those_of_r() {
    let mut count = 0;
    for family in [
        "basic",
        "aliased",
        "factors",
        "interactions",
        "functions",
        "rows",
        "robust",
        "inference",
    ] {
        for case in cases(family) {
            let want = &case["expected"];
            if case["kind"] != "lm" || want["cooks"].is_null() || unusual(&case["options"]) {
                continue;
            }
            check(
                &case,
                want,
                &format!("{family}: {}", case["name"].as_str().unwrap()),
            );
            count += 1;
        }
    }
    assert!(count > 120, "{count} cases");
}

fn check(case: &Value, want: &Value, name: &str) {
    let data = table(case["data"].as_str().unwrap());
    let frame = data.frame();
    let formula = case["formula"].as_str().unwrap();
    let fit = lm(&spec(formula, &case["options"]), &frame, &NoProgress).unwrap();
    let got = &fit.influence(Detail::Deletions, &NoProgress).unwrap();
    let tol = 16.0 * (64.0 * f64::EPSILON * case["noise"].as_f64().unwrap()).max(1e-13);
    let sigma = fit.responses[0].sigma;
    let rows: Vec<usize> = numbers(&want["rows"]).iter().map(|r| *r as usize - 1).collect();
    let column = |key: &str, got: &[f64], scale: f64| {
        if want[key].is_null() {
            return;
        }
        for (&i, w) in rows.iter().zip(numbers(&want[key])) {
            let what = format!("{name}, {key} of row {}", i + 1);
            if key == "fitted" || key == "residuals" {
                assert_eq!(got[i].is_nan(), w.is_nan(), "{what}");
            }
            // R has leverage 0 for a row that is left out
            if !got[i].is_nan() || key != "leverage" {
                near(got[i], w, tol, scale, &what);
            }
        }
    };
    column("fitted", &got.fitted, sigma);
    column("residuals", &got.response, sigma);
    column("leverage", &got.hat, 1e-3);
    column("cooks", &got.cooks, 1e-3);
    column("rstandard", &got.standardized, 1.0);
    column("rstudent", &got.studentized, 1.0);
    if !want["dfbetas"].is_null() {
        for (&i, row) in rows.iter().zip(want["dfbetas"].as_array().unwrap()) {
            for (c, w) in numbers(row).into_iter().enumerate() {
                let what = format!("{name}, dfbetas of row {}, column {}", i + 1, c + 1);
                // R leaves 0 where a row of leverage one has no residual; what it divides by is 0, too
                if got.hat[i] < 1.0 {
                    near(got.dfbetas[c][i], w, tol, 1e-1, &what);
                }
            }
        }
    }
}

#[test]
fn leaving_a_row_out() {
    // what deletion formulas say is what a fit without the row says
    let n = 40;
    let x: Vec<f64> = (0..n).map(|i| ((i * 37) % 41) as f64 / 8.0).collect();
    let w: Vec<f64> = (0..n).map(|i| 0.5 + ((i * 13) % 7) as f64).collect();
    let y: Vec<f64> = (0..n)
        .map(|i| x[i] * 2.0 + ((i * 29) % 11) as f64 - 3.0)
        .collect();
    // a factor of more levels than are kept dense, so that it is eliminated
    let names: Vec<String> = (0..n).map(|i| format!("g{}", i % 25)).collect();
    let g: Vec<Option<&str>> = names.iter().map(|s| Some(s.as_str())).collect();
    for formula in ["y ~ x", "y ~ x + g"] {
        let frame = Frame::new()
            .with_real("x", &x)
            .with_real("w", &w)
            .with_real("y", &y)
            .with_text("g", &g);
        let spec = LmSpec::new(formula).weights("w");
        let fit = lm(&spec, &frame, &NoProgress).unwrap();
        let own = &fit.influence(Detail::Deletions, &NoProgress).unwrap();
        for i in [0, 7, 24] {
            let mut less = w.clone();
            less[i] = 0.0;
            let frame = Frame::new()
                .with_real("x", &x)
                .with_real("w", &less)
                .with_real("y", &y)
                .with_text("g", &g);
            let without = lm(&spec, &frame, &NoProgress).unwrap();
            let what = format!("{formula}, row {}", i + 1);
            if own.hat[i] == 1.0 {
                assert!(own.studentized[i].is_nan(), "{what}");
                continue;
            }
            near(own.sigma[i], without.responses[0].sigma, 1e-12, 0.0, &what);
            for c in 0..fit.coefnames().len() {
                let moved = fit.responses[0].coefficients[c] - without.responses[0].coefficients[c];
                let scaled = moved / (own.sigma[i] * fit.fit.variances[c].sqrt());
                near(own.dfbetas[c][i], scaled, 1e-11, 1.0, &what);
            }
        }
    }
}

#[test]
fn rows_without_weight_have_residuals_only() {
    let (x, y, w) = (
        [1.0, 2.0, 3.0, 4.0, 5.0],
        [1.0, 2.5, 2.5, 4.5, 9.0],
        [1.0, 1.0, 2.0, 1.0, 0.0],
    );
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("y", &y)
        .with_real("w", &w);
    let fit = lm(&LmSpec::new("y ~ x").weights("w"), &frame, &NoProgress).unwrap();
    let own = &fit.influence(Detail::Leverages, &NoProgress).unwrap();
    let c = &fit.responses[0].coefficients;
    assert!((own.fitted[4] - (c[0] + 5.0 * c[1])).abs() < 1e-14);
    assert!((own.response[4] - (9.0 - own.fitted[4])).abs() < 1e-14);
    assert!(own.hat[4].is_nan() && own.cooks[4].is_nan());
    assert!((own.hat[..4].iter().sum::<f64>() - 2.0).abs() < 1e-14);
    assert!(own.dfbetas.is_empty());
}

/// dfbetas of a far point, against exact values by rational arithmetic.
#[test]
fn dfbetas_of_a_far_point() {
    let z = [5.0, 1.0, 2.0, -1.0, 3.0, 0.0, -2.0, 4.0];
    let y = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
    for (far, exact) in [
        (
            1e3,
            [
                2.839_687_113_288_146_7e-2,
                -42.746_806_983_134_1,
                2.000_451_120_378_731_5e-2,
            ],
        ),
        (
            1e5,
            [
                2.791_712_413_351_329e-2,
                -4.204_742_082_145_855e3,
                2.079_678_096_848_927e-2,
            ],
        ),
        (
            1e7,
            [
                2.791_231_618_415_435_5e-2,
                -4.204_041_705_031_907_5e5,
                2.080_449_800_425_263e-2,
            ],
        ),
    ] {
        let x = [far, 1.0, -2.0, 3.0, 0.0, 2.0, -3.0, 1.0];
        let columns = [("x", &x), ("z", &z), ("y", &y)];
        let frame = columns
            .iter()
            .fold(Frame::new(), |f, (name, v)| f.with_real(name, *v));
        let fit = lm(&LmSpec::new("y ~ x + z"), &frame, &NoProgress).unwrap();
        let all = fit.influence(Detail::Deletions, &NoProgress).unwrap();
        for (own, exact) in all.dfbetas.iter().zip(exact) {
            near(own[0], exact, 1e-13, 0.0, &format!("far = {far}"));
        }
    }
}
