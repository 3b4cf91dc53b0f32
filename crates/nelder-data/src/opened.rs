//! What a file is, and opening it.

use std::io::Read;
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

/// Opens a Parquet, Arrow IPC or CSV file, by its extension or, failing that, by its first bytes.
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
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("parquet" | "pq") => parquet::open(path),
        Some("arrow" | "feather" | "ipc") => ipc::open(path),
        Some("csv" | "tsv" | "txt") => csv::open(path),
        _ => {
            let file = PositionedFile::open(path)?;
            let mut start = [0u8; 6];
            let mut reader = file.reader(0);
            let n = reader.read(&mut start).map_err(|e| DataError::io(path, e))?;
            match &start[..n] {
                s if s.starts_with(b"PAR1") => parquet::open(path),
                b"ARROW1" => ipc::open(path),
                _ => Err(DataError::Unknown(path.to_path_buf())),
            }
        }
    }
}
