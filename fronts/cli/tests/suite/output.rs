//! What is printed and written: R's tables, JSON, tidy CSV, the record of the computation.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::common::Folder;
use serde_json::Value;

fn printed_by_r() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../accuracy/oracle/print")
}

/// Cases of `accuracy/oracle/print.R` whose data are files beside the printed tables.
#[test]
fn tables_are_r_s() {
    let folder = Folder::new("output_tables");
    for (case, formula, data, options) in [
        ("factor", "mpg ~ wt + factor(cyl)", "mtcars", &[][..]),
        ("weights", "mpg ~ wt + hp", "mtcars", &["--weights", "qsec"]),
        ("aliased", "mpg ~ wt + wt2 + hp", "m", &[]),
        ("two-aliased", "mpg ~ wt + wt2 + I(wt + wt2) + hp", "m", &[]),
        ("no-intercept", "mpg ~ 0 + wt", "mtcars", &[]),
        ("no-intercept-factor", "mpg ~ 0 + factor(cyl) + wt", "mtcars", &[]),
        ("intercept-only", "mpg ~ 1", "mtcars", &[]),
        ("nothing", "mpg ~ 0", "mtcars", &[]),
        ("large-response", "I(mpg * 1e9) ~ wt + hp", "mtcars", &[]),
        ("small-response", "I(mpg * 1e-9) ~ wt + hp", "mtcars", &[]),
        ("dot-star", "mpg ~ qsec + drat + gear + carb + vs", "mtcars", &[]),
        (
            "interaction",
            "mpg ~ wt * factor(cyl) * factor(gear)",
            "mtcars",
            &[],
        ),
        ("polynomial", "mpg ~ poly(wt, 3) + poly(hp, 2)", "mtcars", &[]),
        ("longley", "Employed ~ .", "longley", &[]),
        (
            "airquality",
            "log(Ozone) ~ Solar.R + Wind + Temp",
            "airquality",
            &[],
        ),
        ("iris", "Sepal.Length ~ .", "iris", &[]),
        ("anscombe", "y1 ~ x1", "anscombe", &[]),
        ("swiss", "Fertility ~ .", "swiss", &[]),
        ("attitude", "rating ~ .", "attitude", &[]),
        ("responses", "cbind(mpg, hp) ~ wt + factor(cyl)", "mtcars", &[]),
    ] {
        let expected = std::fs::read_to_string(printed_by_r().join(format!("{case}.txt"))).unwrap();
        let file = printed_by_r().join(format!("{data}.csv"));
        let args = [&["lm", formula, "--data", file.to_str().unwrap()], options].concat();
        let found = folder.ok(&args);
        assert_eq!(found.trim_end(), expected.trim_end(), "{case}");
    }
}

fn table(folder: &Folder) -> PathBuf {
    let path = folder.0.join("d.csv");
    std::fs::write(
        &path,
        "y,x,x2,g\n1.5,1,2,a\n2.25,2,4,\"b,c\"\n3.5,3,6,a\n3.75,5,10,\"b,c\"\n6,8,16,a\nNA,1,2,a\n",
    )
    .unwrap();
    path
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn sorted<'a>(list: &'a str) -> Vec<&'a str> {
    let mut keys: Vec<&'a str> = list.split(' ').collect();
    keys.sort_unstable();
    keys
}

#[test]
fn json_has_its_keys_and_no_others() {
    let folder = Folder::new("output_json");
    table(&folder);
    let text = folder.ok(&["lm", "y ~ x + x2 + g", "--data", "d.csv", "--json"]);
    let all: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(keys(&all), sorted("coefficients fit report"));
    let rows = all["coefficients"].as_array().unwrap();
    let terms: Vec<&str> = rows.iter().map(|r| r["term"].as_str().unwrap()).collect();
    assert_eq!(terms, ["(Intercept)", "x", "x2", "gb,c"]);
    for row in rows {
        assert_eq!(
            keys(row),
            sorted("term estimate std_error statistic p_value conf_low conf_high")
        );
        for (key, value) in row.as_object().unwrap() {
            let aliased = row["term"] == "x2";
            assert_eq!(value.is_null(), aliased && key != "term", "{row}");
        }
    }
    let names = "nobs df_residual sigma r_squared adj_r_squared f_statistic log_lik aic bic deviance";
    assert_eq!(keys(&all["fit"]), sorted(names));
    assert!(all["fit"].as_object().unwrap().values().all(Value::is_number));
    assert_eq!(
        (all["fit"]["nobs"].as_u64(), all["fit"]["df_residual"].as_u64()),
        (Some(5), Some(2))
    );
    let names = "algorithm device precision computed condition digits refinements passes";
    assert_eq!(keys(&all["report"]), sorted(names));
    for pass in all["report"]["passes"].as_array().unwrap() {
        assert_eq!(keys(pass), sorted("name rows bytes device precision seconds"));
        assert_eq!(pass["rows"].as_u64(), Some(6));
    }
    assert!(all["report"]["digits"]["coefficients"].as_f64().unwrap() > 10.0);
    // an interval at another level, and robust errors, have the same keys
    let args = [
        "lm", "y ~ x", "--data", "d.csv", "--json", "--level", "0.5", "--vcov", "HC1",
    ];
    let narrow: Value = serde_json::from_str(&folder.ok(&args)).unwrap();
    let x = &narrow["coefficients"][1];
    let ends = ["conf_low", "estimate", "conf_high"].map(|k| x[k].as_f64().unwrap());
    assert!(ends[0] < ends[1] && ends[1] < ends[2]);
    // numbers that do not exist are null
    folder.write("two.csv", "y,x\n1,1\n2,3\n");
    let saturated: Value =
        serde_json::from_str(&folder.ok(&["lm", "y ~ x", "--data", "two.csv", "--json"])).unwrap();
    assert!(saturated["coefficients"][0]["std_error"].is_null() && saturated["fit"]["sigma"].is_null());
}

