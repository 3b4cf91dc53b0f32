//! Where passes run: `--device`, or the environment variable `NELDER_DEVICE`.

use std::sync::Arc;

use nelder::pass::{Executor, PlaceError, PlaceNames};
use nelder_device::Offer;

use crate::failure::Failure;

/// The GPU that `auto` considers beside the CPU: by its maker's libraries where these are there, else through wgpu.
fn offered() -> Vec<Arc<dyn Offer>> {
    match nelder_cuda::count() {
        Ok(_) => vec![Arc::new(nelder_cuda::Offered(0))],
        Err(_) => vec![Arc::new(nelder_wgpu::Offered(0))],
    }
}

/// The place that `--device` names, else `NELDER_DEVICE`, else the one where a fit is thought to end first.
///
/// # Errors
/// A name that is none, a device that is not there.
pub fn chosen(option: Option<&str>) -> Result<Arc<dyn Executor>, Failure> {
    let places = PlaceNames::new(offered)
        .with("cuda", |index| Ok(nelder_cuda::shared(index)?))
        .with("wgpu", |index| Ok(nelder_wgpu::shared(index)?));
    let variable = std::env::var("NELDER_DEVICE").ok().filter(|v| !v.is_empty());
    let (name, from) = match (option, &variable) {
        (Some(name), _) => (name, "--device"),
        (None, Some(name)) => (name.as_str(), "NELDER_DEVICE"),
        (None, None) => ("auto", "--device"),
    };
    places.executor(name).map_err(|error| match error {
        PlaceError::Device(error) => error.into(),
        other => Failure::Usage(format!("{from} {other}")),
    })
}
