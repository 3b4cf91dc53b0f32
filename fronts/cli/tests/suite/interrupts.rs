//! Signals: partial files go, the exit code says which it was, and what is ignored stays ignored.
#![cfg(unix)]

use std::io::Read;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::common::Folder;

/// A command that waits for the reader of its named pipe, with another output begun beside it.
fn waiting(name: &str, before: &str) -> (Folder, Child, std::fs::File) {
    let folder = Folder::new(name);
    let mut text = String::from("x,y\n");
    for i in 0..20_000 {
        text += &format!("{i},{}.5\n", (i * 7) % 11);
    }
    folder.write("d.csv", text);
    folder.write("old.fit", "old");
    let make = std::process::Command::new("mkfifo")
        .arg(folder.0.join("pipe.csv"))
        .status();
    assert!(make.unwrap().success());
    let line = format!(
        "{before} exec \"$N\" lm 'y ~ x' --data d.csv --augment pipe.csv --save old.fit --tidy new.csv"
    );
    let child = std::process::Command::new("sh")
        .args(["-c", &line])
        .env("N", env!("CARGO_BIN_EXE_nelder"))
        .current_dir(&folder.0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // a pipe holds less than the rows
    let mut pipe = std::fs::File::open(folder.0.join("pipe.csv")).unwrap();
    let mut first = [0u8; 16];
    pipe.read_exact(&mut first).unwrap();
    assert!(parts(&folder) > 0, "there is nothing to leave behind");
    (folder, child, pipe)
}

fn parts(folder: &Folder) -> usize {
    folder.files().iter().filter(|n| n.ends_with(".part")).count()
}

fn kill(child: &Child, signal: &str) {
    let sent = std::process::Command::new("kill")
        .args([&format!("-{signal}"), &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn a_signal_leaves_no_partial_files() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let (folder, mut child, pipe) = waiting(&format!("interrupts_{signal}"), "");
        let start = Instant::now();
        kill(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal}");
        assert!(start.elapsed() < Duration::from_secs(20));
        drop(pipe);
        assert_eq!(folder.files(), ["d.csv", "old.fit", "pipe.csv"], "{signal}");
        assert_eq!(folder.read("old.fit"), "old");
        let (mut printed, mut said) = (String::new(), String::new());
        child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(
            (printed.as_str(), said.as_str()),
            ("", "nelder: interrupted\n"),
            "{signal}"
        );
    }
}

#[test]
fn what_is_ignored_does_not_end_it() {
    let (folder, mut child, mut pipe) = waiting("interrupts_ignored", "trap '' HUP INT;");
    kill(&child, "HUP");
    kill(&child, "INT");
    std::thread::sleep(Duration::from_millis(1500));
    let mut rest = String::new();
    pipe.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.lines().count(), 20_001);
    assert!(child.wait().unwrap().success());
    assert_eq!(folder.files(), ["d.csv", "new.csv", "old.fit", "pipe.csv"]);
    assert!(folder.read("old.fit").starts_with("nelder-fit"));
}
