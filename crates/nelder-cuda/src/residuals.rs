//! Products of matrices with vectors, and residuals in twice the precision.

use cudarc::driver::CudaSlice;
use nelder_device::{Buffer, Dd, DeviceError, Matrix, Reduced, ResidualSums, check_length};

use crate::cuda::Cuda;
use crate::products::{MATRIX, NARROW_COLUMNS, narrow};

impl Cuda {
    /// Coefficients in two parts with the constant after them, high parts before low ones.
    pub(crate) fn coefficients(&self, b: &[Dd], constant: Dd) -> Result<CudaSlice<f64>, DeviceError> {
        let all = || b.iter().chain(std::iter::once(&constant));
        let numbers: Vec<f64> = all().map(|b| b.hi).chain(all().map(|b| b.lo)).collect();
        self.small(&numbers)
    }

    fn checked_residual(&self, x: &Matrix, b: &[Dd], y: &Buffer) -> Result<(u64, u64), DeviceError> {
        check_length("b", b.len(), x.columns)?;
        check_length("y", y.len(), x.rows)?;
        Ok((self.matrix(x)?, self.pointer("y", y)?))
    }

    pub(crate) fn residual_of(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        let (a, y) = self.checked_residual(x, b, y)?;
        let b = self.coefficients(b, constant)?;
        let (high, low) = (self.room(x.rows)?, self.room(x.rows)?);
        self.count_launch();
        if x.rows > 0 {
            let bh = self.address(&b);
            let arguments = [
                a,
                bh,
                bh + 8 * (x.columns as u64 + 1),
                y,
                0,
                self.address(&high),
                self.address(&low),
                0,
                0,
                0,
                x.rows as u64,
                x.columns as u64,
            ];
            // SAFETY: matrix, coefficients and vectors are of these sizes; what is not there is not read
            unsafe { self.launch(MATRIX, "nelder_residual", self.grid(x.rows), &arguments)? };
        }
        Ok((self.buffer(x.rows, high), self.buffer(x.rows, low)))
    }

    pub(crate) fn residual_sums_of(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
        weights: Option<&Buffer>,
    ) -> Result<ResidualSums, DeviceError> {
        let (rows, columns) = (x.rows, x.columns);
        let (a, y) = self.checked_residual(x, b, y)?;
        let w = self.checked_weights(weights, rows)?;
        self.count_launch();
        if rows == 0 {
            return Ok(ResidualSums {
                residuals: self.buffer(0, self.room(0)?),
                squares: Dd::ZERO,
                sum: Dd::ZERO,
                score: vec![Dd::ZERO; columns],
            });
        }
        let b = self.coefficients(b, constant)?;
        let (bh, bl) = (self.address(&b), self.address(&b) + 8 * (columns as u64 + 1));
        let mut grid = self.grid(rows);
        if (1..=NARROW_COLUMNS).contains(&columns) {
            // each block ends with as many sums as there are columns: few blocks
            grid.grid_dim.0 = grid.grid_dim.0.min(2 * self.processors() as u32);
            let (parts, size) = (grid.grid_dim.0 as usize, columns + 2);
            let root = self.room(rows)?;
            let (high, low) = (self.room(parts * size)?, self.room(parts * size)?);
            let arguments = [
                a,
                bh,
                bl,
                y,
                w,
                self.address(&root),
                self.address(&high),
                self.address(&low),
                rows as u64,
            ];
            // SAFETY: matrix, coefficients and vectors are of these sizes, and each block has room for its sums
            unsafe { self.launch(&narrow(columns), "nelder_narrow_residual", grid, &arguments)? };
            let sums = self.merged(&high, Some(&low), size, parts)?;
            return Ok(ResidualSums {
                residuals: self.buffer(rows, root),
                squares: sums[0],
                sum: sums[1],
                score: sums[2..].to_vec(),
            });
        }
        let (rh, rl) = (self.room(rows)?, self.room(rows)?);
        let root = weights.map(|_| self.room(rows)).transpose()?;
        let parts = grid.grid_dim.0 as usize;
        let (high, low) = (self.room(2 * parts)?, self.room(2 * parts)?);
        let arguments = [
            a,
            bh,
            bl,
            y,
            w,
            self.address(&rh),
            self.address(&rl),
            root.as_ref().map_or(0, |r| self.address(r)),
            self.address(&high),
            self.address(&low),
            rows as u64,
            columns as u64,
        ];
        // SAFETY: as above
        unsafe { self.launch(MATRIX, "nelder_residual", grid, &arguments)? };
        let score = self.transposed(a, self.address(&rh), self.address(&rl), rows, columns)?;
        let sums = self.merged(&high, Some(&low), 2, parts)?;
        Ok(ResidualSums {
            residuals: self.buffer(rows, root.unwrap_or(rh)),
            squares: sums[0],
            sum: sums[1],
            score,
        })
    }

