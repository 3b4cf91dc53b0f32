//! Products of matrices.

use nelder_device::{Backend, Dd, DeviceError, Host, run_rows};

use crate::Outcome;
use crate::values::Random;

/// Rows and columns: one of each, few, more than a block of anything, tall, and none.
const SHAPES: &[(usize, usize)] = &[
    (1, 1),
    (5, 3),
    (1, 7),
    (257, 33),
    (4096, 16),
    (20_001, 5),
    (0, 3),
    (1000, 130),
];

/// Products with a vector on both sides: within n ε of the sums of absolute values
/// (Higham 2002, section 3.1; any order of summation).
pub fn check(backend: &dyn Backend, outcome: &mut Outcome) -> Result<(), DeviceError> {
    let host = Host::default();
    let mut random = Random::new(11);
    for &(rows, columns) in SHAPES {
        let a: Vec<f64> = (0..rows * columns).map(|_| random.sized(2.0)).collect();
        let size: Vec<f64> = a.iter().map(|v| v.abs()).collect();
        let y: Vec<f64> = (0..rows).map(|_| random.signed()).collect();
        let x: Vec<f64> = (0..columns).map(|_| random.signed()).collect();
        let abs = |v: &[f64]| v.iter().map(|v| v.abs()).collect::<Vec<f64>>();
        let bound = (rows.max(columns) as f64 + 4.0) * f64::EPSILON;
        let mut compare = |what: &str, want: &[f64], sizes: &[f64], have: &[f64]| {
            outcome.compared += want.len();
            let lengths = want.len() == have.len();
            let fine = |i: usize| (want[i] - have[i]).abs() <= bound * sizes[i];
            if !lengths || !(0..want.len()).all(fine) {
                outcome.failures.push(format!("{what} of {rows} x {columns}"));
            }
        };
        let on = |device: &dyn Backend, a: &[f64], x: &[f64]| -> Result<Vec<f64>, DeviceError> {
            let out = device.product(&device.upload(a)?, rows, columns, x)?;
            device.download(&out)
        };
        compare(
            "product",
            &on(&host, &a, &x)?,
            &on(&host, &size, &abs(&x))?,
            &on(backend, &a, &x)?,
        );
        let on = |device: &dyn Backend, a: &[f64], y: &[f64]| -> Result<Vec<f64>, DeviceError> {
            device.transposed_product(&device.upload(a)?, rows, columns, &device.upload(y)?)
        };
        compare(
            "transposed product",
            &on(&host, &a, &y)?,
            &on(&host, &size, &abs(&y))?,
            &on(backend, &a, &y)?,
        );
    }
    for &(rows, columns) in SHAPES {
        twice(backend, &host, &mut random, rows, columns, outcome)?;
    }
    // numbers come back as they went, however many
    for len in [0, 1, 1000, (1 << 22) + 12_345, (1 << 23) + 1] {
        let values: Vec<f64> = (0..len)
            .map(|i| if i % 977 == 0 { f64::NAN } else { i as f64 * 1.1 })
            .collect();
        let back = backend.download(&backend.upload(&values)?)?;
        outcome.compared += len;
        let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits();
        if back.len() != len || !values.iter().zip(&back).all(same) {
            outcome
                .failures
                .push(format!("{len} numbers come back as others"));
        }
    }
    // sizes that do not fit are errors, and so are buffers of another device
    let a = backend.upload(&[1.0, 2.0, 3.0])?;
    outcome.compared += 2;
    if !matches!(backend.gram(&a, 2, 2, None), Err(DeviceError::Length { .. })) {
        outcome
            .failures
            .push("a matrix of 3 numbers passes for 2 x 2".into());
    }
    let foreign = nelder_device::Buffer::new(4, "not a buffer of any device");
    if !matches!(
        backend.gram(&foreign, 2, 2, None),
        Err(DeviceError::Foreign { .. })
    ) {
        outcome
            .failures
            .push("a buffer of another device is taken".into());
    }
    Ok(())
}

/// What is summed in twice the precision: grams within that of a run of rows in double, residuals and their products within
/// a few units of twice double precision of the sums of absolute values.
fn twice(
    backend: &dyn Backend,
    host: &Host,
    random: &mut Random,
    rows: usize,
    columns: usize,
    outcome: &mut Outcome,
) -> Result<(), DeviceError> {
    let mut draw = |n: usize| -> Vec<f64> { (0..n).map(|_| random.sized(2.0)).collect() };
    let (a, y) = (draw(rows * columns), draw(rows));
    let w: Vec<f64> = draw(rows).iter().map(|v| v.abs()).collect();
    let x: Vec<Dd> = draw(columns).into_iter().map(|v| Dd::new(v) / 3.0).collect();
    let sizes: Vec<f64> = a.iter().map(|v| v.abs()).collect();
    let mut compare = |what: &str, want: &[Dd], size: &[Dd], have: &[Dd], bound: f64| {
        outcome.compared += want.len();
        let fine = |i: usize| (want[i] - have[i]).abs().to_f64() <= bound * size[i].to_f64();
        if want.len() != have.len() || !(0..want.len()).all(fine) {
            outcome.failures.push(format!("{what} of {rows} x {columns}"));
        }
    };
    let run = rows.min(run_rows(rows, columns)) as f64;
    for (what, weights) in [("gram", None), ("weighted gram", Some(&w))] {
        let on = |device: &dyn Backend, a: &[f64]| -> Result<Vec<Dd>, DeviceError> {
            let (a, w) = (device.upload(a)?, weights.map(|w| device.upload(w)).transpose()?);
            device.gram(&a, rows, columns, w.as_ref())
        };
        let bound = (run + 4.0) * f64::EPSILON;
        compare(what, &on(host, &a)?, &on(host, &sizes)?, &on(backend, &a)?, bound);
    }
    // each step leaves two units of 2^-104; of the addition in the kernels a few more
    let unit = 2f64.powi(-102);
    let residual = |device: &dyn Backend, a: &[f64], x: &[Dd], y: &[f64]| -> Result<Vec<Dd>, DeviceError> {
        let (a, y) = (device.upload(a)?, device.upload(y)?);
        let (high, low) = device.residual(&a, rows, columns, x, &y)?;
        let (high, low) = (device.download(&high)?, device.download(&low)?);
        Ok(high.into_iter().zip(low).map(|(hi, lo)| Dd { hi, lo }).collect())
    };
    let negative: Vec<Dd> = x.iter().map(|x| -x.abs()).collect();
    let absolute: Vec<f64> = y.iter().map(|v| v.abs()).collect();
    let (want, size) = (
        residual(host, &a, &x, &y)?,
        residual(host, &sizes, &negative, &absolute)?,
    );
    let bound = (columns as f64 + 4.0) * unit;
    compare("residual", &want, &size, &residual(backend, &a, &x, &y)?, bound);
    let transposed = |device: &dyn Backend, a: &[f64], r: &[Dd]| -> Result<Vec<Dd>, DeviceError> {
        let part = |of: fn(&Dd) -> f64| device.upload(&r.iter().map(of).collect::<Vec<f64>>());
        let (high, low) = (part(|r| r.hi)?, part(|r| r.lo)?);
        device.transposed_residual(&device.upload(a)?, rows, columns, (&high, &low))
    };
    let positive: Vec<Dd> = want.iter().map(|r| r.abs()).collect();
    let bound = (rows as f64 + 4.0) * unit;
    compare(
        "transposed residual",
        &transposed(host, &a, &want)?,
        &transposed(host, &sizes, &positive)?,
        &transposed(backend, &a, &want)?,
        bound,
    );
    Ok(())
}
