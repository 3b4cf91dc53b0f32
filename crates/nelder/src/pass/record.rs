//! Records of passes, and the errors that end them.

use std::time::Instant;

use nelder_device::DeviceError;
use serde::{Deserialize, Serialize};

use super::state::StateError;
use crate::design::{BindError, RowError};
use crate::frame::{Scan, SourceError};

/// One pass over the data, as it was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassRecord {
    /// Name of the pass by its result, such as `gram`.
    pub name: String,
    /// Rows that the source delivered.
    pub rows: u64,
    /// Bytes that the source delivered.
    pub bytes: u64,
    /// Where it ran.
    pub device: String,
    /// In which precision.
    pub precision: String,
    /// Wall-clock seconds.
    pub seconds: f64,
}

impl PassRecord {
    /// A pass on the CPU that began at `start` and ends now.
    pub fn on_cpu(name: &str, precision: &str, scan: Scan, start: Instant) -> Self {
        PassRecord {
            name: name.to_string(),
            rows: scan.rows,
            bytes: scan.bytes,
            device: "cpu".to_string(),
            precision: precision.to_string(),
            seconds: start.elapsed().as_secs_f64(),
        }
    }
}

/// Why a pass did not end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassError {
    /// The rows could not be read.
    #[error(transparent)]
    Source(SourceError),
    /// A row is not fit for the model.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The monitor stopped it.
    #[error("interrupted")]
    Interrupted,
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The sums of another process are not to be had.
    #[error(transparent)]
    State(#[from] StateError),
    /// The expressions of a design cannot be made again for another process.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Rows that were read again are not those of the first pass.
    #[error("{0}: the rows have changed since the first pass")]
    Changed(String),
    /// A session gave the sums of another statistic than the pass of this name asked for.
    #[error("{0}: the sums that came back are of another statistic")]
    Foreign(String),
}
