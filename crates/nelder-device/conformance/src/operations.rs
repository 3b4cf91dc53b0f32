//! Each operation of a program by itself.

use nelder_device::{Binary, Device, DeviceError, Host, Op, Program, Slot, Unary};

use crate::Outcome;
use crate::values::{EXTREME, Random, ulps};

/// Largest allowed difference of a result from the CPU's.
#[derive(Clone, Copy)]
enum Tolerance {
    /// The same number.
    Exact,
    /// Units in the last place. The CPU's own error is part of it.
    Ulps(f64),
    /// Units in the last place of the result or of one, whichever is larger: next to a zero of the function both sides
    /// have lost what the other terms took.
    UlpsOfOne(f64),
}

/// A library function on the device and ours on the CPU are each right to a unit or two, so that they may be three apart;
/// compositions of them more.
fn of_unary(op: Unary) -> Tolerance {
    use Tolerance::{Exact, Ulps, UlpsOfOne};
    match op {
        Unary::Exp | Unary::Expm1 | Unary::Log | Unary::Log1p => Ulps(3.0),
        Unary::Log2 | Unary::Log10 | Unary::Sin | Unary::Cos | Unary::Tan | Unary::Atan => Ulps(4.0),
        // erfc is right to five units on the device
        Unary::NormalCdf => Ulps(10.0),
        Unary::NormalQuantile => Ulps(16.0),
        Unary::LogGamma => UlpsOfOne(12.0),
        Unary::Digamma => UlpsOfOne(8.0),
        Unary::Trigamma => Ulps(16.0),
        // below 1/4 a series; above, what is subtracted has the error of the logarithm
        Unary::XMinusLog1p => Ulps(24.0),
        Unary::StirlingError => UlpsOfOne(16.0),
        _ => Exact,
    }
}

/// True where devices may round the result of a step differently.
pub fn may_differ(op: &Op) -> bool {
    let tolerance = match *op {
        Op::Unary(op, _) => of_unary(op),
        Op::Binary(op, ..) => of_binary(op),
        Op::Power(_, n) => of_power(n),
        _ => Tolerance::Exact,
    };
    !matches!(tolerance, Tolerance::Exact)
}

fn of_binary(op: Binary) -> Tolerance {
    match op {
        Binary::Pow => Tolerance::Ulps(4.0),
        _ => Tolerance::Exact,
    }
}

/// Squares are products.
fn of_power(n: i32) -> Tolerance {
    match n {
        0..=2 => Tolerance::Exact,
        _ => Tolerance::Ulps(4.0),
    }
}

const UNARY: &[Unary] = &[
    Unary::Neg,
    Unary::Abs,
    Unary::Sqrt,
    Unary::Exp,
    Unary::Expm1,
    Unary::Log,
    Unary::Log1p,
    Unary::Log2,
    Unary::Log10,
    Unary::Sin,
    Unary::Cos,
    Unary::Tan,
    Unary::Atan,
    Unary::NormalCdf,
    Unary::NormalQuantile,
    Unary::LogGamma,
    Unary::Digamma,
    Unary::Trigamma,
    Unary::XMinusLog1p,
    Unary::StirlingError,
    Unary::Floor,
    Unary::Ceiling,
    Unary::Truncate,
    Unary::Sign,
    Unary::Not,
    Unary::IsNan,
    Unary::IsFinite,
    Unary::Truth,
];

const BINARY: &[Binary] = &[
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Pow,
    Binary::Mod,
    Binary::IntDiv,
    Binary::Eq,
    Binary::Ne,
    Binary::Lt,
    Binary::Le,
    Binary::Gt,
    Binary::Ge,
    Binary::And,
    Binary::Or,
    Binary::Min,
    Binary::Max,
    Binary::MinKnown,
    Binary::MaxKnown,
];

/// The range in which a function is asked for accuracy. Sines of large arguments depend on the reduction, and `log |Γ|` next
/// to its zeros at negative arguments on their place.
fn in_range(op: Unary, x: f64) -> bool {
    match op {
        Unary::Sin | Unary::Cos | Unary::Tan => x.abs() < 1e5 || !x.is_finite(),
        Unary::LogGamma => x >= 0.0 || x.is_nan() || x == x.trunc(),
        _ => true,
    }
}

/// Predicate of a row of inputs: true where the result is compared.
type Asked = Box<dyn Fn(&[f64]) -> bool>;

struct Case {
    name: String,
    program: Program,
    columns: Vec<Vec<f64>>,
    tolerance: Tolerance,
    asked: Asked,
}

fn columns_of(pairs: &[(f64, f64, f64)]) -> Vec<Vec<f64>> {
    vec![
        pairs.iter().map(|p| p.0).collect(),
        pairs.iter().map(|p| p.1).collect(),
        pairs.iter().map(|p| p.2).collect(),
    ]
}

