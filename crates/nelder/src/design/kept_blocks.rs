//! Blocks that one pass has made of rows in memory, for the passes after it.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Block, RowError, Rows};
use crate::frame::Batch;

/// Bytes of blocks that are kept at most.
const MOST: usize = 64 << 20;

/// The block of a batch: made for this pass, or kept from one before.
pub enum PassBlock<'b> {
    /// Made for this pass.
    New(Box<Block<'b>>),
    /// Kept from a pass before.
    Kept(Arc<Block<'static>>),
}

impl<'b> Deref for PassBlock<'b> {
    type Target = Block<'b>;

    fn deref(&self) -> &Block<'b> {
        match self {
            PassBlock::New(block) => block,
            PassBlock::Kept(block) => block,
        }
    }
}

impl Rows<'_> {
    /// The block of a batch, as [`block`](Rows::block) makes it, for a pass of which others may follow: between
    /// [`keep_blocks`](Rows::keep_blocks) and [`forget_blocks`](Rows::forget_blocks), what is gathered, coded or computed of rows in
    /// memory is kept, up to 64 MB. Columns that are read in place are not.
    ///
    /// # Errors
    /// As [`block`](Rows::block).
    pub fn pass_block<'b>(&self, batch: &'b Batch<'_>) -> Result<PassBlock<'b>, RowError> {
        let key = (batch.index, batch.first_row, batch.rows);
        let known = self.blocks.blocks.read().unwrap_or_else(|e| e.into_inner());
        if let Some(kept) = known.get(&key) {
            return Ok(PassBlock::Kept(kept.clone()));
        }
        drop(known);
        let block = self.block(batch)?;
        let (made, read) = sizes(&block);
        let keeps = self.in_memory() && self.blocks.open.load(Ordering::Relaxed);
        if !keeps || made <= read {
            return Ok(PassBlock::New(Box::new(block)));
        }
        let before = self.blocks.bytes.fetch_add(made + read, Ordering::Relaxed);
        if before + made + read > MOST {
            self.blocks.bytes.fetch_sub(made + read, Ordering::Relaxed);
            return Ok(PassBlock::New(Box::new(block)));
        }
        let block = Arc::new(block.into_owned());
        let mut known = self.blocks.blocks.write().unwrap_or_else(|e| e.into_inner());
        known.insert(key, block.clone());
        Ok(PassBlock::Kept(block))
    }

    /// Begins to keep blocks: a fit of several passes is under way.
    pub fn keep_blocks(&self) {
        self.blocks.open.store(true, Ordering::Relaxed);
    }

    /// Lets go of the blocks that are kept, and keeps no more: a fit that has ended needs none.
    pub fn forget_blocks(&self) {
        self.blocks.open.store(false, Ordering::Relaxed);
        let mut known = self.blocks.blocks.write().unwrap_or_else(|e| e.into_inner());
        known.clear();
        self.blocks.bytes.store(0, Ordering::Relaxed);
    }
}

/// Bytes of a block that were made, and that are read where they lie.
fn sizes(block: &Block<'_>) -> (usize, usize) {
    let mut sizes = (0, 0);
    let mut count = |made: bool, bytes: usize| match made {
        true => sizes.0 += bytes,
        false => sizes.1 += bytes,
    };
    for column in block.dense.iter().chain(&block.responses) {
        count(matches!(column.high, Cow::Owned(_)), size_of_val(&*column.high));
        count(true, column.low.as_ref().map_or(0, |low| size_of_val(&low[..])));
    }
    for codes in &block.codes {
        count(matches!(codes, Cow::Owned(_)), size_of_val(&codes[..]));
    }
    for column in [&block.offset, &block.start].into_iter().flatten() {
        count(true, size_of_val(&column[..]));
    }
    count(true, block.weights.as_ref().map_or(0, |w| size_of_val(&w[..])));
    count(true, block.kept.as_ref().map_or(0, |kept| size_of_val(&kept[..])));
    sizes
}
