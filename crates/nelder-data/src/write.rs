//! Columns written to Parquet or CSV.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use nelder::frame::{Column, Kind};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::{DataError, memory};

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
    Csv(BufWriter<File>),
    Parquet(Option<File>, Option<Box<ArrowWriter<File>>>),
}

/// Writes batches of named columns to a temporary file beside the target, which takes the target's name when
/// [`finish`](TableWriter::finish) is called; until then, and after an error, the target is as it was.
pub struct TableWriter {
    target: PathBuf,
    temporary: PathBuf,
    names: Vec<String>,
    format: Format,
    finished: bool,
}

impl TableWriter {
    /// Prepares a `.parquet` or `.csv` file.
    pub fn create(path: &Path, names: &[&str]) -> Result<Self, DataError> {
        let extension = path.extension().and_then(|e| e.to_str()).map(str::to_lowercase);
        let parquet = match extension.as_deref() {
            Some("parquet" | "pq") => true,
            Some("csv") => false,
            _ => return Err(DataError::Extension(path.to_path_buf())),
        };
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.part", std::process::id()));
        let temporary = path.with_file_name(name);
        let file = File::create(&temporary).map_err(|e| DataError::io(path, e))?;
        let format = if parquet {
            Format::Parquet(Some(file), None)
        } else {
            let mut out = BufWriter::new(file);
            let header: Vec<String> = names.iter().map(|n| quoted(n)).collect();
            writeln!(out, "{}", header.join(",")).map_err(|e| DataError::io(path, e))?;
            Format::Csv(out)
        };
        let names = names.iter().map(|n| n.to_string()).collect();
        Ok(TableWriter {
            target: path.to_path_buf(),
            temporary,
            names,
            format,
            finished: false,
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
            Format::Parquet(file, writer) => {
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
                if let Some(file) = file.take() {
                    let properties = WriterProperties::builder()
                        .set_compression(Compression::ZSTD(ZstdLevel::default()))
                        .build();
                    let new = ArrowWriter::try_new(file, schema.clone(), Some(properties));
                    *writer = Some(Box::new(new.map_err(|e| failed(e.to_string()))?));
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
                if let Some(writer) = writer {
                    writer.write(&batch).map_err(|e| failed(e.to_string()))?;
                }
            }
        }
        Ok(())
    }

    /// Completes the file and gives it its name.
    pub fn finish(mut self) -> Result<(), DataError> {
        if let Format::Parquet(Some(_), _) = &self.format {
            // a file without rows still has its columns
            self.write(self.names.iter().map(|_| Output::Real(Vec::new())).collect())?;
        }
        let target = self.target.clone();
        match &mut self.format {
            Format::Csv(out) => out.flush().map_err(|e| DataError::io(&target, e))?,
            Format::Parquet(_, writer) => {
                if let Some(writer) = writer.take() {
                    writer.close().map_err(|e| DataError::Columns {
                        path: target.clone(),
                        what: e.to_string(),
                    })?;
                }
            }
        }
        std::fs::rename(&self.temporary, &self.target).map_err(|e| DataError::io(&target, e))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for TableWriter {
    fn drop(&mut self) {
        if !self.finished {
            // nothing is left behind; the target was never touched
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}
