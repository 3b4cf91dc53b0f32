//! CSV and TSV files: types found in one scan when the file is opened, then ranges of whole records by worker.

use std::borrow::Cow;
use std::sync::Arc;

use nelder::frame::{Batch, Column, Field, Kind, Levels, MISSING, Scan, Schema, Source, SourceError, Visit};
use rayon::prelude::*;

use crate::file::PositionedFile;
use crate::hash::Interner;
use crate::workers::share;
use crate::{BATCH_ROWS, DataError, Opened};

/// Bytes that a worker reads at a time.
const RANGE: usize = 4 << 20;

/// Bytes of a record at most: a quote that is never closed must not read the whole file into memory.
const RECORD: usize = 64 << 20;

/// Whole records of the file.
#[derive(Clone, Debug)]
struct Range {
    at: u64,
    bytes: usize,
    first_line: u64,
    rows: u64,
    first_row: u64,
    first_index: usize,
}

struct CsvSource {
    file: PositionedFile,
    delimiter: u8,
    schema: Schema,
    levels: Vec<Option<Arc<Levels>>>,
    ranges: Vec<Range>,
    rows: u64,
}

/// What a record's fields look like so far; a column is the first kind that all its fields allow.
#[derive(Clone, Copy, Debug)]
struct Seen {
    whole: bool,
    real: bool,
    logical: bool,
    any: bool,
}

/// Rows of a range and what their fields look like, or the line that is no record and why.
type Inferred = Result<(u64, Vec<Seen>), (u64, String)>;

impl Seen {
    const NOTHING: Seen = Seen {
        whole: true,
        real: true,
        logical: true,
        any: false,
    };

    fn field(&mut self, field: &[u8]) {
        // blanks around it make no difference in a column of numbers, and a column without any text is one
        if is_missing(field.trim_ascii()) {
            return;
        }
        self.any = true;
        if self.logical && logical(field).is_none() {
            self.logical = false;
        }
        if self.real {
            match number(field) {
                None => (self.real, self.whole) = (false, false),
                Some(x) if self.whole => {
                    let digits = field
                        .iter()
                        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b' '));
                    // 2^53 itself may be a rounded number
                    self.whole = digits && x.abs() < 9_007_199_254_740_992.0;
                }
                Some(_) => {}
            }
        }
    }

    fn join(self, other: Seen) -> Seen {
        Seen {
            whole: self.whole && other.whole,
            real: self.real && other.real,
            logical: self.logical && other.logical,
            any: self.any || other.any,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Seen { any: false, .. } => Kind::Real,
            Seen { whole: true, .. } => Kind::Integer,
            Seen { real: true, .. } => Kind::Real,
            Seen { logical: true, .. } => Kind::Logical,
            _ => Kind::Text,
        }
    }
}

fn is_missing(field: &[u8]) -> bool {
    field.is_empty() || field == b"NA"
}

fn logical(field: &[u8]) -> Option<bool> {
    match field {
        b"TRUE" | b"true" | b"True" | b"T" => Some(true),
        b"FALSE" | b"false" | b"False" | b"F" => Some(false),
        _ => None,
    }
}

fn number(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field.trim_ascii()).ok()?.parse().ok()
}

