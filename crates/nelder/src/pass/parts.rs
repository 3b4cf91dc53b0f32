//! Statistics by part: a row goes to the sums of the part that its label names, so that the sums of k disjoint parts cost one pass.
//!
//! The folds of a cross-validation, the strata of a bootstrap, the groups of a jackknife. What is left of all rows without one part
//! is their sum less the part's, where sums are linear ([`Gram::without`](super::Gram::without)).

use super::state::{StateError, decoded, encoded};
use super::{Sum, Worker};
use crate::design::{Block, CodeMaps, RowError};

/// One worker a part.
#[derive(Clone, Debug)]
pub struct PartsWorker<W> {
    workers: Vec<W>,
    /// Positions in a block of the rows of each part.
    rows: Vec<Vec<u32>>,
}

impl<W: Worker> PartsWorker<W> {
    /// No rows seen, of `parts` parts.
    pub fn new(parts: usize, new: impl Fn() -> W) -> Self {
        PartsWorker {
            workers: (0..parts).map(|_| new()).collect(),
            rows: vec![Vec::new(); parts],
        }
    }

    /// Takes in the rows of a block, each with the number of its part, from 0.
    ///
    /// # Errors
    /// A part that is not there, with its row; those of a worker.
    pub fn update(&mut self, block: &Block<'_>, parts: &[u32]) -> Result<(), RowError> {
        self.rows.iter_mut().for_each(Vec::clear);
        for (i, &part) in parts.iter().enumerate() {
            let Some(rows) = self.rows.get_mut(part as usize) else {
                let row = block.source_row(i);
                return Err(RowError {
                    row,
                    message: format!(
                        "row {} is in part {} of {}",
                        row + 1,
                        u64::from(part) + 1,
                        self.workers.len()
                    ),
                });
            };
            rows.push(i as u32);
        }
        for (worker, rows) in self.workers.iter_mut().zip(&self.rows) {
            match rows.len() {
                0 => {}
                n if n == block.rows => worker.update(block)?,
                _ => worker.update(&block.gathered(rows))?,
            }
        }
        Ok(())
    }

    /// The sums of each part.
    pub fn finish(self) -> Vec<W::Sum> {
        self.workers.into_iter().map(Worker::finish).collect()
    }
}

/// Sums of several parts, one after the other.
impl<S: Sum> Sum for Vec<S> {
    fn merge(&mut self, other: Self) {
        self.iter_mut().zip(other).for_each(|(a, b)| a.merge(b));
    }

    fn state(&self) -> Result<Vec<u8>, StateError> {
        let all: Vec<Vec<u8>> = self.iter().map(Sum::state).collect::<Result<_, _>>()?;
        encoded(&all)
    }

    fn restored(bytes: &[u8]) -> Result<Self, StateError> {
        let all: Vec<Vec<u8>> = decoded(bytes)?;
        all.iter().map(|bytes| S::restored(bytes)).collect()
    }

    fn recode(&mut self, maps: &CodeMaps) -> Result<(), StateError> {
        self.iter_mut().try_for_each(|own| own.recode(maps))
    }
}
