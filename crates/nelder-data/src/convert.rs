//! Arrow arrays as columns of a model.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal64Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int32Type, Int64Type,
    TimestampNanosecondType, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::i256;
use arrow_cast::cast;
use arrow_schema::{DataType, Field, TimeUnit};
use nelder::frame::{Column, EXACT, Kind};

/// Returns the kind of column that an Arrow type is in a model; `None` for a type that a model cannot use.
pub(crate) fn kind(field: &Field) -> Option<Kind> {
    Some(match field.data_type() {
        DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Duration(_) => Kind::Real,
        DataType::Date32 | DataType::Date64 => Kind::Date,
        DataType::Timestamp(_, zone) => Kind::Time {
            utc: zone
                .as_deref()
                .is_none_or(|z| ["UTC", "Etc/UTC", "GMT", "Z", "+00:00"].contains(&z)),
        },
        t if is_decimal(t) => match scale(t) {
            0 => Kind::Integer,
            _ => Kind::Real,
        },
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => Kind::Integer,
        DataType::Boolean => Kind::Logical,
        t if is_text(t) || is_binary(t) => Kind::Text,
        DataType::Dictionary(_, value) => {
            kind(&Field::new("", value.as_ref().clone(), true))?;
            Kind::Factor {
                ordered: field.dict_is_ordered() == Some(true),
            }
        }
        DataType::RunEndEncoded(_, values) => return kind(values),
        _ => return None,
    })
}

pub(crate) fn is_text(t: &DataType) -> bool {
    matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Tests if an Arrow type is bytes, which are text where they are UTF-8.
pub(crate) fn is_binary(t: &DataType) -> bool {
    matches!(
        t,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
    )
}

fn is_decimal(t: &DataType) -> bool {
    matches!(
        t,
        DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..)
    )
}

fn scale(t: &DataType) -> i8 {
    match t {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => *scale,
        _ => 0,
    }
}

/// The column of an array. Doubles without missing values are borrowed.
// a table: one arm a type of Arrow
pub(crate) fn column(array: &ArrayRef) -> Result<Column<'_>, String> {
    let real = |array: &ArrayRef| -> Result<Column<'_>, String> {
        let array = cast(array, &DataType::Float64).map_err(|e| e.to_string())?;
        let values = array.as_primitive::<Float64Type>();
        let out = match values.nulls() {
            None => values.values().to_vec(),
            Some(nulls) => {
                let pairs = values.values().iter().zip(nulls.iter());
                pairs
                    .map(|(&x, valid)| if valid { x } else { f64::NAN })
                    .collect()
            }
        };
        Ok(Column::Real(Cow::Owned(out)))
    };
    // dates and times are the integers they are stored as, in units of which `per` make a day or a second
    let stored = |as_type: DataType, per: i64| -> Result<Column<'_>, String> {
        let plain = array
            .to_data()
            .into_builder()
            .data_type(as_type)
            .build()
            .map_err(|e| e.to_string())?;
        let whole = cast(&arrow_array::make_array(plain), &DataType::Int64).map_err(|e| e.to_string())?;
        let whole = whole.as_primitive::<Int64Type>();
        let out = whole.iter().map(|x| x.map_or(f64::NAN, |x| quotient(x, per)));
        Ok(Column::Real(out.collect()))
    };
    Ok(match array.data_type() {
        t if is_text(t) || is_binary(t) || matches!(t, DataType::Dictionary(..)) => {
            return Err("a text column without levels".into());
        }
        DataType::Float64 if array.null_count() == 0 => {
            Column::Real(Cow::Borrowed(array.as_primitive::<Float64Type>().values()))
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            let mut out = values.values().to_vec();
            if let Some(nulls) = values.nulls() {
                out.iter_mut().zip(nulls.iter()).for_each(|(x, valid)| {
                    if !valid {
                        *x = f64::NAN;
                    }
                });
            }
            Column::Real(Cow::Owned(out))
        }
        DataType::Float32 if array.null_count() == 0 => Column::Real(
            array
                .as_primitive::<Float32Type>()
                .values()
                .iter()
                .map(|&x| f64::from(x))
                .collect(),
        ),
        DataType::Int32 if holds_r_missing(array) => real(array)?,
        DataType::Int32 if array.null_count() == 0 => {
            Column::Integer(Cow::Borrowed(array.as_primitive::<Int32Type>().values()))
        }
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => {
            let array = cast(array, &DataType::Int32).map_err(|e| e.to_string())?;
            let values = array.as_primitive::<Int32Type>();
            let out = match values.nulls() {
                None => values.values().to_vec(),
                Some(nulls) => {
                    let pairs = values.values().iter().zip(nulls.iter());
                    pairs
                        .map(|(&x, valid)| if valid { x } else { i32::MIN })
                        .collect()
                }
            };
            Column::Integer(Cow::Owned(out))
        }
        DataType::Boolean => {
            let values = array.as_boolean();
            let bits = values.values();
            let out = (0..values.len()).map(|i| {
                if values.is_null(i) {
                    2
                } else {
                    u8::from(bits.value(i))
                }
            });
            Column::Logical(out.collect())
        }
        DataType::Timestamp(unit, _) | DataType::Time64(unit) | DataType::Duration(unit) => {
            stored(DataType::Int64, per_second(unit))?
        }
        DataType::Time32(unit) => stored(DataType::Int32, per_second(unit))?,
        DataType::Date64 => stored(DataType::Int64, 86_400_000)?,
        DataType::Date32 => stored(DataType::Int32, 1)?,
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => whole(array)?,
        t if is_decimal(t) && scale(t) == 0 => whole_decimal(array)?,
        t if is_decimal(t) => decimal(array, scale(t))?,
        DataType::RunEndEncoded(_, values) => {
            let plain = cast(array, values.data_type()).map_err(|e| e.to_string())?;
            crate::memory::owned(column(&plain)?)
        }
        _ => real(array)?,
    })
}

