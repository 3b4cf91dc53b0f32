//! Programs against R 4.2's values, which stand here with 17 digits.
#![allow(clippy::excessive_precision)]

use super::*;
use crate::Dd;
use proptest::prelude::*;

const NA: f64 = f64::NAN;

fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

/// One operation on two columns.
fn both(op: Binary, a: &[f64], b: &[f64]) -> [Vec<f64>; 2] {
    let mut p = Program::new();
    let (x, y) = (p.input(0), p.input(1));
    let v = p.binary(op, x, y);
    p.output(v);
    let (mut one, mut two) = (vec![0.0; a.len()], vec![0.0; a.len()]);
    let inputs = [Input::Real(a), Input::Real(b)];
    p.run::<f64>(&inputs, a.len(), &mut [Output::Real(&mut one)])
        .unwrap();
    p.run::<Dd>(&inputs, a.len(), &mut [Output::Real(&mut two)])
        .unwrap();
    [one, two]
}

/// `x`, `digits`, R's `round(x, digits)`.
const ROUND: &[(f64, i32, f64)] = &[
    (1.49999999999999994e-01, 1, 1.00000000000000006e-01),
    (2.50000000000000000e+00, 0, 2.00000000000000000e+00),
    (-2.50000000000000000e+00, 0, -2.00000000000000000e+00),
    (2.84999999999999976e-01, 2, 2.80000000000000027e-01),
    (1.00499999999999989e+00, 2, 1.00000000000000000e+00),
    (2.67499999999999982e+00, 2, 2.66999999999999993e+00),
    (5.01499999999999968e+00, 2, 5.01999999999999957e+00),
    (1.23456780000000003e+03, -2, 1.20000000000000000e+03),
    (-5.50000000000000003e-02, 2, -5.99999999999999978e-02),
    (1.00000000000000003e-300, 301, 9.99999999999999362e-301),
    (1.23456789987654328e+08, 5, 1.23456789987650007e+08),
    (3.00000000000000044e-01, 16, 3.00000000000000044e-01),
    (1.00000000000000050e+15, 0, 1.00000000000000000e+15),
    (4.94065645841246544e-324, 323, 0.00000000000000000e+00),
    (8.29615000000000009e+01, 2, 8.29599999999999937e+01),
    (8.74155000000000086e+01, 3, 8.74159999999999968e+01),
    (-4.27714999999999961e+01, 2, -4.27700000000000031e+01),
    (6.60905000000000058e+01, 3, 6.60909999999999940e+01),
    (2.83494999999999990e+01, 2, 2.83500000000000014e+01),
    (3.81950000000000012e+00, 3, 3.81999999999999984e+00),
    (4.73185000000000002e+01, 2, 4.73200000000000003e+01),
    (-7.30664999999999907e+01, 3, -7.30660000000000025e+01),
    (3.13984999999999985e+01, 2, 3.13999999999999986e+01),
    (4.10135000000000005e+01, 3, 4.10140000000000029e+01),
    (-8.45149999999999935e+00, 2, -8.44999999999999929e+00),
    (4.38225000000000051e+01, 3, 4.38230000000000004e+01),
    (8.69344999999999999e+01, 2, 8.69300000000000068e+01),
    (-4.89134999999999991e+01, 3, -4.89140000000000015e+01),
    (-7.54050000000000065e+00, 2, -7.54000000000000004e+00),
    (8.80035000000000025e+01, 3, 8.80040000000000049e+01),
    (2.01842371387704177e-03, 9, 2.01842400000000000e-03),
    (-6.27140990524209952e-04, 5, -6.30000000000000026e-04),
    (1.30486965422348528e-01, 0, 0.00000000000000000e+00),
    (2.28664539270110678e+00, -2, 0.00000000000000000e+00),
    (-1.38886070111233924e+01, -1, -1.00000000000000000e+01),
    (-2.78788766817371361e+01, 3, -2.78790000000000013e+01),
    (-1.33321336393658044e+02, 7, -1.33321336400000007e+02),
    (6.35950398070074334e+03, 8, 6.35950398070000028e+03),
];

