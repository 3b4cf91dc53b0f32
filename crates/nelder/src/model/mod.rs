//! Models: a checked specification, the passes and solves that it takes, and the fit.

mod anova;
mod applied;
mod bound;
mod covariance;
mod error;
mod influence;
mod ladder;
mod lm;
mod nested;
mod normal;
mod predict;
mod report;
mod saved;
mod scores;
mod spec;
mod step;
mod vcov;

pub use anova::{Compared, ModelLine, Sequential, SequentialTerm, TermChange, TermChanges, anova, compare};
pub use bound::{Bound, bind};
pub use covariance::Covariance;
pub use error::ModelError;
pub use influence::{Influence, InfluenceRun};
pub use ladder::{LeastSquares, least_squares};
pub use lm::{Lm, Response, lm};
pub use nested::Stage;
pub use normal::{Absorbed, Correction, Functional, LevelMeans, Normal, Score, Solution, by_atom};
pub use predict::{Prediction, PredictionRun, Predictions};
pub use report::{Digits, SolveReport};
pub use saved::{SavedLm, SavedResponse};
pub use spec::{Accuracy, LmSpec};
pub use step::{Direction, Move, Step, StepScope, step};
pub use vcov::Vcov;
