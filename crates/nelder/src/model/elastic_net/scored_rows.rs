//! Scores of a generalized model's rows, of all of them or of all but a fold's: one pass for several paths.

use std::sync::Arc;

use super::folds::Folds;
use crate::design::{Block, BlockSchema, RowError};
use crate::pass::{Scoring, ScoringPlan, ScoringWorker, Statistic, Worker};

/// Scores of several paths in one pass: for each its plan, and the fold that it leaves out.
#[derive(Clone)]
pub(super) struct ScoredFolds<'f> {
    pub folds: &'f Folds,
    pub plans: Vec<(Option<u32>, Arc<ScoringPlan>)>,
}

/// Takes in rows for each path that they are in.
pub(super) struct ScoredFoldsWorker<'f> {
    folds: &'f Folds,
    workers: Vec<(Option<u32>, ScoringWorker)>,
    of_rows: Vec<u32>,
    kept: Vec<u32>,
}

impl Statistic for ScoredFolds<'_> {
    type Sum = Vec<Scoring>;
    type Worker<'w>
        = ScoredFoldsWorker<'w>
    where
        Self: 'w;

    fn worker(&self, _: &BlockSchema) -> ScoredFoldsWorker<'_> {
        let workers = self.plans.iter();
        ScoredFoldsWorker {
            folds: self.folds,
            workers: workers
                .map(|(fold, plan)| (*fold, ScoringWorker::new(plan.clone())))
                .collect(),
            of_rows: Vec::new(),
            kept: Vec::new(),
        }
    }
}

impl Worker for ScoredFoldsWorker<'_> {
    type Sum = Vec<Scoring>;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        if self.workers.iter().any(|(fold, _)| fold.is_some()) {
            self.folds.of_block(block, &mut self.of_rows)?;
        }
        for (fold, worker) in &mut self.workers {
            let Some(fold) = fold else {
                worker.update(block)?;
                continue;
            };
            self.kept.clear();
            let rows = self.of_rows.iter().zip(0..);
            self.kept
                .extend(rows.filter(|(own, _)| *own != fold).map(|(_, i): (&u32, u32)| i));
            match self.kept.len() {
                0 => {}
                n if n == block.rows => worker.update(block)?,
                _ => worker.update(&block.gathered(&self.kept))?,
            }
        }
        Ok(())
    }

    fn finish(self) -> Vec<Scoring> {
        self.workers.into_iter().map(|(_, worker)| worker.finish()).collect()
    }
}
