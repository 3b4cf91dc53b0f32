//! Passes over rows: workers take in blocks, their sums are merged, and read. Names end before here.

mod executor;
mod monitor;
mod parts;
mod record;
mod reduced;
mod sums;
mod tsqr;
mod worker;

pub use executor::{
    Course, Loaded, Plan, Planned, Resident, Site, Work, plan, run, run_beside, run_in_order,
};
pub use monitor::{Monitor, NoProgress};
pub use parts::PartsWorker;
pub use record::{PassError, PassRecord};
pub use reduced::{Ran, Reduced};
pub use sums::{
    At, CodeSums, Coefficients, ColumnMoments, Gram, GramVectors, GramWorker, Histogram, Observed, PairSums,
    PassOutputs, Products, Projection, ResidualRun, Residuals, ResidualsWorker, ResponseMoments, ScoreSums,
    Scoring, ScoringPlan, ScoringWorker, Standard, Working, is_count, means, packed, predictor_of,
    quartile_ranks, residuals_of,
};
pub use tsqr::{Triangle, Tsqr, TsqrF64, expand};
pub use worker::{Sum, Worker};
