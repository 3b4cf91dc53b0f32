//! Calls of special functions.

use super::arguments::Call;
use super::special::Special;
use crate::design::bind::{Binder, Operand};
use crate::design::constant::Constant;
use crate::design::error::BindError;
use crate::design::node::{NodeKind, Type, node};

/// Binds a call of a special function.
pub(super) fn call(
    binder: &mut Binder<'_>,
    call: &Call<'_>,
    mut special: Special,
    formals: &[&str],
) -> Result<Operand, BindError> {
    let mut names = formals;
    if let Special::Signif(digits) = &mut special {
        names = &formals[..1];
        if let Some(given) = call.number(binder, "digits")? {
            *digits = given.round().clamp(1.0, 22.0) as i32;
        }
    }
    let terms = names
        .iter()
        .map(|name| call.term(binder, name))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(constants) = terms.iter().map(constant).collect::<Option<Vec<_>>>() {
        let n = constants.iter().map(Vec::len).max().unwrap_or(0);
        let at = |v: &Vec<f64>, i: usize| v[i % v.len()];
        let values = (0..n).map(|i| {
            let b = constants.get(1).map_or(0.0, |v| at(v, i));
            special.of(at(&constants[0], i), b)
        });
        return Ok(Operand::Constant(Constant::Numbers {
            values: values.collect(),
            whole: false,
        }));
    }
    let mut parts = Vec::new();
    for (term, name) in terms.into_iter().zip(names) {
        let part = binder.scalar(term, call.expr)?;
        match part.ty.columns() {
            1 => parts.push(part),
            n => return Err(call.wrong(name, &format!("is a matrix of {n} columns; one is needed"))),
        }
    }
    Ok(Operand::Node(node(
        NodeKind::Special(parts, special),
        Type::NUMBER,
        call.expr,
    )))
}

fn constant(term: &Operand) -> Option<Vec<f64>> {
    match term {
        Operand::Constant(c) => c.numbers().filter(|v| !v.is_empty()),
        Operand::Node(_) => None,
    }
}
