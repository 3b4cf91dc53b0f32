//! Links: how the mean follows from the linear predictor. R's `make.link` and `power`.

use nelder_device::RowExpr;
use serde::{Deserialize, Serialize};

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

    /// True for η = μ^λ, λ not 0, which has the units of the data.
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

    /// Tests if all means lie between 0 and 1.
    pub(super) fn is_bounded(&self) -> bool {
        matches!(self, Link::Logit | Link::Probit | Link::Cauchit | Link::Cloglog)
    }

    /// Tests if positive means fall to 0 as η grows without end.
    pub(super) fn falls(&self) -> bool {
        match *self {
            Link::Inverse | Link::InverseSquare => true,
            Link::Power(lambda) => lambda < 0.0,
            _ => false,
        }
    }

    /// The link g: η = g(μ).
    pub(super) fn link<'p>(&self, mu: RowExpr<'p>) -> RowExpr<'p> {
        match *self {
            Link::Identity => mu,
            Link::Log => mu.ln(),
            Link::Inverse => 1.0 / mu,
            Link::InverseSquare => 1.0 / mu.square(),
            Link::Sqrt => mu.sqrt(),
            Link::Power(lambda) => mu.powf(lambda),
            Link::Logit => (mu / (1.0 - mu)).ln(),
            Link::Probit => mu.normal_quantile(),
            Link::Cauchit => (std::f64::consts::PI * (mu - 0.5)).tan(),
            // log(−log(1 − μ))
            Link::Cloglog => (-(-mu).ln_1p()).ln(),
        }
    }
}
