//! Sums by code and subtractions by code on any [`Device`]: codes stay in the host's memory.

use crate::Dd;
use crate::buffer::{Buffer, Codes, Matrix};
use crate::device::{Device, outputs};
use crate::error::{DeviceError, check_length};
use crate::row_expr::RowProgram;
use crate::twice::TwiceExpr;

/// Codes in the host's memory, for so many rows.
///
/// # Errors
/// Another number of codes; codes of another device.
pub(crate) fn on_host(codes: &Codes, rows: usize) -> Result<&[u32], DeviceError> {
    check_length("codes", codes.rows(), rows)?;
    let held: &Vec<u32> = codes.get().ok_or(DeviceError::Foreign { what: "codes" })?;
    Ok(held)
}

/// Σ v, then Σ x v for each column x, by code: v and x are copied from the device, a column at a time.
///
/// # Errors
/// Sizes that do not fit; a failure of the device.
pub(crate) fn sums_by_code(
    device: &(impl Device + ?Sized),
    codes: &Codes,
    x: &Matrix,
    v: (Option<&Buffer>, Option<&Buffer>),
) -> Result<Vec<Dd>, DeviceError> {
    check_length("matrix", x.buffer.len(), x.rows * x.columns)?;
    let own = on_host(codes, x.rows)?;
    let part = |part: Option<&Buffer>, none: f64| match part {
        None => Ok(vec![none; x.rows]),
        Some(part) => {
            check_length("vector", part.len(), x.rows)?;
            device.download(part)
        }
    };
    let (high, low) = (part(v.0, 1.0)?, part(v.1, 0.0)?);
    let v: Vec<Dd> = high.iter().zip(&low).map(|(a, b)| Dd::two_sum(*a, *b)).collect();
    let width = x.columns + 1;
    let mut sums = vec![Dd::ZERO; codes.count() * width];
    for (code, v) in own.iter().zip(&v) {
        sums[*code as usize * width] += *v;
    }
    for j in 0..x.columns {
        let column = device.download(&x.column(j)?)?;
        for ((code, v), x) in own.iter().zip(&v).zip(&column) {
            sums[*code as usize * width + j + 1] += v.mul_f64(*x);
        }
    }
    Ok(sums)
}

/// r − m t by row, t the table's number of the row's code: copied to the device as a column in two parts.
///
/// # Errors
/// Sizes that do not fit; a failure of the device.
pub(crate) fn subtract_by_code(
    device: &(impl Device + ?Sized),
    r: (&Buffer, &Buffer),
    codes: &Codes,
    table: &[Dd],
    multiplier: Option<(&Buffer, Option<&Buffer>)>,
) -> Result<(Buffer, Buffer), DeviceError> {
    let rows = r.0.len();
    let own = on_host(codes, rows)?;
    check_length("table", table.len(), codes.count())?;
    let (high, low): (Vec<f64>, Vec<f64>) = own
        .iter()
        .map(|code| (table[*code as usize].hi, table[*code as usize].lo))
        .unzip();
    let (high, low) = (device.upload(&high)?, device.upload(&low)?);
    let mut inputs = vec![r.0, r.1, &high, &low];

    let (row, mut next) = (RowProgram::default(), 0);
    let r = TwiceExpr::input(&row, &mut next, true);
    let t = TwiceExpr::input(&row, &mut next, true);
    let term = match multiplier {
        None => t,
        Some((high, low)) => {
            inputs.extend([high].into_iter().chain(low));
            TwiceExpr::input(&row, &mut next, low.is_some()) * t
        }
    };
    (r - term).output();
    let [high, low] = outputs(device, &row.finish(), &inputs, rows)?;
    Ok((high, low))
}
