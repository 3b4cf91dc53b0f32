//! What a file is, and opening it.

use std::path::Path;

use nelder::frame::{Scan, Schema, Source, SourceError, Visit};

use crate::{DataError, csv, file::PositionedFile, ipc, parquet};

/// A file that was opened, as a source.
pub struct Opened {
    pub(crate) source: Box<dyn Source>,
    pub(crate) unreadable: Vec<(String, String)>,
}

impl Opened {
    /// Columns of the file that a model cannot use: name and type.
    pub fn unreadable(&self) -> &[(String, String)] {
        &self.unreadable
    }
}

impl Source for Opened {
    fn schema(&self) -> &Schema {
        self.source.schema()
    }

    fn rows(&self) -> Option<u64> {
        self.source.rows()
    }

    fn workers(&self) -> usize {
        self.source.workers()
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        self.source.scan(columns, visit)
    }
}

/// Opens a Parquet, Arrow IPC or CSV file, also one compressed with gzip. What begins and ends as a Parquet or Arrow
/// file is one; else the extension tells.
///
/// ```no_run
/// use nelder::frame::Source;
/// let flights = nelder_data::open("examples/flights.parquet".as_ref())?;
/// assert_eq!(flights.rows(), Some(336_776));
/// # Ok::<(), nelder_data::DataError>(())
/// ```
pub fn open(path: &Path) -> Result<Opened, DataError> {
    if path == Path::new("-") {
        return Err(DataError::Stdin);
    }
    let mut file = PositionedFile::open(path)?;
    let mut extension = lower_extension(path);
    if extension.as_deref() == Some("gz") {
        file = file.decompressed()?;
        extension = path.file_stem().and_then(|stem| lower_extension(Path::new(stem)));
    }
    if file.is_between(b"PAR1") {
        return parquet::open(file);
    }
    if file.is_between(b"ARROW1") {
        return ipc::open(file);
    }
    match extension.as_deref() {
        Some("parquet" | "pq") => parquet::open(file),
        Some("arrow" | "feather" | "ipc") => ipc::open(file),
        Some("tsv") => csv::open(file, Some(b'\t')),
        Some("csv" | "txt") => csv::open(file, None),
        // a file cut short still begins as what it was
        _ if file.bytes(0, 4).is_ok_and(|b| b == b"PAR1") => parquet::open(file),
        _ if file.bytes(0, 6).is_ok_and(|b| b == b"ARROW1") => ipc::open(file),
        _ => Err(DataError::Unknown(path.to_path_buf())),
    }
}

fn lower_extension(path: &Path) -> Option<String> {
    path.extension().map(|e| e.to_string_lossy().to_lowercase())
}