/// `x`, `y`, R's `x %% y`, `x %/% y`, `x ^ y`.
const QUOTIENTS: &[(f64, f64, f64, f64, f64)] = &[
    (
        5.50000000000000000e+00,
        2.00000000000000000e+00,
        1.50000000000000000e+00,
        2.00000000000000000e+00,
        3.02500000000000000e+01,
    ),
    (
        -5.50000000000000000e+00,
        2.00000000000000000e+00,
        5.00000000000000000e-01,
        -3.00000000000000000e+00,
        3.02500000000000000e+01,
    ),
    (
        5.50000000000000000e+00,
        -2.00000000000000000e+00,
        -5.00000000000000000e-01,
        -3.00000000000000000e+00,
        3.30578512396694224e-02,
    ),
    (
        -5.50000000000000000e+00,
        -2.00000000000000000e+00,
        -1.50000000000000000e+00,
        2.00000000000000000e+00,
        3.30578512396694224e-02,
    ),
    (
        2.99999999999999989e-01,
        1.00000000000000006e-01,
        9.99999999999999778e-02,
        2.00000000000000000e+00,
        8.86568150565213320e-01,
    ),
    (
        -2.99999999999999989e-01,
        1.00000000000000006e-01,
        2.77555756156289135e-17,
        -3.00000000000000000e+00,
        f64::NAN,
    ),
    (
        1.00000000000000000e+00,
        1.00000000000000006e-01,
        9.99999999999999500e-02,
        9.00000000000000000e+00,
        1.00000000000000000e+00,
    ),
    (
        -1.00000000000000000e+00,
        1.00000000000000006e-01,
        5.55111512312578270e-17,
        -1.00000000000000000e+01,
        f64::NAN,
    ),
    (
        1.00000000001000004e+10,
        2.99999999999999989e-01,
        2.00000751763582230e-01,
        3.33333333330000000e+10,
        1.00000000000299974e+03,
    ),
    (
        7.00000000000000000e+00,
        f64::INFINITY,
        7.00000000000000000e+00,
        0.00000000000000000e+00,
        f64::INFINITY,
    ),
    (
        -7.00000000000000000e+00,
        f64::INFINITY,
        f64::INFINITY,
        -1.00000000000000000e+00,
        f64::NAN,
    ),
    (
        0.00000000000000000e+00,
        f64::INFINITY,
        0.00000000000000000e+00,
        0.00000000000000000e+00,
        0.00000000000000000e+00,
    ),
    (
        5.00000000000000000e+00,
        0.00000000000000000e+00,
        f64::NAN,
        f64::INFINITY,
        1.00000000000000000e+00,
    ),
    (
        -5.00000000000000000e+00,
        0.00000000000000000e+00,
        f64::NAN,
        -f64::INFINITY,
        1.00000000000000000e+00,
    ),
    (
        f64::INFINITY,
        2.00000000000000000e+00,
        f64::NAN,
        f64::INFINITY,
        f64::INFINITY,
    ),
    (
        1.00000000000000000e+00,
        1.00000000000000008e-05,
        9.99999999991822318e-06,
        9.99990000000000000e+04,
        1.00000000000000000e+00,
    ),
    (
        0.00000000000000000e+00,
        0.00000000000000000e+00,
        f64::NAN,
        f64::NAN,
        1.00000000000000000e+00,
    ),
];

#[test]
fn rounds_as_r() {
    for &(x, digits, rounded) in ROUND {
        assert!(
            same(scalar::round(x, digits), rounded),
            "round({x}, {digits}) = {rounded}"
        );
    }
}

#[test]
fn quotients_as_r() {
    for &(x, y, rest, quotient, power) in QUOTIENTS {
        let got = [Binary::Mod, Binary::IntDiv, Binary::Pow].map(|op| both(op, &[x], &[y])[0][0]);
        // R forms the remainder in long double where the machine has it
        assert!(
            same(got[0], rest) || (got[0] - rest).abs() <= x.abs() * f64::EPSILON,
            "{x} %% {y}: {}",
            got[0]
        );
        assert!(same(got[1], quotient), "{x} %/% {y}: {}", got[1]);
        assert!(same(got[2], power), "{x} ^ {y}: {}", got[2]);
    }
}

