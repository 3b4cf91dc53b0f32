//! Opening an adapter: in silence, and only where its arithmetic is the CPU's.

use nelder_device::DeviceError;

use crate::device::Wgpu;
use crate::probe::check;
use crate::silence::in_silence;

impl Wgpu {
    /// Opens adapter `index`, from 0: GPUs come before what imitates them.
    ///
    /// # Errors
    /// [`DeviceError::Absent`] for an index that is not there; [`DeviceError::Failed`] where the driver refuses, and where
    /// the device computes something else than the CPU.
    pub fn open(index: usize) -> Result<Wgpu, DeviceError> {
        Wgpu::opened(index, wgpu::Features::SHADER_INT64, false)
    }

    /// The same for a GPU; what imitates one is not opened.
    pub(crate) fn open_hardware(index: usize) -> Result<Wgpu, DeviceError> {
        Wgpu::opened(index, wgpu::Features::SHADER_INT64, true)
    }

    /// Opens it in silence; what the driver printed is part of an error.
    pub(crate) fn opened(
        index: usize,
        features: wgpu::Features,
        hardware: bool,
    ) -> Result<Wgpu, DeviceError> {
        let (opened, words) = in_silence(|| {
            let device = Wgpu::started(index, features, hardware)?;
            check(&device)?;
            Ok(device)
        });
        opened.map_err(|error| match error {
            DeviceError::Failed { device, message } if !words.is_empty() => DeviceError::Failed {
                device,
                message: format!("{message}; the driver printed: {words}"),
            },
            other => other,
        })
    }
}
