//! Decompositions of matrices, on devices that have them.

use nelder_device::{Dd, Decomposed, DeviceError, GlmKernels, LinearAlgebra, Matrix, Spectrum};

use crate::Outcome;
use crate::values::Random;

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

/// The largest errors of the eigenvalues, of A V − V Λ, and of Vᵀ V: of the second difference of order n, whose eigenvalues are
/// 2 − 2 cos(k π / (n + 1)), k from 1 on.
fn spectrum_errors(found: &Spectrum, order: usize) -> [f64; 3] {
    let worse = |a: f64, b: f64| if b.is_nan() { f64::INFINITY } else { a.max(b) };
    let mut worst = [0.0f64; 3];
    let column = |k: usize| &found.vectors[k * order..(k + 1) * order];
    for (k, &value) in found.values.iter().enumerate() {
        // 4 sin²: nothing cancels
        let half = (k + 1) as f64 * std::f64::consts::PI / (2 * (order + 1)) as f64;
        worst[0] = worse(worst[0], (value - 4.0 * half.sin().powi(2)).abs());
        let v = column(k);
        for i in 0..order {
            let before = if i > 0 { v[i - 1] } else { 0.0 };
            let after = if i + 1 < order { v[i + 1] } else { 0.0 };
            worst[1] = worse(worst[1], (2.0 * v[i] - before - after - value * v[i]).abs());
        }
        for other in k..order {
            let dot: f64 = v.iter().zip(column(other)).map(|(a, b)| a * b).sum();
            worst[2] = worse(worst[2], (dot - f64::from(u8::from(other == k))).abs());
        }
    }
    worst
}

/// Eigenvalues within n ε of the norm, 4, as a backward stable method has them (Golub & Van Loan 2013, 8.3), and vectors
/// orthonormal to n ε.
fn eigen(backend: &dyn LinearAlgebra, outcome: &mut Outcome) -> Result<(), DeviceError> {
    for order in [3, 256, 300, 511] {
        let entry = |i: usize, j: usize| match i.abs_diff(j) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        };
        let mut matrix: Vec<f64> = (0..order * order).map(|k| entry(k % order, k / order)).collect();
        if let Some(found) = backend.eigen(&matrix, order)? {
            outcome.compared += order * (order + 1);
            let whole = found.values.len() == order && found.vectors.len() == order * order;
            let worst = match whole {
                true => spectrum_errors(&found, order),
                false => [f64::INFINITY; 3],
            };
            let unit = order as f64 * f64::EPSILON;
            if !(worst[0] <= 4.0 * unit && worst[1] <= 4.0 * unit && worst[2] <= unit) {
                outcome
                    .failures
                    .push(format!("eigen of order {order}: {worst:?}"));
            }
        }
        outcome.compared += 1;
        matrix[order] = f64::NAN;
        matrix[1] = f64::NAN;
        if backend.eigen(&matrix, order)?.is_some() {
            outcome
                .failures
                .push(format!("eigen of order {order}: what is no number is taken"));
        }
    }
    outcome.compared += 1;
    if !matches!(
        backend.eigen(&[1.0; 7], 300),
        Err(DeviceError::Length { .. }) | Ok(None)
    ) {
        let failure = "a matrix of 7 numbers passes for one of order 300";
        outcome.failures.push(failure.into());
    }
    Ok(())
}

/// Cholesky: within 8 √n κ ε of L, whose norm is below √κ, and of A⁻¹ relative to its norm (Higham 2002, theorems 10.3 and
/// 10.8, with rounding errors of random signs), κ = ((1 + ρ) / (1 − ρ))².
pub fn check(backend: &dyn GlmKernels, outcome: &mut Outcome) -> Result<(), DeviceError> {
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
    eigen(backend, outcome)?;
    projection(backend, outcome)
}

/// Rows on axes: within (√p + 4) ε of the norms of row and axis, where rounding errors have random signs, also where columns are
/// far from the origin and of different sizes.
fn projection(backend: &dyn GlmKernels, outcome: &mut Outcome) -> Result<(), DeviceError> {
    let mut random = Random::new(16);
    for (rows, columns, count) in [(1, 1, 1), (1000, 3, 2), (20_001, 40, 7), (3000, 300, 300)] {
        let far = |j: usize| [0.0, 1e3, -1e8][j % 3];
        let size = |j: usize| 10f64.powi((j % 9) as i32 - 4);
        let mut numbers = |n: usize| -> Vec<f64> { (0..n).map(|_| random.signed()).collect() };
        let mut values = numbers(rows * columns);
        for (j, column) in values.chunks_mut(rows).enumerate() {
            column.iter_mut().for_each(|v| *v = *v * size(j) + far(j));
        }
        let vectors = numbers(columns * count);
        let centres: Vec<Dd> = (0..columns)
            .map(|j| Dd::new(far(j)) + Dd::new(size(j)).div_f64(3.0))
            .collect();
        let scales: Vec<f64> = (0..columns).map(size).collect();
        let x = Matrix::new(backend.upload(&values)?, rows, columns)?;
        let Some(found) = backend.project(&x, &centres, &scales, &vectors)? else {
            return Ok(());
        };
        let found = backend.download(&found)?;
        outcome.compared += rows * count;
        let mut worst = if found.len() == rows * count {
            0.0
        } else {
            f64::INFINITY
        };
        for i in 0..rows.min(found.len() / count) {
            let z: Vec<Dd> = (0..columns)
                .map(|j| (Dd::new(values[j * rows + i]) - centres[j]).div_f64(scales[j]))
                .collect();
            let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>().sqrt();
            let own = norm(&mut z.iter().map(|z| z.hi));
            // a few vectors of many
            for k in (i % 7..count).step_by(7) {
                let vector = &vectors[k * columns..(k + 1) * columns];
                let sum = z
                    .iter()
                    .zip(vector)
                    .fold(Dd::ZERO, |sum, (z, v)| sum + z.mul_f64(*v));
                let error = (sum.add_f64(-found[k * rows + i])).abs().to_f64();
                let error = error / (own * norm(&mut vector.iter().copied()));
                worst = if error.is_nan() {
                    f64::INFINITY
                } else {
                    f64::max(worst, error)
                };
            }
        }
        if !(worst <= ((columns as f64).sqrt() + 4.0) * f64::EPSILON) {
            outcome
                .failures
                .push(format!("projection of {rows} x {columns} on {count}: {worst:e}"));
        }
    }
    outcome.compared += 1;
    let x = Matrix::new(backend.upload(&[1.0; 6])?, 3, 2)?;
    if !matches!(
        backend.project(&x, &[Dd::ZERO; 2], &[1.0; 2], &[1.0; 3]),
        Err(DeviceError::Length { .. }) | Ok(None)
    ) {
        let failure = "three numbers pass for vectors of two columns";
        outcome.failures.push(failure.into());
    }
    Ok(())
}
