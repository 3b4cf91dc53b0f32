//! Where passes run: the argument `device`, or options(nelder.device).

use std::sync::Arc;

use nelder::pass::{Executor, PlaceNames};
use nelder_device::{DeviceError, GlmKernels, Host, Offer};
use savvy::{Sexp, savvy};

use crate::lists::Record;

/// The GPU that "auto" considers beside the CPU: by its maker's libraries, or through wgpu where these are not there.
fn offered() -> Vec<Arc<dyn Offer>> {
    #[cfg(feature = "wgpu")]
    if nelder_cuda::count().is_err() {
        return vec![Arc::new(nelder_wgpu::Offered(0))];
    }
    vec![Arc::new(nelder_cuda::Offered(0))]
}

/// A GPU through wgpu, where that is built in.
#[cfg(feature = "wgpu")]
fn through_wgpu(index: usize) -> Result<Arc<dyn GlmKernels>, DeviceError> {
    Ok(nelder_wgpu::shared(index)?)
}

/// A GPU through wgpu, where that is built in.
#[cfg(not(feature = "wgpu"))]
fn through_wgpu(index: usize) -> Result<Arc<dyn GlmKernels>, DeviceError> {
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

/// The place of a name: `auto`, `cpu`, `host`, `cuda`, `cuda:1`, `wgpu`, `wgpu:1`, several with + between them.
///
/// # Errors
/// A name that is none; a device that is not there, with what is missing.
pub fn named(name: &str) -> savvy::Result<Arc<dyn Executor>> {
    let places = PlaceNames::new(offered)
        .with("cuda", |index| Ok(nelder_cuda::shared(index)?))
        .with("wgpu", through_wgpu);
    Ok(places.executor(name)?)
}

type Found = Result<Arc<dyn GlmKernels>, DeviceError>;

/// Devices to compute on: a list of columns, one row for each device, or for what is missing of it.
///
/// @noRd
#[savvy]
fn devices() -> savvy::Result<Sexp> {
    let mut found: Vec<(String, Found)> = vec![("cpu".into(), Ok(Arc::new(Host::default())))];
    match nelder_cuda::count() {
        Err(error) => found.push(("cuda".into(), Err(error))),
        Ok(count) => found.extend((0..count).map(|index| {
            let device = nelder_cuda::shared(index).map(|d| d as Arc<dyn GlmKernels>);
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
