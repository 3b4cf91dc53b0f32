//! Cox's partial likelihood of linear predictors, with its score and its curvature by row.
//!
//! For event times t of the strata, with R the rows at risk at t, E those with their event then, D the sum of their weights,
//!
//! ℓ(η) = Σₜ [ Σ_E w η − D log Σ_R w exp η ]   (Breslow),
//!
//! ℓ(η) = Σₜ [ Σ_E w η − (D/d) Σₖ log(Σ_R w exp η − (k/d) Σ_E w exp η) ], k = 0 … d − 1   (Efron), d the number of events at t.
//!
//! Each log is a term with a weight and a share k/d, and a row has the part r of it: 1, less the share for rows of E. With S the sum that
//! the log is of,
//!
//! dℓ/dηᵢ = w [i ∈ E] − eᵢ Aᵢ, eᵢ = w exp ηᵢ, Aᵢ = Σ weight r / S over the terms at which i is at risk,
//!
//! −d²ℓ/dη dηᵀ = diag(e A) − Σ weight q qᵀ, q = r e / S.
//!
//! The first part bounds the whole from above. ℓ is largest where each event is infinitely more likely than what is at risk beside it:
//! Breslow's is then −Σ D log D, and Efron's −Σ [D log D + (D/d) Σₖ log(1 − k/d)]. The deviance is twice the distance from there.
//!
//! Sources: Cox (1972), "Regression models and life-tables", J. R. Stat. Soc. B 34; Breslow (1974) and Efron (1977) for ties; Simon,
//! Friedman, Hastie & Tibshirani (2011), "Regularization paths for Cox's proportional hazards model via coordinate descent", J. Stat.
//! Software 39(5).
//!
//! In a stratum the largest η is taken out of all, and its sums run from the last event time to the first in twice the precision. Where rows
//! enter late their sum is subtracted: what n additions in twice the precision lose is n 2⁻¹⁰³ of what was added, so that a difference of
//! more than n 2⁻⁵⁰ of it is right to double precision. One that is smaller is summed anew, over the rows that are at risk.

use nelder_device::Dd;
use serde::{Deserialize, Serialize};

use super::risk_sets::{RiskSets, Stratum};

/// Treatment of events at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ties {
    /// All are at risk beside each other: glmnet's, and the default.
    #[default]
    Breslow,
    /// On the average over the orders in which they may have happened, about: `coxph`'s default.
    Efron,
}

impl Ties {
    /// The treatment of a name.
    pub fn parse(name: &str) -> Option<Ties> {
        match name {
            "breslow" => Some(Ties::Breslow),
            "efron" => Some(Ties::Efron),
            _ => None,
        }
    }

    /// Its name.
    pub fn label(self) -> &'static str {
        match self {
            Ties::Breslow => "breslow",
            Ties::Efron => "efron",
        }
    }
}

/// A part 2⁻⁵⁰ of a sum for each of its additions: less is not known to double precision when it is a difference.
const LOST: f64 = 8.881_784_197_001_252e-16;
/// The smallest sum of exp(η − max η) that is taken for one: below it digits are lost.
const LEAST: f64 = 1e-290;

/// The partial likelihood of rows with prior weights.
#[derive(Clone, Debug)]
pub(super) struct PartialLikelihood {
    ties: Ties,
    weights: Vec<f64>,
    /// By event time, the weight of its events and their number, those of weight zero left out.
    events: Vec<(f64, u32)>,
    /// The largest value of ℓ.
    pub saturated: f64,
}

/// A log of the partial likelihood, at some η.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LogTerm {
    /// Its event time.
    pub time: u32,
    /// Its weight.
    pub weight: f64,
    /// k/d, what of the events' sum is taken off.
    pub share: f64,
    /// The sum S that the log is of, in units of exp(max η) of its stratum.
    pub sum: f64,
}

