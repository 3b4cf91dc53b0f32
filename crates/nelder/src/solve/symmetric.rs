//! A symmetric matrix in twice the precision, and the scales its columns had.

use nelder_device::{Dd, large_pages};

/// Relative error of sums in twice the precision: 2^-104 is the last bit, and 2^8 of them leave room for the sum.
pub const UNIT_TWICE: f64 = 1.0 / (1u128 << 96) as f64;

/// A k x k symmetric positive semidefinite matrix with what is known of its columns.
#[derive(Clone, Debug)]
pub struct Symmetric {
    /// Order.
    pub order: usize,
    /// Lower triangle by rows.
    pub lower: Vec<Dd>,
    /// Squared norms of the columns as the user gave them, before centring or elimination: R's measure of
    /// when a column is aliased.
    pub norms: Vec<f64>,
    /// Squared norms of the columns about their means, where the matrix is centred.
    pub sizes: Vec<f64>,
    /// Norms of the columns that stand for decimal numbers, as the user gave them; zero for whole numbers.
    pub roundings: Vec<f64>,
}

impl Symmetric {
    /// A matrix of zeros.
    pub fn zeros(order: usize) -> Self {
        let count = order * (order + 1) / 2;
        let mut lower = Vec::with_capacity(count);
        large_pages(lower.spare_capacity_mut());
        lower.resize(count, Dd::ZERO);
        Symmetric {
            order,
            lower,
            norms: vec![0.0; order],
            sizes: vec![0.0; order],
            roundings: vec![0.0; order],
        }
    }

    /// The rows of the lower triangle.
    pub fn rows(&mut self) -> Vec<&mut [Dd]> {
        let mut rest = self.lower.as_mut_slice();
        let mut rows = Vec::with_capacity(self.order);
        for i in 0..self.order {
            let (row, after) = rest.split_at_mut(i + 1);
            rows.push(row);
            rest = after;
        }
        rows
    }

    /// Position of (i, j) in `lower`.
    #[inline]
    pub fn at(i: usize, j: usize) -> usize {
        if i >= j {
            i * (i + 1) / 2 + j
        } else {
            j * (j + 1) / 2 + i
        }
    }

    /// Entry (i, j).
    #[inline]
    pub fn get(&self, i: usize, j: usize) -> Dd {
        self.lower[Self::at(i, j)]
    }

    /// Adds to entry (i, j) and its mirror image.
    #[inline]
    pub fn add(&mut self, i: usize, j: usize, v: Dd) {
        let cell = &mut self.lower[Self::at(i, j)];
        *cell += v;
    }

    /// Returns the norms t that rounding errors are relative to, for entries whose products are known to `unit`: entry
    /// (i, j) is known to `unit` tᵢ tⱼ. Products are of columns about the means of a run of rows; moving the runs to
    /// the origin and taking the means out again rounds in twice the precision, relative to the whole
    /// columns: with c and s the two norms, |error| ≤ unit cᵢcⱼ + UNIT_TWICE sᵢsⱼ ≤ unit √(cᵢ² + ρsᵢ²) √(cⱼ² + ρsⱼ²)
    /// for ρ = UNIT_TWICE / unit (Cauchy).
    pub fn reach(&self, unit: f64) -> Vec<f64> {
        let whole = UNIT_TWICE / unit;
        let of = |i: usize| (self.sizes[i] + whole * self.norms[i]).max(0.0).sqrt();
        (0..self.order).map(of).collect()
    }

    /// √ of the diagonal; 1 where a column is zero.
    pub fn scales(&self) -> Vec<f64> {
        (0..self.order)
            .map(|i| {
                let d = self.get(i, i).hi;
                if d > 0.0 { d.sqrt() } else { 1.0 }
            })
            .collect()
    }
}
