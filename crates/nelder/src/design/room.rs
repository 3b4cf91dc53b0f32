//! Room for a design: the memory that a fit may take, against what its matrices need, before they are made.

use std::fmt;

use super::{BlockSchema, Elimination};

/// Matrices of columns x columns, in doubles, at the moment of a fit that holds the most of them, beside the gram of each thread: the sum of
/// these, the equations, their factor, its inverse. Measured: a fit of 6,000 columns on two threads holds four and a half.
const MATRICES: usize = 4;
/// Share of the machine's memory that a fit may take for its matrices.
const SHARE: f64 = 0.5;
/// Share of it that columns of files may take which are read into memory.
const HELD: f64 = 0.5;
/// Memory that is assumed where the system does not say it.
const ASSUMED: u64 = 8 << 30;
/// Bytes of a column's name, its place among the terms, and its entries by code.
const COLUMN: f64 = 300.0;
/// Bytes of the table of two groups of codes.
const PAIR: f64 = 160.0;

/// Memory that a fit may take for its matrices: half of the machine's, or what `NELDER_MEMORY` says, such as `12GB`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    bytes: f64,
}

/// A design that has no room.
#[derive(Clone, Debug, PartialEq)]
pub struct Lack {
    /// Columns of the model.
    pub columns: u128,
    /// Bytes that a fit of them would take.
    pub bytes: f64,
    /// Bytes that it may take.
    pub room: f64,
    /// The largest terms and their columns.
    pub terms: Vec<(String, u128)>,
}

/// A term and its columns.
pub(super) struct TermWidth<'a> {
    pub label: &'a str,
    pub columns: u128,
    /// True if it can be eliminated, so that what is left needs no room for it but a row for each of its levels.
    pub absorbable: bool,
}

impl Room {
    /// The room on this machine.
    pub fn of_machine() -> Room {
        let wanted = std::env::var("NELDER_MEMORY").ok();
        let bytes = wanted.as_deref().and_then(bytes_of).unwrap_or_else(|| {
            let memory = nelder_device::machine_memory().unwrap_or(ASSUMED);
            memory as f64 * SHARE
        });
        Room { bytes }
    }

