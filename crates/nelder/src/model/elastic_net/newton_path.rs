//! The path of a generalized model: proximal Newton steps, whose rows someone else passes over.
//!
//! The objective is F(β₀, β) = D / (2W) + λ P(b), D the deviance, W the sum of the prior weights, b the standardized coefficients. With s the
//! score of the linear predictor and H the weighted gram, both over W, a step from β minimises
//!
//! ½ δᵀHδ − sᵀδ + λ P(b + δ)
//!
//! where the intercept has been eliminated: columns are about their means x̄ under the working weights, and δ₀ = s₀ / H₀₀ − x̄ᵀδ.
//!
//! 1. A pass at β gives D, s and, where it is asked for, H. Only s decides where the iteration ends, so an older H will do, which learns from
//!    each step ([`CentredCurvature`]), as long as steps shrink quickly.
//! 2. If F rose, the step is halved (Lee, Sun & Saunders 2014, "Proximal Newton-type methods for minimizing composite functions").
//! 3. Otherwise the next step is computed from s. Where it is small at this λ, the solution is written down, and the same s serves the next λ.

use super::newton_rules::{LOCAL, MOST_HALVINGS, MOST_STEPS, SLOW, SLOWER, is_unsettled, rose};

use super::centred_curvature::{CentredCurvature, Lesson};
use super::descent::{Descent, EXACT_BELOW, Ending, Stuck};
use super::gaussian_path::{ENORMOUS, PathSettings, default_ratio};
use super::lambda::{LambdaSequence, PathEnd};
use super::moments::{ColumnMoments, Standardizing};
use super::newton_rows::{Found, NewtonRows, Request, by_column};
use super::path::{Path, SparseVector, Step};
use super::penalty::{Penalty, Strength};
use crate::design::ColumnEncoding;
use crate::pass::Scoring;

/// The square of a step at an exact minimum, over the null deviance of a row.
const NOTHING: f64 = 1e-22;

/// The square of a step that H learns from, over the null deviance of a row.
const LEAST_LESSON: f64 = 1e-12;

/// The part of itself that curvature may be expected to fall to by the next λ.
const LEAST_TREND: f64 = 0.8;

/// A point of the iteration, and what a pass found there.
#[derive(Clone, Debug)]
struct Point {
    /// The intercept, in the units of the rows.
    intercept: f64,
    /// Standardized coefficients.
    beta: Vec<f64>,
    deviance: f64,
    /// Σ s / W, and Σ s x / W by column, in the units of the rows.
    score: (f64, Vec<f64>),
}

/// A step that is being tried.
#[derive(Clone, Debug)]
struct Trial {
    intercept: f64,
    beta: Vec<f64>,
    halvings: u32,
}

/// A path on its way: [`request`](Self::request) says where a pass is wanted, [`take`](Self::take) takes what it found.
pub(super) struct NewtonPath<'p> {
    map: &'p ColumnEncoding,
    settings: &'p PathSettings,
    standardizing: Standardizing,
    /// With bounds of standardized coefficients.
    penalty: Penalty,
    rows: NewtonRows,
    scales: Vec<f64>,
    descent: Descent,
    /// H; none before the first gram.
    curvature: Option<CentredCurvature>,
    point: Option<Point>,
    trial: Trial,
    /// g at the point.
    at_point: Vec<f64>,
    /// The deviance of the trial, as the quadratic model has it.
    expected: f64,
    wants_gram: bool,
    /// The λ that is being fitted; `None` while the intercept alone is.
    step: Option<usize>,
    lambda: f64,
    largest: f64,
    /// The first λ, where it is of the gradient at the constant.
    largest_at_constant: Option<f64>,
    /// The square of the last step at this λ, and their number.
    last: (f64, u32),
    slow: f64,
    /// The path, in the units of the rows.
    pub path: Path,
    /// True where it has no further λ.
    pub done: bool,
}

