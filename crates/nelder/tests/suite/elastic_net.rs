//! Paths of elastic nets: optimality, and properties that hold whatever the data.

use nelder::frame::Frame;
use nelder::model::{
    Choice, CrossValidationSpec, ElasticNetSpec, Folds, LambdaSequence, PerColumn, cross_validate,
    elastic_net,
};
use nelder::pass::NoProgress;
use nelder_device::Philox;

/// A design of `p` columns with correlations ρ^|i − j|, and a response of every third column.
struct Drawn {
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
    y: Vec<f64>,
}

fn drawn(n: usize, p: usize, rho: f64) -> Drawn {
    let draws = Philox::new(11);
    let normal = |i: usize, j: usize| draws.normal((i * (p + 1) + j) as u64);
    let mut columns = vec![vec![0.0; n]; p];
    for i in 0..n {
        for j in 0..p {
            let own = normal(i, j);
            columns[j][i] = match j {
                0 => own,
                _ => rho * columns[j - 1][i] + (1.0 - rho * rho).sqrt() * own,
            };
        }
    }
    let y = (0..n)
        .map(|i| (0..p).step_by(3).map(|j| columns[j][i]).sum::<f64>() + 2.0 * normal(i, p) + 5.0)
        .collect();
    Drawn {
        names: (0..p).map(|j| format!("x{j}")).collect(),
        columns,
        y,
    }
}

impl Drawn {
    fn frame(&self) -> Frame<'_> {
        let mut frame = Frame::new().with_real("y", &self.y);
        for (name, column) in self.names.iter().zip(&self.columns) {
            frame = frame.with_real(name, column);
        }
        frame
    }
}

/// KKT residual at a step, from the rows: of standardized columns, and a response of unit variance.
fn residual(of: &Drawn, alpha: f64, lambda: f64, intercept: f64, beta: &[f64]) -> f64 {
    let n = of.y.len() as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let deviation = |v: &[f64]| (v.iter().map(|x| (x - mean(v)).powi(2)).sum::<f64>() / n).sqrt();
    let scale = deviation(&of.y);
    let errors: Vec<f64> = (0..of.y.len())
        .map(|i| {
            let fitted: f64 = of.columns.iter().zip(beta).map(|(x, b)| x[i] * b).sum();
            of.y[i] - intercept - fitted
        })
        .collect();
    let mut worst = mean(&errors).abs() / scale;
    for (x, b) in of.columns.iter().zip(beta) {
        let (center, s) = (mean(x), deviation(x));
        let g = x
            .iter()
            .zip(&errors)
            .map(|(x, e)| (x - center) / s * e)
            .sum::<f64>()
            / n
            / scale;
        let (b, strength) = (b * s / scale, lambda / scale);
        let violation = match b {
            0.0 => (g.abs() - alpha * strength).max(0.0),
            _ => (g - alpha * strength * b.signum() - (1.0 - alpha) * strength * b).abs(),
        };
        worst = worst.max(violation);
    }
    worst
}

#[test]
fn each_step_of_an_exact_path_is_optimal() {
    for rho in [0.0, 0.9, 0.99] {
        let of = drawn(200, 30, rho);
        let frame = of.frame();
        for alpha in [0.0, 0.01, 0.5, 1.0] {
            let spec = ElasticNetSpec::new("y ~ .").alpha(alpha).threshold(1e-14);
            let fit = elastic_net(&spec, &frame, &NoProgress).unwrap();
            assert!(fit.path.len() > 20, "{rho} {alpha} {}", fit.path.len());
            // the first step of a ridge is of an infinite λ, as in glmnet
            for step in &fit.path.steps[usize::from(alpha == 0.0)..] {
                let beta: Vec<f64> = (0..30).map(|j| step.coefficients.get(j)).collect();
                let worst = residual(&of, alpha, step.lambda, step.intercept, &beta);
                assert!(worst < 1e-12, "{rho} {alpha} {} {worst:e}", step.lambda);
                assert!(step.violation < 1e-12, "{:e}", step.violation);
            }
        }
    }
}

