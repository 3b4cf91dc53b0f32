//! Passes over rows: accumulators that are updated by blocks, merged, and read. Names end before here.

mod executor;
mod sums;
mod tsqr;

pub use executor::{
    Accumulator, Course, Loaded, Monitor, PassError, PassRecord, Plan, Planned, Quiet, Resident, Site, Work,
    plan, run, run_beside, run_in_order,
};
pub use sums::{
    At, Coefficients, Cross, Gram, Histogram, Images, Moments, Observed, Products, Projection, ResidualRun,
    Residuals, ScoreSums, Scoring, ScoringPlan, Spread, Standard, Table, Wanted, Working, is_count, means,
    packed, predictor_of, quartile_ranks, residuals_of,
};
pub use tsqr::{House, Triangle, Tsqr, expand};
