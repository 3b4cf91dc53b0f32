//! Paths of several responses and their cross-validation as plain records, as glmnet prints them, and drawn.

use std::collections::BTreeMap;

use serde::Serialize;

use super::elastic_net::{
    NamedCoefficients, RelaxedSummary, coefficients, curve_chart, path_chart, print_curve, print_path,
};
use super::print_generalized::missing;
use crate::model::{Choice, Curve, MultiNet, MultiPath, MultiValidation, Path, SparseVector};

/// Coefficients other than zero, by the name of the response or class.
pub type ByResponse = BTreeMap<String, NamedCoefficients>;

/// Record of a path of several responses.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MultiPathSummary {
    /// The call, as R would print it.
    pub call: String,
    /// Names of the columns.
    pub names: Vec<String>,
    /// Names of the responses, or of the classes.
    pub responses: Vec<String>,
    /// Share of the norms in the penalty.
    pub alpha: f64,
    /// λ, descending.
    pub lambda: Vec<f64>,
    /// Columns with coefficients other than zero, by λ.
    pub df: Vec<usize>,
    /// The same by response and λ.
    pub dfmat: Vec<Vec<usize>>,
    /// Share of the null deviance that is explained, by λ.
    pub dev_ratio: Vec<f64>,
    /// Intercepts, by response and λ.
    pub a0: Vec<Vec<f64>>,
    /// Coefficients other than zero, by response and λ: name and value.
    pub beta: ByResponse,
    /// Deviance of the model of the intercepts alone.
    pub nulldev: f64,
    /// The largest violation of the optimality conditions, by λ.
    pub kkt: Vec<f64>,
    /// Rows used.
    pub nobs: u64,
    /// Rows left out because a value was missing.
    pub omitted: u64,
    /// The relaxed fits, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relaxed: Option<RelaxedSummary<Vec<Vec<f64>>, ByResponse>>,
}

/// The record of a path.
pub fn summary(fit: &MultiNet<'_>, call: &str) -> MultiPathSummary {
    let path = &fit.path;
    let steps = &path.first().steps;
    let named = |v: &SparseVector| v.entries().map(|(j, b)| (fit.names()[j].clone(), b)).collect();
    let responses = fit.responses.iter().zip(&path.responses);
    let relaxed: Option<Vec<&Path>> = path.responses.iter().map(|p| p.relaxed.as_deref()).collect();
    let relaxed = relaxed.map(|paths| RelaxedSummary {
        lambda: paths[0].lambdas(),
        dev_ratio: paths[0].steps.iter().map(|s| s.explained).collect(),
        a0: (paths.iter())
            .map(|p| p.steps.iter().map(|s| s.intercept).collect())
            .collect(),
        beta: (fit.responses.iter().cloned().zip(&paths))
            .map(|(name, p)| (name, p.steps.iter().map(|s| named(&s.coefficients)).collect()))
            .collect(),
    });
    let each = |m: usize| path.responses[m].steps.iter();
    MultiPathSummary {
        relaxed,
        call: call.to_string(),
        names: fit.names().to_vec(),
        responses: fit.responses.clone(),
        alpha: fit.spec.net.alpha,
        lambda: path.first().lambdas(),
        df: (0..path.len()).map(|m| path.nonzero(m)).collect(),
        dfmat: (0..path.responses.len())
            .map(|k| each(k).map(|s| s.coefficients.len()).collect())
            .collect(),
        dev_ratio: steps.iter().map(|s| s.explained).collect(),
        a0: (0..path.responses.len())
            .map(|k| each(k).map(|s| s.intercept).collect())
            .collect(),
        beta: responses
            .map(|(name, own)| {
                (
                    name.clone(),
                    own.steps.iter().map(|s| named(&s.coefficients)).collect(),
                )
            })
            .collect(),
        nulldev: path.first().null_deviance,
        kkt: steps.iter().map(|s| s.violation).collect(),
        nobs: fit.rows(),
        omitted: fit.counts.omitted,
    }
}

/// Record of a cross-validation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MultiValidationSummary {
    /// The path of all rows.
    #[serde(flatten)]
    pub path: MultiPathSummary,
    /// The measure.
    pub measure: String,
    /// The curve.
    pub curve: Curve,
    /// `lambda.min`.
    pub lambda_min: f64,
    /// `lambda.1se`.
    pub lambda_1se: f64,
    /// For each α that was compared: α, its least error, the error's standard error, and λ there.
    pub alphas: Vec<[f64; 4]>,
}

/// The record of a cross-validation.
pub fn cross_validation(found: &MultiValidation<'_>, call: &str) -> MultiValidationSummary {
    let line = |(alpha, _, curve): &(f64, MultiPath, Curve)| {
        let best = curve.best;
        [
            *alpha,
            curve.errors[best],
            curve.std_errors[best],
            curve.lambdas[best],
        ]
    };
    MultiValidationSummary {
        path: summary(&found.fit, call),
        measure: found
            .fit
            .spec
            .family
            .measure_label(found.spec.folds.measure)
            .into(),
        curve: found.curve.clone(),
        lambda_min: found.lambda(Choice::Best),
        lambda_1se: found.lambda(Choice::OneError),
        alphas: found.grid.iter().map(line).collect(),
    }
}

/// A path as `print.glmnet` has it.
pub fn print(fit: &MultiPathSummary) -> String {
    let relaxed = (fit.relaxed.as_ref()).map(|r| (&r.lambda[..], &r.dev_ratio[..]));
    print_path(&fit.call, &fit.df, &fit.dev_ratio, &fit.lambda, relaxed) + &missing(fit.omitted)
}

/// A cross-validation as `print.cv.glmnet` has it, after a table of the α that were compared.
pub fn print_cross_validation(found: &MultiValidationSummary) -> String {
    let heading = (found.path.call.as_str(), found.measure.as_str());
    print_curve(heading, &found.curve, &found.alphas, found.path.alpha) + &missing(found.path.omitted)
}

/// Coefficients at one λ, with a column for each response or class.
///
/// They are of the mixture with the relaxed fits at γ, 1 for the path.
pub fn coefficients_at(fit: &MultiNet<'_>, lambda: f64, gamma: f64) -> String {
    let named = fit
        .responses
        .iter()
        .cloned()
        .zip(fit.path.blended(gamma).at(lambda));
    let at: Vec<(String, Option<f64>, SparseVector)> =
        named.map(|(name, (a, b))| (name, Some(a), b)).collect();
    coefficients(fit.names(), &at)
}

/// The curve of a cross-validation as SVG.
pub fn curve_plot(found: &MultiValidationSummary) -> String {
    curve_chart(&found.measure, &found.curve)
}

/// The path as SVG: a line for each column, the norm of its coefficients, against −log λ.
pub fn path_plot(fit: &MultiNet<'_>) -> String {
    path_chart(&fit.path.norms(), "Norms of coefficients")
}
