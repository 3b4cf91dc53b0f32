//! Claims where the data are hard on them: decimals in weights and offsets, numbers that were cut when they were printed, slow
//! iterations, one deviation that dwarfs the others, means far from zero. Exact answers are of rational arithmetic or 60 digits.

use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{GlmSpec, Inference, LmSpec, PcaAlgorithm, PcaSpec, Regression, glm, lm, prcomp};
use nelder::pass::NoProgress;

/// By how much of a digit a claim may be above the truth.
const SLACK: f64 = 0.05;

/// Correct digits of the worst of some numbers.
fn digits(found: &[f64], exact: &[f64]) -> f64 {
    let off = |(f, e): (&f64, &f64)| ((f - e) / e).abs();
    let worst = found.iter().zip(exact).map(off).fold(0.0, f64::max);
    -worst.max(f64::MIN_POSITIVE).log10()
}

fn ones(n: usize) -> Vec<f64> {
    (1..=n).map(|i| i as f64).collect()
}

#[test]
fn decimal_weights_and_offsets_of_least_squares() {
    let (y, w) = ([1e6, -2999999.0], [0.3, 0.1]);
    let frame = Frame::new().with_real("y", &y).with_real("w", &w);
    let fit = lm(&LmSpec::new("y ~ 1").weights("w"), &frame, &NoProgress).unwrap();
    let truth = digits(&fit.responses[0].coefficients, &[0.25]);
    assert!(truth < 10.0 && fit.report().digits.as_written.coefficients <= truth + SLACK);

    let (y, x) = ([1e6, 3e6, 2e6, 4e6], [1.0, 2.0, 3.0, 5.0]);
    let o = [1000000.1, 2999999.9, 2000000.1, 3999999.7];
    let frame = Frame::new()
        .with_real("y", &y)
        .with_real("x", &x)
        .with_real("o", &o);
    let fit = lm(&LmSpec::new("y ~ x + offset(o)"), &frame, &NoProgress).unwrap();
    let truth = digits(
        &fit.responses[0].coefficients,
        &[-0.185_714_285_714_285_714, 0.085_714_285_714_285_714],
    );
    assert!(truth < 10.0 && fit.report().digits.as_written.coefficients <= truth + SLACK);
}

#[test]
fn decimal_offsets_of_counts() {
    let (y, x) = ([1.0, 2.0, 3.0, 5.0], [1.0, 2.0, 3.0, 4.0]);
    let o = [1000000.1, 999999.9, 1000000.3, 999999.8];
    let frame = Frame::new()
        .with_real("y", &y)
        .with_real("x", &x)
        .with_real("o", &o);
    let spec = GlmSpec::new("y ~ x + offset(o)", Family::poisson());
    let fit = glm(&spec, &frame, &NoProgress).unwrap();
    let truth = digits(
        &fit.coefficients,
        &[-1000000.706_593_820_538, 0.601_290_114_747_328_13],
    );
    assert!(truth < 12.0 && fit.report().digits.as_written.coefficients <= truth + SLACK);
}

/// Multiples of 2⁻¹² above 1,000 have more digits than are printed.
#[test]
fn fractions_that_were_cut() {
    let y: Vec<f64> = [1.0, 3.0, 2.0, 5.0, 4.0, 7.0, 0.0]
        .iter()
        .map(|k| 1e6 + k / 4096.0)
        .collect();
    let x = ones(7);
    let frame = Frame::new().with_real("y", &y).with_real("x", &x);
    let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
    // of 1000000.0002441406, 1000000.0007324219, 1000000.0004882812, 1000000.0012207031, …
    let truth = digits(
        &fit.responses[0].coefficients,
        &[1000000.000_523_158_457, 0.000_061_035_160_714_285_714],
    );
    assert!(truth < 8.0 && fit.report().digits.as_written.coefficients <= truth + SLACK);
}

/// Family, x, y, and the exact coefficients.
type Case<'a> = (&'a str, &'a [f64], &'a [f64], [f64; 2]);

#[test]
fn iterations_that_converge_slowly() {
    let cases: [Case<'_>; 3] = [
        (
            "Gamma(identity)",
            &[9.334, 10.957, 9.740, 8.034, 10.653, 8.791, 10.342, 9.209],
            &[96.0, 32.0, 14.0, 4.0, 29.0, 47.0, 11.0, 33.0],
            [-171.512_284_850_177_462, 22.079_470_744_429_016_5],
        ),
        (
            "negative.binomial(1, log)",
            &[1001.686, 999.322, 1000.607, 1000.199, 999.428, 1002.587],
            &[1000038.0, 65.0, 1000029.0, 85.0, 39.0, 2000057.0],
            [-3_213.295_271_300_806_33, 3.223_402_153_354_101_2],
        ),
        (
            "gaussian(log)",
            &[1.725, -0.877, -0.831, 0.747, 0.275],
            &[8000000002.0, 6000000003.0, 3000000001.0, 11.0, 12.0],
            [21.402_746_086_390_180_4, 0.697_656_503_464_019_447],
        ),
    ];
    for (family, x, y, exact) in cases {
        let frame = Frame::new().with_real("y", y).with_real("x", x);
        let spec = GlmSpec::new("y ~ x", family.parse::<Family>().unwrap());
        let fit = glm(&spec, &frame, &NoProgress).unwrap();
        let (truth, claim) = (
            digits(&fit.coefficients, &exact),
            fit.report().digits.coefficients,
        );
        assert!(claim <= truth + SLACK, "{family}: {claim} of {truth}");
        assert!(claim > 9.0, "{family}: {claim}");
    }
}

