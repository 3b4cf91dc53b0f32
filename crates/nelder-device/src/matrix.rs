//! A matrix in twice the precision, leading and trailing parts apart so that its rows vectorise.

use crate::Dd;
use crate::pair::Pair;

/// A rows x columns matrix stored by rows.
#[derive(Clone, Debug, Default)]
pub struct Rows2 {
    /// Length of a row.
    pub columns: usize,
    high: Vec<f64>,
    low: Vec<f64>,
}

impl Rows2 {
    /// All zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Rows2 {
            columns,
            high: vec![0.0; rows * columns],
            low: vec![0.0; rows * columns],
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.high.len().checked_div(self.columns).unwrap_or(0)
    }

    /// Entry (i, j).
    #[inline]
    pub fn get(&self, i: usize, j: usize) -> Dd {
        let k = i * self.columns + j;
        Dd {
            hi: self.high[k],
            lo: self.low[k],
        }
    }

    /// Sets entry (i, j).
    #[inline]
    pub fn set(&mut self, i: usize, j: usize, v: Dd) {
        let k = i * self.columns + j;
        self.high[k] = v.hi;
        self.low[k] = v.lo;
    }

    /// Entries `from..to` of row `i`.
    pub fn part(&self, i: usize, from: usize, to: usize) -> Pair<'_> {
        let at = i * self.columns;
        Pair {
            high: &self.high[at + from..at + to],
            low: Some(&self.low[at + from..at + to]),
        }
    }

    /// Entries `from..to` of row `i`, to be written.
    pub fn part_mut(&mut self, i: usize, from: usize, to: usize) -> (&mut [f64], &mut [f64]) {
        let at = i * self.columns;
        (
            &mut self.high[at + from..at + to],
            &mut self.low[at + from..at + to],
        )
    }

    /// Row `i` to be read and row `k` to be written, `i != k`, entries `from..to`.
    pub fn two_rows(
        &mut self,
        i: usize,
        k: usize,
        from: usize,
        to: usize,
    ) -> (Pair<'_>, (&mut [f64], &mut [f64])) {
        let c = self.columns;
        let (h, l) = (&mut self.high, &mut self.low);
        if i < k {
            let ((ha, hb), (la, lb)) = (h.split_at_mut(k * c), l.split_at_mut(k * c));
            let read = Pair {
                high: &ha[i * c + from..i * c + to],
                low: Some(&la[i * c + from..i * c + to]),
            };
            (read, (&mut hb[from..to], &mut lb[from..to]))
        } else {
            let ((ha, hb), (la, lb)) = (h.split_at_mut(i * c), l.split_at_mut(i * c));
            let read = Pair {
                high: &hb[from..to],
                low: Some(&lb[from..to]),
            };
            (
                read,
                (
                    &mut ha[k * c + from..k * c + to],
                    &mut la[k * c + from..k * c + to],
                ),
            )
        }
    }
}
