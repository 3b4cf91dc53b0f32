//! Families: links and deviances at the ends of their ranges, against closed forms; hard fits against exact answers.

use nelder::family::{Family, Programs, Start, Trials};
use nelder::frame::Frame;
use nelder::model::{Accuracy, Glm, GlmSpec, Regression, Warning, glm};
use nelder::pass::NoProgress;
use nelder_device::{Input, Output, Program};

fn family(text: &str) -> Family {
    text.parse().unwrap()
}

/// All outputs of a program for one row.
fn row(program: &Program, y: f64, eta: f64, w: f64) -> Vec<f64> {
    let (y, eta, w) = ([y], [eta], [w]);
    let mut out = vec![[f64::NAN]; program.outputs().len()];
    let inputs = [
        Input::Real(&y),
        Input::Real(&eta),
        Input::Real(&w),
        Input::Real(&w),
    ];
    let mut outputs: Vec<Output<'_>> = out.iter_mut().map(|o| Output::Real(o)).collect();
    program.run::<f64>(&inputs, 1, &mut outputs).unwrap();
    out.iter().map(|o| o[0]).collect()
}

fn programs(text: &str, trials: Trials) -> Programs {
    Programs::new(&family(text), false, trials, Start::Family)
}

#[track_caller]
fn close(value: f64, exact: f64, units: f64) {
    let error = (value - exact).abs() / exact.abs().max(f64::MIN_POSITIVE);
    assert!(
        error <= units * f64::EPSILON,
        "{value:e} instead of {exact:e}: {error:.1e}"
    );
}

/// W, s and the deviance of a binomial row in both tails: with the logit W = μ(1−μ), s = y − μ, and the deviance of a
/// row that is right is 2 log(1 + e^−|η|).
#[test]
fn logit_tails_are_exact() {
    let p = programs("binomial", Trials::Single);
    for eta in [0.5, 5.0, 40.0, 300.0, 700.0] {
        let tail = f64::exp(-eta);
        for (y, eta) in [(1.0, eta), (0.0, -eta)] {
            let out = row(&p.step, y, eta, 1.0);
            close(out[0], tail / (1.0 + tail).powi(2), 4.0);
            close(out[1].abs(), tail / (1.0 + tail), 4.0);
            close(out[2], 2.0 * tail.ln_1p(), 4.0);
        }
        // a row that is wrong has 2 |η| more
        close(row(&p.step, 0.0, eta, 1.0)[2], 2.0 * (eta + tail.ln_1p()), 4.0);
    }
}

/// μ and dμ/dη of every link far from its centre.
#[test]
fn means_at_the_ends() {
    for eta in [-700.0, -30.0, 30.0, 700.0] {
        let (mu, slope) = family("poisson").inverse_link(eta);
        close(mu, eta.exp(), 2.0);
        close(slope, eta.exp(), 2.0);
        let (mu, slope) = family("binomial(cauchit)").inverse_link(-eta.abs());
        // atan(1/η)/π = 1/(πη) − 1/(3πη³) …
        let (pi, z) = (std::f64::consts::PI, 1.0 / eta.abs());
        let series = z * (1.0 - z * z / 3.0 + z.powi(4) / 5.0 - z.powi(6) / 7.0 + z.powi(8) / 9.0) / pi;
        close(mu, series, 8.0);
        close(slope, 1.0 / (pi * (1.0 + eta * eta)), 4.0);
    }
    let (mu, slope) = family("binomial(cloglog)").inverse_link(-700.0);
    close(mu, (-700f64).exp(), 4.0);
    close(slope, (-700f64).exp(), 4.0);
    assert_eq!(family("binomial(cloglog)").inverse_link(700.0), (1.0, 0.0));
    // Φ(−30), from 30 digits (mpmath)
    close(
        family("binomial(probit)").inverse_link(-30.0).0,
        4.906_713_927_148_187_06e-198,
        2000.0,
    );
    close(family("inverse.gaussian").inverse_link(1e-300).0, 1e150, 4.0);
    close(family("Gamma").inverse_link(1e-300).0, 1e300, 4.0);
}

