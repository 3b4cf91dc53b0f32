//! Arithmetic on columns of numbers, in double and in twice double precision.

use std::borrow::Cow;

use nelder_device::Dd;

use super::Numbers;

/// 1, or the power of two that brings the largest value near 1 where squares would over- or underflow.
pub(super) fn power_of_two(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    if largest == 0.0 || (1e-60..1e60).contains(&largest) {
        return 1.0;
    }
    (-largest.log2().floor()).clamp(-1000.0, 1000.0).exp2()
}

pub(super) fn logical_numbers(x: &[u8]) -> Numbers<'static> {
    let high = x
        .iter()
        .map(|&x| if x == 2 { f64::NAN } else { f64::from(x) })
        .collect();
    Numbers {
        high: Cow::Owned(high),
        low: None,
    }
}

pub(super) fn minus<'b>(a: &Numbers<'_>, b: &[f64]) -> Numbers<'b> {
    let n = a.high.len();
    let (mut high, mut low) = (Vec::with_capacity(n), Vec::with_capacity(n));
    for i in 0..n {
        let s = Dd::two_sum(a.high[i], -b[i]);
        let s = s.add_f64(a.low.as_ref().map_or(0.0, |l| l[i]));
        high.push(s.hi);
        low.push(s.lo);
    }
    Numbers {
        high: Cow::Owned(high),
        low: Some(low),
    }
}

pub(super) fn times<'b>(a: &Numbers<'_>, b: &Numbers<'_>, twice: bool) -> Numbers<'b> {
    let n = a.high.len();
    if !twice {
        let high = (0..n).map(|i| a.high[i] * b.high[i]).collect();
        return Numbers {
            high: Cow::Owned(high),
            low: None,
        };
    }
    let (mut high, mut low) = (Vec::with_capacity(n), Vec::with_capacity(n));
    let part = |l: &Option<Vec<f64>>, i: usize| l.as_ref().map_or(0.0, |l| l[i]);
    for i in 0..n {
        let x = Dd {
            hi: a.high[i],
            lo: part(&a.low, i),
        } * Dd {
            hi: b.high[i],
            lo: part(&b.low, i),
        };
        high.push(x.hi);
        low.push(x.lo);
    }
    Numbers {
        high: Cow::Owned(high),
        low: Some(low),
    }
}
