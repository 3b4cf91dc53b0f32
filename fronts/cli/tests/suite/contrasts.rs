//! Contrasts of any shape and functions of formulas, from the command line; values are R's.

use crate::common::Folder;

const DATA: &str = "y,f,l,x\n1,a,TRUE,1\n3,b,TRUE,4\n2,c,TRUE,2\n5,d,TRUE,7\n4,a,TRUE,3\n8,b,TRUE,8\n6,c,TRUE,5\n9,d,TRUE,6\n";

/// Names, coefficients (missing where aliased) and residual degrees of freedom.
fn fit(folder: &Folder, args: &[&str]) -> (Vec<String>, Vec<f64>, u64) {
    let text = folder.ok(&[args, &["--data", "d.csv", "--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = json["coefficients"].as_array().unwrap();
    let names = rows.iter().map(|r| r["term"].as_str().unwrap().to_string());
    let values = rows.iter().map(|r| r["estimate"].as_f64().unwrap_or(f64::NAN));
    (
        names.collect(),
        values.collect(),
        json["fit"]["df_residual"].as_u64().unwrap(),
    )
}

fn close(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{got:?} {want:?}");
    for (g, w) in got.iter().zip(want) {
        // values of order 1 from 8 rows; R's own are printed to 16 digits
        assert!(
            g.is_nan() && w.is_nan() || (g - w).abs() < 1e-13,
            "{got:?} {want:?}"
        );
    }
}

#[test]
fn fewer_and_more_columns_than_one_less_than_levels() {
    let folder = Folder::new("contrasts_shape");
    folder.write("d.csv", DATA);
    let (names, values, df) = fit(
        &folder,
        &["lm", "y ~ f", "--contrasts", "f=cbind(ab = c(1, -1, 0, 0))"],
    );
    assert_eq!((names[1].as_str(), df), ("fab", 6));
    close(&values, &[4.75, -1.5]);
    let (names, values, df) = fit(&folder, &["lm", "y ~ C(f, sum, 2)"]);
    assert_eq!(names[1..], ["C(f, sum, 2)1", "C(f, sum, 2)2"]);
    assert_eq!(df, 5);
    close(&values, &[4.75, -2.5, 0.5]);
    let (names, values, _) = fit(&folder, &["lm", "y ~ C(f, treatment, base = 2)"]);
    assert_eq!(names[1], "C(f, treatment, base = 2)1");
    close(&values, &[5.5, -3.0, -1.5, 1.5]);
    let (_, values, _) = fit(&folder, &["lm", "y ~ C(f, c(1, -1, 0, 0))"]);
    close(&values, &[4.75, -1.5, -0.439339828220179, 2.560660171779821]);
    let (_, values, df) = fit(&folder, &["lm", "y ~ C(f, c(1, -1, 0, 0), 1)"]);
    close(&values, &[4.75, -1.5]);
    assert_eq!(df, 6);
    let (names, values, df) = fit(
        &folder,
        &["lm", "y ~ f", "--contrasts", "f=contr.sum(4, contrasts = FALSE)"],
    );
    assert_eq!((names[4].as_str(), df), ("f4", 4));
    close(&values, &[7.0, -4.5, -1.5, -3.0, f64::NAN]);
    let (names, values, _) = fit(&folder, &["lm", "y ~ C(f, SAS)"]);
    assert_eq!(names[1], "C(f, SAS)a");
    close(&values, &[7.0, -4.5, -1.5, -3.0]);
}

#[test]
fn contrasts_of_unused_levels_are_dropped_with_a_warning() {
    let folder = Folder::new("contrasts_unused");
    folder.write("d.csv", DATA);
    let out = folder.run(&[
        "lm",
        "y ~ C(f, sum)",
        "--subset",
        "f != 'a'",
        "--data",
        "d.csv",
        "--json",
    ]);
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(
        said.contains("contrasts dropped from factor C(f, sum) due to missing levels"),
        "{said}"
    );
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let values = json["coefficients"].as_array().unwrap();
    let values: Vec<f64> = values.iter().map(|r| r["estimate"].as_f64().unwrap()).collect();
    close(&values, &[5.5, -1.5, 1.5]);
    let said = folder.fails(
        1,
        &["lm", "y ~ f", "--contrasts", "f=c(1, -1, 0)", "--data", "d.csv"],
    );
    assert!(said.contains("3 rows") && said.contains("4 levels"), "{said}");
}

#[test]
fn a_logical_variable_of_one_value_is_aliased() {
    let folder = Folder::new("contrasts_logical");
    folder.write("d.csv", DATA);
    let (names, values, _) = fit(&folder, &["lm", "y ~ l"]);
    assert_eq!(names[1], "lTRUE");
    close(&values, &[4.75, f64::NAN]);
}

#[test]
fn saved_fits_predict_with_contrasts_of_any_shape() {
    let folder = Folder::new("contrasts_saved");
    folder.write("d.csv", DATA);
    folder.write("new.csv", "f\nb\nd\n");
    for (formula, contrasts, want) in [
        ("y ~ f", "f=cbind(ab = c(1, -1, 0, 0))", [6.25, 4.75]),
        ("y ~ C(f, sum, 2)", "", [5.25, 6.75]),
    ] {
        let own: &[&str] = if contrasts.is_empty() {
            &[]
        } else {
            &["--contrasts", contrasts]
        };
        folder.ok(&[&["lm", formula, "--data", "d.csv", "--save", "m.fit"], own].concat());
        folder.ok(&["predict", "m.fit", "--data", "new.csv", "--out", "p.csv"]);
        let got: Vec<f64> = folder
            .read("p.csv")
            .lines()
            .skip(1)
            .map(|l| l.parse().unwrap())
            .collect();
        close(&got, &want);
    }
}

#[test]
fn variables_taken_out_of_the_dot_are_not_needed() {
    let folder = Folder::new("contrasts_dot");
    folder.write("d.csv", DATA);
    folder.write("new.csv", "x\n2\n");
    folder.ok(&["lm", "y ~ . - f - l", "--data", "d.csv", "--save", "m.fit"]);
    folder.ok(&["predict", "m.fit", "--data", "new.csv", "--out", "p.csv"]);
    let (_, values, _) = fit(&folder, &["lm", "y ~ x"]);
    let got: Vec<f64> = folder
        .read("p.csv")
        .lines()
        .skip(1)
        .map(|l| l.parse().unwrap())
        .collect();
    close(&got, &[values[0] + 2.0 * values[1]]);
    let (with, without) = (
        folder.ok(&["prcomp", "~ . - f - l", "--data", "d.csv", "--json"]),
        folder.ok(&["prcomp", "--columns", "y,x", "--data", "d.csv", "--json"]),
    );
    let deviations = |text: &str| -> Vec<f64> {
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        json["sdev"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_f64().unwrap())
            .collect()
    };
    close(&deviations(&with), &deviations(&without));
}

#[test]
fn constants_as_weights_and_subset() {
    let folder = Folder::new("contrasts_constants");
    folder.write("d.csv", DATA);
    let plain = fit(&folder, &["lm", "y ~ x"]);
    let (_, all, _) = fit(&folder, &["lm", "y ~ x", "--subset", "TRUE"]);
    let (_, twice, _) = fit(&folder, &["lm", "y ~ x", "--weights", "2"]);
    close(&all, &plain.1);
    close(&twice, &plain.1);
}

#[test]
fn functions_as_r_defines_them() {
    let folder = Folder::new("contrasts_functions");
    folder.write("d.csv", DATA);
    // R: coef(lm(y ~ sinh(x / 4) + cosh(x / 4) + tanh(x / 4), d)) by the same columns, written out
    for (a, b) in [
        ("sinh(x / 4)", "I((exp(x / 4) - exp(-x / 4)) / 2)"),
        ("cosh(x / 4)", "I((exp(x / 4) + exp(-x / 4)) / 2)"),
        ("tanh(x / 4)", "I((exp(x / 2) - 1) / (exp(x / 2) + 1))"),
        ("xor(x > 3, y > 4)", "I((x > 3) != (y > 4))"),
        ("startsWith(f, 'a')", "I(f == 'a')"),
        ("substring(f, 1)", "f"),
    ] {
        let of = |term: &str| fit(&folder, &["lm", &format!("y ~ {term}")]).1;
        close(&of(a), &of(b));
    }
    // R's coef(lm(y ~ …, d))
    for (term, want) in [
        ("asin(x / 8)", [1.524982135451943, 4.73794462490863]),
        ("acos(x / 8)", [8.967328148816046, -4.737944624908633]),
        ("atan(x - 4)", [4.380035090865186, 2.232372787137324]),
        ("lgamma(x - 2.5)", [3.458425643227323, 0.9864665571858615]),
    ] {
        close(&fit(&folder, &["lm", &format!("y ~ {term}")]).1, &want);
    }
    for call in ["cumsum(x)", "lag(x)", "rnorm(8)"] {
        let said = folder.fails(1, &["lm", &format!("y ~ {call}"), "--data", "d.csv"]);
        assert!(
            said.contains("cannot be called in a formula") && said.contains("make it a column"),
            "{said}"
        );
    }
}
