//! Place and monitor of a fit.

use std::sync::Arc;

use super::Auto;
use crate::pass::{Executor, Monitor};

/// Where a fit's passes run, and who watches them.
///
/// A monitor alone stands for the place where the rows are: threads, or the devices that hold them.
#[derive(Clone)]
pub struct Run<'m> {
    /// The place.
    pub executor: Arc<dyn Executor>,
    /// Watches.
    pub monitor: &'m dyn Monitor,
}

impl<'m> Run<'m> {
    /// At a place.
    pub fn on(executor: Arc<dyn Executor>, monitor: &'m dyn Monitor) -> Self {
        Run { executor, monitor }
    }
}

impl<'m, M: Monitor> From<&'m M> for Run<'m> {
    fn from(monitor: &'m M) -> Self {
        Run::on(Arc::new(Auto::default()), monitor)
    }
}

impl<'m> From<&'m (dyn Monitor + 'm)> for Run<'m> {
    fn from(monitor: &'m (dyn Monitor + 'm)) -> Self {
        Run::on(Arc::new(Auto::default()), monitor)
    }
}
