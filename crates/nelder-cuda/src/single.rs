//! Grams in single precision: rows are packed as numbers of 24 bits, or of 11 bits for the tensor cores (TF32), and multiplied in
//! runs, whose sums are merged in twice double precision.
//!
//! The tensor cores sum towards zero: an entry is within 2⁻¹⁰ of the norms of its columns; where roundings are not all alike,
//! far closer. A step of Fisher scoring goes where the score says, so that an approximate matrix costs it no digits. With 24
//! bits and sums to nearest it is within 2⁻¹⁸, which is what a device with little double precision starts least squares from.

use cudarc::cublas::result::gemm_strided_batched_ex;
use cudarc::cublas::sys::{
    cublasComputeType_t as Compute, cublasGemmAlgo_t as Algorithm, cublasOperation_t as Operation,
    cudaDataType_t as Kind,
};
use cudarc::driver::LaunchConfig;
use nelder_device::{Buffer, Dd, DeviceError, Matrix, check_length};

use crate::cuda::Cuda;
use crate::products::{MATRIX, PACK, PACKED, lanes, paired};

/// Rows that are summed in single precision, eight at once: a sum loses 2⁻²⁴ of itself with each eight.
const RUN: usize = 2048;
/// Numbers of the grams of runs at a time: 512 MB.
const GRAMS: usize = 1 << 27;
/// Columns of a block of a gram, of which only the blocks below the diagonal and on it are computed.
const BLOCK: usize = 256;

/// Precision to which numbers are rounded before they are multiplied, and the units that multiply them.
#[derive(Clone, Copy, PartialEq)]
enum Rounding {
    /// 24 bits.
    Single,
    /// 11 bits, by the tensor cores.
    Tensor,
}

impl Rounding {
    /// The kernels that pack and merge.
    fn text(self) -> String {
        let bits = match self {
            Rounding::Single => 24,
            Rounding::Tensor => 11,
        };
        format!("#define BITS {bits}\n{MATRIX}")
    }

    fn compute(self) -> Compute {
        match self {
            Rounding::Single => Compute::CUBLAS_COMPUTE_32F_PEDANTIC,
            Rounding::Tensor => Compute::CUBLAS_COMPUTE_32F_FAST_TF32,
        }
    }
}

/// Rows that lie one run after another, and where their grams go.
struct Runs {
    at: u64,
    /// Numbers between columns.
    stride: usize,
    /// Rows of each run.
    length: usize,
    count: usize,
    to: u64,
}

impl Cuda {
    /// (X − 1cᵀ)ᵀ W (X − 1cᵀ) by the tensor cores, and Xᵀs and XᵀW in double precision.
    pub(crate) fn rough_gram(
        &self,
        x: &Matrix,
        weights: &Buffer,
        score: &Buffer,
        centres: Option<&[f64]>,
    ) -> Result<(Vec<Dd>, Vec<Dd>), DeviceError> {
        self.grams(x, Some(weights), Some(score), centres, Rounding::Tensor)
    }

    /// The gram in single precision, where the device is quicker in that.
    pub(crate) fn single_gram_of(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        centres: Option<&[f64]>,
    ) -> Result<Option<Vec<Dd>>, DeviceError> {
        if self.is_double_quick() || x.rows == 0 || x.columns == 0 {
            return Ok(None);
        }
        let gram = self.grams(x, weights, None, centres, Rounding::Single)?.0;
        // squares that are far within the range, so that no product is too small for it that counts
        let held = (0..x.columns).all(|i| (1e-20..1e30).contains(&gram[i * (i + 3) / 2].hi));
        Ok(held.then_some(gram))
    }

