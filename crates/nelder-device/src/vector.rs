//! Exponential and logarithm without branches and tables, so that loops over them become vector code.
//!
//! exp: x = k log 2 + r with log 2 in two parts (Cody & Waite 1980), a polynomial of e^r − 1 − r on |r| ≤ log 2 / 2,
//! and 2^k put into the exponent's bits in two steps, so that subnormal results round once. log: x = 2^k m with m from
//! √½ to √2, log m = 2 artanh(s) for s = (m − 1)/(m + 1), the leading part of m − 1 carried exactly. log1p and expm1
//! carry what is lost in 1 + x and in 2^k e^r − 1. Errors are below one unit in the last place.

/// log 2 rounded to 33 bits: its products with whole numbers below 2^11 are exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238_164_90e-1;
/// What that leaves of log 2.
const LN2_LOW: f64 = 1.908_214_929_270_587_700_02e-10;
/// Added and subtracted again, rounds to a whole number.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// 1/n! for n = 2, 3, …
const FACTORIALS: [f64; 14] = [
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
    1.0 / 87_178_291_200.0,
    1.0 / 1_307_674_368_000.0,
];

/// 2^k for whole k from −1022 to 1023.
#[inline(always)]
fn power_of_two(k: f64) -> f64 {
    // the sum's low bits hold k + 1023
    f64::from_bits((k + (ROUND + 1023.0)).to_bits() << 52)
}

/// x times 2^k for whole k from −2044 to 2046.
#[inline(always)]
fn scale(x: f64, k: f64) -> f64 {
    let half = (0.5 * k + ROUND) - ROUND;
    x * power_of_two(half) * power_of_two(k - half)
}

/// k and r with x = k log 2 + r, r in two parts.
#[inline(always)]
fn reduce(x: f64) -> (f64, f64, f64) {
    let k = (x * std::f64::consts::LOG2_E + ROUND) - ROUND;
    let high = x - k * LN2_HIGH;
    let low = k * LN2_LOW;
    let r = high - low;
    (k, r, (high - r) - low)
}

/// e^r − 1 − r for |r| ≤ 0.43.
#[inline(always)]
fn rest(r: f64) -> f64 {
    let mut p = FACTORIALS[13];
    let mut n = 13;
    while n > 0 {
        n -= 1;
        p = p * r + FACTORIALS[n];
    }
    p * (r * r)
}

/// e^x.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    // beyond these the result is 0 or infinite anyway
    let bounded = if x > 800.0 { 800.0 } else { x };
    let bounded = if bounded < -800.0 { -800.0 } else { bounded };
    let (k, r, low) = reduce(bounded);
    let value = 1.0 + (r + (rest(r) + low * (1.0 + r)));
    let value = scale(value, k);
    if x.is_nan() { x } else { value }
}

/// e^x − 1.
#[inline(always)]
pub(crate) fn expm1(x: f64) -> f64 {
    let bounded = if x > 800.0 { 800.0 } else { x };
    let bounded = if bounded < -60.0 { -60.0 } else { bounded };
    let (k, r, low) = reduce(bounded);
    // next to 0 nothing is taken off: 2 e^r − 1 would lose a bit
    let close = x.abs() < 0.43;
    let (k, r, low) = if close { (0.0, x, 0.0) } else { (k, r, low) };
    let small = r + (rest(r) + low * (1.0 + r));
    // 2^k (1 + small) − 1, with what 2^k − 1 loses
    let unit = power_of_two(if k > 1000.0 { 1000.0 } else { k });
    let whole = unit - 1.0;
    let lost = (unit - whole) - 1.0;
    let value = whole + (unit * small + lost);
    let large = scale(1.0 + small, k);
    let value = if k > 60.0 { large } else { value };
    let value = if k == 0.0 { small } else { value };
    // keeps the sign of zero, and NaN
    if x == 0.0 || x.is_nan() { x } else { value }
}

/// log m for m = 1 + f + low with 1 + f from √½ to √2, plus k log 2.
#[inline(always)]
fn log_of(f: f64, low: f64, k: f64) -> f64 {
    // s = f / (2 + f); log(1 + f) = f − f²/2 + s (f²/2 + R(s²)) (fdlibm's arrangement)
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let t1 = w
        * (3.999_999_999_940_941_908e-1
            + w * (2.222_219_843_214_978_396e-1 + w * 1.531_383_769_920_937_332e-1));
    let t2 = z
        * (6.666_666_666_666_735_130e-1
            + w * (2.857_142_874_366_239_149e-1
                + w * (1.818_357_216_161_805_012e-1 + w * 1.479_819_860_511_658_591e-1)));
    let r = t1 + t2;
    let half = 0.5 * f * f;
    k * LN2_HIGH - ((half - (s * (half + r) + (k * LN2_LOW + low))) - f)
}

/// k and 1 + f with x = 2^k (1 + f), for x positive and not subnormal.
#[inline(always)]
fn split(x: f64) -> (f64, f64) {
    // bits above those of √½
    const ROOT: u64 = 0x3FE6_A09E_667F_3BCD;
    let bits = x.to_bits();
    let shifted = bits.wrapping_sub(ROOT);
    let exponent = (shifted as i64) >> 52;
    let m = f64::from_bits(bits.wrapping_sub((exponent as u64) << 52));
    // a whole number of 12 bits, by way of the bits of a double
    let k = f64::from_bits((ROUND.to_bits() as i64).wrapping_add(exponent) as u64) - ROUND;
    (k, m)
}

/// Natural logarithm.
#[inline(always)]
pub(crate) fn log(x: f64) -> f64 {
    let tiny = x < f64::MIN_POSITIVE;
    let normal = if tiny { x * 18_014_398_509_481_984.0 } else { x };
    let (k, m) = split(normal);
    let k = if tiny { k - 54.0 } else { k };
    let value = log_of(m - 1.0, 0.0, k);
    let value = if x == f64::INFINITY { x } else { value };
    let value = if x == 0.0 { f64::NEG_INFINITY } else { value };
    if x < 0.0 || x.is_nan() { f64::NAN } else { value }
}

/// log(1 + x).
#[inline(always)]
pub(crate) fn log1p(x: f64) -> f64 {
    let sum = 1.0 + x;
    // what the sum lost, relative to it
    let lost = if x > 1.0 { 1.0 - (sum - x) } else { x - (sum - 1.0) };
    let (k, m) = split(sum);
    let value = log_of(m - 1.0, lost / sum, k);
    // for small x the sum's own digits are those of x
    let small = log_of(x, 0.0, 0.0);
    let value = if x > -0.29 && x < 0.41 { small } else { value };
    let value = if x == f64::INFINITY || x == 0.0 { x } else { value };
    let value = if x == -1.0 { f64::NEG_INFINITY } else { value };
    if x < -1.0 || x.is_nan() { f64::NAN } else { value }
}

#[cfg(test)]
#[path = "vector_tests.rs"]
mod tests;
