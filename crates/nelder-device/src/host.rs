//! The CPU as a device: what the others are held against.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::buffer::{Buffer, Codes, Matrix};
use crate::by_code::on_host;
use crate::device::{Counters, Description, Device, Rates, Reduced};
use crate::error::{DeviceError, check_length};
use crate::glm_kernels::GlmKernels;
use crate::linear_algebra::LinearAlgebra;
use crate::moments::Moments;
use crate::residuals::{ResidualSums, Weighed};
use crate::{Dd, Input, Output, Program};

/// The CPU. Sums are accumulated in twice the precision.
///
/// ```
/// use nelder_device::{Device, Host, LinearAlgebra, Matrix};
/// let host = Host::default();
/// let x = Matrix::new(host.upload(&[1.0, 2.0, 3.0, 4.0])?, 2, 2)?;
/// let gram: Vec<f64> = host.gram(&x, None, None)?.iter().map(|v| v.hi).collect();
/// assert_eq!(gram, [5.0, 11.0, 25.0]);
/// assert_eq!(host.counters().launches, 1);
/// # Ok::<(), nelder_device::DeviceError>(())
/// ```
#[derive(Debug, Default)]
pub struct Host {
    launches: AtomicU64,
    limit: Option<u64>,
    rates: Option<Rates>,
}

fn values<'b>(what: &'static str, buffer: &'b Buffer) -> Result<&'b [f64], DeviceError> {
    let all: &Vec<f64> = buffer.get().ok_or(DeviceError::Foreign { what })?;
    Ok(&all[buffer.start()..buffer.start() + buffer.len()])
}

/// The numbers of a vector of as many rows.
fn vector<'b>(what: &'static str, buffer: &'b Buffer, rows: usize) -> Result<&'b [f64], DeviceError> {
    check_length(what, buffer.len(), rows)?;
    values(what, buffer)
}

