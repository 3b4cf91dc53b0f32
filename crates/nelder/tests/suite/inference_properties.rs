//! What must hold of inference whatever the data: identities between covariances, weights against repeated rows,
//! the gram against fits of their own, how many passes, and what is refused.

use crate::common::{near, table};
use nelder::frame::Frame;
use nelder::model::{
    Accuracy, Inference, Lm, LmSpec, ModelError, Regression, StepScope, Vcov, anova, lm, step,
};
use nelder::pass::NoProgress;
use proptest::prelude::*;

struct Data {
    x: Vec<f64>,
    z: Vec<f64>,
    y: Vec<f64>,
    y2: Vec<f64>,
    w: Vec<f64>,
    g: Vec<Option<String>>,
}

impl Data {
    /// Numbers of a fixed sequence, moved about by `seed`.
    fn new(n: usize, levels: usize, seed: u64) -> Data {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut draw = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f64 / (1u64 << 24) as f64
        };
        let mut real = |scale: f64| -> Vec<f64> { (0..n).map(|_| (draw() - 0.5) * scale).collect() };
        let (x, z, e, y2) = (real(4.0), real(2.0), real(1.0), real(3.0));
        let w = real(1.0).iter().map(|v| v + 1.0).collect();
        let y = (0..n)
            .map(|i| x[i] - z[i] + (i % levels) as f64 / 3.0 + e[i])
            .collect();
        Data {
            x,
            z,
            y,
            y2,
            w,
            g: (0..n).map(|i| Some(format!("g{:04}", i % levels))).collect(),
        }
    }

    fn frame(&self) -> Frame<'_> {
        Frame::new()
            .with_real("x", &self.x)
            .with_real("z", &self.z)
            .with_real("y", &self.y)
            .with_real("y2", &self.y2)
            .with_real("w", &self.w)
            .with_text("g", &self.g)
    }
}

