//! Numbers of 128 bits as shaders keep them.

use nelder_device::Dd;

/// Words of one in memory: four of mantissa, from the lowest; the exponent; the sign; two that fill up.
pub(crate) const WORDS: usize = 8;
/// Exponents from which a number is none.
pub(crate) const INFINITE: i32 = 0x4000_0000;
/// The exponent of zero.
pub(crate) const NOTHING: i32 = -0x4000_0000;

/// x 2^k, for a k of any size.
pub(crate) fn scaled(x: f64, k: i32) -> f64 {
    libm::scalbn(x, k)
}

/// s m 2^k in twice the precision.
pub(crate) fn of_whole(m: u128, k: i32, negative: bool) -> Dd {
    if m == 0 {
        return Dd::ZERO;
    }
    // the nearest number of 53 bits, and what it leaves over, of either sign
    let top = 128 - m.leading_zeros() as i32;
    let shift = (top - 53).max(0);
    let high = m >> shift;
    let rest = m - (high << shift);
    let up = shift > 0 && rest >> (shift - 1) == 1;
    let (high, rest) = match up {
        true => (high + 1, (1u128 << shift) - rest),
        false => (high, rest),
    };
    // 75 bits at most: rounded once
    let low = scaled(rest as f64, k);
    let low = if up { -low } else { low };
    let sum = Dd::two_sum(scaled(high as f64, k + shift), low);
    if negative { -sum } else { sum }
}

/// Two doubles from memory, the leading one from 2^-90 to 2^90 in size or zero, times 2^k.
pub(crate) fn moved(words: &[u32], k: i32) -> Dd {
    let part = |at: usize| f64::from_bits(u64::from(words[at]) | u64::from(words[at + 1]) << 32);
    let (hi, lo) = (part(0), part(2));
    match k {
        -800..=800 => {
            let by = f64::from_bits(((1023 + k) as u64) << 52);
            Dd { hi, lo }.scale(by)
        }
        _ => Dd {
            hi: scaled(hi, k),
            lo: scaled(lo, k),
        },
    }
}

/// A number from memory.
pub(crate) fn read(words: &[u32]) -> Dd {
    let (e, negative) = (words[4] as i32, words[5] == 1);
    if e > INFINITE {
        return Dd::NAN;
    }
    if e == INFINITE {
        let hi = if negative {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
        return Dd { hi, lo: 0.0 };
    }
    let m = (0..4).rev().fold(0u128, |m, k| m << 32 | u128::from(words[k]));
    if m == 0 {
        return Dd::ZERO;
    }
    of_whole(m, e - 128, negative)
}

/// A number to memory.
pub(crate) fn write(value: Dd) -> [u32; WORDS] {
    let mut words = [0u32; WORDS];
    if !value.hi.is_finite() {
        words[3] = 1 << 31;
        words[4] = (INFINITE + i32::from(value.hi.is_nan())) as u32;
        words[5] = u32::from(value.hi < 0.0);
        return words;
    }
    if value.hi == 0.0 {
        words[4] = NOTHING as u32;
        return words;
    }
    let parts = |v: f64| -> (i128, i32) {
        let bits = v.to_bits();
        let field = (bits >> 52 & 0x7ff) as i32;
        let m = i128::from(bits & ((1 << 52) - 1)) | i128::from(field > 0) << 52;
        (if v < 0.0 { -m } else { m }, field.max(1) - 1075)
    };
    let (high, e) = parts(value.hi);
    let (low, f) = parts(value.lo);
    let apart = 70 - (e - f);
    let low = match apart {
        0.. => low << apart.min(70),
        _ => low >> (-apart).min(127),
    };
    let sum = (high << 70) + low;
    let size = sum.unsigned_abs();
    let zeros = size.leading_zeros();
    let m = size << zeros;
    for (k, word) in words.iter_mut().enumerate().take(4) {
        *word = (m >> (32 * k)) as u32;
    }
    words[4] = (e - 70 + 128 - zeros as i32) as u32;
    words[5] = u32::from(sum < 0);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for hi in [1.0, -3.5, 1e300, -1e-280, 5e-324, 2.2250738585072014e-308, 0.1] {
            for lo in [0.0, hi * 1e-17, -hi * 1e-20, hi * 1e-30] {
                let value = Dd::two_sum(hi, lo);
                let apart = (read(&write(value)) - value).abs();
                assert!(apart.hi <= hi.abs() * 2f64.powi(-120), "{hi} {lo}");
            }
        }
        assert_eq!(read(&write(Dd::ZERO)), Dd::ZERO);
        assert!(read(&write(Dd::NAN)).is_nan());
        assert_eq!(read(&write(Dd::new(f64::NEG_INFINITY))).hi, f64::NEG_INFINITY);
    }
}
