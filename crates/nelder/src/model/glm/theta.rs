//! θ of a negative binomial, estimated beside the coefficients.

use nelder_device::Dd;

use super::iteration::{Converged, Iteration, sound};
use crate::family::Family;
use crate::model::ModelError;
use crate::pass::PassOutputs;

/// Rounds of coefficients and θ at most, where each waits for the other.
const MOST_ROUNDS: u32 = 60;
/// Steps of θ in one round at most.
const MOST_STEPS: u32 = 40;
/// A relative step of θ that is none.
const SETTLED: f64 = 1e-7;

impl Iteration<'_, '_> {
    /// The coefficients at a θ that is held and θ at coefficients that are held, in turns, as MASS's `glm.nb` does it: the
    /// likelihood rises with each, where both together went astray. `None` where it does not settle.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn alternate(&mut self, start: Vec<Dd>, family: Family) -> Result<Option<Converged>, ModelError> {
        self.passes.family = family;
        let mut beta = start;
        let mut steps = 0;
        for _ in 0..MOST_ROUNDS {
            // 1. coefficients
            self.theta.held = true;
            let here = self.again(beta)?;
            if !sound(&here.sums) {
                break;
            }
            let found = self.ascend(here)?;
            steps += found.steps;
            beta = found.here.beta.unwrap_or_default();
            self.theta.held = false;
            if !found.stationary {
                break;
            }
            // 2. θ
            let before = self.passes.family.theta().unwrap_or(f64::NAN);
            let mut sums = found.here.sums;
            for _ in 0..MOST_STEPS {
                self.theta.look(&sums, &self.passes.family);
                if self.theta.small(SETTLED * SETTLED) {
                    break;
                }
                self.passes.family = self.theta.taken(self.passes.family);
                sums = self.at("theta", Some(&beta), PassOutputs::default())?;
            }
            let now = self.passes.family.theta().unwrap_or(f64::NAN);
            if (now - before).abs() <= SETTLED * now || self.theta.diverged {
                return Ok(Some(Converged::at(beta, &sums, found.equations, steps, true)));
            }
        }
        self.theta.held = false;
        Ok(None)
    }
}
