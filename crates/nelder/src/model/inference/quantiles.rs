//! R's `quantile` of residuals that were kept, or counted in bins.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::pass::{Histogram, ResidualRun};

/// R's `quantile` (type 7) of a response's residuals at 0, ¼, ½, ¾ and 1, of `n` rows.
pub(in crate::model) fn quantiles(
    n: u64,
    runs: &[ResidualRun],
    histogram: Option<&Histogram>,
    places: Option<&Vec<f64>>,
    response: usize,
) -> [f64; 5] {
    if let Some(&[least, a1, b1, a2, b2, a3, b3, largest]) = places.and_then(|p| p.first_chunk::<8>()) {
        let between = |q: f64, a: f64, b: f64| {
            let part = ((n as f64 - 1.0) * q).fract();
            if part > 0.0 { a + part * (b - a) } else { a }
        };
        return [
            least,
            between(0.25, a1, b1),
            between(0.5, a2, b2),
            between(0.75, a3, b3),
            largest,
        ];
    }
    let at = |q: f64| {
        let h = (n as f64 - 1.0) * q;
        (h.floor() as u64, h - h.floor())
    };
    if runs.is_empty() {
        let Some(histogram) = histogram else {
            return [f64::NAN; 5];
        };
        return [0.0, 0.25, 0.5, 0.75, 1.0].map(|q| match q {
            0.0 => histogram.smallest,
            1.0 => histogram.largest,
            _ => histogram.order_statistic(at(q).0),
        });
    }
    let parts: Vec<&[f64]> = runs.iter().map(|run| run.values[response].as_slice()).collect();
    let last = n.saturating_sub(1);
    let ranks = [0.0, 0.25, 0.5, 0.75, 1.0].map(|q| at(q).0.min(last));
    let ranks = ranks.map(|low| [low, (low + 1).min(last)]);
    let values = order_statistics(&parts, ranks.as_flattened());
    [0, 1, 2, 3, 4].map(|k| {
        let part = at(0.25 * k as f64).1;
        let (a, b) = (values[2 * k], values[2 * k + 1]);
        if part > 0.0 { a + part * (b - a) } else { a }
    })
}

/// Bins for the search of order statistics.
const BINS: usize = 1 << 12;
/// Values that are sorted in less time than they are counted.
const FEW: usize = 2000;

/// The values of some ranks, from 0 and increasing, among all of the parts, exactly: values are counted in bins between the least and
/// the largest, and only those of bins with a rank are looked at one by one.
fn order_statistics(parts: &[&[f64]], ranks: &[u64]) -> Vec<f64> {
    if parts.iter().map(|part| part.len()).sum::<usize>() <= FEW {
        let mut all = parts.concat();
        all.sort_unstable_by(f64::total_cmp);
        return ranks.iter().map(|&rank| all[rank as usize]).collect();
    }
    by_bins(parts, ranks)
}

/// [`order_statistics`] of any number of values.
fn by_bins(parts: &[&[f64]], ranks: &[u64]) -> Vec<f64> {
    let range = |part: &&[f64]| {
        part.iter()
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &x| {
                [if x < low { x } else { low }, if x > high { x } else { high }]
            })
    };
    let wider = |a: [f64; 2], b: [f64; 2]| [a[0].min(b[0]), a[1].max(b[1])];
    let [low, high] = parts
        .par_iter()
        .map(range)
        .reduce(|| [f64::INFINITY, f64::NEG_INFINITY], wider);
    // halves, since a difference may leave the range; it grows with x, whatever is rounded
    let scale = BINS as f64 / (0.5 * high - 0.5 * low).max(f64::MIN_POSITIVE);
    let bin = |x: f64| (((0.5 * x - 0.5 * low) * scale) as usize).min(BINS - 1);
    let counts = parts
        .par_iter()
        .fold(
            || vec![0u64; BINS],
            |mut counts, part| {
                part.iter().for_each(|&x| counts[bin(x)] += 1);
                counts
            },
        )
        .reduce(
            || vec![0u64; BINS],
            |mut all, own| {
                all.iter_mut().zip(own).for_each(|(a, b)| *a += b);
                all
            },
        );
    // for each rank its bin, and the number of values below that
    let (mut at, mut below) = (0, 0);
    let places: Vec<(usize, u64)> = (ranks.iter())
        .map(|&rank| {
            while at + 1 < BINS && below + counts[at] <= rank {
                below += counts[at];
                at += 1;
            }
            (at, below)
        })
        .collect();
    let mut wanted = [false; BINS];
    places.iter().for_each(|&(at, _)| wanted[at] = true);
    let gathered: Vec<Vec<f64>> = parts
        .par_iter()
        .map(|part| part.iter().copied().filter(|&x| wanted[bin(x)]).collect())
        .collect();
    let mut by_bin: HashMap<usize, Vec<f64>> = HashMap::new();
    for x in gathered.into_iter().flatten() {
        by_bin.entry(bin(x)).or_default().push(x);
    }
    let mut value = |(&rank, &(at, below)): (&u64, &(usize, u64))| {
        let values = by_bin.get_mut(&at)?;
        let place = ((rank - below) as usize).min(values.len() - 1);
        Some(*values.select_nth_unstable_by(place, f64::total_cmp).1)
    };
    (ranks.iter().zip(&places))
        .map(|pair| value(pair).unwrap_or(f64::NAN))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Order statistics are those of the sorted values.
        #[test]
        fn order_statistics_are_those_of_sorted_values(
            values in prop::collection::vec(prop_oneof![
                -1.0..1.0f64, Just(0.0), Just(-0.0), Just(1e308), Just(-1e308), Just(5e-324), -1e-3..1e-3f64
            ], 1..300),
            cut in 0usize..300,
        ) {
            let (a, b) = values.split_at(cut.min(values.len()));
            let last = values.len() as u64 - 1;
            let ranks = [0, last / 4, last / 2, last / 2, last];
            let found = by_bins(&[a, b], &ranks);
            prop_assert_eq!(&order_statistics(&[a, b], &ranks), &found);
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            for (rank, x) in ranks.iter().zip(found) {
                prop_assert_eq!(x, sorted[*rank as usize]);
            }
        }
    }
}
