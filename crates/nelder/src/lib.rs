//! R's `lm` and its relatives as a few passes over rows.
#![warn(missing_docs)]

pub mod formula;
pub mod frame;
pub mod summary;
