//! Functions of dates and times: `as.Date`, `format`, `weekdays`, `months`, `quarters`, `julian`.
//!
//! A date is a number of days from 1970-01-01, a time a number of seconds, as in R; which of them a number is follows from
//! where it comes from.

use std::collections::HashMap;
use std::sync::Arc;

use nelder_device::Binary;

use super::arguments::Call;
use super::calendar::{Moment, parsed};
use super::recode::{Lookup, Measure};
use super::special::Special;
use crate::design::bind::{Binder, Operand, mistyped, node};
use crate::design::codes::Pool;
use crate::design::constant::Constant;
use crate::design::error::BindError;
use crate::design::node::{Node, NodeKind, Type};
use crate::formula::Expr;
use crate::frame::{self, Key, Levels, MISSING};

/// Unit of a date or time: days or seconds from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::design) enum Unit {
    Days,
    Seconds,
    /// Seconds, with a clock that is not UTC's.
    Zoned,
}

/// Label of a moment: a text by a format, or its quarter.
#[derive(Clone, Debug, PartialEq)]
enum What {
    Format(String),
    Quarter,
    /// As R's `as.character` writes it: a time at midnight as a day, seconds to six decimals.
    Written,
}

/// Moments to labels.
pub(in crate::design) struct Stamp {
    pub levels: Arc<Levels>,
    unit: Unit,
    what: What,
    known: Pool<HashMap<u64, u32>>,
}

/// Labels remembered by number; more are made anew.
const REMEMBERED: usize = 100_000;

impl Stamp {
    fn new(unit: Unit, what: What) -> Stamp {
        Stamp {
            levels: Arc::new(Levels::growing()),
            unit,
            what,
            known: Pool::default(),
        }
    }

    fn label(&self, x: f64) -> Option<String> {
        let moment = match self.unit {
            Unit::Days => Moment::of(x, 0.0),
            Unit::Seconds | Unit::Zoned => Moment::of_seconds(x),
        }?;
        match &self.what {
            What::Quarter => Some(moment.quarter()),
            What::Format(format) => moment.format(format).ok(),
            What::Written => moment.written(x - x.floor()),
        }
    }

    /// The codes of some moments.
    pub fn apply(&self, values: &[f64]) -> Vec<u32> {
        let make = |x: f64| match self.label(x) {
            Some(label) => self.levels.intern(&Key::Text(label.as_str().into())),
            // R pastes the quarter
            None if x.is_nan() && self.what == What::Quarter => self.levels.intern(&Key::Text("QNA".into())),
            None => MISSING,
        };
        let whole = self.what != What::Written;
        self.known.with(|known| {
            let code = |&x: &f64| {
                let x = if whole { x.floor() } else { x };
                if let Some(&code) = known.get(&x.to_bits()) {
                    return code;
                }
                let code = make(x);
                if known.len() < REMEMBERED {
                    known.insert(x.to_bits(), code);
                }
                code
            };
            values.iter().map(code).collect()
        })
    }
}

