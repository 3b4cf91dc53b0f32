//! The score of θ of a negative binomial, and its observed information: R's `MASS::theta.ml`.

use nelder_device::{Program, RowProgram};

use super::row::Row;
use super::{Family, Trials};

/// dℓ/dθ and −d²ℓ/dθ², each with the weight of its row; no outputs for a family without θ.
///
/// ```text
/// dℓ/dθ    = ψ(θ+y) − ψ(θ) + log θ + 1 − log(θ+μ) − (y+θ)/(μ+θ)
/// −d²ℓ/dθ² = −ψ′(θ+y) + ψ′(θ) − 1/θ + 2/(μ+θ) − (y+θ)/(μ+θ)²
/// ```
///
/// Without cancellation, log θ + 1 − log(θ+μ) − (y+θ)/(μ+θ) = −log(1 + μ/θ) + (μ−y)/(μ+θ), and
/// −1/θ + 2/(μ+θ) − (y+θ)/(μ+θ)² = −(μ/θ)/(μ+θ) + (μ−y)/(μ+θ)².
pub(super) fn theta(family: &Family, weighted: bool) -> Program {
    let program = RowProgram::default();
    let Some(theta) = family.theta() else {
        return program.finish();
    };
    let row = Row::new(&program, weighted, Trials::Several);
    let (y, mu) = (row.response.y, family.mean_at(row.eta).mu);
    let theta = program.number(theta);
    let (count, mean) = (y + theta, mu + theta);
    let share = mu / theta;
    let part = (mu - y) / mean;
    let score = count.digamma() - theta.digamma() - share.ln_1p() + part;
    let information = theta.trigamma() - count.trigamma() - share / mean + part / mean;
    program.output(row.weigh(score));
    program.output(row.weigh(information));
    program.finish()
}
