//! Standard output and standard error that are full or closed: no panic, and the table comes first.
#![cfg(unix)]

use std::fs::File;
use std::process::Stdio;

use crate::common::Folder;

/// Data of a model that warns, and of one that does not.
fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    // separated: x tells all of s
    folder.write(
        "d.csv",
        "y,x,x2,s\n1.5,1,2,0\n2.25,2,4,0\n3.5,3,6,0\n3.75,5,10,1\n6,8,16,1\n7,9,18,1\n",
    );
    folder
}

/// Calls that say something on standard error, whether they print on standard output, and their exit code.
const CALLS: [(&[&str], bool, i32); 6] = [
    (
        &["glm", "s ~ x", "--data", "d.csv", "--family", "binomial"],
        true,
        0,
    ),
    (
        &[
            "glm", "s ~ x", "--data", "d.csv", "--family", "binomial", "--json",
        ],
        true,
        0,
    ),
    (&["lm", "y ~ x", "--data", "d.csv", "--explain"], true, 0),
    (&["lm", "y ~ z", "--data", "d.csv"], false, 1),
    (&["lm", "y ~", "--data", "d.csv"], false, 2),
    (&["nonsense"], false, 2),
];

fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

#[test]
fn standard_error_that_takes_nothing() {
    let f = folder("streams_stderr");
    f.run(&["lm", "y ~ x + x2", "--data", "d.csv", "--save", "m.fit"]);
    for (args, prints, code) in CALLS {
        let usual = f.run(args);
        assert!(!usual.stderr.is_empty(), "{args:?} says nothing");
        for stderr in [full as fn() -> Stdio, closed] {
            let out = f.command(args).stderr(stderr()).output().unwrap();
            assert_eq!(out.status.code(), Some(code), "{args:?}");
            assert_eq!(out.stdout.is_empty(), !prints, "{args:?}");
            if args.last() != Some(&"--explain") && args.last() != Some(&"--json") {
                assert_eq!(out.stdout, usual.stdout, "{args:?}");
            }
        }
    }
    // predictions of an aliased fit come with a note
    for stderr in [full as fn() -> Stdio, closed] {
        let args = ["predict", "m.fit", "--data", "d.csv", "--out", "p.csv"];
        assert!(!f.run(&args).stderr.is_empty());
        let out = f.command(&args).stderr(stderr()).output().unwrap();
        assert!(out.status.success());
        assert_eq!(f.read("p.csv").lines().count(), 7);
    }
}

#[test]
fn standard_output_that_takes_nothing() {
    let f = folder("streams_stdout");
    for (args, prints, code) in CALLS {
        // whoever reads may leave
        let out = f.command(args).stdout(closed()).output().unwrap();
        assert_eq!(out.status.code(), Some(code), "{args:?}");
        // a full disk is an error
        let out = f.command(args).stdout(full()).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(
            out.status.code(),
            Some(if prints { 1 } else { code }),
            "{args:?}: {said}"
        );
        assert!(
            !prints || said.contains("standard output: No space left"),
            "{said}"
        );
        // both at once
        let out = f.command(args).stdout(full()).stderr(full()).output().unwrap();
        assert_eq!(out.status.code(), Some(if prints { 1 } else { code }), "{args:?}");
    }
    for help in ["--help", "--version"] {
        let out = f.command(&[help]).stdout(full()).output().unwrap();
        assert_eq!(out.status.code(), Some(1), "{help}");
    }
}

/// The table is on standard output before a warning is on standard error.
#[test]
fn the_table_comes_first() {
    let f = folder("streams_order");
    let out = std::process::Command::new("sh")
        .args(["-c", "\"$N\" glm 's ~ x' --data d.csv --family binomial 2>&1"])
        .env("N", env!("CARGO_BIN_EXE_nelder"))
        .current_dir(&f.0)
        .output()
        .unwrap();
    let all = String::from_utf8(out.stdout).unwrap();
    let (table, warning) = (all.find("Coefficients:"), all.find("nelder: warning:"));
    assert!(table.is_some() && table < warning, "{all}");
}
