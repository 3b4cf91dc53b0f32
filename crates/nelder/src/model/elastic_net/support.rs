//! Newton's method on the support of a solution: the exact minimum for the signs that it has.
//!
//! With s the signs of β on the support S and D = λ(1 − α) diag f, the minimum solves (H + D) β = c − λ α f s there, which is a step d with
//! (H + D) d = r, r = g − λ α f s − Dβ. Along β + t d a coefficient that reaches zero or its bound stays there, and the others go on as long as
//! the objective falls; what stayed leaves S, and the next step is on what is left. As Hd = r − Dd on S, the gradients there follow without a
//! product with H.

use rayon::prelude::*;

use super::active_set::ActiveSet;
use super::penalty::{Penalty, Strength};

/// Steps at most.
const MOST_STEPS: u32 = 100;
/// Entries whose reading is worth another thread.
const WORTH_A_THREAD: usize = 1 << 16;

/// The coefficients that were on the support at the start, as they move.
struct Support {
    /// Members of the active set.
    members: Vec<usize>,
    /// True for those that still are on it.
    live: Vec<bool>,
    /// β at the start.
    start: Vec<f64>,
    beta: Vec<f64>,
    gradient: Vec<f64>,
    /// f λ α and f λ (1 − α).
    corner: Vec<f64>,
    square: Vec<f64>,
    lower: Vec<f64>,
    upper: Vec<f64>,
}

/// Takes Newton steps on the coefficients that are neither zero nor at a bound; the number of steps.
pub(super) fn newton_on_support(active: &mut ActiveSet, penalty: &Penalty, strength: Strength) -> u32 {
    factored(active, penalty, strength);
    let mut support = Support::new(active, penalty, strength);
    let mut steps = 0;
    while steps < MOST_STEPS && !active.factor.members().is_empty() {
        steps += 1;
        let residual = support.residual();
        let mut step = support.on_live(&residual);
        active.factor.solve(&mut step);
        let step = support.off_live(&step);
        let image = support.image(active, &step, &residual);
        let stayed = support.go(active, &step, image);
        if stayed.is_empty() {
            break;
        }
        for i in stayed {
            active.factor.remove(support.members[i]);
        }
    }
    support.finish(active);
    steps
}

/// Brings the factor to the support as it is; columns that depend on others are not among its members, and stay where they are.
fn factored(active: &mut ActiveSet, penalty: &Penalty, strength: Strength) {
    let ActiveSet {
        members,
        matrix,
        capacity,
        beta,
        factor,
        ..
    } = active;
    factor.keep_for(strength.square);
    let inside = |k: usize| {
        let (b, j) = (beta[k], members[k]);
        b != 0.0 && b > penalty.lower[j] && b < penalty.upper[j]
    };
    let gone: Vec<usize> = factor.members().iter().copied().filter(|k| !inside(*k)).collect();
    gone.into_iter().for_each(|k| factor.remove(k));
    for k in 0..members.len() {
        if inside(k) && !factor.has(k) {
            let row = &matrix[k * *capacity..];
            let added = penalty.factors[members[k]] * strength.square;
            factor.add(k, row[k] + added, |i| row[i]);
        }
    }
}

impl Support {
    fn new(active: &ActiveSet, penalty: &Penalty, strength: Strength) -> Self {
        let members = active.factor.members().to_vec();
        let of = |f: &dyn Fn(usize) -> f64| -> Vec<f64> { members.iter().map(|&k| f(k)).collect() };
        let column = |k: usize| active.members[k];
        let beta = of(&|k| active.beta[k]);
        Support {
            live: vec![true; members.len()],
            gradient: of(&|k| active.gradient[k]),
            corner: of(&|k| penalty.factors[column(k)] * strength.absolute),
            square: of(&|k| penalty.factors[column(k)] * strength.square),
            lower: of(&|k| penalty.lower[column(k)]),
            upper: of(&|k| penalty.upper[column(k)]),
            start: beta.clone(),
            beta,
            members,
        }
    }

    /// r = g − λ α f s − Dβ, zero for what is not on the support any more.
    fn residual(&self) -> Vec<f64> {
        let of = |i: usize| match self.live[i] {
            true => self.gradient[i] - self.corner[i].copysign(self.beta[i]) - self.square[i] * self.beta[i],
            false => 0.0,
        };
        (0..self.members.len()).map(of).collect()
    }

    /// The entries of what is still on the support, which is the order of the factor.
    fn on_live(&self, values: &[f64]) -> Vec<f64> {
        let pairs = values.iter().zip(&self.live);
        pairs.filter(|(_, live)| **live).map(|(v, _)| *v).collect()
    }

    /// The same with zeros for the others.
    fn off_live(&self, values: &[f64]) -> Vec<f64> {
        let mut values = values.iter();
        let of = |live: &bool| {
            if *live {
                values.next().copied().unwrap_or(0.0)
            } else {
                0.0
            }
        };
        self.live.iter().map(of).collect()
    }

