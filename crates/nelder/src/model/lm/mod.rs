//! Linear models: R's `lm`.
//!
//! `spec` is the specification, `fit` the fit: its coefficients, residuals and sums of squares;
//! `regression` is each response as a fitted model, `rows` its rows. The equations are solved in `equations`; what follows from a fit is
//! in `inference`.

mod fit;
mod regression;
mod rows;
mod spec;

pub use fit::{Lm, Response, lm};
pub use regression::LmResponse;
pub use spec::{Accuracy, CROSSED_FROM, LmSpec};
