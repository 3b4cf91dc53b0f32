//! Columns: weights, codes, order statistics.

use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaSlice, DevicePtr, LaunchConfig};
use nelder_device::{
    Buffer, Codes, Dd, DeviceError, Matrix, SortedCodes, Weighed, check_codes, check_length, check_ranks,
};

use crate::cuda::Cuda;
use crate::products::MATRIX;

/// Order statistics.
const SELECT: &str = include_str!("select.cu");
/// Rows of a code that a block sums.
const PIECE: u32 = 2048;

/// Codes on a device: by row, and the rows sorted by code, in pieces of one code each.
struct HeldCodes {
    context: Arc<CudaContext>,
    codes: CudaSlice<u32>,
    /// Rows in the order of their codes.
    order: CudaSlice<u32>,
    /// Where pieces of that order begin, and the last ends.
    pieces: CudaSlice<u32>,
    /// The code of each piece.
    of_piece: Vec<u32>,
}

impl Cuda {
    fn whole_numbers(&self, values: &[u32]) -> Result<CudaSlice<u32>, DeviceError> {
        self.synchronized()?;
        // an allocation of nothing is an error to the driver
        let held = if values.is_empty() { &[0][..] } else { values };
        self.count_upload(4 * held.len());
        self.stream
            .clone_htod(held)
            .map_err(|e| self.no_room(&e, held.len().div_ceil(2)))
    }

