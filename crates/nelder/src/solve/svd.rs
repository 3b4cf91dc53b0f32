//! Singular values and axes of a triangle, in double precision and in twice that.
//!
//! With X = Q R the singular values of X and its right singular vectors are those of R, which is a small matrix. R may come
//! from a QR decomposition, or be the Cholesky factor of a gram in twice the precision: then a singular value is known to the
//! root of what entries of the gram are known to, which is double precision.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{self, ComputeSvdVectors};
use faer::{Par, Spec};
use nelder_device::kernels::{self, Pair};
use nelder_device::{Dd, Rows2};

use super::Rectangular;
use super::symmetric::{Symmetric, UNIT_TWICE};

/// Singular values from the largest on, and the right singular vectors as columns.
#[derive(Clone, Debug)]
pub struct Singular {
    /// The singular values, falling: as many as the smaller of rows and columns.
    pub values: Vec<f64>,
    /// As many orthonormal vectors, in the same order.
    pub vectors: Rectangular,
}

/// Singular values and right singular vectors: bidiagonal form by reflections, then divide and conquer (Golub & Van Loan
/// 2013, 8.6). `None` where it does not converge.
///
/// ```
/// use nelder::solve::{Rectangular, singular};
/// let found = singular(&Rectangular::from_fn(2, 2, |i, j| [[3.0, 0.0], [4.0, 5.0]][i][j])).unwrap();
/// assert!((found.values[0] - 45f64.sqrt()).abs() < 1e-14 && (found.values[1] - 5f64.sqrt()).abs() < 1e-14);
/// ```
pub fn singular(matrix: &Rectangular) -> Option<Singular> {
    let (m, n) = (matrix.rows(), matrix.columns());
    let k = m.min(n);
    let (mut values, mut vectors) = (Diag::<f64>::zeros(k), Rectangular::zeros(n, k));
    if k > 0 {
        let par = if k < 128 { Par::Seq } else { Par::rayon(0) };
        let (no, thin) = (ComputeSvdVectors::No, ComputeSvdVectors::Thin);
        let room = &mut MemBuffer::new(svd::svd_scratch::<f64>(m, n, no, thin, par, Spec::default()));
        svd::svd(
            matrix.as_ref(),
            values.as_mut(),
            None,
            Some(vectors.as_mut()),
            par,
            MemStack::new(room),
            Spec::default(),
        )
        .ok()?;
    }
    let values: Vec<f64> = (0..k).map(|i| values[i]).collect();
    values
        .iter()
        .all(|v| v.is_finite())
        .then_some(Singular { values, vectors })
}

/// R with RᵀR = A, in twice the precision: row j holds column j of R. Entry (i, j) of A is known to UNIT_TWICE tᵢ tⱼ, t the
/// `reach`; a column of which no more is left than that adds nothing, and its pivot is zero.
pub fn root(matrix: &Symmetric, reach: &[f64]) -> Rows2 {
    let p = matrix.order;
    let mut l = Rows2::zeros(p, p.max(1));
    for i in 0..p {
        for j in 0..i {
            let pivot = l.get(j, j);
            if pivot.hi > 0.0 {
                let rest = matrix.get(i, j) - kernels::dot(l.part(i, 0, j), l.part(j, 0, j));
                l.set(i, j, rest / pivot);
            }
        }
        let left = matrix.get(i, i) - kernels::dot(l.part(i, 0, i), l.part(i, 0, i));
        if left.hi > p as f64 * UNIT_TWICE * reach[i] * reach[i] {
            l.set(i, i, left.sqrt());
        }
    }
    l
}

/// A matrix whose columns are the rows of another in twice the precision, rounded.
pub fn rounded(rows: &Rows2) -> Rectangular {
    Rectangular::from_fn(rows.columns, rows.rows(), |i, j| rows.get(j, i).hi)
}

/// Cosine of two columns that are orthogonal in twice the precision.
const ORTHOGONAL: f64 = 64.0 * UNIT_TWICE;
/// Sweeps at most; from axes in double precision two or three do.
const SWEEPS: usize = 12;

