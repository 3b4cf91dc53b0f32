//! Rows in the memory of devices: columns with what is known of them, and how they get there.
//!
//! `columns` are those of some rows on one device, `rows` adds their moments; `upload` brings rows there, all at once or in parts;
//! `tables` are sums by code, and `kept` columns that stay; `together` is work of several devices at a time.

mod columns;
mod kept;
mod rows;
mod tables;
mod together;
mod upload;

pub(in crate::pass) use columns::bytes_of_row;
pub use columns::{DeviceColumns, Pairs, Part};
pub use kept::KeptColumn;
pub use rows::DeviceRows;
pub(in crate::pass) use together::{at_once, joined, together};
pub(in crate::pass) use upload::{scanned, streamed};
