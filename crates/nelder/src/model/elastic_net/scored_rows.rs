//! Scores of a generalized model's rows, of all of them or of all but a fold's: one pass for several paths.

use std::sync::Arc;

use super::folds::Folds;
use super::membership::Membership;
use super::shared_scores::SharedScores;
use crate::design::{Block, BlockSchema, RowError};
use crate::pass::{Scoring, ScoringPlan, ScoringWorker, Statistic, Worker};

/// Scores of several paths in one pass: for each its plan, and the rows that it is of.
///
/// Those that want no gram, and are formed in double precision, share each read of the columns.
#[derive(Clone)]
pub(super) struct ScoredFolds<'f> {
    pub folds: &'f Folds,
    pub plans: Vec<(Membership, Arc<ScoringPlan>)>,
}

/// Takes in rows for each path that they are in.
pub(super) struct ScoredFoldsWorker<'f> {
    folds: &'f Folds,
    /// True where rows need their folds.
    asks: bool,
    /// For each plan, its place among the workers, or among those that share.
    places: Vec<Result<usize, usize>>,
    workers: Vec<(Membership, ScoringWorker)>,
    shared: Option<SharedScores>,
    of_rows: Vec<u32>,
    kept: Vec<u32>,
}

/// True if scores are all that a plan wants, in double precision.
fn shares(plan: &ScoringPlan) -> bool {
    plan.rough && plan.wanted.gram.is_none()
}

impl Statistic for ScoredFolds<'_> {
    type Sum = Vec<Scoring>;
    type Worker<'w>
        = ScoredFoldsWorker<'w>
    where
        Self: 'w;

    fn worker(&self, _: &BlockSchema) -> ScoredFoldsWorker<'_> {
        let (mut places, mut workers, mut shared) = (Vec::new(), Vec::new(), Vec::new());
        for (of, plan) in &self.plans {
            match shares(plan) {
                true => {
                    places.push(Err(shared.len()));
                    shared.push((*of, plan.clone()));
                }
                false => {
                    places.push(Ok(workers.len()));
                    workers.push((*of, ScoringWorker::new(plan.clone())));
                }
            }
        }
        ScoredFoldsWorker {
            folds: self.folds,
            asks: self.plans.iter().any(|(of, _)| *of != Membership::All),
            places,
            workers,
            shared: SharedScores::new(&shared),
            of_rows: Vec::new(),
            kept: Vec::new(),
        }
    }
}

impl Worker for ScoredFoldsWorker<'_> {
    type Sum = Vec<Scoring>;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        if self.asks {
            self.folds.of_block(block, &mut self.of_rows)?;
        }
        if let Some(shared) = &mut self.shared {
            shared.add(block, &self.of_rows);
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
        let mut own: Vec<Option<Scoring>> = self.workers.into_iter().map(|(_, w)| Some(w.finish())).collect();
        let shared = self.shared.map_or_else(Vec::new, SharedScores::finish);
        let mut shared: Vec<Option<Scoring>> = shared.into_iter().map(Some).collect();
        let found = self.places.iter().filter_map(|place| match place {
            Ok(at) => own[*at].take(),
            Err(at) => shared[*at].take(),
        });
        found.collect()
    }
}