#[test]
fn logic_has_three_values() {
    let a = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, NA, NA, NA];
    let b = [0.0, 1.0, NA, 0.0, 1.0, NA, 0.0, 1.0, NA];
    let cases = [
        (Binary::And, [0.0, 0.0, 0.0, 0.0, 1.0, NA, 0.0, NA, NA]),
        (Binary::Or, [0.0, 1.0, NA, 1.0, 1.0, 1.0, NA, 1.0, NA]),
        (Binary::Eq, [1.0, 0.0, NA, 0.0, 1.0, NA, NA, NA, NA]),
        (Binary::Ne, [0.0, 1.0, NA, 1.0, 0.0, NA, NA, NA, NA]),
        (Binary::Lt, [0.0, 1.0, NA, 0.0, 0.0, NA, NA, NA, NA]),
        (Binary::Ge, [1.0, 0.0, NA, 1.0, 1.0, NA, NA, NA, NA]),
        (Binary::Min, [0.0, 0.0, NA, 0.0, 1.0, NA, NA, NA, NA]),
        (Binary::Max, [0.0, 1.0, NA, 1.0, 1.0, NA, NA, NA, NA]),
        (Binary::MinKnown, [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, NA]),
        (Binary::MaxKnown, [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, NA]),
    ];
    for (op, wanted) in cases {
        for got in both(op, &a, &b) {
            assert!(
                got.iter().zip(wanted).all(|(&g, w)| same(g, w)),
                "{op:?}: {got:?}"
            );
        }
    }
}

#[test]
fn every_kind_of_input_and_output() {
    // select(l, i, x) + 1, is_nan(l), not l
    let mut p = Program::new();
    let (l, i, x) = (p.input(0), p.input(1), p.input(2));
    let one = p.constant(1.0);
    let chosen = p.select(l, i, x);
    let sum = p.binary(Binary::Add, chosen, one);
    let (nan, not) = (p.unary(Unary::IsNan, l), p.unary(Unary::Not, l));
    p.output(sum);
    p.output(nan);
    p.output(not);
    let tiny = [1e-20; 4];
    let inputs = [
        Input::Logical(&[0, 1, 2, 1]),
        Input::Integer(&[10, 20, 30, i32::MIN]),
        Input::Pair(&[0.5, 0.5, 0.5, 0.5], &tiny),
    ];
    let (mut high, mut low, mut na, mut no) = ([0.0; 4], [0.0; 4], [9; 4], [9; 4]);
    let mut outputs = [
        Output::Pair(&mut high, &mut low),
        Output::Logical(&mut na),
        Output::Logical(&mut no),
    ];
    p.run::<Dd>(&inputs, 4, &mut outputs).unwrap();
    assert_eq!(high[..2], [1.5, 21.0]);
    assert!(high[2].is_nan() && high[3].is_nan());
    assert_eq!(low[..2], [1e-20, 0.0]);
    assert_eq!((na, no), ([0, 0, 1, 0], [1, 0, 2, 0]));
}

#[test]
fn infinities_survive_in_twice_the_precision() {
    let a = [1.0, f64::INFINITY, 1e200, f64::INFINITY, 1.0, f64::INFINITY];
    let b = [0.0, 2.0, 1e200, f64::INFINITY, f64::INFINITY, 3.0];
    for op in [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Pow] {
        let [one, two] = both(op, &a, &b);
        assert!(
            one.iter().zip(&two).all(|(&x, &y)| same(x, y)),
            "{op:?}: {one:?} {two:?}"
        );
    }
}

