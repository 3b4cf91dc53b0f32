//! Devices that are opened once in a process.

use std::sync::Arc;

use nelder_device::{DeviceError, GlmKernels, Offer, Opened};

use crate::{Cuda, cache};

/// The devices that are open.
static OPEN: Opened<Cuda> = Opened::new();

/// Seconds until a device can be used: context, libraries, and kernels from the disk.
const START: f64 = 0.6;
/// The same where kernels are compiled first.
const COMPILE: f64 = 3.5;

/// Device `index`, opened when it is first asked for.
///
/// # Errors
/// Those of [`Cuda::open`]; [`DeviceError::Failed`] in a process that was forked from one that had opened devices, which
/// CUDA does not survive.
pub fn shared(index: usize) -> Result<Arc<Cuda>, DeviceError> {
    OPEN.shared("cuda", index, |_| true, Cuda::open)
}

/// A CUDA device that is opened when it is chosen.
#[derive(Clone, Copy, Debug)]
pub struct Offered(pub usize);

impl Offer for Offered {
    fn id(&self) -> String {
        format!("cuda:{}", self.0)
    }

    fn start(&self) -> f64 {
        let there = OPEN.has(self.0);
        match (there, cache::is_filled()) {
            (true, _) => 0.0,
            (false, true) => START,
            (false, false) => START + COMPILE,
        }
    }

    fn open(&self) -> Result<Arc<dyn GlmKernels>, DeviceError> {
        Ok(shared(self.0)?)
    }
}
