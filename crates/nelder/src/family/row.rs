//! A row of a generalized model: response, linear predictor, prior weight.

use nelder_device::{RowExpr, RowProgram};

use super::Trials;
use super::inverse_link::InverseLink;

/// A response y and, where successes and failures were counted, 1 − y to its own digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Response<'p> {
    pub y: RowExpr<'p>,
    /// The share of the failures, where they were counted.
    pub failures: Option<RowExpr<'p>>,
}

impl<'p> Response<'p> {
    /// The inputs of a program: y (0), and of counted trials the share of the failures (4).
    pub fn of_row(row: &'p RowProgram, trials: Trials) -> Response<'p> {
        Response {
            y: row.input(0),
            failures: trials.are_counted().then(|| row.input(4)),
        }
    }

    /// 1 − y
    pub fn one_minus_y(&self) -> RowExpr<'p> {
        self.failures.unwrap_or_else(|| 1.0 - self.y)
    }

    /// 1 in rows without failures, y = 1; 0 in the others.
    pub fn is_one(&self) -> RowExpr<'p> {
        match self.failures {
            Some(failures) => failures.eq(0.0),
            None => self.y.eq(1.0),
        }
    }

    /// Book: y − μ. Stable where μ is close to 0 or 1: y (1 − μ) − (1 − y) μ.
    pub fn residual_of_share(&self, mean: &InverseLink<'p>) -> RowExpr<'p> {
        self.y * mean.one_minus_mu - self.one_minus_y() * mean.mu
    }
}

/// The inputs of a row: y and η, and w where there are prior weights.
pub(super) struct Row<'p> {
    pub of: &'p RowProgram,
    pub response: Response<'p>,
    pub eta: RowExpr<'p>,
    pub weight: Option<RowExpr<'p>>,
}

impl<'p> Row<'p> {
    pub fn new(of: &'p RowProgram, weighted: bool, trials: Trials) -> Row<'p> {
        Row {
            of,
            response: Response::of_row(of, trials),
            eta: of.input(1),
            weight: weighted.then(|| of.input(2)),
        }
    }

    /// w times a value.
    pub fn weigh(&self, value: RowExpr<'p>) -> RowExpr<'p> {
        match self.weight {
            Some(w) => w * value,
            None => value,
        }
    }
}