/// Unit of a node that is a date or a time; `None` for any other.
pub(in crate::design) fn unit(binder: &Binder<'_>, node: &Node) -> Option<Unit> {
    match &node.kind {
        NodeKind::Column(position) => match binder.kind_of(*position)? {
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
        NodeKind::Binary(Binary::Add, ab) => unit(binder, &ab[0]).xor(unit(binder, &ab[1])),
        NodeKind::Binary(Binary::Sub, ab) => unit(binder, &ab[0]).filter(|_| unit(binder, &ab[1]).is_none()),
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
fn day(text: &str) -> Option<f64> {
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

/// `as.Date(x, format, tryFormats, origin)`
pub(super) fn as_date(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let formats = match call.texts(binder, "format")? {
        Some(formats) => formats,
        None => call
            .texts(binder, "tryFormats")?
            .unwrap_or_else(|| vec!["%Y-%m-%d".into(), "%Y/%m/%d".into()]),
    };
    let origin = match call.constant(binder, "origin")? {
        None => 0.0,
        Some(c) => origin(&c).ok_or_else(|| call.wrong("origin", "must be a date such as \"1970-01-01\""))?,
    };
    match call.term(binder, "x")? {
        Operand::Constant(Constant::Texts(texts)) => {
            let read = |text: &Option<String>| {
                let found = text.as_ref().map(|t| formats.iter().find_map(|f| parsed(t, f)));
                match found {
                    None => Ok(f64::NAN),
                    Some(Some(day)) => Ok(day as f64),
                    Some(None) => Err(call.wrong("x", "is no date in the format")),
                }
            };
            let values = texts.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            Ok(Operand::Constant(Constant::Numbers { values, whole: false }))
        }
        Operand::Constant(c) => match c.numbers() {
            Some(v) => Ok(Operand::Constant(Constant::Numbers {
                values: v.iter().map(|x| x + origin).collect(),
                whole: false,
            })),
            None => Err(call.wrong("x", "is no date")),
        },
        Operand::Node(x) if x.ty.is_codes() => {
            let measure = match <[String; 1]>::try_from(formats) {
                Ok([format]) => Measure::Date(format),
                Err(formats) => Measure::DateByRows(formats),
            };
            let kind = NodeKind::Lookup(Box::new(x), Lookup::new(measure));
            Ok(Operand::Node(node(kind, Type::NUMBER, call.expr)))
        }
        Operand::Node(x) => {
            let special = match unit(binder, &x) {
                Some(Unit::Days) => return Ok(Operand::Node(x)),
                Some(Unit::Seconds) => Special::Day,
                Some(Unit::Zoned) => return Err(zoned(call, &x)),
                None => Special::Since(origin),
            };
            let x = binder.scalar(Operand::Node(x), call.expr)?;
            if x.ty.columns() != 1 {
                return Err(call.wrong("x", "is a matrix; one column is needed"));
            }
            Ok(Operand::Node(node(
                NodeKind::Special(vec![x], special),
                Type::NUMBER,
                call.expr,
            )))
        }
    }
}

fn zoned(call: &Call<'_>, x: &Node) -> BindError {
    call.mistyped(other_clock(x))
}

fn other_clock(x: &Node) -> String {
    format!(
        "`{}` has a time zone other than UTC, whose clock is not known here; make the day or the hour a column of the data",
        x.name
    )
}

fn origin(constant: &Constant) -> Option<f64> {
    match constant {
        Constant::Texts(v) => day(v.first()?.as_ref()?),
        c => c.numbers()?.first().copied().filter(|x| x.is_finite()),
    }
}

/// A date or time.
fn moment(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<(Node, Unit), BindError> {
    let Operand::Node(x) = call.term(binder, "x")? else {
        return Err(call.wrong("x", "is a constant; a column is needed"));
    };
    match unit(binder, &x) {
        Some(unit) => Ok((x, unit)),
        None => Err(call.mistyped(format!(
            "`{}` is {}, where a date is needed; as.Date() makes one of text such as \"2013-12-31\" or of days from \
             1970-01-01",
            x.name,
            x.ty.described()
        ))),
    }
}

/// `format(x, format)` and `strftime`, `weekdays`, `months`, `quarters`.
pub(in crate::design) fn label(
    binder: &mut Binder<'_>,
    call: &Call<'_>,
    function: &str,
) -> Result<Operand, BindError> {
    let (x, unit) = moment(binder, call)?;
    if unit == Unit::Zoned {
        return Err(zoned(call, &x));
    }
    let mut short = |long: &str, short: &str| -> Result<What, BindError> {
        let abbreviate = call.flag(binder, "abbreviate", false)?;
        Ok(What::Format(if abbreviate { short } else { long }.into()))
    };
    let what = match function {
        "weekdays" => short("%A", "%a")?,
        "months" => short("%B", "%b")?,
        "quarters" => What::Quarter,
        _ => What::Format(call.text(binder, "format")?.unwrap_or_else(|| match unit {
            Unit::Days => "%Y-%m-%d".into(),
            Unit::Seconds | Unit::Zoned => "%Y-%m-%d %H:%M:%S".into(),
        })),
    };
    if let What::Format(format) = &what
        && let Some(Err(problem)) = Moment::of(0.0, 0.0).map(|m| m.format(format))
    {
        return Err(call.wrong("format", &problem));
    }
    let kind = NodeKind::Stamp(Box::new(x), Stamp::new(unit, what));
    Ok(Operand::Node(node(kind, Type::Text, call.expr)))
}

/// `julian(x, origin)`: days from an origin.
pub(super) fn julian(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Operand, BindError> {
    let (x, unit) = moment(binder, call)?;
    let from = match call.constant(binder, "origin")? {
        None => 0.0,
        Some(c) => origin(&c)
            .ok_or_else(|| call.wrong("origin", "must be a date such as as.Date(\"1970-01-01\")"))?,
    };
    // divided also where it is days: the result is a number and no date
    let day = if unit == Unit::Days { 1.0 } else { 86400.0 };
    let x = binder.binary(
        Binary::Div,
        Operand::Node(x),
        Operand::Constant(Constant::number(day)),
        call.expr,
    )?;
    binder.binary(
        Binary::Sub,
        x,
        Operand::Constant(Constant::number(from)),
        call.expr,
    )
}