fn columns(x: &Matrix) -> Result<Vec<&[f64]>, DeviceError> {
    check_length("matrix", x.buffer.len(), x.rows * x.columns)?;
    let all = values("matrix", &x.buffer)?;
    Ok((0..x.columns)
        .map(|j| &all[j * x.rows..(j + 1) * x.rows])
        .collect())
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

fn weights_of(weights: Option<&Buffer>, rows: usize) -> Result<Option<&[f64]>, DeviceError> {
    weights.map(|w| vector("weights", w, rows)).transpose()
}

/// The lower triangle of a symmetric matrix by rows.
fn triangle(order: usize, entry: impl Fn(usize, usize) -> Dd) -> Vec<Dd> {
    let mut out = Vec::with_capacity(order * (order + 1) / 2);
    for i in 0..order {
        out.extend((0..=i).map(|j| entry(i, j)));
    }
    out
}

fn pairs(of: impl Iterator<Item = Dd>) -> (Buffer, Buffer) {
    let (high, low): (Vec<f64>, Vec<f64>) = of.map(|r| (r.hi, r.lo)).unzip();
    (Buffer::new(high.len(), high), Buffer::new(low.len(), low))
}

impl Host {
    /// One that says it has room for no more than `bytes` bytes at a time, as a small device would.
    pub fn with_room(bytes: u64) -> Host {
        Host {
            limit: Some(bytes),
            ..Host::default()
        }
    }

    /// One that says it is this fast: to see what a plan does with it.
    #[must_use]
    pub fn with_rates(mut self, rates: Rates) -> Host {
        self.rates = Some(rates);
        self
    }

    fn count(&self) {
        self.launches.fetch_add(1, Ordering::Relaxed);
    }
}

impl Device for Host {
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

    fn room(&self) -> Option<u64> {
        self.limit
    }

    fn rates(&self) -> Rates {
        self.rates.unwrap_or(Rates {
            bandwidth: 1e10,
            products: 1e10,
            upload: 5e9,
            call: 1e-5,
        })
    }

    fn upload(&self, values: &[f64]) -> Result<Buffer, DeviceError> {
        let wanted = 8 * values.len() as u64;
        if let Some(limit) = self.limit.filter(|limit| wanted > *limit) {
            return Err(DeviceError::Memory {
                device: "cpu".into(),
                wanted,
                free: limit,
                total: limit,
            });
        }
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

    fn reduce(&self, x: &Buffer) -> Result<Reduced, DeviceError> {
        self.count();
        let x = values("x", x)?;
        Ok(Reduced {
            sum: x.iter().fold(Dd::ZERO, |sum, x| sum.add_f64(*x)),
            least: x.iter().copied().fold(f64::INFINITY, f64::min),
            largest: x.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            missing: x.iter().filter(|x| x.is_nan()).count() as u64,
        })
    }
}

impl LinearAlgebra for Host {
    fn gram(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        centres: Option<&[f64]>,
    ) -> Result<Vec<Dd>, DeviceError> {
        self.count();
        let a = columns(x)?;
        let w = weights_of(weights, x.rows)?;
        let Some(centres) = centres else {
            return Ok(triangle(x.columns, |i, j| inner(a[i], a[j], w)));
        };
        check_length("centres", centres.len(), x.columns)?;
        let moved: Vec<Vec<f64>> = a
            .iter()
            .zip(centres)
            .map(|(a, c)| a.iter().map(|a| a - c).collect())
            .collect();
        Ok(triangle(x.columns, |i, j| inner(&moved[i], &moved[j], w)))
    }

    fn exact_gram(&self, x: &Matrix, weights: Option<&Buffer>) -> Result<Vec<Dd>, DeviceError> {
        self.gram(x, weights, None)
    }

    fn product(
        &self,
        x: &Matrix,
        b: &[f64],
        constant: f64,
        offset: Option<&Buffer>,
    ) -> Result<Buffer, DeviceError> {
        self.count();
        check_length("b", b.len(), x.columns)?;
        let a = columns(x)?;
        let offset = offset.map(|o| vector("offset", o, x.rows)).transpose()?;
        let row = |i: usize| {
            let start = Dd::two_sum(constant, offset.map_or(0.0, |o| o[i]));
            let terms = a.iter().zip(b).map(|(a, b)| Dd::two_prod(a[i], *b));
            terms.fold(start, |sum, term| sum + term).hi
        };
        Ok(Buffer::new(x.rows, (0..x.rows).map(row).collect::<Vec<f64>>()))
    }
}

impl GlmKernels for Host {
    fn moments(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        with: &[&Buffer],
    ) -> Result<Moments, DeviceError> {
        self.count();
        let a = columns(x)?;
        let w = weights_of(weights, x.rows)?;
        let ones = vec![1.0; x.rows];
        let with: Result<Vec<&[f64]>, DeviceError> =
            with.iter().map(|v| vector("vector", v, x.rows)).collect();
        let fraction = |v: &f64| !crate::kernels::is_as_written(*v);
        Ok(Moments {
            sums: a.iter().map(|a| inner(a, &ones, w)).collect(),
            squares: a.iter().map(|a| inner(a, a, w).hi).collect(),
            with: with?
                .iter()
                .map(|v| a.iter().map(|a| inner(a, v, w)).collect())
                .collect(),
            rounded: a.iter().map(|a| a.iter().any(fraction)).collect(),
        })
    }

    fn residual(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        self.count();
        Ok(pairs(residuals(x, b, constant, y)?.into_iter()))
    }

    fn residual_sums(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
        weights: Option<&Buffer>,
    ) -> Result<ResidualSums, DeviceError> {
        self.count();
        let r = residuals(x, b, constant, y)?;
        let (wr, found) = weighed(&r, weights_of(weights, x.rows)?);
        let score = |a: &&[f64]| total(wr.iter().zip(*a).map(|(r, a)| r.mul_f64(*a)));
        Ok(ResidualSums {
            residuals: found.rooted,
            squares: found.squares,
            sum: found.sum,
            score: columns(x)?.iter().map(score).collect(),
        })
    }

    fn weigh(&self, r: (&Buffer, Option<&Buffer>), weights: Option<&Buffer>) -> Result<Weighed, DeviceError> {
        self.count();
        let n = r.0.len();
        let r = in_parts(Some(r.0), r.1, n)?;
        Ok(weighed(&r, weights_of(weights, n)?).1)
    }

    fn sums_by_code(
        &self,
        codes: &Codes,
        x: &Matrix,
        v: (Option<&Buffer>, Option<&Buffer>),
    ) -> Result<Vec<Dd>, DeviceError> {
        self.count();
        let a = columns(x)?;
        let own = on_host(codes, x.rows)?;
        let v = in_parts(v.0, v.1, x.rows)?;
        let width = a.len() + 1;
        let mut sums = vec![Dd::ZERO; codes.count() * width];
        for (i, &code) in own.iter().enumerate() {
            let row = &mut sums[code as usize * width..(code as usize + 1) * width];
            row[0] += v[i];
            row[1..]
                .iter_mut()
                .zip(&a)
                .for_each(|(sum, a)| *sum += v[i].mul_f64(a[i]));
        }
        Ok(sums)
    }

    fn subtract_by_code(
        &self,
        r: (&Buffer, &Buffer),
        codes: &Codes,
        table: &[Dd],
        multiplier: Option<(&Buffer, Option<&Buffer>)>,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        self.count();
        let n = r.0.len();
        let own = on_host(codes, n)?;
        check_length("table", table.len(), codes.count())?;
        let r = in_parts(Some(r.0), Some(r.1), n)?;
        let m = multiplier
            .map(|(high, low)| in_parts(Some(high), low, n))
            .transpose()?;
        let row = |i: usize| {
            let t = table[own[i] as usize];
            r[i] - m.as_ref().map_or(t, |m| m[i] * t)
        };
        Ok(pairs((0..n).map(row)))
    }

    fn transposed_residual(&self, x: &Matrix, r: (&Buffer, &Buffer)) -> Result<Vec<Dd>, DeviceError> {
        self.count();
        let (high, low) = (vector("r", r.0, x.rows)?, vector("r", r.1, x.rows)?);
        let parts = || high.iter().zip(low).map(|(&hi, &lo)| Dd { hi, lo });
        let sum = |a: &[f64]| parts().zip(a).fold(Dd::ZERO, |sum, (r, a)| sum + r.mul_f64(*a));
        Ok(columns(x)?.iter().map(|a| sum(a)).collect())
    }
}

fn total(terms: impl Iterator<Item = Dd>) -> Dd {
    terms.fold(Dd::ZERO, |sum, term| sum + term)
}

/// A vector in two parts; one and zero where they are not there.
fn in_parts(high: Option<&Buffer>, low: Option<&Buffer>, rows: usize) -> Result<Vec<Dd>, DeviceError> {
    let high = high.map(|v| vector("vector", v, rows)).transpose()?;
    let low = low.map(|v| vector("vector", v, rows)).transpose()?;
    let part = |of: Option<&[f64]>, i: usize, none: f64| of.map_or(none, |v| v[i]);
    Ok((0..rows)
        .map(|i| Dd::two_sum(part(high, i, 1.0), part(low, i, 0.0)))
        .collect())
}

/// w r, and what it amounts to.
fn weighed(r: &[Dd], w: Option<&[f64]>) -> (Vec<Dd>, Weighed) {
    let weigh = |(i, r): (usize, &Dd)| w.map_or(*r, |w| r.mul_f64(w[i]));
    let wr: Vec<Dd> = r.iter().enumerate().map(weigh).collect();
    let root = |(i, r): (usize, &Dd)| w.map_or(r.hi, |w| r.hi * w[i].sqrt());
    let roots: Vec<f64> = r.iter().enumerate().map(root).collect();
    let found = Weighed {
        weighed: pairs(wr.iter().copied()),
        rooted: Buffer::new(roots.len(), roots),
        squares: total(r.iter().zip(&wr).map(|(r, wr)| *r * *wr)),
        sum: total(wr.iter().copied()),
    };
    (wr, found)
}

/// y − c − X b in twice the precision.
fn residuals(x: &Matrix, b: &[Dd], constant: Dd, y: &Buffer) -> Result<Vec<Dd>, DeviceError> {
    check_length("b", b.len(), x.columns)?;
    let y = vector("y", y, x.rows)?;
    let a = columns(x)?;
    let row = |i: usize| {
        let left = a.iter().zip(b).map(|(a, b)| b.mul_f64(-a[i]));
        left.fold(Dd::new(y[i]) - constant, |sum, term| sum + term)
    };
    Ok((0..x.rows).map(row).collect())
}
