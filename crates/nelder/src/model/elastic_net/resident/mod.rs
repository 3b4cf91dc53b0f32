//! Elastic nets of columns that are in memory, of more of them than a gram could hold, or sparse.

mod active;
mod active_columns;
mod active_residuals;
mod column;
mod complete_rows;
mod design;
mod folds;
mod gathered;
mod loss;
mod model;
mod path;
mod quadratic_step;
mod reading;
mod rounded;
mod screening;
mod standardized;

pub(super) use model::ResidentModel;
