//! Models: a checked specification, the passes and solves that it takes, and the fit.

mod bound;
mod covariance;
mod error;
mod ladder;
mod lm;
mod report;
mod spec;

pub use bound::{Bound, bind};
pub use covariance::{Covariance, Vcov};
pub use error::ModelError;
pub use ladder::{LeastSquares, least_squares};
pub use lm::{Lm, Response, lm};
pub use report::{Digits, SolveReport};
pub use spec::{Accuracy, LmSpec};
