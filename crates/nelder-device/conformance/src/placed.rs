//! The same tests on every device: passes run where `NELDER_TEST_DEVICE` says.

use std::sync::{Arc, OnceLock};

use nelder::frame::Source;
use nelder::pass::{Auto, Devices, Executor, NoProgress, Run};
use nelder_cuda::Cuda;
use nelder_device::{DeviceError, GlmKernels, Host};
use nelder_wgpu::Wgpu;

use crate::{Bare, Processes};

/// Devices by their names, one or several that share rows: `host` (the CPU behind the verbs of a device), `bare` (the
/// first tier of these alone), `cuda`, `cuda:1`, `wgpu`,
/// `wgpu:1`; `host+host`, `cuda:0+cuda:1`.
///
/// # Errors
/// No such device.
pub fn open(id: &str) -> Result<Vec<Arc<dyn GlmKernels>>, DeviceError> {
    id.split('+').map(open_one).collect()
}

/// A device by its name.
///
/// # Errors
/// No such device.
pub fn open_one(id: &str) -> Result<Arc<dyn GlmKernels>, DeviceError> {
    let absent = |why: &str| DeviceError::Absent {
        device: id.into(),
        why: why.into(),
    };
    let (kind, index) = id.split_once(':').unwrap_or((id, "0"));
    let index = index.parse().map_err(|_| absent("the index is no number"))?;
    match kind {
        "host" => Ok(Arc::new(Host::default())),
        "bare" => Ok(Arc::new(Bare::default())),
        "cuda" => Ok(Arc::new(Cuda::open(index)?)),
        "wgpu" => Ok(Arc::new(Wgpu::open(index)?)),
        _ => Err(absent("there are host, bare, cuda, cuda:0, …, wgpu, wgpu:0, …")),
    }
}

/// The same, with steps of Fisher scoring in one kernel whatever the number of rows.
///
/// # Errors
/// As [`open_one`].
pub fn open_fusing(id: &str) -> Result<Arc<dyn GlmKernels>, DeviceError> {
    match id.strip_prefix("cuda") {
        None => open_one(id),
        Some(rest) => match rest.strip_prefix(':').map_or(Ok(0), str::parse) {
            Ok(index) => Ok(Arc::new(Cuda::open(index)?.fusing_from(0))),
            Err(_) => open_one(id),
        },
    }
}

/// The same, taken for a device of little double precision.
///
/// # Errors
/// As [`open_one`].
pub fn open_single(id: &str) -> Result<Arc<dyn GlmKernels>, DeviceError> {
    match id {
        "cuda" | "cuda:0" => Ok(Arc::new(Cuda::open(0)?.with_little_double())),
        id => open_one(id),
    }
}

/// The devices that `NELDER_TEST_DEVICE` names; `None` where it names none.
///
/// # Panics
/// Where such a device is not there: tests of a device do not pass without it.
pub fn chosen() -> Option<&'static [Arc<dyn GlmKernels>]> {
    static CHOSEN: OnceLock<Option<Vec<Arc<dyn GlmKernels>>>> = OnceLock::new();
    CHOSEN
        .get_or_init(|| {
            let id = std::env::var("NELDER_TEST_DEVICE")
                .ok()
                .filter(|id| !id.is_empty() && !id.starts_with("processes:"))?;
            Some(open(&id).unwrap_or_else(|error| panic!("NELDER_TEST_DEVICE: {error}")))
        })
        .as_deref()
}

/// The place where tests of models run: on the chosen devices, in as many processes as `processes:3` says, else where the rows are.
///
/// # Panics
/// As [`chosen`].
pub fn place() -> Arc<dyn Executor> {
    let name = std::env::var("NELDER_TEST_DEVICE").unwrap_or_default();
    if let Some(count) = name.strip_prefix("processes:") {
        let count = count
            .parse()
            .unwrap_or_else(|e| panic!("NELDER_TEST_DEVICE: {name}: {e}"));
        return Arc::new(Processes {
            count,
            pieces: 4,
            seed: 7,
        });
    }
    chosen().map_or_else(|| Arc::new(Auto::default()) as Arc<dyn Executor>, on)
}

/// Devices as a place.
///
/// # Panics
/// Where there is none.
pub fn on(devices: &[Arc<dyn GlmKernels>]) -> Arc<dyn Executor> {
    Arc::new(Devices::new(devices.to_vec()).unwrap_or_else(|error| panic!("{error}")))
}

/// Rows, and the place where passes over them run.
#[derive(Clone)]
pub struct Placed<'a> {
    /// The rows.
    pub rows: &'a dyn Source,
    /// The place.
    pub place: Arc<dyn Executor>,
}

impl<'a> Placed<'a> {
    /// Where the rows are.
    pub fn there(rows: &'a dyn Source) -> Self {
        Placed {
            rows,
            place: Arc::new(Auto::default()),
        }
    }

    /// On devices.
    pub fn on(rows: &'a dyn Source, devices: &[Arc<dyn GlmKernels>]) -> Self {
        Placed {
            rows,
            place: on(devices),
        }
    }

    /// A fit there.
    pub fn run(&self) -> Run<'static> {
        Run::on(self.place.clone(), &NoProgress)
    }
}
