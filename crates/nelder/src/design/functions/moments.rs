//! Dates and times among the nodes of an expression: their units, and texts that are compared with them.

use nelder_device::Binary;

use super::calendar::parsed;
use super::recode::Measure;
use super::special::Special;
use super::stamp::{Stamp, Unit, What};
use crate::design::error::{BindError, mistyped};
use crate::design::node::{Node, NodeKind, Type, node};
use crate::formula::Expr;
use crate::frame;

/// Unit of a node that is a date or a time; `None` for any other. `kind_of` gives the kinds of columns.
pub(in crate::design) fn unit(kind_of: &dyn Fn(usize) -> Option<frame::Kind>, node: &Node) -> Option<Unit> {
    match &node.kind {
        NodeKind::Column(position) => match kind_of(*position)? {
            frame::Kind::Date => Some(Unit::Days),
            frame::Kind::Time { utc: true } => Some(Unit::Seconds),
            frame::Kind::Time { utc: false } => Some(Unit::Zoned),
            _ => None,
        },
        NodeKind::Lookup(_, lookup) => {
            let date = matches!(
                lookup.measure,
                Measure::Date(_) | Measure::DateByRows(_) | Measure::DateDecided(_)
            );
            date.then_some(Unit::Days)
        }
        NodeKind::Special(_, Special::Day | Special::Since(_)) => Some(Unit::Days),
        NodeKind::Binary(Binary::Add, ab) => unit(kind_of, &ab[0]).xor(unit(kind_of, &ab[1])),
        NodeKind::Binary(Binary::Sub, ab) => {
            unit(kind_of, &ab[0]).filter(|_| unit(kind_of, &ab[1]).is_none())
        }
        _ => None,
    }
}

/// A date or time as R's `as.character` writes it.
///
/// # Errors
/// A time whose clock is not UTC's.
pub(in crate::design) fn written(moment: Node, unit: Unit, expr: &Expr) -> Result<Node, BindError> {
    if unit == Unit::Zoned {
        return Err(mistyped(expr, other_clock(&moment)));
    }
    let stamp = Stamp::new(unit, What::Written);
    Ok(node(NodeKind::Stamp(Box::new(moment), stamp), Type::Text, expr))
}

/// A text that is compared with a date or time: its days or seconds from 1970-01-01.
///
/// # Errors
/// A text that is neither; a time whose clock is not UTC's.
pub(in crate::design) fn compared(
    text: &str,
    moment: &Node,
    unit: Unit,
    expr: &Expr,
) -> Result<f64, BindError> {
    let found = match unit {
        Unit::Days => day(text),
        Unit::Seconds => seconds(text),
        Unit::Zoned => return Err(mistyped(expr, other_clock(moment))),
    };
    found.ok_or_else(|| {
        let like = match unit {
            Unit::Days => "date such as \"2013-12-31\"",
            _ => "time such as \"2013-12-31\" or \"2013-12-31 23:59:59\"",
        };
        mistyped(
            expr,
            format!(
                "`{}` is compared with \"{text}\", which is no {like}",
                moment.name
            ),
        )
    })
}

/// The days of a text.
pub(super) fn day(text: &str) -> Option<f64> {
    let either = || parsed(text, "%Y-%m-%d").or_else(|| parsed(text, "%Y/%m/%d"));
    either().map(|d| d as f64)
}

/// The seconds of a text: a day, and the hour, minute and second of it where there are any.
fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let mut parts = time.trim().trim_end_matches('Z').split(':');
    let mut part = |most: f64| match parts.next() {
        None | Some("") => Some(0.0),
        Some(digits) => digits.parse().ok().filter(|x: &f64| (0.0..most).contains(x)),
    };
    let (hour, minute, second) = (part(25.0)?, part(60.0)?, part(62.0)?);
    let whole = hour.fract() == 0.0 && minute.fract() == 0.0 && parts.next().is_none();
    whole.then_some(day(date)? * 86400.0 + hour * 3600.0 + minute * 60.0 + second)
}

/// Why a time whose clock is not UTC's is not taken.
pub(super) fn other_clock(x: &Node) -> String {
    format!(
        "`{}` has a time zone other than UTC, whose clock is not known here; make the day or the hour a column of the data",
        x.name
    )
}
