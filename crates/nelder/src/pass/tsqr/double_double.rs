//! QR of the model matrix and the responses, in twice the precision, one run of rows after another.

use nelder_device::{Dd, Rows2};

use super::Triangle;
use crate::design::{Block, ColumnEncoding, ColumnKind, RowError};
use crate::pass::{Sum, Worker};

/// The model matrix's rows of a block, written out: column by column, then the responses; each row times √w.
pub fn expand(
    map: &ColumnEncoding,
    multipliers: &[Vec<Option<usize>>],
    block: &Block<'_>,
    from: usize,
    to: usize,
) -> Rows2 {
    let (p, m, n) = (map.columns(), block.responses.len(), to - from);
    let mut out = Rows2::zeros(p + m, n);
    let value = |x: &crate::design::Numbers<'_>, i: usize| Dd {
        hi: x.high[i],
        lo: x.low.as_ref().map_or(0.0, |l| l[i]),
    };
    for (c, kind) in map.kinds.iter().enumerate() {
        for i in 0..n {
            match kind {
                ColumnKind::Intercept => out.set(c, i, Dd::ONE),
                ColumnKind::Dense(e) => out.set(c, i, value(&block.dense[*e], from + i)),
                ColumnKind::Coded { .. } => {}
            }
        }
    }
    for (g, list) in multipliers.iter().enumerate() {
        for (a, multiplier) in list.iter().enumerate() {
            for i in 0..n {
                let x = multiplier.map_or(Dd::ONE, |e| value(&block.dense[e], from + i));
                for &(c, v) in map.row(g, a, block.codes[g][from + i] as usize) {
                    out.set(c as usize, i, x.mul_f64(v));
                }
            }
        }
    }
    for (y, response) in block.responses.iter().enumerate() {
        for i in 0..n {
            out.set(p + y, i, value(response, from + i));
        }
    }
    if let Some(w) = &block.weights {
        for i in 0..n {
            let root = Dd::new(w[from + i]).sqrt();
            for c in 0..p + m {
                let v = out.get(c, i) * root;
                out.set(c, i, v);
            }
        }
    }
    out
}

/// The triangle of a QR decomposition of the rows.
#[derive(Clone, Debug)]
pub struct Tsqr<'m> {
    map: &'m ColumnEncoding,
    multipliers: Vec<Vec<Option<usize>>>,
    /// Triangle R of the rows so far.
    pub triangle: Triangle,
}

impl<'m> Tsqr<'m> {
    /// No rows seen.
    pub fn new(map: &'m ColumnEncoding, atoms: &crate::design::BlockSchema) -> Self {
        Tsqr {
            map,
            multipliers: atoms.groups.iter().map(|g| g.multipliers.clone()).collect(),
            triangle: Triangle::new(map.columns() + atoms.responses),
        }
    }
}

impl Worker for Tsqr<'_> {
    type Sum = Self;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        let run = (4 * self.triangle.columns).clamp(64, 1024);
        let mut from = 0;
        while from < block.rows {
            let to = (from + run).min(block.rows);
            self.triangle
                .update(&expand(self.map, &self.multipliers, block, from, to));
            from = to;
        }
        Ok(())
    }

    fn finish(self) -> Self {
        self
    }
}

impl Sum for Tsqr<'_> {
    fn merge(&mut self, other: Self) {
        self.triangle.merge(&other.triangle);
    }
}
