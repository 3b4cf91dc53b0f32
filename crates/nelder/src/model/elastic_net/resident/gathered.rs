//! Responses, weights and offsets of all rows of a model, gathered in their order.

use serde::{Deserialize, Serialize};

use super::loss::RowsInMemory;
use crate::design::{Block, BlockSchema, RowError};
use crate::pass::{Observed, Statistic, Sum, Worker, travels};

/// Responses, weights and offsets of rows, as a statistic; `counts` is true for successes and failures.
pub(super) struct ObservedInMemory {
    pub counts: bool,
}

/// Responses, weights and offsets of some runs of rows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ObservedRuns {
    runs: Vec<Run>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Run {
    /// Rows of the source.
    rows: Vec<u64>,
    y: Vec<f64>,
    weight: Option<Vec<f64>>,
    trials: Option<Vec<f64>>,
    rest: Option<Vec<f64>>,
    offset: Option<Vec<f64>>,
}

impl Statistic for ObservedInMemory {
    type Sum = ObservedRuns;
    type Worker<'w> = ObservedWorker;

    fn worker(&self, _: &BlockSchema) -> ObservedWorker {
        ObservedWorker {
            counts: self.counts,
            sum: ObservedRuns::default(),
        }
    }
}

/// Gathers blocks of rows.
pub(super) struct ObservedWorker {
    counts: bool,
    sum: ObservedRuns,
}

impl Worker for ObservedWorker {
    type Sum = ObservedRuns;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        let observed = Observed::of(block, self.counts);
        self.sum.runs.push(Run {
            rows: (0..block.rows).map(|i| block.source_row(i)).collect(),
            y: observed.y.to_vec(),
            weight: observed.weight.as_deref().map(<[f64]>::to_vec),
            trials: observed.trials.clone(),
            rest: observed.rest.clone(),
            offset: block.offset.clone(),
        });
        Ok(())
    }

    fn finish(self) -> ObservedRuns {
        self.sum
    }
}

impl Sum for ObservedRuns {
    travels!();

    fn merge(&mut self, other: Self) {
        self.runs.extend(other.runs);
    }
}

impl ObservedRuns {
    /// All `rows` rows of the source; those that are in no run have weight zero.
    pub fn in_memory(&self, rows: usize) -> RowsInMemory {
        let any = |has: fn(&Run) -> bool| self.runs.iter().any(has).then(|| vec![0.0; rows]);
        let mut out = RowsInMemory {
            y: vec![0.0; rows],
            weight: vec![0.0; rows],
            trials: any(|r| r.trials.is_some()),
            rest: any(|r| r.rest.is_some()),
            offset: any(|r| r.offset.is_some()),
        };
        for run in &self.runs {
            for (i, &row) in run.rows.iter().enumerate() {
                let row = row as usize;
                out.y[row] = run.y[i];
                out.weight[row] = run.weight.as_ref().map_or(1.0, |w| w[i]);
                let pairs = [
                    (&mut out.trials, &run.trials),
                    (&mut out.rest, &run.rest),
                    (&mut out.offset, &run.offset),
                ];
                for (to, from) in pairs {
                    if let (Some(to), Some(from)) = (to, from) {
                        to[row] = from[i];
                    }
                }
            }
        }
        out
    }
}
