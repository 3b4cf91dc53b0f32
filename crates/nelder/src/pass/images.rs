//! Products of the standardized columns with a few vectors: XᵀW(XV) in one read of the rows, and XV row by row.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};

use super::Accumulator;
use super::standard::{Standard, roots};
use crate::design::Block;

/// Rows multiplied at a time.
const RUN: usize = 1024;
/// From one packed column to the next: columns a power of two apart would share their places in the cache.
const STRIDE: usize = RUN + 8;

/// XᵀW(XV) for standardized columns X and a matrix V of vectors.
#[derive(Clone, Debug)]
pub struct Images<'v> {
    standard: &'v Standard,
    vectors: MatRef<'v, f64>,
    /// What has been accumulated: columns x vectors.
    pub sum: Mat<f64>,
    pack: Mat<f64>,
    scores: Mat<f64>,
}

impl<'v> Images<'v> {
    /// No rows seen.
    pub fn new(standard: &'v Standard, vectors: MatRef<'v, f64>) -> Self {
        let (p, k) = (vectors.nrows(), vectors.ncols());
        Images {
            standard,
            vectors,
            sum: Mat::zeros(p, k),
            pack: Mat::zeros(STRIDE, p),
            scores: Mat::zeros(RUN, k),
        }
    }
}

impl Accumulator for Images<'_> {
    fn update(&mut self, block: &Block<'_>) {
        let roots = roots(block);
        let mut from = 0;
        while from < block.rows {
            let m = RUN.min(block.rows - from);
            self.standard
                .write(block, (from, m), roots.as_deref(), &mut self.pack, 0);
            let pack = self.pack.as_ref().subrows(0, m);
            let scores = self.scores.as_mut().subrows_mut(0, m);
            matmul(scores, Accum::Replace, pack, self.vectors, 1.0, Par::Seq);
            let scores = self.scores.as_ref().subrows(0, m);
            matmul(
                self.sum.as_mut(),
                Accum::Add,
                pack.transpose(),
                scores,
                1.0,
                Par::Seq,
            );
            from += m;
        }
    }

    fn merge(&mut self, other: Self) {
        self.sum += &other.sum;
    }
}

/// XV for the rows of a block, of standardized columns X without their weights: a vector's numbers after those of the one
/// before.
pub fn scores_of(standard: &Standard, vectors: MatRef<'_, f64>, block: &Block<'_>) -> Vec<f64> {
    let (n, p, k) = (block.rows, vectors.nrows(), vectors.ncols());
    let mut out = vec![0.0; n * k];
    let mut pack = Mat::<f64>::zeros(STRIDE, p);
    let mut from = 0;
    while from < n {
        let m = RUN.min(n - from);
        standard.write(block, (from, m), None, &mut pack, 0);
        matmul(
            MatMut::from_column_major_slice_mut(&mut out, n, k).subrows_mut(from, m),
            Accum::Replace,
            pack.as_ref().subrows(0, m),
            vectors,
            1.0,
            Par::Seq,
        );
        from += m;
    }
    out
}
