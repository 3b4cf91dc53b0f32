//! Sums over the rows of matrices: grams, moments, residuals.

use cudarc::cublas::{self, sys::cublasOperation_t};
use cudarc::driver::{CudaSlice, LaunchConfig, PushKernelArg};
use nelder_device::{
    Binary, Buffer, Dd, DeviceError, Fold, Matrix, Moments, Predictor, Program, RUN_ROWS, RoughMoments,
    ScoringStep, check_length,
};

use crate::cuda::Cuda;

/// Sums in twice the precision, and what is summed over rows.
pub(crate) const MATRIX: &str = concat!(include_str!("double_double.cu"), include_str!("matrix.cu"));
/// The same for few columns, whose number is put before it.
const NARROW: &str = concat!(
    include_str!("double_double.cu"),
    include_str!("tensor_gram.cu"),
    include_str!("narrow.cu")
);
/// Grams of few columns.
pub(crate) const TENSOR_GRAM: &str =
    concat!(include_str!("double_double.cu"), include_str!("tensor_gram.cu"));

/// Columns up to which a row stays in a thread's registers.
pub(crate) const NARROW_COLUMNS: usize = 32;
/// Numbers of scaled and centred rows at a time: 512 MB.
pub(crate) const PACKED: usize = 1 << 26;
/// Rows whose columns a block packs and sums; a divisor of a run.
pub(crate) const PACK: usize = 1024;
/// Numbers of the grams of runs at a time: 256 MB.
const GRAMS: usize = 1 << 25;
/// Columns that a block of a sum over rows takes.
const WIDE: usize = 4;
/// Vectors that moments are taken with at most.
const VECTORS: usize = 4;
/// Order of a tile of an exact gram.
const TILE: usize = 32;

/// Columns of a block of a gram, of which only the blocks below the diagonal and on it are computed.
fn block_of(columns: usize) -> usize {
    // measured on one H200: 128 is best for 256 and for 800 columns, and no more is left out of 100
    columns.min(128)
}

/// Pairs from high parts that come before low ones.
pub(crate) fn paired(numbers: &[f64]) -> Vec<Dd> {
    let (high, low) = numbers.split_at(numbers.len() / 2);
    high.iter().zip(low).map(|(&hi, &lo)| Dd { hi, lo }).collect()
}

/// Threads of a block that computes a gram of few columns, and rows of its tiles.
pub(crate) const TILE_ROWS: usize = 128;

/// Threads that sum an entry of `parts` parts.
pub(crate) fn lanes(parts: usize) -> usize {
    if parts < 64 { 1 } else { 32 }
}

/// W = w, s = w y, and w y²; inputs y and w.
fn plain_step(weighted: bool) -> Program {
    let mut p = Program::new();
    let y = p.input(0);
    let (w, score) = match weighted {
        false => (p.constant(1.0), y),
        true => {
            let w = p.input(1);
            (w, p.binary(Binary::Mul, w, y))
        }
    };
    let square = p.binary(Binary::Mul, score, y);
    for out in [w, score, square] {
        p.output(out);
    }
    p
}

/// The source for `columns` columns.
pub(crate) fn narrow(columns: usize) -> String {
    format!("#define P {columns}\n{NARROW}")
}

impl Cuda {
    /// Launches a kernel whose arguments are all pointers and counts.
    ///
    /// # Safety
    /// The kernel takes as many of them, and what it reads and writes is there.
    pub(crate) unsafe fn launch(
        &self,
        text: &str,
        name: &str,
        config: LaunchConfig,
        arguments: &[u64],
    ) -> Result<(), DeviceError> {
        let kernel = self.kernel(text, name)?;
        let mut launch = self.stream.launch_builder(&kernel);
        for argument in arguments {
            launch.arg(argument);
        }
        // SAFETY: the caller's
        unsafe { launch.launch(config) }
            .map(drop)
            .map_err(|e| self.failed(&e))
    }