/// Whole numbers as doubles where each is one.
fn whole<'a>(array: &ArrayRef) -> Result<Column<'a>, String> {
    let exact = |x: u64| x <= EXACT as u64;
    Ok(match array.data_type() {
        DataType::UInt64 => {
            let values = array.as_primitive::<UInt64Type>();
            match values.values().iter().all(|&x| exact(x)) {
                true => reals(values.iter(), |x| x as f64),
                false => wholes(values.iter()),
            }
        }
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>();
            match values.values().iter().all(|&x| exact(x.unsigned_abs())) {
                true if values.null_count() == 0 => {
                    Column::Real(values.values().iter().map(|&x| x as f64).collect())
                }
                true => reals(values.iter(), |x| x as f64),
                false => wholes(values.iter()),
            }
        }
        _ => {
            let values = cast(array, &DataType::Int64).map_err(|e| e.to_string())?;
            reals(values.as_primitive::<Int64Type>().iter(), |x| x as f64)
        }
    })
}

/// Decimals without a decimal point.
fn whole_decimal<'a>(array: &ArrayRef) -> Result<Column<'a>, String> {
    let values: Vec<Option<i128>> = match array.data_type() {
        DataType::Decimal256(..) => {
            let wide: Option<Vec<Option<i128>>> = array
                .as_primitive::<Decimal256Type>()
                .iter()
                .map(|x| match x {
                    None => Some(None),
                    Some(x) => x.to_i128().map(Some),
                })
                .collect();
            match wide {
                Some(wide) => wide,
                None => return decimal(array, 0),
            }
        }
        _ => {
            let wide = cast(array, &DataType::Decimal128(38, 0)).map_err(|e| e.to_string())?;
            wide.as_primitive::<Decimal128Type>().iter().collect()
        }
    };
    Ok(match values.iter().flatten().all(|x| x.abs() <= EXACT) {
        true => reals(values.into_iter(), |x| x as f64),
        false => wholes(values.into_iter()),
    })
}

fn reals<'a, T>(values: impl Iterator<Item = Option<T>>, real: impl Fn(T) -> f64) -> Column<'a> {
    Column::Real(values.map(|x| x.map_or(f64::NAN, &real)).collect())
}

