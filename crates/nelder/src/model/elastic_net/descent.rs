//! Minimum of a quadratic loss and the elastic net penalty: coordinate descent on the columns that were ever active, and Newton's
//! method on the support.
//!
//! The problem is min ½ βᵀHβ − cᵀβ + λ P(β). With g = c − Hβ the derivative of the loss is −g.
//!
//! 1. Columns whose |gⱼ| exceeds λ α fⱼ join the active set, whose part of H is kept as a matrix of its own.
//! 2. Coordinate descent on the active set: bⱼ ← S(gⱼ + Hⱼⱼbⱼ, λ α fⱼ) / (Hⱼⱼ + λ (1 − α) fⱼ), clipped to its bounds, until no
//!    coordinate's Hⱼⱼ Δ² exceeds the threshold, glmnet's rule.
//! 3. Where that is slow, or the solution is to be exact: for the signs that β has, the minimum solves a linear system on the
//!    support. The step goes there or to the first sign that would change, as in an active-set method; each step lowers the
//!    objective, and the last one is exact (Osborne, Presnell & Turlach 2000).
//! 4. g of all columns; back to 1 until no column wants to join.

use super::active_set::{ActiveSet, Curvature, NOWHERE};
use super::penalty::{Penalty, Strength};
use super::support::newton_on_support;

/// Sweeps over the active set that may be left before Newton's method is tried.
const MANY_SWEEPS: f64 = 25.0;
/// The same where the support's factor is at hand, so that a step of it costs as much as some sweeps.
const SOME_SWEEPS: f64 = 6.0;
/// Sweeps that tell their rate.
const LEAST_SWEEPS: u32 = 3;
/// Thresholds below this ask for the exact minimum.
pub(super) const EXACT_BELOW: f64 = 1e-10;
/// From a start that was extrapolated, sweeps change little and what they leave is more than that: so much less is asked for.
const CAREFUL: f64 = 0.1;
/// Threshold for the sweeps before a Newton step.
const ROUGH: f64 = 1e-7;
/// Hⱼⱼ Δ² of a sweep that finds nothing left to do: Δ is rounding error of a unit response.
const NOTHING: f64 = 1e-26;
/// Newton steps and sweeps after which what the threshold asks for is enough, as where columns are the same.
const MANY_ROUNDS: u32 = 40;
/// Rounds of columns joining at one λ.
const MOST_ROUNDS: u32 = 1000;

/// Settings for where an iteration ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    /// glmnet's `thresh`, in units of the null deviance of a row: the largest Hⱼⱼ Δ² of the last sweep.
    pub threshold: f64,
    /// The null deviance of a row, that rounding is relative to, too; 1 of a response of unit variance.
    pub unit: f64,
    /// Sweeps and Newton steps at most, over a whole path.
    pub most_sweeps: u64,
    /// The most columns that may ever be active.
    pub most_active: usize,
}

/// Failure of a step of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stuck {
    /// Too many sweeps.
    Sweeps,
    /// Too many active columns.
    Active,
}

/// Coefficients of a path as it goes on from λ to λ, with the gradient of the loss.
#[derive(Clone, Debug)]
pub(super) struct Descent {
    /// Standardized coefficients β, one a column.
    pub beta: Vec<f64>,
    /// g = c − Hβ, one a column.
    pub gradient: Vec<f64>,
    /// True for columns that may have a coefficient.
    pub usable: Vec<bool>,
    /// Sweeps and Newton steps so far.
    pub sweeps: u64,
    active: ActiveSet,
}

impl Descent {
    /// Starts at β = 0, where the gradient is c.
    pub fn new(gradient: Vec<f64>, usable: Vec<bool>) -> Self {
        let active = ActiveSet {
            places: vec![NOWHERE; gradient.len()],
            ..ActiveSet::default()
        };
        Descent {
            beta: vec![0.0; gradient.len()],
            gradient,
            usable,
            sweeps: 0,
            active,
        }
    }

    /// Goes on with another matrix H, its part of the active set in the place of the one before.
    pub fn renew<C: Curvature>(&mut self, curvature: &C) {
        let active = &mut self.active;
        active.factor.clear();
        for k in 0..active.members.len() {
            let at = k * active.capacity;
            let (members, column) = (&active.members, &mut active.matrix[at..at + active.members.len()]);
            curvature.entries(members[k], members, column);
        }
    }

    /// Goes on from other coefficients, with the gradient there.
    pub fn restart(&mut self, beta: &[f64], gradient: Vec<f64>) {
        self.beta.copy_from_slice(beta);
        self.gradient = gradient;
        let active = &mut self.active;
        for (k, &j) in active.members.iter().enumerate() {
            active.beta[k] = beta[j];
            active.settled[k] = beta[j];
            active.gradient[k] = self.gradient[j];
        }
    }

    /// Goes on to the minimum at a λ.
    ///
    /// # Errors
    /// More sweeps or active columns than allowed.
    pub fn minimise<C: Curvature>(
        &mut self,
        curvature: &C,
        penalty: &Penalty,
        strength: Strength,
        ending: Ending,
    ) -> Result<(), Stuck> {
        self.join(curvature, penalty, strength, ending)?;
        for _ in 0..MOST_ROUNDS {
            descend(&mut self.active, penalty, strength, ending, &mut self.sweeps)?;
            self.settle(curvature);
            if !self.join(curvature, penalty, strength, ending)? {
                return Ok(());
            }
        }
        Err(Stuck::Sweeps)
    }

