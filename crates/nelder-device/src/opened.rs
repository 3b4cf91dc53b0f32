//! Devices that are opened when they are chosen, and once in a process.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::DeviceError;
use crate::glm_kernels::GlmKernels;

/// A device that may be used, and is opened when it is chosen.
pub trait Offer: Send + Sync {
    /// Name that selects the device: `cuda:0`.
    fn id(&self) -> String;

    /// Seconds until it can be used, about: none where it is open.
    fn start(&self) -> f64;

    /// The device, ready.
    ///
    /// # Errors
    /// [`DeviceError::Absent`] with what is missing; a failure of the device.
    fn open(&self) -> Result<Arc<dyn GlmKernels>, DeviceError>;
}

static ANY: AtomicBool = AtomicBool::new(false);

/// True if a device of any kind has been opened in this process.
pub fn any_opened() -> bool {
    ANY.load(Ordering::Relaxed)
}

/// A process, and the devices that it has opened.
type Open<D> = Option<(u32, HashMap<usize, Arc<D>>)>;

/// The devices of a kind that a process has opened, by their index.
pub struct Opened<D>(Mutex<Open<D>>);

impl<D> fmt::Debug for Opened<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened")
    }
}

impl<D> Default for Opened<D> {
    fn default() -> Self {
        Opened::new()
    }
}

impl<D> Opened<D> {
    /// None yet.
    pub const fn new() -> Self {
        Opened(Mutex::new(None))
    }

    fn locked(&self) -> MutexGuard<'_, Open<D>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Device `index` of a kind, opened where it is not open, or no longer `works`.
    ///
    /// # Errors
    /// Those of `open`; [`DeviceError::Failed`] in a process that was forked from one that had opened devices, which drivers do
    /// not survive.
    pub fn shared(
        &self,
        kind: &str,
        index: usize,
        works: impl Fn(&D) -> bool,
        open: impl FnOnce(usize) -> Result<D, DeviceError>,
    ) -> Result<Arc<D>, DeviceError> {
        let process = std::process::id();
        let mut held = self.locked();
        let (owner, devices) = held.get_or_insert_with(|| (process, HashMap::new()));
        if *owner != process {
            return Err(DeviceError::Failed {
                device: format!("{kind}:{index}"),
                message: "this process was forked from one that uses the GPU; start a new one".into(),
            });
        }
        if let Some(device) = devices.get(&index).filter(|d| works(d)) {
            return Ok(device.clone());
        }
        let device = Arc::new(open(index)?);
        devices.insert(index, device.clone());
        ANY.store(true, Ordering::Relaxed);
        Ok(device)
    }

    /// True if device `index` has been opened.
    pub fn has(&self, index: usize) -> bool {
        let held = self.locked();
        held.as_ref()
            .is_some_and(|(_, devices)| devices.contains_key(&index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_opened_once_and_again_when_they_fail() {
        let all = Opened::<u32>::new();
        assert!(!all.has(1));
        let first = all.shared("x", 1, |_| true, |_| Ok(7)).unwrap();
        let second = all.shared("x", 1, |_| true, |_| Ok(8)).unwrap();
        assert!(Arc::ptr_eq(&first, &second) && all.has(1) && !all.has(0));
        assert_eq!(*all.shared("x", 1, |_| false, |_| Ok(9)).unwrap(), 9);
    }
}