    /// Where the numbers of a buffer are; 0 where there is none.
    pub(crate) fn maybe(&self, what: &'static str, buffer: Option<&Buffer>) -> Result<u64, DeviceError> {
        buffer.map_or(Ok(0), |b| self.pointer(what, b))
    }

    pub(crate) fn checked_weights(&self, weights: Option<&Buffer>, rows: usize) -> Result<u64, DeviceError> {
        if let Some(w) = weights {
            check_length("weights", w.len(), rows)?;
        }
        self.maybe("weights", weights)
    }

    /// Pointer to a matrix of the right size.
    pub(crate) fn matrix(&self, x: &Matrix) -> Result<u64, DeviceError> {
        check_length("matrix", x.buffer.len(), x.rows * x.columns)?;
        self.pointer("matrix", &x.buffer)
    }

    /// Blocks over rows and over columns, for kernels that write a number for each of both.
    pub(crate) fn cell_grid(&self, rows: usize, columns: usize) -> LaunchConfig {
        let mut grid = self.grid(rows);
        grid.grid_dim.1 = (self.blocks / grid.grid_dim.0).clamp(1, columns.min(1024) as u32);
        grid
    }

    /// Blocks over rows and groups of columns that together keep the device busy.
    pub(crate) fn wide_grid(&self, rows: usize, columns: usize) -> LaunchConfig {
        let wide = columns.div_ceil(WIDE).clamp(1, 32_768) as u32;
        let rows = self.grid(rows);
        let blocks = (self.blocks / wide).clamp(1, rows.grid_dim.0);
        LaunchConfig {
            grid_dim: (blocks, wide, 1),
            ..rows
        }
    }

    /// Sums of `parts` numbers that lie `size` apart, in twice the precision.
    pub(crate) fn merged(
        &self,
        high: &CudaSlice<f64>,
        low: Option<&CudaSlice<f64>>,
        size: usize,
        parts: usize,
    ) -> Result<Vec<Dd>, DeviceError> {
        let sums = self.room(2 * size)?;
        let low = low.map_or(0, |low| self.address(low));
        let arguments = [
            self.address(high),
            low,
            self.address(&sums),
            size as u64,
            parts as u64,
            lanes(parts) as u64,
        ];
        // SAFETY: `parts` times `size` numbers are behind the first two, twice `size` behind the sums
        unsafe { self.launch(MATRIX, "nelder_merge", self.grid(size * lanes(parts)), &arguments)? };
        Ok(paired(&self.download_slice(&sums, 0, 2 * size)?))
    }

    pub(crate) fn gram_of(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        centres: Option<&[f64]>,
    ) -> Result<Vec<Dd>, DeviceError> {
        Ok(self.gram_with(x, weights, centres, None)?.0)
    }

