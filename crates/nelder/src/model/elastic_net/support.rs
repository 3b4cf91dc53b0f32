//! Newton's method on the support of a solution: the exact minimum for the signs that it has.

use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

use super::active_set::ActiveSet;
use super::penalty::{Penalty, Strength};

/// Steps at most: each but the last takes a coefficient to zero or to its bound.
const MOST_STEPS: u32 = 100;
/// A pivot below this part of its column is rounding error: such a column stays where it is.
const LEAST_PIVOT: f64 = 1e-11;

/// Takes Newton steps on the coefficients that are neither zero nor at a bound; the number of steps.
///
/// With s the signs of β on the support S, the minimum solves (H + λ(1 − α) diag f) β = c − λ α f s there; a step ends where a sign
/// would change or a bound is met, and that column leaves S. A step lowers the objective, which is convex.
pub(super) fn newton_on_support(active: &mut ActiveSet, penalty: &Penalty, strength: Strength) -> u32 {
    let mut steps = 0;
    while steps < MOST_STEPS {
        steps += 1;
        let support: Vec<usize> = (0..active.members.len())
            .filter(|&k| {
                let (b, j) = (active.beta[k], active.members[k]);
                b != 0.0 && b > penalty.lower[j] && b < penalty.upper[j]
            })
            .collect();
        if support.is_empty() {
            break;
        }
        let right: Vec<f64> = support
            .iter()
            .map(|&k| {
                let (b, f) = (active.beta[k], penalty.factors[active.members[k]]);
                active.gradient[k] - f * strength.absolute.copysign(b) - f * strength.square * b
            })
            .collect();
        let step = solve(active, &support, penalty, strength, right);
        let share = first_kink(active, &support, penalty, &step);
        if !advance(active, &support, penalty, &step, share) || share >= 1.0 {
            break;
        }
    }
    steps
}

/// The step that solves the equations of the support; zero for columns whose pivots are too small.
fn solve(
    active: &ActiveSet,
    support: &[usize],
    penalty: &Penalty,
    strength: Strength,
    right: Vec<f64>,
) -> Vec<f64> {
    let n = support.len();
    let matrix = Mat::from_fn(n, n, |i, j| {
        let (a, b) = (support[i], support[j]);
        let own = active.matrix[b * active.capacity + a];
        match i == j {
            true => own + penalty.factors[active.members[a]] * strength.square,
            false => own,
        }
    });
    if let Ok(factor) = matrix.llt(Side::Lower) {
        let lower = factor.L();
        let sound = (0..n).all(|i| lower[(i, i)] * lower[(i, i)] > LEAST_PIVOT * matrix[(i, i)]);
        if sound {
            let right = Mat::from_fn(n, 1, |i, _| right[i]);
            let found = factor.solve(&right);
            return (0..n).map(|i| found[(i, 0)]).collect();
        }
    }
    without_dependent(matrix, right)
}

/// The same by a factor that leaves out each column that depends on those before it.
fn without_dependent(mut a: Mat<f64>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    let least: Vec<f64> = (0..n).map(|i| LEAST_PIVOT * a[(i, i)]).collect();
    let mut kept = vec![false; n];
    for k in 0..n {
        let mut pivot = a[(k, k)];
        for l in (0..k).filter(|&l| kept[l]) {
            pivot -= a[(k, l)] * a[(k, l)];
        }
        if pivot.is_nan() || pivot <= least[k] {
            continue;
        }
        kept[k] = true;
        let root = pivot.sqrt();
        a[(k, k)] = root;
        for i in k + 1..n {
            let mut sum = a[(i, k)];
            for l in (0..k).filter(|&l| kept[l]) {
                sum -= a[(i, l)] * a[(k, l)];
            }
            a[(i, k)] = sum / root;
        }
    }
    for k in 0..n {
        if !kept[k] {
            right[k] = 0.0;
            continue;
        }
        for l in (0..k).filter(|&l| kept[l]) {
            right[k] -= a[(k, l)] * right[l];
        }
        right[k] /= a[(k, k)];
    }
    for k in (0..n).rev().filter(|&k| kept[k]) {
        for l in (k + 1..n).filter(|&l| kept[l]) {
            right[k] -= a[(l, k)] * right[l];
        }
        right[k] /= a[(k, k)];
    }
    right
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
    let m = active.members.len();
    let mut moved = false;
    for (&k, &d) in support.iter().zip(step) {
        let (before, j) = (active.beta[k], active.members[k]);
        let mut after = share
            .mul_add(d, before)
            .max(penalty.lower[j])
            .min(penalty.upper[j]);
        if after * before < 0.0 || (share < 1.0 && after.abs() <= 8.0 * f64::EPSILON * before.abs()) {
            after = 0.0;
        }
        if after == before {
            continue;
        }
        moved = true;
        active.beta[k] = after;
        let column = &active.matrix[k * active.capacity..k * active.capacity + m];
        for (g, h) in active.gradient.iter_mut().zip(column) {
            *g -= (after - before) * h;
        }
    }
    moved
}
