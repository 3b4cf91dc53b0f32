//! Decompositions: Cholesky by blocks of columns, and the inverse that follows from it.

use cudarc::cublas::{result::dgemm, sys::cublasOperation_t};
use cudarc::driver::{CudaSlice, LaunchConfig};
use nelder_device::{Decomposed, DeviceError, check_length};

use crate::cuda::Cuda;

const CHOLESKY: &str = concat!("typedef unsigned long long Count;\n", include_str!("cholesky.cu"));
/// Columns of a block.
const ORDER: usize = 64;
/// Orders below which the CPU is done before the launches are.
const LEAST_ORDER: usize = 384;
/// Orders up to which it is tried: what is larger takes too long on the CPU to be looked at as a whole.
const MOST_ORDER: usize = 16_384;

/// c := α op(a) op(b) + β c, where op(a) is m x k: addresses of corners of square matrices of one order.
struct Product {
    transposed: (bool, bool),
    sizes: (usize, usize, usize),
    factors: (f64, f64),
    a: u64,
    b: u64,
    c: u64,
}

impl Cuda {
    /// # Safety
    /// The parts named by `product` lie in matrices whose columns are `stride` numbers long.
    unsafe fn multiply(&self, product: &Product, stride: usize) -> Result<(), DeviceError> {
        let (m, n, k) = product.sizes;
        let stride = self.dimension(stride)?;
        let of = |t: bool| match t {
            true => cublasOperation_t::CUBLAS_OP_T,
            false => cublasOperation_t::CUBLAS_OP_N,
        };
        let blas = self.blas();
        // SAFETY: the caller's
        unsafe {
            dgemm(
                *blas.handle(),
                of(product.transposed.0),
                of(product.transposed.1),
                self.dimension(m)?,
                self.dimension(n)?,
                self.dimension(k)?,
                &product.factors.0,
                product.a as *const f64,
                stride,
                product.b as *const f64,
                stride,
                &product.factors.1,
                product.c as *mut f64,
                stride,
            )
        }
        .map_err(|e| self.failed(&e))
    }

    fn zeros(&self, len: usize) -> Result<CudaSlice<f64>, DeviceError> {
        let mut slice = self.room(len)?;
        self.stream
            .memset_zeros(&mut slice)
            .map_err(|e| self.failed(&e))?;
        Ok(slice)
    }

    // one list of calls over shared buffers: taken apart, each part would take all of them as arguments
    pub(crate) fn cholesky_of(
        &self,
        packed: &[f64],
        scales: &[f64],
    ) -> Result<Option<Decomposed>, DeviceError> {
        let order = scales.len();
        check_length("matrix", packed.len(), order * (order + 1) / 2)?;
        if !(LEAST_ORDER..=MOST_ORDER).contains(&order) {
            return Ok(None);
        }
        self.count_launch();
        let blocks = order.div_ceil(ORDER);
        let size = blocks * ORDER;
        let (packed, scales) = (self.upload_slice(packed)?, self.small(scales)?);
        let (a, lower) = (self.room(size * size)?, self.zeros(size * size)?);
        let (inverse, norms) = (self.zeros(size * size)?, self.room(blocks)?);
        let arguments = [
            self.address(&packed),
            self.address(&scales),
            self.address(&a),
            order as u64,
            size as u64,
        ];
        // SAFETY: the triangle and the scales are of this order, and there is room for `size` squared numbers
        unsafe { self.launch(CHOLESKY, "nelder_unpack", self.grid(size * size), &arguments)? };
        // corner (i, j) of a matrix, in blocks
        let at = |slice: &CudaSlice<f64>, i: usize, j: usize| {
            self.address(slice) + 8 * ((j * size + i) * ORDER) as u64
        };
        let one = LaunchConfig {
            grid_dim: (1, 1, 1),
            block_dim: (256, 1, 1),
            shared_mem_bytes: 0,
        };
        for k in 0..blocks {
            // 1. L of the block on the diagonal, and its inverse (Golub & Van Loan 2013, 4.2.9)
            let arguments = [
                self.address(&a),
                self.address(&lower),
                self.address(&inverse),
                self.address(&norms),
                size as u64,
                (k * ORDER) as u64,
            ];
            // SAFETY: three square matrices, and a number for each block
            unsafe { self.launch(CHOLESKY, "nelder_diagonal", one, &arguments)? };
            let below = size - (k + 1) * ORDER;
            if below > 0 {
                let panel = Product {
                    transposed: (false, true),
                    sizes: (below, ORDER, ORDER),
                    factors: (1.0, 0.0),
                    a: at(&a, k + 1, k),
                    b: at(&inverse, k, k),
                    c: at(&lower, k + 1, k),
                };
                let update = Product {
                    transposed: (false, true),
                    sizes: (below, below, ORDER),
                    factors: (-1.0, 1.0),
                    a: at(&lower, k + 1, k),
                    b: at(&lower, k + 1, k),
                    c: at(&a, k + 1, k + 1),
                };
                // SAFETY: blocks of square matrices of order `size`
                unsafe {
                    // 2. the columns below it
                    self.multiply(&panel, size)?;
                    // 3. what they take out of the matrix to their right
                    self.multiply(&update, size)?;
                }
            }
        }
        for k in 1..blocks {
            // 4. row k of X = L⁻¹: −Lₖₖ⁻¹ (Lₖ X) (Higham 2002, 14.2.2); A is no longer needed, and gives the room
            let sums = Product {
                transposed: (false, false),
                sizes: (ORDER, k * ORDER, k * ORDER),
                factors: (1.0, 0.0),
                a: at(&lower, k, 0),
                b: at(&inverse, 0, 0),
                c: at(&a, 0, 0),
            };
            let row = Product {
                transposed: (false, false),
                sizes: (ORDER, k * ORDER, ORDER),
                factors: (-1.0, 0.0),
                a: at(&inverse, k, k),
                b: at(&a, 0, 0),
                c: at(&inverse, k, 0),
            };
            // SAFETY: as above
            unsafe {
                self.multiply(&sums, size)?;
                self.multiply(&row, size)?;
            }
        }
        // 5. A⁻¹ = Xᵀ X
        let whole = Product {
            transposed: (true, false),
            sizes: (size, size, size),
            factors: (1.0, 0.0),
            a: at(&inverse, 0, 0),
            b: at(&inverse, 0, 0),
            c: at(&a, 0, 0),
        };
        // SAFETY: as above
        unsafe { self.multiply(&whole, size)? };
        let out = self.room(2 * order * order)?;
        let arguments = [
            self.address(&lower),
            self.address(&a),
            self.address(&out),
            order as u64,
            size as u64,
        ];
        // SAFETY: two square matrices of order `size`, and room for two of order `order`
        unsafe { self.launch(CHOLESKY, "nelder_trim", self.grid(2 * order * order), &arguments)? };
        let norms = self.download_slice(&norms, 0, blocks)?;
        // a pivot that is not positive makes what follows no number
        if !norms.iter().all(|n| n.is_finite()) {
            return Ok(None);
        }
        let growth = norms.iter().fold(1.0, |most: f64, n| most.max(n / ORDER as f64));
        Ok(Some(Decomposed {
            lower: self.download_slice(&out, 0, order * order)?,
            inverse: self.download_slice(&out, order * order, order * order)?,
            growth,
        }))
    }
}
