//! Arrow arrays as codes into levels: text, bytes that are text, dictionaries of any values.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_schema::DataType;
use nelder::frame::{Column, Key, Levels, MISSING, number_label};

use crate::convert::{self, is_binary, is_text};
use crate::hash::Interner;

/// Codes of one column for one worker.
pub(crate) struct TextColumn {
    interner: Interner,
}

impl TextColumn {
    pub(crate) fn new(levels: Arc<Levels>) -> Self {
        TextColumn {
            interner: Interner::new(levels),
        }
    }

    pub(crate) fn column<'a>(&mut self, array: &ArrayRef) -> Result<Column<'a>, String> {
        let codes = match array.data_type() {
            DataType::Dictionary(_, _) => {
                let map = self.codes(array.as_any_dictionary().values())?;
                let keys = arrow_array::make_array(array.as_any_dictionary().keys().to_data());
                let keys = cast(&keys, &DataType::Int32).map_err(|e| e.to_string())?;
                let keys = keys.as_primitive::<Int32Type>();
                let code = |k: i32| map.get(k as usize).copied().unwrap_or(MISSING);
                match keys.null_count() {
                    0 => keys.values().iter().map(|&k| code(k)).collect(),
                    _ => keys.iter().map(|k| k.map_or(MISSING, code)).collect(),
                }
            }
            _ => self.codes(array)?,
        };
        Ok(Column::Codes {
            codes: Cow::Owned(codes),
            levels: self.interner.levels().clone(),
        })
    }

    /// The code of each value. Numbers are levels by their labels where the levels are given, and sort as numbers
    /// where they are not.
    fn codes(&mut self, values: &ArrayRef) -> Result<Vec<u32>, String> {
        let as_numbers = !self.interner.levels().is_fixed() && values.data_type().is_numeric();
        if as_numbers {
            let mut keys = number_keys(values)?.into_iter();
            return Ok(keys
                .by_ref()
                .map(|key| key.map_or(MISSING, |key| self.interner.levels().intern(&key)))
                .collect());
        }
        if let DataType::Utf8 = values.data_type() {
            let values = values.as_string::<i32>();
            let code = |x: Option<&str>| x.map_or(Ok(MISSING), |x| self.interner.code(x.as_bytes()));
            return values.iter().map(code).collect();
        }
        let labels = labels(values)?;
        let code = |x: &Option<String>| match x {
            Some(x) => self.interner.code(x.as_bytes()),
            None => Ok(MISSING),
        };
        labels.iter().map(code).collect()
    }
}

/// The column of an array: codes of `text` where it is given, else as it is stored.
pub(crate) fn column<'a>(array: &'a ArrayRef, text: Option<&mut TextColumn>) -> Result<Column<'a>, String> {
    match text {
        Some(text) => text.column(array),
        None => convert::column(array),
    }
}

/// Numbers as keys of levels.
fn number_keys(values: &ArrayRef) -> Result<Vec<Option<Key>>, String> {
    let missing = |x: f64| (!x.is_nan()).then_some(Key::Number(x));
    Ok(match convert::column(values)? {
        Column::Real(v) => v.iter().map(|&x| missing(x)).collect(),
        Column::Integer(v) => v
            .iter()
            .map(|&x| (x != i32::MIN).then(|| Key::Number(f64::from(x))))
            .collect(),
        Column::Whole(v) => v
            .iter()
            .map(|&x| (x != i128::MIN).then(|| Key::of_whole(x)))
            .collect(),
        Column::Logical(_) | Column::Codes { .. } => return Err("numbers of no known kind".into()),
    })
}

/// The values of an array as labels of levels, as R's `as.character` gives them.
pub(crate) fn labels(values: &ArrayRef) -> Result<Vec<Option<String>>, String> {
    let failed = |e: arrow_schema::ArrowError| e.to_string();
    Ok(match values.data_type() {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let values = cast(values, &DataType::Float64).map_err(failed)?;
            let label = |x: Option<f64>| x.filter(|x| !x.is_nan()).map(number_label);
            values.as_primitive::<Float64Type>().iter().map(label).collect()
        }
        DataType::Boolean => {
            let label = |x: bool| if x { "TRUE" } else { "FALSE" }.to_string();
            values.as_boolean().iter().map(|x| x.map(label)).collect()
        }
        t if is_binary(t) => {
            let bytes = cast(values, &DataType::LargeBinary).map_err(failed)?;
            let bytes = bytes.as_binary::<i64>();
            let text = |x: Option<&[u8]>| x.map(utf8).transpose();
            bytes.iter().map(text).collect::<Result<_, _>>()?
        }
        t if is_text(t) => {
            let texts = cast(values, &DataType::LargeUtf8).map_err(failed)?;
            let texts = texts.as_string::<i64>();
            texts.iter().map(|x| x.map(str::to_string)).collect()
        }
        _ => {
            let texts = cast(values, &DataType::LargeUtf8).map_err(failed)?;
            let texts = texts.as_string::<i64>();
            let missing = |i: usize| values.is_null(i);
            (0..texts.len())
                .map(|i| (!missing(i)).then(|| texts.value(i).to_string()))
                .collect()
        }
    })
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    std::str::from_utf8(bytes).map(str::to_string).map_err(|_| {
        format!(
            "{:?} is not valid UTF-8, and bytes are used where they are text",
            String::from_utf8_lossy(bytes)
        )
    })
}

/// Tests if all values of an array of bytes are UTF-8; true of any other array.
pub(crate) fn is_utf8(values: &ArrayRef) -> bool {
    !is_binary(values.data_type()) || labels(values).is_ok()
}
