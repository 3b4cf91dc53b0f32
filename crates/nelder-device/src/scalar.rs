//! Scalar operations that are more than one instruction, as R defines them.

use crate::special::{self, normal};
use crate::{Binary, Real, Unary};

/// `r`, or `plain`, the same computed in `f64`, where that is infinite or `NaN`: double-doubles have no
/// infinities.
#[inline(always)]
fn guarded<R: Real>(r: R, plain: f64) -> R {
    if R::EPSILON == f64::EPSILON || plain.is_finite() {
        r
    } else {
        R::from_f64(plain)
    }
}

#[inline(always)]
fn truth<R: Real>(b: bool) -> R {
    if b { R::ONE } else { R::ZERO }
}

#[inline(always)]
fn nan<R: Real>() -> R {
    R::from_f64(f64::NAN)
}

#[inline(always)]
pub(crate) fn unary<R: Real>(op: Unary, x: R) -> R {
    let v = x.to_f64();
    match op {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Sqrt => x.sqrt(),
        Unary::Exp => R::from_f64(special::exp(v)),
        Unary::Expm1 => R::from_f64(special::expm1(v)),
        Unary::Log => R::from_f64(special::log(v)),
        Unary::Log1p => R::from_f64(special::log1p(v)),
        Unary::Log2 => R::from_f64(v.log2()),
        Unary::Log10 => R::from_f64(v.log10()),
        Unary::Sin => R::from_f64(v.sin()),
        Unary::Cos => R::from_f64(v.cos()),
        Unary::Tan => R::from_f64(v.tan()),
        Unary::Atan => R::from_f64(v.atan()),
        Unary::NormalCdf => R::from_f64(normal::cdf(v)),
        Unary::NormalQuantile => R::from_f64(normal::quantile(v)),
        Unary::LogGamma => R::from_f64(special::ln_gamma(v)),
        Unary::Digamma => R::from_f64(special::digamma(v)),
        Unary::Trigamma => R::from_f64(special::trigamma(v)),
        Unary::XMinusLog1p => R::from_f64(special::x_minus_log1p(v)),
        Unary::StirlingError => R::from_f64(special::stirling_error(v)),
        Unary::Floor => guarded(x.floor(), v),
        Unary::Ceiling => guarded(-(-x).floor(), v),
        Unary::Truncate => guarded(if v < 0.0 { -(-x).floor() } else { x.floor() }, v),
        Unary::Sign => {
            if v > 0.0 {
                R::ONE
            } else if v < 0.0 {
                -R::ONE
            } else {
                x
            }
        }
        Unary::Not => {
            if v.is_nan() {
                x
            } else {
                truth(v == 0.0)
            }
        }
        Unary::IsNan => truth(v.is_nan()),
        Unary::IsFinite => truth(v.is_finite()),
        Unary::Truth => {
            if v.is_nan() {
                x
            } else {
                truth(v != 0.0)
            }
        }
    }
}

#[inline(always)]
pub(crate) fn binary<R: Real>(op: Binary, x: R, y: R) -> R {
    let (v, w) = (x.to_f64(), y.to_f64());
    let unknown = v.is_nan() | w.is_nan();
    let compare = |b: bool| if unknown { nan() } else { truth(b) };
    match op {
        Binary::Add => guarded(x + y, v + w),
        Binary::Sub => guarded(x - y, v - w),
        Binary::Mul => guarded(x * y, v * w),
        Binary::Div => {
            // a finite number over an infinite one is 0, but the remainder of the long division is not
            let plain = v / w;
            if R::EPSILON < f64::EPSILON && w.is_infinite() {
                R::from_f64(plain)
            } else {
                guarded(x / y, plain)
            }
        }
        Binary::Pow => power(x, y),
        Binary::Mod => modulo(x, y),
        Binary::IntDiv => integer_quotient(x, y),
        Binary::Eq => compare(x == y),
        Binary::Ne => compare(x != y),
        Binary::Lt => compare(x < y),
        Binary::Le => compare(x <= y),
        Binary::Gt => compare(x > y),
        Binary::Ge => compare(x >= y),
        Binary::And => {
            if (v == 0.0) | (w == 0.0) {
                R::ZERO
            } else {
                compare(true)
            }
        }
        Binary::Or => {
            let yes = |v: f64| !v.is_nan() & (v != 0.0);
            if yes(v) | yes(w) { R::ONE } else { compare(false) }
        }
        Binary::Min => {
            if v.is_nan() | (x <= y) {
                x
            } else {
                y
            }
        }
        Binary::Max => {
            if v.is_nan() | (x >= y) {
                x
            } else {
                y
            }
        }
        Binary::MinKnown => {
            if w.is_nan() | (x <= y) {
                x
            } else {
                y
            }
        }
        Binary::MaxKnown => {
            if w.is_nan() | (x >= y) {
                x
            } else {
                y
            }
        }
    }
}

