//! Variance functions and the deviances that belong to them.

use nelder_device::{Binary, Slot, Unary};
use serde::{Deserialize, Serialize};

use super::Trials;
use super::link::Mean;
use super::sheet::Sheet;

/// A response y and, where successes and failures were counted, 1 − y to its own digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Response {
    pub y: Slot,
    pub rest: Option<Slot>,
}

impl Response {
    /// The inputs of a program: y (0), and of counted trials the share of the failures (4).
    pub fn of_row(s: &mut Sheet, trials: Trials) -> Response {
        Response {
            y: s.input(0),
            rest: trials.are_counted().then(|| s.input(4)),
        }
    }

    /// 1 − y.
    pub fn complement(&self, s: &mut Sheet) -> Slot {
        self.rest.unwrap_or_else(|| s.complement(self.y))
    }

    /// 1 in rows without failures, y = 1; 0 in the others.
    pub fn is_one(&self, s: &mut Sheet) -> Slot {
        match self.rest {
            Some(rest) => s.compare(Binary::Eq, rest, 0.0),
            None => s.compare(Binary::Eq, self.y, 1.0),
        }
    }
}

/// V(μ), the variance of a row of weight one over the dispersion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Variance {
    /// 1
    Constant,
    /// μ (1 − μ)
    Binomial,
    /// μ^k, k not 0
    Power(f64),
    /// μ + μ² / θ
    NegativeBinomial(f64),
}

impl Variance {
    /// R's name of the variance of a quasi-likelihood.
    pub fn name(&self) -> String {
        match self {
            Variance::Constant => "constant".into(),
            Variance::Binomial => "mu(1-mu)".into(),
            Variance::Power(1.0) => "mu".into(),
            Variance::Power(k) => format!("mu^{k}"),
            Variance::NegativeBinomial(theta) => format!("mu + mu^2/{theta}"),
        }
    }

    /// V at a mean.
    pub(super) fn at(&self, s: &mut Sheet, mean: &Mean) -> Slot {
        match *self {
            Variance::Constant => s.number(1.0),
            Variance::Binomial => s.mul(mean.mu, mean.complement),
            Variance::Power(k) => s.power(mean.mu, k),
            Variance::NegativeBinomial(theta) => {
                let square = s.square(mean.mu);
                let part = s.scale(square, 1.0 / theta);
                s.add(mean.mu, part)
            }
        }
    }

    /// dV/dμ, of a variance V.
    pub(super) fn rise(&self, s: &mut Sheet, mean: &Mean, variance: Slot) -> Slot {
        match *self {
            Variance::Constant => s.number(0.0),
            Variance::Binomial => s.sub(mean.complement, mean.mu),
            Variance::Power(k) => {
                let part = s.div(variance, mean.mu);
                s.scale(part, k)
            }
            Variance::NegativeBinomial(theta) => {
                let part = s.scale(mean.mu, 2.0 / theta);
                s.compare(Binary::Add, part, 1.0)
            }
        }
    }

    /// Whether μ is a mean that the variance allows; `None` where all numbers are, or where the link gives no other.
    pub(super) fn valid(&self, s: &mut Sheet, mean: &Mean) -> Option<Slot> {
        match self {
            Variance::Constant => None,
            Variance::Binomial => {
                let above = s.compare(Binary::Gt, mean.mu, 0.0);
                let below = s.compare(Binary::Gt, mean.complement, 0.0);
                Some(s.both(above, below))
            }
            _ => Some(s.compare(Binary::Gt, mean.mu, 0.0)),
        }
    }

    /// y − μ without loss where μ is close to 0 or 1.
    pub(super) fn residual(&self, s: &mut Sheet, response: Response, mean: &Mean) -> Slot {
        let y = response.y;
        match self {
            Variance::Binomial => {
                // y (1 − μ) − (1 − y) μ
                let rest = response.complement(s);
                let up = s.mul(y, mean.complement);
                let down = s.mul(rest, mean.mu);
                s.sub(up, down)
            }
            _ => s.sub(y, mean.mu),
        }
    }

