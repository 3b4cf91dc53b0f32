//! Families of distributions and links, each defined once as programs over rows: no data, no names of columns.
//!
//! A [`Link`] gives μ, 1 − μ and dμ/dη together, each accurate relative to its own size; a [`Variance`] gives V(μ)
//! and the deviance of a row; a [`Family`] is both, with R's starting values, criteria and names. What a pass runs
//! on its rows are the [`Programs`] made from them.

mod deviance;
mod inverse_link;
mod likelihood;
mod link;
mod named;
mod parse;
mod programs;
mod regions;
mod row;
mod starting_values;
mod theta_score;
mod trials;
mod variance;

pub use link::Link;
pub use named::{Criterion, Family, FamilyName};
pub use parse::FamilyError;
pub use programs::{LARGEST, Programs};
pub use regions::Receding;
pub use starting_values::Start;
pub use trials::Trials;
pub use variance::Variance;
