//! Where passes run: `--device`, or the environment variable `NELDER_DEVICE`.

use std::sync::Arc;

use nelder::frame::{Auto, On, Source};
use nelder_device::{Backend, Host, Offer, Several};

use crate::failure::Failure;

/// The names that `--device` knows.
const KNOWN: &str = "auto, cpu, cuda, cuda:1, …, wgpu, wgpu:1, …, and several with + between them";

/// The GPU that `auto` considers beside the CPU: by its maker's libraries where these are there, else through wgpu.
fn offered() -> &'static dyn Offer {
    match nelder_cuda::count() {
        Ok(_) => &nelder_cuda::Offered(0),
        Err(_) => &nelder_wgpu::Offered(0),
    }
}

/// Where passes are to run.
pub enum Choice {
    /// Where they are thought to end first.
    Auto,
    /// With the CPU.
    Cpu,
    /// On a device.
    Device(Arc<dyn Backend>),
}

impl Choice {
    /// Reads the device's name from `--device`, else from `NELDER_DEVICE`. A device that is not there is an error.
    pub fn new(option: Option<&str>) -> Result<Choice, Failure> {
        let variable = std::env::var("NELDER_DEVICE").ok().filter(|v| !v.is_empty());
        let (name, from) = match (option, &variable) {
            (Some(name), _) => (name, "--device"),
            (None, Some(name)) => (name.as_str(), "NELDER_DEVICE"),
            (None, None) => return Ok(Choice::Auto),
        };
        if name.contains('+') {
            return Choice::shared(name);
        }
        let index = match name.split_once(':') {
            None => Some(0),
            Some((_, index)) => index.parse::<usize>().ok(),
        };
        match (name.split(':').next(), index) {
            (Some("auto"), Some(0)) if !name.contains(':') => Ok(Choice::Auto),
            (Some("cpu"), Some(0)) if !name.contains(':') => Ok(Choice::Cpu),
            // the CPU behind the verbs of a device: slow, and the same everywhere
            (Some("host"), Some(0)) if !name.contains(':') => Ok(Choice::Device(Arc::new(Host::default()))),
            (Some("cuda"), Some(index)) => Ok(Choice::Device(nelder_cuda::shared(index)?)),
            (Some("wgpu"), Some(index)) => Ok(Choice::Device(nelder_wgpu::shared(index)?)),
            _ => Err(Failure::Usage(format!(
                "{from} {name}: no such device; there are {KNOWN}"
            ))),
        }
    }

    /// Devices that share the rows: `cuda:0+cuda:1`.
    fn shared(names: &str) -> Result<Choice, Failure> {
        let mut devices = Vec::new();
        for name in names.split('+') {
            match Choice::new(Some(name))? {
                Choice::Device(device) => devices.push(device),
                Choice::Auto | Choice::Cpu => {
                    return Err(Failure::Usage(format!(
                        "--device {names}: only devices share rows, and {name} is none"
                    )));
                }
            }
        }
        Ok(Choice::Device(Arc::new(Several::new(devices)?)))
    }

    /// The rows of a source there.
    pub fn place<'a>(self, source: &'a dyn Source) -> Box<dyn Source + 'a> {
        match self {
            Choice::Auto => Box::new(Auto::new(source, vec![offered()])),
            Choice::Cpu => Box::new(Auto::new(source, Vec::new())),
            Choice::Device(device) => Box::new(On::new(source, device)),
        }
    }
}
