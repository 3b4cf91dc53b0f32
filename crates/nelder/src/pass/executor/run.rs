//! Drives workers over the rows of a design.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::design::{Block, RowCounts, RowError, Rows};
use crate::frame::{Batch, Scan};
use crate::pass::{Monitor, PassError, PassRecord, Ran, Reduced, Sum, Worker};

/// Runs one pass: a worker for each thread, whose sums are merged in the workers' order.
///
/// # Errors
/// Those of the source and of a worker, and an interrupt.
pub fn run<W: Worker>(
    name: &str,
    precision: &str,
    rows: &Rows<'_>,
    monitor: &dyn Monitor,
    new: impl Fn() -> W,
) -> Ran<W::Sum> {
    let update = |worker: &mut W, block: &Block<'_>, _: &Batch<'_>| worker.update(block);
    run_beside(name, precision, rows, &[], monitor, new, update, W::finish)
}

/// Runs one pass that reads `beside`, columns of the source, along with those of the design: `update` gets the
/// rows of a block and a batch of the columns beside it (all rows of the batch the block was made from).
///
/// # Errors
/// As [`run`], and those of `update`.
#[allow(clippy::too_many_arguments)]
pub fn run_beside<W: Send, S: Sum>(
    name: &str,
    precision: &str,
    rows: &Rows<'_>,
    beside: &[usize],
    monitor: &dyn Monitor,
    new: impl Fn() -> W,
    update: impl Fn(&mut W, &Block<'_>, &Batch<'_>) -> Result<(), RowError> + Sync,
    finish: impl Fn(W) -> S,
) -> Ran<S> {
    let start = Instant::now();
    let source = rows.source();
    let workers: Vec<Mutex<(W, RowCounts)>> = (0..source.workers().max(1))
        .map(|_| Mutex::new((new(), RowCounts::default())))
        .collect();
    let scan = scan(name, rows, beside, monitor, |worker, batch, other| {
        let block = rows.pass_block(batch)?;
        let mut worker = workers[worker].lock().unwrap_or_else(|e| e.into_inner());
        let (worker, counts) = &mut *worker;
        counts.add(block.counts.clone());
        match block.rows {
            0 => Ok(()),
            _ => update(worker, &block, other),
        }
    })?;
    let mut parts = workers.into_iter().map(|part| {
        let (worker, counts) = part.into_inner().unwrap_or_else(|e| e.into_inner());
        (finish(worker), counts)
    });
    let (mut value, mut counts) = parts
        .next()
        .unwrap_or_else(|| (finish(new()), RowCounts::default()));
    parts.for_each(|(sums, own)| {
        value.merge(sums);
        counts.add(own);
    });
    Ok(Reduced {
        value,
        counts,
        records: vec![PassRecord::on_cpu(name, precision, scan, start)],
    })
}

/// Runs one pass that gives something for each batch, `make`, and takes these in the order of the rows, `take`,
/// which stops the pass by returning `false`. What is made early waits; at most a few batches a worker do.
///
/// # Errors
/// As [`run`], and [`PassError::Interrupted`] where `take` stopped it.
pub fn run_in_order<T: Send>(
    name: &str,
    precision: &str,
    rows: &Rows<'_>,
    beside: &[usize],
    monitor: &dyn Monitor,
    make: impl Fn(&Batch<'_>, &Batch<'_>) -> Result<T, RowError> + Sync,
    take: impl FnMut(T) -> bool + Send,
) -> Result<PassRecord, PassError> {
    let start = Instant::now();
    let queue = Mutex::new(Queue {
        next: 0,
        waiting: BTreeMap::new(),
        take,
        stopped: false,
    });
    let watch = Watch {
        monitor,
        stopped: AtomicBool::new(false),
    };
    let scan = scan(name, rows, beside, &watch, |_, batch, other| {
        let made = make(batch, other)?;
        let mut queue = queue.lock().unwrap_or_else(|e| e.into_inner());
        queue.waiting.insert(batch.index, made);
        queue.deliver(false);
        watch.stopped.fetch_or(queue.stopped, Ordering::Relaxed);
        Ok(())
    })?;
    let mut queue = queue.into_inner().unwrap_or_else(|e| e.into_inner());
    queue.deliver(true);
    if queue.stopped {
        return Err(PassError::Interrupted);
    }
    Ok(PassRecord::on_cpu(name, precision, scan, start))
}

