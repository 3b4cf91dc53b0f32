//! The suite on the CPU, and on a device where `NELDER_TEST_DEVICE` asks for one.

use nelder_conformance::{Bare, check};
use nelder_cuda::Cuda;
use nelder_device::{
    Buffer, Codes, Counters, Dd, Description, Device, DeviceError, GlmKernels, Host, LinearAlgebra, Matrix,
    Moments, Program, Rates, Reduced, ResidualSums, Weighed,
};
use nelder_wgpu::Wgpu;

#[test]
fn the_cpu_agrees_with_itself() {
    let outcome = check(&Host::default()).unwrap();
    assert!(outcome.compared > 500_000);
    assert_eq!(outcome.failures, Vec::<String>::new());
}

/// Compositions of the first tier are as exact as the CPU's own verbs.
#[test]
fn the_first_tier_is_enough() {
    let outcome = check(&Bare::default()).unwrap();
    assert!(outcome.compared > 500_000);
    assert_eq!(outcome.failures, Vec::<String>::new());
}

/// Codes of a first tier stay with the host: sums copy the columns there, and a subtraction copies a column in two parts back.
#[test]
fn sums_by_code_of_the_first_tier_are_counted_as_copies() {
    let (device, rows) = (Bare::default(), 1000);
    let x = Matrix::new(device.upload(&vec![2.0; 3 * rows]).unwrap(), rows, 3).unwrap();
    let (high, low) = (x.column(0).unwrap(), x.column(1).unwrap());
    let codes = device.upload_codes(&vec![1; rows], 2).unwrap();
    let before = device.counters();
    let sums = device.sums_by_code(&codes, &x, (Some(&high), None)).unwrap();
    device
        .subtract_by_code((&high, &low), &codes, &sums[..2], None)
        .unwrap();
    assert_eq!(
        sums.iter().map(|s| s.hi).collect::<Vec<f64>>(),
        [0.0, 0.0, 0.0, 0.0, 2e3, 4e3, 4e3, 4e3]
    );
    let after = device.counters();
    assert_eq!(after.downloaded - before.downloaded, 4 * 8 * rows as u64);
    assert_eq!(after.uploaded - before.uploaded, 2 * 8 * rows as u64);
}

/// A device whose results are off by a part in 2^44, as single-precision steps in between would make them.
#[derive(Debug, Default)]
struct Rough(Host);

impl Device for Rough {
    fn describe(&self) -> Description {
        self.0.describe()
    }

    fn rates(&self) -> Rates {
        self.0.rates()
    }

    fn counters(&self) -> Counters {
        self.0.counters()
    }

    fn synchronize(&self) -> Result<(), DeviceError> {
        self.0.synchronize()
    }

    fn upload(&self, values: &[f64]) -> Result<Buffer, DeviceError> {
        self.0.upload(values)
    }

    fn download(&self, buffer: &Buffer) -> Result<Vec<f64>, DeviceError> {
        let values = self.0.download(buffer)?;
        Ok(values.into_iter().map(|v| v * (1.0 + 2f64.powi(-44))).collect())
    }

    fn run(&self, program: &Program, inputs: &[&Buffer], rows: usize) -> Result<Vec<Buffer>, DeviceError> {
        self.0.run(program, inputs, rows)
    }

    fn reduce(&self, x: &Buffer) -> Result<Reduced, DeviceError> {
        let mut reduced = self.0.reduce(x)?;
        reduced.sum = Dd::new(reduced.sum.hi);
        Ok(reduced)
    }
}

impl LinearAlgebra for Rough {
    fn gram(&self, x: &Matrix, w: Option<&Buffer>, c: Option<&[f64]>) -> Result<Vec<Dd>, DeviceError> {
        let gram = self.0.gram(x, w, c)?;
        Ok(gram.into_iter().map(|v| v.mul_f64(1.0 + 1e-9)).collect())
    }

    fn exact_gram(&self, x: &Matrix, w: Option<&Buffer>) -> Result<Vec<Dd>, DeviceError> {
        let gram = self.0.exact_gram(x, w)?;
        Ok(gram.into_iter().map(|v| Dd::new(v.hi)).collect())
    }

    fn product(&self, x: &Matrix, b: &[f64], c: f64, o: Option<&Buffer>) -> Result<Buffer, DeviceError> {
        self.0.product(x, b, c, o)
    }
}

