//! Columns in memory, borrowed from whoever holds them.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::{Batch, Column, ColumnMemory, Field, Kind, Levels, Scan, Schema, Source, SourceError, Visit};

/// Named columns of equal length in memory.
///
/// ```
/// use nelder::frame::{Column, Frame, Kind};
/// let x = [1.0, 2.0, 3.0];
/// let frame = Frame::new().with_real("x", &x);
/// assert_eq!(frame.len(), 3);
/// ```
#[derive(Debug, Default)]
pub struct Frame<'a> {
    schema: Schema,
    columns: Vec<Column<'a>>,
    rows: usize,
    /// Rows of a batch, where that is asked for.
    batch_rows: Option<usize>,
}

impl<'a> Frame<'a> {
    /// No columns; batches of [`batch_rows`] rows.
    pub fn new() -> Self {
        Frame {
            schema: Schema::default(),
            columns: Vec::new(),
            rows: 0,
            batch_rows: None,
        }
    }

    /// The same rows in batches of `rows` rows (at least one).
    pub fn in_batches_of(mut self, rows: usize) -> Self {
        self.batch_rows = Some(rows.max(1));
        self
    }

    /// Adds a column.
    ///
    /// # Panics
    /// When its length differs from the columns already there.
    pub fn with(mut self, name: &str, kind: Kind, column: Column<'a>) -> Self {
        assert!(
            self.columns.is_empty() || column.len() == self.rows,
            "columns of different length"
        );
        self.rows = column.len();
        self.schema.fields.push(Field {
            name: name.to_string(),
            kind,
        });
        self.columns.push(column);
        self
    }

    /// Adds a numeric column; `NaN` is missing.
    pub fn with_real(self, name: &str, values: &'a [f64]) -> Self {
        self.with(name, Kind::Real, Column::Real(Cow::Borrowed(values)))
    }

    /// Adds a column of whole numbers; `i32::MIN` is missing.
    pub fn with_integer(self, name: &str, values: &'a [i32]) -> Self {
        self.with(name, Kind::Integer, Column::Integer(Cow::Borrowed(values)))
    }

    /// Adds a column of whole numbers of any size; `i128::MIN` is missing.
    pub fn with_whole(self, name: &str, values: &'a [i128]) -> Self {
        self.with(name, Kind::Integer, Column::Whole(Cow::Borrowed(values)))
    }

    /// Adds a column of 0 (`FALSE`), 1 (`TRUE`) and 2 (missing).
    pub fn with_logical(self, name: &str, values: &'a [u8]) -> Self {
        self.with(name, Kind::Logical, Column::Logical(Cow::Borrowed(values)))
    }

    /// Adds a column of codes into `levels`.
    pub fn with_codes(self, name: &str, codes: &'a [u32], levels: Arc<Levels>, ordered: bool) -> Self {
        let kind = if levels.is_fixed() {
            Kind::Factor { ordered }
        } else {
            Kind::Text
        };
        self.with(
            name,
            kind,
            Column::Codes {
                codes: Cow::Borrowed(codes),
                levels,
            },
        )
    }

    /// Adds a column of strings; `None` is missing.
    pub fn with_text<S: AsRef<str>>(self, name: &str, values: &[Option<S>]) -> Self {
        let levels = Levels::growing();
        let codes = values
            .iter()
            .map(|v| {
                v.as_ref().map_or(super::MISSING, |s| {
                    levels.intern(&super::Key::Text(s.as_ref().into()))
                })
            })
            .collect::<Vec<u32>>();
        self.with(
            name,
            Kind::Text,
            Column::Codes {
                codes: Cow::Owned(codes),
                levels: Arc::new(levels),
            },
        )
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Tests if there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column<'a>] {
        &self.columns
    }
}

