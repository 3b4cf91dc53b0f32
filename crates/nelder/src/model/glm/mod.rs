//! Generalized linear models: R's `glm`, and `glm.nb` of MASS.
//!
//! `spec` is the specification and `fit` the fit. `fit_by_scoring` and `iteration` are Fisher scoring with the
//! passes in `passes` and the equations of a step in `step_equations`; `polish` settles the coefficients,
//! `recession` proves separation, `ascent` climbs where scoring goes astray. `likelihood` has the maximum,
//! `error_bounds` says how many of its digits are right; `regression` is the fit as a fitted model and `rows` its rows; the other files
//! are analysis of deviance, stepwise choice, profile limits and saved fits.

mod ascent;
mod deviance_tables;
mod elasticity;
mod error_bounds;
mod fisher;
mod fit;
mod fit_by_scoring;
mod fractional;
mod iteration;
mod likelihood;
mod null_search;
mod passes;
mod polish;
mod profile;
mod recession;
mod regression;
mod rows;
mod saved;
mod spec;
mod step_equations;
mod stepwise;
mod theta;
mod theta_step;
mod units;

pub(super) use fisher::FisherScoring;
pub(super) use iteration::{counts_successes, first_products};
pub(super) use passes::Passes;
pub(super) use step_equations::{Equations, StepColumns};

pub use deviance_tables::{DevianceTerm, SequentialDeviance, compare_deviances};
pub use fit::{Glm, glm};
pub use likelihood::MaximumLikelihood;
pub use profile::Profile;
pub use saved::{GlmPrediction, GlmPredictionRun, SavedGlm};
pub use spec::GlmSpec;
pub use stepwise::step_glm;
