//! The format of a file, and opening it.

use std::path::Path;

use crate::file::PositionedFile;
use crate::row_file::Found;
use crate::{DataError, TextOptions, csv, ipc, parquet};

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
    if file.is_between(b"ARROW1") || file.begins(&crate::footer::STREAM) {
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
