//! The CPU as a backend: what the others are held against.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::backend::{Backend, Buffer, Counters, Description, DeviceError, check_length};
use crate::{Dd, Input, Output, Program};

/// The CPU. Sums are accumulated in twice the precision.
///
/// ```
/// use nelder_device::{Backend, Host};
/// let host = Host::default();
/// let a = host.upload(&[1.0, 2.0, 3.0, 4.0])?;
/// let gram: Vec<f64> = host.gram(&a, 2, 2, None)?.iter().map(|v| v.hi).collect();
/// assert_eq!(gram, [5.0, 11.0, 11.0, 25.0]);
/// assert_eq!(host.counters().launches, 1);
/// # Ok::<(), nelder_device::DeviceError>(())
/// ```
#[derive(Debug, Default)]
pub struct Host {
    launches: AtomicU64,
}

fn values<'b>(what: &'static str, buffer: &'b Buffer) -> Result<&'b [f64], DeviceError> {
    buffer
        .get::<Vec<f64>>()
        .map(Vec::as_slice)
        .ok_or(DeviceError::Foreign { what })
}

fn matrix(buffer: &Buffer, rows: usize, columns: usize) -> Result<Vec<&[f64]>, DeviceError> {
    let all = values("matrix", buffer)?;
    check_length("matrix", all.len(), rows * columns)?;
    Ok((0..columns).map(|j| &all[j * rows..(j + 1) * rows]).collect())
}

/// Σ w a b, w 1 where there are no weights.
fn inner(a: &[f64], b: &[f64], w: Option<&[f64]>) -> Dd {
    let mut sum = Dd::ZERO;
    for i in 0..a.len() {
        let term = match w {
            Some(w) => Dd::two_prod(w[i], a[i]) * Dd::new(b[i]),
            None => Dd::two_prod(a[i], b[i]),
        };
        sum += term;
    }
    sum
}

impl Host {
    fn count(&self) {
        self.launches.fetch_add(1, Ordering::Relaxed);
    }
}

impl Backend for Host {
    fn describe(&self) -> Description {
        Description {
            id: "cpu".into(),
            name: format!(
                "{} threads",
                std::thread::available_parallelism().map_or(1, usize::from)
            ),
            memory: None,
            software: String::new(),
        }
    }

    fn counters(&self) -> Counters {
        Counters {
            launches: self.launches.load(Ordering::Relaxed),
            ..Counters::default()
        }
    }

    fn synchronize(&self) -> Result<(), DeviceError> {
        Ok(())
    }

