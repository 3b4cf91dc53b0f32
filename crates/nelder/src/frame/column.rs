//! A column's values for some rows.

use std::borrow::Cow;
use std::sync::Arc;

use super::Levels;

/// Type of a column's values, as R would see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Double precision numbers.
    Real,
    /// Dates: days from 1970-01-01, as `Real`; numeric in a model.
    Date,
    /// Times: seconds from 1970-01-01 UTC, as `Real`; numeric in a model.
    Time {
        /// True if their clock is UTC's, so that their day and hour are known.
        utc: bool,
    },
    /// Whole numbers; numeric in a model, printed without exponent in labels.
    Integer,
    /// `TRUE`, `FALSE` or missing.
    Logical,
    /// Strings; a factor in a model, with levels sorted by byte (the C locale).
    Text,
    /// A factor whose level order is given by the data.
    Factor {
        /// True if the levels are ordered (polynomial contrasts by default).
        ordered: bool,
    },
}

/// The values of one column for a run of rows.
///
/// Missing values: `NaN` in `Real`, the least number in `Integer` and `Whole`, `2` in `Logical`,
/// [`MISSING`](super::MISSING) in `Codes`. `Text` and `Factor` columns are both codes into [`Levels`]. A column of kind
/// [`Kind::Integer`] comes as `Integer`, as `Real`, or as `Whole`, batch by batch.
#[derive(Clone, Debug)]
pub enum Column<'a> {
    /// Numbers.
    Real(Cow<'a, [f64]>),
    /// Whole numbers as R holds them; `i32::MIN` is missing.
    Integer(Cow<'a, [i32]>),
    /// Whole numbers some of which may be beyond ±2⁵³, where double precision has not every one; `i128::MIN` is missing.
    Whole(Cow<'a, [i128]>),
    /// 0 is `FALSE`, 1 is `TRUE`, 2 is missing.
    Logical(Cow<'a, [u8]>),
    /// Codes into `levels`, from 0.
    Codes {
        /// One code a row.
        codes: Cow<'a, [u32]>,
        /// The levels the codes point to; shared by all batches of a source.
        levels: Arc<Levels>,
    },
}

impl Column<'_> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Column::Real(v) => v.len(),
            Column::Integer(v) => v.len(),
            Column::Whole(v) => v.len(),
            Column::Logical(v) => v.len(),
            Column::Codes { codes, .. } => codes.len(),
        }
    }

    /// Tests if there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