fn fit<'s>(formula: &str, frame: &'s Frame<'_>) -> Lm<'s> {
    lm(&LmSpec::new(formula), frame, &NoProgress).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn hc1_is_hc0_scaled(seed in 1u64..1_000_000, n in 12usize..80) {
        let data = Data::new(n, 3, seed);
        let frame = data.frame();
        let fit = fit("y ~ x * g + z", &frame);
        let hc0 = fit.vcov(&Vcov::Hc0, &NoProgress).unwrap().std_errors();
        let hc1 = fit.vcov(&Vcov::Hc1, &NoProgress).unwrap().std_errors();
        let factor = ((n - fit.rank) as f64 / n as f64).sqrt();
        for (a, b) in hc0.iter().zip(&hc1) {
            // the passes are the same; one product and one root differ
            prop_assert!((a - b * factor).abs() <= 8.0 * f64::EPSILON * a);
        }
    }

    #[test]
    fn clusters_of_one_row_are_hc1(seed in 1u64..1_000_000, n in 12usize..80) {
        let data = Data::new(n, n, seed);
        let frame = data.frame();
        let fit = fit("y ~ x + z", &frame);
        let rows = fit.vcov(&Vcov::Hc1, &NoProgress).unwrap();
        let clusters = fit.vcov(&Vcov::Cluster("g".into()), &NoProgress).unwrap();
        prop_assert_eq!(clusters.clusters, Some(n));
        // n/(n-1) (n-1)/(n-k) = n/(n-k)
        for (a, b) in rows.std_errors().iter().zip(clusters.std_errors()) {
            prop_assert!((a - b).abs() <= 1e-13 * a, "{} {}", a, b);
        }
    }

    #[test]
    fn repeated_rows_are_doubled_weights(seed in 1u64..1_000_000, n in 8usize..40) {
        let data = Data::new(n, 2, seed);
        let twice = |v: &[f64]| [v, v].concat();
        let repeated = Data {
            x: twice(&data.x), z: twice(&data.z), y: twice(&data.y), y2: twice(&data.y2), w: twice(&data.w),
            g: [data.g.clone(), data.g.clone()].concat(),
        };
        let weighted = Data { w: vec![2.0; n], ..data };
        let (a, b) = (repeated.frame(), weighted.frame());
        let one = fit("y ~ x + z + g", &a);
        let two = lm(&LmSpec::new("y ~ x + z + g").weights("w"), &b, &NoProgress).unwrap();
        for (u, v) in one.responses[0].coefficients.iter().zip(&two.responses[0].coefficients) {
            prop_assert!((u - v).abs() <= 1e-13 * (1.0 + u.abs()), "{} {}", u, v);
        }
        let (u, v) = (one.responses[0].rss, two.responses[0].rss);
        prop_assert!((u - v).abs() <= 1e-13 * u);
        let (s, t) = (one.sequential(0).unwrap(), two.sequential(0).unwrap());
        for (u, v) in s.terms.iter().zip(&t.terms) {
            prop_assert!((u.sum_sq - v.sum_sq).abs() <= 1e-12 * (u.sum_sq + s.rss));
        }
        // a row of weight two is not two rows to HC0: its score is doubled, and squared
        let (u, v) = (one.unscaled_covariance().unwrap(), two.unscaled_covariance().unwrap());
        prop_assert!((u[(1, 2)] - v[(1, 2)]).abs() <= 1e-12 * (u[(1, 1)] * u[(2, 2)]).sqrt());
    }

    #[test]
    fn an_eliminated_factor_changes_no_table(seed in 1u64..1_000_000, no_intercept in any::<bool>()) {
        // above 512 columns tables eliminate it, too
        let data = Data::new(1800, 600, seed);
        let frame = data.frame();
        let zero = if no_intercept { "0 + " } else { "" };
        let whole = fit(&format!("y ~ {zero}x + g + z"), &frame);
        prop_assert_eq!(whole.report().algorithm.as_str(), "cholesky after elimination of a factor");
        let rss = |formula: &str| fit(&format!("y ~ {zero}{formula}"), &frame).responses[0].rss;
        let (full, base) = (whole.responses[0].rss, rss("x"));
        let none: f64 = if no_intercept {
            data.y.iter().map(|y| y * y).sum()
        } else {
            let mean = data.y.iter().sum::<f64>() / 1800.0;
            data.y.iter().map(|y| (y - mean).powi(2)).sum()
        };
        let table = whole.sequential(0).unwrap();
        let want = [("x", 1, none - base), ("g", 600 - usize::from(!no_intercept), base - rss("x + g")),
            ("z", 1, rss("x + g") - full)];
        for (row, (term, df, ss)) in table.terms.iter().zip(want) {
            prop_assert_eq!((row.term.as_str(), row.df), (term, df));
            prop_assert!((row.sum_sq - ss).abs() <= 1e-10 * none, "{} {}", row.sum_sq, ss);
        }
        let dropped = whole.drop1(0, None, 2.0).unwrap();
        for (row, formula) in dropped.rows[1..].iter().zip(["g + z", "x + z", "x + g"]) {
            let own = rss(formula);
            prop_assert!((row.deviance - own).abs() <= 1e-11 * own, "{} {} {}", row.term, row.deviance, own);
        }
        prop_assert_eq!(dropped.rows[2].df, Some(600.0 - f64::from(u8::from(!no_intercept))));
    }
}

#[test]
fn each_response_is_a_fit_of_its_own() {
    let data = Data::new(60, 4, 5);
    let frame = data.frame();
    let both = fit("cbind(y, y2) ~ x + g", &frame);
    for (i, name) in ["y", "y2"].into_iter().enumerate() {
        let one = fit(&format!("{name} ~ x + g"), &frame);
        for kind in [Vcov::Iid, Vcov::Hc2, Vcov::Cluster("g".into())] {
            let (a, b) = (
                both.response(i)
                    .and_then(|one| one.vcov(&kind, &NoProgress))
                    .unwrap(),
                one.vcov(&kind, &NoProgress).unwrap(),
            );
            for (u, v) in a.std_errors().iter().zip(b.std_errors()) {
                // with clusters that are a factor of the model all scores of its levels are zero up to rounding
                near(*u, v, 1e-12, 1.0, name);
            }
        }
        let (a, b) = (both.sequential(i).unwrap(), one.sequential(0).unwrap());
        for (u, v) in a.terms.iter().zip(&b.terms) {
            near(u.sum_sq, v.sum_sq, 1e-12, a.rss, name);
        }
    }
}

