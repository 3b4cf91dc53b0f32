//! A bootstrap under way: groups of replicates, and the passes that each takes.

use std::time::Instant;

use super::draws::Draws;
use super::multinomial::LEAF;
use super::replicates::{Replicated, WholeFit};
use super::report::BootstrapReport;
use super::row_labels::{BlockLabels, RowLabels};
use super::spec::BootstrapSpec;
use crate::design::{Block, Room, RowError, human_size};
use crate::frame::Batch;
use crate::model::{ModelError, Regression};
use crate::pass::{Monitor, PassError, PassRecord, Plan, Sum, run_beside};

/// Share of a fit's memory that the sums of a pass may take.
const SHARE: f64 = 0.25;
/// Replicates of a pass at most: their weights for 1,024 rows take 512 KB, which stays in the second-level cache.
const MOST_LANES: usize = 64;

/// Where replicates go.
pub(super) type Made<'m> = (&'m mut Draws, &'m mut BootstrapReport, &'m mut Vec<PassRecord>);

/// Runs of rows that are formed at a time.
pub(super) fn runs_of(rows: usize) -> Vec<(usize, usize)> {
    let all = (0..rows).step_by(LEAF);
    all.map(|from| (from, (from + LEAF).min(rows))).collect()
}

/// Record of the equations of some replicates.
pub(super) fn solving(start: Instant) -> PassRecord {
    PassRecord {
        name: "equations".to_string(),
        rows: 0,
        bytes: 0,
        device: "cpu".to_string(),
        precision: "f64".to_string(),
        seconds: start.elapsed().as_secs_f64(),
    }
}

/// A bootstrap under way.
pub(super) struct Running<'a, R: ?Sized> {
    pub fit: &'a R,
    pub spec: &'a BootstrapSpec,
    pub labels: RowLabels,
    pub whole: WholeFit<'a>,
    pub monitor: &'a dyn Monitor,
}

/// Shows several passes as one.
struct Together<'m> {
    monitor: &'m dyn Monitor,
    passes: u64,
}

impl Monitor for Together<'_> {
    fn advance(&self, pass: &str, rows: u64, total: Option<u64>) -> bool {
        self.monitor.advance(pass, rows, total.map(|n| n * self.passes))
    }

    fn planned(&self, plan: &Plan) {
        self.monitor.planned(plan);
    }
}

impl<R: Regression + ?Sized> Running<'_, R> {
    /// Replicates of a pass: as many as there is room for, a multiple of eight.
    fn lanes(&self, bytes: usize) -> Result<usize, ModelError> {
        let workers = self.fit.frame().rows.source().workers().max(1);
        // the sums of each worker, and one more while they are merged
        let bytes = bytes as f64 * (workers + 1) as f64;
        let room = SHARE * Room::of_machine().bytes();
        let lanes = (room / bytes.max(1.0)) as usize / 8 * 8;
        if lanes == 0 {
            return Err(ModelError::argument(
                "R",
                format!(
                    "the sums of eight replicates of this model take {}, and a bootstrap may take {}; set NELDER_MEMORY to more, or \
                     leave columns out",
                    human_size(8.0 * bytes),
                    human_size(room)
                ),
            ));
        }
        Ok(lanes
            .min(MOST_LANES)
            .min((self.spec.replicates as usize).next_multiple_of(8)))
    }

    /// Makes the replicates, as many at a time as there is room for: `make` gives those of a pass, or of several.
    pub fn replicates(
        &self,
        (draws, report, passes): (&mut Draws, &mut BootstrapReport, &mut Vec<PassRecord>),
        bytes: usize,
        make: impl Fn(u32, usize, &dyn Monitor, &mut Vec<PassRecord>) -> Result<Vec<Replicated>, ModelError>,
    ) -> Result<(), ModelError> {
        let lanes = self.lanes(bytes)?;
        let groups = (self.spec.replicates as usize).div_ceil(lanes);
        let workers = self.fit.frame().rows.source().workers().max(1);
        (report.at_a_time, report.bytes) = (lanes, (bytes * lanes * workers) as f64);
        let together = Together {
            monitor: self.monitor,
            passes: groups as u64,
        };
        for group in 0..groups {
            let first = group * lanes;
            let sets = lanes.min(self.spec.replicates as usize - first);
            match make(first as u32, sets, &together, passes) {
                Ok(made) => {
                    for replicate in made {
                        draws.values.extend(replicate.coefficients);
                        draws.variances.extend(replicate.variances);
                    }
                }
                Err(ModelError::Pass(PassError::Interrupted)) if first > 0 => {
                    let note = format!("interrupted after {first} of {} replicates", self.spec.replicates);
                    report.notes.push(note);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// One pass over the rows and their labels.
    pub fn pass<W: Send, S: Sum>(
        &self,
        new: impl Fn() -> W,
        update: impl Fn(&mut W, &Block<'_>, &BlockLabels) -> Result<(), RowError> + Sync,
        finish: impl Fn(W) -> S,
        monitor: &dyn Monitor,
        passes: &mut Vec<PassRecord>,
    ) -> Result<S, ModelError> {
        let update = |own: &mut W, block: &Block<'_>, other: &Batch<'_>| -> Result<(), RowError> {
            update(own, block, &self.labels.of(block, other)?)
        };
        let rows = &self.fit.frame().rows;
        let beside = &self.labels.beside;
        let found = run_beside("replicates", "f64", rows, beside, monitor, new, update, finish)?;
        found
            .records
            .into_iter()
            .for_each(|record| add_record(passes, record));
        Ok(found.value)
    }
}

/// Adds a record to that of the same name.
pub(super) fn add_record(passes: &mut Vec<PassRecord>, record: PassRecord) {
    match passes
        .iter_mut()
        .find(|own| own.name == record.name && own.device == record.device)
    {
        Some(own) => {
            own.rows += record.rows;
            own.bytes += record.bytes;
            own.seconds += record.seconds;
        }
        None => passes.push(record),
    }
}
