//! Diagnostics, predictions, robust errors and claims of linear models against answers in 80 digits
//! (accuracy/oracle/diagnostics_exact.py), on data that amplify rounding.

use nelder::frame::Frame;
use nelder::model::{Detail, Inference, LmSpec, Regression, Vcov, lm};
use nelder::pass::NoProgress;
use serde_json::Value as Json;

const EXACT: &str = include_str!("../../../../accuracy/oracle/diagnostics_exact.json");

/// What every printed number is to have: twelve digits.
const ENOUGH: f64 = 1e-12;
/// A claim may be above the truth by no more than this part of a digit.
const SLACK: f64 = 0.05;

fn numbers(v: &Json) -> Vec<f64> {
    let all = v.as_array().unwrap().iter();
    all.map(|x| x.as_f64().unwrap()).collect()
}

/// Largest relative error of values whose exact ones are sums of two.
fn worst(own: &[f64], exact: &Json) -> f64 {
    let exact = exact.as_array().unwrap();
    assert_eq!(own.len(), exact.len());
    let of = |(v, e): (&f64, &Json)| {
        let e = numbers(e);
        match ((v - e[0]) - e[1]).abs() / e[0].abs() {
            error if error.is_nan() => f64::INFINITY,
            error => error,
        }
    };
    own.iter().zip(exact).map(of).fold(0.0, f64::max)
}

fn digits(error: f64) -> f64 {
    if error == 0.0 {
        16.0
    } else {
        (-error.log10()).clamp(0.0, 16.0)
    }
}

#[test]
fn twelve_digits_of_every_number() {
    let models: Json = serde_json::from_str(EXACT).unwrap();
    let models = models.as_array().unwrap();
    assert_eq!(models.len(), 72);
    let mut wrong = Vec::new();
    let (mut away, mut of_written) = (Vec::new(), Vec::new());
    for (i, model) in models.iter().enumerate() {
        let own = |key: &str| numbers(&model[key]);
        let (x, z, y, w, g) = (own("x"), own("z"), own("y"), own("w"), own("clusters"));
        let frame = Frame::new()
            .with_real("x", &x)
            .with_real("z", &z)
            .with_real("y", &y)
            .with_real("w", &w)
            .with_real("g", &g);
        let mut spec = LmSpec::new("y ~ x + z").tol(1e-15);
        if w.iter().any(|&w| w != 1.0) {
            spec.weights = Some("w".into());
        }
        let fit = lm(&spec, &frame, &NoProgress).unwrap();
        let response = &fit.responses[0];
        let mut check = |what: &str, own: &[f64], limit: f64| {
            let error = worst(own, &model[what]);
            if error > limit {
                wrong.push(format!("{i} {} {what}: {error:.1e}", model["kind"]));
            }
            digits(error)
        };
        // 1. coefficients and errors, and what is claimed of them
        let claimed = fit.report().digits;
        for (what, own, claim) in [
            ("coefficients", &response.coefficients, claimed.coefficients),
            (
                "std_errors",
                &response.std_errors,
                claimed.std_errors.unwrap_or(0.0),
            ),
        ] {
            let have = check(what, own, ENOUGH);
            away.push(have - claim);
            if claim > have + SLACK {
                panic!("{i} {} {what}: claimed {claim:.2} of {have:.2}", model["kind"]);
            }
        }
        // the second statement is of the decimals that were written
        if model["coefficients_written"].is_array() {
            let written = claimed.as_written;
            for (what, own, claim) in [
                (
                    "coefficients_written",
                    &response.coefficients,
                    written.coefficients,
                ),
                (
                    "std_errors_written",
                    &response.std_errors,
                    written.std_errors.unwrap_or(0.0),
                ),
            ] {
                let have = digits(worst(own, &model[what]));
                assert!(
                    claim <= have + SLACK,
                    "{i} {what}: claimed {claim:.2} of {have:.2}"
                );
                of_written.push(have - claim);
            }
        }
        // 2. rows
        let all = fit.influence(Detail::Leverages, &NoProgress).unwrap();
        check("hat", &all.hat, ENOUGH);
        check("sigma", &all.sigma, ENOUGH);
        check("cooks", &all.cooks, ENOUGH);
        check("standardized", &all.standardized, ENOUGH);
        check("studentized", &all.studentized, ENOUGH);
        // 3. new rows, also from a fit that was saved
        let new: Vec<Vec<f64>> = model["new"].as_array().unwrap().iter().map(numbers).collect();
        let column = |c: usize| new.iter().map(|row| row[c]).collect::<Vec<f64>>();
        let (new_x, new_z) = (column(0), column(1));
        let rows = Frame::new().with_real("x", &new_x).with_real("z", &new_z);
        let found = fit.predict(&rows, true, &NoProgress).unwrap();
        check("se_fit", &found.responses[0].std_error, ENOUGH);
        // 4. robust errors
        for (name, kind) in [
            ("HC0", Vcov::Hc0),
            ("HC2", Vcov::Hc2),
            ("HC3", Vcov::Hc3),
            ("cluster", Vcov::Cluster("g".into())),
        ] {
            let errors = fit.vcov(&kind, &NoProgress).unwrap().std_errors();
            check(name, &errors, ENOUGH);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // the bounds are of use
    for (away, most) in [(&mut away, 1.0), (&mut of_written, 2.5)] {
        away.sort_by(f64::total_cmp);
        let median = away[away.len() / 2];
        assert!(median < most, "{median}");
    }
}
