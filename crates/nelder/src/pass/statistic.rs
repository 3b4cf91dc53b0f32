//! Statistics: sums over the rows of a design, each described once, for whoever passes over the rows.
//!
//! A [`Statistic`] says how a worker takes in blocks of rows, and how rows in a device's memory are summed there, where a device can.
//! An executor sees it with its types erased ([`AnyStatistic`]): that costs one virtual call a block, and nothing in a loop over rows.

use std::any::Any;

use nelder_device::DeviceError;

use super::device::DeviceRows;
use super::{Course, PassRecord, StateError, Sum, Worker};
use crate::design::{Block, BlockSchema, CodeMaps, RowError};

/// Name of a pass by its result, such as `gram`, and the precision that its record shows.
#[derive(Clone, Copy, Debug)]
pub struct PassLabel<'p> {
    /// Name of the pass.
    pub name: &'p str,
    /// Precision of its sums.
    pub precision: &'p str,
}

/// Sums over rows in the memory of a device, and the records of what formed them.
pub type OnDevice<S> = Result<Option<(S, Vec<PassRecord>)>, DeviceError>;

/// A statistic: a sum over the rows of a design, described once.
pub trait Statistic: Sync {
    /// The sum.
    type Sum: Sum + 'static;
    /// Scratch of a thread that forms it.
    type Worker<'w>: Worker<Sum = Self::Sum>
    where
        Self: 'w;

    /// A worker that has seen no row.
    fn worker(&self, schema: &BlockSchema) -> Self::Worker<'_>;

    /// The sum over rows in a device's memory; `None` where the device has no way to form it, and threads do.
    ///
    /// # Errors
    /// Those of the device.
    fn on_device(&self, _rows: &DeviceRows, _label: PassLabel<'_>) -> OnDevice<Self::Sum> {
        Ok(None)
    }

    /// Course for which rows that come to a device in parts are looked through; `None` where threads form the sum of such rows.
    fn in_parts(&self) -> Option<Course> {
        None
    }
}

/// A sum of some type.
pub trait AnySum: Send {
    /// Takes in the sums of other rows, which are of the same type.
    fn merge_any(&mut self, other: Box<dyn AnySum>);

    /// As [`Sum::state`].
    ///
    /// # Errors
    /// Those of it.
    fn any_state(&self) -> Result<Vec<u8>, StateError>;

    /// As [`Sum::recode`].
    ///
    /// # Errors
    /// Those of it.
    fn any_recode(&mut self, maps: &CodeMaps) -> Result<(), StateError>;

    /// The sum, to be told its type.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<S: Sum + 'static> AnySum for S {
    fn merge_any(&mut self, other: Box<dyn AnySum>) {
        // sums of one statistic are of one type
        if let Ok(other) = other.into_any().downcast::<S>() {
            self.merge(*other);
        }
    }

    fn any_state(&self) -> Result<Vec<u8>, StateError> {
        self.state()
    }

    fn any_recode(&mut self, maps: &CodeMaps) -> Result<(), StateError> {
        self.recode(maps)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// A worker of some type.
pub trait AnyWorker: Send {
    /// Takes in the rows of a block.
    ///
    /// # Errors
    /// As [`Worker::update`].
    fn update_any(&mut self, block: &Block<'_>) -> Result<(), RowError>;

    /// The sums of the rows that it has taken in.
    fn finish_any(self: Box<Self>) -> Box<dyn AnySum>;
}

impl<W: Worker> AnyWorker for W
where
    W::Sum: 'static,
{
    fn update_any(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        self.update(block)
    }

    fn finish_any(self: Box<Self>) -> Box<dyn AnySum> {
        Box::new(self.finish())
    }
}

/// A worker behind a pointer, of whatever type: what threads drive.
pub struct Erased<'w>(pub Box<dyn AnyWorker + 'w>);

/// Its sum.
pub struct ErasedSum(pub Box<dyn AnySum>);

impl Worker for Erased<'_> {
    type Sum = ErasedSum;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        self.0.update_any(block)
    }

    fn finish(self) -> ErasedSum {
        ErasedSum(self.0.finish_any())
    }
}

impl Sum for ErasedSum {
    fn merge(&mut self, other: Self) {
        self.0.merge_any(other.0);
    }
}

/// A statistic of some type: what executors see.
pub trait AnyStatistic: Sync {
    /// As [`Statistic::worker`].
    fn any_worker(&self, schema: &BlockSchema) -> Erased<'_>;

    /// As [`Statistic::on_device`].
    ///
    /// # Errors
    /// Those of the device.
    fn any_on_device(&self, rows: &DeviceRows, label: PassLabel<'_>) -> OnDevice<ErasedSum>;

    /// As [`Sum::restored`].
    ///
    /// # Errors
    /// Those of it.
    fn any_restored(&self, bytes: &[u8]) -> Result<ErasedSum, StateError>;

    /// As [`Statistic::in_parts`].
    fn any_in_parts(&self) -> Option<Course>;
}

impl<S: Statistic> AnyStatistic for S {
    fn any_worker(&self, schema: &BlockSchema) -> Erased<'_> {
        Erased(Box::new(self.worker(schema)))
    }

    fn any_on_device(&self, rows: &DeviceRows, label: PassLabel<'_>) -> OnDevice<ErasedSum> {
        let found = self.on_device(rows, label)?;
        Ok(found.map(|(sum, records)| (ErasedSum(Box::new(sum)), records)))
    }

    fn any_restored(&self, bytes: &[u8]) -> Result<ErasedSum, StateError> {
        Ok(ErasedSum(Box::new(S::Sum::restored(bytes)?)))
    }

    fn any_in_parts(&self) -> Option<Course> {
        self.in_parts()
    }
}
