//! The data that a command reads, and what is said of them.

use std::path::PathBuf;

use nelder::design::BindError;
use nelder::formula::Expr;
use nelder::frame::Source;
use nelder::model::{ModelError, SavedDesign};
use nelder_data::{Opened, TextType, open_all};

use crate::arguments::{DataOptions, TextOptions};
use crate::failure::Failure;
use crate::output::note;

/// One byte that an option names.
fn character(option: &str, text: &str, words: &[(&str, Option<u8>)]) -> Result<Option<u8>, Failure> {
    if let Some((_, byte)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*byte);
    }
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'\n' | b'\r') => {
            Ok(Some(*byte))
        }
        _ => Err(Failure::Usage(format!("{option} {text:?}: give one character"))),
    }
}

/// Checks the options for text files, and converts them to the reader's.
pub fn text_options(asked: &TextOptions) -> Result<nelder_data::TextOptions, Failure> {
    let tab = [("tab", Some(b'\t')), ("\\t", Some(b'\t'))];
    let separator = match &asked.sep {
        None => None,
        Some(text) => character("--sep", text, &tab)?,
    };
    let decimal = character("--dec", &asked.dec, &[])?.unwrap_or(b'.');
    if !matches!(decimal, b'.' | b',') {
        return Err(Failure::Usage(format!("--dec {:?}: give . or ,", asked.dec)));
    }
    if separator == Some(decimal) {
        return Err(Failure::Usage(format!(
            "--sep and --dec are both {:?}; they must differ",
            asked.dec
        )));
    }
    let quote = character("--quote", &asked.quote, &[("none", None), ("", None)])?;
    if let Some(name) = (1..asked.names.len()).find(|&i| asked.names[..i].contains(&asked.names[i])) {
        return Err(Failure::Usage(format!(
            "--names has {:?} twice; make the names unique",
            asked.names[name]
        )));
    }
    let mut types = Vec::new();
    for text in &asked.types {
        let wrong = || {
            Failure::Usage(format!(
                "--types {text}: write name=text, name=number or name=logical"
            ))
        };
        let (name, kind) = text.rsplit_once('=').ok_or_else(wrong)?;
        let kind = match kind.trim() {
            "text" | "character" | "factor" => TextType::Text,
            "number" | "numeric" | "integer" => TextType::Number,
            "logical" => TextType::Logical,
            _ => return Err(wrong()),
        };
        types.push((name.trim().to_string(), kind));
    }
    Ok(nelder_data::TextOptions {
        separator,
        decimal,
        quote,
        missing: asked.na_strings.clone(),
        types,
        text: Vec::new(),
        logical: Vec::new(),
        names: asked.names.clone(),
    })
}

/// The files and folders that no output may be: what the data were named as, and what that stands for.
pub fn inputs(asked: &DataOptions) -> Result<Vec<PathBuf>, Failure> {
    let mut all = asked.data.clone();
    all.extend(nelder_data::files(&asked.data)?);
    Ok(all)
}

/// Opens the data that are asked for.
pub fn open(asked: &DataOptions) -> Result<Opened, Failure> {
    open_paths(&asked.data, &asked.text)
}

/// Opens new data for a fit: what was text in its data is text in them, also digits, `T` or nothing at all; logical columns
/// may be empty.
pub fn open_for(asked: &DataOptions, design: &SavedDesign) -> Result<Opened, Failure> {
    let options = nelder_data::TextOptions {
        text: design.text_columns().to_vec(),
        logical: design.logical_columns().to_vec(),
        ..text_options(&asked.text)?
    };
    Ok(open_all(&asked.data, &options)?)
}

/// Opens files as one table.
pub fn open_paths(paths: &[PathBuf], text: &TextOptions) -> Result<Opened, Failure> {
    Ok(open_all(paths, &text_options(text)?)?)
}

/// Name of the data in a call that is printed: the first file's without its extension, or `stdin`.
pub fn name(asked: &DataOptions) -> Expr {
    let first = asked.data.first();
    let stem = first
        .and_then(|path| path.file_stem())
        .map(|s| s.to_string_lossy());
    let name = match stem.as_deref() {
        None => "data",
        Some("-") => "stdin",
        Some(stem) => stem,
    };
    Expr::Name(name.to_string())
}

/// Says on standard error what someone who uses these columns should know: of a column that was taken for text, of those
/// that `.` leaves out. `texts` are the formula and the other expressions.
pub fn remark(opened: &Opened, texts: &[&str], all: bool) {
    let names: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
    let named = |name: &str| names.iter().flatten().any(|word| word == name);
    let all = all || named(".");
    for (name, text) in opened.remarks() {
        if all || named(name) {
            note(&format!("nelder: {text}"));
        }
    }
    if all {
        for (name, why) in opened.unreadable() {
            note(&format!("nelder: the column `{name}` is left out: it {why}"));
        }
    }
}

/// The same of the columns that the formula of a saved fit names.
pub fn remark_named(opened: &Opened, formula: &str) {
    let names = words(formula);
    for (name, text) in opened.remarks() {
        if names.contains(name) {
            note(&format!("nelder: {text}"));
        }
    }
}

/// The names in an expression, and `.` where it stands alone.
fn words(text: &str) -> Vec<String> {
    let (mut out, mut rest) = (Vec::new(), text);
    let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_');
    while let Some(first) = rest.chars().next() {
        if first == '`' {
            let end = rest[1..].find('`').map_or(rest.len(), |i| i + 1);
            out.push(rest[1..end].to_string());
            rest = rest.get(end + 1..).unwrap_or_default();
        } else if matches!(first, '"' | '\'') {
            let end = rest[1..].find(first).map_or(rest.len(), |i| i + 1);
            rest = rest.get(end + 1..).unwrap_or_default();
        } else if part(first) {
            let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
            out.push(rest[..end].to_string());
            rest = &rest[end..];
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// The failure of a model, with what the data say of unknown columns: one is there and no model can use it, or the lines of a text
/// file were read as one column.
pub fn unreadable(error: ModelError, opened: &Opened) -> Failure {
    let ModelError::Bind(BindError::Unknown(names)) = &error else {
        return error.into();
    };
    let unknown: Vec<&str> = names
        .iter()
        .filter(|n| !n.function)
        .map(|n| n.name.as_str())
        .collect();
    let found = opened.unreadable().iter();
    if let Some((name, why)) = found
        .into_iter()
        .find(|(name, _)| unknown.contains(&name.as_str()))
    {
        let hint = format!("the data have a column `{name}`, which {why}");
        return Failure::Data(match names.as_slice() {
            [one] if one.nearest.is_none() => hint,
            _ => format!("{error}\n{hint}"),
        });
    }
    let hint = match (opened.schema().fields.as_slice(), opened.unreadable()) {
        ([one], []) if !unknown.is_empty() => separated(&one.name),
        _ => None,
    };
    Failure::Data(error.to_string() + &hint.unwrap_or_default())
}

/// A hint where the name of the only column is several names with a separator between them.
fn separated(name: &str) -> Option<String> {
    let by = [' ', '\t', ';', ':', '|', ',']
        .into_iter()
        .find(|&c| name.trim().contains(c))?;
    let option = match by {
        '\t' => "'\\t'".to_string(),
        c => format!("'{c}'"),
    };
    Some(format!(
        "\nthe data have one column, `{name}`; does --sep {option} separate its lines into columns?"
    ))
}
