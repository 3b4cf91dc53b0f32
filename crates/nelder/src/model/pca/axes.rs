//! Axes of standardized columns X: their singular values and right singular vectors, each with a bound on its error.
//!
//! Rungs, from the cheapest:
//!
//! 1. Eigenvectors of the gram XᵀX in double precision. Entry (i, j) of it is known to η tᵢ tⱼ (t the columns' norms), so that
//!    a singular value σ is known to about η σ₁² / σ, and is lost below √η σ₁.
//! 2. Singular vectors of a triangle R with RᵀR = XᵀX: by QR of the rows in double precision, where each σ is known to a few
//!    units in the last place of σ₁; or by Cholesky of a gram in twice the precision, where η is so small that nothing is lost.
//! 3. For small grams in twice the precision, rotations in twice the precision: then what limits σ is the rounding of the data.

use nelder_device::{Dd, LinearAlgebra, zeros};
use rayon::prelude::*;

use crate::solve::{Rectangular, Symmetric, eigen, refined, root, rounded, singular};

use crate::model::equations::solution::UNIT_EXACT;

/// Errors of a decomposition in double precision are below this times ε σ₁ (√p + 4), in singular values as in the columns'
/// product.
const DECOMPOSED: f64 = 4.0;
/// Errors of a QR decomposition by runs of rows, in units of ε of the columns' norms.
const HOUSEHOLDER: f64 = 16.0;
/// Most columns for rotations in twice the precision.
const MOST_TWICE: usize = 64;
/// The same where the last bit is asked for.
pub(super) const MOST_CERTIFIED: usize = 400;

/// A bound on the errors of a decomposition in double precision of order `p` whose largest value is `first`.
pub(in crate::model) fn decomposed(p: usize, first: f64) -> f64 {
    DECOMPOSED * f64::EPSILON * ((p as f64).sqrt() + 4.0) * first
}

/// A bound on the norm of the errors of a gram, whose entries (i, j) are known to `unit` tᵢ tⱼ with errors that are as good as
/// independent, Σt² the `total`: below 2 unit √(λ₁ Σt²), λ₁ the `first` of `p` eigenvalues, and in any case below unit Σt².
pub(super) fn of_entries(unit: f64, total: f64, first: f64, p: usize) -> f64 {
    unit * total.min(2.0 * (first.max(total / p as f64) * total).sqrt())
}

/// Bounds on the norms of errors of the matrix whose axes these are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Doubt {
    /// Of XᵀX, as far as it turns axes.
    pub products: f64,
    /// Of the eigenvalues of XᵀX.
    pub values: f64,
    /// Of X.
    pub columns: f64,
    /// Of the results, relative.
    pub results: f64,
}

impl Doubt {
    /// Of the singular values of a triangle of order `p`, from a QR decomposition of columns whose sums of squares are
    /// `squares`.
    pub fn of_qr(squares: &[f64], roundings: &[f64], p: usize, singular: &[f64]) -> Self {
        let norm = squares.iter().sum::<f64>().sqrt();
        let first = singular.first().copied().unwrap_or(0.0);
        let householder = HOUSEHOLDER * f64::EPSILON * norm;
        Doubt {
            columns: rounding(roundings) + householder + decomposed(p, first),
            results: 4.0 * f64::EPSILON,
            ..Doubt::default()
        }
    }
}

/// Axes, in the units of the standardized columns.
#[derive(Clone, Debug)]
pub(super) struct Axes {
    /// Singular values, falling.
    pub singular: Vec<f64>,
    /// The vectors of the first of them.
    pub vectors: Rectangular,
    /// Bounds on the errors of the matrix.
    pub doubt: Doubt,
    /// Algorithm, by its name in [`PcaReport`](super::PcaReport).
    pub algorithm: &'static str,
    /// In which precision.
    pub precision: &'static str,
}

impl Axes {
    /// The same where the rows were off by a part of σ₁.
    pub fn off_by(mut self, part: f64) -> Axes {
        self.doubt.columns += part * self.singular.first().copied().unwrap_or(0.0);
        self
    }

    /// A bound on the error of each singular value: |δσ| ≤ ‖δX‖, and |δσ| ≤ ‖δ(XᵀX)‖ / σ (Weyl).
    pub fn errors(&self) -> Vec<f64> {
        let d = self.doubt;
        self.singular
            .iter()
            .map(|s| d.columns + (d.values / s).min(d.values.sqrt()) + d.results * s)
            .collect()
    }

