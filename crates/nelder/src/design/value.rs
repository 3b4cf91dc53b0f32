//! Shapes of the variables of a formula, and their values for some rows.

use std::borrow::Cow;
use std::sync::Arc;

use crate::frame::Levels;

/// In which precision a variable's numbers are formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Precision {
    /// `f64`.
    #[default]
    Double,
    /// Arithmetic, whole powers, `sqrt`, `abs`, `poly` and `scale` in double-doubles: a value is the sum of
    /// two `f64`.
    Twice,
}

/// Numbers for some rows; `NaN` is missing.
#[derive(Clone, Debug)]
pub struct Numbers<'b> {
    /// The numbers.
    pub high: Cow<'b, [f64]>,
    /// Trailing parts, for numbers formed in twice the precision: the value is `high + low`.
    pub low: Option<Vec<f64>>,
}

impl Numbers<'_> {
    /// The numbers of some rows.
    pub(super) fn gathered(&self, rows: &[u32]) -> Numbers<'static> {
        let take = |x: &[f64]| -> Vec<f64> { rows.iter().map(|&i| x[i as usize]).collect() };
        Numbers {
            high: Cow::Owned(take(&self.high)),
            low: self.low.as_deref().map(take),
        }
    }
}

impl Numbers<'static> {
    /// Appends some rows of other numbers.
    pub(super) fn append(&mut self, from: &Numbers<'_>, rows: &[u32]) {
        let before = self.high.len();
        let take = |to: &mut Vec<f64>, from: &[f64]| to.extend(rows.iter().map(|&i| from[i as usize]));
        take(self.high.to_mut(), &from.high);
        // a part that one of the two has not is zero
        if from.low.is_some() || self.low.is_some() {
            let low = self.low.get_or_insert_with(|| vec![0.0; before]);
            match &from.low {
                Some(from) => take(low, from),
                None => low.resize(before + rows.len(), 0.0),
            }
        }
    }
}

/// The values of a variable for the rows of a batch.
#[derive(Clone, Debug)]
pub enum Value<'b> {
    /// Numbers, one entry a column.
    Numbers(Vec<Numbers<'b>>),
    /// 0 is `FALSE`, 1 is `TRUE`, 2 is missing.
    Logical(Cow<'b, [u8]>),
    /// A factor (or text).
    Codes {
        /// Codes into `levels`; [`MISSING`](crate::frame::MISSING) where missing.
        codes: Cow<'b, [u32]>,
        /// The levels.
        levels: Arc<Levels>,
        /// True if the levels are ordered.
        ordered: bool,
    },
}

impl Value<'_> {
    /// Number of rows; `None` for numbers without a column.
    pub fn rows(&self) -> Option<usize> {
        match self {
            Value::Numbers(columns) => columns.first().map(|c| c.high.len()),
            Value::Logical(v) => Some(v.len()),
            Value::Codes { codes, .. } => Some(codes.len()),
        }
    }
}

/// Shape of a variable: numbers with their columns, a logical, or a factor; without its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One or more columns of numbers, and what each appends to the variable's name: `[""]` for one column;
    /// `1`, `2`, … for `poly`, `ns` and `bs`; names for `cbind`.
    Numeric {
        /// One entry a column.
        suffixes: Vec<String>,
    },
    /// `TRUE` and `FALSE`.
    Logical,
    /// A factor; text is one.
    Factor {
        /// True if its levels are ordered.
        ordered: bool,
    },
}

impl Shape {
    /// Its columns of numbers; one for a factor, which is a column of codes.
    pub fn width(&self) -> usize {
        match self {
            Shape::Numeric { suffixes } => suffixes.len(),
            _ => 1,
        }
    }
}
