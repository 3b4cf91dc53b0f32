//! Where passes run: the argument `device`, or options(nelder.device).

use std::sync::{Arc, OnceLock};

use nelder_device::{Backend, DeviceError, Host, Offer, Several};
use savvy::{Sexp, savvy};

use crate::lists::Record;

/// The GPU that "auto" considers beside the CPU: by its maker's libraries, or through wgpu where these are not there.
fn offered() -> &'static [&'static dyn Offer] {
    static CUDA: [&dyn Offer; 1] = [&nelder_cuda::Offered(0)];
    #[cfg(feature = "wgpu")]
    {
        static WGPU: [&dyn Offer; 1] = [&nelder_wgpu::Offered(0)];
        if nelder_cuda::count().is_err() {
            return &WGPU;
        }
    }
    &CUDA
}

/// A GPU through wgpu, where that is built in.
#[cfg(feature = "wgpu")]
fn through_wgpu(index: usize) -> Result<Arc<dyn Backend>, DeviceError> {
    Ok(nelder_wgpu::shared(index)?)
}

/// A GPU through wgpu, where that is built in.
#[cfg(not(feature = "wgpu"))]
fn through_wgpu(index: usize) -> Result<Arc<dyn Backend>, DeviceError> {
    Err(DeviceError::Absent {
        device: format!("wgpu:{index}"),
        why: "the package was built without it: install it with --configure-args=--with-wgpu".into(),
    })
}

/// Number of devices that wgpu finds; an error where wgpu is not built in.
fn count_through_wgpu() -> Result<usize, DeviceError> {
    #[cfg(feature = "wgpu")]
    return nelder_wgpu::count();
    #[cfg(not(feature = "wgpu"))]
    through_wgpu(0).map(|_| 0)
}

/// Where the passes of a fit run.
pub enum Place {
    /// Where the plan says that they end first, once it has been made.
    Auto(OnceLock<Option<Arc<dyn Backend>>>),
    /// With the CPU, or on a device.
    Chosen(Option<Arc<dyn Backend>>),
}

impl Place {
    /// A place by its name: `auto`, `cpu`, `host`, `cuda`, `cuda:1`, `wgpu`, `wgpu:1`.
    ///
    /// # Errors
    /// A device that is not there, with what is missing.
    pub fn new(name: &str) -> Result<Place, DeviceError> {
        if name.contains('+') {
            let mut devices = Vec::new();
            for one in name.split('+') {
                devices.extend(Place::new(one)?.device().cloned());
            }
            return Ok(Place::Chosen(Some(Arc::new(Several::new(devices)?))));
        }
        let (kind, index) = name.split_once(':').unwrap_or((name, "0"));
        Ok(match (kind, index.parse::<usize>()) {
            ("auto", _) => Place::Auto(OnceLock::new()),
            // the CPU behind the verbs of a device: slow, and the same everywhere
            ("host", _) => Place::Chosen(Some(Arc::new(Host::default()))),
            ("cuda", Ok(index)) => Place::Chosen(Some(nelder_cuda::shared(index)?)),
            ("wgpu", Ok(index)) => Place::Chosen(Some(through_wgpu(index)?)),
            ("cpu", _) => Place::Chosen(None),
            _ => {
                return Err(DeviceError::Absent {
                    device: name.into(),
                    why: "there are auto, cpu, cuda, cuda:1, …, wgpu, wgpu:1, …".into(),
                });
            }
        })
    }

    /// The device, once it is chosen; `None` for the CPU.
    pub fn device(&self) -> Option<&Arc<dyn Backend>> {
        match self {
            Place::Auto(chosen) => chosen.get()?.as_ref(),
            Place::Chosen(device) => device.as_ref(),
        }
    }

    /// Devices of which none is chosen yet.
    pub fn offers(&self) -> &[&dyn Offer] {
        match self {
            Place::Auto(chosen) if chosen.get().is_none() => offered(),
            _ => &[],
        }
    }

    /// The choice.
    pub fn settle(&self, device: Option<Arc<dyn Backend>>) {
        if let Place::Auto(chosen) = self {
            // the first choice stays: the fit's rows are there
            let _ = chosen.set(device);
        }
    }
}

type Found = Result<Arc<dyn Backend>, DeviceError>;

/// Devices to compute on: a list of columns, one row for each device, or for what is missing of it.
///
/// @noRd
#[savvy]
fn devices() -> savvy::Result<Sexp> {
    let mut found: Vec<(String, Found)> = vec![("cpu".into(), Ok(Arc::new(Host::default())))];
    match nelder_cuda::count() {
        Err(error) => found.push(("cuda".into(), Err(error))),
        Ok(count) => found.extend((0..count).map(|index| {
            let device = nelder_cuda::shared(index).map(|d| d as Arc<dyn Backend>);
            (format!("cuda:{index}"), device)
        })),
    }
    match count_through_wgpu() {
        Err(error) => found.push(("wgpu".into(), Err(error))),
        Ok(count) => {
            found.extend((0..count).map(|index| (format!("wgpu:{index}"), through_wgpu(index))));
        }
    }
    let (mut names, mut software, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    let (mut memory, mut bandwidth) = (Vec::new(), Vec::new());
    for (_, device) in &found {
        match device {
            Ok(device) => {
                let about = device.describe();
                names.push(about.name);
                software.push(about.software);
                missing.push(String::new());
                memory.push(about.memory.map_or(f64::NAN, |m| m as f64));
                bandwidth.push(device.bandwidth()?);
            }
            Err(error) => {
                names.push(String::new());
                software.push(String::new());
                missing.push(error.to_string());
                memory.push(f64::NAN);
                bandwidth.push(f64::NAN);
            }
        }
    }
    let mut out = Record::default();
    out.texts("device", found.into_iter().map(|(id, _)| id).collect())
        .texts("name", names)
        .reals("memory", memory)
        .reals("bandwidth", bandwidth)
        .texts("software", software)
        .texts("missing", missing);
    out.into_list()?.into()
}