impl GlmKernels for Rough {
    fn moments(&self, x: &Matrix, w: Option<&Buffer>, with: &[&Buffer]) -> Result<Moments, DeviceError> {
        let mut moments = self.0.moments(x, w, with)?;
        // in double precision
        moments.sums.iter_mut().for_each(|s| *s = Dd::new(s.hi));
        Ok(moments)
    }

    fn residual(&self, x: &Matrix, b: &[Dd], c: Dd, y: &Buffer) -> Result<(Buffer, Buffer), DeviceError> {
        let (high, _) = self.0.residual(x, b, c, y)?;
        Ok((high, self.0.upload(&vec![0.0; x.rows])?))
    }

    fn residual_sums(
        &self,
        x: &Matrix,
        b: &[Dd],
        c: Dd,
        y: &Buffer,
        w: Option<&Buffer>,
    ) -> Result<ResidualSums, DeviceError> {
        let mut sums = self.0.residual_sums(x, b, c, y, w)?;
        sums.score.iter_mut().for_each(|s| *s = Dd::new(s.hi));
        sums.squares = Dd::new(sums.squares.hi);
        Ok(sums)
    }

    fn weigh(&self, r: (&Buffer, Option<&Buffer>), w: Option<&Buffer>) -> Result<Weighed, DeviceError> {
        self.0.weigh(r, w)
    }

    fn transposed_residual(&self, x: &Matrix, r: (&Buffer, &Buffer)) -> Result<Vec<Dd>, DeviceError> {
        let sums = self.0.transposed_residual(x, r)?;
        Ok(sums.into_iter().map(|v| Dd::new(v.hi)).collect())
    }

    fn upload_codes(&self, codes: &[u32], count: usize) -> Result<Codes, DeviceError> {
        self.0.upload_codes(codes, count)
    }

    fn sums_by_code(
        &self,
        codes: &Codes,
        x: &Matrix,
        v: (Option<&Buffer>, Option<&Buffer>),
    ) -> Result<Vec<Dd>, DeviceError> {
        let sums = self.0.sums_by_code(codes, x, v)?;
        Ok(sums.into_iter().map(|v| Dd::new(v.hi)).collect())
    }

    fn subtract_by_code(
        &self,
        r: (&Buffer, &Buffer),
        codes: &Codes,
        table: &[Dd],
        multiplier: Option<(&Buffer, Option<&Buffer>)>,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        self.0.subtract_by_code(r, codes, table, multiplier)
    }
}

#[test]
fn a_rough_device_fails() {
    let failures = check(&Rough::default()).unwrap().failures;
    for what in [
        "Exp(",
        "Add(",
        "Round 3(",
        "Gamma(log) step",
        "sums of 257 x 33",
        "gram of 257 x 33",
        "exact gram of 257 x 33",
        "centred gram of 257 x 33",
        "squares of residuals of 257 x 33",
        "sums by code of 257 x 33",
        "score of 257 x 33, weighted",
        "the range or the sum of 1000",
        "residual of 257 x 33",
        "transposed residual of 257 x 33",
    ] {
        assert!(
            failures.iter().any(|f| f.starts_with(what)),
            "{what} passed: {failures:?}"
        );
    }
}

#[test]
fn cuda() {
    match std::env::var("NELDER_TEST_DEVICE").as_deref() {
        Ok(id) if id.starts_with("cuda") => {
            let outcome = check(&Cuda::open(0).unwrap().fusing_from(0)).unwrap();
            assert_eq!(outcome.failures, Vec::<String>::new());
        }
        _ => match Cuda::open(0) {
            // a machine without a GPU says what is missing
            Err(DeviceError::Absent { why, .. }) => assert!(!why.is_empty()),
            Err(other) => panic!("{other}"),
            Ok(_) => println!("a GPU is there: NELDER_TEST_DEVICE=cuda tests it"),
        },
    }
}

#[test]
fn wgpu() {
    match std::env::var("NELDER_TEST_DEVICE").as_deref() {
        Ok(id) if id.starts_with("wgpu") => {
            // as it is, and with columns that a kernel sees a few of at a time
            for device in [Wgpu::open(0).unwrap(), Wgpu::open(0).unwrap().seeing(1 << 20)] {
                let outcome = check(&device).unwrap();
                assert!(outcome.compared > 500_000);
                assert_eq!(outcome.failures, Vec::<String>::new());
            }
        }
        _ => match Wgpu::open(0) {
            Err(DeviceError::Absent { why, .. }) => assert!(!why.is_empty()),
            Err(other) => panic!("{other}"),
            Ok(_) => println!("NELDER_TEST_DEVICE=wgpu tests what is there"),
        },
    }
}
