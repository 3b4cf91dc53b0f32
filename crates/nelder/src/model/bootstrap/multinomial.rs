//! Counts of a resample with replacement, from counters: exactly multinomial, and the same for any partition of the units.
//!
//! n units are drawn n times. Units lie in leaves of 1,024; a binary tree of binomial draws says how many of the n fall into each leaf,
//! and within a leaf each draw is a uniform position. A draw is a function of (seed, replicate, node) or (seed, replicate, leaf, k), so that
//! the counts of a leaf can be made wherever its rows are, and Σ counts = n always.

use nelder_device::{Philox, vectorized};

use super::binomial::{Uniforms, binomial};

/// Units of a leaf.
pub(super) const LEAF: usize = 1024;
/// First words of the counters of nodes and of leaves; the low 24 bits count.
const NODES: u32 = 1 << 28;
const LEAVES: u32 = 2 << 28;

/// Resamples of `units` units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Multinomial {
    pub draws: Philox,
    pub units: u64,
}

/// A replicate's number and a salt that keeps strata apart, as words of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Replicate {
    pub number: u32,
    /// The stratum; 0 where there are none.
    pub stratum: u32,
}

impl Multinomial {
    /// Leaves that the units lie in.
    pub fn leaves(&self) -> usize {
        self.units.div_ceil(LEAF as u64) as usize
    }

    /// Units of a leaf: 1,024, or fewer in the last.
    pub fn size(&self, leaf: usize) -> usize {
        (self.units - leaf as u64 * LEAF as u64).min(LEAF as u64) as usize
    }

    /// Draws that fall into each leaf.
    pub fn totals(&self, replicate: Replicate) -> Vec<u32> {
        let mut totals = vec![0; self.leaves()];
        if !totals.is_empty() {
            self.divide(replicate, 1, (0, totals.len()), self.units, &mut totals);
        }
        totals
    }

    /// Divides draws among the leaves `from..to` below a node.
    fn divide(
        &self,
        replicate: Replicate,
        node: u32,
        (from, to): (usize, usize),
        total: u64,
        out: &mut [u32],
    ) {
        if to - from == 1 {
            out[from] = total as u32;
            return;
        }
        let middle = from + (to - from) / 2;
        let units = |leaf: usize| (leaf as u64 * LEAF as u64).min(self.units);
        let (left, all) = (units(middle) - units(from), units(to) - units(from));
        let uniforms = Uniforms {
            draws: &self.draws,
            counter: [NODES, node, replicate.stratum, replicate.number],
        };
        let of_left = binomial(total, left, all, uniforms);
        self.divide(replicate, 2 * node, (from, middle), of_left, out);
        self.divide(replicate, 2 * node + 1, (middle, to), total - of_left, out);
    }

    /// Draws `total` units of a leaf; `hit` is told the position of each in the leaf.
    #[inline]
    pub fn draw(&self, replicate: Replicate, leaf: usize, total: u32, hit: impl FnMut(usize)) {
        let first = [LEAVES, leaf as u32, replicate.stratum, replicate.number];
        let size = self.size(leaf);
        match size == LEAF {
            true => self.of_whole_leaf(first, total as usize, hit),
            false => self.of_last_leaf(first, size as u32, total, hit),
        }
    }

    /// Three draws a word, of ten bits each.
    #[inline]
    fn of_whole_leaf(&self, mut counter: [u32; 4], total: usize, mut hit: impl FnMut(usize)) {
        let mut words = [[0u32; 8]; 4];
        let mut left = total;
        while left > 0 {
            vectorized(
                #[inline(always)]
                || words = self.draws.eight(counter),
            );
            counter[0] += 8;
            if left >= 96 {
                for &word in words.as_flattened() {
                    hit(word as usize & 1023);
                    hit((word >> 10) as usize & 1023);
                    hit((word >> 20) as usize & 1023);
                }
                left -= 96;
                continue;
            }
            let all = words.as_flattened().iter();
            let draws = all.flat_map(|&word| [word, word >> 10, word >> 20]).take(left);
            draws.for_each(|draw| hit(draw as usize & 1023));
            left = 0;
        }
    }

    /// A draw a word, those beyond the last unit taken again.
    fn of_last_leaf(&self, mut counter: [u32; 4], size: u32, total: u32, mut hit: impl FnMut(usize)) {
        let mask = size.next_power_of_two() - 1;
        let mut left = total;
        while left > 0 {
            for word in self.draws.at(counter) {
                if left > 0 && word & mask < size {
                    hit((word & mask) as usize);
                    left -= 1;
                }
            }
            counter[0] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(units: u64) -> Multinomial {
        Multinomial {
            draws: Philox::new(20),
            units,
        }
    }

    fn all_counts(of: &Multinomial, number: u32) -> Vec<u16> {
        let replicate = Replicate { number, stratum: 0 };
        let totals = of.totals(replicate);
        let mut out = Vec::new();
        for (leaf, &total) in totals.iter().enumerate() {
            let mut counts = [0u16; LEAF];
            of.draw(replicate, leaf, total, |at| counts[at] += 1);
            out.extend_from_slice(&counts[..of.size(leaf)]);
        }
        out
    }

    #[test]
    fn counts_sum_to_the_number_of_units() {
        for units in [1, 2, 50, 1023, 1024, 1025, 5000, 100_003] {
            for number in 0..5 {
                let counts = all_counts(&of(units), number);
                assert_eq!(counts.len() as u64, units);
                assert_eq!(counts.iter().map(|c| u64::from(*c)).sum::<u64>(), units);
            }
        }
    }

    #[test]
    fn counts_are_binomial_and_their_covariance_that_of_the_multinomial() {
        // 0, 1, 2 and more: the binomial distribution of 5,000 draws with probability 1/5,000, over 400 replicates
        let (units, replicates) = (5000u64, 400u32);
        let mut found = [0f64; 7];
        let mut pairs = 0.0;
        for number in 0..replicates {
            let counts = all_counts(&of(units), number);
            counts.iter().for_each(|&c| found[(c as usize).min(6)] += 1.0);
            // Σ over neighbours, also over the border of two leaves
            pairs += counts
                .windows(2)
                .map(|w| (f64::from(w[0]) - 1.0) * (f64::from(w[1]) - 1.0))
                .sum::<f64>();
        }
        let all = units as f64 * f64::from(replicates);
        let p = 1.0 / units as f64;
        let mut probability = (units as f64 * (-p).ln_1p()).exp();
        let (mut statistic, mut rest) = (0.0, 1.0);
        for (k, count) in found.iter().enumerate() {
            let expected = all * if k == 6 { rest } else { probability };
            statistic += (count - expected).powi(2) / expected;
            rest -= probability;
            probability *= (units as f64 - k as f64) / (k as f64 + 1.0) * p / (1.0 - p);
        }
        // the counts of a replicate sum to n, which makes the statistic smaller; six degrees of freedom, one in ten thousand
        assert!(statistic < 27.9, "{statistic}");
        // Cov = −1/n, of a standard error of about one over the root of the pairs
        assert!((pairs / all).abs() < 5.0 / all.sqrt(), "{}", pairs / all);
    }
}
