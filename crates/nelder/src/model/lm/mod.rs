//! Linear models: R's `lm`.
//!
//! `spec` is the specification, `fit` the fit: its coefficients, residuals and sums of squares. The
//! equations are solved in `equations`; what follows from a fit is in `inference`.

mod fit;
mod spec;

pub use fit::{Lm, Response, lm};
pub use spec::{Accuracy, LmSpec};
