//! The summary of a fitted linear model.

use super::inference::{self, coefficient_rows, wald};
use super::record::{EstimatedTerm, LmSummary, ResidualSummary};
use crate::model::{Covariance, Lm, Regression, ResidualRun};

/// R's `summary` of a fit, one record for each response, confidence limits at `level`. `call` is printed as it
/// is. With covariances (one for each response) the tests are those of lmtest's `coeftest` and `waldtest`.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{LmSpec, lm};
/// use nelder::pass::NoProgress;
/// use nelder::summary::{linear::summaries, print};
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
/// let text = print::summaries(&summaries(&fit, "lm(formula = y ~ x)", 0.95, None));
/// assert!(text.contains("(Intercept)"));
/// ```
pub fn summaries(fit: &Lm<'_>, call: &str, level: f64, covariances: Option<&[Covariance]>) -> Vec<LmSummary> {
    (fit.each().iter().enumerate())
        .map(|(y, one)| {
            let own = one.estimates();
            let covariance = covariances.and_then(|c| c.get(y));
            let intercept_only = fit.rank == usize::from(fit.intercept());
            let some = |v: f64| (!intercept_only).then_some(v);
            let f_statistic = match covariance {
                Some(c) => wald(one, c),
                None => fit.f_statistic(y).map(inference::f_statistic),
            };
            LmSummary {
                call: call.to_string(),
                response: own.name.clone(),
                residuals: residuals(fit, y),
                weighted: fit.weighted(),
                coefficients: coefficient_rows(one, level, covariance),
                estimates_only: estimates_only(fit),
                aliased: fit.coefnames().len() - fit.rank,
                sigma: own.sigma,
                df_residual: fit.df_residual,
                rank: fit.rank,
                r_squared: some(own.r_squared()),
                adj_r_squared: some(fit.adj_r_squared(y)),
                f_statistic,
                omitted: fit.omitted(),
                nobs: fit.rows(),
                log_lik: own.log_lik,
                aic: one.aic(),
                bic: one.bic(),
                deviance: own.rss,
            }
        })
        .collect()
}

/// The terms of two crossed factors that were eliminated.
fn estimates_only(fit: &Lm<'_>) -> Vec<EstimatedTerm> {
    let (columns, aliased) = (&fit.fit.columns, &fit.fit.aliased);
    let Some(second) = &columns.map.crossed else {
        return Vec::new();
    };
    let terms = columns.map.absorbed.iter().chain([second]);
    let of = |first: usize| {
        let term = columns.assign[first];
        let own = || (0..columns.assign.len()).filter(|&c| columns.assign[c] == term);
        EstimatedTerm {
            term: fit.bound.rows.layout().terms[term - 1].label.clone(),
            first,
            count: own().count(),
            aliased: own().filter(|&c| aliased[c]).count(),
        }
    };
    let mut all: Vec<EstimatedTerm> = terms.map(|t| of(t.first_column())).collect();
    all.sort_by_key(|term| term.first);
    all
}

/// Quantiles with more than five residual degrees of freedom, else all residuals by row number, as R has it.
fn residuals(fit: &Lm<'_>, response: usize) -> ResidualSummary {
    match fit.df_residual {
        0 => ResidualSummary::Saturated,
        1..=5 => all_residuals(&fit.fit.residuals, response),
        _ => ResidualSummary::Quantiles(fit.responses[response].quantiles),
    }
}

/// Every residual of a response under the number of its row.
pub(super) fn all_residuals(runs: &[ResidualRun], response: usize) -> ResidualSummary {
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for run in runs {
        for (i, &value) in run.values[response].iter().enumerate() {
            let at = run.kept.as_ref().map_or(i as u64, |k| u64::from(k[i]));
            names.push((run.first_row + at + 1).to_string());
            values.push(value);
        }
    }
    ResidualSummary::All { names, values }
}
