//! The values of a bound expression for the rows of a batch.

use std::borrow::Cow;
use std::sync::Arc;

use nelder_device::{Dd, Input, Output, Program, Real};

use super::constant::parts;
use super::error::EvaluateError;
use super::functions::recode::Measure;
use super::node::{Node, NodeKind, Type};
use super::value::{Numbers, Precision, Value};
use crate::frame::{Batch, Column, Key, Levels, MISSING};

/// Codes and the levels they point to.
type Coded<'b> = (Cow<'b, [u32]>, Arc<Levels>);

/// Evaluates a fused node.
// a table: one arm a kind of node
pub(super) fn value<'b>(
    node: &Node,
    batch: &'b Batch<'_>,
    precision: Precision,
) -> Result<Value<'b>, EvaluateError> {
    let low = precision == Precision::Twice;
    let not_prepared = || EvaluateError::NotPrepared {
        variable: node.name.to_string(),
    };
    let coded = |(codes, levels): Coded<'b>| Value::Codes {
        codes,
        levels,
        ordered: node.ty == Type::Factor { ordered: true },
    };
    let owned = |codes: Vec<u32>, levels: &Arc<Levels>| coded((Cow::Owned(codes), levels.clone()));
    Ok(match &node.kind {
        NodeKind::Column(position) => column(node, *position, batch)?,
        NodeKind::Program {
            program,
            inputs,
            wires,
            exact,
        } => run(node, (program, *exact), inputs, wires, batch, precision)?,
        NodeKind::Bind(parts) => {
            let mut columns = Vec::new();
            for part in parts {
                columns.extend(numbers(part, batch, precision)?);
            }
            Value::Numbers(columns)
        }
        NodeKind::Basis(argument, basis) => {
            let argument = numbers(argument, batch, precision)?;
            Value::Numbers(basis.apply(&argument, low).ok_or_else(not_prepared)?)
        }
        NodeKind::Cut(argument, cut) => {
            let intervals = cut.intervals.as_ref().ok_or_else(not_prepared)?;
            let codes = intervals.code(&number(argument, batch)?, &cut.rule);
            owned(codes, &intervals.levels)
        }
        NodeKind::CodeNumbers(argument, coder) => {
            let codes = match (&argument.kind, batch.columns.as_slice()) {
                // whole numbers are coded without becoming doubles
                (NodeKind::Column(c), columns) => match columns.get(*c) {
                    Some(Column::Integer(v)) => coder.code_integers(v),
                    Some(Column::Whole(v)) => coder.code_wholes(v.iter().copied()),
                    _ => coder.code_reals(&number(argument, batch)?),
                },
                (_, columns) if columns.iter().any(is_whole) => match wholes(argument, batch)? {
                    Some(values) => coder.code_wholes(values.into_iter()),
                    None => coder.code_reals(&number(argument, batch)?),
                },
                _ => coder.code_reals(&number(argument, batch)?),
            };
            owned(codes, &coder.levels)
        }
        NodeKind::CodeLogicals(argument, levels) => {
            let values = logicals(argument, batch)?;
            let mut to = [MISSING; 3];
            for (value, label) in [(0u8, "FALSE"), (1, "TRUE")] {
                if values.contains(&value) {
                    to[value as usize] = levels.intern(&Key::Text(label.into()));
                }
            }
            let codes = values.iter().map(|&v| to[v.min(2) as usize]).collect();
            owned(codes, levels)
        }
        NodeKind::Text(levels) => {
            let code = if levels.is_empty() { MISSING } else { 0 };
            owned(vec![code; batch.rows], levels)
        }
        NodeKind::Combine(parts, combine) => {
            let parts = parts
                .iter()
                .map(|p| codes(p, batch))
                .collect::<Result<Vec<_>, _>>()?;
            let parts: Vec<(&[u32], Arc<Levels>)> = parts
                .iter()
                .map(|(codes, levels)| (&**codes, levels.clone()))
                .collect();
            let codes = combine.code(&parts).ok_or_else(|| EvaluateError::Combinations {
                variable: node.name.to_string(),
            })?;
            owned(codes, &combine.levels)
        }
        NodeKind::Recode(argument, recode) => {
            if recode.needs_order() {
                return Err(not_prepared());
            }
            let (codes, levels) = codes(argument, batch)?;
            owned(recode.apply(&codes, &levels), &recode.levels)
        }
        NodeKind::Choose(parts, choose) => {
            let [condition, yes, no] = &**parts;
            let condition = logicals(condition, batch)?;
            let (yes, no) = (codes(yes, batch)?, codes(no, batch)?);
            owned(
                choose.apply(&condition, (&yes.0, &yes.1), (&no.0, &no.1)),
                &choose.levels,
            )
        }
        NodeKind::Lookup(argument, lookup) => {
            let (codes, levels) = codes(argument, batch)?;
            match &lookup.measure {
                Measure::Position(None) if !levels.is_fixed() => return Err(not_prepared()),
                Measure::DateByRows(_) => return Err(not_prepared()),
                measure if measure.is_number() => plain(lookup.numbers(&codes, &levels)),
                _ => Value::Logical(Cow::Owned(lookup.logicals(&codes, &levels))),
            }
        }
        NodeKind::Contrasts(argument, _) => coded(codes(argument, batch)?),
        NodeKind::Special(parts, special) => {
            let a = number(&parts[0], batch)?;
            let b = parts.get(1).map(|b| number(b, batch)).transpose()?;
            let at = |i: usize| b.as_ref().map_or(0.0, |b| b[i]);
            plain(a.iter().enumerate().map(|(i, &x)| special.of(x, at(i))).collect())
        }
        NodeKind::Stamp(argument, stamp) => owned(stamp.apply(&number(argument, batch)?), &stamp.levels),
        NodeKind::Products(parts, columns) => {
            let parts = parts
                .iter()
                .map(|p| numbers(p, batch, precision))
                .collect::<Result<Vec<_>, _>>()?;
            Value::Numbers(
                columns
                    .iter()
                    .map(|of| product(&parts, of, batch.rows, low))
                    .collect(),
            )
        }
        NodeKind::Match(ab, matching) => {
            let (a, b) = (codes(&ab[0], batch)?, codes(&ab[1], batch)?);
            Value::Logical(Cow::Owned(matching.apply((&a.0, &a.1), (&b.0, &b.1))))
        }
        NodeKind::Constant(_)
        | NodeKind::Unary(..)
        | NodeKind::Binary(..)
        | NodeKind::Round(..)
        | NodeKind::Among(..)
        | NodeKind::Select(_) => {
            return Err(EvaluateError::Rows(format!("`{}` is not fused", node.name)));
        }
    })
}

