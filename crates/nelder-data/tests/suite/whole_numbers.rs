//! Whole numbers beyond 2⁵³: codes, comparisons and clusters have all digits in every format, numbers are those of the
//! same data as doubles.

use std::path::PathBuf;
use std::sync::Arc;

use crate::common::{Folder, noise, write_ipc, write_parquet, write_stream};
use arrow_array::{
    ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, TimestampNanosecondArray, UInt64Array,
};
use nelder::frame::{Frame, Source};
use nelder::model::{Inference, LmSpec, Regression, Vcov, lm};
use nelder::pass::NoProgress;
use nelder_data::open;
use parquet::basic::Compression;
use proptest::prelude::*;

/// A response, a predictor, and whole numbers.
struct Data {
    y: Vec<f64>,
    x: Vec<f64>,
    ids: Vec<Option<i128>>,
}

impl Data {
    fn new(ids: Vec<Option<i128>>) -> Data {
        let y = (0..ids.len()).map(|i| noise(3 * i) + noise(i / 7)).collect();
        let x = (0..ids.len()).map(|i| noise(5 * i + 1)).collect();
        Data { y, x, ids }
    }

    fn text(&self) -> String {
        let mut text = String::from("y,x,id\n");
        for i in 0..self.y.len() {
            let id = self.ids[i].map_or("NA".to_string(), |id| id.to_string());
            text += &format!("{:?},{:?},{id}\n", self.y[i], self.x[i]);
        }
        text
    }

    /// The table in each type of whole numbers that can hold it.
    fn batches(&self) -> Vec<(&'static str, RecordBatch)> {
        let decimal: Decimal128Array = self.ids.iter().copied().collect();
        let decimal = decimal.with_precision_and_scale(38, 0).unwrap();
        let mut columns: Vec<(&str, ArrayRef)> = vec![("decimal", Arc::new(decimal))];
        let signed: Result<Vec<Option<i64>>, _> = self
            .ids
            .iter()
            .map(|x| x.map(i64::try_from).transpose())
            .collect();
        columns.extend(
            signed
                .ok()
                .map(|v| ("i64", Arc::new(Int64Array::from(v)) as ArrayRef)),
        );
        let unsigned: Result<Vec<Option<u64>>, _> = self
            .ids
            .iter()
            .map(|x| x.map(u64::try_from).transpose())
            .collect();
        columns.extend(
            unsigned
                .ok()
                .map(|v| ("u64", Arc::new(UInt64Array::from(v)) as ArrayRef)),
        );
        let table = |(name, id): (&'static str, ArrayRef)| {
            let y: ArrayRef = Arc::new(Float64Array::from(self.y.clone()));
            let x: ArrayRef = Arc::new(Float64Array::from(self.x.clone()));
            let columns = [("y", y, false), ("x", x, false), ("id", id, true)];
            (name, RecordBatch::try_from_iter_with_nullable(columns).unwrap())
        };
        columns.into_iter().map(table).collect()
    }

    /// The table as CSV, Parquet, Arrow file and stream.
    fn files(&self, folder: &Folder) -> Vec<PathBuf> {
        let mut files = vec![folder.file("t.csv", self.text())];
        for (name, batch) in self.batches() {
            let path = |end: &str| folder.path(&format!("{name}.{end}"));
            write_parquet(&path("parquet"), &batch, Compression::SNAPPY, true, 11);
            write_ipc(&path("arrow"), &batch, None, 9);
            write_stream(&path("arrows"), &batch, 9);
            files.extend(["parquet", "arrow", "arrows"].map(path));
        }
        files
    }

    /// The same data as the place of each number among all.
    fn ranked(&self) -> (Vec<f64>, Vec<i128>) {
        let mut sorted: Vec<i128> = self.ids.iter().flatten().copied().collect();
        sorted.sort_unstable();
        sorted.dedup();
        let rank = |id: &Option<i128>| id.map_or(f64::NAN, |id| sorted.binary_search(&id).unwrap() as f64);
        (self.ids.iter().map(rank).collect(), sorted)
    }
}

/// Bits of all coefficients and standard errors, and the number of rows.
fn answer(source: &dyn Source, formula: &str, change: impl Fn(&mut LmSpec)) -> (Vec<u64>, u64) {
    let mut spec = LmSpec::new(formula);
    change(&mut spec);
    let fit = lm(&spec, source, &NoProgress).unwrap();
    let r = &fit.responses[0];
    let numbers = r.coefficients.iter().chain(&r.std_errors).chain([&r.rss]);
    (numbers.map(|x| x.to_bits()).collect(), fit.rows())
}

