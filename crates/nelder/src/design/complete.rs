//! Which rows of a batch can be part of a model.

use nelder_device::kernels;

use super::{Missing, RowError, Rows, Value};
use crate::frame::{Batch, MISSING};

/// The refusal of a missing value of a variable, in a row from 1.
pub(crate) fn missing_in(label: &str, row: u64) -> String {
    format!("`{label}` is missing in row {row}; `--na omit` leaves such rows out")
}

/// The refusal of an infinite value of a variable, in a row from 1.
pub(crate) fn infinite_in(label: &str, row: u64) -> String {
    format!(
        "`{label}` is infinite in row {row}; leave such rows out with a subset, such as `is.finite({label})`, or transform the column"
    )
}

impl Rows<'_> {
    /// Which rows are in the subset and complete (`None` for all), and which of it are not complete.
    ///
    /// # Errors
    /// A missing value where the action is to fail, an infinite one, a subset that is not logical.
    pub(super) fn complete(
        &self,
        batch: &Batch<'_>,
        values: &[Value<'_>],
    ) -> Result<(Option<Vec<bool>>, Vec<u32>), RowError> {
        let n = batch.rows;
        // a column of finite numbers has neither missing nor infinite ones
        let finite: Vec<Vec<bool>> = values
            .iter()
            .map(|value| match value {
                Value::Numbers(columns) => columns.iter().map(|c| kernels::all_finite(&c.high)).collect(),
                _ => Vec::new(),
            })
            .collect();
        let mut keep = self.subset_of(batch, values)?;
        let mut incomplete = Vec::new();
        for (v, value) in values.iter().enumerate() {
            if self.roles().subset == Some(v) {
                continue;
            }
            let mut drop = |i: usize, keep: &mut Option<Vec<bool>>| -> Result<(), RowError> {
                let mask = keep.get_or_insert_with(|| vec![true; n]);
                if mask[i] {
                    if self.missing() == Missing::Fail {
                        return Err(self.error(batch, i, |row| missing_in(&self.labels()[v], row)));
                    }
                    mask[i] = false;
                    incomplete.push(i as u32);
                }
                Ok(())
            };
            match value {
                Value::Numbers(columns) => {
                    for (column, _) in columns.iter().zip(&finite[v]).filter(|(_, finite)| !**finite) {
                        for i in 0..n {
                            if column.high[i].is_nan() {
                                drop(i, &mut keep)?;
                            }
                        }
                    }
                }
                Value::Logical(x) => {
                    for i in 0..n {
                        if x[i] == 2 {
                            drop(i, &mut keep)?;
                        }
                    }
                }
                Value::Codes { codes, .. } => {
                    if codes.iter().copied().max() == Some(MISSING) {
                        for i in 0..n {
                            if codes[i] == MISSING {
                                drop(i, &mut keep)?;
                            }
                        }
                    }
                }
            }
        }
        self.check_finite(batch, values, &finite, keep.as_deref())?;
        if keep.is_none() {
            self.whole.add(batch);
        }
        Ok((keep, incomplete))
    }

    /// The rows that are in the subset; `None` without one.
    fn subset_of(&self, batch: &Batch<'_>, values: &[Value<'_>]) -> Result<Option<Vec<bool>>, RowError> {
        let mut keep: Option<Vec<bool>> = None;
        if let Some(s) = self.roles().subset {
            let mask = keep.get_or_insert_with(|| vec![true; batch.rows]);
            match &values[s] {
                Value::Logical(v) => {
                    for (m, &x) in mask.iter_mut().zip(v.iter()) {
                        *m = x == 1;
                    }
                }
                _ => {
                    return Err(self.error(batch, 0, |_| {
                        format!(
                            "the subset `{}` must be logical, such as `x > 0` (numbers would be numbers of rows in R)",
                            self.labels()[s]
                        )
                    }));
                }
            }
        }
        Ok(keep)
    }

    /// An error for an infinite value in rows that are left; the first row is named. `finite` says which columns of each
    /// variable have none.
    fn check_finite(
        &self,
        batch: &Batch<'_>,
        values: &[Value<'_>],
        finite: &[Vec<bool>],
        keep: Option<&[bool]>,
    ) -> Result<(), RowError> {
        let mut first: Option<(usize, usize)> = None;
        for (v, value) in values.iter().enumerate() {
            let Value::Numbers(columns) = value else { continue };
            for (column, _) in columns.iter().zip(&finite[v]).filter(|(_, finite)| !**finite) {
                let end = first.map_or(batch.rows, |(i, _)| i);
                let bad = (0..end).find(|&i| column.high[i].is_infinite() && keep.is_none_or(|k| k[i]));
                first = bad.map(|i| (i, v)).or(first);
            }
        }
        if let Some((i, v)) = first {
            return Err(self.error(batch, i, |row| infinite_in(&self.labels()[v], row)));
        }
        Ok(())
    }
}
