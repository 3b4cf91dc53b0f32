//! `nelder glm` from the command line: tables, JSON, tidy, rows, saved fits, warnings and refusals.

use std::path::{Path, PathBuf};

use crate::common::Folder;
use serde_json::Value;

fn oracle() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../accuracy/oracle")
}

fn data(name: &str) -> String {
    oracle().join(name).to_str().unwrap().to_string()
}

fn numbers(csv: &str, column: &str) -> Vec<f64> {
    let mut lines = csv.lines();
    let at = lines
        .next()
        .unwrap()
        .split(',')
        .position(|c| c == column)
        .unwrap();
    lines
        .map(|l| l.split(',').nth(at).unwrap().parse().unwrap_or(f64::NAN))
        .collect()
}

#[test]
fn tables_are_r_s() {
    let folder = Folder::new("glm_tables");
    for (case, formula, file, family) in [
        ("logit", "am ~ wt + hp", "cars", "binomial"),
        ("probit", "am ~ wt", "cars", "binomial(link = \"probit\")"),
        ("clotting", "lot1 ~ log(u)", "clotting", "Gamma"),
        ("dobson", "counts ~ outcome + treatment", "counts", "poisson()"),
        (
            "budworm",
            "cbind(numdead, left) ~ sex * ldose",
            "budworm",
            "binomial",
        ),
        (
            "missing",
            "Ozone ~ Wind + Temp + Solar.R",
            "air",
            "Gamma(link = \"log\")",
        ),
        ("aliased", "am ~ wt + I(2 * wt) + hp", "cars", "binomial"),
    ] {
        let expected = std::fs::read_to_string(oracle().join(format!("print/glm-{case}.txt"))).unwrap();
        let file = data(&format!("print/glm_{file}.csv"));
        let found = folder.ok(&["glm", formula, "--family", family, "--data", &file]);
        assert_eq!(found.trim_end(), expected.trim_end(), "{case}");
    }
}

#[test]
fn json_has_the_numbers_of_the_fit() {
    let folder = Folder::new("glm_json");
    let file = data("data/glm.csv");
    let args = [
        "glm",
        "yb ~ x1 + a",
        "--family",
        "binomial(probit)",
        "--data",
        &file,
        "--json",
    ];
    let all: Value = serde_json::from_str(&folder.ok(&args)).unwrap();
    let fit = &all["fit"];
    for key in [
        "deviance",
        "null_deviance",
        "dispersion",
        "iterations",
        "aic",
        "bic",
        "log_lik",
        "df_null",
    ] {
        assert!(fit[key].is_number(), "{key}: {fit}");
    }
    assert_eq!(
        (fit["converged"].as_bool(), fit["family"].as_str()),
        (Some(true), Some("binomial"))
    );
    assert_eq!(all["coefficients"].as_array().unwrap().len(), 4);
    // R's passes: one for each of its steps, the start, and those that settle the coefficients
    let passes = all["report"]["passes"].as_array().unwrap().len() as u64;
    assert!(passes >= fit["iterations"].as_u64().unwrap() + 2 && passes < 30);
}

#[test]
fn rows_are_written() {
    let folder = Folder::new("glm_rows");
    let file = data("data/glm.csv");
    folder.ok(&[
        "glm",
        "count ~ x1 + a",
        "--family",
        "poisson",
        "--data",
        &file,
        "--augment",
        "rows.csv",
        "--tidy",
        "t.csv",
    ]);
    let rows = folder.read("rows.csv");
    let (y, fitted, residual) = (
        numbers(&rows, "count"),
        numbers(&rows, ".fitted"),
        numbers(&rows, ".resid.response"),
    );
    assert_eq!(y.len(), 80);
    // the score of the intercept: residuals sum to nothing
    assert!(residual.iter().sum::<f64>().abs() < 1e-10);
    assert!((0..80).all(|i| (y[i] - fitted[i] - residual[i]).abs() < 1e-12));
    let hat: f64 = numbers(&rows, ".hat").iter().sum();
    assert!((hat - 4.0).abs() < 1e-10);
    assert_eq!(numbers(&folder.read("t.csv"), "estimate").len(), 4);
}

