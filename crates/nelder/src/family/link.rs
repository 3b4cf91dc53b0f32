//! Links: how the mean follows from the linear predictor. R's `make.link` and `power`.

use nelder_device::{Binary, Slot, Unary};
use serde::{Deserialize, Serialize};

use super::sheet::Sheet;

/// A link function g: η = g(μ).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Link {
    /// η = μ
    Identity,
    /// η = log μ
    Log,
    /// η = 1 / μ
    Inverse,
    /// η = 1 / μ²
    InverseSquare,
    /// η = √μ
    Sqrt,
    /// η = log(μ / (1 − μ))
    Logit,
    /// η = Φ⁻¹(μ)
    Probit,
    /// η = tan(π (μ − 1/2))
    Cauchit,
    /// η = log(−log(1 − μ))
    Cloglog,
    /// η = μ^λ, λ not 0
    Power(f64),
}

/// What a link makes of η, each accurate relative to its own size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mean {
    /// μ
    pub mu: Slot,
    /// 1 − μ
    pub complement: Slot,
    /// dμ/dη
    pub dmu_deta: Slot,
    /// log μ, where it comes cheaper than by a logarithm.
    pub log_mu: Option<Slot>,
    /// log(1 − μ), likewise.
    pub log_complement: Option<Slot>,
    /// Whether η is in the link's domain; `None` where all numbers are.
    pub valid: Option<Slot>,
}

impl Link {
    /// R's name of the link.
    ///
    /// ```
    /// use nelder::family::Link;
    /// assert_eq!(Link::Power(1.0 / 3.0).name(), "mu^0.333");
    /// ```
    pub fn name(&self) -> String {
        match self {
            Link::Identity => "identity".into(),
            Link::Log => "log".into(),
            Link::Inverse => "inverse".into(),
            Link::InverseSquare => "1/mu^2".into(),
            Link::Sqrt => "sqrt".into(),
            Link::Logit => "logit".into(),
            Link::Probit => "probit".into(),
            Link::Cauchit => "cauchit".into(),
            Link::Cloglog => "cloglog".into(),
            Link::Power(lambda) => format!("mu^{}", (lambda * 1000.0).round() / 1000.0),
        }
    }

    /// The link with exponent `lambda`; the logarithm for 0.
    pub fn power(lambda: f64) -> Link {
        match lambda {
            0.0 => Link::Log,
            1.0 => Link::Identity,
            -1.0 => Link::Inverse,
            -2.0 => Link::InverseSquare,
            _ => Link::Power(lambda),
        }
    }

    /// Whether η is a power of the mean, which has the units of the data.
    pub(crate) fn is_power(&self) -> bool {
        self.exponent().is_some_and(|exponent| exponent != 0.0)
    }

    /// The exponent, for links that are a power of the mean.
    pub(super) fn exponent(&self) -> Option<f64> {
        match self {
            Link::Identity => Some(1.0),
            Link::Log => Some(0.0),
            Link::Inverse => Some(-1.0),
            Link::InverseSquare => Some(-2.0),
            Link::Sqrt => Some(0.5),
            Link::Power(lambda) => Some(*lambda),
            _ => None,
        }
    }

    /// μ / (dμ/dη) far out where μ tends to 0, (1 − μ) / (dμ/dη) where it tends to 1: what is left of the ratio where both
    /// are below the smallest numbers.
    pub(super) fn tail(&self, eta: f64) -> f64 {
        match self {
            Link::Identity => eta,
            Link::Log | Link::Logit => 1.0,
            Link::Inverse => -eta,
            Link::InverseSquare => -2.0 * eta,
            Link::Sqrt => 0.5 * eta,
            Link::Power(lambda) => lambda * eta,
            Link::Probit => {
                // Mills' ratio: 1/z − 1/z³ + 3/z⁵ − …
                let q = 1.0 / (eta * eta);
                let series = [11.0, 9.0, 7.0, 5.0, 3.0, 1.0];
                series.iter().fold(1.0, |rest, k| 1.0 - k * q * rest) / eta.abs()
            }
            Link::Cauchit => eta.abs(),
            Link::Cloglog if eta > 0.0 => (-eta).exp(),
            Link::Cloglog => 1.0,
        }
    }

    /// Whether all means lie between 0 and 1.
    pub(super) fn is_bounded(&self) -> bool {
        matches!(self, Link::Logit | Link::Probit | Link::Cauchit | Link::Cloglog)
    }

