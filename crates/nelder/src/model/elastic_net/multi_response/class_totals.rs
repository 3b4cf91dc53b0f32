//! Sums of the rows of a multinomial model that do not change along a path: the gram of the columns, and the classes' shares.

use serde::{Deserialize, Serialize};

use super::responses::Responses;
use crate::design::{Block, BlockSchema, CodeMaps, RowError};
use crate::model::elastic_net::folds::Folds;
use crate::pass::{Gram, GramWorker, Products, StateError, Statistic, Sum, Worker, travels};

/// Grams of the columns and totals of the classes, by fold; of all rows where there are no folds.
pub(super) struct ClassTotals<'a> {
    pub folds: Option<&'a Folds>,
    pub responses: &'a Responses,
    /// Of rows without responses.
    pub atoms: &'a BlockSchema,
    pub products: Products,
}

/// Sums of some rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ClassSums {
    /// The gram of the columns under the prior weights.
    pub gram: Gram,
    /// Σ w y by class.
    pub weights: Vec<f64>,
    /// Rows with a share of each class.
    pub rows: Vec<u64>,
}

impl Sum for ClassSums {
    travels!();

    fn recode(&mut self, maps: &CodeMaps) -> Result<(), StateError> {
        self.gram.recode(maps)
    }

    fn merge(&mut self, other: Self) {
        self.gram.merge(other.gram);
        self.weights
            .iter_mut()
            .zip(other.weights)
            .for_each(|(a, b)| *a += b);
        self.rows.iter_mut().zip(other.rows).for_each(|(a, b)| *a += b);
    }
}

impl ClassSums {
    /// Totals of all rows but some of them.
    pub fn without(&self, part: &ClassSums) -> ClassSums {
        ClassSums {
            gram: self.gram.without(&part.gram),
            weights: self
                .weights
                .iter()
                .zip(&part.weights)
                .map(|(a, b)| a - b)
                .collect(),
            rows: self.rows.iter().zip(&part.rows).map(|(a, b)| a - b).collect(),
        }
    }
}

/// Takes in rows, each with its fold.
pub(super) struct ClassTotalsWorker<'a> {
    of: &'a ClassTotals<'a>,
    worker: GramWorker,
    sums: Vec<ClassSums>,
    of_rows: Vec<u32>,
}

impl Statistic for ClassTotals<'_> {
    type Sum = Vec<ClassSums>;
    type Worker<'w>
        = ClassTotalsWorker<'w>
    where
        Self: 'w;

    fn worker(&self, _: &BlockSchema) -> ClassTotalsWorker<'_> {
        let classes = self.responses.names.len();
        let none = ClassSums {
            gram: Gram::new(self.atoms, self.products),
            weights: vec![0.0; classes],
            rows: vec![0; classes],
        };
        ClassTotalsWorker {
            of: self,
            worker: GramWorker::new(self.atoms, self.products),
            sums: vec![none; self.folds.map_or(1, Folds::count)],
            of_rows: Vec::new(),
        }
    }
}

impl Worker for ClassTotalsWorker<'_> {
    type Sum = Vec<ClassSums>;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        match self.of.folds {
            Some(folds) => folds.of_block(block, &mut self.of_rows)?,
            None => self.of_rows.resize(block.rows, 0),
        }
        let observed = self.of.responses.of_rows(block)?;
        for (fold, sums) in self.sums.iter_mut().enumerate() {
            // a row without a count is in no class, and not in the model
            let own: Vec<u32> = (0..block.rows as u32)
                .filter(|&i| self.of_rows[i as usize] == fold as u32 && observed.weight[i as usize] > 0.0)
                .collect();
            if own.is_empty() {
                continue;
            }
            let gathered = block.gathered(&own);
            let mut rows = gathered.design(0, own.len());
            rows.weights = Some(own.iter().map(|&i| observed.weight[i as usize]).collect());
            self.worker.swap(&mut sums.gram);
            self.worker.add(&rows);
            self.worker.flush();
            self.worker.swap(&mut sums.gram);
            for (k, y) in observed.y.iter().enumerate() {
                for &i in &own {
                    sums.weights[k] += observed.weight[i as usize] * y[i as usize];
                    sums.rows[k] += u64::from(y[i as usize] > 0.0);
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Vec<ClassSums> {
        self.sums
    }
}