/// Results that wait for those before them.
struct Queue<T, F> {
    next: usize,
    waiting: BTreeMap<usize, T>,
    take: F,
    stopped: bool,
}

impl<T, F: FnMut(T) -> bool> Queue<T, F> {
    fn deliver(&mut self, all: bool) {
        while let Some(entry) = self.waiting.first_entry() {
            if self.stopped || (*entry.key() != self.next && !all) {
                return;
            }
            self.next = entry.key() + 1;
            let made = entry.remove();
            self.stopped |= !(self.take)(made);
        }
    }
}

/// A monitor that also stops when the taker of results does.
struct Watch<'m> {
    monitor: &'m dyn Monitor,
    stopped: AtomicBool,
}

impl Monitor for Watch<'_> {
    fn advance(&self, pass: &str, rows: u64, total: Option<u64>) -> bool {
        self.monitor.advance(pass, rows, total) && !self.stopped.load(Ordering::Relaxed)
    }
}

/// The batches visited so far, and why the scan is to stop.
#[derive(Default)]
struct Progress {
    visited: Vec<bool>,
    /// All batches before this one are visited.
    complete: usize,
    /// The first bad row of the data among those seen, and its batch.
    bad: Option<(usize, RowError)>,
    interrupted: bool,
}

impl Progress {
    /// Tests if this batch can still matter: with a bad row found, only those before it can.
    fn wants(&self, index: usize) -> bool {
        self.bad.as_ref().is_none_or(|(batch, _)| index < *batch)
    }

    /// Takes in a visited batch; whether the scan is to go on.
    fn visited(&mut self, index: usize, done: Result<(), RowError>) -> bool {
        if self.visited.len() <= index {
            self.visited.resize(index + 1, false);
        }
        self.visited[index] = true;
        while self.visited.get(self.complete) == Some(&true) {
            self.complete += 1;
        }
        if let (Err(error), true) = (done, self.wants(index)) {
            self.bad = Some((index, error));
        }
        self.bad.as_ref().is_none_or(|(batch, _)| self.complete < *batch) && !self.interrupted
    }
}

/// Scans the columns of a design and those beside; of several bad rows the first in the data is named.
fn scan(
    name: &str,
    rows: &Rows<'_>,
    beside: &[usize],
    monitor: &dyn Monitor,
    visit: impl Fn(usize, &Batch<'_>, &Batch<'_>) -> Result<(), RowError> + Sync,
) -> Result<Scan, PassError> {
    let source = rows.source();
    let progress: Mutex<Progress> = Mutex::default();
    let lock = || progress.lock().unwrap_or_else(|e| e.into_inner());
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
        if !lock().wants(batch.index) {
            return lock().visited(batch.index, Ok(()));
        }
        let columns = places.iter().map(|&p| batch.columns[p].clone()).collect();
        let coarse = batch.coarse.iter().flat_map(|&(at, row)| {
            let here = places.iter().enumerate().filter(move |(_, p)| **p == at);
            here.map(move |(to, _)| (to, row))
        });
        let coarse = coarse.collect();
        batch.columns.truncate(own.len());
        batch.coarse.retain(|(at, _)| *at < own.len());
        let other = Batch {
            index: batch.index,
            first_row: batch.first_row,
            rows: batch.rows,
            columns,
            coarse,
        };
        let done = visit(worker, &batch, &other);
        let go_on = monitor.advance(name, batch.rows as u64, total);
        let mut progress = lock();
        progress.interrupted |= !go_on;
        progress.visited(batch.index, done)
    });
    let progress = progress.into_inner().unwrap_or_else(|e| e.into_inner());
    match progress {
        Progress {
            bad: Some((_, error)),
            ..
        } => Err(error.into()),
        Progress {
            interrupted: true, ..
        } => Err(PassError::Interrupted),
        _ => scan.map_err(PassError::Source),
    }
}
