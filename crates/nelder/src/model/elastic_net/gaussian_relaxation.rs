//! Relaxed fits of a Gaussian path, from the correlations that the path came from: no further pass.
//!
//! With A the active set, H b = c on A is solved by Cholesky's factor, which follows A from set to set. A column that depends on those before it
//! has no coefficient, as in glmnet, whose first sweep leaves it nothing. Where a solution is out of bounds, the minimum within them is found by
//! the descent of the path, without a penalty.

use super::active_set::{Curvature, DenseCurvature};
use super::descent::{Descent, EXACT_BELOW, Ending};
use super::gaussian_path::{explained_share, step_of};
use super::moments::Correlations;
use super::path::{Path, Step};
use super::penalty::{Penalty, Strength};
use super::relaxation::{ActiveSets, Relaxing};
use super::support_factor::SupportFactor;

/// No penalty.
const NOTHING: Strength = Strength {
    absolute: 0.0,
    square: 0.0,
};

/// Gives a path its relaxed fits. `penalty` has bounds in the units of the rows.
pub(super) fn relax(
    path: &mut Path,
    moments: &Correlations,
    penalty: &Penalty,
    relaxing: Relaxing,
    ending: Ending,
) {
    let active = ActiveSets::of(std::iter::once(&*path), relaxing, moments.rows);
    let units: Vec<f64> = (moments.scales.iter())
        .map(|s| s / moments.response_scale)
        .collect();
    let (bounds, _) = penalty.standardized(&units, &moments.varies);
    let ending = Ending {
        threshold: ending.threshold.min(0.1 * EXACT_BELOW),
        most_active: moments.curvature.order,
        ..ending
    };
    let mut factor = SupportFactor::default();
    let fit = |set: &Vec<usize>| {
        follow(&mut factor, &moments.curvature, set);
        refit(moments, &bounds, set, &factor, ending)
    };
    let fits: Vec<Option<Step>> = active.sets.iter().map(fit).collect();
    active.relax(path, &fits);
}

/// Brings the factor to a set: columns that left it go, others join in ascending order; where one depends on those that are there, the factor begins anew,
/// so that it is the last of them that is left out.
pub(super) fn follow(factor: &mut SupportFactor, curvature: &DenseCurvature, set: &[usize]) {
    let entry = |i: usize, j: usize| curvature.values[i * curvature.order + j];
    factor.keep_for(0.0);
    let gone = (factor.members().iter().copied()).filter(|j| set.binary_search(j).is_err());
    let gone: Vec<usize> = gone.collect();
    gone.into_iter().for_each(|j| factor.remove(j));
    let mut add = |j: usize| factor.has(j) || factor.add(j, entry(j, j), |i| entry(i, j));
    if !set.iter().all(|&j| add(j)) {
        factor.clear();
        factor.keep_for(0.0);
        for &j in set {
            factor.add(j, entry(j, j), |i| entry(i, j));
        }
    }
}

/// The fit of a set; `None` where the descent within bounds does not end.
fn refit(
    moments: &Correlations,
    bounds: &Penalty,
    set: &[usize],
    factor: &SupportFactor,
    ending: Ending,
) -> Option<Step> {
    let order = moments.curvature.order;
    let mut usable = vec![false; order];
    set.iter().for_each(|&j| usable[j] = true);
    let mut descent = Descent::new(moments.with_response.clone(), usable);
    let members = factor.members();
    let mut solution: Vec<f64> = members.iter().map(|&j| moments.with_response[j]).collect();
    factor.solve(&mut solution);
    let within = |(&j, b): (&usize, &f64)| (bounds.lower[j]..=bounds.upper[j]).contains(b);
    let free = Penalty {
        factors: vec![0.0; order],
        ..bounds.clone()
    };
    match members.iter().zip(&solution).all(within) {
        true => {
            (members.iter().zip(&solution)).for_each(|(&j, b)| descent.beta[j] = *b);
            (moments.curvature).subtract(members, &solution, &mut descent.gradient);
        }
        false => {
            let found = descent.minimise(&moments.curvature, &free, NOTHING, ending);
            found.ok()?;
        }
    }
    let explained = explained_share(&descent, &moments.with_response);
    let violation = descent.violation(&free, NOTHING);
    Some(step_of(moments, &descent, 0.0, explained, violation))
}