    /// The deviance of a row of weight one; every y is 0 or 1 where `binary`.
    ///
    /// A deviance is the small difference of large terms where y is close to μ. With h(x) = x − log(1 + x), which is
    /// computed without cancellation, y log(y/μ) − (y − μ) = y h((μ − y)/y), and the others follow.
    pub(super) fn deviance(&self, s: &mut Sheet, response: Response, mean: &Mean, binary: bool) -> Slot {
        let (y, mu) = (response.y, mean.mu);
        match *self {
            Variance::Constant => {
                let r = s.sub(y, mu);
                s.square(r)
            }
            Variance::Binomial => {
                let log_mu = match mean.log_mu {
                    Some(l) => l,
                    None => s.apply(Unary::Log, mu),
                };
                let log_rest = match mean.log_complement {
                    Some(l) => l,
                    None => s.apply(Unary::Log, mean.complement),
                };
                let one = response.is_one(s);
                if binary {
                    let own = s.select(one, log_mu, log_rest);
                    return s.scale(own, -2.0);
                }
                let zero = s.compare(Binary::Eq, y, 0.0);
                let rest = response.complement(s);
                let r = self.residual(s, response, mean);
                let minus = s.apply(Unary::Neg, r);
                let up = excess(s, y, minus);
                let down = excess(s, rest, r);
                let between = s.add(up, down);
                let at_one = s.apply(Unary::Neg, log_mu);
                let at_zero = s.apply(Unary::Neg, log_rest);
                let inner = s.select(one, at_one, between);
                let all = s.select(zero, at_zero, inner);
                s.scale(all, 2.0)
            }
            Variance::Power(1.0) => {
                let d = s.sub(mu, y);
                let some = excess(s, y, d);
                let zero = s.compare(Binary::Eq, y, 0.0);
                let all = s.select(zero, mu, some);
                s.scale(all, 2.0)
            }
            Variance::Power(2.0) => {
                let r = s.sub(y, mu);
                let e = s.div(r, mu);
                let some = s.apply(Unary::XMinusLog1p, e);
                // R's limit for y = 0, which quasi allows: log 1 in place of log y
                let log_mu = s.apply(Unary::Log, mu);
                let at_zero = s.compare(Binary::Sub, log_mu, 1.0);
                let floor = s.number(0.0);
                let at_zero = s.max(at_zero, floor);
                let zero = s.compare(Binary::Eq, y, 0.0);
                let all = s.select(zero, at_zero, some);
                s.scale(all, 2.0)
            }
            Variance::Power(3.0) => {
                let r = s.sub(y, mu);
                let e = s.div(r, mu);
                let square = s.square(e);
                s.div(square, y)
            }
            Variance::Power(k) => {
                // 2 [ y (y^(1−k) − μ^(1−k)) / (1 − k) − (y^(2−k) − μ^(2−k)) / (2 − k) ], for y = 0 its limit: the
                // terms in y vanish for 1 < k < 2
                let (a, b) = (1.0 - k, 2.0 - k);
                let smallest = s.number(f64::MIN_POSITIVE);
                let positive = s.max(y, smallest);
                let (ya, yb) = (s.power(positive, a), s.power(y, b));
                let (ma, mb) = (s.power(mu, a), s.power(mu, b));
                let first = s.sub(ya, ma);
                let first = s.mul(y, first);
                let first = s.scale(first, 1.0 / a);
                let second = s.sub(yb, mb);
                let second = s.scale(second, 1.0 / b);
                let all = s.sub(first, second);
                s.scale(all, 2.0)
            }
            Variance::NegativeBinomial(theta) => {
                let d = s.sub(mu, y);
                let theta = s.number(theta);
                let shifted = s.add(y, theta);
                let some = excess(s, y, d);
                let zero = s.compare(Binary::Eq, y, 0.0);
                let first = s.select(zero, d, some);
                let second = excess(s, shifted, d);
                let all = s.sub(first, second);
                s.scale(all, 2.0)
            }
        }
    }
}

/// a h(d / a).
fn excess(s: &mut Sheet, a: Slot, d: Slot) -> Slot {
    let x = s.div(d, a);
    let h = s.apply(Unary::XMinusLog1p, x);
    s.mul(a, h)
}
