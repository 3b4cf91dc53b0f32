//! Moments of columns: their sums, alone and with vectors, on any [`Device`].

use crate::Dd;
use crate::buffer::{Buffer, Matrix};
use crate::device::Device;
use crate::error::{DeviceError, check_length};
use crate::products::{columns, runs, sums_with, weighted};
use crate::row_expr::{RowExpr, RowProgram};

/// Sums of columns x with weights w, in twice the precision where it says so.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Σ w x by column, in twice the precision.
    pub sums: Vec<Dd>,
    /// Σ w x² by column, in double precision.
    pub squares: Vec<f64>,
    /// Σ w x v by vector v and column, in twice the precision.
    pub with: Vec<Vec<Dd>>,
    /// By column, whether a value is no number [as it was written](crate::kernels::is_as_written).
    pub rounded: Vec<bool>,
}

/// Moments that came with a gram.
#[derive(Clone, Debug, PartialEq)]
pub struct RoughMoments {
    /// Of the columns, with the vector.
    pub columns: Moments,
    /// Of the vector, with itself.
    pub own: Moments,
    /// Xᵀ W X, lower triangle by rows, where it was wanted or costs nothing.
    pub gram: Option<Vec<Dd>>,
}

/// 1 for a number [as it was written](crate::kernels::is_as_written), in a program: a whole number to 9e15, or a multiple of 2⁻¹²
/// below 1,000 or of 1/8 below 1e12.
fn is_as_written(x: RowExpr<'_>) -> RowExpr<'_> {
    let size = x.abs();
    let of_parts = |parts: f64, below: f64| size.lt(below).and((x * parts).trunc().eq(x * parts));
    let whole = x.trunc().eq(x).and(size.le(9e15));
    of_parts(4096.0, 1e3).or(of_parts(8.0, 1e12)).or(whole)
}

/// By column Σ w x² in double precision, and whether a value is no number as it was written.
fn looked_at(
    device: &(impl Device + ?Sized),
    x: &Matrix,
    weights: Option<&Buffer>,
) -> Result<(Vec<f64>, Vec<bool>), DeviceError> {
    let (mut squares, mut rounded) = (Vec::new(), Vec::new());
    for some in runs(x.columns) {
        let row = RowProgram::default();
        for place in 0..some.len() as u32 {
            let x = row.input(place);
            let wx = weights.map_or(x, |_| row.input(some.len() as u32) * x);
            row.output(wx * x);
            row.output(is_as_written(x));
        }
        let held = columns(x, some)?;
        let inputs: Vec<&Buffer> = held.iter().chain(weights).collect();
        let found = device.run(&row.finish(), &inputs, x.rows)?;
        for parts in found.chunks_exact(2) {
            squares.push(device.reduce(&parts[0])?.sum.hi);
            let written = device.reduce(&parts[1])?;
            rounded.push(written.least < 1.0 || written.missing > 0);
        }
    }
    Ok((squares, rounded))
}

/// Moments from products without loss, column by column.
///
/// # Errors
/// Sizes that do not fit; a failure of the device.
pub(crate) fn moments(
    device: &(impl Device + ?Sized),
    x: &Matrix,
    weights: Option<&Buffer>,
    with: &[&Buffer],
) -> Result<Moments, DeviceError> {
    check_length("matrix", x.buffer.len(), x.rows * x.columns)?;
    let sums = match weights {
        Some(w) => sums_with(device, x, (w, None), None)?,
        None => {
            let sum = |j: usize| Ok(device.reduce(&x.column(j)?)?.sum);
            (0..x.columns).map(sum).collect::<Result<_, DeviceError>>()?
        }
    };
    let sums_of = |v: &&Buffer| {
        let (high, low) = weighted(device, v, weights, None)?;
        sums_with(device, x, (&high, low.as_ref()), None)
    };
    let with = with.iter().map(sums_of).collect::<Result<_, DeviceError>>()?;
    let (squares, rounded) = looked_at(device, x, weights)?;
    Ok(Moments {
        sums,
        squares,
        with,
        rounded,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Host, kernels};

    #[test]
    fn numbers_as_written_are_told_by_a_program_too() {
        let of = |k: i32| 2f64.powi(k);
        let mut values = vec![
            0.0,
            -0.0,
            0.5,
            0.3,
            of(-12),
            of(-13),
            999.0 + of(-12),
            1e3 + of(-12),
        ];
        values.extend([
            1e12 + 0.125,
            1e12 - 0.125,
            9e15,
            9e15 + 2.0,
            -2.375,
            1e300,
            f64::MAX,
            f64::NAN,
        ]);
        values.extend([f64::INFINITY, f64::NEG_INFINITY]);
        let host = Host::default();
        let x = Matrix::new(host.upload(&values).unwrap(), 1, values.len()).unwrap();
        let found = moments(&host, &x, None, &[]).unwrap().rounded;
        let wanted: Vec<bool> = values.iter().map(|v| !kernels::is_as_written(*v)).collect();
        assert_eq!(found, wanted);
    }
}
