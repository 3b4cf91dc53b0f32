//! Grams of the folds of a cross-validation, in one pass.

use super::folds::Folds;
use crate::design::{Block, BlockSchema, RowError};
use crate::pass::{Gram, GramWorker, Products, Statistic, Worker};

/// Rows of a fold that are multiplied at a time: a fold has few of a block, and products of few rows cost more than of many.
const GATHERED: usize = 512;

/// The gram of each fold: what is left of all rows without fold k is their sum less the fold's.
#[derive(Clone, Debug)]
pub(super) struct FoldGrams<'f> {
    pub folds: &'f Folds,
    pub products: Products,
}

/// Takes in rows, each with its fold.
pub(super) struct FoldGramsWorker<'f> {
    folds: &'f Folds,
    workers: Vec<GramWorker>,
    /// Rows of each fold that are in no product yet.
    gathered: Vec<Block<'static>>,
    /// Fold of each row of a block.
    of_rows: Vec<u32>,
    /// Positions in a block of the rows of each fold.
    rows: Vec<Vec<u32>>,
}

impl Statistic for FoldGrams<'_> {
    type Sum = Vec<Gram>;
    type Worker<'w>
        = FoldGramsWorker<'w>
    where
        Self: 'w;

    fn worker(&self, schema: &BlockSchema) -> FoldGramsWorker<'_> {
        let count = self.folds.count();
        FoldGramsWorker {
            folds: self.folds,
            workers: vec![GramWorker::new(schema, self.products); count],
            gathered: vec![Block::default(); count],
            of_rows: Vec::new(),
            rows: vec![Vec::new(); count],
        }
    }
}

/// Multiplies gathered rows.
fn multiply(worker: &mut GramWorker, gathered: &mut Block<'static>) {
    worker.add(gathered);
    worker.flush();
    gathered.clear();
}

impl Worker for FoldGramsWorker<'_> {
    type Sum = Vec<Gram>;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        self.folds.of_block(block, &mut self.of_rows)?;
        self.rows.iter_mut().for_each(Vec::clear);
        for (i, &fold) in self.of_rows.iter().enumerate() {
            self.rows[fold as usize].push(i as u32);
        }
        let folds = self.workers.iter_mut().zip(&mut self.gathered).zip(&self.rows);
        for ((worker, gathered), rows) in folds.filter(|(_, rows)| !rows.is_empty()) {
            gathered.append(block, rows);
            if gathered.rows >= GATHERED {
                multiply(worker, gathered);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Vec<Gram> {
        for (worker, gathered) in self.workers.iter_mut().zip(&mut self.gathered) {
            if gathered.rows > 0 {
                multiply(worker, gathered);
            }
        }
        self.workers.into_iter().map(Worker::finish).collect()
    }
}
