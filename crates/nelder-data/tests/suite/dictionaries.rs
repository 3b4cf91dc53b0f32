//! Dictionaries are factors in their own order, bytes that are text are text, and what cannot be used is named.

use std::path::PathBuf;
use std::sync::Arc;

use crate::common::{Folder, noise, write_ipc, write_parquet, write_stream};
use arrow_array::builder::{Int32Builder, ListBuilder};
use arrow_array::types::Int32Type;
use arrow_array::*;
use arrow_schema::{DataType, Field, Schema};
use nelder::frame::{Kind, Source};
use nelder::model::{LmSpec, Regression, lm};
use nelder::pass::NoProgress;
use nelder_data::open;
use parquet::basic::Compression;

const ROWS: usize = 24;

fn y() -> (Field, ArrayRef) {
    let y = Float64Array::from_iter_values((0..ROWS).map(noise));
    (Field::new("y", DataType::Float64, true), Arc::new(y))
}

fn table(columns: Vec<(Field, ArrayRef)>) -> RecordBatch {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

/// A dictionary column whose rows take its values in turn, `null` in one row.
fn dictionary(name: &str, values: ArrayRef, ordered: bool) -> (Field, ArrayRef) {
    let n = values.len() as i32;
    let keys: Int32Array = (0..ROWS as i32)
        .map(|i| (i != 5).then_some((i * 7 + 1) % n))
        .collect();
    let array = DictionaryArray::<Int32Type>::try_new(keys, values).unwrap();
    let field = Field::new(name, array.data_type().clone(), true).with_dict_is_ordered(ordered);
    (field, Arc::new(array))
}

fn arrow_files(folder: &Folder, batch: &RecordBatch) -> Vec<PathBuf> {
    let (file, stream) = (folder.path("t.arrow"), folder.path("t.arrows"));
    write_ipc(&file, batch, None, 7);
    write_stream(&stream, batch, 7);
    vec![file, stream]
}

fn all_files(folder: &Folder, batch: &RecordBatch) -> Vec<PathBuf> {
    let parquet = folder.path("t.parquet");
    write_parquet(&parquet, batch, Compression::SNAPPY, true, 7);
    let mut files = arrow_files(folder, batch);
    files.push(parquet);
    files
}

fn names(source: &dyn Source, formula: &str) -> Vec<String> {
    lm(&LmSpec::new(formula), source, &NoProgress)
        .unwrap()
        .coefnames()
        .to_vec()
}

#[test]
fn values_of_any_type_are_levels_in_their_order() {
    let values: Vec<(ArrayRef, Vec<&str>)> = vec![
        (
            Arc::new(StringArray::from(vec!["mid", "lo", "hi"])),
            vec!["mid", "lo", "hi"],
        ),
        (
            Arc::new(LargeStringArray::from(vec!["b", "a", "c"])),
            vec!["b", "a", "c"],
        ),
        (
            Arc::new(StringViewArray::from(vec!["b", "a", "c"])),
            vec!["b", "a", "c"],
        ),
        (
            Arc::new(BinaryArray::from(vec!["ü".as_bytes(), b"a", b"c"])),
            vec!["ü", "a", "c"],
        ),
        (
            Arc::new(Int32Array::from(vec![30, 10, 20])),
            vec!["30", "10", "20"],
        ),
        (Arc::new(Int8Array::from(vec![3, 1, 2])), vec!["3", "1", "2"]),
        (
            Arc::new(Int64Array::from(vec![
                9_007_199_254_740_993,
                9_007_199_254_740_992,
                100_000,
            ])),
            vec!["9007199254740993", "9007199254740992", "100000"],
        ),
        (
            Arc::new(UInt64Array::from(vec![u64::MAX, 1, u64::MAX - 1])),
            vec!["18446744073709551615", "1", "18446744073709551614"],
        ),
        (
            Arc::new(Float64Array::from(vec![2.5, 1.0, 1e5])),
            vec!["2.5", "1", "1e+05"],
        ),
        (
            Arc::new(BooleanArray::from(vec![true, false])),
            vec!["TRUE", "FALSE"],
        ),
        (
            Arc::new(Date32Array::from(vec![19_000, 18_262])),
            vec!["2022-01-08", "2020-01-01"],
        ),
    ];
    for (array, levels) in values {
        let kind = array.data_type().clone();
        let folder = Folder::new();
        let batch = table(vec![y(), dictionary("d", array, false)]);
        for path in arrow_files(&folder, &batch) {
            let source = open(&path).unwrap();
            assert_eq!(
                source.schema().fields[1].kind,
                Kind::Factor { ordered: false },
                "{kind}"
            );
            let mut expected = vec!["(Intercept)".to_string()];
            expected.extend(levels[1..].iter().map(|l| format!("d{l}")));
            assert_eq!(names(&source, "y ~ ."), expected, "{}: {kind}", path.display());
            let fit = lm(&LmSpec::new("y ~ ."), &source, &NoProgress).unwrap();
            assert_eq!(fit.rows() as usize, ROWS - 1, "{kind}");
        }
    }
}

/// Parquet keeps the order of strings only; numbers that were a dictionary sort.
#[test]
fn parquet_has_the_order_of_its_pages() {
    let folder = Folder::new();
    let strings: ArrayRef = Arc::new(StringArray::from(vec!["mid", "lo", "hi"]));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![30, 100_000, 9_007_199_254_740_993]));
    let batch = table(vec![
        y(),
        dictionary("s", strings, false),
        dictionary("n", numbers, false),
    ]);
    let path = folder.path("t.parquet");
    for group in [5, 24] {
        write_parquet(&path, &batch, Compression::SNAPPY, true, group);
        let source = open(&path).unwrap();
        // the first rows have the second value, then the third: the writer lists values as they come
        let expected = ["(Intercept)", "shi", "smid", "n100000", "n9007199254740993"];
        assert_eq!(names(&source, "y ~ s + n"), expected, "groups of {group}");
    }
    // without pages of values there is no order but that of the letters
    write_parquet(&path, &batch, Compression::SNAPPY, false, 7);
    assert_eq!(
        names(&open(&path).unwrap(), "y ~ s"),
        ["(Intercept)", "slo", "smid"]
    );
}

