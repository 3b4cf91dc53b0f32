//! Damaged, foreign and missing files: an error that names the file, or a table; never a panic, never a hang, never
//! memory out of proportion.

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use common::{Folder, PLAIN, noise, table, write_ipc, write_parquet};
use nelder::frame::Source;
use nelder::model::{LmSpec, lm};
use nelder::pass::NoProgress;
use nelder_data::{DataError, open};
use parquet::basic::{Compression, ZstdLevel};
use proptest::prelude::*;

/// Every column read, and a model of the first two; the error's message if there is one.
fn attempt(path: &Path) -> Result<(), String> {
    let begin = Instant::now();
    let result = everything(path);
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(20), "{} took {took:?}", path.display());
    result
}

fn everything(path: &Path) -> Result<(), String> {
    let source = open(path).map_err(|e| named(&e.to_string(), path))?;
    let names = source.schema().names();
    let all: Vec<usize> = (0..names.len()).collect();
    source
        .scan(&all, &|_, batch| {
            assert!(batch.columns.iter().all(|c| c.len() == batch.rows));
            true
        })
        .map_err(|e| named(&e.to_string(), path))?;
    if let [y, x, ..] = names[..] {
        // whatever the values are, a fit ends in a fit or a message
        let _ = lm(&LmSpec::new(&format!("`{y}` ~ `{x}`")), &source, &NoProgress);
    }
    Ok(())
}

fn named(message: &str, path: &Path) -> String {
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(message.contains(name), "{message:?} does not name {name}");
    assert!(message.len() < 2000, "a message of {} bytes", message.len());
    message.to_string()
}

/// A small file of each kind: name and bytes.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let (folder, table) = (Folder::new(), table());
    let small: RecordBatch = table.slice(0, 60);
    let zstd = Compression::ZSTD(ZstdLevel::default());
    write_parquet(
        &folder.path("snappy.parquet"),
        &small,
        Compression::SNAPPY,
        true,
        25,
    );
    write_parquet(&folder.path("zstd.parquet"), &small, zstd, false, 25);
    write_parquet(
        &folder.path("plain.parquet"),
        &small,
        Compression::UNCOMPRESSED,
        true,
        60,
    );
    write_ipc(&folder.path("plain.arrow"), &small, None, 25);
    write_ipc(
        &folder.path("lz4.arrow"),
        &small,
        Some(CompressionType::LZ4_FRAME),
        25,
    );
    write_ipc(
        &folder.path("zstd.arrow"),
        &small,
        Some(CompressionType::ZSTD),
        60,
    );
    folder.file("plain.csv", PLAIN.text(&small));
    let names = [
        "snappy.parquet",
        "zstd.parquet",
        "plain.parquet",
        "plain.arrow",
        "lz4.arrow",
        "zstd.arrow",
        "plain.csv",
    ];
    let mut out: Vec<(&'static str, Vec<u8>)> = Vec::new();
    for name in names {
        out.push((name, std::fs::read(folder.path(name)).unwrap()));
    }
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, &out[6].1).unwrap();
    out.push(("plain.csv.gz", gz.finish().unwrap()));
    out
}

#[test]
fn whole_samples_are_read() {
    let folder = Folder::new();
    for (name, bytes) in samples() {
        assert_eq!(attempt(&folder.file(name, bytes)), Ok(()), "{name}");
    }
}

/// Cut at each end of a part that is short, and at many places between.
#[test]
fn truncated_files() {
    let folder = Folder::new();
    for (name, bytes) in samples() {
        let n = bytes.len();
        let ends = (0..n.min(24)).chain(n.saturating_sub(64)..n);
        let between = (0..80).map(|i| (noise(i) * n as f64) as usize);
        for length in ends.chain(between) {
            let result = attempt(&folder.file(name, &bytes[..length]));
            if !name.ends_with(".csv") {
                assert!(result.is_err(), "{name} cut to {length} bytes was read");
            }
        }
    }
}

/// Each of many bytes, and each byte of the ends (headers and footers), set to its opposite, 0, 255 and its neighbours.
#[test]
fn flipped_bytes() {
    let folder = Folder::new();
    for (name, bytes) in samples() {
        let n = bytes.len();
        let ends = (0..64).chain(n.saturating_sub(200)..n);
        let between = (0..250).map(|i| (noise(i + 1000) * n as f64) as usize);
        for at in ends.chain(between) {
            let mut damaged = bytes.clone();
            let old = damaged[at];
            damaged[at] = [!old, 0, 0xff, old ^ 0x80, old.wrapping_add(1)][at % 5];
            let _ = attempt(&folder.file(name, &damaged));
        }
    }
}

