//! Record of the computation of a fit, with the number of its digits that are known to be right.

use serde::Serialize;

use crate::pass::PassRecord;

/// Lower bounds on correct decimal digits, the smallest over all coefficients: two statements.
///
/// The first is of the computation: how near the answer is to the exact one for the numbers that were read. The second is of the
/// data too: how near it is to the exact one for the decimals that were written, which are no doubles. 0.1 was rounded to
/// 0.1000000000000000055 before anything was computed; columns that nearly agree amplify that, and no precision mends it.
/// Whole numbers, multiples of 2⁻¹² below 1,000 (0.5, 2.375) and of 1/8 below 1e12 are as written. A column that the formula computes counts as computed, by
/// the rounding of its own values: `log(x)` by that of the logarithms; [`SolveReport::computed`] names such columns.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{LmSpec, Regression, lm};
/// use nelder::pass::NoProgress;
/// let (x, y) = ([0.1, 0.2, 0.3, 0.4], [1.7, 2.1, 2.2, 2.9]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let digits = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap().report().digits;
/// assert!(digits.coefficients > 15.0 && digits.as_written.coefficients < digits.coefficients);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Digits {
    /// Of the coefficients, for the numbers as they were read.
    pub coefficients: f64,
    /// Of their standard errors, for the numbers as they were read; absent where there are none.
    pub std_errors: Option<f64>,
    /// Of both, for the decimals as they were written.
    pub as_written: AsWritten,
}

/// Lower bounds on correct decimal digits relative to the exact answer for the decimals as written: those of [`Digits`] less what
/// rounding decimals to doubles costs, which is nothing where all numbers are whole.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AsWritten {
    /// Of the coefficients.
    pub coefficients: f64,
    /// Of their standard errors; absent where there are none.
    pub std_errors: Option<f64>,
}

impl Digits {
    /// No statement of standard errors: others are printed than those that it is of.
    pub fn without_std_errors(self) -> Digits {
        Digits {
            std_errors: None,
            as_written: AsWritten {
                std_errors: None,
                ..self.as_written
            },
            ..self
        }
    }
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

/// Record of the elimination of two crossed factors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CrossedReport {
    /// Levels of the larger factor, and of the other.
    pub levels: (usize, usize),
    /// Combinations of levels that rows have.
    pub combinations: usize,
    /// Sets of levels that no combination joins to the others.
    pub components: usize,
    /// Steps of conjugate gradients, of all solutions together.
    pub steps: usize,
    /// True if the levels hang together so badly that a sampled Cholesky factor was the preconditioner.
    pub sampled: bool,
    /// Bound on the relative error that the solutions leave in the sums of squares and products of the other columns.
    pub error: f64,
}

impl CrossedReport {
    /// The report in a sentence.
    pub fn sentence(&self) -> String {
        let preconditioner = if self.sampled {
            ", with a sampled Cholesky factor"
        } else {
            ""
        };
        let parts = match self.components {
            1 => "which are all connected".to_string(),
            n => format!("in {n} parts that are not connected"),
        };
        format!(
            "two crossed factors of {} and {} levels, {} combinations {parts}: eliminated by {} steps of conjugate gradients{preconditioner}; \
             sums of squares of the other columns are right to {:.0e}; standard errors of levels are not computed",
            self.levels.0,
            self.levels.1,
            self.combinations,
            self.steps,
            self.error.max(f64::MIN_POSITIVE),
        )
    }
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
    /// The columns that are computed from the numbers that were read: `log(x)`, `x:z`, `contrasts(g)`. Digits are for their
    /// values as computed.
    pub computed: Vec<String>,
    /// Elimination of two crossed factors, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crossed: Option<CrossedReport>,
    /// Corrections from residuals in twice the precision.
    pub refinements: u32,
    /// The passes over the data, in order.
    pub passes: Vec<PassRecord>,
    /// Why the computation escalated, where it did: for readers, not for programs.
    #[serde(skip)]
    pub notes: Vec<String>,
}
