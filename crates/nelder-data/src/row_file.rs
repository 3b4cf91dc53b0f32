//! Files of rows, whatever their format.

use std::sync::Arc;

use nelder::frame::{Levels, Source};

use crate::file::PositionedFile;

/// A file of rows, or one of several that are read as one.
pub(crate) trait RowFile: Source + Send {
    /// Batches of a scan.
    fn batches(&self) -> usize;

    /// The levels of a column that has any.
    fn levels(&self, column: usize) -> Option<&Arc<Levels>>;

    /// Gives a column of codes other levels, into which it will be coded.
    fn set_levels(&mut self, column: usize, levels: Arc<Levels>);

    /// The file that is read.
    fn file(&self) -> &PositionedFile;
}

/// Result of opening a file: its table, the columns that cannot be used, and remarks.
pub(crate) struct Found {
    pub table: Box<dyn RowFile>,
    /// Columns that a model cannot use: name and why.
    pub unreadable: Vec<(String, String)>,
    /// Remarks for whoever uses a column: its name, and a sentence.
    pub remarks: Vec<(String, String)>,
    /// For each column of the schema, true if it is of a text file and has no value, and so no type of its own.
    pub empty: Vec<bool>,
    /// True for a text file, whose types are inferred from its fields.
    pub is_text: bool,
}
