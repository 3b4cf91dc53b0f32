//! Columns of numbers that are read into memory once, beside those that stay where their source has them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Mutex;

use super::{
    Batch, Column, ColumnMemory, Scan, Schema, Source, SourceError, Visit, batch_rows, scan_in_batches,
};

/// A source some of whose columns of numbers are held in memory.
///
/// ```
/// use nelder::frame::{ColumnMemory, ColumnsInMemory, Frame, Source};
/// let whole = [1, i32::MIN, 3];
/// let frame = Frame::new().with_integer("a", &whole);
/// assert!(frame.column_memory(0).is_none());
/// let held = ColumnsInMemory::read(frame, &[0], &|_| true)?;
/// let Some(ColumnMemory::Host(a)) = held.column_memory(0) else { panic!() };
/// assert!(a[0] == 1.0 && a[1].is_nan());
/// # Ok::<(), nelder::frame::SourceError>(())
/// ```
#[derive(Debug)]
pub struct ColumnsInMemory<S> {
    source: S,
    held: HashMap<usize, Vec<f64>>,
    rows: usize,
    scan: Scan,
    rounded: Option<(usize, u64)>,
}

/// Values of a batch in the columns that are read.
struct Piece {
    index: usize,
    columns: Vec<Vec<f64>>,
    /// A column with a whole number that double precision has not, and its row.
    rounded: Option<(usize, u64)>,
}

impl<S: Source> ColumnsInMemory<S> {
    /// Reads the columns at `places` of the source in one scan; missing numbers are `NaN`. `advance` is told of rows, and stops the scan
    /// with `false`.
    ///
    /// # Errors
    /// Those of the scan; a column that is not of numbers.
    pub fn read(
        source: S,
        places: &[usize],
        advance: &(dyn Fn(u64) -> bool + Sync),
    ) -> Result<Self, SourceError> {
        let pieces: Mutex<Vec<Piece>> = Mutex::new(Vec::new());
        let of_text: Mutex<Option<usize>> = Mutex::new(None);
        let visit = |_: usize, batch: Batch<'_>| match piece(&batch, places) {
            Ok(piece) => {
                pieces.lock().unwrap_or_else(|e| e.into_inner()).push(piece);
                advance(batch.rows as u64)
            }
            Err(place) => {
                *of_text.lock().unwrap_or_else(|e| e.into_inner()) = Some(place);
                false
            }
        };
        let scan = source.scan(places, &visit);
        if let Some(place) = of_text.into_inner().unwrap_or_else(|e| e.into_inner()) {
            let name = &source.schema().fields[place].name;
            return Err(SourceError::Read(format!("`{name}` is no column of numbers")));
        }
        let scan = scan?;
        let mut pieces = pieces.into_inner().unwrap_or_else(|e| e.into_inner());
        pieces.sort_unstable_by_key(|p| p.index);
        let rounded = pieces.iter().find_map(|p| p.rounded);
        let rows = scan.rows as usize;
        let mut held = HashMap::with_capacity(places.len());
        for (k, place) in places.iter().enumerate() {
            // what a piece had of the column is given back before the next column is put together
            let mut parts = pieces.iter_mut().map(|p| std::mem::take(&mut p.columns[k]));
            let mut column = parts.next().unwrap_or_default();
            column.reserve_exact(rows.saturating_sub(column.len()));
            parts.for_each(|part| column.extend_from_slice(&part));
            held.insert(*place, column);
        }
        Ok(ColumnsInMemory {
            source,
            held,
            rows,
            scan,
            rounded,
        })
    }

    /// The scan that read the columns.
    pub fn scanned(&self) -> Scan {
        self.scan
    }

    /// A column with a whole number that double precision has not, and the first such row, from 0.
    pub fn rounded(&self) -> Option<(usize, u64)> {
        self.rounded
    }
}

/// The numbers of a batch.
///
/// # Errors
/// The place of a column that is none of numbers.
fn piece(batch: &Batch<'_>, places: &[usize]) -> Result<Piece, usize> {
    let mut rounded = None;
    let mut columns = Vec::with_capacity(places.len());
    for (column, place) in batch.columns.iter().zip(places) {
        columns.push(match column {
            Column::Real(v) => v.to_vec(),
            Column::Integer(v) => {
                let number = |&x: &i32| if x == i32::MIN { f64::NAN } else { f64::from(x) };
                v.iter().map(number).collect()
            }
            Column::Whole(v) => {
                let exact = |x: i128| x == i128::MIN || x as f64 as i128 == x;
                if let (None, Some(row)) = (rounded, v.iter().position(|x| !exact(*x))) {
                    rounded = Some((*place, batch.first_row + row as u64));
                }
                let number = |&x: &i128| if x == i128::MIN { f64::NAN } else { x as f64 };
                v.iter().map(number).collect()
            }
            Column::Logical(_) | Column::Codes { .. } => return Err(*place),
        });
    }
    Ok(Piece {
        index: batch.index,
        columns,
        rounded,
    })
}

impl<S: Source> Source for ColumnsInMemory<S> {
    fn schema(&self) -> &Schema {
        self.source.schema()
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows as u64)
    }

    fn workers(&self) -> usize {
        self.source.workers().max(rayon::current_num_threads())
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        let own: Option<Vec<&Vec<f64>>> = columns.iter().map(|c| self.held.get(c)).collect();
        let Some(own) = own.filter(|own| !own.is_empty()) else {
            return self.source.scan(columns, visit);
        };
        let numbers: Vec<usize> = (0..own.len()).collect();
        scan_in_batches(
            self.rows,
            batch_rows(self.rows, columns.len()),
            self.workers(),
            &numbers,
            &|k, from, to| (Column::Real(Cow::Borrowed(&own[k][from..to])), 8),
            visit,
        )
    }

    fn column_memory(&self, column: usize) -> Option<ColumnMemory<'_>> {
        match self.held.get(&column) {
            Some(values) => Some(ColumnMemory::Host(values)),
            None => self.source.column_memory(column),
        }
    }
}
