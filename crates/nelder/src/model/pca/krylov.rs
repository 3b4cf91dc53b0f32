//! The largest eigenvalues of C = XᵀX from products of C with blocks of vectors.
//!
//! Block Krylov iteration (Halko, Martinsson & Tropp 2011; Musco & Musco 2015) with a thick restart (Wu & Simon 2000) and a
//! test of the residual. V has an orthonormal basis of the Krylov space, W = CV.
//!
//! 1. V is b normal vectors from a counter, orthonormal; b is a few more than the k eigenvectors that are wanted.
//! 2. W of the new vectors: one pass over the rows.
//! 3. Rayleigh and Ritz: T = VᵀW = Y Θ Yᵀ, U = V Y, and the residuals R = W Y − U Θ, which bound each eigenvalue's error by
//!    ‖r‖ and by ‖R‖² / gap, and the angle of the subspace by ‖R‖ / gap, gap = θₖ − θₖ₊₁ (Parlett 1998, 11.5 and 11.7).
//! 4. The new vectors are the residuals, less what V has of them: they span what C V would.
//! 5. A basis that has grown too long goes on with its best Ritz vectors; their images are known.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use nelder_device::{Philox, kernels};

use crate::model::ModelError;
use crate::solve::{Rectangular, eigen};

/// Vectors of a block beyond those that are wanted: they make the gap wider that convergence depends on.
const BESIDE: usize = 8;
/// Blocks that a basis holds before it is restarted.
const BLOCKS: usize = 8;
/// Products with C at most.
const STEPS: u32 = 400;
/// Residuals below this times ε θ₁ are rounding of the products.
const FLOOR: f64 = 32.0;

/// Eigenvalues and eigenvectors, and what is left of them.
#[derive(Clone, Debug)]
pub(super) struct Krylov {
    /// The largest eigenvalues, falling.
    pub values: Vec<f64>,
    /// Their eigenvectors.
    pub vectors: Rectangular,
    /// Norm of the residuals of all of them.
    pub residual: f64,
    /// The eigenvalue after them and the norm of its residual, within which it is known; `None` where there is none.
    pub beyond: Option<f64>,
    /// Products with C.
    pub steps: u32,
}

/// Vectors of a block for this number of eigenvectors of a matrix of order `p`.
pub(super) fn block_size(k: usize, p: usize) -> usize {
    (k + BESIDE).min(p)
}

