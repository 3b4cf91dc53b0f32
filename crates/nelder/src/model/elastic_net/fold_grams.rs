//! Grams of the folds of a cross-validation, in one pass.

use super::folds::Folds;
use crate::design::{Block, BlockSchema, RowError};
use crate::pass::{Gram, PartGrams, Products, Statistic, Worker};

/// The gram of each fold: what is left of all rows without fold k is their sum less the fold's.
#[derive(Clone, Debug)]
pub(super) struct FoldGrams<'f> {
    pub folds: &'f Folds,
    pub products: Products,
}

/// Takes in rows, each with its fold.
pub(super) struct FoldGramsWorker<'f> {
    folds: &'f Folds,
    grams: PartGrams,
    /// Fold of each row of a block.
    of_rows: Vec<u32>,
}

impl Statistic for FoldGrams<'_> {
    type Sum = Vec<Gram>;
    type Worker<'w>
        = FoldGramsWorker<'w>
    where
        Self: 'w;

    fn worker(&self, schema: &BlockSchema) -> FoldGramsWorker<'_> {
        FoldGramsWorker {
            folds: self.folds,
            grams: PartGrams::new(schema, self.products, self.folds.count()),
            of_rows: Vec::new(),
        }
    }
}

impl Worker for FoldGramsWorker<'_> {
    type Sum = Vec<Gram>;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        self.folds.of_block(block, &mut self.of_rows)?;
        self.grams.update(block, &self.of_rows)
    }

    fn finish(self) -> Vec<Gram> {
        self.grams.finish()
    }
}
