//! Elastic nets of columns that are in memory, of more of them than a gram could hold, or sparse.

mod active_columns;
mod column;
mod design;
mod folds;
mod gathered;
mod loss;
mod model;
mod path;
mod screening;
mod standardized;

pub(super) use model::ResidentModel;
