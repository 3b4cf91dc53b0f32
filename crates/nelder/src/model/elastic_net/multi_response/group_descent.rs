//! Minimum of a quadratic loss and the penalty of rows: descent on the rows that were ever active, and Newton's method on those that are not
//! zero.
//!
//! The problem is min ½ bᵀHb − cᵀb + λ P(B), g = c − Hb.
//!
//! 1. Rows whose ‖gⱼ‖ exceeds λ α fⱼ join the active ones.
//! 2. Each active row in turn goes to the minimum of a bound of the objective, in which Hⱼⱼ is replaced by hⱼ I, hⱼ ≥ its largest eigenvalue: it
//!    touches the objective where the row is, and lies nowhere below it, so that the objective falls. For several responses of a Gaussian
//!    model hⱼ I is Hⱼⱼ, and the minimum is the row's own.
//! 3. Where that is slow, or the solution is to be exact, Newton's method on the rows that are not zero, where the norms are smooth; each
//!    step is halved until the objective falls (`group_newton`).
//! 4. g of all rows; back to 1 until no row wants to join.

use super::group_curvature::GroupCurvature;
use super::group_penalty::GroupPenalty;
use crate::model::elastic_net::descent::{EXACT_BELOW, Ending, Stuck};
use crate::model::elastic_net::penalty::Strength;

/// Sweeps over the active rows after which Newton's method is tried.
const MANY_SWEEPS: u32 = 25;
/// Threshold for the sweeps before a Newton step.
const ROUGH: f64 = 1e-7;
/// Sweeps change little, and what they leave is more than that: so much less is asked for.
const CAREFUL: f64 = 0.1;
/// hⱼ ‖Δ‖² of a sweep that finds nothing left to do.
const NOTHING: f64 = 1e-26;
/// Newton steps and sweeps after which what the threshold asks for is enough.
const MANY_ROUNDS: u32 = 40;
/// Rounds of rows joining at one λ.
const MOST_ROUNDS: u32 = 1000;

/// A coefficient matrix as a path goes on from λ to λ, with the gradient of the loss.
#[derive(Clone, Debug)]
pub(super) struct GroupDescent {
    /// Standardized coefficients, by rows.
    pub beta: Vec<f64>,
    /// g = c − Hb.
    pub gradient: Vec<f64>,
    /// True for rows that may have coefficients.
    pub usable: Vec<bool>,
    /// Sweeps and Newton steps so far.
    pub sweeps: u64,
    /// Rows that were ever other than zero.
    pub active: Vec<usize>,
    /// The others.
    rest: Vec<usize>,
}

impl GroupDescent {
    /// Starts at B = 0, where the gradient is c.
    pub fn new(gradient: Vec<f64>, usable: Vec<bool>) -> Self {
        GroupDescent {
            beta: vec![0.0; gradient.len()],
            gradient,
            rest: (0..usable.len()).filter(|&j| usable[j]).collect(),
            usable,
            sweeps: 0,
            active: Vec::new(),
        }
    }

    /// Goes on from other coefficients, with the gradient there.
    pub fn restart(&mut self, beta: &[f64], gradient: Vec<f64>) {
        self.beta.copy_from_slice(beta);
        self.gradient = gradient;
    }

    /// Goes on to the minimum at a λ.
    ///
    /// # Errors
    /// More sweeps or active rows than allowed.
    pub fn minimise<C: GroupCurvature>(
        &mut self,
        curvature: &C,
        penalty: &GroupPenalty,
        strength: Strength,
        ending: Ending,
    ) -> Result<(), Stuck> {
        self.join(penalty, strength, ending)?;
        for _ in 0..MOST_ROUNDS {
            let before = self.beta.clone();
            self.descend(curvature, penalty, strength, ending)?;
            for &j in &self.active {
                let row = penalty.row(j);
                let pairs = self.beta[row.clone()].iter().zip(&before[row]);
                let delta: Vec<f64> = pairs.map(|(now, before)| now - before).collect();
                curvature.subtract(j, &delta, &self.rest, &mut self.gradient);
            }
            if !self.join(penalty, strength, ending)? {
                return Ok(());
            }
        }
        Err(Stuck::Sweeps)
    }

