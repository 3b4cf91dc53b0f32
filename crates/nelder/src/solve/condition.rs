//! The condition of the scaled, centred design.

use nelder_device::kernels;

use super::Factor;
use super::square::for_each;

/// Steps of an iteration at most.
const STEPS: usize = 30;
/// Relative change of an eigenvalue at which it has settled.
const SETTLED: f64 = 1e-3;

/// Estimate of κ₂ of the design with centred columns of unit norm: the square root of the condition of its
/// correlation matrix, each extreme eigenvalue by Lanczos' iteration (Golub & Van Loan 2013, 10.1), which comes from
/// below; the norms that bound them from above are not used because they would call good designs bad.
pub fn condition(factor: &Factor) -> f64 {
    let r = factor.accepted.len();
    if r == 0 {
        return 1.0;
    }
    let inverse = factor.inverse();
    // the inverse is symmetric: its columns are its rows
    let times = |v: &[f64]| for_each(r, |j| kernels::rough_sum(inverse.column(j), Some(v)));
    let smallest = largest_eigenvalue(r, &times);
    let largest = largest_eigenvalue(r, &|v: &[f64]| factor.multiply(v));
    (smallest * largest).sqrt().max(1.0)
}

/// The largest eigenvalue of a symmetric positive definite matrix of order `r`.
fn largest_eigenvalue(r: usize, apply: &dyn Fn(&[f64]) -> Vec<f64>) -> f64 {
    let dot = |a: &[f64], b: &[f64]| kernels::rough_sum(a, Some(b));
    let mut v: Vec<f64> = (0..r).map(|i| 1.0 + ((i * 7919) % 101) as f64 / 101.0).collect();
    let norm = dot(&v, &v).sqrt();
    v.iter_mut().for_each(|x| *x /= norm);
    let mut basis: Vec<Vec<f64>> = Vec::new();
    // the tridiagonal matrix
    let (mut diagonal, mut beside): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut value = 0.0f64;
    for _ in 0..STEPS.min(r) {
        let mut w = apply(&v);
        diagonal.push(dot(&v, &w));
        basis.push(v);
        // orthogonal to all before, twice, so that rounding does not bring them back
        for _ in 0..2 {
            for q in &basis {
                let t = dot(q, &w);
                w.iter_mut().zip(q).for_each(|(w, q)| *w -= t * q);
            }
        }
        let new = largest_of_tridiagonal(&diagonal, &beside);
        if !new.is_finite() {
            return f64::INFINITY;
        }
        let settled = basis.len() > 3 && (new - value).abs() <= SETTLED * new;
        value = new;
        let norm = dot(&w, &w).sqrt();
        if settled || norm <= 1e-14 * value {
            break;
        }
        beside.push(norm);
        w.iter_mut().for_each(|x| *x /= norm);
        v = w;
    }
    value
}

/// The largest eigenvalue of a symmetric tridiagonal matrix: bisection between Gershgorin's bounds, counting the
/// eigenvalues above by the signs of the pivots (Sylvester's law of inertia).
fn largest_of_tridiagonal(diagonal: &[f64], beside: &[f64]) -> f64 {
    let n = diagonal.len();
    let around = |i: usize| {
        let (before, after) = (
            if i > 0 { beside[i - 1] } else { 0.0 },
            if i + 1 < n { beside[i] } else { 0.0 },
        );
        diagonal[i] + before + after
    };
    let mut high = (0..n).map(around).fold(f64::NEG_INFINITY, f64::max);
    let mut low = diagonal.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !(high.is_finite() && low.is_finite()) {
        return f64::INFINITY;
    }
    // no eigenvalue is above x where all pivots of T − x are negative
    let none_above = |x: f64| {
        let mut pivot = diagonal[0] - x;
        for i in 1..n {
            if pivot >= 0.0 {
                return false;
            }
            pivot = diagonal[i] - x - beside[i - 1] * beside[i - 1] / pivot;
        }
        pivot < 0.0
    };
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        match none_above(middle) {
            true => high = middle,
            false => low = middle,
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvalues_of_known_matrices() {
        // the second difference of order n: 2 + 2 cos(π / (n + 1)) is the largest
        let n = 12;
        let want = 2.0 + 2.0 * (std::f64::consts::PI / (n as f64 + 1.0)).cos();
        assert!((largest_of_tridiagonal(&vec![2.0; n], &vec![1.0; n - 1]) - want).abs() < 1e-9);
        let apply =
            |v: &[f64]| -> Vec<f64> { v.iter().enumerate().map(|(i, x)| x * (1.0 + i as f64)).collect() };
        assert!((largest_eigenvalue(40, &apply) / 40.0 - 1.0).abs() < 1e-2);
        assert_eq!(largest_eigenvalue(1, &|v| vec![3.0 * v[0]]), 3.0);
    }
}
