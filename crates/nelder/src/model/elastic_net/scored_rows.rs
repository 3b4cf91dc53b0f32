//! Scores of a generalized model's rows, of all of them or of all but a fold's: one pass for several paths.

use std::sync::Arc;

use super::folds::Folds;
use crate::design::{Block, BlockSchema, RowError};
use crate::pass::{Scoring, ScoringPlan, ScoringWorker, Statistic, Worker};

/// Rows that a path is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    /// All rows.
    All,
    /// All but those of a fold.
    Without(u32),
    /// Those of a fold.
    Only(u32),
}

impl Membership {
    /// Tests if a row of a fold is one of them.
    fn has(self, fold: u32) -> bool {
        match self {
            Membership::All => true,
            Membership::Without(own) => own != fold,
            Membership::Only(own) => own == fold,
        }
    }
}

/// Scores of several paths in one pass: for each its plan, and the rows that it is of.
#[derive(Clone)]
pub(super) struct ScoredFolds<'f> {
    pub folds: &'f Folds,
    pub plans: Vec<(Membership, Arc<ScoringPlan>)>,
}

/// Takes in rows for each path that they are in.
pub(super) struct ScoredFoldsWorker<'f> {
    folds: &'f Folds,
    workers: Vec<(Membership, ScoringWorker)>,
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
                .map(|(own, plan)| (*own, ScoringWorker::new(plan.clone())))
                .collect(),
            of_rows: Vec::new(),
            kept: Vec::new(),
        }
    }
}

impl Worker for ScoredFoldsWorker<'_> {
    type Sum = Vec<Scoring>;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        if self.workers.iter().any(|(own, _)| *own != Membership::All) {
            self.folds.of_block(block, &mut self.of_rows)?;
        }
        for (own, worker) in &mut self.workers {
            if *own == Membership::All {
                worker.update(block)?;
                continue;
            }
            self.kept.clear();
            let rows = self.of_rows.iter().zip(0..);
            self.kept.extend(
                rows.filter(|(fold, _)| own.has(**fold))
                    .map(|(_, i): (&u32, u32)| i),
            );
            match self.kept.len() {
                0 => {}
                n if n == block.rows => worker.update(block)?,
                _ => worker.update(&block.gathered(&self.kept))?,
            }
        }
        Ok(())
    }

    fn finish(self) -> Vec<Scoring> {
        self.workers
            .into_iter()
            .map(|(_, worker)| worker.finish())
            .collect()
    }
}
