//! The functions that formulas may call.

use nelder_device::{Binary, Unary};

use super::arguments::Call;
use super::bases;
use super::dates;
use super::factors;
use super::names;
use super::special::Special;
use super::special_calls;
use super::survival;
use crate::design::bind::{Binder, Functions, Operand};
use crate::design::constant::Constant;
use crate::design::error::{BindError, UnknownName, mistyped};
use crate::design::node::{NodeKind, Type, node};
use crate::formula::{Arg, Expr, nearest};

/// The functions that a binder binds calls by.
pub(in crate::design) const FUNCTIONS: Functions = Functions {
    call,
    reordered: factors::reordered,
};

/// Binds a call.
// a table: one arm a function of R
fn call(binder: &mut Binder<'_>, expr: &Expr, function: &str, args: &[Arg]) -> Result<Operand, BindError> {
    if let Some((special, formals)) = Special::named(function) {
        return special_calls::call(binder, &Call::matched(expr, args, formals)?, special, formals);
    }
    if names::SUMMARIES.contains(&function) {
        let problem = "has one value for all rows, which is not known here".to_string();
        return Err(mistyped(expr, problem));
    }
    if let Some(op) = elementwise(function) {
        let call = Call::matched(expr, args, &["x"])?;
        let x = call.term(binder, "x")?;
        return binder.unary(op, x, expr);
    }
    match function {
        "I" | "offset" | "identity" => {
            let call = Call::matched(expr, args, &["x"])?;
            call.term(binder, "x")
        }
        "log" => log(binder, &Call::matched(expr, args, &["x", "base"])?),
        "round" => {
            let call = Call::matched(expr, args, &["x", "digits"])?;
            round(binder, &call)
        }
        "pmin" | "pmax" => extreme(
            binder,
            &Call::matched(expr, args, &["...", "na.rm"])?,
            function == "pmin",
        ),
        "ifelse" => factors::ifelse(binder, &Call::matched(expr, args, &["test", "yes", "no"])?),
        "is.na" => {
            let call = Call::matched(expr, args, &["x"])?;
            match call.term(binder, "x")? {
                Operand::Node(x) if x.ty.is_codes() => Ok(Operand::Node(factors::is_missing(x, expr))),
                Operand::Constant(c) if c.numbers().is_none() => {
                    let missing = c.texts().iter().map(|t| t.is_none() as u8).collect();
                    Ok(Operand::Constant(Constant::Logicals(missing)))
                }
                x => binder.unary(Unary::IsNan, x, expr),
            }
        }
        "as.numeric" | "as.double" | "as.integer" | "as.logical" => {
            let call = Call::matched(expr, args, &["x"])?;
            factors::as_number(binder, &call, function)
        }
        "c" => concatenate(binder, expr, args),
        "seq" => {
            let formals = &["from", "to", "by", "length.out"];
            sequence(binder, &Call::matched(expr, args, formals)?)
        }
        "rep" => {
            let call = Call::matched(expr, args, &["x", "times"])?;
            let x = call.constant(binder, "x")?.unwrap_or(Constant::Null);
            let times = call.count(binder, "times", 0, 100_000)?.unwrap_or(1);
            Ok(Operand::Constant(Constant::concatenate(&vec![x; times])))
        }
        "cbind" => cbind(binder, &Call::matched(expr, args, &["...", "deparse.level"])?),
        "Surv" => survival::surv(binder, &Call::matched(expr, args, &survival::FORMALS)?),
        "poly" | "polym" => bases::poly(
            binder,
            &Call::matched(expr, args, &["x", "...", "degree", "coefs", "raw", "simple"])?,
        ),
        "ns" => {
            let formals = &["x", "df", "knots", "intercept", "Boundary.knots"];
            bases::spline(binder, &Call::matched(expr, args, formals)?, true)
        }
        "bs" => {
            let formals = &["x", "df", "knots", "degree", "intercept", "Boundary.knots"];
            bases::spline(binder, &Call::matched(expr, args, formals)?, false)
        }
        "scale" => bases::scale(binder, &Call::matched(expr, args, &["x", "center", "scale"])?),
        "cut" => {
            let formals = &[
                "x",
                "breaks",
                "labels",
                "include.lowest",
                "right",
                "dig.lab",
                "ordered_result",
            ];
            bases::cut(binder, &Call::matched(expr, args, formals)?)
        }
        "factor" | "ordered" | "as.factor" | "as.ordered" | "droplevels" => {
            let formals = &["x", "levels", "labels", "exclude", "ordered"];
            factors::factor(
                binder,
                &Call::matched(expr, args, formals)?,
                function.ends_with("ordered"),
            )
        }
        "C" => factors::contrasts(
            binder,
            &Call::matched(expr, args, &["object", "contr", "how.many", "..."])?,
        ),
        "rank" => bases::rank(
            binder,
            &Call::matched(expr, args, &["x", "na.last", "ties.method"])?,
        ),
        "grepl" => {
            let formals = &["pattern", "x", "ignore.case", "perl", "fixed", "useBytes"];
            factors::pattern(binder, &Call::matched(expr, args, formals)?, function)
        }
        "sub" | "gsub" => {
            let formals = &[
                "pattern",
                "replacement",
                "x",
                "ignore.case",
                "perl",
                "fixed",
                "useBytes",
            ];
            factors::pattern(binder, &Call::matched(expr, args, formals)?, function)
        }
        "as.Date" => {
            let formals = &["x", "format", "tryFormats", "optional", "tz", "origin"];
            dates::as_date(binder, &Call::matched(expr, args, formals)?)
        }
        "format" | "strftime" => {
            dates::label(binder, &Call::matched(expr, args, &["x", "format"])?, function)
        }
        "weekdays" | "months" => dates::label(
            binder,
            &Call::matched(expr, args, &["x", "abbreviate"])?,
            function,
        ),
        "quarters" => dates::label(binder, &Call::matched(expr, args, &["x"])?, function),
        "julian" => dates::julian(binder, &Call::matched(expr, args, &["x", "origin"])?),
        "relevel" => factors::relevel(binder, &Call::matched(expr, args, &["x", "ref"])?),
        "paste" | "paste0" => {
            let call = Call::matched(expr, args, &["...", "sep", "collapse"])?;
            factors::paste(binder, &call, if function == "paste" { " " } else { "" })
        }
        "interaction" => {
            let formals = &["...", "drop", "sep", "lex.order"];
            factors::interaction(binder, &Call::matched(expr, args, formals)?)
        }
        "as.character" | "nchar" | "tolower" | "toupper" | "trimws" => {
            factors::text(binder, &Call::matched(expr, args, &["x"])?, function)
        }
        "substring" => factors::text(
            binder,
            &Call::matched(expr, args, &["text", "first", "last"])?,
            function,
        ),
        "startsWith" | "endsWith" => {
            let formals = if function == "startsWith" {
                &["x", "prefix"]
            } else {
                &["x", "suffix"]
            };
            factors::affix(binder, &Call::matched(expr, args, formals)?, formals[1])
        }
        "sinh" | "cosh" | "tanh" => hyperbolic(binder, &Call::matched(expr, args, &["x"])?, function),
        "asin" | "acos" => inverse_circular(binder, &Call::matched(expr, args, &["x"])?, function),
        "xor" => {
            let call = Call::matched(expr, args, &["x", "y"])?;
            let (x, y) = (call.term(binder, "x")?, call.term(binder, "y")?);
            let (x, y) = (
                binder.unary(Unary::Truth, x, expr)?,
                binder.unary(Unary::Truth, y, expr)?,
            );
            binder.binary(Binary::Ne, x, y, expr)
        }
        "substr" => factors::text(
            binder,
            &Call::matched(expr, args, &["x", "start", "stop"])?,
            function,
        ),
        _ => Err(BindError::Unknown(vec![UnknownName {
            name: function.to_string(),
            function: true,
            nearest: nearest(function, names::NAMES.iter().copied()).map(String::from),
        }])),
    }
}

