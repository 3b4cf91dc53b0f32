//! Columns less their centres, over their scales; and the moments that these come from.

use faer::Mat;
use nelder_device::kernels::{self, Pair};
use nelder_device::{Dd, vectorized};
use serde::{Deserialize, Serialize};

use crate::design::{Block, BlockSchema, RowError};
use crate::pass::state::travels;
use crate::pass::{Sum, Worker};

/// Centre c and scale s of each dense column, in the units of the rows: columns become (x − c) / s.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standard {
    /// The centres: zero where nothing is taken.
    pub centers: Vec<Dd>,
    /// The scales: one where nothing is divided.
    pub scales: Vec<f64>,
}

impl Standard {
    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.scales.len()
    }

    /// (x − c) / s for the rows `from..from + m` of a block, times `roots` where there are any, into m rows of `out` from `at`
    /// on: each number is off by three roundings of itself at most.
    pub fn write(
        &self,
        block: &Block<'_>,
        (from, m): (usize, usize),
        roots: Option<&[f64]>,
        out: &mut Mat<f64>,
        at: usize,
    ) {
        for j in 0..self.columns() {
            let x = &block.dense[j].high[from..from + m];
            let low = block.dense[j].low.as_ref().map(|l| &l[from..from + m]);
            let (c, s) = (self.centers[j], self.scales[j]);
            let out = &mut out.col_as_slice_mut(j)[at..at + m];
            vectorized(
                #[inline(always)]
                || match low {
                    None => out.iter_mut().zip(x).for_each(|(o, x)| *o = (x - c.hi) - c.lo),
                    Some(low) => {
                        for ((o, x), l) in out.iter_mut().zip(x).zip(low) {
                            *o = (x - c.hi) + (l - c.lo);
                        }
                    }
                },
            );
            if let Some(roots) = roots {
                vectorized(
                    #[inline(always)]
                    || {
                        out.iter_mut()
                            .zip(&roots[from..from + m])
                            .for_each(|(o, r)| *o *= r)
                    },
                );
            }
            if s != 1.0 {
                vectorized(
                    #[inline(always)]
                    || out.iter_mut().for_each(|o| *o /= s),
                );
            }
        }
    }
}

/// The first and second moments of the dense columns, in twice the precision.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ColumnMoments {
    /// Rows.
    pub rows: u64,
    /// Σ w.
    pub weight: Dd,
    /// Σ w x by column.
    pub sums: Vec<Dd>,
    /// Σ w x² by column.
    pub seconds: Vec<Dd>,
    /// By column, whether a value is no whole number.
    pub rounded: Vec<bool>,
}

impl ColumnMoments {
    /// No rows seen.
    pub fn new(atoms: &BlockSchema) -> Self {
        ColumnMoments {
            rows: 0,
            weight: Dd::ZERO,
            sums: vec![Dd::ZERO; atoms.dense],
            seconds: vec![Dd::ZERO; atoms.dense],
            rounded: vec![false; atoms.dense],
        }
    }
}

impl Worker for ColumnMoments {
    type Sum = Self;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        let n = block.rows;
        self.rows += n as u64;
        match &block.weights {
            None => self.weight = self.weight.add_f64(n as f64),
            Some(w) => self.weight += kernels::sum(Pair::of(w)),
        }
        let (mut high, mut low) = (vec![0.0; n], vec![0.0; n]);
        for j in 0..self.sums.len() {
            let column = &block.dense[j];
            let x = Pair {
                high: &column.high,
                low: column.low.as_deref(),
            };
            let weighed = match &block.weights {
                None => x,
                Some(w) => {
                    kernels::scale(w, x, &mut high, &mut low);
                    Pair {
                        high: &high,
                        low: Some(&low),
                    }
                }
            };
            self.sums[j] += kernels::sum(weighed);
            self.seconds[j] += kernels::dot(x, weighed);
            self.rounded[j] =
                self.rounded[j] || column.high.iter().any(|x| x.trunc() != *x || x.abs() > 9e15);
        }
        Ok(())
    }

    fn finish(self) -> Self {
        self
    }
}

impl Sum for ColumnMoments {
    travels!();

    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.weight += other.weight;
        for (a, b) in self.sums.iter_mut().zip(other.sums) {
            *a += b;
        }
        for (a, b) in self.seconds.iter_mut().zip(other.seconds) {
            *a += b;
        }
        for (a, b) in self.rounded.iter_mut().zip(other.rounded) {
            *a |= b;
        }
    }
}
