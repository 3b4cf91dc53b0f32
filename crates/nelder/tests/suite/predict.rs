//! Predictions and their standard errors, from saved fits, against R's `predict.lm`.

use crate::common::{cases, near, numbers, spec, table, unusual};
use nelder::frame::Frame;
use nelder::model::{Detail, Inference, LmSpec, SavedLm, lm};
use nelder::pass::NoProgress;
use nelder::summary::inference::intervals;
use serde_json::Value;

/// A fit that went through text.
fn stored(fit: &nelder::model::Lm<'_>) -> SavedLm {
    let text = serde_json::to_string(&fit.save().unwrap()).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn tolerance(case: &Value) -> f64 {
    (64.0 * f64::EPSILON * case["noise"].as_f64().unwrap_or(1.0)).max(1e-13)
}

#[test]
fn predictions_are_those_of_r() {
    let mut count = 0;
    for family in ["basic", "factors", "functions", "rows"] {
        for case in cases(family) {
            let want = &case["expected"]["predict"];
            if !want.is_object() || unusual(&case["options"]) {
                continue;
            }
            let name = format!("{family}: {}", case["name"].as_str().unwrap());
            let data = table(case["data"].as_str().unwrap());
            let new = table(want["newdata"].as_str().unwrap());
            let frame = data.frame();
            let formula = case["formula"].as_str().unwrap();
            let fit = lm(&spec(formula, &case["options"]), &frame, &NoProgress).unwrap();
            let saved = stored(&fit);
            let got = saved
                .predict(&new.frame(), true, &NoProgress)
                .unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(
                (got.pass.rows, got.pass.name.as_str()),
                (new.rows() as u64, "predictions")
            );
            let one = &got.responses[0];
            let (fitted, errors) = (numbers(&want["fit"]), numbers(&want["se"]));
            assert_eq!(one.fit.len(), fitted.len(), "{name}");
            let tol = 8.0 * tolerance(&case);
            let sigma = saved.responses[0].sigma();
            near(sigma, want["residual_scale"].as_f64().unwrap(), tol, 0.0, &name);
            let level = want["level"].as_f64().unwrap();
            let mean = intervals(one, sigma, saved.df_residual, level, false);
            let single = intervals(one, sigma, saved.df_residual, level, true);
            let ends = ["conf_low", "conf_high", "pred_low", "pred_high"].map(|key| numbers(&want[key]));
            for i in 0..fitted.len() {
                let what = format!("{name}, row {}", i + 1);
                assert_eq!(one.fit[i].is_nan(), fitted[i].is_nan(), "{what}");
                // a fitted value is known to the size of its standard error, where it is small itself
                let scale = if errors[i].is_nan() { 1.0 } else { errors[i] };
                near(one.fit[i], fitted[i], tol, scale, &what);
                near(one.std_error[i], errors[i], tol, 0.0, &what);
                for (got, want) in [mean[i].0, mean[i].1, single[i].0, single[i].1].iter().zip(&ends) {
                    near(*got, want[i], tol, scale, &what);
                }
            }
            count += 1;
        }
    }
    assert!(count > 50, "{count} cases");
}

#[test]
fn fitted_values_are_predictions_of_the_own_rows() {
    for family in ["interactions", "factors", "aliased", "inference", "functions"] {
        for case in cases(family)
            .iter()
            .filter(|c| c["kind"] == "lm" && !unusual(&c["options"]))
        {
            let name = format!("{family}: {}", case["name"].as_str().unwrap());
            let data = table(case["data"].as_str().unwrap());
            let frame = data.frame();
            let formula = case["formula"].as_str().unwrap();
            let fit = lm(&spec(formula, &case["options"]), &frame, &NoProgress).unwrap();
            let got = stored(&fit).predict(&frame, true, &NoProgress).unwrap();
            let rows = fit.influence(Detail::Leverages, &NoProgress).unwrap();
            let (one, own) = (&got.responses[0], &rows);
            for i in 0..data.rows() {
                if own.fitted[i].is_nan() {
                    continue; // a row that misses the response has a prediction all the same
                }
                let what = format!("{name}, row {}", i + 1);
                near(one.fit[i], own.fitted[i], 1e-14, fit.responses[0].sigma, &what);
                if case["options"]["weights"].is_null() {
                    let error = fit.responses[0].sigma * own.hat[i].sqrt();
                    near(one.std_error[i], error, 1e-14, 0.0, &what);
                }
            }
        }
    }
}

#[test]
fn a_combination_of_levels_without_rows() {
    // the cell (q, v) has no row: with sum contrasts its column is a combination of others
    let a = [
        Some("p"),
        Some("p"),
        Some("q"),
        Some("p"),
        Some("p"),
        Some("q"),
        Some("r"),
        Some("r"),
    ];
    let b = [
        Some("u"),
        Some("v"),
        Some("u"),
        Some("v"),
        Some("u"),
        Some("u"),
        Some("v"),
        Some("u"),
    ];
    let y = [1.0, 2.0, 4.0, 3.0, 1.5, 5.0, 7.0, 2.0];
    let frame = Frame::new()
        .with_text("a", &a)
        .with_text("b", &b)
        .with_real("y", &y);
    let new = Frame::new().with_text("a", &a[2..3]).with_text("b", &b[1..2]);
    let fit = lm(&LmSpec::new("y ~ a + b"), &frame, &NoProgress).unwrap();
    let got = stored(&fit).predict(&new, false, &NoProgress).unwrap().responses[0].fit[0];
    let c = &fit.responses[0].coefficients;
    assert!((got - (c[0] + c[1] + c[3])).abs() < 1e-14);
    // R: coef(lm(y ~ a * b)) has NA for aq:bv, and predict() leaves it out
    let fit = lm(&LmSpec::new("y ~ a * b"), &frame, &NoProgress).unwrap();
    let got = stored(&fit).predict(&new, false, &NoProgress).unwrap().responses[0].fit[0];
    let c = &fit.responses[0].coefficients;
    assert!(c[4].is_nan());
    assert!((got - (c[0] + c[1] + c[3])).abs() < 1e-14);
}

#[test]
fn new_data_that_do_not_fit() {
    let g = [Some("a"), Some("b"), Some("a"), Some("b"), None];
    let x = [1.0, 2.0, 3.0, 4.0, 5.0];
    let y = [1.0, 2.0, 3.0, 5.0, 1.0];
    let frame = Frame::new()
        .with_text("g", &g)
        .with_real("x", &x)
        .with_real("y", &y);
    let saved = stored(&lm(&LmSpec::new("y ~ x + g"), &frame, &NoProgress).unwrap());
    let error = |new: &Frame<'_>| saved.predict(new, false, &NoProgress).unwrap_err().to_string();
    let other = [Some("a"), Some("c")];
    let message = error(&Frame::new().with_text("g", &other).with_real("x", &x[..2]));
    assert!(
        message.contains("`g` has the new level \"c\" in row 2"),
        "{message}"
    );
    let message = error(&Frame::new().with_real("x", &x));
    assert!(message.contains("there is no column `g`"), "{message}");
    let message = error(&Frame::new().with_real("g", &x).with_real("x", &x));
    assert!(message.contains("`g` was a factor in the fit"), "{message}");
    let message = error(&Frame::new().with_text("g", &g).with_text("x", &g));
    assert!(message.contains("`x`"), "{message}");
    // a row with a missing value has a missing prediction
    let new = saved.predict(&frame, true, &NoProgress).unwrap();
    let one = &new.responses[0];
    assert!(one.fit[4].is_nan() && one.std_error[4].is_nan() && one.fit[3].is_finite());
}
