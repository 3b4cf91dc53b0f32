//! Decompositions of matrices, on devices that have them.

use nelder_device::{Backend, Decomposed, DeviceError};

use crate::Outcome;

/// The correlations ρ^|i − j| of a first-order autoregression, whose factor and inverse are known in closed form, with
/// scales: the lower triangle by rows.
fn autoregression(scales: &[f64], rho: f64) -> Vec<f64> {
    let entry = |i: usize, j: usize| rho.powi((i - j) as i32) * scales[i] * scales[j];
    (0..scales.len())
        .flat_map(|i| (0..=i).map(move |j| entry(i, j)))
        .collect()
}

/// The largest errors of L and of A⁻¹ that the device found.
fn errors(found: &Decomposed, order: usize, rho: f64) -> (f64, f64) {
    let rest = 1.0 - rho * rho;
    let (mut lower, mut inverse) = (0f64, 0f64);
    for j in 0..order {
        for i in 0..order {
            let l = match (i >= j, j) {
                (false, _) => 0.0,
                (true, 0) => rho.powi(i as i32),
                (true, _) => rho.powi((i - j) as i32) * rest.sqrt(),
            };
            let v = match i.abs_diff(j) {
                0 if i == 0 || i + 1 == order => 1.0 / rest,
                0 => (1.0 + rho * rho) / rest,
                1 => -rho / rest,
                _ => 0.0,
            };
            // what is no number is no small error
            let worse = |a: f64, b: f64| if b.is_nan() { f64::INFINITY } else { a.max(b) };
            lower = worse(lower, (found.lower[j * order + i] - l).abs());
            inverse = worse(inverse, (found.inverse[j * order + i] - v).abs());
        }
    }
    (lower, inverse)
}

/// Cholesky: within 8 √n κ ε of L, whose norm is below √κ, and of A⁻¹ relative to its norm (Higham 2002, theorems 10.3 and
/// 10.8, with rounding errors of random signs), κ = ((1 + ρ) / (1 − ρ))².
pub fn check(backend: &dyn Backend, outcome: &mut Outcome) -> Result<(), DeviceError> {
    for (order, rho) in [
        (3, 0.5),
        (384, 0.5),
        (400, 0.9),
        (449, -0.8),
        (800, 0.3),
        (1023, 0.99),
    ] {
        let scales: Vec<f64> = (0..order).map(|i| 2f64.powi((i % 80) as i32 - 40)).collect();
        let mut packed = autoregression(&scales, rho);
        if let Some(found) = backend.cholesky(&packed, &scales)? {
            outcome.compared += 2 * order * order;
            let whole = found.lower.len() == order * order && found.inverse.len() == order * order;
            let (lower, inverse) = match whole {
                true => errors(&found, order, rho),
                false => (f64::INFINITY, f64::INFINITY),
            };
            let condition = ((1.0 + rho.abs()) / (1.0 - rho.abs())).powi(2);
            let bound = 8.0 * (order as f64).sqrt() * condition * f64::EPSILON;
            let norm = (1.0 + rho.abs()) / (1.0 - rho.abs());
            if !(lower <= bound && inverse <= bound * norm && found.growth >= 1.0) {
                outcome.failures.push(format!(
                    "cholesky of order {order}: L by {lower:e}, the inverse by {inverse:e}, {bound:e} allowed"
                ));
            }
        }
        // no positive definite matrix
        packed[(order - 1) * order / 2] = 2.0 * scales[order - 1] * scales[0];
        outcome.compared += 1;
        if backend.cholesky(&packed, &scales)?.is_some() {
            let failure = format!("cholesky of order {order}: an indefinite matrix is taken");
            outcome.failures.push(failure);
        }
    }
    outcome.compared += 1;
    if !matches!(
        backend.cholesky(&[1.0; 7], &[1.0; 400]),
        Err(DeviceError::Length { .. }) | Ok(None)
    ) {
        let failure = "a triangle of 7 numbers passes for one of order 400";
        outcome.failures.push(failure.into());
    }
    Ok(())
}
