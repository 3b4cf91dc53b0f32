//! Cholesky in R's column order.
//!
//! The matrix is scaled to a unit diagonal first; that costs nothing and makes its condition the smallest that
//! scaling can give, up to a factor of its order (van der Sluis 1969). A column is aliased when what is left of
//! its norm after the columns before it is below `tol` times the norm it had: `dqrdc2`'s rule, which R's `lm`
//! uses. The pivots of the Cholesky factor are these norms.

use std::sync::OnceLock;

use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Mat, Par};
use nelder_device::kernels::{self, Pair};
use nelder_device::{Dd, LinearAlgebra, Rows2, vectorized};
use rayon::prelude::*;

use super::Symmetric;
use super::square::{PARALLEL, Square, by_cpu, by_device, for_each};

/// A factor L of the accepted columns, L Lᵀ = scaled matrix, and the inverse.
#[derive(Clone, Debug)]
pub struct Factor {
    /// Which columns are in; the others are aliased.
    pub accepted: Vec<usize>,
    /// √ of the diagonal, for all columns.
    pub scales: Vec<f64>,
    /// Squared pivots of the accepted columns, relative to the scaled diagonal of one.
    pub pivots: Vec<f64>,
    inverse: OnceLock<Square>,
    /// Bound on the relative error with which entries of the matrix and the factor are known.
    pub unit: f64,
    /// True if the factor came from a QR decomposition: then `unit` is of the columns, not of their products.
    pub orthogonal: bool,
    lower: Lower,
}

/// Norms that rounding errors are relative to, in units of the scaled columns, by accepted column.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Of the products of columns.
    products: Vec<f64>,
    /// Of whole columns.
    whole: Vec<f64>,
    /// Of the data.
    data: Vec<f64>,
}

/// A variance over σ², and what is known of its error.
#[derive(Clone, Copy, Debug)]
pub struct Variance {
    /// The value.
    pub value: f64,
    /// Bound on its absolute error.
    pub error: f64,
    /// Σᵢ |vᵀ A⁻¹|ᵢ tᵢ: how far relative errors of the matrix reach.
    pub spread: f64,
    /// The same with the norms of the whole columns for tᵢ: how far rounding in twice the precision reaches.
    pub whole_spread: f64,
    /// The same with the norms of the data's roundings for tᵢ.
    pub data_spread: f64,
}

impl Variance {
    /// A variance that is not computed.
    pub const UNKNOWN: Variance = Variance {
        value: f64::NAN,
        error: f64::NAN,
        spread: f64::NAN,
        whole_spread: f64::NAN,
        data_spread: f64::NAN,
    };

    /// Tests if the variance was computed.
    pub fn is_known(&self) -> bool {
        !self.value.is_nan()
    }
}

#[derive(Clone, Debug)]
enum Lower {
    Double(Square),
    Twice(Rows2),
}

/// Leading and trailing parts apart.
fn split(values: impl Iterator<Item = Dd>) -> (Vec<f64>, Vec<f64>) {
    values.map(|v| (v.hi, v.lo)).unzip()
}

/// Factor in double precision, by the device where that is quicker; `None` when a pivot is so small that double precision
/// cannot tell whether its column is aliased.
pub fn factor_double(
    matrix: &Symmetric,
    tol: f64,
    unit: f64,
    device: Option<&dyn LinearAlgebra>,
) -> Option<Factor> {
    let k = matrix.order;
    let scales = matrix.scales();
    let (l, inverse, growth) = match device.and_then(|d| by_device(matrix, &scales, d)) {
        Some(found) => found,
        None => by_cpu(matrix, &scales)?,
    };
    let pivots: Vec<f64> = (0..k).map(|i| l[(i, i)] * l[(i, i)]).collect();
    for i in 0..k {
        let aliased_below = tol * tol * matrix.norms[i];
        let pivot = pivots[i] * scales[i] * scales[i];
        // a pivot within a hundred rounding errors of the rule says nothing
        if !(pivots[i] > 1e4 * unit && pivot > 4.0 * aliased_below) {
            return None;
        }
    }
    let unit = unit + 2.0 * f64::EPSILON * (k as f64).sqrt() * growth;
    Some(Factor {
        accepted: (0..k).collect(),
        scales,
        pivots,
        inverse,
        unit,
        orthogonal: false,
        lower: Lower::Double(l),
    })
}

