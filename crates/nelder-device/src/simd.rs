//! Loops compiled for the vector instructions that the machine has.

use pulp::{Arch, Simd, WithSimd};

/// Runs a closure compiled for the best vector instructions of this machine (on x86: AVX-512, AVX2 with fused
/// multiply-add, or SSE2), so that its plain loops become vector code and `mul_add` one instruction.
///
/// Mark the closure `#[inline(always)]`, and what it calls: only what is inlined is compiled that way. A
/// closure given to `pulp::Arch::dispatch` itself is called through a shim that is not inlined when it could
/// be called twice.
///
/// ```
/// let (x, mut y) = ([1.0, 2.0, 3.0], [0.5; 3]);
/// nelder_device::vectorized(#[inline(always)] || {
///     for (y, x) in y.iter_mut().zip(&x) {
///         *y = f64::mul_add(2.0, *x, *y);
///     }
/// });
/// assert_eq!(y, [2.5, 4.5, 6.5]);
/// ```
#[inline(always)]
pub fn vectorized<F: FnMut()>(mut f: F) {
    Arch::new().dispatch(Task(&mut f));
}

struct Task<'f, F>(&'f mut F);

impl<F: FnMut()> WithSimd for Task<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        (self.0)()
    }
}
