//! Opening files as one source.

use std::path::{Path, PathBuf};

use crate::one_file::open_one;
use crate::{DataError, Opened, TextOptions, parts, paths};

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
