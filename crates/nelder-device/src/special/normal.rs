//! The standard normal distribution: both tails, their logarithms, and quantiles.
//!
//! A tail is computed directly, never as one minus the other, so areas down to the smallest double keep their
//! digits. `NaN`, and areas outside [0, 1], give `NaN`.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, LN_2, PI};

/// Rest of 1/√2: 1/√2 − `FRAC_1_SQRT_2`.
const FRAC_1_SQRT_2_REST: f64 = -4.833_646_656_726_457e-17;

/// P(Z ≤ z), R's `pnorm(z)`.
///
/// ```
/// use nelder_device::special::normal;
/// assert_eq!(normal::cdf(0.0), 0.5);
/// assert!((normal::cdf(1.959963984540054) - 0.975).abs() < 1e-15);
/// ```
pub fn cdf(z: f64) -> f64 {
    sf(-z)
}

/// P(Z > z), R's `pnorm(z, lower.tail = FALSE)`.
pub fn sf(z: f64) -> f64 {
    let y = z * FRAC_1_SQRT_2;
    let value = libm::erfc(y);
    if !(value > 0.0 && y.abs() < 40.0) {
        return 0.5 * value;
    }
    // erfc magnifies the rounding of y by 2 y²; one step of Taylor takes it back.
    let rest = libm::fma(z, FRAC_1_SQRT_2, -y) + z * FRAC_1_SQRT_2_REST;
    0.5 * (value - FRAC_2_SQRT_PI * (-y * y).exp() * rest)
}

/// log P(Z ≤ z), R's `pnorm(z, log.p = TRUE)`.
pub fn ln_cdf(z: f64) -> f64 {
    ln_sf(-z)
}

/// log P(Z > z), also where the area itself is below the smallest double.
pub fn ln_sf(z: f64) -> f64 {
    if z < 0.0 {
        return (-sf(-z)).ln_1p();
    }
    if z < 10.0 {
        return sf(z).ln();
    }
    if z.is_infinite() {
        return f64::NEG_INFINITY;
    }
    -0.5 * z * z - 0.5 * (2.0 * PI).ln() + mills(z).ln()
}

/// Mills' ratio, upper tail over density, for z ≥ 10 (Laplace's continued fraction).
fn mills(z: f64) -> f64 {
    let mut tail = z;
    for k in (1..=40).rev() {
        tail = z + f64::from(k) / tail;
    }
    1.0 / tail
}

/// The point with P(Z ≤ z) = p, R's `qnorm(p)`.
pub fn quantile(p: f64) -> f64 {
    -quantile_upper(p)
}

/// The point with P(Z > z) = p, R's `qnorm(p, lower.tail = FALSE)`.
///
/// ```
/// use nelder_device::special::normal;
/// assert!((normal::quantile_upper(0.025) - 1.959963984540054).abs() < 1e-15);
/// ```
pub fn quantile_upper(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let small = p.min(1.0 - p);
    if small == 0.0 {
        return if p == 0.0 {
            f64::INFINITY
        } else {
            f64::NEG_INFINITY
        };
    }
    let size = if small > 0.25 {
        central(2.0 * (p - 0.5).abs())
    } else {
        outer(small)
    };
    if p > 0.5 { -size } else { size }
}

/// z ≥ 0 with P(|Z| ≤ z) = area, for area ≤ 1/2: Halley's method on erf.
fn central(area: f64) -> f64 {
    // x = z/√2; erf'' = -2x erf'.
    let mut x = area / FRAC_2_SQRT_PI;
    for _ in 0..8 {
        let step = (libm::erf(x) - area) / (FRAC_2_SQRT_PI * (-x * x).exp());
        let step = step / (1.0 + x * step);
        x -= step;
        if step.abs() <= 1e-17 * x.abs() {
            break;
        }
    }
    x * std::f64::consts::SQRT_2
}

/// z with P(Z > z) = area, for area ≤ 1/4: Newton's method on the logarithm, from Hastings' approximation.
fn outer(area: f64) -> f64 {
    let target = area.ln();
    let t = (-2.0 * target).sqrt();
    let mut z = t - (2.30753 + 0.27061 * t) / (1.0 + t * (0.99229 + 0.04481 * t));
    for _ in 0..8 {
        let ln_tail = ln_sf(z);
        let ln_density = -0.5 * z * z - 0.5 * (PI.ln() + LN_2);
        let step = (ln_tail - target) * (ln_tail - ln_density).exp();
        z += step;
        if step.abs() <= 2e-16 * z {
            break;
        }
    }
    z
}