    /// The gram; with a score s and weights, of more columns than few, also Xᵀs and XᵀW in double precision.
    // one list of launches over shared buffers: taken apart, each part would take all of them as arguments
    pub(crate) fn gram_with(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        centres: Option<&[f64]>,
        score: Option<&Buffer>,
    ) -> Result<(Vec<Dd>, Vec<Dd>), DeviceError> {
        let (rows, columns) = (x.rows, x.columns);
        let a = self.matrix(x)?;
        let w = self.checked_weights(weights, rows)?;
        if let Some(c) = centres {
            check_length("centres", c.len(), columns)?;
        }
        self.count_launch();
        let size = columns * (columns + 1) / 2;
        if rows == 0 || columns == 0 {
            return Ok((vec![Dd::ZERO; size], vec![Dd::ZERO; 2 * columns]));
        }
        let score = self.checked_weights(score, rows)?;
        let centres = centres.map(|c| self.small(c)).transpose()?;
        let c = centres.as_ref().map_or(0, |c| self.address(c));
        let sums = self.room(2 * size)?;
        let merge = |grams: &CudaSlice<f64>, parts: usize, fresh: bool| {
            let arguments = [
                self.address(grams),
                self.address(&sums),
                columns as u64,
                parts as u64,
                u64::from(fresh),
                lanes(parts) as u64,
            ];
            // SAFETY: `parts` square matrices are behind the first pointer, two triangles behind the second
            unsafe {
                self.launch(
                    MATRIX,
                    "nelder_merge_triangles",
                    self.grid(size * lanes(parts)),
                    &arguments,
                )
            }
        };
        if columns <= NARROW_COLUMNS {
            let text = narrow(columns);
            let (blocks, run) = self.runs(&text, "nelder_narrow_gram", rows)?;
            let grams = self.room(blocks * columns * columns)?;
            let config = LaunchConfig {
                grid_dim: (blocks as u32, 1, 1),
                block_dim: (TILE_ROWS as u32, 1, 1),
                shared_mem_bytes: 0,
            };
            let arguments = [a, w, c, self.address(&grams), rows as u64, run as u64];
            // SAFETY: the matrix, weights and centres are of these sizes, and each block has room for its matrix
            unsafe { self.launch(&text, "nelder_narrow_gram", config, &arguments)? };
            merge(&grams, blocks, true)?;
            return Ok((paired(&self.download_slice(&sums, 0, 2 * size)?), Vec::new()));
        }
        let packs = w != 0 || c != 0;
        let run = RUN_ROWS.min(rows);
        let most = (GRAMS / (columns * columns)).max(1);
        let most = match packs {
            true => most.min((PACKED / (run * columns)).max(1)),
            false => most,
        };
        let group = (most * run).min(rows);
        let grams = self.room(group.div_ceil(run) * columns * columns)?;
        let packed = packs.then(|| self.room(group * columns)).transpose()?;
        let pieces = rows.div_ceil(PACK);
        let sums_of_pieces = match score {
            0 => None,
            _ => Some(self.room(pieces * 2 * columns)?),
        };
        let mut first = 0;
        while first < rows {
            let count = group.min(rows - first);
            let (at, stride) = match &packed {
                None => (a + 8 * first as u64, rows),
                Some(room) => {
                    let to = self.address(room);
                    let arguments = [
                        a,
                        w,
                        c,
                        to,
                        first as u64,
                        count as u64,
                        rows as u64,
                        columns as u64,
                    ];
                    if let Some(pieces) = &sums_of_pieces {
                        let arguments = [
                            a,
                            w,
                            score,
                            c,
                            to,
                            self.address(pieces),
                            first as u64,
                            count as u64,
                            rows as u64,
                            columns as u64,
                        ];
                        let blocks = count.div_ceil(PACK) as u32;
                        let config = LaunchConfig {
                            grid_dim: (
                                blocks,
                                (self.blocks / blocks).clamp(1, columns.div_ceil(32) as u32),
                                1,
                            ),
                            block_dim: (256, 1, 1),
                            shared_mem_bytes: 0,
                        };
                        // SAFETY: `count` rows from `first` on, a multiple of a piece, are in the matrix and the vectors,
                        // and there is room for them and for the sums of each piece
                        unsafe { self.launch(MATRIX, "nelder_pack_sums", config, &arguments)? };
                        self.grams_of_group((to, count), columns, run, count, &grams)?;
                        merge(&grams, count.div_ceil(run), first == 0)?;
                        first += count;
                        continue;
                    }
                    let grid = self.cell_grid(count, columns);
                    // SAFETY: `count` rows from `first` on are in the matrix and the weights, and there is room for them
                    unsafe { self.launch(MATRIX, "nelder_pack", grid, &arguments)? };
                    (to, count)
                }
            };
            self.grams_of_group((at, stride), columns, run, count, &grams)?;
            merge(&grams, count.div_ceil(run), first == 0)?;
            first += count;
        }
        let by_column = match &sums_of_pieces {
            None => Vec::new(),
            Some(parts) => self.merged(parts, None, 2 * columns, pieces)?,
        };
        Ok((paired(&self.download_slice(&sums, 0, 2 * size)?), by_column))
    }