    /// Hd: r − Dd on the support, products for what left it.
    fn image(&self, active: &ActiveSet, step: &[f64], residual: &[f64]) -> Vec<f64> {
        let of = |i: usize| match self.live[i] {
            true => residual[i] - self.square[i] * step[i],
            false => {
                let row = &active.matrix[self.members[i] * active.capacity..];
                let pairs = self.members.iter().zip(step);
                pairs.map(|(k, d)| row[*k] * d).sum()
            }
        };
        (0..self.members.len()).map(of).collect()
    }

    /// Goes along β + t d as long as the objective falls; what reaches zero or a bound stays there, and is returned.
    fn go(&mut self, active: &ActiveSet, step: &[f64], mut image: Vec<f64>) -> Vec<usize> {
        let origin = self.beta.clone();
        let mut walls: Vec<(f64, usize)> = (0..step.len())
            .filter(|i| self.live[*i] && step[*i] != 0.0)
            .map(|i| ((self.wall(i, origin[i], step[i]) - origin[i]) / step[i], i))
            .collect();
        walls.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let (mut at, mut stayed) = (0.0, Vec::new());
        for (wall, i) in walls {
            let (slope, curvature) = self.slope(step, &image);
            // the first stretch ends at the minimum for these signs, the later ones where it is lowest along the line
            let end = match stayed.is_empty() {
                true => 1.0,
                false if slope < 0.0 && curvature > 0.0 => at - slope / curvature,
                false => at,
            };
            if wall >= end {
                self.advance(&origin, step, &image, (at, end));
                return stayed;
            }
            self.advance(&origin, step, &image, (at, wall));
            at = wall;
            self.beta[i] = self.wall(i, origin[i], step[i]);
            self.live[i] = false;
            stayed.push(i);
            let column = &active.matrix[self.members[i] * active.capacity..];
            for (image, k) in image.iter_mut().zip(&self.members) {
                *image -= column[*k] * step[i];
            }
        }
        if stayed.is_empty() {
            self.advance(&origin, step, &image, (at, 1.0));
        }
        stayed
    }

    /// Zero, or the bound of the side that a coefficient is on, whichever a step comes to first.
    fn wall(&self, i: usize, from: f64, step: f64) -> f64 {
        match (step > 0.0, from > 0.0) {
            (true, true) => self.upper[i],
            (false, false) => self.lower[i],
            _ => 0.0,
        }
    }

    /// Derivatives of the objective along what is left of a step: the first is −Σ d r, the second Σ d (Hd + Dd).
    fn slope(&self, step: &[f64], image: &[f64]) -> (f64, f64) {
        let (mut slope, mut curvature) = (0.0, 0.0);
        for i in (0..step.len()).filter(|i| self.live[*i]) {
            let residual =
                self.gradient[i] - self.corner[i].copysign(self.beta[i]) - self.square[i] * self.beta[i];
            slope -= step[i] * residual;
            curvature += step[i] * (image[i] + self.square[i] * step[i]);
        }
        (slope, curvature)
    }

    /// From β₀ + t d to β₀ + t' d, for what is still on the support.
    fn advance(&mut self, origin: &[f64], step: &[f64], image: &[f64], (from, to): (f64, f64)) {
        for i in 0..step.len() {
            self.gradient[i] = (from - to).mul_add(image[i], self.gradient[i]);
            if self.live[i] {
                let after = to.mul_add(step[i], origin[i]);
                // rounding leads no coefficient beyond zero or its bound
                let side = after * origin[i] > 0.0;
                let within = after.max(self.lower[i]).min(self.upper[i]);
                self.beta[i] = if side { within } else { 0.0_f64.copysign(origin[i]) };
            }
        }
    }

    /// Gives the active set the coefficients, and the gradients of all its members.
    fn finish(self, active: &mut ActiveSet) {
        let m = active.members.len();
        let (mut inside, mut delta) = (vec![false; m], vec![0.0; m]);
        for (i, &k) in self.members.iter().enumerate() {
            inside[k] = true;
            delta[k] = self.beta[i] - self.start[i];
            active.beta[k] = if self.beta[i] == 0.0 { 0.0 } else { self.beta[i] };
            active.gradient[k] = self.gradient[i];
        }
        if delta.iter().all(|d| *d == 0.0) {
            return;
        }
        let (matrix, capacity) = (&active.matrix, active.capacity);
        let follow = |k: usize, g: &mut f64| {
            if !inside[k] {
                let column = &matrix[k * capacity..k * capacity + m];
                *g -= nelder_device::kernels::rough_sum(column, Some(&delta));
            }
        };
        match (m - self.members.len()) * m >= 2 * WORTH_A_THREAD {
            false => (0..m).for_each(|k| follow(k, &mut active.gradient[k])),
            true => {
                let each = active.gradient.par_iter_mut().enumerate();
                each.with_min_len((WORTH_A_THREAD / m).max(1))
                    .for_each(|(k, g)| follow(k, g));
            }
        }
    }
}
