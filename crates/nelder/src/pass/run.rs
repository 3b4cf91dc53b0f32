//! Drives an accumulator over the rows of a design.

use std::sync::Mutex;
use std::time::Instant;

use serde::Serialize;

use crate::design::{Block, RowError, Rows};
use crate::frame::{Batch, SourceError};

/// A sufficient statistic that is updated by blocks of rows and merged.
pub trait Accumulator: Send {
    /// Takes in the rows of a block.
    fn update(&mut self, block: &Block<'_>);
    /// Takes in what another one has accumulated.
    fn merge(&mut self, other: Self);
}

/// Watches a pass: shows progress, and stops it on an interrupt.
pub trait Monitor: Sync {
    /// Called after each batch with the rows it held; `false` stops the pass.
    fn advance(&self, pass: &str, rows: u64, total: Option<u64>) -> bool;
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

/// A monitor that shows nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Monitor for Quiet {
    fn advance(&self, _: &str, _: u64, _: Option<u64>) -> bool {
        true
    }
}

/// One pass over the data, as it was run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PassRecord {
    /// What it computed.
    pub name: String,
    /// Rows that the source delivered.
    pub rows: u64,
    /// Bytes that the source delivered.
    pub bytes: u64,
    /// Where it ran.
    pub device: String,
    /// In which precision.
    pub precision: String,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// Why a pass did not end.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The rows could not be read.
    #[error(transparent)]
    Source(SourceError),
    /// A row is not fit for the model.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The monitor stopped it.
    #[error("interrupted")]
    Interrupted,
}

enum Stop {
    Row(RowError),
    Interrupt,
}

/// Runs one pass: one accumulator for each worker, merged in the workers' order.
pub fn run<A: Accumulator>(
    name: &str,
    precision: &str,
    rows: &Rows<'_>,
    monitor: &dyn Monitor,
    new: impl Fn() -> A,
) -> Result<(A, PassRecord), PassError> {
    run_beside(
        name,
        precision,
        rows,
        &[],
        monitor,
        new,
        |accumulator: &mut A, block, _| {
            accumulator.update(block);
            Ok(())
        },
    )
}

/// Runs one pass that reads `beside`, columns of the source, along with those of the design: `update` gets the
/// rows of a block and a batch of the columns beside it (all rows of the batch the block was made from).
pub fn run_beside<A: Accumulator>(
    name: &str,
    precision: &str,
    rows: &Rows<'_>,
    beside: &[usize],
    monitor: &dyn Monitor,
    new: impl Fn() -> A,
    update: impl Fn(&mut A, &Block<'_>, &Batch<'_>) -> Result<(), RowError> + Sync,
) -> Result<(A, PassRecord), PassError> {
    let start = Instant::now();
    let source = rows.source();
    let workers: Vec<Mutex<A>> = (0..source.workers().max(1)).map(|_| Mutex::new(new())).collect();
    let stop: Mutex<Option<Stop>> = Mutex::new(None);
    let halt = |why: Stop| {
        let mut stop = stop.lock().unwrap_or_else(|e| e.into_inner());
        // of several bad rows the first in the data is named
        let earlier = match (&*stop, &why) {
            (Some(Stop::Row(old)), Stop::Row(new)) => new.row < old.row,
            (Some(_), _) => false,
            (None, _) => true,
        };
        if earlier {
            *stop = Some(why);
        }
        false
    };
    let total = source.rows();
    let own = rows.columns();
    let mut wanted = own.to_vec();
    let places: Vec<usize> = beside
        .iter()
        .map(|c| {
            wanted.iter().position(|w| w == c).unwrap_or_else(|| {
                wanted.push(*c);
                wanted.len() - 1
            })
        })
        .collect();
    let scan = source.scan(&wanted, &|worker, mut batch| {
        let columns = places.iter().map(|&p| batch.columns[p].clone()).collect();
        batch.columns.truncate(own.len());
        let other = Batch {
            index: batch.index,
            first_row: batch.first_row,
            rows: batch.rows,
            columns,
        };
        let done = rows.block(&batch).and_then(|block| {
            let mut accumulator = workers[worker].lock().unwrap_or_else(|e| e.into_inner());
            if block.rows > 0 {
                update(&mut accumulator, &block, &other)
            } else {
                Ok(())
            }
        });
        if let Err(error) = done {
            return halt(Stop::Row(error));
        }
        monitor.advance(name, batch.rows as u64, total) || halt(Stop::Interrupt)
    });
    match stop.into_inner().unwrap_or_else(|e| e.into_inner()) {
        Some(Stop::Row(error)) => return Err(error.into()),
        Some(Stop::Interrupt) => return Err(PassError::Interrupted),
        None => {}
    }
    let scan = scan.map_err(PassError::Source)?;
    let mut parts = workers
        .into_iter()
        .map(|m| m.into_inner().unwrap_or_else(|e| e.into_inner()));
    let mut result = parts.next().unwrap_or_else(&new);
    for part in parts {
        result.merge(part);
    }
    let record = PassRecord {
        name: name.to_string(),
        rows: scan.rows,
        bytes: scan.bytes,
        device: "cpu".to_string(),
        precision: precision.to_string(),
        seconds: start.elapsed().as_secs_f64(),
    };
    Ok((result, record))
}
