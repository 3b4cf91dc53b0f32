//! Columns in twice the precision, leading and trailing parts apart.

/// A column with optional trailing parts.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    /// Leading parts.
    pub high: &'a [f64],
    /// Trailing parts, of the same length.
    pub low: Option<&'a [f64]>,
}

impl<'a> Pair<'a> {
    /// A column without trailing parts.
    pub fn of(high: &'a [f64]) -> Self {
        Pair { high, low: None }
    }

    /// The rows `from..to`.
    pub fn part(&self, from: usize, to: usize) -> Pair<'a> {
        Pair {
            high: &self.high[from..to],
            low: self.low.map(|l| &l[from..to]),
        }
    }
}
