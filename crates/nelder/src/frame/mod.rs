//! Columns, factors, missing values: the data as a model sees it, borrowed and never copied.

mod column;
mod columns_in_memory;
mod device;
mod label;
mod levels;
mod memory;
mod source;
mod sparse;
mod sparse_frame;

pub use column::{Column, Kind};
pub use columns_in_memory::ColumnsInMemory;
pub use device::DeviceFrame;
pub use label::number_label;
pub use levels::{Collation, EXACT, Key, Levels, MISSING, set_collation};
pub(crate) use levels::{beside_whole, collated};
pub use memory::{Frame, batch_rows, in_batches, scan_in_batches};
pub use source::{
    Batch, ColumnMemory, ColumnPart, Field, Scan, Schema, Source, SourceError, SparseColumn, Visit,
};
pub use sparse::{Sparse, SparseError};
pub use sparse_frame::SparseFrame;