impl<'p> NewtonPath<'p> {
    /// Starts at a constant. `penalty` has bounds in the units of the rows.
    pub fn new(
        map: &'p ColumnEncoding,
        settings: &'p PathSettings,
        standardizing: Standardizing,
        penalty: &Penalty,
        rows: NewtonRows,
    ) -> Self {
        let order = rows.columns.covariances.order;
        let scales = rows.columns.scales(standardizing.deviations);
        let (penalty, usable) = penalty.standardized(&scales, &rows.columns.varies);
        let mut path = NewtonPath {
            map,
            settings,
            standardizing,
            penalty,
            scales,
            descent: Descent::new(vec![0.0; order], usable),
            curvature: None,
            point: None,
            trial: Trial {
                intercept: if standardizing.intercept { rows.start } else { 0.0 },
                beta: vec![0.0; order],
                halvings: 0,
            },
            at_point: vec![0.0; order],
            expected: f64::NAN,
            wants_gram: false,
            step: None,
            lambda: ENORMOUS,
            largest: ENORMOUS,
            largest_at_constant: None,
            last: (f64::INFINITY, 0),
            slow: SLOW,
            path: Path::new(order, f64::NAN),
            done: false,
            rows,
        };
        let (columns, share) = (path.rows.columns.clone(), path.rows.share);
        path.renew(&columns, share);
        path
    }

    /// The same for a path that takes over the H of another, and asks for its own only where steps hardly shrink.
    pub fn beside_another(self) -> Self {
        NewtonPath { slow: SLOWER, ..self }
    }

    /// The same for a single λ of those given, from a solution in the units of the rows, where the null deviance is known.
    pub fn from(mut self, start: &Step, null_deviance: f64) -> Self {
        self.trial.intercept = start.intercept;
        for (j, b) in start.coefficients.entries() {
            self.trial.beta[j] = b * self.scales[j];
        }
        self.path.null_deviance = null_deviance;
        self.step = Some(0);
        self.lambda = self.settings.sequence.at(0, 0.0, 0.0, 1.0);
        self.wants_gram = true;
        self
    }

    /// W, the sum of the prior weights.
    pub fn weight(&self) -> f64 {
        self.rows.weight
    }

    /// Where the next pass is wanted; `None` where the path has no further λ.
    pub fn request(&self) -> Option<Request> {
        if self.done {
            return None;
        }
        let mut beta = vec![self.trial.intercept];
        beta.extend(self.trial.beta.iter().zip(&self.scales).map(|(b, s)| b / s));
        Some(Request {
            beta,
            gram: self.wants_gram,
        })
    }

    /// Takes the sums of the pass that was wanted.
    pub fn take(&mut self, sums: &Scoring) {
        let curvature = sums.gram.as_ref().map(|gram| {
            let own = ColumnMoments::new(gram, self.map);
            let share = own.weight / self.rows.weight;
            (own, share)
        });
        self.take_found(Found {
            deviance: match sums.out_of_range {
                true => f64::INFINITY,
                false => sums.deviance.hi,
            },
            score: by_column(&sums.score, self.map).iter().map(|s| s.hi).collect(),
            curvature,
        });
    }

    /// Takes what was found where a pass was wanted.
    pub fn take_found(&mut self, found: Found) {
        let deviance = found.deviance;
        let strength = self.strength();
        let after = self.objective(deviance, &self.trial.beta, strength);
        if let Some(point) = &self.point {
            let before = self.objective(point.deviance, &point.beta, strength);
            // a step whose gain would drown in the rounding of the objective is judged by the step after it
            let far = self.last.0 > LOCAL * self.unit();
            let rose = rose(before, after);
            if (far && rose || !after.is_finite()) && self.trial.halvings < MOST_HALVINGS {
                return self.halve();
            }
        }
        if !after.is_finite() {
            return self.end(PathEnd::Sweeps(self.path.len() + 1));
        }
        let scores = found.score;
        let weight = self.rows.weight;
        let point = Point {
            intercept: self.trial.intercept,
            beta: self.trial.beta.clone(),
            deviance,
            score: (
                scores[0] / weight,
                scores[1..].iter().map(|s| s / weight).collect(),
            ),
        };
        let before = self.point.replace(point);
        match (&found.curvature, before) {
            (Some((moments, share)), _) => self.renew(moments, *share),
            (None, Some(before)) => self.learn(&before),
            (None, None) => {}
        }
        self.go_on();
    }

    fn objective(&self, deviance: f64, beta: &[f64], strength: Strength) -> f64 {
        let penalty = match self.step {
            None => 0.0,
            Some(_) => self.penalty.value(beta, strength),
        };
        deviance / (2.0 * self.rows.weight) + penalty
    }

    fn strength(&self) -> Strength {
        self.penalty.at(self.lambda)
    }

    /// Takes half the step.
    fn halve(&mut self) {
        let Some(point) = &self.point else { return };
        let trial = &mut self.trial;
        trial.halvings += 1;
        trial.intercept = 0.5 * (trial.intercept + point.intercept);
        for (b, before) in trial.beta.iter_mut().zip(&point.beta) {
            *b = 0.5 * (*b + before);
        }
        self.wants_gram = true;
    }

