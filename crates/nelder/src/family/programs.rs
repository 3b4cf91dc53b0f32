//! Programs of a family, which a pass runs on its rows: steps of Fisher scoring, deviance, inverse link, starting values.

use std::sync::{Arc, Mutex, PoisonError};

use nelder_device::{Input, Output, Program, RowExpr, RowProgram};

use super::inverse_link::InverseLink;
use super::likelihood::likelihood;
use super::row::Row;
use super::starting_values::{Start, start_of};
use super::theta_score::theta;
use super::{Family, Link, Trials, Variance};

/// The power of the sums that stand for the largest of rows: with n rows, its root is at most n^(1/16) times that.
pub const LARGEST: i32 = 16;

/// The programs of a family. Inputs are the columns y (0), η (1) and the prior weights (2, where there are any).
/// Trials that are not the weights are column 3; where failures were counted, their share is column 4.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The family.
    pub family: Family,
    /// The form of its responses.
    pub trials: Trials,
    /// One step of Fisher scoring: the working weight W = w (dμ/dη)² / V, the score of η, s = w (y − μ) (dμ/dη) / V,
    /// and the deviance (`NaN` where η or μ is out of range).
    pub step: Program,
    /// A step and what is reported at its end: W, s, the deviance; the Pearson statistic w (y − μ)² / V; the
    /// smaller distance of μ to an end of its range; −2 log-likelihood beyond what the criterion takes from sums;
    /// w a² / V, where a is the size of the terms that y − μ is the difference of; the deviance residual; and to the power
    /// of [`LARGEST`], the elasticity |d log W / dη| of the working weight, and that times |η|.
    pub finish: Program,
    /// The step for rows whose y is 0 or 1, where trials are the weights.
    pub single: Program,
    /// The deviance alone.
    pub deviance: Program,
    /// μ and dμ/dη; input 1 is read alone.
    pub inverse_link: Program,
    /// η to start from. Input 1 is what is given of it; R's own starting values of a binomial family read the number
    /// of trials, or the weights, as input 2.
    pub start: Program,
    /// dℓ/dθ and −d²ℓ/dθ² of a negative binomial, each with its weight; empty for others.
    pub theta: Program,
}

/// Arguments that the programs of a family depend on.
type Key = (Family, bool, Trials, Start);

/// Programs that were made lately, the last first: a fit of a few rows takes less time than to write them.
static MADE: Mutex<Vec<(Key, Arc<Programs>)>> = Mutex::new(Vec::new());

/// Programs that are held.
const HELD: usize = 8;

impl Programs {
    /// The programs of a family for rows with or without prior weights, made anew where they are not among those that were made
    /// lately.
    pub fn shared(family: &Family, weighted: bool, trials: Trials, start: Start) -> Arc<Programs> {
        let key = (*family, weighted, trials, start);
        let held = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, programs)) = held().iter().find(|(own, _)| *own == key) {
            return programs.clone();
        }
        let programs = Arc::new(Programs::new(family, weighted, trials, start));
        let mut held = held();
        held.insert(0, (key, programs.clone()));
        held.truncate(HELD);
        programs
    }

    /// The programs of a family for rows with or without prior weights.
    pub fn new(family: &Family, weighted: bool, trials: Trials, start: Start) -> Programs {
        Programs {
            family: *family,
            trials,
            step: step(family, weighted, trials, false),
            finish: step(family, weighted, trials, true),
            single: step(family, weighted, Trials::Single, false),
            deviance: deviance(family, weighted, trials),
            inverse_link: inverse_link(family),
            start: start_of(family, weighted, start),
            theta: theta(family, weighted),
        }
    }
}

impl Family {
    /// Tests if the link is the canonical one of the variance: Fisher scoring is then Newton's method.
    pub fn is_canonical(&self) -> bool {
        canonical(self).is_some()
    }

    /// Tests if a row enters by its residual y − η alone: the identity with a constant variance, least squares. Shifting y and η
    /// by the same number then changes nothing, so that y − η in twice the precision may stand for y, and 0 for η.
    pub fn is_of_residuals(&self) -> bool {
        self.link == Link::Identity && self.variance == Variance::Constant
    }

    /// η at a mean; `NaN` where the mean is out of range.
    pub fn link(&self, mu: f64) -> f64 {
        let program = start_of(self, false, Start::Mean);
        self.one(&program, mu)
    }

