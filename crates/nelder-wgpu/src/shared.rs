//! Devices that are opened once in a process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use nelder_device::{Backend, DeviceError, Offer};

use crate::Wgpu;

/// A process, and the devices that it has opened.
type Open = (u32, HashMap<usize, Arc<Wgpu>>);

/// The devices that are open.
static OPEN: Mutex<Option<Open>> = Mutex::new(None);

/// Seconds until a device can be used: driver, probe and the first kernels.
const START: f64 = 1.5;

/// Device `index`, opened when it is first asked for.
///
/// # Errors
/// Those of [`Wgpu::open`]; [`DeviceError::Failed`] in a process that was forked from one that had opened devices, which
/// drivers do not survive.
pub fn shared(index: usize) -> Result<Arc<Wgpu>, DeviceError> {
    let process = std::process::id();
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let (owner, devices) = open.get_or_insert_with(|| (process, HashMap::new()));
    if *owner != process {
        return Err(DeviceError::Failed {
            device: format!("wgpu:{index}"),
            message: "this process was forked from one that uses the GPU; start a new one".into(),
        });
    }
    if let Some(device) = devices.get(&index).filter(|d| !d.is_lost()) {
        return Ok(device.clone());
    }
    let device = Arc::new(Wgpu::open(index)?);
    devices.insert(index, device.clone());
    Ok(device)
}

/// A GPU that is opened when it is chosen. What imitates a GPU is not chosen.
#[derive(Clone, Copy, Debug)]
pub struct Offered(pub usize);

impl Offer for Offered {
    fn id(&self) -> String {
        format!("wgpu:{}", self.0)
    }

    fn start(&self) -> f64 {
        let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let there = open
            .as_ref()
            .is_some_and(|(_, devices)| devices.contains_key(&self.0));
        if there { 0.0 } else { START }
    }

    fn open(&self) -> Result<Arc<dyn Backend>, DeviceError> {
        let device = shared(self.0)?;
        match device.is_hardware() {
            true => Ok(device),
            false => Err(DeviceError::Absent {
                device: self.id(),
                why: format!("{} is no GPU", device.describe().name),
            }),
        }
    }
}
