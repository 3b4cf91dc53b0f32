//! Several files read as one source: rows one file after the other, columns by name, parts of paths as columns.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use nelder::frame::{
    Batch, Column, Field, Key, Kind, Levels, MISSING, Scan, Schema, Source, SourceError, Visit,
};

use crate::one_file::open_one;
use crate::paths::Listed;
use crate::row_file::{Found, RowFile};
use crate::{DataError, Opened, TextOptions, TextType};

/// Where a column of the source is in one file.
#[derive(Clone, Debug)]
enum ColumnOrigin {
    Column(usize),
    Number(f64),
    Code(u32, Arc<Levels>),
}

struct Part {
    table: Box<dyn RowFile>,
    places: Vec<ColumnOrigin>,
    first_row: u64,
    first_index: usize,
}

struct Parts {
    schema: Schema,
    parts: Vec<Part>,
    rows: u64,
}

/// Opens files as one source.
pub(crate) fn open(files: &[Listed], options: &TextOptions) -> Result<Opened, DataError> {
    let mut found: Vec<Found> = Vec::with_capacity(files.len());
    for file in files {
        found.push(open_one(&file.path, options)?);
    }
    if let (true, Some(file)) = (options.says_how(), files.first())
        && found.iter().all(|part| !part.is_text)
    {
        return Err(DataError::NoText(file.path.clone()));
    }
    let mut unreadable: Vec<(String, String)> = Vec::new();
    let mut withhold = |name: &str, why: String| {
        if !unreadable.iter().any(|(n, _)| n == name) {
            unreadable.push((name.to_string(), why));
        }
    };
    let mut remarks: Vec<(String, String)> = Vec::new();
    for (file, found) in files.iter().zip(&found) {
        found
            .unreadable
            .iter()
            .for_each(|(name, why)| withhold(name, format!("{why} (in {})", file.path.display())));
        for (name, text) in &found.remarks {
            if !remarks.iter().any(|(n, _)| n == name) {
                remarks.push((name.clone(), format!("{}: {text}", file.path.display())));
            }
        }
    }
    // columns that all files have; a path's word counts more than a column of that name
    let keys: Vec<&str> = files
        .iter()
        .flat_map(|f| f.keys.iter().map(|(name, _)| name.as_str()))
        .fold(Vec::new(), |mut all, name| {
            if !all.contains(&name) {
                all.push(name);
            }
            all
        });
    for key in &keys {
        let both = files
            .iter()
            .zip(&found)
            .find(|(_, part)| part.table.schema().position(key).is_some());
        if let Some((file, _)) = both {
            let text = format!(
                "`{key}` is what the path says, `{key}=…`, not the column of {}",
                file.path.display()
            );
            remarks.push((key.to_string(), text));
        }
    }
    let mut names: Vec<String> = Vec::new();
    for part in &found {
        for field in &part.table.schema().fields {
            if !names.contains(&field.name) && !keys.contains(&field.name.as_str()) {
                names.push(field.name.clone());
            }
        }
    }
    for (file, part) in files.iter().zip(&found) {
        for name in &names {
            if part.table.schema().position(name).is_none() {
                withhold(name, format!("is not in {}", file.path.display()));
            }
        }
    }
    names.retain(|name| !unreadable.iter().any(|(n, _)| n == name));
    remarks.extend(agree(files, options, &mut found, &names)?);
    let mut parts = joined(found, &names);
    for key in keys {
        add_key(&mut parts, files, key);
    }
    Ok(Opened {
        source: Box::new(parts),
        unreadable,
        remarks,
    })
}

fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Integer | Kind::Real | Kind::Date | Kind::Time { .. })
}

/// Common kind of a column that is of kind `a` in one file and `b` in another; `None` where there is none.
fn both(a: Kind, b: Kind) -> Option<Kind> {
    match (a, b) {
        (a, b) if a == b => Some(a),
        (a, b) if is_number(a) && is_number(b) => Some(Kind::Real),
        (Kind::Text, Kind::Factor { .. }) | (Kind::Factor { .. }, Kind::Text) => Some(Kind::Text),
        _ => None,
    }
}

fn described(kind: Kind) -> String {
    match kind {
        Kind::Real | Kind::Integer => "a number",
        Kind::Date => "a date",
        Kind::Time { .. } => "a time",
        Kind::Logical => "logical",
        Kind::Text => "text",
        Kind::Factor { ordered: false } => "a factor",
        Kind::Factor { ordered: true } => "an ordered factor",
    }
    .to_string()
}

