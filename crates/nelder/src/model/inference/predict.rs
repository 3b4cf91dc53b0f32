//! Predictions of a fit for new rows: R's `predict.lm`.
//!
//! A row with coordinates e (those of [`WhitenedDesign`]) has the fitted value xβ with variance σ² |e|², and a new observation
//! there has variance σ² (1 + |e|²).

use nelder_device::kernels::Pair;

use super::SavedLm;
use super::new_rows::Applied;
use super::whitened_design::{Leverage, WhitenedDesign};
use crate::design::{Block, RowError, Rows};
use crate::frame::Source;
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

/// Rows whose coordinates are formed at a time.
const RUN: usize = 256;

/// |e|² of the rows of a block: leverages, up to the weights.
pub(in crate::model) fn square_norms(basis: &WhitenedDesign, block: &Block<'_>) -> Vec<f64> {
    let mut out = Vec::with_capacity(block.rows);
    let mut from = 0;
    while from < block.rows {
        let to = (from + RUN).min(block.rows);
        let e = basis.coordinates(block, from, to);
        for i in 0..to - from {
            let own = basis.level(block, from + i).map_or(0.0, |(_, x)| x * x);
            out.push(own + (0..e.ncols()).map(|a| e[(i, a)] * e[(i, a)]).sum::<f64>());
        }
        from = to;
    }
    out
}

/// The leverages of the rows of a block under weights.
pub(in crate::model) fn leverages(
    basis: &WhitenedDesign,
    block: &Block<'_>,
    weights: Option<&[f64]>,
) -> Vec<Leverage> {
    let norms = square_norms(basis, block);
    let of = |(i, &norm): (usize, &f64)| basis.leverage(block, i, weights.map_or(1.0, |w| w[i]), norm);
    norms.iter().enumerate().map(of).collect()
}

/// xβ for the rows of a block, without the offset.
fn fitted(applied: &Applied, rows: &Rows<'_>, block: &Block<'_>, response: usize) -> Vec<f64> {
    let zero = vec![0.0; block.rows];
    let zero = Pair {
        high: &zero,
        low: None,
    };
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
        take: impl FnMut(PredictionRun) -> bool + Send,
    ) -> Result<PassRecord, ModelError> {
        let (rows, applier) = self.bind(source, std_errors)?;
        let make = |batch: &crate::frame::Batch<'_>, _: &crate::frame::Batch<'_>| -> Result<_, RowError> {
            let block = rows.block(batch)?;
            if block.rows == 0 {
                let none = vec![f64::NAN; batch.rows];
                let missing = Prediction {
                    std_error: if std_errors { none.clone() } else { Vec::new() },
                    fit: none,
                };
                return Ok(PredictionRun {
                    first_row: batch.first_row,
                    responses: vec![missing; self.responses.len()],
                });
            }
            let applied = applier.on(&rows, &block)?;
            let norms = applied.basis.as_ref().map(|b| square_norms(b, &block));
            let kept = block.kept.as_deref();
            let responses = self.responses.iter().enumerate().map(|(y, response)| {
                let mut fit = fitted(&applied, &rows, &block, y);
                fit.iter_mut().for_each(|v| *v /= response.scale());
                if let Some(offset) = &block.offset {
                    fit.iter_mut().zip(offset).for_each(|(v, o)| *v += o);
                }
                let sigma = response.sigma();
                let std_error = norms.iter().flatten().map(|n| sigma * n.sqrt()).collect();
                Prediction {
                    fit: spread(fit, kept, batch.rows),
                    std_error: match std_errors {
                        true => spread(std_error, kept, batch.rows),
                        false => Vec::new(),
                    },
                }
            });
            Ok(PredictionRun {
                first_row: batch.first_row,
                responses: responses.collect(),
            })
        };
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
