//! Against exponentials in twice the precision, and exact values from 40 digit arithmetic (mpmath 1.4).

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

fn edges() -> impl Iterator<Item = f64> {
    let points = [
        5e-324,
        1e-310,
        f64::MIN_POSITIVE,
        1e-300,
        1e-17,
        1.1e-16,
        2.3e-16,
        1e-8,
        0.34657359027997264,
        0.34657359027997270,
        std::f64::consts::LN_2,
        1.0,
        1.0397207708399179,
        36.7,
        37.4,
        37.5,
        38.1,
        39.0,
        40.0,
        54.0,
        700.0,
        708.39,
        708.4,
        709.0,
        709.78,
    ];
    points.into_iter().flat_map(|x| [x, -x])
}

#[test]
fn exp_is_within_an_ulp() {
    let points = edges()
        .chain([-710.0, -720.0, -744.0, -745.13])
        .chain(between(-745.13, 709.78, N))
        .chain(between(-1.0, 1.0, N))
        .chain(doubles(N).filter(|x| x.abs() < 709.78));
    // 0.75: the subnormal results are rounded twice
    assert!(worst(exp, reference::exp, points) <= 0.8);
    // 0.555: 1/2 for the last addition, the rest for its smaller term
    assert!(worst(exp, reference::exp, between(-708.39, 709.78, N)) <= 0.6);
    // both are next to the exact value
    assert!(apart(exp, f64::exp, between(-745.0, 709.0, N)) <= 1);
}

#[test]
fn expm1_is_within_an_ulp() {
    let points = edges()
        .chain([-710.0])
        .chain(between(-45.0, 60.0, N))
        .chain(between(-1.1, 1.1, 4 * N))
        .chain(between(-720.0, 709.78, N))
        .chain(doubles(N).filter(|x| x.abs() < 709.78));
    // 0.707: the last addition, and the terms that k log 2 cancels against
    assert!(worst(expm1, reference::expm1, points) <= 0.8);
    assert!(apart(expm1, f64::exp_m1, between(-40.0, 709.0, N)) <= 1);
    assert!(apart(expm1, f64::exp_m1, between(-1.0, 1.0, N)) <= 1);
}

#[test]
fn the_ends_of_the_line() {
    for zero in [0.0, -0.0] {
        assert_eq!(exp(zero), 1.0);
        assert_eq!(expm1(zero).to_bits(), zero.to_bits());
    }
    for x in [
        709.782712893384,
        709.7827128933841,
        710.0,
        1e5,
        f64::MAX,
        f64::INFINITY,
    ] {
        assert_eq!((exp(x), expm1(x)), (x.exp(), x.exp_m1()), "{x}");
    }
    for x in [
        -745.1332191019411,
        -745.1332191019412,
        -745.14,
        -746.0,
        -1e9,
        f64::MIN,
        f64::NEG_INFINITY,
    ] {
        assert_eq!((exp(x), expm1(x)), (x.exp(), -1.0), "{x}");
    }
    assert!(exp(f64::NAN).is_nan() && expm1(f64::NAN).is_nan());
}

#[test]
fn expm1_minus_x_keeps_its_digits() {
    close(expm1_minus_x(1e-8), 5.0000000166666669176e-17, 4.0 * f64::EPSILON);
    close(expm1_minus_x(-0.01), 4.9833749168053575977e-5, 4.0 * f64::EPSILON);
    close(expm1_minus_x(0.69), 3.0371553324308227594e-1, 4.0 * f64::EPSILON);
    close(expm1_minus_x(0.71), 3.2399125864675057526e-1, 4.0 * f64::EPSILON);
    close(expm1_minus_x(-0.71), 2.0164419746096508428e-1, 4.0 * f64::EPSILON);
    close(expm1_minus_x(5.0), 1.4241315910257660342e+2, 4.0 * f64::EPSILON);
    close(expm1_minus_x(-50.0), 4.9e+1, 4.0 * f64::EPSILON);
}
