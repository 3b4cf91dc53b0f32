//! The path of a multinomial model: proximal Newton steps, whose rows someone else passes over.
//!
//! The objective is F = D / (2W) + λ P(B), D the deviance, W the sum of the prior weights, B the standardized coefficients of the classes. With s the
//! scores and H the second derivatives, both over W, a step minimises ½ δᵀHδ − sᵀδ + λ P(B + δ), the intercepts eliminated
//! ([`ClassCurvature`]); where that lowers the quadratic model the objective falls in the direction of the step, whatever positive H it is
//! of, and the step is halved until it does (Lee, Sun & Saunders 2014). So an older H will do as long as steps shrink quickly. Only s decides where
//! the iteration ends.

use super::class_curvature::{ClassCurvature, PairMoments, pairs_of};
use super::class_scores::ClassScore;
use super::class_solver::ClassSolver;
use super::multi_path::{MultiPath, Solution};
use crate::design::ColumnEncoding;
use crate::model::elastic_net::descent::{EXACT_BELOW, Ending, Stuck};
use crate::model::elastic_net::gaussian_path::{ENORMOUS, PathSettings, default_ratio};
use crate::model::elastic_net::lambda::{LambdaSequence, PathEnd};
use crate::model::elastic_net::moments::{ColumnMoments, Standardizing};
use crate::model::elastic_net::newton_rows::by_column;
use crate::model::elastic_net::newton_rules::{LOCAL, MOST_HALVINGS, MOST_STEPS, SLOW, SLOWER, rose};
use crate::model::elastic_net::path::SparseVector;
use crate::model::elastic_net::penalty::{Penalty, Strength};

/// The square of a step at an exact minimum, over the null deviance of a row.
const NOTHING: f64 = 1e-25;
/// The same of steps that may be rounding of the scores, where they shrink no more.
const ROUNDED: f64 = 1e-19;

/// Rows of a path: sums that do not change along it.
#[derive(Clone, Debug)]
pub(super) struct ClassRows {
    /// Moments of the columns under the prior weights.
    pub columns: ColumnMoments,
    /// Shares of the classes.
    pub shares: Vec<f64>,
}

/// A pass that is wanted: coefficients by class, the intercept first, and whether second derivatives are.
#[derive(Clone, Debug)]
pub(super) struct ClassRequest {
    pub beta: Vec<Vec<f64>>,
    pub curvature: bool,
}

/// A point of the iteration, and what a pass found there.
#[derive(Clone, Debug)]
struct Point {
    /// Of centred columns.
    intercepts: Vec<f64>,
    beta: Vec<f64>,
    deviance: f64,
    /// Σ s / W by class; zero without intercepts.
    free: Vec<f64>,
    /// Σ s x̃ / W.
    score: Vec<f64>,
}

/// A step that is being tried.
#[derive(Clone, Debug)]
struct Trial {
    intercepts: Vec<f64>,
    beta: Vec<f64>,
    halvings: u32,
}

/// A path on its way: [`request`](Self::request) says where a pass is wanted, [`take`](Self::take) takes what it found.
pub(super) struct MultinomialPath<'p> {
    map: &'p ColumnEncoding,
    settings: &'p PathSettings,
    standardizing: Standardizing,
    alpha: f64,
    penalty: Penalty,
    rows: ClassRows,
    scales: Vec<f64>,
    /// Means that the columns are about; zero without intercepts.
    centers: Vec<f64>,
    solver: ClassSolver,
    curvature: ClassCurvature,
    point: Option<Point>,
    trial: Trial,
    /// g at the point.
    at_point: Vec<f64>,
    /// The deviance of the trial, as the quadratic model has it.
    expected: f64,
    wants_curvature: bool,
    /// The λ that is being fitted; `None` while the intercepts alone are.
    step: Option<usize>,
    lambda: f64,
    largest: f64,
    /// True if the first λ is of the gradient at the constants; that λ, once it is known.
    starts_at_constant: bool,
    largest_at_constant: Option<f64>,
    /// The square of the last step at this λ, and their number.
    last: (f64, u32),
    slow: f64,
    null_deviance: f64,
    /// The path, in the units of the rows.
    pub path: MultiPath,
    /// True where it has no further λ.
    pub done: bool,
}

