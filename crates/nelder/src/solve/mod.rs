//! Small dense systems: Cholesky and QR with R's rule for aliased columns, inverses and their error bounds; eigenvalues and
//! singular values. Sparse ones of two crossed factors (`two_way`).
//! Nothing in here knows which factor, family or device its numbers came from.

mod cholesky;
mod condition;
mod eigen;
mod qr;
mod rectangular;
mod square;
mod svd;
mod symmetric;
mod two_way;

pub use cholesky::{Factor, Reach, Variance, factor_double, factor_twice};
pub use condition::condition;
pub use eigen::{Eigen, eigen};
pub use qr::limited_pivoting;
pub use rectangular::Rectangular;
pub use square::Square;
pub use svd::{Singular, SingularTwice, refined, root, rounded, singular};
pub use symmetric::{Symmetric, UNIT_TWICE};
pub use two_way::{Crossing, TwoWaySolution, TwoWaySystem, TwoWayTable};
