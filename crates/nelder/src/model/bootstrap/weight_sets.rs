//! Weights of resamples, drawn where the rows are: a lane for each replicate, never a matrix of rows x replicates.

use std::collections::HashMap;

use nelder_device::special::log;
use nelder_device::{Philox, vectorized};

use super::multinomial::{LEAF, Multinomial, Replicate};
use super::row_labels::{BlockLabels, RowLabels};

/// First word of the counters of exponential weights.
const EXPONENTIAL: u32 = 3 << 28;
/// Lanes that are drawn side by side.
const SIDE: usize = 8;

/// Distribution of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weighting {
    /// Counts of a resample with replacement.
    Multinomial,
    /// −log U: the Bayesian bootstrap (Rubin 1981). Coefficients do not depend on the scale of weights.
    Exponential,
}

/// Weights of some replicates.
pub(super) struct WeightSets<'a> {
    labels: &'a RowLabels,
    draws: Philox,
    /// Numbers of the replicates.
    numbers: Vec<u32>,
    /// Number of sets, rounded up to a multiple of eight.
    pub lanes: usize,
    by: By,
}

/// Units that weights are drawn for.
enum By {
    /// Rows, or rows within strata: a resampling for each, and by set the draws of its leaves.
    Counts(Vec<(Multinomial, Vec<Vec<u32>>)>),
    /// Rows, with exponential weights.
    Exponential,
    /// Clusters: their weights, lanes fastest.
    Clusters(Vec<f64>),
}

/// Scratch of a worker: the counts of the leaves that it is at, by stratum, lanes fastest.
#[derive(Default)]
pub(super) struct WeightRoom {
    leaves: HashMap<u32, (usize, Vec<u16>)>,
}

/// −log U of two counters.
fn exponentials(draws: &Philox, pair: u64, replicate: u32) -> [f64; 2] {
    let w = draws.at([EXPONENTIAL, pair as u32, (pair >> 32) as u32, replicate]);
    [(w[0], w[1]), (w[2], w[3])].map(|(high, low)| -log(Philox::open_uniform(high, low)))
}

impl<'a> WeightSets<'a> {
    /// The weights of the replicates of these numbers.
    pub fn new(labels: &'a RowLabels, weighting: Weighting, seed: u64, numbers: Vec<u32>) -> Self {
        let (draws, sets) = (Philox::new(seed), numbers.len());
        let lanes = sets.next_multiple_of(SIDE);
        let replicate = |set: usize, stratum: u32| Replicate {
            number: numbers[set],
            stratum,
        };
        let units = |units: u64, stratum: u32| {
            let own = Multinomial { draws, units };
            let totals = (0..sets).map(|set| own.totals(replicate(set, stratum)));
            (own, totals.collect::<Vec<_>>())
        };
        let by = match (weighting, &labels.clusters, &labels.strata) {
            (_, Some(clusters), _) => By::Clusters(of_clusters(
                &draws,
                weighting,
                clusters.sizes.len(),
                lanes,
                |set| (set < sets).then(|| replicate(set, 0)),
            )),
            (Weighting::Exponential, None, _) => By::Exponential,
            (Weighting::Multinomial, None, None) => By::Counts(vec![units(labels.used, 0)]),
            (Weighting::Multinomial, None, Some(strata)) => {
                let all = strata.sizes.iter().zip(0..);
                By::Counts(all.map(|(&size, stratum)| units(size, stratum)).collect())
            }
        };
        WeightSets {
            labels,
            draws,
            numbers,
            lanes,
            by,
        }
    }

    /// Ends of the runs of a block whose weights are made at a time: rows of one leaf.
    pub fn runs(&self, block: &BlockLabels, rows: usize) -> Vec<(usize, usize)> {
        let aligned = matches!(self.by, By::Counts(_)) && self.labels.strata.is_none();
        let offset = if aligned {
            (block.before % LEAF as u64) as usize
        } else {
            0
        };
        let (mut from, mut runs) = (0, Vec::new());
        while from < rows {
            let to = (from + LEAF - (offset + from) % LEAF).min(rows);
            runs.push((from, to));
            from = to;
        }
        runs
    }

