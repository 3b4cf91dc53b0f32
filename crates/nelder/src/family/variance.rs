//! Variance functions.

use nelder_device::RowExpr;
use serde::{Deserialize, Serialize};

use super::inverse_link::InverseLink;
use super::row::Response;

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

    /// V(μ)
    pub(super) fn at<'p>(&self, mean: &InverseLink<'p>) -> RowExpr<'p> {
        let mu = mean.mu;
        match *self {
            Variance::Constant => mu.program().number(1.0),
            Variance::Binomial => mu * mean.one_minus_mu,
            Variance::Power(k) => mu.powf(k),
            Variance::NegativeBinomial(theta) => mu + 1.0 / theta * mu.square(),
        }
    }

    /// dV/dμ, of a variance V.
    pub(super) fn derivative<'p>(&self, mean: &InverseLink<'p>, variance: RowExpr<'p>) -> RowExpr<'p> {
        let mu = mean.mu;
        match *self {
            Variance::Constant => mu.program().number(0.0),
            Variance::Binomial => mean.one_minus_mu - mu,
            Variance::Power(k) => k * (variance / mu),
            Variance::NegativeBinomial(theta) => 2.0 / theta * mu + 1.0,
        }
    }

    /// The condition that the variance allows μ, by row; `None` where it allows all numbers.
    pub(super) fn valid<'p>(&self, mean: &InverseLink<'p>) -> Option<RowExpr<'p>> {
        match self {
            Variance::Constant => None,
            Variance::Binomial => Some(mean.mu.gt(0.0).and(mean.one_minus_mu.gt(0.0))),
            _ => Some(mean.mu.gt(0.0)),
        }
    }

    /// y − μ, without loss where μ is close to 0 or 1.
    pub(super) fn residual<'p>(&self, response: Response<'p>, mean: &InverseLink<'p>) -> RowExpr<'p> {
        match self {
            Variance::Binomial => response.residual_of_share(mean),
            _ => response.y - mean.mu,
        }
    }
}
