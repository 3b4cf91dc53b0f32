//! Why the command ends without an answer, and with which exit code.

use nelder::model::ModelError;
use nelder_data::DataError;

/// Why the command ends without an answer.
#[derive(Debug)]
pub enum Failure {
    /// The request was wrong: exit code 2.
    Usage(String),
    /// The data or the numbers were: exit code 1.
    Data(String),
    /// A signal: exit code 130 for Ctrl-C.
    Interrupted,
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Data(_) => 1,
            Failure::Interrupted => crate::interrupt::code(),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Usage(what) | Failure::Data(what) => f.write_str(what),
            Failure::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl From<ModelError> for Failure {
    fn from(e: ModelError) -> Self {
        match &e {
            ModelError::Pass(nelder::pass::PassError::Interrupted) => Failure::Interrupted,
            ModelError::MoreClasses(_) => Failure::Usage(format!("{e}: --family multinomial")),
            e if e.is_usage() => Failure::Usage(e.to_string()),
            e => Failure::Data(e.to_string()),
        }
    }
}

impl From<nelder_device::DeviceError> for Failure {
    fn from(e: nelder_device::DeviceError) -> Self {
        Failure::Data(e.to_string())
    }
}

impl From<DataError> for Failure {
    fn from(e: DataError) -> Self {
        Failure::Data(e.to_string())
    }
}
