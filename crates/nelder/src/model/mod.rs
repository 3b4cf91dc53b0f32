//! Models: a checked specification, the passes and solves that it takes, and the fit.

mod absorbed;
mod anova;
mod applied;
mod attempt;
mod bound;
mod bounds;
mod covariance;
mod error;
mod fisher;
mod functional;
mod glm;
mod glm_covariance;
mod glm_influence;
mod glm_saved;
mod glm_spec;
mod glm_tables;
mod influence;
mod ladder;
mod likelihood;
mod lm;
mod nested;
mod normal;
mod polish;
mod predict;
mod profile;
mod quantiles;
mod report;
mod saved;
mod scores;
mod spec;
mod step;
mod system;
mod vcov;

pub use crate::pass::ResidualRun;
pub use absorbed::Absorbed;
pub use anova::{Compared, ModelLine, Sequential, SequentialTerm, TermChange, TermChanges, anova, compare};
pub use bound::{Bound, bind};
pub use covariance::Covariance;
pub use error::ModelError;
pub use fisher::Warning;
pub use functional::{Functional, LevelMeans};
pub use glm::{Glm, glm};
pub use glm_influence::{GlmInfluence, GlmInfluenceRun};
pub use glm_saved::{GlmPrediction, GlmPredictionRun, SavedGlm};
pub use glm_spec::GlmSpec;
pub use glm_tables::{
    DevianceChange, DevianceChanges, DevianceLine, DevianceMove, DevianceStep, DevianceTerm,
    SequentialDeviance, compare_deviances, step_glm,
};
pub use influence::{Influence, InfluenceRun};
pub use ladder::{LeastSquares, least_squares};
pub use likelihood::MaximumLikelihood;
pub use lm::{Lm, Response, lm};
pub use nested::Stage;
pub use normal::{Correction, Normal, Score, Solution, by_atom};
pub use predict::{Prediction, PredictionRun, Predictions};
pub use profile::Profile;
pub use report::{Digits, SolveReport};
pub use saved::{SavedDesign, SavedLm, SavedResponse};
pub use spec::{Accuracy, LmSpec};
pub use step::{Direction, Move, Step, StepScope, step};
pub use system::System;
pub use vcov::Vcov;