#[test]
fn saved_fits_predict_and_compare() {
    let folder = Folder::new("glm_saved");
    let file = data("print/glm_cars.csv");
    let fit = |formula: &str, name: &str| {
        folder.ok(&[
            "glm", formula, "--family", "binomial", "--data", &file, "--save", name,
        ]);
    };
    fit("am ~ wt", "one.fit");
    fit("am ~ wt + hp", "two.fit");
    let table = folder.ok(&["anova", "one.fit", "two.fit"]);
    assert!(
        table.contains("Model 2: am ~ wt + hp") && table.contains("Pr(>Chi)"),
        "{table}"
    );
    let table = folder.ok(&["anova", "two.fit", "--data", &file]);
    assert!(
        table.contains("Terms added sequentially (first to last)"),
        "{table}"
    );
    let wants_data = folder.fails(2, &["anova", "two.fit"]);
    assert!(wants_data.contains("--data"), "{wants_data}");
    let predict = |more: &[&str]| {
        let args = [
            "predict",
            "two.fit",
            "--data",
            &file,
            "--out",
            "p.csv",
            "--se",
            "--interval",
            "confidence",
        ];
        folder.ok(&[&args, more].concat());
        folder.read("p.csv")
    };
    let (link, mean) = (predict(&[]), predict(&["--type", "response"]));
    for i in 0..32 {
        let inverse = |x: f64| 1.0 / (1.0 + (-x).exp());
        for column in ["fit", "lwr", "upr"] {
            let (l, m) = (numbers(&link, column)[i], numbers(&mean, column)[i]);
            assert!((inverse(l) - m).abs() < 1e-14, "{column} of row {i}");
        }
        // the delta method
        let mu = numbers(&mean, "fit")[i];
        let error = numbers(&link, "se_fit")[i] * mu * (1.0 - mu);
        assert!((error - numbers(&mean, "se_fit")[i]).abs() < 1e-14);
    }
    let message = folder.fails(
        2,
        &[
            "predict",
            "two.fit",
            "--data",
            &file,
            "--interval",
            "prediction",
            "--out",
            "q.csv",
        ],
    );
    assert!(message.contains("confidence"), "{message}");
    // a linear fit beside a generalized one
    folder.ok(&["lm", "am ~ wt", "--data", &file, "--save", "linear.fit"]);
    assert!(
        folder
            .fails(1, &["anova", "one.fit", "linear.fit"])
            .contains("cannot be compared")
    );
}

#[test]
fn profile_limits_differ_from_wald_s() {
    let folder = Folder::new("glm_profile");
    let file = data("print/glm_cars.csv");
    let fit = |limits: &str| {
        let args = [
            "glm",
            "am ~ wt + hp",
            "--family",
            "binomial",
            "--data",
            &file,
            "--limits",
            limits,
            "--tidy",
            "t.csv",
        ];
        folder.ok(&args);
        let csv = folder.read("t.csv");
        (numbers(&csv, "conf_low"), numbers(&csv, "conf_high"))
    };
    let (wald, profile) = (fit("wald"), fit("profile"));
    // R's confint interpolates these to four or five digits
    for (c, (low, high)) in [(8.37627, 40.55084), (-17.20869, -3.77307), (0.010608, 0.090554)]
        .into_iter()
        .enumerate()
    {
        assert!(
            (profile.0[c] - low).abs() < 2e-3 * low.abs(),
            "{} {low}",
            profile.0[c]
        );
        assert!(
            (profile.1[c] - high).abs() < 2e-3 * high.abs(),
            "{} {high}",
            profile.1[c]
        );
        assert!((profile.0[c] - wald.0[c]).abs() > 1e-3 * low.abs());
    }
}

#[test]
fn robust_errors_come_with_z_tests() {
    let folder = Folder::new("glm_robust");
    let file = data("data/glm.csv");
    let args = ["glm", "pos ~ x1 + a", "--family", "Gamma(log)", "--data", &file];
    let plain = folder.ok(&args);
    assert!(plain.contains("t value"), "{plain}");
    for kind in ["HC3", "cluster:g"] {
        let text = folder.ok(&[&args[..], &["--vcov", kind]].concat());
        assert!(
            text.contains("z value") && text.ends_with(&format!("Standard errors: {kind}\n")),
            "{text}"
        );
    }
}

#[test]
fn warnings_go_to_standard_error() {
    let folder = Folder::new("glm_warnings");
    let file = data("data/glm_small.csv");
    let out = folder.run(&["glm", "z ~ k", "--family", "binomial", "--data", &file]);
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success());
    assert!(
        errors.contains("nelder: warning: the data are separated") && errors.contains("`kq`"),
        "{errors}"
    );
    assert!(String::from_utf8_lossy(&out.stdout).contains("Number of Fisher Scoring iterations: 18"));
}

