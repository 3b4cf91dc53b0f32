//! The regularized incomplete beta function.

use super::Split;
use super::quadrature::tail_integral;
use nelder_device::special::{expm1_minus_x, stirling_error, x_minus_log1p};
use std::f64::consts::PI;

/// Beyond this the ratio is infinite for every purpose but its logarithm.
const HUGE: f64 = 1e150;

/// A positive number with its distance from one and its logarithm, each to full relative accuracy, also where the
/// number itself is too large or too small for a double.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratio {
    value: f64,
    excess: f64,
    ln: f64,
}

impl Ratio {
    pub fn from_ln(ln: f64) -> Self {
        Self {
            value: ln.exp(),
            excess: ln.exp_m1(),
            ln,
        }
    }

    pub fn new(value: f64) -> Self {
        Self {
            value,
            excess: value - 1.0,
            ln: value.ln(),
        }
    }

    pub fn square_of(root: f64) -> Self {
        Self {
            value: root * root,
            excess: (root - 1.0) * (root + 1.0),
            ln: 2.0 * root.ln(),
        }
    }

    fn inverse(self) -> Self {
        let excess = if self.value < HUGE {
            -self.excess / self.value
        } else {
            -1.0
        };
        Self {
            value: 1.0 / self.value,
            excess,
            ln: -self.ln,
        }
    }
}

/// Tails of `X / (1 - X)` for a beta variable with parameters `a, b > 0`, at `(a / b) * ratio`: of an F variable with
/// `2a` and `2b` degrees of freedom at `ratio`.
pub(crate) fn beta_split(a: f64, b: f64, at: Ratio) -> Split {
    if a > b {
        return beta_split(b, a, at.inverse()).swap();
    }
    let Ratio {
        value: ratio,
        excess,
        ln: ln_ratio,
    } = at;
    let n = a + b;
    let centre = a / n;
    // x = a ratio / (b + a ratio), y = 1 - x, and n (x - centre), each to full relative accuracy.
    let grown = 1.0 + centre * excess;
    let (x, y, drift) = if ratio < HUGE {
        (
            centre * ratio / grown,
            (b / n) / grown,
            a * (b / n) * excess / grown,
        )
    } else {
        (1.0, (b / a) * (-ln_ratio).exp(), b)
    };

    // x^a y^b / B(a, b), the density of log X/(1 - X).
    let deviance = if excess.abs() < 0.5 {
        a * x_minus_log1p(excess) - n * x_minus_log1p(centre * excess)
    } else if ratio < HUGE {
        n * (centre * excess).ln_1p() - a * ln_ratio
    } else {
        n * centre.ln() + b * ln_ratio
    };
    let ln_density = 0.5 * (a * (b / n) / (2.0 * PI)).ln() - deviance
        + (stirling_error(n) - stirling_error(b) - stirling_error(a));

    if a >= 200.0 {
        // log E exp(s Z), Z a coin with success x, less its linear part.
        let lower = excess < 0.0;
        let sign = if lower { -1.0 } else { 1.0 };
        let slope = drift.abs();
        let factor = tail_integral(slope, n * x * y, |s| {
            let e = (sign * s).exp_m1();
            slope * s + n * (x * expm1_minus_x(sign * s) - x_minus_log1p(x * e))
        });
        return Split {
            ln_density,
            factor,
            direct_is_lower: lower,
        };
    }
    if n * x < a + 1.0 && x < 0.6 {
        // x^a y^b / (a B) 2F1(a + b, 1; a + 1; x): all terms positive.
        let mut term = 1.0 / a;
        let mut sum = term;
        let mut k = 0.0;
        while term > 1e-17 * sum {
            term *= (n + k) / (a + 1.0 + k) * x;
            sum += term;
            k += 1.0;
        }
        return Split {
            ln_density,
            factor: sum,
            direct_is_lower: true,
        };
    }
    Split {
        ln_density,
        factor: fraction(b, a, y, x, drift),
        direct_is_lower: false,
    }
}

/// `I_x(a, b) B(a, b) / (x^a y^b)`, DiDonato & Morris (1992), for `lambda = a - (a + b) x >= -1`, by Lentz's method.
fn fraction(a: f64, b: f64, x: f64, y: f64, lambda: f64) -> f64 {
    let first = a / (a + 1.0) * (lambda + 1.0);
    let mut value = first;
    let mut c = first;
    let mut d = 0.0;
    let mut n = 1.0;
    loop {
        let s = a + 2.0 * n - 1.0;
        let w = n * (b - n) * x / s;
        let alpha = (a + n - 1.0) / s * (a + b + n - 1.0) * w * x;
        let beta = n + w + (a + n) / (s + 2.0) * (lambda + 1.0 + n * (1.0 + y));
        d = 1.0 / (beta + alpha * d);
        c = beta + alpha / c;
        let change = c * d;
        value *= change;
        if (change - 1.0).abs() < 2e-16 || n > 1e5 {
            return 1.0 / value;
        }
        n += 1.0;
    }
}
