//! Householder QR in twice the precision, one block of rows after another.
//!
//! A triangle R with RᵀR = XᵀX is updated by rows: QR of [R; block] (Golub & Van Loan, 4th ed., 5.2; as a
//! reduction over blocks, Demmel, Grigori, Hoemmen & Langou 2012, TSQR). Columns are held as rows of the
//! storage, so that a reflection runs along memory.

use nelder_device::{Dd, Rows2, kernels};

/// The triangle of a QR decomposition of all rows seen, columns X then responses.
#[derive(Clone, Debug)]
pub struct Triangle {
    /// Number of columns, responses among them.
    pub columns: usize,
    /// Row j holds column j of R (its first j + 1 entries), in `columns` entries.
    r: Rows2,
}

impl Triangle {
    /// No rows seen.
    pub fn new(columns: usize) -> Self {
        Triangle {
            columns,
            r: Rows2::zeros(columns, columns),
        }
    }

    /// Entry (i, j) of R, i ≤ j.
    pub fn get(&self, i: usize, j: usize) -> Dd {
        self.r.get(j, i)
    }

    /// R with its columns as rows.
    pub fn rows(&self) -> &Rows2 {
        &self.r
    }

    /// Takes in rows: `rows.get(j, i)` is row i of column j.
    pub fn update(&mut self, rows: &Rows2) {
        let (p, m) = (self.columns, rows.columns);
        // column j of [R; block] is p entries of R and m of the block
        let mut work = Rows2::zeros(p, p + m);
        for j in 0..p {
            for i in 0..=j {
                work.set(j, i, self.r.get(j, i));
            }
            let block = rows.part(j, 0, m);
            let (high, low) = work.part_mut(j, p, p + m);
            high.copy_from_slice(block.high);
            if let Some(l) = block.low {
                low.copy_from_slice(l);
            }
        }
        triangularize(&mut work, p, m);
        for j in 0..p {
            for i in 0..=j {
                self.r.set(j, i, work.get(j, i));
            }
        }
    }

    /// Takes in what another triangle has seen.
    pub fn merge(&mut self, other: &Triangle) {
        self.update(&other.r);
    }
}

/// Householder on [R; block]: step j reflects entry j and the block's entries of column j.
fn triangularize(work: &mut Rows2, p: usize, m: usize) {
    let (from, to) = (p, p + m);
    for j in 0..p {
        // 1. the reflection that sends column j to its norm
        let head = work.get(j, j);
        let tail = kernels::dot(work.part(j, from, to), work.part(j, from, to));
        if tail.hi == 0.0 {
            continue;
        }
        let norm = (head * head + tail).sqrt();
        let alpha = if head.hi > 0.0 { -norm } else { norm };
        let v0 = head - alpha;
        // vᵀv / 2 = norm (norm + |head|)
        let half = norm * (norm + head.abs());
        work.set(j, j, alpha);
        // 2. applied to the columns after it
        for k in j + 1..p {
            let s = kernels::dot(work.part(j, from, to), work.part(k, from, to)) + v0 * work.get(k, j);
            let t = s / half;
            let top = work.get(k, j) - v0 * t;
            work.set(k, j, top);
            let (read, (high, low)) = work.two_rows(j, k, from, to);
            kernels::subtract(read, t, high, low);
            kernels::normalize(high, low);
        }
    }
}