/// Factor in twice the precision, leaving out aliased columns as R does.
pub fn factor_twice(matrix: &Symmetric, tol: f64, unit: f64) -> Factor {
    let k = matrix.order;
    let scales = matrix.scales();
    let mut l = Rows2::zeros(k, k);
    let (mut accepted, mut pivots): (Vec<usize>, Vec<f64>) = (Vec::new(), Vec::new());
    for i in 0..k {
        let row = accepted.len();
        // 1. the row of L against the columns accepted before
        for (c, &j) in accepted.iter().enumerate() {
            let a = matrix.get(i, j).div_f64(scales[i]).div_f64(scales[j]);
            let v = (a - kernels::dot(l.part(row, 0, c), l.part(c, 0, c))) / l.get(c, c);
            l.set(row, c, v);
        }
        // 2. what is left of the column
        let a = matrix.get(i, i).div_f64(scales[i]).div_f64(scales[i]);
        let pivot = a - kernels::dot(l.part(row, 0, row), l.part(row, 0, row));
        let limit = tol * tol * matrix.norms[i] / (scales[i] * scales[i]);
        // 3. dqrdc2's rule; a column of zeros is aliased by any rule
        if pivot.hi > 0.0 && pivot.hi >= limit {
            l.set(row, row, pivot.sqrt());
            accepted.push(i);
            pivots.push(pivot.hi);
        }
    }
    from_triangle(l, accepted, pivots, scales, unit, false)
}

/// The factor whose lower triangle is known: by Cholesky, or as Rᵀ from a QR decomposition.
pub(super) fn from_triangle(
    l: Rows2,
    accepted: Vec<usize>,
    pivots: Vec<f64>,
    scales: Vec<f64>,
    unit: f64,
    orthogonal: bool,
) -> Factor {
    Factor {
        accepted,
        scales,
        pivots,
        inverse: OnceLock::new(),
        unit,
        orthogonal,
        lower: Lower::Twice(l),
    }
}

/// Rows of U = L⁻ᵀ, so that the inverse is U Uᵀ: column c of L⁻¹ by forward substitution.
fn inverse_transposed(l: &Rows2, r: usize) -> Rows2 {
    let mut u = Rows2::zeros(r, r.max(1));
    for c in 0..r {
        u.set(c, c, Dd::ONE / l.get(c, c));
        for i in c + 1..r {
            let s = kernels::dot(l.part(i, c, i), u.part(c, c, i));
            u.set(c, i, -(s / l.get(i, i)));
        }
    }
    u
}

impl Factor {
    /// The factor of the columns less their means, scaled, from that of a triangle whose first column is one of ones.
    pub fn centred(&self) -> Factor {
        let r = self.accepted.len().saturating_sub(1);
        let mut l = Rows2::zeros(r, r.max(1));
        let mut pivots = Vec::with_capacity(r);
        for i in 0..r {
            let entry = |c: usize| match &self.lower {
                Lower::Twice(l) => l.get(i + 1, c + 1),
                Lower::Double(l) => Dd::new(l[(i + 1, c + 1)]),
            };
            let norm = (0..=i).fold(Dd::ZERO, |s, c| s + entry(c).square()).sqrt();
            (0..=i).for_each(|c| l.set(i, c, entry(c) / norm));
            pivots.push(l.get(i, i).square().hi);
        }
        from_triangle(
            l,
            (0..r).collect(),
            pivots,
            vec![1.0; r],
            self.unit,
            self.orthogonal,
        )
    }

    /// Solves for the accepted columns: scaled-matrix inverse times `right` (one entry a column of the original
    /// matrix); zero where aliased.
    pub fn solve(&self, right: &[Dd]) -> Vec<Dd> {
        self.back_substitute(&self.effects(right))
    }

