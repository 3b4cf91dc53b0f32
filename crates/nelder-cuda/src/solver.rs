//! The handle of cuSOLVER.

use std::sync::{Mutex, OnceLock};

use cudarc::cusolver::safe::DnHandle;

/// The handle of cuSOLVER, once it is wanted; `None` where the library is not there.
#[derive(Default)]
pub(crate) struct Solver(pub OnceLock<Option<Mutex<DnHandle>>>);