/// The partial likelihood at some η.
#[derive(Clone, Debug)]
pub(super) struct LikelihoodAt {
    /// ℓ.
    pub value: f64,
    /// dℓ/dη by row.
    pub score: Vec<f64>,
    /// e A by row: the diagonal that bounds the curvature.
    pub working: Vec<f64>,
    /// e by row, in units of exp(max η) of its stratum.
    pub risk: Vec<f64>,
    /// The logs, by event time.
    pub terms: Vec<LogTerm>,
}

/// Sums of a stratum's event times while they are formed.
struct Sums<'a> {
    sets: &'a RiskSets,
    stratum: Stratum,
    risk: &'a [f64],
    /// By event time: Σ_R e, and Σ_E e.
    at_risk: Vec<f64>,
    of_events: Vec<f64>,
}

impl PartialLikelihood {
    /// Of rows with these weights, which may be zero.
    pub fn new(sets: &RiskSets, ties: Ties, weights: Vec<f64>) -> Self {
        let mut events = vec![(Dd::ZERO, 0_u32); sets.times];
        for i in (0..weights.len()).filter(|&i| sets.event[i] && weights[i] > 0.0) {
            let (weight, count) = &mut events[sets.exit[i] as usize - 1];
            *weight = weight.add_f64(weights[i]);
            *count += 1;
        }
        let events: Vec<(f64, u32)> = events.into_iter().map(|(w, d)| (w.hi, d)).collect();
        let mut saturated = Dd::ZERO;
        for &(weight, count) in events.iter().filter(|(_, d)| *d > 0) {
            saturated = saturated.add_f64(-weight * weight.ln());
            if ties == Ties::Efron {
                let each = weight / f64::from(count);
                let shares = (1..count).map(|k| (-f64::from(k) / f64::from(count)).ln_1p());
                saturated = saturated.add_f64(-each * shares.sum::<f64>());
            }
        }
        PartialLikelihood {
            ties,
            weights,
            events,
            saturated: saturated.hi,
        }
    }

    /// The weight of all events.
    pub fn weight_of_events(&self) -> f64 {
        self.events.iter().map(|(w, _)| w).sum()
    }

    /// 2 (ℓ's largest value − ℓ).
    pub fn deviance(&self, value: f64) -> f64 {
        2.0 * (self.saturated - value)
    }

    /// The deviance at η alone; not finite where exp η is out of range.
    pub fn deviance_at(&self, sets: &RiskSets, eta: &[f64]) -> f64 {
        match self.sums(sets, eta) {
            Some((_, terms, value)) if !terms.is_empty() => self.deviance(value),
            Some(_) => 0.0,
            None => f64::INFINITY,
        }
    }

    /// ℓ and its derivatives at η, one a row; `None` where exp η is out of range.
    pub fn at(&self, sets: &RiskSets, eta: &[f64]) -> Option<LikelihoodAt> {
        let (risk, terms, value) = self.sums(sets, eta)?;
        let n = eta.len();
        let (mut score, mut working) = (vec![0.0; n], vec![0.0; n]);
        // Σ weight / S by event time, for rows that go on and for those with their event
        let (mut others, mut own) = (vec![0.0; sets.times], vec![0.0; sets.times]);
        for term in &terms {
            others[term.time as usize] += term.weight / term.sum;
            own[term.time as usize] += term.weight * (1.0 - term.share) / term.sum;
        }
        for stratum in &sets.strata {
            let (from, to) = stratum.times;
            let mut before = vec![Dd::ZERO; to - from + 1];
            for t in from..to {
                before[t - from + 1] = before[t - from].add_f64(others[t]);
            }
            for i in stratum.rows.0..stratum.rows.1 {
                if !sets.is_at_risk(i) || self.weights[i] == 0.0 {
                    continue;
                }
                let entry = sets.entry[i] as usize;
                // the last event time of a row with its event there has another part of it
                let last = sets.exit[i] as usize - usize::from(sets.event[i]);
                let all = before[last - from];
                let mut sum = (all - before[entry - from]).hi;
                if entry > from && sum <= LOST * (to - from) as f64 * all.hi {
                    sum = others[entry..last].iter().sum();
                }
                if sets.event[i] {
                    sum += own[last];
                    score[i] = self.weights[i];
                }
                working[i] = risk[i] * sum;
                score[i] -= working[i];
            }
        }
        Some(LikelihoodAt {
            value,
            score,
            working,
            risk,
            terms,
        })
    }

