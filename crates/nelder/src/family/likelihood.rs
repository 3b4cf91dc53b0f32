//! −2 log-likelihoods of rows.
//!
//! −2 log-likelihood is the deviance and a part that depends on y alone. With D(z) = log z! − log(√(2πz) (z/e)^z), Stirling's error
//! (Loader 2000): for a Poisson count D(y) + log(2πy)/2, for x of m trials D(x) + D(m−x) − D(m) + log(2πx(m−x)/m)/2.

use std::f64::consts::TAU;

use nelder_device::RowExpr;

use super::inverse_link::InverseLink;
use super::row::{Response, Row};
use super::{Criterion, Family, Trials, Variance};

/// A row's part of −2 log-likelihood, up to what the criterion takes from sums over rows.
pub(super) fn likelihood<'p>(
    family: &Family,
    row: &Row<'p>,
    mean: &InverseLink<'p>,
    deviance: RowExpr<'p>,
    trials: Trials,
) -> RowExpr<'p> {
    let y = row.response.y;
    match family.criterion() {
        Criterion::Poisson => deviance + 2.0 * row.weigh(log_factorial_rest(y)),
        Criterion::Binomial if row.weight.is_none() && trials == Trials::Single => deviance,
        Criterion::Binomial => binomial_likelihood(row, mean, trials),
        Criterion::NegativeBinomial => {
            let theta = row.of.number(family.theta().unwrap_or(f64::NAN));
            deviance + 2.0 * row.weigh(negative_binomial_rest(y, theta))
        }
        // Σ w log y, for the criteria of gamma and inverse Gaussian; Σ log w for the normal one
        Criterion::Gamma | Criterion::InverseGaussian => row.weigh(y.ln()),
        Criterion::Gaussian => match row.weight {
            Some(w) => w.ln(),
            None => row.of.number(0.0),
        },
        Criterion::None => row.of.number(0.0),
    }
}

/// D(z) + log(2πz)/2; 0 for z = 0.
fn log_factorial_rest(z: RowExpr<'_>) -> RowExpr<'_> {
    z.eq(0.0).then(0.0, z.stirling_error() + 0.5 * (TAU * z).ln())
}

/// m d(x/m, μ) + 2 [D(x) + D(m − x) − D(m) + …] of x successes in m trials, both rounded as R does; its share need not be y then.
fn binomial_likelihood<'p>(row: &Row<'p>, mean: &InverseLink<'p>, trials: Trials) -> RowExpr<'p> {
    let m = match (trials, row.weight) {
        (Trials::CountedAndWeighted, _) => row.of.input(3),
        (_, Some(w)) => w,
        (_, None) => row.of.number(1.0),
    };
    let (successes, of) = ((m * row.response.y).round(), m.round());
    let failures = of - successes;
    let share = Response {
        y: successes / of,
        failures: row.response.failures.is_some().then(|| failures / of),
    };
    let fit = of * Variance::Binomial.deviance(share, mean, false);
    let rest = log_factorial_rest(successes) + log_factorial_rest(failures) - log_factorial_rest(of);
    let all = fit + 2.0 * rest;
    let all = match (trials, row.weight) {
        (Trials::CountedAndWeighted, Some(w)) => w / m * all,
        _ => all,
    };
    // no trial, no likelihood
    of.le(0.0).then(0.0, all)
}

/// −log [Γ(θ+y) / (Γ(θ) y!) · θ^θ y^y / (θ+y)^(θ+y)] = D(y) + log(2πy)/2 + D(θ) − D(θ+y) + log(1 + y/θ)/2
fn negative_binomial_rest<'p>(y: RowExpr<'p>, theta: RowExpr<'p>) -> RowExpr<'p> {
    let half_log = 0.5 * (y / theta).ln_1p();
    log_factorial_rest(y) + theta.stirling_error() - (y + theta).stirling_error() + half_log
}
