//! Results of passes over rows.

use super::record::{PassError, PassRecord};
use crate::design::RowCounts;

/// The sums of a pass, the rows that it counted, and the records that it leaves.
#[derive(Clone, Debug)]
pub struct Reduced<T> {
    /// The sums.
    pub value: T,
    /// The rows.
    pub counts: RowCounts,
    /// One record a pass.
    pub records: Vec<PassRecord>,
}

/// A pass, or why it did not end.
pub type Ran<T> = Result<Reduced<T>, PassError>;

impl<T> Reduced<T> {
    /// The same with another value.
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Reduced<U> {
        Reduced {
            value: of(self.value),
            counts: self.counts,
            records: self.records,
        }
    }
}
