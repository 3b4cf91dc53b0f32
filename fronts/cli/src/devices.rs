//! `nelder devices`: what there is to compute on.

use nelder_cuda::Cuda;
use nelder_device::{Device, DeviceError, Host};
use nelder_wgpu::Wgpu;
use serde::Serialize;

use crate::arguments::DevicesOptions;
use crate::failure::Failure;
use crate::output;

/// A device, or why there is none of its kind.
#[derive(Serialize)]
struct Line {
    /// Name that `--device` knows it by, such as `cuda:1`.
    id: String,
    /// Its maker's name for it.
    name: Option<String>,
    /// Bytes of memory.
    memory: Option<u64>,
    /// Bytes a second, measured.
    bandwidth: Option<f64>,
    /// True if it computes in double precision, through wgpu bit by bit as the CPU does; false where it is missing.
    float64: bool,
    /// Driver and libraries.
    software: Option<String>,
    /// Reason that it cannot be used; `None` where it can.
    missing: Option<String>,
}

fn line(device: &dyn Device) -> Result<Line, DeviceError> {
    let about = device.describe();
    Ok(Line {
        bandwidth: Some(device.bandwidth()?),
        id: about.id,
        name: Some(about.name),
        memory: about.memory,
        float64: true,
        software: Some(about.software).filter(|s| !s.is_empty()),
        missing: None,
    })
}

fn absent(id: &str, error: &DeviceError) -> Line {
    Line {
        id: id.into(),
        name: None,
        memory: None,
        bandwidth: None,
        float64: false,
        software: None,
        missing: Some(error.to_string()),
    }
}

/// Lists the devices, each measured.
pub fn run(options: &DevicesOptions) -> Result<(), Failure> {
    let mut lines = vec![line(&Host::default())?];
    match nelder_cuda::count() {
        Err(error) => lines.push(absent("cuda", &error)),
        Ok(count) => {
            for index in 0..count {
                let found = Cuda::open(index).and_then(|device| line(&device));
                lines.push(found.unwrap_or_else(|e| absent(&format!("cuda:{index}"), &e)));
            }
        }
    }
    match nelder_wgpu::count() {
        Err(error) => lines.push(absent("wgpu", &error)),
        Ok(count) => {
            for index in 0..count {
                let found = Wgpu::open(index).and_then(|device| line(&device));
                lines.push(found.unwrap_or_else(|e| absent(&format!("wgpu:{index}"), &e)));
            }
        }
    }
    if options.json {
        let mut text = serde_json::to_string_pretty(&lines).map_err(|e| Failure::Data(e.to_string()))?;
        text.push('\n');
        return output::print(&text);
    }
    let gigabytes = |v: Option<f64>| v.map_or("-".to_string(), |v| format!("{:.0} GB", v / 1e9));
    let mut text = format!(
        "{:<8} {:>8} {:>10} {:<5} {}\n",
        "device", "memory", "bandwidth", "f64", "name"
    );
    for one in &lines {
        let memory = gigabytes(one.memory.map(|m| m as f64));
        let bandwidth = one
            .bandwidth
            .map_or("-".to_string(), |v| format!("{:.0} GB/s", v / 1e9));
        let what = match (&one.missing, &one.name, &one.software) {
            (Some(why), ..) => why.clone(),
            (None, Some(name), Some(software)) => format!("{name}, {software}"),
            (None, name, _) => name.clone().unwrap_or_default(),
        };
        let float64 = if one.float64 { "yes" } else { "-" };
        text += &format!("{:<8} {memory:>8} {bandwidth:>10} {float64:<5} {what}\n", one.id);
    }
    output::print(&text)
}
