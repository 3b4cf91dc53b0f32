//! Products of matrices on any [`Device`]: programs over rows, and sums of their outputs.

use std::ops::Range;

use crate::Dd;
use crate::buffer::{Buffer, Matrix};
use crate::device::{Device, outputs};
use crate::error::{DeviceError, check_length};
use crate::row_expr::RowProgram;
use crate::twice::TwiceExpr;

/// Columns that a program reads at a time, beside vectors.
const COLUMNS: usize = 8;

/// Runs of columns, one for each program.
pub(crate) fn runs(columns: usize) -> impl Iterator<Item = Range<usize>> {
    let firsts = (0..columns).step_by(COLUMNS);
    firsts.map(move |first| first..columns.min(first + COLUMNS))
}

/// Some columns of a matrix.
///
/// # Errors
/// Sizes that do not fit.
pub(crate) fn columns(x: &Matrix, run: Range<usize>) -> Result<Vec<Buffer>, DeviceError> {
    run.map(|j| x.column(j)).collect()
}

/// Σ of a vector in two parts, in twice the precision.
pub(crate) fn total(
    device: &(impl Device + ?Sized),
    (high, low): (&Buffer, &Buffer),
) -> Result<Dd, DeviceError> {
    Ok(device.reduce(high)?.sum + device.reduce(low)?.sum)
}

/// Σ v (x − c) by column x, c its centre (0 where there are none), in twice the precision; v is a vector in two parts, the second
/// 0 where it is not there.
///
/// # Errors
/// Sizes that do not fit; a failure of the device.
pub(crate) fn sums_with(
    device: &(impl Device + ?Sized),
    x: &Matrix,
    (high, low): (&Buffer, Option<&Buffer>),
    centres: Option<&[f64]>,
) -> Result<Vec<Dd>, DeviceError> {
    check_length("matrix", x.buffer.len(), x.rows * x.columns)?;
    let mut sums = Vec::with_capacity(x.columns);
    for some in runs(x.columns) {
        let (row, mut next) = (RowProgram::default(), 0);
        let v = TwiceExpr::input(&row, &mut next, low.is_some());
        for (j, place) in some.clone().zip(next..) {
            let x = centred(&row, place, centres.map(|c| c[j]));
            let term = match low {
                Some(_) => v * x,
                None => TwiceExpr::product(v.high, x),
            };
            term.output();
        }
        let held = columns(x, some)?;
        let inputs: Vec<&Buffer> = [high].into_iter().chain(low).chain(&held).collect();
        let found = device.run(&row.finish(), &inputs, x.rows)?;
        for parts in found.chunks_exact(2) {
            sums.push(total(device, (&parts[0], &parts[1]))?);
        }
    }
    Ok(sums)
}

/// x − c, rounded to double precision; x where there is no centre.
fn centred(row: &RowProgram, place: u32, centre: Option<f64>) -> crate::RowExpr<'_> {
    let x = row.input(place);
    centre.map_or(x, |c| x - c)
}

/// w (x − c) without loss beyond that of the difference, in two parts, or in one where there is no weight.
///
/// # Errors
/// Sizes that do not fit; a failure of the device.
pub(crate) fn weighted(
    device: &(impl Device + ?Sized),
    x: &Buffer,
    weights: Option<&Buffer>,
    centre: Option<f64>,
) -> Result<(Buffer, Option<Buffer>), DeviceError> {
    let row = RowProgram::default();
    let own = centred(&row, 0, centre);
    match (weights, centre) {
        (None, None) => Ok((x.clone(), None)),
        (None, Some(_)) => {
            row.output(own);
            let [moved] = outputs(device, &row.finish(), &[x], x.len())?;
            Ok((moved, None))
        }
        (Some(w), _) => {
            TwiceExpr::product(row.input(1), own).output();
            let [high, low] = outputs(device, &row.finish(), &[x, w], x.len())?;
            Ok((high, Some(low)))
        }
    }
}

/// (X − 1cᵀ)ᵀ W (X − 1cᵀ) by rows of its lower triangle: products of differences that are rounded, exact themselves, and summed in
/// twice the precision.
///
/// # Errors
/// Sizes that do not fit; a failure of the device.
pub(crate) fn gram(
    device: &(impl Device + ?Sized),
    x: &Matrix,
    weights: Option<&Buffer>,
    centres: Option<&[f64]>,
) -> Result<Vec<Dd>, DeviceError> {
    check_length("matrix", x.buffer.len(), x.rows * x.columns)?;
    if let Some(centres) = centres {
        check_length("centres", centres.len(), x.columns)?;
    }
    let mut entries = Vec::with_capacity(x.columns * (x.columns + 1) / 2);
    for i in 0..x.columns {
        let (high, low) = weighted(device, &x.column(i)?, weights, centres.map(|c| c[i]))?;
        entries.extend(sums_with(
            device,
            &x.part(0..i + 1)?,
            (&high, low.as_ref()),
            centres,
        )?);
    }
    Ok(entries)
}

/// c + o + X b in double precision, some columns at a time.
///
/// # Errors
/// Sizes that do not fit; a failure of the device.
pub(crate) fn product(
    device: &(impl Device + ?Sized),
    x: &Matrix,
    b: &[f64],
    constant: f64,
    offset: Option<&Buffer>,
) -> Result<Buffer, DeviceError> {
    check_length("matrix", x.buffer.len(), x.rows * x.columns)?;
    check_length("b", b.len(), x.columns)?;
    let row = RowProgram::default();
    let start = offset.map_or(row.number(constant), |_| constant + row.input(0));
    row.output(start);
    let offset: Vec<&Buffer> = offset.into_iter().collect();
    let [mut sum] = outputs(device, &row.finish(), &offset, x.rows)?;
    for some in runs(x.columns) {
        let row = RowProgram::default();
        let terms = b[some.clone()].iter().zip(1..);
        row.output(terms.fold(row.input(0), |sum, (b, place)| sum + row.input(place) * *b));
        let held = columns(x, some)?;
        let inputs: Vec<&Buffer> = [&sum].into_iter().chain(&held).collect();
        [sum] = outputs(device, &row.finish(), &inputs, x.rows)?;
    }
    Ok(sum)
}
