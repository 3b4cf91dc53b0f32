//! Elastic nets of several responses: glmnet's `mgaussian` and `multinomial`.
//!
//! `spec` is the specification, `responses` joins it to the data, `fit` is the path of a model and `validation` that of the folds. `gaussian`
//! is the path of several Gaussian responses; `group_descent` and `group_newton` minimise a quadratic loss and the `group_penalty`.
//! `class_scores` is what a pass finds at coefficients of a multinomial model, `class_curvature` its second derivatives, `class_solver` the
//! minimum of their quadratic model, and `multinomial_path` goes from one to the next.

mod class_curvature;
mod class_scores;
mod class_solver;
mod class_totals;
mod fit;
mod gaussian;
mod gaussian_folds;
mod group_curvature;
mod group_descent;
mod group_newton;
mod group_penalty;
mod held_out_rows;
mod multi_path;
mod multinomial_folds;
mod multinomial_path;
mod multinomial_rows;
mod observed_rows;
mod relaxation;
mod responses;
mod spec;
mod validated;
mod validation;

pub use fit::{MultiNet, multi_net};
pub use multi_path::MultiPath;
pub use spec::{MultiFamily, MultiNetSpec, MultiValidationSpec};
pub use validation::{MultiValidation, cross_validate_multi};
