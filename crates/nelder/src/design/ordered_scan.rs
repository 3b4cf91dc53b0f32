//! A scan whose results come back in the order of the batches.

use std::sync::Mutex;

use super::error::{BindError, EvaluateError};
use crate::frame::{Batch, Scan, Source};

/// Scans some columns and returns the results of `look`, in the order of batches, with the count of rows and bytes.
pub(super) fn in_order<T: Send>(
    source: &dyn Source,
    columns: &[usize],
    look: impl Fn(Batch<'_>) -> Result<T, EvaluateError> + Sync,
) -> Result<(Vec<T>, Scan), BindError> {
    let found: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::new());
    let failure: Mutex<Option<(usize, EvaluateError)>> = Mutex::new(None);
    let visit = |_worker: usize, batch: Batch<'_>| {
        let index = batch.index;
        match look(batch) {
            Ok(own) => {
                found.lock().unwrap_or_else(|e| e.into_inner()).push((index, own));
                true
            }
            Err(error) => {
                // of several the first in the data
                let mut first = failure.lock().unwrap_or_else(|e| e.into_inner());
                if first.as_ref().is_none_or(|(other, _)| index < *other) {
                    *first = Some((index, error));
                }
                false
            }
        }
    };
    let scan = source.scan(columns, &visit);
    if let Some((_, error)) = failure.into_inner().unwrap_or_else(|e| e.into_inner()) {
        return Err(error.into());
    }
    let scan = scan?;
    let mut found = found.into_inner().unwrap_or_else(|e| e.into_inner());
    found.sort_unstable_by_key(|(index, _)| *index);
    Ok((found.into_iter().map(|(_, own)| own).collect(), scan))
}
