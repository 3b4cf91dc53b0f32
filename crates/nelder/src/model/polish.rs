//! Acceleration of a fixed-point iteration (Anderson 1965; Walker & Ni 2011, type II).
//!
//! Fisher scoring β ← β + Δ(β) converges quadratically for a canonical link and linearly for any other. With the last
//! few β and Δ, the next point is the combination of theirs whose combined Δ is smallest, plus that Δ.

use nelder_device::Dd;

use super::fisher::Equations;

/// Points that are combined.
const MEMORY: usize = 6;

/// The last few points of the iteration and their steps.
pub(super) struct Accelerated {
    /// Root of each column's diagonal of the gram: what makes steps comparable.
    weights: Vec<f64>,
    points: Vec<(Vec<Dd>, Vec<Dd>)>,
    origin: Vec<Dd>,
}

fn weights(equations: &Equations, more: Option<f64>) -> Vec<f64> {
    let mut out = vec![0.0; equations.map.columns()];
    for (i, &c) in equations.normal.kept.iter().enumerate() {
        out[c] = equations.normal.matrix.norms[i].max(0.0).sqrt();
    }
    if let (Some(term), Some(a)) = (&equations.map.absorbed, &equations.normal.absorbed) {
        for (c, w) in term.columns.iter().zip(&a.weights) {
            if let Some(c) = c {
                out[*c] = w.hi.max(0.0).sqrt();
            }
        }
    }
    let mut out = equations.whole(out, 0.0);
    out.extend(more);
    out
}

impl Accelerated {
    /// Starts at a point with its step; the last entry of both may be a further parameter of this weight.
    pub fn new(equations: &Equations, point: Vec<Dd>, step: Vec<Dd>, more: Option<f64>) -> Self {
        Accelerated {
            weights: weights(equations, more),
            origin: point.clone(),
            points: vec![(point, step)],
        }
    }

    /// The point it started at.
    pub fn origin(&self) -> Vec<Dd> {
        self.origin.clone()
    }

    /// Adds a point with its step.
    pub fn push(&mut self, equations: &Equations, point: Vec<Dd>, step: Vec<Dd>, more: Option<f64>) {
        self.weights = weights(equations, more);
        self.points.push((point, step));
        if self.points.len() > MEMORY {
            self.points.remove(0);
        }
    }

    /// The next point.
    pub fn next(&self) -> Vec<Dd> {
        let Some(((point, step), before)) = self.points.split_last() else {
            return self.origin.clone();
        };
        // 1. differences of steps, orthonormalised one after the other
        let size = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let own: Vec<f64> = step.iter().zip(&self.weights).map(|(s, w)| s.hi * w).collect();
        let mut left = own.clone();
        let mut basis: Vec<Vec<f64>> = Vec::new();
        // for each earlier point: coefficients over the basis
        let mut next: Vec<Dd> = point.iter().zip(step).map(|(b, s)| *b + *s).collect();
        let mut moves: Vec<Vec<Dd>> = Vec::new();
        for (other, its) in before.iter().rev() {
            let mut v: Vec<f64> = (0..own.len())
                .map(|c| (step[c] - its[c]).hi * self.weights[c])
                .collect();
            let whole = size(&v);
            // what β + Δ differs by, kept in step with v
            let mut way: Vec<Dd> = (0..own.len())
                .map(|c| (point[c] - other[c]) + (step[c] - its[c]))
                .collect();
            for (q, m) in basis.iter().zip(&moves) {
                let t: f64 = q.iter().zip(&v).map(|(a, b)| a * b).sum();
                v.iter_mut().zip(q).for_each(|(x, q)| *x -= t * q);
                way.iter_mut().zip(m).for_each(|(x, m)| *x -= m.mul_f64(t));
            }
            let norm = size(&v);
            // a difference that the others span already says nothing
            if !(norm > 1e-6 * whole && norm > 0.0) {
                continue;
            }
            v.iter_mut().for_each(|x| *x /= norm);
            way.iter_mut().for_each(|x| *x = x.div_f64(norm));
            // 2. take its part out of the step
            let t: f64 = v.iter().zip(&left).map(|(a, b)| a * b).sum();
            left.iter_mut().zip(&v).for_each(|(x, q)| *x -= t * q);
            next.iter_mut().zip(&way).for_each(|(x, m)| *x -= m.mul_f64(t));
            basis.push(v);
            moves.push(way);
        }
        next
    }
}
