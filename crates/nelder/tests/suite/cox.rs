//! Cox models: optimality over rows in any order, factors as codes, the same answers from the same data, and what is refused.

use nelder::frame::Frame;
use nelder::model::{
    Choice, CrossValidationSpec, ElasticNetSpec, ErrorsOver, Folds, LambdaSequence, Measure, ModelError,
    Ties, cross_validate, elastic_net,
};
use nelder::pass::NoProgress;
use nelder_device::Philox;

/// Survival times of rows whose hazard follows two numbers and a factor.
struct Survival {
    x: Vec<f64>,
    z: Vec<f64>,
    group: Vec<f64>,
    stratum: Vec<f64>,
    start: Vec<f64>,
    time: Vec<f64>,
    status: Vec<f64>,
    weight: Vec<f64>,
}

fn drawn(n: usize) -> Survival {
    let draws = Philox::new(17);
    let normal = |i: usize, k: u64| draws.normal(i as u64 * 8 + k);
    let column = |k: u64| -> Vec<f64> { (0..n).map(|i| normal(i, k)).collect() };
    let (x, z) = (column(0), column(1));
    let group: Vec<f64> = (0..n)
        .map(|i| (1.5 * normal(i, 2).abs()).floor().min(3.0))
        .collect();
    // to a sixteenth, so that there are ties
    let time: Vec<f64> = (0..n)
        .map(|i| {
            let hazard = (0.8 * x[i] - 0.5 * z[i] + 0.4 * group[i]).exp();
            let u = 0.5 * (1.0 + (normal(i, 3) / 2.0).tanh());
            ((-u.ln() / hazard * 16.0).floor() + 1.0) / 16.0
        })
        .collect();
    Survival {
        start: (0..n)
            .map(|i| (time[i] * 0.4 * normal(i, 4).abs().min(2.0)).min(time[i] - 1.0 / 32.0))
            .collect(),
        status: (0..n).map(|i| f64::from(u8::from(normal(i, 5) > -0.7))).collect(),
        stratum: (0..n).map(|i| f64::from(u8::from(normal(i, 6) > 0.0))).collect(),
        weight: (0..n).map(|i| 0.25 + normal(i, 7).abs()).collect(),
        x,
        z,
        group,
        time,
    }
}

impl Survival {
    fn frame(&self) -> Frame<'_> {
        Frame::new()
            .with_real("x", &self.x)
            .with_real("z", &self.z)
            .with_real("group", &self.group)
            .with_real("stratum", &self.stratum)
            .with_real("start", &self.start)
            .with_real("time", &self.time)
            .with_real("status", &self.status)
            .with_real("weight", &self.weight)
    }

    /// The rows in another order.
    fn reversed(&self) -> Survival {
        let of = |v: &Vec<f64>| v.iter().rev().copied().collect();
        Survival {
            x: of(&self.x),
            z: of(&self.z),
            group: of(&self.group),
            stratum: of(&self.stratum),
            start: of(&self.start),
            time: of(&self.time),
            status: of(&self.status),
            weight: of(&self.weight),
        }
    }
}

const FORMULAS: [&str; 3] = [
    "Surv(time, status) ~ x + z + factor(group)",
    "Surv(start, time, status) ~ x + z + factor(group):x",
    "Surv(start, time, status == 1) ~ x + factor(group) + strata(stratum)",
];

#[test]
fn each_step_is_optimal_in_whatever_order_the_rows_are() {
    let of = drawn(400);
    let turned = of.reversed();
    let (frame, other) = (of.frame(), turned.frame());
    for ties in [Ties::Breslow, Ties::Efron] {
        for formula in FORMULAS {
            for alpha in [0.5, 1.0] {
                let mut spec = ElasticNetSpec::new(formula)
                    .cox(ties)
                    .alpha(alpha)
                    .threshold(1e-14);
                spec.design.weights = Some("weight".into());
                let fit = elastic_net(&spec, &frame, &NoProgress).unwrap();
                let other = elastic_net(&spec, &other, &NoProgress).unwrap();
                assert!(fit.path.len() > 20, "{formula} {}", fit.path.len());
                assert_eq!(fit.path.len(), other.path.len());
                for (a, b) in fit.path.steps.iter().zip(&other.path.steps) {
                    assert!(a.violation < 1e-10, "{formula} {:e}", a.violation);
                    assert!((a.lambda - b.lambda).abs() < 1e-12 * a.lambda);
                    for j in 0..fit.path.columns {
                        assert!((a.coefficients.get(j) - b.coefficients.get(j)).abs() < 1e-9);
                    }
                }
            }
        }
    }
}