    /// μ″ / μ′, derivatives by η. For η = μ^λ that is (1/λ − 1) / η.
    pub(super) fn bend(&self, s: &mut Sheet, eta: Slot, mean: &Mean) -> Slot {
        match *self {
            Link::Identity => s.number(0.0),
            Link::Log => s.number(1.0),
            // 1 − 2μ
            Link::Logit => s.sub(mean.complement, mean.mu),
            Link::Probit => s.apply(Unary::Neg, eta),
            // −2η / (1 + η²), where μ′ = 1 / (π (1 + η²))
            Link::Cauchit => {
                let part = s.mul(eta, mean.dmu_deta);
                s.scale(part, -std::f64::consts::TAU)
            }
            // 1 − e^η
            Link::Cloglog => {
                let e = s.apply(Unary::Exp, eta);
                s.complement(e)
            }
            Link::Inverse | Link::InverseSquare | Link::Sqrt | Link::Power(_) => {
                let inverse = self.exponent().map_or(0.0, |lambda| 1.0 / lambda);
                let factor = s.number(inverse - 1.0);
                s.div(factor, eta)
            }
        }
    }

    /// Whether positive means fall to 0 as η grows without end.
    pub(super) fn falls(&self) -> bool {
        match *self {
            Link::Inverse | Link::InverseSquare => true,
            Link::Power(lambda) => lambda < 0.0,
            _ => false,
        }
    }

