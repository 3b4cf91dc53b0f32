//! Levels that the rows of another process have: rows that show them, and the codes that they have there.
//!
//! A process gives codes to levels, and to combinations of levels, in the order in which its rows show them. What it sends beside its sums
//! is a book: for each code one row that has it, with the row's codes. Whoever evaluates the same row with the same expressions finds
//! its own codes there, whatever functions the levels went through, and so a map from one process's codes to the other's.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::frame::{Batch, Column, Key, Levels, MISSING};

/// Rows that show each level, and each combination of levels, of a part of a design's rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LevelBook {
    pub(super) pages: Vec<Page>,
    /// Columns by position whose whole numbers were rounded, the first such row, and its value.
    pub(super) rounded: Vec<(usize, u64, i128)>,
    /// Columns by position whose numbers became codes with fewer digits than they have, and the first such row.
    pub(super) merged: Vec<(usize, u64)>,
}

impl LevelBook {
    /// True if no row shows a level that was not known before.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }
}

/// Some rows of one batch, and their codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Page {
    /// Number of the first row.
    pub first_row: u64,
    /// The columns that the design reads.
    columns: Vec<PageColumn>,
    /// True for rows that are in the model; the others have weight zero.
    pub used: Vec<bool>,
    /// Variables with codes, and the code of each row.
    pub variables: Vec<(usize, Vec<u32>)>,
    /// By group, the code of each row that is in the model.
    pub groups: Vec<Vec<u32>>,
}

/// A column of a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum PageColumn {
    Real(Vec<f64>),
    Integer(Vec<i32>),
    Whole(Vec<i128>),
    Logical(Vec<u8>),
    /// A level of its own in each row; `None` where it is missing. All levels where their order is given.
    Levels {
        keys: Vec<Option<Key>>,
        fixed: Option<Vec<String>>,
        whole: bool,
    },
}

impl PageColumn {
    /// Some rows of a column.
    fn of(column: &Column<'_>, rows: &[u32]) -> PageColumn {
        fn picked<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
            rows.iter().map(|&i| values[i as usize]).collect()
        }
        match column {
            Column::Real(v) => PageColumn::Real(picked(v, rows)),
            Column::Integer(v) => PageColumn::Integer(picked(v, rows)),
            Column::Whole(v) => PageColumn::Whole(picked(v, rows)),
            Column::Logical(v) => PageColumn::Logical(picked(v, rows)),
            Column::Codes { codes, levels } => PageColumn::Levels {
                keys: picked(codes, rows).into_iter().map(|c| levels.key(c)).collect(),
                fixed: levels.is_fixed().then(|| levels.labels()),
                whole: levels.is_whole(),
            },
        }
    }

    /// The column, its levels in a set that all pages share.
    fn column(&self, shared: &OnceLock<Arc<Levels>>) -> Column<'_> {
        match self {
            PageColumn::Real(v) => Column::Real(Cow::Borrowed(v)),
            PageColumn::Integer(v) => Column::Integer(Cow::Borrowed(v)),
            PageColumn::Whole(v) => Column::Whole(Cow::Borrowed(v)),
            PageColumn::Logical(v) => Column::Logical(Cow::Borrowed(v)),
            PageColumn::Levels { keys, fixed, whole } => {
                let levels = shared.get_or_init(|| {
                    Arc::new(match fixed {
                        Some(labels) => Levels::fixed(labels),
                        None => Levels::growing().with_whole(*whole),
                    })
                });
                let code = |key: &Option<Key>| key.as_ref().map_or(MISSING, |key| levels.intern(key));
                Column::Codes {
                    codes: keys.iter().map(code).collect::<Vec<u32>>().into(),
                    levels: levels.clone(),
                }
            }
        }
    }
}

