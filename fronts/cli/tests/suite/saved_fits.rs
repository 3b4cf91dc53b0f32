//! `nelder lm --save` and `--augment`, `nelder predict`, `nelder anova`, from files to files.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn nelder(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_nelder"))
            .args(args)
            .current_dir(&self.0)
            .output()
            .unwrap()
    }

    /// Standard output of a call that must succeed.
    fn ok(&self, args: &[&str]) -> String {
        let out = self.nelder(args);
        assert!(
            out.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap()
    }

    /// The message of a call that must fail with a code, and writes nothing.
    fn fails(&self, code: i32, args: &[&str]) -> String {
        let before = std::fs::read_dir(&self.0).unwrap().count();
        let out = self.nelder(args);
        assert_eq!(out.status.code(), Some(code), "{args:?}");
        assert!(out.stdout.is_empty(), "{args:?}");
        assert_eq!(
            std::fs::read_dir(&self.0).unwrap().count(),
            before,
            "{args:?} left a file"
        );
        String::from_utf8(out.stderr).unwrap()
    }
}

/// Fields of a CSV table by column; `NA` and empty fields are `NaN`.
fn column(text: &str, name: &str) -> Vec<f64> {
    let mut lines = text.lines();
    let at = lines.next().unwrap().split(',').position(|n| n == name);
    let at = at.unwrap_or_else(|| panic!("no column {name} in {text}"));
    lines
        .map(|l| l.split(',').nth(at).unwrap().parse().unwrap_or(f64::NAN))
        .collect()
}

const DATA: &str = "x,g,y\n1,a,2.5\n2,b,3.1\n3,a,4.9\n4,b,4.2\n5,c,9.5\n6,c,10.75\n7,a,8.25\n8,b,NA\n";

#[test]
fn a_fit_is_kept_and_predicts() {
    let f = Folder::new("predicts");
    f.write("d.csv", DATA);
    f.write("new.csv", "g,x\na,2.5\nc,10\nb,\n");
    f.ok(&["lm", "y ~ x + g", "--data", "d.csv", "--save", "m.fit"]);
    f.ok(&["predict", "m.fit", "--data", "new.csv", "--out", "fit.csv"]);
    // R: predict(lm(y ~ x + g, d), new, se.fit = TRUE, interval = "prediction", level = 0.9)
    let fit = [4.153346456692913, 14.226377952755907, f64::NAN];
    for (got, want) in column(&f.read("fit.csv"), "fit").iter().zip(fit) {
        assert!(
            (got - want).abs() < 1e-13 || got.is_nan() && want.is_nan(),
            "{got} {want}"
        );
    }
    let args = [
        "predict",
        "m.fit",
        "--data",
        "new.csv",
        "--interval",
        "prediction",
        "--level",
        "0.9",
        "--se",
    ];
    f.ok(&[&args[..], &["--out", "all.parquet"]].concat());
    f.ok(&[&args[..], &["--out", "all.csv"]].concat());
    let all = f.read("all.csv");
    assert_eq!(all.lines().next(), Some("fit,se_fit,lwr,upr"));
    let want = [
        ("fit", [4.153346456692913, 14.226377952755907]),
        ("se_fit", [0.25358558767794215, 0.48536084976401067]),
        ("lwr", [3.0345088433897573, 12.743022691077647]),
        ("upr", [5.272184069996069, 15.709733214434168]),
    ];
    for (name, values) in want {
        let got = column(&all, name);
        assert!(got[2].is_nan(), "{name}");
        for (got, want) in got.iter().zip(values) {
            assert!((got / want - 1.0).abs() < 1e-13, "{name}: {got} {want}");
        }
    }
}