    /// Solves Lᵀ x = effects, effects over the accepted columns; zero where aliased. With L from a QR
    /// decomposition and effects = Qᵀ y these are the coefficients.
    pub fn back_substitute(&self, effects: &[Dd]) -> Vec<Dd> {
        let r = self.accepted.len();
        let (mut high, mut low) = split(effects.iter().copied());
        match &self.lower {
            Lower::Double(l) => {
                for i in (0..r).rev() {
                    let column = l.column(i);
                    let known = Pair {
                        high: &high[i + 1..],
                        low: Some(&low[i + 1..]),
                    };
                    let s = Dd::two_sum(high[i], low[i]) - kernels::dot(Pair::of(&column[i + 1..r]), known);
                    let v = s.div_f64(column[i]);
                    (high[i], low[i]) = (v.hi, v.lo);
                }
            }
            Lower::Twice(l) => {
                for i in (0..r).rev() {
                    let v = Dd::two_sum(high[i], low[i]) / l.get(i, i);
                    (high[i], low[i]) = (v.hi, v.lo);
                    kernels::subtract(l.part(i, 0, i), v, &mut high[..i], &mut low[..i]);
                }
            }
        }
        let mut out = vec![Dd::ZERO; self.scales.len()];
        for (i, &j) in self.accepted.iter().enumerate() {
            out[j] = Dd::two_sum(high[i], low[i]).div_f64(self.scales[j]);
        }
        out
    }

    /// Solves L e = right over the accepted columns: with right = Xᵀy, the effects Qᵀ y.
    pub fn effects(&self, right: &[Dd]) -> Vec<Dd> {
        let own = self.accepted.iter();
        let (mut high, mut low) = split(own.map(|&j| right[j].div_f64(self.scales[j])));
        let r = high.len();
        match &self.lower {
            Lower::Double(l) => {
                for j in 0..r {
                    let column = l.column(j);
                    let v = Dd::two_sum(high[j], low[j]).div_f64(column[j]);
                    (high[j], low[j]) = (v.hi, v.lo);
                    let rest = Pair::of(&column[j + 1..r]);
                    kernels::subtract(rest, v, &mut high[j + 1..], &mut low[j + 1..]);
                }
            }
            Lower::Twice(l) => {
                for i in 0..r {
                    let known = Pair {
                        high: &high[..i],
                        low: Some(&low[..i]),
                    };
                    let s = Dd::two_sum(high[i], low[i]) - kernels::dot(l.part(i, 0, i), known);
                    let v = s / l.get(i, i);
                    (high[i], low[i]) = (v.hi, v.lo);
                }
            }
        }
        high.iter().zip(&low).map(|(&h, &l)| Dd::two_sum(h, l)).collect()
    }

    /// The matrix that sends a row of the columns to orthonormal coordinates: columns x accepted, entry (j, a) is
    /// entry (a, j) of L⁻¹ over the scale of column j; zero where aliased. Its product with its transpose is the
    /// inverse.
    pub fn root(&self) -> Mat<f64> {
        let r = self.accepted.len();
        let mut root = Mat::zeros(self.scales.len(), r);
        match &self.lower {
            Lower::Twice(l) => {
                let u = inverse_transposed(l, r);
                for (c, &j) in self.accepted.iter().enumerate() {
                    for a in c..r {
                        root[(j, a)] = u.get(c, a).div_f64(self.scales[j]).hi;
                    }
                }
            }
            Lower::Double(l) => {
                let mut inverse = Mat::<f64>::identity(r, r);
                solve_lower_triangular_in_place(l.as_ref(), inverse.as_mut(), Par::Seq);
                for (c, &j) in self.accepted.iter().enumerate() {
                    for a in c..r {
                        root[(j, a)] = inverse[(a, c)] / self.scales[j];
                    }
                }
            }
        }
        root
    }

