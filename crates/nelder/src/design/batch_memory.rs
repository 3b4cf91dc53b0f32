//! Memory of the batches that a pass has seen: which are whole, and the blocks that were made of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, RwLock};

use super::Block;
use crate::frame::Batch;

/// Batches of which every row is in the subset, complete and finite, by their number: their first row and their rows.
#[derive(Default)]
pub(super) struct WholeBatches(RwLock<Vec<Option<(u64, usize)>>>);

impl WholeBatches {
    /// Tests if a batch is known to be whole.
    pub fn has(&self, batch: &Batch<'_>) -> bool {
        let known = self.0.read().unwrap_or_else(|e| e.into_inner());
        known.get(batch.index) == Some(&Some((batch.first_row, batch.rows)))
    }

    /// Notes a batch that is whole.
    pub fn add(&self, batch: &Batch<'_>) {
        let mut known = self.0.write().unwrap_or_else(|e| e.into_inner());
        if known.len() <= batch.index {
            known.resize(batch.index + 1, None);
        }
        known[batch.index] = Some((batch.first_row, batch.rows));
    }
}

/// Blocks that are kept, by the number of their batch, its first row and its rows.
#[derive(Default)]
pub(super) struct KeptBlocks {
    pub blocks: RwLock<HashMap<(usize, u64, usize), Arc<Block<'static>>>>,
    pub bytes: AtomicUsize,
    /// True while a fit is under way: passes after it keep none.
    pub open: AtomicBool,
}
