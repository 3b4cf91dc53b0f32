//! Folds of a cross-validation: a number for each row.

use std::sync::Mutex;

use nelder_device::Philox;

use crate::design::{Block, RowError};
use crate::formula::nearest;
use crate::frame::{Batch, Column, Source};
use crate::model::ModelError;
use crate::pass::PassError;

/// Folds of a cross-validation.
///
/// Drawn folds need no memory: each run of as many consecutive rows as there are folds has every fold once, in an order that a
/// counter-based generator draws for the run. So folds are of equal size, the same for the same seed wherever the rows are read, and neighbours
/// are in different folds.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Folds {
    /// Drawn.
    Drawn {
        /// Number of folds.
        count: u32,
        /// The seed.
        seed: u64,
    },
    /// The fold of each row of the source, from 0.
    Given(Vec<u32>),
}

impl Default for Folds {
    fn default() -> Self {
        Folds::Drawn { count: 10, seed: 1 }
    }
}

impl Folds {
    /// The folds that a column names: its different numbers, in ascending order.
    ///
    /// # Errors
    /// No such column; one that is not of numbers; a missing value; a source that cannot be read.
    pub fn of_column(source: &dyn Source, name: &str) -> Result<Folds, ModelError> {
        let wrong = |why: String| ModelError::argument("foldid", why);
        let names = source.schema().names();
        let Some(at) = names.iter().position(|n| *n == name) else {
            let hint =
                nearest(name, names.into_iter()).map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            return Err(wrong(format!("`{name}` is no column of the data{hint}")));
        };
        let parts: Mutex<Vec<(u64, Vec<f64>)>> = Mutex::default();
        let visit = |_: usize, batch: Batch<'_>| {
            let numbers = match &batch.columns[0] {
                Column::Real(v) => v.to_vec(),
                Column::Integer(v) => v
                    .iter()
                    .map(|&i| if i == i32::MIN { f64::NAN } else { f64::from(i) })
                    .collect(),
                _ => Vec::new(),
            };
            let sound = numbers.len() == batch.rows;
            parts
                .lock()
                .unwrap_or_else(|e| e.into_inner())
                .push((batch.first_row, numbers));
            sound
        };
        source.scan(&[at], &visit).map_err(PassError::Source)?;
        let mut parts = parts.into_inner().unwrap_or_else(|e| e.into_inner());
        parts.sort_by_key(|(first, _)| *first);
        let mut different: Vec<f64> = Vec::new();
        for (first, numbers) in &parts {
            if let Some(i) = numbers.iter().position(|v| !v.is_finite()) {
                return Err(wrong(format!(
                    "`{name}` has no number in row {}",
                    first + i as u64 + 1
                )));
            }
            let mut own = numbers.clone();
            own.sort_by(f64::total_cmp);
            own.dedup();
            different.extend(own);
            different.sort_by(f64::total_cmp);
            different.dedup();
            if different.len() > MOST_FOLDS {
                return Err(wrong(format!(
                    "`{name}` has more than {MOST_FOLDS} different numbers"
                )));
            }
        }
        if parts.is_empty() || parts.iter().any(|(_, numbers)| numbers.is_empty()) {
            return Err(wrong(format!("`{name}` is not a column of numbers")));
        }
        let place = |v: &f64| different.partition_point(|d| d < v) as u32;
        let of_rows = parts.iter().flat_map(|(_, numbers)| numbers.iter().map(place));
        Ok(Folds::Given(of_rows.collect()))
    }

    /// Number of folds.
    pub fn count(&self) -> usize {
        match self {
            Folds::Drawn { count, .. } => *count as usize,
            Folds::Given(of_rows) => of_rows.iter().max().map_or(0, |&m| m as usize + 1),
        }
    }

    /// The error of a fold that none of the rows in the model is in.
    pub(super) fn empty(fold: usize, count: usize, rows: u64) -> ModelError {
        ModelError::argument(
            "nfolds",
            format!(
                "no complete row of positive weight is in fold {} of {count}: there are {rows} rows for them",
                fold + 1
            ),
        )
    }

    /// The folds of a further repetition: drawn with another seed.
    pub(super) fn repeated(&self, repeat: u64) -> Folds {
        match self {
            Folds::Drawn { count, seed } => Folds::Drawn {
                count: *count,
                seed: seed.wrapping_add(repeat.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            },
            given => given.clone(),
        }
    }

    /// Numbers of folds that are no cross-validation.
    ///
    /// # Errors
    /// Fewer than three folds, a fold without a row, a number of folds for rows that is not the number of rows.
    pub(super) fn check(&self, rows: Option<u64>) -> Result<(), ModelError> {
        let count = self.count();
        if count < 3 {
            return Err(ModelError::argument(
                "nfolds",
                format!("{count} is below 3; nfolds = 10 is recommended"),
            ));
        }
        if count > MOST_FOLDS {
            return Err(ModelError::argument(
                "nfolds",
                format!("{count} is above {MOST_FOLDS}, the most there may be"),
            ));
        }
        let Folds::Given(of_rows) = self else {
            return Ok(());
        };
        if let Some(rows) = rows.filter(|&n| n != of_rows.len() as u64) {
            return Err(ModelError::argument(
                "foldid",
                format!("{} numbers for {rows} rows", of_rows.len()),
            ));
        }
        let mut seen = vec![false; count];
        of_rows.iter().for_each(|&f| seen[f as usize] = true);
        match seen.iter().position(|s| !s) {
            None => Ok(()),
            Some(fold) => Err(ModelError::argument(
                "foldid",
                format!("no row is in fold {} of {count}", fold + 1),
            )),
        }
    }

    /// The fold of each row of a block.
    ///
    /// # Errors
    /// A row beyond those that have a fold.
    pub(super) fn of_block(&self, block: &Block<'_>, out: &mut Vec<u32>) -> Result<(), RowError> {
        self.of_rows((0..block.rows).map(|i| block.source_row(i)), out)
    }

    /// The fold of each of some rows by their positions in the source, neighbours together.
    ///
    /// # Errors
    /// A row beyond those that have a fold.
    pub(super) fn of_rows(
        &self,
        rows: impl Iterator<Item = u64>,
        out: &mut Vec<u32>,
    ) -> Result<(), RowError> {
        out.clear();
        match self {
            Folds::Given(of_rows) => {
                for row in rows {
                    let Some(&fold) = of_rows.get(row as usize) else {
                        return Err(RowError {
                            row,
                            message: format!(
                                "row {} has no fold: foldid has {} numbers",
                                row + 1,
                                of_rows.len()
                            ),
                        });
                    };
                    out.push(fold);
                }
            }
            Folds::Drawn { count, seed } => {
                let (mut run, mut order) = (u64::MAX, vec![0; *count as usize]);
                for row in rows {
                    let (own, place) = (row / u64::from(*count), row % u64::from(*count));
                    if own != run {
                        run = own;
                        shuffled(*seed, own, &mut order);
                    }
                    out.push(order[place as usize]);
                }
            }
        }
        Ok(())
    }
}