#[test]
fn a_small_penalty_is_least_squares() {
    let of = drawn(100, 5, 0.5);
    let frame = of.frame();
    let spec = ElasticNetSpec::new("y ~ .")
        .lambda(LambdaSequence::Given(vec![0.0]))
        .threshold(1e-14);
    let fit = elastic_net(&spec, &frame, &NoProgress).unwrap();
    let lm = nelder::model::lm(&nelder::model::LmSpec::new("y ~ ."), &frame, &NoProgress).unwrap();
    let step = &fit.path.steps[0];
    for (j, b) in lm.responses[0].coefficients.iter().enumerate() {
        let own = if j == 0 {
            step.intercept
        } else {
            step.coefficients.get(j - 1)
        };
        assert!((own - b).abs() < 1e-12, "{own} {b}");
    }
    assert!((step.explained - lm.responses[0].r_squared()).abs() < 1e-13);
}

#[test]
fn bounds_and_factors_hold() {
    let of = drawn(150, 8, 0.6);
    let frame = of.frame();
    let mut spec = ElasticNetSpec::new("y ~ .").threshold(1e-14);
    spec.lower = PerColumn::Named(vec![("x1".into(), 0.0), ("x0".into(), 0.0)]);
    spec.upper = PerColumn::Named(vec![("x0".into(), 0.25), ("x3".into(), 0.5)]);
    spec.penalty_factors = PerColumn::Named(vec![("x6".into(), 0.0)]);
    spec.exclude = vec!["x5".into()];
    let fit = elastic_net(&spec, &frame, &NoProgress).unwrap();
    for step in &fit.path.steps {
        let b = |j: usize| step.coefficients.get(j);
        assert!(b(0) <= 0.25 + 1e-15 && b(0) >= 0.0 && b(1) >= 0.0 && b(3) <= 0.5 + 1e-15);
        assert!(b(5) == 0.0 && b(6) != 0.0);
        assert!(step.violation < 1e-12, "{:e}", step.violation);
    }
    let last = fit.path.steps.last().unwrap();
    assert!(
        (last.coefficients.get(0) - 0.25).abs() < 1e-15 && (last.coefficients.get(3) - 0.5).abs() < 1e-15
    );
}

#[test]
fn columns_that_are_the_same_share_a_coefficient_or_not_but_the_objective_is_least() {
    let mut of = drawn(120, 6, 0.3);
    let twin = of.columns[3].clone();
    of.columns[4] = twin;
    of.columns[5].fill(2.5);
    let frame = of.frame();
    let spec = ElasticNetSpec::new("y ~ .").threshold(1e-14);
    let fit = elastic_net(&spec, &frame, &NoProgress).unwrap();
    let without = elastic_net(
        &ElasticNetSpec::new("y ~ x0 + x1 + x2 + x3")
            .threshold(1e-14)
            .lambda(LambdaSequence::Given(fit.path.lambdas())),
        &frame,
        &NoProgress,
    )
    .unwrap();
    for (a, b) in fit.path.steps.iter().zip(&without.path.steps) {
        assert!((a.explained - b.explained).abs() < 1e-12);
        let sum = a.coefficients.get(3) + a.coefficients.get(4);
        assert!((sum - b.coefficients.get(3)).abs() < 1e-10);
        assert_eq!(a.coefficients.get(5), 0.0);
    }
}

