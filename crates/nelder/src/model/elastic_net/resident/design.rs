//! Columns of a model that are columns of the source, as they lie in memory.

use super::column::ResidentColumn;
use crate::design::{ColumnEncoding, ColumnKind, Columns};
use crate::formula::{Expr, NameTable, Terms};
use crate::frame::{ColumnMemory, Kind, Source};

/// Columns from which on they are read one by one, whatever the number of rows.
const MANY: usize = 4000;
/// Columns from which on they are, where they are more than the rows.
const SOME: usize = 400;

/// True for a column whose values are numbers as they are.
fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Real | Kind::Integer)
}

/// Numbers up to which a model of many steps is read by columns, whatever their number.
const FEW_NUMBERS: usize = 1 << 15;

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
    /// The columns of terms.
    ///
    /// # Errors
    /// The label of the first term that is computed, coded, or in a device's memory.
    pub fn new<'t>(terms: &'t Terms, source: &dyn Source) -> Result<Self, &'t str> {
        let fields = &source.schema().fields;
        let mut places = NameTable::default();
        places.reserve(fields.len());
        fields.iter().for_each(|f| places.push(&f.name));
        let count = terms.terms.len();
        let mut design = ResidentDesign {
            names: Vec::with_capacity(count),
            assign: Vec::with_capacity(count),
            at: Vec::with_capacity(count),
            labels: Vec::new(),
            sparse: false,
        };
        for (t, term) in terms.terms.iter().enumerate() {
            let other = || term.label.as_str();
            let place = |name: &str| {
                let at = places.find(name, |c| fields[c].name == name);
                at.filter(|c| is_number(fields[*c].kind)).ok_or_else(other)
            };
            let [variable] = term.variables.as_slice() else {
                return Err(other());
            };
            match &terms.variables[*variable] {
                // the terms give their names away when nothing else stands in the way
                Expr::Name(name) => design.add(String::new(), t + 1, place(name)?),
                Expr::Evaluated {
                    text,
                    columns,
                    suffixes,
                } => {
                    for (k, column) in columns.iter().enumerate() {
                        let suffix = suffixes.get(k).map_or("", String::as_str);
                        design.add(format!("{text}{suffix}"), t + 1, place(column)?);
                    }
                }
                _ => return Err(other()),
            }
        }
        for (k, &c) in design.at.iter().enumerate() {
            match source.column_memory(c) {
                None | Some(ColumnMemory::Host(_)) => {}
                Some(ColumnMemory::Sparse(_)) => design.sparse = true,
                Some(ColumnMemory::Device(_)) => return Err(&terms.terms[design.assign[k] - 1].label),
            }
        }
        Ok(design)
    }

    /// Takes the names of columns and the labels out of the terms that it was made of.
    pub fn take_names(&mut self, terms: &mut Terms) {
        let own = self.names.iter_mut().zip(&self.assign);
        for (name, t) in own.filter(|(name, _)| name.is_empty()) {
            if let Expr::Name(other) = &mut terms.variables[terms.terms[t - 1].variables[0]] {
                *name = std::mem::take(other);
            }
        }
        let labels = terms.terms.iter_mut().map(|t| std::mem::take(&mut t.label));
        self.labels = labels.collect();
    }

    /// The columns of the source.
    pub fn places(&self) -> &[usize] {
        &self.at
    }

    fn add(&mut self, name: String, term: usize, at: usize) {
        self.names.push(name);
        self.assign.push(term);
        self.at.push(at);
    }

    /// True if there is no column.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// True if reading column by column is quicker than the gram of all, or the only way.
    pub fn is_wide(&self, rows: usize) -> bool {
        let p = self.at.len();
        self.is_without_gram() || p > SOME && p > rows
    }

    /// True if the numbers of a model that takes many steps are so few that passes over rows would mostly be their beginnings and ends.
    pub fn is_small(&self, rows: usize, source: &dyn Source) -> bool {
        let held = |c: &usize| source.column_memory(*c).is_some();
        rows * self.at.len() <= FEW_NUMBERS && self.at.iter().all(held)
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
