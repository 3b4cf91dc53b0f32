//! The path of a model whose columns are in memory and may be more than a gram could hold.
//!
//! 1. On the columns that were ever active: proximal Newton steps, whose quadratic model is that of the weighted gram of these columns alone, by
//!    coordinate descent and Newton's method on the support; a step that raises the objective is halved. A Gaussian model takes one.
//! 2. Of the other columns those are looked at whose correlation with the scores may be above λ α f, by a bound from earlier looks
//!    ([`Screening`]); what violates the optimality conditions joins, and 1 begins again.
//!
//! So each λ of the path ends with every column within its optimality condition, seen or proved.

use super::active::Active;
use super::loss::{RowLoss, RowScores};
use super::quadratic_step::QuadraticStep;
use super::screening::{Scores, Screening};
use super::standardized::StandardizedColumns;
use crate::design::{Lack, Room};
use crate::model::ModelError;
use crate::model::elastic_net::descent::{EXACT_BELOW, Ending, Stuck};
use crate::model::elastic_net::gaussian_path::{ENORMOUS, PathSettings, default_ratio};
use crate::model::elastic_net::lambda::{LambdaSequence, PathEnd};
use crate::model::elastic_net::newton_rules::{LOCAL, MOST_HALVINGS, MOST_STEPS, SLOW, is_unsettled, rose};
use crate::model::elastic_net::path::{Path, SparseVector, Step};
use crate::model::elastic_net::penalty::{Penalty, Strength};
use crate::pass::{Monitor, PassError};

/// Rounds of columns joining at one λ.
const MOST_ROUNDS: u32 = 1000;
/// The square of a step at an exact minimum, over the null deviance of a row.
const NOTHING: f64 = 1e-22;

/// Rows of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathRows<'a> {
    /// Prior weights of sum 1.
    pub weights: &'a [f64],
    /// Σ w, of the weights as they were given.
    pub total: f64,
    /// Rows of positive weight.
    pub rows: u64,
    /// The unit of the responses: coefficients are of responses over it.
    pub scale: f64,
    /// The number that was subtracted from the responses.
    pub center: f64,
}

/// Watches paths that are computed at the same time.
#[derive(Clone, Copy)]
pub(super) struct Watch<'a> {
    pub monitor: &'a dyn Monitor,
    /// Name of what is going on.
    pub name: &'a str,
    /// λ of all paths together.
    pub total: usize,
    /// Paths at a time.
    pub paths: usize,
}

/// Failure of a path that leaves nothing.
#[derive(Debug)]
pub(super) enum Halt {
    /// A step failed; what there is stays.
    Stuck(Stuck),
    /// The monitor stopped it.
    Interrupted,
    /// So many active columns have no room.
    NoRoom(usize, Lack),
}

impl From<Stuck> for Halt {
    fn from(stuck: Stuck) -> Self {
        Halt::Stuck(stuck)
    }
}

impl From<Halt> for ModelError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::NoRoom(columns, lack) => ModelError::argument(
                "lambda",
                format!(
                    "{columns} columns would be active at once, and have no room: {lack}; a larger lambda.min.ratio or alpha, or pmax, keeps fewer"
                ),
            ),
            Halt::Stuck(_) | Halt::Interrupted => ModelError::Pass(PassError::Interrupted),
        }
    }
}

/// A step whose square is above this part of the one before hardly shrinks.
const HARDLY: f64 = 0.25;
/// The part of itself, and one, that a step may be longer than it should be: it then shrinks by half.
const OVERSHOT: f64 = 1.5;

/// A path on its way.
pub(super) struct ResidentPath<'a> {
    watch: Watch<'a>,
    room: Room,
    x: &'a StandardizedColumns<'a>,
    rows: PathRows<'a>,
    loss: RowLoss<'a>,
    settings: &'a PathSettings,
    penalty: Penalty,
    usable: Vec<bool>,
    intercept: bool,
    /// 1 / w, zero where w is.
    inverse: Vec<f64>,
    active: Active,
    screening: Screening,
    /// β₀ of the centred columns.
    constant: f64,
    /// η without the offset, and what the rows are there.
    eta: Vec<f64>,
    at: RowScores,
    /// True if the active columns have the gradient of where the path is.
    fresh: bool,
    unit: f64,
    /// The number that expected weights are multiplied by.
    stiffness: f64,
    sweeps: u64,
    /// Rows whose η is kept.
    kept: Vec<usize>,
    /// η of these by λ.
    pub predictors: Vec<Vec<f64>>,
}

