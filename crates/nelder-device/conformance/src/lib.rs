//! Every operation of every backend, held against the CPU in double precision: on random and on extreme inputs, with the
//! tolerance of each operation stated.

mod bare;
mod decompositions;
mod families;
mod operations;
mod placed;
mod processes;
mod products;
pub mod rough;
mod sums;
mod values;

use nelder_device::{DeviceError, GlmKernels};

pub use bare::Bare;
pub use placed::{Placed, chosen, on, open, open_fusing, open_one, open_single, place};
pub use processes::Processes;
pub use values::ulps;

/// True if `NELDER_TEST_FEW` is set: of programs that are put together from the same parts, links with families, a fourth is
/// enough then, as for a device that is software and compiles each of them for seconds.
pub fn few() -> bool {
    std::env::var_os("NELDER_TEST_FEW").is_some()
}

/// Results of the comparisons: their number, the failures and the largest errors.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Results that were compared.
    pub compared: usize,
    /// A line for each operation with a result out of its tolerance: the worst.
    pub failures: Vec<String>,
    /// The largest error of each operation, in its own unit, for a reader: of sums 2⁻¹⁰² of the sum of absolute values.
    pub worst: Vec<(String, f64)>,
}

impl Outcome {
    /// Takes in an error of an operation: the largest stays.
    fn at_worst(&mut self, what: &str, error: f64) {
        match self.worst.iter_mut().find(|(name, _)| name == what) {
            Some((_, worst)) => *worst = error.max(*worst),
            None => self.worst.push((what.to_string(), error)),
        }
    }
}

/// Runs the whole suite on a backend.
///
/// # Errors
/// A failure of the device; a wrong result is no error but a failure of the [`Outcome`].
pub fn check(backend: &dyn GlmKernels) -> Result<Outcome, DeviceError> {
    let mut outcome = Outcome::default();
    operations::check(backend, &mut outcome)?;
    families::check(backend, &mut outcome)?;
    products::check(backend, &mut outcome)?;
    sums::check(backend, &mut outcome)?;
    decompositions::check(backend, &mut outcome)?;
    Ok(outcome)
}