    /// The gram; with a score s and weights also Xᵀs and XᵀW.
    fn grams(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        score: Option<&Buffer>,
        centres: Option<&[f64]>,
        rounding: Rounding,
    ) -> Result<(Vec<Dd>, Vec<Dd>), DeviceError> {
        let (rows, columns) = (x.rows, x.columns);
        let (a, w) = (self.matrix(x)?, self.checked_weights(weights, rows)?);
        let s = self.checked_weights(score, rows)?;
        if let Some(c) = centres {
            check_length("centres", c.len(), columns)?;
        }
        self.count_launch();
        let text = rounding.text();
        let size = columns * (columns + 1) / 2;
        let centres = centres.map(|c| self.small(c)).transpose()?;
        let c = centres.as_ref().map_or(0, |c| self.address(c));
        let sums = self.room(2 * size)?;
        // 1. as many runs at a time as there is room for
        let most = (GRAMS / (columns * columns)).min(PACKED / (RUN * columns)).max(1);
        let group = (most * RUN).min(rows);
        // two numbers in single precision take the room of one
        let packed = self.room((group * columns).div_ceil(2))?;
        let grams = self.room((group.div_ceil(RUN) * columns * columns).div_ceil(2))?;
        let pieces = rows.div_ceil(PACK);
        let by_column = self.room(pieces * 2 * columns)?;
        let mut first = 0;
        while first < rows {
            let count = group.min(rows - first);
            // 2. (x − c) √w, rounded to 11 bits
            let to = self.address(&packed);
            let place = [first as u64, count as u64, rows as u64, columns as u64];
            if score.is_some() {
                let arguments = [&[a, w, s, c, to, self.address(&by_column)][..], &place].concat();
                let blocks = count.div_ceil(PACK) as u32;
                let across = (self.blocks / blocks).clamp(1, columns.div_ceil(32) as u32);
                let config = LaunchConfig {
                    grid_dim: (blocks, across, 1),
                    block_dim: (256, 1, 1),
                    shared_mem_bytes: 0,
                };
                // SAFETY: `count` rows from `first` on, a multiple of a piece, are in the matrix and the vectors, and there is
                // room for them and for the sums of each piece
                unsafe { self.launch(&text, "nelder_pack_sums", config, &arguments)? };
            } else {
                let arguments = [&[a, w, c, to][..], &place].concat();
                let grid = self.cell_grid(count, columns);
                // SAFETY: `count` rows from `first` on are in the matrix and the weights, and there is room for them
                unsafe { self.launch(&text, "nelder_pack", grid, &arguments)? };
            }
            // 3. the grams of runs
            let (whole, rest) = (count / RUN, count % RUN);
            let runs = |before: usize, length: usize, number: usize| Runs {
                at: to + (4 * before * RUN) as u64,
                stride: count,
                length,
                count: number,
                to: self.address(&grams) + (4 * before * columns * columns) as u64,
            };
            // SAFETY: `whole` runs and the rest lie one after another, and there is room for their grams
            unsafe {
                if whole > 0 {
                    self.single_runs(columns, &runs(0, RUN, whole), rounding)?;
                }
                if rest > 0 {
                    self.single_runs(columns, &runs(whole, rest, 1), rounding)?;
                }
            }
            // 4. their sum
            let parts = count.div_ceil(RUN);
            let arguments = [
                self.address(&grams),
                self.address(&sums),
                columns as u64,
                parts as u64,
                u64::from(first == 0),
                lanes(parts) as u64,
            ];
            let grid = self.grid(size * lanes(parts));
            // SAFETY: `parts` square matrices are behind the first pointer, two triangles behind the second
            unsafe { self.launch(&text, "nelder_merge_triangles", grid, &arguments)? };
            first += count;
        }
        let by_column = match score {
            Some(_) => self.merged(&by_column, None, 2 * columns, pieces)?,
            None => Vec::new(),
        };
        Ok((paired(&self.download_slice(&sums, 0, 2 * size)?), by_column))
    }

    /// # Safety
    /// The rows, in columns that lie `stride` numbers apart, and the room for their grams are there.
    unsafe fn single_runs(&self, columns: usize, runs: &Runs, rounding: Rounding) -> Result<(), DeviceError> {
        let (n, p) = (self.dimension(runs.stride)?, self.dimension(columns)?);
        let blas = self.blas();
        // entry (i, j), i ≥ j, of a symmetric matrix is at i p + j: columns before a block's end times those of the block
        for from in (0..columns).step_by(BLOCK) {
            let width = BLOCK.min(columns - from);
            let (one, zero) = (1.0f32, 0.0f32);
            let block = runs.at + (4 * from * runs.stride) as u64;
            // SAFETY: the caller's
            unsafe {
                gemm_strided_batched_ex(
                    *blas.handle(),
                    Operation::CUBLAS_OP_T,
                    Operation::CUBLAS_OP_N,
                    self.dimension(from + width)?,
                    self.dimension(width)?,
                    self.dimension(runs.length)?,
                    (&raw const one).cast(),
                    runs.at as *const _,
                    Kind::CUDA_R_32F,
                    n,
                    runs.length as i64,
                    block as *const _,
                    Kind::CUDA_R_32F,
                    n,
                    runs.length as i64,
                    (&raw const zero).cast(),
                    (runs.to + (4 * from * columns) as u64) as *mut _,
                    Kind::CUDA_R_32F,
                    p,
                    (columns * columns) as i64,
                    self.dimension(runs.count)?,
                    rounding.compute(),
                    Algorithm::CUBLAS_GEMM_DEFAULT,
                )
            }
            .map_err(|e| self.failed(&e))?;
        }
        Ok(())
    }
}
