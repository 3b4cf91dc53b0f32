//! Newton's method on the support of a solution: the exact minimum for the signs that it has.

use super::active_set::ActiveSet;
use super::penalty::{Penalty, Strength};

/// Steps at most: each but the last takes a coefficient to zero or to its bound.
const MOST_STEPS: u32 = 100;

/// Takes Newton steps on the coefficients that are neither zero nor at a bound; the number of steps.
///
/// With s the signs of β on the support S, the minimum solves (H + λ(1 − α) diag f) β = c − λ α f s there. A coefficient that would change its
/// sign ends at zero, one that would leave its bounds ends there, and both leave S. All go as far at once where that lowers the objective; where it
/// does not, the step ends with the first of them, and the objective falls, which is convex.
pub(super) fn newton_on_support(active: &mut ActiveSet, penalty: &Penalty, strength: Strength) -> u32 {
    let mut steps = 0;
    while steps < MOST_STEPS {
        steps += 1;
        let support = factored(active, penalty, strength);
        if support.is_empty() {
            break;
        }
        let mut step: Vec<f64> = support
            .iter()
            .map(|&k| {
                let (b, f) = (active.beta[k], penalty.factors[active.members[k]]);
                active.gradient[k] - f * strength.absolute.copysign(b) - f * strength.square * b
            })
            .collect();
        active.factor.solve(&mut step);
        let share = first_kink(active, &support, penalty, &step);
        if share >= 1.0 {
            advance(active, &support, penalty, &step, 1.0);
            break;
        }
        let before: Vec<f64> = support.iter().map(|&k| active.beta[k]).collect();
        let gradient = active.gradient.clone();
        if !advance(active, &support, penalty, &step, 1.0) {
            break;
        }
        if change(active, &support, (&before, &gradient), penalty, strength) < 0.0 {
            continue;
        }
        support.iter().zip(&before).for_each(|(&k, b)| active.beta[k] = *b);
        active.gradient = gradient;
        if !advance(active, &support, penalty, &step, share) {
            break;
        }
    }
    steps
}

/// Change of the objective since coefficients of the support and their gradients: −Σ Δ (g + g₀) / 2 of the loss, as g₀ − g = HΔ, and that of the
/// penalty.
fn change(
    active: &ActiveSet,
    support: &[usize],
    (before, gradient): (&[f64], &[f64]),
    penalty: &Penalty,
    strength: Strength,
) -> f64 {
    let of = |(&k, &old): (&usize, &f64)| {
        let (now, f) = (active.beta[k], penalty.factors[active.members[k]]);
        let loss = -0.5 * (now - old) * (active.gradient[k] + gradient[k]);
        let corner = f * strength.absolute * (now.abs() - old.abs());
        loss + corner + 0.5 * f * strength.square * (now - old) * (now + old)
    };
    support.iter().zip(before).map(of).sum()
}

/// Brings the factor to the support as it is, and returns its members; columns that depend on others are not among them, and stay where they
/// are.
fn factored(active: &mut ActiveSet, penalty: &Penalty, strength: Strength) -> Vec<usize> {
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
    factor.members().to_vec()
}

/// The share of a step at which the first coefficient reaches zero or a bound; 1 where none does.
fn first_kink(active: &ActiveSet, support: &[usize], penalty: &Penalty, step: &[f64]) -> f64 {
    let reach = |(&k, &d): (&usize, &f64)| {
        let (b, j) = (active.beta[k], active.members[k]);
        // towards zero, or towards the bound of the side that it is on
        let wall = match (d > 0.0, b > 0.0) {
            (true, true) => penalty.upper[j],
            (false, false) => penalty.lower[j],
            _ => 0.0,
        };
        if d == 0.0 { 1.0 } else { (wall - b) / d }
    };
    support.iter().zip(step).map(reach).fold(1.0, f64::min)
}

/// Takes a share of a step; coefficients that reach zero or a bound are there exactly. False where nothing moves.
fn advance(active: &mut ActiveSet, support: &[usize], penalty: &Penalty, step: &[f64], share: f64) -> bool {
    let mut deltas = Vec::with_capacity(support.len());
    for (&k, &d) in support.iter().zip(step) {
        let (before, j) = (active.beta[k], active.members[k]);
        let mut after = share
            .mul_add(d, before)
            .max(penalty.lower[j])
            .min(penalty.upper[j]);
        if after * before < 0.0 || (share < 1.0 && after.abs() <= 8.0 * f64::EPSILON * before.abs()) {
            after = 0.0;
        }
        if after != before {
            active.beta[k] = after;
            deltas.push((k, after - before));
        }
    }
    active.follow(&deltas);
    !deltas.is_empty()
}
