//! Against the same functions in twice the precision: errors in units in the last place.

use super::*;
use crate::Dd;

/// e^x by Taylor's series on x / 2^k, squared k times.
fn exact_exp(x: f64) -> Dd {
    let k = (x.abs().max(1e-3).log2().ceil() as i32 + 6).max(0);
    let r = Dd::new(x).scale(0.5f64.powi(k));
    // e^r − 1, which squaring keeps: (1 + s)² − 1 = s (2 + s)
    let (mut term, mut sum) = (r, r);
    for n in 2..20 {
        term = (term * r).div_f64(f64::from(n));
        sum += term;
    }
    for _ in 0..k {
        sum = sum * (sum + Dd::new(2.0));
    }
    sum
}

/// e^x, relative to its own size.
fn exact_power(x: f64) -> Dd {
    let size = exact_exp(x.abs()) + Dd::ONE;
    if x < 0.0 { Dd::ONE / size } else { size }
}

/// log x by Newton's method from double precision; `minus` for log(1 + x).
fn exact_log(x: Dd) -> Dd {
    let first = x.hi.ln();
    // x e^−y − 1, in which the exponential's own error is of the order of the last bit
    let inverse = exact_power(-first);
    let rest = x * inverse - Dd::ONE;
    Dd::new(first) + rest - (rest * rest).scale(0.5)
}

/// |value − exact| in units in the last place of the exact value.
fn ulps(value: f64, exact: Dd) -> f64 {
    let unit = f64::from_bits(exact.hi.abs().to_bits() + 1) - exact.hi.abs();
    ((Dd::new(value) - exact).hi / unit).abs()
}

/// Numbers of every size, from a fixed sequence.
fn draws(low: f64, high: f64, n: usize) -> impl Iterator<Item = f64> {
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    (0..n).map(move |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * ((state >> 11) as f64 / (1u64 << 53) as f64)
    })
}

#[track_caller]
fn below(worst: f64, x: f64, limit: f64) {
    assert!(worst <= limit, "{worst} units in the last place at {x:e}");
}

#[track_caller]
fn check(values: impl Iterator<Item = f64>, f: impl Fn(f64) -> f64, exact: impl Fn(f64) -> Dd, limit: f64) {
    let (mut worst, mut at) = (0.0, 0.0);
    for x in values {
        let error = ulps(f(x), exact(x));
        if error.is_nan() || error > worst {
            (worst, at) = (error, x);
        }
    }
    below(worst, at, limit);
}

#[test]
fn exponentials() {
    for (low, high) in [(-1.0, 1.0), (-40.0, 40.0), (-700.0, 700.0), (-1e-3, 1e-3)] {
        check(draws(low, high, 20_000), exp, exact_power, 1.0);
    }
    for (low, high) in [
        (-1.0, 1.0),
        (-40.0, 40.0),
        (-1e-3, 1e-3),
        (-1e-9, 1e-9),
        (-0.4, -0.3),
        (0.3, 0.4),
        (0.0, 700.0),
    ] {
        check(draws(low, high, 20_000), expm1, exact_exp, 1.0);
    }
    let small = (-60..0).map(|k| 1.37 * 10f64.powi(5 * k));
    check(small, expm1, exact_exp, 1.0);
}

#[test]
fn logarithms() {
    for (low, high) in [
        (0.5, 2.0),
        (0.99, 1.01),
        (1e-3, 1e3),
        (0.0, 1e300),
        (0.7, 0.72),
        (1.40, 1.42),
    ] {
        check(draws(low, high, 20_000), log, |x| exact_log(Dd::new(x)), 1.0);
    }
    let sizes = (-300..300).map(|k| 1.37 * 10f64.powi(k));
    check(sizes, log, |x| exact_log(Dd::new(x)), 1.0);
    for (low, high) in [
        (-0.9, 1.0),
        (-0.01, 0.01),
        (0.0, 1e3),
        (-0.3, -0.28),
        (0.4, 0.42),
        (0.9, 1.1),
        (-0.9999, -0.999),
    ] {
        check(
            draws(low, high, 20_000),
            log1p,
            |x| exact_log(Dd::two_sum(1.0, x)),
            1.0,
        );
    }
}

#[test]
fn small_log1p() {
    // x − x²/2 + x³/3 is exact to the last bit for such x
    for k in 3..60 {
        let x = 1.37 * 10f64.powi(-5 * k);
        let d = Dd::new(x);
        let exact = d - (d * d).scale(0.5) + (d * d * d).div_f64(3.0);
        below(ulps(log1p(x), exact), x, 1.0);
        below(
            ulps(log1p(-x), -d - (d * d).scale(0.5) - (d * d * d).div_f64(3.0)),
            -x,
            1.0,
        );
    }
}

#[test]
fn ends_of_the_range() {
    let inf = f64::INFINITY;
    assert_eq!([exp(0.0), exp(-0.0), exp(inf), exp(-inf)], [1.0, 1.0, inf, 0.0]);
    assert_eq!(
        [exp(710.0), exp(1e300), exp(-746.0), exp(-1e300)],
        [inf, inf, 0.0, 0.0]
    );
    assert_eq!(exp(-745.0), 5e-324);
    for x in [709.7, -708.5, -720.25, -740.5] {
        let error = (exp(x) - x.exp()).abs();
        assert!(error <= f64::EPSILON * x.exp() + 5e-324, "{x}");
    }
    assert_eq!(
        [expm1(inf), expm1(-inf), expm1(-50.0), expm1(710.0)],
        [inf, -1.0, -1.0, inf]
    );
    assert!(expm1(-0.0).is_sign_negative() && expm1(-0.0) == 0.0);
    assert_eq!([log(0.0), log(-0.0), log(inf), log(1.0)], [-inf, -inf, inf, 0.0]);
    assert_eq!([log1p(-1.0), log1p(inf), log1p(0.0)], [-inf, inf, 0.0]);
    assert!(log1p(-0.0).is_sign_negative());
    for x in [5e-324, 1e-310, f64::MIN_POSITIVE, f64::MAX] {
        assert!((log(x) - x.ln()).abs() <= f64::EPSILON * x.ln().abs(), "{x:e}");
    }
    for x in [1e300, f64::MAX] {
        assert!((log1p(x) - x.ln()).abs() <= f64::EPSILON * x.ln(), "{x:e}");
    }
    assert!(
        [
            exp(f64::NAN),
            expm1(f64::NAN),
            log(f64::NAN),
            log1p(f64::NAN),
            log(-1.0),
            log1p(-1.5)
        ]
        .iter()
        .all(|v| v.is_nan())
    );
}
