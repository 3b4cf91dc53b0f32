//! Functions of dates and times: `as.Date`, `format`, `weekdays`, `months`, `quarters`, `julian`.
//!
//! A date is a number of days from 1970-01-01, a time a number of seconds, as in R; which of them a number is follows from
//! where it comes from.

use nelder_device::Binary;

use super::arguments::Call;
use super::calendar::{Moment, parsed};
use super::moments::{day, other_clock};
use super::recode::{Lookup, Measure};
use super::special::Special;
use super::stamp::{Stamp, Unit, What};
use crate::design::bind::{Binder, Operand};
use crate::design::constant::Constant;
use crate::design::error::BindError;
use crate::design::node::{Node, NodeKind, Type, node};

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
            let special = match binder.unit_of(&x) {
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
    match binder.unit_of(&x) {
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