    /// A bound on the sine of the angle between an axis and the true one (Davis & Kahan 1970; Stewart & Sun 1990), 1 where two
    /// singular values are too close. `beyond` bounds the singular values that were not computed, if there are any.
    pub fn angles(&self, beyond: Option<f64>) -> Vec<f64> {
        let (s, d) = (&self.singular, self.doubt);
        let of = |j: usize| {
            let after = s.get(j + 1).copied().or(beyond);
            let beside = j.checked_sub(1).map(|b| s[b]).into_iter().chain(after);
            let (mut sigma, mut lambda) = (f64::INFINITY, f64::INFINITY);
            for b in beside {
                sigma = sigma.min((s[j] - b).abs());
                lambda = lambda.min((s[j] - b).abs() * (s[j] + b));
            }
            let part = |error: f64, gap: f64| match gap {
                g if g.is_infinite() => 0.0,
                // equal values determine no axis, however exact they are
                g if g <= 2.0 * error => 1.0,
                g => error / (g - 2.0 * error),
            };
            // a vector is off by its own rounding in any case
            let sine = 1.5 * part(d.columns, sigma) + part(d.products, lambda) + d.results;
            if sine.is_finite() { sine.min(1.0) } else { 1.0 }
        };
        (0..self.vectors.columns()).map(of).collect()
    }
}

/// The root of the sum of squares of the columns' roundings, in halves of a unit in the last place: by how much the columns
/// may differ from the decimal numbers that they stand for.
pub(in crate::model) fn rounding(roundings: &[f64]) -> f64 {
    0.5 * f64::EPSILON * roundings.iter().map(|r| r * r).sum::<f64>().sqrt()
}

/// Rung 1, for entries that are known to `unit` of the columns' reach.
pub(super) fn of_gram(matrix: &Symmetric, unit: f64, device: Option<&dyn LinearAlgebra>) -> Option<Axes> {
    let p = matrix.order;
    let mut lower = zeros(p * p);
    lower
        .par_chunks_mut(p.max(1))
        .enumerate()
        .for_each(|(j, column)| {
            (j..p).for_each(|i| column[i] = matrix.lower[Symmetric::at(i, j)].hi);
        });
    let own = eigen(&Rectangular::of(p, p, lower), device)?;
    let first = own.values.first().copied().unwrap_or(0.0).max(0.0);
    let reach: f64 = matrix.reach(unit).iter().map(|t| t * t).sum();
    let doubt = of_entries(unit, reach, first, p) + decomposed(p, first);
    Some(Axes {
        singular: own.values.iter().map(|v| v.max(0.0).sqrt()).collect(),
        vectors: own.vectors,
        doubt: Doubt {
            products: doubt,
            values: doubt,
            columns: rounding(&matrix.roundings),
            results: 4.0 * f64::EPSILON,
        },
        algorithm: "eigen of gram",
        precision: "f64",
    })
}

/// Rung 2, from a QR decomposition: `squares` are those of the columns' norms.
pub(super) fn of_triangle(triangle: &Rectangular, squares: &[f64], roundings: &[f64]) -> Option<Axes> {
    let own = singular(triangle)?;
    Some(Axes {
        doubt: Doubt::of_qr(squares, roundings, squares.len(), &own.values),
        singular: own.values,
        vectors: own.vectors,
        algorithm: "svd of tsqr",
        precision: "f64",
    })
}

/// Rungs 2 and 3, from a gram in twice the precision; rung 3 up to `most` columns.
pub(super) fn of_exact(matrix: &Symmetric, certified: bool) -> Option<Axes> {
    let p = matrix.order;
    let reach = matrix.reach(UNIT_EXACT);
    let lower = root(matrix, &reach);
    let start = singular(&rounded(&lower))?;
    let total: f64 = reach.iter().map(|t| t * t).sum();
    // what the pivots leave out is as small
    let products = 2.0 * p as f64 * UNIT_EXACT * total;
    let columns = rounding(&matrix.roundings);
    let most = if certified { MOST_CERTIFIED } else { MOST_TWICE };
    if let Some(twice) = (p <= most).then(|| refined(&lower, &start.vectors)).flatten() {
        return Some(Axes {
            singular: twice.values.iter().map(|v: &Dd| v.hi).collect(),
            vectors: Rectangular::from_fn(p, p, |i, j| twice.axes.get(j, i).hi),
            doubt: Doubt {
                products,
                values: products,
                columns,
                // each is rounded, divided by a rounded root of n − 1, and the quotient rounded
                results: 1.5 * f64::EPSILON,
            },
            algorithm: "rotations of cholesky of gram",
            precision: "f64x2",
        });
    }
    let first = start.values.first().copied().unwrap_or(0.0);
    Some(Axes {
        singular: start.values,
        vectors: start.vectors,
        doubt: Doubt {
            products,
            values: products,
            columns: columns + decomposed(p, first),
            results: 4.0 * f64::EPSILON,
        },
        algorithm: "svd of cholesky of gram",
        precision: "f64x2",
    })
}