/// Deviances of y close to μ, where their terms cancel: to second order (y − μ)² / V, to third by Taylor.
#[test]
fn deviances_do_not_cancel() {
    let d = 1e-7;
    let taylor = |mu: f64| (d * mu).powi(2) / mu * (1.0 - d / 3.0 + d * d / 6.0);
    for mu in [1e-3, 1.0, 1e9] {
        let y = mu * (1.0 + d);
        let exact = (y - mu).powi(2) / mu * (1.0 - (y - mu) / mu / 3.0);
        close(
            row(&programs("poisson", Trials::Several).deviance, y, mu.ln(), 1.0)[0],
            exact,
            1e9,
        );
        assert!(taylor(mu) > 0.0);
    }
    // exactly representable: μ = 1, y = 1 + 2⁻²⁰
    let y = 1.0 + 2f64.powi(-20);
    let h = |x: f64| x * x / 2.0 - x * x * x / 3.0 + x.powi(4) / 4.0 - x.powi(5) / 5.0;
    let poisson = 2.0 * y * h((1.0 - y) / y);
    close(
        row(&programs("poisson", Trials::Several).deviance, y, 0.0, 1.0)[0],
        poisson,
        4.0,
    );
    close(
        row(&programs("Gamma", Trials::Several).deviance, y, 1.0, 1.0)[0],
        2.0 * h(y - 1.0),
        4.0,
    );
}

/// Counts of a thousand millions: coefficients against fifty-digit arithmetic (mpmath, Newton's method), where R is
/// right to nine digits.
#[test]
fn huge_counts() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../accuracy/oracle/data/glm_rare.csv"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = |name: &str| names.iter().position(|n| *n == name).unwrap();
    let (x_at, y_at) = (at("x"), at("huge"));
    let rows: Vec<Vec<f64>> = lines
        .map(|l| l.split(',').map(|v| v.parse().unwrap()).collect())
        .collect();
    let x: Vec<f64> = rows.iter().map(|r| r[x_at]).collect();
    let y: Vec<f64> = rows.iter().map(|r| r[y_at]).collect();
    let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    let fit = glm(
        &GlmSpec::new("y ~ x + I(x^2)", Family::poisson()),
        &frame,
        &NoProgress,
    )
    .unwrap();
    let exact = [
        20.723_259_555_972_821_1,
        0.299_999_179_728_990_335,
        1.388_280_169_403_891_02e-6,
    ];
    let bound = 10f64.powf(-fit.report().digits.coefficients);
    for (b, exact) in fit.coefficients.iter().zip(exact) {
        let error = (b - exact).abs() / exact;
        assert!(
            error <= 1e-11 && error <= bound,
            "{b:e}: {error:.1e}, claimed {bound:.1e}"
        );
    }
}

fn fit<'s>(text: &str, formula: &str, frame: &'s Frame<'_>) -> Glm<'s> {
    glm(&GlmSpec::new(formula, family(text)), frame, &NoProgress).unwrap()
}

fn separated(fit: &Glm<'_>) -> Vec<String> {
    let of = |w: &Warning| match w {
        Warning::Separation { terms } => Some(terms.clone()),
        _ => None,
    };
    fit.fit.warnings.iter().find_map(of).unwrap_or_default()
}

/// Complete and partial separation are named, coefficient by coefficient, and all numbers are finite.
#[test]
fn separation_is_named() {
    let x: Vec<f64> = (0..40).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|&x| f64::from(u8::from(x > 20.0))).collect();
    let z: Vec<f64> = x.iter().map(|&x| (x * 7.0) % 11.0).collect();
    let g: Vec<f64> = x.iter().map(|&x| f64::from(u8::from(x % 5.0 == 0.0))).collect();
    // whatever has g is a success; the others depend on z
    let partly: Vec<f64> = (0..40)
        .map(|i| {
            if g[i] == 1.0 {
                1.0
            } else {
                f64::from(u8::from((x[i] * 3.0 + z[i]) % 7.0 > 3.0))
            }
        })
        .collect();
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("y", &y)
        .with_real("z", &z)
        .with_real("g", &g)
        .with_real("partly", &partly);
    let complete = fit("binomial", "y ~ x", &frame);
    assert_eq!(separated(&complete), ["(Intercept)", "x"]);
    let some = fit("binomial", "partly ~ z + g", &frame);
    assert_eq!(separated(&some), ["g"]);
    for fit in [&complete, &some] {
        assert!(
            fit.coefficients
                .iter()
                .chain(&fit.std_errors)
                .all(|v| v.is_finite())
        );
        assert!(fit.fit.deviance.is_finite() && fit.report().digits.coefficients == 0.0);
    }
    // an ordinary fit has none
    assert!(separated(&fit("binomial", "partly ~ z", &frame)).is_empty());
}