/// Eight bytes in a row set to what a length must not be.
#[test]
fn impossible_lengths() {
    let folder = Folder::new();
    let lengths = [i64::MAX, i64::MIN, -2, 1 << 40, 1 << 33, i64::from(i32::MAX)];
    for (name, bytes) in samples() {
        for i in 0..150 {
            let at = (noise(i + 5000) * (bytes.len() - 8) as f64) as usize & !7;
            let mut damaged = bytes.clone();
            damaged[at..at + 8].copy_from_slice(&lengths[i % lengths.len()].to_le_bytes());
            let _ = attempt(&folder.file(name, &damaged));
        }
    }
}

/// The largest resident size so far, where the system tells.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

/// A record that never ends is not read into memory whole.
#[test]
fn an_open_quote_in_a_large_file() {
    let folder = Folder::new();
    let mut text = String::from("a,b\n1,\"2\n");
    while text.len() < 100 << 20 {
        text.push_str("3,4\n5,6\n7,8\n9,10\n3,4\n5,6\n7,8\n9,10\n");
    }
    let before = peak_mib();
    let path = folder.file("quote.csv", text);
    let message = attempt(&path).unwrap_err();
    assert!(
        message.contains("line 2: ") && message.contains("is a quote not closed?"),
        "{message}"
    );
    if let (Some(before), Some(after)) = (before, peak_mib()) {
        let more = after.saturating_sub(before);
        assert!(more < 200, "{more} MiB");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600), kind in 0..8usize) {
        let extension = ["parquet", "arrow", "feather", "csv", "tsv", "txt", "csv.gz", "dat"][kind];
        let folder = Folder::new();
        let _ = attempt(&folder.file(&format!("any.{extension}"), &bytes));
        // and between the marks of the format
        let mark: &[u8] = if kind == 0 { b"PAR1" } else { b"ARROW1" };
        let _ = attempt(&folder.file(&format!("marked.{extension}"), [mark, &bytes, mark].concat()));
    }

    #[test]
    fn arbitrary_text(text in "[ab1,;\t\"\r\n .eENATRUE-]{0,200}") {
        let folder = Folder::new();
        let _ = attempt(&folder.file("any.csv", &text));
    }
}

#[test]
fn missing_files_and_near_names() {
    let folder = Folder::new();
    folder.file("flights.csv", "a,b\n1,2\n");
    folder.file("unrelated.csv", "a,b\n1,2\n");
    for wrong in ["flight.csv", "flights.parquet", "Flights.csv", "flihgts.csv"] {
        let message = attempt(&folder.path(wrong)).unwrap_err();
        let hint = format!("did you mean {}?", folder.path("flights.csv").display());
        assert!(
            message.starts_with("no file ") && message.contains(&hint),
            "{message}"
        );
    }
    assert!(
        !attempt(&folder.path("quite-different.csv"))
            .unwrap_err()
            .contains("did you mean")
    );
    let nowhere = folder.path("no-such-folder").join("flights.csv");
    assert!(matches!(open(&nowhere), Err(DataError::Missing { .. })));
    for directory in ["folder", "folder.csv", "folder.parquet", "folder.arrow"] {
        std::fs::create_dir(folder.path(directory)).unwrap();
        let message = attempt(&folder.path(directory)).unwrap_err();
        assert!(message.contains("there is no file of data in it"), "{message}");
    }
}

#[cfg(unix)]
#[test]
fn files_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    for name in ["secret.csv", "secret.parquet", "secret.arrow"] {
        let path = folder.file(name, "a,b\n1,2\n");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
        if std::fs::File::open(&path).is_ok() {
            eprintln!("skipped: this user (root) may read every file");
            return;
        }
        assert!(attempt(&path).unwrap_err().contains("ermission"));
    }
}

/// The content tells where it can; else the message says what is known.
#[test]
fn wrong_extensions() {
    let folder = Folder::new();
    for (name, bytes) in samples() {
        for extension in ["csv", "parquet", "arrow", "dat", "CSV"] {
            let result = attempt(&folder.file(&format!("renamed.{extension}"), &bytes));
            if name.ends_with(".parquet") || name.ends_with(".arrow") {
                assert_eq!(result, Ok(()), "{name} as {extension}");
            } else if !extension.eq_ignore_ascii_case("csv") {
                assert!(result.is_err(), "{name} as {extension}");
            }
        }
    }
    let unknown = attempt(&folder.file("table.xlsx", b"PK\x03\x04 and so on")).unwrap_err();
    assert!(unknown.contains("known are Parquet"), "{unknown}");
    let text = attempt(&folder.file("table.parquet", "a,b\n1,2\n")).unwrap_err();
    assert!(
        text.contains("not a readable Parquet file") && text.contains("PAR1"),
        "{text}"
    );
    let text = attempt(&folder.file("table.arrow", "a,b\n1,2\n")).unwrap_err();
    assert!(
        text.contains("not a readable Arrow IPC file") && text.contains("ARROW1"),
        "{text}"
    );
    let zipped = attempt(&folder.file("table.csv", b"\x1f\x8b\x08\0\0\0\0\0")).unwrap_err();
    assert!(zipped.contains(".gz"), "{zipped}");
}
