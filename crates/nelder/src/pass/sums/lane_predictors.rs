//! Linear predictors of rows under many sets of coefficients at once, a lane for each set.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use nelder_device::vectorized;

use super::Coefficients;
use crate::design::{Block, BlockSchema, RowError};

/// Sets of coefficients, by atom, lanes fastest.
#[derive(Clone, Debug)]
pub struct LaneCoefficients {
    lanes: usize,
    /// Of the one, then of the dense columns.
    dense: Vec<f64>,
    /// By group: cell of code and multiplier by lane.
    groups: Vec<Vec<f64>>,
    /// Codes of each group.
    codes: Vec<usize>,
}

impl LaneCoefficients {
    /// The sets, one a lane; the last is repeated up to `lanes`.
    pub fn new(sets: &[Coefficients], lanes: usize) -> Self {
        let of = |lane: usize| sets.get(lane).or(sets.last());
        let first = of(0);
        let width = first.map_or(0, |c| c.dense.len()) + 1;
        let groups = first.map_or(0, |c| c.groups.len());
        let mut dense = vec![0.0; width * lanes];
        let mut tables: Vec<Vec<f64>> = (0..groups)
            .map(|g| vec![0.0; first.map_or(0, |c| c.groups[g].cells.len()) * lanes])
            .collect();
        for lane in 0..lanes {
            let Some(own) = of(lane) else { continue };
            dense[lane] = own.intercept.hi;
            for (j, b) in own.dense.iter().enumerate() {
                dense[(1 + j) * lanes + lane] = b.hi;
            }
            for (table, own) in tables.iter_mut().zip(&own.groups) {
                for (cell, b) in own.cells.iter().enumerate() {
                    table[cell * lanes + lane] = b.hi;
                }
            }
        }
        LaneCoefficients {
            lanes,
            dense,
            groups: tables,
            codes: first.map_or_else(Vec::new, |c| c.groups.iter().map(|t| t.codes()).collect()),
        }
    }

    /// η of the rows `from..to` of a block with their offset, rows x lanes, lanes fastest. `room` is scratch.
    ///
    /// # Errors
    /// The first row with a level that no row had in the fit.
    pub fn predict(
        &self,
        atoms: &BlockSchema,
        block: &Block<'_>,
        (from, to): (usize, usize),
        room: &mut Vec<f64>,
        out: &mut Vec<f64>,
    ) -> Result<(), RowError> {
        let (n, lanes, d) = (to - from, self.lanes, atoms.dense);
        room.resize(n * (1 + d), 1.0);
        room[..n].fill(1.0);
        for (own, x) in room[n..].chunks_exact_mut(n).zip(&block.dense) {
            own.copy_from_slice(&x.high[from..to]);
        }
        out.resize(n * lanes, 0.0);
        matmul(
            MatMut::from_column_major_slice_mut(out, lanes, n),
            Accum::Replace,
            MatRef::from_column_major_slice(&self.dense, lanes, 1 + d),
            MatRef::from_column_major_slice(&room[..], n, 1 + d).transpose(),
            1.0,
            Par::Seq,
        );
        if let Some(offset) = &block.offset {
            let rows = out.chunks_exact_mut(lanes).zip(&offset[from..to]);
            rows.for_each(|(eta, o)| eta.iter_mut().for_each(|eta| *eta += o));
        }
        for (g, group) in atoms.groups.iter().enumerate() {
            super::lanes::known_codes(block, g, (from, to), self.codes[g])?;
            let (q, codes) = (group.multipliers.len(), &block.codes[g][from..to]);
            for (a, multiplier) in group.multipliers.iter().enumerate() {
                let by = multiplier.map(|e| &block.dense[e].high[from..to]);
                self.add_group(&self.groups[g], (q, a), codes, by, out);
            }
        }
        Ok(())
    }

    fn add_group(
        &self,
        table: &[f64],
        (width, at): (usize, usize),
        codes: &[u32],
        by: Option<&[f64]>,
        out: &mut [f64],
    ) {
        let lanes = self.lanes;
        vectorized(
            #[inline(always)]
            || {
                for (i, (&code, eta)) in codes.iter().zip(out.chunks_exact_mut(lanes)).enumerate() {
                    let x = by.map_or(1.0, |x| x[i]);
                    let own = &table[(code as usize * width + at) * lanes..][..lanes];
                    eta.iter_mut().zip(own).for_each(|(eta, b)| *eta += x * b);
                }
            },
        );
    }
}
