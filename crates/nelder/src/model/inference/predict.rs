//! Predictions of a fit for new rows: R's `predict.lm`.
//!
//! A row with coordinates e (those of [`WhitenedDesign`](super::whitened_design::WhitenedDesign)) has the fitted value xβ with variance σ² |e|², and a new observation
//! there has variance σ² (1 + |e|²).

use nelder_device::Dd;
use nelder_device::kernels::Pair;

use super::new_rows::Applied;
use super::{SavedDesign, SavedLm};
use crate::design::{Block, RowError, Rows};
use crate::formula::Terms;
use crate::frame::{Batch, Source};
use crate::model::{Lm, ModelError};
use crate::pass::{Monitor, PassRecord, residuals_of, run_in_order};

/// Predictions of one response for consecutive rows; `NaN` for rows in which a variable is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// Fitted values with the offset, in the units of the response.
    pub fit: Vec<f64>,
    /// Their standard errors; empty unless asked for, `NaN` without residual degrees of freedom.
    pub std_error: Vec<f64>,
}

/// Predictions for consecutive rows of the source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PredictionRun {
    /// Position of the first row, from 0.
    pub first_row: u64,
    /// One entry a response.
    pub responses: Vec<Prediction>,
}

/// Predictions for all rows of a source.
#[derive(Clone, Debug)]
pub struct Predictions {
    /// One entry a response.
    pub responses: Vec<Prediction>,
    /// The pass that it took.
    pub pass: PassRecord,
}

/// xβ for the rows of a block, without the offset.
fn fitted(applied: &Applied, rows: &Rows<'_>, block: &Block<'_>, response: usize) -> Vec<f64> {
    let zero = vec![0.0; block.rows];
    let zero = Pair::of(&zero);
    let (mut high, mut low) = (Vec::new(), Vec::new());
    let atoms = &rows.layout().atoms;
    residuals_of(
        atoms,
        block,
        zero,
        &applied.coefficients[response],
        &mut high,
        &mut low,
    );
    high.iter_mut().for_each(|v| *v = 0.0 - *v);
    high
}

/// Puts the values of the rows that are kept among all rows of a batch.
pub(in crate::model) fn spread(values: Vec<f64>, kept: Option<&[u32]>, rows: usize) -> Vec<f64> {
    match kept {
        None => values,
        Some(kept) => {
            let mut all = vec![f64::NAN; rows];
            for (&i, v) in kept.iter().zip(values) {
                all[i as usize] = v;
            }
            all
        }
    }
}

impl SavedLm {
    /// Predictions for the rows of a source, which needs all columns of the formula but the response; R's
    /// `predict(fit, newdata, se.fit = std_errors)`. Memory grows with the rows: [`predict_to`](Self::predict_to)
    /// hands them over in runs.
    ///
    /// # Errors
    /// A column that is not there or of another kind than in the fit; a level that the fit does not have; an
    /// infinite value; those of a pass.
    pub fn predict(
        &self,
        source: &dyn Source,
        std_errors: bool,
        monitor: &dyn Monitor,
    ) -> Result<Predictions, ModelError> {
        let mut responses = vec![Prediction::default(); self.responses.len()];
        let pass = self.predict_to(source, std_errors, monitor, |run| {
            for (all, part) in responses.iter_mut().zip(run.responses) {
                all.fit.extend(part.fit);
                all.std_error.extend(part.std_error);
            }
            true
        })?;
        Ok(Predictions { responses, pass })
    }

