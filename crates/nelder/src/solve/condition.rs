//! The condition of the scaled, centred design.

use super::Factor;

/// Estimate of κ₂ of the design with centred columns of unit norm: the square root of the condition of its
/// correlation matrix, each extreme eigenvalue by power iteration, which comes from below; the norms that bound
/// them from above are not used because they would call good designs bad.
pub fn condition(factor: &Factor) -> f64 {
    let r = factor.accepted.len();
    if r == 0 {
        return 1.0;
    }
    let inverse = &factor.inverse;
    // largest eigenvalue of the inverse by power iteration on it
    let start: Vec<f64> = (0..r).map(|i| 1.0 + ((i * 7919) % 101) as f64 / 101.0).collect();
    let power = |apply: &dyn Fn(&[f64]) -> Vec<f64>| {
        let mut v = start.clone();
        let mut value: f64 = 0.0;
        for _ in 0..30 {
            let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            if !(norm > 0.0 && norm.is_finite()) {
                return f64::INFINITY;
            }
            v.iter_mut().for_each(|x| *x /= norm);
            let w = apply(&v);
            let new = w.iter().map(|x| x * x).sum::<f64>().sqrt();
            let settled = (new - value).abs() <= 1e-3 * new;
            value = new;
            v = w;
            if settled {
                break;
            }
        }
        value
    };
    let times = |v: &[f64]| -> Vec<f64> {
        let mut w = vec![0.0; r];
        for (j, &x) in v.iter().enumerate() {
            let column = inverse.col_as_slice(j);
            w.iter_mut().zip(column).for_each(|(w, v)| *w += v * x);
        }
        w
    };
    let smallest = power(&times);
    let largest = power(&|v: &[f64]| factor.multiply(v));
    (smallest * largest).sqrt().max(1.0)
}
