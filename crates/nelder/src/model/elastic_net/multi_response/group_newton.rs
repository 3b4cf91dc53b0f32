//! Newton's method on the rows that are not zero, where the norms of the penalty are smooth.

use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

use super::group_curvature::GroupCurvature;
use super::group_descent::GroupDescent;
use super::group_penalty::{GroupPenalty, norm};
use crate::model::elastic_net::penalty::Strength;

/// Steps at most.
const MOST_STEPS: u32 = 50;
/// Halvings of a step at most.
const MOST_HALVINGS: u32 = 30;
/// Coefficients at most: the matrix of more takes longer to factor than sweeps do.
const MOST_COEFFICIENTS: usize = 3000;
/// Part of the fall that the slope promises which a step must bring (Armijo 1966).
const ARMIJO: f64 = 1e-4;
/// A promised fall of the objective that is rounding, as a part of the terms that it is the sum of.
const ROUNDING: f64 = 16.0 * f64::EPSILON;
/// A promised fall where the step itself is rounding.
const NOTHING: f64 = 1e-30;
/// A pivot below this part of its diagonal is rounding error.
const LEAST_PIVOT: f64 = 1e-11;
/// Added to the diagonal, as a part of it, where the matrix is singular: two columns are the same, or classes that only differ from each other.
const DAMPING: f64 = 1e-9;

/// Coefficients that are neither at a bound nor in a row of zeros, and what a step for them solves.
struct Equations {
    places: Vec<usize>,
    /// H among them.
    loss: Mat<f64>,
    /// H and the second derivatives of the penalty.
    matrix: Mat<f64>,
    /// g less the derivatives of the penalty.
    right: Vec<f64>,
}

/// A step of one row b.
struct RowStep {
    factor: f64,
    /// ‖b‖.
    size: f64,
    /// bᵀδ.
    slope: f64,
    /// ‖δ‖².
    square: f64,
}

impl RowStep {
    /// By how much a share t of the step raises the penalty; ‖b + tδ‖ − ‖b‖ is (2t bᵀδ + t² ‖δ‖²) / (‖b + tδ‖ + ‖b‖), which does not cancel.
    fn rise(&self, share: f64, strength: Strength) -> f64 {
        let squares = share * (2.0 * self.slope + share * self.square);
        let after = (self.size * self.size + squares).max(0.0).sqrt();
        self.factor * (strength.absolute * squares / (after + self.size) + 0.5 * strength.square * squares)
    }
}

impl GroupDescent {
    /// Takes Newton steps on the rows that are not zero; the number of steps.
    ///
    /// The second derivatives of λ α f ‖b‖ are λ α f (I − bbᵀ / ‖b‖²) / ‖b‖. A step ends at a bound, and is halved until the objective falls.
    pub(super) fn newton<C: GroupCurvature>(
        &mut self,
        curvature: &C,
        penalty: &GroupPenalty,
        strength: Strength,
    ) -> u32 {
        let mut steps = 0;
        while steps < MOST_STEPS {
            steps += 1;
            let Some(equations) = self.equations(curvature, penalty, strength) else {
                break;
            };
            let Some(step) = equations.solved() else { break };
            let promised: f64 = step.iter().zip(&equations.right).map(|(d, r)| d * r).sum();
            if !(promised > NOTHING) {
                break;
            }
            let Some(share) = self.share(&equations, &step, promised, penalty, strength) else {
                break;
            };
            self.advance(curvature, penalty, &equations.places, &step, share);
        }
        steps
    }

    fn equations<C: GroupCurvature>(
        &self,
        curvature: &C,
        penalty: &GroupPenalty,
        strength: Strength,
    ) -> Option<Equations> {
        let inside = |i: &usize| self.beta[*i] > penalty.lower[*i] && self.beta[*i] < penalty.upper[*i];
        let alive = |j: &&usize| self.beta[penalty.row(**j)].iter().any(|b| *b != 0.0);
        let rows = self.active.iter().filter(alive);
        let places: Vec<usize> = rows.flat_map(|&j| penalty.row(j)).filter(inside).collect();
        let n = places.len();
        if n == 0 || n > MOST_COEFFICIENTS {
            return None;
        }
        let loss = Mat::from_fn(n, n, |a, b| curvature.entry(places[a], places[b]));
        let mut matrix = loss.clone();
        let mut right = Vec::new();
        for (a, &i) in places.iter().enumerate() {
            let j = i / penalty.responses;
            let size = norm(&self.beta[penalty.row(j)]);
            let (corner, square) = (
                penalty.factors[j] * strength.absolute / size,
                penalty.factors[j] * strength.square,
            );
            right.push(self.gradient[i] - (corner + square) * self.beta[i]);
            matrix[(a, a)] += corner + square;
            for (b, &other) in places.iter().enumerate() {
                if other / penalty.responses == j {
                    matrix[(a, b)] -= corner * (self.beta[i] / size) * (self.beta[other] / size);
                }
            }
        }
        Some(Equations {
            places,
            loss,
            matrix,
            right,
        })
    }

