//! The normal distribution and the gamma function as straight-line code.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};

use super::coefficients as table;
use super::elementary::{cosine_near, exp, log, log1p, sine_near, two_sum};
use crate::machine::X;

/// erfc (fdlibm's ranges): its own tail keeps its digits.
fn erfc(x: X<'_>) -> X<'_> {
    let size = x.abs();
    // below 0.84375
    let z = x * x;
    let y = z.polynomial(&table::ERF_NUMERATOR) / z.polynomial(&table::ERF_DENOMINATOR);
    let small = -x.fma(y, x) + 1.0;
    let larger = -((x - 0.5) + x * y) + 0.5;
    let near = x.less(0.25).choose(small, larger);
    // below 1.25
    let s = size - 1.0;
    let ratio = s.polynomial(&table::ERFC_NEAR_NUMERATOR) / s.polynomial(&table::ERFC_NEAR_DENOMINATOR);
    let middle = -ratio + (1.0 - 8.45062911510467529297e-01);
    // above: exp(-x²) with the square of the leading bits exact
    let s = x.number(1.0) / z;
    let inner = size.less(1.0 / 0.35);
    let numerator = inner.choose(
        s.polynomial(&table::ERFC_MIDDLE_NUMERATOR),
        s.polynomial(&table::ERFC_FAR_NUMERATOR),
    );
    let denominator = inner.choose(
        s.polynomial(&table::ERFC_MIDDLE_DENOMINATOR),
        s.polynomial(&table::ERFC_FAR_DENOMINATOR),
    );
    let c = size * 134_217_729.0;
    let lead = c - (c - size);
    let first = exp((-lead).fma(lead, -0.5625), None);
    let second = exp((lead - size) * (lead + size) + numerator / denominator, None);
    let far = first * second / size;
    let tail = size.less(1.25).choose(middle, far);
    let tail = size.less(28.0).choose(tail, 0.0);
    let outside = x.less(0.0).choose(-tail + 2.0, tail);
    let value = size.less(0.84375).choose(near, outside);
    x.is_number().choose(value, x)
}

/// P(Z > z).
fn normal_upper(z: X<'_>) -> X<'_> {
    const REST: f64 = -4.833_646_656_726_457e-17;
    let y = z * FRAC_1_SQRT_2;
    let value = erfc(y);
    // erfc magnifies the rounding of y by 2 y²; one step of Taylor takes it back
    let rest = z.fma(FRAC_1_SQRT_2, -y) + z * REST;
    let density = exp(-y * y, None) * FRAC_2_SQRT_PI;
    let better = (value - density * rest) * 0.5;
    let inside = value.above(0.0).and(y.abs().less(40.0));
    inside.choose(better, value * 0.5)
}

/// P(Z ≤ z).
pub(super) fn normal_lower(z: X<'_>) -> X<'_> {
    normal_upper(-z)
}

/// The z with P(Z ≤ z) = p (Wichura 1988, AS 241).
pub(super) fn normal_quantile(p: X<'_>) -> X<'_> {
    let q = p - 0.5;
    let r = -(q * q) + 0.180625;
    let centre = q
        * (r.polynomial(&table::QUANTILE_CENTRE_NUMERATOR)
            / r.polynomial(&table::QUANTILE_CENTRE_DENOMINATOR));
    let below = q.less(0.0);
    let small = below.choose(p, -p + 1.0);
    let root = (-log(small)).root();
    let (tail, far) = (root - 1.6, root - 5.0);
    let tail =
        tail.polynomial(&table::QUANTILE_TAIL_NUMERATOR) / tail.polynomial(&table::QUANTILE_TAIL_DENOMINATOR);
    let far =
        far.polynomial(&table::QUANTILE_FAR_NUMERATOR) / far.polynomial(&table::QUANTILE_FAR_DENOMINATOR);
    let outer = root.not_above(5.0).choose(tail, far);
    let outer = below.choose(-outer, outer);
    let value = q.abs().not_above(0.425).choose(centre, outer);
    let value = p.equal(0.0).choose(f64::NEG_INFINITY, value);
    let value = p.equal(1.0).choose(f64::INFINITY, value);
    p.not_below(0.0).and(p.not_above(1.0)).choose(value, f64::NAN)
}

/// |sin πx| for x ≥ 0.
fn sine_of_pi(x: X<'_>) -> X<'_> {
    // to within a quarter of a whole number of halves
    let halves = (x * 2.0).nearest();
    let r = halves.fma(-0.5, x) * PI;
    let none = x.number(0.0);
    let whole = halves * 0.5;
    let even = whole.truncate().equal(whole);
    even.choose(sine_near(r, none), cosine_near(r, none)).abs()
}

/// log Γ of a positive number: fdlibm's ranges.
fn log_gamma_above(x: X<'_>) -> X<'_> {
    let logarithm = log(x);
    // below 2: 1, the least value, or 2 is near
    let low = x.less(0.9);
    let upper = low.choose(x.not_below(0.73163), x.not_below(1.73163));
    let centre = low.choose(x.not_below(0.23163), x.not_below(1.23163));
    // x near the least value: the centre less one is exact
    let from_two = low.choose(-x + 1.0, -x + 2.0);
    let from_least = low.choose(x - (table::GAMMA_LEAST_AT - 1.0), x - table::GAMMA_LEAST_AT);
    let from_one = low.choose(x, x - 1.0);
    let y = from_two;
    let z = y * y;
    let near_two = y.fma(
        z.polynomial(&table::GAMMA_NEAR_EVEN),
        z * z.polynomial(&table::GAMMA_NEAR_ODD),
    ) - y * 0.5;
    let y = from_least;
    let z = y * y;
    let w = z * y;
    let inner = y.fma(
        w.polynomial(&table::GAMMA_LEAST_THIRD),
        w.polynomial(&table::GAMMA_LEAST_SECOND),
    );
    let near_least = (z * w.polynomial(&table::GAMMA_LEAST_FIRST) - (-(w * inner) + table::GAMMA_LEAST_REST))
        + table::GAMMA_LEAST;
    let y = from_one;
    let near_one =
        y * y.polynomial(&table::GAMMA_ONE_NUMERATOR) / y.polynomial(&table::GAMMA_ONE_DENOMINATOR) - y * 0.5;
    let found = upper.choose(near_two, centre.choose(near_least, near_one));
    let below_two = low.choose(found - logarithm, found);
    // below 8: log Γ(2 + y) and the logarithm of a product
    let whole = x.floor();
    let y = x - whole;
    let near =
        y * y.polynomial(&table::GAMMA_TWO_NUMERATOR) / y.polynomial(&table::GAMMA_TWO_DENOMINATOR) + y * 0.5;
    let mut product = x.number(1.0);
    for k in [6.0, 5.0, 4.0, 3.0, 2.0] {
        product = product * whole.not_below(k + 1.0).choose(y + k, 1.0);
    }
    let below_eight = near + log(product);
    // beyond
    let inverse = x.number(1.0) / x;
    let square = inverse * inverse;
    let series = inverse.fma(square.polynomial(&table::GAMMA_FAR), table::GAMMA_FAR_CONSTANT);
    let far = (x - 0.5).fma(logarithm - 1.0, series);
    let huge = x * (logarithm - 1.0);
    let beyond = x.less(2f64.powi(58)).choose(far, huge);
    let value = x.less(8.0).choose(below_eight, beyond);
    let value = x.less(2.0).choose(below_two, value);
    let value = x.less(2f64.powi(-70)).choose(-logarithm, value);
    let value = x.equal(1.0).or(x.equal(2.0)).choose(0.0, value);
    x.equal(f64::INFINITY).choose(x, value)
}

/// log |Γ(x)|.
pub(super) fn log_gamma(x: X<'_>) -> X<'_> {
    let size = x.abs();
    let above = log_gamma_above(size);
    let sine = sine_of_pi(size);
    let reflected = log(x.number(PI) / (sine * size)) - above;
    let tiny = size.less(2f64.powi(-70));
    let negative = tiny.choose(above, reflected);
    let value = x.less(0.0).choose(negative, above);
    let pole = x.not_above(0.0).and(x.truncate().equal(x));
    let value = pole.choose(f64::INFINITY, value);
    x.is_number().choose(value, x)
}

/// ψ(x) of a positive number.
pub(super) fn digamma(x: X<'_>) -> X<'_> {
    const SERIES: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 120.0,
        1.0 / 252.0,
        -1.0 / 240.0,
        1.0 / 132.0,
        -691.0 / 32_760.0,
        1.0 / 12.0,
        -3617.0 / 8160.0,
    ];
    let (mut z, mut high, mut low) = (x, x.number(0.0), x.number(0.0));
    for _ in 0..10 {
        let small = z.less(10.0);
        let (sum, rest) = two_sum(high, x.number(1.0) / z);
        high = small.choose(sum, high);
        low = small.choose(low + rest, low);
        z = small.choose(z + 1.0, z);
    }
    let inverse = x.number(1.0) / z;
    let square = inverse * inverse;
    let series = square.polynomial(&SERIES);
    let value = (log(z) - high) - (low + (inverse * 0.5 + series * square));
    let value = high.equal(f64::INFINITY).choose(f64::NEG_INFINITY, value);
    x.above(0.0).choose(value, f64::NAN)
}

/// ψ'(x) of a positive number.
pub(super) fn trigamma(x: X<'_>) -> X<'_> {
    const SERIES: [f64; 9] = [
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
    let (mut z, mut shift) = (x, x.number(0.0));
    for _ in 0..10 {
        let small = z.less(10.0);
        let inverse = x.number(1.0) / z;
        shift = small.choose(shift + inverse * inverse, shift);
        z = small.choose(z + 1.0, z);
    }
    let inverse = x.number(1.0) / z;
    let square = inverse * inverse;
    let series = square.polynomial(&SERIES);
    let value = shift + (inverse + (square * 0.5 + series * square * inverse));
    x.above(0.0).choose(value, f64::NAN)
}

/// Stirling's error. The asymptotic series is exact to double precision from 7 on; below, the errors of z and z + 1 differ by
/// (z + 1/2) log(1 + 1/z) − 1 = s²/3 + s⁴/5 + … with s = 1 / (2 z + 1).
pub(super) fn stirling_error(x: X<'_>) -> X<'_> {
    const SERIES: [f64; 11] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
        -3617.0 / 122_400.0,
        43_867.0 / 244_188.0,
        -174_611.0 / 125_400.0,
        77_683.0 / 5796.0,
    ];
    let terms: Vec<f64> = (1..=17).map(|k| 1.0 / f64::from(2 * k + 1)).collect();
    let (mut z, mut shift) = (x, x.number(0.0));
    for step in 0..7 {
        let small = z.less(7.0);
        let s = x.number(1.0) / z.fma(2.0, 1.0);
        let square = s * s;
        let mut apart = square * square.polynomial(&terms);
        if step == 0 {
            let below = (z + 0.5) * (log1p(z) - log(z)) - 1.0;
            apart = z.less(1.0).choose(below, apart);
        }
        shift = small.choose(shift + apart, shift);
        z = small.choose(z + 1.0, z);
    }
    let inverse = x.number(1.0) / z;
    let value = shift + (inverse * inverse).polynomial(&SERIES) * inverse;
    x.not_below(0.0).choose(value, f64::NAN)
}
