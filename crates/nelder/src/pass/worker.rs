//! Parts of a pass over rows: workers that take in blocks, and sums that merge.

use super::state::{StateError, decoded, encoded};
use crate::design::{Block, CodeMaps, RowError};

/// The result of a pass, or of a part of it: sums over rows, merged in any order.
///
/// Sums that other processes form come as bytes, with that process's codes of levels: a sum that goes between processes has a
/// [`state`](Sum::state), and can be [`recoded`](Sum::recode).
pub trait Sum: Send {
    /// Takes in the sums of other rows.
    fn merge(&mut self, other: Self);

    /// The sum as bytes.
    ///
    /// # Errors
    /// [`StateError::Stays`] for a sum that stays in its process.
    fn state(&self) -> Result<Vec<u8>, StateError> {
        Err(StateError::Stays)
    }

    /// The sum of bytes.
    ///
    /// # Errors
    /// [`StateError::Damaged`]; [`StateError::Stays`] for a sum that stays in its process.
    fn restored(_bytes: &[u8]) -> Result<Self, StateError>
    where
        Self: Sized,
    {
        Err(StateError::Stays)
    }

    /// Gives tables by code the codes of this process.
    ///
    /// # Errors
    /// [`StateError::Code`] for a code that no row showed.
    fn recode(&mut self, _maps: &CodeMaps) -> Result<(), StateError> {
        Ok(())
    }
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

    fn state(&self) -> Result<Vec<u8>, StateError> {
        encoded(&(self.0.state()?, self.1.state()?))
    }

    fn restored(bytes: &[u8]) -> Result<Self, StateError> {
        let (a, b): (Vec<u8>, Vec<u8>) = decoded(bytes)?;
        Ok((A::restored(&a)?, B::restored(&b)?))
    }

    fn recode(&mut self, maps: &CodeMaps) -> Result<(), StateError> {
        self.0.recode(maps)?;
        self.1.recode(maps)
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

    fn state(&self) -> Result<Vec<u8>, StateError> {
        encoded(&self.as_ref().map(Sum::state).transpose()?)
    }

    fn restored(bytes: &[u8]) -> Result<Self, StateError> {
        let own: Option<Vec<u8>> = decoded(bytes)?;
        own.map(|bytes| A::restored(&bytes)).transpose()
    }

    fn recode(&mut self, maps: &CodeMaps) -> Result<(), StateError> {
        self.as_mut().map_or(Ok(()), |own| own.recode(maps))
    }
}

/// Sums of several parts, one after the other.
impl<S: Sum> Sum for Vec<S> {
    fn merge(&mut self, other: Self) {
        self.iter_mut().zip(other).for_each(|(a, b)| a.merge(b));
    }

    fn state(&self) -> Result<Vec<u8>, StateError> {
        let all: Vec<Vec<u8>> = self.iter().map(Sum::state).collect::<Result<_, _>>()?;
        encoded(&all)
    }

    fn restored(bytes: &[u8]) -> Result<Self, StateError> {
        let all: Vec<Vec<u8>> = decoded(bytes)?;
        all.iter().map(|bytes| S::restored(bytes)).collect()
    }

    fn recode(&mut self, maps: &CodeMaps) -> Result<(), StateError> {
        self.iter_mut().try_for_each(|own| own.recode(maps))
    }
}
