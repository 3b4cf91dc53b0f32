//! Coordinate descent by residuals, for columns that hold few numbers.
//!
//! A column is x̃ = (x − c) / s with c ≠ 0, so that a step δ changes the linear predictor of every row. But it changes those without a number alike:
//! η − η₀ = v + d, where v changes in the rows of the column's numbers alone and d is a number. With scores s₀ and working weights ω of the
//! point, q = s₀ − ω v, the scores of the quadratic model are ρ = q − d ω, and
//!
//! x̃ⱼᵀρ = (Σ x q − d Σ x ω − c Σ ρ) / s,
//!
//! of which the sums over x run over its numbers and Σ ρ is kept.

use super::loss::RowScores;
use super::quadratic_step::QuadraticStep;
use super::standardized::StandardizedColumns;
use crate::model::elastic_net::descent::{Ending, Stuck, sweep_threshold};
use crate::model::elastic_net::penalty::{Penalty, Strength};

/// The columns that were ever active, with what a sweep needs of each.
#[derive(Debug)]
pub(super) struct ActiveResiduals {
    members: Vec<usize>,
    /// True for columns that are members.
    is_member: Vec<bool>,
    beta: Vec<f64>,
    gradient: Vec<f64>,
    /// Hⱼⱼ = Σ ω x̃².
    curvature: Vec<f64>,
    /// Σ x ω.
    weighted: Vec<f64>,
    /// ω, the working weights of H, and their sum.
    weight: Vec<f64>,
    weight_sum: f64,
    intercept: bool,
}

/// A step on its way.
struct Descending {
    /// q = s₀ − ω v.
    scores: Vec<f64>,
    /// v.
    images: Vec<f64>,
    /// d.
    shift: f64,
    /// Σ ρ.
    total: f64,
    /// Change of the intercept.
    constant: f64,
}

impl ActiveResiduals {
    /// None active.
    pub fn new(columns: usize, rows: usize, intercept: bool) -> Self {
        ActiveResiduals {
            members: Vec::new(),
            is_member: vec![false; columns],
            beta: Vec::new(),
            gradient: Vec::new(),
            curvature: Vec::new(),
            weighted: Vec::new(),
            weight: vec![0.0; rows],
            weight_sum: 0.0,
            intercept,
        }
    }

    pub fn members(&self) -> &[usize] {
        &self.members
    }

    pub fn has(&self, j: usize) -> bool {
        self.is_member[j]
    }

    pub fn beta(&self) -> &[f64] {
        &self.beta
    }

    pub fn beta_mut(&mut self) -> &mut [f64] {
        &mut self.beta
    }

    pub fn gradient(&self) -> &[f64] {
        &self.gradient
    }

    pub fn add(&mut self, x: &StandardizedColumns<'_>, joining: &[(usize, f64)]) {
        for &(j, gradient) in joining {
            let (curvature, weighted) = x.weighted(j, &self.weight, self.weight_sum);
            self.members.push(j);
            self.is_member[j] = true;
            self.beta.push(0.0);
            self.gradient.push(gradient);
            self.curvature.push(curvature);
            self.weighted.push(weighted);
        }
    }

    pub fn renew(&mut self, x: &StandardizedColumns<'_>, at: &RowScores) {
        self.weight.copy_from_slice(&at.weight);
        self.weight_sum = at.weight_sum;
        for (k, &j) in self.members.iter().enumerate() {
            (self.curvature[k], self.weighted[k]) = x.weighted(j, &self.weight, self.weight_sum);
        }
    }

    pub fn take_gradient(&mut self, x: &StandardizedColumns<'_>, at: &RowScores) {
        for (g, &j) in self.gradient.iter_mut().zip(&self.members) {
            *g = x.correlation(j, &at.score, at.score_sum);
        }
    }

    /// Sweeps over the members, between full ones over those that are not zero, until no Hⱼⱼ Δ² is above the threshold.
    ///
    /// # Errors
    /// More sweeps than allowed.
    pub fn step(
        &mut self,
        x: &StandardizedColumns<'_>,
        at: &RowScores,
        penalty: &Penalty,
        strength: Strength,
        ending: Ending,
        sweeps: &mut u64,
    ) -> Result<QuadraticStep, Stuck> {
        let before = self.beta.clone();
        let mut on = Descending {
            scores: at.score.clone(),
            images: vec![0.0; at.score.len()],
            shift: 0.0,
            total: at.score_sum,
            constant: 0.0,
        };
        let enough = sweep_threshold(ending);
        loop {
            let everywhere = self.sweep(x, penalty, strength, &mut on, false);
            *sweeps += 1;
            if everywhere <= enough {
                break;
            }
            loop {
                let inside = self.sweep(x, penalty, strength, &mut on, true);
                *sweeps += 1;
                if *sweeps > ending.most_sweeps {
                    return Err(Stuck::Sweeps);
                }
                if inside <= enough {
                    break;
                }
            }
        }
        let delta: Vec<f64> = self.beta.iter().zip(&before).map(|(b, a)| b - a).collect();
        let squares = delta.iter().zip(&self.curvature).map(|(d, h)| h * d * d);
        let own = self.weight_sum * on.constant * on.constant;
        let shift = on.shift;
        Ok(QuadraticStep {
            square: squares.fold(own, f64::max),
            delta,
            constant: on.constant,
            images: on.images.into_iter().map(|v| v + shift).collect(),
        })
    }

    /// One sweep over all members, or those that are not zero; the largest Hⱼⱼ Δ².
    fn sweep(
        &mut self,
        x: &StandardizedColumns<'_>,
        penalty: &Penalty,
        strength: Strength,
        on: &mut Descending,
        inside: bool,
    ) -> f64 {
        let mut largest = 0.0_f64;
        if self.intercept && self.weight_sum > 0.0 {
            let step = on.total / self.weight_sum;
            on.shift += step;
            on.constant += step;
            on.total = 0.0;
            largest = self.weight_sum * step * step;
        }
        for (k, &j) in self.members.iter().enumerate() {
            let before = self.beta[k];
            if inside && before == 0.0 {
                continue;
            }
            let (center, scale) = (x.centers[j], x.scales[j]);
            let sum = x.sum_of(j, &on.scores);
            let gradient = (sum - on.shift * self.weighted[k] - center * on.total) / scale;
            let h = self.curvature[k];
            let after = penalty.coordinate(j, h * before + gradient, h, strength);
            if after == before {
                continue;
            }
            let delta = after - before;
            self.beta[k] = after;
            largest = largest.max(h * delta * delta);
            let step = delta / scale;
            x.move_along(j, step, &self.weight, &mut on.scores, &mut on.images);
            on.shift -= step * center;
            on.total -= step * (self.weighted[k] - center * self.weight_sum);
        }
        largest
    }
}
