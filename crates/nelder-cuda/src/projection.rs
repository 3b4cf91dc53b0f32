//! Rows on axes: products of standardized columns with vectors.

use cudarc::cublas::{result::dgemm, sys::cublasOperation_t};
use nelder_device::{Buffer, Dd, DeviceError, Matrix, check_length};

use crate::cuda::Cuda;
use crate::products::{MATRIX, PACKED};

impl Cuda {
    /// Columns are standardized for some rows at a time and multiplied by cuBLAS.
    pub(crate) fn project_of(
        &self,
        x: &Matrix,
        centres: &[Dd],
        scales: &[f64],
        vectors: &[f64],
    ) -> Result<Option<Buffer>, DeviceError> {
        let (rows, columns) = (x.rows, x.columns);
        let a = self.matrix(x)?;
        check_length("centres", centres.len(), columns)?;
        check_length("scales", scales.len(), columns)?;
        let count = vectors.len() / columns.max(1);
        check_length("vectors", vectors.len(), count * columns)?;
        self.count_launch();
        let out = self.room(rows * count)?;
        if out.is_empty() {
            return Ok(Some(self.buffer(0, out)));
        }
        let (high, low) = centres
            .iter()
            .map(|c| (c.hi, c.lo))
            .unzip::<_, _, Vec<_>, Vec<_>>();
        let standard = self.small(&[&high, &low, scales].concat())?;
        let vectors = self.upload_slice(vectors)?;
        let group = (PACKED / columns).clamp(1, rows);
        let packed = self.room(group * columns)?;
        let blas = self.blas();
        let mut first = 0;
        while first < rows {
            let m = group.min(rows - first);
            let arguments = [
                a,
                self.address(&standard),
                self.address(&packed),
                first as u64,
                m as u64,
                rows as u64,
                columns as u64,
            ];
            let grid = self.cell_grid(m, columns);
            // SAFETY: `m` rows from `first` on are in the matrix, and there is room for them
            unsafe { self.launch(MATRIX, "nelder_standard", grid, &arguments)? };
            // SAFETY: the rows were packed one column after another, the vectors have as many numbers as there are columns, and
            // each vector has `rows` numbers in the result
            unsafe {
                dgemm(
                    *blas.handle(),
                    cublasOperation_t::CUBLAS_OP_N,
                    cublasOperation_t::CUBLAS_OP_N,
                    self.dimension(m)?,
                    self.dimension(count)?,
                    self.dimension(columns)?,
                    &1.0,
                    self.address(&packed) as *const f64,
                    self.dimension(m)?,
                    self.address(&vectors) as *const f64,
                    self.dimension(columns)?,
                    &0.0,
                    (self.address(&out) + 8 * first as u64) as *mut f64,
                    self.dimension(rows)?,
                )
            }
            .map_err(|e| self.failed(&e))?;
            first += m;
        }
        drop(blas);
        Ok(Some(self.buffer(rows * count, out)))
    }
}
