//! Programs as CUDA C.

use std::fmt::Write;

use nelder_device::{Binary, Op, Program, Unary};

/// Scalar functions that programs call.
pub const PRELUDE: &str = include_str!("prelude.cu");

/// The kernel's name.
pub const KERNEL: &str = "nelder_program";

fn unary(op: Unary, a: &str) -> String {
    match op {
        Unary::Neg => format!("-{a}"),
        Unary::Abs => format!("fabs({a})"),
        Unary::Sqrt => format!("sqrt({a})"),
        Unary::Exp => format!("exp({a})"),
        Unary::Expm1 => format!("expm1({a})"),
        Unary::Log => format!("log({a})"),
        Unary::Log1p => format!("log1p({a})"),
        Unary::Log2 => format!("log2({a})"),
        Unary::Log10 => format!("log10({a})"),
        Unary::Sin => format!("sin({a})"),
        Unary::Cos => format!("cos({a})"),
        Unary::Tan => format!("tan({a})"),
        Unary::Atan => format!("atan({a})"),
        Unary::NormalCdf => format!("nd_normal_upper(-{a})"),
        Unary::NormalQuantile => format!("nd_normal_quantile({a})"),
        Unary::LogGamma => format!("nd_log_gamma({a})"),
        Unary::Digamma => format!("nd_digamma({a})"),
        Unary::Trigamma => format!("nd_trigamma({a})"),
        Unary::XMinusLog1p => format!("nd_x_minus_log1p({a})"),
        Unary::StirlingError => format!("nd_stirling_error({a})"),
        Unary::Floor => format!("floor({a})"),
        Unary::Ceiling => format!("ceil({a})"),
        Unary::Truncate => format!("trunc({a})"),
        Unary::Sign => format!("nd_sign({a})"),
        Unary::Not => format!("nd_not({a})"),
        Unary::IsNan => format!("(isnan({a}) ? 1.0 : 0.0)"),
        Unary::IsFinite => format!("(isfinite({a}) ? 1.0 : 0.0)"),
        Unary::Truth => format!("nd_truth({a})"),
    }
}

fn binary(op: Binary, a: &str, b: &str) -> String {
    let infix = |sign: &str| format!("{a} {sign} {b}");
    let compare = |sign: &str| format!("nd_compare({a} {sign} {b}, {a}, {b})");
    let call = |name: &str| format!("{name}({a}, {b})");
    match op {
        Binary::Add => infix("+"),
        Binary::Sub => infix("-"),
        Binary::Mul => infix("*"),
        Binary::Div => infix("/"),
        Binary::Pow => call("nd_power"),
        Binary::Mod => call("nd_modulo"),
        Binary::IntDiv => call("nd_integer_quotient"),
        Binary::Eq => compare("=="),
        Binary::Ne => compare("!="),
        Binary::Lt => compare("<"),
        Binary::Le => compare("<="),
        Binary::Gt => compare(">"),
        Binary::Ge => compare(">="),
        Binary::And => call("nd_and"),
        Binary::Or => call("nd_or"),
        Binary::Min => call("nd_min"),
        Binary::Max => call("nd_max"),
        Binary::MinKnown => call("nd_min_known"),
        Binary::MaxKnown => call("nd_max_known"),
    }
}

/// The constants of a program, in the order in which its kernel takes them.
pub fn constants(program: &Program) -> Vec<f64> {
    let constant = |op: &Op| match op {
        Op::Constant(c) => Some(*c),
        _ => None,
    };
    program.ops().iter().filter_map(constant).collect()
}

/// The steps of a program, one a line: step k is `vk`, constant k `ck`.
pub fn body(program: &Program, input: impl Fn(u32) -> String) -> String {
    let mut out = String::new();
    let mut constant = 0..;
    for (slot, op) in program.ops().iter().enumerate() {
        let v = |s: u32| format!("v{s}");
        let value = match *op {
            Op::Input(k) => input(k),
            Op::Constant(_) => format!("c{}", constant.next().unwrap_or(0)),
            Op::Unary(op, a) => unary(op, &v(a)),
            Op::Binary(op, a, b) => binary(op, &v(a), &v(b)),
            Op::Power(a, n) => format!("nd_whole_power({}, {n})", v(a)),
            Op::Round(a, digits) => format!("nd_round({}, {digits})", v(a)),
            Op::Select { condition, yes, no } => {
                format!("nd_select({}, {}, {})", v(condition), v(yes), v(no))
            }
        };
        let _ = writeln!(out, "    const double v{slot} = {value};");
    }
    out
}

/// A kernel with the constants, then one pointer for each input, then one for each output, then the number of rows.
/// Programs that differ in their constants have the same kernel.
pub fn source(program: &Program) -> String {
    let mut out = String::from(PRELUDE);
    let inputs = program.inputs();
    let _ = write!(out, "\nextern \"C\" __global__ void {KERNEL}(");
    for k in 0..constants(program).len() {
        let _ = write!(out, "const double c{k}, ");
    }
    for i in 0..inputs {
        let _ = write!(out, "const double* __restrict__ in{i}, ");
    }
    for i in 0..program.outputs().len() {
        let _ = write!(out, "double* __restrict__ out{i}, ");
    }
    out.push_str(
        "unsigned long long rows) {\n  unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x;\n  \
         const unsigned long long step = gridDim.x * (unsigned long long)blockDim.x;\n  for (; i < rows; i += step) {\n",
    );
    out += &body(program, |k| format!("in{k}[i]"));
    for (i, slot) in program.outputs().iter().enumerate() {
        let _ = writeln!(out, "    out{i}[i] = v{slot};");
    }
    out.push_str("  }\n}\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_a_line() {
        let mut p = Program::new();
        let (x, half) = (p.input(1), p.constant(0.5));
        let log = p.unary(Unary::Log, x);
        let scaled = p.binary(Binary::Mul, log, half);
        p.output(scaled);
        p.output(x);
        let text = source(&p);
        assert!(text.contains(
            "in0, const double* __restrict__ in1, double* __restrict__ out0, double* __restrict__ out1"
        ));
        assert!(text.contains("const double v0 = in1[i];"));
        assert!(
            text.contains("const double c0, const double* __restrict__ in0")
                && text.contains("const double v1 = c0;")
        );
        assert_eq!(constants(&p), [0.5]);
        assert!(text.contains("const double v2 = log(v0);"));
        assert!(text.contains("const double v3 = v2 * v1;"));
        assert!(text.contains("out0[i] = v3;") && text.contains("out1[i] = v0;"));
    }
}
