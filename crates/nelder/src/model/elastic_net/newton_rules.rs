//! Rules of proximal Newton steps that all paths of such steps share.

use super::penalty::Strength;

/// A step whose square is above this part of the one before has H renewed.
pub(super) const SLOW: f64 = 0.05;
/// The same of a path that takes over the H of another.
pub(super) const SLOWER: f64 = 0.4;
/// Halvings of a step at most.
pub(super) const MOST_HALVINGS: u32 = 40;
/// Newton steps at one λ, or between two looks at columns outside the model.
pub(super) const MOST_STEPS: u32 = 200;
/// Steps whose square is below this part of the null deviance of a row are not judged by the objective.
pub(super) const LOCAL: f64 = 1e-8;
/// A rise of the objective, relative to it, that is rounding.
const ROUNDING: f64 = 1e-12;

/// A violation of the optimality conditions up to this part of λ is one that steps may end with.
const UNSETTLED: f64 = 1e-3;

/// Tests if a violation is more than steps may end with, however many there were.
pub(super) fn is_unsettled(violation: f64, strength: Strength) -> bool {
    violation > UNSETTLED * (strength.absolute + strength.square)
}

/// Tests if the objective rose by more than rounding, or is no number.
pub(super) fn rose(before: f64, after: f64) -> bool {
    !(after <= before + ROUNDING * before.abs())
}
