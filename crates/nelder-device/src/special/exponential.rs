//! The exponential function and its relatives.
//!
//! [`exp`] and [`expm1`] have no branches, so that a loop over them inside [`vectorized`](crate::vectorized) is
//! vector code. Both write `x = k log 2 + r` with whole `k` and `|r| <= log(2) / 2` (Cody & Waite 1980) and take a
//! polynomial for `exp(r)`, whose two leading terms are added without loss.

use std::f64::consts::LOG2_E;

/// The leading 33 bits of log 2 (fdlibm): `k LN_2_HIGH` is exact for `|k| < 2^20`.
pub const LN_2_HIGH: f64 = 6.93147180369123816490e-01;
/// Rest of log 2: log 2 − [`LN_2_HIGH`].
pub const LN_2_LOW: f64 = 1.90821492927058770002e-10;

/// Adding this to a number below `2^51` in size rounds it to a whole one, in the last bits.
const SHIFT: f64 = 6_755_399_441_055_744.0;

/// `(exp(r) - 1 - r - r²/2) / r³` for `|r| <= log(2) / 2`: interpolated at the Chebyshev nodes in 80 digits; leaves
/// an error of `2^-60` in `exp(r)`.
pub const COEFFICIENTS: [f64; 10] = [
    0.16666666666666669,
    0.041666666666666664,
    0.008333333333330051,
    0.0013888888888886545,
    0.00019841269863105968,
    2.4801587317181886e-05,
    2.7557268378684192e-06,
    2.755728291148268e-07,
    2.5100424157005067e-08,
    2.0911264239196083e-09,
];

/// `x = k log 2 + r + rest`: `k + 2048` as an integer, `r`, and the rounding error of `r`.
#[inline(always)]
fn reduced(x: f64) -> (u64, f64, f64) {
    let shifted = x.mul_add(LOG2_E, SHIFT);
    let k = shifted - SHIFT;
    let high = k.mul_add(-LN_2_HIGH, x);
    let low = k * LN_2_LOW;
    let r = high - low;
    let biased = shifted.to_bits().wrapping_sub(SHIFT.to_bits() - 2048);
    (biased, r, (high - r) - low)
}

/// `exp(r + rest) - 1 - r`.
#[inline(always)]
fn beyond_linear(r: f64, rest: f64) -> f64 {
    // pairs of terms, and a short chain over them
    let (c, w) = (&COEFFICIENTS, r * r);
    let pair = |i: usize| c[i + 1].mul_add(r, c[i]);
    let upper = pair(8).mul_add(w, pair(6)).mul_add(w, pair(4));
    let cubic = upper.mul_add(w, pair(2)).mul_add(w, pair(0));
    // r² / 2 last, so that the sum is rounded once
    let smaller = w.mul_add(r * cubic, rest.mul_add(r, rest));
    (0.5 * r).mul_add(r, smaller)
}

/// `e^x`, to 0.6 ulp, 0.8 of the subnormal numbers below -708.39; `Inf` above 709.78, and 0 below -745.13.
///
/// ```
/// use nelder_device::special::exp;
/// assert_eq!(exp(1.0), std::f64::consts::E);
/// assert_eq!((exp(f64::NEG_INFINITY), exp(710.0)), (0.0, f64::INFINITY));
/// ```
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    // comparisons that NaN fails leave it
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let (k, r, rest) = reduced(x);
    let tail = beyond_linear(r, rest);
    let sum = 1.0 + r;
    let value = sum + ((r - (sum - 1.0)) + tail);
    // 2^k in two factors: k runs from -1076 to 1024
    let half = k >> 1;
    let first = f64::from_bits(half.wrapping_sub(1) << 52);
    let second = f64::from_bits(k.wrapping_sub(half).wrapping_sub(1) << 52);
    value * first * second
}

/// `e^x - 1` without cancellation, to 0.8 ulp.
///
/// ```
/// use nelder_device::special::expm1;
/// assert_eq!((expm1(1e-20), expm1(-50.0)), (1e-20, -1.0));
/// ```
#[inline(always)]
pub fn expm1(x: f64) -> f64 {
    let bounded = if x > 710.0 { 710.0 } else { x };
    let bounded = if bounded < -40.0 { -40.0 } else { bounded };
    let (k, r, rest) = reduced(bounded);
    let tail = beyond_linear(r, rest);
    // (e^x - 1) / 2 = s e^r - 1/2 with s = 2^(k - 1), which does not overflow
    let scale = f64::from_bits(k.wrapping_sub(2048 - 1022) << 52);
    let whole = scale - 0.5;
    let whole_rest = (scale - whole) - 0.5;
    let linear = scale * r;
    let sum = whole + linear;
    let back = sum - whole;
    let sum_rest = (whole - (sum - back)) + (linear - back);
    let low = scale.mul_add(tail, sum_rest + whole_rest);
    let value = 2.0 * (sum + low);
    // keeps -0, and the bits that halving a subnormal number loses
    if x.abs() < 1e-17 { x } else { value }
}

/// `exp(s) - 1 - s`, accurate relative to its own size.
pub fn expm1_minus_x(s: f64) -> f64 {
    if s.abs() > 0.7 {
        return s.exp_m1() - s;
    }
    let mut term = 0.5 * s * s;
    let mut sum = term;
    let mut k = 3.0;
    while term.abs() > 1e-17 * sum {
        term *= s / k;
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
#[path = "exponential_tests.rs"]
mod tests;
