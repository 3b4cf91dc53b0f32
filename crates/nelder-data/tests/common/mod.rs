//! One table in every format, and what is read back.

// each test file uses a part
#![allow(dead_code)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array,
    Int8Array, Int16Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
    TimestampNanosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use nelder::frame::{Column, Source};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

pub const ROWS: usize = 1000;

/// Texts that a careless reader or writer breaks.
pub const AWKWARD: [&str; 8] = [
    "plain",
    "with, comma",
    "with \"quotes\"",
    "two\nlines",
    "naïve — 東京 🦀",
    " blanks around ",
    "\"",
    "carriage\r\nreturn",
];

/// Numbers that a careless reader breaks.
pub const SPECIAL: [f64; 12] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -0.0,
    5e-324,
    2.225_073_858_507_201e-308,
    f64::MAX,
    f64::MIN_POSITIVE,
    0.1,
    1.000_000_000_000_000_2,
    123_456_789_012_345.67,
    9_007_199_254_740_993.0,
];

/// A number that looks random and is the same each time.
pub fn noise(i: usize) -> f64 {
    let mut x = (i as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

fn some<T>(every: usize, f: impl Fn(usize) -> T) -> Vec<Option<T>> {
    (0..ROWS).map(|i| (i % every != 3).then(|| f(i))).collect()
}

/// The table: every type that a model can use, with nulls in each.
pub fn table() -> RecordBatch {
    let fruit = ["apple", "banana", "cherry", "damson"];
    let texts = |every: usize, of: &'static [&'static str]| some(every, move |i| of[i * 7 % of.len()]);
    let dictionary: DictionaryArray<Int32Type> = texts(41, &["lo", "mid", "hi"]).into_iter().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "y",
            Arc::new(Float64Array::from(some(97, |i| noise(i) * 10.0 - 3.0))),
        ),
        (
            "x",
            Arc::new(Float64Array::from(some(89, |i| (noise(7 * i) - 0.5) * 1e3))),
        ),
        (
            "single",
            Arc::new(Float32Array::from(some(83, |i| noise(3 * i) as f32))),
        ),
        (
            "special",
            Arc::new(Float64Array::from(some(13, |i| SPECIAL[i % SPECIAL.len()]))),
        ),
        (
            "i8",
            Arc::new(Int8Array::from(some(79, |i| (i * 37 % 256) as u8 as i8))),
        ),
        (
            "i16",
            Arc::new(Int16Array::from(some(73, |i| (i * 971 % 65_536) as u16 as i16))),
        ),
        (
            "i32",
            Arc::new(Int32Array::from(some(71, |i| (i as i32 - 500) * 4_000_037))),
        ),
        (
            "i64",
            Arc::new(Int64Array::from(some(67, |i| {
                (i as i64 - 500) * 9_000_000_000_000_007
            }))),
        ),
        ("u8", Arc::new(UInt8Array::from(some(61, |i| (i % 256) as u8)))),
        ("u16", Arc::new(UInt16Array::from(some(59, |i| (i * 65) as u16)))),
        (
            "u32",
            Arc::new(UInt32Array::from(some(53, |i| u32::MAX - i as u32))),
        ),
        (
            "u64",
            Arc::new(UInt64Array::from(some(47, |i| u64::MAX - (i as u64) * 1_000_003))),
        ),
        (
            "flag",
            Arc::new(BooleanArray::from(some(43, |i| noise(11 * i) > 0.4))),
        ),
        (
            "fruit",
            Arc::new(
                texts(37, Box::leak(Box::new(fruit)))
                    .into_iter()
                    .collect::<StringArray>(),
            ),
        ),
        (
            "awkward",
            Arc::new(texts(31, &AWKWARD).into_iter().collect::<StringArray>()),
        ),
        ("coded", Arc::new(dictionary)),
        (
            "day",
            Arc::new(Date32Array::from(some(29, |i| i as i32 * 3 - 900))),
        ),
        (
            "milli",
            Arc::new(TimestampMillisecondArray::from(some(23, |i| {
                1_380_000_000_003 + 86_399_999 * i as i64
            }))),
        ),
        (
            "nano",
            Arc::new(TimestampNanosecondArray::from(some(19, |i| {
                7_000_000_001 * i as i64
            }))),
        ),
        (
            "price",
            Arc::new(
                Decimal128Array::from(some(17, |i| (i as i128 - 500) * 1_234_567_890_123_456_789))
                    .with_precision_and_scale(38, 4)
                    .unwrap(),
            ),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap()
}

pub fn write_parquet(
    path: &Path,
    batch: &RecordBatch,
    compression: Compression,
    dictionary: bool,
    group: usize,
) {
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_dictionary_enabled(dictionary)
        .set_max_row_group_row_count(Some(group))
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

pub fn write_ipc(path: &Path, batch: &RecordBatch, compression: Option<CompressionType>, rows: usize) {
    let options = IpcWriteOptions::default()
        .try_with_compression(compression)
        .unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = FileWriter::try_new_with_options(file, &batch.schema(), options).unwrap();
    let mut at = 0;
    while at < batch.num_rows() {
        let n = rows.min(batch.num_rows() - at);
        writer.write(&batch.slice(at, n)).unwrap();
        at += n;
    }
    writer.finish().unwrap();
}

/// A stream of Arrow messages, saved.
pub fn write_stream(path: &Path, batch: &RecordBatch, rows: usize) {
    let file = std::fs::File::create(path).unwrap();
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(file, &batch.schema()).unwrap();
    let mut at = 0;
    while at < batch.num_rows() {
        let n = rows.min(batch.num_rows() - at);
        writer.write(&batch.slice(at, n)).unwrap();
        at += n;
    }
    writer.finish().unwrap();
}

/// How a text file is written.
#[derive(Clone, Copy)]
pub struct Csv {
    pub delimiter: char,
    pub quote_all: bool,
    pub line_end: &'static str,
    pub bom: bool,
    pub last_line_end: bool,
    pub missing: &'static str,
}

pub const PLAIN: Csv = Csv {
    delimiter: ',',
    quote_all: false,
    line_end: "\n",
    bom: false,
    last_line_end: true,
    missing: "NA",
};

impl Csv {
    fn field(&self, text: &str) -> String {
        if self.quote_all || text.contains(['"', '\n', '\r', self.delimiter]) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_string()
        }
    }

    /// The text of a table; each number in digits that mean exactly it.
    pub fn text(&self, batch: &RecordBatch) -> String {
        let mut out = String::from(if self.bom { "\u{feff}" } else { "" });
        let between = self.delimiter.to_string();
        let names: Vec<String> = batch
            .schema()
            .fields()
            .iter()
            .map(|f| self.field(f.name()))
            .collect();
        out += &names.join(&between);
        for i in 0..batch.num_rows() {
            out += self.line_end;
            let fields: Vec<String> = batch.columns().iter().map(|c| self.cell(c, i)).collect();
            out += &fields.join(&between);
        }
        out + if self.last_line_end { self.line_end } else { "" }
    }

    fn cell(&self, column: &ArrayRef, i: usize) -> String {
        use arrow_array::cast::AsArray;
        use arrow_array::types::*;
        use arrow_schema::{DataType, TimeUnit};
        if column.is_null(i) {
            return self.missing.into();
        }
        let text = match column.data_type() {
            DataType::Boolean => if column.as_boolean().value(i) {
                "TRUE"
            } else {
                "FALSE"
            }
            .to_string(),
            DataType::Dictionary(..) => {
                let d = column.as_dictionary::<Int32Type>();
                d.values()
                    .as_string::<i32>()
                    .value(d.keys().value(i) as usize)
                    .to_string()
            }
            DataType::Float32 => format!("{:?}", f64::from(column.as_primitive::<Float32Type>().value(i))),
            DataType::Float64 => match column.as_primitive::<Float64Type>().value(i) {
                x if x == f64::INFINITY => "Inf".into(),
                x if x == f64::NEG_INFINITY => "-Inf".into(),
                x => format!("{x:?}"),
            },
            DataType::Date32 => column.as_primitive::<Date32Type>().value(i).to_string(),
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                let x = column.as_primitive::<TimestampMillisecondType>().value(i);
                format!("{}.{:03}", x / 1000, x % 1000)
            }
            DataType::Timestamp(..) => {
                let x = column.as_primitive::<TimestampNanosecondType>().value(i);
                format!("{}.{:09}", x / 1_000_000_000, x % 1_000_000_000)
            }
            DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(i),
            _ => arrow_cast::display::array_value_to_string(column, i).unwrap(),
        };
        self.field(&text)
    }
}