fn clustered(source: &dyn Source, by: &str) -> Vec<f64> {
    let fit = lm(&LmSpec::new("y ~ x"), source, &NoProgress).unwrap();
    let found = fit.vcov(&Vcov::Cluster(by.into()), &NoProgress).unwrap();
    found.std_errors()
}

/// Every use of codes and comparisons is that of the small numbers in the same order.
fn exact(data: &Data) {
    let folder = Folder::new();
    let (ranks, sorted) = data.ranked();
    let small = Frame::new()
        .with_real("y", &data.y)
        .with_real("x", &data.x)
        .with_real("id", &ranks);
    let pick = sorted.len() / 2;
    let (id, at) = (sorted[pick], pick as f64);
    // what stands in the formula, and what stands for it in the other data
    let both = |text: &str| {
        (
            text.replace('@', &id.to_string()),
            text.replace('@', &at.to_string()),
        )
    };
    let subsets = [
        "id == @",
        "id != @",
        "id <= @",
        "id > @",
        "id %in% c(@)",
        "!(id < @)",
        "id >= -(-@)",
    ];
    for path in data.files(&folder) {
        let file = open(&path).unwrap();
        let name = path.display();
        for formula in [
            "y ~ x + factor(id)",
            "y ~ x + ordered(id)",
            "y ~ x + I(id > @)",
            "y ~ x + ifelse(id == @, 1, x)",
        ] {
            let (a, b) = both(formula);
            assert_eq!(
                answer(&file, &a, |_| ()),
                answer(&small, &b, |_| ()),
                "{name}: {a}"
            );
        }
        for subset in subsets {
            let (a, b) = both(subset);
            let own = answer(&file, "y ~ 1", |s| s.subset = Some(a.clone()));
            let expected = answer(&small, "y ~ 1", |s| s.subset = Some(b.clone()));
            assert_eq!(own, expected, "{name}: {a}");
        }
        let quoted = format!("as.character(id) == '{id}'");
        let own = answer(&file, "y ~ 1", |s| s.subset = Some(quoted.clone()));
        assert_eq!(
            own,
            answer(&small, "y ~ 1", |s| s.subset = Some(format!("id == {at}"))),
            "{name}"
        );
        let same = answer(&file, "y ~ 1", |s| s.subset = Some("id == id".into()));
        assert_eq!(same.1 as usize, data.ids.iter().flatten().count(), "{name}");
        // combinations have as many levels as the numbers
        let count = |formula: &str, source: &dyn Source| {
            lm(&LmSpec::new(formula), source, &NoProgress)
                .unwrap()
                .coefnames()
                .len()
        };
        for formula in [
            "y ~ interaction(id, x > 0.5)",
            "y ~ paste(id, x > 0.5)",
            "y ~ factor(id):factor(x > 0.5)",
        ] {
            assert_eq!(count(formula, &file), count(formula, &small), "{name}: {formula}");
        }
        let labels = lm(&LmSpec::new("y ~ 0 + factor(id)"), &file, &NoProgress).unwrap();
        let expected: Vec<String> = sorted.iter().map(|id| format!("factor(id){id}")).collect();
        assert_eq!(labels.coefnames(), expected, "{name}");
        if data.ids.iter().all(Option::is_some) {
            for by in ["id", "factor(id)", "interaction(id, x > 0.5)"] {
                // sums of other batches, in double precision, of sixty rows at most
                for (a, b) in clustered(&file, by).iter().zip(clustered(&small, by)) {
                    assert!(
                        (a - b).abs() <= 60.0 * f64::EPSILON * b,
                        "{name}: {by}: {a:e} and {b:e}"
                    );
                }
            }
        }
        assert_eq!(labels.bound.rows.rounded(), [""; 0], "{name}");
    }
}