    /// Returns the trailing part of [`root`](Factor::root), where the factor is in twice the precision.
    pub fn root_rest(&self) -> Option<Mat<f64>> {
        let Lower::Twice(l) = &self.lower else {
            return None;
        };
        let r = self.accepted.len();
        let mut rest = Mat::zeros(self.scales.len(), r);
        let u = inverse_transposed(l, r);
        for (c, &j) in self.accepted.iter().enumerate() {
            for a in c..r {
                rest[(j, a)] = u.get(c, a).div_f64(self.scales[j]).lo;
            }
        }
        Some(rest)
    }

    /// By how much the rounding of a row's columns is larger in its coordinates: the largest Σⱼ ‖xⱼ‖ |Rⱼₐ| over the coordinates a, R
    /// the [`root`](Factor::root).
    pub fn amplification(&self, root: &Mat<f64>) -> f64 {
        let sum = |a: usize| -> f64 {
            let parts = root.col(a).iter().zip(&self.scales);
            parts.map(|(r, s)| (r * s).abs()).sum()
        };
        (0..root.ncols()).map(sum).fold(0.0, f64::max)
    }

    /// Position of each column among the accepted ones.
    pub fn positions(&self) -> Vec<Option<usize>> {
        let mut out = vec![None; self.scales.len()];
        for (c, &j) in self.accepted.iter().enumerate() {
            out[j] = Some(c);
        }
        out
    }

    /// Inverse of the matrix over all columns, row `j` and column `i`; `NaN` where aliased.
    pub fn inverse_at(&self, positions: &[Option<usize>], i: usize, j: usize) -> f64 {
        match (positions[i], positions[j]) {
            (Some(a), Some(b)) => self.inverse()[(a, b)] / (self.scales[i] * self.scales[j]),
            _ => f64::NAN,
        }
    }

    /// vᵀ A⁻¹ v for a vector over all columns (aliased entries are not read), with a first-order bound on its
    /// error. For a factor of the gram, which is known to `unit`: |vᵀ δ(A⁻¹) v| ≤ unit (Σᵢ |vᵀ A⁻¹|ᵢ tᵢ)², t the
    /// norms `reach` ([`Symmetric::reach`]). For a QR factor, whose columns are known to `unit`:
    /// 2 unit √(vᵀ A⁻¹ v) Σᵢ |vᵀ A⁻¹|ᵢ tᵢ.
    pub fn quadratic(&self, v: &[Dd], reach: &Reach) -> Variance {
        let r = self.accepted.len();
        let scaled: Vec<(usize, f64)> = (0..r)
            .map(|i| (i, v[self.accepted[i]].hi / self.scales[self.accepted[i]]))
            .filter(|(_, x)| *x != 0.0)
            .collect();
        let inverse = self.inverse();
        let mut sums = vec![0.0; r];
        for &(j, x) in &scaled {
            let column = inverse.column(j);
            vectorized(
                #[inline(always)]
                || sums.iter_mut().zip(column).for_each(|(s, v)| *s += v * x),
            );
        }
        sums.iter_mut().for_each(|s| *s = s.abs());
        let along = |t: &[f64]| kernels::rough_sum(&sums, Some(t));
        let (spread, whole_spread, data_spread) =
            (along(&reach.products), along(&reach.whole), along(&reach.data));
        let value = match scaled.as_slice() {
            [] => 0.0,
            &[(j, x)] => x * x * inverse[(j, j)],
            // |L⁻¹ v|², a sum of squares: nothing cancels as it does in vᵀ A⁻¹ v
            _ => self.effects(v).iter().fold(Dd::ZERO, |s, e| s + *e * *e).hi,
        };
        let error = if self.orthogonal {
            2.0 * self.unit * value.max(0.0).sqrt() * spread
        } else {
            self.unit * spread * spread
        };
        Variance {
            value,
            error: error + 4.0 * f64::EPSILON * value,
            spread,
            whole_spread,
            data_spread,
        }
    }

    /// The norms that errors act on, in units of the scaled columns that are accepted.
    pub fn reach(&self, matrix: &Symmetric) -> Reach {
        let norms = matrix.reach(self.unit);
        let of =
            |norm: &dyn Fn(usize) -> f64| self.accepted.iter().map(|&j| norm(j) / self.scales[j]).collect();
        Reach {
            products: of(&|j| norms[j]),
            whole: of(&|j| matrix.norms[j].max(0.0).sqrt()),
            data: of(&|j| matrix.roundings[j]),
        }
    }