    /// The grams of the runs of `count` rows, whose columns lie `stride` numbers apart.
    fn grams_of_group(
        &self,
        (at, stride): (u64, usize),
        columns: usize,
        run: usize,
        count: usize,
        grams: &CudaSlice<f64>,
    ) -> Result<(), DeviceError> {
        let (whole, rest) = (count / run, count % run);
        // SAFETY: `whole` runs and the rest lie one after another at `at`, and there is room for their grams
        unsafe {
            if whole > 0 {
                self.grams_of_runs(at, stride, columns, run, whole, self.address(grams))?;
            }
            if rest > 0 {
                let to = self.address(grams) + (8 * whole * columns * columns) as u64;
                self.grams_of_runs(at + (8 * whole * run) as u64, stride, columns, rest, 1, to)?;
            }
        }
        Ok(())
    }

    /// The grams of `count` runs of `length` rows each, one after another, into as many square matrices.
    ///
    /// # Safety
    /// The rows are at `at`, in columns that lie `stride` numbers apart, and there is room at `to`.
    unsafe fn grams_of_runs(
        &self,
        at: u64,
        stride: usize,
        columns: usize,
        length: usize,
        count: usize,
        to: u64,
    ) -> Result<(), DeviceError> {
        let (one, zero) = (1.0f64, 0.0f64);
        let (n, p) = (self.dimension(stride)?, self.dimension(columns)?);
        let blas = self.blas();
        // entry (i, j), i ≥ j, of a symmetric matrix is at i p + j: columns before a block's end times those of the block
        let block = block_of(columns);
        for from in (0..columns).step_by(block) {
            let width = block.min(columns - from);
            // SAFETY: the caller's
            unsafe {
                cublas::result::dgemm_strided_batched(
                    *blas.handle(),
                    cublasOperation_t::CUBLAS_OP_T,
                    cublasOperation_t::CUBLAS_OP_N,
                    self.dimension(from + width)?,
                    self.dimension(width)?,
                    self.dimension(length)?,
                    &one,
                    at as *const f64,
                    n,
                    length as i64,
                    (at + (8 * from * stride) as u64) as *const f64,
                    n,
                    length as i64,
                    &zero,
                    (to + (8 * from * columns) as u64) as *mut f64,
                    p,
                    (columns * columns) as i64,
                    self.dimension(count)?,
                )
            }
            .map_err(|e| self.failed(&e))?;
        }
        Ok(())
    }

    pub(crate) fn exact_gram_of(&self, x: &Matrix, weights: Option<&Buffer>) -> Result<Vec<Dd>, DeviceError> {
        let (rows, columns) = (x.rows, x.columns);
        let a = self.matrix(x)?;
        let w = self.checked_weights(weights, rows)?;
        self.count_launch();
        let size = columns * (columns + 1) / 2;
        if rows == 0 || columns == 0 {
            return Ok(vec![Dd::ZERO; size]);
        }
        let order = columns.div_ceil(TILE);
        let tiles = order * (order + 1) / 2;
        let parts = (4 * self.processors())
            .div_ceil(tiles)
            .clamp(1, rows.div_ceil(TILE))
            .min(65_535);
        let (high, low) = (self.room(parts * size)?, self.room(parts * size)?);
        let config = LaunchConfig {
            grid_dim: (tiles as u32, parts as u32, 1),
            block_dim: (256, 1, 1),
            shared_mem_bytes: 0,
        };
        let arguments = [
            a,
            w,
            self.address(&high),
            self.address(&low),
            rows as u64,
            columns as u64,
        ];
        // SAFETY: the matrix and the weights are of these sizes, and each part has room for its triangle
        unsafe { self.launch(MATRIX, "nelder_exact_gram", config, &arguments)? };
        self.merged(&high, Some(&low), size, parts)
    }