/// The product of one column of each part, by position from 1; 0 is no column.
fn product(parts: &[Vec<Numbers<'_>>], of: &[usize], rows: usize, twice: bool) -> Numbers<'static> {
    let mut all = vec![Dd::ONE; rows];
    for (part, &at) in parts.iter().zip(of) {
        let Some(column) = at.checked_sub(1).and_then(|k| part.get(k)) else {
            continue;
        };
        for (i, all) in all.iter_mut().enumerate() {
            let rest = column.low.as_ref().map_or(0.0, |l| l[i]);
            *all *= Dd::from_parts(column.high[i], rest);
        }
    }
    Numbers {
        high: all.iter().map(|x| x.hi).collect(),
        low: twice.then(|| all.iter().map(|x| x.lo).collect()),
    }
}

fn is_whole(column: &Column<'_>) -> bool {
    matches!(column, Column::Whole(_))
}

/// A whole number as the double nearest to it and what is left; missing as `NaN`.
fn of_whole(x: i128) -> (f64, f64) {
    match x {
        i128::MIN => (f64::NAN, 0.0),
        x => parts(x),
    }
}

fn pair<'b>(values: &[i128]) -> Numbers<'b> {
    let (high, low): (Vec<f64>, Vec<f64>) = values.iter().map(|&x| of_whole(x)).unzip();
    Numbers {
        high: Cow::Owned(high),
        low: Some(low),
    }
}

/// The whole numbers that a node gives, formed in twice the precision; `None` where one is not whole.
fn wholes(node: &Node, batch: &Batch<'_>) -> Result<Option<Vec<i128>>, EvaluateError> {
    let mut columns = numbers(node, batch, Precision::Twice)?;
    let column = columns.pop().ok_or(EvaluateError::Column { position: 0 })?;
    let whole = |(i, &high): (usize, &f64)| {
        let low = column.low.as_ref().map_or(0.0, |l| l[i]);
        match high.is_nan() {
            true => Some(i128::MIN),
            false => (high.fract() == 0.0 && low.fract() == 0.0 && high.abs() < 1e38)
                .then(|| high as i128 + low as i128),
        }
    };
    Ok(column.high.iter().enumerate().map(whole).collect())
}

fn plain<'b>(high: Vec<f64>) -> Value<'b> {
    Value::Numbers(vec![Numbers {
        high: Cow::Owned(high),
        low: None,
    }])
}

fn column<'b>(node: &Node, position: usize, batch: &'b Batch<'_>) -> Result<Value<'b>, EvaluateError> {
    let wrong = || EvaluateError::Column { position };
    let column = batch.columns.get(position).ok_or_else(wrong)?;
    if column.len() != batch.rows {
        let lengths = format!("{} and {} rows", column.len(), batch.rows);
        return Err(EvaluateError::Rows(lengths));
    }
    Ok(match (column, &node.ty) {
        (Column::Real(v), Type::Numbers { .. }) => Value::Numbers(vec![Numbers {
            high: Cow::Borrowed(v),
            low: None,
        }]),
        (Column::Integer(v), Type::Numbers { .. }) => {
            let real = |&x: &i32| if x == i32::MIN { f64::NAN } else { x as f64 };
            plain(v.iter().map(real).collect())
        }
        (Column::Whole(v), Type::Numbers { .. }) => plain(v.iter().map(|&x| of_whole(x).0).collect()),
        (Column::Logical(v), Type::Logical) => Value::Logical(Cow::Borrowed(v)),
        (Column::Codes { codes, levels }, ty) if ty.is_codes() => Value::Codes {
            codes: Cow::Borrowed(codes),
            levels: levels.clone(),
            ordered: *ty == Type::Factor { ordered: true },
        },
        _ => return Err(wrong()),
    })
}

fn run<'b>(
    node: &Node,
    (program, beyond): (&Program, bool),
    nodes: &[Node],
    wires: &[(usize, usize)],
    batch: &'b Batch<'_>,
    precision: Precision,
) -> Result<Value<'b>, EvaluateError> {
    let rows = batch.rows;
    // whole numbers are widened by the program, chunk by chunk
    let direct = |node: &Node| match node.kind {
        NodeKind::Column(c) => match batch.columns.get(c) {
            Some(Column::Integer(v)) => Some(Input::Integer(v)),
            _ => None,
        },
        _ => None,
    };
    // whole numbers beyond double precision are sums of two
    let whole = |node: &Node| match node.kind {
        NodeKind::Column(c) => batch.columns.get(c).filter(|c| is_whole(c)),
        _ => None,
    };
    let exact = beyond || nodes.iter().any(|node| whole(node).is_some());
    let mut values = Vec::with_capacity(nodes.len());
    for node in nodes {
        values.push(match (direct(node), whole(node)) {
            (Some(_), _) => None,
            (None, Some(Column::Whole(v))) => Some(Value::Numbers(vec![pair(v)])),
            (None, _) => Some(value(node, batch, precision)?),
        });
    }
    let mut inputs = Vec::with_capacity(wires.len());
    for &(at, k) in wires {
        inputs.push(match &values[at] {
            None => direct(&nodes[at]).unwrap_or(Input::Real(&[])),
            Some(Value::Logical(v)) => Input::Logical(v),
            Some(Value::Numbers(columns)) => match &columns[k] {
                Numbers { high, low: Some(low) } => Input::Pair(high, low),
                Numbers { high, low: None } => Input::Real(high),
            },
            Some(Value::Codes { .. }) => return Err(EvaluateError::Column { position: at }),
        });
    }
    let failed = |e: nelder_device::ProgramError| EvaluateError::Rows(e.to_string());
    let columns = program.outputs().len();
    if node.ty == Type::Logical {
        let mut out = vec![0u8; rows];
        let outputs = &mut [Output::Logical(&mut out)];
        match exact {
            false => program.run::<f64>(&inputs, rows, outputs),
            true => program.run::<Dd>(&inputs, rows, outputs),
        }
        .map_err(failed)?;
        return Ok(Value::Logical(Cow::Owned(out)));
    }
    let mut high = vec![vec![0.0; rows]; columns];
    let mut low: Vec<Option<Vec<f64>>> = vec![None; columns];
    match precision {
        Precision::Double if exact => {
            let mut outputs: Vec<Output<'_>> = high.iter_mut().map(|h| Output::Real(h)).collect();
            program.run::<Dd>(&inputs, rows, &mut outputs).map_err(failed)?;
        }
        Precision::Double => {
            let mut outputs: Vec<Output<'_>> = high.iter_mut().map(|h| Output::Real(h)).collect();
            program.run::<f64>(&inputs, rows, &mut outputs).map_err(failed)?;
        }
        Precision::Twice => {
            let mut rest = vec![vec![0.0; rows]; columns];
            let pairs = high.iter_mut().zip(&mut rest);
            let mut outputs: Vec<Output<'_>> = pairs.map(|(h, l)| Output::Pair(h, l)).collect();
            program.run::<Dd>(&inputs, rows, &mut outputs).map_err(failed)?;
            low = rest.into_iter().map(Some).collect();
        }
    }
    let both = high.into_iter().zip(low).map(|(high, low)| Numbers {
        high: Cow::Owned(high),
        low,
    });
    Ok(Value::Numbers(both.collect()))
}

