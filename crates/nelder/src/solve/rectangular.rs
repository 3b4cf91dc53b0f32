//! Matrices in double precision, column by column.

use faer::{MatMut, MatRef};
use nelder_device::zeros;

/// A rows x columns matrix, column by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rectangular {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Rectangular {
    /// All zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Rectangular {
            rows,
            columns,
            values: zeros(rows * columns),
        }
    }

    /// The matrix that has these entries, column by column; what is missing of them is zero.
    pub fn of(rows: usize, columns: usize, mut values: Vec<f64>) -> Self {
        values.resize(rows * columns, 0.0);
        Rectangular {
            rows,
            columns,
            values,
        }
    }

    /// The matrix whose entries a function gives.
    pub fn from_fn(rows: usize, columns: usize, of: impl Fn(usize, usize) -> f64) -> Self {
        let mut out = Rectangular::zeros(rows, columns);
        for j in 0..columns {
            for (i, v) in out.column_mut(j).iter_mut().enumerate() {
                *v = of(i, j);
            }
        }
        out
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All entries, column by column.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The same, given away.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// Entry (i, j).
    pub fn get(&self, i: usize, j: usize) -> f64 {
        self.values[j * self.rows + i]
    }

    /// A column.
    pub fn column(&self, j: usize) -> &[f64] {
        &self.values[j * self.rows..(j + 1) * self.rows]
    }

    /// A column, to be written.
    pub fn column_mut(&mut self, j: usize) -> &mut [f64] {
        &mut self.values[j * self.rows..(j + 1) * self.rows]
    }

    /// The first `columns` columns.
    pub fn first(mut self, columns: usize) -> Self {
        self.columns = columns.min(self.columns);
        self.values.truncate(self.rows * self.columns);
        self
    }

    /// For products and decompositions.
    pub fn as_ref(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.values, self.rows, self.columns)
    }

    /// The same, to be written.
    pub fn as_mut(&mut self) -> MatMut<'_, f64> {
        MatMut::from_column_major_slice_mut(&mut self.values, self.rows, self.columns)
    }
}
