//! Models: a checked specification, the passes and solves that it takes, and the fit.

mod bootstrap;
mod elastic_net;
mod equations;
mod error;
mod glm;
mod inference;
mod lm;
mod model_frame;
mod pca;
mod report;
mod warning;

pub use crate::pass::ResidualRun;
pub use bootstrap::{
    BootInterval, Bootstrap, BootstrapReport, BootstrapSpec, Draws, IntervalKind, Resampling, bootstrap,
    resample_weights,
};
pub use elastic_net::{
    Alignment, Choice, CrossValidation, CrossValidationSpec, Curve, ElasticNet, ElasticNetReport,
    ElasticNetSpec, ErrorsOver, Folds, HeldOutPredictors, LambdaSequence, Measure, MultiFamily, MultiNet,
    MultiNetSpec, MultiPath, MultiValidation, MultiValidationSpec, NetFamily, NetScale, Path, PathControl,
    PathEnd, PathPlace, PerColumn, Reading, RelaxedCurves, RelaxedPlace, Relaxing, SavedNet, SparseVector,
    Step as PathStep, Ties, cross_validate, cross_validate_multi, elastic_net, multi_net,
};
pub use equations::{
    Absorbed, Correction, Crossed, CrossedIntercept, FittedEquations, LeastSquares, LevelMeans,
    LinearFunctional, NormalEquations, Score, Solution, by_atom, least_squares,
};
pub use error::ModelError;
pub use glm::{
    DevianceTerm, Glm, GlmPrediction, GlmPredictionRun, GlmSpec, MaximumLikelihood, Profile, SavedGlm,
    SequentialDeviance, compare_deviances, glm, step_glm,
};
pub use inference::{
    ClusterType, Compared, Covariance, Detail, Direction, Dispersion, Inference, Influence, InfluenceRun,
    ModelLine, Move, Prediction, PredictionRun, Predictions, Regression, ResidualKind, SavedDesign, SavedLm,
    SavedResponse, Sequential, SequentialTerm, Stage, Step, StepScope, TermChange, TermChanges, Vcov, anova,
    compare, influence_to, step,
};
pub use lm::{Accuracy, CROSSED_FROM, Lm, LmResponse, LmSpec, Response, lm};
pub use model_frame::{ModelFrame, bind};
pub use pca::{
    Center, PcaAlgorithm, PcaDigits, PcaReport, PcaSpec, Prcomp, Scale, ScoreRun, Signs, prcomp,
    prcomp_sparse,
};
pub use report::{AsWritten, CrossedReport, Digits, SolveReport};
pub use warning::Warning;
