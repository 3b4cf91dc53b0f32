//! Rows of a design that other processes read: a design of the same expressions there, and their levels here.

use std::sync::{Arc, Mutex};

use super::error::BindError;
use super::fingerprint::of_text;
use super::level_book::{CodeMaps, LevelBook};
use super::rows::{RowError, Rows};
use crate::frame::Source;

impl<'s> Rows<'s> {
    /// The design of another process for rows of the same columns: the same expressions and layout, and levels of its own, which its book
    /// notes.
    ///
    /// # Errors
    /// Variables that were restored from a fit.
    pub fn forked<'t>(&self, source: Arc<dyn Source + 't>) -> Result<Rows<'t>, BindError> {
        let variables = self.variables().forked(source.schema())?;
        let mut own = Rows::new(
            source,
            variables,
            self.labels().to_vec(),
            self.layout().clone(),
            self.roles().clone(),
            self.missing(),
            self.precision(),
        );
        if !self.scales().is_empty() {
            own.set_scales(self.scales().to_vec());
        }
        own.book = Some(Mutex::default());
        Ok(own)
    }

    /// The levels that rows have shown so far, but for those of books that were taken in; `None` where nobody notes them.
    pub fn level_book(&self) -> Option<LevelBook> {
        let mut book = self
            .book
            .as_ref()?
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .book();
        let rounding = self.variables().rounding();
        book.rounded = rounding
            .found()
            .into_iter()
            .map(|(at, (row, value))| (at, row, value))
            .collect();
        book.merged = rounding.merged().into_iter().collect();
        Some(book)
    }

    /// Takes in the levels that another process has found, and returns our codes for its.
    ///
    /// # Errors
    /// A row that this design's expressions cannot evaluate.
    pub fn adopt(&self, book: &LevelBook) -> Result<CodeMaps, RowError> {
        let mut maps = CodeMaps::default();
        for page in &book.pages {
            let batch = page.batch(&self.elsewhere.columns);
            let values = self.variables().evaluate(&batch).map_err(|e| RowError {
                row: batch.first_row,
                message: e.to_string(),
            })?;
            let mut known = self
                .book
                .as_ref()
                .map(|b| b.lock().unwrap_or_else(|e| e.into_inner()));
            for (v, theirs) in &page.variables {
                let ours = self.codes_of(&values[*v], *v, None);
                maps.note_variable(*v, theirs, &ours);
                if let Some(known) = &mut known {
                    known.know_variable(*v, &ours);
                }
            }
            let used: Vec<u32> = (0..batch.rows as u32)
                .filter(|&i| page.used[i as usize])
                .collect();
            for (g, theirs) in page.groups.iter().enumerate() {
                let of = |&v: &usize| self.codes_of(&values[v], v, Some(&used));
                let columns = self.layout().groups[g].iter().map(of).collect();
                let ours = self.combinations[g].encode(columns);
                maps.note_group(g, theirs, &ours);
                if let Some(known) = &mut known {
                    known.know_group(g, &ours);
                }
            }
        }
        self.variables().rounding().take(&book.rounded, &book.merged);
        self.elsewhere
            .books
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .push(book.clone());
        Ok(maps)
    }

    /// The books of other processes, in the order in which they were taken in: whoever takes them in so has the codes of this design.
    pub fn books(&self) -> Vec<LevelBook> {
        self.elsewhere
            .books
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .clone()
    }

    /// Fingerprint of the design: of its expressions, the columns that they read, and the layout of its rows.
    pub fn design_fingerprint(&self) -> u64 {
        let fields = &self.source().schema().fields;
        let names: Vec<&str> = self.columns().iter().map(|&c| fields[c].name.as_str()).collect();
        let text = format!(
            "{:?} {names:?} {:?} {:?} {:?} {:?}",
            self.labels(),
            self.layout(),
            self.roles(),
            self.missing(),
            self.precision()
        );
        of_text(&text)
    }
}
