//! Outputs take nothing away: links, modes, pipes and devices stay what they are, inputs are refused, what cannot be
//! written is found out before the fit, and a failure leaves files as they were.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use crate::common::Folder;

const DATA: &str = "x,g,y\n1,a,2.5\n2,b,3.1\n3,a,4.9\n4,b,4.2\n5,c,9.5\n6,c,10.75\n7,a,8.25\n8,b,7.5\n";
const MODEL: [&str; 4] = ["lm", "y ~ x", "--data", "d.csv"];
const HEAD: &str = "term,estimate,";

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("d.csv", DATA);
    folder
}

fn with<'a>(args: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [args, more].concat()
}

/// Runs a line of the shell in which `"$N"` is the command.
fn shell(folder: &Folder, line: &str) -> Output {
    Command::new("sh")
        .args(["-c", line])
        .env("N", env!("CARGO_BIN_EXE_nelder"))
        .current_dir(&folder.0)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn links_lead_to_the_file_that_is_written() {
    let f = folder("outputs_links");
    fs::create_dir(f.0.join("there")).unwrap();
    f.write("there/old.csv", "old");
    symlink("there/old.csv", f.0.join("one.csv")).unwrap();
    symlink(f.0.join("one.csv"), f.0.join("two.csv")).unwrap();
    symlink("there/new.csv", f.0.join("broken.csv")).unwrap();
    symlink("there", f.0.join("folder")).unwrap();
    for (name, target) in [
        ("one.csv", "there/old.csv"),
        ("two.csv", "there/old.csv"),
        ("broken.csv", "there/new.csv"),
    ] {
        f.write("there/old.csv", "old");
        f.ok(&with(&MODEL, &["--tidy", name]));
        assert!(
            fs::symlink_metadata(f.0.join(name)).unwrap().is_symlink(),
            "{name}"
        );
        assert!(f.read(target).starts_with(HEAD), "{name}");
    }
    f.ok(&with(&MODEL, &["--tidy", "folder/../there/third.csv"]));
    assert!(f.read("there/third.csv").starts_with(HEAD));
    let mut names: Vec<String> = fs::read_dir(f.0.join("there"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["new.csv", "old.csv", "third.csv"]);
}

#[test]
fn other_names_modes_and_owners_stay() {
    let f = folder("outputs_modes");
    for mode in [0o600, 0o640, 0o664, 0o755] {
        f.write("t.csv", "old");
        fs::set_permissions(f.0.join("t.csv"), fs::Permissions::from_mode(mode)).unwrap();
        f.ok(&with(&MODEL, &["--tidy", "t.csv"]));
        let about = fs::metadata(f.0.join("t.csv")).unwrap();
        assert_eq!(about.mode() & 0o7777, mode);
        assert!(f.read("t.csv").starts_with(HEAD));
    }
    // another owner, where the test may give files away
    if std::os::unix::fs::chown(f.0.join("t.csv"), Some(1234), Some(1235)).is_ok() {
        f.ok(&with(&MODEL, &["--tidy", "t.csv"]));
        let about = fs::metadata(f.0.join("t.csv")).unwrap();
        assert_eq!((about.uid(), about.gid()), (1234, 1235));
    }
    // a file of two names, with every kind of output, shorter and longer than before
    f.ok(&with(&MODEL, &["--save", "m.fit"]));
    let long = "old".repeat(10_000);
    for (option, name) in [
        ("--tidy", "a.csv"),
        ("--save", "a.fit"),
        ("--augment", "a.parquet"),
    ] {
        for old in ["old", &long] {
            let other = format!("other-{name}");
            let _ = fs::remove_file(f.0.join(name));
            f.write(&other, old);
            fs::hard_link(f.0.join(&other), f.0.join(name)).unwrap();
            let out = f.run(&with(&MODEL, &[option, name]));
            assert!(out.status.success(), "{}", text(&out.stderr));
            assert_eq!(fs::metadata(f.0.join(name)).unwrap().nlink(), 2);
            let (one, two) = (
                fs::read(f.0.join(name)).unwrap(),
                fs::read(f.0.join(&other)).unwrap(),
            );
            assert!(one == two && one != old.as_bytes(), "{option}");
            fs::remove_file(f.0.join(&other)).unwrap();
        }
    }
    // what was written over is whole
    f.ok(&["predict", "a.fit", "--data", "a.parquet", "--out", "p.csv"]);
    assert_eq!(f.read("p.csv").lines().count(), 9);
}

#[test]
fn streams_are_written_to() {
    let f = folder("outputs_streams");
    f.ok(&with(&MODEL, &["--tidy", "t.csv"]));
    let (tidy, table) = (f.read("t.csv"), f.ok(&MODEL));
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "-"] {
        if !name.starts_with("/proc") || Path::new("/proc").exists() {
            assert_eq!(f.ok(&with(&MODEL, &["--tidy", name])), tidy, "{name}");
        }
    }
    let out = f.run(&with(&MODEL, &["--tidy", "/dev/stderr"]));
    assert_eq!(
        (text(&out.stdout), text(&out.stderr)),
        (String::new(), tidy.clone())
    );
    assert_eq!(f.ok(&with(&MODEL, &["--save", "/dev/null"])), table);
    for device in ["/dev/null", "/dev/full"] {
        assert!(fs::metadata(device).unwrap().file_type().is_char_device());
    }
    // standard output is a file, which is written on and not begun again
    let out = shell(
        &f,
        "\"$N\" lm 'y ~ x' --data d.csv --tidy /dev/stdout --explain > all.txt",
    );
    assert!(out.status.success(), "{}", text(&out.stderr));
    let all = f.read("all.txt");
    assert!(
        all.starts_with(&tidy) && all[tidy.len()..].contains("Computed by "),
        "{all}"
    );
    let out = shell(&f, "\"$N\" lm 'y ~ x' --data d.csv --tidy /dev/stdout >> t.csv");
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(f.read("t.csv"), tidy.repeat(2));
    // another open file
    let out = shell(&f, "\"$N\" lm 'y ~ x' --data d.csv --tidy /dev/fd/3 3> three.csv");
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(f.read("three.csv"), tidy);
    // a fit from a pipe of names
    let out = shell(
        &f,
        "\"$N\" lm 'y ~ x' --data d.csv --tidy /dev/null --save - > m.fit",
    );
    assert!(out.status.success(), "{}", text(&out.stderr));
    f.ok(&["anova", "m.fit"]);
    assert_eq!(f.files(), ["all.txt", "d.csv", "m.fit", "t.csv", "three.csv"]);
}

#[test]
fn a_named_pipe_stays_one() {
    let f = folder("outputs_fifo");
    for (name, option) in [
        ("pipe.csv", "--tidy"),
        ("pipe.parquet", "--augment"),
        ("pipe.fit", "--save"),
    ] {
        assert!(shell(&f, &format!("mkfifo {name}")).status.success());
        let path = f.0.join(name);
        let reader = std::thread::spawn(move || fs::read(path).unwrap());
        let out = f.run(&with(&MODEL, &[option, name]));
        assert!(out.status.success(), "{}", text(&out.stderr));
        let read = reader.join().unwrap();
        let begins: &[u8] = match option {
            "--tidy" => HEAD.as_bytes(),
            "--save" => b"nelder-fit",
            _ => b"PAR1",
        };
        assert!(read.starts_with(begins), "{name}");
        assert!(fs::metadata(f.0.join(name)).unwrap().file_type().is_fifo());
    }
    // a fit that fails lets the reader go
    let path = f.0.join("pipe.csv");
    let reader = std::thread::spawn(move || fs::read(path).unwrap());
    f.fails(1, &["lm", "y ~ z", "--data", "d.csv", "--tidy", "pipe.csv"]);
    assert!(reader.join().unwrap().is_empty());
}

#[test]
fn inputs_are_no_outputs() {
    let f = folder("outputs_inputs");
    f.ok(&with(&MODEL, &["--save", "m.fit"]));
    fs::create_dir(f.0.join("sub")).unwrap();
    symlink("d.csv", f.0.join("link.csv")).unwrap();
    symlink("link.csv", f.0.join("sub.csv")).unwrap();
    fs::hard_link(f.0.join("d.csv"), f.0.join("hard.csv")).unwrap();
    fs::hard_link(f.0.join("m.fit"), f.0.join("m.csv")).unwrap();
    symlink(".", f.0.join("here")).unwrap();
    let whole = f.0.join("d.csv");
    let names = [
        "d.csv",
        "./d.csv",
        "sub/../d.csv",
        "here/d.csv",
        "link.csv",
        "sub.csv",
        "hard.csv",
        whole.to_str().unwrap(),
    ];
    let fit = f.read("m.fit");
    for data in ["d.csv", "link.csv", "here/hard.csv"] {
        for name in names {
            let lm = ["lm", "y ~ x", "--data", data];
            let glm = ["glm", "y ~ x", "--data", data];
            let prcomp = ["prcomp", "~ x + y", "--data", data];
            let predict = ["predict", "m.fit", "--data", data];
            for (model, option) in [
                (&lm[..], "--tidy"),
                (&lm, "--save"),
                (&lm, "--augment"),
                (&glm, "--tidy"),
                (&glm, "--save"),
                (&glm, "--augment"),
                (&prcomp, "--scores"),
                (&prcomp, "--scree"),
                (&predict, "--out"),
            ] {
                let said = f.fails(2, &with(model, &[option, name]));
                assert!(
                    said.contains(option) && said.contains("would write over what is read"),
                    "{said}"
                );
            }
        }
    }
    let said = f.fails(2, &["predict", "m.fit", "--data", "d.csv", "--out", "m.csv"]);
    assert!(said.contains("would write over what is read, m.fit"), "{said}");
    // standard output is the data
    for line in [
        "\"$N\" lm 'y ~ x' --data d.csv >> d.csv",
        "\"$N\" lm 'y ~ x' --data d.csv --json >> hard.csv",
        "\"$N\" lm 'y ~ x' --data d.csv --tidy /dev/stdout >> d.csv",
        "\"$N\" predict m.fit --data d.csv --out p.csv >> m.csv",
    ] {
        let out = shell(&f, line);
        assert_eq!(out.status.code(), Some(2), "{line}");
        assert!(
            text(&out.stderr).contains("would write over what is read"),
            "{line}"
        );
    }
    assert_eq!((f.read("d.csv"), f.read("m.fit")), (DATA.to_string(), fit));
}

#[test]
fn outputs_have_names_of_their_own() {
    let f = folder("outputs_twice");
    fs::create_dir(f.0.join("sub")).unwrap();
    symlink("new.csv", f.0.join("link.csv")).unwrap();
    symlink(".", f.0.join("here")).unwrap();
    f.write("old.csv", "old");
    fs::hard_link(f.0.join("old.csv"), f.0.join("hard.csv")).unwrap();
    for (one, two) in [
        ("new.csv", "new.csv"),
        ("new.csv", "./new.csv"),
        ("new.csv", "sub/../new.csv"),
        ("here/new.csv", "new.csv"),
        ("link.csv", "new.csv"),
        ("old.csv", "hard.csv"),
        ("old.csv", "here/old.csv"),
    ] {
        for (first, second) in [
            ("--tidy", "--save"),
            ("--save", "--augment"),
            ("--augment", "--tidy"),
        ] {
            let said = f.fails(2, &with(&MODEL, &[first, one, second, two]));
            assert!(said.contains("are the same file"), "{said}");
        }
        let pca = [
            "prcomp", "~ x + y", "--data", "d.csv", "--scores", one, "--scree", two,
        ];
        let said = f.fails(2, &pca);
        assert!(
            said.contains("--scree") && said.contains("are the same file"),
            "{said}"
        );
    }
    assert_eq!(f.read("old.csv"), "old");
    let said = f.fails(2, &with(&MODEL, &["--tidy", "/dev/stdout", "--save", "-"]));
    assert!(said.contains("are the same file"), "{said}");
    let out = shell(&f, "\"$N\" lm 'y ~ x' --data d.csv --save m.fit > m.fit");
    assert_eq!(out.status.code(), Some(2), "{}", text(&out.stderr));
    // what takes anything takes two
    f.ok(&with(&MODEL, &["--tidy", "/dev/null", "--save", "/dev/null"]));
}

#[test]
fn what_cannot_be_written_is_found_out_before_the_fit() {
    let f = folder("outputs_before");
    fs::create_dir(f.0.join("sub")).unwrap();
    symlink("b.csv", f.0.join("a.csv")).unwrap();
    symlink("a.csv", f.0.join("b.csv")).unwrap();
    symlink("nowhere/x.csv", f.0.join("broken.csv")).unwrap();
    let long = format!("{}.csv", "x".repeat(300));
    for (name, what) in [
        ("nowhere/x.csv", "there is no folder nowhere; make it first"),
        ("broken.csv", "there is no folder"),
        ("d.csv/x.csv", "Not a directory"),
        ("sub", "is a directory"),
        ("sub/", "is a directory"),
        ("x.csv/", "is a directory"),
        (".", "is a directory"),
        ("..", "is a directory"),
        ("a.csv", "links"),
        (&long, "too long"),
    ] {
        for option in ["--tidy", "--save"] {
            // there is no column `z`: the fit would say so
            let said = f.fails(1, &["lm", "y ~ z", "--data", "d.csv", option, name]);
            assert!(said.contains(what) && !said.contains("`z`"), "{name}: {said}");
        }
    }
    let said = f.fails(
        1,
        &["prcomp", "~ z", "--data", "d.csv", "--scree", "nowhere/a.svg"],
    );
    assert!(said.contains("there is no folder"), "{said}");
    let said = f.fails(
        1,
        &["prcomp", "~ z", "--data", "d.csv", "--scores", "nowhere/a.csv"],
    );
    assert!(said.contains("there is no folder"), "{said}");
    let said = f.fails(
        1,
        &["lm", "y ~ z", "--data", "d.csv", "--augment", "nowhere/a.csv"],
    );
    assert!(said.contains("there is no folder"), "{said}");
    f.fails(2, &["lm", "y ~ z", "--data", "d.csv", "--tidy="]);
    // names that are only odd
    for name in [
        "a b.csv",
        "line\nbreak.csv",
        "-x.csv",
        "größe.csv",
        &"y".repeat(255),
    ] {
        f.ok(&with(&MODEL, &[&format!("--tidy={name}")]));
        assert!(f.read(name).starts_with(HEAD), "{name:?}");
        fs::remove_file(f.0.join(name)).unwrap();
    }
    // a file that may not be written, in a folder that may: root may write it
    f.write("kept.csv", "kept");
    fs::set_permissions(f.0.join("kept.csv"), fs::Permissions::from_mode(0o444)).unwrap();
    if fs::OpenOptions::new()
        .write(true)
        .open(f.0.join("kept.csv"))
        .is_err()
    {
        f.fails(1, &["lm", "y ~ z", "--data", "d.csv", "--tidy", "kept.csv"]);
        assert_eq!(f.read("kept.csv"), "kept");
    }
}

#[test]
fn a_failure_leaves_files_as_they_were_and_the_table() {
    let f = folder("outputs_full");
    let table = f.ok(&MODEL);
    for option in ["--tidy", "--save"] {
        let out = f.run(&with(&MODEL, &[option, "/dev/full"]));
        assert_eq!(out.status.code(), Some(1));
        assert_eq!(text(&out.stdout), table, "{option}");
        assert!(
            text(&out.stderr).contains("/dev/full: No space left"),
            "{}",
            text(&out.stderr)
        );
    }
    // a limit of 512 or 1,024 bytes to what a file may hold
    let mut rows = String::from("x,y\n");
    for i in 0..2000 {
        rows += &format!("{i},{}\n", (i * 7) % 11);
    }
    f.write("many.csv", rows);
    let table = f.ok(&["lm", "y ~ x", "--data", "many.csv"]);
    f.write("a.csv", "old");
    f.write("h.csv", "old");
    fs::hard_link(f.0.join("h.csv"), f.0.join("i.csv")).unwrap();
    let before = f.files();
    for name in ["a.csv", "h.csv", "new.csv", "new.parquet"] {
        let line = format!("ulimit -f 1; \"$N\" lm 'y ~ x' --data many.csv --augment {name}");
        let out = shell(&f, &line);
        assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
        assert_eq!(text(&out.stdout), table);
        assert!(
            text(&out.stderr).contains("File too large"),
            "{}",
            text(&out.stderr)
        );
        assert_eq!(f.files(), before);
    }
    assert_eq!((f.read("a.csv"), f.read("i.csv")), ("old".into(), "old".into()));
}
