//! Residuals in twice the precision, their weights and sums, on any [`Device`].

use crate::Dd;
use crate::buffer::{Buffer, Matrix};
use crate::device::{Device, outputs};
use crate::error::{DeviceError, check_length};
use crate::products::{columns, runs, total};
use crate::row_expr::RowProgram;
use crate::twice::TwiceExpr;

/// Residuals r = y − c − X b of some rows, each of weight w, and their weighted sums in twice the precision.
#[derive(Clone, Debug)]
pub struct ResidualSums {
    /// √w r, rounded to double precision, on the device.
    pub residuals: Buffer,
    /// Σ w r².
    pub squares: Dd,
    /// Σ w r.
    pub sum: Dd,
    /// Xᵀ W r.
    pub score: Vec<Dd>,
}

/// Residuals r with weights w.
#[derive(Clone, Debug)]
pub struct Weighed {
    /// w r in two parts.
    pub weighed: (Buffer, Buffer),
    /// √w r, rounded to double precision.
    pub rooted: Buffer,
    /// Σ w r².
    pub squares: Dd,
    /// Σ w r.
    pub sum: Dd,
}

/// y − c − X b: (high, low) is carried from some columns to the next.
///
/// # Errors
/// Sizes that do not fit; a failure of the device.
pub(crate) fn residual(
    device: &(impl Device + ?Sized),
    x: &Matrix,
    b: &[Dd],
    constant: Dd,
    y: &Buffer,
) -> Result<(Buffer, Buffer), DeviceError> {
    check_length("matrix", x.buffer.len(), x.rows * x.columns)?;
    check_length("b", b.len(), x.columns)?;
    let row = RowProgram::default();
    (TwiceExpr::of(row.input(0)) - TwiceExpr::number(&row, constant)).output();
    let [mut high, mut low] = outputs(device, &row.finish(), &[y], x.rows)?;
    for some in runs(x.columns) {
        let (row, mut next) = (RowProgram::default(), 0);
        let mut r = TwiceExpr::input(&row, &mut next, true);
        for (b, place) in b[some.clone()].iter().zip(next..) {
            r = r - TwiceExpr::number(&row, *b) * row.input(place);
        }
        r.output();
        let held = columns(x, some)?;
        let inputs: Vec<&Buffer> = [&high, &low].into_iter().chain(&held).collect();
        [high, low] = outputs(device, &row.finish(), &inputs, x.rows)?;
    }
    Ok((high, low))
}

/// w r and √w r by row, Σ w r² and Σ w r.
///
/// # Errors
/// Sizes that do not fit; a failure of the device.
pub(crate) fn weigh(
    device: &(impl Device + ?Sized),
    (high, low): (&Buffer, Option<&Buffer>),
    weights: Option<&Buffer>,
) -> Result<Weighed, DeviceError> {
    let (row, mut next) = (RowProgram::default(), 0);
    let r = TwiceExpr::input(&row, &mut next, low.is_some());
    let (weighed, rooted) = match weights.map(|_| row.input(next)) {
        Some(w) => (r * w, r.high * w.sqrt()),
        None => (r, r.high),
    };
    weighed.output();
    (r * weighed).output();
    row.output(rooted);
    let inputs: Vec<&Buffer> = [high].into_iter().chain(low).chain(weights).collect();
    let [first, second, squares, more, rooted] = outputs(device, &row.finish(), &inputs, high.len())?;
    Ok(Weighed {
        squares: total(device, (&squares, &more))?,
        sum: total(device, (&first, &second))?,
        weighed: (first, second),
        rooted,
    })
}
