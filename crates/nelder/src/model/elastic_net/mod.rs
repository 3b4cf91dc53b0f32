//! Elastic net: paths of penalized models and their cross-validation, glmnet's `glmnet` and `cv.glmnet`.
//!
//! `spec` is the specification, `fit` the path of a model, `cross_validation` that of the folds. `moments` is what a Gaussian model needs of
//! the rows, `gaussian_path` its path; `descent` and `support` minimise a quadratic loss and the `penalty`.

mod active_set;
mod centred_curvature;
mod concordance;
mod cox_curvature;
mod cox_folds;
mod cox_pass;
mod cox_path;
mod cox_rows;
mod cross_validation;
mod cross_validation_spec;
mod curve;
mod descent;
mod drawn_grams;
mod fit;
mod fold_grams;
mod folds;
mod gathered_rows;
mod gaussian_folds;
mod gaussian_path;
mod gaussian_relaxation;
mod generalized;
mod generalized_folds;
mod held_out;
mod held_out_predictors;
mod lambda;
mod measure;
mod membership;
mod moments;
mod multi_response;
mod net_predictions;
mod newton_path;
mod newton_relaxation;
mod newton_rows;
mod newton_rules;
mod partial_likelihood;
mod path;
mod penalty;
mod problem;
mod relaxation;
mod report;
mod resident;
mod risk_sets;
mod row_losses;
mod saved;
mod scored_rows;
mod shared_scores;
mod spec;
mod support;
mod support_factor;
mod survival_response;
mod survival_terms;
mod validated;

pub use cross_validation::{CrossValidation, cross_validate};
pub use cross_validation_spec::{Alignment, CrossValidationSpec};
pub use curve::{Choice, Curve, ErrorsOver, RelaxedCurves, RelaxedPlace};
pub use fit::{ElasticNet, elastic_net};
pub use folds::Folds;
pub use held_out_predictors::HeldOutPredictors;
pub use lambda::{LambdaSequence, PathControl, PathEnd};
pub use measure::Measure;
pub use multi_response::{
    MultiFamily, MultiNet, MultiNetSpec, MultiPath, MultiValidation, MultiValidationSpec,
    cross_validate_multi, multi_net,
};
pub use net_predictions::NetScale;
pub use partial_likelihood::Ties;
pub use path::{Path, SparseVector, Step};
pub use relaxation::Relaxing;
pub use report::ElasticNetReport;
pub use saved::{NetFamily, PathPlace, SavedNet};
pub use spec::{ElasticNetSpec, PerColumn, Reading};
