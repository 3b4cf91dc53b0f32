//! Linear models: R's `lm`.

use std::sync::Arc;

use nelder_device::Dd;

use crate::design::ColumnKind;
use crate::frame::Source;
use crate::pass::{Products, Run};

use super::LmSpec;
use crate::model::equations::bounds::in_order;
use crate::model::inference::quantiles::quantiles;
use crate::model::{LeastSquares, ModelError, ModelFrame, bind, least_squares};

/// A fitted linear model of one or several responses.
pub struct Lm<'s> {
    /// Specification of the model.
    pub spec: LmSpec,
    /// The model joined to its data, for the passes that its answers take.
    pub bound: ModelFrame<'s>,
    /// The solution.
    pub fit: LeastSquares,
    /// One entry a response.
    pub responses: Vec<Response>,
    /// Number of columns that are not aliased.
    pub rank: usize,
    /// Residual degrees of freedom.
    pub df_residual: u64,
}

/// Estimates of one response: coefficients, standard errors, sums of squares, likelihood.
#[derive(Clone, Debug)]
pub struct Response {
    /// Name of the response: empty for one alone.
    pub name: String,
    /// Coefficients by column; `NaN` where aliased.
    pub coefficients: Vec<f64>,
    /// Standard errors by column; `NaN` where aliased or without residual degrees of freedom.
    pub std_errors: Vec<f64>,
    /// Residual sum of squares, R's deviance.
    pub rss: f64,
    /// Sum of squares of the fitted values about their mean, or about zero without an intercept.
    pub mss: f64,
    /// Sum of squares about the mean, or about zero without an intercept, less the offset: the deviance of the model of these alone.
    pub null: f64,
    /// Residual standard deviation.
    pub sigma: f64,
    /// Minimum, quartiles and maximum of the weighted residuals.
    pub quantiles: [f64; 5],
    /// Gaussian log-likelihood at its maximum over σ.
    pub log_lik: f64,
    /// `mss` and `rss` in the units of the rows, where squares are in range whatever the data's scale is.
    row_squares: [f64; 2],
}

impl Response {
    /// R².
    pub fn r_squared(&self) -> f64 {
        let [mss, rss] = self.row_squares;
        mss / (mss + rss)
    }
}

/// Fits a linear model: R's `lm`.
///
/// The source is borrowed for as long as the fit lives (`&frame`), or its own: a source, or an [`Arc`] that others share.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{LmSpec, lm};
/// use nelder::pass::NoProgress;
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
/// assert!((fit.responses[0].coefficients[1] - 1.96).abs() < 1e-13);
/// ```
pub fn lm<'s, 'm>(
    spec: &LmSpec,
    source: impl Source + 's,
    run: impl Into<Run<'m>>,
) -> Result<Lm<'s>, ModelError> {
    let run = run.into();
    let bound = bind(spec, Arc::new(source))?.at(run.executor);
    bound.rows.keep_blocks();
    let fit = least_squares(&bound, spec.tolerance(), spec.accuracy, run.monitor)?;
    bound.rows.forget_blocks();
    Ok(Lm::new(spec.clone(), bound, fit))
}

impl<'s> Lm<'s> {
    fn new(spec: LmSpec, bound: ModelFrame<'s>, mut fit: LeastSquares) -> Self {
        let p = fit.aliased.len();
        let rank = fit.aliased.iter().filter(|a| !**a).count();
        let n = fit.gram.rows;
        let df_residual = n.saturating_sub(rank as u64);
        let names = response_names(&bound);
        if df_residual == 0 {
            // as many columns as rows: what the residuals have is rounding error
            fit.rss.fill(Dd::ZERO);
            fit.row_rss.fill(Dd::ZERO);
            let runs = fit.residuals.iter_mut().flat_map(|run| &mut run.values);
            runs.for_each(|values| values.fill(0.0));
        }
        let column_scales = fit.column_scales();
        let responses = (0..fit.coefficients.len())
            .map(|y| {
                let (rss, scale) = (fit.rss[y].hi, fit.response_scale(y));
                let row_rss = fit.row_rss[y];
                let sigma = (row_rss.hi / df_residual as f64).sqrt() / scale;
                let mask = |c: usize, v: f64| if fit.aliased[c] { f64::NAN } else { v };
                let coefficients = (0..p).map(|c| mask(c, fit.coefficients[y][c].hi)).collect();
                let std_errors = (0..p)
                    .map(|c| {
                        if df_residual == 0 {
                            f64::NAN
                        } else {
                            // σ may be out of range where the standard error is not
                            let root = fit.row_variances[c].sqrt();
                            let (first, second) = in_order(column_scales[c], 1.0 / scale);
                            mask(
                                c,
                                root * (row_rss.hi / df_residual as f64).sqrt() * first * second,
                            )
                        }
                    })
                    .collect();
                let nf = n as f64;
                let log_rss = match rss.is_normal() {
                    true => rss.ln(),
                    false => row_rss.hi.ln() - 2.0 * scale.ln(),
                };
                let log_lik = 0.5
                    * (fit.gram.log_weight
                        - nf * ((2.0 * std::f64::consts::PI).ln() + 1.0 - nf.ln() + log_rss));
                let row_mss = model_sum(&fit, y, rank, bound.terms.intercept);
                Response {
                    name: names.get(y).cloned().unwrap_or_default(),
                    coefficients,
                    std_errors,
                    rss,
                    mss: row_mss / scale / scale,
                    null: total(&fit, y, bound.terms.intercept).hi / scale / scale,
                    sigma: if df_residual == 0 { f64::NAN } else { sigma },
                    quantiles: quantiles(n, &fit.residuals, fit.histogram.get(y), fit.places.get(y), y),
                    log_lik,
                    row_squares: [row_mss, row_rss.hi],
                }
            })
            .collect();
        Lm {
            spec,
            bound,
            fit,
            responses,
            rank,
            df_residual,
        }
    }