    /// Room of so many bytes.
    pub fn of(bytes: u64) -> Room {
        Room { bytes: bytes as f64 }
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> f64 {
        self.bytes
    }

    /// The most columns for whose matrices there is room.
    pub fn most_columns(&self) -> usize {
        (self.bytes / matrices(1.0)).sqrt() as usize
    }

    /// Tests if there is room for a model of so many terms, each of which has a column or more.
    ///
    /// # Errors
    /// [`Lack`].
    pub fn for_terms(&self, terms: u128) -> Result<(), Lack> {
        self.holds(matrices(terms as f64), terms, &[])
    }

    /// Tests if there is room for the gram of responses and of the numbers in each term, a factor being one column of codes.
    ///
    /// # Errors
    /// [`Lack`].
    pub(super) fn for_numbers(&self, responses: usize, terms: &[TermWidth<'_>]) -> Result<(), Lack> {
        let columns = total(terms).saturating_add(responses as u128);
        self.holds(matrices(columns as f64), columns, terms)
    }

    /// Tests if there is room for the sums of a pass over the rows of a layout, by several threads.
    ///
    /// # Errors
    /// [`Lack`].
    pub(super) fn for_sums(&self, atoms: &BlockSchema, terms: &[TermWidth<'_>]) -> Result<(), Lack> {
        let dense = (atoms.dense + atoms.responses) as f64;
        let groups = atoms.groups.len() as f64;
        let tables = rayon::current_num_threads() as f64 * groups * groups / 2.0 * PAIR;
        self.holds(matrices(dense) + tables, total(terms), terms)
    }

    /// Tests if there is room for the equations of a model, of which the largest terms that can be are eliminated.
    ///
    /// # Errors
    /// [`Lack`].
    pub(super) fn for_columns(&self, terms: &[TermWidth<'_>], elimination: Elimination) -> Result<(), Lack> {
        let columns = total(terms);
        let mut sizes: Vec<u128> = terms.iter().filter(|t| t.absorbable).map(|t| t.columns).collect();
        sizes.sort_unstable_by_key(|size| std::cmp::Reverse(*size));
        sizes.truncate(match elimination {
            Elimination::Nothing => 0,
            Elimination::Largest => 1,
            Elimination::TwoLargest => 2,
        });
        let absorbed = sizes.iter().fold(0u128, |sum, size| sum.saturating_add(*size));
        let left = columns.saturating_sub(absorbed) as f64;
        // means of what is left by level, in twice the precision, and their products; of a second factor solutions beside them
        let by_level = match elimination {
            Elimination::TwoLargest => 80.0 * (left + 8.0),
            _ => 32.0 * left,
        };
        let bytes = matrices(left) + by_level * absorbed as f64 + COLUMN * columns as f64;
        self.holds(bytes, columns, terms)
    }

    /// Tests if there is room for the matrices of so many folds of a model of `columns` columns, of which each thread has one for each
    /// fold.
    ///
    /// # Errors
    /// [`Lack`].
    pub(crate) fn for_folds(&self, columns: usize, folds: usize) -> Result<(), Lack> {
        let each = FOLD_MATRICES * (1 + rayon::current_num_threads()) as f64;
        let bytes = 8.0 * each * folds as f64 * (columns * columns) as f64;
        self.holds(bytes, columns as u128, &[])
    }

    /// Tests if there is room for the second derivatives of so many paths of a model of classes: for each path two matrices of all coefficients,
    /// and for each pair of classes a gram, which each thread has too.
    ///
    /// # Errors
    /// [`Lack`].
    pub(crate) fn for_classes(&self, columns: usize, classes: usize, paths: usize) -> Result<(), Lack> {
        let (of_columns, classes) = ((columns * columns) as f64, classes as f64);
        let pairs = 0.5 * classes * (classes - 1.0) * (1 + rayon::current_num_threads()) as f64;
        let bytes = 8.0 * paths as f64 * of_columns * (2.0 * classes * classes + pairs);
        self.holds(bytes, columns as u128, &[])
    }

    /// Tests if there is room for the active columns of so many paths at a time: the matrix of each and its factor, which double where they grow, and
    /// the columns themselves.
    ///
    /// # Errors
    /// [`Lack`].
    pub(crate) fn for_active(&self, columns: usize, rows: usize, paths: usize) -> Result<(), Lack> {
        let (of_columns, of_rows) = ((columns * columns) as f64, (rows * columns) as f64);
        let bytes = 8.0 * paths as f64 * (10.0 * of_columns + 3.0 * of_rows);
        self.holds(bytes, columns as u128, &[])
    }

    /// Tests if there is room to hold so many columns of numbers beside what is computed of them: half of what a fit may take.
    ///
    /// # Errors
    /// Their bytes, and those that they may take.
    pub(crate) fn for_held(&self, columns: usize, rows: u64) -> Result<(), (f64, f64)> {
        let (bytes, room) = (8.0 * columns as f64 * rows as f64, HELD * self.bytes);
        if bytes <= room { Ok(()) } else { Err((bytes, room)) }
    }

    /// Tests if there is room for so many bytes, those of a model of so many columns.
    fn holds(&self, bytes: f64, columns: u128, terms: &[TermWidth<'_>]) -> Result<(), Lack> {
        if bytes <= self.bytes {
            return Ok(());
        }
        let mut largest: Vec<(String, u128)> =
            terms.iter().map(|t| (t.label.to_string(), t.columns)).collect();
        largest.sort_by_key(|(_, columns)| std::cmp::Reverse(*columns));
        largest.truncate(3);
        largest.retain(|(_, columns)| *columns > 1);
        Err(Lack {
            columns,
            bytes,
            room: self.bytes,
            terms: largest,
        })
    }
}

/// Matrices of a fold: a gram in two parts, products, and the moments of its rows and of the others.
const FOLD_MATRICES: f64 = 4.0;

/// The columns of all terms.
fn total(terms: &[TermWidth<'_>]) -> u128 {
    terms.iter().fold(0, |sum, t| sum.saturating_add(t.columns))
}

/// Bytes of a fit's matrices of so many columns.
fn matrices(columns: f64) -> f64 {
    8.0 * (MATRICES + rayon::current_num_threads()) as f64 * columns * columns
}

/// `12GB`, `500MB`, or a number of bytes.
fn bytes_of(text: &str) -> Option<f64> {
    let text = text.trim().to_ascii_uppercase();
    let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3), ("B", 1.0)];
    let found = units.iter().find(|(unit, _)| text.ends_with(unit));
    let (unit, factor) = found.copied().unwrap_or(("", 1.0));
    let number: f64 = text[..text.len() - unit.len()].trim().parse().ok()?;
    (number > 0.0 && number.is_finite()).then_some(number * factor)
}

/// Bytes as a reader says them.
pub(crate) fn human_size(bytes: f64) -> String {
    match bytes {
        b if b < 1e9 => format!("{:.0} MB", (b / 1e6).max(1.0)),
        b if b < 1e13 => format!("{:.1} GB", b / 1e9),
        b => format!("{:.1e} GB", b / 1e9),
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = match self.columns {
            c if c < 1_000_000_000_000 => c.to_string(),
            c => format!("{:.1e}", c as f64),
        };
        write!(
            f,
            "the model has {columns} columns, whose equations need {} of memory, and a fit may take {}",
            human_size(self.bytes),
            human_size(self.room)
        )?;
        for (k, (label, columns)) in self.terms.iter().enumerate() {
            let before = if k == 0 { "; its largest terms: " } else { ", " };
            write!(f, "{before}`{label}` ({columns})")?;
        }
        write!(
            f,
            "; leave terms out, or set NELDER_MEMORY to more than half of this machine's memory"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_columns_have_room_or_not() {
        let room = Room::of(1 << 30);
        assert!(room.for_active(2000, 1000, 2).is_ok());
        // ten matrices of 30,000 columns are 72 GB
        let lack = room.for_active(30_000, 1000, 1).unwrap_err();
        assert!(lack.bytes > 7.2e10 && lack.columns == 30_000);
    }

    #[test]
    fn sizes_as_they_are_written() {
        for (text, bytes) in [
            ("12GB", Some(12e9)),
            (" 1.5 tb", Some(1.5e12)),
            ("800", Some(800.0)),
        ] {
            assert_eq!(bytes_of(text), bytes, "{text}");
        }
        for text in ["", "GB", "-1GB", "all", "infGB"] {
            assert_eq!(bytes_of(text), None, "{text}");
        }
    }

    #[test]
    fn a_term_that_is_eliminated_takes_a_row_a_level() {
        let room = Room::of(1 << 30);
        let term = |columns, absorbable| TermWidth {
            label: "f",
            columns,
            absorbable,
        };
        assert!(
            room.for_columns(&[term(400_000, true), term(3, false)], Elimination::Largest)
                .is_ok()
        );
        let lack = room
            .for_columns(&[term(400_000, false), term(3, false)], Elimination::Largest)
            .unwrap_err();
        assert_eq!((lack.columns, lack.terms.len()), (400_003, 2));
        assert!(
            room.for_columns(&[term(100_000, true), term(50_000, true)], Elimination::Largest)
                .is_err()
        );
        assert!(
            room.for_columns(
                &[term(100_000, true), term(50_000, true)],
                Elimination::TwoLargest
            )
            .is_ok()
        );
        let text = room
            .for_columns(&[term(u128::MAX, false)], Elimination::Largest)
            .unwrap_err()
            .to_string();
        assert!(text.starts_with("the model has 3.4e38 columns"), "{text}");
    }
}
