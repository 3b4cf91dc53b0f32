//! Functions whose columns depend on all rows: `poly`, `ns`, `bs`, `scale`, `cut`.

use nelder_device::Binary;

use super::arguments::Call;
use super::basis::{Basis, Choice, ScaleRule};
use super::cut::{Cut, CutRule, Labels};
use super::quantile::Ties;
use super::recode::{Lookup, Measure};
use super::splines::{MAX_DEGREE, SplineRule};
use crate::design::bind::{Binder, Operand};
use crate::design::constant::Constant;
use crate::design::error::BindError;
use crate::design::node::{Node, NodeKind, Type, node};

/// Most columns of a basis.
const MAX_COLUMNS: usize = 1000;

/// A column of numbers.
fn column(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Node, BindError> {
    let x = call.term(binder, "x")?;
    if let Operand::Constant(_) = x {
        return Err(call.wrong("x", "is a constant; a column is needed"));
    }
    let x = binder.scalar(x, call.expr)?;
    match x.ty.columns() {
        1 => Ok(x),
        n => Err(call.wrong("x", &format!("is a matrix of {n} columns; one is needed"))),
    }
}

fn numbered(columns: usize) -> Type {
    Type::Numbers {
        columns,
        names: Some((1..=columns).map(|i| i.to_string()).collect()),
        whole: false,
    }
}

/// `rank(x, na.last = "keep", ties.method)`
pub(in crate::design) fn rank(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let x = column(binder, call)?;
    if call.text(binder, "na.last")?.is_some_and(|t| t != "keep") {
        return Err(call.wrong("na.last", "must be \"keep\": a missing value has no rank"));
    }
    let ties = match call.text(binder, "ties.method")?.as_deref() {
        None | Some("average") => Ties::Average,
        Some("min") => Ties::Min,
        Some("max") => Ties::Max,
        Some(_) => {
            let problem = "must be \"average\", \"min\" or \"max\": the others depend on the order of the rows or on chance";
            return Err(call.wrong("ties.method", problem));
        }
    };
    let kind = NodeKind::Basis(Box::new(x), Basis::Rank(ties, None));
    Ok(Operand::Node(node(kind, Type::NUMBER, call.expr)))
}

/// `poly(x, degree, raw)`, and `poly(x, y, degree = d)` of several columns.
pub(in crate::design) fn poly(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let x = column(binder, call)?;
    if call.expr("coefs").is_some() {
        return Err(call.wrong("coefs", "cannot be given; the fit keeps its own"));
    }
    let mut degree = call.count(binder, "degree", 1, MAX_DEGREE)?;
    let mut columns = vec![call.expr("x")];
    for arg in &call.dots {
        // the degree may stand second without its name
        match (binder.term(&arg.value)?, degree, &arg.name) {
            (Operand::Constant(c), None, None) => match c.numbers().as_deref() {
                Some(&[d]) if d >= 1.0 && d <= MAX_DEGREE as f64 => degree = Some(d as usize),
                _ => return Err(call.wrong("degree", &format!("must be a number from 1 to {MAX_DEGREE}"))),
            },
            (Operand::Node(_), _, None) => columns.push(Some(&arg.value)),
            _ => return Err(call.wrong(&arg.value.to_string(), "is one too many")),
        }
    }
    let degree = degree.unwrap_or(1);
    let is_raw = call.flag(binder, "raw", false)?;
    if columns.len() == 1 {
        return Ok(Operand::Node(match is_raw {
            true => raw(binder, call, call.expr("x"), degree)?,
            false => orthogonal(x, degree, call),
        }));
    }
    let mut parts = Vec::new();
    for column in columns {
        parts.push(match is_raw {
            true => raw(binder, call, column, degree)?,
            false => {
                let x = binder.term(column.unwrap_or(call.expr))?;
                let x = binder.scalar(x, call.expr)?;
                if x.ty.columns() != 1 {
                    return Err(call.wrong(&x.name, "is a matrix; one column is needed"));
                }
                orthogonal(x, degree, call)
            }
        });
    }
    let products = total_degrees(parts.len(), degree);
    if products.len() > MAX_COLUMNS {
        return Err(call.wrong("degree", &format!("gives more than {MAX_COLUMNS} columns")));
    }
    let name = |of: &Vec<usize>| of.iter().map(usize::to_string).collect::<Vec<_>>().join(".");
    let ty = Type::Numbers {
        columns: products.len(),
        names: Some(products.iter().map(name).collect()),
        whole: false,
    };
    Ok(Operand::Node(node(
        NodeKind::Products(parts, products),
        ty,
        call.expr,
    )))
}

/// The degrees of each column in the polynomials of total degree 1 to `degree`, those of the first column fastest (R's
/// `polym`).
fn total_degrees(columns: usize, degree: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..columns {
        all = (0..=degree)
            .flat_map(|d| all.iter().map(move |own: &Vec<usize>| (own.clone(), d)))
            .filter(|(own, d)| own.iter().sum::<usize>() + d <= degree)
            .map(|(mut own, d)| {
                own.push(d);
                own
            })
            .collect();
        if all.len() > MAX_COLUMNS + 1 {
            break;
        }
    }
    all.retain(|own| own.iter().any(|d| *d > 0));
    all
}

fn orthogonal(x: Node, degree: usize, call: &Call<'_>) -> Node {
    node(
        NodeKind::Basis(Box::new(x), Basis::Poly(degree, None)),
        numbered(degree),
        call.expr,
    )
}

fn raw(
    binder: &mut Binder<'_>,
    call: &Call<'_>,
    column: Option<&crate::formula::Expr>,
    degree: usize,
) -> Result<Node, BindError> {
    let mut powers = Vec::new();
    for k in 1..=degree {
        let exponent = Operand::Constant(Constant::number(k as f64));
        let x = binder.term(column.unwrap_or(call.expr))?;
        let power = binder.binary(Binary::Pow, x, exponent, call.expr)?;
        powers.push(binder.scalar(power, call.expr)?);
    }
    Ok(node(NodeKind::Bind(powers), numbered(degree), call.expr))
}

/// `ns(x, df, knots, intercept, Boundary.knots)` and `bs`, which also has `degree`.
pub(super) fn spline(binder: &mut Binder<'_>, call: &Call<'_>, natural: bool) -> Result<Operand, BindError> {
    let x = column(binder, call)?;
    let df = call.count(binder, "df", 1, MAX_COLUMNS)?;
    let knots = call.numbers(binder, "knots")?;
    let degree = if natural {
        3
    } else {
        call.count(binder, "degree", 1, MAX_DEGREE)?.unwrap_or(3)
    };
    let intercept = call.flag(binder, "intercept", false)?;
    let boundary = match call.numbers(binder, "Boundary.knots")?.as_deref() {
        None => None,
        Some(&[a, b]) if a != b && a.is_finite() && b.is_finite() => Some([a.min(b), a.max(b)]),
        Some(_) => return Err(call.wrong("Boundary.knots", "must be two different finite numbers")),
    };
    let knots = match (knots, df) {
        (Some(knots), _) => {
            if knots.iter().any(|k| !k.is_finite()) {
                return Err(call.wrong("knots", "must be finite"));
            }
            if let Some(b) = boundary
                && knots.iter().any(|&k| k <= b[0] || k >= b[1])
            {
                return Err(call.wrong("knots", "must lie between the boundary knots"));
            }
            Ok(knots)
        }
        // as R does, a df that is too small is taken as the smallest possible
        (None, Some(df)) => {
            let least = if natural { 1 } else { degree } + usize::from(intercept);
            Err(df.saturating_sub(least))
        }
        (None, None) => Err(0),
    };
    let rule = SplineRule {
        natural,
        degree,
        intercept,
        knots,
        boundary,
    };
    let columns = rule.columns();
    if columns > MAX_COLUMNS {
        return Err(call.wrong("knots", &format!("give more than {MAX_COLUMNS} columns")));
    }
    let state = match rule.fixed() {
        true => Some(rule.place(&mut Vec::new()).map_err(|e| call.mistyped(e))?),
        false => None,
    };
    let kind = NodeKind::Basis(Box::new(x), Basis::Spline(rule, state));
    Ok(Operand::Node(node(kind, numbered(columns), call.expr)))
}

/// `scale(x, center, scale)`
pub(in crate::design) fn scale(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let x = call.term(binder, "x")?;
    if let Operand::Constant(_) = x {
        return Err(call.wrong("x", "is a constant; a column is needed"));
    }
    let x = binder.scalar(x, call.expr)?;
    let columns = x.ty.columns();
    let mut choice = |name: &str| -> Result<Choice, BindError> {
        Ok(match call.constant(binder, name)? {
            None => Choice::Computed,
            Some(Constant::Logicals(v)) if v == [0] => Choice::No,
            Some(Constant::Logicals(v)) if v == [1] => Choice::Computed,
            Some(c) => match c.numbers() {
                Some(v) if v.len() == columns && v.iter().all(|x| x.is_finite()) => Choice::Given(v),
                _ => {
                    let problem = format!("must be TRUE, FALSE or a number for each of {columns} columns");
                    return Err(call.wrong(name, &problem));
                }
            },
        })
    };
    let (center, scale) = (choice("center")?, choice("scale")?);
    let rule = ScaleRule { center, scale };
    let known = rule.center != Choice::Computed && rule.scale != Choice::Computed;
    let state = known.then(|| rule.settle(&vec![Default::default(); columns]));
    let ty = match &x.ty {
        Type::Numbers { columns, names, .. } => Type::Numbers {
            columns: *columns,
            names: names.clone(),
            whole: false,
        },
        _ => Type::NUMBER,
    };
    Ok(Operand::Node(node(
        NodeKind::Basis(Box::new(x), Basis::Scale(rule, state)),
        ty,
        call.expr,
    )))
}

/// `cut(x, breaks, labels, include.lowest, right, dig.lab, ordered_result)`
pub(in crate::design) fn cut(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let x = column(binder, call)?;
    let breaks = match call.numbers(binder, "breaks")? {
        None => return Err(call.wrong("breaks", "is missing")),
        Some(v) if v.len() == 1 => {
            if !(2.0..=100_000.0).contains(&v[0]) {
                return Err(call.wrong("breaks", "must be at least 2 as a number of intervals"));
            }
            Err(v[0] as usize)
        }
        Some(v) => Ok(v),
    };
    let labels = match call.constant(binder, "labels")? {
        None => Labels::Intervals,
        Some(Constant::Logicals(v)) if v == [0] => Labels::Numbers,
        Some(c) => Labels::Given(c.texts().into_iter().flatten().collect()),
    };
    let numbers = labels == Labels::Numbers;
    let rule = CutRule {
        breaks,
        labels,
        right: call.flag(binder, "right", true)?,
        include_lowest: call.flag(binder, "include.lowest", false)?,
        digits: call.count(binder, "dig.lab", 1, 22)?.unwrap_or(3),
    };
    let ordered = call.flag(binder, "ordered_result", false)?;
    let wrong = |problem: String| call.mistyped(problem);
    let intervals = match &rule.breaks {
        Ok(breaks) => Some(rule.intervals(breaks.clone()).map_err(wrong)?),
        Err(n) => {
            if let Labels::Given(labels) = &rule.labels
                && labels.len() != *n
            {
                let problem = format!("has {} labels for {n} intervals", labels.len());
                return Err(call.wrong("labels", &problem));
            }
            None
        }
    };
    let ty = Type::Factor { ordered };
    let cut = node(NodeKind::Cut(Box::new(x), Cut { rule, intervals }), ty, call.expr);
    if !numbers {
        return Ok(Operand::Node(cut));
    }
    let whole = Type::Numbers {
        columns: 1,
        names: None,
        whole: true,
    };
    let kind = NodeKind::Lookup(Box::new(cut), Lookup::new(Measure::Position(None)));
    Ok(Operand::Node(node(kind, whole, call.expr)))
}
