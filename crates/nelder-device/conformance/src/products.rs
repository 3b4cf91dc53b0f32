//! Products of matrices.

use nelder_device::{DeviceError, Host, LinearAlgebra, Matrix};

use crate::Outcome;
use crate::values::Random;

/// Rows and columns: one of each, few, more than a block of anything, tall, and none.
pub(crate) const SHAPES: &[(usize, usize)] = &[
    (1, 1),
    (5, 3),
    (1, 7),
    (257, 33),
    (4096, 16),
    (20_001, 5),
    (0, 3),
    (50, 0),
    (1000, 130),
    (300, 32),
    (9000, 40),
];

/// Products with a vector on both sides: within n ε of the sums of absolute values
/// (Higham 2002, section 3.1; any order of summation).
pub fn check(backend: &dyn LinearAlgebra, outcome: &mut Outcome) -> Result<(), DeviceError> {
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
        let on =
            |device: &dyn LinearAlgebra, a: &[f64], x: &[f64], o: &[f64]| -> Result<Vec<f64>, DeviceError> {
                let a = Matrix::new(device.upload(a)?, rows, columns)?;
                device.download(&device.product(&a, x, 0.5, Some(&device.upload(o)?))?)
            };
        compare(
            "product",
            &on(&host, &a, &x, &y)?,
            &on(&host, &size, &abs(&x), &abs(&y))?,
            &on(backend, &a, &x, &y)?,
        );
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
    let wrong = Matrix {
        buffer: backend.upload(&[1.0, 2.0, 3.0])?,
        rows: 2,
        columns: 2,
    };
    outcome.compared += 2;
    if !matches!(backend.gram(&wrong, None, None), Err(DeviceError::Length { .. })) {
        outcome
            .failures
            .push("a matrix of 3 numbers passes for 2 x 2".into());
    }
    let foreign = nelder_device::Buffer::new(4, "not a buffer of any device");
    if !matches!(
        backend.gram(&Matrix::new(foreign, 2, 2)?, None, None),
        Err(DeviceError::Foreign { .. })
    ) {
        outcome
            .failures
            .push("a buffer of another device is taken".into());
    }
    Ok(())
}