    /// Inverse of the scaled matrix over the accepted columns; rows by accepted position.
    pub fn inverse(&self) -> &Square {
        self.inverse.get_or_init(|| match &self.lower {
            Lower::Double(l) => l.inverse_of_product(),
            Lower::Twice(l) => {
                let r = self.accepted.len();
                let u = inverse_transposed(l, r);
                Square::from_fn(r, |i, j| {
                    let from = i.max(j);
                    kernels::dot(u.part(i, from, r), u.part(j, from, r)).hi
                })
            }
        })
    }

    /// Bound on the norm of the relative change of the matrix A that is known to `unit`, ‖A^-½ δA A^-½‖: at most
    /// unit Σᵢⱼ |A⁻¹|ᵢⱼ tᵢ tⱼ; for a QR factor 2 ‖δX X⁺‖ ≤ 2 unit Σⱼ tⱼ √(A⁻¹)ⱼⱼ. First-order bounds grow by 1 / (1 − it).
    pub fn doubt(&self, matrix: &Symmetric) -> f64 {
        let reach = matrix.reach(self.unit);
        let t: Vec<f64> = self.accepted.iter().map(|&j| reach[j] / self.scales[j]).collect();
        let r = t.len();
        let sum: f64 = if self.orthogonal {
            (0..r).map(|j| 2.0 * t[j] * self.inverse()[(j, j)].sqrt()).sum()
        } else {
            let inverse = self.inverse();
            let row = |i: usize| {
                let column = inverse.column(i);
                let mut sums = [0.0; 8];
                vectorized(
                    #[inline(always)]
                    || {
                        let (whole, rest) = (column.chunks_exact(8), column.chunks_exact(8).remainder());
                        for (c, t) in whole.zip(t.chunks_exact(8)) {
                            for k in 0..8 {
                                sums[k] += c[k].abs() * t[k];
                            }
                        }
                        for (c, t) in rest.iter().zip(&t[r - rest.len()..]) {
                            sums[0] += c.abs() * t;
                        }
                    },
                );
                sums.iter().sum::<f64>()
            };
            for_each(r, |i| t[i] * row(i)).iter().sum()
        };
        self.unit * sum
    }

    /// L Lᵀ v over the accepted columns, scaled.
    pub(super) fn multiply(&self, v: &[f64]) -> Vec<f64> {
        let r = self.accepted.len();
        let mut w = vec![0.0; r];
        match &self.lower {
            Lower::Double(l) => {
                let t = for_each(r, |j| kernels::rough_sum(&l.column(j)[j..], Some(&v[j..])));
                // rows of L by pieces, so that several threads have some each
                let piece = if r < PARALLEL { r } else { r.div_ceil(16).max(32) };
                let add = |(k, w): (usize, &mut [f64])| {
                    let (from, to) = (k * piece, k * piece + w.len());
                    for j in 0..to {
                        let start = from.max(j);
                        let column = &l.column(j)[start..to];
                        let w = &mut w[start - from..];
                        vectorized(
                            #[inline(always)]
                            || w.iter_mut().zip(column).for_each(|(w, l)| *w += l * t[j]),
                        );
                    }
                };
                match r < PARALLEL {
                    true => w.chunks_mut(piece.max(1)).enumerate().for_each(add),
                    false => w.par_chunks_mut(piece).enumerate().for_each(add),
                }
            }
            Lower::Twice(l) => {
                let mut t = vec![0.0; r];
                for (i, &v) in v.iter().enumerate() {
                    let row = l.part(i, 0, i + 1).high;
                    t.iter_mut().zip(row).for_each(|(t, l)| *t += l * v);
                }
                for (i, w) in w.iter_mut().enumerate() {
                    let row = l.part(i, 0, i + 1).high;
                    *w = row.iter().zip(&t).map(|(l, t)| l * t).sum();
                }
            }
        }
        w
    }
}