#[test]
fn special_functions_as_r() {
    // R's atan, pnorm, qnorm, lgamma, digamma, trigamma, x - log1p(x), and lgamma(x + 1) less Stirling's formula
    let x = 0.3;
    let cases = [
        (Unary::Atan, 0.291456794477867),
        (Unary::NormalCdf, 0.617911422188953),
        (Unary::NormalQuantile, -0.524400512708041),
        (Unary::LogGamma, 1.09579799481808),
        (Unary::Digamma, -3.50252422220013),
        (Unary::Trigamma, 12.2453645461077),
        (Unary::XMinusLog1p, 0.0376357355325089),
        (Unary::StirlingError, 0.236064900748216),
    ];
    for (op, wanted) in cases {
        let mut p = Program::new();
        let v = p.input(0);
        let v = p.unary(op, v);
        p.output(v);
        let (mut one, mut two) = ([0.0; 2], [0.0; 2]);
        let inputs = [Input::Real(&[x, NA])];
        p.run::<f64>(&inputs, 2, &mut [Output::Real(&mut one)]).unwrap();
        p.run::<Dd>(&inputs, 2, &mut [Output::Real(&mut two)]).unwrap();
        // fifteen digits stand above
        assert!(
            (one[0] - wanted).abs() <= 1e-14 * wanted.abs(),
            "{op:?}: {}",
            one[0]
        );
        assert!(one[0] == two[0] && one[1].is_nan() && two[1].is_nan(), "{op:?}");
    }
}

#[test]
fn vector_code_gives_the_bits_of_scalar_code() {
    let mut x: Vec<f64> = (-900..900).map(|i| f64::from(i) * 0.873).collect();
    // every exponent, of both signs
    x.extend((0..4096u64).map(|i| f64::from_bits((i << 52) | (i * 0xf_1234_5678))));
    x.extend([0.0, -0.0, -1.0, f64::INFINITY, -f64::INFINITY, NA]);
    type Scalar = fn(f64) -> f64;
    let functions: [(Unary, Scalar); 5] = [
        (Unary::Exp, crate::special::exp),
        (Unary::Expm1, crate::special::expm1),
        (Unary::Log, crate::special::log),
        (Unary::Log1p, crate::special::log1p),
        (Unary::XMinusLog1p, crate::special::x_minus_log1p),
    ];
    for (op, f) in functions {
        let mut p = Program::new();
        let v = p.input(0);
        let v = p.unary(op, v);
        p.output(v);
        let (mut one, mut two) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        p.run::<f64>(&[Input::Real(&x)], x.len(), &mut [Output::Real(&mut one)])
            .unwrap();
        p.run::<Dd>(&[Input::Real(&x)], x.len(), &mut [Output::Real(&mut two)])
            .unwrap();
        for ((&x, one), two) in x.iter().zip(one).zip(two) {
            let wanted = f(x);
            let bits = |v: f64| {
                if v.is_nan() {
                    f64::NAN.to_bits()
                } else {
                    v.to_bits()
                }
            };
            assert!(
                bits(one) == bits(wanted) && bits(two) == bits(wanted),
                "{op:?} {x:e}: {one:e}, {two:e} and {wanted:e}"
            );
        }
    }
}

#[test]
fn a_runner_runs_again() {
    // (x + 2) > y, with a register reused and a constant that must survive; lengths around the chunk
    let mut p = Program::new();
    let (x, y) = (p.input(0), p.input(1));
    let two = p.constant(2.0);
    let sum = p.binary(Binary::Add, x, two);
    let larger = p.binary(Binary::Gt, sum, y);
    p.output(larger);
    p.output(two);
    let mut runner = p.runner::<f64>().unwrap();
    assert_eq!(runner.program(), &p);
    for rows in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 7, 3 * CHUNK, 1000] {
        let x: Vec<f64> = (0..rows).map(|i| (i % 7) as f64).collect();
        let y: Vec<f64> = (0..rows).map(|i| (i % 11) as f64).collect();
        let (mut out, mut constant) = (vec![9; rows], vec![9.0; rows]);
        runner
            .run(
                &[Input::Real(&x), Input::Real(&y)],
                rows,
                &mut [Output::Logical(&mut out), Output::Real(&mut constant)],
            )
            .unwrap();
        for row in 0..rows {
            assert_eq!(out[row], u8::from(x[row] + 2.0 > y[row]), "row {row} of {rows}");
            assert_eq!(constant[row], 2.0, "row {row} of {rows}");
        }
    }
    // an error leaves it usable
    assert!(runner.run(&[], 0, &mut []).is_err());
    let (mut out, mut constant) = ([9], [9.0]);
    let mut outputs = [Output::Logical(&mut out), Output::Real(&mut constant)];
    runner
        .run(&[Input::Real(&[1.0]), Input::Real(&[5.0])], 1, &mut outputs)
        .unwrap();
    assert_eq!((out, constant), ([0], [2.0]));
}

