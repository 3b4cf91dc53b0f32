//! Linear algebra on devices: grams, products, decompositions.

use crate::Dd;
use crate::buffer::{Buffer, Matrix};
use crate::device::Device;
use crate::error::DeviceError;
use crate::products;

/// Rows that a gram sums in double precision before it goes on in twice that.
pub const RUN_ROWS: usize = 8192;

/// A = L Lᵀ and what follows from it, column by column.
#[derive(Clone, Debug, PartialEq)]
pub struct Decomposed {
    /// L; zeros above the diagonal.
    pub lower: Vec<f64>,
    /// A⁻¹, both triangles.
    pub inverse: Vec<f64>,
    /// By how much rounding errors may be larger than those of a decomposition column by column: the largest ‖M‖ ‖M⁻¹‖ / order
    /// of the blocks M that were inverted on the way (Frobenius norms); at least 1.
    pub growth: f64,
}

/// A symmetric matrix as V diag(λ) Vᵀ.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    /// λ, rising.
    pub values: Vec<f64>,
    /// V, orthonormal columns in that order, column by column.
    pub vectors: Vec<f64>,
}

/// Linear algebra on a device: the second of three tiers. Every verb is made of programs and sums where a device has none of its own,
/// and grams are exact then.
///
/// Matrices are column by column, symmetric ones the lower triangle by rows.
pub trait LinearAlgebra: Device {
    /// (X − 1cᵀ)ᵀ W (X − 1cᵀ), c the `centres` (zero where there are none) and W the diagonal matrix of the weights: the
    /// lower triangle by rows. Runs of [`RUN_ROWS`] rows are summed in double precision or better, and the runs in twice
    /// that.
    ///
    /// # Errors
    /// Sizes that do not fit; a failure of the device.
    fn gram(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        centres: Option<&[f64]>,
    ) -> Result<Vec<Dd>, DeviceError> {
        products::gram(self, x, weights, centres)
    }

    /// Xᵀ W X with each product exact and all sums in twice the precision: the lower triangle by rows.
    ///
    /// # Errors
    /// Sizes that do not fit; a failure of the device.
    fn exact_gram(&self, x: &Matrix, weights: Option<&Buffer>) -> Result<Vec<Dd>, DeviceError> {
        products::gram(self, x, weights, None)
    }

    /// (X − 1cᵀ)ᵀ W (X − 1cᵀ) in single precision, lower triangle by rows: entries within 2⁻¹⁸ of the norms of the columns
    /// about their centres. `None` where that is no quicker than [`gram`](LinearAlgebra::gram), and where columns or weights have so
    /// little in common with their largest numbers that single precision does not hold them.
    ///
    /// # Errors
    /// As [`gram`](LinearAlgebra::gram).
    fn single_gram(
        &self,
        _x: &Matrix,
        _weights: Option<&Buffer>,
        _centres: Option<&[f64]>,
    ) -> Result<Option<Vec<Dd>>, DeviceError> {
        Ok(None)
    }

    /// c + o + X b, of length `rows`, which stays on the device; o is the `offset`. In double precision or better.
    ///
    /// # Errors
    /// Sizes that do not fit; a failure of the device.
    fn product(
        &self,
        x: &Matrix,
        b: &[f64],
        constant: f64,
        offset: Option<&Buffer>,
    ) -> Result<Buffer, DeviceError> {
        products::product(self, x, b, constant, offset)
    }

    /// The Cholesky decomposition of D⁻¹ A D⁻¹, D the diagonal matrix of the `scales` and A the symmetric matrix whose lower
    /// triangle `packed` has by rows, and its inverse. `None` where the CPU does it as well: for small orders, on devices
    /// that cannot, and where a pivot is not positive.
    ///
    /// # Errors
    /// Sizes that do not fit; a failure of the device.
    fn cholesky(&self, _packed: &[f64], _scales: &[f64]) -> Result<Option<Decomposed>, DeviceError> {
        Ok(None)
    }

    /// All eigenvalues and eigenvectors of a symmetric matrix of this order, which is given column by column; its lower
    /// triangle is read. `None` where the CPU does it as well: for small orders, on devices that cannot, where the iteration
    /// does not converge, and where an entry is not finite.
    ///
    /// # Errors
    /// Sizes that do not fit; a failure of the device.
    fn eigen(&self, _matrix: &[f64], _order: usize) -> Result<Option<Spectrum>, DeviceError> {
        Ok(None)
    }
}
