//! Inference from a fit: covariances, tests, diagnostics, predictions.
//!
//! `regression` is the trait of fitted models and `answers` what follows from any of them. `vcov` and `covariance` have the kinds of
//! covariance, `row_model` the rows as a weighted linear model sees them, `sandwich` robust covariances with the sums in
//! `whitened_design` and `cluster_sums`; `influence` and `deletion` are leverages and deletion diagnostics; `anova`, `nested`, `submodels` and `stepwise` comparisons
//! of models; `predict`, `saved` and `new_rows` a fit without its data and its predictions.

pub(super) mod anova;
mod answers;
mod cluster_sums;
mod covariance;
mod deletion;
mod influence;
pub(super) mod nested;
pub(super) mod new_rows;
pub(super) mod predict;
pub(super) mod quantiles;
mod regression;
pub(super) mod row_model;
mod sandwich;
mod sandwich_meat;
mod saved;
pub(super) mod stepwise;
pub(super) mod submodels;
pub(super) mod vcov;
pub(super) mod whitened_design;

pub use anova::{Compared, ModelLine, Sequential, SequentialTerm, TermChange, TermChanges, anova, compare};
pub use answers::Inference;
pub use covariance::Covariance;
pub use deletion::influence_to;
pub use influence::{Detail, Influence, InfluenceRun, ResidualKind};
pub use nested::Stage;
pub use predict::{Prediction, PredictionRun, Predictions};
pub use regression::{Dispersion, Regression};
pub use saved::{SavedDesign, SavedLm, SavedResponse};
pub use stepwise::{Direction, Move, Step, StepScope, step};
pub use vcov::{ClusterType, Vcov};