    /// Moves on by `share` of the last step along the path, which was from coefficients β and their gradient: between two changes of the
    /// support a path is a straight line in λ, and so is its gradient. No coefficient changes its sign or leaves its bounds.
    pub fn extrapolate<C: Curvature>(
        &mut self,
        curvature: &C,
        from: (&[f64], &[f64]),
        share: f64,
        penalty: &Penalty,
    ) {
        let active = &mut self.active;
        // how far coefficients that are not on the line are from it
        let mut off = vec![0.0; active.members.len()];
        for (k, &j) in active.members.iter().enumerate() {
            let (before, now) = (from.0[j], active.beta[k]);
            let line = share.mul_add(now - before, now);
            let after = line.clamp(penalty.lower[j], penalty.upper[j]);
            if now != 0.0 && before != 0.0 && after * now > 0.0 {
                active.beta[k] = after;
            }
            off[k] = active.beta[k] - line;
        }
        for (g, before) in self.gradient.iter_mut().zip(from.1) {
            *g = share.mul_add(*g - before, *g);
        }
        curvature.subtract(&active.members, &off, &mut self.gradient);
        self.follow();
    }

    /// Adds the columns that violate the optimality conditions at zero; true if there were some.
    fn join<C: Curvature>(
        &mut self,
        curvature: &C,
        penalty: &Penalty,
        strength: Strength,
        ending: Ending,
    ) -> Result<bool, Stuck> {
        let mut any = false;
        let size = ending.unit.sqrt();
        for j in 0..self.beta.len() {
            if !self.usable[j] || self.active.places[j] != NOWHERE {
                continue;
            }
            let g = self.gradient[j];
            // as for most columns
            if g.abs() <= penalty.factors[j] * strength.absolute {
                continue;
            }
            // rounding of g, which is of the order of a response's products with columns of unit variance, moves no column in
            let slack = 4.0 * f64::EPSILON * (size + penalty.factors[j] * strength.absolute);
            if penalty.violation(j, g, 0.0, strength) > slack {
                if self.active.members.len() >= ending.most_active {
                    return Err(Stuck::Active);
                }
                self.active.add(j, curvature, self.beta[j], g);
                any = true;
            }
        }
        Ok(any)
    }

    /// Brings β and g of all columns up to the active set's.
    fn settle<C: Curvature>(&mut self, curvature: &C) {
        let active = &mut self.active;
        let pairs = active.beta.iter().zip(&active.settled);
        let delta: Vec<f64> = pairs.map(|(now, before)| now - before).collect();
        curvature.subtract(&active.members, &delta, &mut self.gradient);
        self.follow();
    }

    /// Takes over β of the active set, and gives it the gradient there.
    fn follow(&mut self) {
        let active = &mut self.active;
        for (k, &j) in active.members.iter().enumerate() {
            self.beta[j] = active.beta[k];
            active.gradient[k] = self.gradient[j];
        }
        active.settled.copy_from_slice(&active.beta);
    }

    /// The largest violation of the optimality conditions over the usable columns.
    pub fn violation(&self, penalty: &Penalty, strength: Strength) -> f64 {
        let columns = (0..self.beta.len()).filter(|&j| self.usable[j]);
        columns
            .map(|j| penalty.violation(j, self.gradient[j], self.beta[j], strength))
            .fold(0.0, f64::max)
    }
}

/// The largest Hⱼⱼ Δ² of the last sweep, where sweeps are all that there is.
pub(super) fn sweep_threshold(ending: Ending) -> f64 {
    match ending.threshold < EXACT_BELOW {
        true => NOTHING * ending.unit,
        false => CAREFUL * ending.threshold * ending.unit,
    }
}

/// Coordinate descent on the active set, then Newton's method where that is slow or the minimum is to be exact.
///
/// # Errors
/// More sweeps than allowed.
pub(super) fn descend(
    active: &mut ActiveSet,
    penalty: &Penalty,
    strength: Strength,
    ending: Ending,
    sweeps: &mut u64,
) -> Result<(), Stuck> {
    let exact = ending.threshold < EXACT_BELOW;
    // before Newton's method a rough start is enough
    let threshold = ending.unit * if exact { ROUGH } else { CAREFUL * ending.threshold };
    let patience = match active.factor.is_for(strength.square) {
        true => SOME_SWEEPS,
        false => MANY_SWEEPS,
    };
    let (mut since, mut last, mut rounds) = (0, f64::INFINITY, 0);
    loop {
        let largest = active.sweep(penalty, strength);
        *sweeps += 1;
        since += 1;
        if *sweeps > ending.most_sweeps {
            return Err(Stuck::Sweeps);
        }
        if largest <= threshold && !exact {
            return Ok(());
        }
        // as many sweeps more as their rate so far would take
        let more = (threshold / largest).ln() / (largest / last).ln();
        last = largest;
        let slow = since >= LEAST_SWEEPS && !(0.0..=patience).contains(&more);
        if largest <= threshold || slow {
            rounds += 1;
            *sweeps += u64::from(newton_on_support(active, penalty, strength));
            let largest = active.sweep(penalty, strength);
            let enough = match exact && rounds < MANY_ROUNDS {
                true => NOTHING,
                false => CAREFUL * ending.threshold,
            };
            if largest <= enough * ending.unit {
                return Ok(());
            }
            (since, last) = (0, f64::INFINITY);
        }
    }
}
