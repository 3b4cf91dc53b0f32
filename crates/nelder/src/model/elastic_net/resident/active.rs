//! The columns that were ever active, and how steps over them are found.

use super::active_columns::ActiveColumns;
use super::active_residuals::ActiveResiduals;
use super::loss::RowScores;
use super::quadratic_step::QuadraticStep;
use super::standardized::StandardizedColumns;
use crate::model::elastic_net::descent::{Ending, Stuck};
use crate::model::elastic_net::penalty::{Penalty, Strength};

/// The columns that were ever active, and how a step over them is found.
#[derive(Debug)]
pub(super) enum Active {
    /// By the matrix of the quadratic model.
    Matrix(ActiveColumns),
    /// By residuals, where columns hold few numbers.
    Residuals(ActiveResiduals),
}

/// Calls the same method of either.
macro_rules! either {
    ($self:expr, $own:ident => $call:expr) => {
        match $self {
            Active::Matrix($own) => $call,
            Active::Residuals($own) => $call,
        }
    };
}

impl Active {
    /// None active.
    pub fn new(x: &StandardizedColumns<'_>, rows: usize, intercept: bool) -> Self {
        match x.is_sparse(rows) {
            true => Active::Residuals(ActiveResiduals::new(x.len(), rows, intercept)),
            false => Active::Matrix(ActiveColumns::new(x.len(), rows, intercept)),
        }
    }

    /// The members.
    pub fn members(&self) -> &[usize] {
        either!(self, own => own.members())
    }

    /// True if steps are by a matrix of the members.
    pub fn has_matrix(&self) -> bool {
        matches!(self, Active::Matrix(_))
    }

    /// Tests if a column is a member.
    pub fn has(&self, j: usize) -> bool {
        either!(self, own => own.has(j))
    }

    /// Coefficients of the members.
    pub fn beta(&self) -> &[f64] {
        either!(self, own => own.beta())
    }

    /// The same, to change.
    pub fn beta_mut(&mut self) -> &mut [f64] {
        either!(self, own => own.beta_mut())
    }

    /// Gradients of the members, as last taken.
    pub fn gradient(&self) -> &[f64] {
        either!(self, own => own.gradient())
    }

    /// Adds columns, each with its gradient, at coefficients of zero.
    pub fn add(&mut self, x: &StandardizedColumns<'_>, joining: &[(usize, f64)]) {
        either!(self, own => own.add(x, joining));
    }

    /// Takes over the working weights of a point for the quadratic model.
    pub fn renew(&mut self, x: &StandardizedColumns<'_>, at: &RowScores) {
        either!(self, own => own.renew(x, at));
    }

    /// Gives the members the gradient at a point.
    pub fn take_gradient(&mut self, x: &StandardizedColumns<'_>, at: &RowScores) {
        either!(self, own => own.take_gradient(x, at));
    }

    /// The step from a point whose gradient was taken; coefficients are those after it.
    ///
    /// # Errors
    /// More sweeps than allowed.
    pub fn step(
        &mut self,
        x: &StandardizedColumns<'_>,
        at: &RowScores,
        penalty: &Penalty,
        strength: Strength,
        ending: Ending,
        sweeps: &mut u64,
    ) -> Result<QuadraticStep, Stuck> {
        match self {
            Active::Matrix(own) => own.step(at, penalty, strength, ending, sweeps),
            Active::Residuals(own) => own.step(x, at, penalty, strength, ending, sweeps),
        }
    }
}