    pub(crate) fn moments_of(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        with: &[&Buffer],
        rough: bool,
    ) -> Result<Moments, DeviceError> {
        let (rows, columns) = (x.rows, x.columns);
        let a = self.matrix(x)?;
        let w = self.checked_weights(weights, rows)?;
        if with.len() > VECTORS {
            return Err(DeviceError::Length {
                what: "vectors",
                wanted: VECTORS,
                given: with.len(),
            });
        }
        let mut vectors = [0u64; VECTORS];
        for (at, v) in vectors.iter_mut().zip(with) {
            check_length("vector", v.len(), rows)?;
            *at = self.pointer("vector", v)?;
        }
        self.count_launch();
        let quantities = with.len() + 3;
        let size = quantities * columns;
        let sums = match rows == 0 || columns == 0 {
            true => vec![Dd::ZERO; size],
            false => {
                let grid = self.wide_grid(rows, columns);
                let parts = grid.grid_dim.0 as usize;
                let (high, low) = (self.room(parts * size)?, self.room(parts * size)?);
                let rough = u8::from(rough);
                let text = format!("#define VECTORS {}\n#define ROUGH {rough}\n{MATRIX}", with.len());
                let arguments = [
                    a,
                    w,
                    vectors[0],
                    vectors[1],
                    vectors[2],
                    vectors[3],
                    self.address(&high),
                    self.address(&low),
                    rows as u64,
                    columns as u64,
                ];
                // SAFETY: the matrix and the vectors are of these sizes, and each part has room for its sums
                unsafe { self.launch(&text, "nelder_moments", grid, &arguments)? };
                self.merged(&high, Some(&low), size, parts)?
            }
        };
        let quantity = |q: usize| &sums[q * columns..(q + 1) * columns];
        Ok(Moments {
            sums: quantity(0).to_vec(),
            squares: quantity(1).iter().map(|v| v.hi).collect(),
            rounded: quantity(2).iter().map(|v| v.hi > 0.0).collect(),
            with: (0..with.len()).map(|m| quantity(3 + m).to_vec()).collect(),
        })
    }

    pub(crate) fn rough_moments_of(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        with: &Buffer,
        gram: bool,
    ) -> Result<Option<RoughMoments>, DeviceError> {
        if self.fuses(x.rows, x.columns) {
            let program = plain_step(weights.is_some());
            let step = ScoringStep {
                program: &program,
                inputs: &[with, weights.unwrap_or(with)],
                predictor: Predictor::Given { low: None },
                folds: &[Fold::Sum],
                gram: true,
                centres: None,
                single: false,
            };
            let found = self.step_of(x, &step)?;
            let gram = found.gram.unwrap_or_default();
            let moments = Moments {
                sums: found.weights,
                squares: (0..x.columns).map(|i| gram[i * (i + 3) / 2].hi).collect(),
                with: vec![found.scores],
                // as far as is known
                rounded: vec![true; x.columns],
            };
            let own = Moments {
                sums: vec![found.score],
                squares: vec![found.folds[0].hi],
                with: vec![vec![found.folds[0]]],
                rounded: vec![true],
            };
            return Ok(Some(RoughMoments {
                columns: moments,
                own,
                gram: Some(gram),
            }));
        }
        if x.rows < self.fused_from || weights.is_some() {
            return Ok(None);
        }
        let y = Matrix::new(with.clone(), x.rows, 1)?;
        Ok(Some(RoughMoments {
            columns: self.moments_of(x, None, &[with], true)?,
            own: self.moments_of(&y, None, &[with], false)?,
            gram: gram.then(|| self.gram_of(x, None, None)).transpose()?,
        }))
    }

    /// Number of multiprocessors.
    pub(crate) fn processors(&self) -> usize {
        (self.blocks / 8).max(1) as usize
    }
}
