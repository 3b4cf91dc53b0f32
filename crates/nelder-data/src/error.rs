//! Errors of reading and writing data files.

use std::path::{Path, PathBuf};

use nelder::frame::SourceError;

/// Why a data file cannot be read or written. Each message names the file and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// There is no such file; `near` holds names in the same folder that look like it.
    #[error("no file {}{}", path.display(), hint(near))]
    Missing {
        /// The path asked for.
        path: PathBuf,
        /// Similar names that exist.
        near: Vec<String>,
    },
    /// The path is a folder where a file is needed.
    #[error("{} is a directory; name one file in it", .0.display())]
    Directory(PathBuf),
    /// A folder holds no file of data, or a pattern matches none.
    #[error("{}: there is no file of data in it (names that begin with . or _ do not count)", .0.display())]
    NoFiles(PathBuf),
    /// A pattern of names cannot be read.
    #[error("{}: {what}", path.display())]
    Pattern {
        /// The pattern.
        path: PathBuf,
        /// Error of the pattern, or of a folder that it leads through, in words.
        what: String,
    },
    /// A terminal or another device, which no data come from.
    #[error("{} is a terminal or device; name a file, or a pipe that delivers one", .0.display())]
    Device(PathBuf),
    /// A pipe, socket or device stands among the files of a folder.
    #[error("{} is a pipe, socket or device among files; name it by itself, or move it away", .0.display())]
    Irregular(PathBuf),
    /// A separator, names, types or what else is said of text, where no file is text.
    #[error("{} is no text file, and has its own types: what is said of text (its separator, decimal point, quotes, missing values, types or names) has no meaning for it", .0.display())]
    NoText(PathBuf),
    /// The same file was named twice.
    #[error("{} is named twice", .0.display())]
    Twice(PathBuf),
    /// A column has one type in one file and another in another.
    #[error("`{name}` is {} in {} and {} in {}; make them alike", kinds[0], paths[0].display(), kinds[1], paths[1].display())]
    Kinds {
        /// The column.
        name: String,
        /// Types of the column in the two files, in words.
        kinds: [String; 2],
        /// The two files.
        paths: [PathBuf; 2],
    },
    /// A column that an option names is not there.
    #[error("{}: there is no column `{name}`{}", path.display(), hint(near.as_slice()))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// A name that looks like it.
        near: Option<String>,
    },
    /// The fields of a column are not of the type that was asked for.
    #[error("{}: `{name}` is not of the type asked for: {what}", path.display())]
    Type {
        /// The file.
        path: PathBuf,
        /// The column.
        name: String,
        /// The first such field.
        what: String,
    },
    /// The file has no bytes.
    #[error("{} is empty (0 bytes)", .0.display())]
    Empty(PathBuf),
    /// Neither the name nor the content says what the file is.
    #[error(
        "{}: cannot tell what this file is; known are Parquet (.parquet), Arrow (.arrow .feather .ipc) and \
         text (.csv .tsv .txt), each also as .gz",
        .0.display()
    )]
    Unknown(PathBuf),
    /// The content is not what the format demands.
    #[error("{}: not a readable {format} file: {what}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// `Parquet`, `Arrow IPC` or `gzip`.
        format: &'static str,
        /// Fault of the content, in words.
        what: String,
    },
    /// A line of a text file is not a record.
    #[error("{}, line {line}: {what}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1 for the header.
        line: u64,
        /// Fault of the line, in words.
        what: String,
    },
    /// The operating system refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Error of the operating system.
        error: std::io::Error,
    },
    /// The name of an output leads where no file can be.
    #[error("{}: {what}", path.display())]
    Place {
        /// The name.
        path: PathBuf,
        /// Reason, in words.
        what: String,
    },
    /// The output's extension names no format that can be written.
    #[error("{}: cannot write this kind of file; use .parquet or .csv", .0.display())]
    Extension(PathBuf),
    /// Columns given to a writer do not fit its schema.
    #[error("{}: {what}", path.display())]
    Columns {
        /// The output.
        path: PathBuf,
        /// Mismatch of columns and schema, or the error of the writer, in words.
        what: String,
    },
    /// A scan failed.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl DataError {
    pub(crate) fn io(path: &Path, error: std::io::Error) -> Self {
        DataError::Io {
            path: path.to_path_buf(),
            error,
        }
    }

    pub(crate) fn missing(path: &Path) -> Self {
        DataError::Missing {
            path: path.to_path_buf(),
            near: near(path),
        }
    }
}

fn hint(near: &[String]) -> String {
    match near {
        [] => String::new(),
        names => format!("; did you mean {}?", names.join(" or ")),
    }
}

/// Names in the same folder whose edit distance is small, nearest first, at most three.
fn near(path: &Path) -> Vec<String> {
    let Some(wanted) = path.file_name().map(|n| n.to_string_lossy().to_lowercase()) else {
        return Vec::new();
    };
    let folder = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let stem = |s: &str| s.split('.').next().unwrap_or(s).to_string();
    let mut found: Vec<(usize, String)> = entries
        .flatten()
        .take(10_000)
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter_map(|name| {
            let lower = name.to_lowercase();
            // the same name with another extension is the commonest slip
            let distance = if stem(&lower) == stem(&wanted) {
                1
            } else {
                strsim::levenshtein(&lower, &wanted)
            };
            (distance <= 1 + wanted.chars().count() / 4).then_some((distance, name))
        })
        .collect();
    found.sort();
    found
        .into_iter()
        .take(3)
        .map(|(_, name)| folder_join(path, &name))
        .collect()
}

fn folder_join(path: &Path, name: &str) -> String {
    path.with_file_name(name).display().to_string()
}

/// Message for a column whose name another one has.
pub(crate) const TWICE: &str = "stands there twice; make the names unique";

/// Message for a column of a type that has no values, Arrow's `Null`.
pub(crate) const NO_VALUES: &str = "has no values at all";

/// Returns the message for a column of a type that a model cannot use.
pub(crate) fn of_type(kind: &impl std::fmt::Display) -> String {
    format!("is of type {kind}, which a model cannot use")
}

/// Names that occur more than once, in order.
pub(crate) fn duplicates<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut seen = std::collections::HashMap::new();
    let mut out = Vec::new();
    for name in names {
        let count = seen.entry(name).or_insert(0usize);
        *count += 1;
        if *count == 2 {
            out.push(name.to_string());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_once_each() {
        assert_eq!(duplicates(["a", "b", "a", "c", "b", "a"]), ["a", "b"]);
    }
}
