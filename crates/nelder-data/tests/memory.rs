//! Memory does not grow with the number of rows: the peak of a process that fits a short file and of one that fits a
//! long file.

mod common;

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use common::{Folder, noise};
use nelder::model::{LmSpec, lm};
use nelder::pass::NoProgress;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

const GROUP: usize = 100_000;
const SHORT: usize = 500_000;
/// More rows than a fit keeps residuals of for their quantiles: up to there it holds 16 bytes a row.
const LONG: usize = 4_500_000;
/// Names the file that a child process fits.
const CHILD: &str = "NELDER_MEMORY_CHILD";

fn group(first: usize) -> RecordBatch {
    let real = |k: usize| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(
            (0..GROUP).map(|i| noise(first + i + k) * 100.0),
        ))
    };
    let whole = Int32Array::from_iter_values((0..GROUP).map(|i| ((first + i) % 365) as i32));
    let text = StringArray::from_iter_values((0..GROUP).map(|i| ["a", "b", "c", "d"][(first + i) % 4]));
    let columns: [(&str, ArrayRef); 5] = [
        ("y", real(1)),
        ("x", real(2)),
        ("z", real(3)),
        ("day", Arc::new(whole)),
        ("g", Arc::new(text)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn write_parquet(path: &Path, rows: usize) {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP))
        .build();
    // the groups repeat: what they hold makes no difference, and the test is short
    let one = group(0);
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, one.schema(), Some(properties)).unwrap();
    for _ in 0..rows / GROUP {
        writer.write(&one).unwrap();
    }
    writer.close().unwrap();
}

fn write_csv(path: &Path, rows: usize) {
    let mut lines = String::new();
    for i in 0..GROUP {
        let letter = ["a", "b", "c", "d"][i % 4];
        lines += &format!(
            "{:.4},{:.4},{:.4},{},{letter}\n",
            noise(i),
            noise(i + 1),
            noise(i + 2),
            i % 365
        );
    }
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    out.write_all(b"y,x,z,day,g\n").unwrap();
    for _ in 0..rows / GROUP {
        out.write_all(lines.as_bytes()).unwrap();
    }
    out.flush().unwrap();
}

fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// What a child process does; nothing without a file to fit.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let source = nelder_data::open(Path::new(&path)).unwrap();
    let fit = lm(&LmSpec::new("y ~ x + z + day + g"), &source, &NoProgress).unwrap();
    println!("rows {} peak {}", fit.rows(), peak_kib().unwrap_or(0));
}

/// Peak memory of a process that fits a file, in KiB.
fn peak(path: &Path, rows: usize) -> u64 {
    let out = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, path)
        // every worker has its own buffers
        .env("RAYON_NUM_THREADS", "2")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(
        out.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let at = said
        .find(&format!("rows {rows} peak "))
        .expect("a report of the child");
    let words: Vec<&str> = said[at..].split_whitespace().take(4).collect();
    words[3].parse().unwrap()
}

fn compare(name: &str, write: fn(&Path, usize)) {
    if peak_kib().is_none() {
        eprintln!("skipped: this system does not tell a process's peak memory");
        return;
    }
    let folder = Folder::new();
    let (short, long) = (
        folder.path(&format!("short.{name}")),
        folder.path(&format!("long.{name}")),
    );
    write(&short, SHORT);
    write(&long, LONG);
    let (few, many) = (peak(&short, SHORT), peak(&long, LONG));
    println!(
        "{name}: {} MiB for {SHORT} rows, {} MiB for {LONG} rows",
        few >> 10,
        many >> 10
    );
    assert!(
        many.saturating_sub(few) < 20 << 10,
        "{name}: {few} KiB grows to {many} KiB"
    );
}

#[test]
fn parquet_files() {
    compare("parquet", write_parquet);
}

#[test]
fn csv_files() {
    compare("csv", write_csv);
}
