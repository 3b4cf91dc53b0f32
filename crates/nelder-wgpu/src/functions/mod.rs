//! Programs as straight-line code: each operation as `nelder_device`'s `scalar.rs` defines it.

mod coefficients;
mod elementary;
mod special;

use nelder_device::{Binary, Op, Program, Unary};

use crate::machine::{Code, Writer, X};

fn known<'w>(x: X<'w>, value: X<'w>) -> X<'w> {
    x.is_number().choose(value, x)
}

fn unary(op: Unary, x: X<'_>) -> X<'_> {
    match op {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Sqrt => x.root(),
        Unary::Exp => elementary::exp(x, None),
        Unary::Expm1 => elementary::expm1(x),
        Unary::Log => elementary::log(x),
        Unary::Log1p => elementary::log1p(x),
        Unary::Log2 => elementary::log2(x),
        Unary::Log10 => elementary::log10(x),
        Unary::Sin => elementary::circular(x).0,
        Unary::Cos => elementary::circular(x).1,
        Unary::Tan => {
            let (sine, cosine) = elementary::circular(x);
            sine / cosine
        }
        Unary::Atan => elementary::atan(x),
        Unary::NormalCdf => special::normal_lower(x),
        Unary::NormalQuantile => special::normal_quantile(x),
        Unary::LogGamma => special::log_gamma(x),
        Unary::Digamma => special::digamma(x),
        Unary::Trigamma => special::trigamma(x),
        Unary::XMinusLog1p => elementary::x_minus_log1p(x),
        Unary::StirlingError => special::stirling_error(x),
        Unary::Floor => x.floor(),
        Unary::Ceiling => -(-x).floor(),
        Unary::Truncate => x.truncate(),
        Unary::Sign => x.above(0.0).choose(1.0, x.less(0.0).choose(-1.0, x)),
        Unary::Not => known(x, x.equal(0.0)),
        Unary::IsNan => x.is_number().not(),
        Unary::IsFinite => x.abs().less(f64::INFINITY),
        Unary::Truth => known(x, x.equal(0.0).not()),
    }
}

fn modulo<'w>(x: X<'w>, y: X<'w>) -> X<'w> {
    let rest = (-(x / y).floor()).fma(y, x);
    let value = rest - (rest / y).floor() * y;
    let alike = x.above(0.0).equal(y.above(0.0)).or(x.equal(0.0));
    let value = y.abs().equal(f64::INFINITY).choose(alike.choose(x, y), value);
    let undefined = y.equal(0.0).or(x.abs().equal(f64::INFINITY));
    let value = undefined.choose(f64::NAN, value);
    x.is_number().and(y.is_number()).choose(value, f64::NAN)
}

fn integer_quotient<'w>(x: X<'w>, y: X<'w>) -> X<'w> {
    let plain = x / y;
    let whole = plain.floor();
    let value = whole + ((-whole).fma(y, x) / y).floor();
    let alike = x.above(0.0).equal(y.above(0.0)).or(x.equal(0.0));
    let value = y
        .abs()
        .equal(f64::INFINITY)
        .choose(alike.choose(0.0, -1.0), value);
    let value = plain.abs().less(f64::INFINITY).choose(value, plain);
    y.equal(0.0).choose(plain, value)
}

fn power<'w>(x: X<'w>, y: X<'w>) -> X<'w> {
    let value = elementary::pow(x, y);
    let value = y.equal(2.0).choose(x * x, value);
    y.equal(1.0).choose(x, value)
}

fn whole_power(x: X<'_>, n: i32) -> X<'_> {
    match n {
        0 => x.number(1.0),
        1 => x,
        2 => x * x,
        _ => elementary::pow(x, x.number(f64::from(n))),
    }
}

fn binary<'w>(op: Binary, x: X<'w>, y: X<'w>) -> X<'w> {
    let both = || x.is_number().and(y.is_number());
    let compared = |truth: X<'w>| both().choose(truth, f64::NAN);
    match op {
        Binary::Add => x + y,
        Binary::Sub => x - y,
        Binary::Mul => x * y,
        Binary::Div => x / y,
        Binary::Pow => power(x, y),
        Binary::Mod => modulo(x, y),
        Binary::IntDiv => integer_quotient(x, y),
        Binary::Eq => compared(x.equal(y)),
        Binary::Ne => compared(x.equal(y).not()),
        Binary::Lt => compared(x.less(y)),
        Binary::Le => compared(x.not_above(y)),
        Binary::Gt => compared(x.above(y)),
        Binary::Ge => compared(x.not_below(y)),
        Binary::And => x
            .equal(0.0)
            .or(y.equal(0.0))
            .choose(0.0, both().choose(1.0, f64::NAN)),
        Binary::Or => {
            let yes = |v: X<'w>| v.is_number().and(v.equal(0.0).not());
            yes(x).or(yes(y)).choose(1.0, both().choose(0.0, f64::NAN))
        }
        Binary::Min => x.is_number().and(x.not_above(y).not()).choose(y, x),
        Binary::Max => x.is_number().and(x.not_below(y).not()).choose(y, x),
        Binary::MinKnown => y.is_number().not().or(x.not_above(y)).choose(x, y),
        Binary::MaxKnown => y.is_number().not().or(x.not_below(y)).choose(x, y),
    }
}

/// R's `round(x, digits)`, as `nelder_device` has it.
fn round(x: X<'_>, digits: i32) -> X<'_> {
    if digits > 323 {
        return x;
    }
    if digits < -308 {
        let zero = x.number(0.0);
        return x
            .abs()
            .less(f64::INFINITY)
            .and(x.equal(0.0).not())
            .choose(zero, x);
    }
    if digits == 0 {
        return x.nearest();
    }
    let size = x.abs();
    let wide = (size.exponent() + 0.5) * std::f64::consts::LOG10_2 + f64::from(digits);
    let scale = 10f64.powi(digits.abs().min(308));
    let more = 10f64.powi((digits - 308).max(0));
    let scaled = match digits > 0 {
        true => size * scale * more,
        false => size / scale,
    };
    let low = scaled.floor();
    let high = -(-scaled).floor();
    let (below, above) = match digits {
        309.. => (low / scale / more, high / scale / more),
        1.. => (low / scale, high / scale),
        _ => (low * scale, high * scale),
    };
    let (down, up) = (size - below, above - size);
    let half = low * 0.5;
    let even = half.floor().equal(half);
    let lower = down.less(up).or(down.equal(up).and(even));
    let rounded = lower.choose(below, above);
    let minus = x.less(0.0);
    let rounded = minus.choose(-rounded, rounded);
    let kept = wide.above(15.0).or(x.equal(0.0));
    let rounded = kept.choose(x, rounded);
    size.less(f64::INFINITY).choose(rounded, x)
}

/// A program as code: its inputs are loaded, its outputs stored in their order.
pub(crate) fn code(program: &Program) -> Result<Code, String> {
    let writer = Writer::default();
    let mut values: Vec<X<'_>> = Vec::with_capacity(program.ops().len());
    for op in program.ops() {
        let at = |slot: u32| values[slot as usize];
        let value = match *op {
            Op::Input(k) => writer.load(k as usize),
            Op::Constant(c) => writer.number(c),
            Op::Unary(op, a) => unary(op, at(a)),
            Op::Binary(op, a, b) => binary(op, at(a), at(b)),
            Op::Power(a, n) => whole_power(at(a), n),
            Op::Round(a, digits) => round(at(a), digits),
            Op::Select { condition, yes, no } => {
                let c = at(condition);
                let chosen = c.equal(0.0).choose(at(no), at(yes));
                c.is_number().choose(chosen, f64::NAN)
            }
        };
        values.push(value);
    }
    for &slot in program.outputs() {
        writer.store(values[slot as usize]);
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::evaluate;

    /// Straight-line code, run on the CPU step by step, against the CPU's own program.
    #[test]
    fn code_is_what_programs_say() {
        use Unary::*;
        let some = [
            Exp,
            Expm1,
            Log,
            Log1p,
            Log2,
            Log10,
            Sin,
            Cos,
            Tan,
            Atan,
            NormalCdf,
            NormalQuantile,
            LogGamma,
            Digamma,
            Trigamma,
            XMinusLog1p,
            StirlingError,
            Floor,
            Ceiling,
            Truncate,
            Sign,
            Not,
            Truth,
        ];
        let points = [
            0.0,
            -0.0,
            1e-300,
            0.1,
            0.25,
            0.5,
            0.9,
            1.0,
            1.4,
            2.0,
            3.7,
            12.5,
            25.0,
            650.0,
            -0.3,
            -2.0,
            -8.25,
            -650.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ];
        for op in some {
            let mut program = Program::new();
            let x = program.input(0);
            let out = program.unary(op, x);
            program.output(out);
            let code = code(&program).unwrap();
            assert!(code.registers <= 64, "{op:?} takes {} registers", code.registers);
            for x in points {
                let mut want = [0.0];
                let column = [x];
                program
                    .run::<f64>(
                        &[nelder_device::Input::Real(&column)],
                        1,
                        &mut [nelder_device::Output::Real(&mut want)],
                    )
                    .unwrap();
                let have = evaluate(&code, &[x])[0];
                let near =
                    (have - want[0]).abs() <= 8.0 * f64::EPSILON * want[0].abs().max(f64::MIN_POSITIVE);
                let of_one =
                    matches!(op, LogGamma | Digamma | StirlingError) && (have - want[0]).abs() < 4e-15;
                assert!(
                    have == want[0] || near || of_one || (have.is_nan() && want[0].is_nan()),
                    "{op:?}({x:e}) is {have:e} and not {:e}",
                    want[0]
                );
            }
        }
    }
}
