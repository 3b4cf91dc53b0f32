//! Progress of passes, and their interruption.

use super::executor::Plan;

/// Watches a pass: shows progress, and stops it on an interrupt.
pub trait Monitor: Sync {
    /// Called after each batch with the rows it held; `false` stops the pass.
    fn advance(&self, pass: &str, rows: u64, total: Option<u64>) -> bool;

    /// Called with what is to come, before the first pass over the rows of a model.
    fn planned(&self, _plan: &Plan) {}

    /// Called after each pass of Fisher scoring with its name and the deviance that it found.
    fn scored(&self, _pass: &str, _deviance: f64) {}
}

/// A monitor that shows nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Monitor for NoProgress {
    fn advance(&self, _: &str, _: u64, _: Option<u64>) -> bool {
        true
    }
}
