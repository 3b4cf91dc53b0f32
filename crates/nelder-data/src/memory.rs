//! A source's columns kept in memory.

use std::borrow::Cow;
use std::sync::Mutex;

use nelder::frame::{Column, Frame, Source, SourceError};

use crate::DataError;

/// Reads columns of a source into memory, rows in their order.
///
/// # Errors
/// [`DataError::Source`] where a name is none of the source's, or a column comes as one type in one batch and as another, which
/// it cannot be brought to, in the next; errors of the scan.
pub fn columns_to_memory(source: &dyn Source, names: &[&str]) -> Result<Frame<'static>, DataError> {
    let position = |name: &&str| {
        let unknown = || SourceError::Read(format!("there is no column `{name}`"));
        source.schema().position(name).ok_or_else(unknown)
    };
    let places: Vec<usize> = names.iter().map(position).collect::<Result<_, _>>()?;
    let parts: Mutex<Vec<(usize, Vec<Column<'static>>)>> = Mutex::new(Vec::new());
    source.scan(&places, &|_, batch| {
        let columns = batch.columns.into_iter().map(owned).collect();
        parts
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .push((batch.index, columns));
        true
    })?;
    let mut parts = parts.into_inner().unwrap_or_else(|e| e.into_inner());
    parts.sort_by_key(|p| p.0);
    let mut frame = Frame::new();
    for (k, &place) in places.iter().enumerate() {
        let field = &source.schema().fields[place];
        let mut whole: Option<Column<'static>> = None;
        for (_, columns) in &mut parts {
            let next = std::mem::replace(&mut columns[k], Column::Real(Cow::Borrowed(&[])));
            whole = Some(match whole {
                None => next,
                Some(before) => joined(before, next, &field.name)?,
            });
        }
        frame = frame.with(
            &field.name,
            field.kind,
            whole.unwrap_or(Column::Real(Cow::Borrowed(&[]))),
        );
    }
    Ok(frame)
}

/// A batch of a column after those before it.
fn joined(
    before: Column<'static>,
    next: Column<'static>,
    name: &str,
) -> Result<Column<'static>, SourceError> {
    use Column::{Codes, Integer, Logical, Real, Whole};
    Ok(match (before, next) {
        (Real(a), Real(b)) => Real(append(a, &b)),
        (Integer(a), Integer(b)) => Integer(append(a, &b)),
        (Logical(a), Logical(b)) => Logical(append(a, &b)),
        (Codes { codes, levels }, Codes { codes: b, .. }) => Codes {
            codes: append(codes, &b),
            levels,
        },
        // whole numbers come as doubles in batches where R's integers cannot hold them
        (Real(a), Integer(b)) => Real(append(a, &reals(&b))),
        (Integer(a), Real(b)) => Real(append(Cow::Owned(reals(&a)), &b)),
        (Whole(a), Whole(b)) => Whole(append(a, &b)),
        // and as whole numbers of any size where doubles cannot
        (Whole(a), b @ (Real(_) | Integer(_))) => Whole(append(a, &wholes(&b))),
        (a @ (Real(_) | Integer(_)), Whole(b)) => Whole(append(Cow::Owned(wholes(&a)), &b)),
        (a, b) => {
            return Err(SourceError::Read(format!(
                "the column `{name}` has {} in one batch and {} in another",
                type_of(&a),
                type_of(&b)
            )));
        }
    })
}

fn type_of(column: &Column<'_>) -> &'static str {
    match column {
        Column::Real(_) => "numbers",
        Column::Integer(_) | Column::Whole(_) => "whole numbers",
        Column::Logical(_) => "logical values",
        Column::Codes { .. } => "levels",
    }
}

fn append<T: Copy>(a: Cow<'static, [T]>, b: &[T]) -> Cow<'static, [T]> {
    let mut a = a.into_owned();
    a.extend_from_slice(b);
    Cow::Owned(a)
}

/// A batch of a column of whole numbers, whatever it came as.
pub(crate) fn wholes(column: &Column<'_>) -> Vec<i128> {
    match column {
        Column::Real(v) => {
            let whole = |&x: &f64| if x.is_nan() { i128::MIN } else { x as i128 };
            v.iter().map(whole).collect()
        }
        Column::Integer(v) => {
            let whole = |&x: &i32| if x == i32::MIN { i128::MIN } else { i128::from(x) };
            v.iter().map(whole).collect()
        }
        Column::Whole(v) => v.to_vec(),
        Column::Logical(v) => vec![i128::MIN; v.len()],
        Column::Codes { codes, .. } => vec![i128::MIN; codes.len()],
    }
}

fn reals(v: &[i32]) -> Vec<f64> {
    let real = |&x: &i32| if x == i32::MIN { f64::NAN } else { f64::from(x) };
    v.iter().map(real).collect()
}

pub(crate) fn owned(column: Column<'_>) -> Column<'static> {
    match column {
        Column::Real(v) => Column::Real(Cow::Owned(v.into_owned())),
        Column::Integer(v) => Column::Integer(Cow::Owned(v.into_owned())),
        Column::Whole(v) => Column::Whole(Cow::Owned(v.into_owned())),
        Column::Logical(v) => Column::Logical(Cow::Owned(v.into_owned())),
        Column::Codes { codes, levels } => Column::Codes {
            codes: Cow::Owned(codes.into_owned()),
            levels,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_of_a_column_join_or_say_why_not() {
        let real = || Column::Real(Cow::Owned(vec![0.5]));
        let whole = || Column::Integer(Cow::Owned(vec![7, i32::MIN]));
        let Ok(Column::Real(both)) = joined(whole(), real(), "x") else {
            panic!("whole numbers and numbers are numbers");
        };
        assert!(both[0] == 7.0 && both[1].is_nan() && both[2] == 0.5);
        let logical = Column::Logical(Cow::Owned(vec![1]));
        let error = joined(logical, real(), "x").unwrap_err().to_string();
        assert!(
            error.contains("`x` has logical values in one batch and numbers in another"),
            "{error}"
        );
    }

    #[test]
    fn an_unknown_column_is_an_error() {
        let x = [1.0, 2.0];
        let frame = Frame::new().with_real("x", &x);
        assert_eq!(columns_to_memory(&frame, &["x"]).unwrap().len(), 2);
        let error = columns_to_memory(&frame, &["x", "z"]).unwrap_err().to_string();
        assert!(error.contains("no column `z`"), "{error}");
    }
}
