//! Arrow arrays as columns of a model.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::i256;
use arrow_cast::cast;
use arrow_schema::{DataType, Field, TimeUnit};
use nelder::frame::{Column, Kind, Levels, MISSING};

use crate::hash::Interner;

/// What an Arrow type is in a model; `None` where it is nothing.
pub(crate) fn kind(field: &Field) -> Option<Kind> {
    Some(match field.data_type() {
        DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32
        | DataType::Date64
        | DataType::Timestamp(..)
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Duration(_)
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => Kind::Real,
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => Kind::Integer,
        DataType::Boolean => Kind::Logical,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
        DataType::Dictionary(_, value) if is_text(value) => Kind::Text,
        _ => return None,
    })
}

fn is_text(t: &DataType) -> bool {
    matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Codes of one text column for one worker.
pub(crate) struct TextColumn {
    interner: Interner,
}

impl TextColumn {
    pub(crate) fn new(levels: Arc<Levels>) -> Self {
        TextColumn {
            interner: Interner::new(levels),
        }
    }

    fn column<'a>(&mut self, array: &ArrayRef) -> Result<Column<'a>, String> {
        let codes = match array.data_type() {
            DataType::Dictionary(_, _) => {
                let keys = cast(&dictionary_keys(array)?, &DataType::Int32).map_err(|e| e.to_string())?;
                let keys = keys.as_primitive::<Int32Type>();
                let values =
                    cast(array.as_any_dictionary().values(), &DataType::Utf8).map_err(|e| e.to_string())?;
                let values = values.as_string::<i32>();
                let mut map = Vec::with_capacity(values.len());
                for i in 0..values.len() {
                    map.push(if values.is_null(i) {
                        MISSING
                    } else {
                        self.interner.code(values.value(i).as_bytes())?
                    });
                }
                let all = keys.values().iter();
                if keys.null_count() == 0 {
                    all.map(|&k| map.get(k as usize).copied().unwrap_or(MISSING))
                        .collect()
                } else {
                    all.enumerate()
                        .map(|(i, &k)| {
                            if keys.is_null(i) {
                                MISSING
                            } else {
                                map.get(k as usize).copied().unwrap_or(MISSING)
                            }
                        })
                        .collect()
                }
            }
            _ => {
                let array = cast(array, &DataType::Utf8).map_err(|e| e.to_string())?;
                let values = array.as_string::<i32>();
                let mut codes = Vec::with_capacity(values.len());
                for i in 0..values.len() {
                    codes.push(if values.is_null(i) {
                        MISSING
                    } else {
                        self.interner.code(values.value(i).as_bytes())?
                    });
                }
                codes
            }
        };
        Ok(Column::Codes {
            codes: Cow::Owned(codes),
            levels: self.interner.levels().clone(),
        })
    }
}

fn dictionary_keys(array: &ArrayRef) -> Result<ArrayRef, String> {
    let keys = array.as_any_dictionary().keys();
    Ok(arrow_array::make_array(keys.to_data()))
}

/// The column of an array. Doubles without missing values are borrowed.
pub(crate) fn column<'a>(array: &'a ArrayRef, text: Option<&mut TextColumn>) -> Result<Column<'a>, String> {
    let real = |array: &ArrayRef| -> Result<Column<'a>, String> {
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
    let stored = |as_type: DataType, per: i64| -> Result<Column<'a>, String> {
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
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => decimal(array, *scale)?,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(_, _) => {
            match text {
                Some(text) => text.column(array)?,
                None => return Err("a text column without levels".into()),
            }
        }
        _ => real(array)?,
    })
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
