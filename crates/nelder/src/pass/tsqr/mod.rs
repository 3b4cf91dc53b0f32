//! QR of the rows, one run of rows after another, merged by QR of the stacked triangles.
//!
//! `double_double` factors the model matrix and the responses in twice the precision, with the Householder
//! steps in `triangle`; `double` the standardized columns in double precision.

mod double;
mod double_double;
mod triangle;

pub use double::TsqrF64;
pub use double_double::{Tsqr, expand};
pub use triangle::Triangle;
