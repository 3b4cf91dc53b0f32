//! Folders and patterns as lists of files, and what their paths say of the rows in them.

use std::path::{Component, Path, PathBuf};

use crate::DataError;

/// A file and the parts of its path that are columns: `year=2013`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub path: PathBuf,
    /// Names and values; `None` for a missing one.
    pub keys: Vec<(String, Option<String>)>,
}

/// Value that stands for a missing one in the names of Hive's folders.
const MISSING: &str = "__HIVE_DEFAULT_PARTITION__";

/// The files that paths, folders and patterns stand for, in order.
///
/// # Errors
/// A folder or a pattern without files; a file that is named twice.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, DataError> {
    Ok(listed(paths)?.into_iter().map(|file| file.path).collect())
}

/// The same with what their paths say of their rows.
pub(crate) fn listed(paths: &[PathBuf]) -> Result<Vec<Listed>, DataError> {
    let mut files: Vec<Listed> = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut found = Vec::new();
            walk(path, &mut found)?;
            if found.is_empty() {
                return Err(DataError::NoFiles(path.clone()));
            }
            files.extend(found.into_iter().map(|file| {
                let keys = keys(file.strip_prefix(path).unwrap_or(&file));
                Listed { path: file, keys }
            }));
        } else if is_pattern(path) && !path.exists() {
            files.extend(matching(path)?);
        } else {
            files.push(Listed {
                path: path.clone(),
                keys: Vec::new(),
            });
        }
    }
    if files.len() > 1 && paths.len() > 1 {
        differing_keys(&mut files);
    }
    let mut known = std::collections::HashSet::new();
    for file in &files {
        let own = file.path.canonicalize().unwrap_or_else(|_| file.path.clone());
        if !known.insert(own) {
            return Err(DataError::Twice(file.path.clone()));
        }
    }
    Ok(files)
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// The files that match a pattern.
fn matching(pattern: &Path) -> Result<Vec<Listed>, DataError> {
    let wrong = |what: String| DataError::Pattern {
        path: pattern.to_path_buf(),
        what,
    };
    // parts of the path before the first wildcard are the same for all
    let fixed = pattern
        .components()
        .take_while(|c| !is_pattern(Path::new(c.as_os_str())))
        .count();
    let mut files = Vec::new();
    for found in glob::glob(&pattern.to_string_lossy()).map_err(|e| wrong(e.to_string()))? {
        let found = found.map_err(|e| wrong(e.to_string()))?;
        if is_hidden(&found) && !is_hidden(pattern) {
            continue;
        }
        let mut inner = Vec::new();
        match found.is_dir() {
            true => walk(&found, &mut inner)?,
            false => inner.push(found),
        }
        files.extend(inner.into_iter().map(|path| {
            let own: PathBuf = path.components().skip(fixed).collect();
            Listed {
                keys: keys(&own),
                path,
            }
        }));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    match files.is_empty() {
        true => Err(DataError::NoFiles(pattern.to_path_buf())),
        false => Ok(files),
    }
}

/// The files in a folder and the folders in it, but for those whose names begin with `.` or `_`.
fn walk(folder: &Path, out: &mut Vec<PathBuf>) -> Result<(), DataError> {
    let failed = |e: std::io::Error| DataError::io(folder, e);
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    for entry in entries {
        if is_hidden(&entry) {
            continue;
        }
        let about = std::fs::metadata(&entry).map_err(|e| DataError::io(&entry, e))?;
        match about.is_dir() {
            true => walk(&entry, out)?,
            // a pipe that nobody writes to would be waited for
            false if !about.is_file() => return Err(DataError::Irregular(entry)),
            false => out.push(entry),
        }
    }
    Ok(())
}

/// Tests if a name begins with `.` or `_`, which marks files and folders that hold no data.
fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|n| n.to_string_lossy().starts_with(['.', '_']))
}

/// The folders of a path that are `name=value`.
fn keys(path: &Path) -> Vec<(String, Option<String>)> {
    let folders = path.parent().into_iter().flat_map(Path::components);
    let pair = |c: Component<'_>| {
        let text = c.as_os_str().to_string_lossy().into_owned();
        let (name, value) = text.split_once('=')?;
        let value = unescaped(value);
        (!name.is_empty()).then(|| (unescaped(name), (value != MISSING).then_some(value)))
    };
    folders.filter_map(pair).collect()
}

/// Of files that were named one by one, the parts of their paths that are not the same for all.
fn differing_keys(files: &mut [Listed]) {
    for file in files.iter_mut().filter(|f| f.keys.is_empty()) {
        file.keys = keys(&file.path);
    }
    let first = files[0].keys.clone();
    for (name, value) in first {
        let same = |f: &Listed| f.keys.contains(&(name.clone(), value.clone()));
        if files.iter().all(same) {
            files.iter_mut().for_each(|f| f.keys.retain(|(n, _)| *n != name));
        }
    }
}

/// Text without `%20` and the like.
fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let code = text
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_path() {
        let of = |path: &str| keys(Path::new(path));
        assert_eq!(
            of("a/year=2013/who=A%20B%3D/part.csv"),
            [
                ("year".to_string(), Some("2013".to_string())),
                ("who".to_string(), Some("A B=".to_string()))
            ]
        );
        assert_eq!(
            of("k=__HIVE_DEFAULT_PARTITION__/x.csv"),
            [("k".to_string(), None)]
        );
        assert_eq!(of("=1/a=2.csv"), []);
        assert_eq!(unescaped("50%"), "50%");
    }
}
