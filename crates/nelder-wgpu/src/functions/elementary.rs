//! Exponentials, logarithms, powers and circular functions as straight-line code.
//!
//! The exponential and the logarithms are those of `nelder_device::special`, step by step.

use super::coefficients::{ARC_EVEN, ARC_HIGH, ARC_LOW, ARC_ODD, COSINE, SINE};
use crate::machine::X;

use nelder_device::special::{EXPONENTIAL, LN_2_HIGH, LN_2_LOW, LOGARITHM};

use std::f64::consts::{FRAC_2_PI, LOG2_E};

/// a + b and its rounding error (Knuth).
pub(super) fn two_sum<'w>(a: X<'w>, b: X<'w>) -> (X<'w>, X<'w>) {
    let sum = a + b;
    let back = sum - a;
    (sum, (a - (sum - back)) + (b - back))
}

/// a b and its rounding error.
pub(super) fn two_product<'w>(a: X<'w>, b: X<'w>) -> (X<'w>, X<'w>) {
    let product = a * b;
    (product, a.fma(b, -product))
}

/// x between two numbers; NaN stays.
pub(super) fn clamped<'w>(x: X<'w>, least: f64, most: f64) -> X<'w> {
    let x = x.above(most).choose(most, x);
    x.less(least).choose(least, x)
}

/// x = k log 2 + r + rest: k, r, rest.
fn reduced(x: X<'_>) -> (X<'_>, X<'_>, X<'_>) {
    let k = (x * LOG2_E).nearest();
    let high = k.fma(-LN_2_HIGH, x);
    let less = k * LN_2_LOW;
    let r = high - less;
    (k, r, (high - r) - less)
}

/// exp(r + rest) - 1 - r.
fn beyond_linear<'w>(r: X<'w>, rest: X<'w>) -> X<'w> {
    let cubic = r.polynomial(&EXPONENTIAL);
    let smaller = (r * r).fma(r * cubic, rest.fma(r, rest));
    (r * 0.5).fma(r, smaller)
}

/// e^(x + low).
pub(super) fn exp<'w>(x: X<'w>, low: Option<X<'w>>) -> X<'w> {
    let x = clamped(x, -746.0, 710.0);
    let (k, r, rest) = reduced(x);
    let tail = beyond_linear(r, rest);
    let sum = r + 1.0;
    let value = sum + ((r - (sum - 1.0)) + tail);
    low.map_or(value, |low| value.fma(low, value)).scale(k)
}

/// e^x - 1.
pub(super) fn expm1(x: X<'_>) -> X<'_> {
    let (k, r, rest) = reduced(clamped(x, -40.0, 710.0));
    let tail = beyond_linear(r, rest);
    // (e^x - 1) / 2 = s e^r - 1/2 with s = 2^(k - 1), which does not overflow
    let scale = x.number(0.5).scale(k);
    let (whole, whole_rest) = two_sum(scale, x.number(-0.5));
    let (sum, sum_rest) = two_sum(whole, scale * r);
    let low = scale.fma(tail, sum_rest + whole_rest);
    let value = (sum + low) * 2.0;
    // keeps -0
    x.abs().less(1e-17).choose(x, value)
}

/// x = 2^k (1 + f).
fn split(x: X<'_>) -> (X<'_>, X<'_>) {
    let k = x.exponent();
    let m = x.scale(-k);
    let large = m.above(std::f64::consts::SQRT_2);
    let m = large.choose(m * 0.5, m);
    (large.choose(k + 1.0, k), m - 1.0)
}

/// log(1 + f) = first + rest + tail.
struct Pieces<'w> {
    first: X<'w>,
    rest: X<'w>,
    tail: X<'w>,
}

impl<'w> Pieces<'w> {
    fn of(f: X<'w>) -> Pieces<'w> {
        let s = f / (f + 2.0);
        let minus_half = f * -0.5;
        let z = s * s;
        let series = z.polynomial(&LOGARITHM);
        let first = minus_half.fma(f, f);
        Pieces {
            first,
            rest: minus_half.fma(f, f - first),
            tail: s * series.fma(z, -(minus_half * f)),
        }
    }

    /// k log 2 + log(1 + f) as a sum of two.
    fn plus(&self, k: X<'w>) -> (X<'w>, X<'w>) {
        let whole = k * LN_2_HIGH;
        let high = whole + self.first;
        let high_rest = (whole - high) + self.first;
        (high, k.fma(LN_2_LOW, self.tail) + (self.rest + high_rest))
    }
}

/// The logarithm of x, which is `value` where x is positive and finite.
fn at_the_ends<'w>(x: X<'w>, value: X<'w>) -> X<'w> {
    let value = x.above(0.0).choose(value, f64::NAN);
    let value = x.equal(0.0).choose(f64::NEG_INFINITY, value);
    x.equal(f64::INFINITY).choose(x, value)
}

/// Natural logarithm.
pub(super) fn log(x: X<'_>) -> X<'_> {
    let (k, f) = split(x);
    let (high, low) = Pieces::of(f).plus(k);
    at_the_ends(x, high + low)
}

/// A logarithm to another base: k `of_two` + log(1 + f) / log base, the constants in two parts.
fn log_to<'w>(x: X<'w>, of_two: (f64, f64), of_e: (f64, f64)) -> X<'w> {
    let (k, f) = split(x);
    let pieces = Pieces::of(f);
    let (high, low) = two_sum(pieces.first, pieces.rest + pieces.tail);
    let (product, error) = two_product(high, x.number(of_e.0));
    let low = low.fma(of_e.0, high.fma(of_e.1, error));
    let (whole, whole_error) = two_product(k, x.number(of_two.0));
    let (sum, rest) = two_sum(whole, product);
    at_the_ends(x, sum + (rest + (k.fma(of_two.1, whole_error) + low)))
}

