//! Errors of devices, and the checks of sizes that give them.

use crate::ProgramError;

/// Errors of operations on a device.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// There is no such device.
    #[error("no {device} device: {why}")]
    Absent {
        /// `cuda`, `cuda:1`, ….
        device: String,
        /// Reason: a missing driver, library or device, for a reader.
        why: String,
    },
    /// Not enough memory.
    #[error("{device} has no room for {wanted} bytes: {free} of {total} bytes are free")]
    Memory {
        /// The device.
        device: String,
        /// Bytes asked for.
        wanted: u64,
        /// Bytes that are free.
        free: u64,
        /// Bytes that it has.
        total: u64,
    },
    /// The program cannot run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Sizes that do not fit each other.
    #[error("{what}: {wanted} values are needed, and there are {given}")]
    Length {
        /// Which argument.
        what: &'static str,
        /// Values needed.
        wanted: usize,
        /// Values given.
        given: usize,
    },
    /// A buffer of another device.
    #[error("{what} is a buffer of another device")]
    Foreign {
        /// Which argument.
        what: &'static str,
    },
    /// The device or its libraries failed; what they say.
    #[error("{device}: {message}")]
    Failed {
        /// The device.
        device: String,
        /// Message of the device or library.
        message: String,
    },
}

/// An error where a length is not what it must be.
///
/// # Errors
/// [`DeviceError::Length`].
pub fn check_length(what: &'static str, given: usize, wanted: usize) -> Result<(), DeviceError> {
    match given == wanted {
        true => Ok(()),
        false => Err(DeviceError::Length { what, wanted, given }),
    }
}

/// That there are places for these ranks, which count from 0, among `given` numbers.
///
/// # Errors
/// [`DeviceError::Length`].
pub fn check_ranks(ranks: &[u64], given: usize) -> Result<(), DeviceError> {
    match ranks.iter().find(|r| **r >= given as u64) {
        None => Ok(()),
        Some(&rank) => Err(DeviceError::Length {
            what: "rank",
            wanted: rank as usize + 1,
            given,
        }),
    }
}
