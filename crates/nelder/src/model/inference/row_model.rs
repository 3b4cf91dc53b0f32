//! The rows of a fit as a weighted linear model of working residuals sees them.
//!
//! A row's scores, leverage and deletion diagnostics are those of that model (Pregibon 1981): for a linear model the model itself, for
//! a generalized one that of the last step, with working residuals (y − μ) dη/dμ and working weights.

use nelder_device::Dd;

use super::ClusterType;
use super::influence::Influence;
use super::whitened_design::{Leverage, WhitenedDesign};
use crate::design::{Block, RowError};
use crate::pass::Coefficients;

/// A pass's use of working weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Under {
    /// Weights at the coefficients of the fit, as scores have them.
    Fit,
    /// Weights of the equations, those before the last step, where another pass gives them bit by bit: 1 − h keeps its digits then.
    Equations,
}

/// Rows of a fit as a weighted linear model of working residuals.
pub trait RowModel: Sync {
    /// Coefficients by column in the units of the rows: those of the fit, then those at which the weights of the equations were
    /// formed, where these differ and are to be had again.
    fn coefficients(&self) -> Vec<Vec<Dd>>;

    /// The coordinates in which the matrix of the equations is the identity.
    fn basis(&self) -> WhitenedDesign;

    /// Roots of the variances over the dispersion, by column in the units of the rows; `NaN` where aliased.
    fn root_variances(&self) -> Vec<f64>;

    /// Gives `take` a block whose response are the working residuals at `at`, the [`coefficients`](Self::coefficients) by atom, and
    /// whose weights are the working weights.
    ///
    /// # Errors
    /// Those of `take`.
    fn working(
        &self,
        block: &Block<'_>,
        at: &[Coefficients],
        under: Under,
        take: &mut dyn FnMut(&Block<'_>) -> Result<(), RowError>,
    ) -> Result<(), RowError>;

    /// Diagnostics of rows of which nothing is known.
    fn unknown(&self, rows: usize) -> Influence;

    /// Diagnostics of the rows of a block but `dfbetas`, at the [`coefficients`](Self::coefficients) by atom. `known` are leverages that
    /// another response of the same equations has found, or becomes those found here; without a `basis` they are unknown.
    fn diagnose(
        &self,
        block: &Block<'_>,
        at: &[Coefficients],
        basis: Option<&WhitenedDesign>,
        known: &mut Option<Vec<Leverage>>,
    ) -> Influence;

    /// Score of a row, of which its coordinates are multiples in `dfbetas`: w r.
    fn score(&self, block: &Block<'_>, own: &Influence, i: usize) -> f64;

    /// True if working residuals are known in twice the precision.
    fn has_twice(&self) -> bool;

    /// The correction for a small number of clusters that sandwich's `vcovCL` has by default.
    fn cluster_type(&self) -> ClusterType;

    /// The power of two by which the response was multiplied.
    fn response_scale(&self) -> f64;
}