/// The columns of a node of numbers or logicals.
pub(super) fn numbers<'b>(
    node: &Node,
    batch: &'b Batch<'_>,
    precision: Precision,
) -> Result<Vec<Numbers<'b>>, EvaluateError> {
    match value(node, batch, precision)? {
        Value::Numbers(columns) => Ok(columns),
        Value::Logical(v) => {
            let real = v.iter().map(|&l| if l > 1 { f64::NAN } else { l as f64 });
            Ok(vec![Numbers {
                high: Cow::Owned(real.collect()),
                low: None,
            }])
        }
        Value::Codes { .. } => Err(EvaluateError::Column { position: 0 }),
    }
}

/// The only column of a node of numbers or logicals, in `f64`.
pub(super) fn number<'b>(node: &Node, batch: &'b Batch<'_>) -> Result<Cow<'b, [f64]>, EvaluateError> {
    let mut columns = numbers(node, batch, Precision::Double)?;
    columns
        .pop()
        .map(|c| c.high)
        .ok_or(EvaluateError::Column { position: 0 })
}

fn logicals<'b>(node: &Node, batch: &'b Batch<'_>) -> Result<Cow<'b, [u8]>, EvaluateError> {
    match value(node, batch, Precision::Double)? {
        Value::Logical(v) => Ok(v),
        Value::Numbers(columns) => {
            let truth = |&x: &f64| if x.is_nan() { 2 } else { (x != 0.0) as u8 };
            let column = columns.first().ok_or(EvaluateError::Column { position: 0 })?;
            Ok(Cow::Owned(column.high.iter().map(truth).collect()))
        }
        Value::Codes { .. } => Err(EvaluateError::Column { position: 0 }),
    }
}

/// The codes of a node of text or a factor.
pub(super) fn codes<'b>(node: &Node, batch: &'b Batch<'_>) -> Result<Coded<'b>, EvaluateError> {
    match value(node, batch, Precision::Double)? {
        Value::Codes { codes, levels, .. } => Ok((codes, levels)),
        _ => Err(EvaluateError::Column { position: 0 }),
    }
}
