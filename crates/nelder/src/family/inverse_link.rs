//! Inverse links: the mean at a linear predictor, with what else a pass needs of it.
//!
//! μ, 1 − μ and dμ/dη are each accurate relative to their own size, so that neither a rare success nor a rare failure is lost.

use nelder_device::RowExpr;

use super::Link;

/// The mean at a linear predictor η, by row.
#[derive(Clone, Copy, Debug)]
pub(super) struct InverseLink<'p> {
    /// μ = g⁻¹(η)
    pub mu: RowExpr<'p>,
    /// 1 − μ
    pub one_minus_mu: RowExpr<'p>,
    /// dμ/dη
    pub dmu_deta: RowExpr<'p>,
    /// log μ, where it comes cheaper than by a logarithm.
    pub log_mu: Option<RowExpr<'p>>,
    /// log(1 − μ), likewise.
    pub log_one_minus_mu: Option<RowExpr<'p>>,
    /// The condition that η is in the link's domain; `None` where that is all numbers.
    pub valid: Option<RowExpr<'p>>,
}

impl<'p> InverseLink<'p> {
    fn of(mu: RowExpr<'p>, dmu_deta: RowExpr<'p>) -> Self {
        InverseLink {
            mu,
            one_minus_mu: 1.0 - mu,
            dmu_deta,
            log_mu: None,
            log_one_minus_mu: None,
            valid: None,
        }
    }

    fn valid(self, condition: RowExpr<'p>) -> Self {
        InverseLink {
            valid: Some(condition),
            ..self
        }
    }

    /// 1 − μ in a form that keeps its digits where μ is close to 1.
    fn one_minus_mu(self, one_minus_mu: RowExpr<'p>) -> Self {
        InverseLink { one_minus_mu, ..self }
    }
}

impl Link {
    /// μ, 1 − μ and dμ/dη at η. `bounded` says that means lie between 0 and 1, so that 1 − μ is wanted to its own digits.
    pub(super) fn inverse_link<'p>(&self, eta: RowExpr<'p>, bounded: bool) -> InverseLink<'p> {
        match *self {
            Link::Identity => InverseLink::of(eta, eta.program().number(1.0)),
            Link::Log => inverse_log(eta),
            Link::Inverse => inverse_reciprocal(eta, bounded),
            Link::InverseSquare => inverse_reciprocal_square(eta, bounded),
            Link::Sqrt => inverse_root(eta, bounded),
            Link::Power(lambda) => inverse_power(eta, lambda, bounded),
            Link::Logit => inverse_logit(eta),
            Link::Probit => inverse_probit(eta),
            Link::Cauchit => inverse_cauchit(eta),
            Link::Cloglog => inverse_cloglog(eta),
        }
    }

    /// μ″ / μ′, derivatives by η. For η = μ^λ that is (1/λ − 1) / η.
    pub(super) fn curvature<'p>(&self, eta: RowExpr<'p>, mean: &InverseLink<'p>) -> RowExpr<'p> {
        match *self {
            Link::Identity => eta.program().number(0.0),
            Link::Log => eta.program().number(1.0),
            // 1 − 2μ
            Link::Logit => mean.one_minus_mu - mean.mu,
            Link::Probit => -eta,
            // −2η / (1 + η²), where μ′ = 1 / (π (1 + η²))
            Link::Cauchit => -std::f64::consts::TAU * (eta * mean.dmu_deta),
            // 1 − e^η
            Link::Cloglog => 1.0 - eta.exp(),
            Link::Inverse | Link::InverseSquare | Link::Sqrt | Link::Power(_) => {
                let inverse = self.exponent().map_or(0.0, |lambda| 1.0 / lambda);
                (inverse - 1.0) / eta
            }
        }
    }
}