/// Logarithm to base 2.
pub(super) fn log2(x: X<'_>) -> X<'_> {
    log_to(x, (1.0, 0.0), (LOG2_E, 2.0355273740931033e-17))
}

/// Logarithm to base 10.
pub(super) fn log10(x: X<'_>) -> X<'_> {
    log_to(
        x,
        (std::f64::consts::LOG10_2, -2.8037281277851704e-18),
        (std::f64::consts::LOG10_E, 1.098319650216765e-17),
    )
}

/// 1 + x = 2^k (1 + f), but for the share of its rounding error in the logarithm: k, f, that share, and 1 + x.
fn split_one_more(x: X<'_>) -> (X<'_>, X<'_>, X<'_>, X<'_>) {
    let one_more = x + 1.0;
    let (k, f) = split(one_more);
    let back = one_more - 1.0;
    let rest = ((-(one_more - back) + 1.0) + (x - back)) / one_more;
    let none = k.equal(0.0);
    (k, none.choose(x, f), none.choose(0.0, rest), one_more)
}

/// log(1 + x).
pub(super) fn log1p(x: X<'_>) -> X<'_> {
    let (k, f, rest, one_more) = split_one_more(x);
    let (high, low) = Pieces::of(f).plus(k);
    let value = at_the_ends(one_more, high + (low + rest));
    x.equal(0.0).choose(x, value)
}

/// x - log(1 + x).
pub(super) fn x_minus_log1p(x: X<'_>) -> X<'_> {
    let (k, f, rest, one_more) = split_one_more(x);
    let pieces = Pieces::of(f);
    let near = (f - pieces.first) - (pieces.tail + pieces.rest);
    let (high, low) = pieces.plus(k);
    let far = (x - high) - (low + rest);
    let value = k.equal(0.0).choose(near, far);
    let value = one_more.above(0.0).choose(value, f64::NAN);
    let value = one_more.equal(0.0).choose(f64::INFINITY, value);
    x.equal(f64::INFINITY).choose(x, value)
}

/// log x of a positive number in two parts, to 2^-64 of its size: 2 atanh(f / (2 + f)) by its series, whose leading terms
/// are in twice the precision.
fn log_twice(x: X<'_>) -> (X<'_>, X<'_>) {
    let (k, f) = split(x);
    let (by, by_low) = two_sum(x.number(2.0), f);
    let s = f / by;
    let s_low = ((-s).fma(by, f) - s * by_low) / by;
    let (z, z_low) = two_product(s, s);
    let z_low = (s * 2.0).fma(s_low, z_low);
    let terms: Vec<f64> = (0..12).map(|j| 1.0 / f64::from(2 * j + 5)).collect();
    let higher = z * z * z.polynomial(&terms);
    const THIRD_LOW: f64 = 1.850371707708594e-17;
    let (third, third_low) = two_product(z, x.number(1.0 / 3.0));
    let third_low = z.fma(THIRD_LOW, z_low.fma(1.0 / 3.0, third_low));
    let (w, w_low) = two_sum(third, higher);
    let w_low = w_low + third_low;
    let (s, s_low) = (s * 2.0, s_low * 2.0);
    let (more, more_low) = two_product(s, w);
    let more_low = s.fma(w_low, s_low.fma(w, more_low)) + s_low;
    let (high, first_rest) = two_sum(k * LN_2_HIGH, s);
    let (low, low_error) = two_product(k, x.number(LN_2_LOW));
    let (high, second_rest) = two_sum(high, more);
    let (high, third_rest) = two_sum(high, low);
    let rest = (first_rest + second_rest) + (third_rest + (more_low + low_error));
    two_sum(high, rest)
}

/// x^y as C's `pow`, but NaN for a negative x and an infinite y.
pub(super) fn pow<'w>(x: X<'w>, y: X<'w>) -> X<'w> {
    let size = x.abs();
    let (high, low) = log_twice(size);
    let ordinary = size.above(0.0).and(size.less(f64::INFINITY));
    let ends = size.equal(0.0).choose(f64::NEG_INFINITY, size);
    let plain = y * ordinary.choose(high, ends);
    let product_low = y.fma(high, -plain) + y * low;
    // beyond these the power is 0 or infinite; differences of infinite parts are NaN
    let moderate = plain.abs().less(800.0);
    let exponent = clamped(plain, -800.0, 800.0);
    let power = exp(exponent, Some(moderate.choose(product_low, 0.0)));
    let whole = y.truncate().equal(y);
    let half = y * 0.5;
    let odd = whole.and(half.truncate().equal(half).not());
    let below = x.less(0.0);
    let negative = below.or((x.number(1.0) / x).less(0.0));
    let power = negative.and(odd).choose(-power, power);
    let undefined = below.and(whole.not().and(x.above(f64::NEG_INFINITY)));
    let power = undefined.choose(f64::NAN, power);
    let power = below.and(y.abs().equal(f64::INFINITY)).choose(f64::NAN, power);
    y.equal(0.0).or(x.equal(1.0)).choose(1.0, power)
}

/// sin(r + low) for |r| up to π/4.
pub(super) fn sine_near<'w>(r: X<'w>, low: X<'w>) -> X<'w> {
    let z = r * r;
    let v = z * r;
    let series = z.polynomial(&SINE[1..]);
    r - ((z * (low * 0.5 - v * series) - low) - v * SINE[0])
}

/// cos(r + low) for |r| up to π/4.
pub(super) fn cosine_near<'w>(r: X<'w>, low: X<'w>) -> X<'w> {
    let z = r * r;
    let series = z * z.polynomial(&COSINE);
    let half = z * 0.5;
    let near = -half + 1.0;
    near + (((-near + 1.0) - half) + (z * series - r * low))
}

/// Sine and cosine. The argument is taken to within π/4 of zero with π/2 in three parts (Cody & Waite 1980), which is right
/// below 10⁵ and loses digits beyond; they are NaN from 2³⁰ on.
pub(super) fn circular(x: X<'_>) -> (X<'_>, X<'_>) {
    const PARTS: [f64; 3] = [
        std::f64::consts::FRAC_PI_2,
        6.123233995736766e-17,
        -1.4973849048591833e-33,
    ];
    let k = (x * FRAC_2_PI).nearest();
    let first = (-k).fma(PARTS[0], x);
    let (next, error) = two_product(k, x.number(PARTS[1]));
    let r = first - next;
    let low = ((first - r) - next) - k.fma(PARTS[2], error);
    let (sine, cosine) = (sine_near(r, low), cosine_near(r, low));
    let quarter = (k * 0.25).floor().fma(-4.0, k);
    let odd = quarter.equal(1.0).or(quarter.equal(3.0));
    let (a, b) = (odd.choose(cosine, sine), odd.choose(sine, cosine));
    let upper = quarter.not_below(2.0);
    let turned = quarter.equal(1.0).or(quarter.equal(2.0));
    let inside = x.abs().less(f64::from(1 << 30));
    let a = upper.choose(-a, a);
    let b = turned.choose(-b, b);
    // keeps -0
    let a = x.equal(0.0).choose(x, a);
    (inside.choose(a, f64::NAN), inside.choose(b, f64::NAN))
}

/// Arc tangent: fdlibm's four ranges.
pub(super) fn atan(x: X<'_>) -> X<'_> {
    let size = x.abs();
    let at = [0.4375, 0.6875, 1.1875, 2.4375];
    let beyond: Vec<X<'_>> = at.iter().map(|a| size.not_below(*a)).collect();
    let ranges = [
        (size * 2.0 - 1.0, size + 2.0),
        (size - 1.0, size + 1.0),
        (size - 1.5, size.fma(1.5, 1.0)),
        (x.number(-1.0), size),
    ];
    let (mut above, mut below) = (size, x.number(1.0));
    let (mut high, mut low) = (x.number(0.0), x.number(0.0));
    for (k, (numerator, denominator)) in ranges.into_iter().enumerate() {
        above = beyond[k].choose(numerator, above);
        below = beyond[k].choose(denominator, below);
        high = beyond[k].choose(ARC_HIGH[k], high);
        low = beyond[k].choose(ARC_LOW[k], low);
    }
    let t = above / below;
    let z = t * t;
    let w = z * z;
    let even = z * w.polynomial(&ARC_EVEN);
    let odd = w * w.polynomial(&ARC_ODD);
    let taken = t * (even + odd);
    let value = beyond[0].choose(high - ((taken - low) - t), t - taken);
    let value = x.less(0.0).choose(-value, value);
    x.equal(0.0).choose(x, value)
}
