//! Operands of the operators of R's formula language.

use std::collections::HashSet;

use super::{Binary, Expr};

/// Names of columns and functions in an expression.
pub(super) fn collect_names<'e>(e: &'e Expr, into: &mut HashSet<&'e str>) {
    let mut stack = vec![e];
    while let Some(e) = stack.pop() {
        match e {
            Expr::Name(name) => {
                into.insert(name);
            }
            Expr::Call { function, args } => {
                // R takes the function's name as well: in `log(y) ~ .` a column `log` is left out
                into.insert(function);
                stack.extend(args.iter().map(|arg| &arg.value));
            }
            Expr::Unary(_, inner) | Expr::Paren(inner) => stack.push(inner),
            Expr::Binary(_, left, right) => stack.extend([&**left, &**right]),
            _ => {}
        }
    }
}

/// An expression of the formula language with the left edge of its tree unrolled: the first operand, then
/// operators and right operands in order of evaluation.
pub(super) fn unrolled(e: &Expr) -> (&Expr, Vec<(Binary, &Expr, &Expr)>) {
    use Binary::{Add, Colon, Div, In, Mul, Pow, Sub};
    let mut edge = Vec::new();
    let mut base = e;
    while let Expr::Binary(op @ (Add | Sub | Mul | Div | Pow | Colon | In), left, right) = base {
        edge.push((*op, &**right, base));
        base = left;
    }
    edge.reverse();
    (base, edge)
}

/// `Some(true)` for 1, `Some(false)` for 0; logicals count as numbers, as in R.
pub(super) fn zero_or_one(e: &Expr) -> Option<bool> {
    match e {
        Expr::Number { value, .. } if *value == 1.0 => Some(true),
        Expr::Number { value, .. } if *value == 0.0 => Some(false),
        Expr::Logical(value) => Some(*value),
        _ => None,
    }
}