impl<'a> ResidentPath<'a> {
    /// Starts at a constant. `penalty` has bounds in the units of the rows.
    pub fn new(
        x: &'a StandardizedColumns<'a>,
        rows: PathRows<'a>,
        loss: RowLoss<'a>,
        settings: &'a PathSettings,
        penalty: &Penalty,
        (intercept, start): (bool, f64),
        watch: Watch<'a>,
    ) -> Self {
        let units: Vec<f64> = x.scales.iter().map(|s| s / rows.scale).collect();
        let (penalty, usable) = penalty.standardized(&units, &x.varies);
        let constant = if intercept { start } else { 0.0 };
        ResidentPath {
            inverse: rows
                .weights
                .iter()
                .map(|w| if *w > 0.0 { w.recip() } else { 0.0 })
                .collect(),
            watch,
            room: Room::of_machine(),
            active: Active::new(x, rows.weights.len(), intercept),
            screening: Screening::new(x.len()),
            eta: vec![constant; rows.weights.len()],
            at: RowScores::default(),
            fresh: false,
            unit: f64::NAN,
            stiffness: 1.0,
            sweeps: 0,
            kept: Vec::new(),
            predictors: Vec::new(),
            constant,
            x,
            rows,
            loss,
            settings,
            penalty,
            usable,
            intercept,
        }
    }

    /// Has η of some rows kept at each λ.
    pub fn keep(&mut self, rows: Vec<usize>) {
        self.kept = rows;
    }

    /// The path, in the units of the rows.
    ///
    /// # Errors
    /// An interrupt; active columns that have no room.
    pub fn run(&mut self) -> Result<Path, Halt> {
        let sequence = &self.settings.sequence;
        let automatic = matches!(sequence, LambdaSequence::Automatic { .. });
        let scale = self.rows.scale;
        let null = self.null_deviance();
        let mut path = Path::new(self.x.len(), null * self.rows.total * scale * scale);
        let ratio = default_ratio(self.rows.rows, self.x.len());
        let mut largest = ENORMOUS;
        let at_constant = match self.settings.starts_at_constant(&self.penalty, &self.usable) {
            true => Some(self.largest_lambda()),
            false => None,
        };
        for m in 0..sequence.count() {
            // as on the other paths, the first λ of an automatic sequence is so large that only what is not penalized is in
            let lambda = match automatic && m == 0 {
                true => ENORMOUS,
                false => sequence.at(m, largest, ratio, scale),
            };
            let found = self.solve(self.strength(lambda));
            let violation = match found {
                Ok(violation) => violation,
                Err(Halt::Stuck(stuck)) => {
                    path.end = match stuck {
                        Stuck::Sweeps => PathEnd::Sweeps(m + 1),
                        Stuck::Active => PathEnd::Active(m + 1),
                    };
                    break;
                }
                Err(halt) => return Err(halt),
            };
            self.advance_monitor(1)?;
            if automatic && m == 0 {
                largest = at_constant.unwrap_or_else(|| self.largest_lambda());
                if largest == 0.0 {
                    path.end = PathEnd::Empty;
                }
            }
            let written = if automatic && m == 0 { largest } else { lambda };
            path.push(self.step(written * scale, 1.0 - self.at.deviance / null, violation));
            path.sweeps = self.sweeps;
            if !self.kept.is_empty() {
                self.predictors
                    .push(self.kept.iter().map(|i| self.eta[*i]).collect());
            }
            if path.end == PathEnd::Empty {
                break;
            }
            if let Some(end) = self.settings.early_end(&path) {
                path.end = end;
                break;
            }
        }
        Ok(path)
    }

    /// Tells the monitor of so many further λ; each counts as all rows.
    fn advance_monitor(&self, lambdas: usize) -> Result<(), Halt> {
        let rows = self.rows.weights.len();
        let total = Some((rows * self.watch.total) as u64);
        match self
            .watch
            .monitor
            .advance(self.watch.name, (rows * lambdas) as u64, total)
        {
            true => Ok(()),
            false => Err(Halt::Interrupted),
        }
    }

    fn strength(&self, lambda: f64) -> Strength {
        let mut strength = self.penalty.at(lambda);
        if self.settings.printed && self.loss.is_quadratic() {
            strength.square *= self.rows.scale;
        }
        strength
    }

    fn is_exact(&self) -> bool {
        self.settings.ending.threshold < EXACT_BELOW
    }