    /// μ, 1 − μ and dμ/dη at η. `bounded` says that means lie between 0 and 1, so that 1 − μ is wanted to its own digits.
    pub(super) fn inverse_link(&self, s: &mut Sheet, eta: Slot, bounded: bool) -> Mean {
        let plain = |s: &mut Sheet, mu: Slot, dmu_deta: Slot, valid: Option<Slot>| Mean {
            mu,
            complement: s.complement(mu),
            dmu_deta,
            log_mu: None,
            log_complement: None,
            valid,
        };
        match *self {
            Link::Identity => {
                let one = s.number(1.0);
                plain(s, eta, one, None)
            }
            Link::Log => {
                let mu = s.apply(Unary::Exp, eta);
                let less = s.apply(Unary::Expm1, eta);
                Mean {
                    mu,
                    complement: s.apply(Unary::Neg, less),
                    dmu_deta: mu,
                    log_mu: Some(eta),
                    log_complement: None,
                    valid: None,
                }
            }
            Link::Inverse => {
                let mu = s.inverse(eta);
                let square = s.square(mu);
                let dmu_deta = s.apply(Unary::Neg, square);
                let valid = s.compare(Binary::Ne, eta, 0.0);
                let mut mean = plain(s, mu, dmu_deta, Some(valid));
                if bounded {
                    let above = s.compare(Binary::Sub, eta, 1.0);
                    mean.complement = s.mul(above, mu);
                }
                mean
            }
            Link::InverseSquare => {
                let root = s.apply(Unary::Sqrt, eta);
                let mu = s.inverse(root);
                let part = s.div(mu, eta);
                let dmu_deta = s.scale(part, -0.5);
                let valid = s.compare(Binary::Gt, eta, 0.0);
                let mut mean = plain(s, mu, dmu_deta, Some(valid));
                if bounded {
                    // 1 − 1/√η = (η − 1) / (√η (√η + 1))
                    let above = s.compare(Binary::Sub, eta, 1.0);
                    let sum = s.compare(Binary::Add, root, 1.0);
                    let share = s.div(above, sum);
                    mean.complement = s.mul(share, mu);
                }
                mean
            }
            Link::Sqrt => {
                let mu = s.square(eta);
                let dmu_deta = s.add(eta, eta);
                let valid = s.compare(Binary::Gt, eta, 0.0);
                let mut mean = plain(s, mu, dmu_deta, Some(valid));
                if bounded {
                    let below = s.complement(eta);
                    let sum = s.compare(Binary::Add, eta, 1.0);
                    mean.complement = s.mul(below, sum);
                }
                mean
            }
            Link::Power(lambda) => {
                let mu = s.power(eta, 1.0 / lambda);
                let part = s.div(mu, eta);
                let dmu_deta = s.scale(part, 1.0 / lambda);
                let valid = s.compare(Binary::Gt, eta, 0.0);
                let mut mean = plain(s, mu, dmu_deta, Some(valid));
                if bounded {
                    let log = s.apply(Unary::Log, eta);
                    let log = s.scale(log, 1.0 / lambda);
                    let less = s.apply(Unary::Expm1, log);
                    mean.complement = s.apply(Unary::Neg, less);
                }
                mean
            }
            Link::Logit => {
                // with e = exp(−|η|): the smaller of μ and 1 − μ is e / (1 + e), the larger 1 / (1 + e)
                let size = s.apply(Unary::Abs, eta);
                let size = s.apply(Unary::Neg, size);
                let e = s.apply(Unary::Exp, size);
                let one = s.number(1.0);
                let sum = s.add(one, e);
                let large = s.inverse(sum);
                let small = s.mul(e, large);
                let positive = s.compare(Binary::Ge, eta, 0.0);
                let l = s.apply(Unary::Log1p, e);
                let zero = s.number(0.0);
                let below = s.min(eta, zero);
                let above = s.max(eta, zero);
                let both = s.add(above, l);
                Mean {
                    mu: s.select(positive, large, small),
                    complement: s.select(positive, small, large),
                    dmu_deta: s.mul(small, large),
                    log_mu: Some(s.sub(below, l)),
                    log_complement: Some(s.apply(Unary::Neg, both)),
                    valid: None,
                }
            }
            Link::Probit => {
                let minus = s.apply(Unary::Neg, eta);
                let square = s.square(eta);
                let half = s.scale(square, -0.5);
                let density = s.apply(Unary::Exp, half);
                Mean {
                    mu: s.apply(Unary::NormalCdf, eta),
                    complement: s.apply(Unary::NormalCdf, minus),
                    // 1 / √(2π)
                    dmu_deta: s.scale(density, 0.398_942_280_401_432_677_94),
                    log_mu: None,
                    log_complement: None,
                    valid: None,
                }
            }
            Link::Cauchit => {
                // the tail beyond |η| is atan(1 / |η|) / π
                let size = s.apply(Unary::Abs, eta);
                let inverse = s.inverse(size);
                let angle = s.apply(Unary::Atan, inverse);
                let tail = s.scale(angle, std::f64::consts::FRAC_1_PI);
                let rest = s.complement(tail);
                let positive = s.compare(Binary::Ge, eta, 0.0);
                let square = s.square(eta);
                let one = s.number(1.0);
                let sum = s.add(one, square);
                let density = s.inverse(sum);
                Mean {
                    mu: s.select(positive, rest, tail),
                    complement: s.select(positive, tail, rest),
                    dmu_deta: s.scale(density, std::f64::consts::FRAC_1_PI),
                    log_mu: None,
                    log_complement: None,
                    valid: None,
                }
            }
            Link::Cloglog => {
                let most = s.number(700.0);
                let eta = s.min(eta, most);
                let e = s.apply(Unary::Exp, eta);
                let minus = s.apply(Unary::Neg, e);
                let complement = s.apply(Unary::Exp, minus);
                let less = s.apply(Unary::Expm1, minus);
                Mean {
                    mu: s.apply(Unary::Neg, less),
                    complement,
                    dmu_deta: s.mul(e, complement),
                    log_mu: None,
                    log_complement: Some(minus),
                    valid: None,
                }
            }
        }
    }

    /// The link g: η = g(μ).
    pub(super) fn link(&self, s: &mut Sheet, mu: Slot) -> Slot {
        match *self {
            Link::Identity => mu,
            Link::Log => s.apply(Unary::Log, mu),
            Link::Inverse => s.inverse(mu),
            Link::InverseSquare => {
                let square = s.square(mu);
                s.inverse(square)
            }
            Link::Sqrt => s.apply(Unary::Sqrt, mu),
            Link::Power(lambda) => s.power(mu, lambda),
            Link::Logit => {
                let rest = s.complement(mu);
                let odds = s.div(mu, rest);
                s.apply(Unary::Log, odds)
            }
            Link::Probit => s.apply(Unary::NormalQuantile, mu),
            Link::Cauchit => {
                let about = s.compare(Binary::Sub, mu, 0.5);
                let angle = s.scale(about, std::f64::consts::PI);
                s.apply(Unary::Tan, angle)
            }
            Link::Cloglog => {
                let minus = s.apply(Unary::Neg, mu);
                let log = s.apply(Unary::Log1p, minus);
                let log = s.apply(Unary::Neg, log);
                s.apply(Unary::Log, log)
            }
        }
    }
}