fn elementwise(function: &str) -> Option<Unary> {
    Some(match function {
        "log2" => Unary::Log2,
        "log10" => Unary::Log10,
        "log1p" => Unary::Log1p,
        "exp" => Unary::Exp,
        "expm1" => Unary::Expm1,
        "sqrt" => Unary::Sqrt,
        "abs" => Unary::Abs,
        "sin" => Unary::Sin,
        "cos" => Unary::Cos,
        "tan" => Unary::Tan,
        "atan" => Unary::Atan,
        "lgamma" => Unary::LogGamma,
        "floor" => Unary::Floor,
        "ceiling" => Unary::Ceiling,
        "trunc" => Unary::Truncate,
        "sign" => Unary::Sign,
        "is.finite" => Unary::IsFinite,
        _ => return None,
    })
}

/// asin x = atan(x / √((1 − x)(1 + x))) and acos x = 2 atan √((1 − x) / (1 + x)), in which nothing cancels near ±1.
fn inverse_circular(binder: &mut Binder<'_>, call: &Call<'_>, function: &str) -> Result<Operand, BindError> {
    let expr = call.expr;
    let one = || Operand::Constant(Constant::number(1.0));
    let (a, b) = (call.term(binder, "x")?, call.term(binder, "x")?);
    let below = binder.binary(Binary::Sub, one(), a, expr)?;
    let above = binder.binary(Binary::Add, one(), b, expr)?;
    if function == "acos" {
        let ratio = binder.binary(Binary::Div, below, above, expr)?;
        let root = binder.unary(Unary::Sqrt, ratio, expr)?;
        let half = binder.unary(Unary::Atan, root, expr)?;
        return binder.binary(Binary::Mul, Operand::Constant(Constant::number(2.0)), half, expr);
    }
    let product = binder.binary(Binary::Mul, below, above, expr)?;
    let root = binder.unary(Unary::Sqrt, product, expr)?;
    let x = call.term(binder, "x")?;
    let ratio = binder.binary(Binary::Div, x, root, expr)?;
    binder.unary(Unary::Atan, ratio, expr)
}