    /// Adds the rows that violate the optimality conditions at zero; true if there were some.
    fn join(&mut self, penalty: &GroupPenalty, strength: Strength, ending: Ending) -> Result<bool, Stuck> {
        let wants = |j: usize| {
            let slack = 4.0 * f64::EPSILON * (1.0 + penalty.factors[j] * strength.absolute);
            let (g, b) = (&self.gradient[penalty.row(j)], &self.beta[penalty.row(j)]);
            b.iter().any(|b| *b != 0.0) || penalty.violation(j, g, b, strength) > slack
        };
        let (joining, rest): (Vec<usize>, Vec<usize>) = self.rest.iter().partition(|&&j| wants(j));
        self.rest = rest;
        let any = !joining.is_empty();
        self.active.extend(joining);
        match self.active.len() > ending.most_active {
            true => Err(Stuck::Active),
            false => Ok(any),
        }
    }

    /// Descent on the active rows, then Newton's method where that is slow or the minimum is to be exact.
    fn descend<C: GroupCurvature>(
        &mut self,
        curvature: &C,
        penalty: &GroupPenalty,
        strength: Strength,
        ending: Ending,
    ) -> Result<(), Stuck> {
        let exact = ending.threshold < EXACT_BELOW;
        let threshold = ending.unit * if exact { ROUGH } else { CAREFUL * ending.threshold };
        let (mut own, mut rounds) = (0, 0);
        loop {
            let largest = self.sweep(curvature, penalty, strength);
            self.sweeps += 1;
            own += 1;
            if self.sweeps > ending.most_sweeps {
                return Err(Stuck::Sweeps);
            }
            if largest <= threshold && !exact {
                return Ok(());
            }
            if largest <= threshold || own % MANY_SWEEPS == 0 {
                rounds += 1;
                self.sweeps += u64::from(self.newton(curvature, penalty, strength));
                let largest = self.sweep(curvature, penalty, strength);
                let enough = match exact && rounds < MANY_ROUNDS {
                    true => NOTHING,
                    false => CAREFUL * ending.threshold,
                };
                if largest <= enough * ending.unit {
                    return Ok(());
                }
            }
        }
    }

    /// One sweep over the active rows; the largest hⱼ Δ² of a coefficient.
    fn sweep<C: GroupCurvature>(&mut self, curvature: &C, penalty: &GroupPenalty, strength: Strength) -> f64 {
        let responses = curvature.responses();
        let (mut v, mut after) = (vec![0.0; responses], vec![0.0; responses]);
        let mut largest = 0.0_f64;
        for at in 0..self.active.len() {
            let j = self.active[at];
            let bound = curvature.bound(j);
            let row = penalty.row(j);
            for (v, i) in v.iter_mut().zip(row.clone()) {
                *v = f64::mul_add(bound, self.beta[i], self.gradient[i]);
            }
            penalty.minimum(j, &v, bound, strength, &mut after);
            let mut any = false;
            for (after, i) in after.iter_mut().zip(row) {
                let delta = *after - self.beta[i];
                any |= delta != 0.0;
                largest = largest.max(bound * delta * delta);
                self.beta[i] = *after;
                *after = delta;
            }
            if any {
                curvature.subtract(j, &after, &self.active, &mut self.gradient);
            }
        }
        largest
    }

