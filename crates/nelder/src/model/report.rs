//! How a fit was computed, and how many of its digits are known to be right.

use serde::Serialize;

use crate::pass::PassRecord;

/// Lower bounds on correct decimal digits, the smallest over all coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Digits {
    /// Of the coefficients.
    pub coefficients: f64,
    /// Of their standard errors; absent where there are none.
    pub std_errors: Option<f64>,
}

/// The devices that passes ran on, in the order of their first pass.
pub(super) fn devices(passes: &[PassRecord]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for pass in passes {
        if !names.contains(&pass.device.as_str()) {
            names.push(&pass.device);
        }
    }
    if names.is_empty() {
        names.push("cpu");
    }
    names.join(", ")
}

/// The optimiser's record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SolveReport {
    /// `cholesky` of a gram, in double or twice double precision, or `tsqr`.
    pub algorithm: String,
    /// Where it ran.
    pub device: String,
    /// In which precision.
    pub precision: String,
    /// Condition of the centred columns scaled to unit norm, estimated.
    pub condition: f64,
    /// Digits known to be right.
    pub digits: Digits,
    /// Corrections from residuals in twice the precision.
    pub refinements: u32,
    /// The passes over the data, in order.
    pub passes: Vec<PassRecord>,
    /// Why the computation escalated, where it did: for readers, not for programs.
    #[serde(skip)]
    pub notes: Vec<String>,
}
