//! CSV and TSV files: types found in one scan when the file is opened, then ranges of whole records by worker.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use nelder::frame::{Batch, Column, Field, Kind, Levels, MISSING, Scan, Schema, Source, SourceError, Visit};
use rayon::prelude::*;

use crate::file::PositionedFile;
use crate::hash::Interner;
use crate::workers::share;
use crate::{BATCH_ROWS, DataError, Opened};

/// Bytes that a worker reads at a time.
const RANGE: usize = 4 << 20;

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
        if is_missing(field) {
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
                    self.whole = digits && x.abs() <= 9_007_199_254_740_992.0;
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

/// End of the last whole record in `text`, which begins at a record; `None` if there is none.
fn last_record_end(text: &[u8]) -> Option<usize> {
    let (mut quoted, mut end) = (false, None);
    for (i, &b) in text.iter().enumerate() {
        match b {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => end = Some(i + 1),
            _ => {}
        }
    }
    end
}

fn lines(text: &[u8]) -> u64 {
    text.iter().filter(|&&b| b == b'\n').count() as u64
}

/// Opens a CSV file: finds its delimiter, columns, types and ranges.
pub(crate) fn open(path: &Path) -> Result<Opened, DataError> {
    let file = PositionedFile::open(path)?;
    let io = |e: std::io::Error| DataError::io(path, e);
    let at_line = |line: u64, what: String| DataError::Line {
        path: path.to_path_buf(),
        line,
        what,
    };
    // 1. ranges of whole records
    let size = file.size();
    let mut ranges: Vec<Range> = Vec::new();
    let (mut at, mut line) = (0u64, 1u64);
    let mut want = RANGE;
    let mut header: Option<Vec<u8>> = None;
    while at < size {
        let length = usize::try_from((size - at).min(want as u64)).unwrap_or(want);
        let mut text = file.bytes(at, length).map_err(io)?;
        let whole = at + length as u64 == size;
        let end = match (last_record_end(&text), whole) {
            (_, true) => text.len(),
            (Some(end), false) => end,
            (None, false) => {
                want *= 2;
                continue;
            }
        };
        want = RANGE;
        text.truncate(end);
        let mut skip = 0;
        if header.is_none() {
            let bom = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            let mut quoted = false;
            let first = text[bom..].iter().position(|&b| {
                quoted ^= b == b'"';
                b == b'\n' && !quoted
            });
            skip = first.map_or(text.len(), |i| bom + i + 1);
            header = Some(text[bom..skip].to_vec());
        }
        let body = &text[skip..];
        let first_line = line + lines(&text[..skip]);
        line += lines(&text);
        ranges.push(Range {
            at: at + skip as u64,
            bytes: body.len(),
            first_line,
            rows: 0,
            first_row: 0,
            first_index: 0,
        });
        at += end as u64;
    }
    // 2. the header
    let header = header.unwrap_or_default();
    let delimiter = match path.extension().and_then(|e| e.to_str()) {
        Some("tsv") => b'\t',
        _ => {
            let count = |d: u8| {
                let mut quoted = false;
                header
                    .iter()
                    .filter(|&&b| {
                        quoted ^= b == b'"';
                        b == d && !quoted
                    })
                    .count()
            };
            [b',', b';', b'\t']
                .into_iter()
                .max_by_key(|&d| (count(d), d == b','))
                .unwrap_or(b',')
        }
    };
    let mut names: Vec<String> = Vec::new();
    records(&header, delimiter, |fields, _| {
        for f in fields {
            let name = std::str::from_utf8(f).map_err(|_| "the header is not valid UTF-8".to_string())?;
            names.push(name.trim().to_string());
        }
        Ok(false)
    })
    .map_err(|(_, what)| at_line(1, what))?;
    if names.is_empty() {
        return Err(at_line(1, "there is no header with column names".into()));
    }
    let repeated = crate::error::duplicates(names.iter().map(String::as_str));
    if !repeated.is_empty() {
        return Err(DataError::Duplicate {
            path: path.to_path_buf(),
            names: repeated,
        });
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
                    return Err(format!("{} fields, but the header has {width}", fields.len()));
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
        let missing = is_missing(field);
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
                        return Err(format!("{} fields, but the header has {width}", fields.len()));
                    }
                    for (f, &c) in fill.iter_mut().zip(columns) {
                        f.push(&fields[c])?;
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