/// A column as read: bits of numbers (one pattern for all missing values), logical codes, labels.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    Numbers(Vec<u64>),
    Logical(Vec<u8>),
    Text(Vec<Option<String>>),
}

/// All columns of a source in the order of the rows.
pub fn read(source: &dyn Source) -> Vec<(String, Cells)> {
    let names = source.schema().names();
    let all: Vec<usize> = (0..names.len()).collect();
    let parts: Mutex<Vec<(usize, Vec<Cells>)>> = Mutex::default();
    let scan = source.scan(&all, &|_, batch| {
        let cells = batch.columns.iter().map(cells).collect();
        parts.lock().unwrap().push((batch.index, cells));
        true
    });
    assert_eq!(Some(scan.unwrap().rows), source.rows());
    let mut parts = parts.into_inner().unwrap();
    parts.sort_by_key(|p| p.0);
    let joined = |k: usize| {
        let mut columns = parts.iter().map(|p| p.1[k].clone());
        let first = columns.next().unwrap_or(Cells::Numbers(Vec::new()));
        columns.fold(first, |a, b| match (a, b) {
            (Cells::Numbers(a), Cells::Numbers(b)) => Cells::Numbers([a, b].concat()),
            (Cells::Logical(a), Cells::Logical(b)) => Cells::Logical([a, b].concat()),
            (Cells::Text(a), Cells::Text(b)) => Cells::Text([a, b].concat()),
            (a, b) => panic!("{a:?} and then {b:?}"),
        })
    };
    names
        .iter()
        .enumerate()
        .map(|(k, n)| (n.to_string(), joined(k)))
        .collect()
}

