//! CSV and TSV files: types found in one scan when the file is opened, then ranges of whole records by worker.

use std::borrow::Cow;
use std::sync::Arc;

use nelder::frame::{Batch, Column, Field, Kind, Levels, MISSING, Scan, Schema, Source, SourceError, Visit};
use rayon::prelude::*;

use crate::batch_rows::BATCH_ROWS;
use crate::file::PositionedFile;
use crate::hash::Interner;
use crate::header::{self, Header, RECORD};
use crate::infer::{Reading, Seen, logical, whole};
use crate::records::{Dialect, last_record_end, lines};
use crate::row_file::{Found, RowFile};
use crate::workers::share;
use crate::{DataError, TextOptions};

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

/// Layout of a record: the number of its fields, and which of them are columns.
#[derive(Clone, Copy, Debug)]
struct Shape {
    /// Fields of a record.
    width: usize,
    /// Columns with a name.
    named: usize,
    /// Fields before the first column: names of rows.
    skipped: usize,
}

pub(crate) struct CsvSource {
    file: PositionedFile,
    dialect: Dialect,
    reading: Reading,
    shape: Shape,
    schema: Schema,
    // field behind each column of the schema, whether it has whole numbers beyond double precision, and its levels
    places: Vec<usize>,
    wide: Vec<bool>,
    levels: Vec<Option<Arc<Levels>>>,
    ranges: Vec<Range>,
    rows: u64,
}

fn wrong_width(found: usize, shape: Shape, delimiter: u8) -> String {
    let hint = match found {
        n if n > shape.width => format!(
            "; text that contains {:?} must stand in quotes",
            delimiter as char
        ),
        n if n + 1 == shape.width && shape.width == shape.named => {
            format!(
                "; a name that contains {:?} must stand in quotes",
                delimiter as char
            )
        }
        _ => String::new(),
    };
    let fields = if found == 1 { "field" } else { "fields" };
    let named = shape.named;
    match shape.skipped {
        0 => format!("{found} {fields}, but the header has {named}{hint}"),
        _ => format!(
            "{found} {fields}, but the first row has {}, a name of the row and the {named} of the header{hint}",
            shape.width
        ),
    }
}

