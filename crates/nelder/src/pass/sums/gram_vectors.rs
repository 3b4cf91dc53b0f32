//! Products of the standardized columns with a few vectors: XᵀW(XV) in one read of the rows, and XV row by row.

use std::sync::{Mutex, MutexGuard, PoisonError};

use faer::linalg::matmul::matmul;
use faer::prelude::ReborrowMut;
use faer::{Accum, Mat, MatMut, MatRef, Par};

use super::standard::Standard;
use crate::design::{Block, RowError};
use crate::pass::state::{decoded, encoded};
use crate::pass::{StateError, Sum, Worker};

/// Rows multiplied at a time.
const RUN: usize = 1024;

/// XᵀW(XV) for standardized columns X and a matrix V of vectors.
#[derive(Clone, Debug)]
pub struct GramVectors<'v> {
    standard: &'v Standard,
    vectors: MatRef<'v, f64>,
    /// XᵀW(XV) over the rows so far: columns x vectors.
    sum: Mat<f64>,
    pack: Mat<f64>,
    scores: Mat<f64>,
}

impl<'v> GramVectors<'v> {
    /// No rows seen.
    pub fn new(standard: &'v Standard, vectors: MatRef<'v, f64>) -> Self {
        let (p, k) = (vectors.nrows(), vectors.ncols());
        GramVectors {
            standard,
            vectors,
            sum: Mat::zeros(p, k),
            pack: Mat::zeros(RUN, p),
            scores: Mat::zeros(RUN, k),
        }
    }
}

impl Worker for GramVectors<'_> {
    type Sum = Mat<f64>;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        let roots = block.roots();
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
        Ok(())
    }

    fn finish(self) -> Mat<f64> {
        self.sum
    }
}

/// Matrices add.
impl Sum for Mat<f64> {
    fn merge(&mut self, other: Self) {
        *self += &other;
    }

    fn state(&self) -> Result<Vec<u8>, StateError> {
        let columns: Vec<&[f64]> = (0..self.ncols()).map(|j| self.col_as_slice(j)).collect();
        encoded(&(self.nrows(), columns))
    }

    fn restored(bytes: &[u8]) -> Result<Self, StateError> {
        let (rows, columns): (usize, Vec<Vec<f64>>) = decoded(bytes)?;
        match columns.iter().all(|column| column.len() == rows) {
            true => Ok(Mat::from_fn(rows, columns.len(), |i, j| columns[j][i])),
            false => Err(StateError::Damaged("columns of a matrix differ in length".into())),
        }
    }
}

/// XV row by row, of standardized columns X without their weights.
#[derive(Debug)]
pub struct Projection<'v> {
    standard: &'v Standard,
    vectors: MatRef<'v, f64>,
    /// Memory that nobody uses: the system takes as long to clear pages as the products of a few columns do.
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    packs: Vec<Mat<f64>>,
    results: Vec<Vec<f64>>,
}

impl<'v> Projection<'v> {
    /// On these vectors, columns x vectors.
    pub fn new(standard: &'v Standard, vectors: MatRef<'v, f64>) -> Self {
        Projection {
            standard,
            vectors,
            idle: Mutex::default(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of a block: a vector's numbers after those of the one before.
    pub fn of(&self, block: &Block<'_>) -> Vec<f64> {
        let (n, k) = (block.rows, self.vectors.ncols());
        let mut out = self.idle().results.pop().unwrap_or_default();
        out.resize(n * k, 0.0);
        self.write(block, MatMut::from_column_major_slice_mut(&mut out, n, k));
        out
    }

    /// The same into a matrix of as many rows.
    pub fn write(&self, block: &Block<'_>, mut out: MatMut<'_, f64>) {
        let (n, p) = (block.rows, self.vectors.nrows());
        let pack = self.idle().packs.pop();
        let mut pack = pack.unwrap_or_else(|| Mat::zeros(RUN, p));
        let mut from = 0;
        while from < n {
            let m = RUN.min(n - from);
            self.standard.write(block, (from, m), None, &mut pack, 0);
            matmul(
                out.rb_mut().subrows_mut(from, m),
                Accum::Replace,
                pack.as_ref().subrows(0, m),
                self.vectors,
                1.0,
                Par::Seq,
            );
            from += m;
        }
        self.idle().packs.push(pack);
    }

    /// Takes back what [`of`](Self::of) gave.
    pub fn reuse(&self, values: Vec<f64>) {
        self.idle().results.push(values);
    }
}
