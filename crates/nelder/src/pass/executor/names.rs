//! Names of places: the one registry of kinds of device.

use std::sync::Arc;

use nelder_device::{DeviceError, GlmKernels, Host, Offer};

use super::auto::Auto;
use super::devices::Devices;
use super::threads::Threads;
use crate::pass::Executor;

/// Opens the device of a number, from 0.
type Open = fn(usize) -> Result<Arc<dyn GlmKernels>, DeviceError>;

/// Names of places: `auto`, `cpu`, and kinds of device that a front knows, such as `cuda`, `cuda:1`; several with + between them share
/// the rows.
///
/// ```
/// use std::sync::Arc;
/// use nelder::pass::{PlaceError, PlaceNames};
/// use nelder_device::Host;
/// let places = PlaceNames::new(Vec::new).with("toy", |_| Ok(Arc::new(Host::default())));
/// assert!(places.executor("toy:3+toy").is_ok());
/// let error = places.executor("gpu").unwrap_err().to_string();
/// assert_eq!(error, "gpu: no such device; there are auto, cpu, toy, toy:1, …, and several with + between them");
/// assert!(matches!(places.executor("cpu+toy"), Err(PlaceError::NotShared { .. })));
/// ```
pub struct PlaceNames {
    kinds: Vec<(&'static str, Open)>,
    offers: fn() -> Vec<Arc<dyn Offer>>,
}

/// A name that is no place.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// No place has this name.
    #[error("{name}: no such device; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// One of several names is no device's.
    #[error("{names}: only devices share rows, and {name} is none")]
    NotShared {
        /// All names.
        names: String,
        /// This one.
        name: String,
    },
    /// The device is not there, or failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl PlaceNames {
    /// `auto`, which chooses among the CPU and what is offered, `cpu`, and `host`: the CPU behind the verbs of a device, slow and the same
    /// everywhere.
    pub fn new(offers: fn() -> Vec<Arc<dyn Offer>>) -> Self {
        PlaceNames {
            kinds: Vec::new(),
            offers,
        }
    }

    /// Adds a kind of device.
    pub fn with(mut self, kind: &'static str, open: Open) -> Self {
        self.kinds.push((kind, open));
        self
    }

    /// The names that there are, for a reader.
    pub fn known(&self) -> String {
        let kinds = self
            .kinds
            .iter()
            .map(|(kind, _)| format!("{kind}, {kind}:1, …, "));
        format!(
            "auto, cpu, {}and several with + between them",
            kinds.collect::<String>()
        )
    }

    /// The place of a name.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn executor(&self, name: &str) -> Result<Arc<dyn Executor>, PlaceError> {
        match name {
            "auto" => return Ok(Arc::new(Auto::asking(self.offers))),
            "cpu" => return Ok(Arc::new(Threads)),
            _ => {}
        }
        let mut devices = Vec::new();
        for one in name.split('+') {
            if name.contains('+') && matches!(one, "auto" | "cpu") {
                return Err(PlaceError::NotShared {
                    names: name.to_string(),
                    name: one.to_string(),
                });
            }
            devices.push(self.device(one)?);
        }
        Ok(Arc::new(Devices::new(devices)?))
    }

    /// The device of a name.
    ///
    /// # Errors
    /// [`PlaceError::Unknown`], [`PlaceError::Device`].
    pub fn device(&self, name: &str) -> Result<Arc<dyn GlmKernels>, PlaceError> {
        let (kind, index) = match name.split_once(':') {
            None => (name, Some(0)),
            Some((kind, index)) => (kind, index.parse::<usize>().ok()),
        };
        if name == "host" {
            return Ok(Arc::new(Host::default()));
        }
        let open = self.kinds.iter().find(|(own, _)| *own == kind);
        match (open, index) {
            (Some((_, open)), Some(index)) => Ok(open(index)?),
            _ => Err(PlaceError::Unknown {
                name: name.to_string(),
                known: self.known(),
            }),
        }
    }
}