#[test]
fn codes_are_their_indicators() {
    let of = drawn(300);
    let indicators: Vec<Vec<f64>> = (0..4)
        .map(|level| {
            of.group
                .iter()
                .map(|g| f64::from(u8::from(*g == f64::from(level))))
                .collect()
        })
        .collect();
    let mut frame = of.frame();
    let names: Vec<String> = (0..4).map(|level| format!("g{level}")).collect();
    for (name, column) in names.iter().zip(&indicators) {
        frame = frame.with_real(name, column);
    }
    let fit = |formula: &str| {
        let spec = ElasticNetSpec::new(formula)
            .cox(Ties::Efron)
            .alpha(0.7)
            .threshold(1e-14);
        elastic_net(&spec, &frame, &NoProgress).unwrap().path
    };
    let coded = fit("Surv(start, time, status) ~ x + factor(group)");
    let dense = fit("Surv(start, time, status) ~ x + g0 + g1 + g2 + g3");
    assert_eq!(coded.len(), dense.len());
    for (a, b) in coded.steps.iter().zip(&dense.steps) {
        for j in 0..5 {
            assert!((a.coefficients.get(j) - b.coefficients.get(j)).abs() < 1e-9);
        }
    }
}

#[test]
fn a_status_of_one_and_two_is_one_of_zero_and_one() {
    let of = drawn(200);
    let twos: Vec<f64> = of.status.iter().map(|s| s + 1.0).collect();
    let frame = of.frame().with_real("twos", &twos);
    let fit = |formula: &str| {
        let spec = ElasticNetSpec::new(formula).cox(Ties::Breslow).threshold(1e-14);
        elastic_net(&spec, &frame, &NoProgress).unwrap().path
    };
    assert_eq!(
        fit("Surv(time, status) ~ x + z").steps,
        fit("Surv(time, event = twos) ~ x + z").steps
    );
}

#[test]
fn means_far_from_zero_change_nothing() {
    let of = drawn(200);
    let far: Vec<f64> =
        of.x.iter()
            .map(|x| (x * 1024.0).round() / 1024.0 + 1_048_576.0)
            .collect();
    let near: Vec<f64> = far.iter().map(|x| x - 1_048_576.0).collect();
    let frame = of.frame().with_real("far", &far).with_real("near", &near);
    let fit = |formula: &str| {
        let spec = ElasticNetSpec::new(formula)
            .cox(Ties::Breslow)
            .alpha(0.5)
            .threshold(1e-14);
        elastic_net(&spec, &frame, &NoProgress).unwrap().path
    };
    let (a, b) = (
        fit("Surv(time, status) ~ far + z"),
        fit("Surv(time, status) ~ near + z"),
    );
    assert_eq!(a.len(), b.len());
    for (a, b) in a.steps.iter().zip(&b.steps) {
        for j in 0..2 {
            assert!((a.coefficients.get(j) - b.coefficients.get(j)).abs() < 1e-9);
        }
    }
}

#[test]
fn folds_choose_the_columns_of_the_hazard() {
    let of = drawn(300);
    let frame = of.frame();
    let spec = ElasticNetSpec::new("Surv(start, time, status) ~ x + z + factor(group) + strata(stratum)")
        .cox(Ties::Efron);
    for (measure, over) in [
        (Measure::Deviance, ErrorsOver::Folds),
        (Measure::Deviance, ErrorsOver::Rows),
        (Measure::Concordance, ErrorsOver::Folds),
    ] {
        let mut wanted = CrossValidationSpec::new(spec.clone())
            .measure(measure)
            .folds(Folds::Drawn { count: 5, seed: 3 });
        wanted.over = over;
        wanted.repeats = 2;
        wanted.alphas = vec![0.5, 1.0];
        let found = cross_validate(&wanted, &frame, &NoProgress).unwrap();
        let curve = &found.curve;
        let best = curve.errors[curve.index(Choice::Best)];
        assert!(
            curve.nonzero[curve.best] >= 2,
            "{measure:?} {over:?} {}",
            curve.nonzero[curve.best]
        );
        match measure {
            Measure::Concordance => {
                assert!(best > 0.6 && best < 0.9, "{best}");
                assert!(curve.errors.iter().all(|e| *e <= best));
            }
            _ => assert!(best < curve.errors[0], "{best} {}", curve.errors[0]),
        }
        assert!(found.lambda(Choice::Best) <= found.lambda(Choice::OneError));
        assert_eq!(found.grid.len(), 2);
    }
}