    /// Takes over H: moments of the columns under working weights, whose sum is `share` of that of the prior weights.
    pub fn renew(&mut self, moments: &ColumnMoments, share: f64) {
        let mut matrix = moments.standardized(&self.scales, self.standardizing.intercept);
        matrix.values.iter_mut().for_each(|v| *v *= share);
        self.descent.renew(&matrix);
        self.curvature = Some(CentredCurvature {
            matrix,
            means: moments.means.clone(),
            share,
        });
    }

    /// Has H map the step from the point before to the change of the scores that was seen.
    fn learn(&mut self, before: &Point) {
        let (Some(point), Some(curvature)) = (&self.point, &mut self.curvature) else {
            return;
        };
        // of smaller steps the change of the scores is mostly rounding
        if self.last.0 <= LEAST_LESSON * self.path.null_deviance / self.rows.weight {
            return;
        }
        let intercept = f64::from(u8::from(self.standardizing.intercept));
        let betas = point.beta.iter().zip(&before.beta);
        let scores = point.score.1.iter().zip(&before.score.1).zip(&self.scales);
        let seen = Lesson {
            constant: intercept * (point.intercept - before.intercept),
            step: betas.map(|(b, a)| b - a).collect(),
            constant_change: intercept * (before.score.0 - point.score.0),
            change: scores
                .map(|((after, before), scale)| (before - after) / scale)
                .collect(),
        };
        let ratio = curvature.learn(&seen, &self.scales, self.standardizing.intercept);
        let Some(ratio) = ratio else { return };
        // from λ to λ curvature goes on changing as it did
        if self.last.1 == 1 {
            curvature.scale(ratio.clamp(LEAST_TREND, LEAST_TREND.recip()));
        }
        self.descent.renew(&curvature.matrix);
    }

    /// True where the minimum is to be exact: what is written down was seen by a pass.
    fn exact(&self) -> bool {
        self.settings.ending.threshold < EXACT_BELOW
    }

    /// From a point where the score is known to the next step; writes down the λ that are solved there.
    fn go_on(&mut self) {
        let mut fresh = true;
        loop {
            let (Some(point), Some(curvature)) = (&self.point, &self.curvature) else {
                self.wants_gram = true;
                return;
            };
            let CentredCurvature {
                matrix: curvature,
                means,
                share,
            } = curvature;
            let intercept = self.standardizing.intercept;
            let free = self.free(point);
            if fresh || self.exact() {
                // g of the standardized columns, the intercept eliminated
                let about = point.score.1.iter().zip(means).zip(&self.scales);
                let gradient: Vec<f64> = about.map(|((s, m), scale)| (s - m * free) / scale).collect();
                self.at_point.clone_from(&gradient);
                self.descent.restart(&point.beta, gradient);
            }
            fresh = false;
            if self.step.is_some() {
                let strength = self.penalty.at(self.lambda);
                let ending = Ending {
                    unit: self.unit(),
                    ..self.settings.ending
                };
                let found = self.descent.minimise(curvature, &self.penalty, strength, ending);
                if let Err(stuck) = found {
                    let number = self.path.len() + 1;
                    return self.end(match stuck {
                        Stuck::Sweeps => PathEnd::Sweeps(number),
                        Stuck::Active => PathEnd::Active(number),
                    });
                }
            }
            // the step of the intercept, the squares of all steps under H, and what the loss falls by
            let own = if intercept { free / share } else { 0.0 };
            let (mut constant, mut square, mut gain) = (own, share * own * own, 0.5 * free * own);
            // an exact minimum is one of the loss and the ridge, which may be much more curved than the loss
            let ridge = match self.step {
                Some(_) if self.exact() => self.penalty.at(self.lambda).square,
                _ => 0.0,
            };
            for (j, (b, before)) in self.descent.beta.iter().zip(&point.beta).enumerate() {
                let delta = b - before;
                if delta == 0.0 {
                    continue;
                }
                if intercept {
                    constant -= means[j] * delta / self.scales[j];
                }
                let curved = curvature.values[j * curvature.order + j] + ridge * self.penalty.factors[j];
                square = square.max(curved * delta * delta);
                gain += 0.5 * delta * (self.at_point[j] + self.descent.gradient[j]);
            }
            self.trial = Trial {
                intercept: point.intercept + constant,
                beta: self.descent.beta.clone(),
                halvings: 0,
            };
            self.expected = point.deviance - 2.0 * self.rows.weight * gain;
            let (before, steps) = self.last;
            if square > self.enough() && steps < MOST_STEPS {
                self.wants_gram = square > self.slow * before;
                self.last = (square, steps + 1);
                return;
            }
            self.write_down(square <= self.enough());
            if self.done {
                return;
            }
        }
    }

