//! Devices: what holds columns, runs programs over their rows, and sums them.

use std::fmt;

use crate::Dd;
use crate::buffer::Buffer;
use crate::error::{DeviceError, check_ranks};
use crate::program::Program;
use crate::row_expr::RowProgram;

/// A column's sum and range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reduced {
    /// Σ x, in twice the precision.
    pub sum: Dd,
    /// The smallest number; infinite where there is none.
    pub least: f64,
    /// The largest; negatively infinite where there is none.
    pub largest: f64,
    /// Number of `NaN`s.
    pub missing: u64,
}

/// Work of a device since it was opened, by its own count: launches and bytes copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Programs and products that were run.
    pub launches: u64,
    /// Bytes that were copied to the device.
    pub uploaded: u64,
    /// Bytes that were copied from it.
    pub downloaded: u64,
}

/// Approximate speeds of a device, for the choice of a plan: of memory, of products, of copies, of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Bytes a second from its memory.
    pub bandwidth: f64,
    /// Multiplications with additions of a gram in double precision a second; those of one triangle count.
    pub products: f64,
    /// Bytes a second from the host's memory.
    pub upload: f64,
    /// Seconds of a verb that has little to do.
    pub call: f64,
}

/// A device, in words and numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Name that selects the device: `cpu`, `cuda:0`.
    pub id: String,
    /// Its maker's name for it.
    pub name: String,
    /// Bytes of memory, where that is known.
    pub memory: Option<u64>,
    /// Driver and libraries, for a reader.
    pub software: String,
}

/// A device: memory of its own, programs over its rows, sums of its columns.
///
/// The first of three tiers. [`LinearAlgebra`](crate::LinearAlgebra) and [`GlmKernels`](crate::GlmKernels) are made of its verbs
/// where a device has nothing quicker, so that a new one starts here. Their sums in twice the precision need programs whose every
/// step is rounded to double precision by itself.
///
/// Results that are small come back as numbers; those by row stay on the device.
pub trait Device: Send + Sync + fmt::Debug {
    /// The device in words and numbers.
    fn describe(&self) -> Description;

    /// Bytes of memory that are free, where that is known.
    fn room(&self) -> Option<u64> {
        None
    }

    /// Approximate speeds of the device.
    fn rates(&self) -> Rates;

    /// Counts of the device's work so far.
    fn counters(&self) -> Counters;

    /// Waits until the device has done all that was asked of it.
    ///
    /// # Errors
    /// A failure of the device, also of what was asked of it before.
    fn synchronize(&self) -> Result<(), DeviceError>;

    /// Bytes a second that a program moves from and to the device's memory, measured: two columns of 128 MB read and one
    /// written, the best of five.
    ///
    /// # Errors
    /// Not enough memory; a failure of the device.
    fn bandwidth(&self) -> Result<f64, DeviceError> {
        let rows = 1usize << 24;
        let column = self.upload(&vec![1.0; rows])?;
        let row = RowProgram::default();
        row.output(row.input(0) + row.input(1));
        let program = row.finish();
        let other = self.upload(&vec![2.0; rows])?;
        let mut least = f64::INFINITY;
        for _ in 0..5 {
            self.synchronize()?;
            let start = std::time::Instant::now();
            let out = self.run(&program, &[&column, &other], rows)?;
            self.synchronize()?;
            least = least.min(start.elapsed().as_secs_f64());
            drop(out);
        }
        Ok(3.0 * 8.0 * rows as f64 / least)
    }

    /// Copies numbers to the device.
    ///
    /// # Errors
    /// [`DeviceError::Memory`] with the sizes; a failure of the device.
    fn upload(&self, values: &[f64]) -> Result<Buffer, DeviceError>;

    /// Copies columns to the device, one after another.
    ///
    /// # Errors
    /// As [`upload`](Device::upload).
    fn upload_columns(&self, columns: &[&[f64]]) -> Result<Buffer, DeviceError> {
        self.upload(&columns.concat())
    }

    /// Copies of buffers, one after another.
    ///
    /// # Errors
    /// As [`upload`](Device::upload); a buffer of another device.
    fn gathered(&self, parts: &[Buffer]) -> Result<Buffer, DeviceError> {
        let columns: Result<Vec<Vec<f64>>, DeviceError> = parts.iter().map(|p| self.download(p)).collect();
        let columns = columns?;
        self.upload_columns(&columns.iter().map(Vec::as_slice).collect::<Vec<&[f64]>>())
    }

    /// Copies numbers from the device.
    ///
    /// # Errors
    /// A buffer of another device; a failure of the device.
    fn download(&self, buffer: &Buffer) -> Result<Vec<f64>, DeviceError>;

    /// Runs a program over `rows` rows of columns; its outputs. Each sum, difference and product is rounded to the nearest number
    /// of double precision: none is fused with the next.
    ///
    /// # Errors
    /// Those of [`Program::run`]; a failure of the device.
    fn run(&self, program: &Program, inputs: &[&Buffer], rows: usize) -> Result<Vec<Buffer>, DeviceError>;

    /// The sum and the range of a column.
    ///
    /// # Errors
    /// A failure of the device.
    fn reduce(&self, x: &Buffer) -> Result<Reduced, DeviceError>;

    /// The numbers that would be at these places, from 0, if a column without `NaN` were sorted.
    ///
    /// # Errors
    /// A place that is not there; a failure of the device.
    fn order_statistics(&self, x: &Buffer, ranks: &[u64]) -> Result<Vec<f64>, DeviceError> {
        check_ranks(ranks, x.len())?;
        let mut values = self.download(x)?;
        let of = |rank: &u64| *values.select_nth_unstable_by(*rank as usize, f64::total_cmp).1;
        Ok(ranks.iter().map(of).collect())
    }
}

/// The outputs of a program that has `N` of them.
///
/// # Errors
/// Those of [`Device::run`]; a device that gives another number of outputs.
pub fn outputs<const N: usize>(
    device: &(impl Device + ?Sized),
    program: &Program,
    inputs: &[&Buffer],
    rows: usize,
) -> Result<[Buffer; N], DeviceError> {
    let found = device.run(program, inputs, rows)?;
    let given = found.len();
    found.try_into().map_err(|_| DeviceError::Length {
        what: "outputs of a program",
        wanted: N,
        given,
    })
}
