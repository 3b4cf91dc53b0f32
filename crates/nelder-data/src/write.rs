//! Columns written to Parquet or CSV.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use nelder::frame::{Column, Kind};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::{DataError, Destination, Place, memory};

/// Values of a column to be written.
#[derive(Clone, Debug)]
pub enum Output {
    /// Numbers; `NaN` is missing.
    Real(Vec<f64>),
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Whole numbers of any size; in Parquet of 64 bits.
    Whole(Vec<Option<i128>>),
    /// Logical values.
    Logical(Vec<Option<bool>>),
    /// Strings.
    Text(Vec<Option<String>>),
}

impl Output {
    /// A column of a batch; one of whole numbers is the same kind of output in every batch, however it comes.
    pub fn of(column: &Column<'_>, kind: Kind) -> Output {
        let some = |x: i128| (x != i128::MIN).then_some(x);
        match column {
            column if kind == Kind::Integer => {
                Output::Whole(memory::wholes(column).into_iter().map(some).collect())
            }
            Column::Real(v) => Output::Real(v.to_vec()),
            Column::Integer(_) | Column::Whole(_) => {
                Output::Whole(memory::wholes(column).into_iter().map(some).collect())
            }
            Column::Logical(v) => Output::Logical(v.iter().map(|&x| (x != 2).then_some(x == 1)).collect()),
            Column::Codes { codes, levels } => {
                let labels = levels.labels();
                Output::Text(codes.iter().map(|&c| labels.get(c as usize).cloned()).collect())
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Output::Real(v) => v.len(),
            Output::Integer(v) => v.len(),
            Output::Whole(v) => v.len(),
            Output::Logical(v) => v.len(),
            Output::Text(v) => v.len(),
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Output::Real(_) => DataType::Float64,
            Output::Integer(_) | Output::Whole(_) => DataType::Int64,
            Output::Logical(_) => DataType::Boolean,
            Output::Text(_) => DataType::Utf8,
        }
    }

    fn array(self) -> Result<ArrayRef, String> {
        Ok(match self {
            Output::Real(v) => Arc::new(
                v.into_iter()
                    .map(|x| (!x.is_nan()).then_some(x))
                    .collect::<Float64Array>(),
            ),
            Output::Integer(v) => Arc::new(Int64Array::from(v)),
            Output::Whole(v) => {
                let narrow = |x: i128| {
                    i64::try_from(x).map_err(|_| format!("{x} has more than 64 bits; write a .csv file"))
                };
                let narrow = v.into_iter().map(|x| x.map(narrow).transpose());
                Arc::new(Int64Array::from(narrow.collect::<Result<Vec<_>, _>>()?))
            }
            Output::Logical(v) => Arc::new(BooleanArray::from(v)),
            Output::Text(v) => Arc::new(StringArray::from(v)),
        })
    }

    fn field(&self, i: usize) -> String {
        let text = match self {
            Output::Real(v) => (!v[i].is_nan()).then(|| v[i].to_string()),
            Output::Integer(v) => v[i].map(|x| x.to_string()),
            Output::Whole(v) => v[i].map(|x| x.to_string()),
            Output::Logical(v) => v[i].map(|x| {
                if x {
                    "TRUE".to_string()
                } else {
                    "FALSE".to_string()
                }
            }),
            Output::Text(v) => v[i].as_deref().map(quoted),
        };
        text.unwrap_or_else(|| "NA".into())
    }
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) || text == "NA" || text.is_empty() {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}

enum Format {
    Csv(BufWriter<Destination>),
    /// A writer once the types of the columns are known.
    Parquet(Result<Box<ArrowWriter<Destination>>, Option<Destination>>),
}

/// Writes batches of named columns to a [`Destination`], which is complete when [`finish`](TableWriter::finish) is called;
/// until then, and after an error, a file of that name is as it was.
pub struct TableWriter {
    target: PathBuf,
    names: Vec<String>,
    format: Format,
}

impl TableWriter {
    /// Prepares a `.parquet` or `.csv` file.
    pub fn create(path: &Path, names: &[&str]) -> Result<Self, DataError> {
        is_parquet(path)?;
        TableWriter::onto(Destination::open(Place::of(path)?)?, names)
    }