#[test]
fn what_is_no_survival_time_is_refused() {
    let n = 12;
    let x: Vec<f64> = (0..n).map(|i| f64::from((i * 5) % 7)).collect();
    let time: Vec<f64> = (0..n).map(|i| f64::from(i + 1)).collect();
    let status: Vec<f64> = (0..n).map(|i| f64::from(i % 2)).collect();
    let changed = |of: &[f64], row: usize, value: f64| {
        let mut own = of.to_vec();
        own[row] = value;
        own
    };
    let none = vec![0.0; n as usize];
    let late: Vec<f64> = time.iter().map(|t| t - 0.5).collect();
    let wide: Vec<f64> = (0..n).map(|i| f64::from(i) * 200.0).collect();
    let columns = [
        ("x", x),
        ("time", time.clone()),
        ("status", status.clone()),
        ("zero", changed(&time, 4, 0.0)),
        ("three", changed(&status, 6, 3.0)),
        ("none", none.clone()),
        ("before", changed(&none, 2, -1.0)),
        ("after", changed(&none, 7, 9.0)),
        ("late", late),
        ("own", time.clone()),
        ("wide", wide),
    ];
    let mut frame = Frame::new();
    for (name, column) in &columns {
        frame = frame.with_real(name, column);
    }
    let why = |formula: &str, offset: Option<&str>| -> String {
        let mut spec = ElasticNetSpec::new(formula).cox(Ties::Breslow);
        spec.design.offset = offset.map(str::to_string);
        let found: Result<_, ModelError> = elastic_net(&spec, &frame, &NoProgress);
        found.err().map_or_else(String::new, |e| e.to_string())
    };
    for (formula, text) in [
        (
            "Surv(zero, status) ~ x",
            "Surv(zero, status): the time is 0 in row 5",
        ),
        (
            "Surv(time, three) ~ x",
            "Surv(time, three): the status is 3 in row 7; it is 1 for an event",
        ),
        ("Surv(time, none) ~ x", "Surv(time, none): all rows are censored"),
        (
            "Surv(before, time, status) ~ x",
            "Surv(before, time, status): the start is -1 in row 3",
        ),
        (
            "Surv(after, time, status) ~ x",
            "Surv(after, time, status): the start, 9, is not before the stop, 8, in row 8",
        ),
        ("time ~ x", "this one has 1 column"),
        ("Surv(late, time, status) ~ x", "no other row is at risk"),
        ("Surv(time, status) ~ x + strata(own)", "no other row is at risk"),
        ("Surv(time, status) ~ strata(x)", "has no column to penalize"),
        ("Surv(time, status) ~ x:strata(own)", "strata() stands alone"),
        ("Surv(time) ~ x", "event"),
        ("Surv(time, status, type = \"left\") ~ x", "`left` is not there"),
    ] {
        let found = why(formula, None);
        assert!(found.contains(text), "{formula}: {found}");
    }
    let found = why("Surv(late, time, status) ~ x", Some("factor(x)"));
    assert!(
        found.contains("the offset `factor(x)` must be one column of numbers"),
        "{found}"
    );
    let found = why("Surv(time, status) ~ x", Some("-wide"));
    assert!(found.contains("offset: its range is too large"), "{found}");
    // a strata of one row does no harm beside others
    assert_eq!(why("Surv(time, status) ~ x + strata(time > 11)", None), "");
}

#[test]
fn a_path_of_given_lambda_has_no_intercept() {
    let of = drawn(100);
    let spec = ElasticNetSpec::new("Surv(time, status) ~ x + z")
        .cox(Ties::Breslow)
        .lambda(LambdaSequence::Given(vec![0.1, 0.01]));
    let frame = of.frame();
    let fit = elastic_net(&spec, &frame, &NoProgress).unwrap();
    assert!(fit.path.steps.iter().all(|s| s.intercept == 0.0));
    assert_eq!(fit.names(), ["x", "z"]);
}