    /// The weights of the rows `from..to` of a block, rows x lanes, lanes fastest.
    pub fn fill(
        &self,
        block: &BlockLabels,
        (from, to): (usize, usize),
        room: &mut WeightRoom,
        out: &mut Vec<f64>,
    ) {
        let lanes = self.lanes;
        out.resize((to - from) * lanes, 0.0);
        match &self.by {
            By::Clusters(table) => {
                let rows = out.chunks_exact_mut(lanes).zip(&block.clusters[from..to]);
                rows.for_each(|(out, &c)| out.copy_from_slice(&table[c as usize * lanes..][..lanes]));
            }
            By::Exponential => self.fill_exponential(block.before + from as u64, out),
            By::Counts(units) if self.labels.strata.is_none() => {
                let at = block.before + from as u64;
                let leaf = (at / LEAF as u64) as usize;
                let counts = self.leaf(&units[0], 0, leaf, room);
                let counts = &counts[(at % LEAF as u64) as usize * lanes..][..out.len()];
                vectorized(
                    #[inline(always)]
                    || {
                        out.iter_mut()
                            .zip(counts)
                            .for_each(|(out, &c)| *out = f64::from(c))
                    },
                );
            }
            By::Counts(units) => {
                for (out, &(stratum, at)) in out.chunks_exact_mut(lanes).zip(&block.strata[from..to]) {
                    let leaf = (at / LEAF as u64) as usize;
                    let counts = self.leaf(&units[stratum as usize], stratum, leaf, room);
                    let counts = &counts[(at % LEAF as u64) as usize * lanes..][..lanes];
                    out.iter_mut()
                        .zip(counts)
                        .for_each(|(out, &c)| *out = f64::from(c));
                }
            }
        }
    }

    /// The counts of a leaf, lanes fastest: drawn when a worker comes to it.
    fn leaf<'r>(
        &self,
        (units, totals): &(Multinomial, Vec<Vec<u32>>),
        stratum: u32,
        leaf: usize,
        room: &'r mut WeightRoom,
    ) -> &'r [u16] {
        let (at, counts) = room.leaves.entry(stratum).or_insert((usize::MAX, Vec::new()));
        if *at != leaf {
            *at = leaf;
            counts.clear();
            counts.resize(LEAF * self.lanes, 0);
            let mut side = [0u16; LEAF * SIDE];
            for first in (0..self.numbers.len()).step_by(SIDE) {
                side.fill(0);
                for lane in first..(first + SIDE).min(self.numbers.len()) {
                    let replicate = Replicate {
                        number: self.numbers[lane],
                        stratum,
                    };
                    let offset = lane - first;
                    units.draw(replicate, leaf, totals[lane][leaf], |row| {
                        side[row * SIDE + offset] += 1;
                    });
                }
                let rows = counts.chunks_exact_mut(self.lanes).zip(side.chunks_exact(SIDE));
                rows.for_each(|(counts, side)| counts[first..first + SIDE].copy_from_slice(side));
            }
        }
        counts
    }

    fn fill_exponential(&self, start: u64, out: &mut [f64]) {
        for (i, out) in out.chunks_exact_mut(self.lanes).enumerate() {
            let row = start + i as u64;
            for (out, &number) in out.iter_mut().zip(&self.numbers) {
                *out = exponentials(&self.draws, row / 2, number)[(row % 2) as usize];
            }
        }
    }
}

/// The weights of clusters, lanes fastest; lanes without a replicate have none.
fn of_clusters(
    draws: &Philox,
    weighting: Weighting,
    clusters: usize,
    lanes: usize,
    replicate: impl Fn(usize) -> Option<Replicate>,
) -> Vec<f64> {
    let mut table = vec![0.0; clusters * lanes];
    for lane in 0..lanes {
        let Some(replicate) = replicate(lane) else {
            continue;
        };
        match weighting {
            Weighting::Multinomial => {
                let own = Multinomial {
                    draws: *draws,
                    units: clusters as u64,
                };
                for (leaf, total) in own.totals(replicate).into_iter().enumerate() {
                    own.draw(replicate, leaf, total, |at| {
                        table[(leaf * LEAF + at) * lanes + lane] += 1.0
                    });
                }
            }
            Weighting::Exponential => {
                for cluster in 0..clusters as u64 {
                    let both = exponentials(draws, cluster / 2, replicate.number);
                    table[cluster as usize * lanes + lane] = both[(cluster % 2) as usize];
                }
            }
        }
    }
    table
}
