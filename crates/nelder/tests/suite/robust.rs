//! Covariances of the coefficients against R's `vcov` and the package sandwich.

use crate::common::{each, near, numbers, spec, table};
use nelder::frame::Frame;
use nelder::model::{Covariance, Inference, Lm, LmSpec, Regression, Vcov, lm};
use nelder::pass::NoProgress;
use serde_json::Value;

const FAMILIES: [&str; 9] = [
    "basic",
    "aliased",
    "factors",
    "functions",
    "interactions",
    "rows",
    "robust",
    "extremes",
    "inference",
];

/// R's values have relative errors of about ε κ in the coefficients' coordinates, and twice that in products.
fn tolerance(case: &Value) -> f64 {
    let kappa = case["condition"].as_f64().unwrap();
    // R's residuals lose the digits by which the response exceeds them
    let sigma = case["expected"]["sigma"].as_f64().unwrap_or(1.0);
    let lost = case["scale"].as_f64().unwrap() / sigma;
    (64.0 * f64::EPSILON * (kappa * kappa + lost)).max(1e-12)
}

/// Compares with a matrix over the coefficients that are not aliased; an entry relative to √(vᵢᵢ vⱼⱼ).
fn compare(fit: &Lm<'_>, got: &Covariance, want: &Value, tol: f64, name: &str) {
    let terms: Vec<&str> = want["terms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t.as_str().unwrap())
        .collect();
    // a level whose rows all have weight zero is no level here, and has missing values in R
    let at: Vec<Option<usize>> = terms
        .iter()
        .map(|t| fit.coefnames().iter().position(|n| n == t))
        .collect();
    let rows: Vec<Vec<f64>> = want["values"].as_array().unwrap().iter().map(numbers).collect();
    for (i, &c) in at.iter().enumerate() {
        for (j, &d) in at.iter().enumerate() {
            let scale = (rows[i][i] * rows[j][j]).sqrt();
            let what = format!("{name}, {}, {} and {}", got.kind, terms[i], terms[j]);
            let value = c.zip(d).map_or(f64::NAN, |at| got.matrix[at]);
            assert_eq!(value.is_nan(), rows[i][j].is_nan(), "{what}");
            near(value, rows[i][j], tol, scale, &what);
        }
    }
    for c in (0..fit.coefnames().len()).filter(|&c| fit.fit.aliased[c]) {
        assert!(
            (0..fit.coefnames().len()).all(|d| got.matrix[(c, d)].is_nan()),
            "{name}: aliased"
        );
    }
}

#[test]
fn covariances() {
    let (mut plain, mut robust, mut clustered) = (0, 0, 0);
    each(&FAMILIES, "lm", |case, name| {
        let expected = &case["expected"];
        if case["formula"] == "y ~ is.na(x1) + x2" {
            return; // a logical variable of one value
        }
        let data = table(case["data"].as_str().unwrap());
        let frame = data.frame().in_batches_of(17);
        let fit = || {
            lm(
                &spec(case["formula"].as_str().unwrap(), &case["options"]),
                &frame,
                &NoProgress,
            )
            .unwrap()
        };
        let tol = tolerance(case);
        // without residuals there is nothing to compare
        let has_residuals = expected["sigma"]
            .as_f64()
            .is_some_and(|s| s > 1e-12 * case["scale"].as_f64().unwrap());
        if expected["vcov"].is_object() && has_residuals {
            let fit = fit();
            let got = fit.vcov(&Vcov::Iid, &NoProgress).unwrap();
            assert!(got.passes.is_empty());
            compare(&fit, &got, &expected["vcov"], tol, name);
            plain += 1;
        }
        let wald = |fit: &Lm<'_>, got: &Covariance, want: &Value| {
            if let (Some((value, df1, df2)), Some(f)) = (fit.wald(got), want["value"].as_f64()) {
                // the condition of the covariance comes on top
                near(value, f, (1e3 * tol).max(1e-9), 0.0, name);
                assert_eq!(
                    (Some(df1), Some(df2)),
                    (want["df1"].as_f64(), want["df2"].as_f64())
                );
            }
        };
        for (key, kind) in [
            ("hc0", Vcov::Hc0),
            ("hc1", Vcov::Hc1),
            ("hc2", Vcov::Hc2),
            ("hc3", Vcov::Hc3),
        ] {
            if expected[key].is_object() {
                let fit = fit();
                let got = fit.vcov(&kind, &NoProgress).unwrap();
                assert_eq!(got.passes.len(), 1);
                compare(&fit, &got, &expected[key], tol, name);
                wald(&fit, &got, &expected[key]["f_statistic"]);
                robust += 1;
            }
        }
        if expected["cluster"].is_object() {
            let fit = fit();
            let column = expected["cluster"]["column"].as_str().unwrap();
            let got = fit.vcov(&Vcov::Cluster(column.into()), &NoProgress).unwrap();
            assert_eq!(got.passes.len(), 1);
            compare(&fit, &got, &expected["cluster"], tol, name);
            wald(&fit, &got, &expected["cluster"]["f_statistic"]);
            clustered += 1;
        }
    });
    assert!(
        plain > 100 && robust > 200 && clustered > 6,
        "{plain} {robust} {clustered}"
    );
}

