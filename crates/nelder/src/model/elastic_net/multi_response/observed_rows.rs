//! Responses, weights and offsets of rows of a model of several responses.

use super::responses::Responses;
use crate::design::{Block, RowError};

/// Responses of some rows, a column for each response or class.
#[derive(Clone, Debug, Default)]
pub(super) struct ObservedRows {
    /// Responses in the units of the data; shares of the classes, which sum to one.
    pub y: Vec<Vec<f64>>,
    /// Prior weights times the sum of the classes' counts.
    pub weight: Vec<f64>,
    /// Offsets, one column a class; empty where there are none.
    pub offsets: Vec<Vec<f64>>,
}

impl Responses {
    /// The responses of a block's rows.
    ///
    /// # Errors
    /// The first row with a class that is none, or with a count below zero.
    pub fn of_rows(&self, block: &Block<'_>) -> Result<ObservedRows, RowError> {
        let (n, count) = (block.rows, self.names.len());
        let mut out = ObservedRows {
            weight: match &block.weights {
                Some(weights) => weights.to_vec(),
                None => vec![1.0; n],
            },
            ..ObservedRows::default()
        };
        let own = if self.coded { 1 } else { count };
        match (self.coded, self.classes) {
            (true, _) => out.y = self.indicators(block)?,
            (false, true) => self.shares(block, &mut out)?,
            (false, false) => {
                let column = |k: usize| {
                    let scale = self.scales.get(k).copied().unwrap_or(1.0);
                    block.responses[k].high.iter().map(|y| y / scale).collect()
                };
                out.y = (0..count).map(column).collect();
            }
        }
        if self.offsets {
            let columns = block.responses[own..own + count].iter();
            out.offsets = columns.map(|o| o.high.to_vec()).collect();
        }
        Ok(out)
    }

    fn indicators(&self, block: &Block<'_>) -> Result<Vec<Vec<f64>>, RowError> {
        let mut y = vec![vec![0.0; block.rows]; self.names.len()];
        for (i, &place) in block.responses[0].high.iter().enumerate() {
            match y.get_mut(place as usize) {
                Some(own) if place >= 0.0 && place.fract() == 0.0 => own[i] = 1.0,
                _ => {
                    return Err(RowError {
                        row: block.source_row(i),
                        message: format!(
                            "y: {place} in row {} is none of the {} classes, which are numbered from 0",
                            block.source_row(i) + 1,
                            self.names.len()
                        ),
                    });
                }
            }
        }
        Ok(y)
    }

    fn shares(&self, block: &Block<'_>, out: &mut ObservedRows) -> Result<(), RowError> {
        let columns = &block.responses[..self.names.len()];
        let mut total = vec![0.0; block.rows];
        for (column, name) in columns.iter().zip(&self.names) {
            for (i, (sum, &count)) in total.iter_mut().zip(column.high.iter()).enumerate() {
                if !(count >= 0.0 && count.is_finite()) {
                    return Err(RowError {
                        row: block.source_row(i),
                        message: format!(
                            "y: class `{name}` has {count} in row {}; counts and shares are 0 or more",
                            block.source_row(i) + 1
                        ),
                    });
                }
                *sum += count;
            }
        }
        let share = |(count, sum): (&f64, &f64)| if *sum == 0.0 { 0.0 } else { count / sum };
        let of = |column: &crate::design::Numbers<'_>| column.high.iter().zip(&total).map(share).collect();
        out.y = columns.iter().map(of).collect();
        out.weight.iter_mut().zip(&total).for_each(|(w, sum)| *w *= sum);
        Ok(())
    }
}
