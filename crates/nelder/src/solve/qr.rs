//! R's limited pivoting on the triangle of a QR decomposition.

use nelder_device::{Dd, Rows2, kernels};

use super::Factor;
use super::cholesky::from_triangle;

/// Applies the limited pivoting of R's `dqrdc2` to a triangle: its columns in order, a column whose remaining norm is below
/// `tol` times its own norm set aside. Row j of `triangle` holds column j of R. `x` is the number of columns before the
/// responses; `norms` their squared norms.
/// Returns the factor of the accepted columns, Qᵀ y over them for each response, and what is left of each
/// response's squared norm.
pub fn limited_pivoting(
    triangle: &Rows2,
    x: usize,
    norms: &[f64],
    tol: f64,
    unit: f64,
) -> (Factor, Vec<Vec<Dd>>, Vec<Dd>) {
    let c = triangle.columns;
    let mut work = Rows2::zeros(c, c);
    for j in 0..c {
        for i in 0..=j {
            work.set(j, i, triangle.get(j, i));
        }
    }
    let scales: Vec<f64> = (0..x)
        .map(|j| {
            let d = kernels::dot(work.part(j, 0, c), work.part(j, 0, c)).hi;
            if d > 0.0 { d.sqrt() } else { 1.0 }
        })
        .collect();
    let mut accepted: Vec<usize> = Vec::new();
    let mut pivots = Vec::new();
    for j in 0..x {
        let k = accepted.len();
        let left = kernels::dot(work.part(j, k, c), work.part(j, k, c));
        if !(left.hi > 0.0 && left.hi >= tol * tol * norms[j]) {
            continue;
        }
        // reflect entries k.. of column j onto entry k
        let head = work.get(j, k);
        let norm = left.sqrt();
        let alpha = if head.hi > 0.0 { -norm } else { norm };
        let v0 = head - alpha;
        let half = norm * (norm + head.abs());
        work.set(j, k, v0);
        for other in j + 1..c {
            let s = kernels::dot(work.part(j, k, c), work.part(other, k, c));
            let t = s / half;
            let (read, (high, low)) = work.two_rows(j, other, k, c);
            kernels::subtract(read, t, high, low);
            kernels::normalize(high, low);
        }
        work.set(j, k, alpha);
        for i in k + 1..c {
            work.set(j, i, Dd::ZERO);
        }
        accepted.push(j);
        pivots.push(left.hi / (scales[j] * scales[j]));
    }
    let r = accepted.len();
    // L = Rᵀ, scaled
    let mut l = Rows2::zeros(r, r.max(1));
    for (row, &j) in accepted.iter().enumerate() {
        for i in 0..=row {
            l.set(row, i, work.get(j, i).div_f64(scales[j]));
        }
    }
    let effects = (x..c).map(|y| (0..r).map(|i| work.get(y, i)).collect()).collect();
    let rest = (x..c)
        .map(|y| kernels::dot(work.part(y, r, c), work.part(y, r, c)))
        .collect();
    (
        from_triangle(l, accepted, pivots, scales, unit, true),
        effects,
        rest,
    )
}
