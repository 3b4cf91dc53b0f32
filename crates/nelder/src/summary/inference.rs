//! Tables of inference from fits: coefficients with tests and intervals under any covariance, analysis of variance.

use super::distributions::{f, normal, student};
use super::record::{CoefficientRow, FStatistic};
use super::tables::{ModelRow, SequentialRow, SingleTermRow};
use crate::model::{Covariance, Inference, ModelLine, Prediction, Regression, Sequential, TermChanges};

/// Quantile of Student's distribution that a fraction `level` is within, of the normal one where `df` is infinite.
pub(super) fn width(level: f64, df: f64) -> f64 {
    let outside = (1.0 - level) / 2.0;
    match df.is_infinite() {
        true => normal::quantile_upper(outside),
        false => student::quantile_upper(outside, df),
    }
}

/// Wald intervals of the coefficients at a level, (lower, upper) by column in the units of the data; `NaN`
/// where aliased or without residual degrees of freedom. R's `confint` of a linear model and `confint.default` of others, with
/// Student's quantiles where the dispersion is estimated; with a covariance, lmtest's `coefci`.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{LmSpec, lm};
/// use nelder::pass::NoProgress;
/// use nelder::summary::inference::confint;
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
/// let (low, high) = confint(&fit, 0.95, None)[1];
/// assert!(low < 1.96 && 1.96 < high);
/// ```
pub fn confint(fit: &dyn Regression, level: f64, covariance: Option<&Covariance>) -> Vec<(f64, f64)> {
    let errors = covariance.map_or_else(|| fit.stderror().to_vec(), Covariance::std_errors);
    let width = width(level, fit.dof_tests(covariance.is_some()));
    let ends = |(b, s): (&f64, f64)| (b - width * s, b + width * s);
    fit.coef().iter().zip(errors).map(ends).collect()
}

/// (lower, upper) around predictions, for the mean at each row or for a single new observation there: R's
/// `predict(interval = "confidence")` and `"prediction"` (all new observations with weight one).
pub fn intervals(
    prediction: &Prediction,
    sigma: f64,
    df_residual: u64,
    level: f64,
    single: bool,
) -> Vec<(f64, f64)> {
    let width = width(level, df_residual as f64);
    let own = if single { sigma } else { 0.0 };
    let ends = |(v, s): (&f64, &f64)| {
        // √(s² + σ²), whose squares need not be in range
        let reach = width * s.hypot(own);
        (v - reach, v + reach)
    };
    prediction
        .fit
        .iter()
        .zip(&prediction.std_error)
        .map(ends)
        .collect()
}

/// The coefficient table at a level: R's `summary`, or under another covariance lmtest's `coeftest`.
pub fn coefficient_rows(
    fit: &dyn Regression,
    level: f64,
    covariance: Option<&Covariance>,
) -> Vec<CoefficientRow> {
    let df = fit.dof_tests(covariance.is_some());
    let errors = covariance.map_or_else(|| fit.stderror().to_vec(), Covariance::std_errors);
    let intervals = confint(fit, level, covariance);
    // levels of two crossed factors have estimates only
    let estimates_only = fit.columns().map.crossed.is_some() && covariance.is_none();
    let rows = fit.coefnames().iter().zip(fit.coef()).zip(errors).zip(intervals);
    rows.map(|(((term, &b), s), (low, high))| {
        let estimate = (!b.is_nan()).then_some(b);
        let some = |v: f64| (!(b.is_nan() || estimates_only && s.is_nan())).then_some(v);
        let t = b / s;
        let p = match (t.is_nan(), df.is_infinite()) {
            (true, _) => f64::NAN,
            (_, true) => 2.0 * normal::sf(t.abs()),
            (_, false) => student::two_sided(t, df),
        };
        CoefficientRow {
            term: term.clone(),
            estimate,
            std_error: some(s),
            statistic: some(t),
            p_value: some(p),
            conf_low: some(low),
            conf_high: some(high),
        }
    })
    .collect()
}

