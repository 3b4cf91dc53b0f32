//! What a file is, and opening it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nelder::frame::{Levels, Scan, Schema, Source, SourceError, Visit};

use crate::file::PositionedFile;
use crate::{DataError, TextOptions, csv, ipc, parquet, parts, paths};

/// A file of rows, or one of several that are read as one.
pub(crate) trait RowFile: Source + Send {
    /// Batches of a scan.
    fn batches(&self) -> usize;

    /// The levels of a column that has any.
    fn levels(&self, column: usize) -> Option<&Arc<Levels>>;

    /// Gives a column of codes other levels, into which it will be coded.
    fn set_levels(&mut self, column: usize, levels: Arc<Levels>);

    /// The file that is read.
    fn file(&self) -> &PositionedFile;
}

/// What was found in a file.
pub(crate) struct Found {
    pub table: Box<dyn RowFile>,
    /// Columns that a model cannot use: name and why.
    pub unreadable: Vec<(String, String)>,
    /// What should be said of a column where it is used.
    pub remarks: Vec<(String, String)>,
    /// Whether a column of the schema has no value, and so no type of its own.
    pub empty: Vec<bool>,
    /// Whether it is a text file, whose types are what its fields look like.
    pub is_text: bool,
}

/// Files that were opened, as a source.
pub struct Opened {
    pub(crate) source: Box<dyn Source>,
    pub(crate) unreadable: Vec<(String, String)>,
    pub(crate) remarks: Vec<(String, String)>,
}

impl Opened {
    /// Columns of the file that a model cannot use: the name, and why, such as "is of type List(Int32), which a model
    /// cannot use".
    pub fn unreadable(&self) -> &[(String, String)] {
        &self.unreadable
    }

    /// What someone who uses a column should know: its name, and a sentence, such as that a column of numbers was taken
    /// for text because of one field.
    pub fn remarks(&self) -> &[(String, String)] {
        &self.remarks
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

/// Opens a Parquet, Arrow IPC or CSV file, also one compressed with gzip; `-` is standard input. What begins and ends as
/// a Parquet or Arrow file is one; else the extension tells, or for a pipe the content.
///
/// ```no_run
/// use nelder::frame::Source;
/// let flights = nelder_data::open("examples/flights.parquet".as_ref())?;
/// assert_eq!(flights.rows(), Some(336_776));
/// # Ok::<(), nelder_data::DataError>(())
/// ```
pub fn open(path: &Path) -> Result<Opened, DataError> {
    open_all(&[path.to_path_buf()], &TextOptions::default())
}

/// Opens files, folders and patterns such as `part-*.csv` as one source: rows in the order of the paths, columns by
/// name. Parts of paths such as `year=2013` are columns.
///
/// # Errors
/// As [`open`], and where there is no file, or a column has different types.
pub fn open_all(paths: &[PathBuf], options: &TextOptions) -> Result<Opened, DataError> {
    let files = paths::listed(paths)?;
    match files.as_slice() {
        [one] if one.keys.is_empty() => {
            let found = open_one(&one.path, options)?;
            if !found.is_text && options.says_how() {
                return Err(DataError::NoText(one.path.clone()));
            }
            Ok(Opened {
                source: found.table,
                unreadable: found.unreadable,
                remarks: found.remarks,
            })
        }
        several => parts::open(several, options),
    }
}

/// Opens one file.
pub(crate) fn open_one(path: &Path, options: &TextOptions) -> Result<Found, DataError> {
    let mut file = PositionedFile::open(path)?;
    let mut extension = lower_extension(path);
    // standard input has no name that says what it is, whatever is behind it
    let nameless = [Path::new("-"), Path::new("/dev/stdin")].contains(&path) || path.starts_with("/dev/fd");
    let piped = file.is_piped() || nameless;
    if extension.as_deref() == Some("gz") || (piped && file.begins(b"\x1f\x8b")) {
        file = file.decompressed()?;
        extension = path.file_stem().and_then(|stem| lower_extension(Path::new(stem)));
    }
    let found = known(file.clone(), path, extension.as_deref(), piped, options)?;
    file.unchanged().map_err(|what| file.changed(what))?;
    Ok(found)
}

fn known(
    file: PositionedFile,
    path: &Path,
    extension: Option<&str>,
    piped: bool,
    options: &TextOptions,
) -> Result<Found, DataError> {
    if file.is_between(b"PAR1") {
        return parquet::open(file);
    }
    if file.is_between(b"ARROW1") || file.begins(&ipc::STREAM) {
        return ipc::open(file);
    }
    match extension {
        Some("parquet" | "pq") => parquet::open(file),
        Some("arrow" | "arrows" | "feather" | "ipc") => ipc::open(file),
        Some("tsv") => csv::open(file, Some(b'\t'), options),
        Some("csv" | "txt") => csv::open(file, None, options),
        // a file cut short still begins as what it was
        _ if file.begins(b"PAR1") => parquet::open(file),
        _ if file.begins(b"ARROW1") => ipc::open(file),
        // who says how a file is to be read says that it is text
        _ if piped || *options != TextOptions::default() => csv::open(file, None, options),
        _ => Err(DataError::Unknown(path.to_path_buf())),
    }
}

fn lower_extension(path: &Path) -> Option<String> {
    path.extension().map(|e| e.to_string_lossy().to_lowercase())
}
