//! Properties of a column that kernels are chosen by.

/// Properties of a column: the exponent of its largest number, fractions, zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Survey {
    /// The exponent's field of its largest number; 2047 where one is infinite or missing.
    pub field: u32,
    /// True if a value is no number as it was written (`kernels::is_as_written`).
    pub fraction: bool,
    /// True if there is another number than 0.
    pub not_zero: bool,
}
