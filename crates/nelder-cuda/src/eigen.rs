//! Eigenvalues and eigenvectors of symmetric matrices, by cuSOLVER where it is installed.

use std::sync::{Mutex, PoisonError};

use cudarc::cusolver::safe::DnHandle;
use cudarc::cusolver::sys::{
    cublasFillMode_t as Fill, cusolverDnDsyevd, cusolverDnDsyevd_bufferSize, cusolverEigMode_t as Mode,
    is_culib_present,
};
use nelder_device::{DeviceError, Spectrum, check_length};

use crate::cuda::Cuda;

/// Orders below which the CPU is done before the launches are.
const LEAST_ORDER: usize = 256;
/// Orders up to which the room is looked for.
const MOST_ORDER: usize = 16_384;

impl Cuda {
    fn solver(&self) -> Result<Option<&Mutex<DnHandle>>, DeviceError> {
        if let Some(known) = self.solver.0.get() {
            return Ok(known.as_ref());
        }
        // SAFETY: the library is loaded and its version asked for, no more
        let handle = match unsafe { is_culib_present() } {
            false => None,
            true => {
                let handle = DnHandle::new(self.stream.clone()).map_err(|e| self.failed(&e))?;
                Some(Mutex::new(handle))
            }
        };
        Ok(self.solver.0.get_or_init(|| handle).as_ref())
    }

    /// Tridiagonal form and divide and conquer (LAPACK's dsyevd).
    pub(crate) fn eigen_of(&self, matrix: &[f64], order: usize) -> Result<Option<Spectrum>, DeviceError> {
        check_length("matrix", matrix.len(), order * order)?;
        if !(LEAST_ORDER..=MOST_ORDER).contains(&order) || !matrix.iter().all(|v| v.is_finite()) {
            return Ok(None);
        }
        let Some(handle) = self.solver()? else {
            return Ok(None);
        };
        let handle = handle.lock().unwrap_or_else(PoisonError::into_inner);
        self.count_launch();
        let n = self.dimension(order)?;
        let (vectors, values) = (self.upload_slice(matrix)?, self.room(order)?);
        let (a, w) = (
            self.address(&vectors) as *mut f64,
            self.address(&values) as *mut f64,
        );
        let (mode, fill) = (Mode::CUSOLVER_EIG_MODE_VECTOR, Fill::CUBLAS_FILL_MODE_LOWER);
        let mut size = 0;
        // SAFETY: the matrix and the values are of this order, and the size is a live integer
        unsafe { cusolverDnDsyevd_bufferSize(handle.cu(), mode, fill, n, a, n, w, &mut size) }
            .result()
            .map_err(|e| self.failed(&e))?;
        // one number more, in which the outcome is left
        let scratch = usize::try_from(size).unwrap_or(0);
        let room = self.room(scratch + 1)?;
        let at = self.address(&room);
        let info = (at + 8 * scratch as u64) as *mut i32;
        // SAFETY: as above, with as much room as was asked for and a place for the outcome behind it
        unsafe { cusolverDnDsyevd(handle.cu(), mode, fill, n, a, n, w, at as *mut f64, size, info) }
            .result()
            .map_err(|e| self.failed(&e))?;
        let outcome = self.download_slice(&room, scratch, 1)?;
        // the first four bytes are the whole number
        if outcome.first().is_none_or(|v| v.to_bits() as u32 != 0) {
            return Ok(None);
        }
        Ok(Some(Spectrum {
            values: self.download_slice(&values, 0, order)?,
            vectors: self.download_slice(&vectors, 0, order * order)?,
        }))
    }
}
