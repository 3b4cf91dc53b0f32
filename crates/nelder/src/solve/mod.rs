//! Small dense systems: Cholesky and QR with R's rule for aliased columns, inverses and their error bounds.
//! Nothing in here knows which factor, family or device its numbers came from.

mod cholesky;
mod condition;
mod qr;
mod square;
mod symmetric;

pub use cholesky::{Factor, Reach, Variance, factor_double, factor_twice};
pub use condition::condition;
pub use qr::limited_pivoting;
pub use square::Square;
pub use symmetric::{Symmetric, UNIT_TWICE};
