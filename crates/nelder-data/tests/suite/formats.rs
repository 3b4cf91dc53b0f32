//! The same table in every format is the same columns and the same answer; what text means.

use crate::common::{Cells, Csv, Folder, PLAIN, read, table, write_ipc, write_parquet, write_stream};
use arrow_ipc::CompressionType;
use nelder::frame::Source;
use nelder::model::{LmSpec, Regression, lm};
use nelder::pass::NoProgress;
use nelder_data::open;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};

/// Names and bits of everything that a fit says.
fn answer(source: &dyn Source) -> (Vec<String>, Vec<u64>) {
    let formula =
        "y ~ x + single + i8 + i16 + u8 + u16 + flag * fruit + as.character(coded) + awkward + day + milli";
    let fit = lm(&LmSpec::new(formula), source, &NoProgress).unwrap();
    let r = &fit.responses[0];
    let numbers = r
        .coefficients
        .iter()
        .chain(&r.std_errors)
        .chain([&r.rss, &r.sigma]);
    (fit.coefnames().to_vec(), numbers.map(|x| x.to_bits()).collect())
}

#[test]
fn every_format_gives_the_same_columns_and_the_same_fit() {
    let (folder, table) = (Folder::new(), table());
    let mut files = Vec::new();
    let codecs = [
        ("none", Compression::UNCOMPRESSED),
        ("snappy", Compression::SNAPPY),
        ("gzip", Compression::GZIP(GzipLevel::default())),
        ("zstd", Compression::ZSTD(ZstdLevel::default())),
        ("lz4", Compression::LZ4_RAW),
        ("brotli", Compression::BROTLI(BrotliLevel::default())),
    ];
    for (name, codec) in codecs {
        for dictionary in [true, false] {
            let path = folder.path(&format!("{name}-{dictionary}.parquet"));
            write_parquet(&path, &table, codec, dictionary, 300);
            files.push(path);
        }
    }
    for (name, codec, rows) in [
        ("whole", None, 1000),
        ("parts", None, 130),
        ("lz4", Some(CompressionType::LZ4_FRAME), 400),
        ("zstd", Some(CompressionType::ZSTD), 400),
    ] {
        let path = folder.path(&format!("{name}.arrow"));
        write_ipc(&path, &table, codec, rows);
        files.push(path);
        let path = folder.path(&format!("{name}-stream.arrows"));
        write_stream(&path, &table, rows);
        files.push(path);
    }
    let texts = [
        ("plain.csv", PLAIN),
        (
            "quoted.csv",
            Csv {
                quote_all: true,
                ..PLAIN
            },
        ),
        (
            "crlf.csv",
            Csv {
                line_end: "\r\n",
                ..PLAIN
            },
        ),
        ("bom.csv", Csv { bom: true, ..PLAIN }),
        (
            "unended.csv",
            Csv {
                last_line_end: false,
                ..PLAIN
            },
        ),
        (
            "crlf-unended.csv",
            Csv {
                line_end: "\r\n",
                last_line_end: false,
                bom: true,
                ..PLAIN
            },
        ),
        ("empty.csv", Csv { missing: "", ..PLAIN }),
        (
            "tabs.tsv",
            Csv {
                delimiter: '\t',
                ..PLAIN
            },
        ),
        (
            "TABS.TSV",
            Csv {
                delimiter: '\t',
                ..PLAIN
            },
        ),
        (
            "bars.csv",
            Csv {
                delimiter: '|',
                ..PLAIN
            },
        ),
        (
            "semicolons.csv",
            Csv {
                delimiter: ';',
                ..PLAIN
            },
        ),
        (
            "tabs.txt",
            Csv {
                delimiter: '\t',
                quote_all: true,
                ..PLAIN
            },
        ),
    ];
    for (name, how) in texts {
        files.push(folder.file(name, how.text(&table)));
    }
    for (name, from) in [
        ("plain.csv.gz", "plain.csv"),
        ("tabs.tsv.gz", "tabs.tsv"),
        ("p.parquet.gz", "none-true.parquet"),
    ] {
        files.push(folder.file(name, gzip(&std::fs::read(folder.path(from)).unwrap())));
    }
    let first = open(&files[0]).unwrap();
    let (columns, fit) = (read(&first), answer(&first));
    assert_eq!(columns.len(), table.num_columns());
    for path in &files[1..] {
        let source = open(path).unwrap();
        assert_eq!(
            source.rows(),
            Some(crate::common::ROWS as u64),
            "{}",
            path.display()
        );
        for ((name, found), (_, expected)) in read(&source).iter().zip(&columns) {
            assert!(found == expected, "{}: column {name}", path.display());
        }
        let found = answer(&source);
        assert_eq!(found.0, fit.0, "{}", path.display());
        for (i, (a, b)) in found.1.iter().zip(&fit.1).enumerate() {
            let (a, b) = (f64::from_bits(*a), f64::from_bits(*b));
            assert!(
                a.to_bits() == b.to_bits(),
                "{}: number {i}: {a:e}, not {b:e}",
                path.display()
            );
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn columns_may_be_asked_for_in_any_order_and_twice() {
    let (folder, table) = (Folder::new(), table());
    write_parquet(&folder.path("t.parquet"), &table, Compression::SNAPPY, true, 300);
    write_ipc(&folder.path("t.arrow"), &table, None, 300);
    folder.file("t.csv", PLAIN.text(&table));
    for name in ["t.parquet", "t.arrow", "t.csv"] {
        let source = open(&folder.path(name)).unwrap();
        let wanted: Vec<usize> = ["price", "y", "coded", "y"]
            .iter()
            .map(|n| source.schema().position(n).unwrap())
            .collect();
        let seen = std::sync::Mutex::new(0);
        source
            .scan(&wanted, &|_, batch| {
                let lengths: Vec<usize> = batch.columns.iter().map(|c| c.len()).collect();
                assert_eq!(lengths, [batch.rows; 4], "{name}");
                assert_eq!(
                    format!("{:?}", batch.columns[1]),
                    format!("{:?}", batch.columns[3]),
                    "{name}"
                );
                assert!(
                    matches!(batch.columns[2], nelder::frame::Column::Codes { .. }),
                    "{name}"
                );
                *seen.lock().unwrap() += batch.rows;
                true
            })
            .unwrap();
        assert_eq!(seen.into_inner().unwrap(), crate::common::ROWS, "{name}");
        assert_eq!(
            source
                .scan(&[], &|_, batch| batch.columns.is_empty())
                .unwrap()
                .rows,
            crate::common::ROWS as u64
        );
    }
}

/// R's missing integer is an ordinary value of a file's 32 bits.
#[test]
fn the_smallest_integer_is_a_number() {
    use arrow_array::{Int32Array, RecordBatch};
    let folder = Folder::new();
    let values = Int32Array::from(vec![Some(i32::MIN), Some(1), None, Some(i32::MAX)]);
    let batch = RecordBatch::try_from_iter([("x", std::sync::Arc::new(values) as _)]).unwrap();
    write_parquet(&folder.path("t.parquet"), &batch, Compression::SNAPPY, true, 2);
    let source = open(&folder.path("t.parquet")).unwrap();
    let expected = [f64::from(i32::MIN), 1.0, f64::NAN, f64::from(i32::MAX)].map(f64::to_bits);
    assert_eq!(
        read(&source),
        [("x".to_string(), Cells::Numbers(expected.to_vec()))]
    );
    let frame = nelder_data::columns_to_memory(&source, &["x"]).unwrap();
    assert_eq!(read(&frame), read(&source));
}

/// R drops levels that no row has, and a dictionary may hold more than the rows of a file use. Those that are left keep
/// the dictionary's order, which is that of the rows in a Parquet file by this writer.
#[test]
fn unused_entries_of_a_dictionary_are_no_levels() {
    use arrow_array::{Float64Array, RecordBatch, StringArray, types::Int32Type};
    let folder = Folder::new();
    let keys = arrow_array::Int32Array::from(vec![Some(3), Some(1), None, Some(3), Some(1), Some(1)]);
    let values = StringArray::from(vec![
        Some("unused"),
        Some("b"),
        None,
        Some("a"),
        Some("unused too"),
    ]);
    let d = arrow_array::DictionaryArray::<Int32Type>::new(keys, std::sync::Arc::new(values));
    let y = Float64Array::from(vec![1.0, 2.0, 3.0, 4.0, 5.0, 7.0]);
    let columns: [(&str, arrow_array::ArrayRef); 2] =
        [("y", std::sync::Arc::new(y)), ("d", std::sync::Arc::new(d))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    write_ipc(&folder.path("t.arrow"), &batch, None, 4);
    write_parquet(&folder.path("t.parquet"), &batch, Compression::SNAPPY, true, 4);
    folder.file("t.csv", "y,d\n1,a\n2,b\n3,\n4,a\n5,b\n7,b\n");
    for (name, other, base) in [
        ("t.arrow", "da", 14.0 / 3.0),
        ("t.parquet", "db", 2.5),
        ("t.csv", "db", 2.5),
    ] {
        let source = open(&folder.path(name)).unwrap();
        let fit = lm(&LmSpec::new("y ~ d"), &source, &NoProgress).unwrap();
        assert_eq!(
            (fit.coefnames(), fit.rows()),
            (&["(Intercept)".to_string(), other.to_string()][..], 5),
            "{name}"
        );
        assert_eq!(fit.responses[0].coefficients[0], base, "{name}");
    }
}
