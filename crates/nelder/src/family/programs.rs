//! What a pass runs on its rows: the programs of a family.

use nelder_device::{Binary, Input, Output, Program, Slot, Unary};

use super::sheet::Sheet;
use super::variance::Response;
use super::{Criterion, Family, FamilyName, Link, Trials, Variance};

/// Where the linear predictor comes from in the first pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// R's starting values of the family.
    Family,
    /// Means that are given.
    Mean,
    /// Linear predictors that are given.
    Predictor,
}

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

struct Row {
    response: Response,
    eta: Slot,
    weight: Option<Slot>,
}

impl Row {
    fn new(s: &mut Sheet, weighted: bool, trials: Trials) -> Row {
        Row {
            response: Response::of_row(s, trials),
            eta: s.input(1),
            weight: weighted.then(|| s.input(2)),
        }
    }

    fn weigh(&self, s: &mut Sheet, value: Slot) -> Slot {
        match self.weight {
            Some(w) => s.mul(w, value),
            None => value,
        }
    }
}

impl Programs {
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
    /// Whether Fisher scoring is Newton's method: the link is the canonical one of the variance.
    pub fn is_canonical(&self) -> bool {
        canonical(self).is_some()
    }

    /// Whether a row enters by its residual y − η alone: the identity with a constant variance, least squares. Shifting y and η
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

