//! A Newton step of θ of a negative binomial, beside each step of the coefficients.

use nelder_device::Dd;

use crate::family::Family;
use crate::pass::{ResponseMoments, Scoring};

/// Newton's method for θ of a negative binomial, a step with each step of β: the two are orthogonal in the expected
/// information (Lawless 1987), so that both settle together.
pub(super) struct ThetaStep {
    estimated: bool,
    /// True while θ stays and only the coefficients settle.
    pub held: bool,
    step: f64,
    information: f64,
    at: f64,
    largest: f64,
    /// True if θ has grown to its limit, 1e7 max(ȳ, 1).
    pub diverged: bool,
}

impl ThetaStep {
    pub fn new(family: &Family, moments: &ResponseMoments) -> Self {
        let mean = (moments.response / moments.weight).hi;
        ThetaStep {
            estimated: family.estimated,
            held: false,
            step: 0.0,
            information: 0.0,
            at: family.theta().unwrap_or(1.0),
            largest: 1e7 * mean.max(1.0),
            diverged: false,
        }
    }

    /// True if θ is estimated and not held: it moves with the coefficients.
    pub fn moves(&self) -> bool {
        self.estimated && !self.held
    }

    /// The step from what a pass found.
    pub fn look(&mut self, sums: &Scoring, family: &Family) {
        let Some(theta) = family.theta().filter(|_| self.moves()) else {
            return;
        };
        let (score, information) = (sums.theta[0].hi, sums.theta[1].hi);
        self.at = theta;
        self.information = information.max(0.0);
        self.diverged = theta >= self.largest;
        let newton = score / information;
        self.step = match (self.diverged, information > 0.0 && newton.is_finite()) {
            (true, _) => 0.0,
            (_, true) => newton.clamp(-0.75 * theta, 3.0 * theta),
            (_, false) => theta * if score > 0.0 { 1.0 } else { -0.5 },
        };
    }

    pub fn taken(&self, family: Family) -> Family {
        if self.moves() {
            family.with_theta((self.at + self.step).min(self.largest))
        } else {
            family
        }
    }

    pub fn small(&self, epsilon: f64) -> bool {
        !self.moves() || self.step.abs() <= epsilon.sqrt() * self.at
    }

    pub fn gain(&self) -> f64 {
        if self.estimated {
            self.step * self.step * self.information
        } else {
            0.0
        }
    }

    /// θ beside the coefficients, for the acceleration.
    pub fn join(&self, mut beta: Vec<Dd>, family: &Family) -> Vec<Dd> {
        if let Some(theta) = family.theta().filter(|_| self.estimated) {
            beta.push(Dd::new(theta));
        }
        beta
    }

    pub fn with(&self, mut delta: Vec<Dd>) -> Vec<Dd> {
        if self.estimated {
            delta.push(Dd::new(self.step));
        }
        delta
    }

    pub fn weight(&self) -> Option<f64> {
        self.estimated.then_some(self.information.sqrt())
    }

    pub fn split(&self, mut point: Vec<Dd>, family: &mut Family) -> Vec<Dd> {
        if self.estimated
            && let Some(theta) = point.pop()
        {
            *family = family.with_theta(theta.hi.clamp(self.at * 0.1, self.largest));
        }
        point
    }
}