    /// Writes to a destination whose name is that of a `.parquet` or `.csv` file.
    pub fn onto(out: Destination, names: &[&str]) -> Result<Self, DataError> {
        let target = out.path().to_path_buf();
        let format = if is_parquet(&target)? {
            Format::Parquet(Err(Some(out)))
        } else {
            let mut out = BufWriter::new(out);
            let header: Vec<String> = names.iter().map(|n| quoted(n)).collect();
            writeln!(out, "{}", header.join(",")).map_err(|e| DataError::io(&target, e))?;
            Format::Csv(out)
        };
        Ok(TableWriter {
            target,
            names: names.iter().map(|n| n.to_string()).collect(),
            format,
        })
    }

    fn wrong(&self, what: String) -> DataError {
        DataError::Columns {
            path: self.target.clone(),
            what,
        }
    }

    /// Appends rows; columns in the order of the names, all of one length.
    pub fn write(&mut self, columns: Vec<Output>) -> Result<(), DataError> {
        if columns.len() != self.names.len() {
            return Err(self.wrong(format!(
                "{} columns for {} names",
                columns.len(),
                self.names.len()
            )));
        }
        let rows = columns.first().map_or(0, Output::len);
        if let Some((name, _)) = self.names.iter().zip(&columns).find(|(_, c)| c.len() != rows) {
            return Err(self.wrong(format!("`{name}` is not of {rows} rows like the first column")));
        }
        let target = self.target.clone();
        match &mut self.format {
            Format::Csv(out) => {
                for i in 0..rows {
                    let fields: Vec<String> = columns.iter().map(|c| c.field(i)).collect();
                    writeln!(out, "{}", fields.join(",")).map_err(|e| DataError::io(&target, e))?;
                }
            }
            Format::Parquet(writer) => {
                let failed = |what: String| DataError::Columns {
                    path: target.clone(),
                    what,
                };
                let fields: Vec<Field> = self
                    .names
                    .iter()
                    .zip(&columns)
                    .map(|(n, c)| Field::new(n, c.data_type(), true))
                    .collect();
                let schema = Arc::new(Schema::new(fields));
                if let Err(out) = writer
                    && let Some(out) = out.take()
                {
                    let properties = WriterProperties::builder()
                        .set_compression(Compression::ZSTD(ZstdLevel::default()))
                        .build();
                    let new = ArrowWriter::try_new(out, schema.clone(), Some(properties));
                    *writer = Ok(Box::new(new.map_err(|e| failed(e.to_string()))?));
                }
                let mut arrays = Vec::with_capacity(columns.len());
                for (name, column) in self.names.iter().zip(columns) {
                    arrays.push(
                        column
                            .array()
                            .map_err(|what| failed(format!("`{name}`: {what}")))?,
                    );
                }
                let batch = RecordBatch::try_new(schema, arrays).map_err(|e| failed(e.to_string()))?;
                if let Ok(writer) = writer {
                    writer.write(&batch).map_err(|e| failed(e.to_string()))?;
                }
            }
        }
        Ok(())
    }

    /// Completes the file and gives it its name.
    pub fn finish(mut self) -> Result<(), DataError> {
        if let Format::Parquet(Err(_)) = &self.format {
            // a file without rows still has its columns
            self.write(self.names.iter().map(|_| Output::Real(Vec::new())).collect())?;
        }
        let target = self.target;
        let out = match self.format {
            Format::Csv(out) => out
                .into_inner()
                .map_err(|e| DataError::io(&target, e.into_error()))?,
            Format::Parquet(Ok(writer)) => writer.into_inner().map_err(|e| DataError::Columns {
                path: target.clone(),
                what: e.to_string(),
            })?,
            // a writer that could not be made was an error before
            Format::Parquet(Err(_)) => return Ok(()),
        };
        out.finish()
    }
}

/// Returns true for a table in Parquet, false for one in CSV, by the extension of its name.
fn is_parquet(path: &Path) -> Result<bool, DataError> {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_lowercase);
    match extension.as_deref() {
        Some("parquet" | "pq") => Ok(true),
        Some("csv") => Ok(false),
        _ => Err(DataError::Extension(path.to_path_buf())),
    }
}