    /// All threads read; the sums keep the compiler from leaving it out.
    fn bandwidth(&self) -> Result<f64, DeviceError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let values = vec![1.0f64; 1 << 24];
        let mut least = f64::INFINITY;
        for _ in 0..5 {
            let start = std::time::Instant::now();
            let total: f64 = std::thread::scope(|scope| {
                let parts = values.chunks(values.len().div_ceil(threads));
                let sums: Vec<_> = parts
                    .map(|part| {
                        scope.spawn(move || {
                            let mut sums = [0.0f64; 16];
                            for chunk in part.chunks_exact(16) {
                                for (sum, v) in sums.iter_mut().zip(chunk) {
                                    *sum += v;
                                }
                            }
                            sums.iter().sum::<f64>()
                        })
                    })
                    .collect();
                sums.into_iter().map(|s| s.join().unwrap_or(0.0)).sum()
            });
            std::hint::black_box(total);
            least = least.min(start.elapsed().as_secs_f64());
        }
        Ok(8.0 * values.len() as f64 / least)
    }

    fn upload(&self, values: &[f64]) -> Result<Buffer, DeviceError> {
        Ok(Buffer::new(values.len(), values.to_vec()))
    }

    fn download(&self, buffer: &Buffer) -> Result<Vec<f64>, DeviceError> {
        Ok(values("buffer", buffer)?.to_vec())
    }

    fn run(&self, program: &Program, inputs: &[&Buffer], rows: usize) -> Result<Vec<Buffer>, DeviceError> {
        self.count();
        let held: Result<Vec<&[f64]>, DeviceError> = inputs.iter().map(|b| values("input", b)).collect();
        let columns: Vec<Input<'_>> = held?.into_iter().map(Input::Real).collect();
        let mut out = vec![vec![0.0; rows]; program.outputs().len()];
        let mut outputs: Vec<Output<'_>> = out.iter_mut().map(|o| Output::Real(o)).collect();
        program.run::<f64>(&columns, rows, &mut outputs)?;
        Ok(out.into_iter().map(|o| Buffer::new(rows, o)).collect())
    }

    fn gram(
        &self,
        a: &Buffer,
        rows: usize,
        columns: usize,
        weights: Option<&Buffer>,
    ) -> Result<Vec<Dd>, DeviceError> {
        self.count();
        let a = matrix(a, rows, columns)?;
        let w = weights.map(|w| values("weights", w)).transpose()?;
        if let Some(w) = w {
            check_length("weights", w.len(), rows)?;
        }
        let mut out = vec![Dd::ZERO; columns * columns];
        for i in 0..columns {
            for j in 0..=i {
                let sum = inner(a[i], a[j], w);
                (out[i * columns + j], out[j * columns + i]) = (sum, sum);
            }
        }
        Ok(out)
    }

    fn product(&self, a: &Buffer, rows: usize, columns: usize, x: &[f64]) -> Result<Buffer, DeviceError> {
        self.count();
        check_length("x", x.len(), columns)?;
        let a = matrix(a, rows, columns)?;
        let row = |i: usize| {
            let terms = a.iter().zip(x).map(|(a, x)| Dd::two_prod(a[i], *x));
            terms.fold(Dd::ZERO, |sum, term| sum + term).hi
        };
        Ok(Buffer::new(rows, (0..rows).map(row).collect::<Vec<f64>>()))
    }

    fn transposed_product(
        &self,
        a: &Buffer,
        rows: usize,
        columns: usize,
        y: &Buffer,
    ) -> Result<Vec<f64>, DeviceError> {
        self.count();
        let y = values("y", y)?;
        check_length("y", y.len(), rows)?;
        let a = matrix(a, rows, columns)?;
        Ok(a.iter().map(|a| inner(a, y, None).hi).collect())
    }

    fn residual(
        &self,
        a: &Buffer,
        rows: usize,
        columns: usize,
        x: &[Dd],
        y: &Buffer,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        self.count();
        check_length("x", x.len(), columns)?;
        let y = values("y", y)?;
        check_length("y", y.len(), rows)?;
        let a = matrix(a, rows, columns)?;
        let row = |i: usize| {
            let left = a.iter().zip(x).map(|(a, x)| x.mul_f64(-a[i]));
            left.fold(Dd::new(y[i]), |sum, term| sum + term)
        };
        let (high, low): (Vec<f64>, Vec<f64>) = (0..rows).map(row).map(|r| (r.hi, r.lo)).unzip();
        Ok((Buffer::new(rows, high), Buffer::new(rows, low)))
    }

    fn transposed_residual(
        &self,
        a: &Buffer,
        rows: usize,
        columns: usize,
        r: (&Buffer, &Buffer),
    ) -> Result<Vec<Dd>, DeviceError> {
        self.count();
        let (high, low) = (values("r", r.0)?, values("r", r.1)?);
        check_length("r", high.len(), rows)?;
        check_length("r", low.len(), rows)?;
        let a = matrix(a, rows, columns)?;
        let parts = || high.iter().zip(low).map(|(&hi, &lo)| Dd { hi, lo });
        let sum = |a: &[f64]| parts().zip(a).fold(Dd::ZERO, |sum, (r, a)| sum + r.mul_f64(*a));
        Ok(a.iter().map(|a| sum(a)).collect())
    }
}
