//! Summaries of fits: distributions, printed tables, tidy records. Reads records, computes no fit.

pub mod bootstrap;
mod chart;
pub mod coefficients;
pub mod components;
pub mod deviance;
pub mod distributions;
pub mod elastic_net;
pub mod format;
pub mod generalized;
pub mod inference;
pub mod linear;
pub mod multi_net;
pub mod print;
pub mod print_generalized;
pub mod record;
pub mod tables;
mod text;
pub mod tidy;

pub use components::PcaSummary;
pub use elastic_net::{CrossValidationSummary, PathSummary};
pub use multi_net::{MultiPathSummary, MultiValidationSummary};
pub use record::{CoefficientRow, EstimatedTerm, FStatistic, GlmSummary, LmSummary, ResidualSummary, Theta};