impl<'p> MultinomialPath<'p> {
    /// Starts at the shares of the classes, or without intercepts at equal ones. `penalty` has bounds in the units of the rows.
    pub fn new(
        map: &'p ColumnEncoding,
        (penalty, settings, standardizing): (&Penalty, &'p PathSettings, Standardizing),
        grouped: bool,
        rows: ClassRows,
    ) -> Self {
        let scales = rows.columns.scales(standardizing.deviations);
        let (classes, columns) = (rows.shares.len(), scales.len());
        let (penalty, usable) = penalty.standardized(&scales, &rows.columns.varies);
        let starts_at_constant = settings.starts_at_constant(&penalty, &usable);
        let logs: Vec<f64> = rows.shares.iter().map(|q| q.ln()).collect();
        let middle = logs.iter().sum::<f64>() / classes as f64;
        let intercept = standardizing.intercept;
        let start = |log: &f64| if intercept { log - middle } else { 0.0 };
        let centers = rows
            .columns
            .means
            .iter()
            .map(|m| if intercept { *m } else { 0.0 });
        let trial = Trial {
            intercepts: logs.iter().map(start).collect(),
            beta: vec![0.0; classes * columns],
            halvings: 0,
        };
        let share = |k: usize| {
            if intercept {
                rows.shares[k]
            } else {
                1.0 / classes as f64
            }
        };
        // at a constant the weights of a pair of classes are those of the rows times their shares
        let pairs = pairs_of(classes).map(|(k, m)| PairMoments {
            moments: rows.columns.clone(),
            share: share(k) * share(m),
        });
        let (pairs, centers): (Vec<PairMoments>, Vec<f64>) = (pairs.collect(), centers.collect());
        MultinomialPath {
            map,
            settings,
            standardizing,
            alpha: penalty.alpha,
            solver: ClassSolver::new(grouped, classes, &penalty, &usable),
            curvature: ClassCurvature::new(&pairs, classes, &centers, &scales, intercept),
            path: MultiPath::new(classes, columns, f64::NAN, grouped),
            at_point: trial.beta.clone(),
            trial,
            penalty,
            scales,
            centers,
            point: None,
            expected: f64::NAN,
            wants_curvature: false,
            step: None,
            lambda: ENORMOUS,
            largest: ENORMOUS,
            starts_at_constant,
            largest_at_constant: None,
            last: (f64::INFINITY, 0),
            slow: SLOW,
            null_deviance: f64::NAN,
            done: false,
            rows,
        }
    }

    /// The same for a path that takes over the H of another, and asks for its own only where steps hardly shrink.
    pub fn beside_another(self) -> Self {
        MultinomialPath { slow: SLOWER, ..self }
    }

    fn classes(&self) -> usize {
        self.rows.shares.len()
    }

    /// Where the next pass is wanted; `None` where the path has no further λ.
    pub fn request(&self) -> Option<ClassRequest> {
        if self.done {
            return None;
        }
        let (intercepts, coefficients) = self.in_units(&self.trial.intercepts, &self.trial.beta);
        let of = |(intercept, own): (&f64, &SparseVector)| {
            let mut beta = vec![0.0; self.scales.len() + 1];
            beta[0] = *intercept;
            own.entries().for_each(|(j, b)| beta[j + 1] = b);
            beta
        };
        Some(ClassRequest {
            beta: intercepts.iter().zip(&coefficients).map(of).collect(),
            curvature: self.wants_curvature,
        })
    }

    /// Intercepts and coefficients in the units of the rows, by class: βⱼ = bⱼ / sⱼ, and the intercept less Σ βⱼ x̄ⱼ.
    fn in_units(&self, intercepts: &[f64], beta: &[f64]) -> (Vec<f64>, Vec<SparseVector>) {
        let classes = self.classes();
        let mut own = intercepts.to_vec();
        let mut coefficients = vec![SparseVector::default(); classes];
        for (i, &b) in beta.iter().enumerate().filter(|(_, b)| **b != 0.0) {
            let (j, k) = (i / classes, i % classes);
            let b = b / self.scales[j];
            own[k] -= b * self.centers[j];
            coefficients[k].push(j, b);
        }
        (own, coefficients)
    }

    /// Moments of the pairs of classes that a pass found, where it formed them.
    pub fn pairs(&self, sums: &ClassScore) -> Option<Vec<PairMoments>> {
        let of = |gram| {
            let moments = ColumnMoments::new(gram, self.map);
            PairMoments {
                share: moments.weight / self.rows.columns.weight,
                moments,
            }
        };
        (!sums.grams.is_empty()).then(|| sums.grams.iter().map(of).collect())
    }

    /// Takes the sums of the pass that was wanted.
    pub fn take(&mut self, sums: &ClassScore, pairs: Option<&[PairMoments]>) {
        let deviance = sums.deviance.hi;
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
        let (classes, weight) = (self.classes(), self.rows.columns.weight);
        let mut score = vec![0.0; self.trial.beta.len()];
        let mut free = vec![0.0; classes];
        for (k, own) in sums.scores.iter().enumerate() {
            let columns = by_column(own, self.map);
            for (j, s) in columns[1..].iter().enumerate() {
                let about = *s - columns[0].mul_f64(self.centers[j]);
                score[j * classes + k] = about.hi / weight / self.scales[j];
            }
            if self.standardizing.intercept {
                free[k] = columns[0].hi / weight;
            }
        }
        self.point = Some(Point {
            intercepts: self.trial.intercepts.clone(),
            beta: self.trial.beta.clone(),
            deviance,
            free,
            score,
        });
        if let Some(pairs) = pairs {
            self.renew(pairs);
        }
        self.go_on();
    }

    /// Takes over H, from moments under working weights.
    pub fn renew(&mut self, pairs: &[PairMoments]) {
        let intercept = self.standardizing.intercept;
        self.curvature = ClassCurvature::new(pairs, self.classes(), &self.centers, &self.scales, intercept);
        self.solver.renew(&self.curvature);
    }

    fn objective(&self, deviance: f64, beta: &[f64], strength: Strength) -> f64 {
        let penalty = match self.step {
            None => 0.0,
            Some(_) => self.solver.value(beta, strength),
        };
        deviance / (2.0 * self.rows.columns.weight) + penalty
    }

    fn strength(&self) -> Strength {
        self.penalty.at(self.lambda)
    }

    /// Takes half the step.
    fn halve(&mut self) {
        let Some(point) = &self.point else { return };
        let trial = &mut self.trial;
        trial.halvings += 1;
        let half =
            |to: &mut [f64], from: &[f64]| to.iter_mut().zip(from).for_each(|(t, f)| *t = 0.5 * (*t + f));
        half(&mut trial.intercepts, &point.intercepts);
        half(&mut trial.beta, &point.beta);
        self.wants_curvature = true;
    }

    /// True where the minimum is to be exact: what is written down was seen by a pass.
    fn exact(&self) -> bool {
        self.settings.ending.threshold < EXACT_BELOW
    }

    /// From a point where the score is known to the next step; writes down the λ that are solved there.
    fn go_on(&mut self) {
        let mut fresh = true;
        loop {
            let Some(point) = &self.point else { return };
            let own = self.curvature.of_intercepts(&point.free);
            if fresh || self.exact() {
                let mut gradient = point.score.clone();
                self.curvature.without_intercepts(&mut gradient, &own);
                self.at_point.clone_from(&gradient);
                self.solver.restart(&point.beta, gradient);
            }
            fresh = false;
            if self.step.is_some() {
                let ending = Ending {
                    unit: self.unit(),
                    ..self.settings.ending
                };
                let strength = self.strength();
                let found = self.solver.minimise(&self.curvature, strength, ending);
                if let Err(stuck) = found {
                    let number = self.path.len() + 1;
                    return self.end(match stuck {
                        Stuck::Sweeps => PathEnd::Sweeps(number),
                        Stuck::Active => PathEnd::Active(number),
                    });
                }
            }
            if self.steps(own) {
                return;
            }
            self.write_down();
            if self.done {
                return;
            }
        }
    }

    /// Sets out for what the quadratic model has as the minimum; false where that changes nothing. `own` is the step of the intercepts alone.
    fn steps(&mut self, own: Vec<f64>) -> bool {
        let Some(point) = &self.point else { return false };
        let beta = self.solver.beta();
        let delta: Vec<f64> = beta
            .iter()
            .zip(&point.beta)
            .map(|(b, before)| b - before)
            .collect();
        let order = self.curvature.matrix.order;
        // the squares of all steps under H, and what the loss falls by
        let (mut square, mut gain) = (0.0_f64, 0.0);
        for (k, step) in own.iter().enumerate() {
            square = square.max(self.curvature.diagonal[k] * step * step);
            gain += 0.5 * step * point.free[k];
        }
        let gradients = self.at_point.iter().zip(self.solver.gradient());
        for (i, (d, (before, after))) in delta
            .iter()
            .zip(gradients)
            .enumerate()
            .filter(|(_, (d, _))| **d != 0.0)
        {
            square = square.max(self.curvature.matrix.values[i * order + i] * d * d);
            gain += 0.5 * d * (before + after);
        }
        let mut intercepts = own;
        self.curvature.follow(&delta, &mut intercepts);
        intercepts
            .iter_mut()
            .zip(&point.intercepts)
            .for_each(|(step, before)| *step += before);
        self.expected = point.deviance - 2.0 * self.rows.columns.weight * gain;
        self.trial = Trial {
            intercepts,
            beta: beta.to_vec(),
            halvings: 0,
        };
        let (before, steps) = self.last;
        let rounded = before <= ROUNDED * self.unit() && square >= 0.25 * before;
        if square <= self.enough() || rounded || steps >= MOST_STEPS {
            return false;
        }
        self.wants_curvature = square > self.slow * before;
        self.last = (square, steps + 1);
        true
    }

    /// The null deviance of a row, or the deviance of one at the point before that is known.
    fn unit(&self) -> f64 {
        let deviance = match self.null_deviance.is_nan() {
            true => self.point.as_ref().map_or(1.0, |p| p.deviance),
            false => self.null_deviance,
        };
        deviance / self.rows.columns.weight
    }

    /// The square of a step that changes nothing.
    fn enough(&self) -> f64 {
        match self.step {
            Some(_) if !self.exact() => self.settings.ending.threshold * self.unit(),
            _ => NOTHING * self.unit(),
        }
    }

    /// Writes down the solution at this λ and chooses the next.
    fn write_down(&mut self) {
        let Some(point) = &self.point else { return };
        let sequence = &self.settings.sequence;
        let automatic = matches!(sequence, LambdaSequence::Automatic { .. });
        self.last = (f64::INFINITY, 0);
        let Some(m) = self.step else {
            // the intercepts alone
            self.null_deviance = point.deviance;
            let null = self.null_deviance;
            if self.starts_at_constant {
                self.largest_at_constant = Some(self.solver.largest_lambda(&self.at_point));
            }
            self.path
                .responses
                .iter_mut()
                .for_each(|path| path.null_deviance = null);
            self.step = Some(0);
            if !automatic {
                self.lambda = sequence.at(0, 0.0, 0.0, 1.0);
            }
            return;
        };
        let strength = self.strength();
        let of_intercepts = point.free.iter().fold(0.0_f64, |most, s| most.max(s.abs()));
        let violation = self
            .solver
            .violation(&self.at_point, &point.beta, strength)
            .max(of_intercepts);
        if automatic && m == 0 {
            let here = || self.solver.largest_lambda(&self.at_point);
            self.largest = self.largest_at_constant.unwrap_or_else(here);
        }
        let (intercepts, beta, deviance) = match self.exact() {
            true => (&point.intercepts, &point.beta, point.deviance),
            false => (&self.trial.intercepts, &self.trial.beta, self.expected),
        };
        let (mut intercepts, coefficients) = self.in_units(intercepts, beta);
        if self.standardizing.intercept {
            let middle = intercepts.iter().sum::<f64>() / intercepts.len() as f64;
            intercepts.iter_mut().for_each(|a| *a -= middle);
        }
        self.path.push(Solution {
            lambda: if automatic && m == 0 {
                self.largest
            } else {
                self.lambda
            },
            intercepts,
            coefficients,
            explained: 1.0 - deviance / self.null_deviance,
            // of the first step only what is not penalized has coefficients; a ridge's would be nothing
            violation: match automatic && m == 0 && self.alpha == 0.0 {
                true => of_intercepts,
                false => violation,
            },
        });
        let first = self.path.first();
        // glmnet counts the rows of the first class, or columns that are in for any
        let nonzero = match self.solver.is_grouped() {
            true => first.nonzero(m),
            false => self.path.nonzero(m),
        };
        let early = self
            .settings
            .early_end_at(m, |m| first.steps[m].explained, nonzero);
        let end = match early {
            _ if automatic && m == 0 && self.largest == 0.0 => PathEnd::Empty,
            _ if m + 1 == sequence.count() => PathEnd::Complete,
            Some(end) => end,
            None => return self.to(m + 1),
        };
        self.end(end);
    }

    fn to(&mut self, m: usize) {
        let ratio = default_ratio(self.rows.columns.rows, self.scales.len());
        self.step = Some(m);
        self.lambda = self.settings.sequence.at(m, self.largest, ratio, 1.0);
    }

    fn end(&mut self, end: PathEnd) {
        self.path.ended(end, self.solver.sweeps());
        self.done = true;
    }
}
