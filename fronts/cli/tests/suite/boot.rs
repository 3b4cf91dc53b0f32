//! `nelder boot`: the table, CSV and JSON, draws, and what is refused.

use crate::common::Folder;
use serde_json::Value;

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    let rows = (0..60).map(|i| {
        let x = f64::from(i % 13);
        let y = 2.0 * x + f64::from((i * 7) % 11);
        format!("{x},{y},{},c{}\n", u8::from((i * 7) % 11 > 4), i % 9)
    });
    folder.write("d.csv", format!("x,y,b,g\n{}", rows.collect::<String>()));
    folder
}

#[test]
fn the_table_csv_json_and_draws_agree() {
    let folder = folder("boot_outputs");
    let base = ["boot", "y ~ x", "--data", "d.csv", "-R", "200", "--seed", "5"];
    let table = folder.ok(&base);
    assert!(
        table.contains("Bootstrap of rows: 200 replicates, seed 5"),
        "{table}"
    );
    assert!(
        table.contains("Std. Error") && table.contains("97.5 %"),
        "{table}"
    );
    let json: Value = serde_json::from_str(&folder.ok(&[&base[..], &["--json"]].concat())).unwrap();
    let slope = &json["coefficients"][1];
    assert_eq!(
        (&json["type"], &json["replicates"], &slope["draws"]),
        (&"case".into(), &200.into(), &200.into())
    );
    assert_eq!(json["bootstrap"]["made"], 200);
    folder.ok(&[&base[..], &["--csv", "out.csv", "--draws", "draws.csv"]].concat());
    let line = folder.read("out.csv").lines().nth(2).unwrap().to_string();
    let cells: Vec<&str> = line.split(',').collect();
    assert_eq!(cells[0], "x");
    for (cell, name) in cells[1..6]
        .iter()
        .zip(["estimate", "bias", "std_error", "conf_low", "conf_high"])
    {
        assert_eq!(
            cell.parse::<f64>().unwrap(),
            slope[name].as_f64().unwrap(),
            "{name}"
        );
    }
    let draws: Vec<f64> = (folder.read("draws.csv").lines().skip(1))
        .map(|line| line.rsplit(',').next().unwrap().parse().unwrap())
        .collect();
    let mean = draws.iter().sum::<f64>() / 200.0;
    let bias = slope["bias"].as_f64().unwrap();
    assert!((mean - slope["estimate"].as_f64().unwrap() - bias).abs() < 1e-12);
    // the plan is printed to standard error
    let explained = folder.run(&[&base[..], &["--explain"]].concat());
    let explained = String::from_utf8(explained.stdout).unwrap();
    assert!(explained.contains("4, 64 replicates at a time"), "{explained}");
}

#[test]
fn each_type_and_interval_runs() {
    let folder = folder("boot_types");
    for own in ["case", "bayesian", "residual", "wild", "mammen", "parametric"] {
        folder.ok(&["boot", "y ~ x", "--data", "d.csv", "-R", "99", "--type", own]);
    }
    for interval in ["perc", "basic", "norm", "bca", "studentized"] {
        folder.ok(&[
            "boot",
            "y ~ x",
            "--data",
            "d.csv",
            "-R",
            "499",
            "--level",
            "0.9",
            "--interval",
            interval,
        ]);
    }
    for own in ["case", "bayesian", "parametric"] {
        let found = folder.ok(&[
            "boot", "b ~ x", "--data", "d.csv", "-R", "99", "--family", "binomial", "--type", own,
        ]);
        assert!(
            found.contains("glm(formula = b ~ x, family = binomial"),
            "{found}"
        );
    }
    let found = folder.ok(&["boot", "y ~ x", "--data", "d.csv", "-R", "99", "--cluster", "g"]);
    assert!(found.contains("Bootstrap of 9 clusters"), "{found}");
    let found = folder.ok(&["boot", "y ~ x", "--data", "d.csv", "-R", "99", "--strata", "g"]);
    assert!(found.contains("rows within 9 strata"), "{found}");
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = folder("boot_refused");
    let fails = |more: &[&str], part: &str| {
        let base = ["boot", "y ~ x", "--data", "d.csv"];
        let said = folder.fails(2, &[&base[..], more].concat());
        assert!(said.contains(part), "{said}");
    };
    fails(&["-R", "0"], "there must be 1 replicate at least");
    fails(&["--type", "jackknife"], "`jackknife` is none of case, bayesian");
    fails(&["--interval", "hdi"], "`hdi` is none of perc");
    fails(&["--cluster", "x > 99"], "has one value in all rows");
    fails(&["--strata", "y"], "have one row");
    fails(&["--vcov", "HC3"], "--vcov is of a fit");
    fails(&["--level", "1"], "--level 1 is not between 0 and 1");
    fails(
        &["--type", "wild", "--interval", "studentized"],
        "studentized intervals are for",
    );
    fails(&["-R", "1", "--interval", "bca"], "take more replicates");
}
