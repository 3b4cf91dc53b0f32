//! Nanoseconds that an element costs in the vector functions beside the standard library's, and in each operation of
//! a program, what loading and storing it costs apart.

use nelder_device::{Binary, Dd, Input, Op, Output, Program, Real, Slot, Unary, special, vectorized};
use std::time::Instant;

const ROWS: usize = 1_000_000;

fn best(mut f: impl FnMut()) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..15 {
        let start = Instant::now();
        f();
        least = least.min(start.elapsed().as_secs_f64());
    }
    least * 1e9 / ROWS as f64
}

/// In runs of 1,000 rows, as an iteration of a generalized linear model calls it.
fn program<R: Real>(x: &[f64], y: &[f64], build: impl Fn(&mut Program, Slot, Slot) -> Slot) -> f64 {
    const RUN: usize = 1000;
    let mut p = Program::new();
    let (a, b) = (p.input(0), p.input(1));
    let v = build(&mut p, a, b);
    p.output(v);
    let mut runner = p.runner::<R>().expect("its steps are in order");
    let inputs = [Input::Real(&x[..RUN]), Input::Real(&y[..RUN])];
    let mut out = [0.0; RUN];
    best(|| {
        for _ in 0..ROWS / RUN {
            runner
                .run(&inputs, RUN, &mut [Output::Real(&mut out)])
                .expect("the columns have as many rows");
        }
    })
}

fn main() {
    // from 0.01 to 3, without order
    let column = |step: f64| {
        (0..ROWS)
            .map(|i| 0.01 + (i as f64 * step).fract() * 2.99)
            .collect::<Vec<_>>()
    };
    let (x, y) = (column(0.618_033_988_749_894_9), column(0.414_213_562_373_095));
    let mut out = vec![0.0; ROWS];

    println!("functions                  std   special");
    macro_rules! compare {
        ($name:literal, $std:expr, $own:expr) => {
            let std = best(|| {
                for (o, &x) in out.iter_mut().zip(&x) {
                    *o = $std(x);
                }
            });
            let own = best(|| {
                vectorized(
                    #[inline(always)]
                    || {
                        for (o, &x) in out.iter_mut().zip(&x) {
                            *o = $own(x);
                        }
                    },
                );
            });
            println!(
                "{:<22}{std:>8.2}{own:>10.2}   {:.1} times",
                $name,
                std / own
            );
        };
    }
    compare!("exp", f64::exp, special::exp);
    compare!("expm1", f64::exp_m1, special::expm1);
    compare!("log", f64::ln, special::log);
    compare!("log1p", f64::ln_1p, special::log1p);
    compare!("x - log1p(x)", special::x_minus_log1p, special::x_minus_log1p);

    println!("programs of one step       f64        Dd");
    let load = [
        program::<f64>(&x, &y, |_, x, _| x),
        program::<Dd>(&x, &y, |_, x, _| x),
    ];
    println!("{:<22}{:>8.2}{:>10.2}", "loads and store", load[0], load[1]);
    for op in [
        Unary::Sqrt,
        Unary::Exp,
        Unary::Expm1,
        Unary::Log,
        Unary::Log1p,
        Unary::XMinusLog1p,
        Unary::Neg,
        Unary::Abs,
        Unary::Floor,
        Unary::Ceiling,
        Unary::Truncate,
        Unary::Sign,
        Unary::Not,
        Unary::Truth,
        Unary::IsNan,
        Unary::IsFinite,
        Unary::NormalCdf,
        Unary::NormalQuantile,
        Unary::LogGamma,
        Unary::Digamma,
        Unary::Trigamma,
        Unary::StirlingError,
    ] {
        let one = program::<f64>(&x, &y, |p, x, _| p.unary(op, x)) - load[0];
        let two = program::<Dd>(&x, &y, |p, x, _| p.unary(op, x)) - load[1];
        println!("{:<22}{one:>8.2}{two:>10.2}", format!("{op:?}"));
    }
    for op in [
        Binary::Add,
        Binary::Sub,
        Binary::Mul,
        Binary::Div,
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
    ] {
        let one = program::<f64>(&x, &y, |p, x, y| p.binary(op, x, y)) - load[0];
        let two = program::<Dd>(&x, &y, |p, x, y| p.binary(op, x, y)) - load[1];
        println!("{:<22}{one:>8.2}{two:>10.2}", format!("{op:?}"));
    }
    for n in [2, 3] {
        let one = program::<f64>(&x, &y, |p, x, _| p.push(Op::Power(x, n))) - load[0];
        let two = program::<Dd>(&x, &y, |p, x, _| p.push(Op::Power(x, n))) - load[1];
        println!("{:<22}{one:>8.2}{two:>10.2}", format!("Power {n}"));
    }
    let one = program::<f64>(&x, &y, |p, x, y| p.select(x, x, y)) - load[0];
    let two = program::<Dd>(&x, &y, |p, x, y| p.select(x, x, y)) - load[1];
    println!("{:<22}{one:>8.2}{two:>10.2}", "Select");
}
