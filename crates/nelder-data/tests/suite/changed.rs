//! A file that someone writes between two passes is an error, not a mixture.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::common::{Folder, PLAIN, table, write_ipc, write_parquet, write_stream};
use nelder::frame::Source;
use nelder_data::open;
use parquet::basic::Compression;

fn write(path: &Path, seed: usize) {
    let table = table();
    let table = table.slice(seed, 900);
    match path.extension().unwrap().to_str().unwrap() {
        "parquet" => write_parquet(path, &table, Compression::UNCOMPRESSED, true, 200),
        "arrow" => write_ipc(path, &table, None, 200),
        "arrows" => write_stream(path, &table, 200),
        _ => std::fs::write(path, PLAIN.text(&table)).unwrap(),
    }
}

fn later() {
    // clocks of file systems tick every few milliseconds
    std::thread::sleep(Duration::from_millis(50));
}

/// What someone does to a file.
type Change = fn(&Path);

#[test]
fn a_file_that_changes_between_passes() {
    let folder = Folder::new();
    for name in ["t.csv", "t.parquet", "t.arrow", "t.arrows"] {
        let path = folder.path(name);
        let changes: [(&str, Change); 4] = [
            ("rewritten", |path| write(path, 50)),
            ("the same bytes again", |path| {
                let bytes = std::fs::read(path).unwrap();
                std::fs::write(path, bytes).unwrap();
            }),
            ("cut short", |path| {
                let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
                file.set_len(file.metadata().unwrap().len() / 2).unwrap();
            }),
            ("grown", |path| {
                let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
                file.write_all(b"1,2\n").unwrap();
            }),
        ];
        for (what, change) in changes {
            write(&path, 0);
            later();
            let source = open(&path).unwrap();
            let all: Vec<usize> = (0..source.schema().fields.len()).collect();
            assert_eq!(source.scan(&all, &|_, _| true).unwrap().rows, 900, "{name}");
            later();
            change(&path);
            let message = source.scan(&all, &|_, _| true).unwrap_err().to_string();
            assert!(
                message.contains(name) && message.contains("changed while it was being read"),
                "{name} {what}: {message}"
            );
        }
    }
}

/// In the middle of a pass, too.
#[test]
fn a_file_that_changes_within_a_pass() {
    let folder = Folder::new();
    for name in ["t.csv", "t.parquet", "t.arrow"] {
        let path = folder.path(name);
        write(&path, 0);
        later();
        let source = open(&path).unwrap();
        let once = std::sync::Once::new();
        let message = source.scan(&[0], &|_, _| {
            once.call_once(|| write(&path, 50));
            true
        });
        let message = message.unwrap_err().to_string();
        assert!(
            message.contains("changed while it was being read"),
            "{name}: {message}"
        );
    }
}

/// A file that another one takes the name of is still there for who has it open; so is a compressed one that was read.
#[cfg(unix)]
#[test]
fn a_file_that_is_replaced_is_read_to_its_end() {
    let folder = Folder::new();
    let path = folder.path("t.csv");
    write(&path, 0);
    let source = open(&path).unwrap();
    later();
    let other = folder.path("other.csv");
    write(&other, 50);
    std::fs::rename(&other, &path).unwrap();
    let rows = source.scan(&[0], &|_, _| true).unwrap().rows;
    assert_eq!(rows, 900);
}
