//! A device of the first tier alone.

use std::sync::atomic::{AtomicU64, Ordering};

use nelder_device::{
    Buffer, Counters, Description, Device, DeviceError, GlmKernels, Host, LinearAlgebra, Program, Rates,
    Reduced,
};

/// The CPU as a new backend starts: memory, programs and sums of columns are its own, and all else is made of them. It counts
/// copies, as a device with memory of its own does.
#[derive(Debug, Default)]
pub struct Bare {
    host: Host,
    uploaded: AtomicU64,
    downloaded: AtomicU64,
}

impl Device for Bare {
    fn describe(&self) -> Description {
        Description {
            id: "bare".into(),
            ..self.host.describe()
        }
    }

    fn rates(&self) -> Rates {
        self.host.rates()
    }

    fn counters(&self) -> Counters {
        Counters {
            uploaded: self.uploaded.load(Ordering::Relaxed),
            downloaded: self.downloaded.load(Ordering::Relaxed),
            ..self.host.counters()
        }
    }

    fn synchronize(&self) -> Result<(), DeviceError> {
        self.host.synchronize()
    }

    fn upload(&self, values: &[f64]) -> Result<Buffer, DeviceError> {
        self.uploaded
            .fetch_add(8 * values.len() as u64, Ordering::Relaxed);
        self.host.upload(values)
    }

    fn download(&self, buffer: &Buffer) -> Result<Vec<f64>, DeviceError> {
        self.downloaded
            .fetch_add(8 * buffer.len() as u64, Ordering::Relaxed);
        self.host.download(buffer)
    }

    fn run(&self, program: &Program, inputs: &[&Buffer], rows: usize) -> Result<Vec<Buffer>, DeviceError> {
        self.host.run(program, inputs, rows)
    }

    fn reduce(&self, x: &Buffer) -> Result<Reduced, DeviceError> {
        self.host.reduce(x)
    }
}

impl LinearAlgebra for Bare {}

impl GlmKernels for Bare {}
