//! Sparse matrices in compressed columns, borrowed.

/// A sparse matrix in compressed columns: R's `dgCMatrix`, whose slots `p`, `i` and `x` are borrowed.
///
/// ```
/// use nelder::frame::Sparse;
/// // [1 0; 0 2; 3 0]
/// let x = Sparse::new(3, &[0, 2, 3], &[0, 2, 1], &[1.0, 3.0, 2.0]).unwrap();
/// assert_eq!((x.rows(), x.columns()), (3, 2));
/// assert!(Sparse::new(3, &[0, 2, 3], &[0, 7, 1], &[1.0, 3.0, 2.0]).is_err());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sparse<'a> {
    rows: usize,
    starts: &'a [i32],
    indices: &'a [i32],
    values: &'a [f64],
}

/// A sparse matrix that is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SparseError {
    /// `p` must begin with 0, never fall, and end with the number of values.
    #[error("p: the starts of the columns must rise from 0 to the number of values, {values}")]
    Starts {
        /// Number of values.
        values: usize,
    },
    /// One row for each value.
    #[error("i: there are {indices} rows for {values} values")]
    Length {
        /// Entries of `i`.
        indices: usize,
        /// Entries of `x`.
        values: usize,
    },
    /// A row that is not there, or rows of a column that do not rise.
    #[error("i: the rows of column {column} must rise from 0 to below {rows}")]
    Rows {
        /// The column, from 1.
        column: usize,
        /// Number of rows.
        rows: usize,
    },
    /// Names that are not as many as the columns.
    #[error("{names} names for {columns} columns of a sparse matrix")]
    Names {
        /// Names.
        names: usize,
        /// Columns.
        columns: usize,
    },
    /// Other columns that are not as long.
    #[error("a sparse matrix of {rows} rows beside columns of {others}")]
    Beside {
        /// Rows of the matrix.
        rows: usize,
        /// Rows of the others.
        others: u64,
    },
    /// A value that is missing or infinite.
    #[error("x: the value in row {row} of column {column} is {value}")]
    Value {
        /// The row, from 1.
        row: usize,
        /// The column, from 1.
        column: usize,
        /// The value.
        value: f64,
    },
}

impl<'a> Sparse<'a> {
    /// A matrix of `rows` rows: column j holds `values[starts[j]..starts[j + 1]]` in the rows `indices` of the same
    /// places, both from 0.
    ///
    /// # Errors
    /// [`SparseError`]: slots that do not fit each other, a value that is missing or infinite.
    pub fn new(
        rows: usize,
        starts: &'a [i32],
        indices: &'a [i32],
        values: &'a [f64],
    ) -> Result<Self, SparseError> {
        if indices.len() != values.len() {
            return Err(SparseError::Length {
                indices: indices.len(),
                values: values.len(),
            });
        }
        let rise = starts.windows(2).all(|w| w[0] <= w[1]);
        let ends = starts.first() == Some(&0) && starts.last().map(|&l| l as usize) == Some(values.len());
        if !(rise && ends) {
            return Err(SparseError::Starts { values: values.len() });
        }
        let matrix = Sparse {
            rows,
            starts,
            indices,
            values,
        };
        for column in 0..matrix.columns() {
            let (own, values) = matrix.column(column);
            let inside = own.iter().all(|&i| i >= 0 && (i as usize) < rows);
            if !(inside && own.windows(2).all(|w| w[0] < w[1])) {
                return Err(SparseError::Rows {
                    column: column + 1,
                    rows,
                });
            }
            if let Some(at) = values.iter().position(|v| !v.is_finite()) {
                return Err(SparseError::Value {
                    row: own[at] as usize + 1,
                    column: column + 1,
                    value: values[at],
                });
            }
        }
        Ok(matrix)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of values that are held.
    pub fn held(&self) -> usize {
        self.values.len()
    }

    /// The rows of a column that hold a value, and the values.
    pub fn column(&self, j: usize) -> (&'a [i32], &'a [f64]) {
        let own = self.starts[j] as usize..self.starts[j + 1] as usize;
        (&self.indices[own.clone()], &self.values[own])
    }
}