/// The F test of all coefficients but the intercept under a covariance: lmtest's `waldtest`.
pub fn wald(fit: &dyn Regression, covariance: &Covariance) -> Option<FStatistic> {
    fit.wald(covariance).map(f_statistic)
}

/// An F statistic with its degrees of freedom and its tail area.
pub(super) fn f_statistic((value, df1, df2): (f64, f64, f64)) -> FStatistic {
    FStatistic {
        value,
        df1,
        df2,
        p_value: f::sf(value, df1, df2),
    }
}

/// F and its tail area; both missing where F is none, `NaN` where the largest model leaves no degrees of freedom.
fn test(value: f64, df1: f64, df2: f64) -> (Option<f64>, Option<f64>) {
    if df1 != 0.0 && df2 == 0.0 {
        return (Some(f64::NAN), Some(f64::NAN));
    }
    if value.is_nan() || df1 == 0.0 || df2 < 0.0 {
        return (None, None);
    }
    (Some(value), Some(f::sf(value, df1.abs(), df2)))
}

/// R's `anova` of one model: the terms, then the residuals.
pub fn sequential_rows(table: &Sequential) -> Vec<SequentialRow> {
    let df2 = table.df_residual as f64;
    let mean = table.rss / df2;
    let mut rows: Vec<SequentialRow> = table
        .terms
        .iter()
        .map(|t| {
            let df = t.df as f64;
            let (f, p_value) = test(t.sum_sq / df / mean, df, df2);
            SequentialRow {
                term: t.term.clone(),
                df,
                sum_sq: t.sum_sq,
                f,
                p_value,
            }
        })
        .collect();
    rows.push(SequentialRow {
        term: "Residuals".into(),
        df: df2,
        sum_sq: table.rss,
        f: None,
        p_value: None,
    });
    rows
}

/// R's `anova` of several models: F against the mean square of the model with the fewest residual degrees of
/// freedom.
pub fn model_rows(lines: &[ModelLine]) -> Vec<ModelRow> {
    let largest = lines
        .iter()
        .min_by(|a, b| a.df_residual.total_cmp(&b.df_residual));
    let (df2, mean) = largest.map_or((0.0, f64::NAN), |m| (m.df_residual, m.deviance / m.df_residual));
    lines
        .iter()
        .map(|line| {
            let (f, p_value) = match (line.df, line.change) {
                (Some(df), Some(s)) if df2 == 0.0 || s / df / mean >= 0.0 => test(s / df / mean, df, df2),
                _ => (None, None),
            };
            ModelRow {
                formula: line.formula.clone(),
                res_df: line.df_residual,
                rss: line.deviance,
                df: line.df,
                sum_sq: line.change,
                f,
                p_value,
            }
        })
        .collect()
}

fn single(table: &TermChanges, statistic: impl Fn(f64, f64) -> (f64, f64)) -> Vec<SingleTermRow> {
    let row = |r: &crate::model::TermChange| {
        let (f, p_value) = match (r.df, r.change) {
            (Some(df), Some(s)) if df > 0.0 => {
                let (value, df2) = statistic(s, df);
                test(value, df, df2)
            }
            _ => (None, None),
        };
        SingleTermRow {
            term: r.term.clone(),
            df: r.df,
            sum_sq: r.change,
            rss: r.deviance,
            aic: r.aic,
            f,
            p_value,
        }
    };
    table.rows.iter().map(row).collect()
}

/// R's `drop1(fit, test = "F")`: F against the mean square of the model itself.
pub fn drop1_rows(table: &TermChanges) -> Vec<SingleTermRow> {
    let mean = table
        .rows
        .first()
        .map_or(f64::NAN, |r| r.deviance / table.df_residual);
    single(table, |s, df| (s / df / mean, table.df_residual))
}

/// R's `add1(fit, test = "F")`: F against the mean square of each larger model.
pub fn add1_rows(table: &TermChanges) -> Vec<SingleTermRow> {
    let rss = table.rows.first().map_or(f64::NAN, |r| r.deviance);
    single(table, |s, df| {
        let left = table.df_residual - df;
        (s / df / ((rss - s) / left), left)
    })
}
