//! The size of batches.

/// Rows of a batch, unless the file's own batches are smaller: ten columns of doubles stay in the L2 cache.
pub(crate) const BATCH_ROWS: usize = 8192;
