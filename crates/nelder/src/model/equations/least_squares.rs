//! A least-squares fit: its equations, coefficients, residuals and error bounds.

use nelder_device::Dd;

use super::{FittedEquations, NormalEquations};
use crate::design::{Columns, RowCounts};
use crate::model::SolveReport;
use crate::pass::{Gram, Histogram, ResidualRun};
use crate::solve::Factor;

/// A least-squares fit of one or several responses.
#[derive(Debug)]
pub struct LeastSquares {
    /// The columns of the model matrix.
    pub columns: Columns,
    /// The gram.
    pub gram: Gram,
    /// The normal equations.
    pub normal: NormalEquations,
    /// Their factor.
    pub factor: Factor,
    /// Coefficients by response and column, in the units of the data; zero where aliased.
    pub coefficients: Vec<Vec<Dd>>,
    /// Bounds on their absolute errors.
    pub errors: Vec<Vec<f64>>,
    /// Which columns are aliased.
    pub aliased: Vec<bool>,
    /// Residual sum of squares by response, in the units of the data.
    pub rss: Vec<Dd>,
    /// Σ w f and Σ w f² of the fitted values with their offset, by response; absent without an offset.
    pub fitted: Option<Vec<(Dd, Dd)>>,
    /// Variance over σ² of each coefficient, in the units of the data; `NaN` where aliased.
    pub variances: Vec<f64>,
    /// The residual sums of squares in the units of the rows, where squares are in range whatever the data's scale is.
    pub row_rss: Vec<Dd>,
    /// The variances over σ² in the units of the rows.
    pub row_variances: Vec<f64>,
    /// The rows of the fit and those that are not in it.
    pub counts: RowCounts,
    /// Weighted residuals, in the units of the data, in the order of the rows, where they were kept.
    pub residuals: Vec<ResidualRun>,
    /// Their distribution where they were not.
    pub histogram: Vec<Histogram>,
    /// By response, the residuals that quartiles lie at or between, where residuals stayed on a device.
    pub places: Vec<Vec<f64>>,
    /// Record of the computation: algorithm, precision, digits, passes.
    pub report: SolveReport,
    /// Powers of two that columns and responses were multiplied with.
    pub scales: Vec<f64>,
}

impl LeastSquares {
    /// The solved equations.
    pub fn system(&self) -> FittedEquations<'_> {
        FittedEquations {
            map: &self.columns.map,
            normal: &self.normal,
            factor: &self.factor,
            gram: &self.gram,
            aliased: &self.aliased,
            scales: &self.scales,
            variances: &self.variances,
        }
    }

    /// Returns the powers of two, one a column, that take coefficients from the units of the columns as they were summed to those
    /// of the data (the response's scale apart).
    pub fn column_scales(&self) -> Vec<f64> {
        self.system().column_scales()
    }

    /// Returns the power of two by which a response was multiplied.
    pub fn response_scale(&self, response: usize) -> f64 {
        let atoms = self.gram.atoms();
        self.scales
            .get(atoms.dense + atoms.extra + response)
            .copied()
            .unwrap_or(1.0)
    }

    /// Coefficients of a response in the units in which rows are delivered.
    pub(in crate::model) fn scaled_coefficients(&self, response: usize) -> Vec<Dd> {
        let scale = self.response_scale(response);
        self.system().of_rows(&self.coefficients[response], scale)
    }
}
