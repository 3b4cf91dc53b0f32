//! The natural logarithm and its relatives.
//!
//! [`log`], [`log1p`] and [`x_minus_log1p`] have no branches, so that a loop over them inside
//! [`vectorized`](crate::vectorized) is vector code. All write the argument as `2^k (1 + f)` with `1 + f` between
//! `sqrt(1/2)` and `sqrt(2)`, and take fdlibm's polynomial for `log(1 + f)` (Sun Microsystems 1993, `e_log.c`), whose
//! leading terms are added without loss.

use super::exponential::{LN_2_HIGH, LN_2_LOW};

/// fdlibm's `Lg1` to `Lg7`: `log(1 + f) = f - f²/2 + s (f²/2 + R)` with `s = f / (2 + f)` and
/// `R = Lg1 s² + Lg2 s⁴ + …`; leaves a relative error of `2^-58` in `R`'s share.
pub const COEFFICIENTS: [f64; 7] = [
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
];

/// The bits of `sqrt(1/2)`, where the exponents change.
const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
/// The bits of `2^52`: a whole number below it added to them gives that number added to `2^52`.
const TWO_52: u64 = 0x4330_0000_0000_0000;
/// Bias of exponents, added to them so that none is negative.
const BIAS: u64 = 1022;

/// `x = 2^k (1 + f)`: `k` and `f`. For positive normal numbers.
#[inline(always)]
fn split(x: f64) -> (f64, f64) {
    let bits = x.to_bits();
    let shifted = bits.wrapping_sub(ROOT_HALF - (BIAS << 52));
    let k = f64::from_bits((shifted >> 52) | TWO_52) - (f64::from_bits(TWO_52) + BIAS as f64);
    let fraction = shifted & ((1 << 52) - 1);
    (k, f64::from_bits(fraction + ROOT_HALF) - 1.0)
}

/// Pieces of `log(1 + f)`, which is `first + rest + tail`.
struct Pieces {
    /// `f - f²/2`, rounded.
    first: f64,
    /// Its rounding error.
    rest: f64,
    /// `log(1 + f) - f + f²/2`.
    tail: f64,
}

impl Pieces {
    #[inline(always)]
    fn of(f: f64) -> Pieces {
        let s = f / (2.0 + f);
        let minus_half = -0.5 * f;
        let z = s * s;
        // pairs of terms, and a short chain over them
        let (c, w) = (&COEFFICIENTS, z * z);
        let pair = |i: usize| c[i + 1].mul_add(z, c[i]);
        let series = c[6].mul_add(w, pair(4)).mul_add(w, pair(2)).mul_add(w, pair(0));
        let first = minus_half.mul_add(f, f);
        Pieces {
            first,
            // f and first are within a factor of two, so their difference is exact
            rest: minus_half.mul_add(f, f - first),
            tail: s * series.mul_add(z, -(minus_half * f)),
        }
    }

    /// `k log 2 + log(1 + f)` as a sum of two.
    #[inline(always)]
    fn plus(&self, k: f64) -> (f64, f64) {
        // k log 2 is 0 or the larger of the two
        let whole = k * LN_2_HIGH;
        let high = whole + self.first;
        let high_rest = (whole - high) + self.first;
        (high, k.mul_add(LN_2_LOW, self.tail) + (self.rest + high_rest))
    }
}

/// Natural logarithm, to 0.7 ulp: `-Inf` at 0, `NaN` below.
///
/// ```
/// use nelder_device::special::log;
/// assert_eq!(log(2.0), std::f64::consts::LN_2);
/// assert_eq!((log(0.0), log(f64::INFINITY)), (f64::NEG_INFINITY, f64::INFINITY));
/// ```
#[inline(always)]
pub fn log(x: f64) -> f64 {
    // a subnormal number is made a normal one
    let (factor, less) = if x < f64::MIN_POSITIVE {
        (18_014_398_509_481_984.0, 54.0)
    } else {
        (1.0, 0.0)
    };
    let (k, f) = split(x * factor);
    let k = k - less;
    let (high, low) = Pieces::of(f).plus(k);
    at_the_ends(x, high + low)
}

/// `log(1 + x)` without cancellation, to 0.7 ulp: `-Inf` at -1, `NaN` below.
///
/// ```
/// use nelder_device::special::log1p;
/// assert_eq!((log1p(1e-20), log1p(-1.0)), (1e-20, f64::NEG_INFINITY));
/// ```
#[inline(always)]
pub fn log1p(x: f64) -> f64 {
    let (k, f, rest, one_more) = split_one_more(x);
    let (high, low) = Pieces::of(f).plus(k);
    let value = at_the_ends(one_more, high + (low + rest));
    // keeps -0
    if x == 0.0 { x } else { value }
}

/// `x - log(1 + x)`, to 2 ulp; `Inf` at -1, `NaN` below.
///
/// ```
/// use nelder_device::special::x_minus_log1p;
/// // x²/2 - x³/3 + …
/// assert!((x_minus_log1p(1e-6) / 0.4999996666669167e-12 - 1.0).abs() < 1e-15);
/// ```
#[inline(always)]
pub fn x_minus_log1p(x: f64) -> f64 {
    let (k, f, rest, one_more) = split_one_more(x);
    let pieces = Pieces::of(f);
    let near = (f - pieces.first) - (pieces.tail + pieces.rest);
    let (high, low) = pieces.plus(k);
    let far = (x - high) - (low + rest);
    let value = if k == 0.0 { near } else { far };
    // the ends of -log(1 + x), as x is finite at one and the larger at the other
    let value = if one_more > 0.0 { value } else { f64::NAN };
    let value = if one_more == 0.0 { f64::INFINITY } else { value };
    if x == f64::INFINITY { x } else { value }
}

/// `1 + x = 2^k (1 + f)`, but for the share of its rounding error in the logarithm: `k`, `f`, that share, and
/// `1 + x`. Where `k` is 0, `f` is `x` itself.
#[inline(always)]
fn split_one_more(x: f64) -> (f64, f64, f64, f64) {
    let one_more = 1.0 + x;
    let (k, f) = split(one_more);
    let back = one_more - 1.0;
    let rest = ((1.0 - (one_more - back)) + (x - back)) / one_more;
    if k == 0.0 {
        (k, x, 0.0, one_more)
    } else {
        (k, f, rest, one_more)
    }
}

/// The logarithm of `x`, which is `value` where `x` is positive and finite.
#[inline(always)]
fn at_the_ends(x: f64, value: f64) -> f64 {
    let value = if x > 0.0 { value } else { f64::NAN };
    let value = if x == 0.0 { f64::NEG_INFINITY } else { value };
    if x == f64::INFINITY { x } else { value }
}

/// `log(1 - exp(l))` for `l <= 0`.
pub fn log1m_exp(l: f64) -> f64 {
    if l > -std::f64::consts::LN_2 {
        (-l.exp_m1()).ln()
    } else {
        (-l.exp()).ln_1p()
    }
}

#[cfg(test)]
#[path = "logarithm_tests.rs"]
mod tests;
