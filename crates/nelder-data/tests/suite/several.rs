//! Several files as one source: folders, patterns, lists, partitions in paths, pipes.

use std::path::PathBuf;

use crate::common::{Cells, Csv, Folder, PLAIN, read, table, write_ipc, write_parquet, write_stream};
use nelder::frame::Source;
use nelder::model::{Lm, LmSpec, Regression, lm};
use nelder::pass::NoProgress;
use nelder_data::{DataError, Opened, TextOptions, open, open_all};
use parquet::basic::Compression;

fn all(paths: &[PathBuf]) -> Result<Opened, DataError> {
    open_all(paths, &TextOptions::default())
}

fn message(paths: &[PathBuf]) -> String {
    all(paths).err().expect("an error").to_string()
}

/// A table in parts, each of another format, is the table.
#[test]
fn parts_are_the_whole() {
    let (folder, table) = (Folder::new(), table());
    let whole = folder.file("whole.csv", PLAIN.text(&table));
    std::fs::create_dir(folder.path("parts")).unwrap();
    // the coded column is a factor in the one and text in the other, which sorts it
    write_parquet(
        &folder.path("parts/a.parquet"),
        &table.slice(0, 301),
        Compression::BROTLI(Default::default()),
        true,
        100,
    );
    write_ipc(&folder.path("parts/b.arrow"), &table.slice(301, 199), None, 50);
    write_stream(&folder.path("parts/c.arrows"), &table.slice(500, 1), 50);
    let text = |at: usize, n: usize, how: Csv| how.text(&table.slice(at, n));
    folder.file("parts/d.csv", text(501, 249, PLAIN));
    folder.file(
        "parts/e.csv",
        text(
            750,
            250,
            Csv {
                delimiter: ';',
                ..PLAIN
            },
        ),
    );
    folder.file("parts/_SUCCESS", "");
    folder.file("parts/.hidden.csv", "nothing");
    let alone = open(&whole).unwrap();
    let expected = read(&alone);
    let named: Vec<PathBuf> = ["a.parquet", "b.arrow", "c.arrows", "d.csv", "e.csv"]
        .iter()
        .map(|n| folder.path("parts").join(n))
        .collect();
    for paths in [vec![folder.path("parts")], vec![folder.path("parts/*.*")], named] {
        let source = all(&paths).unwrap();
        assert_eq!(source.rows(), Some(crate::common::ROWS as u64));
        for ((name, found), (_, expected)) in read(&source).iter().zip(&expected) {
            assert!(found == expected, "column {name}");
        }
        let formula = "y ~ x + i8 + flag * fruit + coded + awkward + factor(u64 > 18446744073209550000)";
        let (a, b) = (
            lm(&LmSpec::new(formula), &source, &NoProgress),
            lm(&LmSpec::new(formula), &alone, &NoProgress),
        );
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_eq!(a.coefnames(), b.coefnames());
        // bits, as aliased coefficients are no numbers
        let bits = |fit: &Lm<'_>| {
            fit.responses[0]
                .coefficients
                .iter()
                .map(|x| x.to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(bits(&a), bits(&b));
    }
}

#[test]
fn parts_of_paths_are_columns() {
    let folder = Folder::new();
    let mut rows = Vec::new();
    for (year, month, who) in [
        (2013, "01", "A%20B"),
        (2013, "02", "__HIVE_DEFAULT_PARTITION__"),
        (2014, "01", "C"),
    ] {
        let path = format!("d/year={year}/month={month}/who={who}");
        std::fs::create_dir_all(folder.path(&path)).unwrap();
        folder.file(
            &format!("{path}/part-0.csv"),
            format!("y,x\n{year}.5,1\n2,{month}\n"),
        );
        let who = match who {
            "A%20B" => Some("A B".to_string()),
            "C" => Some("C".to_string()),
            _ => None,
        };
        rows.extend([
            (f64::from(year), month, who.clone()),
            (f64::from(year), month, who),
        ]);
    }
    let numbers = |values: Vec<f64>| Cells::Numbers(values.into_iter().map(f64::to_bits).collect());
    for path in ["d", "d/year=*", "d/*/*/*/*.csv", "d/**/*.csv"] {
        let source = all(&[folder.path(path)]).unwrap();
        assert_eq!(
            source.schema().names(),
            ["y", "x", "year", "month", "who"],
            "{path}"
        );
        let columns = read(&source);
        assert_eq!(
            columns[2].1,
            numbers(rows.iter().map(|r| r.0).collect()),
            "{path}"
        );
        assert_eq!(
            columns[3].1,
            numbers(rows.iter().map(|r| r.1.parse().unwrap()).collect()),
            "{path}"
        );
        assert_eq!(
            columns[4].1,
            Cells::Text(rows.iter().map(|r| r.2.clone()).collect()),
            "{path}"
        );
    }
    // of files named one by one, what is the same for all is no column
    let one = |year: &str, month: &str, who: &str| {
        folder.path(&format!("d/year={year}/month={month}/who={who}/part-0.csv"))
    };
    let source = all(&[one("2013", "01", "A%20B"), one("2014", "01", "C")]).unwrap();
    assert_eq!(source.schema().names(), ["y", "x", "year", "who"]);
    assert_eq!(
        open(&one("2013", "01", "A%20B")).unwrap().schema().names(),
        ["y", "x"]
    );
}

#[test]
fn files_that_do_not_fit_together() {
    let folder = Folder::new();
    let a = folder.file("a.csv", "y,x,z,only\n1,2,3,4\n5,6,7,8\n");
    let b = folder.file("b.csv", "x,y,z\nn/a,2,\n3,4,\n");
    // a column that is text in one is text in all, and one without values is what it is elsewhere
    let source = all(&[a.clone(), b.clone()]).unwrap();
    assert_eq!(source.schema().names(), ["y", "x", "z"]);
    let texts = ["2", "6", "n/a", "3"].map(|t| Some(t.to_string()));
    assert_eq!(read(&source)[1].1, Cells::Text(texts.to_vec()));
    assert_eq!(source.unreadable()[0].0, "only");
    assert!(
        source.unreadable()[0].1.contains("b.csv"),
        "{:?}",
        source.unreadable()
    );
    assert!(message(&[a.clone(), a.clone()]).contains("named twice"));
    std::fs::create_dir(folder.path("empty")).unwrap();
    assert!(message(&[folder.path("empty")]).contains("no file of data"));
    assert!(message(&[folder.path("*.nothing")]).contains("no file of data"));
    assert!(message(&[folder.path("a[.csv")]).contains("a[.csv"));
    let table = table();
    write_parquet(&folder.path("p.parquet"), &table, Compression::SNAPPY, true, 300);
    let text = folder.file("q.csv", "y\nTRUE\n");
    let wrong = message(&[folder.path("p.parquet"), text]);
    assert!(
        wrong.contains("`y` is a number in") && wrong.contains("logical in"),
        "{wrong}"
    );
    let broken = folder.file("c.csv", "y,x,z\n1,2\n");
    assert!(message(&[a, broken]).contains("c.csv, line 2: "));
}

#[cfg(unix)]
#[test]
fn pipes_are_read_once() {
    let (folder, table) = (Folder::new(), table());
    write_parquet(&folder.path("t.parquet"), &table, Compression::SNAPPY, true, 300);
    write_ipc(&folder.path("t.arrow"), &table, None, 300);
    write_stream(&folder.path("t.arrows"), &table, 300);
    folder.file("t.csv", PLAIN.text(&table));
    let expected = read(&open(&folder.path("t.csv")).unwrap());
    for name in ["t.parquet", "t.arrow", "t.arrows", "t.csv"] {
        let pipe = folder.path(&format!("{name}.pipe"));
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let (from, to) = (folder.path(name), pipe.clone());
        let writer = std::thread::spawn(move || std::fs::copy(from, to).unwrap());
        let source = open(&pipe).unwrap();
        writer.join().unwrap();
        for _ in 0..2 {
            for ((column, found), (_, expected)) in read(&source).iter().zip(&expected) {
                assert!(found == expected, "{name}: column {column}");
            }
        }
    }
    let message = open("/dev/null".as_ref()).err().unwrap().to_string();
    assert!(message.contains("/dev/null is empty"), "{message}");
    let message = open("/dev/zero".as_ref()).err().unwrap().to_string();
    assert!(message.contains("/dev/zero is a terminal or device"), "{message}");
}