    pub(super) fn mean_at(&self, s: &mut Sheet, eta: Slot) -> super::link::Mean {
        self.link
            .inverse_link(s, eta, self.variance == Variance::Binomial)
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

fn step(family: &Family, weighted: bool, trials: Trials, last: bool) -> Program {
    let mut sheet = Sheet::default();
    let s = &mut sheet;
    let row = Row::new(s, weighted, trials);
    let mean = family.mean_at(s, row.eta);
    let residual = family.variance.residual(s, row.response, &mean);
    // 1. weight and score
    let variance = family.variance.at(s, &mean);
    let (weight, score) = match canonical(family) {
        Some(q) => {
            let (mut weight, mut score) = (mean.dmu_deta, residual);
            if q != 1.0 {
                weight = s.scale(weight, q);
                score = s.scale(score, q);
            }
            (row.weigh(s, weight), row.weigh(s, score))
        }
        None => {
            let ratio = s.div(mean.dmu_deta, variance);
            // a row whose mean has left the range of numbers says nothing, as in R where dμ/dη is 0
            let finite = s.apply(Unary::IsFinite, ratio);
            let zero = s.number(0.0);
            let ratio = s.select(finite, ratio, zero);
            let ratio = row.weigh(s, ratio);
            (s.mul(ratio, mean.dmu_deta), s.mul(ratio, residual))
        }
    };
    // 2. the deviance; NaN tells of a row out of range
    let unit = family
        .variance
        .deviance(s, row.response, &mean, trials == Trials::Single);
    let mut own = row.weigh(s, unit);
    let valid = [mean.valid, range(family, s, &mean)];
    for condition in valid.into_iter().flatten() {
        let none = s.number(f64::NAN);
        own = s.select(condition, own, none);
    }
    let mut out = vec![weight, score, own];
    if last {
        let pearson = over(s, residual, variance);
        out.push(row.weigh(s, pearson));
        out.push(match family.variance {
            Variance::Binomial => s.min(mean.mu, mean.complement),
            _ => mean.mu,
        });
        out.push(likelihood(family, s, &row, &mean, own, trials));
        let size = size_of_terms(family, s, &row, &mean, trials);
        let blur = over(s, size, variance);
        out.push(row.weigh(s, blur));
        let zero = s.number(0.0);
        let size = s.max(own, zero);
        let size = s.apply(Unary::Sqrt, size);
        let sign = s.apply(Unary::Sign, residual);
        out.push(s.mul(sign, size));
        let elasticity = elasticity(family, s, row.eta, &mean, variance, weight);
        let by_size = s.mul(elasticity, row.eta);
        for a in [elasticity, by_size] {
            let power = (1..LARGEST.ilog2()).fold(s.square(a), |a, _| s.square(a));
            out.push(power);
        }
    }
    out.into_iter().for_each(|slot| {
        sheet.0.output(slot);
    });
    sheet.0
}

/// The size of the terms that y − μ is the difference of, to which its rounding errors are relative. A share of trials is
/// itself rounded, which the failures feel by all of its last digit.
fn size_of_terms(
    family: &Family,
    s: &mut Sheet,
    row: &Row,
    mean: &super::link::Mean,
    trials: Trials,
) -> Slot {
    let y = row.response.y;
    if family.variance != Variance::Binomial {
        let size = s.apply(Unary::Abs, y);
        let own_size = s.apply(Unary::Abs, mean.mu);
        return s.add(size, own_size);
    }
    let rest = row.response.complement(s);
    let up = s.mul(y, mean.complement);
    let down = s.mul(rest, mean.mu);
    let size = s.add(up, down);
    if trials != Trials::Several {
        return size;
    }
    let one = row.response.is_one(s);
    let none = s.number(0.0);
    let rounded = s.scale(y, 0.125);
    let rounded = s.select(one, none, rounded);
    s.add(size, rounded)
}

/// The elasticity of the working weight, d log W / dη = 2 μ″ / μ′ − μ′ V′ / V; 0 where W is, or no number. Of a canonical
/// link that is μ″ / μ′, of η = μ^λ and V = μ^k it is (2/λ − 2 − k/λ) / η: for the logarithm 2 − k.
fn elasticity(
    family: &Family,
    s: &mut Sheet,
    eta: Slot,
    mean: &super::link::Mean,
    variance: Slot,
    weight: Slot,
) -> Slot {
    let all = match (family.link.exponent(), family.variance) {
        (Some(0.0), Variance::Power(k)) => s.number(2.0 - k),
        (Some(lambda), Variance::Power(k)) => {
            let factor = s.number((2.0 - k) / lambda - 2.0);
            s.div(factor, eta)
        }
        _ => {
            let bend = family.link.bend(s, eta, mean);
            match canonical(family) {
                Some(_) => bend,
                None => {
                    let first = s.scale(bend, 2.0);
                    let rise = family.variance.rise(s, mean, variance);
                    let second = s.div(mean.dmu_deta, variance);
                    let second = s.mul(second, rise);
                    s.sub(first, second)
                }
            }
        }
    };
    let some = s.compare(Binary::Ne, weight, 0.0);
    let finite = s.apply(Unary::IsFinite, all);
    let counted = s.both(some, finite);
    let zero = s.number(0.0);
    s.select(counted, all, zero)
}

/// a² / V; 0 where a is, as at a mean that is an end of its range to the last digit, where V is 0 too.
fn over(s: &mut Sheet, a: Slot, variance: Slot) -> Slot {
    let ratio = s.div(a, variance);
    let all = s.mul(ratio, a);
    let some = s.compare(Binary::Ne, a, 0.0);
    let zero = s.number(0.0);
    s.select(some, all, zero)
}

/// The range check of a mean, where the link can leave the variance's range.
fn range(family: &Family, s: &mut Sheet, mean: &super::link::Mean) -> Option<Slot> {
    let inside = match family.link {
        Link::Logit | Link::Probit | Link::Cauchit | Link::Cloglog => true,
        Link::Log | Link::InverseSquare | Link::Power(_) | Link::Sqrt => {
            family.variance != Variance::Binomial
        }
        Link::Identity | Link::Inverse => false,
    };
    if inside {
        None
    } else {
        family.variance.valid(s, mean)
    }
}

fn deviance(family: &Family, weighted: bool, trials: Trials) -> Program {
    let mut sheet = Sheet::default();
    let s = &mut sheet;
    let row = Row::new(s, weighted, trials);
    let mean = family.mean_at(s, row.eta);
    let unit = family
        .variance
        .deviance(s, row.response, &mean, trials == Trials::Single);
    let own = row.weigh(s, unit);
    sheet.0.output(own);
    sheet.0
}

fn inverse_link(family: &Family) -> Program {
    let mut sheet = Sheet::default();
    let eta = sheet.input(1);
    let mean = family.mean_at(&mut sheet, eta);
    sheet.0.output(mean.mu);
    sheet.0.output(mean.dmu_deta);
    sheet.0
}

fn start_of(family: &Family, weighted: bool, start: Start) -> Program {
    let mut sheet = Sheet::default();
    let s = &mut sheet;
    let eta = match start {
        Start::Predictor => s.input(1),
        Start::Mean => {
            let mu = s.input(1);
            family.link.link(s, mu)
        }
        Start::Family => {
            let y = s.input(0);
            let mu = match (family.name, family.variance) {
                (FamilyName::Quasi, Variance::Binomial) => {
                    let (low, high) = (s.number(0.001), s.number(0.999));
                    let below = s.min(y, high);
                    s.max(below, low)
                }
                (_, Variance::Binomial) => {
                    let weight = if weighted { s.input(2) } else { s.number(1.0) };
                    let half = s.number(0.5);
                    let one = s.number(1.0);
                    let top = s.mul(weight, y);
                    let top = s.add(top, half);
                    let bottom = s.add(weight, one);
                    s.div(top, bottom)
                }
                (FamilyName::Poisson | FamilyName::Quasipoisson, _) => {
                    let tenth = s.number(0.1);
                    s.add(y, tenth)
                }
                (FamilyName::Quasi | FamilyName::Tweedie, Variance::Power(_)) => {
                    let zero = s.compare(Binary::Eq, y, 0.0);
                    let tenth = s.scale(zero, 0.1);
                    s.add(y, tenth)
                }
                (_, Variance::NegativeBinomial(_)) => {
                    let zero = s.compare(Binary::Eq, y, 0.0);
                    let sixth = s.scale(zero, 1.0 / 6.0);
                    s.add(y, sixth)
                }
                _ => y,
            };
            family.link.link(s, mu)
        }
    };
    sheet.0.output(eta);
    sheet.0
}

/// R's `MASS::theta.ml`: ψ(θ+y) − ψ(θ) + log θ + 1 − log(θ+μ) − (y+θ)/(μ+θ) and the negative of its derivative.
fn theta(family: &Family, weighted: bool) -> Program {
    let mut sheet = Sheet::default();
    let Some(theta) = family.theta() else {
        return sheet.0;
    };
    let s = &mut sheet;
    let row = Row::new(s, weighted, Trials::Several);
    let y = row.response.y;
    let mu = family.mean_at(s, row.eta).mu;
    let t = s.number(theta);
    let (count, mean) = (s.add(y, t), s.add(mu, t));
    // log θ + 1 − log(θ+μ) − (y+θ)/(μ+θ) = −log(1 + μ/θ) + (μ−y)/(μ+θ)
    let (own, base) = (s.apply(Unary::Digamma, count), s.apply(Unary::Digamma, t));
    let score = s.sub(own, base);
    let share = s.div(mu, t);
    let log = s.apply(Unary::Log1p, share);
    let score = s.sub(score, log);
    let excess = s.sub(mu, y);
    let part = s.div(excess, mean);
    let score = s.add(score, part);
    // −ψ'(θ+y) + ψ'(θ) − 1/θ + 2/(μ+θ) − (y+θ)/(μ+θ)² = … − μ/(θ(μ+θ)) + (μ−y)/(μ+θ)²
    let (own, base) = (s.apply(Unary::Trigamma, count), s.apply(Unary::Trigamma, t));
    let information = s.sub(base, own);
    let ratio = s.div(share, mean);
    let information = s.sub(information, ratio);
    let square = s.div(part, mean);
    let information = s.add(information, square);
    let (score, information) = (row.weigh(s, score), row.weigh(s, information));
    sheet.0.output(score);
    sheet.0.output(information);
    sheet.0
}

/// What a row adds to −2 log-likelihood, up to what the criterion takes from sums over rows.
///
/// −2 log-likelihood is the deviance and a part that depends on y alone. With D(z) = log z! − log(√(2πz) (z/e)^z)
/// (Loader 2000): for a Poisson count D(y) + log(2πy)/2, for x of m trials D(x) + D(m−x) − D(m) + log(2πx(m−x)/m)/2.
fn likelihood(
    family: &Family,
    s: &mut Sheet,
    row: &Row,
    mean: &super::link::Mean,
    own: Slot,
    trials: Trials,
) -> Slot {
    match family.criterion() {
        Criterion::Poisson => {
            let part = point(s, row.response.y);
            let part = row.weigh(s, part);
            let part = s.scale(part, 2.0);
            s.add(own, part)
        }
        Criterion::Binomial => {
            if row.weight.is_none() && trials == Trials::Single {
                return own;
            }
            // R rounds trials and successes, whose share then need not be y
            let m = match (trials, row.weight) {
                (Trials::CountedAndWeighted, _) => s.input(3),
                (_, Some(w)) => w,
                (_, None) => s.number(1.0),
            };
            let x = s.mul(m, row.response.y);
            let (x, whole) = (s.round(x), s.round(m));
            let rest = s.sub(whole, x);
            let share = Response {
                y: s.div(x, whole),
                rest: row.response.rest.is_some().then(|| s.div(rest, whole)),
            };
            let unit = Variance::Binomial.deviance(s, share, mean, false);
            let fit = s.mul(whole, unit);
            let (all, mine, others) = (point(s, whole), point(s, x), point(s, rest));
            let sum = s.add(mine, others);
            let sum = s.sub(sum, all);
            let sum = s.scale(sum, 2.0);
            let mut value = s.add(fit, sum);
            if let (Trials::CountedAndWeighted, Some(w)) = (trials, row.weight) {
                let part = s.div(w, m);
                value = s.mul(part, value);
            }
            // no trial, no likelihood
            let none = s.compare(Binary::Le, whole, 0.0);
            let zero = s.number(0.0);
            s.select(none, zero, value)
        }
        Criterion::NegativeBinomial => {
            // log θ^θ Γ(θ+y) / (Γ(θ) y! ) y^y / (θ+y)^(θ+y) by D: D(θ+y) − D(θ) − D(y) and logarithms
            let theta = family.theta().unwrap_or(f64::NAN);
            let t = s.number(theta);
            let sum = s.add(row.response.y, t);
            let (all, own_part) = (
                s.apply(Unary::StirlingError, sum),
                s.apply(Unary::StirlingError, t),
            );
            let count = point(s, row.response.y);
            let shift = s.div(row.response.y, t);
            let log = s.apply(Unary::Log1p, shift);
            let half = s.scale(log, 0.5);
            let part = s.add(count, own_part);
            let part = s.sub(part, all);
            let part = s.add(part, half);
            let part = row.weigh(s, part);
            let part = s.scale(part, 2.0);
            s.add(own, part)
        }
        // Σ w log y, for the criteria of gamma and inverse Gaussian; Σ log w for the normal one
        Criterion::Gamma | Criterion::InverseGaussian => {
            let log = s.apply(Unary::Log, row.response.y);
            row.weigh(s, log)
        }
        Criterion::Gaussian => match row.weight {
            Some(w) => s.apply(Unary::Log, w),
            None => s.number(0.0),
        },
        Criterion::None => s.number(0.0),
    }
}

/// D(z) + log(2πz)/2; 0 for z = 0.
fn point(s: &mut Sheet, z: Slot) -> Slot {
    let error = s.apply(Unary::StirlingError, z);
    let size = s.scale(z, std::f64::consts::TAU);
    let log = s.apply(Unary::Log, size);
    let log = s.scale(log, 0.5);
    let sum = s.add(error, log);
    let zero = s.compare(Binary::Eq, z, 0.0);
    let none = s.number(0.0);
    s.select(zero, none, sum)
}
