//! Rows that are complete in columns which are read one by one.
//!
//! An incomplete row has weight zero, as the rows of a fold have. The columns with a missing or infinite number there, and they alone, are
//! copied, with zero in its place: nothing is multiplied with what is no number.

use std::collections::HashMap;

use rayon::prelude::*;

use super::column::ResidentColumn;
use super::design::ResidentDesign;
use super::loss::RowsInMemory;
use crate::design::{Missing, Room, RowCounts, RowError, human_size, infinite_in, missing_in};
use crate::model::ModelError;
use crate::pass::PassError;

/// The numbers that a column holds, each finite, by its number in the design.
pub(super) type FiniteColumns = HashMap<usize, Vec<f64>>;

/// Leaves out rows with a missing number, of which there are none but in columns `bad`; the columns that are to be read with finite numbers in the place of others.
///
/// # Errors
/// A missing number where that is an error, an infinite one in a row of the model; copies that have no room.
pub(super) fn complete(
    design: &ResidentDesign,
    (columns, mut bad): (&[ResidentColumn<'_>], Vec<usize>),
    missing: Missing,
    rows: &mut RowsInMemory,
    counts: &mut RowCounts,
) -> Result<FiniteColumns, ModelError> {
    bad.retain(|j| !columns[*j].is_finite());
    if bad.is_empty() {
        return Ok(FiniteColumns::new());
    }
    let n = rows.weight.len();
    // 1. rows of the model with a missing number
    let mut incomplete = vec![false; n];
    let first = first_row(columns, &bad, |i, x| {
        let here = x.is_nan() && rows.weight[i] > 0.0;
        incomplete[i] |= here;
        here
    });
    if let Some((i, j)) = first.filter(|_| missing == Missing::Fail) {
        return Err(refused(i, missing_in(design.name(j), i as u64 + 1)));
    }
    for (i, weight) in rows.weight.iter_mut().enumerate().filter(|(i, _)| incomplete[*i]) {
        *weight = 0.0;
        rows.y[i] = 0.0;
        counts.omitted += 1;
        counts.used -= 1;
    }
    // 2. what is left is finite
    if let Some((i, j)) = first_row(columns, &bad, |i, x| x.is_infinite() && rows.weight[i] > 0.0) {
        return Err(refused(i, infinite_in(design.name(j), i as u64 + 1)));
    }
    Room::of_machine().for_held(bad.len(), n as u64).map_err(|(bytes, room)| {
        let why = format!(
            "{} columns have missing numbers, and are copied without them, which takes {}; columns may take {}, half of what a fit may take: leave \
             rows out beforehand, or set NELDER_MEMORY",
            bad.len(),
            human_size(bytes),
            human_size(room)
        );
        ModelError::argument("data", why)
    })?;
    let finite = |j: usize| -> (usize, Vec<f64>) {
        let mut own = Vec::with_capacity(columns[j].held());
        columns[j].each(|_, x| own.push(if x.is_finite() { x } else { 0.0 }));
        (j, own)
    };
    Ok(bad.into_par_iter().map(finite).collect())
}

/// The first row for whose number `has` holds in one of the columns, and the first such column; `has` is asked for all.
fn first_row(
    columns: &[ResidentColumn<'_>],
    which: &[usize],
    mut has: impl FnMut(usize, f64) -> bool,
) -> Option<(usize, usize)> {
    let mut first: Option<(usize, usize)> = None;
    for &j in which {
        columns[j].each(|i, x| {
            if has(i, x) && first.is_none_or(|(row, _)| i < row) {
                first = Some((i, j));
            }
        });
    }
    first
}

fn refused(row: usize, message: String) -> ModelError {
    let row = row as u64;
    ModelError::Pass(PassError::Row(RowError { row, message }))
}
