//! Parquet, CSV and Arrow IPC files as streams of column batches.
//!
//! [`open`] finds out what a file is and returns a [`Source`](nelder::frame::Source): rows in batches, read by
//! several workers, as often as a fit needs them. Memory does not grow with the number of rows.
//! [`TableWriter`] writes columns back, [`columns_to_memory`] keeps them.

mod batch_rows;
mod coded;
mod convert;
mod csv;
mod destination;
mod dictionary;
mod error;
mod file;
mod footer;
mod hash;
mod header;
mod infer;
mod ipc;
mod memory;
mod one_file;
mod open;
mod opened;
mod options;
mod parquet;
mod parts;
mod paths;
mod place;
mod records;
mod row_file;
mod stream;
mod workers;
mod write;

pub use destination::{Destination, abandon};
pub use error::DataError;
pub use memory::columns_to_memory;
pub use open::{open, open_all};
pub use opened::Opened;
pub use options::{TextOptions, TextType};
pub use paths::files;
pub use place::Place;
pub use workers::silence_decoders;
pub use write::{Output, TableWriter};
