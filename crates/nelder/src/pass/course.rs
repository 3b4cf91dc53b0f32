//! Course of a fit's passes: least squares, or Fisher scoring.

use crate::pass::Products;

/// Course of a fit: the method that its passes are for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Course {
    /// Least squares, from a gram that is formed like this.
    LeastSquares(Products),
    /// Steps of Fisher scoring.
    Scoring,
}
