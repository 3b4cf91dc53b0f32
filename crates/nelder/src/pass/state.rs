//! Sums as bytes, for another process.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reasons why a sum does not go between processes, or what came is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The statistic has no form for other processes.
    #[error("this statistic stays in its process")]
    Stays,
    /// The bytes are not those of the sum.
    #[error("the bytes of a part are damaged: {0}")]
    Damaged(String),
    /// The bytes are of another version of the form.
    #[error("a part has version {found} of the form, and {known} is known here")]
    Version {
        /// Of the part.
        found: u16,
        /// Known here.
        known: u16,
    },
    /// The bytes are of another design, or of another statistic.
    #[error("a part is of {found}, and not of {wanted}")]
    Other {
        /// Design or statistic of the part.
        found: String,
        /// The one that was asked for.
        wanted: String,
    },
    /// A code that no row of the part showed.
    #[error("a part has sums for code {0} of a factor, which none of its rows has")]
    Code(u32),
}

/// Bytes of a value: all bits of each number.
pub(crate) fn encoded<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, StateError> {
    postcard::to_stdvec(value).map_err(|e| StateError::Damaged(e.to_string()))
}

/// The value of bytes.
pub(crate) fn decoded<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StateError> {
    postcard::from_bytes(bytes).map_err(|e| StateError::Damaged(e.to_string()))
}

/// Bytes of a sum that is all of serde's, inside its `impl Sum`.
macro_rules! travels {
    () => {
        fn state(&self) -> Result<Vec<u8>, crate::pass::StateError> {
            crate::pass::encoded(self)
        }

        fn restored(bytes: &[u8]) -> Result<Self, crate::pass::StateError> {
            crate::pass::decoded(bytes)
        }
    };
}

pub(crate) use travels;
