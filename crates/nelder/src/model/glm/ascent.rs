//! A quasi-Newton ascent of the likelihood in the metric of the Fisher information, for data on which Fisher scoring
//! goes astray.
//!
//! Fisher scoring takes whole steps β ← β + I⁻¹ s with the expected information I = XᵀWX. Where the observed
//! information is far from it, these cycle, run off, or leave the family's range. Here a step is t d with
//!
//! ```text
//! d = H s,   H from the last few steps and differences of scores (L-BFGS: Nocedal & Wright 2006, algorithm 7.4),
//! H₀ = γ I⁻¹, γ = Δsᵀ Δβ / Δsᵀ I⁻¹ Δs of the last step,
//! ```
//!
//! and t is long enough to satisfy Wolfe's conditions (ibid., 3.6), so that the deviance falls with each step. A
//! predictor or a mean out of range counts as an infinite deviance.

use std::collections::VecDeque;

use nelder_device::Dd;

use super::iteration::{Here, Iteration, sound};
use super::step_equations::Equations;
use crate::design::{ColumnEncoding, ColumnKind};
use crate::model::{ModelError, Score};
use crate::pass::{PassOutputs, ScoreSums, Scoring};

/// Steps and differences of scores that are remembered.
const MEMORY: usize = 12;
/// Passes of one ascent at most.
const MOST_PASSES: u32 = 150;
/// Passes of one line search at most.
const MOST_TRIALS: u32 = 40;
/// Steps after which the information is formed at each point; from there on at every fifth.
const FRESH_STEPS: u32 = 5;
/// By how much of the predicted gain the log-likelihood has to rise.
const ARMIJO: f64 = 1e-4;
/// The share of the slope that may be left at the end of a step.
const CURVATURE: f64 = 0.5;
/// The gain sᵀI⁻¹s over the deviance below which a point counts as stationary.
const STATIONARY: f64 = 1e-14;

/// Where an ascent has ended.
pub(super) struct Ascended {
    pub here: Here,
    pub equations: Equations,
    /// True if the score is nearly zero there: sᵀI⁻¹s ≤ 1e-14 (|D| + c), c the [floor](super::units::deviance_floor).
    pub stationary: bool,
    pub steps: u32,
}

/// A point with its score by column.
struct Point {
    beta: Vec<Dd>,
    sums: Scoring,
    score: Vec<Dd>,
}

/// A step Δβ, the fall of the score Δs by column, and the sums that Δs comes from.
struct Pair {
    step: Vec<Dd>,
    fall: Vec<Dd>,
    before: ScoreSums,
    after: ScoreSums,
}

/// Xᵀs by column of the model matrix.
fn by_column(score: &Score<'_>, map: &ColumnEncoding) -> Vec<Dd> {
    let of = |kind: &ColumnKind| match kind {
        ColumnKind::Intercept => score.ones,
        ColumnKind::Dense(e) => score.dense[*e],
        ColumnKind::Coded { .. } => Dd::ZERO,
    };
    let mut out: Vec<Dd> = map.kinds.iter().map(of).collect();
    for (g, table) in score.groups.iter().enumerate() {
        for code in 0..table.codes() {
            for (a, v) in table.row(code).iter().enumerate() {
                let v = Dd::two_sum(v.hi, v.lo);
                for &(c, x) in map.row(g, a, code) {
                    out[c as usize] += v.mul_f64(x);
                }
            }
        }
    }
    out
}

fn inner(a: &[Dd], b: &[Dd]) -> f64 {
    a.iter().zip(b).fold(Dd::ZERO, |s, (x, y)| s + *x * *y).hi
}

fn add_scaled(to: &mut [Dd], factor: f64, v: &[Dd]) {
    to.iter_mut().zip(v).for_each(|(t, v)| *t += v.mul_f64(factor));
}

impl Iteration<'_, '_> {
    fn point(&mut self, name: &str, beta: Vec<Dd>, wanted: PassOutputs) -> Result<Point, ModelError> {
        let sums = self.at(name, Some(&beta), wanted)?;
        Ok(self.with_score(beta, sums))
    }

    fn with_score(&self, beta: Vec<Dd>, sums: Scoring) -> Point {
        let mut score = by_column(&Score::of(&sums.score), &self.map);
        if let Some(held) = self.held {
            score[held] = Dd::ZERO;
        }
        Point { beta, sums, score }
    }