    /// The deviance of one row of weight one at a mean.
    pub fn deviance(&self, y: f64, mu: f64) -> f64 {
        let (y, eta, mut out) = ([y], [self.link(mu)], [f64::NAN]);
        let trials = if y[0] == 0.0 || y[0] == 1.0 {
            Trials::Single
        } else {
            Trials::Several
        };
        let inputs = [Input::Real(&y), Input::Real(&eta)];
        let _ = deviance(self, false, trials).run::<f64>(&inputs, 1, &mut [Output::Real(&mut out)]);
        out[0]
    }

    /// The mean at η, and dμ/dη.
    pub fn inverse_link(&self, eta: f64) -> (f64, f64) {
        let (mut mu, mut dmu_deta) = ([f64::NAN], [f64::NAN]);
        let column = [eta];
        let inputs = [Input::Real(&column), Input::Real(&column)];
        // two inputs of one row, as the program has them
        let _ = inverse_link(self).run::<f64>(
            &inputs,
            1,
            &mut [Output::Real(&mut mu), Output::Real(&mut dmu_deta)],
        );
        (mu[0], dmu_deta[0])
    }

    /// The working residual (y − μ) dη/dμ of a row whose working weight says nothing. Where dμ/dη has no digits left, it is
    /// the limit for a response that the mean tends to; for another, dμ/dη is taken to be ε, as R's links have it.
    pub fn working_residual(&self, y: f64, eta: f64) -> f64 {
        let (mu, dmu_deta) = self.inverse_link(eta);
        if dmu_deta.abs() >= f64::MIN_POSITIVE / f64::EPSILON {
            return (y - mu) / dmu_deta;
        }
        let above = self.link.is_bounded() && eta > 0.0;
        match (y, above) {
            (0.0, false) => -self.link.tail(eta),
            (1.0, true) => self.link.tail(eta),
            _ => (y - mu) / f64::EPSILON.copysign(dmu_deta),
        }
    }

    /// The mean at a linear predictor.
    pub(super) fn mean_at<'p>(&self, eta: RowExpr<'p>) -> InverseLink<'p> {
        self.link.inverse_link(eta, self.variance == Variance::Binomial)
    }

    fn one(&self, program: &Program, value: f64) -> f64 {
        let (column, mut out) = ([value], [f64::NAN]);
        let inputs = [Input::Real(&column), Input::Real(&column), Input::Real(&column)];
        let _ = program.run::<f64>(&inputs, 1, &mut [Output::Real(&mut out)]);
        out[0]
    }
}

/// The constant that (dμ/dη) / V is for a canonical link.
fn canonical(family: &Family) -> Option<f64> {
    match (family.link, family.variance) {
        (Link::Logit, Variance::Binomial) => Some(1.0),
        (Link::Identity, Variance::Constant) => Some(1.0),
        (Link::Log, Variance::Power(1.0)) => Some(1.0),
        (link, Variance::Power(k)) => match link.exponent() {
            // μ = η^(1/λ): dμ/dη = μ^(1−λ) / λ
            Some(lambda) if lambda != 0.0 && 1.0 - lambda == k => Some(1.0 / lambda),
            _ => None,
        },
        _ => None,
    }
}

/// A step of Fisher scoring, and where it is the `last` one what is reported.
fn step(family: &Family, weighted: bool, trials: Trials, last: bool) -> Program {
    let program = RowProgram::default();
    let row = Row::new(&program, weighted, trials);
    let mean = family.mean_at(row.eta);
    let residual = family.variance.residual(row.response, &mean);
    let variance = family.variance.at(&mean);
    // 1. weight and score
    let (weight, score) = weight_and_score(family, &row, &mean, (residual, variance));
    // 2. the deviance; NaN tells of a row out of range
    let unit = family
        .variance
        .deviance(row.response, &mean, trials == Trials::Single);
    let in_range = [mean.valid, range(family, &mean)];
    let deviance = (in_range.into_iter().flatten()).fold(row.weigh(unit), |deviance, condition| {
        condition.then(deviance, f64::NAN)
    });
    for value in [weight, score, deviance] {
        program.output(value);
    }
    // 3. what is reported
    if last {
        program.output(row.weigh(square_over(residual, variance)));
        program.output(match family.variance {
            Variance::Binomial => mean.mu.min(mean.one_minus_mu),
            _ => mean.mu,
        });
        program.output(likelihood(family, &row, &mean, deviance, trials));
        let size = size_of_terms(family, &row, &mean, trials);
        program.output(row.weigh(square_over(size, variance)));
        // the deviance residual
        program.output(residual.signum() * deviance.max(0.0).sqrt());
        let elasticity = elasticity(family, row.eta, &mean, (variance, weight));
        for value in [elasticity, elasticity * row.eta] {
            program.output((0..LARGEST.ilog2()).fold(value, |value, _| value.square()));
        }
    }
    program.finish()
}