/// Singular values and axes in twice the precision.
#[derive(Clone, Debug)]
pub struct SingularTwice {
    /// The singular values, falling.
    pub values: Vec<Dd>,
    /// Row k holds the k-th axis.
    pub axes: Rows2,
}

/// One-sided Jacobi rotations (Hestenes 1958; Demmel & Veselić 1992) in twice the precision, from orthogonal axes in double
/// precision that are nearly right: row j of `root` holds column j of R, `start` has an axis in each of as many columns.
/// `None` where it does not converge.
///
/// 1. V ← V (3I − VᵀV) / 2 makes the axes orthonormal in twice the precision (Björck & Bowie 1971).
/// 2. W = R V.
/// 3. Each two columns of W that are not orthogonal are rotated until they are, and those of V with them.
pub fn refined(root: &Rows2, start: &Rectangular) -> Option<SingularTwice> {
    let (p, k) = (start.rows(), start.columns());
    let axis = |a: usize| Pair::of(start.column(a));
    // 1. orthonormal axes
    let mut v = Rows2::zeros(k, p);
    for a in 0..k {
        for b in 0..k {
            let product = kernels::dot(axis(a), axis(b));
            let part = if a == b {
                (Dd::new(3.0) - product).scale(0.5)
            } else {
                -product.scale(0.5)
            };
            let (high, low) = v.part_mut(a, 0, p);
            kernels::subtract(axis(b), -part, high, low);
            kernels::normalize(high, low);
        }
    }
    // 2. W = R V
    let width = root.columns;
    let mut w = Rows2::zeros(k, width);
    for a in 0..k {
        for j in 0..p {
            let part = v.get(a, j);
            let (high, low) = w.part_mut(a, 0, width);
            kernels::subtract(root.part(j, 0, width), -part, high, low);
            kernels::normalize(high, low);
        }
    }
    // 3. rotations
    let square = |w: &Rows2, a: usize| kernels::dot(w.part(a, 0, width), w.part(a, 0, width));
    let largest = (0..k).map(|a| square(&w, a).hi).fold(0.0, f64::max);
    let nothing = largest * (p as f64 * UNIT_TWICE).powi(2);
    let mut settled = false;
    for _ in 0..SWEEPS {
        settled = true;
        for a in 0..k {
            for b in a + 1..k {
                let (aa, bb) = (square(&w, a), square(&w, b));
                if aa.hi <= nothing || bb.hi <= nothing {
                    continue;
                }
                let ab = kernels::dot(w.part(a, 0, width), w.part(b, 0, width));
                if ab.hi.abs() <= ORTHOGONAL * (aa.hi * bb.hi).sqrt() {
                    continue;
                }
                settled = false;
                let zeta = (bb - aa) / ab.scale(2.0);
                let size = zeta.abs() + (Dd::ONE + zeta * zeta).sqrt();
                let t = if zeta.hi < 0.0 {
                    -size.recip()
                } else {
                    size.recip()
                };
                let cosine = (Dd::ONE + t * t).sqrt().recip();
                rotate(&mut w, a, b, cosine, cosine * t);
                rotate(&mut v, a, b, cosine, cosine * t);
            }
        }
        if settled {
            break;
        }
    }
    let values: Vec<Dd> = (0..k).map(|a| square(&w, a).sqrt()).collect();
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let mut axes = Rows2::zeros(k, p);
    for (to, &from) in order.iter().enumerate() {
        for j in 0..p {
            axes.set(to, j, v.get(from, j));
        }
    }
    settled.then(|| SingularTwice {
        values: order.iter().map(|&a| values[a]).collect(),
        axes,
    })
}

/// (a, b) ← (c a − s b, s a + c b).
fn rotate(rows: &mut Rows2, a: usize, b: usize, c: Dd, s: Dd) {
    for j in 0..rows.columns {
        let (x, y) = (rows.get(a, j), rows.get(b, j));
        rows.set(a, j, c * x - s * y);
        rows.set(b, j, s * x + c * y);
    }
}
