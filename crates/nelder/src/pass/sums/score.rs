//! Xᵀ s for one number s a row, by atom, in twice the precision.

use nelder_device::Dd;
use nelder_device::kernels::{self, Pair};
use serde::{Deserialize, Serialize};

use super::CodeSums;
use crate::design::{Block, BlockSchema, CodeMaps};
use crate::pass::StateError;

/// Σ x s over the rows, for all columns that a row has.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ScoreSums {
    /// Σ s.
    pub ones: Dd,
    /// Σ x s over the dense columns x.
    pub dense: Vec<Dd>,
    /// For each group and code, Σ m s for each multiplier m.
    pub groups: Vec<CodeSums>,
}

impl ScoreSums {
    /// Nothing seen.
    pub fn new(atoms: &BlockSchema) -> Self {
        let table = |g: &crate::design::Group| CodeSums {
            width: g.multipliers.len(),
            cells: Vec::new(),
        };
        ScoreSums {
            ones: Dd::ZERO,
            dense: vec![Dd::ZERO; atoms.dense],
            groups: atoms.groups.iter().map(table).collect(),
        }
    }

    /// Gives the tables the codes of this process.
    ///
    /// # Errors
    /// [`StateError::Code`] for a code that no row showed.
    pub(crate) fn recode(&mut self, maps: &CodeMaps) -> Result<(), StateError> {
        let mut tables = self.groups.iter_mut().enumerate();
        tables.try_for_each(|(g, table)| table.recode(g, maps))
    }

    /// Adds the rows of a block, each with its s; `rough` forms the products with dense columns in double precision.
    pub fn add(&mut self, atoms: &BlockSchema, block: &Block<'_>, s: Pair<'_>, rough: bool) {
        self.ones += kernels::sum(s);
        if rough {
            for (x, cell) in block.dense[..atoms.dense].iter().zip(&mut self.dense) {
                *cell = cell.add_f64(kernels::rough_sum(&x.high, Some(s.high)));
            }
        }
        let dense = if rough { 0 } else { atoms.dense };
        for (x, cell) in block.dense[..dense].iter().zip(&mut self.dense) {
            let x = Pair {
                high: &x.high,
                low: x.low.as_deref(),
            };
            *cell += kernels::dot(x, s);
        }
        for (g, table) in self.groups.iter_mut().enumerate() {
            let codes = &block.codes[g];
            let largest = codes.iter().max().map_or(0, |&c| c as usize + 1);
            if largest * table.width > table.cells.len() {
                table.cells.resize(largest * table.width, Dd::ZERO);
            }
            for (a, multiplier) in atoms.groups[g].multipliers.iter().enumerate() {
                for i in 0..block.rows {
                    let low = s.low.map_or(0.0, |l| l[i]);
                    let (v, e) = match multiplier {
                        None => (s.high[i], low),
                        Some(m) => {
                            let x = block.dense[*m].high[i];
                            let p = Dd::two_prod(x, s.high[i]);
                            let xl = block.dense[*m].low.as_ref().map_or(0.0, |l| l[i]);
                            (p.hi, p.lo + x * low + xl * s.high[i])
                        }
                    };
                    kernels::accumulate(&mut table.cells[codes[i] as usize * table.width + a], v, e);
                }
            }
        }
    }

    /// Takes in what another one has accumulated.
    pub fn merge(&mut self, other: &ScoreSums) {
        self.ones += other.ones;
        for (a, b) in self.dense.iter_mut().zip(&other.dense) {
            *a += *b;
        }
        for (a, b) in self.groups.iter_mut().zip(&other.groups) {
            if b.cells.len() > a.cells.len() {
                a.cells.resize(b.cells.len(), Dd::ZERO);
            }
            for (x, y) in a.cells.iter_mut().zip(&b.cells) {
                *x = Dd::two_sum(x.hi, x.lo) + Dd::two_sum(y.hi, y.lo);
            }
        }
    }
}
