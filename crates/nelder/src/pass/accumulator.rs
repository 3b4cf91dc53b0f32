//! The trait of what a pass accumulates.

use crate::design::Block;

/// A sufficient statistic that is updated by blocks of rows and merged.
pub trait Accumulator: Send {
    /// Takes in the rows of a block.
    fn update(&mut self, block: &Block<'_>);
    /// Takes in what another one has accumulated.
    fn merge(&mut self, other: Self);
}

impl<A: Accumulator, B: Accumulator> Accumulator for (A, B) {
    fn update(&mut self, block: &Block<'_>) {
        self.0.update(block);
        self.1.update(block);
    }

    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
        self.1.merge(other.1);
    }
}

impl<A: Accumulator> Accumulator for Option<A> {
    fn update(&mut self, block: &Block<'_>) {
        if let Some(a) = self {
            a.update(block);
        }
    }

    fn merge(&mut self, other: Self) {
        if let (Some(a), Some(b)) = (self.as_mut(), other) {
            a.merge(b);
        }
    }
}