#[test]
fn a_polynomial_of_degree_ten() {
    // condition 1e10: by QR in twice the precision
    let data = table("../nist/filip.csv");
    let frame = data.frame();
    let powers: String = (2..=10).map(|k| format!(" + I(x^{k})")).collect();
    let spec = LmSpec::new(&format!("y ~ x{powers}")).accuracy(Accuracy::Certified);
    let fit = lm(&spec, &frame, &NoProgress).unwrap();
    let table = fit.sequential(0).unwrap();
    let own = &fit.responses[0];
    assert_eq!(table.terms.len(), 10);
    let explained: f64 = table.terms.iter().map(|t| t.sum_sq).sum();
    near(explained, own.mss, 1e-13, 0.0, "sum of squares");
    // the last term's sum of squares is t² σ², from two routes of their own
    let t = own.coefficients[10] / own.std_errors[10];
    near(
        table.terms[9].sum_sq,
        t * t * own.sigma * own.sigma,
        1e-11,
        0.0,
        "last term",
    );
    let dropped = fit.drop1(0, None, 2.0).unwrap();
    for (j, row) in dropped.rows[1..].iter().enumerate() {
        let t = own.coefficients[j + 1] / own.std_errors[j + 1];
        near(
            row.change.unwrap(),
            t * t * own.sigma * own.sigma,
            1e-11,
            0.0,
            &row.term,
        );
    }
    let hc0 = fit.vcov(&Vcov::Hc0, &NoProgress).unwrap().std_errors();
    let hc3 = fit.vcov(&Vcov::Hc3, &NoProgress).unwrap().std_errors();
    assert!(
        hc0.iter().zip(&hc3).all(|(a, b)| a < b && *b < 3.0 * a),
        "{hc0:?} {hc3:?}"
    );
}

#[test]
fn units_do_not_matter() {
    let data = Data::new(50, 3, 9);
    let scaled = Data {
        x: data.x.iter().map(|v| v * (2f64).powi(-250)).collect(),
        y: data.y.iter().map(|v| v * (2f64).powi(200)).collect(),
        ..Data::new(50, 3, 9)
    };
    let (a, b) = (data.frame(), scaled.frame());
    let (one, two) = (fit("y ~ x * g + z", &a), fit("y ~ x * g + z", &b));
    for kind in [Vcov::Iid, Vcov::Hc0, Vcov::Hc3, Vcov::Cluster("g".into())] {
        let (u, v) = (
            one.vcov(&kind, &NoProgress).unwrap(),
            two.vcov(&kind, &NoProgress).unwrap(),
        );
        let slope = (2f64).powi(450);
        // powers of two: the same up to the order in which sums are formed
        let factors = one
            .coefnames()
            .iter()
            .map(|n| if n.contains('x') { slope } else { (2f64).powi(200) });
        for ((s, t), factor) in u.std_errors().iter().zip(v.std_errors()).zip(factors) {
            near(t / factor, *s, 1e-12, 1e-3, &kind.to_string());
        }
    }
}