/// μ = e^η. 1 − μ = −(e^η − 1), whose digits `exp_m1` keeps.
fn inverse_log(eta: RowExpr<'_>) -> InverseLink<'_> {
    let mu = eta.exp();
    InverseLink {
        log_mu: Some(eta),
        one_minus_mu: -eta.exp_m1(),
        ..InverseLink::of(mu, mu)
    }
}

/// μ = 1/η, dμ/dη = −μ². Stable: 1 − μ = (η − 1) μ.
fn inverse_reciprocal(eta: RowExpr<'_>, bounded: bool) -> InverseLink<'_> {
    let mu = 1.0 / eta;
    let found = InverseLink::of(mu, -mu.square()).valid(eta.ne(0.0));
    match bounded {
        true => found.one_minus_mu((eta - 1.0) * mu),
        false => found,
    }
}

/// μ = 1/√η, dμ/dη = −μ / (2η). Stable: 1 − 1/√η = (η − 1) / (√η (√η + 1)).
fn inverse_reciprocal_square(eta: RowExpr<'_>, bounded: bool) -> InverseLink<'_> {
    let root = eta.sqrt();
    let mu = 1.0 / root;
    let found = InverseLink::of(mu, -0.5 * (mu / eta)).valid(eta.gt(0.0));
    match bounded {
        true => found.one_minus_mu((eta - 1.0) / (root + 1.0) * mu),
        false => found,
    }
}

/// μ = η², dμ/dη = 2η. Stable: 1 − η² = (1 − η)(1 + η).
fn inverse_root(eta: RowExpr<'_>, bounded: bool) -> InverseLink<'_> {
    let found = InverseLink::of(eta.square(), eta + eta).valid(eta.gt(0.0));
    match bounded {
        true => found.one_minus_mu((1.0 - eta) * (eta + 1.0)),
        false => found,
    }
}

/// μ = η^(1/λ), dμ/dη = μ / (λη). Stable: 1 − μ = −(e^(log η / λ) − 1).
fn inverse_power(eta: RowExpr<'_>, lambda: f64, bounded: bool) -> InverseLink<'_> {
    let mu = eta.powf(1.0 / lambda);
    let found = InverseLink::of(mu, 1.0 / lambda * (mu / eta)).valid(eta.gt(0.0));
    match bounded {
        true => found.one_minus_mu(-(1.0 / lambda * eta.ln()).exp_m1()),
        false => found,
    }
}

/// Book: μ = 1 / (1 + e^−η), dμ/dη = μ (1 − μ). With e = e^−|η| ≤ 1 the smaller of μ and 1 − μ, e / (1 + e), keeps its digits,
/// and nothing overflows.
fn inverse_logit(eta: RowExpr<'_>) -> InverseLink<'_> {
    let e = (-eta.abs()).exp();
    let larger = 1.0 / (1.0 + e);
    let smaller = e * larger;
    let right = eta.ge(0.0);
    InverseLink {
        mu: right.then(larger, smaller),
        one_minus_mu: right.then(smaller, larger),
        dmu_deta: smaller * larger,
        log_mu: Some(eta.min(0.0) - e.ln_1p()),
        log_one_minus_mu: Some(-(eta.max(0.0) + e.ln_1p())),
        valid: None,
    }
}

/// μ = Φ(η), 1 − μ = Φ(−η), dμ/dη = e^(−η²/2) / √(2π).
fn inverse_probit(eta: RowExpr<'_>) -> InverseLink<'_> {
    const ONE_OVER_ROOT_TWO_PI: f64 = 0.398_942_280_401_432_677_94;
    let density = ONE_OVER_ROOT_TWO_PI * (-0.5 * eta.square()).exp();
    InverseLink::of(eta.normal_cdf(), density).one_minus_mu((-eta).normal_cdf())
}

/// Book: μ = 1/2 + arctan(η) / π, dμ/dη = 1 / (π (1 + η²)). The tail beyond |η| is arctan(1 / |η|) / π.
fn inverse_cauchit(eta: RowExpr<'_>) -> InverseLink<'_> {
    use std::f64::consts::FRAC_1_PI;
    let tail = FRAC_1_PI * (1.0 / eta.abs()).atan();
    let rest = 1.0 - tail;
    let right = eta.ge(0.0);
    let density = FRAC_1_PI * (1.0 / (1.0 + eta.square()));
    InverseLink::of(right.then(rest, tail), density).one_minus_mu(right.then(tail, rest))
}

/// Book: μ = 1 − exp(−e^η), dμ/dη = e^η (1 − μ). Beyond η = 700, where e^η overflows, μ is 1.
fn inverse_cloglog(eta: RowExpr<'_>) -> InverseLink<'_> {
    let e = eta.min(700.0).exp();
    let one_minus_mu = (-e).exp();
    InverseLink {
        log_one_minus_mu: Some(-e),
        one_minus_mu,
        ..InverseLink::of(-(-e).exp_m1(), e * one_minus_mu)
    }
}
