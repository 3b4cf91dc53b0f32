//! Eigenvalues and eigenvectors of a symmetric matrix, largest first.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{self, ComputeEigenvectors, SelfAdjointEvdParams};
use faer::{Auto, Par, Spec};
use nelder_device::LinearAlgebra;

use super::Rectangular;

/// Eigenvalues of a symmetric matrix from the largest on, and their eigenvectors as columns.
#[derive(Clone, Debug)]
pub struct Eigen {
    /// The eigenvalues, falling.
    pub values: Vec<f64>,
    /// Orthonormal eigenvectors in the same order.
    pub vectors: Rectangular,
}

/// Threads that are few.
const FEW: usize = 4;

/// Threads for a decomposition of this order.
pub(super) fn parallelism(order: usize) -> Par {
    match order < 256 {
        true => Par::Seq,
        false => Par::rayon(0),
    }
}

/// All eigenvalues and eigenvectors of a symmetric matrix, of which the lower triangle is read: tridiagonal form by
/// reflections, then divide and conquer (Golub & Van Loan 2013, 8.3 and 8.4). `None` where it does not converge, as for
/// entries that are not finite. A device takes large ones where it is quicker.
///
/// ```
/// use nelder::solve::{Rectangular, eigen};
/// let found = eigen(&Rectangular::from_fn(2, 2, |i, j| if i == j { 2.0 } else { 1.0 }), None).unwrap();
/// assert!((found.values[0] - 3.0).abs() < 1e-15 && (found.values[1] - 1.0).abs() < 1e-15);
/// ```
pub fn eigen(matrix: &Rectangular, device: Option<&dyn LinearAlgebra>) -> Option<Eigen> {
    let p = matrix.rows();
    if p == 0 {
        return Some(Eigen {
            values: Vec::new(),
            vectors: Rectangular::zeros(0, 0),
        });
    }
    // a device that fails says so in the next pass
    if let Some(spectrum) = device.and_then(|d| d.eigen(matrix.values(), p).ok().flatten()) {
        return Some(falling(spectrum.values, spectrum.vectors));
    }
    let par = parallelism(p);
    let (mut values, mut vectors) = (Diag::<f64>::zeros(p), Rectangular::zeros(p, p));
    let wanted = ComputeEigenvectors::Yes;
    let mut parameters = <SelfAdjointEvdParams as Auto<f64>>::auto();
    // a reduction's step is a product with a vector: few threads wait longer for each other than it takes
    if par.degree() <= FEW {
        parameters.tridiag.par_threshold = usize::MAX;
    }
    let parameters = Spec::new(parameters);
    let room = &mut MemBuffer::new(evd::self_adjoint_evd_scratch::<f64>(p, wanted, par, parameters));
    evd::self_adjoint_evd(
        matrix.as_ref(),
        values.as_mut(),
        Some(vectors.as_mut()),
        par,
        MemStack::new(room),
        parameters,
    )
    .ok()?;
    let values = (0..p).map(|i| values[i]).collect();
    let found = falling(values, vectors.into_values());
    found.values.iter().all(|v| v.is_finite()).then_some(found)
}

/// From rising eigenvalues and their eigenvectors one after another, as decompositions give them.
fn falling(mut values: Vec<f64>, mut vectors: Vec<f64>) -> Eigen {
    let p = values.len();
    values.reverse();
    let mut rest = vectors.as_mut_slice();
    // the outer two change places
    while rest.len() >= 2 * p && p > 0 {
        let len = rest.len();
        let (first, others) = rest.split_at_mut(p);
        let (inner, last) = others.split_at_mut(len - 2 * p);
        first.swap_with_slice(last);
        rest = inner;
    }
    Eigen {
        values,
        vectors: Rectangular::of(p, p, vectors),
    }
}