#[test]
fn rows_with_their_diagnostics() {
    let f = Folder::new("augment");
    f.write("d.csv", DATA);
    f.ok(&[
        "lm",
        "y ~ x + g",
        "--data",
        "d.csv",
        "--augment",
        "a.csv",
        "--dfbetas",
    ]);
    let a = f.read("a.csv");
    let head = "x,g,y,.fitted,.resid,.hat,.sigma,.cooksd,.std.resid,.student.resid";
    let names = a.lines().next().unwrap();
    let columns: Vec<&str> = names.split(',').collect();
    for name in head.split(',').chain([".dfbetas.(Intercept)", ".dfbetas.gc"]) {
        assert!(columns.contains(&name), "{name} is not in {names}");
    }
    assert_eq!(a.lines().count(), 8); // the incomplete row is left out
    let (y, fitted, resid) = (column(&a, "y"), column(&a, ".fitted"), column(&a, ".resid"));
    for i in 0..7 {
        assert!((y[i] - fitted[i] - resid[i]).abs() < 1e-14);
    }
    assert!((column(&a, ".hat").iter().sum::<f64>() - 4.0).abs() < 1e-14);
    f.ok(&[
        "lm",
        "y ~ x + g",
        "--data",
        "d.csv",
        "--na",
        "exclude",
        "--augment",
        "b.csv",
    ]);
    let b = f.read("b.csv");
    assert_eq!(b.lines().count(), 9);
    assert!(column(&b, ".fitted")[7].is_nan() && column(&b, "x")[7] == 8.0);
    let explained = f.ok(&[
        "lm",
        "y ~ x",
        "--data",
        "d.csv",
        "--augment",
        "c.parquet",
        "--explain",
    ]);
    assert!(explained.contains("\n  influence "), "{explained}");
}

#[test]
fn analysis_of_variance() {
    let f = Folder::new("anova");
    f.write("d.csv", DATA);
    f.ok(&["lm", "y ~ x + g", "--data", "d.csv", "--save", "big.fit"]);
    f.ok(&["lm", "y ~ x", "--data", "d.csv", "--save", "small.fit"]);
    let one = f.ok(&["anova", "big.fit"]);
    assert!(
        one.starts_with("Analysis of Variance Table\n\nResponse: y\n"),
        "{one}"
    );
    assert!(one.contains("\nResiduals "), "{one}");
    let two = f.ok(&["anova", "small.fit", "big.fit"]);
    assert!(two.contains("Model 1: y ~ x\nModel 2: y ~ x + g\n"), "{two}");
    f.write("less.csv", &DATA.lines().take(6).collect::<Vec<_>>().join("\n"));
    f.ok(&["lm", "y ~ x", "--data", "less.csv", "--save", "less.fit"]);
    let message = f.fails(2, &["anova", "less.fit", "big.fit"]);
    assert!(
        message.contains("model 2 was fitted to 7 rows and the first to 5"),
        "{message}"
    );
}

#[test]
fn what_cannot_be_done_writes_nothing() {
    let f = Folder::new("refused");
    f.write("d.csv", DATA);
    f.write("new.csv", "g,x\na,1\nd,2\n");
    f.write("less.csv", "x\n1\n");
    f.ok(&["lm", "y ~ x + g", "--data", "d.csv", "--save", "m.fit"]);
    let message = f.fails(1, &["predict", "m.fit", "--data", "new.csv", "--out", "p.csv"]);
    assert!(
        message.contains("`g` has the new level \"d\" in row 2"),
        "{message}"
    );
    let message = f.fails(1, &["predict", "m.fit", "--data", "less.csv", "--out", "p.csv"]);
    assert!(message.contains("there is no column `g`"), "{message}");
    let message = f.fails(2, &["predict", "m.fit", "--data", "d.csv", "--out", "p.xlsx"]);
    assert!(message.contains("use .parquet or .csv"), "{message}");
    f.fails(2, &["predict", "m.fit", "--data", "d.csv"]);
    f.fails(
        2,
        &[
            "predict",
            "m.fit",
            "--data",
            "d.csv",
            "--out",
            "p.csv",
            "--interval",
            "both",
        ],
    );
    f.fails(2, &["lm", "y ~ x", "--data", "d.csv", "--dfbetas"]);
    f.fails(2, &["lm", "y ~ x", "--data", "d.csv", "--augment", "a.txt"]);
    let message = f.fails(1, &["predict", "d.csv", "--data", "d.csv", "--out", "p.csv"]);
    assert!(message.contains("not a fit"), "{message}");
    f.fails(1, &["predict", "none.fit", "--data", "d.csv", "--out", "p.csv"]);
    let damaged = f.read("m.fit").replacen("\"y ~ x + g\"", "\"y ~ x * g\"", 1);
    f.write("m.fit", &damaged);
    let message = f.fails(1, &["predict", "m.fit", "--data", "d.csv", "--out", "p.csv"]);
    assert!(message.contains("the fit is damaged"), "{message}");
}