    /// The share of a step that is taken: up to the first bound, then halved until the objective falls; `None` where it does not.
    fn share(
        &self,
        equations: &Equations,
        step: &[f64],
        promised: f64,
        penalty: &GroupPenalty,
        strength: Strength,
    ) -> Option<f64> {
        let places = &equations.places;
        let mut share = 1.0_f64;
        for (&i, &d) in places.iter().zip(step) {
            let wall = if d > 0.0 {
                penalty.upper[i]
            } else {
                penalty.lower[i]
            };
            if d != 0.0 && wall.is_finite() {
                share = share.min((wall - self.beta[i]) / d);
            }
        }
        let n = places.len();
        let image = |a: usize| (0..n).map(|b| equations.loss[(a, b)] * step[b]).sum::<f64>();
        let bend: f64 = (0..n).map(|a| step[a] * image(a)).sum();
        let slopes = places.iter().zip(step).map(|(&i, d)| self.gradient[i] * d);
        let (slope, size) = slopes.fold((0.0, 0.0), |(sum, size), s: f64| (sum + s, size + s.abs()));
        if promised <= ROUNDING * size {
            return None;
        }
        let rows = self.rows_of(places, step, penalty);
        for _ in 0..MOST_HALVINGS {
            let of_rows: f64 = rows.iter().map(|row| row.rise(share, strength)).sum();
            let rise = share * (0.5 * share * bend - slope) + of_rows;
            if rise <= -ARMIJO * share * promised {
                return Some(share);
            }
            share *= 0.5;
        }
        None
    }

    /// The rows of a step.
    fn rows_of(&self, places: &[usize], step: &[f64], penalty: &GroupPenalty) -> Vec<RowStep> {
        let mut rows: Vec<(usize, RowStep)> = Vec::new();
        for (&i, &d) in places.iter().zip(step) {
            let j = i / penalty.responses;
            if rows.last().is_none_or(|(last, _)| *last != j) {
                let own = RowStep {
                    factor: penalty.factors[j],
                    size: norm(&self.beta[penalty.row(j)]),
                    slope: 0.0,
                    square: 0.0,
                };
                rows.push((j, own));
            }
            if let Some((_, row)) = rows.last_mut() {
                row.slope += self.beta[i] * d;
                row.square += d * d;
            }
        }
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// Takes a share of a step; coefficients that reach a bound are there exactly.
    fn advance<C: GroupCurvature>(
        &mut self,
        curvature: &C,
        penalty: &GroupPenalty,
        places: &[usize],
        step: &[f64],
        share: f64,
    ) {
        let responses = penalty.responses;
        let mut delta = vec![0.0; responses];
        let mut at = 0;
        while at < places.len() {
            let j = places[at] / responses;
            delta.fill(0.0);
            while at < places.len() && places[at] / responses == j {
                let (i, d) = (places[at], step[at]);
                let before = self.beta[i];
                let mut after = share
                    .mul_add(d, before)
                    .max(penalty.lower[i])
                    .min(penalty.upper[i]);
                let wall = if d > 0.0 {
                    penalty.upper[i]
                } else {
                    penalty.lower[i]
                };
                if wall.is_finite()
                    && (wall - after).abs() <= 8.0 * f64::EPSILON * (wall.abs() + before.abs())
                {
                    after = wall;
                }
                delta[i % responses] = after - before;
                self.beta[i] = after;
                at += 1;
            }
            curvature.subtract(j, &delta, &self.active, &mut self.gradient);
        }
    }
}

impl Equations {
    /// The step; of a damped matrix where it is singular. `None` where even that has no factor.
    fn solved(&self) -> Option<Vec<f64>> {
        let n = self.right.len();
        let right = Mat::from_fn(n, 1, |i, _| self.right[i]);
        for damping in [0.0, DAMPING] {
            let mut matrix = self.matrix.clone();
            (0..n).for_each(|i| matrix[(i, i)] *= 1.0 + damping);
            let Ok(factor) = matrix.llt(Side::Lower) else {
                continue;
            };
            let lower = factor.L();
            let sound = |i: usize| lower[(i, i)] * lower[(i, i)] > LEAST_PIVOT * matrix[(i, i)];
            if damping > 0.0 || (0..n).all(sound) {
                let found = factor.solve(&right);
                return Some((0..n).map(|i| found[(i, 0)]).collect());
            }
        }
        None
    }
}
