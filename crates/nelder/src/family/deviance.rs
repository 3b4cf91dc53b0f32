//! Unit deviances: 2 [ℓ(y; y) − ℓ(μ; y)] φ of a row of weight one.
//!
//! A deviance is the small difference of large terms where y is close to μ. With h(x) = x − log(1 + x), which is computed without
//! cancellation, y log(y/μ) − (y − μ) = y h((μ − y)/y), and the others follow.

use nelder_device::RowExpr;

use super::Variance;
use super::inverse_link::InverseLink;
use super::row::Response;

impl Variance {
    /// The deviance of a row of weight one; every y is 0 or 1 where `binary`.
    pub(super) fn deviance<'p>(
        &self,
        response: Response<'p>,
        mean: &InverseLink<'p>,
        binary: bool,
    ) -> RowExpr<'p> {
        let (y, mu) = (response.y, mean.mu);
        match *self {
            Variance::Constant => (y - mu).square(),
            Variance::Binomial if binary => bernoulli_deviance(response, mean),
            Variance::Binomial => binomial_deviance(response, mean),
            Variance::Power(1.0) => poisson_deviance(y, mu),
            Variance::Power(2.0) => gamma_deviance(y, mu),
            Variance::Power(3.0) => inverse_gaussian_deviance(y, mu),
            Variance::Power(k) => power_deviance(y, mu, k),
            Variance::NegativeBinomial(theta) => negative_binomial_deviance(y, mu, theta),
        }
    }
}

/// a h(d / a) = d − a log(1 + d/a), the excess of d over what a logarithm takes back.
fn excess<'p>(a: RowExpr<'p>, d: RowExpr<'p>) -> RowExpr<'p> {
    a * (d / a).x_minus_log1p()
}

/// log μ and log(1 − μ).
fn logarithms<'p>(mean: &InverseLink<'p>) -> (RowExpr<'p>, RowExpr<'p>) {
    let log_mu = mean.log_mu.unwrap_or_else(|| mean.mu.ln());
    let log_one_minus_mu = mean.log_one_minus_mu.unwrap_or_else(|| mean.one_minus_mu.ln());
    (log_mu, log_one_minus_mu)
}

/// −2 log μ where y = 1, −2 log(1 − μ) where y = 0.
fn bernoulli_deviance<'p>(response: Response<'p>, mean: &InverseLink<'p>) -> RowExpr<'p> {
    let (log_mu, log_one_minus_mu) = logarithms(mean);
    -2.0 * response.is_one().then(log_mu, log_one_minus_mu)
}

/// Book: 2 [y log(y/μ) + (1 − y) log((1 − y)/(1 − μ))]. With r = y − μ that is 2 [y h(−r/y) + (1 − y) h(r/(1 − y))]; at y = 0 and
/// y = 1 one term is 0 and the other a logarithm.
fn binomial_deviance<'p>(response: Response<'p>, mean: &InverseLink<'p>) -> RowExpr<'p> {
    let (log_mu, log_one_minus_mu) = logarithms(mean);
    let r = response.residual_of_share(mean);
    let between = excess(response.y, -r) + excess(response.one_minus_y(), r);
    let above_zero = response.is_one().then(-log_mu, between);
    2.0 * response.y.eq(0.0).then(-log_one_minus_mu, above_zero)
}

/// Book: 2 [y log(y/μ) − (y − μ)] = 2 y h((μ − y)/y); 2 μ at y = 0.
fn poisson_deviance<'p>(y: RowExpr<'p>, mu: RowExpr<'p>) -> RowExpr<'p> {
    2.0 * y.eq(0.0).then(mu, excess(y, mu - y))
}

/// Book: 2 [(y − μ)/μ − log(y/μ)]. With e = (y − μ)/μ that is 2 [e − log(1 + e)]. At y = 0, which quasi allows, R's limit: log 1 in
/// the place of log y.
fn gamma_deviance<'p>(y: RowExpr<'p>, mu: RowExpr<'p>) -> RowExpr<'p> {
    let relative_error = (y - mu) / mu;
    let at_zero = (mu.ln() - 1.0).max(0.0);
    2.0 * y.eq(0.0).then(at_zero, relative_error.x_minus_log1p())
}

/// (y − μ)² / (μ² y)
fn inverse_gaussian_deviance<'p>(y: RowExpr<'p>, mu: RowExpr<'p>) -> RowExpr<'p> {
    ((y - mu) / mu).square() / y
}

/// 2 [y (y^(1−k) − μ^(1−k)) / (1 − k) − (y^(2−k) − μ^(2−k)) / (2 − k)] of V = μ^k (Jørgensen 1997); for y = 0 its limit: the terms in
/// y vanish for 1 < k < 2.
fn power_deviance<'p>(y: RowExpr<'p>, mu: RowExpr<'p>, k: f64) -> RowExpr<'p> {
    let (a, b) = (1.0 - k, 2.0 - k);
    let positive = y.max(f64::MIN_POSITIVE);
    let first = 1.0 / a * (y * (positive.powf(a) - mu.powf(a)));
    let second = 1.0 / b * (y.powf(b) - mu.powf(b));
    2.0 * (first - second)
}

/// Book: 2 [y log(y/μ) − (y + θ) log((y + θ)/(μ + θ))] = 2 [y h(d/y) − (y + θ) h(d/(y + θ))], d = μ − y; at y = 0 the first term is d.
fn negative_binomial_deviance<'p>(y: RowExpr<'p>, mu: RowExpr<'p>, theta: f64) -> RowExpr<'p> {
    let d = mu - y;
    let of_counts = y.eq(0.0).then(d, excess(y, d));
    2.0 * (of_counts - excess(y + theta, d))
}