/// W = w (dμ/dη)² / V and s = w (y − μ) (dμ/dη) / V. For a canonical link (dμ/dη) / V is a constant q: W = w q dμ/dη,
/// s = w q (y − μ).
fn weight_and_score<'p>(
    family: &Family,
    row: &Row<'p>,
    mean: &InverseLink<'p>,
    (residual, variance): (RowExpr<'p>, RowExpr<'p>),
) -> (RowExpr<'p>, RowExpr<'p>) {
    match canonical(family) {
        Some(1.0) => (row.weigh(mean.dmu_deta), row.weigh(residual)),
        Some(q) => (row.weigh(q * mean.dmu_deta), row.weigh(q * residual)),
        None => {
            let ratio = mean.dmu_deta / variance;
            // a row whose mean has left the range of numbers says nothing, as in R where dμ/dη is 0
            let ratio = row.weigh(ratio.is_finite().then(ratio, 0.0));
            (ratio * mean.dmu_deta, ratio * residual)
        }
    }
}

/// The size of the terms that y − μ is the difference of, to which its rounding errors are relative. A share of trials is
/// itself rounded, which the failures feel by all of its last digit.
fn size_of_terms<'p>(family: &Family, row: &Row<'p>, mean: &InverseLink<'p>, trials: Trials) -> RowExpr<'p> {
    let (response, y) = (row.response, row.response.y);
    if family.variance != Variance::Binomial {
        return y.abs() + mean.mu.abs();
    }
    let size = y * mean.one_minus_mu + response.one_minus_y() * mean.mu;
    match trials {
        Trials::Several => size + response.is_one().then(0.0, 0.125 * y),
        _ => size,
    }
}

/// The elasticity of the working weight, d log W / dη = 2 μ″ / μ′ − μ′ V′ / V; 0 where W is, or no number. Of a canonical
/// link that is μ″ / μ′, of η = μ^λ and V = μ^k it is (2/λ − 2 − k/λ) / η: for the logarithm 2 − k.
fn elasticity<'p>(
    family: &Family,
    eta: RowExpr<'p>,
    mean: &InverseLink<'p>,
    (variance, weight): (RowExpr<'p>, RowExpr<'p>),
) -> RowExpr<'p> {
    let all = match (family.link.exponent(), family.variance) {
        (Some(0.0), Variance::Power(k)) => eta.program().number(2.0 - k),
        (Some(lambda), Variance::Power(k)) => ((2.0 - k) / lambda - 2.0) / eta,
        _ => {
            let curvature = family.link.curvature(eta, mean);
            match canonical(family) {
                Some(_) => curvature,
                None => {
                    let derivative = family.variance.derivative(mean, variance);
                    2.0 * curvature - mean.dmu_deta / variance * derivative
                }
            }
        }
    };
    weight.ne(0.0).and(all.is_finite()).then(all, 0.0)
}

/// a² / V; 0 where a is, as at a mean that is an end of its range to the last digit, where V is 0 too.
fn square_over<'p>(a: RowExpr<'p>, variance: RowExpr<'p>) -> RowExpr<'p> {
    a.ne(0.0).then(a / variance * a, 0.0)
}

/// The range check of a mean, where the link can leave the variance's range.
fn range<'p>(family: &Family, mean: &InverseLink<'p>) -> Option<RowExpr<'p>> {
    let inside = match family.link {
        Link::Logit | Link::Probit | Link::Cauchit | Link::Cloglog => true,
        Link::Log | Link::InverseSquare | Link::Power(_) | Link::Sqrt => {
            family.variance != Variance::Binomial
        }
        Link::Identity | Link::Inverse => false,
    };
    if inside { None } else { family.variance.valid(mean) }
}

fn deviance(family: &Family, weighted: bool, trials: Trials) -> Program {
    let program = RowProgram::default();
    let row = Row::new(&program, weighted, trials);
    let mean = family.mean_at(row.eta);
    let unit = family
        .variance
        .deviance(row.response, &mean, trials == Trials::Single);
    program.output(row.weigh(unit));
    program.finish()
}

fn inverse_link(family: &Family) -> Program {
    let program = RowProgram::default();
    let mean = family.mean_at(program.input(1));
    program.output(mean.mu);
    program.output(mean.dmu_deta);
    program.finish()
}