    /// e, the logs, and ℓ.
    fn sums(&self, sets: &RiskSets, eta: &[f64]) -> Option<(Vec<f64>, Vec<LogTerm>, f64)> {
        let mut risk = vec![0.0; eta.len()];
        let mut terms = Vec::with_capacity(sets.times);
        let mut value = Dd::ZERO;
        for stratum in &sets.strata {
            let (from, to) = stratum.rows;
            let counts = |i: &usize| self.weights[*i] > 0.0 && sets.is_at_risk(*i);
            let most = (from..to)
                .filter(counts)
                .map(|i| eta[i])
                .fold(f64::NEG_INFINITY, f64::max);
            if most == f64::NEG_INFINITY {
                continue;
            }
            for i in (from..to).filter(counts) {
                risk[i] = self.weights[i] * (eta[i] - most).exp();
            }
            let sums = Sums::of(sets, *stratum, &risk);
            let first = terms.len();
            for t in stratum.times.0..stratum.times.1 {
                self.logs(t, &sums, &mut terms)?;
            }
            for term in &terms[first..] {
                value = value.add_f64(-term.weight * term.sum.ln());
            }
            for i in (from..to).filter(|&i| sets.event[i] && self.weights[i] > 0.0) {
                value = value.add_f64(self.weights[i] * (eta[i] - most));
            }
        }
        value.hi.is_finite().then_some((risk, terms, value.hi))
    }

    /// The logs of an event time; `None` where a sum is too small for one.
    fn logs(&self, t: usize, sums: &Sums<'_>, terms: &mut Vec<LogTerm>) -> Option<()> {
        let (weight, count) = self.events[t];
        let at = t - sums.stratum.times.0;
        let (all, events) = (sums.at_risk[at], sums.of_events[at]);
        let each = match self.ties {
            Ties::Breslow => count.min(1),
            Ties::Efron => count,
        };
        for k in 0..each {
            let share = f64::from(k) / f64::from(each);
            let sum = all - share * events;
            if !(sum > LEAST && sum.is_finite()) {
                return None;
            }
            terms.push(LogTerm {
                time: t as u32,
                weight: weight / f64::from(each),
                share,
                sum,
            });
        }
        Some(())
    }
}

impl<'a> Sums<'a> {
    /// Of a stratum, with e of all rows.
    fn of(sets: &'a RiskSets, stratum: Stratum, risk: &'a [f64]) -> Self {
        let (first, last) = stratum.times;
        let (count, rows) = (last - first, stratum.rows.1 - stratum.rows.0);
        let (mut leaving, mut entering) = (vec![Dd::ZERO; count], vec![Dd::ZERO; count]);
        let mut of_events = vec![Dd::ZERO; count];
        for i in (stratum.rows.0..stratum.rows.1).filter(|&i| risk[i] > 0.0) {
            let (entry, exit) = (sets.entry[i] as usize - first, sets.exit[i] as usize - first - 1);
            leaving[exit] = leaving[exit].add_f64(risk[i]);
            if entry > 0 {
                entering[entry - 1] = entering[entry - 1].add_f64(risk[i]);
            }
            if sets.event[i] {
                of_events[exit] = of_events[exit].add_f64(risk[i]);
            }
        }
        let mut sums = Sums {
            sets,
            stratum,
            risk,
            at_risk: vec![0.0; count],
            of_events: of_events.iter().map(|s| s.hi).collect(),
        };
        // Σ over rows whose last event time is t or later, less those that enter after t
        let (mut came, mut late) = (Dd::ZERO, Dd::ZERO);
        for t in (0..count).rev() {
            came += leaving[t];
            late += entering[t];
            let difference = (came - late).hi;
            let known = late.hi == 0.0 || difference > LOST * rows as f64 * came.hi;
            sums.at_risk[t] = match known {
                true => difference,
                false => sums.anew(first + t),
            };
        }
        sums
    }

