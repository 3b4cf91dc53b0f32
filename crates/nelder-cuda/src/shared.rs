//! Devices that are opened once in a process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use nelder_device::{Backend, DeviceError, Offer};

use crate::{Cuda, cache};

/// A process, and the devices that it has opened.
type Open = (u32, HashMap<usize, Arc<Cuda>>);

/// The devices that are open.
static OPEN: Mutex<Option<Open>> = Mutex::new(None);

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
    let process = std::process::id();
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let (owner, devices) = open.get_or_insert_with(|| (process, HashMap::new()));
    if *owner != process {
        return Err(DeviceError::Failed {
            device: format!("cuda:{index}"),
            message: "this process was forked from one that uses the GPU; start a new one".into(),
        });
    }
    if let Some(device) = devices.get(&index) {
        return Ok(device.clone());
    }
    let device = Arc::new(Cuda::open(index)?);
    devices.insert(index, device.clone());
    Ok(device)
}

/// A CUDA device that is opened when it is chosen.
#[derive(Clone, Copy, Debug)]
pub struct Offered(pub usize);

impl Offer for Offered {
    fn id(&self) -> String {
        format!("cuda:{}", self.0)
    }

    fn start(&self) -> f64 {
        let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let there = open
            .as_ref()
            .is_some_and(|(_, devices)| devices.contains_key(&self.0));
        match (there, cache::is_filled()) {
            (true, _) => 0.0,
            (false, true) => START,
            (false, false) => START + COMPILE,
        }
    }

    fn open(&self) -> Result<Arc<dyn Backend>, DeviceError> {
        Ok(shared(self.0)?)
    }
}