/// All pairs of extreme numbers, then random ones.
fn inputs() -> Vec<Vec<f64>> {
    let mut all = Vec::new();
    for (i, &a) in EXTREME.iter().enumerate() {
        for (j, &b) in EXTREME.iter().enumerate() {
            all.push((a, b, EXTREME[(i + 2 * j) % EXTREME.len()]));
        }
    }
    let mut random = Random::new(1);
    for _ in 0..4000 {
        all.push((random.sized(2.0), random.sized(2.0), random.signed()));
        all.push((random.sized(300.0), random.sized(300.0), random.sized(10.0)));
        all.push((random.uniform(), 10.0 * random.signed(), random.uniform()));
        let near = random.sized(3.0);
        all.push((
            near,
            near * (1.0 + 1e-15 * random.signed()),
            (20.0 * random.signed()).round(),
        ));
        all.push((
            (100.0 * random.signed()).round(),
            (20.0 * random.signed()).round(),
            random.signed(),
        ));
    }
    columns_of(&all)
}

fn case(
    name: String,
    tolerance: Tolerance,
    columns: &[Vec<f64>],
    build: impl Fn(&mut Program, [Slot; 3]) -> Slot,
) -> Case {
    let mut program = Program::new();
    let slots = [program.input(0), program.input(1), program.input(2)];
    let out = build(&mut program, slots);
    program.output(out);
    Case {
        name,
        program,
        columns: columns.to_vec(),
        tolerance,
        asked: Box::new(|_| true),
    }
}

fn cases() -> Vec<Case> {
    let columns = inputs();
    let mut all = Vec::new();
    for &op in UNARY {
        let mut one = case(format!("{op:?}"), of_unary(op), &columns, |p, [a, ..]| {
            p.unary(op, a)
        });
        one.asked = Box::new(move |x| in_range(op, x[0]));
        all.push(one);
    }
    for &op in BINARY {
        all.push(case(
            format!("{op:?}"),
            of_binary(op),
            &columns,
            |p, [a, b, _]| p.push(Op::Binary(op, a, b)),
        ));
    }
    for n in [-3, -1, 0, 1, 2, 3, 7] {
        let tolerance = of_power(n);
        all.push(case(format!("Power {n}"), tolerance, &columns, |p, [a, ..]| {
            p.push(Op::Power(a, n))
        }));
    }
    for digits in [-2, 0, 1, 3, 12] {
        all.push(case(
            format!("Round {digits}"),
            Tolerance::Exact,
            &columns,
            |p, [a, ..]| p.push(Op::Round(a, digits)),
        ));
    }
    all.push(case(
        "Select".into(),
        Tolerance::Exact,
        &columns,
        |p, [a, b, c]| p.select(a, b, c),
    ));
    // rounded twice: sums and products without loss are made of such steps
    all.push(case(
        "Mul then Add".into(),
        Tolerance::Exact,
        &columns,
        |p, [a, b, c]| {
            let product = p.binary(Binary::Mul, a, b);
            p.binary(Binary::Add, product, c)
        },
    ));
    all
}

/// One operation after another.
pub fn check(backend: &dyn Device, outcome: &mut Outcome) -> Result<(), DeviceError> {
    let host = Host::default();
    for case in cases() {
        let rows = case.columns[0].len();
        let on = |device: &dyn Device| -> Result<Vec<f64>, DeviceError> {
            let held: Result<Vec<_>, _> = case.columns.iter().map(|c| device.upload(c)).collect();
            let held = held?;
            let out = device.run(&case.program, &held.iter().collect::<Vec<_>>(), rows)?;
            device.download(&out[0])
        };
        let (expected, got) = (on(&host)?, on(backend)?);
        let mut worst = (0.0, 0);
        for i in 0..rows {
            let row: Vec<f64> = case.columns.iter().map(|c| c[i]).collect();
            if !(case.asked)(&row) {
                continue;
            }
            outcome.compared += 1;
            let (want, have) = (expected[i], got[i]);
            let apart = match case.tolerance {
                Tolerance::UlpsOfOne(_) if want.is_finite() && have.is_finite() => {
                    ulps(want, have).min((want - have).abs() / f64::EPSILON)
                }
                _ => ulps(want, have),
            };
            if apart > worst.0 {
                worst = (apart, i);
            }
        }
        let allowed = match case.tolerance {
            Tolerance::Exact => 0.0,
            Tolerance::Ulps(t) | Tolerance::UlpsOfOne(t) => t,
        };
        outcome.worst.push((case.name.clone(), worst.0));
        if !(worst.0 <= allowed) {
            let i = worst.1;
            let row: Vec<String> = case.columns.iter().map(|c| format!("{:?}", c[i])).collect();
            outcome.failures.push(format!(
                "{}({}) is {:?} instead of {:?}: {} units apart, {} allowed",
                case.name,
                row.join(", "),
                got[i],
                expected[i],
                worst.0,
                allowed
            ));
        }
    }
    Ok(())
}
