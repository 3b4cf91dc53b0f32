//! Responses of a Poisson model that are no counts: which rows they are in.
//!
//! A Poisson distribution gives such a value no probability. The fit is a quasi-likelihood's and stands, but the likelihood
//! is zero and Akaike's criterion infinite: R's `dpois` warns of each row.

use super::Glm;
use crate::design::{Block, RowError};
use crate::family::FamilyName;
use crate::model::{ModelError, Warning};
use crate::pass::{Monitor, Sum, Worker, is_count, run};

/// Rows that are named.
const NAMED: usize = 10;

/// Values that are no whole numbers, in rows of positive weight.
#[derive(Debug, Default)]
struct Fractions {
    /// Position of a row of the source, from 0, and its value: the first ones.
    first: Vec<(u64, f64)>,
    rows: u64,
}

impl Worker for Fractions {
    type Sum = Self;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        let Some(y) = block.responses.first() else {
            return Ok(());
        };
        for (i, &y) in y.high.iter().enumerate() {
            if is_count(y) || block.weights.as_ref().is_some_and(|w| w[i] == 0.0) {
                continue;
            }
            self.rows += 1;
            if self.first.len() < NAMED {
                self.first.push((block.source_row(i), y));
            }
        }
        Ok(())
    }

    fn finish(self) -> Self {
        self
    }
}

impl Sum for Fractions {
    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.first.extend(other.first);
        self.first.sort_by_key(|(row, _)| *row);
        self.first.truncate(NAMED);
    }
}

impl Glm<'_> {
    /// Warns of responses that are no counts, by another pass where there are any.
    pub(super) fn warn_of_fractions(&mut self, monitor: &dyn Monitor) -> Result<(), ModelError> {
        if self.fit.family.name != FamilyName::Poisson || self.fit.moments.counts {
            return Ok(());
        }
        let rows = &self.bound.rows;
        let found = run("fractions", "f64", rows, monitor, Fractions::default)?;
        self.fit.report.passes.extend(found.records);
        let found = found.value;
        self.fit.warnings.push(Warning::FractionalCounts {
            response: self.bound.response_label(),
            first: found.first,
            rows: found.rows,
        });
        Ok(())
    }
}
