//! Conjugate gradients S x = r for several right sides at a time, preconditioned (Hestenes & Stiefel 1952).

use rayon::prelude::*;

use super::sampled::SampledCholesky;
use super::table::TwoWayTable;

/// Levels that a thread takes at a time at least.
const LEVELS: usize = 4096;

/// A preconditioner M ≈ S: z = M⁻¹ r.
pub(super) enum Preconditioner {
    /// The levels' weights D_h (Jacobi).
    Weights,
    /// A Cholesky factor of the graph, sampled.
    Sampled(Box<SampledCholesky>),
}

/// Solutions after some steps.
pub(super) struct Conjugate {
    /// x by level of the second factor, columns fastest.
    pub x: Vec<f64>,
    /// Steps.
    pub steps: usize,
    /// True if every residual is as small as was asked for.
    pub converged: bool,
}

/// Σ u v of each of `k` columns.
fn products(u: &[f64], v: &[f64], k: usize) -> Vec<f64> {
    let part = |(u, v): (&[f64], &[f64])| {
        let mut sums = vec![0.0; k];
        for (u, v) in u.chunks_exact(k).zip(v.chunks_exact(k)) {
            sums.iter_mut()
                .zip(u.iter().zip(v))
                .for_each(|(s, (u, v))| *s += u * v);
        }
        sums
    };
    let parts: Vec<Vec<f64>> = u
        .par_chunks(LEVELS * k)
        .zip(v.par_chunks(LEVELS * k))
        .map(part)
        .collect();
    // in the order of the levels, so that the threads leave no trace
    parts.iter().fold(vec![0.0; k], |mut sums, part| {
        sums.iter_mut().zip(part).for_each(|(s, p)| *s += p);
        sums
    })
}

/// out += a v column by column; with `keep`, out = v + a out.
fn add(out: &mut [f64], a: &[f64], v: &[f64], keep: bool) {
    let k = a.len();
    out.par_chunks_mut(LEVELS * k)
        .zip(v.par_chunks(LEVELS * k))
        .for_each(|(out, v)| {
            for (out, v) in out.chunks_exact_mut(k).zip(v.chunks_exact(k)) {
                for ((o, v), a) in out.iter_mut().zip(v).zip(a) {
                    *o = if keep { v + a * *o } else { *o + a * v };
                }
            }
        });
}

impl Preconditioner {
    /// z = M⁻¹ r for `k` columns.
    fn apply(&self, table: &TwoWayTable, r: &[f64], k: usize, z: &mut [f64]) {
        match self {
            Preconditioner::Weights => {
                let levels = z.par_chunks_mut(k).zip(r.par_chunks(k)).zip(&table.second);
                levels.with_min_len(LEVELS).for_each(|((z, r), d)| {
                    z.iter_mut().zip(r).for_each(|(z, r)| *z = r / d.hi);
                });
            }
            Preconditioner::Sampled(factor) => factor.solve(r, k, z),
        }
    }
}

/// Solves S x = `right` for `k` columns until each residual's norm, that of D_h⁻¹, has fallen to `part` of the right side's.
pub(super) fn conjugate_gradients(
    table: &TwoWayTable,
    preconditioner: &Preconditioner,
    right: &[f64],
    k: usize,
    (part, most): (f64, usize),
) -> Conjugate {
    let n = right.len();
    let mut x = vec![0.0; n];
    let mut r = right.to_vec();
    let (mut z, mut q) = (vec![0.0; n], vec![0.0; n]);
    let mut means = vec![0.0; table.first.len() * k];
    // squared norms of the residuals
    let weighted = |r: &[f64], room: &mut [f64]| {
        Preconditioner::Weights.apply(table, r, k, room);
        products(r, room, k)
    };
    let goal: Vec<f64> = weighted(&r, &mut q).iter().map(|s| part * part * s).collect();
    preconditioner.apply(table, &r, k, &mut z);
    let mut rho = products(&r, &z, k);
    let mut p = z.clone();
    let mut converged = goal.iter().all(|g| *g == 0.0);
    let mut steps = 0;
    while !converged && steps < most {
        steps += 1;
        table.times(&p, k, &mut means, &mut q);
        let curvature = products(&p, &q, k);
        let ratio = |(a, b): (&f64, &f64)| {
            if *b > 0.0 && (a / b).is_finite() {
                a / b
            } else {
                0.0
            }
        };
        let alpha: Vec<f64> = rho.iter().zip(&curvature).map(ratio).collect();
        add(&mut x, &alpha, &p, false);
        let back: Vec<f64> = alpha.iter().map(|a| -a).collect();
        add(&mut r, &back, &q, false);
        let left = weighted(&r, &mut q);
        converged = left.iter().zip(&goal).all(|(l, g)| l <= g);
        if converged || alpha.iter().all(|a| *a == 0.0) {
            break;
        }
        preconditioner.apply(table, &r, k, &mut z);
        let next = products(&r, &z, k);
        let beta: Vec<f64> = next.iter().zip(&rho).map(ratio).collect();
        add(&mut p, &beta, &z, true);
        rho = next;
    }
    Conjugate { x, steps, converged }
}