fn wholes<'a, T: Into<i128>>(values: impl Iterator<Item = Option<T>>) -> Column<'a> {
    Column::Whole(values.map(|x| x.map_or(i128::MIN, Into::into)).collect())
}

/// The first row of decimals or times that has more digits than double precision tells apart: more than 15 of a
/// decimal, fractions of a microsecond of a time beyond 2⁵³ nanoseconds.
pub(crate) fn coarse(array: &ArrayRef) -> Option<usize> {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let finer = |x: i64| x.unsigned_abs() > 1 << 53 && x % 1_000 != 0;
            array
                .as_primitive::<TimestampNanosecondType>()
                .iter()
                .position(|x| x.is_some_and(finer))
        }
        DataType::Decimal256(_, scale) if *scale != 0 => {
            let long = |x: i256| x.to_string().trim_start_matches('-').trim_end_matches('0').len() > 15;
            array
                .as_primitive::<Decimal256Type>()
                .iter()
                .position(|x| x.is_some_and(long))
        }
        DataType::Decimal128(_, scale) if *scale != 0 => array
            .as_primitive::<Decimal128Type>()
            .iter()
            .position(|x| x.is_some_and(has_more_than_15_digits)),
        DataType::Decimal64(_, scale) if *scale != 0 => array
            .as_primitive::<Decimal64Type>()
            .iter()
            .position(|x| x.is_some_and(|x| has_more_than_15_digits(i128::from(x)))),
        _ => None,
    }
}

/// Significant digits of a whole number, zeros at its end not counted: true for more than 15.
fn has_more_than_15_digits(mut x: i128) -> bool {
    const LIMIT: u128 = 1_000_000_000_000_000;
    while x.unsigned_abs() >= LIMIT && x % 10 == 0 {
        x /= 10;
    }
    x.unsigned_abs() >= LIMIT
}

/// R's missing integer is a number like any other to the formats; such a batch goes as doubles.
fn holds_r_missing(array: &ArrayRef) -> bool {
    let values = array.as_primitive::<Int32Type>();
    values.values().contains(&i32::MIN) && values.iter().any(|x| x == Some(i32::MIN))
}

/// x / per, rounded once wherever x is a double; beyond, the whole part is taken first.
fn quotient(x: i64, per: i64) -> f64 {
    if x.unsigned_abs() <= 1 << 53 {
        x as f64 / per as f64
    } else {
        x.div_euclid(per) as f64 + x.rem_euclid(per) as f64 / per as f64
    }
}

/// Decimals as the doubles nearest to them: the same that their digits in a text file give.
fn decimal<'a>(array: &ArrayRef, scale: i8) -> Result<Column<'a>, String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    if let DataType::Decimal256(..) = array.data_type() {
        // rare and long: by way of its digits
        let values = array.as_primitive::<Decimal256Type>();
        let parse =
            |x: Option<i256>| x.map_or(Ok(f64::NAN), |x| format!("{x}e{}", -i32::from(scale)).parse());
        let out: Result<Vec<f64>, _> = values.iter().map(parse).collect();
        return Ok(Column::Real(Cow::Owned(out.map_err(|e| text(&e))?)));
    }
    let wide = cast(array, &DataType::Decimal128(38, scale)).map_err(|e| text(&e))?;
    let values = wide.as_primitive::<Decimal128Type>();
    // up to 10^22 powers of ten are doubles, and a quotient or product of doubles is rounded once
    let power = (scale.unsigned_abs() <= 22).then(|| 10f64.powi(i32::from(scale.unsigned_abs())));
    let number = |x: i128| match power {
        Some(p) if x.unsigned_abs() <= 1 << 53 && scale >= 0 => Ok(x as f64 / p),
        Some(p) if x.unsigned_abs() <= 1 << 53 => Ok(x as f64 * p),
        _ => format!("{x}e{}", -i32::from(scale)).parse(),
    };
    let out: Result<Vec<f64>, _> = values.iter().map(|x| x.map_or(Ok(f64::NAN), number)).collect();
    Ok(Column::Real(Cow::Owned(out.map_err(|e| text(&e))?)))
}

fn per_second(unit: &TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}
