//! Functions of dates and times: `as.Date`, `format`, `weekdays`, `months`, `quarters`, `julian`.
//!
//! A date is a number of days from 1970-01-01, a time a number of seconds, as in R; which of them a number is follows from
//! where it comes from.

use std::collections::HashMap;
use std::sync::Arc;

use nelder_device::Binary;

use super::arguments::Call;
use super::bind::{Binder, Term, node};
use super::calendar::{Moment, parsed};
use super::codes::Pool;
use super::constant::Constant;
use super::error::BindError;
use super::node::{Kind, Node, Type};
use super::recode::{Lookup, Measure};
use super::special::Special;
use crate::formula::Expr;
use crate::frame::{self, Key, Levels, MISSING};

/// Unit of a date or time: days or seconds from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
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
}

/// Moments to labels.
pub(super) struct Stamp {
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
        }
    }

    /// The codes of some moments.
    pub fn apply(&self, values: &[f64]) -> Vec<u32> {
        let make = |x: f64| match self.label(x) {
            Some(label) => self.levels.intern(&Key::Text(label.as_str().into())),
            None => MISSING,
        };
        self.known.with(|known| {
            let code = |&x: &f64| {
                let x = x.floor();
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
pub(super) fn unit(binder: &Binder<'_>, node: &Node) -> Option<Unit> {
    match &node.kind {
        Kind::Column(position) => match binder.kind_of(*position)? {
            frame::Kind::Date => Some(Unit::Days),
            frame::Kind::Time { utc: true } => Some(Unit::Seconds),
            frame::Kind::Time { utc: false } => Some(Unit::Zoned),
            _ => None,
        },
        Kind::Lookup(_, lookup) => matches!(lookup.measure, Measure::Date(_)).then_some(Unit::Days),
        Kind::Special(_, Special::Day | Special::Since(_)) => Some(Unit::Days),
        Kind::Binary(Binary::Add, ab) => unit(binder, &ab[0]).xor(unit(binder, &ab[1])),
        Kind::Binary(Binary::Sub, ab) => unit(binder, &ab[0]).filter(|_| unit(binder, &ab[1]).is_none()),
        _ => None,
    }
}

/// The label of a day as R writes it.
pub(super) fn written(date: Node, expr: &Expr) -> Node {
    let stamp = Stamp::new(Unit::Days, What::Format("%Y-%m-%d".into()));
    node(Kind::Stamp(Box::new(date), stamp), Type::Text, expr)
}

/// The days of a text that is compared with dates.
pub(super) fn day(text: &str) -> Option<f64> {
    let either = || parsed(text, "%Y-%m-%d").or_else(|| parsed(text, "%Y/%m/%d"));
    either().map(|d| d as f64)
}

/// `as.Date(x, format, tryFormats, origin)`
pub(super) fn as_date(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Term, BindError> {
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
        Term::Constant(Constant::Texts(texts)) => {
            let read = |text: &Option<String>| {
                let found = text.as_ref().map(|t| formats.iter().find_map(|f| parsed(t, f)));
                match found {
                    None => Ok(f64::NAN),
                    Some(Some(day)) => Ok(day as f64),
                    Some(None) => Err(call.wrong("x", "is no date in the format")),
                }
            };
            let values = texts.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            Ok(Term::Constant(Constant::Numbers { values, whole: false }))
        }
        Term::Constant(c) => match c.numbers() {
            Some(v) => Ok(Term::Constant(Constant::Numbers {
                values: v.iter().map(|x| x + origin).collect(),
                whole: false,
            })),
            None => Err(call.wrong("x", "is no date")),
        },
        Term::Node(x) if x.ty.is_codes() => {
            let kind = Kind::Lookup(Box::new(x), Lookup::new(Measure::Date(formats)));
            Ok(Term::Node(node(kind, Type::NUMBER, call.expr)))
        }
        Term::Node(x) => {
            let special = match unit(binder, &x) {
                Some(Unit::Days) => return Ok(Term::Node(x)),
                Some(Unit::Seconds) => Special::Day,
                Some(Unit::Zoned) => return Err(zoned(call, &x)),
                None => Special::Since(origin),
            };
            let x = binder.scalar(Term::Node(x), call.expr)?;
            if x.ty.columns() != 1 {
                return Err(call.wrong("x", "is a matrix; one column is needed"));
            }
            Ok(Term::Node(node(
                Kind::Special(vec![x], special),
                Type::NUMBER,
                call.expr,
            )))
        }
    }
}

fn zoned(call: &Call<'_>, x: &Node) -> BindError {
    call.mistyped(format!(
        "`{}` has a time zone other than UTC, whose clock is not known here; make the day or the hour a column of the data",
        x.name
    ))
}

fn origin(constant: &Constant) -> Option<f64> {
    match constant {
        Constant::Texts(v) => day(v.first()?.as_ref()?),
        c => c.numbers()?.first().copied().filter(|x| x.is_finite()),
    }
}

/// A date or time.
fn moment(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<(Node, Unit), BindError> {
    let Term::Node(x) = call.term(binder, "x")? else {
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
pub(super) fn label(binder: &mut Binder<'_>, call: &Call<'_>, function: &str) -> Result<Term, BindError> {
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
    let kind = Kind::Stamp(Box::new(x), Stamp::new(unit, what));
    Ok(Term::Node(node(kind, Type::Text, call.expr)))
}

/// `julian(x, origin)`: days from an origin.
pub(super) fn julian(binder: &mut Binder<'_>, call: &Call<'_>) -> Result<Term, BindError> {
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
        Term::Node(x),
        Term::Constant(Constant::number(day)),
        call.expr,
    )?;
    binder.binary(Binary::Sub, x, Term::Constant(Constant::number(from)), call.expr)
}
