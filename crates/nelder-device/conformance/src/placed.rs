//! The same tests on every device: sources whose passes run where `NELDER_TEST_DEVICE` says.

use std::sync::{Arc, OnceLock};

use nelder::frame::{Scan, Schema, Source, SourceError, Visit, Whole};
use nelder_cuda::Cuda;
use nelder_device::{Backend, DeviceError, Host, Several};
use nelder_wgpu::Wgpu;

/// A device by its name: `host` (the CPU behind the verbs of a device), `cuda`, `cuda:1`, `wgpu`, `wgpu:1`.
///
/// Several share the rows: `host+host`, `cuda:0+cuda:1`.
///
/// # Errors
/// No such device.
pub fn open(id: &str) -> Result<Arc<dyn Backend>, DeviceError> {
    if id.contains('+') {
        let devices: Result<Vec<_>, DeviceError> = id.split('+').map(open).collect();
        return Ok(Arc::new(Several::new(devices?)?));
    }
    let absent = |why: &str| DeviceError::Absent {
        device: id.into(),
        why: why.into(),
    };
    match id.split_once(':') {
        None if id == "host" => Ok(Arc::new(Host::default())),
        None if id == "cuda" => Ok(Arc::new(Cuda::open(0)?)),
        Some(("cuda", index)) => {
            let index = index.parse().map_err(|_| absent("the index is no number"))?;
            Ok(Arc::new(Cuda::open(index)?))
        }
        None if id == "wgpu" => Ok(Arc::new(Wgpu::open(0)?)),
        Some(("wgpu", index)) => {
            let index = index.parse().map_err(|_| absent("the index is no number"))?;
            Ok(Arc::new(Wgpu::open(index)?))
        }
        _ => Err(absent("there are host, cuda, cuda:0, …, wgpu, wgpu:0, …")),
    }
}

/// The same, with steps of Fisher scoring in one kernel whatever the number of rows.
///
/// # Errors
/// As [`open`].
pub fn open_fusing(id: &str) -> Result<Arc<dyn Backend>, DeviceError> {
    if id.contains('+') {
        let devices: Result<Vec<_>, DeviceError> = id.split('+').map(open_fusing).collect();
        return Ok(Arc::new(Several::new(devices?)?));
    }
    match id.strip_prefix("cuda") {
        None => open(id),
        Some(rest) => {
            let index = rest.strip_prefix(':').map_or(Ok(0), str::parse);
            match index {
                Ok(index) => Ok(Arc::new(Cuda::open(index)?.fusing_from(0))),
                Err(_) => open(id),
            }
        }
    }
}

/// The same, taken for a device of little double precision.
///
/// # Errors
/// As [`open`].
pub fn open_single(id: &str) -> Result<Arc<dyn Backend>, DeviceError> {
    match id {
        "cuda" | "cuda:0" => Ok(Arc::new(Cuda::open(0)?.with_little_double())),
        id => open(id),
    }
}

/// The device that `NELDER_TEST_DEVICE` names; `None` where it names none.
///
/// # Panics
/// Where that device is not there: tests of a device do not pass without it.
pub fn chosen() -> Option<&'static Arc<dyn Backend>> {
    static CHOSEN: OnceLock<Option<Arc<dyn Backend>>> = OnceLock::new();
    CHOSEN
        .get_or_init(|| {
            let id = std::env::var("NELDER_TEST_DEVICE")
                .ok()
                .filter(|id| !id.is_empty())?;
            Some(open(&id).unwrap_or_else(|error| panic!("NELDER_TEST_DEVICE: {error}")))
        })
        .as_ref()
}

/// A source whose passes run on the chosen device.
pub struct Placed<S>(pub S);

impl<S: Source> Source for Placed<S> {
    fn schema(&self) -> &Schema {
        self.0.schema()
    }

    fn rows(&self) -> Option<u64> {
        self.0.rows()
    }

    fn workers(&self) -> usize {
        self.0.workers()
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        self.0.scan(columns, visit)
    }

    fn device(&self) -> Option<&Arc<dyn Backend>> {
        chosen()
    }

    fn whole(&self, column: usize) -> Option<Whole<'_>> {
        self.0.whole(column)
    }
}
