//! Where rows come from: memory, a file, a stream; always in batches.

use std::sync::Arc;

use nelder_device::{Buffer, GlmKernels};

use super::{Column, Kind};

/// A column's name and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name that formulas use.
    pub name: String,
    /// Type of the column's values.
    pub kind: Kind,
}

/// The columns of a source, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// One entry a column.
    pub fields: Vec<Field>,
}

impl Schema {
    /// Position of a column by name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }

    /// The columns' names.
    pub fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|f| f.name.as_str()).collect()
    }
}

/// Some consecutive rows of the wanted columns.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// Position of the batch in the source, from 0; the same in each scan.
    pub index: usize,
    /// Position of the first row in the source, from 0.
    pub first_row: u64,
    /// Number of rows.
    pub rows: usize,
    /// The wanted columns, in the order in which they were asked for.
    pub columns: Vec<Column<'a>>,
    /// Columns of decimals or times that have more digits than double precision, and the first such row of the batch:
    /// there, values that differ may have become equal numbers.
    pub coarse: Vec<(usize, usize)>,
}

/// Why a source could not deliver its rows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Reading failed; the message names the file.
    #[error("{0}")]
    Read(String),
    /// The visitor stopped the scan (its own error, or an interrupt).
    #[error("stopped")]
    Stopped,
}

/// Counts of a scan: the rows and bytes that it read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scan {
    /// Rows delivered.
    pub rows: u64,
    /// Bytes of column data delivered (decoded size).
    pub bytes: u64,
}

/// Receives a batch; `false` stops the scan. `worker` is below [`Source::workers`]; no two calls run at the
/// same time with the same worker, so a visitor may keep one accumulator for each.
pub type Visit<'v> = dyn Fn(usize, Batch<'_>) -> bool + Sync + 'v;

/// Rows that can be read more than once, in batches, by several workers.
pub trait Source: Send + Sync {
    /// The columns.
    fn schema(&self) -> &Schema;

    /// Number of rows if it is known without reading them.
    fn rows(&self) -> Option<u64>;

    /// Returns the maximum number of workers of a scan.
    fn workers(&self) -> usize;

    /// Visits each batch of the wanted columns once. Batches are delivered in any order and concurrently;
    /// their `index` and `first_row` are the same in each scan.
    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError>;

    /// The memory that holds all rows of a column of numbers; `None` where they are made batch by batch.
    fn column_memory(&self, _column: usize) -> Option<ColumnMemory<'_>> {
        None
    }
}

/// A source behind a pointer: borrowed for as long as a fit lives, or owned by all that read it.
macro_rules! behind {
    ($pointer:ty) => {
        impl<S: Source + ?Sized> Source for $pointer {
            fn schema(&self) -> &Schema {
                (**self).schema()
            }

            fn rows(&self) -> Option<u64> {
                (**self).rows()
            }

            fn workers(&self) -> usize {
                (**self).workers()
            }

            fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
                (**self).scan(columns, visit)
            }

            fn column_memory(&self, column: usize) -> Option<ColumnMemory<'_>> {
                (**self).column_memory(column)
            }
        }
    };
}

behind!(&S);
behind!(Box<S>);
behind!(Arc<S>);

/// Memory that holds all rows of a column.
#[derive(Clone, Debug)]
pub enum ColumnMemory<'a> {
    /// The host's.
    Host(&'a [f64]),
    /// That of devices: consecutive rows in each part.
    Device(Vec<ColumnPart>),
    /// The host's, of the rows whose number is not zero.
    Sparse(SparseColumn<'a>),
}

/// The rows of a column whose number is not zero.
#[derive(Clone, Copy, Debug)]
pub struct SparseColumn<'a> {
    /// The rows, from 0, ascending.
    pub rows: &'a [i32],
    /// Their numbers.
    pub values: &'a [f64],
}

/// Consecutive rows of a column in a device's memory.
#[derive(Clone, Debug)]
pub struct ColumnPart {
    /// The device.
    pub device: Arc<dyn GlmKernels>,
    /// The rows.
    pub rows: Buffer,
}
