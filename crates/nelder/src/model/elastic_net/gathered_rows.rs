//! The rows of a design, gathered into memory: for models that need them all at once, in an order of their own.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::design::{Block, BlockSchema, Room, RowCounts, RowError, human_size};
use crate::model::{ModelError, ModelFrame};
use crate::pass::{Course, Executor, Monitor, Opening, Pass, PassRecord, Statistic, Sum, Threads, Worker};

/// Bytes of what a fit keeps beside the columns, for each row: times, weights, offset, sums over risk sets.
const BESIDE: f64 = 160.0;
/// The same for each path: weights, and while it is followed predictors, risks, scores, working weights.
const BY_PATH: f64 = 48.0;

/// Blocks of rows, as a sum.
#[derive(Clone, Debug, Default)]
pub(super) struct GatheredRows(pub Vec<Block<'static>>);

impl Sum for GatheredRows {
    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// Gathers rows up to a number of bytes.
struct Gathering {
    paths: usize,
    room: f64,
    taken: AtomicU64,
}

struct GatheringWorker<'g> {
    of: &'g Gathering,
    rows: GatheredRows,
}

/// Bytes of a row in memory.
fn row_bytes(schema: &BlockSchema, paths: usize) -> f64 {
    let dense = schema.dense + schema.extra;
    8.0 * dense as f64 + 4.0 * schema.groups.len() as f64 + BESIDE + BY_PATH * paths as f64
}

/// The refusal of rows that have no room.
fn lack(rows: String, schema: &BlockSchema, bytes: f64, room: f64) -> String {
    format!(
        "a Cox model needs all its rows in memory: {rows} rows of {} columns of numbers and {} of codes take {}, and a fit may take {}; \
         leave rows or terms out, or set NELDER_MEMORY to more than half of this machine's memory",
        schema.dense + schema.extra,
        schema.groups.len(),
        human_size(bytes),
        human_size(room)
    )
}

impl Statistic for Gathering {
    type Sum = GatheredRows;
    type Worker<'w> = GatheringWorker<'w>;

    fn worker(&self, _: &BlockSchema) -> GatheringWorker<'_> {
        GatheringWorker {
            of: self,
            rows: GatheredRows::default(),
        }
    }
}

impl Worker for GatheringWorker<'_> {
    type Sum = GatheredRows;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        if block.rows == 0 {
            return Ok(());
        }
        let schema = BlockSchema {
            dense: block.dense.len(),
            ..BlockSchema::default()
        };
        let own = block.rows as u64;
        let rows = self.of.taken.fetch_add(own, Ordering::Relaxed) + own;
        let bytes = rows as f64 * row_bytes(&schema, self.of.paths);
        if bytes > self.of.room {
            return Err(RowError {
                row: block.first_row,
                message: lack(format!("{rows} and more"), &schema, bytes, self.of.room),
            });
        }
        self.rows.0.push(block.clone().into_owned());
        Ok(())
    }

    fn finish(self) -> GatheredRows {
        self.rows
    }
}

/// Reads all rows of a model into memory, for so many paths over them: blocks in the order of the source, the rows that were counted, and the record of the pass.
///
/// # Errors
/// Rows that have no room; those of a pass.
pub(super) fn gathered(
    bound: &ModelFrame<'_>,
    monitor: &dyn Monitor,
    paths: usize,
) -> Result<(Vec<Block<'static>>, RowCounts, Vec<PassRecord>), ModelError> {
    let (schema, room) = (&bound.rows.layout().atoms, Room::of_machine().bytes());
    if let Some(rows) = bound.rows.source().rows() {
        let bytes = rows as f64 * row_bytes(schema, paths);
        if bytes > room {
            return Err(ModelError::argument(
                "data",
                lack(rows.to_string(), schema, bytes, room),
            ));
        }
    }
    let statistic = Gathering {
        paths,
        room,
        taken: AtomicU64::new(0),
    };
    let (session, mut records) = Threads.open(&bound.rows, &Opening::new(Course::Scoring, monitor))?;
    let found = session.reduce(&bound.rows, Pass::new("rows", "f64", &statistic, monitor))?;
    records.extend(found.records);
    let mut blocks = found.value.0;
    blocks.sort_by_key(|block| (block.first_row, block.index));
    Ok((blocks, found.counts, records))
}