/// As numbers they are the same data as doubles, and a warning names the first that was rounded.
fn rounded(data: &Data) {
    let folder = Folder::new();
    let doubles: Vec<f64> = data
        .ids
        .iter()
        .map(|x| x.map_or(f64::NAN, |x| x as f64))
        .collect();
    let weights: Vec<f64> = doubles.iter().map(|x| x.abs()).collect();
    let same = Frame::new()
        .with_real("y", &data.y)
        .with_real("x", &data.x)
        .with_real("id", &doubles)
        .with_real("size", &weights);
    let inexact = |x: &Option<i128>| x.is_some_and(|x| (x as f64) as i128 != x);
    let first = data.ids.iter().position(inexact);
    for path in data.files(&folder) {
        let file = open(&path).unwrap();
        let name = path.display();
        let spec = LmSpec::new("y ~ x + offset(id)");
        let fit = lm(&spec, &file, &NoProgress).unwrap();
        let said = fit.bound.rows.rounded();
        match first {
            None => assert_eq!(said, [""; 0], "{name}"),
            Some(i) => {
                let row = format!("{} in row {} becomes", data.ids[i].unwrap(), i + 1);
                assert!(
                    said[0].starts_with("`id` has") && said[0].contains(&row),
                    "{name}: {said:?}"
                );
            }
        }
        let size = weights.iter().copied().fold(1.0, f64::max);
        for formula in ["y ~ x + offset(id)", "id ~ x"] {
            alike(
                answer(&file, formula, |_| ()),
                answer(&same, formula, |_| ()),
                size,
                &name.to_string(),
            );
        }
        let own = answer(&file, "y ~ x", |s| s.weights = Some("abs(id)".into()));
        let expected = answer(&same, "y ~ x", |s| s.weights = Some("size".into()));
        alike(own, expected, 1.0, &name.to_string());
    }
}

/// The same numbers but for the last places: batches of other lengths are summed in another order. A coefficient is right
/// to a few units of itself and of its standard error, which has the condition of the rows in it.
fn alike((own, rows): (Vec<u64>, u64), (expected, of): (Vec<u64>, u64), size: f64, name: &str) {
    assert_eq!((own.len(), rows), (expected.len(), of), "{name}");
    let numbers = |bits: &[u64]| bits.iter().map(|&b| f64::from_bits(b)).collect::<Vec<f64>>();
    let (own, expected) = (numbers(&own), numbers(&expected));
    let coefficients = own.len() / 2;
    for (k, (a, b)) in own.iter().zip(&expected).enumerate() {
        let error = if k < coefficients {
            expected[k + coefficients]
        } else {
            0.0
        };
        // and to what twice the precision leaves of the responses, where they are all the same number
        let rest = if k + 1 == own.len() { size * size } else { size };
        let limit = 64.0 * f64::EPSILON * (b.abs() + error.abs() + f64::EPSILON * rest);
        assert!((a - b).abs() <= limit, "{name}: {a:e} and {b:e}");
    }
}

/// The clustered standard error of a mean is far off where clusters are merged.
#[test]
fn neighbours_beyond_double_precision_are_clusters_of_their_own() {
    let base = 1i128 << 53;
    let ids: Vec<i128> = (0..60).map(|i| base + (i / 3) % 20).collect();
    let data = Data::new(ids.iter().copied().map(Some).collect());
    exact(&data);
    rounded(&data);
    // what doubles would make of them
    let merged: Vec<f64> = ids.iter().map(|&id| id as f64).collect();
    let frame = Frame::new()
        .with_real("y", &data.y)
        .with_real("x", &data.x)
        .with_real("id", &merged);
    let folder = Folder::new();
    let file = open(&folder.file("t.csv", data.text())).unwrap();
    assert_ne!(clustered(&file, "id"), clustered(&frame, "id"));
}

#[test]
fn sixteen_digits_stay_apart() {
    // R 4.2 prints 15 digits of a double, and so would merge them
    let ids = (0..40).map(|i| Some(1_234_567_890_123_450 + i % 9)).collect();
    exact(&Data::new(ids));
}

#[test]
fn a_batch_of_small_numbers_may_come_before_one_of_large_ones() {
    let ids = (0..30).map(|i| Some(if i < 12 { i % 4 } else { (1i128 << 60) + i % 4 }));
    exact(&Data::new(ids.collect()));
}

/// Arithmetic between whole numbers is exact, as far as its result is a double.
#[test]
fn differences_are_exact() {
    let base = 9_007_199_254_740_993i128;
    let data = Data::new((0..20).map(|i| Some(base + i * i % 13)).collect());
    let small: Vec<f64> = data.ids.iter().map(|id| (id.unwrap() - base) as f64).collect();
    let frame = Frame::new().with_real("y", &data.y).with_real("z", &small);
    let folder = Folder::new();
    for path in data.files(&folder) {
        let file = open(&path).unwrap();
        let own = answer(&file, &format!("y ~ I(id - {base})"), |_| ());
        assert_eq!(own, answer(&frame, "y ~ z", |_| ()), "{}", path.display());
        let own = answer(&file, &format!("y ~ factor(id - {base})"), |_| ());
        assert_eq!(own, answer(&frame, "y ~ factor(z)", |_| ()), "{}", path.display());
        let own = answer(&file, "y ~ factor(id + 2)", |_| ());
        assert_eq!(own, answer(&frame, "y ~ factor(z)", |_| ()), "{}", path.display());
        let last = |z: &f64| (*z as i128 + base) % 10 == 3;
        let picked: Vec<f64> = small.iter().map(|z| f64::from(u8::from(last(z)))).collect();
        let frame = Frame::new().with_real("y", &data.y).with_real("three", &picked);
        let own = answer(&file, "y ~ I(id %% 10 == 3)", |_| ());
        assert_eq!(own, answer(&frame, "y ~ three", |_| ()), "{}", path.display());
    }
}

