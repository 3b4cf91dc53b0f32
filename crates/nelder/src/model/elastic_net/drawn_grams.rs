//! The grams of the folds of all draws of a cross-validation, and of all rows.

use std::sync::Arc;

use super::cross_validation_spec::CrossValidationSpec;
use super::fold_grams::FoldGrams;
use super::folds::Folds;
use crate::design::RowCounts;
use crate::model::equations::ladder::{check_finite, first_products, rows_left};
use crate::model::{Accuracy, ModelError, ModelFrame};
use crate::pass::{Course, Gram, GramStatistic, Monitor, Opening, Pass, PassRecord, Session, Sum};

/// Grams of folds: one pass for each draw.
pub(super) struct DrawnGrams {
    pub session: Arc<dyn Session>,
    /// The passes so far.
    pub passes: Vec<PassRecord>,
    /// Name of the precision of the products.
    pub precision: &'static str,
    /// Rows that were read, used and left out.
    pub counts: RowCounts,
    /// The folds by draw, and their grams.
    pub draws: Vec<Folds>,
    pub grams: Vec<Vec<Gram>>,
    /// The gram of all rows.
    pub total: Gram,
}

impl DrawnGrams {
    /// Forms the grams.
    ///
    /// # Errors
    /// A pass that fails; no row left; a product that is not finite; a fold without a row.
    pub fn new(
        spec: &CrossValidationSpec,
        bound: &ModelFrame<'_>,
        accuracy: Accuracy,
        monitor: &dyn Monitor,
    ) -> Result<Self, ModelError> {
        let products = first_products(bound, accuracy);
        let mut passes = bound.passes.clone();
        let opening = Opening::new(Course::LeastSquares(products), monitor);
        let (session, records) = bound.executor.open(&bound.rows, &opening)?;
        passes.extend(records);
        let precision = GramStatistic { products }.precision();
        spec.check_room(bound.rows.layout().atoms.dense + 1)?;
        let draws = spec.draws();
        let (mut grams, mut counts) = (Vec::new(), RowCounts::default());
        for folds in &draws {
            let statistic = FoldGrams { folds, products };
            let pass = Pass::new("grams of folds", precision, &statistic, monitor);
            let found = session.reduce(&bound.rows, pass)?;
            rows_left(&found.counts, bound)?;
            passes.extend(found.records);
            counts = found.counts;
            grams.push(found.value);
        }
        let total = total(&grams[0]);
        check_finite(&total, bound)?;
        few_rows(&grams, counts.used)?;
        Ok(DrawnGrams {
            session,
            passes,
            precision,
            counts,
            draws,
            grams,
            total,
        })
    }
}

/// The gram of all rows.
fn total(folds: &[Gram]) -> Gram {
    let mut total = folds[0].clone();
    folds[1..].iter().for_each(|g| total.merge(g.clone()));
    total
}

/// Refuses folds whose errors cannot be averaged.
fn few_rows(drawn: &[Vec<Gram>], rows: u64) -> Result<(), ModelError> {
    for folds in drawn {
        if let Some(empty) = folds.iter().position(|g| g.rows == 0) {
            return Err(Folds::empty(empty, folds.len(), rows));
        }
    }
    Ok(())
}