impl Page {
    /// The rows as a batch of a source.
    pub fn batch(&self, shared: &[OnceLock<Arc<Levels>>]) -> Batch<'_> {
        let columns = self.columns.iter().zip(shared);
        Batch {
            index: 0,
            first_row: self.first_row,
            rows: self.used.len(),
            columns: columns.map(|(column, levels)| column.column(levels)).collect(),
            coarse: Vec::new(),
        }
    }
}

/// Writes the book of a part of a design's rows.
#[derive(Debug, Default)]
pub(super) struct BookWriter {
    book: LevelBook,
    variables: HashSet<(usize, u32)>,
    groups: HashSet<(usize, u32)>,
}

impl BookWriter {
    /// Takes in rows of a batch: the codes of each variable that has some, and of each group where the rows are in the model.
    pub fn take(
        &mut self,
        batch: &Batch<'_>,
        rows: &[u32],
        variables: &[(usize, Cow<'_, [u32]>)],
        groups: Option<&[Cow<'_, [u32]>]>,
    ) {
        let mut new = Vec::new();
        for i in 0..rows.len() {
            let mut shows = false;
            for (v, codes) in variables {
                shows |= self.variables.insert((*v, codes[i]));
            }
            for (g, codes) in groups.unwrap_or_default().iter().enumerate() {
                shows |= self.groups.insert((g, codes[i]));
            }
            if shows {
                new.push(i);
            }
        }
        if new.is_empty() {
            return;
        }
        let places: Vec<u32> = new.iter().map(|&i| rows[i]).collect();
        let picked = |codes: &Cow<'_, [u32]>| new.iter().map(|&i| codes[i]).collect::<Vec<u32>>();
        self.book.pages.push(Page {
            first_row: batch.first_row,
            columns: batch.columns.iter().map(|c| PageColumn::of(c, &places)).collect(),
            used: vec![groups.is_some(); new.len()],
            variables: variables.iter().map(|(v, codes)| (*v, picked(codes))).collect(),
            groups: groups.unwrap_or_default().iter().map(picked).collect(),
        });
    }

    /// Codes of a variable that need no row to show them.
    pub fn know_variable(&mut self, variable: usize, codes: &[u32]) {
        self.variables.extend(codes.iter().map(|&code| (variable, code)));
    }

    /// The same of a group.
    pub fn know_group(&mut self, group: usize, codes: &[u32]) {
        self.groups.extend(codes.iter().map(|&code| (group, code)));
    }

    /// The book so far.
    pub fn book(&self) -> LevelBook {
        self.book.clone()
    }
}

/// Codes of this process for those of another: by variable, and by group.
#[derive(Clone, Debug, Default)]
pub struct CodeMaps {
    variables: HashMap<(usize, u32), u32>,
    groups: Vec<Vec<u32>>,
}

impl CodeMaps {
    /// Notes codes of a variable.
    pub(super) fn note_variable(&mut self, variable: usize, theirs: &[u32], ours: &[u32]) {
        let codes = theirs.iter().zip(ours);
        self.variables
            .extend(codes.map(|(&from, &to)| ((variable, from), to)));
    }

    /// Notes codes of a group.
    pub(super) fn note_group(&mut self, group: usize, theirs: &[u32], ours: &[u32]) {
        if self.groups.len() <= group {
            self.groups.resize(group + 1, Vec::new());
        }
        let map = &mut self.groups[group];
        for (&from, &to) in theirs.iter().zip(ours) {
            let from = from as usize;
            if map.len() <= from {
                map.resize(from + 1, MISSING);
            }
            map[from] = to;
        }
    }

    /// Our code for one of a variable.
    pub fn variable(&self, variable: usize, code: u32) -> u32 {
        self.variables.get(&(variable, code)).copied().unwrap_or(code)
    }

    /// Our code for one of a group; `None` where no row showed it.
    pub fn group(&self, group: usize, code: u32) -> Option<u32> {
        let to = self.groups.get(group)?.get(code as usize)?;
        (*to != MISSING).then_some(*to)
    }
}