#[test]
fn tidy_is_the_json_s_table_digit_by_digit() {
    let folder = Folder::new("output_tidy");
    table(&folder);
    let model = ["lm", "y ~ x + x2 + g", "--data", "d.csv"];
    assert_eq!(folder.ok(&[&model[..], &["--tidy", "t.csv"]].concat()), "");
    assert_eq!(folder.files(), ["d.csv", "t.csv"]);
    let all: Value = serde_json::from_str(&folder.ok(&[&model[..], &["--json"]].concat())).unwrap();
    let mut expected = String::from("term,estimate,std_error,statistic,p_value,conf_low,conf_high\n");
    for row in all["coefficients"].as_array().unwrap() {
        let term = row["term"].as_str().unwrap();
        expected += &if term.contains(',') {
            format!("\"{term}\"")
        } else {
            term.to_string()
        };
        for key in [
            "estimate",
            "std_error",
            "statistic",
            "p_value",
            "conf_low",
            "conf_high",
        ] {
            expected += &row[key].as_f64().map_or(",NA".to_string(), |x| format!(",{x:?}"));
        }
        expected.push('\n');
    }
    assert_eq!(std::fs::read_to_string(folder.0.join("t.csv")).unwrap(), expected);
}

#[test]
fn explain_names_every_pass() {
    let folder = Folder::new("output_explain");
    table(&folder);
    let plain = folder.ok(&["lm", "y ~ x", "--data", "d.csv"]);
    let out = folder.run(&["lm", "y ~ x", "--data", "d.csv", "--explain"]);
    let (explained, plan) = (
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr),
    );
    // the plan comes before the fit, apart from what may be kept
    assert!(
        plan.starts_with("Planned on cpu") && plan.contains("residuals"),
        "{plan}"
    );
    assert!(explained.starts_with(&plain));
    let more = &explained[plain.len()..];
    for part in [
        "Computed by ",
        "condition of the scaled design",
        "digits known to be right",
        "refinements",
    ] {
        assert!(more.contains(part), "{more}");
    }
    let passes = more
        .lines()
        .skip_while(|l| !l.trim_start().starts_with("pass "))
        .skip(1);
    let names: Vec<&str> = passes.map(|l| l.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["gram", "residuals"]);
}

/// The reader of a pipe may leave after the first line.
#[test]
fn a_closed_pipe_is_no_panic() {
    let folder = Folder::new("output_pipe");
    let mut text = String::from("y,g\n");
    for i in 0..20_000 {
        text += &format!("{},level{}\n", i % 17, i % 5000);
    }
    folder.write("many.csv", text);
    for options in [&[][..], &["--json"], &["--explain"]] {
        let args = [&["lm", "y ~ g", "--data", "many.csv"], options].concat();
        let mut child = folder
            .command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::with_capacity(16, child.stdout.take().unwrap())
            .read_line(&mut first)
            .unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let plan = options == ["--explain"] && said.starts_with("Planned on ") && !said.contains("panic");
        assert!(
            child.wait().unwrap().success() && (plan || said.is_empty()),
            "{said}"
        );
    }
}

/// The bound is of the errors of equal variances: robust ones are printed without a claim.
#[test]
fn no_claim_of_digits_stands_beside_errors_that_it_is_not_of() {
    let folder = Folder::new("output_claims");
    folder.write("d.csv", "y,x,g\n1,2,1\n3,3,1\n2,5,2\n6,8,2\n5,9,3\n9,7,3\n");
    for command in ["lm", "glm"] {
        for (kind, claimed) in [("iid", true), ("HC3", false), ("cluster:g", false)] {
            let args = [command, "y ~ x", "--data", "d.csv", "--vcov", kind, "--json"];
            let all: Value = serde_json::from_str(&folder.ok(&args)).unwrap();
            let digits = &all["report"]["digits"];
            assert_eq!(
                digits["std_errors"].is_number(),
                claimed,
                "{command} {kind}: {digits}"
            );
            assert!(digits["coefficients"].as_f64().unwrap() > 10.0);
        }
    }
}
