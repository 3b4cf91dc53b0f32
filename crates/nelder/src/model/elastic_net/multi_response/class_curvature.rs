//! Second derivatives of half the deviance of a multinomial model, the intercepts eliminated.

use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

use crate::model::elastic_net::active_set::DenseCurvature;
use crate::model::elastic_net::moments::ColumnMoments;

/// Added to the diagonal of the intercepts' part, as a part of it, where a class all but vanishes.
const DAMPING: f64 = 1e-9;

/// Second derivatives H of half the deviance over W, by standardized columns and classes: place j K + k.
///
/// With H₀₀ those of the intercepts, H₀ those of an intercept and a coefficient: for given coefficients the best step of the intercepts is
/// δ₀ = H₀₀⁺ (s₀ − H₀ δ), and what is left for the coefficients is H − H₀ᵀ H₀₀⁺ H₀. H₀₀ has the null vector 1, to which s₀ and the columns of
/// H₀ are orthogonal: where all intercepts move alike no probability does.
#[derive(Clone, Debug)]
pub(super) struct ClassCurvature {
    /// H − H₀ᵀ H₀₀⁺ H₀; H itself without intercepts.
    pub matrix: DenseCurvature,
    /// The diagonal of H₀₀.
    pub diagonal: Vec<f64>,
    /// H₀₀⁺ on vectors orthogonal to 1, by rows.
    inverse: Vec<f64>,
    /// H₀ by columns, one a coefficient.
    cross: Vec<f64>,
}

/// Moments of the columns under the weights w pₖ pₘ of a pair of classes k > m, whose sum is `share` of that of the prior weights.
pub(super) struct PairMoments {
    pub moments: ColumnMoments,
    pub share: f64,
}

impl ClassCurvature {
    /// Of the moments of each pair of classes, for columns about `centers` and over `scales`.
    pub fn new(
        pairs: &[PairMoments],
        classes: usize,
        centers: &[f64],
        scales: &[f64],
        intercept: bool,
    ) -> Self {
        let columns = scales.len();
        let order = columns * classes;
        let mut values = vec![0.0; order * order];
        let mut cross = vec![0.0; order * classes];
        let mut ones = Mat::<f64>::zeros(classes, classes);
        for (pair, (k, m)) in pairs.iter().zip(pairs_of(classes)) {
            let own = &pair.moments;
            let about: Vec<f64> = (0..columns)
                .map(|j| (own.means[j] - centers[j]) / scales[j])
                .collect();
            for j in 0..columns {
                let column = &own.covariances.values[j * columns..(j + 1) * columns];
                for l in 0..columns {
                    let product = pair.share * (column[l] / (scales[j] * scales[l]) + about[j] * about[l]);
                    // minus it for the two classes, and plus it for each with itself
                    values[(j * classes + k) * order + l * classes + m] -= product;
                    values[(j * classes + m) * order + l * classes + k] -= product;
                    values[(j * classes + k) * order + l * classes + k] += product;
                    values[(j * classes + m) * order + l * classes + m] += product;
                }
                let with_ones = pair.share * about[j];
                cross[(j * classes + k) * classes + m] -= with_ones;
                cross[(j * classes + m) * classes + k] -= with_ones;
                cross[(j * classes + k) * classes + k] += with_ones;
                cross[(j * classes + m) * classes + m] += with_ones;
            }
            ones[(k, m)] -= pair.share;
            ones[(m, k)] -= pair.share;
            ones[(k, k)] += pair.share;
            ones[(m, m)] += pair.share;
        }
        let mut out = ClassCurvature {
            matrix: DenseCurvature { order, values },
            diagonal: (0..classes).map(|k| ones[(k, k)]).collect(),
            inverse: Vec::new(),
            cross: Vec::new(),
        };
        if intercept {
            out.inverse = inverse_of(&ones);
            out.cross = cross;
            out.eliminate(classes);
        }
        out
    }

    /// Takes H₀ᵀ H₀₀⁺ H₀ from H.
    fn eliminate(&mut self, classes: usize) {
        let order = self.matrix.order;
        let images: Vec<f64> = self
            .cross
            .chunks(classes)
            .flat_map(|column| self.solved(column))
            .collect();
        for a in 0..order {
            let own = &self.cross[a * classes..(a + 1) * classes];
            let column = &mut self.matrix.values[a * order..(a + 1) * order];
            for (v, image) in column.iter_mut().zip(images.chunks(classes)) {
                *v -= own.iter().zip(image).map(|(x, y)| x * y).sum::<f64>();
            }
        }
    }