fn part<'s>(column: &'s Column<'_>, from: usize, to: usize) -> (Column<'s>, u64) {
    match column {
        Column::Real(v) => (Column::Real(Cow::Borrowed(&v[from..to])), 8),
        Column::Integer(v) => (Column::Integer(Cow::Borrowed(&v[from..to])), 4),
        Column::Whole(v) => (Column::Whole(Cow::Borrowed(&v[from..to])), 16),
        Column::Logical(v) => (Column::Logical(Cow::Borrowed(&v[from..to])), 1),
        Column::Codes { codes, levels } => (
            Column::Codes {
                codes: Cow::Borrowed(&codes[from..to]),
                levels: levels.clone(),
            },
            4,
        ),
    }
}

impl Source for Frame<'_> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows as u64)
    }

    fn workers(&self) -> usize {
        rayon::current_num_threads()
    }

    fn column_memory(&self, column: usize) -> Option<ColumnMemory<'_>> {
        match self.columns.get(column)? {
            Column::Real(values) => Some(ColumnMemory::Host(values)),
            _ => None,
        }
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        scan_in_batches(
            self.rows,
            self.batch_rows
                .unwrap_or_else(|| batch_rows(self.rows, columns.len())),
            self.workers(),
            columns,
            &|c, from, to| part(&self.columns[c], from, to),
            visit,
        )
    }
}

/// Rows of a batch of columns in memory: a sixteenth of all, so that workers end at about the same time, in thousands up to
/// 8,192, and no more than stay in a second-level cache while they are looked at, formed and multiplied. It depends on nothing else,
/// nor do sums over batches.
pub fn batch_rows(rows: usize, columns: usize) -> usize {
    /// Values of a batch that a second-level cache of 2 MB holds beside what is made of them.
    const CACHED: usize = 1 << 17;
    let cached = (CACHED / columns.max(1) / 1024 * 1024).clamp(1024, 8192);
    rows.div_ceil(16).next_multiple_of(1024).clamp(1024, cached)
}

/// A scan of columns in memory: `part(column, from, to)` gives rows `from..to` of a column, and the bytes of one.
///
/// # Errors
/// [`SourceError::Stopped`] where `visit` stopped it.
pub fn scan_in_batches<'s>(
    rows: usize,
    batch_rows: usize,
    workers: usize,
    columns: &[usize],
    part: &(dyn Fn(usize, usize, usize) -> (Column<'s>, u64) + Sync),
    visit: &Visit<'_>,
) -> Result<Scan, SourceError> {
    let bytes = AtomicU64::new(0);
    let whole = in_batches(rows, batch_rows, workers, &|worker, index, from, to| {
        let mut width = 0;
        let columns = columns
            .iter()
            .map(|&c| {
                let (column, w) = part(c, from, to);
                width += w;
                column
            })
            .collect();
        bytes.fetch_add(width * (to - from) as u64, Ordering::Relaxed);
        let batch = Batch {
            index,
            first_row: from as u64,
            rows: to - from,
            columns,
            coarse: Vec::new(),
        };
        visit(worker, batch)
    });
    match whole {
        true => Ok(Scan {
            rows: rows as u64,
            bytes: bytes.into_inner(),
        }),
        false => Err(SourceError::Stopped),
    }
}

/// Calls `work(worker, index, from, to)` for each batch of rows `from..to`, by several workers, until one of the calls
/// returns `false`. Returns whether none did. For sources whose rows are in memory.
pub fn in_batches(
    rows: usize,
    batch_rows: usize,
    workers: usize,
    work: &(dyn Fn(usize, usize, usize, usize) -> bool + Sync),
) -> bool {
    let batch_rows = batch_rows.max(1);
    let batches = rows.div_ceil(batch_rows);
    let workers = workers.min(batches).max(1);
    let (next, go) = (AtomicUsize::new(0), AtomicBool::new(true));
    let by = |worker: usize| {
        while go.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= batches {
                break;
            }
            let from = index * batch_rows;
            if !work(worker, index, from, (from + batch_rows).min(rows)) {
                go.store(false, Ordering::Relaxed);
            }
        }
    };
    if workers == 1 {
        by(0);
    } else {
        rayon::scope(|scope| {
            for worker in 1..workers {
                let by = &by;
                scope.spawn(move |_| by(worker));
            }
            by(0);
        });
    }
    go.into_inner()
}
