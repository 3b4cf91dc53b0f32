//! Sums by code, and by pair of codes: the blocks of a gram that belong to factors.

use std::collections::HashMap;

use nelder_device::Dd;
use nelder_device::kernels::{self, Pair};
use serde::{Deserialize, Serialize};

use crate::design::{Block, CodeMaps, Numbers};
use crate::pass::StateError;

/// Sums by code.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CodeSums {
    /// Sums kept for each code.
    pub width: usize,
    /// `width` sums for each code.
    pub cells: Vec<Dd>,
}

impl CodeSums {
    pub(crate) fn reserve(&mut self, code: usize) {
        let need = (code + 1) * self.width;
        if need > self.cells.len() {
            self.cells.resize(need, Dd::ZERO);
        }
    }

    /// Number of codes seen.
    pub fn codes(&self) -> usize {
        self.cells.len().checked_div(self.width).unwrap_or(0)
    }

    /// The sums of a code; empty when it was not seen.
    pub fn row(&self, code: usize) -> &[Dd] {
        self.cells
            .get(code * self.width..(code + 1) * self.width)
            .unwrap_or(&[])
    }

    /// Gives the sums of a group's codes the codes of this process.
    ///
    /// # Errors
    /// [`StateError::Code`] for a code with sums that no row showed.
    pub(in crate::pass) fn recode(&mut self, group: usize, maps: &CodeMaps) -> Result<(), StateError> {
        if self.width == 0 {
            return Ok(());
        }
        for (code, row) in std::mem::take(&mut self.cells).chunks(self.width).enumerate() {
            let Some(to) = maps.group(group, code as u32) else {
                match row.iter().all(|v| v.hi == 0.0 && v.lo == 0.0) {
                    true => continue,
                    false => return Err(StateError::Code(code as u32)),
                }
            };
            self.reserve(to as usize);
            let from = to as usize * self.width;
            self.cells[from..from + self.width].copy_from_slice(row);
        }
        Ok(())
    }

    pub(in crate::pass) fn merge(&mut self, other: &CodeSums) {
        if other.cells.len() > self.cells.len() {
            self.cells.resize(other.cells.len(), Dd::ZERO);
        }
        for (a, b) in self.cells.iter_mut().zip(&other.cells) {
            *a = Dd::two_sum(a.hi, a.lo) + Dd::two_sum(b.hi, b.lo);
        }
    }
}

/// Sums by pair of codes of two groups.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PairSums {
    /// The two groups, first before second.
    pub groups: (usize, usize),
    /// Position of a pair's sums in `table`.
    pub index: HashMap<(u32, u32), u32>,
    /// For each pair, multipliers of the first group times those of the second, second fastest.
    pub table: CodeSums,
}

impl PairSums {
    /// Gives the pairs the codes of this process.
    ///
    /// # Errors
    /// [`StateError::Code`] for a code that no row showed.
    pub(in crate::pass) fn recode(&mut self, maps: &CodeMaps) -> Result<(), StateError> {
        let code = |group, code| maps.group(group, code).ok_or(StateError::Code(code));
        let index = std::mem::take(&mut self.index).into_iter();
        let recoded = index.map(|((a, b), at)| Ok(((code(self.groups.0, a)?, code(self.groups.1, b)?), at)));
        self.index = recoded.collect::<Result<_, _>>()?;
        Ok(())
    }
}

/// Leading and trailing parts.
pub(in crate::pass) fn pair<'a>(numbers: &'a Numbers<'_>) -> Pair<'a> {
    Pair {
        high: &numbers.high,
        low: numbers.low.as_deref(),
    }
}

/// w m as a pair; `None` when both are one.
pub(super) fn product_of<'a>(
    block: &'a Block<'_>,
    multiplier: Option<usize>,
    high: &'a mut Vec<f64>,
    low: &'a mut Vec<f64>,
) -> Option<Pair<'a>> {
    match (&block.weights, multiplier) {
        (None, None) => None,
        (None, Some(e)) => Some(pair(&block.dense[e])),
        (Some(w), None) => Some(Pair::of(w)),
        (Some(w), Some(e)) => {
            high.resize(block.rows, 0.0);
            low.resize(block.rows, 0.0);
            kernels::scale(w, pair(&block.dense[e]), high, low);
            Some(Pair { high, low: Some(low) })
        }
    }
}

/// Adds `a b` of each row to the cell `at` of its code.
#[allow(clippy::too_many_arguments)]
pub(super) fn scatter(
    table: &mut CodeSums,
    codes: &[u32],
    at: usize,
    width: usize,
    n: usize,
    a: Option<Pair<'_>>,
    b: Option<Pair<'_>>,
) {
    let cells = &mut table.cells;
    let single = |x: Pair<'_>, cells: &mut [Dd]| {
        for i in 0..n {
            let cell = &mut cells[codes[i] as usize * width + at];
            kernels::accumulate(cell, x.high[i], x.low.map_or(0.0, |l| l[i]));
        }
    };
    match (a, b) {
        (None, None) => {
            for &code in codes {
                // counts are exact below 2^53
                cells[code as usize * width + at].hi += 1.0;
            }
        }
        (Some(x), None) | (None, Some(x)) => single(x, cells),
        // rounded products would be relative to whole columns, not to what is left of them about their means
        (Some(x), Some(y)) => {
            for i in 0..n {
                let product = Dd::two_prod(x.high[i], y.high[i]);
                let cell = &mut cells[codes[i] as usize * width + at];
                let (xl, yl) = (x.low.map_or(0.0, |l| l[i]), y.low.map_or(0.0, |l| l[i]));
                kernels::accumulate(cell, product.hi, product.lo + (x.high[i] * yl + xl * y.high[i]));
            }
        }
    }
}
