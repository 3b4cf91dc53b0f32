//! The path of a Gaussian model of several responses, from one gram.
//!
//! The objective is glmnet's, ½ Σ w ‖y − β₀ − xᵀB‖² + λ Σ fⱼ (α ‖bⱼ‖ + (1 − α) ‖bⱼ‖² / 2), bⱼ the row of coefficients of a standardized column: here
//! the square's weight has no deviation of y in it. With `standardize.response` each response is first divided by its deviation.

use nelder_device::Dd;

use super::group_curvature::SharedCurvature;
use super::group_descent::GroupDescent;
use super::group_penalty::GroupPenalty;
use super::multi_path::{MultiPath, Solution};
use crate::design::ColumnEncoding;
use crate::model::elastic_net::active_set::DenseCurvature;
use crate::model::elastic_net::descent::Stuck;
use crate::model::elastic_net::gaussian_path::{ENORMOUS, PathSettings, default_ratio};
use crate::model::elastic_net::lambda::{LambdaSequence, PathEnd};
use crate::model::elastic_net::moments::{ColumnMoments, Standardizing, varies};
use crate::model::elastic_net::path::SparseVector;
use crate::model::elastic_net::penalty::{Penalty, Strength};
use crate::model::{ModelError, NormalEquations};
use crate::pass::Gram;

/// Weighted means and covariances of the columns and of several responses, these in the units of the data.
#[derive(Clone, Debug)]
pub(super) struct MultiMoments {
    /// Of the columns.
    pub columns: ColumnMoments,
    /// Σ w (xⱼ − x̄ⱼ)(yₖ − ȳₖ), at place j K + k.
    pub with_responses: Vec<f64>,
    /// ȳ.
    pub means: Vec<f64>,
    /// Σ w (yₖ − ȳₖ)².
    pub variances: Vec<f64>,
}

impl MultiMoments {
    /// Of a gram whose responses are `scales` times those of the data; `map` has an intercept as its first column.
    pub fn new(gram: &Gram, map: &ColumnEncoding, scales: &[f64]) -> Self {
        let normal = NormalEquations::assemble(gram, map);
        let per_row = |v: Dd| (v / normal.weight).hi;
        let responses = 0..normal.right.len();
        let scale = |k: usize| scales.get(k).copied().unwrap_or(1.0);
        let with = |j: usize| {
            let own = |k: usize| per_row(normal.right[k][j + 1]) / scale(k);
            responses.clone().map(own).collect::<Vec<f64>>()
        };
        MultiMoments {
            columns: ColumnMoments::of(&normal, map),
            with_responses: (0..map.columns() - 1).flat_map(with).collect(),
            means: responses
                .clone()
                .map(|k| normal.response_means[k].hi / scale(k))
                .collect(),
            variances: responses
                .map(|k| per_row(normal.total[k]).max(0.0) / (scale(k) * scale(k)))
                .collect(),
        }
    }

    /// Mean squared error of predictions of these rows, summed over the responses: as
    /// [`Moments::squared_error`](crate::model::elastic_net::moments::Moments::squared_error) for each.
    pub fn squared_error(&self, models: &[(f64, SparseVector)]) -> f64 {
        let covariances = &self.columns.covariances;
        let (order, responses) = (covariances.order, self.means.len());
        let of = |(k, (intercept, beta)): (usize, &(f64, SparseVector))| {
            let mut bias = self.means[k] - intercept;
            let mut spread = self.variances[k];
            for (j, b) in beta.entries() {
                bias -= b * self.columns.means[j];
                let column = &covariances.values[j * order..(j + 1) * order];
                let image: f64 = beta.entries().map(|(l, b)| column[l] * b).sum();
                spread += b * (image - 2.0 * self.with_responses[j * responses + k]);
            }
            spread.max(0.0) + bias * bias
        };
        models.iter().enumerate().map(of).sum()
    }
}

/// Moments of standardized columns x̃ and of responses ỹ of mean variance one: ỹₖ = (yₖ − ȳₖ) / units[k].
struct Standardized {
    curvature: DenseCurvature,
    with_responses: Vec<f64>,
    /// x̄ and ȳ, or zero without an intercept.
    centers: (Vec<f64>, Vec<f64>),
    scales: Vec<f64>,
    units: Vec<f64>,
    /// Factor of λ of responses of mean variance one.
    lambda: f64,
}

impl Standardized {
    fn new(moments: &MultiMoments, standardizing: Standardizing, responses: bool) -> Self {
        let columns = &moments.columns;
        let scales = columns.scales(standardizing.deviations);
        let center = |mean: f64| if standardizing.intercept { mean } else { 0.0 };
        let rest = |mean: f64| mean - center(mean);
        let count = moments.means.len();
        // glmnet divides by deviations about the mean also where there is no intercept
        let deviation = |k: usize| match responses {
            true if moments.variances[k] > 0.0 => moments.variances[k].sqrt(),
            _ => 1.0,
        };
        let square = |k: usize| {
            let off = rest(moments.means[k]);
            (moments.variances[k] + off * off) / (deviation(k) * deviation(k))
        };
        let lambda = ((0..count).map(square).sum::<f64>() / count as f64).sqrt();
        let units: Vec<f64> = (0..count).map(|k| deviation(k) * lambda).collect();
        let with = |(i, raw): (usize, &f64)| {
            let (j, k) = (i / count, i % count);
            (raw + rest(columns.means[j]) * rest(moments.means[k])) / scales[j] / units[k]
        };
        Standardized {
            curvature: columns.standardized(&scales, standardizing.intercept),
            with_responses: moments.with_responses.iter().enumerate().map(with).collect(),
            centers: (
                columns.means.iter().map(|m| center(*m)).collect(),
                moments.means.iter().map(|m| center(*m)).collect(),
            ),
            scales,
            units,
            lambda,
        }
    }