/// Splits records; each call of `record` gets the fields of one, and where it begins.
fn records(
    text: &[u8],
    delimiter: u8,
    mut record: impl FnMut(&[Cow<'_, [u8]>], usize) -> Result<bool, String>,
) -> Result<(), (usize, String)> {
    let mut at = 0;
    let mut fields: Vec<Cow<'_, [u8]>> = Vec::new();
    while at < text.len() {
        let start = at;
        fields.clear();
        // blank lines are no records
        if text[at] == b'\n' || text[at..].starts_with(b"\r\n") {
            at += if text[at] == b'\n' { 1 } else { 2 };
            continue;
        }
        loop {
            let (field, end) = field(text, at, delimiter).map_err(|what| (start, what))?;
            fields.push(field);
            at = end;
            match text.get(at) {
                Some(&b) if b == delimiter => at += 1,
                Some(b'\r') if text.get(at + 1) == Some(&b'\n') => {
                    at += 2;
                    break;
                }
                Some(_) => {
                    at += 1;
                    break;
                }
                None => break,
            }
        }
        if !record(&fields, start).map_err(|what| (start, what))? {
            break;
        }
    }
    Ok(())
}

/// The field that begins at `at`, and the place of the delimiter or line end after it.
fn field(text: &[u8], at: usize, delimiter: u8) -> Result<(Cow<'_, [u8]>, usize), String> {
    let ends =
        |b: u8, next: Option<&u8>| b == delimiter || b == b'\n' || (b == b'\r' && next == Some(&b'\n'));
    if text.get(at) != Some(&b'"') {
        let mut end = at;
        while end < text.len() && !ends(text[end], text.get(end + 1)) {
            end += 1;
        }
        return Ok((Cow::Borrowed(&text[at..end]), end));
    }
    let mut end = at + 1;
    let mut unescaped: Option<Vec<u8>> = None;
    let mut from = end;
    loop {
        match text.get(end) {
            None => return Err("a quote is not closed".into()),
            Some(b'"') if text.get(end + 1) == Some(&b'"') => {
                unescaped
                    .get_or_insert_default()
                    .extend_from_slice(&text[from..=end]);
                end += 2;
                from = end;
            }
            Some(b'"') => break,
            Some(_) => end += 1,
        }
    }
    let body = match unescaped {
        None => Cow::Borrowed(&text[from..end]),
        Some(mut v) => {
            v.extend_from_slice(&text[from..end]);
            Cow::Owned(v)
        }
    };
    end += 1;
    match text.get(end) {
        None => Ok((body, end)),
        Some(&b) if ends(b, text.get(end + 1)) => Ok((body, end)),
        Some(_) => Err("text follows a closing quote".into()),
    }
}

/// Where quotes stand in a text that begins at a record: a quote opens a field only at its beginning, as in [`field`].
struct Quotes {
    quoted: bool,
    // a field begins here, or a quote has just ended, which the next quote would undo
    may_open: bool,
}

impl Quotes {
    fn new() -> Self {
        Quotes {
            quoted: false,
            may_open: true,
        }
    }

    /// Takes the next byte; whether it ends a record.
    fn ends_record(&mut self, b: u8, delimits: impl Fn(u8) -> bool) -> bool {
        if self.quoted {
            (self.quoted, self.may_open) = (b != b'"', true);
            return false;
        }
        self.quoted = b == b'"' && self.may_open;
        self.may_open = b == b'\n' || delimits(b);
        b == b'\n'
    }
}

/// End of the last whole record in `text`, which begins at a record; `None` if there is none.
fn last_record_end(text: &[u8], delimiter: u8) -> Option<usize> {
    let (mut quotes, mut end) = (Quotes::new(), None);
    for (i, &b) in text.iter().enumerate() {
        if quotes.ends_record(b, |b| b == delimiter) {
            end = Some(i + 1);
        }
    }
    end
}

const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Bytes before the header, and its own without a mark of the encoding. The delimiter is not known yet.
fn header(file: &PositionedFile) -> Result<(u64, Vec<u8>), String> {
    let mut want = 1 << 16;
    loop {
        let length = usize::try_from(file.size().min(want)).unwrap_or(RECORD);
        let text = file.bytes(0, length).map_err(|e| e.to_string())?;
        if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
            return Err("the file is UTF-16; save it as UTF-8".into());
        }
        if text.starts_with(b"\x1f\x8b") {
            return Err("the file is compressed with gzip; let its name end in .gz".into());
        }
        let bom = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        // blank lines are no records
        let blank = text[bom..]
            .iter()
            .position(|b| !matches!(b, b'\n' | b'\r'))
            .unwrap_or(text.len() - bom);
        let from = bom + blank;
        let mut quotes = Quotes::new();
        let end = text[from..]
            .iter()
            .position(|&b| quotes.ends_record(b, |b| DELIMITERS.contains(&b)));
        match end {
            Some(end) => return Ok((from as u64, text[from..=from + end].to_vec())),
            None if length as u64 == file.size() => {
                let line = &text[from..];
                let last = line.trim_ascii_end().len();
                if line[..last].contains(&b'\r') {
                    return Err("the lines end in carriage returns alone; convert them to line feeds".into());
                }
                return Ok((from as u64, line.to_vec()));
            }
            None if length >= RECORD => {
                return Err(format!("no line ends within {} MiB", RECORD >> 20));
            }
            None => want *= 4,
        }
    }
}

fn delimiter(header: &[u8]) -> u8 {
    let count = |d: u8| {
        let (mut quotes, mut n) = (Quotes::new(), 0);
        for &b in header {
            quotes.ends_record(b, |b| b == d);
            n += usize::from(b == d && !quotes.quoted);
        }
        n
    };
    DELIMITERS
        .into_iter()
        .max_by_key(|&d| (count(d), d == b','))
        .unwrap_or(b',')
}

/// Columns without a name get R's: X, X.1, X.2.
fn named(names: Vec<String>) -> Vec<String> {
    let mut next = 0;
    let mut taken: std::collections::HashSet<String> =
        names.iter().filter(|n| !n.is_empty()).cloned().collect();
    let mut name = |old: String| {
        if !old.is_empty() {
            return old;
        }
        loop {
            let new = if next == 0 {
                "X".to_string()
            } else {
                format!("X.{next}")
            };
            next += 1;
            if taken.insert(new.clone()) {
                return new;
            }
        }
    };
    names.into_iter().map(&mut name).collect()
}

fn wrong_width(found: usize, width: usize, delimiter: u8) -> String {
    let hint = if found > width {
        format!(
            "; text that contains {:?} must stand in quotes",
            delimiter as char
        )
    } else {
        String::new()
    };
    let fields = if found == 1 { "field" } else { "fields" };
    format!("{found} {fields}, but the header has {width}{hint}")
}

fn lines(text: &[u8]) -> u64 {
    text.iter().filter(|&&b| b == b'\n').count() as u64
}

/// Opens a CSV file: finds its delimiter unless that is known, its columns, types and ranges.
pub(crate) fn open(file: PositionedFile, known: Option<u8>) -> Result<Opened, DataError> {
    let path = file.path.clone();
    let at_line = |line: u64, what: String| DataError::Line {
        path: path.as_ref().clone(),
        line,
        what,
    };
    // 1. the header
    let (before, header) = header(&file).map_err(|what| at_line(1, what))?;
    let delimiter = known.unwrap_or_else(|| delimiter(&header));
    let blank = file
        .bytes(0, usize::try_from(before).unwrap_or(0))
        .map_err(|e| DataError::io(&path, e))?;
    let header_line = 1 + lines(&blank);
    let mut names: Vec<String> = Vec::new();
    records(&header, delimiter, |fields, _| {
        for f in fields {
            let name = std::str::from_utf8(f).map_err(|_| "the header is not valid UTF-8".to_string())?;
            names.push(name.trim().to_string());
        }
        Ok(false)
    })
    .map_err(|(_, what)| at_line(header_line, what))?;
    if names.iter().all(String::is_empty) {
        return Err(at_line(
            header_line,
            "there is no header; the first line must hold the names of the columns".into(),
        ));
    }
    let names = named(names);
    let repeated = crate::error::duplicates(names.iter().map(String::as_str));
    if !repeated.is_empty() {
        return Err(DataError::Duplicate {
            path: path.as_ref().clone(),
            names: repeated,
        });
    }
    // 2. ranges of whole records
    let (size, start) = (file.size(), before + header.len() as u64);
    let mut ranges: Vec<Range> = Vec::new();
    let (mut at, mut line) = (start, header_line + lines(&header));
    let mut want = RANGE;
    while at < size {
        let length = usize::try_from((size - at).min(want as u64)).unwrap_or(want);
        let text = file.bytes(at, length).map_err(|e| DataError::io(&path, e))?;
        let whole = at + length as u64 == size;
        let bytes = match (last_record_end(&text, delimiter), whole) {
            (_, true) => text.len(),
            (Some(end), false) => end,
            (None, false) if want >= RECORD => {
                let what = format!(
                    "a record is longer than {} MiB: is a quote not closed?",
                    RECORD >> 20
                );
                return Err(at_line(line, what));
            }
            (None, false) => {
                want *= 2;
                continue;
            }
        };
        want = RANGE;
        ranges.push(Range {
            at,
            bytes,
            first_line: line,
            rows: 0,
            first_row: 0,
            first_index: 0,
        });
        line += lines(&text[..bytes]);
        at += bytes as u64;
    }
    // 3. types, in parallel
    let width = names.len();
    let found: Vec<Inferred> = ranges
        .par_iter()
        .map(|range| {
            let text = file
                .bytes(range.at, range.bytes)
                .map_err(|e| (range.first_line, e.to_string()))?;
            let (mut rows, mut seen) = (0u64, vec![Seen::NOTHING; width]);
            records(&text, delimiter, |fields, _| {
                if fields.len() != width {
                    return Err(wrong_width(fields.len(), width, delimiter));
                }
                rows += 1;
                for (s, f) in seen.iter_mut().zip(fields) {
                    s.field(f);
                }
                Ok(true)
            })
            .map_err(|(start, what)| (range.first_line + lines(&text[..start]), what))?;
            Ok((rows, seen))
        })
        .collect();
    let (mut first_row, mut first_index, mut seen) = (0u64, 0usize, vec![Seen::NOTHING; width]);
    for (range, found) in ranges.iter_mut().zip(found) {
        let (rows, part) = found.map_err(|(line, what)| at_line(line, what))?;
        range.rows = rows;
        range.first_row = first_row;
        range.first_index = first_index;
        first_row += rows;
        first_index += (rows as usize).div_ceil(BATCH_ROWS);
        seen.iter_mut().zip(part).for_each(|(a, b)| *a = a.join(b));
    }
    let fields: Vec<Field> = names
        .into_iter()
        .zip(&seen)
        .map(|(name, s)| Field { name, kind: s.kind() })
        .collect();
    let levels = fields
        .iter()
        .map(|f| (f.kind == Kind::Text).then(|| Arc::new(Levels::growing())))
        .collect();
    let source = CsvSource {
        file,
        delimiter,
        schema: Schema { fields },
        levels,
        ranges,
        rows: first_row,
    };
    Ok(Opened {
        source: Box::new(source),
        unreadable: Vec::new(),
    })
}

/// A column while its batch is read.
enum Filling {
    Real(Vec<f64>),
    Logical(Vec<u8>),
    Text(Vec<u32>, Interner),
}

impl CsvSource {
    fn filling(&self, c: usize) -> Filling {
        match (self.schema.fields[c].kind, &self.levels[c]) {
            (Kind::Text, Some(levels)) => Filling::Text(Vec::new(), Interner::new(levels.clone())),
            (Kind::Logical, _) => Filling::Logical(Vec::new()),
            _ => Filling::Real(Vec::new()),
        }
    }
}

impl Filling {
    fn push(&mut self, field: &[u8]) -> Result<(), String> {
        let missing = match self {
            Filling::Text(..) => is_missing(field),
            _ => is_missing(field.trim_ascii()),
        };
        let changed = || {
            format!(
                "{:?} was of another type when the file was opened",
                String::from_utf8_lossy(field)
            )
        };
        match self {
            Filling::Real(v) => v.push(if missing {
                f64::NAN
            } else {
                number(field).ok_or_else(changed)?
            }),
            Filling::Logical(v) => v.push(if missing {
                2
            } else {
                u8::from(logical(field).ok_or_else(changed)?)
            }),
            Filling::Text(v, interner) => v.push(if missing { MISSING } else { interner.code(field)? }),
        }
        Ok(())
    }

    fn column(&self) -> Column<'_> {
        match self {
            Filling::Real(v) => Column::Real(Cow::Borrowed(v)),
            Filling::Logical(v) => Column::Logical(Cow::Borrowed(v)),
            Filling::Text(v, i) => Column::Codes {
                codes: Cow::Borrowed(v),
                levels: i.levels().clone(),
            },
        }
    }

    fn clear(&mut self) {
        match self {
            Filling::Real(v) => v.clear(),
            Filling::Logical(v) => v.clear(),
            Filling::Text(v, _) => v.clear(),
        }
    }
}