#[test]
fn errors_of_folds_are_those_of_models_fitted_without_them() {
    let of = drawn(90, 7, 0.5);
    let frame = of.frame();
    let folds: Vec<u32> = (0..90).map(|i| (i * 7 + i / 9) % 5).collect();
    let model = ElasticNetSpec::new("y ~ .").threshold(1e-14);
    let spec = CrossValidationSpec::new(model.clone()).folds(Folds::Given(folds.clone()));
    let found = cross_validate(&spec, &frame, &NoProgress).unwrap();
    let fold: Vec<f64> = folds.iter().map(|f| f64::from(*f)).collect();
    let with_fold = of.frame().with_real("fold", &fold);
    let formula = "y ~ . - fold";
    let mut errors = vec![vec![0.0; found.curve.lambdas.len()]; 5];
    for k in 0..5 {
        let mut own = model.clone();
        own.design.formula = formula.into();
        own.design = own.design.subset(&format!("fold != {k}"));
        let fit = elastic_net(&own, &with_fold, &NoProgress).unwrap();
        let rows: Vec<usize> = (0..90).filter(|&i| folds[i] == k).collect();
        for (m, &lambda) in found.curve.lambdas.iter().enumerate() {
            let (intercept, beta) = fit.path.at(lambda);
            let error = |&i: &usize| {
                let fitted: f64 = beta.entries().map(|(j, b)| of.columns[j][i] * b).sum();
                (of.y[i] - intercept - fitted).powi(2)
            };
            errors[k as usize][m] = rows.iter().map(error).sum::<f64>() / rows.len() as f64;
        }
    }
    let sizes: Vec<f64> = (0..5)
        .map(|k| folds.iter().filter(|f| **f == k).count() as f64)
        .collect();
    for m in 0..found.curve.lambdas.len() {
        let mean = (0..5).map(|k| sizes[k] * errors[k][m]).sum::<f64>() / 90.0;
        let spread = (0..5)
            .map(|k| sizes[k] * (errors[k][m] - mean).powi(2))
            .sum::<f64>()
            / 90.0;
        assert!((found.curve.errors[m] / mean - 1.0).abs() < 1e-11);
        assert!((found.curve.std_errors[m] / (spread / 4.0).sqrt() - 1.0).abs() < 1e-9);
    }
    assert!(found.lambda(Choice::Best) <= found.lambda(Choice::OneError));
}

#[test]
fn drawn_folds_are_the_same_for_any_batches() {
    let of = drawn(500, 4, 0.2);
    let whole = of.frame();
    let parts = of.frame().in_batches_of(37);
    let spec = CrossValidationSpec {
        repeats: 3,
        alphas: vec![0.2, 1.0],
        ..CrossValidationSpec::new(ElasticNetSpec::new("y ~ ."))
    };
    let a = cross_validate(&spec, &whole, &NoProgress).unwrap();
    let b = cross_validate(&spec, &parts, &NoProgress).unwrap();
    assert_eq!((a.curve.best, a.alpha()), (b.curve.best, b.alpha()));
    for (x, y) in a.curve.errors.iter().zip(&b.curve.errors) {
        assert!((x / y - 1.0).abs() < 1e-12);
    }
    assert_eq!(a.grid.len(), 2);
    // one pass for each draw, and no other
    assert_eq!(a.report().passes.len(), 3);
}

#[test]
fn what_is_asked_wrongly_is_refused_in_words() {
    let of = drawn(30, 3, 0.2);
    let frame = of.frame().with_real("one", &[1.0; 30]);
    let why = |spec: &ElasticNetSpec| match elastic_net(spec, &frame, &NoProgress) {
        Ok(_) => panic!("fitted"),
        Err(e) => e.to_string(),
    };
    let new = || ElasticNetSpec::new("y ~ x0 + x1 + x2");
    assert_eq!(why(&new().alpha(1.5)), "alpha: 1.5 is not between 0 and 1");
    let rising = new().lambda(LambdaSequence::Given(vec![0.1, 0.2]));
    assert!(why(&rising).contains("rises from 0.1 to 0.2 at number 2"));
    let mut negative = new();
    negative.penalty_factors = PerColumn::Each(vec![1.0, -1.0, 1.0]);
    assert!(why(&negative).contains("-1 for `x1` is not 0 or more"));
    let mut above = new();
    above.lower = PerColumn::All(0.5);
    assert!(why(&above).contains("0.5 for `x0` is above 0"));
    let mut unknown = new();
    unknown.exclude = vec!["x7".into()];
    assert!(why(&unknown).contains("`x7` is no column or term of the model"));
    assert!(why(&ElasticNetSpec::new("one ~ x0 + x1")).contains("the response is constant"));
    assert!(why(&ElasticNetSpec::new("y ~ 1")).contains("no column to penalize"));
}