/// Decimals of 20 digits and times of nanoseconds are doubles: as codes a warning names the first row that has more digits than
/// these, and clusters, whose standard errors would be wrong, are an error. What double precision tells apart is neither.
#[test]
fn digits_that_codes_lose_are_told() {
    let rows = 40usize;
    let y: ArrayRef = Arc::new(Float64Array::from_iter_values((0..rows).map(noise)));
    let decimal = |scale: i8, of: &dyn Fn(i128) -> i128| -> ArrayRef {
        let values: Decimal128Array = (0..rows as i128).map(|i| Some(of(i))).collect();
        Arc::new(values.with_precision_and_scale(38, scale).unwrap())
    };
    let times = |of: &dyn Fn(i64) -> i64| -> ArrayRef {
        Arc::new(TimestampNanosecondArray::from_iter_values(
            (0..rows as i64).map(of),
        ))
    };
    let (long, half) = (10i128.pow(19), 5 * 10i128.pow(18));
    let columns: [(&str, ArrayRef, Option<usize>); 5] = [
        (
            "close",
            decimal(20, &|i| long * (7 + i % 2) + (i >= 3) as i128 * (i % 4)),
            Some(4),
        ),
        ("halves", decimal(19, &|i| half * (i % 4)), None),
        ("cents", decimal(2, &|i| 1_999 + i % 3), None),
        (
            "nanos",
            times(&|i| 1_700_000_000_000_000_000 + i % 2 * 1_000_000_000 + i % 4 * 50),
            Some(2),
        ),
        (
            "micros",
            times(&|i| 1_700_000_000_000_000_000 + i % 4 * 1_000_000),
            None,
        ),
    ];
    for (name, column, first) in columns {
        let batch = RecordBatch::try_from_iter([("y", y.clone()), ("id", column)]).unwrap();
        let folder = Folder::new();
        let path = |end: &str| folder.path(&format!("{name}.{end}"));
        write_parquet(&path("parquet"), &batch, Compression::SNAPPY, true, 11);
        write_ipc(&path("arrow"), &batch, None, 9);
        for path in ["parquet", "arrow"].map(path) {
            let file = open(&path).unwrap();
            let fit = lm(&LmSpec::new("y ~ factor(id)"), &file, &NoProgress).unwrap();
            let said = fit.bound.rows.rounded();
            let plain = lm(&LmSpec::new("y ~ 1"), &file, &NoProgress).unwrap();
            let errors = plain.vcov(&Vcov::Cluster("id".into()), &NoProgress);
            match first {
                None => {
                    assert_eq!(said, [""; 0], "{name}");
                    assert!(errors.is_ok(), "{name}: {:?}", errors.err());
                }
                Some(row) => {
                    assert!(
                        said.len() == 1 && said[0].contains(&format!("row {row}:")),
                        "{name}: {said:?}"
                    );
                    let why = errors.err().map(|e| e.to_string()).unwrap_or_default();
                    assert!(why.contains(&format!("in row {row}")), "{name}: {why}");
                }
            }
            let number = lm(&LmSpec::new("y ~ id"), &file, &NoProgress).unwrap();
            assert_eq!(number.bound.rows.rounded(), [""; 0], "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_size_and_any_place(
        base in prop_oneof![Just(0i128), Just((1i128 << 53) - 3), Just(-(1i128 << 53) - 3), Just((1i128 << 63) - 40),
            Just(10i128.pow(19)), Just(10i128.pow(30))],
        parts in prop::collection::vec(prop::option::weighted(0.9, 0i128..9), 30..60),
    ) {
        let data = Data::new(parts.iter().map(|p| p.map(|p| base + p)).collect());
        let (_, sorted) = data.ranked();
        prop_assume!(sorted.len() > 3);
        exact(&data);
        rounded(&data);
    }
}