    /// The largest violation of the optimality conditions over the usable rows.
    pub fn violation(&self, penalty: &GroupPenalty, strength: Strength) -> f64 {
        let rows = (0..self.usable.len()).filter(|&j| self.usable[j]);
        let of = |j: usize| {
            let row = penalty.row(j);
            penalty.violation(j, &self.gradient[row.clone()], &self.beta[row], strength)
        };
        rows.map(of).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::elastic_net::active_set::DenseCurvature;
    use crate::model::elastic_net::multi_response::group_curvature::{FullCurvature, SharedCurvature};

    const ENDING: Ending = Ending {
        unit: 1.0,
        threshold: 1e-20,
        most_sweeps: 100_000,
        most_active: 100,
    };

    fn penalty(rows: usize, responses: usize, bound: f64) -> GroupPenalty {
        GroupPenalty {
            responses,
            factors: (0..rows).map(|j| if j == 2 { 0.0 } else { 1.0 }).collect(),
            lower: vec![-bound; rows * responses],
            upper: vec![bound; rows * responses],
        }
    }

    /// Numbers that look random in [−1, 1].
    fn numbers(count: usize) -> Vec<f64> {
        let mut state = 12_345_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1_u32 << 30) - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// A correlation matrix of AR(0.97).
    fn autoregression(order: usize) -> DenseCurvature {
        let entry = |i: usize| 0.97_f64.powi((i / order).abs_diff(i % order) as i32);
        DenseCurvature {
            order,
            values: (0..order * order).map(entry).collect(),
        }
    }

    #[test]
    fn rows_of_uncorrelated_columns_shrink() {
        let one = DenseCurvature {
            order: 2,
            values: vec![1.0, 0.0, 0.0, 1.0],
        };
        let mut descent = GroupDescent::new(vec![3.0, 4.0, 0.3, -0.4], vec![true; 2]);
        let shared = SharedCurvature {
            of: &one,
            responses: 2,
        };
        let strength = Strength {
            absolute: 1.0,
            square: 0.6,
        };
        let penalty = penalty(2, 2, f64::INFINITY);
        descent.minimise(&shared, &penalty, strength, ENDING).unwrap();
        // (3, 4) of norm 5 by (1 − 1/5) / 1.6; the other row is of norm 0.5
        for (b, wanted) in descent.beta.iter().zip([1.5, 2.0, 0.0, 0.0]) {
            assert!((b - wanted).abs() < 1e-14, "{b}");
        }
    }

    #[test]
    fn the_minimum_is_exact_along_a_path() {
        let order = 12;
        let curvature = autoregression(order);
        let noise = numbers(order * 3);
        for bound in [f64::INFINITY, 0.15] {
            let shared = SharedCurvature {
                of: &curvature,
                responses: 3,
            };
            let penalty = penalty(order, 3, bound);
            let mut descent = GroupDescent::new(noise.clone(), vec![true; order]);
            for m in 0..30 {
                let lambda = 0.8_f64.powi(m);
                let strength = Strength {
                    absolute: 0.9 * lambda,
                    square: 0.1 * lambda,
                };
                descent.minimise(&shared, &penalty, strength, ENDING).unwrap();
                let worst = descent.violation(&penalty, strength);
                assert!(worst < 1e-12, "{bound} {m}: {worst:e}");
            }
            // g is still c − Hb
            for j in 0..order {
                for k in 0..3 {
                    let image = (0..order).map(|l| curvature.values[j * order + l] * descent.beta[l * 3 + k]);
                    let g = noise[j * 3 + k] - image.sum::<f64>();
                    assert!((g - descent.gradient[j * 3 + k]).abs() < 1e-11);
                }
            }
        }
    }

    #[test]
    fn classes_that_only_differ_have_a_minimum() {
        // second derivatives of two columns and three classes of probabilities q: (diag q − q qᵀ) ⊗ C
        let (q, c) = ([0.2, 0.3, 0.5], [1.0, 0.9, 0.9, 1.0]);
        let entry = |i: usize| {
            let (a, b) = (i / 6, i % 6);
            let own = if a % 3 == b % 3 { q[a % 3] } else { 0.0 };
            (own - q[a % 3] * q[b % 3]) * c[a / 3 * 2 + b / 3]
        };
        let matrix = DenseCurvature {
            order: 6,
            values: (0..36).map(entry).collect(),
        };
        let full = FullCurvature {
            of: &matrix,
            responses: 3,
        };
        // every block is bounded: λmax(diag q − q qᵀ) = 0.3881…
        assert!(full.bound(0) >= 0.3881 && full.bound(0) <= 0.5);
        let mut descent = GroupDescent::new(vec![0.3, -0.1, -0.2, 0.1, 0.1, -0.2], vec![true; 2]);
        let penalty = penalty(2, 3, f64::INFINITY);
        for lambda in [0.3, 0.1, 0.01, 1e-3] {
            let strength = Strength {
                absolute: lambda,
                square: 0.0,
            };
            descent.minimise(&full, &penalty, strength, ENDING).unwrap();
            assert!(descent.violation(&penalty, strength) < 1e-13);
            for row in descent.beta.chunks(3) {
                assert!(row.iter().sum::<f64>().abs() < 1e-10);
            }
        }
    }
}
