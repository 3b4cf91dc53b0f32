//! Statistics of models: each says how threads sum it, and how a device does.
//!
//! `gram` is XᵀWX; `residuals` are y − Xβ with their score; `scoring` is a step of Fisher scoring, whose programs on devices are
//! `scoring_programs`; `standardized` has those of principal components.

mod gram;
mod residuals;
mod scoring;
mod scoring_programs;
mod standardized;

pub use gram::GramStatistic;
pub use residuals::ResidualStatistic;
pub use standardized::{GramVectorsStatistic, MomentStatistic, TriangleStatistic, projected};
