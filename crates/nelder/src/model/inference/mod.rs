//! Inference from a fit: covariances, tests, diagnostics, predictions.
//!
//! `vcov` and `covariance` have the kinds of covariance, `whitened_design` and `cluster_sums` the sums of
//! robust ones; `influence` leverages and deletion diagnostics; `anova`, `nested` and `stepwise` comparisons
//! of models; `predict`, `saved` and `new_rows` a fit without its data and its predictions.

pub(super) mod anova;
pub(super) mod cluster_sums;
pub(super) mod covariance;
mod influence;
pub(super) mod nested;
pub(super) mod new_rows;
pub(super) mod predict;
pub(super) mod quantiles;
mod saved;
pub(super) mod stepwise;
mod vcov;
pub(super) mod whitened_design;

pub use anova::{Compared, ModelLine, Sequential, SequentialTerm, TermChange, TermChanges, anova, compare};
pub use covariance::Covariance;
pub use influence::{Detail, Influence, InfluenceRun};
pub use nested::Stage;
pub use predict::{Prediction, PredictionRun, Predictions};
pub use saved::{SavedDesign, SavedLm, SavedResponse};
pub use stepwise::{Direction, Move, Step, StepScope, step};
pub use vcov::{ClusterType, Vcov};