    /// Σ_R e at an event time, over its rows.
    fn anew(&self, t: usize) -> f64 {
        let (entry, exit) = (&self.sets.entry, &self.sets.exit);
        let rows = self.stratum.rows.0..self.stratum.rows.1;
        let own = rows.filter(|&i| entry[i] as usize <= t && t < exit[i] as usize);
        own.map(|i| self.risk[i]).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::elastic_net::risk_sets::SurvivalTimes;
    use nelder_device::Philox;

    /// Rows with ties, late entries and strata where these are asked for, and η of them.
    fn drawn(n: usize, late: bool, strata: bool) -> (RiskSets, Vec<f64>, Vec<f64>) {
        let draws = Philox::new(3);
        let draw = |i: usize, k: u64| draws.normal(i as u64 * 8 + k);
        let stop: Vec<f64> = (0..n).map(|i| 1.0 + (3.0 * draw(i, 0).abs()).floor()).collect();
        let times = SurvivalTimes {
            start: late.then(|| {
                (0..n)
                    .map(|i| stop[i] * (draw(i, 1).abs() / 3.0).min(0.9))
                    .collect()
            }),
            event: (0..n).map(|i| draw(i, 2) > -0.5).collect(),
            stratum: strata.then(|| (0..n).map(|i| f64::from(u8::from(draw(i, 3) > 0.3))).collect()),
            stop,
        };
        let times = times.gathered(&times.order());
        let weights = (0..n).map(|i| draw(i, 4).abs().max(0.2) - 0.2).collect();
        (
            RiskSets::new(&times),
            weights,
            (0..n).map(|i| draw(i, 5)).collect(),
        )
    }

    /// H v from the definition: diag(e A) v − Σ weight q qᵀv.
    fn times(sets: &RiskSets, at: &LikelihoodAt, v: &[f64]) -> Vec<f64> {
        let mut out: Vec<f64> = at.working.iter().zip(v).map(|(w, v)| w * v).collect();
        for term in &at.terms {
            let t = term.time as usize;
            let (from, to) = sets
                .strata
                .iter()
                .find(|s| s.times.0 <= t && t < s.times.1)
                .unwrap()
                .rows;
            let q = |i: usize| {
                let (entry, exit) = (sets.entry[i] as usize, sets.exit[i] as usize);
                match entry <= t && t < exit {
                    true if sets.event[i] && exit == t + 1 => at.risk[i] * (1.0 - term.share) / term.sum,
                    true => at.risk[i] / term.sum,
                    false => 0.0,
                }
            };
            let mean: f64 = (from..to).map(|i| q(i) * v[i]).sum();
            (from..to).for_each(|i| out[i] -= term.weight * q(i) * mean);
        }
        out
    }

    #[test]
    fn score_and_curvature_are_derivatives() {
        for ties in [Ties::Breslow, Ties::Efron] {
            for (late, strata) in [(false, false), (true, false), (false, true), (true, true)] {
                let (sets, weights, eta) = drawn(40, late, strata);
                assert!(sets.delayed == late && (sets.strata.len() == 2) == strata);
                let likelihood = PartialLikelihood::new(&sets, ties, weights);
                let found = likelihood.at(&sets, &eta).unwrap();
                // Σ s is zero: η + c has the same likelihood
                assert!(found.score.iter().sum::<f64>().abs() < 1e-13);
                let v: Vec<f64> = (0..40).map(|i| ((i * 7) % 11) as f64 / 11.0 - 0.4).collect();
                let along = |h: f64| -> LikelihoodAt {
                    let eta: Vec<f64> = eta.iter().zip(&v).map(|(e, v)| e + h * v).collect();
                    likelihood.at(&sets, &eta).unwrap()
                };
                // of fourth order: error h⁴ and rounding / h, each 1e-11 or so
                let h = 1e-3;
                let [a, b, c, d] = [-2.0, -1.0, 1.0, 2.0].map(|k| along(k * h));
                let slope = |a: f64, b: f64, c: f64, d: f64| (a - 8.0 * b + 8.0 * c - d) / (12.0 * h);
                let own: f64 = found.score.iter().zip(&v).map(|(s, v)| s * v).sum();
                let numeric = slope(a.value, b.value, c.value, d.value);
                assert!(
                    (own - numeric).abs() < 1e-9,
                    "{ties:?} {late} {strata}: {own} {numeric}"
                );
                let curved = times(&sets, &found, &v);
                for i in 0..40 {
                    let numeric = -slope(a.score[i], b.score[i], c.score[i], d.score[i]);
                    assert!(
                        (curved[i] - numeric).abs() < 1e-9,
                        "{ties:?} {i}: {} {numeric}",
                        curved[i]
                    );
                }
                // the diagonal bounds the curvature, which is none below zero
                let along: f64 = curved.iter().zip(&v).map(|(h, v)| h * v).sum();
                let bound: f64 = found.working.iter().zip(&v).map(|(w, v)| w * v * v).sum();
                assert!(along > 0.0 && along <= bound);
            }
        }
    }

    #[test]
    fn the_saturated_likelihood_is_its_limit() {
        for ties in [Ties::Breslow, Ties::Efron] {
            let (sets, weights, _) = drawn(40, true, true);
            let likelihood = PartialLikelihood::new(&sets, ties, weights);
            // the earlier an event the larger its risk, and those that are censored last
            let steep = |k: f64| -> Vec<f64> {
                let of = |i: usize| {
                    if sets.event[i] {
                        -k * f64::from(sets.exit[i])
                    } else {
                        -k * 1e3
                    }
                };
                (0..40).map(of).collect()
            };
            let near = likelihood.deviance(likelihood.at(&sets, &steep(0.02)).unwrap().value);
            assert!(near > 1.0);
            let deviance = likelihood.deviance_at(&sets, &steep(0.5));
            assert!(deviance > 0.0 && deviance < near, "{deviance} {near}");
            let deviance = likelihood.deviance_at(&sets, &steep(30.0));
            assert!(deviance.is_infinite() || deviance.abs() < 1e-9, "{deviance}");
        }
    }

    #[test]
    fn sums_that_cancel_are_formed_anew() {
        // the first row has all the risk there is, and is gone before the others come
        let times = SurvivalTimes {
            start: Some(vec![0.0, 0.0, 1.5, 1.5, 1.5]),
            stop: vec![1.0, 1.2, 2.0, 3.0, 4.0],
            event: vec![true, false, true, true, false],
            stratum: None,
        };
        let sets = RiskSets::new(&times);
        let likelihood = PartialLikelihood::new(&sets, Ties::Breslow, vec![1.0; 5]);
        let eta = [200.0, 0.0, 0.5, 0.25, 0.0];
        let found = likelihood.at(&sets, &eta).unwrap();
        let e = |x: f64| x.exp();
        let last = e(0.25) + 1.0;
        let middle = e(0.5) + last;
        let value = -e(-200.0) + (0.5 - middle.ln()) + (0.25 - last.ln());
        assert!((found.value - value).abs() < 1e-14, "{} {value}", found.value);
        let own = [
            1.0 - e(0.5) / middle,
            1.0 - e(0.25) / middle - e(0.25) / last,
            -1.0 / middle - 1.0 / last,
        ];
        for (s, own) in found.score[2..].iter().zip(own) {
            assert!((s - own).abs() < 1e-14, "{s} {own}");
        }
    }
}
