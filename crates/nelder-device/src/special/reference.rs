//! Elementary functions in twice the precision, from their series, for the tests.

use crate::Dd;

/// log 2 in two parts.
const LN_2: Dd = Dd {
    hi: std::f64::consts::LN_2,
    lo: 2.319_046_813_846_299_6e-17,
};

/// A number `mantissa 2^exponent`, so that what is below the smallest double has its digits.
#[derive(Clone, Copy, Debug)]
pub struct Scaled {
    pub mantissa: Dd,
    pub exponent: i32,
}

impl Scaled {
    pub fn of(mantissa: Dd) -> Scaled {
        Scaled {
            mantissa,
            exponent: 0,
        }
    }

    /// Absolute error of `value` in units in the last place: distances between doubles of this size.
    pub fn ulps(&self, value: f64) -> f64 {
        // subnormal numbers are as far apart as the smallest normal ones
        let size = (self.exponent + exponent(self.mantissa.hi)).max(-1022);
        if size >= 1024 {
            // as if the next double were 2^1024, whose half way point rounds to infinity
            return if value == f64::INFINITY {
                0.0
            } else {
                f64::INFINITY
            };
        }
        let off = Dd::new(times_two_to(value, -self.exponent)) - self.mantissa;
        // two factors, as the unit may be below the smallest double
        let unit = size - 52 - self.exponent;
        times_two_to(off.hi.abs(), -unit)
    }
}

/// The exponent of a double; of 0 one below all.
fn exponent(x: f64) -> i32 {
    if x == 0.0 {
        return -1075;
    }
    let (scaled, less) = if x.abs() < f64::MIN_POSITIVE {
        (times_two_to(x, 64), 64)
    } else {
        (x, 0)
    };
    ((scaled.to_bits() >> 52) & 0x7ff) as i32 - 1023 - less
}

/// `x 2^n`, exact where the result is normal.
pub fn times_two_to(x: f64, n: i32) -> f64 {
    let (mut x, mut n) = (x, n);
    while n != 0 {
        let step = n.clamp(-1000, 1000);
        x *= 2f64.powi(step);
        n -= step;
    }
    x
}

/// `Σ x^n / n!` from `n = from` on, for `|x| < 1/2`.
fn exponential_series(x: Dd, from: i32) -> Dd {
    // x^32 / 32! is below 2^-149
    let sum = (from + 1..32)
        .rev()
        .fold(Dd::ONE, |sum, n| Dd::ONE + x * sum / f64::from(n));
    let first = (1..=from).fold(Dd::ONE, |product, n| product * x / f64::from(n));
    first * sum
}

/// `e^x`.
pub fn exp(x: f64) -> Scaled {
    let k = (x * std::f64::consts::LOG2_E).round();
    let r = Dd::new(x) - LN_2 * k;
    Scaled {
        mantissa: exponential_series(r, 0),
        exponent: k as i32,
    }
}

/// `e^x - 1`.
pub fn expm1(x: f64) -> Scaled {
    if x.abs() < 0.3 {
        return Scaled::of(exponential_series(Dd::new(x), 1));
    }
    let Scaled { mantissa, exponent } = exp(x.max(-200.0));
    let one = times_two_to(1.0, -exponent);
    Scaled {
        mantissa: mantissa - one,
        exponent,
    }
}

/// `log x`, by one step of Newton's method from the standard library's.
pub fn log(x: f64) -> Scaled {
    Scaled::of(log_from(Dd::new(x), x.ln()))
}

fn log_from(x: Dd, start: f64) -> Dd {
    let Scaled { mantissa, exponent } = exp(start);
    let scaled = Dd {
        hi: times_two_to(x.hi, -exponent),
        lo: times_two_to(x.lo, -exponent),
    };
    (scaled - mantissa) / mantissa + start
}

/// `log(1 + x)`.
pub fn log1p(x: f64) -> Scaled {
    if x.abs() < 0.1 {
        return Scaled::of(Dd::new(x) - logarithm_series(x));
    }
    Scaled::of(log_from(Dd::two_sum(1.0, x), x.ln_1p()))
}

/// `x - log(1 + x)`.
pub fn x_minus_log1p(x: f64) -> Scaled {
    if x.abs() < 0.1 {
        return Scaled::of(logarithm_series(x));
    }
    Scaled::of(Dd::new(x) - log1p(x).mantissa)
}

/// `x²/2 - x³/3 + …` for `|x| < 1/10`.
fn logarithm_series(x: f64) -> Dd {
    let sum = (2..36)
        .rev()
        .fold(Dd::ZERO, |sum, n| Dd::ONE / f64::from(n) - sum * x);
    Dd::two_prod(x, x) * sum
}

/// `count` doubles: all signs, exponents and fractions alike (SplitMix64).
pub fn doubles(count: usize) -> impl Iterator<Item = f64> {
    uniform_bits(count).map(f64::from_bits).filter(|x| x.is_finite())
}

/// `count` numbers spread over `from..to`.
pub fn between(from: f64, to: f64, count: usize) -> impl Iterator<Item = f64> {
    uniform_bits(count).map(move |bits| from + (to - from) * (bits as f64 * 2f64.powi(-64)))
}

fn uniform_bits(count: usize) -> impl Iterator<Item = u64> {
    (1..=count as u64).map(|i| {
        let z = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// The largest error over `points`, in ulp.
pub fn worst(f: fn(f64) -> f64, exact: fn(f64) -> Scaled, points: impl Iterator<Item = f64>) -> f64 {
    let mut worst = (0.0, f64::NAN);
    for x in points {
        let error = exact(x).ulps(f(x));
        if !(error <= worst.0) {
            worst = (error, x);
        }
    }
    println!("{:.4} ulp at {:e}", worst.0, worst.1);
    worst.0
}

/// The largest distance between two functions, in doubles.
pub fn apart(f: fn(f64) -> f64, other: fn(f64) -> f64, points: impl Iterator<Item = f64>) -> u64 {
    let distance = |x: f64| f(x).to_bits().abs_diff(other(x).to_bits());
    points.map(distance).max().unwrap_or(0)
}
