//! Columns that stayed where the rows are.

use std::sync::Arc;

use nelder_device::{Buffer, Device, DeviceError, GlmKernels};
use serde::de::Deserializer;
use serde::ser::{Error, Serializer};
use serde::{Deserialize, Serialize};

/// A number a row that stayed on devices, such as residuals: order statistics of it are all that is asked for.
#[derive(Clone, Debug, Default)]
pub struct KeptColumn {
    parts: Vec<(Arc<dyn Device>, Buffer)>,
}

/// As nothing, for there is nothing of it in another process.
impl Serialize for KeptColumn {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.is_empty() {
            true => to.serialize_unit(),
            false => Err(S::Error::custom(
                "a column that stayed on a device stays in its process",
            )),
        }
    }
}

impl<'d> Deserialize<'d> for KeptColumn {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
        <()>::deserialize(from).map(|()| KeptColumn::default())
    }
}

impl KeptColumn {
    /// Rows on one device.
    pub(in crate::pass) fn new(device: &Arc<dyn GlmKernels>, rows: Buffer) -> Self {
        KeptColumn {
            parts: vec![(device.clone(), rows)],
        }
    }

    /// Takes in other rows.
    pub(in crate::pass) fn merge(&mut self, other: KeptColumn) {
        self.parts.extend(other.parts);
    }

    /// True if no row is here.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Number of values that are missing.
    ///
    /// # Errors
    /// Those of the devices.
    pub fn missing(&self) -> Result<u64, DeviceError> {
        let of = |(device, rows): &(Arc<dyn Device>, Buffer)| Ok(device.reduce(rows)?.missing);
        self.parts.iter().map(of).sum()
    }

    /// The values at places from 0 among the sorted ones.
    ///
    /// # Errors
    /// A place that is not there; those of the devices.
    pub fn order_statistics(&self, ranks: &[u64]) -> Result<Vec<f64>, DeviceError> {
        let Some(((device, first), others)) = self.parts.split_first() else {
            return Ok(Vec::new());
        };
        if others.is_empty() {
            return device.order_statistics(first, ranks);
        }
        // all values to the first device, which sorts them
        let mut all = vec![first.clone()];
        for (other, rows) in others {
            all.push(device.upload(&other.download(rows)?)?);
        }
        device.order_statistics(&device.gathered(&all)?, ranks)
    }
}
