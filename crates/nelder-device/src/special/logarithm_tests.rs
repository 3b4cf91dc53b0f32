//! Against logarithms in twice the precision, and exact values from 40 digit arithmetic (mpmath 1.4).

use super::super::reference::{self, apart, between, doubles, worst};
use super::*;

/// Points of each kind; two millions gave the errors that stand beside the bounds.
const N: usize = 20_000;

fn close(value: f64, exact: f64, tolerance: f64) {
    assert!(
        (value - exact).abs() <= tolerance * exact.abs(),
        "{value:e} instead of {exact:e}"
    );
}

const X_MINUS_LOG1P: &[(f64, f64)] = &[
    (1e-150, 5.000000000000000063e-301),
    (1e-8, 4.9999999666666671259e-17),
    (-1e-8, 5.0000000333333337926e-17),
    (-0.3, 5.6674943938732374155e-2),
    (-0.29, 5.2490308946775938544e-2),
    (0.41, 6.6410295609923082718e-2),
    (0.42, 6.9343128386830632692e-2),
    (0.5, 9.4534891891835618022e-2),
    (-0.5, 1.9314718055994530942e-1),
    (-0.7, 5.03972804325935889e-1),
    (-0.99, 3.6151701859880904887),
    (-0.9999999999999999, 3.573680056967710151e+1),
    (0.9, 2.5814611382760523453e-1),
    (3.0, 1.6137056388801093812),
    (1e10, 9.99999997697414907e+9),
    (1e300, 1.0000000000000000525e+300),
];

#[test]
fn x_minus_log1p_keeps_its_digits() {
    for &(x, exact) in X_MINUS_LOG1P {
        close(x_minus_log1p(x), exact, 4.0 * f64::EPSILON);
    }
    assert_eq!(x_minus_log1p(0.0), 0.0);
    assert_eq!(x_minus_log1p(-1.0), f64::INFINITY);
    assert_eq!(x_minus_log1p(f64::INFINITY), f64::INFINITY);
    assert!(x_minus_log1p(-1.5).is_nan() && x_minus_log1p(f64::NAN).is_nan());
}

#[test]
fn log_is_within_an_ulp() {
    let around = |x: f64| [x.next_down(), x, x.next_up()];
    let points = [5e-324, 1e-310, f64::MIN_POSITIVE, f64::MAX]
        .into_iter()
        .chain(around(std::f64::consts::FRAC_1_SQRT_2))
        .chain(around(std::f64::consts::SQRT_2))
        .chain([2.0, 4.0].into_iter().flat_map(around))
        .chain((1..2000).flat_map(|i| {
            [
                1.0 + f64::from(i) * f64::EPSILON,
                1.0 - f64::from(i) * f64::EPSILON / 2.0,
            ]
        }))
        .chain(doubles(N).map(f64::abs))
        .chain(between(0.0, f64::MIN_POSITIVE, N))
        .chain(between(0.4, 3.0, 4 * N));
    // 0.635: the last addition, and five roundings of a term a twentieth as large
    assert!(worst(log, reference::log, points) <= 0.7);
    // both are next to the exact value
    assert!(apart(log, f64::ln, doubles(N).map(f64::abs)) <= 1);
    assert!(apart(log, f64::ln, between(0.5, 2.0, N)) <= 1);
}

#[test]
fn log1p_is_within_an_ulp() {
    let points = [
        5e-324,
        1e-310,
        f64::MIN_POSITIVE,
        1e-17,
        1.1e-16,
        2.3e-16,
        1e-8,
        0.29289321881345254,
        0.4142135623730950,
        0.4142135623730951,
        0.9999999999999999,
    ]
    .into_iter()
    .flat_map(|x| [x, -x])
    .chain([1.0, 3.0, 2f64.powi(53), 2f64.powi(54), f64::MAX])
    .chain(doubles(2 * N).filter(|&x| x > -1.0))
    .chain(between(-1.0, 2.0, 4 * N))
    .chain(between(2.0, 100.0, N));
    // 0.679: as the logarithm
    assert!(worst(log1p, reference::log1p, points) <= 0.7);
    assert!(apart(log1p, f64::ln_1p, between(-1.0, 5.0, N)) <= 1);
}

#[test]
fn x_minus_log1p_keeps_to_its_size() {
    let points = doubles(2 * N)
        .filter(|&x| x > -1.0 && x.abs() > 1e-140)
        .chain(between(-1.0, 2.0, 4 * N))
        .chain(between(2.0, 100.0, N));
    // 1.77: next to sqrt(1/2) the terms are six times the result
    assert!(worst(x_minus_log1p, reference::x_minus_log1p, points) <= 2.0);
}

#[test]
fn the_ends_of_the_line() {
    let inf = f64::INFINITY;
    assert_eq!((log(0.0), log(-0.0), log(1.0), log(inf)), (-inf, -inf, 0.0, inf));
    assert_eq!((log1p(-1.0), log1p(inf)), (-inf, inf));
    for zero in [0.0, -0.0] {
        assert_eq!(log1p(zero).to_bits(), zero.to_bits());
    }
    for x in [-1.5, -1e-300, -5e-324, -inf, f64::NAN] {
        assert!(log(x).is_nan());
    }
    for x in [-1.0000000000000002, -2.0, f64::MIN, -inf, f64::NAN] {
        assert!(log1p(x).is_nan() && x_minus_log1p(x).is_nan());
    }
}

#[test]
fn log1m_exp_keeps_both_ends() {
    close(log1m_exp(-1e-20), -4.6051701859880913735e+1, 2.0 * f64::EPSILON);
    close(log1m_exp(-0.5), -9.3275212956718857189e-1, 2.0 * f64::EPSILON);
    close(log1m_exp(-0.7), -6.863410028083851535e-1, 2.0 * f64::EPSILON);
    close(log1m_exp(-2.0), -1.4541345786885905697e-1, 2.0 * f64::EPSILON);
    close(log1m_exp(-40.0), -4.2483542552915890044e-18, 2.0 * f64::EPSILON);
    assert_eq!(log1m_exp(0.0), f64::NEG_INFINITY);
}