/// The most folds that there may be.
const MOST_FOLDS: usize = 10_000;

/// A random order of 0, 1, …, for a counter (Fisher & Yates).
fn shuffled(seed: u64, counter: u64, order: &mut [u32]) {
    for (i, o) in order.iter_mut().enumerate() {
        *o = i as u32;
    }
    let key = [seed as u32, (seed >> 32) as u32];
    let mut words = [0; 4];
    for (draw, i) in (1..order.len()).rev().enumerate() {
        if draw % 4 == 0 {
            let at = [
                counter as u32,
                (counter >> 32) as u32,
                (draw / 4) as u32,
                0x666f_6c64,
            ];
            words = Philox::words(at, key);
        }
        // of 2³² numbers each place has the same share to 2⁻³² i
        let place = (u64::from(words[draw % 4]) * (i as u64 + 1)) >> 32;
        order.swap(i, place as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_of_rows_has_every_fold_once() {
        let block = Block {
            first_row: 20,
            rows: 1000,
            ..Block::default()
        };
        let (mut first, mut later) = (Vec::new(), Vec::new());
        let folds = Folds::Drawn { count: 10, seed: 7 };
        folds.of_block(&block, &mut first).unwrap();
        for run in first.chunks(10) {
            let mut run = run.to_vec();
            run.sort_unstable();
            assert_eq!(run, (0..10).collect::<Vec<u32>>());
        }
        // the same rows in other blocks
        let part = Block {
            first_row: 500,
            rows: 77,
            ..Block::default()
        };
        folds.of_block(&part, &mut later).unwrap();
        assert_eq!(later, first[480..557]);
        // all places are taken about equally often: 100 runs, ten folds, 10 ± 4.5 √(100/10 · 0.9)
        let mut counts = [[0; 10]; 10];
        for (i, f) in first.iter().enumerate() {
            counts[i % 10][*f as usize] += 1;
        }
        assert!(counts.iter().flatten().all(|c| *c < 24));
        folds.repeated(1).of_block(&block, &mut later).unwrap();
        assert_ne!(first, later);
    }

    #[test]
    fn folds_that_are_none_are_refused() {
        let why = |folds: Folds, rows| folds.check(rows).unwrap_err().to_string();
        assert!(why(Folds::Drawn { count: 2, seed: 1 }, None).contains("below 3"));
        assert!(why(Folds::Given(vec![0, 1, 3]), None).contains("no row is in fold 3 of 4"));
        assert!(why(Folds::Given(vec![0, 1, 2]), Some(4)).contains("3 numbers for 4 rows"));
    }
}
