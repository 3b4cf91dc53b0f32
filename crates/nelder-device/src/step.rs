//! A step of Fisher scoring: what a program says of each row, and what it amounts to over the columns of a matrix.

use crate::buffer::Buffer;
use crate::{Dd, Program};

/// Where the linear predictor comes from.
#[derive(Clone, Debug)]
pub enum Predictor<'a> {
    /// One of the inputs, or the program's own; `low` is what it leaves over.
    Given {
        /// Its trailing part.
        low: Option<&'a Buffer>,
    },
    /// η = c + o + X b, which takes the place of an input.
    Of {
        /// The input.
        input: usize,
        /// b.
        b: &'a [Dd],
        /// c.
        constant: Dd,
        /// o.
        offset: Option<&'a Buffer>,
        /// True if η is formed in twice the precision.
        twice: bool,
    },
}

/// Reduction of an output over the rows, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// Its sum, in twice the precision, and how many are `NaN`.
    Sum,
    /// Its smallest number.
    Least,
    /// It stays on the device.
    Keep,
}

/// A step to be taken.
#[derive(Clone, Debug)]
pub struct ScoringStep<'a> {
    /// Outputs are the weight W and the score s of a row, then one for each fold.
    pub program: &'a Program,
    /// The columns that it reads; the one in the predictor's place is not read where that is computed.
    pub inputs: &'a [&'a Buffer],
    /// η.
    pub predictor: Predictor<'a>,
    /// Reductions of the outputs after the first two, in their order.
    pub folds: &'a [Fold],
    /// True if the gram (X − 1cᵀ)ᵀ W (X − 1cᵀ) is wanted.
    pub gram: bool,
    /// c, zero where they are absent.
    pub centres: Option<&'a [f64]>,
    /// True if the products of the gram may be in single precision, where that is quicker.
    pub single: bool,
}

/// Results of a step: sums over the rows, the gram, and the outputs that were kept.
#[derive(Clone, Debug)]
pub struct StepSums {
    /// ΣW.
    pub weight: Dd,
    /// Σs, of what the leading part of η leaves over too.
    pub score: Dd,
    /// Xᵀs; in twice the precision where η is.
    pub scores: Vec<Dd>,
    /// XᵀW, where the gram is wanted.
    pub weights: Vec<Dd>,
    /// The gram, lower triangle by rows, runs as in [`LinearAlgebra::gram`](crate::LinearAlgebra::gram).
    pub gram: Option<Vec<Dd>>,
    /// True if the gram's products are in single precision: within 2^-9 of the norms of the columns about the centres.
    pub single: bool,
    /// By fold: the sum, or the least number as its leading part; zero where the output was kept.
    pub folds: Vec<Dd>,
    /// By fold, how many were `NaN`, where it is a sum.
    pub missing: Vec<u64>,
    /// The outputs that were kept.
    pub kept: Vec<Buffer>,
}