    /// The deviance of the model of the intercept alone, of a row.
    fn null_deviance(&mut self) -> f64 {
        self.evaluate();
        self.active.renew(self.x, &self.at);
        self.unit = self.at.deviance;
        // nothing is active: the steps are the intercept's
        let _ = self.newton(self.penalty.at(ENORMOUS), NOTHING);
        self.unit = self.at.deviance;
        self.active.renew(self.x, &self.at);
        self.unit
    }

    fn evaluate(&mut self) {
        self.loss
            .at(&self.eta, self.rows.weights, self.rows.total, &mut self.at);
        if self.stiffness > 1.0 {
            self.at.weight.iter_mut().for_each(|w| *w *= self.stiffness);
            self.at.weight_sum *= self.stiffness;
        }
    }

    /// Takes weights as so many times as large that steps shrink, after one whose linear predictors changed by δ and whose scores fell by y.
    ///
    /// Of a link that is not the canonical one, expected weights ω may be far below the second derivatives. Steps that do not shrink are along
    /// those of the largest ratio, which yᵀδ / Σ ω δ² tells; a step is then ratio / stiffness times what it should be, and one below two shrinks.
    fn stiffen(&mut self, eta: &[f64], scores: &[f64]) {
        let (mut seen, mut expected) = (0.0, 0.0);
        let before = eta.iter().zip(scores);
        let now = self.eta.iter().zip(&self.at.score).zip(&self.at.weight);
        for ((eta, score), ((eta_now, score_now), weight)) in before.zip(now) {
            let delta = eta_now - eta;
            seen += (score - score_now) * delta;
            expected += weight * delta * delta;
        }
        let excess = seen / (expected * OVERSHOT);
        if excess > 1.0 && excess.is_finite() {
            self.stiffness *= excess;
            self.evaluate();
        }
    }

    /// Goes on to the minimum at a λ; the largest violation of the optimality conditions there.
    fn solve(&mut self, strength: Strength) -> Result<f64, Halt> {
        let enough = match self.is_exact() {
            true => NOTHING,
            false => self.settings.ending.threshold,
        };
        for _ in 0..MOST_ROUNDS {
            let settled = self.newton(strength, enough)?;
            let joining = self.joining(strength);
            if joining.is_empty() {
                self.refresh();
                let violation = self.violation(strength);
                return match settled || !is_unsettled(violation, strength) {
                    true => Ok(violation),
                    false => Err(Halt::Stuck(Stuck::Sweeps)),
                };
            }
            let members = self.active.members().len() + joining.len();
            if members > self.settings.ending.most_active {
                return Err(Halt::Stuck(Stuck::Active));
            }
            if self.active.has_matrix() {
                let rows = self.rows.weights.len();
                let room = self.room.for_active(members, rows, self.watch.paths);
                room.map_err(|lack| Halt::NoRoom(members, lack))?;
            }
            self.advance_monitor(0)?;
            self.active.add(self.x, &joining);
        }
        Err(Halt::Stuck(Stuck::Sweeps))
    }

    /// The columns that violate the optimality conditions at zero, with their gradients.
    fn joining(&mut self, strength: Strength) -> Vec<(usize, f64)> {
        let (penalty, usable, active) = (&self.penalty, &self.usable, &self.active);
        let outside = |j: usize| usable[j] && !active.has(j);
        let limit = |j: usize| outside(j).then(|| penalty.factors[j] * strength.absolute);
        let scores = Scores {
            scores: &self.at.score,
            total: self.at.score_sum,
            inverse: &self.inverse,
        };
        let found = self.screening.look(self.x, scores, limit);
        let squares = self.at.score.iter().zip(&self.inverse).map(|(s, i)| s * s * i);
        let size = squares.sum::<f64>().sqrt();
        let violates = |&(j, g): &(usize, f64)| {
            // rounding of g, a sum over the rows, moves no column in
            let slack = 4.0 * f64::EPSILON * (1.0 + size + penalty.factors[j] * strength.absolute);
            penalty.violation(j, g, 0.0, strength) > slack
        };
        found.into_iter().filter(violates).collect()
    }

    /// The largest violation of the optimality conditions by the intercept and the columns that were ever active.
    fn violation(&self, strength: Strength) -> f64 {
        let free = if self.intercept {
            self.at.score_sum.abs()
        } else {
            0.0
        };
        let (members, gradient, beta) = (self.active.members(), self.active.gradient(), self.active.beta());
        let of = |k: usize| self.penalty.violation(members[k], gradient[k], beta[k], strength);
        (0..members.len()).map(of).fold(free, f64::max)
    }

    /// Gives the active columns the gradient of where the path is, if they do not have it.
    fn refresh(&mut self) {
        if !self.fresh {
            self.active.take_gradient(self.x, &self.at);
            self.fresh = true;
        }
    }

