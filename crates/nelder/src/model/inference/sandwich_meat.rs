//! Sums of squared scores, row by row, in the coordinates of [`WhitenedDesign`].

use std::sync::Arc;

use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular};
use faer::{Accum, Mat, Par};
use nelder_device::Dd;

use super::Vcov;
use super::whitened_design::{RUN, ScoreTwice, WhitenedDesign};
use crate::design::{Block, RowError};
use crate::pass::{Sum, Worker};

/// By which power of 1 − h squared residuals are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Not at all.
    Zero,
    /// HC2.
    One,
    /// HC3.
    Two,
}

impl Power {
    /// The power that a kind of covariance has.
    pub fn of(kind: &Vcov) -> Power {
        match kind {
            Vcov::Hc2 => Power::One,
            Vcov::Hc3 => Power::Two,
            _ => Power::Zero,
        }
    }
}

/// Σ (w r)² / (1 − h)^q e eᵀ over the rows, whose responses are their residuals r.
#[derive(Clone, Debug)]
pub struct SandwichMeat {
    basis: Arc<WhitenedDesign>,
    power: Power,
    /// Rows.
    pub rows: u64,
    products: Mat<f64>,
    cross: Vec<f64>,
    levels: Vec<f64>,
    heavy: Vec<ScoreTwice>,
    /// First row of the source whose leverage is one, where residuals are divided by 1 − h.
    pub saturated: Option<u64>,
}

impl SandwichMeat {
    /// Nothing seen.
    pub fn new(basis: Arc<WhitenedDesign>, power: Power) -> Self {
        let (r, l) = (basis.order(), basis.levels());
        SandwichMeat {
            basis,
            power,
            rows: 0,
            products: Mat::zeros(r, r),
            cross: vec![0.0; l * r],
            levels: vec![0.0; l],
            heavy: Vec::new(),
            saturated: None,
        }
    }

    /// The rows that are not in [`squares`](SandwichMeat::squares), in their order.
    pub fn heavy(&self) -> Vec<ScoreTwice> {
        let mut out = self.heavy.clone();
        out.sort_by_key(|h| h.at);
        out
    }

    /// The sum over rows of the squares of scores, but for those of [`heavy`](SandwichMeat::heavy): coordinates that every row has first, then one for each level of the
    /// eliminated factor.
    pub fn squares(&self) -> Mat<f64> {
        let (r, l) = (self.basis.order(), self.basis.levels());
        Mat::from_fn(r + l, r + l, |i, j| match (i < r, j < r) {
            (true, true) => self.products[(i.max(j), i.min(j))],
            (true, false) => self.cross[(j - r) * r + i],
            (false, true) => self.cross[(i - r) * r + j],
            (false, false) if i == j => self.levels[i - r],
            _ => 0.0,
        })
    }
}

impl Worker for SandwichMeat {
    type Sum = Self;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        self.rows += block.rows as u64;
        let basis = self.basis.clone();
        let residuals = &block.responses[0].high;
        let mut from = 0;
        while from < block.rows {
            let to = (from + RUN).min(block.rows);
            let mut e = basis.coordinates(block, from, to);
            let weight = |i: usize| block.weights.as_ref().map_or(1.0, |w| w[from + i]);
            let mut factors = Vec::with_capacity(to - from);
            for i in 0..to - from {
                let w = weight(i);
                let level = basis.level(block, from + i);
                let factor = match self.power {
                    Power::Zero => w * residuals[from + i],
                    power => {
                        let own = level.map_or(0.0, |(_, x)| x * x);
                        let norm = own + (0..basis.order()).map(|a| e[(i, a)] * e[(i, a)]).sum::<f64>();
                        let found = basis.leverage(block, from + i, w, norm);
                        let left = found.left.hi;
                        if left <= 0.0 {
                            let row = block.source_row(from + i);
                            self.saturated = Some(self.saturated.map_or(row, |s| s.min(row)));
                        }
                        let divisor = if power == Power::One { left.sqrt() } else { left };
                        let factor = w * residuals[from + i] / divisor;
                        if let Some(e) = found.twice {
                            self.heavy.push(ScoreTwice {
                                at: block.source_row(from + i),
                                e,
                                levels: level.iter().map(|(l, _)| (*l, Dd::ONE)).collect(),
                                factor,
                            });
                            factors.push(0.0);
                            continue;
                        }
                        factor
                    }
                };
                if let Some((l, x)) = level {
                    let u = factor * factor;
                    self.levels[l] += u * x * x;
                    for (a, cell) in self.cross[l * basis.order()..(l + 1) * basis.order()]
                        .iter_mut()
                        .enumerate()
                    {
                        *cell += u * x * e[(i, a)];
                    }
                }
                factors.push(factor);
            }
            for a in 0..basis.order() {
                e.col_as_slice_mut(a)
                    .iter_mut()
                    .zip(&factors)
                    .for_each(|(x, f)| *x *= f);
            }
            triangular(
                self.products.as_mut(),
                BlockStructure::TriangularLower,
                Accum::Add,
                e.transpose(),
                BlockStructure::Rectangular,
                e.as_ref(),
                BlockStructure::Rectangular,
                1.0,
                Par::Seq,
            );
            from = to;
        }
        Ok(())
    }

    fn finish(self) -> Self {
        self
    }
}

impl Sum for SandwichMeat {
    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.heavy.extend(other.heavy);
        self.products += &other.products;
        self.cross.iter_mut().zip(&other.cross).for_each(|(a, b)| *a += b);
        self.levels
            .iter_mut()
            .zip(&other.levels)
            .for_each(|(a, b)| *a += b);
        self.saturated = match (self.saturated, other.saturated) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}