/// `x` to a whole power. An `f64` takes the correctly rounded product for squares and the C library's `pow`
/// beyond, as R does.
#[inline(always)]
pub(crate) fn whole_power<R: Real>(x: R, n: i32) -> R {
    let v = x.to_f64();
    match n {
        0 => R::ONE,
        1 => x,
        2 => guarded(x * x, v * v),
        _ => {
            let plain = v.powf(n as f64);
            if R::EPSILON == f64::EPSILON || !plain.is_finite() || plain.abs() < 1e-290 {
                R::from_f64(plain)
            } else {
                x.powi(n)
            }
        }
    }
}

#[inline(always)]
fn power<R: Real>(x: R, y: R) -> R {
    let (v, w) = (x.to_f64(), y.to_f64());
    if w == w.trunc() && w.abs() <= 1024.0 && y.low() == 0.0 {
        whole_power(x, w as i32)
    } else if v < 0.0 && w.is_infinite() {
        nan() // C gives 0, 1 or infinity
    } else {
        R::from_f64(v.powf(w))
    }
}

#[inline(always)]
fn modulo<R: Real>(x: R, y: R) -> R {
    let (v, w) = (x.to_f64(), y.to_f64());
    if v.is_nan() || w.is_nan() || w == 0.0 || v.is_infinite() {
        return nan();
    }
    if w.is_infinite() {
        // nothing to take off, but the result has the sign of y
        return if v == 0.0 || (v > 0.0) == (w > 0.0) { x } else { y };
    }
    // the quotient may round up to the next whole number, hence the second step; R takes the first in long
    // double, which a fused step equals where it matters
    let rest = (-(x / y).floor()).mul_add(y, x);
    rest - (rest / y).floor() * y
}

#[inline(always)]
fn integer_quotient<R: Real>(x: R, y: R) -> R {
    let (v, w) = (x.to_f64(), y.to_f64());
    let plain = v / w;
    if w == 0.0 || !plain.is_finite() {
        return R::from_f64(plain);
    }
    if w.is_infinite() {
        return if v == 0.0 || (v > 0.0) == (w > 0.0) {
            R::ZERO
        } else {
            -R::ONE
        };
    }
    let whole = (x / y).floor();
    whole + ((-whole).mul_add(y, x) / y).floor()
}

/// R's `round(x, digits)` since 4.0.0: of the two nearest decimals the closer one, and of two equally close
/// the one with an even last digit; a number that has no more than 15 significant digits is kept.
pub(crate) fn round(x: f64, digits: i32) -> f64 {
    if !x.is_finite() || x == 0.0 || digits > 323 {
        return x;
    }
    if digits < -308 {
        return 0.0;
    }
    if digits == 0 {
        return x.round_ties_even();
    }
    let size = x.abs();
    // decimal digits of the whole part, about
    let exponent = size.log2().floor();
    if (exponent + 0.5) * std::f64::consts::LOG10_2 + digits as f64 > 15.0 {
        return x;
    }
    let scale = 10f64.powi(digits.abs().min(308));
    let (scaled, back): (f64, fn(f64, f64) -> f64) = if digits > 0 {
        // two factors where one would overflow
        let more = 10f64.powi((digits - 308).max(0));
        (size * scale * more, |v, s| v / s)
    } else {
        (size / scale, |v, s| v * s)
    };
    let low = scaled.floor();
    let (below, above) = if digits > 308 {
        let more = 10f64.powi(digits - 308);
        (low / scale / more, scaled.ceil() / scale / more)
    } else {
        (back(low, scale), back(scaled.ceil(), scale))
    };
    let (down, up) = (size - below, above - size);
    let rounded = if down < up || (down == up && low % 2.0 == 0.0) {
        below
    } else {
        above
    };
    rounded.copysign(x)
}
