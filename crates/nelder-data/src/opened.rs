//! Files that were opened, as a source.

use nelder::frame::{Scan, Schema, Source, SourceError, Visit};

/// Files that were opened, as a source.
pub struct Opened {
    pub(crate) source: Box<dyn Source>,
    pub(crate) unreadable: Vec<(String, String)>,
    pub(crate) remarks: Vec<(String, String)>,
}

impl Opened {
    /// Columns of the file that a model cannot use: the name, and why, such as "is of type List(Int32), which a model
    /// cannot use".
    pub fn unreadable(&self) -> &[(String, String)] {
        &self.unreadable
    }

    /// Remarks for whoever uses a column: its name, and a sentence, such as that a column of numbers was taken for text
    /// because of one field.
    pub fn remarks(&self) -> &[(String, String)] {
        &self.remarks
    }
}

impl Source for Opened {
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
}
