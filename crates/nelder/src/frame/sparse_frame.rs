//! Rows of a sparse matrix beside other columns.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{
    Batch, Column, ColumnMemory, Field, Kind, Scan, Schema, Source, SourceError, Sparse, SparseColumn,
    SparseError, Visit, batch_rows, in_batches,
};

/// The columns of a sparse matrix, and after them those of another source of as many rows.
///
/// The matrix is never made dense: a batch has the numbers of its own rows alone, and models that go column by column read what the matrix
/// holds.
///
/// ```
/// use nelder::frame::{Frame, Source, Sparse, SparseFrame};
/// // [1 0; 0 2; 3 0]
/// let x = Sparse::new(3, &[0, 2, 3], &[0, 2, 1], &[1.0, 3.0, 2.0])?;
/// let y = Frame::new().with_real("y", &[1.0, 0.5, 2.0]);
/// let frame = SparseFrame::new(x, vec!["a".into(), "b".into()], y)?;
/// assert_eq!(frame.schema().names(), ["a", "b", "y"]);
/// # Ok::<(), nelder::frame::SparseError>(())
/// ```
#[derive(Debug)]
pub struct SparseFrame<'a, S> {
    sparse: Sparse<'a>,
    rest: S,
    schema: Schema,
}

impl<'a, S: Source> SparseFrame<'a, S> {
    /// A matrix with the names of its columns, and the other columns.
    ///
    /// # Errors
    /// [`SparseError::Names`], [`SparseError::Beside`]: other numbers of names or rows.
    pub fn new(sparse: Sparse<'a>, names: Vec<String>, rest: S) -> Result<Self, SparseError> {
        if names.len() != sparse.columns() {
            return Err(SparseError::Names {
                names: names.len(),
                columns: sparse.columns(),
            });
        }
        if let Some(rows) = rest.rows().filter(|n| *n != sparse.rows() as u64) {
            return Err(SparseError::Beside {
                rows: sparse.rows(),
                others: rows,
            });
        }
        let mut fields: Vec<Field> = names
            .into_iter()
            .map(|name| Field {
                name,
                kind: Kind::Real,
            })
            .collect();
        fields.extend(rest.schema().fields.iter().cloned());
        Ok(SparseFrame {
            sparse,
            rest,
            schema: Schema { fields },
        })
    }

    /// Rows `from..to` of a column.
    fn part(&self, column: usize, from: usize, to: usize) -> Column<'static> {
        let (rows, values) = self.sparse.column(column);
        let place = |row: usize| rows.partition_point(|&i| (i as usize) < row);
        let own = place(from)..place(to);
        let mut out = vec![0.0; to - from];
        for (i, v) in rows[own.clone()].iter().zip(&values[own]) {
            out[*i as usize - from] = *v;
        }
        Column::Real(Cow::Owned(out))
    }

    /// The wanted columns of a batch, those of the other source taken from `rest` in their order.
    fn joined<'b>(
        &self,
        columns: &[usize],
        (from, to): (usize, usize),
        rest: impl IntoIterator<Item = Column<'b>>,
    ) -> Vec<Column<'b>> {
        let mut rest = rest.into_iter();
        let of = |&c: &usize| match c < self.sparse.columns() {
            true => Some(self.part(c, from, to)),
            false => rest.next(),
        };
        columns.iter().filter_map(of).collect()
    }
}

impl<S: Source> Source for SparseFrame<'_, S> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        Some(self.sparse.rows() as u64)
    }

    fn workers(&self) -> usize {
        self.rest.workers()
    }

    fn column_memory(&self, column: usize) -> Option<ColumnMemory<'_>> {
        match column.checked_sub(self.sparse.columns()) {
            Some(rest) => self.rest.column_memory(rest),
            None => {
                let (rows, values) = self.sparse.column(column);
                Some(ColumnMemory::Sparse(SparseColumn { rows, values }))
            }
        }
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        let p = self.sparse.columns();
        let others: Vec<usize> = columns.iter().filter_map(|c| c.checked_sub(p)).collect();
        let own = (columns.len() - others.len()) as u64;
        if others.is_empty() {
            let rows = self.sparse.rows();
            let whole = in_batches(
                rows,
                batch_rows(rows, columns.len()),
                self.workers(),
                &|worker, index, from, to| {
                    let batch = Batch {
                        index,
                        first_row: from as u64,
                        rows: to - from,
                        columns: self.joined(columns, (from, to), []),
                        coarse: Vec::new(),
                    };
                    visit(worker, batch)
                },
            );
            let scan = Scan {
                rows: rows as u64,
                bytes: 8 * own * rows as u64,
            };
            return if whole {
                Ok(scan)
            } else {
                Err(SourceError::Stopped)
            };
        }
        let read = AtomicU64::new(0);
        let beside = |worker: usize, batch: Batch<'_>| {
            let from = batch.first_row as usize;
            read.fetch_add(8 * own * batch.rows as u64, Ordering::Relaxed);
            let columns = self.joined(columns, (from, from + batch.rows), batch.columns);
            visit(worker, Batch { columns, ..batch })
        };
        let scan = self.rest.scan(&others, &beside)?;
        Ok(Scan {
            bytes: scan.bytes + read.into_inner(),
            ..scan
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;

    #[test]
    fn batches_have_the_numbers_of_their_rows() {
        let rows: Vec<i32> = (0..50).map(|i| 100 * i + 7).collect();
        let values: Vec<f64> = rows.iter().map(|i| f64::from(*i)).collect();
        let x = Sparse::new(5000, &[0, 50, 50], &rows, &values).unwrap();
        let y: Vec<f64> = (0..5000).map(f64::from).collect();
        let names = vec!["a".to_string(), "b".to_string()];
        let frame = SparseFrame::new(x, names.clone(), Frame::new().with_real("y", &y)).unwrap();
        for wanted in [vec![0, 2, 1], vec![1, 0]] {
            let seen = std::sync::Mutex::new(0);
            let visit = |_: usize, batch: Batch<'_>| {
                let of = |k: usize| match &batch.columns[k] {
                    Column::Real(v) => v.to_vec(),
                    _ => Vec::new(),
                };
                for (k, c) in wanted.iter().enumerate() {
                    for (i, v) in of(k).into_iter().enumerate() {
                        let row = batch.first_row as usize + i;
                        let wanted = match c {
                            0 if row % 100 == 7 => row as f64,
                            2 => row as f64,
                            _ => 0.0,
                        };
                        assert_eq!(v, wanted);
                        *seen.lock().unwrap() += 1;
                    }
                }
                true
            };
            frame.scan(&wanted, &visit).unwrap();
            assert_eq!(seen.into_inner().unwrap(), 5000 * wanted.len());
        }
        let short = Frame::new().with_real("y", &y[..7]);
        assert!(matches!(
            SparseFrame::new(x, names.clone(), short),
            Err(SparseError::Beside {
                rows: 5000,
                others: 7
            })
        ));
        let none = SparseFrame::new(x, names[..1].to_vec(), Frame::new().with_real("y", &y));
        assert!(matches!(none, Err(SparseError::Names { names: 1, columns: 2 })));
    }
}
