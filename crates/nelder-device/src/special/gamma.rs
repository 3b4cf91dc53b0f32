//! The logarithm of the gamma function, its derivatives, and what Stirling's formula leaves over of it.

use super::x_minus_log1p;
use crate::Dd;

/// From here on the asymptotic series below are exact to double precision.
const LARGE: f64 = 10.0;

/// `log |Γ(x)|`, R's `lgamma`: `Inf` at 0 and at the negative whole numbers. The error is about an ulp for
/// `x > 0`; next to the zeros at negative `x` it is an ulp of one.
///
/// ```
/// assert_eq!(nelder_device::special::ln_gamma(2.0), 0.0);
/// ```
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// `ψ(x)`, the derivative of `log Γ(x)`, R's `digamma`; `NaN` unless `x > 0`. The error is below 4 ulp of the
/// larger of the value and one.
///
/// ```
/// use nelder_device::special::digamma;
/// assert!((digamma(4.0) - digamma(3.0) - 1.0 / 3.0).abs() < 1e-15);
/// ```
pub fn digamma(x: f64) -> f64 {
    if !(x > 0.0) {
        return f64::NAN;
    }
    // ψ(x) = ψ(x + 1) - 1/x; the sum is compensated, as what it leaves may be small beside it
    let (mut z, mut shift) = (x, Dd::ZERO);
    while z < LARGE {
        let sum = Dd::two_sum(shift.hi, 1.0 / z);
        shift = Dd {
            hi: sum.hi,
            lo: shift.lo + sum.lo,
        };
        z += 1.0;
    }
    if shift.hi.is_infinite() {
        return -shift.hi;
    }
    // DLMF 5.11.2: B(2k) / 2k
    const COEFFICIENTS: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 120.0,
        1.0 / 252.0,
        -1.0 / 240.0,
        1.0 / 132.0,
        -691.0 / 32_760.0,
        1.0 / 12.0,
        -3617.0 / 8160.0,
    ];
    let inverse = 1.0 / z;
    let square = inverse * inverse;
    let series = COEFFICIENTS.iter().rev().fold(0.0, |sum, c| sum * square + c);
    (z.ln() - shift.hi) - (shift.lo + (0.5 * inverse + series * square))
}

/// `ψ'(x)`, the second derivative of `log Γ(x)`, R's `trigamma`; `NaN` unless `x > 0`, and `Inf` where it exceeds
/// the largest double. The error is below 4 ulp of the larger of the value and one.
///
/// ```
/// use nelder_device::special::trigamma;
/// assert!((trigamma(1.0) - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-15);
/// ```
pub fn trigamma(x: f64) -> f64 {
    if !(x > 0.0) {
        return f64::NAN;
    }
    // ψ'(x) = ψ'(x + 1) + 1/x²: positive terms only
    let (mut z, mut shift) = (x, 0.0);
    while z < LARGE {
        let inverse = 1.0 / z;
        shift += inverse * inverse;
        z += 1.0;
    }
    // DLMF 5.15.8: B(2k)
    const COEFFICIENTS: [f64; 9] = [
        1.0 / 6.0,
        -1.0 / 30.0,
        1.0 / 42.0,
        -1.0 / 30.0,
        5.0 / 66.0,
        -691.0 / 2730.0,
        7.0 / 6.0,
        -3617.0 / 510.0,
        43_867.0 / 798.0,
    ];
    let inverse = 1.0 / z;
    let square = inverse * inverse;
    let series = COEFFICIENTS.iter().rev().fold(0.0, |sum, c| sum * square + c);
    shift + (inverse + (0.5 * square + series * square * inverse))
}

/// Stirling's errors of the whole numbers from 1 to 11 (mpmath, 20 digits).
const STIRLING_ERRORS: [f64; 11] = [
    0.08106146679532725822,
    0.041340695955409294094,
    0.027677925684998339149,
    0.020790672103765093112,
    0.016644691189821192163,
    0.013876128823070747999,
    0.011896709945891770095,
    0.010411265261972096497,
    0.0092554621827127329177,
    0.0083305634333628712565,
    0.007573675487951840795,
];

/// Stirling's error: `log Γ(z) - [(z - 1/2) log z - z + log(2π)/2]`, which is
/// `log Γ(z + 1) - [(z + 1/2) log z - z + log(2π)/2]`, R's `stirlerr`. `Inf` at 0, `NaN` below.
///
/// The absolute error is a few ulp of one, for `z < 1` of the value.
///
/// ```
/// // 1! = 1
/// let left = 1.0 - 0.5 * (2.0 * std::f64::consts::PI).ln();
/// assert!((nelder_device::special::stirling_error(1.0) - left).abs() < 1e-15);
/// ```
pub fn stirling_error(z: f64) -> f64 {
    if !(z >= 0.0) {
        return f64::NAN;
    }
    if z == z.trunc() && (1.0..12.0).contains(&z) {
        return STIRLING_ERRORS[z as usize - 1];
    }
    let mut z = z;
    let mut shift = 0.0;
    // The asymptotic series is exact to double precision from 12 on; below, the error of z and of z + 1 differ by
    // (z + 1/2) log(1 + 1/z) - 1.
    while z < 12.0 {
        let inverse = 1.0 / z;
        shift += if z > 2.0 {
            0.5 * inverse - (z + 0.5) * x_minus_log1p(inverse)
        } else if z < 1.0 {
            (z + 0.5) * (z.ln_1p() - z.ln()) - 1.0
        } else {
            (z + 0.5) * inverse.ln_1p() - 1.0
        };
        z += 1.0;
    }
    // Bernoulli numbers B(2k) / (2k (2k - 1)).
    const COEFFICIENTS: [f64; 9] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
        -3617.0 / 122_400.0,
        43867.0 / 244_188.0,
    ];
    let inverse = 1.0 / z;
    let inverse2 = inverse * inverse;
    let series = COEFFICIENTS.iter().rev().fold(0.0, |sum, c| sum * inverse2 + c);
    shift + series * inverse
}

#[cfg(test)]
#[path = "gamma_tests.rs"]
mod tests;