    fn held_codes<'c>(&self, codes: &'c Codes, rows: usize) -> Result<&'c HeldCodes, DeviceError> {
        check_length("codes", codes.rows(), rows)?;
        let held: &HeldCodes = codes.get().ok_or(DeviceError::Foreign { what: "codes" })?;
        match Arc::ptr_eq(&held.context, &self.context) {
            true => Ok(held),
            false => Err(DeviceError::Foreign { what: "codes" }),
        }
    }

    pub(crate) fn upload_codes_of(&self, codes: &[u32], count: usize) -> Result<Codes, DeviceError> {
        check_codes(codes, count)?;
        if u32::try_from(codes.len()).is_err() {
            return Err(self.failed(&format!("{} rows are too many to sort by code", codes.len())));
        }
        let sorted = SortedCodes::new(codes, count, PIECE);
        let held = HeldCodes {
            context: self.context.clone(),
            codes: self.whole_numbers(codes)?,
            order: self.whole_numbers(&sorted.order)?,
            pieces: self.whole_numbers(&sorted.pieces)?,
            of_piece: sorted.of_piece,
        };
        Ok(Codes::new(codes.len(), count, held))
    }

    pub(crate) fn sums_by_code_of(
        &self,
        codes: &Codes,
        x: &Matrix,
        v: (Option<&Buffer>, Option<&Buffer>),
    ) -> Result<Vec<Dd>, DeviceError> {
        let a = self.matrix(x)?;
        let held = self.held_codes(codes, x.rows)?;
        for part in [v.0, v.1].into_iter().flatten() {
            check_length("vector", part.len(), x.rows)?;
        }
        let (vh, vl) = (self.maybe("vector", v.0)?, self.maybe("vector", v.1)?);
        self.count_launch();
        let (width, pieces) = (x.columns + 1, held.of_piece.len());
        let mut sums = vec![Dd::ZERO; codes.count() * width];
        if pieces == 0 {
            return Ok(sums);
        }
        let out = self.room(2 * pieces * width)?;
        let config = LaunchConfig {
            grid_dim: (pieces.min(1 << 20) as u32, width.min(64) as u32, 1),
            block_dim: (128, 1, 1),
            shared_mem_bytes: 0,
        };
        let high = self.address(&out);
        let arguments = [
            a,
            vh,
            vl,
            held.order.device_ptr(&self.stream).0,
            held.pieces.device_ptr(&self.stream).0,
            high,
            high + (8 * pieces * width) as u64,
            x.rows as u64,
            x.columns as u64,
            pieces as u64,
        ];
        // SAFETY: matrix, vectors and codes are of these sizes, and there is room for the sums of each piece
        unsafe { self.launch(MATRIX, "nelder_by_code", config, &arguments)? };
        let numbers = self.download_slice(&out, 0, 2 * pieces * width)?;
        let (high, low) = numbers.split_at(pieces * width);
        for (piece, &code) in held.of_piece.iter().enumerate() {
            for j in 0..width {
                let at = piece * width + j;
                sums[code as usize * width + j] += Dd {
                    hi: high[at],
                    lo: low[at],
                };
            }
        }
        Ok(sums)
    }

    pub(crate) fn subtract_by_code_of(
        &self,
        r: (&Buffer, &Buffer),
        codes: &Codes,
        table: &[Dd],
        multiplier: Option<(&Buffer, Option<&Buffer>)>,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        let n = r.0.len();
        check_length("r", r.1.len(), n)?;
        check_length("table", table.len(), codes.count())?;
        let held = self.held_codes(codes, n)?;
        let (mh, ml) = (multiplier.map(|m| m.0), multiplier.and_then(|m| m.1));
        for part in [mh, ml].into_iter().flatten() {
            check_length("multiplier", part.len(), n)?;
        }
        let numbers: Vec<f64> = table
            .iter()
            .map(|t| t.hi)
            .chain(table.iter().map(|t| t.lo))
            .collect();
        let table = self.small(&numbers)?;
        let (high, low) = (self.room(n)?, self.room(n)?);
        self.count_launch();
        if n > 0 {
            let arguments = [
                self.pointer("r", r.0)?,
                self.pointer("r", r.1)?,
                held.codes.device_ptr(&self.stream).0,
                self.address(&table),
                self.maybe("multiplier", mh)?,
                self.maybe("multiplier", ml)?,
                self.address(&high),
                self.address(&low),
                n as u64,
                codes.count() as u64,
            ];
            // SAFETY: vectors and codes have as many rows, and each code a number in the table
            unsafe { self.launch(MATRIX, "nelder_subtract_by_code", self.grid(n), &arguments)? };
        }
        Ok((self.buffer(n, high), self.buffer(n, low)))
    }

    pub(crate) fn weigh_of(
        &self,
        r: (&Buffer, Option<&Buffer>),
        weights: Option<&Buffer>,
    ) -> Result<Weighed, DeviceError> {
        let n = r.0.len();
        if let Some(low) = r.1 {
            check_length("r", low.len(), n)?;
        }
        let w = self.checked_weights(weights, n)?;
        self.count_launch();
        let (wh, wl, root) = (self.room(n)?, self.room(n)?, self.room(n)?);
        let mut grid = self.grid(n);
        grid.grid_dim.0 = grid.grid_dim.0.min(2 * self.processors() as u32);
        let parts = grid.grid_dim.0 as usize;
        let (high, low) = (self.room(2 * parts)?, self.room(2 * parts)?);
        let arguments = [
            self.pointer("r", r.0)?,
            self.maybe("r", r.1)?,
            w,
            self.address(&wh),
            self.address(&wl),
            self.address(&root),
            self.address(&high),
            self.address(&low),
            n as u64,
        ];
        // SAFETY: the vectors have as many rows, and each block has room for its sums
        unsafe { self.launch(MATRIX, "nelder_weigh", grid, &arguments)? };
        let sums = self.merged(&high, Some(&low), 2, parts)?;
        Ok(Weighed {
            weighed: (self.buffer(n, wh), self.buffer(n, wl)),
            rooted: self.buffer(n, root),
            squares: sums[0],
            sum: sums[1],
        })
    }

    /// Digit by digit: the digit at which the counts of keys with the digits before it pass the rank is the next one. All
    /// on the device, so that nothing waits for the host in between.
    pub(crate) fn order_statistics_of(&self, x: &Buffer, ranks: &[u64]) -> Result<Vec<f64>, DeviceError> {
        const DIGITS: usize = 2048;
        const RANKS: usize = 8;
        let at = self.pointer("x", x)?;
        check_ranks(ranks, x.len())?;
        self.count_launch();
        self.synchronized()?;
        // each block adds its counts to all counts at its end: few and large ones
        let grid = LaunchConfig {
            grid_dim: (x.len().div_ceil(1024).clamp(1, self.processors()) as u32, 1, 1),
            block_dim: (1024, 1, 1),
            shared_mem_bytes: 0,
        };
        let warps = LaunchConfig {
            grid_dim: (1, 1, 1),
            block_dim: (32 * RANKS as u32, 1, 1),
            shared_mem_bytes: 0,
        };
        let counts = self
            .stream
            .alloc_zeros::<u32>(RANKS * DIGITS)
            .map_err(|e| self.no_room(&e, RANKS * DIGITS / 2))?;
        let mut values = Vec::with_capacity(ranks.len());
        for some in ranks.chunks(RANKS) {
            // prefixes, ranks, places, the different prefixes, how many of them
            let mut known = vec![0u64; 4 * RANKS + 1];
            known[RANKS..RANKS + some.len()].copy_from_slice(some);
            known[4 * RANKS] = 1;
            let held = self.stream.clone_htod(&known).map_err(|e| self.failed(&e))?;
            let (state, counts) = (held.device_ptr(&self.stream).0, counts.device_ptr(&self.stream).0);
            for digits in (0..64u64).step_by(11) {
                // SAFETY: as many numbers are behind x; the state and the counts are of the kernels' sizes
                unsafe {
                    let arguments = [at, state, counts, x.len() as u64, digits];
                    self.launch(SELECT, "nelder_digits", grid, &arguments)?;
                    self.launch(SELECT, "nelder_next_digit", warps, &[state, counts, digits])?;
                }
            }
            let found = self.stream.clone_dtoh(&held).map_err(|e| self.failed(&e))?;
            self.synchronized()?;
            values.extend(found[..some.len()].iter().map(|&key| {
                let bits = if key >> 63 == 1 { key & !(1 << 63) } else { !key };
                f64::from_bits(bits)
            }));
        }
        Ok(values)
    }
}