/// Opens text files again whose columns alone look otherwise than those of all. Returns what should be said of columns.
fn agree(
    files: &[Listed],
    options: &TextOptions,
    found: &mut [Found],
    names: &[String],
) -> Result<Vec<(String, String)>, DataError> {
    let mut remarks = Vec::new();
    let kind = |part: &Found, name: &str| {
        let at = part.table.schema().position(name)?;
        (!part.empty[at]).then(|| part.table.schema().fields[at].kind)
    };
    let mut types: Vec<(String, TextType)> = Vec::new();
    for name in names {
        let kinds: Vec<Kind> = found.iter().filter_map(|part| kind(part, name)).collect();
        let Some(&first) = kinds.first() else { continue };
        let whole = kinds.iter().try_fold(first, |a, &b| both(a, b));
        match whole {
            Some(Kind::Logical) => types.push((name.clone(), TextType::Logical)),
            Some(Kind::Text) => types.push((name.clone(), TextType::Text)),
            None if found.iter().all(|part| part.is_text) => {
                types.push((name.clone(), TextType::Text));
                let mut own = files
                    .iter()
                    .zip(found.iter())
                    .filter_map(|(f, part)| Some((&f.path, kind(part, name)?)));
                if let Some((path, one)) = own.next()
                    && let Some((other_path, other)) = own.find(|(_, kind)| both(*kind, one).is_none())
                {
                    let remark = format!(
                        "`{name}` is {} in {} and {} in {}: it is taken for text in all, and so for a factor",
                        described(one),
                        path.display(),
                        described(other),
                        other_path.display()
                    );
                    remarks.push((name.clone(), remark));
                }
            }
            _ => {}
        }
    }
    for (file, part) in files.iter().zip(found.iter_mut()) {
        let wrong = |(name, to): &&(String, TextType)| {
            let at = part.table.schema().position(name);
            let now = at.map(|at| part.table.schema().fields[at].kind);
            let is_text = matches!(now, Some(Kind::Text | Kind::Factor { .. }));
            match to {
                TextType::Text => !is_text,
                _ => now != Some(Kind::Logical),
            }
        };
        let more: Vec<(String, TextType)> = types.iter().filter(wrong).cloned().collect();
        if !more.is_empty() && part.is_text {
            let options = TextOptions {
                types: [&options.types[..], &more].concat(),
                ..options.clone()
            };
            *part = open_one(&file.path, &options)?;
        }
    }
    // what is no text file stays what it is
    for name in names {
        let mut first: Option<(Kind, &PathBuf)> = None;
        for (file, part) in files.iter().zip(found.iter()) {
            let Some(own) = kind(part, name) else { continue };
            first = match first {
                None => Some((own, &file.path)),
                Some((a, path)) => match both(a, own) {
                    Some(kind) => Some((kind, path)),
                    None => {
                        return Err(DataError::Kinds {
                            name: name.clone(),
                            kinds: [described(a), described(own)],
                            paths: [path.clone(), file.path.clone()],
                        });
                    }
                },
            };
        }
    }
    Ok(remarks)
}

/// The columns of all files as one source, with common levels.
fn joined(mut found: Vec<Found>, names: &[String]) -> Parts {
    let mut schema = Schema::default();
    for name in names {
        let at: Vec<usize> = found
            .iter()
            .filter_map(|part| part.table.schema().position(name))
            .collect();
        let kinds = found.iter().zip(&at).map(|(part, &at)| {
            let kind = part.table.schema().fields[at].kind;
            (kind, part.empty[at])
        });
        let kind = kinds
            .filter(|(_, empty)| !empty)
            .fold(None, |all: Option<Kind>, (kind, _)| match all {
                None => Some(kind),
                Some(all) => both(all, kind),
            })
            .unwrap_or(Kind::Real);
        let levels = match kind {
            Kind::Text => Some(Levels::growing()),
            Kind::Factor { .. } => Some(union(&found, &at)),
            _ => None,
        };
        if let Some(levels) = levels.map(Arc::new) {
            for (part, &at) in found.iter_mut().zip(&at) {
                part.table.set_levels(at, levels.clone());
            }
        }
        schema.fields.push(Field {
            name: name.clone(),
            kind,
        });
    }
    let (mut parts, mut first_row, mut first_index) = (Vec::new(), 0, 0);
    for part in found {
        let position = |name: &String| part.table.schema().position(name).map(ColumnOrigin::Column);
        let places = names.iter().filter_map(position).collect();
        let (rows, batches) = (part.table.rows().unwrap_or(0), part.table.batches());
        parts.push(Part {
            places,
            table: part.table,
            first_row,
            first_index,
        });
        first_row += rows;
        first_index += batches;
    }
    Parts {
        schema,
        parts,
        rows: first_row,
    }
}