#[test]
fn deviations_beside_a_large_one() {
    let columns = [
        [400001.0, -200008.0, 199996.0, 0.0, 199996.0],
        [80008.0, -40007.0, 40007.0, 0.0, 40005.0],
        [-280001.0, 140007.0, -140003.0, 8.0, -140007.0],
    ];
    let mut frame = Frame::new();
    for (name, column) in ["a", "b", "c"].iter().zip(&columns) {
        frame = frame.with_real(name, column);
    }
    let spec = PcaSpec {
        algorithm: PcaAlgorithm::Krylov,
        rank: Some(2),
        ..PcaSpec::new("~ a + b + c")
    };
    let fit = prcomp(&spec, &frame, &NoProgress).unwrap();
    let exact = [282_069.392_288_103_814, 5.058_032_458_282_869_5];
    // in units of the first
    let off = fit
        .sdev
        .iter()
        .zip(exact)
        .map(|(s, e)| (s - e).abs() / exact[0])
        .fold(0.0, f64::max);
    assert!(
        fit.report.digits.sdev <= SLACK - off.log10(),
        "{} of {}",
        fit.report.digits.sdev,
        -off.log10()
    );
    assert!((fit.sdev[1] - exact[1]).abs() <= fit.errors[1]);
}

/// R² and F do not depend on the origin of the response.
#[test]
fn responses_far_from_zero() {
    let x = ones(7);
    for factor in ["", " + g"] {
        let g: Vec<Option<String>> = (0..7).map(|i| Some(["a", "b"][i % 2].to_string())).collect();
        let of = |origin: f64| {
            let y: Vec<f64> = [1.0, 3.0, 2.0, 5.0, 4.0, 7.0, 0.0]
                .iter()
                .map(|y| y + origin)
                .collect();
            let frame = Frame::new()
                .with_real("y", &y)
                .with_real("x", &x)
                .with_text("g", &g);
            let fit = lm(&LmSpec::new(&format!("y ~ x{factor}")), &frame, &NoProgress).unwrap();
            (fit.responses[0].r_squared(), fit.f_statistic(0).unwrap().0)
        };
        let (r2, f) = of(0.0);
        for origin in [1e9, 1e12, 1e15] {
            let (own_r2, own_f) = of(origin);
            assert!(
                (own_r2 / r2 - 1.0).abs() < 1e-13 && (own_f / f - 1.0).abs() < 1e-13,
                "{origin}{factor}: {own_r2} {r2}"
            );
        }
    }
}

/// A column far from zero changes the intercept and nothing else.
#[test]
fn columns_far_from_zero_in_generalized_models() {
    let x: Vec<f64> = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0, 1.0, 3.0, 6.0, 2.0, 9.0, 4.0].to_vec();
    let y = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0];
    for text in ["binomial", "binomial(probit)", "Gamma(log)", "poisson"] {
        let family: Family = text.parse().unwrap();
        let y: Vec<f64> = y
            .iter()
            .map(|y| if text == "Gamma(log)" { y + 0.5 } else { *y })
            .collect();
        let of = |origin: f64| {
            let x: Vec<f64> = x.iter().map(|x| x + origin).collect();
            let frame = Frame::new().with_real("y", &y).with_real("x", &x);
            let fit = glm(&GlmSpec::new("y ~ x", family), &frame, &NoProgress).unwrap();
            assert!(
                fit.fit.converged && fit.fit.warnings.is_empty(),
                "{text} {origin}: {:?}",
                fit.fit.warnings
            );
            (fit.coefficients[1], fit.std_errors[1])
        };
        let (slope, error) = of(0.0);
        for origin in [1e5, 1e6, 1e7, 1e8] {
            let (own, own_error) = of(origin);
            assert!(
                (own - slope).abs() < 1e-6 * error && (own_error / error - 1.0).abs() < 1e-6,
                "{text} {origin}: {own} {slope}"
            );
        }
    }
}

/// A point with nearly all the leverage, in a model whose weights do not move: the leverages of least squares.
#[test]
fn leverages_near_one_in_generalized_models() {
    for far in [1e3, 1e5, 1e6] {
        let x = [far, 1.0, -2.0, 3.0, 0.0, 2.0, -3.0, 1.0];
        let z = [5.0, 1.0, 2.0, -1.0, 3.0, 0.0, -2.0, 4.0];
        let y = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let frame = Frame::new()
            .with_real("x", &x)
            .with_real("z", &z)
            .with_real("y", &y);
        let least = lm(&LmSpec::new("y ~ x + z"), &frame, &NoProgress).unwrap();
        let least = least
            .influence(nelder::model::Detail::Leverages, &NoProgress)
            .unwrap();
        for text in ["gaussian", "Gamma(log)"] {
            let spec = GlmSpec::new("y ~ x + z", text.parse::<Family>().unwrap());
            let fit = glm(&spec, &frame, &NoProgress).unwrap();
            let own = fit
                .influence(nelder::model::Detail::Leverages, &NoProgress)
                .unwrap();
            assert!(own.hat[0] < 1.0 && own.cooks[0].is_finite());
            // what is left is formed from h here
            let left = |h: f64| 1.0 - h;
            assert!(
                (left(own.hat[0]) / left(least.hat[0]) - 1.0).abs() < 1e-4,
                "{text} {far}"
            );
        }
    }
}
