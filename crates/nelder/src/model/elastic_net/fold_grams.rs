//! Grams of the folds of a cross-validation, in one pass.

use super::folds::Folds;
use crate::design::{Block, BlockSchema, RowError};
use crate::pass::{Gram, GramWorker, PartsWorker, Products, Statistic, Worker};

/// The gram of each fold: what is left of all rows without fold k is their sum less the fold's.
#[derive(Clone, Debug)]
pub(super) struct FoldGrams<'f> {
    pub folds: &'f Folds,
    pub products: Products,
}

/// Takes in rows, each with its fold.
pub(super) struct FoldGramsWorker<'f> {
    folds: &'f Folds,
    parts: PartsWorker<GramWorker>,
    of_rows: Vec<u32>,
}

impl Statistic for FoldGrams<'_> {
    type Sum = Vec<Gram>;
    type Worker<'w>
        = FoldGramsWorker<'w>
    where
        Self: 'w;

    fn worker(&self, schema: &BlockSchema) -> FoldGramsWorker<'_> {
        let new = || GramWorker::new(schema, self.products);
        FoldGramsWorker {
            folds: self.folds,
            parts: PartsWorker::new(self.folds.count(), new),
            of_rows: Vec::new(),
        }
    }
}

impl Worker for FoldGramsWorker<'_> {
    type Sum = Vec<Gram>;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        self.folds.of_block(block, &mut self.of_rows)?;
        self.parts.update(block, &self.of_rows)
    }

    fn finish(self) -> Vec<Gram> {
        self.parts.finish()
    }
}