/// `sinh`, `cosh` and `tanh`, by e^x − 1 so that nothing cancels near zero.
fn hyperbolic(binder: &mut Binder<'_>, call: &Call<'_>, function: &str) -> Result<Operand, BindError> {
    let expr = call.expr;
    let number = |x: f64| Operand::Constant(Constant::number(x));
    let (a, b) = (call.term(binder, "x")?, call.term(binder, "x")?);
    if function == "tanh" {
        // −t / (t + 2) with t = e^(−2|x|) − 1, and the sign of x
        let mut part = |x: Operand| -> Result<Operand, BindError> {
            let size = binder.unary(Unary::Abs, x, expr)?;
            let twice = binder.binary(Binary::Mul, number(-2.0), size, expr)?;
            binder.unary(Unary::Expm1, twice, expr)
        };
        let (above, below) = (part(a)?, part(b)?);
        let below = binder.binary(Binary::Add, below, number(2.0), expr)?;
        let ratio = binder.binary(Binary::Div, above, below, expr)?;
        let sign = call.term(binder, "x")?;
        let sign = binder.unary(Unary::Sign, sign, expr)?;
        let sign = binder.unary(Unary::Neg, sign, expr)?;
        return binder.binary(Binary::Mul, sign, ratio, expr);
    }
    let operation = if function == "sinh" {
        Unary::Expm1
    } else {
        Unary::Exp
    };
    let joined = if function == "sinh" {
        Binary::Sub
    } else {
        Binary::Add
    };
    let b = binder.unary(Unary::Neg, b, expr)?;
    let (a, b) = (
        binder.unary(operation, a, expr)?,
        binder.unary(operation, b, expr)?,
    );
    let both = binder.binary(joined, a, b, expr)?;
    binder.binary(Binary::Mul, both, number(0.5), expr)
}

fn log(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let x = call.term(binder, "x")?;
    if call.expr("base").is_none() {
        return binder.unary(Unary::Log, x, call.expr);
    }
    let base = call.term(binder, "base")?;
    if let Operand::Constant(c) = &base {
        // R takes the exact functions for these
        match c.numbers().as_deref() {
            Some(&[2.0]) => return binder.unary(Unary::Log2, x, call.expr),
            Some(&[10.0]) => return binder.unary(Unary::Log10, x, call.expr),
            _ => {}
        }
    }
    let (x, base) = (
        binder.unary(Unary::Log, x, call.expr)?,
        binder.unary(Unary::Log, base, call.expr)?,
    );
    binder.binary(Binary::Div, x, base, call.expr)
}

