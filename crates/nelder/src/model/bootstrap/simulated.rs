//! Responses drawn from the distribution of a generalized linear model at its means: the parametric bootstrap.

use nelder_device::Philox;
use nelder_device::special::stirling_error;

use super::binomial::{Uniforms, binomial_of};
use crate::design::{Block, RowError};
use crate::family::{Family, FamilyName, Variance};
use crate::model::ModelError;
use crate::pass::Observed;

/// First word of the counters of simulated responses; the low 24 bits count.
const SIMULATED: u32 = 6 << 28;
/// Mean from which on Poisson draws are by rejection.
const BY_REJECTION: f64 = 10.0;

/// Distribution of responses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Law {
    /// Shares of successes of w trials.
    Binomial,
    /// Counts.
    Poisson,
    /// Normal with variance φ/w.
    Normal(f64),
}

impl Law {
    /// The distribution of a family with its dispersion.
    ///
    /// # Errors
    /// Families without one, and those that are not drawn from.
    pub fn of(family: &Family, dispersion: f64) -> Result<Law, ModelError> {
        match (family.name, family.variance) {
            (FamilyName::Binomial, _) => Ok(Law::Binomial),
            (FamilyName::Poisson, _) => Ok(Law::Poisson),
            (FamilyName::Gaussian, Variance::Constant) => Ok(Law::Normal(dispersion)),
            _ => Err(ModelError::argument(
                "type",
                "type = parametric draws from binomial, poisson and gaussian models; take type = case for this family",
            )),
        }
    }

    /// Responses at the means of the rows `from..to` of a block, rows x lanes, lanes fastest: those of the replicates of these numbers.
    ///
    /// # Errors
    /// A row of the binomial with a weight that is no number of trials.
    #[allow(clippy::too_many_arguments)]
    pub fn fill(
        self,
        (block, counts): (&Block<'_>, bool),
        means: &[f64],
        (from, to): (usize, usize),
        before: u64,
        (draws, numbers, lanes): (&Philox, &[u32], usize),
        out: &mut Vec<f64>,
    ) -> Result<(), RowError> {
        out.resize((to - from) * lanes, 0.0);
        let observed = Observed::of(block, counts);
        let weights = block.weights.as_deref();
        for (i, out) in out.chunks_exact_mut(lanes).enumerate() {
            let (row, mu) = (from + i, means[from + i]);
            let trials = match (&observed.trials, &observed.weight) {
                (Some(trials), _) => trials[row],
                (None, Some(weight)) => weight[row],
                (None, None) => 1.0,
            };
            if self == Law::Binomial && trials.fract() != 0.0 {
                let at = block.source_row(row);
                let message = format!(
                    "row {} has weight {trials}, which is no number of trials to draw from; take type = case",
                    at + 1
                );
                return Err(RowError { row: at, message });
            }
            let position = before + row as u64;
            for (out, &number) in out.iter_mut().zip(numbers) {
                let counter = [SIMULATED, position as u32, (position >> 32) as u32, number];
                let mut uniforms = Uniforms { draws, counter };
                *out = match self {
                    Law::Binomial if trials == 0.0 => 0.0,
                    Law::Binomial if trials == 1.0 => f64::from(u8::from(uniforms.two()[0] < mu)),
                    Law::Binomial => binomial_of(trials as u64, (mu, 1.0 - mu), uniforms) as f64 / trials,
                    Law::Poisson => poisson(mu, &mut uniforms),
                    Law::Normal(dispersion) => {
                        let [u, v] = uniforms.two();
                        let radius = (-2.0 * libm::log(u)).sqrt();
                        let z = radius * libm::cos(2.0 * std::f64::consts::PI * v);
                        mu + z * (dispersion / weights.map_or(1.0, |w| w[row])).sqrt()
                    }
                };
            }
        }
        Ok(())
    }
}

/// A draw of the Poisson distribution: by inversion, or by the transformed rejection of Hörmann (1993), "The transformed rejection method for
/// generating Poisson random variables", algorithm PTRS.
fn poisson(mean: f64, uniforms: &mut Uniforms<'_>) -> f64 {
    if mean < BY_REJECTION {
        let (mut probability, mut left, mut k) = (libm::exp(-mean), uniforms.two()[0], 0.0);
        while left > probability && probability > 0.0 {
            left -= probability;
            k += 1.0;
            probability *= mean / k;
        }
        return k;
    }
    let b = 0.931 + 2.53 * mean.sqrt();
    let a = -0.059 + 0.02483 * b;
    let alpha = 1.1239 + 1.1328 / (b - 3.4);
    let squeeze = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let [u, v] = uniforms.two();
        let u = u - 0.5;
        let from_end = 0.5 - u.abs();
        let k = ((2.0 * a / from_end + b) * u + mean + 0.43).floor();
        if from_end >= 0.07 && v <= squeeze {
            return k;
        }
        if k < 0.0 || (from_end < 0.013 && v > from_end) {
            continue;
        }
        // log f(k) = −k (x − 1 − log x) − ½ log 2πk − what Stirling's formula leaves, x = μ/k
        let log = match k {
            0.0 => -mean,
            _ => {
                let excess = (mean - k) / k;
                let deviance = k * (excess - libm::log1p(excess));
                -deviance - 0.5 * libm::log(2.0 * std::f64::consts::PI * k) - stirling_error(k)
            }
        };
        if libm::log(v * alpha / (a / (from_end * from_end) + b)) <= log {
            return k;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_the_moments_of_their_mean() {
        let (draws, n) = (Philox::new(5), 100_000u32);
        for mean in [0.3, 4.0, 12.0, 250.0] {
            let (mut sum, mut squares) = (0.0, 0.0);
            for i in 0..n {
                let mut uniforms = Uniforms {
                    draws: &draws,
                    counter: [0, i, 0, 1],
                };
                let z = (poisson(mean, &mut uniforms) - mean) / mean.sqrt();
                (sum, squares) = (sum + z, squares + z * z);
            }
            let count = f64::from(n);
            assert!(
                (sum / count).abs() < 5.0 / count.sqrt(),
                "{mean}: {}",
                sum / count
            );
            // the fourth moment is 3 + 1/mean
            let error = ((2.0 + 1.0 / mean) / count).sqrt();
            assert!(
                (squares / count - 1.0).abs() < 5.0 * error,
                "{mean}: {}",
                squares / count
            );
        }
    }
}
