//! Devices: what holds columns and matrices, and works on them.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::{Dd, Program, ProgramError};

/// What an operation on a device failed of.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DeviceError {
    /// There is no such device.
    #[error("no {device} device: {why}")]
    Absent {
        /// `cuda`, `cuda:1`, ….
        device: String,
        /// What is missing.
        why: String,
    },
    /// Not enough memory.
    #[error("{device} has no room for {wanted} bytes: {free} of {total} bytes are free")]
    Memory {
        /// The device.
        device: String,
        /// Bytes asked for.
        wanted: u64,
        /// Bytes that are free.
        free: u64,
        /// Bytes that it has.
        total: u64,
    },
    /// The program cannot run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Sizes that do not fit each other.
    #[error("{what}: {wanted} values are needed, and there are {given}")]
    Length {
        /// Which argument.
        what: &'static str,
        /// Values needed.
        wanted: usize,
        /// Values given.
        given: usize,
    },
    /// A buffer of another device.
    #[error("{what} is a buffer of another device")]
    Foreign {
        /// Which argument.
        what: &'static str,
    },
    /// The device or its libraries failed; what they say.
    #[error("{device}: {message}")]
    Failed {
        /// The device.
        device: String,
        /// What was said.
        message: String,
    },
}

/// Numbers in a device's memory. Clones share them.
#[derive(Clone)]
pub struct Buffer {
    len: usize,
    held: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({})", self.len)
    }
}

impl Buffer {
    /// What a backend holds for `len` numbers.
    pub fn new(len: usize, held: impl Any + Send + Sync) -> Self {
        Buffer {
            len,
            held: Arc::new(held),
        }
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What the backend put in, if it is of this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.held.downcast_ref()
    }
}

/// What a device has done since it was opened, by its own count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Programs and products that were run.
    pub launches: u64,
    /// Bytes that were copied to the device.
    pub uploaded: u64,
    /// Bytes that were copied from it.
    pub downloaded: u64,
}

/// A device, in words and numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// What selects it: `cpu`, `cuda:0`.
    pub id: String,
    /// Its maker's name for it.
    pub name: String,
    /// Bytes of memory, where that is known.
    pub memory: Option<u64>,
    /// Driver and libraries, for a reader.
    pub software: String,
}

/// A device that computes in double precision: the verbs that models are made of.
///
/// Matrices are column by column. Results that are small come back as numbers; those by row stay on the device.
pub trait Backend: Send + Sync + fmt::Debug {
    /// The device in words and numbers.
    fn describe(&self) -> Description;

    /// What it has done so far.
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
        let mut program = Program::new();
        let (a, b) = (program.input(0), program.input(1));
        let sum = program.binary(crate::Binary::Add, a, b);
        program.output(sum);
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

    /// Copies numbers from the device.
    ///
    /// # Errors
    /// A buffer of another device; a failure of the device.
    fn download(&self, buffer: &Buffer) -> Result<Vec<f64>, DeviceError>;

    /// Runs a program over `rows` rows of columns; its outputs.
    ///
    /// # Errors
    /// Those of [`Program::run`]; a failure of the device.
    fn run(&self, program: &Program, inputs: &[&Buffer], rows: usize) -> Result<Vec<Buffer>, DeviceError>;

    /// Aᵀ W A of a matrix of `rows` x `columns`, W the diagonal matrix of the weights: all `columns` x `columns`
    /// entries. Runs of [`run_rows`] rows are summed in double precision or better, and the runs in twice that.
    ///
    /// # Errors
    /// Sizes that do not fit; a failure of the device.
    fn gram(
        &self,
        matrix: &Buffer,
        rows: usize,
        columns: usize,
        weights: Option<&Buffer>,
    ) -> Result<Vec<Dd>, DeviceError>;

    /// y − A x in twice the precision: high and low parts, which stay on the device.
    ///
    /// # Errors
    /// As [`gram`](Backend::gram).
    fn residual(
        &self,
        matrix: &Buffer,
        rows: usize,
        columns: usize,
        x: &[Dd],
        y: &Buffer,
    ) -> Result<(Buffer, Buffer), DeviceError>;

    /// Aᵀ r of a vector in two parts, summed in twice the precision.
    ///
    /// # Errors
    /// As [`gram`](Backend::gram).
    fn transposed_residual(
        &self,
        matrix: &Buffer,
        rows: usize,
        columns: usize,
        r: (&Buffer, &Buffer),
    ) -> Result<Vec<Dd>, DeviceError>;

    /// A x, of length `rows`, which stays on the device.
    ///
    /// # Errors
    /// As [`gram`](Backend::gram).
    fn product(&self, matrix: &Buffer, rows: usize, columns: usize, x: &[f64])
    -> Result<Buffer, DeviceError>;

    /// Aᵀ y, of length `columns`.
    ///
    /// # Errors
    /// As [`gram`](Backend::gram).
    fn transposed_product(
        &self,
        matrix: &Buffer,
        rows: usize,
        columns: usize,
        y: &Buffer,
    ) -> Result<Vec<f64>, DeviceError>;
}

/// Rows that a gram of `columns` columns sums in double precision before it goes on in twice that: 8,192, more where the
/// grams of all runs would take more than 256 MB.
pub fn run_rows(rows: usize, columns: usize) -> usize {
    let bytes = 8.0 * rows as f64 * (columns * columns) as f64;
    ((bytes / f64::from(1u32 << 28)).ceil() as usize).max(8192)
}

/// An error where a length is not what it must be.
///
/// # Errors
/// [`DeviceError::Length`].
pub fn check_length(what: &'static str, given: usize, wanted: usize) -> Result<(), DeviceError> {
    match given == wanted {
        true => Ok(()),
        false => Err(DeviceError::Length { what, wanted, given }),
    }
}