fn cells(column: &Column<'_>) -> Cells {
    let bits = |x: f64| {
        if x.is_nan() {
            f64::NAN.to_bits()
        } else {
            x.to_bits()
        }
    };
    match column {
        Column::Real(v) => Cells::Numbers(v.iter().map(|&x| bits(x)).collect()),
        Column::Integer(v) => {
            let real = |&x: &i32| if x == i32::MIN { f64::NAN } else { f64::from(x) };
            Cells::Numbers(v.iter().map(|x| bits(real(x))).collect())
        }
        Column::Whole(v) => {
            let real = |&x: &i128| if x == i128::MIN { f64::NAN } else { x as f64 };
            Cells::Numbers(v.iter().map(|x| bits(real(x))).collect())
        }
        Column::Logical(v) => Cells::Logical(v.to_vec()),
        Column::Codes { codes, levels } => Cells::Text(codes.iter().map(|&c| levels.label(c)).collect()),
    }
}

/// A file of a test, in a folder that goes with it.
pub struct Folder(pub tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// `value_as_string` of decimals: the digits with a point.
trait AsText {
    fn value_as_string(&self, i: usize) -> String;
}

impl AsText for Decimal128Array {
    fn value_as_string(&self, i: usize) -> String {
        let (x, scale) = (self.value(i), self.scale() as u32);
        let one = 10i128.pow(scale);
        let mut out = String::from(if x < 0 { "-" } else { "" });
        let _ = write!(
            out,
            "{}.{:0width$}",
            x.abs() / one,
            x.abs() % one,
            width = scale as usize
        );
        out
    }
}
