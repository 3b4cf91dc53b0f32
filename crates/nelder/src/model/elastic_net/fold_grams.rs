//! Grams of the folds of a cross-validation, in one pass.

use super::folds::Folds;
use crate::design::{Block, BlockSchema, RowError};
use crate::pass::{Gram, GramWorker, Products, Statistic, Worker};

/// Rows of a fold that are multiplied at a time: a fold has few of a block, and products of few rows cost more than of many.
const GATHERED: usize = 320;

/// The gram of each fold: what is left of all rows without fold k is their sum less the fold's.
#[derive(Clone, Debug)]
pub(super) struct FoldGrams<'f> {
    pub folds: &'f Folds,
    pub products: Products,
}

/// Takes in rows, each with its fold.
pub(super) struct FoldGramsWorker<'f> {
    folds: &'f Folds,
    /// Scratch of all folds, and the gram of none.
    worker: GramWorker,
    grams: Vec<Gram>,
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
            worker: GramWorker::new(schema, self.products),
            grams: vec![Gram::new(schema, self.products); count],
            gathered: vec![Block::default(); count],
            of_rows: Vec::new(),
            rows: vec![Vec::new(); count],
        }
    }
}

impl FoldGramsWorker<'_> {
    /// Multiplies the gathered rows of a fold.
    fn multiply(&mut self, fold: usize) {
        let (worker, gathered) = (&mut self.worker, &mut self.gathered[fold]);
        worker.swap(&mut self.grams[fold]);
        worker.add(gathered);
        worker.flush();
        worker.swap(&mut self.grams[fold]);
        gathered.clear();
    }
}

impl Worker for FoldGramsWorker<'_> {
    type Sum = Vec<Gram>;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        self.folds.of_block(block, &mut self.of_rows)?;
        self.rows.iter_mut().for_each(Vec::clear);
        for (i, &fold) in self.of_rows.iter().enumerate() {
            self.rows[fold as usize].push(i as u32);
        }
        Block::deal(block, &mut self.gathered, &self.rows, GATHERED);
        for fold in 0..self.rows.len() {
            if self.gathered[fold].rows >= GATHERED {
                self.multiply(fold);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Vec<Gram> {
        for fold in 0..self.rows.len() {
            if self.gathered[fold].rows > 0 {
                self.multiply(fold);
            }
        }
        self.grams
    }
}