    /// Rows in the fit.
    pub fn rows(&self) -> u64 {
        self.fit.gram.rows
    }

    /// Rows left out as incomplete.
    pub fn omitted(&self) -> u64 {
        self.fit.counts.omitted
    }

    /// True if there are case weights.
    pub fn weighted(&self) -> bool {
        self.spec.weights.is_some()
    }

    /// F statistic of all terms against the intercept alone: value and degrees of freedom.
    pub fn f_statistic(&self, response: usize) -> Option<(f64, f64, f64)> {
        let r = &self.responses[response];
        let df = self.rank as f64 - f64::from(u8::from(self.bound.terms.intercept));
        if df <= 0.0 {
            return None;
        }
        let df2 = self.df_residual as f64;
        let [mss, rss] = r.row_squares;
        Some((mss / df / (rss / df2), df, df2))
    }

    /// Adjusted R².
    pub fn adj_r_squared(&self, response: usize) -> f64 {
        let r2 = self.responses[response].r_squared();
        let int = f64::from(u8::from(self.bound.terms.intercept));
        1.0 - (1.0 - r2) * ((self.rows() as f64 - int) / self.df_residual as f64)
    }
}

/// Sum of squares of the fitted values, offset included, about their mean, or about zero without an intercept;
/// zero for a model of the intercept alone, as R has it. In the squared units of the rows.
fn model_sum(fit: &LeastSquares, y: usize, rank: usize, intercept: bool) -> f64 {
    if rank == usize::from(intercept) {
        return 0.0;
    }
    let normal = &fit.normal;
    let of_matrix =
        fit.gram.products() == Products::Exact && normal.absorbed.is_none() && normal.centered == intercept;
    let value = match &fit.fitted {
        None if of_matrix => quadratic(fit, y),
        None => total(fit, y, intercept) - fit.row_rss[y],
        Some(fitted) => {
            let (sum, squares) = fitted[y];
            if intercept {
                squares - sum * sum / fit.gram.weight
            } else {
                squares
            }
        }
    };
    value.hi.max(0.0)
}

/// Σ w (Xβ)² about the mean, βᵀAβ with the matrix A of the normal equations: y and its mean take no part, which would cost twice the
/// digits by which it is above the deviations.
fn quadratic(fit: &LeastSquares, y: usize) -> Dd {
    let (normal, beta) = (&fit.normal, fit.scaled_coefficients(y));
    let kinds = &fit.columns.map.kinds;
    let known = |c: usize| if fit.aliased[c] { Dd::ZERO } else { beta[c] };
    // dense columns and the response are about their means there, codes are not
    let about_means = |c: usize| match kinds[c] {
        ColumnKind::Intercept if normal.centered => {
            let of = |(c, kind): (usize, &ColumnKind)| match kind {
                ColumnKind::Dense(e) => known(c) * normal.means[*e],
                _ => Dd::ZERO,
            };
            let dense = kinds.iter().enumerate().map(of);
            dense.fold(known(c) - normal.response_means[y], |sum, part| sum + part)
        }
        _ => known(c),
    };
    let own: Vec<Dd> = normal.kept.iter().map(|&c| about_means(c)).collect();
    let mut sum = Dd::ZERO;
    for i in 0..own.len() {
        let row = (0..i).fold(Dd::ZERO, |sum, j| sum + normal.matrix.get(i, j) * own[j]);
        sum += own[i] * (row.scale(2.0) + normal.matrix.get(i, i) * own[i]);
    }
    sum
}

/// Names of several responses: the column names of `cbind(a, b)`.
fn response_names(bound: &ModelFrame<'_>) -> Vec<String> {
    let Some(r) = bound.terms.response else {
        return Vec::new();
    };
    match &bound.rows.shapes()[r] {
        crate::design::Shape::Numeric { suffixes } if suffixes.len() > 1 => suffixes.clone(),
        _ => vec![String::new()],
    }
}

/// Σ w (y − ȳ)² with an intercept, Σ w y² without, in the units of the rows.
fn total(fit: &LeastSquares, y: usize, intercept: bool) -> Dd {
    let atoms = fit.gram.atoms();
    let i = atoms.dense + y;
    let raw = fit.gram.second(i, i);
    match intercept {
        true => raw - fit.gram.sums[i] * fit.gram.sums[i] / fit.gram.weight,
        false => raw,
    }
}