    /// The same in runs of rows, in order; `take` stops the pass by returning `false`.
    ///
    /// # Errors
    /// Those of [`predict`](Self::predict), and an interrupt where `take` stopped it.
    pub fn predict_to(
        &self,
        source: &dyn Source,
        std_errors: bool,
        monitor: &dyn Monitor,
        mut take: impl FnMut(PredictionRun) -> bool + Send,
    ) -> Result<PassRecord, ModelError> {
        let coefficients = self.responses.iter().map(|r| r.coefficients().to_vec());
        let of = |rows: &Rows<'_>, block: &Block<'_>, applied: &Applied| {
            let norms = applied.basis.as_ref().map(|basis| basis.square_norms(block));
            let responses = self.responses.iter().enumerate().flat_map(|(y, response)| {
                let mut fit = fitted(applied, rows, block, y);
                fit.iter_mut().for_each(|v| *v /= response.scale());
                if let Some(offset) = &block.offset {
                    fit.iter_mut().zip(offset).for_each(|(v, o)| *v += o);
                }
                let sigma = response.sigma();
                let errors = norms
                    .as_ref()
                    .map(|norms| norms.iter().map(|n| sigma * n.sqrt()).collect());
                std::iter::once(fit).chain(errors)
            });
            responses.collect()
        };
        let own = 1 + usize::from(std_errors);
        let asked = Asked {
            design: &self.design,
            coefficients: coefficients.collect(),
            std_errors,
            columns: own * self.responses.len(),
        };
        asked.columns_of(source, monitor, of, |first_row, mut columns| {
            let responses = columns.chunks_mut(own).map(|columns| {
                let mut columns = columns.iter_mut().map(std::mem::take);
                Prediction {
                    fit: columns.next().unwrap_or_default(),
                    std_error: columns.next().unwrap_or_default(),
                }
            });
            take(PredictionRun {
                first_row,
                responses: responses.collect(),
            })
        })
    }
}

/// Predictions that are asked for of a saved design.
pub(in crate::model) struct Asked<'a> {
    pub design: &'a SavedDesign,
    /// By column in the units of the rows, of each response.
    pub coefficients: Vec<Vec<Dd>>,
    /// True if rows are to have coordinates, for standard errors.
    pub std_errors: bool,
    /// Number of columns of predictions.
    pub columns: usize,
}

impl Asked<'_> {
    /// Columns of predictions that `of` makes of the rows of a block, for runs of rows of a source in order, each after the position of
    /// its first row; `NaN` for rows in which a variable is missing. `take` stops the pass by returning `false`.
    pub fn columns_of(
        self,
        source: &dyn Source,
        monitor: &dyn Monitor,
        of: impl Fn(&Rows<'_>, &Block<'_>, &Applied) -> Vec<Vec<f64>> + Sync,
        take: impl FnMut(u64, Vec<Vec<f64>>) -> bool + Send,
    ) -> Result<PassRecord, ModelError> {
        self.columns_with(None, source, monitor, of, take)
    }

    /// The same; with `terms`, of these in the place of the design's formula.
    pub fn columns_with(
        self,
        terms: Option<Terms>,
        source: &dyn Source,
        monitor: &dyn Monitor,
        of: impl Fn(&Rows<'_>, &Block<'_>, &Applied) -> Vec<Vec<f64>> + Sync,
        mut take: impl FnMut(u64, Vec<Vec<f64>>) -> bool + Send,
    ) -> Result<PassRecord, ModelError> {
        let (rows, applier) = match terms {
            None => self.design.bind(source, self.std_errors, self.coefficients)?,
            Some(terms) => self
                .design
                .bind_terms(terms, source, self.std_errors, self.coefficients)?,
        };
        let make = |batch: &Batch<'_>, _: &Batch<'_>| -> Result<_, RowError> {
            let block = rows.block(batch)?;
            if block.rows == 0 {
                return Ok((batch.first_row, vec![vec![f64::NAN; batch.rows]; self.columns]));
            }
            let columns = of(&rows, &block, &*applier.on(&rows, &block)?);
            let all = columns
                .into_iter()
                .map(|v| spread(v, block.kept.as_deref(), batch.rows));
            Ok((batch.first_row, all.collect()))
        };
        let take = |(first_row, columns)| take(first_row, columns);
        Ok(run_in_order(
            "predictions",
            "f64x2",
            &rows,
            &[],
            monitor,
            make,
            take,
        )?)
    }
}

impl Lm<'_> {
    /// Predictions for the rows of a source: [`SavedLm::predict`].
    ///
    /// # Errors
    /// Those of [`SavedLm::predict`] and of [`save`](Self::save).
    pub fn predict(
        &self,
        source: &dyn Source,
        std_errors: bool,
        monitor: &dyn Monitor,
    ) -> Result<Predictions, ModelError> {
        self.save()?.predict(source, std_errors, monitor)
    }
}
