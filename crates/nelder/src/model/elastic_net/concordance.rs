//! Concordance of predictors: the share of comparable pairs of rows that they have in the right order, ties counting one half.
//!
//! Of survival times a pair is comparable where one row has its event while the other is at risk and goes on; the right order is that of
//! the predictors of the hazard: Harrell's C. Of two classes every two rows of different classes are, and the share is the area under the
//! curve of sensitivity against 1 − specificity. A pair has the product of its rows' weights.
//!
//! Sources: Harrell, Califf, Pryor, Lee & Rosati (1982), "Evaluating the yield of medical tests", JAMA 247; Therneau & Watson (2015),
//! "The concordance statistic and the Cox model", Mayo Clinic, for weights and rows that enter late.

use super::risk_sets::SurvivalTimes;

/// Weights of two classes in rows with a score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scored {
    /// The score, higher for the second class.
    pub score: f64,
    /// Weight in the second class.
    pub positive: f64,
    /// Weight in the first class.
    pub negative: f64,
}

/// The area under the curve: P(score of the second class > score of the first) + P(=) / 2; `NaN` of one class alone.
pub(super) fn area(mut rows: Vec<Scored>) -> f64 {
    rows.sort_by(|a, b| a.score.total_cmp(&b.score));
    let (mut below, mut pairs, mut positives) = (0.0, 0.0, 0.0);
    for tied in rows.chunk_by(|a, b| a.score == b.score) {
        let positive: f64 = tied.iter().map(|r| r.positive).sum();
        let negative: f64 = tied.iter().map(|r| r.negative).sum();
        pairs += positive * (below + 0.5 * negative);
        below += negative;
        positives += positive;
    }
    pairs / (positives * below)
}

/// Sums over ranks, a binary indexed tree (Fenwick 1994).
struct Ranked {
    sums: Vec<f64>,
}

impl Ranked {
    fn add(&mut self, rank: usize, value: f64) {
        let mut i = rank + 1;
        while i < self.sums.len() {
            self.sums[i] += value;
            i += i & i.wrapping_neg();
        }
    }

    /// Σ over ranks below one.
    fn below(&self, rank: usize) -> f64 {
        let (mut i, mut sum) = (rank, 0.0);
        while i > 0 {
            sum += self.sums[i];
            i &= i - 1;
        }
        sum
    }
}

/// Harrell's C of the predictors of some rows, in whatever order; strata are not looked at. `NaN` where no pair is comparable.
pub(super) fn concordance(times: &SurvivalTimes, predictors: &[f64], weights: &[f64], rows: &[u32]) -> f64 {
    let mut values: Vec<f64> = rows.iter().map(|&i| predictors[i as usize]).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let rank = |i: u32| values.partition_point(|v| *v < predictors[i as usize]);
    let mut at_risk = Ranked {
        sums: vec![0.0; values.len() + 1],
    };
    let mut by_stop = rows.to_vec();
    // those that go on are at risk at the time of an event
    by_stop.sort_by(|&a, &b| {
        let (a, b) = (a as usize, b as usize);
        let by_time = times.stop[b].total_cmp(&times.stop[a]);
        by_time.then(times.event[a].cmp(&times.event[b]))
    });
    let mut late: Vec<(f64, u32)> = match &times.start {
        None => Vec::new(),
        Some(start) => rows.iter().map(|&i| (start[i as usize], i)).collect(),
    };
    late.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut right, mut all) = (0.0, 0.0);
    for tied in by_stop.chunk_by(|&a, &b| times.stop[a as usize] == times.stop[b as usize]) {
        let now = times.stop[tied[0] as usize];
        while let Some((_, row)) = late.pop_if(|(start, _)| *start >= now) {
            at_risk.add(rank(row), -weights[row as usize]);
        }
        let events = tied.partition_point(|&i| !times.event[i as usize]);
        let add = |i: &u32| (rank(*i), weights[*i as usize]);
        tied[..events]
            .iter()
            .map(add)
            .for_each(|(rank, w)| at_risk.add(rank, w));
        let beside = at_risk.below(values.len());
        for &i in &tied[events..] {
            let (own, weight) = (rank(i), weights[i as usize]);
            let (lower, upto) = (at_risk.below(own), at_risk.below(own + 1));
            right += weight * (lower + 0.5 * (upto - lower));
            all += weight * beside;
        }
        tied[events..]
            .iter()
            .map(add)
            .for_each(|(rank, w)| at_risk.add(rank, w));
    }
    right / all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_counts_pairs() {
        let row = |score: f64, positive: f64, negative: f64| Scored {
            score,
            positive,
            negative,
        };
        // pairs: (0.9, 0.1) right, (0.9, 0.4) right, (0.4, 0.1) right, (0.4, 0.4) tied, of weights 2 x 1 and 1 x 1
        let rows = vec![row(0.9, 2.0, 0.0), row(0.1, 0.0, 1.0), row(0.4, 1.0, 1.0)];
        assert_eq!(area(rows), (2.0 + 2.0 + 1.0 + 0.5) / 6.0);
        assert!(area(vec![row(0.1, 1.0, 0.0)]).is_nan());
    }

    /// C from its definition.
    fn by_pairs(times: &SurvivalTimes, eta: &[f64], w: &[f64]) -> f64 {
        let (mut right, mut all) = (0.0, 0.0);
        for i in (0..eta.len()).filter(|&i| times.event[i]) {
            for j in (0..eta.len()).filter(|&j| j != i) {
                let t = times.stop[i];
                let enters = times.start.as_ref().is_none_or(|s| s[j] < t);
                let goes_on = times.stop[j] > t || (times.stop[j] == t && !times.event[j]);
                if enters && goes_on {
                    let weight = w[i] * w[j];
                    all += weight;
                    right += weight
                        * if eta[i] > eta[j] {
                            1.0
                        } else if eta[i] == eta[j] {
                            0.5
                        } else {
                            0.0
                        };
                }
            }
        }
        right / all
    }

    #[test]
    fn concordance_is_that_of_the_pairs() {
        let draws = nelder_device::Philox::new(5);
        let n = 60;
        let draw = |i: usize, k: u64| draws.normal(i as u64 * 7 + k).abs();
        for late in [false, true] {
            // times and predictors with ties
            let stop: Vec<f64> = (0..n).map(|i| 1.0 + (4.0 * draw(i, 0)).floor()).collect();
            let times = SurvivalTimes {
                start: late.then(|| (0..n).map(|i| stop[i] * (draw(i, 1) / 4.0).min(0.9)).collect()),
                event: (0..n).map(|i| draw(i, 2) > 0.4).collect(),
                stratum: None,
                stop,
            };
            let eta: Vec<f64> = (0..n).map(|i| (3.0 * draw(i, 3)).floor()).collect();
            let w: Vec<f64> = (0..n).map(|i| 0.5 + draw(i, 4)).collect();
            let rows: Vec<u32> = (0..n as u32).rev().collect();
            let (own, pairs) = (concordance(&times, &eta, &w, &rows), by_pairs(&times, &eta, &w));
            assert!((own - pairs).abs() < 1e-14, "{own} {pairs}");
        }
    }
}
