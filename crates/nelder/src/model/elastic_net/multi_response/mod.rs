//! Elastic nets of several responses: glmnet's `mgaussian` and `multinomial`.
//!
//! `spec` is the specification, `responses` joins it to the data, `fit` is the path of a model and `validation` that of the folds. `gaussian`
//! is the path of several Gaussian responses; `group_descent` and `group_newton` minimise a quadratic loss and the `group_penalty`.

mod fit;
mod gaussian;
mod gaussian_folds;
mod group_curvature;
mod group_descent;
mod group_newton;
mod group_penalty;
mod held_out_rows;
mod multi_path;
mod observed_rows;
mod responses;
mod spec;
mod validation;

pub use fit::{MultiNet, multi_net};
pub use multi_path::MultiPath;
pub use spec::{MultiFamily, MultiNetSpec, MultiValidationSpec};
pub use validation::{MultiValidation, cross_validate_multi};
