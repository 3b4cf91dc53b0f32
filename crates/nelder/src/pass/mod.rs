//! Passes over rows: accumulators that are updated by blocks, merged, and read. Names end before here.

mod gram;
mod normal;
mod residual;
mod run;
mod scores;
mod tsqr;

pub use gram::{Cross, Gram, Products, Table, packed};
pub use normal::{Absorbed, Correction, Functional, LevelMeans, Normal, Score, Solution, by_atom};
pub use residual::{Coefficients, Histogram, ResidualRun, Residuals, residuals_of};
pub use run::{Accumulator, Monitor, PassError, PassRecord, Quiet, run, run_beside};
pub use scores::{Basis, Power, Scores};
pub use tsqr::{Tsqr, expand};