#[test]
fn bad_columns_are_errors() {
    let mut p = Program::new();
    let x = p.input(1);
    p.output(x);
    let (v, mut out) = ([1.0], [0.0]);
    let error = p
        .run::<f64>(&[Input::Real(&v)], 1, &mut [Output::Real(&mut out)])
        .unwrap_err();
    assert_eq!(error, ProgramError::Inputs { input: 1, given: 1 });
    let error = p.run::<f64>(&[Input::Real(&v); 2], 1, &mut []).unwrap_err();
    assert_eq!(error, ProgramError::Outputs { wanted: 1, given: 0 });
    let mut bad = Program::new();
    bad.push(Op::Unary(Unary::Neg, 7));
    let error = bad.runner::<f64>().unwrap_err();
    assert_eq!(error, ProgramError::Order { step: 0, slot: 7 });
    let error = p
        .run::<f64>(&[Input::Real(&v); 2], 2, &mut [Output::Real(&mut out)])
        .unwrap_err();
    assert!(matches!(
        error,
        ProgramError::Length {
            what: "input",
            index: 0,
            length: 1,
            rows: 2
        }
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Registers are reused and chunks are cut: a random program against one value at a time.
    #[test]
    fn any_program_any_length(
        steps in proptest::collection::vec((0..5u8, any::<u32>(), any::<u32>(), any::<u32>()), 1..40),
        rows in 0..1300usize,
    ) {
        let mut p = Program::new();
        p.input(0);
        p.input(1);
        for (kind, a, b, c) in steps {
            let n = p.ops().len() as u32;
            let (a, b, c) = (a % n, b % n, c % n);
            match kind {
                0 => p.binary(Binary::Add, a, b),
                1 => p.binary(Binary::Max, a, b),
                2 => p.unary(Unary::Neg, a),
                3 => p.constant(f64::from(a) - 3.0),
                _ => p.select(a, b, c),
            };
        }
        let last = p.ops().len() as u32 - 1;
        p.output(last);
        p.output(last / 2);
        let x: Vec<f64> = (0..rows).map(|i| i as f64).collect();
        let y: Vec<f64> = (0..rows).map(|i| (i % 3) as f64).collect();
        let mut out = [vec![9.0; rows], vec![9.0; rows]];
        let [first, second] = &mut out;
        p.run::<f64>(
            &[Input::Real(&x), Input::Real(&y)],
            rows,
            &mut [Output::Real(first), Output::Real(second)],
        ).unwrap();
        for row in 0..rows {
            let mut values: Vec<f64> = Vec::new();
            for op in p.ops() {
                let v = |s: Slot| values[s as usize];
                values.push(match *op {
                    Op::Input(0) => x[row],
                    Op::Input(_) => y[row],
                    Op::Constant(c) => c,
                    Op::Unary(_, a) => -v(a),
                    Op::Binary(Binary::Add, a, b) => v(a) + v(b),
                    Op::Binary(_, a, b) => v(a).max(v(b)),
                    Op::Select { condition, yes, no } => if v(condition) != 0.0 { v(yes) } else { v(no) },
                    _ => unreachable!(),
                });
            }
            prop_assert_eq!(out[0][row], values[last as usize]);
            prop_assert_eq!(out[1][row], values[last as usize / 2]);
        }
    }

    #[test]
    fn twice_the_precision_is_twice(x in 0.5..2.0f64) {
        // x^10 - x^9 * x is about 2^-104, not 2^-52
        let mut p = Program::new();
        let v = p.input(0);
        let (ten, nine) = (p.push(Op::Power(v, 10)), p.push(Op::Power(v, 9)));
        let other = p.binary(Binary::Mul, nine, v);
        let rest = p.binary(Binary::Sub, ten, other);
        p.output(rest);
        let mut out = [0.0];
        p.run::<Dd>(&[Input::Real(&[x])], 1, &mut [Output::Real(&mut out)]).unwrap();
        prop_assert!(out[0].abs() <= 80.0 * Dd::EPSILON * x.powi(10), "{}", out[0]);
    }
}