    /// λ at which the first penalized column would enter.
    fn largest_lambda(&mut self) -> f64 {
        let (penalty, usable) = (&self.penalty, &self.usable);
        let factor = |j: usize| (usable[j] && penalty.factors[j] > 0.0).then(|| penalty.factors[j]);
        let scores = Scores {
            scores: &self.at.score,
            total: self.at.score_sum,
            inverse: &self.inverse,
        };
        let ratio = self.screening.largest(self.x, scores, factor);
        self.penalty.entering_lambda(ratio)
    }

    /// Proximal Newton steps on the active columns until the square of one is at most `enough`, a part of the null deviance; false where
    /// none is.
    fn newton(&mut self, strength: Strength, enough: f64) -> Result<bool, Stuck> {
        // that of squares is of a response of unit variance
        let ending = Ending {
            unit: if self.loss.is_quadratic() { 1.0 } else { self.unit },
            ..self.settings.ending
        };
        let mut last = f64::INFINITY;
        for step in 0..MOST_STEPS {
            // that of a quadratic loss was carried along, and rounding is too small to matter until the columns are settled
            if !self.loss.is_quadratic() || self.is_exact() {
                self.refresh();
            }
            let before = self.active.beta().to_vec();
            let start = match self.loss.is_quadratic() {
                true => None,
                false => Some((self.eta.clone(), self.at.score.clone())),
            };
            let found = self.active.step(
                self.x,
                &self.at,
                &self.penalty,
                strength,
                ending,
                &mut self.sweeps,
            )?;
            self.fresh = false;
            self.advance(&before, &found, strength)?;
            let done = found.square <= enough * self.unit;
            if self.loss.is_quadratic() {
                // what is left is rounding, where a quadratic loss was at its minimum already
                if done || step > 0 || !self.is_exact() {
                    return Ok(true);
                }
            } else {
                if done {
                    return Ok(true);
                }
                if step > 0 && found.square > SLOW * last {
                    if let Some((eta, scores)) = start.filter(|_| found.square > HARDLY * last) {
                        self.stiffen(&eta, &scores);
                    }
                    self.active.renew(self.x, &self.at);
                }
            }
            last = found.square;
        }
        Ok(false)
    }

    /// Takes a step, halved until the objective does not rise.
    fn advance(&mut self, before: &[f64], step: &QuadraticStep, strength: Strength) -> Result<(), Stuck> {
        let objective = self.objective(before, strength);
        let (eta, start) = (self.eta.clone(), self.constant);
        let mut share = 1.0;
        for _ in 0..=MOST_HALVINGS {
            self.constant = share * step.constant + start;
            let moved = self.eta.iter_mut().zip(&eta).zip(&step.images);
            moved.for_each(|((e, before), d)| *e = share * d + before);
            if share < 1.0 {
                let betas = self.active.beta_mut().iter_mut().zip(before).zip(&step.delta);
                betas.for_each(|((b, before), d)| *b = share * d + before);
            }
            self.evaluate();
            let now = self.objective(self.active.beta(), strength);
            let far = step.square > LOCAL * self.unit;
            let rose = rose(objective, now);
            if now.is_finite() && !(far && rose) {
                return Ok(());
            }
            share *= 0.5;
        }
        Err(Stuck::Sweeps)
    }

    fn objective(&self, beta: &[f64], strength: Strength) -> f64 {
        let members = self.active.members().iter().copied().zip(beta.iter().copied());
        0.5 * self.at.deviance + self.penalty.value_of(members, strength)
    }

    /// A step in the units of the rows.
    fn step(&self, lambda: f64, explained: f64, violation: f64) -> Step {
        let members = self.active.members().iter().zip(self.active.beta());
        let mut entries: Vec<(usize, f64)> = members
            .filter(|(_, b)| **b != 0.0)
            .map(|(&j, b)| (j, b * self.rows.scale / self.x.scales[j]))
            .collect();
        entries.sort_unstable_by_key(|(j, _)| *j);
        let mut intercept = self.rows.center + self.rows.scale * self.constant;
        let mut coefficients = SparseVector::default();
        for (j, beta) in entries {
            intercept -= beta * self.x.centers[j];
            coefficients.push(j, beta);
        }
        Step {
            lambda,
            intercept,
            coefficients,
            explained,
            violation,
        }
    }

    /// Bytes of columns that were read so far.
    pub fn bytes(&self) -> u64 {
        self.screening.bytes
    }
}