#[test]
fn passes_are_counted() {
    let data = table("data/mixed.csv");
    let frame = data.frame();
    let all = fit("y ~ (x1 + a + flag)^2 + x2", &frame);
    let steps = step(&all, &StepScope::default(), Default::default(), 2.0, &NoProgress).unwrap();
    assert!(
        steps.path.len() > 1 && steps.passes.is_empty(),
        "{:?}",
        steps.passes
    );
    let small = fit("y ~ x1", &frame);
    let scope = StepScope {
        lower: None,
        upper: Some("~ . + x2 + a + b".into()),
    };
    let steps = step(&small, &scope, Default::default(), 2.0, &NoProgress).unwrap();
    // the largest model's gram and residuals, whatever the number of steps
    assert!(steps.path.len() > 1);
    assert_eq!(steps.passes.len(), 2);
    assert_eq!(
        small
            .add1(0, "~ . + x2 + a", 2.0, &NoProgress)
            .unwrap()
            .passes
            .len(),
        2
    );
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let data = table("data/extremes.csv");
    let frame = data.frame();
    let level = fit("y ~ almost", &frame);
    let says = |result: Result<_, ModelError>, words: &[&str]| {
        let text = result.err().unwrap().to_string();
        assert!(words.iter().all(|w| text.contains(w)), "{text}");
    };
    assert!(level.vcov(&Vcov::Hc1, &NoProgress).is_ok());
    says(
        level.vcov(&Vcov::Hc3, &NoProgress).map(|_| ()),
        &["row ", "leverage 1", "HC0 or HC1"],
    );
    says(
        level
            .response(1)
            .and_then(|one| one.vcov(&Vcov::Iid, &NoProgress))
            .map(|_| ()),
        &["response 1"],
    );
    says(
        level
            .vcov(&Vcov::Cluster("nowhere".into()), &NoProgress)
            .map(|_| ()),
        &["nowhere"],
    );
    says(
        level
            .vcov(&Vcov::Cluster("u > 1e300".into()), &NoProgress)
            .map(|_| ()),
        &["u > 1e300", "one value"],
    );
    says(
        level.drop1(0, Some(&["almos"]), 2.0).map(|_| ()),
        &["almos", "`almost`"],
    );
    says(
        level.add1(0, "~ .", 2.0, &NoProgress).map(|_| ()),
        &["no term that can be added"],
    );
    let holes = table("data/holes.csv");
    let frame = holes.frame();
    let (one, two) = (fit("y ~ x2", &frame), fit("y ~ x2 + x1", &frame));
    says(anova(&[&one, &two], 0).map(|_| ()), &["model 2", "rows"]);
    says(
        one.vcov(&Vcov::Cluster("a".into()), &NoProgress).map(|_| ()),
        &["`a` is missing in row 8"],
    );
    let other = fit("y2 ~ x2", &frame);
    says(
        anova(&[&fit("y ~ x2", &frame), &other], 0).map(|_| ()),
        &["model 2"],
    );
    let scope = StepScope {
        lower: None,
        upper: Some("~ . + a".into()),
    };
    says(
        step(&one, &scope, Default::default(), 2.0, &NoProgress).map(|_| ()),
        &["complete rows"],
    );
}

#[test]
fn many_columns_in_double_precision() {
    // wide enough that products are rounded and the factor is in double precision
    let (n, p) = (1500, 170);
    let columns: Vec<Vec<f64>> = (0..p).map(|j| Data::new(n, 2, 77 + j as u64).x).collect();
    let names: Vec<String> = (0..p).map(|j| format!("x{j}")).collect();
    let y = Data::new(n, 5, 3).y;
    let start = Frame::new().with_real("y", &y);
    let frame = names
        .iter()
        .zip(&columns)
        .fold(start, |f, (name, x)| f.with_real(name, x));
    let fit = fit("y ~ .", &frame);
    assert_eq!(fit.report().precision, "f64");
    let own = &fit.responses[0];
    let at = |i: usize, c: usize| if c == 0 { 1.0 } else { columns[c - 1][i] };
    let unscaled = fit.unscaled_covariance().unwrap();
    let residual: Vec<f64> = (0..n)
        .map(|i| y[i] - (0..=p).map(|c| at(i, c) * own.coefficients[c]).sum::<f64>())
        .collect();
    let covariances = [Vcov::Hc0, Vcov::Hc3].map(|kind| fit.vcov(&kind, &NoProgress).unwrap());
    let leverage: Vec<f64> = (0..n)
        .map(|i| {
            (0..=p)
                .map(|c| at(i, c) * (0..=p).map(|d| unscaled[(c, d)] * at(i, d)).sum::<f64>())
                .sum()
        })
        .collect();
    // a leverage is a projection's diagonal: their sum is the rank
    near(leverage.iter().sum(), 171.0, 1e-12, 0.0, "trace");
    for (c, d) in [(0, 0), (0, 7), (3, 3), (170, 12)] {
        let influence = |c: usize, i: usize| (0..=p).map(|e| unscaled[(c, e)] * at(i, e)).sum::<f64>();
        for (covariance, power) in covariances.iter().zip([0, 2]) {
            let want: f64 = (0..n)
                .map(|i| {
                    influence(c, i) * influence(d, i) * residual[i].powi(2) / (1.0 - leverage[i]).powi(power)
                })
                .sum();
            let scale = (covariance.matrix[(c, c)] * covariance.matrix[(d, d)]).sqrt();
            near(
                covariance.matrix[(c, d)],
                want,
                1e-12,
                scale,
                &covariance.kind.to_string(),
            );
        }
    }
    let table = fit.sequential(0).unwrap();
    let t = own.coefficients[p] / own.std_errors[p];
    near(
        table.terms[p - 1].sum_sq,
        t * t * own.sigma * own.sigma,
        1e-11,
        0.0,
        "last term",
    );
}
