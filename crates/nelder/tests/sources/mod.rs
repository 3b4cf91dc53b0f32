//! Sources other than a frame.

use nelder::frame::{Frame, Scan, Schema, Source, SourceError, Visit};

/// Rows whose number is not known beforehand: products are then rounded at first, as they are for large data.
pub struct Stream<'a>(pub Frame<'a>);

impl Source for Stream<'_> {
    fn schema(&self) -> &Schema {
        self.0.schema()
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn workers(&self) -> usize {
        self.0.workers()
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        self.0.scan(columns, visit)
    }
}
