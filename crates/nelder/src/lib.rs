//! R's `lm` and its relatives as a few passes over rows.

pub mod design;
pub mod family;
pub mod formula;
pub mod frame;
pub mod model;
pub mod pass;
pub mod solve;
pub mod summary;
