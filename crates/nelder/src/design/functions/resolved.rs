//! Expressions with the values of summaries in the place of their calls.

use super::names::SUMMARIES;
use crate::design::error::BindError;
use crate::formula::{Arg, Expr, Resolved};

/// The expression with values that are known, in the order in which [`values`] lists them.
pub(in crate::design) fn restore(expr: &Expr, known: &[Resolved]) -> Result<Expr, BindError> {
    let (mut known, mut missing) = (known.iter(), false);
    let restored = rebuilt(expr, &mut |expr| match &expr {
        Expr::Call { function, .. } if SUMMARIES.contains(&function.as_str()) => match known.next() {
            Some(value) => Expr::Resolved {
                call: Box::new(expr),
                value: value.clone(),
            },
            None => {
                missing = true;
                expr
            }
        },
        _ => expr,
    });
    match missing || known.next().is_some() {
        true => Err(BindError::State("the fit was made with other expressions".into())),
        false => Ok(restored),
    }
}

/// The values that an expression has got, inner ones first.
pub(in crate::design) fn values(expr: &Expr, out: &mut Vec<Resolved>) {
    if let Expr::Resolved { call, value } = expr {
        if let Expr::Call { args, .. } = &**call {
            args.iter().for_each(|a| values(&a.value, out));
        }
        out.push(value.clone());
        return;
    }
    parts(expr).into_iter().for_each(|e| values(e, out));
}

/// The expressions directly below.
pub(super) fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Call { args, .. } => args.iter().map(|a| &a.value).collect(),
        Expr::Unary(_, a) | Expr::Paren(a) => vec![a],
        Expr::Binary(_, a, b) => vec![a, b],
        _ => Vec::new(),
    }
}

/// The expression with each part put through `f`, inner ones first.
pub(super) fn rebuilt(expr: &Expr, f: &mut dyn FnMut(Expr) -> Expr) -> Expr {
    let mut inner = |e: &Expr| rebuilt(e, f);
    let own = match expr {
        Expr::Call { function, args } => Expr::Call {
            function: function.clone(),
            args: args
                .iter()
                .map(|a| Arg {
                    name: a.name.clone(),
                    value: inner(&a.value),
                })
                .collect(),
        },
        Expr::Unary(op, a) => Expr::Unary(*op, Box::new(inner(a))),
        Expr::Paren(a) => Expr::Paren(Box::new(inner(a))),
        Expr::Binary(op, a, b) => Expr::Binary(*op, Box::new(inner(a)), Box::new(inner(b))),
        other => other.clone(),
    };
    f(own)
}