fn round(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let x = call.term(binder, "x")?;
    let digits = call.number(binder, "digits")?.unwrap_or(0.0);
    let digits = (digits + 0.5).floor().clamp(-400.0, 400.0) as i32;
    let x = binder.scalar(x, call.expr)?;
    let ty = match &x.ty {
        Type::Logical => Type::NUMBER,
        ty => ty.clone(),
    };
    Ok(Operand::Node(node(
        NodeKind::Round(Box::new(x), digits),
        ty,
        call.expr,
    )))
}

fn extreme(binder: &mut Binder<'_>, call: &Call<'_>, least: bool) -> Result<Operand, BindError> {
    let known = call.flag(binder, "na.rm", false)?;
    let op = match (least, known) {
        (true, false) => Binary::Min,
        (true, true) => Binary::MinKnown,
        (false, false) => Binary::Max,
        (false, true) => Binary::MaxKnown,
    };
    let mut result = None;
    for arg in &call.dots {
        let next = binder.term(&arg.value)?;
        result = Some(match result {
            None => next,
            Some(before) => binder.binary(op, before, next, call.expr)?,
        });
    }
    result.ok_or_else(|| call.wrong("...", "is missing"))
}

fn concatenate(binder: &mut Binder<'_>, expr: &Expr, args: &[Arg]) -> Result<Operand, BindError> {
    let mut parts = Vec::new();
    for arg in args {
        match binder.term(&arg.value)? {
            Operand::Constant(c) => parts.push(c),
            Operand::Node(n) if args.len() == 1 => return Ok(Operand::Node(n)),
            Operand::Node(n) => {
                return Err(BindError::Type {
                    call: expr.to_string(),
                    problem: format!(
                        "c() takes constants, and `{}` is a column; cbind() puts columns side by side",
                        n.name
                    ),
                });
            }
        }
    }
    Ok(Operand::Constant(Constant::concatenate(&parts)))
}

fn sequence(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let from = call.number(binder, "from")?.unwrap_or(1.0);
    let to = call.number(binder, "to")?.unwrap_or(1.0);
    let n = call.count(binder, "length.out", 1, 1_000_000)?;
    let by = match (call.number(binder, "by")?, n) {
        (Some(by), _) => by,
        (None, Some(1)) => 0.0,
        (None, Some(n)) => (to - from) / (n as f64 - 1.0),
        (None, None) => (to - from).signum(),
    };
    let steps = match n {
        Some(n) => n as f64 - 1.0,
        None if to == from => 0.0,
        None => ((to - from) / by + 1e-10).floor(),
    };
    if !(0.0..=1e6).contains(&steps) {
        return Err(call.wrong(
            "by",
            "does not lead from `from` to `to` in at most a million steps",
        ));
    }
    let values: Vec<f64> = (0..=steps as usize).map(|i| from + i as f64 * by).collect();
    let whole = values.iter().all(|x| *x == x.trunc());
    Ok(Operand::Constant(Constant::Numbers { values, whole }))
}

fn cbind(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let (mut parts, mut names, mut named) = (Vec::new(), Vec::new(), false);
    for arg in &call.dots {
        let part = binder.term(&arg.value)?;
        let part = binder.scalar(part, call.expr)?;
        if let NodeKind::Constant(_) = part.kind {
            return Err(call.wrong(&arg.value.to_string(), "is a constant; a column is needed"));
        }
        match &part.ty {
            Type::Numbers {
                columns, names: own, ..
            } if *columns > 1 => {
                named |= own.is_some();
                names.extend(own.clone().unwrap_or_else(|| vec![String::new(); *columns]));
            }
            _ => {
                // only names and symbols name a column
                let name = match (&arg.name, &arg.value) {
                    (Some(name), _) | (None, Expr::Name(name)) => name.clone(),
                    _ => String::new(),
                };
                named |= !name.is_empty();
                names.push(name);
            }
        }
        parts.push(part);
    }
    if parts.is_empty() {
        return Err(call.wrong("...", "is missing"));
    }
    let ty = Type::Numbers {
        columns: names.len(),
        whole: parts.iter().all(|p| p.ty.whole()),
        names: named.then_some(names),
    };
    Ok(Operand::Node(node(NodeKind::Bind(parts), ty, call.expr)))
}