/// Ranges of whole records from a place on.
fn ranges(
    file: &PositionedFile,
    dialect: Dialect,
    (mut at, mut line): (u64, u64),
) -> Result<Vec<Range>, DataError> {
    let (path, size) = (file.path.as_ref(), file.size());
    let mut ranges: Vec<Range> = Vec::new();
    let mut want = RANGE;
    while at < size {
        let length = usize::try_from((size - at).min(want as u64)).unwrap_or(want);
        let text = file.bytes(at, length).map_err(|e| DataError::io(path, e))?;
        let whole = at + length as u64 == size;
        let bytes = match (last_record_end(&text, dialect), whole) {
            (_, true) => text.len(),
            (Some(end), false) => end,
            (None, false) if want >= RECORD => {
                return Err(DataError::Line {
                    path: path.clone(),
                    line,
                    what: format!(
                        "a record is longer than {} MiB: is a quote not closed?",
                        RECORD >> 20
                    ),
                });
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
    Ok(ranges)
}

/// Summary of records: their number, the values seen in each field, and if the last field is always empty.
struct Inferred {
    rows: u64,
    seen: Vec<Seen>,
    last_empty: bool,
}

/// Reads all ranges, and numbers their rows.
fn infer(
    file: &PositionedFile,
    dialect: Dialect,
    reading: &Reading,
    shape: Shape,
    ranges: &mut [Range],
) -> Result<Inferred, DataError> {
    let one = |range: &Range| -> Result<Inferred, (u64, String)> {
        let text = file
            .bytes(range.at, range.bytes)
            .map_err(|e| (range.first_line, e.to_string()))?;
        let mut found = Inferred {
            rows: 0,
            seen: vec![Seen::NOTHING; shape.width],
            last_empty: true,
        };
        dialect
            .records(&text, shape.width > 1, |fields, start| {
                if fields.len() != shape.width {
                    return Err(wrong_width(fields.len(), shape, dialect.delimiter));
                }
                let place = || (found.rows, range.first_line + lines(&text[..start]));
                for (s, f) in found.seen.iter_mut().zip(fields) {
                    s.field(f, reading, place);
                }
                found.last_empty &= fields.last().is_none_or(|f| f.trim_ascii().is_empty());
                found.rows += 1;
                Ok(true)
            })
            .map_err(|(start, what)| (range.first_line + lines(&text[..start]), what))?;
        Ok(found)
    };
    let parts: Vec<Result<Inferred, (u64, String)>> = ranges.par_iter().map(one).collect();
    let mut all = Inferred {
        rows: 0,
        seen: vec![Seen::NOTHING; shape.width],
        last_empty: true,
    };
    let mut first_index = 0;
    for (range, part) in ranges.iter_mut().zip(parts) {
        let part = part.map_err(|(line, what)| DataError::Line {
            path: file.path.as_ref().clone(),
            line,
            what,
        })?;
        range.rows = part.rows;
        range.first_row = all.rows;
        range.first_index = first_index;
        first_index += (part.rows as usize).div_ceil(BATCH_ROWS);
        for (a, mut b) in all.seen.iter_mut().zip(part.seen) {
            if let Some(stray) = &mut b.stray {
                stray.row += all.rows;
            }
            *a = std::mem::replace(a, Seen::NOTHING).join(b);
        }
        all.last_empty &= part.last_empty;
        all.rows += part.rows;
    }
    Ok(all)
}

/// Opens a CSV file: finds its delimiter unless that is known, its columns, types and ranges.
pub(crate) fn open(
    file: PositionedFile,
    known: Option<u8>,
    options: &TextOptions,
) -> Result<Found, DataError> {
    let path = file.path.clone();
    let at_line = |line: u64, what: String| DataError::Line {
        path: path.as_ref().clone(),
        line,
        what,
    };
    let given = options.separator.or(known);
    let header = header::find(&file, options.quote, given).map_err(|what| at_line(1, what))?;
    let delimiter = given.unwrap_or_else(|| header::delimiter(&header, options.quote, options.decimal));
    if delimiter == options.decimal {
        return Err(at_line(
            header.line,
            format!(
                "{:?} cannot be both the separator and the decimal point",
                delimiter as char
            ),
        ));
    }
    let dialect = Dialect {
        delimiter,
        quote: options.quote,
    };
    let names = match options.names.is_empty() {
        true => header::names(&header.text, dialect).map_err(|what| at_line(header.line, what))?,
        false => options.names.clone(),
    };
    let after = (
        header.at + header.text.len() as u64,
        header.line + lines(&header.text),
    );
    let reading = Reading::of(options);
    let with_header = |skip: bool| -> Result<(Shape, Vec<Range>, Inferred), DataError> {
        let rest = &header.sample[if skip { header.text.len() } else { 0 }..];
        let width = header::first_record(rest, dialect).map_or(names.len(), |f| f.len());
        // names of rows have none in the header
        let shape = Shape {
            width: match width == names.len() + 1 {
                true => width,
                false => names.len(),
            },
            named: names.len(),
            skipped: usize::from(width == names.len() + 1),
        };
        let from = if skip { after } else { (header.at, header.line) };
        let mut ranges = ranges(&file, dialect, from)?;
        let found = infer(&file, dialect, &reading, shape, &mut ranges)?;
        Ok((shape, ranges, found))
    };
    let (mut shape, ranges, found) = match options.names.is_empty() {
        true => with_header(true)?,
        false => {
            let rest = with_header(true)?;
            match is_header(&header, dialect, &reading, &rest.2) {
                true => rest,
                false => with_header(false)?,
            }
        }
    };
    if shape.skipped == 1 && found.last_empty && found.rows > 0 {
        // a separator ends each record
        shape.skipped = 0;
    }
    columns(file, options, dialect, reading, (names, shape, ranges, found))
}

/// Tests if the first line is a header, where names are given: no field is a number, and text stands above a column of numbers.
fn is_header(header: &Header, dialect: Dialect, reading: &Reading, rest: &Inferred) -> bool {
    let Some(first) = header::first_record(&header.text, dialect) else {
        return false;
    };
    let skipped = rest.seen.len().saturating_sub(first.len());
    let text = |f: &Vec<u8>| !reading.is_missing_number(f) && reading.number(f).is_none();
    let numbers = |s: &Seen| !s.is_empty() && matches!(s.kind(), Kind::Integer | Kind::Real);
    let mut pairs = first.iter().zip(&rest.seen[skipped..]);
    first.iter().all(|f| reading.number(f).is_none()) && pairs.any(|(f, s)| text(f) && numbers(s))
}

/// The source of columns that are known.
fn columns(
    file: PositionedFile,
    options: &TextOptions,
    dialect: Dialect,
    reading: Reading,
    (names, shape, ranges, found): (Vec<String>, Shape, Vec<Range>, Inferred),
) -> Result<Found, DataError> {
    let repeated = crate::error::duplicates(names.iter().map(String::as_str));
    let (mut schema, mut places, mut wide, mut levels) = (Schema::default(), vec![], vec![], vec![]);
    let (mut unreadable, mut remarks) = (Vec::new(), Vec::new());
    let mut types = options.types.iter().rev();
    if let Some((name, _)) = types.find(|(name, _)| !names.contains(name)) {
        return Err(DataError::NoColumn {
            path: file.path.as_ref().clone(),
            name: name.clone(),
            near: nelder::formula::nearest(name, names.iter().map(String::as_str)).map(String::from),
        });
    }
    for (at, name) in names.into_iter().enumerate() {
        if repeated.contains(&name) {
            if !unreadable.iter().any(|(n, _)| *n == name) {
                unreadable.push((name, crate::error::TWICE.to_string()));
            }
            continue;
        }
        let seen = &found.seen[at + shape.skipped];
        let wanted = options.types.iter().rev().find(|(n, _)| *n == name);
        let kind = match wanted.map(|(_, to)| *to) {
            None if options.text.contains(&name) => Kind::Text,
            None if seen.is_empty() && options.logical.contains(&name) => Kind::Logical,
            None => {
                remarks.extend(seen.remark(&name, &reading).map(|text| (name.clone(), text)));
                seen.kind()
            }
            Some(to) => seen.forced(to).map_err(|what| DataError::Type {
                path: file.path.as_ref().clone(),
                name: name.clone(),
                what,
            })?,
        };
        schema.fields.push(Field { name, kind });
        places.push(at + shape.skipped);
        wide.push(kind == Kind::Integer && seen.is_wide());
        levels.push((kind == Kind::Text).then(|| Arc::new(Levels::growing())));
    }
    let empty = places.iter().map(|&at| found.seen[at].is_empty()).collect();
    Ok(Found {
        table: Box::new(CsvSource {
            file,
            dialect,
            reading,
            shape,
            schema,
            places,
            wide,
            levels,
            ranges,
            rows: found.rows,
        }),
        unreadable,
        remarks,
        empty,
        is_text: true,
    })
}

/// A column while its batch is read.
enum Filling<'r> {
    Real(Vec<f64>, &'r Reading),
    Whole(Vec<i128>, &'r Reading),
    Logical(Vec<u8>, &'r Reading),
    Text(Vec<u32>, Interner, &'r Reading),
}

impl CsvSource {
    fn filling(&self, c: usize) -> Filling<'_> {
        match (self.schema.fields[c].kind, &self.levels[c]) {
            (Kind::Text, Some(levels)) => {
                Filling::Text(Vec::new(), Interner::new(levels.clone()), &self.reading)
            }
            (Kind::Logical, _) => Filling::Logical(Vec::new(), &self.reading),
            _ if self.wide[c] => Filling::Whole(Vec::new(), &self.reading),
            _ => Filling::Real(Vec::new(), &self.reading),
        }
    }
}

impl Filling<'_> {
    fn push(&mut self, field: &[u8]) -> Result<(), String> {
        let changed = || {
            format!(
                "{:?} was of another type when the file was opened",
                String::from_utf8_lossy(field)
            )
        };
        match self {
            Filling::Real(v, reading) => v.push(match reading.number(field) {
                _ if reading.is_missing_number(field) => f64::NAN,
                number => number.ok_or_else(changed)?,
            }),
            Filling::Whole(v, reading) => v.push(match reading.is_missing_number(field) {
                true => i128::MIN,
                false => whole(field).ok_or_else(changed)?,
            }),
            Filling::Logical(v, reading) => v.push(match reading.is_missing_number(field) {
                true => 2,
                false => u8::from(logical(field).ok_or_else(changed)?),
            }),
            Filling::Text(v, interner, reading) => v.push(match reading.is_missing(field) {
                true => MISSING,
                false => interner.code(field)?,
            }),
        }
        Ok(())
    }

    fn column(&self) -> Column<'_> {
        match self {
            Filling::Real(v, _) => Column::Real(Cow::Borrowed(v)),
            Filling::Whole(v, _) => Column::Whole(Cow::Borrowed(v)),
            Filling::Logical(v, _) => Column::Logical(Cow::Borrowed(v)),
            Filling::Text(v, i, _) => Column::Codes {
                codes: Cow::Borrowed(v),
                levels: i.levels().clone(),
            },
        }
    }

    fn clear(&mut self) {
        match self {
            Filling::Real(v, _) => v.clear(),
            Filling::Whole(v, _) => v.clear(),
            Filling::Logical(v, _) => v.clear(),
            Filling::Text(v, ..) => v.clear(),
        }
    }
}

impl RowFile for CsvSource {
    fn batches(&self) -> usize {
        let batches = |r: &Range| (r.rows as usize).div_ceil(BATCH_ROWS);
        self.ranges.iter().map(batches).sum()
    }

    fn levels(&self, column: usize) -> Option<&Arc<Levels>> {
        self.levels[column].as_ref()
    }

    fn set_levels(&mut self, column: usize, levels: Arc<Levels>) {
        self.levels[column] = Some(levels);
    }

    fn file(&self) -> &PositionedFile {
        &self.file
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
        let shape = self.shape;
        share(
            &self.file,
            self.workers(),
            self.ranges.len(),
            visit,
            |worker, round| {
                let mut fill: Vec<Filling<'_>> = columns.iter().map(|&c| self.filling(c)).collect();
                while let Some(piece) = round.next() {
                    let range = &self.ranges[piece];
                    let text = self
                        .file
                        .bytes(range.at, range.bytes)
                        .map_err(|e| format!("{}: {e}", self.file.name()))?;
                    let (mut rows, mut done, mut go) = (0usize, 0usize, true);
                    let mut deliver = |fill: &mut Vec<Filling<'_>>, rows: usize| {
                        let batch = Batch {
                            index: range.first_index + done / BATCH_ROWS,
                            first_row: range.first_row + done as u64,
                            rows,
                            columns: fill.iter().map(Filling::column).collect(),
                            coarse: Vec::new(),
                        };
                        let go = round.deliver(worker, batch);
                        fill.iter_mut().for_each(Filling::clear);
                        done += rows;
                        go
                    };
                    let mut all = 0u64;
                    let split = self.dialect.records(&text, shape.width > 1, |fields, _| {
                        if fields.len() != shape.width {
                            return Err(wrong_width(fields.len(), shape, self.dialect.delimiter));
                        }
                        all += 1;
                        for (f, &c) in fill.iter_mut().zip(columns) {
                            f.push(&fields[self.places[c]])
                                .map_err(|what| format!("column `{}`: {what}", self.schema.fields[c].name))?;
                        }
                        rows += 1;
                        if rows == BATCH_ROWS {
                            go = deliver(&mut fill, rows);
                            rows = 0;
                        }
                        Ok(go)
                    });
                    split.map_err(|(start, what)| {
                        format!(
                            "{}, line {}: {what}",
                            self.file.name(),
                            range.first_line + lines(&text[..start])
                        )
                    })?;
                    if go && all != range.rows {
                        return Err(self.file.changed_rows(range.rows, all));
                    }
                    if rows > 0 && go {
                        go = deliver(&mut fill, rows);
                    }
                    if !go {
                        return Ok(());
                    }
                }
                Ok(())
            },
        )
    }
}
