//! Linear least squares from the sums of passes.
//!
//! `assembly` builds the `normal` equations, `elimination` eliminates a large factor from them and `crossed_elimination` a second one; `ladder`
//! chooses the precision, `solution` solves, `bounds` says how many digits are right; `fitted` is what a fit
//! keeps, `linear_functional` a coefficient and its variance as a function of it.

mod absorbed;
mod assembly;
pub(super) mod bounds;
mod crossed;
mod crossed_elimination;
mod elimination;
pub(super) mod fitted;
pub(super) mod ladder;
mod least_squares;
mod linear_functional;
mod normal;
pub(super) mod solution;

pub use absorbed::Absorbed;
pub use crossed::{Crossed, CrossedIntercept};
pub use fitted::FittedEquations;
pub use ladder::least_squares;
pub use least_squares::LeastSquares;
pub use linear_functional::{LevelMeans, LinearFunctional};
pub use normal::{Correction, NormalEquations, Score, Solution, by_atom};
