//! Where passes run: `--device`, or the environment variable `NELDER_DEVICE`.

use std::sync::Arc;

use nelder_cuda::Cuda;
use nelder_device::{Backend, Host};

use crate::failure::Failure;

/// The names that `--device` knows.
const KNOWN: &str = "auto, cpu, cuda, cuda:1, …";

/// The device that was asked for by name; `None` for the CPU's own passes. A device that is not there is an error.
pub fn chosen(option: Option<&str>) -> Result<Option<Arc<dyn Backend>>, Failure> {
    let variable = std::env::var("NELDER_DEVICE").ok().filter(|v| !v.is_empty());
    let (name, from) = match (option, &variable) {
        (Some(name), _) => (name, "--device"),
        (None, Some(name)) => (name.as_str(), "NELDER_DEVICE"),
        (None, None) => return Ok(None),
    };
    let index = match name.split_once(':') {
        None => Some(0),
        Some((_, index)) => index.parse::<usize>().ok(),
    };
    match (name.split(':').next(), index) {
        (Some("auto" | "cpu"), Some(0)) if !name.contains(':') => Ok(None),
        // the CPU behind the verbs of a device: slow, and the same everywhere
        (Some("host"), Some(0)) if !name.contains(':') => Ok(Some(Arc::new(Host::default()))),
        (Some("cuda"), Some(index)) => Ok(Some(Arc::new(Cuda::open(index)?))),
        _ => Err(Failure::Usage(format!(
            "{from} {name}: no such device; there are {KNOWN}"
        ))),
    }
}
