//! The bootstrap as passes: resamples are sets of weights or of responses, many over one read of the rows.
//!
//! `spec` says what is resampled and `fit_bootstrap` runs it: `running` group by group, `linear_replicates` and `generalized_replicates` those of
//! each kind of model, `report` the record. `binomial` and `multinomial` are exact draws from counters, `row_labels` where a
//! row stands among those that are used, `weight_sets` the weights of replicates; `response_sets` responses; `replicates` solves the sums of each, `newton` those of
//! generalized models, `simulated` draws their responses, and `resample` has the weights of one replicate. `draws` has the
//! coefficients of all replicates with their bias and deviation, `intervals` the intervals of `boot::boot.ci`, and `acceleration` the skewness of the
//! influence values that BCa takes.

mod acceleration;
mod binomial;
mod draws;
mod fit_bootstrap;
mod generalized_replicates;
mod intervals;
mod linear_replicates;
mod multinomial;
mod newton;
mod replicates;
mod report;
mod resample;
mod response_sets;
mod row_labels;
mod running;
mod simulated;
mod spec;
mod weight_sets;

pub use draws::Draws;
pub use fit_bootstrap::{Bootstrap, bootstrap};
pub use intervals::{BootInterval, IntervalKind};
pub use report::BootstrapReport;
pub use resample::resample_weights;
pub use spec::{BootstrapSpec, Resampling};