    /// The score of the intercept at a point, Σ s / W; zero where there is none.
    fn free(&self, point: &Point) -> f64 {
        match self.standardizing.intercept {
            true => point.score.0,
            false => 0.0,
        }
    }

    /// The null deviance of a row, or the deviance of one at the point before that is known.
    fn unit(&self) -> f64 {
        match self.path.null_deviance.is_nan() {
            true => self.point.as_ref().map_or(1.0, |p| p.deviance) / self.rows.weight,
            false => self.path.null_deviance / self.rows.weight,
        }
    }

    /// The square of a step that changes nothing.
    fn enough(&self) -> f64 {
        let unit = self.unit();
        let threshold = self.settings.ending.threshold;
        match self.step {
            Some(_) if !self.exact() => threshold * unit,
            _ => NOTHING * unit,
        }
    }

    /// Writes down the solution at this λ, to which steps came or which they are near, and chooses the next.
    fn write_down(&mut self, settled: bool) {
        let Some(point) = &self.point else { return };
        let sequence = &self.settings.sequence;
        let automatic = matches!(sequence, LambdaSequence::Automatic { .. });
        self.last = (f64::INFINITY, 0);
        let Some(m) = self.step else {
            // the intercept alone
            if self
                .settings
                .starts_at_constant(&self.penalty, &self.descent.usable)
            {
                let largest = self.penalty.largest_lambda(&self.at_point, &self.descent.usable);
                self.largest_at_constant = Some(largest);
            }
            self.path.null_deviance = point.deviance;
            self.step = Some(0);
            if !automatic {
                self.lambda = sequence.at(0, 0.0, 0.0, 1.0);
            }
            return;
        };
        let strength = self.penalty.at(self.lambda);
        // the conditions of optimality at the point, where they were seen; the step from there is small, and is taken as it is unless
        // the minimum is to be exact
        let free = self.free(point);
        let usable = (0..point.beta.len()).filter(|&j| self.descent.usable[j]);
        let violation = usable
            .map(|j| {
                self.penalty
                    .violation(j, self.at_point[j], point.beta[j], strength)
            })
            .fold(free.abs(), f64::max);
        if !settled && is_unsettled(violation, strength) {
            return self.end(PathEnd::Sweeps(m + 1));
        }
        if automatic && m == 0 {
            let here = || self.penalty.largest_lambda(&self.at_point, &self.descent.usable);
            self.largest = self.largest_at_constant.unwrap_or_else(here);
        }
        let written = if automatic && m == 0 {
            self.largest
        } else {
            self.lambda
        };
        let (intercept, beta, deviance) = match self.exact() {
            true => (point.intercept, &point.beta, point.deviance),
            false => (self.trial.intercept, &self.trial.beta, self.expected),
        };
        let mut coefficients = SparseVector::default();
        for (j, &b) in beta.iter().enumerate().filter(|(_, b)| **b != 0.0) {
            coefficients.push(j, b / self.scales[j]);
        }
        self.path.push(Step {
            lambda: written,
            intercept,
            coefficients,
            explained: 1.0 - deviance / self.path.null_deviance,
            // of the first step only what is not penalized has coefficients; a ridge's would be nothing
            violation: match automatic && m == 0 && self.penalty.alpha == 0.0 {
                true => free.abs(),
                false => violation,
            },
        });
        self.path.sweeps = self.descent.sweeps;
        let end = match self.settings.early_end(&self.path) {
            _ if automatic && m == 0 && self.largest == 0.0 => PathEnd::Empty,
            _ if m + 1 == sequence.count() => PathEnd::Complete,
            Some(end) => end,
            None => return self.to(m + 1),
        };
        self.end(end);
    }

    fn to(&mut self, m: usize) {
        let ratio = default_ratio(self.rows.columns.rows, self.penalty.factors.len());
        self.step = Some(m);
        self.lambda = self.settings.sequence.at(m, self.largest, ratio, 1.0);
    }

    fn end(&mut self, end: PathEnd) {
        self.path.end = end;
        self.done = true;
    }
}