/// Separated data on which Newton's steps overshoot: R ends at coefficients of 1e15 and calls them converged.
#[test]
fn a_step_that_multiplies_the_deviance_is_halved() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../accuracy/oracle/print/mtcars.csv"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines
        .next()
        .unwrap()
        .split(',')
        .map(|n| n.trim_matches('"'))
        .collect();
    let rows: Vec<Vec<f64>> = lines
        .map(|l| l.split(',').map(|v| v.parse().unwrap_or(f64::NAN)).collect())
        .collect();
    let column = |name: &str| -> Vec<f64> {
        let at = names.iter().position(|n| *n == name).unwrap();
        rows.iter().map(|r| r[at]).collect()
    };
    let (mpg, qsec, hp) = (column("mpg"), column("qsec"), column("hp"));
    let frame = Frame::new()
        .with_real("mpg", &mpg)
        .with_real("qsec", &qsec)
        .with_real("hp", &hp);
    let spec = GlmSpec::new("I(mpg > 19.2) ~ poly(qsec, 2) * hp", Family::binomial()).max_iterations(50);
    let fit = glm(&spec, &frame, &NoProgress).unwrap();
    assert!(fit.fit.warnings.contains(&Warning::Increasing) && separated(&fit).len() == 6);
    assert!(fit.fit.deviance < 1e-8 && fit.coefficients.iter().all(|b| b.abs() < 1e6));
}

/// No convergence is a warning, and the fit is there.
#[test]
fn too_few_steps() {
    let (x, y) = ([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 3.0, 8.0]);
    let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    let spec = GlmSpec::new("y ~ x", Family::poisson()).max_iterations(1);
    let fit = glm(&spec, &frame, &NoProgress).unwrap();
    assert!(!fit.fit.converged && fit.fit.warnings == [Warning::NotConverged { iterations: 1 }]);
    assert!(fit.coefficients[1].is_finite() && fit.report().digits.coefficients == 0.0);
}

/// A gamma model with the inverse link whose first step leaves the domain, where R stops, has the maximum that R finds when it
/// is given a start.
#[test]
fn first_step_out_of_the_domain() {
    let x = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    let y = [0.3, 1.45, 0.2, 24.31, 1.94, 0.2];
    let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    let plain = GlmSpec::new("y ~ x", family("Gamma"));
    let unaided = glm(&plain, &frame, &NoProgress).unwrap();
    let started = glm(
        &plain.clone().start(&[6.0 / y.iter().sum::<f64>(), 0.0]),
        &frame,
        &NoProgress,
    )
    .unwrap();
    // R's with the same start
    assert!((started.coefficients[0] - 0.307_113_04).abs() < 1e-6);
    for (a, b) in unaided.coefficients.iter().zip(&started.coefficients) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
}

fn refused(spec: GlmSpec, y: &[f64]) -> String {
    let x: Vec<f64> = (0..y.len()).map(|i| i as f64).collect();
    let w = vec![-1.0; y.len()];
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("y", y)
        .with_real("w", &w);
    match glm(&spec, &frame, &NoProgress) {
        Err(e) => e.to_string(),
        Ok(_) => panic!("fitted"),
    }
}

/// What is wrong is named, with its row.
#[test]
fn bad_responses_and_arguments() {
    let of = |text: &str| GlmSpec::new("y ~ x", family(text));
    let y = [1.0, 0.0, 3.0, 1.0];
    assert!(
        refused(of("binomial"), &y)
            .contains("`y` must be from 0 to 1 for the binomial family and is 3 in row 3")
    );
    assert!(refused(of("poisson"), &[1.0, 2.0, 3.0, -4.0]).contains("is -4 in row 4"));
    assert!(refused(of("Gamma"), &y).contains("must be above 0 for the Gamma family and is 0 in row 2"));
    assert!(refused(of("inverse.gaussian"), &y).contains("in row 2"));
    let mut given = of("gaussian(log)");
    given.mu_start = Some("y".into());
    assert!(
        refused(given, &[1.0, -2.0, 3.0, 1.0]).contains("the starting values are out of the family's range")
    );
    assert!(refused(of("poisson").weights("w"), &y).contains("negative (-1) in row 1"));
    assert!(refused(of("poisson").epsilon(-1.0), &y).contains("epsilon"));
    assert!(refused(of("poisson").max_iterations(0), &y).contains("maxit"));
    assert!(
        refused(of("poisson").start(&[1.0]), &y)
            .contains("has 1 values and the model 2 columns ((Intercept), x)")
    );
    let mut two = of("poisson").start(&[1.0, 1.0]);
    two.mu_start = Some("y".into());
    assert!(refused(two, &y).contains("give one of them"));
    let counted = GlmSpec::new("cbind(y, x) ~ x", Family::poisson());
    assert!(refused(counted, &y).contains("2 columns; this family wants one column"));
}

