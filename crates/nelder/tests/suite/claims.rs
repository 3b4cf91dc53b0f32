//! Digits that a fit claims against those that it has: answers in 70 digits (accuracy/oracle/claims_exact.py) and closed forms.

use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{Digits, GlmSpec, Inference, LmSpec, Regression, Vcov, glm, lm};
use nelder::pass::NoProgress;
use serde_json::Value as Json;

const EXACT: &str = include_str!("../../../../accuracy/oracle/claims_exact.json");

/// A claim may be above the truth by no more than this part of a digit.
const SLACK: f64 = 0.05;

fn numbers(v: &Json) -> Vec<f64> {
    v.as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

/// Decimal digits of a value, given the exact one in two parts; from 0 to 16.
fn digits(value: f64, exact: &Json) -> f64 {
    let exact = numbers(exact);
    let error = ((value - exact[0]) - exact[1]).abs() / exact[0].abs();
    if error == 0.0 {
        16.0
    } else {
        (-error.log10()).clamp(0.0, 16.0)
    }
}

/// Claimed and true digits of the coefficients and of the standard errors of a model.
fn held(model: &Json) -> ([f64; 2], [f64; 2]) {
    let columns: Vec<Vec<f64>> = model["columns"].as_array().unwrap().iter().map(numbers).collect();
    let names: Vec<String> = (1..=columns.len()).map(|k| format!("x{k}")).collect();
    let own = |key: &str| model.get(key).map(numbers);
    let (y, weights) = (own("y"), own("weights"));
    let counts = own("successes").zip(own("failures"));
    let mut frame = Frame::new();
    for (name, column) in names.iter().zip(&columns) {
        frame = frame.with_real(name, column);
    }
    for (name, column) in [("y", &y), ("w", &weights)] {
        if let Some(column) = column {
            frame = frame.with_real(name, column);
        }
    }
    if let Some((s, f)) = &counts {
        frame = frame.with_real("s", s).with_real("f", f);
    }
    let response = if counts.is_some() { "cbind(s, f)" } else { "y" };
    let family = format!(
        "{}(\"{}\")",
        model["family"].as_str().unwrap(),
        model["link"].as_str().unwrap()
    );
    let family: Family = family.parse().unwrap();
    let mut spec = GlmSpec::new(&format!("{response} ~ {}", names.join(" + ")), family);
    spec.design.weights = weights.is_some().then(|| "w".to_string());
    let fit = glm(&spec, &frame, &NoProgress).unwrap();
    assert!(fit.fit.converged, "{model}");
    let least = |values: &[f64], exact: &Json| {
        let pairs = values.iter().zip(exact.as_array().unwrap());
        pairs.map(|(&v, e)| digits(v, e)).fold(16.0, f64::min)
    };
    let Digits {
        coefficients,
        std_errors,
        ..
    } = fit.report().digits;
    (
        [coefficients, least(&fit.coefficients, &model["coefficients"])],
        [
            std_errors.unwrap_or(0.0),
            least(&fit.std_errors, &model["std_errors"]),
        ],
    )
}

#[test]
fn no_claim_is_above_the_truth() {
    let models: Json = serde_json::from_str(EXACT).unwrap();
    let models = models.as_array().unwrap();
    assert_eq!(models.len(), 240);
    let mut wrong = Vec::new();
    let (mut away, mut few) = (Vec::new(), 0);
    for (i, model) in models.iter().enumerate() {
        let (coefficients, errors) = held(model);
        for (what, [claimed, true_digits]) in [("coefficients", coefficients), ("errors", errors)] {
            if claimed > true_digits + SLACK {
                let about = (&model["kind"], &model["family"], &model["link"]);
                wrong.push(format!("{i} {about:?} {what}: {claimed:.2} of {true_digits:.2}"));
            }
            away.push(true_digits - claimed);
        }
        // what is printed should have twelve
        few += usize::from(errors[1] < 12.0);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    away.sort_by(f64::total_cmp);
    // the bounds are of use: half of them give away less than three digits
    assert!(away[away.len() / 2] < 3.0, "{}", away[away.len() / 2]);
    assert!(few <= 3, "{few}");
}

/// Powers of two take no digit, wherever the answers stay in the range of normal numbers; beyond it the claim says so.
#[test]
fn scales_at_the_ends_of_the_range() {
    let fit = |a: i32, b: i32| {
        let (a, b) = (2f64.powi(a), 2f64.powi(b));
        let x: Vec<f64> = (1..=5).map(|i| f64::from(i) * a).collect();
        let y: Vec<f64> = [1.0, 3.0, 2.0, 5.0, 4.0].iter().map(|y| y * b).collect();
        let frame = Frame::new().with_real("x", &x).with_real("y", &y);
        let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
        let own = &fit.responses[0];
        let (f, _, _) = fit.f_statistic(0).unwrap();
        let row = [
            own.coefficients[0] / b,
            own.coefficients[1] / b * a,
            own.std_errors[0] / b,
            own.std_errors[1] / b * a,
            own.sigma / b,
            own.r_squared(),
            f,
            own.log_lik + 5.0 * b.ln(),
        ];
        (row, fit.report().digits)
    };
    let (ordinary, digits) = fit(0, 0);
    assert!((ordinary[3] - 12f64.sqrt() / 10.0).abs() < 1e-15);
    for (a, b) in [
        (664, 0),
        (0, 531),
        (531, 0),
        (-664, 0),
        (996, 996),
        (-531, -531),
        (0, -564),
        (0, 1013),
        (300, -600),
    ] {
        let (row, own) = fit(a, b);
        for (k, (value, wanted)) in row.iter().zip(&ordinary).enumerate() {
            let tolerance = if k == 7 { 1e-12 } else { 4.0 * f64::EPSILON };
            assert!(
                (value - wanted).abs() <= tolerance * wanted.abs(),
                "{a} {b} {k}: {value} {wanted}"
            );
        }
        // beyond 2⁵³ a whole number stands for others
        let claimed = own.coefficients;
        assert!(
            claimed > 14.0 && claimed <= digits.coefficients,
            "{a} {b}: {claimed}"
        );
    }
    // a slope below the smallest normal number has the digits that are left, below the smallest of all none
    let (_, own) = fit(664, -382);
    assert!(
        own.coefficients < 9.0 && own.coefficients > 5.0,
        "{}",
        own.coefficients
    );
    let (_, own) = fit(664, -470);
    assert_eq!((own.coefficients, own.std_errors), (0.0, Some(0.0)));
}

/// What a covariance, a saved fit and a table say of data whose squares are out of range: what is a number is right, what is none is an
/// error that says so.
#[test]
fn squares_out_of_range() {
    let numbers = |by: f64, values: &[f64]| values.iter().map(|v| v * by).collect::<Vec<f64>>();
    let fit_of = |a: f64, b: f64, all: &mut dyn FnMut(&nelder::model::Lm<'_>)| {
        let (x, y) = (
            numbers(a, &[1.0, 2.0, 3.0, 4.0, 5.0]),
            numbers(b, &[1.0, 3.0, 2.0, 5.0, 4.0]),
        );
        let frame = Frame::new().with_real("x", &x).with_real("y", &y);
        all(&lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap());
    };
    let kinds = [Vcov::Iid, Vcov::Hc0, Vcov::Hc3];
    let mut ordinary = Vec::new();
    fit_of(1.0, 1.0, &mut |fit| {
        for kind in &kinds {
            let found = fit.vcov(kind, &NoProgress).unwrap();
            ordinary.push((
                found.std_errors(),
                found.matrix[(1, 1)],
                fit.wald(&found).unwrap().0,
            ));
        }
        assert!(fit.sequential(0).is_ok() && fit.drop1(0, None, 2.0).is_ok());
    });
    for (a, b) in [(600, 600), (-600, -600), (0, 600), (0, -600), (300, -300)] {
        let (a, b) = (2f64.powi(a), 2f64.powi(b));
        fit_of(a, b, &mut |fit| {
            for (kind, (errors, variance, wald)) in kinds.iter().zip(&ordinary) {
                let found = fit.vcov(kind, &NoProgress).unwrap();
                assert_eq!(
                    found.std_errors(),
                    [errors[0] * b, errors[1] / a * b],
                    "{kind} {a} {b}"
                );
                if a == b {
                    assert_eq!(found.matrix[(1, 1)], *variance, "{kind} {a} {b}");
                }
                assert_eq!(fit.wald(&found).unwrap().0, *wald, "{kind} {a} {b}");
            }
            // sums of squares are numbers where (2^±300)² is
            let (table, dropped) = (fit.sequential(0), fit.drop1(0, None, 2.0));
            assert_eq!(
                (table.is_ok(), dropped.is_ok()),
                (b.log2().abs() < 400.0, b.log2().abs() < 400.0)
            );
            for error in [table.err(), dropped.err()].into_iter().flatten() {
                assert!(error.to_string().contains("out of the range"), "{error}");
            }
            let text = serde_json::to_string(&fit.save().unwrap()).unwrap();
            let saved: nelder::model::SavedLm = serde_json::from_str(&text).unwrap();
            let new = [2.5 * a];
            let rows = Frame::new().with_real("x", &new);
            let found = saved.predict(&rows, true, &NoProgress).unwrap();
            let own = fit.predict(&rows, true, &NoProgress).unwrap();
            assert_eq!(found.responses[0].std_error, own.responses[0].std_error);
            assert!(found.responses[0].std_error[0] > 0.0);
            assert_eq!(saved.responses[0].sigma(), fit.responses[0].sigma);
        });
    }
}

/// Standard errors of a generalized model whose variances are out of range in the units of the data are those of other units; where its
/// own sums are out of range, the claim says so.
#[test]
fn scales_of_generalized_models() {
    let fit_of = |family: Family, a: f64, b: f64| {
        let x: Vec<f64> = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0].iter().map(|x| x * a).collect();
        let y: Vec<f64> = [1.0, 3.0, 2.0, 5.0, 4.0, 4.0].iter().map(|y| y * b).collect();
        let frame = Frame::new().with_real("x", &x).with_real("y", &y);
        let fit = glm(&GlmSpec::new("y ~ x", family), &frame, &NoProgress).unwrap();
        let digits = fit.report().digits;
        (fit.coefficients.clone(), fit.std_errors.clone(), digits)
    };
    for text in ["poisson", "Gamma(\"log\")", "gaussian"] {
        let family: Family = text.parse().unwrap();
        let (coefficients, errors, digits) = fit_of(family, 1.0, 1.0);
        for a in [600, -600, 900, -900] {
            let a = 2f64.powi(a);
            let (own, own_errors, own_digits) = fit_of(family, a, 1.0);
            for (k, unit) in [1.0, a].into_iter().enumerate() {
                for (value, wanted) in [(own[k], coefficients[k]), (own_errors[k], errors[k])] {
                    assert!(
                        (value * unit - wanted).abs() <= 1e-13 * wanted.abs(),
                        "{text} {a} {k}: {value} {wanted}"
                    );
                }
            }
            assert!(own_digits.std_errors.unwrap() > digits.std_errors.unwrap() - 1.0);
        }
    }
    // squares of a tiny response leave the range of normal numbers
    let (_, errors, digits) = fit_of("gaussian".parse().unwrap(), 1.0, 2f64.powi(-530));
    let (_, ordinary, _) = fit_of("gaussian".parse().unwrap(), 1.0, 1.0);
    let off = (errors[1] * 2f64.powi(530) / ordinary[1] - 1.0).abs();
    assert!(
        digits.std_errors.unwrap() <= 0.05 - off.log10(),
        "{digits:?} {off}"
    );
}
