//! Rows whose passes run where they are thought to end first.

use std::sync::{Arc, OnceLock};

use nelder_device::{Backend, Offer};

use super::{Scan, Schema, Source, SourceError, Visit, Whole};

/// A source whose passes run on the CPU or on one of the devices that are offered: where the plan says that they end first.
///
/// ```
/// use nelder::frame::{Auto, Frame};
/// use nelder::model::{LmSpec, lm};
/// use nelder::pass::NoProgress;
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let source = Auto::new(&frame, Vec::new());
/// let fit = lm(&LmSpec::new("y ~ x"), &source, &NoProgress)?;
/// assert_eq!(fit.fit.report.device, "cpu");
/// # Ok::<(), nelder::model::ModelError>(())
/// ```
pub struct Auto<'a> {
    source: &'a dyn Source,
    offers: Vec<&'a dyn Offer>,
    chosen: OnceLock<Option<Arc<dyn Backend>>>,
}

impl<'a> Auto<'a> {
    /// The rows of a source, with devices that are offered.
    pub fn new(source: &'a dyn Source, offers: Vec<&'a dyn Offer>) -> Self {
        Auto {
            source,
            offers,
            chosen: OnceLock::new(),
        }
    }
}

impl Source for Auto<'_> {
    fn schema(&self) -> &Schema {
        self.source.schema()
    }

    fn rows(&self) -> Option<u64> {
        self.source.rows()
    }

    fn workers(&self) -> usize {
        self.source.workers()
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        self.source.scan(columns, visit)
    }

    fn device(&self) -> Option<&Arc<dyn Backend>> {
        self.chosen.get()?.as_ref()
    }

    fn offers(&self) -> &[&dyn Offer] {
        match self.chosen.get() {
            None => &self.offers,
            Some(_) => &[],
        }
    }

    fn settle(&self, device: Option<Arc<dyn Backend>>) {
        // the first choice stays: the fit's rows are there
        let _ = self.chosen.set(device);
    }

    fn whole(&self, column: usize) -> Option<Whole<'_>> {
        match self.source.whole(column)? {
            Whole::Device(_) => None,
            host @ Whole::Host(_) => Some(host),
        }
    }
}