/// Links beyond those that R lists in its messages, and the types of clustered errors with their factors.
#[test]
fn links_and_cluster_types_by_name() {
    let folder = Folder::new("glm_links");
    folder.write("k.csv", "x,s,f\n0,2,18\n1,5,15\n2,6,14\n3,9,11\n");
    let file = "k.csv".to_string();
    folder.ok(&[
        "glm",
        "cbind(s, f) ~ x",
        "--family",
        "binomial(identity)",
        "--data",
        &file,
        "--tidy",
        "t.csv",
    ]);
    let b = numbers(&folder.read("t.csv"), "estimate");
    assert!(
        (b[0] - 0.107_204_9).abs() < 1e-7 && (b[1] - 0.111_681_1).abs() < 1e-7,
        "{b:?}"
    );
    let file = data("data/glm.csv");
    let errors = |kind: &str| {
        folder.ok(&[
            "glm",
            "yb ~ x1 + x2",
            "--family",
            "binomial",
            "--data",
            &file,
            "--vcov",
            kind,
            "--tidy",
            "t.csv",
        ]);
        numbers(&folder.read("t.csv"), "std_error")
    };
    // 80 rows, 3 coefficients
    let (plain, zero, one) = (
        errors("cluster:g"),
        errors("cluster:g:HC0"),
        errors("cluster:g:hc1"),
    );
    assert_eq!(plain, zero);
    for (a, b) in zero.iter().zip(&one) {
        assert!((b / a - f64::sqrt(79.0 / 77.0)).abs() < 1e-12);
    }
    // for a linear model sandwich's default is HC1
    let linear = |kind: &str| {
        folder.ok(&[
            "lm",
            "y ~ x1 + x2",
            "--data",
            &file,
            "--vcov",
            kind,
            "--tidy",
            "t.csv",
        ]);
        numbers(&folder.read("t.csv"), "std_error")
    };
    assert_eq!(linear("cluster:g"), linear("cluster:g:HC1"));
    let text = folder.ok(&[
        "glm",
        "yb ~ x1",
        "--family",
        "binomial",
        "--data",
        &file,
        "--vcov",
        "cluster:g:HC3",
    ]);
    assert!(
        text.contains("z value") && text.ends_with("Standard errors: cluster:g:HC3\n"),
        "{text}"
    );
}

/// Counts that are none, and fits with as many columns as rows.
#[test]
fn fractions_and_saturated_fits() {
    let folder = Folder::new("glm_fractions");
    folder.write("k.csv", "x,y\n0,1.5\n1,2\n2,3.25\n3,4\n");
    let file = "k.csv".to_string();
    let args = ["glm", "y ~ x", "--family", "poisson", "--data", &file];
    let out = folder.run(&args);
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        out.status.success() && errors.contains("1.5 in row 1, 3.25 in row 3"),
        "{errors}"
    );
    assert!(String::from_utf8_lossy(&out.stdout).contains("AIC: Inf"));
    let text = folder.ok(&["lm", "y ~ factor(x)", "--data", &file]);
    assert!(
        text.contains("ALL 4 residuals are 0: no residual degrees of freedom!")
            && text.contains("Residual standard error: NaN on 0 degrees of freedom")
            && text.contains("F-statistic:   NaN on 3 and 0 DF,  p-value: NA"),
        "{text}"
    );
    folder.ok(&["lm", "y ~ factor(x)", "--data", &file, "--save", "fit"]);
    let table = folder.ok(&["anova", "fit"]);
    let row = |name: &str| {
        table
            .lines()
            .find(|l| l.starts_with(name))
            .unwrap_or_default()
            .to_string()
    };
    assert!(
        row("factor(x)").matches("NaN").count() == 2 && row("Residuals").contains("NaN"),
        "{table}"
    );
    let text = folder.ok(&["glm", "y ~ factor(x)", "--data", &file]);
    assert!(
        text.contains("taken to be NaN") && text.contains("[1]  0  0  0  0"),
        "{text}"
    );
}

#[test]
fn refusals() {
    let folder = Folder::new("glm_refusals");
    let file = data("data/glm.csv");
    for (code, formula, options, part) in [
        (
            2,
            "yb ~ x1",
            &["--family", "bernoulli"][..],
            "there are gaussian, binomial, poisson",
        ),
        (
            2,
            "yb ~ x1",
            &["--family", "binomial(square)"],
            "there are identity, log, inverse, 1/mu^2, sqrt, logit, probit, cauchit, cloglog, power(x)",
        ),
        (
            2,
            "yb ~ x1",
            &["--family", "negative.binomial(0)"],
            "theta must be a number above 0",
        ),
        (2, "yb ~ x1", &["--family", "tweedie(0.5)"], "outside (0, 1)"),
        (2, "yb ~ x1", &["--epsilon", "-1"], "epsilon"),
        (
            2,
            "yb ~ x1",
            &["--start", "1,2,3"],
            "has 3 values and the model 2 columns",
        ),
        (
            1,
            "trials ~ x1",
            &["--family", "binomial"],
            "must be from 0 to 1 for the binomial family and is",
        ),
        (1, "x1 ~ x2", &["--family", "poisson"], "must not be negative"),
        (1, "yb ~ x1", &["--weights", "x1"], "is negative"),
        (
            1,
            "yb ~ missing_column",
            &["--family", "binomial"],
            "missing_column",
        ),
    ] {
        let args = [&["glm", formula, "--data", &file], options].concat();
        let message = folder.fails(code, &args);
        assert!(
            message.starts_with("nelder: ") && message.contains(part),
            "{args:?}: {message}"
        );
    }
}