/// The `k` largest eigenvalues of a positive semidefinite matrix of order `p`; `apply` multiplies it with vectors. The residuals
/// are at most `tolerance` times the largest eigenvalue, and times the gap after the k-th unless that is lost in rounding.
///
/// # Errors
/// Those of `apply`; [`ModelError::NotConverged`].
pub(super) fn krylov(
    (p, k): (usize, usize),
    seed: u64,
    tolerance: f64,
    mut apply: impl FnMut(&Mat<f64>) -> Result<Mat<f64>, ModelError>,
) -> Result<Krylov, ModelError> {
    let b = block_size(k, p);
    let most = p.min(BLOCKS * b);
    // 1. the start
    let draws = Philox::new(seed);
    let start = Mat::from_fn(p, b, |i, j| draws.normal((j * p + i) as u64));
    let mut v = Mat::<f64>::zeros(p, 0);
    let mut w = Mat::<f64>::zeros(p, 0);
    let mut new = orthonormal(v.as_ref(), start);
    let mut steps = 0;
    loop {
        // 2. images of the new vectors
        let images = apply(&new)?;
        steps += 1;
        (v, w) = (beside(&v, &new), beside(&w, &images));
        // 3. Ritz vectors and residuals
        let m = v.ncols();
        let t = product(v.transpose(), w.as_ref());
        let t = Rectangular::from_fn(m, m, |i, j| 0.5 * (t[(i, j)] + t[(j, i)]));
        let Some(ritz) = eigen(&t, None) else {
            return Err(ModelError::NotConverged("Krylov iteration".into()));
        };
        let theta = &ritz.values;
        let count = b.min(m);
        let y = ritz.vectors.as_ref();
        let u = product(v.as_ref(), y.subcols(0, count));
        let mut r = product(w.as_ref(), y.subcols(0, count));
        for j in 0..count {
            let (own, axis) = (r.col_as_slice_mut(j), u.col_as_slice(j));
            own.iter_mut().zip(axis).for_each(|(r, u)| *r -= theta[j] * u);
        }
        let norms: Vec<f64> = (0..count).map(|j| norm(r.col_as_slice(j))).collect();
        let wanted = k.min(m);
        let residual = norms[..wanted].iter().map(|n| n * n).sum::<f64>().sqrt();
        let beyond = theta.get(wanted).map(|t| t.max(0.0));
        let first = theta.first().copied().unwrap_or(0.0).max(0.0);
        let gap = beyond.map_or(first, |t| theta[wanted - 1] - t);
        let floor = FLOOR * f64::EPSILON * first * (wanted as f64).sqrt();
        let close = residual <= tolerance * first && residual <= tolerance * gap;
        // 4. what the residuals add to the basis
        let open: Vec<usize> = (0..count).filter(|&j| norms[j] > 0.5 * floor).collect();
        let done = close || residual <= floor || open.is_empty();
        let next = match done {
            true => Mat::zeros(p, 0),
            false => orthonormal(v.as_ref(), Mat::from_fn(p, open.len(), |i, j| r[(i, open[j])])),
        };
        if next.ncols() == 0 {
            return Ok(Krylov {
                values: theta[..wanted].to_vec(),
                vectors: Rectangular::from_fn(p, wanted, |i, j| u[(i, j)]),
                residual: residual.max(floor),
                // on a flat tail the Ritz value is far below the eigenvalue when those before it have settled
                beyond: beyond.map(|t| t + norms.get(wanted).copied().unwrap_or(first)),
                steps,
            });
        }
        if steps == STEPS {
            return Err(ModelError::NotConverged(format!(
                "Krylov iteration, in {STEPS} passes: variances {wanted} and {} differ by {:.1e} of the first, and what is \
                 left is {:.1e} of it; ask for other components or a larger tolerance",
                wanted + 1,
                gap / first,
                residual / first
            )));
        }
        // 5. a restart
        if m + next.ncols() > most.max(2 * b) && m + next.ncols() < p {
            let keep = y.subcols(0, (k + b).min(m));
            (v, w) = (product(v.as_ref(), keep), product(w.as_ref(), keep));
        }
        new = next;
    }
}

fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    matmul(out.as_mut(), Accum::Replace, a, b, 1.0, Par::rayon(0));
    out
}

fn beside(a: &Mat<f64>, b: &Mat<f64>) -> Mat<f64> {
    let n = a.ncols();
    Mat::from_fn(a.nrows(), n + b.ncols(), |i, j| {
        if j < n { a[(i, j)] } else { b[(i, j - n)] }
    })
}

fn norm(x: &[f64]) -> f64 {
    kernels::rough_sum(x, Some(x)).sqrt()
}

/// Returns an orthonormal basis of `new` less its projection on the orthonormal `v`: Gram and Schmidt, twice (Giraud, Langou &
/// Rozložník 2005). A column of which nothing but rounding is left is dropped.
fn orthonormal(v: MatRef<'_, f64>, mut new: Mat<f64>) -> Mat<f64> {
    let (p, b) = (new.nrows(), new.ncols());
    let sizes: Vec<f64> = (0..b).map(|j| norm(new.col_as_slice(j))).collect();
    for _ in 0..2 {
        let t = product(v.transpose(), new.as_ref());
        matmul(new.as_mut(), Accum::Add, v, t.as_ref(), -1.0, Par::rayon(0));
    }
    let mut out: Vec<Vec<f64>> = Vec::new();
    for j in 0..b {
        let mut x = new.col_as_slice(j).to_vec();
        // against those before it, and once more against the basis, where much of it was lost
        for _ in 0..2 {
            for q in &out {
                let t = kernels::rough_sum(q, Some(&x));
                x.iter_mut().zip(q).for_each(|(x, q)| *x -= t * q);
            }
            for a in 0..v.ncols() {
                let q = v.col(a);
                let t: f64 = (0..p).map(|i| q[i] * x[i]).sum();
                (0..p).for_each(|i| x[i] -= t * q[i]);
            }
        }
        let left = norm(&x);
        if out.len() + v.ncols() < p && left > 1e-10 * sizes[j] && left > 0.0 {
            x.iter_mut().for_each(|x| *x /= left);
            out.push(x);
        }
    }
    Mat::from_fn(p, out.len(), |i, j| out[j][i])
}
