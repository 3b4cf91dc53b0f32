//! Passes over rows: workers take in blocks, their sums are merged, and read. Names end before here.

mod course;
mod device;
mod executor;
mod monitor;
mod part;
mod record;
mod reduced;
mod session;
mod state;
mod statistic;
mod statistics;
mod sums;
mod tsqr;
mod worker;

pub use course::Course;
pub use device::{DeviceColumns, DeviceRows, KeptColumn, Pairs, Part};
pub use executor::{
    Auto, Devices, PlaceError, PlaceNames, Plan, Planned, Run, Threads, Work, run, run_beside, run_in_order,
};
pub use monitor::{Monitor, NoProgress};
pub use part::{PartResult, decide_scales, joined_parts};
pub use record::{PassError, PassRecord};
pub use reduced::{Ran, Reduced};
pub use session::{Accepts, Check, Executor, Opened, Opening, Pass, Session};
pub use state::StateError;
pub(crate) use state::{decoded, encoded, travels};
pub use statistic::{AnyStatistic, AnySum, AnyWorker, Erased, ErasedSum, OnDevice, PassLabel, Statistic};
pub use statistics::{
    GramStatistic, GramVectorsStatistic, MomentStatistic, ResidualStatistic, TriangleStatistic, projected,
};
pub use sums::{
    At, CodeSums, Coefficients, ColumnMoments, Gram, GramVectors, GramWorker, Histogram, LaneCoefficients,
    LanePlan, LaneScores, LaneSums, Observed, PairSums, PartGrams, PassOutputs, Products, Projection,
    ResidualRun, Residuals, ResidualsWorker, ResponseMoments, ScoreSums, Scoring, ScoringPlan, ScoringWorker,
    Standard, Working, is_count, means, packed, predictor_of, quartile_ranks, residuals_of,
};
pub use tsqr::{Triangle, Tsqr, TsqrF64, expand};
pub use worker::{Sum, Worker};
