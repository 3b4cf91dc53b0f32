//! Devices that are opened once in a process.

use std::sync::Arc;

use nelder_device::{Device, DeviceError, GlmKernels, Offer, Opened};

use crate::Wgpu;
use crate::device::no_hardware;

/// The devices that are open.
static OPEN: Opened<Wgpu> = Opened::new();

/// Seconds until a device can be used: driver, probe and the first kernels.
const START: f64 = 1.5;

/// Device `index`, opened when it is first asked for.
///
/// # Errors
/// Those of [`Wgpu::open`]; [`DeviceError::Failed`] in a process that was forked from one that had opened devices, which
/// drivers do not survive.
pub fn shared(index: usize) -> Result<Arc<Wgpu>, DeviceError> {
    OPEN.shared("wgpu", index, |device| !device.is_lost(), Wgpu::open)
}

/// A GPU that is opened when it is chosen. What imitates a GPU is not chosen.
#[derive(Clone, Copy, Debug)]
pub struct Offered(pub usize);

impl Offer for Offered {
    fn id(&self) -> String {
        format!("wgpu:{}", self.0)
    }

    fn start(&self) -> f64 {
        let there = OPEN.has(self.0);
        if there { 0.0 } else { START }
    }

    fn open(&self) -> Result<Arc<dyn GlmKernels>, DeviceError> {
        let device = OPEN.shared("wgpu", self.0, |device| !device.is_lost(), Wgpu::open_hardware)?;
        match device.is_hardware() {
            true => Ok(device),
            // opened by name before
            false => Err(no_hardware(&self.id(), &device.describe().name)),
        }
    }
}