/// The levels of a factor in all files: in the order of the first, then what later ones add.
fn union(found: &[Found], at: &[usize]) -> Levels {
    let own = || {
        found
            .iter()
            .zip(at)
            .filter_map(|(part, &at)| part.table.levels(at))
    };
    match own().all(|levels| levels.is_fixed()) {
        true => Levels::fixed(own().flat_map(|levels| levels.labels())),
        false => Levels::growing(),
    }
}

/// Adds a column of what paths say.
fn add_key(parts: &mut Parts, files: &[Listed], key: &str) {
    let values: Vec<Option<&str>> = files
        .iter()
        .map(|f| f.keys.iter().find(|(name, _)| name == key)?.1.as_deref())
        .collect();
    let number = |text: &str| {
        text.parse::<i64>()
            .ok()
            .map(|x| x as f64)
            .filter(|x| x.abs() < 1e15)
    };
    let whole = values.iter().flatten().all(|text| number(text).is_some());
    let levels = Arc::new(Levels::growing());
    for (part, value) in parts.parts.iter_mut().zip(&values) {
        part.places.push(match whole {
            true => ColumnOrigin::Number(value.and_then(number).unwrap_or(f64::NAN)),
            false => {
                let code = value.map_or(MISSING, |text| levels.intern(&Key::Text(text.into())));
                ColumnOrigin::Code(code, levels.clone())
            }
        });
    }
    parts.schema.fields.push(Field {
        name: key.to_string(),
        kind: if whole { Kind::Integer } else { Kind::Text },
    });
}

impl ColumnOrigin {
    /// A column of the same value for some rows.
    fn constant<'a>(&self, rows: usize) -> Column<'a> {
        match self {
            ColumnOrigin::Code(code, levels) => Column::Codes {
                codes: Cow::Owned(vec![*code; rows]),
                levels: levels.clone(),
            },
            ColumnOrigin::Number(x) => Column::Real(Cow::Owned(vec![*x; rows])),
            ColumnOrigin::Column(_) => Column::Real(Cow::Owned(vec![f64::NAN; rows])),
        }
    }
}

impl Source for Parts {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn workers(&self) -> usize {
        rayon::current_num_threads()
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        let mut total = Scan::default();
        for part in &self.parts {
            let own: Vec<usize> = columns
                .iter()
                .filter_map(|&c| match part.places[c] {
                    ColumnOrigin::Column(at) => Some(at),
                    _ => None,
                })
                .collect();
            let scan = part.table.scan(&own, &|worker, batch| {
                let mut read = batch.columns.into_iter();
                let column = |&c: &usize| match &part.places[c] {
                    ColumnOrigin::Column(_) => {
                        read.next().unwrap_or_else(|| part.places[c].constant(batch.rows))
                    }
                    place => place.constant(batch.rows),
                };
                // the file's columns are these, in the same order
                let from_file: Vec<usize> = (0..columns.len())
                    .filter(|&i| matches!(part.places[columns[i]], ColumnOrigin::Column(_)))
                    .collect();
                let coarse = batch
                    .coarse
                    .iter()
                    .map(|&(at, row)| (from_file[at], row))
                    .collect();
                let columns = columns.iter().map(column).collect();
                let batch = Batch {
                    index: part.first_index + batch.index,
                    first_row: part.first_row + batch.first_row,
                    rows: batch.rows,
                    columns,
                    coarse,
                };
                visit(worker, batch)
            })?;
            total.rows += scan.rows;
            total.bytes += scan.bytes;
        }
        // a file that is read no more may change before the last one is read
        for part in &self.parts {
            part.table.file().unchanged().map_err(SourceError::Read)?;
        }
        Ok(total)
    }
}
