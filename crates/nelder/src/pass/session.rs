//! Executors, and the sessions that they open: where passes run.
//!
//! An [`Executor`] is a place: threads of this process, devices, later other machines. It opens a [`Session`] on the rows of a design,
//! which then passes over them as often as a fit needs. Models ask a session for statistics and know nothing of the place.

use std::fmt;
use std::sync::Arc;

use nelder_device::LinearAlgebra;

use super::device::DeviceRows;
use super::statistic::{AnyStatistic, ErasedSum, PassLabel, Statistic};
use super::{Course, Monitor, PassError, PassRecord, Ran};
use crate::design::{Block, RowError, Rows};

/// Looks at blocks of rows.
pub type Check<'a> = &'a (dyn Fn(&Block<'_>) -> Result<(), RowError> + Sync);

/// Test of the responses' ranges: true if they may have these smallest and largest values.
pub type Accepts<'a> = &'a dyn Fn(&[[f64; 2]]) -> bool;

/// Places where passes may run.
pub trait Executor: Send + Sync + fmt::Debug {
    /// Opens a session on the rows of a design: brings them where its passes run. Passes that this takes leave records.
    ///
    /// # Errors
    /// Those of a pass, of the check, and of a device.
    fn open(&self, rows: &Rows<'_>, opening: &Opening<'_>) -> Result<Opened, PassError>;
}

/// A session, and the records of the passes that opening it took.
pub type Opened = (Arc<dyn Session>, Vec<PassRecord>);

/// Purpose of a session: the method, and the tests that rows have to pass on their way.
#[derive(Clone, Copy)]
pub struct Opening<'a> {
    /// The method.
    pub course: Course,
    /// Watches.
    pub monitor: &'a dyn Monitor,
    /// Looks at blocks of rows as they are read.
    pub check: Check<'a>,
    /// Looks at the ranges of responses that nobody reads on the way, for they are in memory: where it says no, the rows are read,
    /// so that `check` can name the first that is wrong.
    pub accepts: Option<Accepts<'a>>,
}

impl<'a> Opening<'a> {
    /// Without tests.
    pub fn new(course: Course, monitor: &'a dyn Monitor) -> Self {
        Opening {
            course,
            monitor,
            check: &|_| Ok(()),
            accepts: None,
        }
    }
}

/// A pass over the rows of a session: its statistic, and who watches.
#[derive(Clone, Copy)]
pub struct Pass<'p, S: ?Sized> {
    /// Name and precision.
    pub label: PassLabel<'p>,
    /// The statistic.
    pub statistic: &'p S,
    /// Looks at each block first, where rows are read block by block.
    pub check: Check<'p>,
    /// Watches.
    pub monitor: &'p dyn Monitor,
}

impl<'p, S> Pass<'p, S> {
    /// A pass without tests.
    pub fn new(name: &'p str, precision: &'p str, statistic: &'p S, monitor: &'p dyn Monitor) -> Self {
        Pass {
            label: PassLabel { name, precision },
            statistic,
            check: &|_| Ok(()),
            monitor,
        }
    }

    /// The same with a test of each block.
    pub fn checking(self, check: Check<'p>) -> Self {
        Pass { check, ..self }
    }
}

/// The rows of one design at one place. Each call names the rows: those that the session was opened for.
pub trait Session: Send + Sync {
    /// One pass, of a statistic of whatever type.
    ///
    /// # Errors
    /// Those of a pass, of the check, and of a device.
    fn reduce_any(&self, rows: &Rows<'_>, pass: &Pass<'_, dyn AnyStatistic + '_>) -> Ran<ErasedSum>;

    /// The rows in the memory of devices, consecutive ones on each; empty where they are elsewhere.
    fn device_rows(&self) -> &[DeviceRows] {
        &[]
    }

    /// A device that factors matrices, where there is one.
    fn device(&self) -> Option<&dyn LinearAlgebra> {
        None
    }
}

impl dyn Session + '_ {
    /// One pass over the rows: the statistic, the rows that were counted, and the records.
    ///
    /// # Errors
    /// Those of a pass, of the check, and of a device.
    pub fn reduce<S: Statistic>(&self, rows: &Rows<'_>, pass: Pass<'_, S>) -> Ran<S::Sum> {
        let any = Pass {
            label: pass.label,
            statistic: pass.statistic as &dyn AnyStatistic,
            check: pass.check,
            monitor: pass.monitor,
        };
        let found = self.reduce_any(rows, &any)?;
        let (counts, records) = (found.counts, found.records);
        match found.value.0.into_any().downcast::<S::Sum>() {
            Ok(value) => Ok(super::Reduced {
                value: *value,
                counts,
                records,
            }),
            Err(_) => Err(PassError::Foreign(pass.label.name.to_string())),
        }
    }

    /// True if the rows are in the memory of devices, and stay there.
    pub fn is_device(&self) -> bool {
        !self.device_rows().is_empty()
    }
}
