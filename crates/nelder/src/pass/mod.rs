//! Passes over rows: accumulators that are updated by blocks, merged, and read. Names end before here.

mod cost;
mod device_scoring;
mod device_tables;
mod gram;
mod house;
mod images;
mod loaded;
mod product;
mod projection;
mod resident;
mod residual;
mod run;
mod score;
mod scoring;
mod site;
mod standard;
mod table;
mod triangle;
mod tsqr;
mod working;

pub use cost::{Plan, Planned, Work, plan};
pub use gram::{Gram, Products, packed};
pub use house::House;
pub use images::{Images, Projection};
pub use loaded::Loaded;
pub use resident::Resident;
pub use residual::{Coefficients, Histogram, ResidualRun, Residuals, quartile_ranks, residuals_of};
pub use run::{Accumulator, Monitor, PassError, PassRecord, Quiet, run, run_beside, run_in_order};
pub use score::ScoreSums;
pub use scoring::{At, Moments, Observed, Scoring, ScoringPlan, Wanted, is_count, predictor_of};
pub use site::{Course, Site};
pub use standard::{Spread, Standard};
pub use table::{Cross, Table};
pub use triangle::Triangle;
pub use tsqr::{Tsqr, expand};
pub use working::{Working, means};
