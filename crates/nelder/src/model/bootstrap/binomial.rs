//! Exact draws of a binomial distribution from a counter.
//!
//! Small means by inversion of the distribution function, larger ones by transformed rejection with the squeeze of Hörmann (1993), "The
//! generation of binomial random variates", algorithm BTRS. Logarithms are `libm`'s, the same on every machine.

use nelder_device::Philox;
use nelder_device::special::stirling_error;

/// Mean n p from which on draws are by rejection, p at most a half.
const BY_REJECTION: f64 = 10.0;

/// A stream of uniform numbers: those of the counters `counter` with their first word, of which the last 24 bits count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uniforms<'d> {
    pub draws: &'d Philox,
    pub counter: [u32; 4],
}

impl Uniforms<'_> {
    /// The next two.
    pub fn two(&mut self) -> [f64; 2] {
        let w = self.draws.at(self.counter);
        self.counter[0] += 1;
        [Philox::open_uniform(w[0], w[1]), Philox::open_uniform(w[2], w[3])]
    }
}

/// A draw of the binomial distribution of `n` trials, each a success with probability `part` / `whole`.
pub(super) fn binomial(n: u64, part: u64, whole: u64, mut uniforms: Uniforms<'_>) -> u64 {
    let other = whole - part;
    match (n, part, other) {
        (0, ..) | (_, 0, _) => 0,
        (_, _, 0) => n,
        _ if part <= other => of_minority(n, (part as f64, other as f64), &mut uniforms),
        _ => n - of_minority(n, (other as f64, part as f64), &mut uniforms),
    }
}

/// The same for a probability of success and one of failure.
pub(super) fn binomial_of(n: u64, (success, failure): (f64, f64), mut uniforms: Uniforms<'_>) -> u64 {
    match success <= failure {
        _ if success <= 0.0 => 0,
        _ if failure <= 0.0 => n,
        true => of_minority(n, (success, failure), &mut uniforms),
        false => n - of_minority(n, (failure, success), &mut uniforms),
    }
}

/// The same for odds `part` to `other` of at most one.
fn of_minority(n: u64, (part, other): (f64, f64), uniforms: &mut Uniforms<'_>) -> u64 {
    let p = part / (part + other);
    match n as f64 * p < BY_REJECTION {
        true => by_inversion(n, (part, other), uniforms.two()[0]),
        false => by_rejection(n as f64, p, (part, other), uniforms) as u64,
    }
}

/// The smallest k with F(k) ≥ u: probabilities from f(0) = (1 − p)ⁿ by f(k) = f(k − 1) (n − k + 1)/k · p/(1 − p).
fn by_inversion(n: u64, (part, other): (f64, f64), u: f64) -> u64 {
    let odds = part / other;
    let mut probability = libm::exp(-(n as f64) * libm::log1p(odds));
    let (mut left, mut k) = (u, 0);
    while left > probability && k < n {
        left -= probability;
        k += 1;
        probability *= (n - k + 1) as f64 / k as f64 * odds;
        // the rest of the tail is below the rounding of u
        if probability == 0.0 {
            break;
        }
    }
    k
}

/// Remainder of Stirling's formula for log k! about k + 1.
fn stirling_rest(k: f64) -> f64 {
    stirling_error(k + 1.0)
}

