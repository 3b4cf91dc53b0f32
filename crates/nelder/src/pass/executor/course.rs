//! What passes are for: least squares, or Fisher scoring.

use crate::pass::Products;

/// What the passes are for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Course {
    /// Least squares, from a gram that is formed like this.
    LeastSquares(Products),
    /// Steps of Fisher scoring.
    Scoring,
}
