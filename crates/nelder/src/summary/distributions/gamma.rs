//! The regularized incomplete gamma function.

use super::Split;
use super::quadrature::tail_integral;
use nelder_device::special::{expm1_minus_x, stirling_error, x_minus_log1p};
use std::f64::consts::PI;

/// Tails of a gamma variable with `shape > 0` and unit scale at `shape * ratio`, where `excess = ratio - 1` is passed
/// beside `ratio` so that a point close to the mean keeps its digits.
pub(crate) fn gamma_split(shape: f64, ratio: f64, excess: f64) -> Split {
    let x = shape * ratio;
    // x^a e^-x / Γ(a), the density of log X.
    let deviance = if excess.abs() < 0.5 {
        shape * x_minus_log1p(excess)
    } else {
        shape * excess - shape * ratio.ln()
    };
    let ln_density = 0.5 * (shape / (2.0 * PI)).ln() - deviance - stirling_error(shape);
    let lower = if shape >= 200.0 {
        ratio < 1.0
    } else {
        x < shape + 1.0
    };
    let factor = if shape >= 200.0 {
        let slope = (shape * excess).abs();
        let sign = if lower { -1.0 } else { 1.0 };
        tail_integral(slope, x, |s| slope * s + x * expm1_minus_x(sign * s))
    } else if lower {
        let mut term = 1.0 / shape;
        let mut sum = term;
        let mut k = shape;
        while term > 1e-17 * sum {
            k += 1.0;
            term *= x / k;
            sum += term;
        }
        sum
    } else {
        legendre_fraction(shape, x)
    };
    Split {
        ln_density,
        factor,
        direct_is_lower: lower,
    }
}

/// `Q(a, x) Γ(a) / (x^a e^-x)` for `x >= a` (DLMF 8.9.2, contracted), by Lentz's method.
fn legendre_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = f64::INFINITY;
    let mut d = 1.0 / b;
    let mut value = d;
    let mut n = 1.0;
    loop {
        let numerator = -n * (n - a);
        b += 2.0;
        d = 1.0 / (b + numerator * d);
        c = b + numerator / c;
        let change = c * d;
        value *= change;
        if (change - 1.0).abs() < 2e-16 || n > 1e5 {
            return value;
        }
        n += 1.0;
    }
}