    /// H₀₀⁺ v.
    fn solved(&self, v: &[f64]) -> Vec<f64> {
        let rows = self.inverse.chunks(v.len());
        rows.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
            .collect()
    }

    /// The step of the intercepts that a score s₀ calls for where coefficients stay; none without intercepts.
    pub fn of_intercepts(&self, score: &[f64]) -> Vec<f64> {
        match self.inverse.is_empty() {
            true => vec![0.0; score.len()],
            false => self.solved(score),
        }
    }

    /// Adds to a step of the intercepts what a step δ of the coefficients calls for, −H₀₀⁺ H₀ δ.
    pub fn follow(&self, delta: &[f64], step: &mut [f64]) {
        if self.inverse.is_empty() {
            return;
        }
        let mut image = vec![0.0; step.len()];
        for (column, d) in self
            .cross
            .chunks(step.len())
            .zip(delta)
            .filter(|(_, d)| **d != 0.0)
        {
            image.iter_mut().zip(column).for_each(|(s, h)| *s += h * d);
        }
        for (s, x) in step.iter_mut().zip(self.solved(&image)) {
            *s -= x;
        }
    }

    /// The part that a score s₀ takes from the score of the coefficients, s − H₀ᵀ H₀₀⁺ s₀.
    pub fn without_intercepts(&self, score: &mut [f64], of_intercepts: &[f64]) {
        if self.inverse.is_empty() {
            return;
        }
        let columns = self.cross.chunks(of_intercepts.len());
        for (s, column) in score.iter_mut().zip(columns) {
            *s -= column.iter().zip(of_intercepts).map(|(h, d)| h * d).sum::<f64>();
        }
    }
}

/// Pairs of classes (1, 0), (2, 0), (2, 1), …
pub(super) fn pairs_of(classes: usize) -> impl Iterator<Item = (usize, usize)> {
    (1..classes).flat_map(|k| (0..k).map(move |m| (k, m)))
}

/// The inverse of H₀₀ + t 11ᵀ / K, which is H₀₀⁺ on vectors orthogonal to 1, by rows; t is the mean of its diagonal.
fn inverse_of(ones: &Mat<f64>) -> Vec<f64> {
    let n = ones.nrows();
    let mean = (0..n).map(|i| ones[(i, i)]).sum::<f64>() / n as f64;
    for damping in [0.0, DAMPING] {
        let matrix = Mat::from_fn(n, n, |i, j| {
            let own = if i == j { damping * mean } else { 0.0 };
            ones[(i, j)] + mean / n as f64 + own
        });
        if let Ok(factor) = matrix.llt(Side::Lower) {
            let inverse = factor.solve(Mat::<f64>::identity(n, n));
            return (0..n)
                .flat_map(|i| (0..n).map(move |j| (i, j)))
                .map(|at| inverse[at])
                .collect();
        }
    }
    // no weight is left: intercepts stay
    vec![0.0; n * n]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intercepts_are_eliminated() {
        // one column of mean 0.5 and variance 0.2 under each pair's weights, of shares 0.1, 0.06 and 0.15
        let pair = |share: f64| PairMoments {
            moments: ColumnMoments {
                covariances: DenseCurvature {
                    order: 1,
                    values: vec![0.2],
                },
                means: vec![0.5],
                varies: vec![true],
                weight: share,
                rows: 10,
            },
            share,
        };
        let pairs = [pair(0.1), pair(0.06), pair(0.15)];
        let of = |intercept| ClassCurvature::new(&pairs, 3, &[0.1], &[2.0], intercept);
        let (with, without) = (of(true), of(false));
        // with the same mean under all weights what is left is the variance alone, 0.2 / 4 of the shares
        for (k, (a, b)) in with.matrix.values.iter().zip(&without.matrix.values).enumerate() {
            assert!((a / b - 0.05 / (0.05 + 0.04)).abs() < 1e-12, "{k}: {a} {b}");
        }
        assert!((without.matrix.values[0] - 0.16 * 0.09).abs() < 1e-15);
        // the mean moves by 0.2 of a step, and intercepts follow
        let mut step = [0.0; 3];
        with.follow(&[1.0, -1.0, 0.0], &mut step);
        for (s, d) in step.iter().zip([-0.2, 0.2, 0.0]) {
            assert!((s - d).abs() < 1e-12);
        }
    }
}