    fn transposed(
        &self,
        a: u64,
        rh: u64,
        rl: u64,
        rows: usize,
        columns: usize,
    ) -> Result<Vec<Dd>, DeviceError> {
        if rows == 0 || columns == 0 {
            return Ok(vec![Dd::ZERO; columns]);
        }
        let grid = self.wide_grid(rows, columns);
        let parts = grid.grid_dim.0 as usize;
        let (high, low) = (self.room(parts * columns)?, self.room(parts * columns)?);
        let arguments = [
            a,
            rh,
            rl,
            self.address(&high),
            self.address(&low),
            rows as u64,
            columns as u64,
        ];
        // SAFETY: the matrix is of this size and the vectors have as many rows; each part has room for its sums
        unsafe { self.launch(MATRIX, "nelder_transposed", grid, &arguments)? };
        self.merged(&high, Some(&low), columns, parts)
    }

    pub(crate) fn transposed_residual_of(
        &self,
        x: &Matrix,
        r: (&Buffer, &Buffer),
    ) -> Result<Vec<Dd>, DeviceError> {
        check_length("r", r.0.len(), x.rows)?;
        check_length("r", r.1.len(), x.rows)?;
        let (rh, rl) = (self.pointer("r", r.0)?, self.pointer("r", r.1)?);
        let a = self.matrix(x)?;
        self.count_launch();
        self.transposed(a, rh, rl, x.rows, x.columns)
    }

    pub(crate) fn reduce_of(&self, x: &Buffer) -> Result<Reduced, DeviceError> {
        let at = self.pointer("x", x)?;
        self.count_launch();
        let mut grid = self.grid(x.len());
        grid.grid_dim.0 = grid.grid_dim.0.min(2 * self.processors() as u32);
        let blocks = grid.grid_dim.0 as usize;
        let out = self.room(5 * blocks)?;
        // SAFETY: as many numbers are behind x, and five a block behind the other
        unsafe {
            self.launch(
                MATRIX,
                "nelder_reduce",
                grid,
                &[at, self.address(&out), x.len() as u64],
            )?
        };
        let mut all = Reduced {
            sum: Dd::ZERO,
            least: f64::INFINITY,
            largest: f64::NEG_INFINITY,
            missing: 0,
        };
        for part in self.download_slice(&out, 0, 5 * blocks)?.chunks_exact(5) {
            all.sum += Dd {
                hi: part[0],
                lo: part[1],
            };
            all.least = all.least.min(part[2]);
            all.largest = all.largest.max(part[3]);
            all.missing += part[4] as u64;
        }
        Ok(all)
    }

    pub(crate) fn product_of(
        &self,
        x: &Matrix,
        b: &[f64],
        constant: f64,
        offset: Option<&Buffer>,
    ) -> Result<Buffer, DeviceError> {
        check_length("b", b.len(), x.columns)?;
        if let Some(o) = offset {
            check_length("offset", o.len(), x.rows)?;
        }
        let a = self.matrix(x)?;
        let offset = self.maybe("offset", offset)?;
        let out = self.room(x.rows)?;
        self.count_launch();
        if x.rows > 0 {
            let b = self.small(&[b, &[constant]].concat())?;
            let arguments = [
                a,
                self.address(&b),
                offset,
                self.address(&out),
                x.rows as u64,
                x.columns as u64,
            ];
            // SAFETY: matrix, coefficients and vectors are of these sizes
            unsafe { self.launch(MATRIX, "nelder_product", self.grid(x.rows), &arguments)? };
        }
        Ok(self.buffer(x.rows, out))
    }
}
