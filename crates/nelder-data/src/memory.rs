//! A source's columns kept in memory.

use std::borrow::Cow;
use std::sync::Mutex;

use nelder::frame::{Column, Frame, Source};

use crate::DataError;

/// Reads columns of a source into memory, rows in their order.
pub fn columns_to_memory(source: &dyn Source, names: &[&str]) -> Result<Frame<'static>, DataError> {
    let places: Vec<usize> = names.iter().filter_map(|n| source.schema().position(n)).collect();
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
            whole = Some(match (whole, next) {
                (None, next) => next,
                (Some(Column::Real(a)), Column::Real(b)) => Column::Real(append(a, &b)),
                (Some(Column::Integer(a)), Column::Integer(b)) => Column::Integer(append(a, &b)),
                (Some(Column::Logical(a)), Column::Logical(b)) => Column::Logical(append(a, &b)),
                (Some(Column::Codes { codes, levels }), Column::Codes { codes: b, .. }) => Column::Codes {
                    codes: append(codes, &b),
                    levels,
                },
                // whole numbers come as doubles in batches where R's integers cannot hold them
                (Some(Column::Real(a)), Column::Integer(b)) => Column::Real(append(a, &reals(&b))),
                (Some(Column::Integer(a)), Column::Real(b)) => {
                    Column::Real(append(Cow::Owned(reals(&a)), &b))
                }
                (Some(Column::Whole(a)), Column::Whole(b)) => Column::Whole(append(a, &b)),
                // and as whole numbers of any size where doubles cannot
                (Some(Column::Whole(a)), b) => Column::Whole(append(a, &wholes(&b))),
                (Some(a), Column::Whole(b)) => Column::Whole(append(Cow::Owned(wholes(&a)), &b)),
                // a source delivers one type a column otherwise
                (Some(a), _) => a,
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
