//! Results of a pass over a part of the rows, as another process sends them.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::state::{StateError, decoded, encoded};
use super::statistic::{AnyStatistic, ErasedSum};
use super::{PassError, PassRecord, Reduced, Sum};
use crate::design::{LevelBook, RowCounts, Rows};
use crate::frame::Batch;

/// Version of the form.
const VERSION: u16 = 1;

/// Sums of a pass over a part of the rows of a design, with the levels that these rows show.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PartResult {
    version: u16,
    /// Fingerprint of the design: its expressions and its layout.
    design: u64,
    /// Name of the pass.
    pass: String,
    /// The rows.
    counts: RowCounts,
    /// The records of the part's passes.
    records: Vec<PassRecord>,
    /// The levels; `None` where they were known before.
    book: Option<LevelBook>,
    sums: Vec<u8>,
}

impl PartResult {
    /// The part that a process sends, which has passed over its rows of a design. `first` is true for a pass that finds levels.
    ///
    /// # Errors
    /// A statistic that stays in its process.
    pub fn new(
        rows: &Rows<'_>,
        pass: &str,
        found: &Reduced<ErasedSum>,
        first: bool,
    ) -> Result<PartResult, StateError> {
        Ok(PartResult {
            version: VERSION,
            design: rows.design_fingerprint(),
            pass: pass.to_string(),
            counts: found.counts.clone(),
            records: found.records.clone(),
            book: rows.level_book().filter(|_| first),
            sums: found.value.0.any_state()?,
        })
    }

    /// The part as bytes.
    ///
    /// # Errors
    /// [`StateError::Damaged`].
    pub fn bytes(&self) -> Result<Vec<u8>, StateError> {
        encoded(self)
    }

    /// The part of bytes.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Version`].
    pub fn of_bytes(bytes: &[u8]) -> Result<PartResult, StateError> {
        let (found, _): (u16, _) =
            postcard::take_from_bytes(bytes).map_err(|e| StateError::Damaged(e.to_string()))?;
        match found == VERSION {
            true => decoded(bytes),
            false => Err(StateError::Version {
                found,
                known: VERSION,
            }),
        }
    }

    /// The sums in the codes of a design here, which takes in the part's levels.
    ///
    /// # Errors
    /// A part of another design or pass; a code that no row showed; a row that the design cannot evaluate.
    pub fn taken_in(
        self,
        rows: &Rows<'_>,
        pass: &str,
        statistic: &(dyn AnyStatistic + '_),
    ) -> Result<Reduced<ErasedSum>, PassError> {
        let other = |found: String, wanted: String| Err(StateError::Other { found, wanted }.into());
        if self.design != rows.design_fingerprint() {
            return other("another design".into(), "this one".into());
        }
        if self.pass != pass {
            return other(format!("pass `{}`", self.pass), format!("pass `{pass}`"));
        }
        let mut value = statistic.any_restored(&self.sums)?;
        let mut counts = self.counts;
        if let Some(book) = &self.book {
            let maps = rows.adopt(book)?;
            value.0.any_recode(&maps)?;
            counts = counts.recoded(&maps);
        }
        Ok(Reduced {
            value,
            counts,
            records: self.records,
        })
    }
}

/// Joins the results of parts: sums merged, rows and bytes added, the longest time.
pub fn joined_parts(mut all: Reduced<ErasedSum>, more: Reduced<ErasedSum>) -> Reduced<ErasedSum> {
    all.value.merge(more.value);
    all.counts.add(more.counts);
    for (own, other) in all.records.iter_mut().zip(more.records) {
        own.rows += other.rows;
        own.bytes += other.bytes;
        own.seconds = own.seconds.max(other.seconds);
    }
    all
}

/// Decides the powers of two that columns are multiplied with by the first batch that has a row in the model, where they are not decided
/// yet: then no process decides them by the batch that it happens to read first. Levels are not noted.
///
/// # Errors
/// Variables that were restored from a fit; the first row that is not fit for the model.
pub fn decide_scales(rows: &Rows<'_>) -> Result<(), PassError> {
    for index in 0.. {
        if !rows.scales().is_empty() {
            break;
        }
        let probe = rows.forked(rows.source().clone())?;
        let found = OnceLock::new();
        let visit = |_: usize, batch: Batch<'_>| -> bool {
            if batch.index == index {
                let _ = found.set(probe.block(&batch).map(|block| block.rows));
            }
            batch.index != index
        };
        // stopped where the batch was found
        let scan = rows.source().scan(rows.columns(), &visit);
        match (found.into_inner(), scan) {
            (Some(Ok(0)), _) => {}
            (Some(Ok(_)), _) => rows.set_scales(probe.scales().to_vec()),
            (Some(Err(error)), _) => return Err(error.into()),
            (None, Err(error)) => return Err(PassError::Source(error)),
            (None, Ok(_)) => break,
        }
    }
    Ok(())
}
