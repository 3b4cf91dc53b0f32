//! The weights of one replicate, row by row: `boot::boot.array`, one line of it.

use super::row_labels::RowLabels;
use super::spec::{BootstrapSpec, Resampling};
use super::weight_sets::{WeightRoom, WeightSets, Weighting};
use crate::design::{Block, RowError};
use crate::frame::Batch;
use crate::model::{ModelError, Regression};
use crate::pass::{Monitor, Sum, run_beside};

/// Weights of batches by their first row.
#[derive(Default)]
struct Weights(Vec<(u64, Vec<f64>)>);

impl Sum for Weights {
    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl BootstrapSpec {
    /// The distribution of the weights, where replicates are weights.
    pub(super) fn weighting(&self) -> Option<Weighting> {
        match self.resampling {
            Resampling::Case => Some(Weighting::Multinomial),
            Resampling::Bayesian => Some(Weighting::Exponential),
            _ => None,
        }
    }
}

/// The weights of replicate `number`, from 0, of a bootstrap of a fit: one for each row of the fit, in their order. Memory grows with the rows.
///
/// # Errors
/// Resamplings that are not weights; those of a pass.
pub fn resample_weights<R: Regression + ?Sized>(
    fit: &R,
    spec: &BootstrapSpec,
    number: u32,
    monitor: &dyn Monitor,
) -> Result<Vec<f64>, ModelError> {
    spec.check()?;
    let Some(weighting) = spec.weighting() else {
        return Err(ModelError::argument(
            "type",
            format!("type = {} draws responses, not weights", spec.resampling.name()),
        ));
    };
    let expressions = (spec.cluster.as_deref(), spec.strata.as_deref());
    let labels = RowLabels::find(fit.frame(), expressions, monitor, &mut Vec::new())?;
    let sets = WeightSets::new(&labels, weighting, spec.seed, vec![number]);
    let update = |own: &mut Weights, block: &Block<'_>, other: &Batch<'_>| -> Result<(), RowError> {
        let at = labels.of(block, other)?;
        let (mut room, mut lanes, mut all) = (WeightRoom::default(), Vec::new(), Vec::new());
        for run in sets.runs(&at, block.rows) {
            sets.fill(&at, run, &mut room, &mut lanes);
            all.extend(lanes.iter().step_by(sets.lanes));
        }
        own.0.push((block.first_row, all));
        Ok(())
    };
    let rows = &fit.frame().rows;
    let found = run_beside(
        "weights",
        "none",
        rows,
        &labels.beside,
        monitor,
        Weights::default,
        update,
        |own| own,
    )?;
    let mut batches = found.value.0;
    batches.sort_unstable_by_key(|batch| batch.0);
    Ok(batches.into_iter().flat_map(|batch| batch.1).collect())
}
