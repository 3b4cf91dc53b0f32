//! Passes over rows: accumulators that are updated by blocks, merged, and read. Names end before here.

mod accumulator;
mod executor;
mod monitor;
mod record;
mod sums;
mod tsqr;

pub use accumulator::Accumulator;
pub use executor::{
    Course, Loaded, Plan, Planned, Resident, Site, Work, plan, run, run_beside, run_in_order,
};
pub use monitor::{Monitor, NoProgress};
pub use record::{PassError, PassRecord};
pub use sums::{
    At, CodeSums, Coefficients, ColumnMoments, Gram, GramVectors, Histogram, Observed, PairSums, PassOutputs,
    Products, Projection, ResidualRun, Residuals, ResponseMoments, ScoreSums, Scoring, ScoringPlan, Standard,
    Working, is_count, means, packed, predictor_of, quartile_ranks, residuals_of,
};
pub use tsqr::{Triangle, Tsqr, TsqrF64, expand};