/// BTRS. The logarithm of f(k)/f(m), m the mode, is written so that nothing of the order of n cancels:
/// (k − m) L + (k + ½) A + (n − k + ½) D with L = log(odds (n − m + 1)/(m + 1)), A = −log(1 + (k − m)/(m + 1)) and
/// D = log(1 + (k − m)/(n − k + 1)), and what Stirling's formula leaves.
fn by_rejection(n: f64, p: f64, (part, other): (f64, f64), uniforms: &mut Uniforms<'_>) -> f64 {
    let (q, odds) = (other / (part + other), part / other);
    let deviation = (n * p * q).sqrt();
    let b = 1.15 + 2.53 * deviation;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let centre = n * p + 0.5;
    let squeeze = 0.92 - 4.2 / b;
    let alpha = (2.83 + 5.1 / b) * deviation;
    let m = ((n + 1.0) * p).floor();
    let slope = libm::log(odds * (n - m + 1.0) / (m + 1.0));
    let rest_of_mode = stirling_rest(m) + stirling_rest(n - m);
    loop {
        let [u, v] = uniforms.two();
        let u = u - 0.5;
        let from_end = 0.5 - u.abs();
        let k = ((2.0 * a / from_end + b) * u + centre).floor();
        if from_end >= 0.07 && v <= squeeze {
            return k;
        }
        if !(0.0..=n).contains(&k) {
            continue;
        }
        let height = libm::log(v * alpha / (a / (from_end * from_end) + b));
        let ratio = (k - m) * slope - (k + 0.5) * libm::log1p((k - m) / (m + 1.0))
            + (n - k + 0.5) * libm::log1p((k - m) / (n - k + 1.0))
            + rest_of_mode
            - stirling_rest(k)
            - stirling_rest(n - k);
        if height <= ratio {
            return k;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// χ² of the counts of `draws` draws about their probabilities, cells of fewer than five expected joined, and its degrees of freedom.
    fn chi_squared(n: u64, part: u64, whole: u64, draws: u32) -> (f64, f64) {
        let family = Philox::new(11);
        let mut counts = vec![0u64; n as usize + 1];
        for i in 0..draws {
            let uniforms = Uniforms {
                draws: &family,
                counter: [0, i, 7, n as u32],
            };
            counts[binomial(n, part, whole, uniforms) as usize] += 1;
        }
        let p = part as f64 / whole as f64;
        let (mut log, mut statistic, mut cells) = (n as f64 * libm::log1p(-p), 0.0, -1.0);
        let (mut expected, mut found) = (0.0, 0.0);
        let mut seen = 0.0;
        for (k, &count) in counts.iter().enumerate() {
            if k > 0 {
                log += ((n - k as u64 + 1) as f64 / k as f64 * p / (1.0 - p)).ln();
            }
            expected += f64::from(draws) * log.exp();
            found += count as f64;
            if expected >= 5.0 && f64::from(draws) - seen - expected >= 5.0 {
                statistic += (found - expected).powi(2) / expected;
                seen += expected;
                (expected, found, cells) = (0.0, 0.0, cells + 1.0);
            }
        }
        let rest = f64::from(draws) - seen;
        (statistic + (found - rest).powi(2) / rest, cells + 1.0)
    }

    #[test]
    fn draws_have_their_distribution() {
        let cases = [
            (5, 1, 2),
            (40, 1, 9),
            (200, 1, 2),
            (1000, 1, 3),
            (1000, 2, 3),
            (3000, 1023, 2047),
        ];
        for (n, part, whole) in cases {
            let (statistic, df) = chi_squared(n, part, whole, 200_000);
            // a fixed seed: beyond one in ten thousand is a fault
            let limit = df + 3.72 * (2.0 * df).sqrt() + 8.0;
            assert!(statistic < limit, "{n} {part}/{whole}: {statistic} of {df}");
        }
    }

    #[test]
    fn ends_are_certain() {
        let family = Philox::new(1);
        let uniforms = Uniforms {
            draws: &family,
            counter: [0; 4],
        };
        assert_eq!(binomial(0, 1, 2, uniforms), 0);
        assert_eq!(binomial(9, 0, 2, uniforms), 0);
        assert_eq!(binomial(9, 2, 2, uniforms), 9);
    }

    #[test]
    fn large_draws_have_mean_and_deviation() {
        let (n, family) = (1u64 << 40, Philox::new(3));
        let draws = 20_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        let deviation = (n as f64 * 0.3 * 0.7).sqrt();
        for i in 0..draws {
            let uniforms = Uniforms {
                draws: &family,
                counter: [0, i, 0, 0],
            };
            let z = (binomial(n, 3, 10, uniforms) as f64 - 0.3 * n as f64) / deviation;
            (sum, squares) = (sum + z, squares + z * z);
        }
        let (mean, square) = (sum / f64::from(draws), squares / f64::from(draws));
        assert!(mean.abs() < 5.0 / f64::from(draws).sqrt(), "{mean}");
        assert!(
            (square - 1.0).abs() < 5.0 * (2.0 / f64::from(draws)).sqrt(),
            "{square}"
        );
    }
}
