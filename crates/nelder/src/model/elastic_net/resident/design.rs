//! Columns of a model that are columns of the source, as they lie in memory.

use std::collections::HashMap;

use super::column::ResidentColumn;
use crate::design::{ColumnEncoding, ColumnKind, Columns};
use crate::formula::{Expr, Terms};
use crate::frame::{ColumnMemory, Kind, Source};

/// Columns from which on they are read one by one, whatever the number of rows.
const MANY: usize = 4000;
/// Columns from which on they are, where they are more than the rows.
const SOME: usize = 400;

/// A model each of whose columns is one of the source.
#[derive(Debug)]
pub(super) struct ResidentDesign {
    /// Names as R writes them.
    names: Vec<String>,
    /// Number of the term of each, from 1.
    assign: Vec<usize>,
    /// Columns of the source.
    at: Vec<usize>,
    /// Labels of the terms.
    pub labels: Vec<String>,
    sparse: bool,
}

impl ResidentDesign {
    /// The columns of terms; `None` where one of them is computed, coded, or not in memory as numbers.
    pub fn new(terms: &Terms, source: &dyn Source) -> Option<Self> {
        let fields = &source.schema().fields;
        let places: HashMap<&str, usize> = fields.iter().map(|f| f.name.as_str()).zip(0..).collect();
        let mut design = ResidentDesign {
            names: Vec::new(),
            assign: Vec::new(),
            at: Vec::new(),
            labels: terms.terms.iter().map(|t| t.label.clone()).collect(),
            sparse: false,
        };
        for (t, term) in terms.terms.iter().enumerate() {
            let [variable] = term.variables.as_slice() else {
                return None;
            };
            match &terms.variables[*variable] {
                Expr::Name(name) => design.add(name.clone(), t + 1, *places.get(name.as_str())?),
                Expr::Evaluated {
                    text,
                    columns,
                    suffixes,
                } => {
                    for (k, column) in columns.iter().enumerate() {
                        let suffix = suffixes.get(k).map_or("", String::as_str);
                        design.add(format!("{text}{suffix}"), t + 1, *places.get(column.as_str())?);
                    }
                }
                _ => return None,
            }
        }
        for &c in &design.at {
            if fields[c].kind != Kind::Real {
                return None;
            }
            match source.column_memory(c)? {
                ColumnMemory::Host(_) => {}
                ColumnMemory::Sparse(_) => design.sparse = true,
                ColumnMemory::Device(_) => return None,
            }
        }
        (!design.at.is_empty()).then_some(design)
    }

    fn add(&mut self, name: String, term: usize, at: usize) {
        self.names.push(name);
        self.assign.push(term);
        self.at.push(at);
    }

    /// True if reading column by column is quicker than the gram of all, or the only way.
    pub fn is_wide(&self, rows: usize) -> bool {
        let p = self.at.len();
        self.is_without_gram() || p > SOME && p > rows
    }

    /// True if no gram could hold the columns, or none should.
    pub fn is_without_gram(&self) -> bool {
        self.sparse || self.at.len() > MANY
    }

    /// The columns of the model matrix, the intercept first.
    pub fn columns(&self) -> Columns {
        let dense = (0..self.at.len()).map(ColumnKind::Dense);
        Columns {
            names: std::iter::once("(Intercept)".to_string())
                .chain(self.names.iter().cloned())
                .collect(),
            assign: std::iter::once(0).chain(self.assign.iter().copied()).collect(),
            map: ColumnEncoding {
                intercept: true,
                kinds: std::iter::once(ColumnKind::Intercept).chain(dense).collect(),
                ..ColumnEncoding::default()
            },
            levels: Vec::new(),
            contrasts: Vec::new(),
            dropped_contrasts: Vec::new(),
        }
    }

    /// Name of a column.
    pub fn name(&self, j: usize) -> &str {
        &self.names[j]
    }

    /// The columns where they lie.
    pub fn resident<'a>(&self, source: &'a dyn Source) -> Vec<ResidentColumn<'a>> {
        let of = |&c: &usize| match source.column_memory(c) {
            Some(ColumnMemory::Host(values)) => Some(ResidentColumn::Dense(values)),
            Some(ColumnMemory::Sparse(own)) => Some(ResidentColumn::Sparse {
                rows: own.rows,
                values: own.values,
            }),
            _ => None,
        };
        self.at.iter().filter_map(of).collect()
    }
}
