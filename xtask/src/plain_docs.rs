//! First lines of doc comments: each names its thing, and none is a riddle.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders whose comments are read.
const FOLDERS: &[&str] = &["crates", "fronts/cli/src", "fronts/r/src/rust/src"];

/// First words that leave the reader to solve what the thing is.
const RIDDLES: &[&str] = &["What", "Those", "Whether", "How"];

/// Checks the first line of every doc comment; the number of comments.
///
/// # Errors
/// The lines that begin with one of [`RIDDLES`].
pub fn check(root: &Path) -> Result<usize, String> {
    let (mut comments, mut bad) = (0, Vec::new());
    for folder in FOLDERS {
        let mut files = Vec::new();
        sources(&root.join(folder), &mut files)?;
        files.sort();
        for file in files {
            let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            let shown = file.strip_prefix(root).unwrap_or(&file).display();
            for (line, first) in first_lines(&text) {
                comments += 1;
                if is_riddle(first) {
                    bad.push(format!("{shown}:{line}: {first}"));
                }
            }
        }
    }
    match bad.is_empty() {
        true => Ok(comments),
        false => Err(format!(
            "doc comments that name nothing (say what it is: a noun, its formula, its unit):\n{}",
            bad.join("\n")
        )),
    }
}

/// Rust files below a folder, but those of tests, examples and builds.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    const LEFT_OUT: &[&str] = &["tests", "examples", "target"];
    for entry in fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))? {
        let path = entry.map_err(|e| e.to_string())?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if path.is_dir() && !LEFT_OUT.contains(&name) {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// The first line of each doc comment, with its number from 1.
fn first_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let doc = |line: &'_ str| line.starts_with("///") || line.starts_with("//!");
    let mut before = false;
    text.lines().enumerate().filter_map(move |(i, line)| {
        let line = line.trim_start();
        let first = doc(line) && !before;
        before = doc(line);
        first.then(|| (i + 1, line[3..].trim()))
    })
}

fn is_riddle(first: &str) -> bool {
    let word = first.split(|c: char| !c.is_alphanumeric()).next();
    word.is_some_and(|w| RIDDLES.contains(&w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn riddles_are_found_in_first_lines_only() {
        let text = "//! What it is.\n//! How.\n\n/// Weights w, one a row.\n/// What follows.\nfn f() {}\n    /// Whether, or not\n";
        let found: Vec<(usize, bool)> = first_lines(text).map(|(i, l)| (i, is_riddle(l))).collect();
        assert_eq!(found, [(1, true), (4, false), (7, true)]);
        assert!(!is_riddle("However it may be") && !is_riddle(""));
    }
}