#[test]
fn ordered_dictionaries_have_polynomial_contrasts() {
    let folder = Folder::new();
    let values: ArrayRef = Arc::new(StringArray::from(vec!["lo", "mid", "hi"]));
    let batch = table(vec![y(), dictionary("d", values, true)]);
    for path in all_files(&folder, &batch) {
        let source = open(&path).unwrap();
        assert_eq!(source.schema().fields[1].kind, Kind::Factor { ordered: true });
        assert_eq!(
            names(&source, "y ~ ."),
            ["(Intercept)", "d.L", "d.Q"],
            "{}",
            path.display()
        );
    }
    // what R 4.2 has for contr.poly over lo < mid < hi, from the means of the levels
    let fit = lm(
        &LmSpec::new("y ~ d"),
        open(&folder.path("t.arrow")).unwrap(),
        &NoProgress,
    )
    .map(|f| f.responses[0].coefficients.clone());
    let mean = |level: usize| {
        let rows: Vec<usize> = (0..ROWS)
            .filter(|&i| i != 5 && (i * 7 + 1) % 3 == level)
            .collect();
        rows.iter().map(|&i| noise(i)).sum::<f64>() / rows.len() as f64
    };
    let (lo, mid, hi) = (mean(0), mean(1), mean(2));
    let expected = [
        (lo + mid + hi) / 3.0,
        (hi - lo) / 2f64.sqrt(),
        (lo - 2.0 * mid + hi) / 6f64.sqrt(),
    ];
    for (a, b) in fit.unwrap().iter().zip(expected) {
        // sums of eight numbers below one
        assert!((a - b).abs() < 32.0 * f64::EPSILON, "{a} and {b}");
    }
}

