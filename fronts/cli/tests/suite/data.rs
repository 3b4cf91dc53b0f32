//! What the command reads and what it says of it: pipes, folders, text files of other programs, whole numbers.

use std::io::Write;
use std::process::Stdio;

use crate::common::Folder;

/// Standard output and error of a call that must succeed.
fn said(folder: &Folder, args: &[&str]) -> (String, String) {
    let out = folder.run(args);
    let error = String::from_utf8(out.stderr).unwrap();
    assert!(out.status.success(), "{args:?}: {error}");
    (String::from_utf8(out.stdout).unwrap(), error)
}

/// The table after the call.
fn table(text: &str) -> &str {
    text.split_once("Residuals").map_or(text, |(_, rest)| rest)
}

const ROWS: &str = "y,x,g\n1,2,a\n2,3,b\n4,4,a\n7,8,b\n5,9,a\n6,7,b\n";

#[test]
fn standard_input_is_kept_for_the_second_pass() {
    let folder = Folder::new("data_stdin");
    folder.write("d.csv", ROWS);
    let expected = folder.ok(&["lm", "y ~ x + g", "--data", "d.csv"]);
    let mut command = folder.command(&["lm", "y ~ x + g", "--data", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(ROWS.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(
        out.status.success() && out.stderr.is_empty(),
        "{:?}",
        String::from_utf8(out.stderr)
    );
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains("data = stdin"), "{text}");
    assert_eq!(table(&text), table(&expected));
    let message = folder.fails(1, &["lm", "y ~ x", "--data", "-"]);
    assert!(message.contains("standard input is empty"), "{message}");
}

#[test]
fn several_files_are_one_table() {
    let folder = Folder::new("data_several");
    folder.write("all.csv", ROWS);
    let lines: Vec<&str> = ROWS.lines().collect();
    std::fs::create_dir_all(folder.0.join("d")).unwrap();
    folder.write("d/1.csv", format!("{}\n{}\n", lines[0], lines[1..4].join("\n")));
    folder.write("d/2.csv", format!("{}\n{}\n", lines[0], lines[4..].join("\n")));
    let expected = folder.ok(&["lm", "y ~ x + g", "--data", "all.csv"]);
    for data in [
        &["--data", "d"][..],
        &["--data", "d/*.csv"],
        &["--data", "d/1.csv", "--data", "d/2.csv"],
    ] {
        let text = folder.ok(&[&["lm", "y ~ x + g"][..], data].concat());
        assert_eq!(table(&text), table(&expected), "{data:?}");
    }
    let message = folder.fails(1, &["lm", "y ~ x", "--data", "d/1.csv", "--data", "d/1.csv"]);
    assert!(message.contains("d/1.csv is named twice"), "{message}");
}

#[test]
fn text_files_of_other_programs() {
    let folder = Folder::new("data_text");
    folder.write("plain.csv", "y,x\n1.5,2\n2,3.25\n4,4\n7.5,8\n");
    folder.write("german.csv", "y;x\n1,5;2\n2;3,25\n4;4\n7,5;8\n");
    folder.write("odd.dat", "1.5^2\n-^9\n2^3.25\n4^4\n7.5^8\n");
    let expected = folder.ok(&["lm", "y ~ x", "--data", "plain.csv"]);
    let text = folder.ok(&["lm", "y ~ x", "--data", "german.csv", "--dec", ","]);
    assert_eq!(table(&text), table(&expected));
    let odd = [
        "lm",
        "y ~ x",
        "--data",
        "odd.dat",
        "--sep",
        "^",
        "--names",
        "y,x",
        "--na-strings",
        "-",
    ];
    let text = folder.ok(&odd);
    assert!(
        text.contains("(1 observation deleted due to missingness)"),
        "{text}"
    );
    assert!(
        text.lines().any(|l| expected.contains(l) && l.starts_with("x ")),
        "{text}"
    );
    // each also where a saved fit predicts
    folder.ok(&["lm", "y ~ x", "--data", "plain.csv", "--save", "fit"]);
    for (data, options) in [("plain.csv", &[][..]), ("german.csv", &["--dec", ","])] {
        folder.ok(&[&["predict", "fit", "--data", data, "--out", "p.csv"][..], options].concat());
        assert_eq!(folder.read("p.csv").lines().count(), 5);
    }
    let usage = |options: &[&str], part: &str| {
        let message = folder.fails(
            2,
            &[&["lm", "y ~ x", "--data", "plain.csv"][..], options].concat(),
        );
        assert!(message.contains(part), "{message}");
    };
    usage(&["--sep", "ab"], "--sep \"ab\": give one character");
    usage(&["--dec", "x"], "--dec \"x\": give one character");
    usage(&["--dec", ";"], "--dec \";\": give . or ,");
    usage(&["--sep", ",", "--dec", ","], "must differ");
    usage(&["--names", "y,y"], "--names has \"y\" twice");
    usage(&["--types", "x"], "--types x: write name=text");
    usage(&["--types", "x=date"], "--types x=date: write name=text");
    let message = folder.fails(1, &["lm", "y ~ x", "--data", "plain.csv", "--types", "z=text"]);
    assert!(message.contains("there is no column `z`"), "{message}");
}

#[test]
fn what_is_said_of_columns() {
    let folder = Folder::new("data_remarks");
    folder.write(
        "d.csv",
        "y,x,z,z\n1,2,1,1\n2,\"1,200\",1,1\n4,4,1,1\n7,8,1,1\n5,9,1,1\n3,9,1,1\n",
    );
    let (_, error) = said(&folder, &["lm", "y ~ x", "--data", "d.csv"]);
    assert!(
        error.contains("`x` is taken for text") && error.contains("\"1,200\" in row 2 (line 3)"),
        "{error}"
    );
    let (_, error) = said(&folder, &["lm", "y ~ .", "--data", "d.csv"]);
    assert!(
        error.contains("the column `z` is left out: it stands there twice"),
        "{error}"
    );
    assert!(error.contains("`x` is taken for text"), "{error}");
    // of a column that is not used nothing is said
    folder.ok(&["lm", "y ~ 1", "--data", "d.csv"]);
    let message = folder.fails(1, &["lm", "y ~ z", "--data", "d.csv"]);
    assert!(
        message.contains("the data have a column `z`, which stands there twice"),
        "{message}"
    );
}

/// Clusters whose numbers differ beyond 2^53: merged by pairs, the standard error would be another.
#[test]
fn clusters_of_large_numbers() {
    let folder = Folder::new("data_clusters");
    let write = |name: &str, id: &dyn Fn(u64) -> String| {
        let mut text = String::from("y,id\n");
        for i in 0..12u64 {
            let y = [3.0, 2.5, -3.0, -2.0, 1.0, 1.5, -1.0, -0.5, 2.0, 2.5, -2.0, -1.5][i as usize];
            text += &format!("{y},{}\n", id(i / 2));
        }
        folder.write(name, text);
    };
    write("large.csv", &|c| (9_007_199_254_740_992 + c).to_string());
    write("small.csv", &|c| c.to_string());
    let error = |name: &str| {
        folder.ok(&[
            "lm",
            "y ~ 1",
            "--data",
            name,
            "--vcov",
            "cluster:id",
            "--tidy",
            "t.csv",
        ]);
        let text = folder.read("t.csv");
        let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let at = header
            .iter()
            .position(|h| h.trim_matches('"').contains("std"))
            .unwrap();
        text.lines()
            .nth(1)
            .unwrap()
            .split(',')
            .nth(at)
            .unwrap()
            .parse::<f64>()
            .unwrap()
    };
    assert_eq!(error("large.csv"), error("small.csv"));
    // Σ over clusters of squared sums over n², times G/(G-1): sums 5.5, -5, 2.5, -1.5, 4.5, -3.5 less the mean's
    let sums = [5.5, -5.0, 2.5, -1.5, 4.5, -3.5];
    let mean = sums.iter().sum::<f64>() / 12.0;
    let squares: f64 = sums.iter().map(|s| (s - 2.0 * mean) * (s - 2.0 * mean)).sum();
    let expected = (squares * 6.0 / 5.0).sqrt() / 12.0;
    assert!(
        (error("large.csv") - expected).abs() < 1e-14 * expected,
        "{} {expected}",
        error("large.csv")
    );
}

#[test]
fn large_numbers_as_numbers_are_a_warning() {
    let folder = Folder::new("data_large");
    let mut text = String::from("y,id\n");
    for i in 0..8u64 {
        text += &format!("{},{}\n", i * i % 5, 9_007_199_254_740_992 + i);
    }
    folder.write("d.csv", text);
    let (_, error) = said(&folder, &["lm", "y ~ id", "--data", "d.csv"]);
    assert!(
        error.contains("warning: `id` has whole numbers beyond 2^53")
            && error.contains("9007199254740993 in row 2"),
        "{error}"
    );
    let (_, error) = said(
        &folder,
        &[
            "glm",
            "y ~ 1",
            "--family",
            "poisson",
            "--weights",
            "id",
            "--data",
            "d.csv",
        ],
    );
    assert!(error.contains("`id` has whole numbers beyond 2^53"), "{error}");
    let text = folder.ok(&["lm", "y ~ factor(id == 9007199254740993)", "--data", "d.csv"]);
    assert!(text.contains("factor(id == 9007199254740993)TRUE"), "{text}");
    // what is written has all digits
    for out in ["a.csv", "a.parquet"] {
        folder.ok(&[
            "lm",
            "y ~ factor(id > 9007199254740994)",
            "--data",
            "d.csv",
            "--augment",
            out,
        ]);
    }
    let written = folder.read("a.csv");
    let first = |line: &str| line.split(',').nth(1).unwrap().to_string();
    let ids: Vec<String> = written.lines().skip(1).map(first).collect();
    let expected: Vec<String> = (0..8u64)
        .map(|i| (9_007_199_254_740_992 + i).to_string())
        .collect();
    assert_eq!(ids, expected);
    // levels of a saved fit, from another file
    folder.ok(&["lm", "y ~ 0 + factor(id)", "--data", "d.csv", "--save", "fit"]);
    folder.ok(&["predict", "fit", "--data", "a.parquet", "--out", "p.csv"]);
    let predicted = folder.read("p.csv");
    let found: Vec<f64> = predicted.lines().skip(1).map(|l| l.parse().unwrap()).collect();
    for (i, p) in found.iter().enumerate() {
        assert!((p - ((i * i) % 5) as f64).abs() < 1e-12, "{i}: {p}");
    }
}

/// What was text in the fit is text in new data, whatever it looks like there; no rows give no predictions.
#[test]
fn new_files_whose_factors_look_otherwise() {
    let folder = Folder::new("saved_fits_text");
    folder.write("d.csv", "g,x,y\n01,1,1\n02,2,3\nT,3,2\n01,4,5\n02,5,4\nT,6,8\n");
    said(
        &folder,
        &["lm", "y ~ g + x", "--data", "d.csv", "--save", "m.fit"],
    );
    said(
        &folder,
        &[
            "glm",
            "y ~ g + x",
            "--family",
            "poisson",
            "--data",
            "d.csv",
            "--save",
            "p.fit",
        ],
    );
    for fit in ["m.fit", "p.fit"] {
        let predict = |text: &str| {
            folder.write("n.csv", text);
            said(&folder, &["predict", fit, "--data", "n.csv", "--out", "o.csv"]);
            let text = folder.read("o.csv");
            text.lines().skip(1).map(String::from).collect::<Vec<_>>()
        };
        let all = predict("g,x\n01,1\n02,2\nT,3\n");
        assert_eq!(predict("g,x\n01,1\n02,2\n"), all[..2]);
        assert_eq!(predict("g,x\nT,3\n"), all[2..]);
        assert_eq!(predict("g,x\nNA,1\nNA,3\n"), ["NA", "NA"]);
        assert!(predict("g,x\n").is_empty());
    }
}

#[test]
fn numbers_in_one_file_and_text_in_another() {
    let folder = Folder::new("data_mixed");
    folder.write("n.csv", "y,x\n1,1\n2,2\n3,3\n4,2\n");
    folder.write("s.csv", "y,x\n1,a\n2,b\n3,a\n");
    let args = ["lm", "y ~ x", "--data", "n.csv", "--data", "s.csv"];
    let (_, said) = said(&folder, &args);
    assert!(
        said.contains("`x` is a number in n.csv and text in s.csv: it is taken for text"),
        "{said}"
    );
}
