//! Means and covariances of the columns and of the response: all that a Gaussian model needs of the rows.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use nelder_device::{Dd, vectorized};

use super::active_set::DenseCurvature;
use super::path::SparseVector;
use crate::design::{ColumnEncoding, ColumnKind};
use crate::model::NormalEquations;
use crate::pass::Gram;
use crate::solve::Symmetric;

/// A column whose sum of squares about its mean is below this part of that about zero is constant: (64 ε)², the rounding of
/// products about rounded means.
const CONSTANT: f64 = 4096.0 * f64::EPSILON * f64::EPSILON;

/// Weighted means and covariances of the columns, weights of sum 1, so that variances have divisor n.
#[derive(Clone, Debug)]
pub(super) struct ColumnMoments {
    /// Σ w (xᵢ − x̄ᵢ)(xⱼ − x̄ⱼ).
    pub covariances: DenseCurvature,
    /// x̄.
    pub means: Vec<f64>,
    /// True for columns that are not constant.
    pub varies: Vec<bool>,
    /// Σ w, of the weights as they were given.
    pub weight: f64,
    /// Rows.
    pub rows: u64,
}

impl ColumnMoments {
    /// Of a gram; `map` has an intercept as its first column, which is not one of the columns here.
    pub fn new(gram: &Gram, map: &ColumnEncoding) -> Self {
        Self::of(&NormalEquations::assemble(gram, map), map)
    }

    /// Of the normal equations of a gram.
    pub fn of(normal: &NormalEquations, map: &ColumnEncoding) -> Self {
        let weight = normal.weight;
        let order = map.columns() - 1;
        let share = weight.recip();
        let per_row = |v: Dd| v * share;
        // the intercept's row has what coded columns sum to; dense columns are about their means already
        let about: Vec<Dd> = (0..order).map(|j| per_row(normal.matrix.get(j + 1, 0))).collect();
        let means: Vec<f64> = (0..order)
            .map(|j| match map.kinds[j + 1] {
                ColumnKind::Dense(e) => normal.means[e].hi,
                _ => about[j].hi,
            })
            .collect();
        let mut values = vec![0.0; order * order];
        for j in 0..order {
            let row = &normal.matrix.lower[Symmetric::at(j + 1, 1)..=Symmetric::at(j + 1, j + 1)];
            let own = about[j];
            // products with a column that is about its mean need no more
            let values = &mut values[j * order..];
            vectorized(
                #[inline(always)]
                || match own == Dd::ZERO {
                    true => values.iter_mut().zip(row).for_each(|(v, m)| *v = per_row(*m).hi),
                    false => {
                        let moments = values.iter_mut().zip(row).zip(&about);
                        moments.for_each(|((v, m), about)| *v = (per_row(*m) - *about * own).hi);
                    }
                },
            );
        }
        mirror(&mut values, order);
        ColumnMoments {
            varies: (0..order)
                .map(|j| varies(values[j * order + j], means[j]))
                .collect(),
            covariances: DenseCurvature { order, values },
            means,
            weight: weight.hi,
            rows: normal.rows,
        }
    }

    /// s, the deviation of each column that varies; one where columns are not divided, or do not vary.
    pub fn scales(&self, divided: bool) -> Vec<f64> {
        let order = self.covariances.order;
        let variances = (0..order).map(|j| self.covariances.values[j * order + j]);
        let scale = |(v, varies): (f64, &bool)| if divided && *varies { v.sqrt() } else { 1.0 };
        variances.zip(&self.varies).map(scale).collect()
    }

    /// Σ w x̃ x̃ᵀ of the columns over `scales`, about their means where they are `centred`.
    pub fn standardized(&self, scales: &[f64], centred: bool) -> DenseCurvature {
        let order = self.covariances.order;
        let rest = |j: usize| if centred { 0.0 } else { self.means[j] };
        let mut values = self.covariances.values.clone();
        for j in 0..order {
            let own = rest(j);
            for (i, v) in values[j * order..(j + 1) * order].iter_mut().enumerate() {
                *v = (*v + own * rest(i)) / (scales[i] * scales[j]);
            }
        }
        DenseCurvature { order, values }
    }
}

/// Copies the upper triangle of a square matrix by columns to the lower one, by tiles that stay in cache.
fn mirror(values: &mut [f64], order: usize) {
    const TILE: usize = 16;
    for (from_j, from_i) in (0..order)
        .step_by(TILE)
        .flat_map(|j| (0..=j).step_by(TILE).map(move |i| (j, i)))
    {
        for j in from_j..(from_j + TILE).min(order) {
            for i in from_i..(from_i + TILE).min(j) {
                values[i * order + j] = values[j * order + i];
            }
        }
    }
}

/// Tests if a column of this variance and mean is not constant.
pub(super) fn varies(variance: f64, mean: f64) -> bool {
    variance > CONSTANT * mean * mean && variance > 0.0
}