    /// Climbs from a point within the range until the score is next to nothing, or no step is left that helps.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn ascend(&mut self, from: Here) -> Result<Ascended, ModelError> {
        let mut from = from;
        let mut equations = self.solve(&mut from)?;
        let beta = from.beta.unwrap_or_else(|| vec![Dd::ZERO; self.map.columns()]);
        let mut here = self.with_score(beta, from.sums);
        let mut pairs: VecDeque<Pair> = VecDeque::new();
        let (mut steps, mut passes) = (0, 0);
        let zero = vec![Dd::ZERO; self.map.columns()];
        loop {
            let newton = equations.step(&Score::of(&here.sums.score), &zero);
            let stationary = newton.gain <= STATIONARY * self.size_of(here.sums.deviance.hi);
            let stuck = !newton.gain.is_finite() || passes >= MOST_PASSES;
            let found = match stationary || stuck {
                true => None,
                false => self.search(
                    &here,
                    &newton.delta,
                    newton.gain,
                    &equations,
                    &pairs,
                    &mut passes,
                    steps,
                )?,
            };
            let Some(next) = found else {
                return Ok(Ascended {
                    here: Here {
                        beta: Some(here.beta),
                        sums: here.sums,
                    },
                    equations,
                    stationary,
                    steps,
                });
            };
            steps += 1;
            let minus = |a: &[Dd], b: &[Dd]| -> Vec<Dd> { a.iter().zip(b).map(|(a, b)| *a - *b).collect() };
            let pair = Pair {
                step: minus(&next.beta, &here.beta),
                fall: minus(&here.score, &next.score),
                before: here.sums.score.clone(),
                after: next.sums.score.clone(),
            };
            // a difference of scores that has no curvature says nothing of the next one
            if inner(&pair.fall, &pair.step) > 0.0 {
                pairs.push_back(pair);
                if pairs.len() > MEMORY {
                    pairs.pop_front();
                }
            }
            here = next;
            if here.sums.gram.is_some()
                && let Some(own) = self.equations(&here.sums)?
            {
                equations = own;
            }
        }
    }

    /// The next point along the quasi-Newton direction, or along the scoring step where that one does not rise.
    #[allow(clippy::too_many_arguments)]
    fn search(
        &mut self,
        here: &Point,
        newton: &[Dd],
        gain: f64,
        equations: &Equations,
        pairs: &VecDeque<Pair>,
        passes: &mut u32,
        steps: u32,
    ) -> Result<Option<Point>, ModelError> {
        let direction = direction(here, newton, equations, pairs);
        let slope = inner(&direction, &here.score);
        if slope > 1e-4 * gain && slope.is_finite() {
            let found = self.along(here, &direction, slope, passes, steps)?;
            if found.is_some() || pairs.is_empty() {
                return Ok(found);
            }
        }
        self.along(here, newton, gain, passes, steps)
    }

    /// A point β + t d that satisfies Wolfe's conditions, else the best that at least rises enough.
    fn along(
        &mut self,
        here: &Point,
        direction: &[Dd],
        slope: f64,
        passes: &mut u32,
        steps: u32,
    ) -> Result<Option<Point>, ModelError> {
        let (mut low, mut high, mut t) = (0.0f64, f64::INFINITY, 1.0f64);
        let base = 0.5 * here.sums.deviance.hi;
        // sums of deviances are right to rounding errors of their terms
        let slack = 1e-13 * self.size_of(base);
        let mut best: Option<Point> = None;
        for _ in 0..MOST_TRIALS {
            let wanted = match steps < FRESH_STEPS || steps.is_multiple_of(5) {
                true => self.passes.gram(),
                false => PassOutputs::default(),
            };
            let mut beta = here.beta.clone();
            add_scaled(&mut beta, t, direction);
            let there = self.point("ascent", beta, wanted)?;
            *passes += 1;
            let value = 0.5 * there.sums.deviance.hi;
            let enough = sound(&there.sums) && value <= base - ARMIJO * t * slope + slack;
            let left = inner(direction, &there.score);
            if !enough || !left.is_finite() {
                high = t;
                // the parabola through both values and the slope, kept off the ends
                let fall = base - value;
                let top = 0.5 * slope * t * t / (slope * t - fall);
                t = match sound(&there.sums) && top.is_finite() && low == 0.0 {
                    true => top.clamp(0.1 * t, 0.5 * t),
                    false => 0.5 * (low + high),
                };
            } else if left > CURVATURE * slope {
                low = t;
                best = Some(there);
                t = match high.is_finite() {
                    true => 0.5 * (low + high),
                    // where the slope will be zero, were it straight
                    false => (t * slope / (slope - left)).clamp(2.0 * t, 10.0 * t),
                };
            } else if left < -CURVATURE * slope {
                high = t;
                best = match best {
                    Some(b) if 0.5 * b.sums.deviance.hi < value => Some(b),
                    _ => Some(there),
                };
                t = (t * slope / (slope - left)).clamp(low + 0.1 * (high - low), high - 0.1 * (high - low));
            } else {
                return Ok(Some(there));
            }
            if high - low <= 1e-10 * high || low > 1e8 {
                break;
            }
        }
        Ok(best)
    }
}

/// d = H s by the two loops of L-BFGS.
fn direction(here: &Point, newton: &[Dd], equations: &Equations, pairs: &VecDeque<Pair>) -> Vec<Dd> {
    let zero = vec![Dd::ZERO; newton.len()];
    // I⁻¹ Δs of each pair, by the information as it is now
    let falls: Vec<Vec<Dd>> = pairs
        .iter()
        .map(|p| {
            let before = equations.step(&Score::of(&p.before), &zero).delta;
            let after = equations.step(&Score::of(&p.after), &zero).delta;
            before.iter().zip(&after).map(|(b, a)| *b - *a).collect()
        })
        .collect();
    let mut left = here.score.clone();
    let mut out = newton.to_vec();
    let mut shares = vec![0.0; pairs.len()];
    for (i, p) in pairs.iter().enumerate().rev() {
        shares[i] = inner(&p.step, &left) / inner(&p.fall, &p.step);
        add_scaled(&mut left, -shares[i], &p.fall);
        add_scaled(&mut out, -shares[i], &falls[i]);
    }
    if let (Some(p), Some(f)) = (pairs.back(), falls.last()) {
        let gamma = inner(&p.fall, &p.step) / inner(&p.fall, f);
        if gamma.is_finite() && gamma > 0.0 {
            out.iter_mut().for_each(|v| *v = v.mul_f64(gamma));
        }
    }
    for (i, p) in pairs.iter().enumerate() {
        let back = inner(&p.fall, &out) / inner(&p.fall, &p.step);
        add_scaled(&mut out, shares[i] - back, &p.step);
    }
    out
}
