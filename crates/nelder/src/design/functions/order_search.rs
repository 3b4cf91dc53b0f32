//! Order statistics of values that are too many to keep, exactly, in a few scans.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bits of a value that each scan tells, of 64.
const BITS: [u32; 4] = [20, 16, 16, 12];
/// Values that are gathered in the last scan, where there are no more between what the scans before have told.
const FEW: u64 = 1 << 20;

/// A search for values by rank: each scan counts values by the next bits of those whose bits so far are those of a value looked for, and
/// the last gathers what is left. As whole numbers in their order, values of double precision have 64 bits.
pub(in crate::design) struct OrderSearch {
    /// Scans so far.
    scans: usize,
    /// Known leading bits of the values looked for, sorted; nothing is known at first.
    prefixes: Vec<u64>,
    /// By prefix and next bits, the number of values.
    counts: Vec<AtomicU64>,
    /// For each value looked for, its prefix and its rank among the values that have that.
    wanted: Vec<(u64, u64)>,
}

impl OrderSearch {
    pub fn new() -> Self {
        OrderSearch {
            scans: 0,
            prefixes: vec![0],
            counts: zeros(1 << BITS[0]),
            wanted: Vec::new(),
        }
    }

    /// Bits that are known of a value looked for.
    fn known(&self) -> u32 {
        BITS[..self.scans].iter().sum()
    }

    /// Takes in values, none of which is NaN: counts them, or gives those that are gathered.
    pub fn look(&self, values: impl Iterator<Item = f64>) -> Vec<f64> {
        let known = self.known();
        let mut gathered = Vec::new();
        for x in values {
            let key = key(x);
            let prefix = if known == 0 { 0 } else { key >> (64 - known) };
            let Ok(at) = self.prefixes.binary_search(&prefix) else {
                continue;
            };
            if self.counts.is_empty() {
                gathered.push(x);
                continue;
            }
            let bits = BITS[self.scans];
            let next = (key << known) >> (64 - bits);
            self.counts[(at << bits) + next as usize].fetch_add(1, Ordering::Relaxed);
        }
        gathered
    }

    /// Number of values, after the first scan.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|n| n.load(Ordering::Relaxed)).sum()
    }

    /// After the first scan, looks for the values of these ranks, from 0 and below the total.
    pub fn seek(&mut self, ranks: &[u64]) {
        self.wanted = ranks.iter().map(|&rank| (0, rank)).collect();
    }

    /// After a scan in which values were sought: their values by rank where these are known (`None`: another scan is needed), from `gathered`, all that the scan gave.
    pub fn next(&mut self, gathered: Vec<f64>) -> Option<Vec<f64>> {
        if self.counts.is_empty() {
            return Some(self.among(gathered));
        }
        let bits = BITS[self.scans];
        let mut left = 0;
        let mut prefixes = Vec::new();
        for (prefix, rank) in &mut self.wanted {
            let at = self.prefixes.binary_search(prefix).unwrap_or(0);
            let counts = &self.counts[at << bits..(at + 1) << bits];
            let mut next = 0;
            while let Some(n) = counts.get(next).map(|n| n.load(Ordering::Relaxed))
                && *rank >= n
                && next + 1 < counts.len()
            {
                *rank -= n;
                next += 1;
            }
            *prefix = (*prefix << bits) | next as u64;
            if !prefixes.contains(prefix) {
                prefixes.push(*prefix);
                left += counts[next].load(Ordering::Relaxed);
            }
        }
        prefixes.sort_unstable();
        self.prefixes = prefixes;
        self.scans += 1;
        if self.scans == BITS.len() {
            return Some(self.wanted.iter().map(|&(prefix, _)| value(prefix)).collect());
        }
        self.counts = match left <= FEW {
            true => Vec::new(),
            false => zeros(self.prefixes.len() << BITS[self.scans]),
        };
        None
    }

    fn among(&self, mut gathered: Vec<f64>) -> Vec<f64> {
        gathered.sort_unstable_by(f64::total_cmp);
        let known = self.known();
        let of = |&(prefix, rank): &(u64, u64)| {
            let first = gathered.partition_point(|&x| key(x) >> (64 - known) < prefix);
            gathered.get(first + rank as usize).copied().unwrap_or(f64::NAN)
        };
        self.wanted.iter().map(of).collect()
    }
}

fn zeros(n: usize) -> Vec<AtomicU64> {
    (0..n).map(|_| AtomicU64::new(0)).collect()
}

/// A whole number for each double, in their order (that of `f64::total_cmp`).
fn key(x: f64) -> u64 {
    let bits = x.to_bits();
    match bits >> 63 {
        0 => bits | 1 << 63,
        _ => !bits,
    }
}

/// The double of a key.
fn value(key: u64) -> f64 {
    f64::from_bits(match key >> 63 {
        1 => key & !(1 << 63),
        _ => !key,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The values of ranks, and the scans that they took.
    fn search(values: &[f64], ranks: &[u64]) -> (Vec<f64>, usize) {
        let mut search = OrderSearch::new();
        search.look(values.iter().copied());
        assert_eq!(search.total(), values.len() as u64);
        search.seek(ranks);
        let mut gathered = Vec::new();
        for scans in 1.. {
            if let Some(found) = search.next(gathered) {
                return (found, scans);
            }
            gathered = search.look(values.iter().copied());
        }
        unreachable!()
    }

    proptest! {
        #[test]
        fn values_are_those_of_the_sorted(
            values in prop::collection::vec(prop_oneof![
                any::<f64>().prop_filter("a number", |x| !x.is_nan()), -1.0..1.0f64, Just(0.0), Just(-0.0), Just(2.5)
            ], 1..200),
            places in prop::collection::vec(0.0..1.0f64, 1..6),
        ) {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let ranks: Vec<u64> = places.iter().map(|p| (p * values.len() as f64) as u64).collect();
            let (found, scans) = search(&values, &ranks);
            prop_assert_eq!(scans, 2);
            for (rank, x) in ranks.iter().zip(found) {
                prop_assert_eq!(x.to_bits(), sorted[*rank as usize].to_bits());
            }
        }
    }

    #[test]
    fn many_equal_values_are_counted_to_their_last_bit() {
        let mut values = vec![1.5; FEW as usize + 10];
        values.extend([0.25, f64::from_bits(1.5f64.to_bits() + 1), 7.0]);
        let (found, scans) = search(&values, &[0, 1, FEW, FEW + 10, FEW + 11, FEW + 12]);
        assert_eq!(
            found,
            [0.25, 1.5, 1.5, 1.5, f64::from_bits(1.5f64.to_bits() + 1), 7.0]
        );
        assert_eq!(scans, 4);
    }

    #[test]
    fn keys_keep_the_order_and_come_back() {
        let all = [
            f64::NEG_INFINITY,
            -1.0,
            -5e-324,
            -0.0,
            0.0,
            5e-324,
            1.0,
            f64::INFINITY,
        ];
        assert!(all.windows(2).all(|w| key(w[0]) < key(w[1])));
        assert!(all.iter().all(|&x| value(key(x)).to_bits() == x.to_bits()));
    }
}