/// Forming the Hessian in single precision changes nothing: at most 1e-11 between the precisions, also where columns
/// are correlated, and however the rows are cut into batches.
#[test]
fn precisions_agree() {
    let n = 30_000;
    let mut state = 88_172_645_463_325_252u64;
    let mut draw = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let mut columns: Vec<Vec<f64>> = (0..8).map(|_| (0..n).map(|_| 4.0 * draw()).collect()).collect();
    columns[7] = (0..n)
        .map(|i| columns[0][i] + columns[1][i] + 0.2 * columns[7][i])
        .collect();
    let names: Vec<String> = (1..=8).map(|j| format!("x{j}")).collect();
    let eta: Vec<f64> = (0..n)
        .map(|i| 0.3 + 0.4 * columns[0][i] - 0.2 * columns[3][i])
        .collect();
    let binary: Vec<f64> = eta
        .iter()
        .map(|e| f64::from(u8::from(draw() + 0.5 < 1.0 / (1.0 + (-e).exp()))))
        .collect();
    let count: Vec<f64> = eta
        .iter()
        .map(|e| (e.exp() * 4.0 * (draw() + 0.5)).floor())
        .collect();
    for (text, y) in [
        ("binomial", &binary),
        ("binomial(probit)", &binary),
        ("poisson", &count),
        ("quasipoisson(sqrt)", &count),
    ] {
        let formula = format!("y ~ {}", names.join(" + "));
        let frame = |batch: usize| {
            let all = names
                .iter()
                .zip(&columns)
                .fold(Frame::new(), |f, (name, c)| f.with_real(name, c));
            all.with_real("y", y).in_batches_of(batch)
        };
        let spec = GlmSpec::new(&formula, family(text));
        let (own, cut) = (frame(4096), frame(777));
        let auto = glm(&spec, &own, &NoProgress).unwrap();
        let single = auto
            .fit
            .report
            .passes
            .iter()
            .filter(|p| p.precision == "f32")
            .count();
        assert!(single >= 2, "{text}: {single} passes in single precision");
        let double = glm(&spec.clone().accuracy(Accuracy::Double), &own, &NoProgress).unwrap();
        assert!(double.report().passes.iter().all(|p| p.precision != "f32"));
        let exact = glm(&spec.clone().accuracy(Accuracy::Certified), &own, &NoProgress).unwrap();
        let other = glm(&spec, &cut, &NoProgress).unwrap();
        for (name, fit) in [("double", &double), ("exact", &exact), ("other batches", &other)] {
            for c in 0..9 {
                let error = (auto.coefficients[c] - fit.coefficients[c]).abs() / fit.coefficients[c].abs();
                assert!(error <= 1e-11, "{text}, {name}, column {c}: {error:.1e}");
                let error = (auto.std_errors[c] - fit.std_errors[c]).abs() / fit.std_errors[c];
                assert!(error <= 1e-10, "{text}, {name}, error {c}: {error:.1e}");
            }
            assert_eq!(auto.fit.iterations, fit.fit.iterations);
        }
        // what is claimed holds against the answer in twice the precision
        let claimed = 10f64.powf(-auto.report().digits.coefficients);
        let claimed_errors = 10f64.powf(-auto.report().digits.std_errors.unwrap());
        for c in 0..9 {
            let error = (auto.coefficients[c] - exact.coefficients[c]).abs() / exact.coefficients[c].abs();
            assert!(
                error <= claimed,
                "{text}: claims {claimed:.1e}, column {c} has {error:.1e}"
            );
            let error = (auto.std_errors[c] - exact.std_errors[c]).abs() / exact.std_errors[c];
            assert!(
                error <= claimed_errors,
                "{text}: claims {claimed_errors:.1e}, error {c} has {error:.1e}"
            );
        }
    }
}
