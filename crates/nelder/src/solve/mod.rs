//! Small dense systems: Cholesky and QR with R's rule for aliased columns, inverses and their error bounds.
//! Nothing in here knows which factor, family or device its numbers came from.

mod cholesky;
mod condition;
mod matrix;
mod qr;
mod symmetric;

pub use cholesky::{Factor, Variance, factor_double, factor_twice};
pub use condition::condition;
pub use matrix::Rows2;
pub use qr::{Triangle, limited_pivoting};
pub use symmetric::Symmetric;
