//! Parts of a pass over rows: workers that take in blocks, and sums that merge.

use crate::design::{Block, RowError};

/// The result of a pass, or of a part of it: sums over rows, merged in any order.
pub trait Sum: Send {
    /// Takes in the sums of other rows.
    fn merge(&mut self, other: Self);
}

/// One worker of a pass, with its scratch. It takes in blocks one after the other and is never merged: what is merged are the
/// sums that [`finish`](Worker::finish) gives.
pub trait Worker: Send {
    /// The sums that it forms.
    type Sum: Sum;

    /// Takes in the rows of a block.
    ///
    /// # Errors
    /// A row that cannot be: a level that no row had in the passes before.
    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError>;

    /// The sums of the rows that it has taken in.
    fn finish(self) -> Self::Sum;
}

/// Two statistics in one pass.
impl<A: Worker, B: Worker> Worker for (A, B) {
    type Sum = (A::Sum, B::Sum);

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        self.0.update(block)?;
        self.1.update(block)
    }

    fn finish(self) -> Self::Sum {
        (self.0.finish(), self.1.finish())
    }
}

impl<A: Sum, B: Sum> Sum for (A, B) {
    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
        self.1.merge(other.1);
    }
}

/// A statistic that may not be wanted.
impl<A: Worker> Worker for Option<A> {
    type Sum = Option<A::Sum>;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        self.as_mut().map_or(Ok(()), |worker| worker.update(block))
    }

    fn finish(self) -> Self::Sum {
        self.map(Worker::finish)
    }
}

impl<A: Sum> Sum for Option<A> {
    fn merge(&mut self, other: Self) {
        if let (Some(a), Some(b)) = (self.as_mut(), other) {
            a.merge(b);
        }
    }
}