/// Standard errors of the intercept, x and z in `y ~ x + z`, z = k x + d, under HC0 to HC3 and by pairs of rows, by exact
/// rational arithmetic to 20 digits. The condition of the design is about k.
#[rustfmt::skip]
const EXACT: [(f64, [[f64; 3]; 5]); 3] = [
    (100.0, [
        [1.2979012438116828171, 49.664491259360327534, 0.4967097577082103531],
        [1.4986872649924503508, 57.347614795515001987, 0.5735510246438980768],
        [1.4387841600734554557, 57.398400317704653847, 0.5741465402243864223],
        [1.6072054388986990717, 67.568331834448517811, 0.6760115448340856723],
        [1.0651261711135825382, 78.426839779718235028, 0.7839920991511241404],
    ]),
    (100000.0, [
        [1.2979012438116828171, 49670.969064589824508, 0.4967097577082103531],
        [1.4986872649924503508, 57355.094720701018074, 0.5735510246438980768],
        [1.4387841600734554557, 57414.637514891696064, 0.5741465402243864223],
        [1.6072054388986990717, 67601.121371770447706, 0.6760115448340856723],
        [1.0651261711135825382, 78399.237383795456720, 0.7839920991511241404],
    ]),
    (100000000.0, [
        [1.2979012438116828171, 49670975.764114582410, 0.4967097577082103531],
        [1.4986872649924503508, 57355102.456645862909, 0.5735510246438980768],
        [1.4387841600734554557, 57414654.005930841516, 0.5741465402243864223],
        [1.6072054388986990717, 67601154.450296640270, 0.6760115448340856723],
        [1.0651261711135825382, 78399209.942580935846, 0.7839920991511241404],
    ]),
];

#[test]
fn nearly_dependent_columns_cost_no_digits() {
    let x = [-7.0, 3.0, 11.0, -2.0, 5.0, 8.0, -13.0, 1.0, 4.0, -6.0, 9.0, -10.0];
    let d = [1.0, -2.0, 0.0, 3.0, -1.0, 2.0, -3.0, 1.0, 0.0, 2.0, -2.0, 1.0];
    let y = [5.0, -3.0, 8.0, 1.0, 9.0, -4.0, 2.0, 7.0, -6.0, 3.0, 0.0, 4.0];
    let g: Vec<f64> = (0..12).map(|i| f64::from(i / 2)).collect();
    for (k, exact) in EXACT {
        let z: Vec<f64> = x.iter().zip(&d).map(|(x, d)| k * x + d).collect();
        let frame = Frame::new()
            .with_real("x", &x)
            .with_real("z", &z)
            .with_real("y", &y)
            .with_real("g", &g);
        let mut spec = LmSpec::new("y ~ x + z");
        spec.tol = Some(1e-15);
        let fit = lm(&spec, &frame, &NoProgress).unwrap();
        for (kind, exact) in ["HC0", "HC1", "HC2", "HC3", "cluster:g:HC1"].iter().zip(&exact) {
            let got = fit
                .vcov(&kind.parse().unwrap(), &NoProgress)
                .unwrap()
                .std_errors();
            for (got, exact) in got.iter().zip(exact) {
                let off = ((got - exact) / exact).abs();
                assert!(off < 1e-13, "k = {k}, {kind}: {got:e}, not {exact:e}: {off:.1e}");
            }
        }
    }
}

/// Clusters that hold a far point alone and all other rows: exact standard errors by rational arithmetic.
#[test]
fn a_far_point_as_a_cluster() {
    let z = [5.0, 1.0, 2.0, -1.0, 3.0, 0.0, -2.0, 4.0];
    let y = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
    let g = [1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0];
    for (far, exact) in [
        (
            1e3,
            [
                2.545_422_595_167_367e-6,
                1.187_863_877_744_771_3e-5,
                8.021_452_756_068_69e-7,
            ],
        ),
        (
            1e5,
            [
                2.499_705_272_369_004_7e-10,
                1.166_529_127_105_535_5e-9,
                8.327_803_798_989_179e-11,
            ],
        ),
        (
            1e7,
            [
                2.499_246_501_757_763e-14,
                1.166_315_034_153_622_6e-13,
                8.330_776_210_039_294e-15,
            ],
        ),
    ] {
        let x = [far, 1.0, -2.0, 3.0, 0.0, 2.0, -3.0, 1.0];
        let columns = [("x", &x), ("z", &z), ("y", &y), ("g", &g)];
        let frame = columns
            .iter()
            .fold(Frame::new(), |f, (name, v)| f.with_real(name, *v))
            .in_batches_of(3);
        let fit = lm(&LmSpec::new("y ~ x + z"), &frame, &NoProgress).unwrap();
        let found = fit.vcov(&Vcov::Cluster("g".into()), &NoProgress).unwrap();
        let again = "scores by cluster, again";
        assert!(found.passes.iter().any(|p| p.name == again));
        for (own, exact) in found.std_errors().into_iter().zip(exact) {
            near(own, exact, 1e-13, 0.0, &format!("far = {far}"));
        }
        // rows that do not cancel take one pass over the scores
        let plain = fit.vcov(&Vcov::Cluster("z".into()), &NoProgress).unwrap();
        assert!(plain.passes.iter().all(|p| p.name != again));
    }
}