impl Source for CsvSource {
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
        let width = self.schema.fields.len();
        share(self.workers(), self.ranges.len(), visit, |worker, round| {
            let mut fill: Vec<Filling> = columns.iter().map(|&c| self.filling(c)).collect();
            while let Some(piece) = round.next() {
                let range = &self.ranges[piece];
                let text = self
                    .file
                    .bytes(range.at, range.bytes)
                    .map_err(|e| format!("{}: {e}", self.file.name()))?;
                let (mut rows, mut done, mut go) = (0usize, 0usize, true);
                let mut deliver = |fill: &mut Vec<Filling>, rows: usize| {
                    let batch = Batch {
                        index: range.first_index + done / BATCH_ROWS,
                        first_row: range.first_row + done as u64,
                        rows,
                        columns: fill.iter().map(Filling::column).collect(),
                    };
                    let go = round.deliver(worker, batch);
                    fill.iter_mut().for_each(Filling::clear);
                    done += rows;
                    go
                };
                records(&text, self.delimiter, |fields, _| {
                    if fields.len() != width {
                        return Err(wrong_width(fields.len(), width, self.delimiter));
                    }
                    for (f, &c) in fill.iter_mut().zip(columns) {
                        f.push(&fields[c])
                            .map_err(|what| format!("column `{}`: {what}", self.schema.fields[c].name))?;
                    }
                    rows += 1;
                    if rows == BATCH_ROWS {
                        go = deliver(&mut fill, rows);
                        rows = 0;
                    }
                    Ok(go)
                })
                .map_err(|(start, what)| {
                    format!(
                        "{}, line {}: {what}",
                        self.file.name(),
                        range.first_line + lines(&text[..start])
                    )
                })?;
                if rows > 0 && go {
                    go = deliver(&mut fill, rows);
                }
                if !go {
                    return Ok(());
                }
            }
            Ok(())
        })
    }
}
