//! The gram of weighted columns about fixed centres, formed in single or double precision.
//!
//! A step of an iteration needs its gram as a preconditioner only: what decides where the iteration ends is the score.
//! The columns of a block are centred about the means of its first rows, which keeps single precision good for all but
//! the worst of blocks, multiplied run by run into one product, and moved to the origin once a block.

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, MatRef, Par};
use nelder_device::kernels;
use nelder_device::vectorized;

/// A number that products are formed in.
pub(in crate::pass) trait Single: faer::traits::ComplexField + Copy + Send + 'static {
    const ONE: Self;
    /// True if columns are scaled, because their squares may leave the range.
    const SCALED: bool;
    fn of(value: f64) -> Self;
    fn double(self) -> f64;
}

impl Single for f32 {
    const ONE: f32 = 1.0;
    const SCALED: bool = true;
    #[inline(always)]
    fn of(value: f64) -> f32 {
        value as f32
    }
    #[inline(always)]
    fn double(self) -> f64 {
        f64::from(self)
    }
}

impl Single for f64 {
    const ONE: f64 = 1.0;
    const SCALED: bool = false;
    #[inline(always)]
    fn of(value: f64) -> f64 {
        value
    }
    #[inline(always)]
    fn double(self) -> f64 {
        self
    }
}

/// Σ w (x − c)(x − c)ᵀ over the rows of a block, with a last column of ones for Σ w (x − c).
#[derive(Clone, Debug)]
pub(super) struct Product<T> {
    /// The centres; empty before the first rows of a block.
    pub centers: Vec<f64>,
    /// Powers of two that the columns and the ones are multiplied with; zero before there is anything but zeros.
    scales: Vec<f64>,
    pack: Vec<T>,
    product: Mat<T>,
    /// Of the last few columns Σ w (x − c) and Σ w (x − c)², in double precision.
    precise: Vec<[f64; 2]>,
}

/// The largest of |r (x − c)|.
fn largest(x: &[f64], c: f64, roots: &[f64]) -> f64 {
    let mut most = [0.0f64; 8];
    vectorized(
        #[inline(always)]
        || {
            let (xs, rs) = (x.chunks_exact(8), roots.chunks_exact(8));
            let rest = xs.remainder().iter().zip(rs.remainder());
            most[0] = rest.fold(0.0, |m, (x, r)| f64::max(m, (r * (x - c)).abs()));
            for (x, r) in xs.zip(rs) {
                for k in 0..8 {
                    most[k] = most[k].max((r[k] * (x[k] - c)).abs());
                }
            }
        },
    );
    most.iter().fold(0.0, |a, b| f64::max(a, *b))
}

impl<T: Single> Product<T> {
    pub fn new() -> Self {
        Product {
            centers: Vec::new(),
            scales: Vec::new(),
            pack: Vec::new(),
            product: Mat::new(),
            precise: Vec::new(),
        }
    }

    /// Adds rows with the roots of their weights. What the last `precise` columns have alone is summed in double precision.
    pub fn add(&mut self, columns: &[&[f64]], roots: &[f64], precise: usize) {
        let (p, m) = (columns.len(), roots.len());
        if self.centers.is_empty() {
            self.centers = columns
                .iter()
                .map(|x| kernels::rough_sum(x, None) / m as f64)
                .collect();
            self.product = Mat::zeros(p + 1, p + 1);
            self.precise = vec![[0.0; 2]; precise];
            self.scales = vec![if T::SCALED { 0.0 } else { 1.0 }; p + 1];
        }
        for (j, scale) in self.scales.iter_mut().enumerate().filter(|(_, s)| **s == 0.0) {
            let largest = match columns.get(j) {
                Some(x) => largest(x, self.centers[j], roots),
                None => roots.iter().fold(0.0, |most: f64, r| most.max(*r)),
            };
            if largest > 0.0 && largest.is_finite() {
                // a quarter of the range of exponents is left for larger rows to come
                *scale = 2f64.powi(-(largest.log2().floor() as i32).clamp(-1000, 1000));
            }
        }
        let own = columns.iter().zip(&self.centers).skip(p - precise);
        for (sums, (x, &c)) in self.precise.iter_mut().zip(own) {
            for (&x, &r) in x.iter().zip(roots) {
                let v = r * (x - c);
                sums[0] += r * v;
                sums[1] += v * v;
            }
        }
        self.pack.resize((p + 1) * m, T::of(0.0));
        let (pack, centers, scales) = (&mut self.pack, &self.centers, &self.scales);
        vectorized(
            #[inline(always)]
            || {
                let own = columns.iter().zip(centers).zip(scales);
                for (out, ((x, &c), &s)) in pack.chunks_exact_mut(m).zip(own) {
                    for ((out, &x), &r) in out.iter_mut().zip(&x[..m]).zip(&roots[..m]) {
                        let v = r * (x - c);
                        *out = T::of(if T::SCALED { v * s } else { v });
                    }
                }
                for (out, &r) in pack[p * m..].iter_mut().zip(roots) {
                    *out = T::of(r * scales[p]);
                }
            },
        );
        let z = MatRef::from_column_major_slice_with_stride(&self.pack[..], m, p + 1, m);
        matmul(
            self.product.as_mut(),
            BlockStructure::TriangularUpper,
            Accum::Add,
            z.transpose(),
            BlockStructure::Rectangular,
            z,
            BlockStructure::Rectangular,
            T::ONE,
            Par::Seq,
        );
    }

    /// Entries (i, j) for j ≤ i of the product, and Σ w (x − c) for those j.
    pub fn row(&self, i: usize, products: &mut [f64], rests: &mut [f64]) {
        let p = self.centers.len();
        let (own, ones) = (self.product.col_as_slice(i), self.product.col_as_slice(p));
        // what is scaled by nothing is zero
        let by = |j: usize| {
            if self.scales[j] > 0.0 {
                1.0 / self.scales[j]
            } else {
                0.0
            }
        };
        for j in 0..=i {
            products[j] = own[j].double() * by(i) * by(j);
            rests[j] = ones[j].double() * by(p) * by(j);
        }
        let first = p - self.precise.len();
        for (j, sums) in (first..=i).zip(&self.precise) {
            rests[j] = sums[0];
            if j == i {
                products[i] = sums[1];
            }
        }
    }

    /// Ready for the next block.
    pub fn clear(&mut self) {
        self.centers.clear();
    }
}