/// A stream may replace a dictionary; a factor has the levels of all.
#[test]
fn dictionaries_of_a_stream_may_change() {
    use arrow_ipc::writer::StreamWriter;
    let folder = Folder::new();
    let part = |from: usize, values: [&str; 2]| {
        let keys: Int32Array = (0..6).map(|i| Some(i % 2)).collect();
        let values = Arc::new(StringArray::from(values.to_vec()));
        let d = DictionaryArray::<Int32Type>::try_new(keys, values).unwrap();
        let y = Float64Array::from_iter_values((from..from + 6).map(noise));
        let columns: [(&str, ArrayRef); 2] = [("y", Arc::new(y)), ("d", Arc::new(d))];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let parts = [part(0, ["q", "b"]), part(6, ["a", "q"]), part(12, ["b", "q"])];
    let path = folder.path("t.arrows");
    let mut writer =
        StreamWriter::try_new(std::fs::File::create(&path).unwrap(), &parts[0].schema()).unwrap();
    parts.iter().for_each(|part| writer.write(part).unwrap());
    writer.finish().unwrap();
    let source = open(&path).unwrap();
    let fit = lm(&LmSpec::new("y ~ 0 + d"), &source, &NoProgress).unwrap();
    assert_eq!(fit.coefnames(), ["dq", "db", "da"]);
    let label = |i: usize| {
        [
            "q", "b", "q", "b", "q", "b", "a", "q", "a", "q", "a", "q", "b", "q", "b", "q", "b", "q",
        ][i]
    };
    for (name, own) in ["q", "b", "a"].iter().zip(&fit.responses[0].coefficients) {
        let rows: Vec<usize> = (0..18).filter(|&i| label(i) == *name).collect();
        let mean = rows.iter().map(|&i| noise(i)).sum::<f64>() / rows.len() as f64;
        assert!(
            (own - mean).abs() < 32.0 * f64::EPSILON,
            "{name}: {own} and {mean}"
        );
    }
}

#[test]
fn bytes_that_are_text_are_text() {
    let words: Vec<&[u8]> = (0..ROWS).map(|i| ["ä".as_bytes(), b"b", b"c"][i % 3]).collect();
    let letters = || (0..ROWS).map(|i| &b"cab"[i % 3..i % 3 + 1]);
    let arrays: Vec<(ArrayRef, [&str; 2])> = vec![
        (Arc::new(BinaryArray::from(words.clone())), ["c", "ä"]),
        (Arc::new(LargeBinaryArray::from(words.clone())), ["c", "ä"]),
        (Arc::new(BinaryViewArray::from(words)), ["c", "ä"]),
        (
            Arc::new(FixedSizeBinaryArray::try_from_iter(letters()).unwrap()),
            ["b", "c"],
        ),
    ];
    for (array, levels) in arrays {
        let folder = Folder::new();
        let kind = array.data_type().clone();
        let batch = table(vec![y(), (Field::new("b", kind.clone(), true), array)]);
        for path in all_files(&folder, &batch) {
            let source = open(&path).unwrap();
            let expected = [
                "(Intercept)".to_string(),
                format!("b{}", levels[0]),
                format!("b{}", levels[1]),
            ];
            assert_eq!(names(&source, "y ~ ."), expected, "{}: {kind}", path.display());
        }
    }
}

#[test]
fn columns_without_use_are_named() {
    let folder = Folder::new();
    let mut lists = ListBuilder::new(Int32Builder::new());
    (0..ROWS).for_each(|i| lists.append_value([Some(i as i32)]));
    let lists: ArrayRef = Arc::new(lists.finish());
    let inner: ArrayRef = Arc::new(Int32Array::from_iter_values(0..ROWS as i32));
    let parts: ArrayRef = Arc::new(StructArray::from(vec![(
        Arc::new(Field::new("a", DataType::Int32, true)),
        inner.clone(),
    )]));
    let bytes: Vec<&[u8]> = vec![b"\xff\xfe"; ROWS];
    let blob: ArrayRef = Arc::new(BinaryArray::from(bytes));
    let nothing: ArrayRef = Arc::new(NullArray::new(ROWS));
    let column =
        |name: &str, array: &ArrayRef| (Field::new(name, array.data_type().clone(), true), array.clone());
    let batch = table(vec![
        column("list", &lists),
        y(),
        column("parts", &parts),
        column("blob", &blob),
        column("nothing", &nothing),
        column("x", &inner),
        column("twice", &inner),
        column("twice", &inner),
    ]);
    for path in arrow_files(&folder, &batch)
        .into_iter()
        .chain([folder.path("t.parquet")])
    {
        if path.ends_with("t.parquet") {
            write_parquet(&path, &batch, Compression::SNAPPY, true, 7);
        }
        let source = open(&path).unwrap();
        let said: Vec<&str> = source
            .unreadable()
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let mut sorted = said.clone();
        sorted.sort_unstable();
        assert_eq!(
            sorted,
            ["blob", "list", "nothing", "parts", "twice"],
            "{}",
            path.display()
        );
        let why = |name: &str| &source.unreadable().iter().find(|(n, _)| n == name).unwrap().1;
        assert!(why("list").contains("List"), "{}", why("list"));
        assert!(why("blob").contains("not text in UTF-8"), "{}", why("blob"));
        assert!(why("nothing").contains("no values"), "{}", why("nothing"));
        assert!(why("twice").contains("twice"), "{}", why("twice"));
        assert_eq!(names(&source, "y ~ ."), ["(Intercept)", "x"]);
    }
}

/// Bytes that turn out to be no text are an error of the column, not other text.
#[test]
fn bytes_that_are_no_text_later_are_an_error() {
    let folder = Folder::new();
    let bytes: Vec<&[u8]> = (0..ROWS)
        .map(|i| if i == 20 { &b"\xff"[..] } else { b"a" })
        .collect();
    let blob: ArrayRef = Arc::new(BinaryArray::from(bytes));
    let batch = table(vec![y(), (Field::new("b", DataType::Binary, true), blob)]);
    let path = folder.path("t.arrow");
    write_ipc(&path, &batch, None, 7);
    let source = open(&path).unwrap();
    let error = source.scan(&[1], &|_, _| true).unwrap_err().to_string();
    assert!(error.contains("`b`") && error.contains("UTF-8"), "{error}");
}
