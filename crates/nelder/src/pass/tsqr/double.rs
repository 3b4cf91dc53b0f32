//! Householder QR of the standardized columns in double precision, one run of rows after another.
//!
//! As [`Triangle`](super::Triangle) (Demmel, Grigori, Hoemmen & Langou 2012), but with the rows of a run in one blocked
//! decomposition, which runs at the speed of matrix products. What is decomposed differs from the columns by a few units in the
//! last place of each column's norm.

use std::sync::Arc;

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::qr::no_pivoting::factor::{qr_in_place, qr_in_place_scratch, recommended_block_size};
use faer::{Mat, Par, Spec};

use crate::design::{Block, RowError};
use crate::pass::state::{decoded, encoded};
use crate::pass::sums::standard::Standard;
use crate::pass::{StateError, Sum, Worker};

/// The triangle R of the standardized columns X, each row times √w: RᵀR = XᵀX.
#[derive(Clone, Debug)]
pub struct TsqrF64 {
    standard: Arc<Standard>,
    /// R in the first rows, then rows that wait.
    work: Mat<f64>,
    /// Rows of R: none before the first decomposition.
    height: usize,
    /// Rows that wait.
    waiting: usize,
    /// Decompositions so far.
    pub runs: u64,
}

impl TsqrF64 {
    /// No rows seen.
    pub fn new(standard: &Arc<Standard>) -> Self {
        let p = standard.columns();
        TsqrF64 {
            standard: standard.clone(),
            work: Mat::zeros(p + (2 * p).max(1024), p),
            height: 0,
            waiting: 0,
            runs: 0,
        }
    }

    /// R: its rows are fewer than its columns where the rows were.
    pub fn triangle(mut self) -> Mat<f64> {
        self.reduce();
        let p = self.standard.columns();
        Mat::from_fn(self.height, p, |i, j| self.work[(i, j)])
    }

    fn room(&self) -> usize {
        self.work.nrows() - self.standard.columns() - self.waiting
    }

    /// The decomposition of R and the rows that wait.
    fn reduce(&mut self) {
        let p = self.standard.columns();
        if self.waiting == 0 || p == 0 {
            return;
        }
        // the rows that wait follow those of R
        let (first, rows) = match self.height {
            0 => (p, self.waiting),
            _ => (0, p + self.waiting),
        };
        let block = recommended_block_size::<f64>(rows, p);
        let mut factor = Mat::<f64>::zeros(block, rows.min(p));
        let need = qr_in_place_scratch::<f64>(rows, p, block, Par::Seq, Spec::default());
        let room = &mut MemBuffer::new(need);
        qr_in_place(
            self.work.as_mut().subrows_mut(first, rows),
            factor.as_mut(),
            Par::Seq,
            MemStack::new(room),
            Spec::default(),
        );
        self.height = match self.height {
            0 => rows.min(p),
            _ => p,
        };
        for j in 0..p {
            for i in 0..p {
                let v = if i <= j && i < self.height {
                    self.work[(first + i, j)]
                } else {
                    0.0
                };
                self.work[(i, j)] = v;
            }
        }
        self.waiting = 0;
        self.runs += 1;
    }
}

impl Worker for TsqrF64 {
    type Sum = Self;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        let roots = block.roots();
        let p = self.standard.columns();
        let mut from = 0;
        while from < block.rows {
            let m = self.room().min(block.rows - from);
            let at = p + self.waiting;
            self.standard
                .write(block, (from, m), roots.as_deref(), &mut self.work, at);
            self.waiting += m;
            from += m;
            if self.room() == 0 {
                self.reduce();
            }
        }
        Ok(())
    }

    fn finish(self) -> Self {
        self
    }
}

impl Sum for TsqrF64 {
    fn merge(&mut self, mut other: Self) {
        other.reduce();
        let p = self.standard.columns();
        if self.room() < other.height {
            self.reduce();
        }
        for j in 0..p {
            for i in 0..other.height {
                self.work[(p + self.waiting + i, j)] = other.work[(i, j)];
            }
        }
        self.waiting += other.height;
        self.runs += other.runs;
    }

    fn state(&self) -> Result<Vec<u8>, StateError> {
        encoded(&(&*self.standard, self.runs, self.clone().triangle().state()?))
    }

    fn restored(bytes: &[u8]) -> Result<Self, StateError> {
        let (standard, runs, triangle): (Standard, u64, Vec<u8>) = decoded(bytes)?;
        let (triangle, p) = (Mat::<f64>::restored(&triangle)?, standard.columns());
        if triangle.ncols() != p || triangle.nrows() > p {
            return Err(StateError::Damaged("a triangle is of another order".into()));
        }
        let mut own = TsqrF64::new(&Arc::new(standard));
        own.runs = runs;
        own.height = triangle.nrows();
        for j in 0..p {
            own.work.col_as_slice_mut(j)[..own.height].copy_from_slice(triangle.col_as_slice(j));
        }
        Ok(own)
    }
}