/// Weighted means and covariances of the columns and a response.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    /// Of the columns.
    pub columns: ColumnMoments,
    /// Σ w (xⱼ − x̄ⱼ)(y − ȳ).
    pub with_response: Vec<f64>,
    /// ȳ.
    pub response_mean: f64,
    /// Σ w (y − ȳ)².
    pub response_variance: f64,
    /// True if the response is not constant.
    pub response_varies: bool,
}

impl Moments {
    /// Of a gram with one response; `map` has an intercept as its first column, which is not one of the columns here.
    pub fn new(gram: &Gram, map: &ColumnEncoding) -> Self {
        let normal = NormalEquations::assemble(gram, map);
        let per_row = |v: Dd| v / normal.weight;
        let order = map.columns() - 1;
        let response_mean = normal.response_means[0].hi;
        let response_variance = per_row(normal.total[0]).hi.max(0.0);
        Moments {
            columns: ColumnMoments::of(&normal, map),
            with_response: (0..order).map(|j| per_row(normal.right[0][j + 1]).hi).collect(),
            response_mean,
            response_varies: varies(response_variance, response_mean),
            response_variance,
        }
    }

    /// Mean squared errors of predictions β₀ + xᵀβ of these rows, for each of some models:
    /// Σ w (y − β₀ − xᵀβ)² = s²_y − 2 βᵀc + βᵀCβ + (ȳ − β₀ − x̄ᵀβ)².
    pub fn squared_errors(&self, models: &[(f64, SparseVector)]) -> Vec<f64> {
        let order = self.columns.covariances.order;
        let mut beta = vec![0.0; order * models.len()];
        for ((_, own), beta) in models.iter().zip(beta.chunks_exact_mut(order)) {
            own.entries().for_each(|(j, b)| beta[j] = b);
        }
        let mut images = vec![0.0; order * models.len()];
        matmul(
            MatMut::from_column_major_slice_mut(&mut images, order, models.len()),
            Accum::Replace,
            MatRef::from_column_major_slice(&self.columns.covariances.values, order, order),
            MatRef::from_column_major_slice(&beta, order, models.len()),
            1.0,
            Par::Seq,
        );
        let of = |((intercept, own), image): (&(f64, SparseVector), &[f64])| {
            let mut bias = self.response_mean - intercept;
            let mut spread = self.response_variance;
            for (j, b) in own.entries() {
                bias -= b * self.columns.means[j];
                spread += b * (image[j] - 2.0 * self.with_response[j]);
            }
            spread.max(0.0) + bias * bias
        };
        models.iter().zip(images.chunks_exact(order)).map(of).collect()
    }
}

/// Treatment of columns before they are penalized.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standardizing {
    /// True if columns are divided by their standard deviations.
    pub deviations: bool,
    /// True if the model has an intercept, and columns are centred.
    pub intercept: bool,
}

/// Moments of standardized columns x̃ = (x − x̄) / s and of the response ỹ = (y − ȳ) / s_y.
///
/// Without an intercept nothing is centred, and s is the deviation about the mean all the same.
#[derive(Clone, Debug)]
pub(super) struct Correlations {
    /// Σ w x̃ x̃ᵀ.
    pub curvature: DenseCurvature,
    /// Σ w x̃ ỹ.
    pub with_response: Vec<f64>,
    /// x̄, or zero without an intercept.
    pub centers: Vec<f64>,
    /// s; one where columns are not divided.
    pub scales: Vec<f64>,
    /// True for columns that are not constant.
    pub varies: Vec<bool>,
    /// ȳ, or zero without an intercept.
    pub response_center: f64,
    /// s_y, with ȳ zero where there is no intercept.
    pub response_scale: f64,
    /// Σ w, of the weights as they were given.
    pub weight: f64,
    /// Rows.
    pub rows: u64,
}

impl Correlations {
    /// Of the moments of rows.
    pub fn new(moments: &Moments, standardizing: Standardizing) -> Self {
        let columns = &moments.columns;
        let order = columns.covariances.order;
        let scales = columns.scales(standardizing.deviations);
        let center = |mean: f64| if standardizing.intercept { mean } else { 0.0 };
        // what the centres that are not subtracted leave in the products
        let rest = |mean: f64| mean - center(mean);
        let response_rest = rest(moments.response_mean);
        let response_scale = (moments.response_variance + response_rest * response_rest).sqrt();
        let with_response = (0..order)
            .map(|j| {
                let raw = moments.with_response[j] + rest(columns.means[j]) * response_rest;
                raw / scales[j] / response_scale
            })
            .collect();
        Correlations {
            curvature: columns.standardized(&scales, standardizing.intercept),
            with_response,
            centers: columns.means.iter().map(|m| center(*m)).collect(),
            scales,
            varies: columns.varies.clone(),
            response_center: center(moments.response_mean),
            response_scale,
            weight: columns.weight,
            rows: columns.rows,
        }
    }
}
