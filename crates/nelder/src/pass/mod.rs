//! Passes over rows: accumulators that are updated by blocks, merged, and read. Names end before here.

mod gram;
mod residual;
mod run;

pub use gram::{Cross, Gram, Products, Table, packed};
pub use nelder_device::kernels::all_finite;
pub use residual::{Coefficients, ResidualRun, Residuals};
pub use run::{Accumulator, Monitor, PassError, PassRecord, Quiet, run};