    /// Coefficients of a descent in the units of the rows: βⱼₖ = bⱼₖ uₖ / sⱼ, and intercepts ȳₖ − Σ βⱼₖ x̄ⱼ.
    fn coefficients(&self, beta: &[f64]) -> (Vec<f64>, Vec<SparseVector>) {
        let count = self.units.len();
        let mut intercepts = self.centers.1.clone();
        let mut coefficients = vec![SparseVector::default(); count];
        for (i, &b) in beta.iter().enumerate().filter(|(_, b)| **b != 0.0) {
            let (j, k) = (i / count, i % count);
            let own = b * self.units[k] / self.scales[j];
            intercepts[k] -= own * self.centers.0[j];
            coefficients[k].push(j, own);
        }
        (intercepts, coefficients)
    }
}

/// The path of rows of these moments; `standardize` divides each response by its deviation.
///
/// # Errors
/// Responses that are all constant; columns that are.
pub(super) fn gaussian_path(
    moments: &MultiMoments,
    penalty: &Penalty,
    settings: &PathSettings,
    standardizing: Standardizing,
    standardize: bool,
) -> Result<MultiPath, ModelError> {
    let counts = |k: usize| {
        varies(moments.variances[k], moments.means[k]) || !standardizing.intercept && moments.means[k] != 0.0
    };
    if !(0..moments.means.len()).any(counts) {
        let why = "the responses are constant, and have no variance to explain";
        return Err(ModelError::argument("y", why));
    }
    if !moments.columns.varies.iter().any(|v| *v) {
        return Err(ModelError::argument("x", "all columns are constant"));
    }
    let own = Standardized::new(moments, standardizing, standardize);
    let order = own.scales.len();
    let (standardized, usable) = penalty.standardized(&own.scales, &moments.columns.varies);
    let groups = GroupPenalty::new(&standardized, &own.units);
    let null = moments.columns.weight * moments.variances.iter().sum::<f64>();
    let mut path = MultiPath::new(own.units.len(), order, null, true);
    let mut descent = GroupDescent::new(own.with_responses.clone(), usable);
    let curvature = SharedCurvature {
        of: &own.curvature,
        responses: own.units.len(),
    };
    // with ỹ = y / u the absolute part of the penalty has λ / u, and the square λ
    let strength = |lambda: f64| Strength {
        absolute: penalty.alpha * lambda / own.lambda,
        square: (1.0 - penalty.alpha) * lambda,
    };
    let automatic = matches!(settings.sequence, LambdaSequence::Automatic { .. });
    let ratio = default_ratio(moments.columns.rows, order);
    let (mut largest, mut end) = (ENORMOUS, PathEnd::Complete);
    for m in 0..settings.sequence.count() {
        let lambda = match automatic && m == 0 {
            true => ENORMOUS,
            false => settings.sequence.at(m, largest, ratio, 1.0),
        };
        let found = descent.minimise(&curvature, &groups, strength(lambda), settings.ending);
        if let Err(stuck) = found {
            end = match stuck {
                Stuck::Sweeps => PathEnd::Sweeps(m + 1),
                Stuck::Active => PathEnd::Active(m + 1),
            };
            break;
        }
        let mut written = lambda;
        if automatic && m == 0 {
            let gradient = match settings.starts_at_constant(&standardized, &descent.usable) {
                true => &own.with_responses,
                false => &descent.gradient,
            };
            largest = groups.largest_lambda(gradient, &descent.usable, penalty.alpha) * own.lambda;
            written = largest;
        }
        let shares = descent
            .beta
            .iter()
            .zip(&own.with_responses)
            .zip(&descent.gradient);
        let explained: f64 = shares.map(|((b, c), g)| b * (c + g)).sum::<f64>() / own.units.len() as f64;
        let (intercepts, coefficients) = own.coefficients(&descent.beta);
        path.push(Solution {
            lambda: written,
            intercepts,
            coefficients,
            explained,
            violation: descent.violation(&groups, strength(lambda)),
        });
        if automatic && m == 0 && largest == 0.0 {
            end = PathEnd::Empty;
            break;
        }
        // glmnet counts the rows of the first response
        let first = path.first();
        if let Some(early) = settings.early_end_at(m, |m| first.steps[m].explained, first.nonzero(m)) {
            end = early;
            break;
        }
    }
    path.ended(end, descent.sweeps);
    Ok(path)
}
