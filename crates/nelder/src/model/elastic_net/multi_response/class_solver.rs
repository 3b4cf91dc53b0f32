//! Minimum of the quadratic model of a multinomial step: coefficients one by one, or rows of them together.

use super::class_curvature::ClassCurvature;
use super::group_curvature::FullCurvature;
use super::group_descent::GroupDescent;
use super::group_penalty::GroupPenalty;
use crate::model::elastic_net::descent::{Descent, Ending, Stuck};
use crate::model::elastic_net::penalty::{Penalty, Strength};

/// Coefficients of the classes on their way, with their penalty.
pub(super) enum ClassSolver {
    /// A penalty for each coefficient.
    Ungrouped {
        classes: usize,
        descent: Descent,
        penalty: Penalty,
    },
    /// A penalty for the row of coefficients of a column.
    Grouped {
        alpha: f64,
        descent: GroupDescent,
        penalty: GroupPenalty,
    },
}

impl ClassSolver {
    /// No coefficients yet. `penalty` has bounds of standardized coefficients.
    pub fn new(grouped: bool, classes: usize, penalty: &Penalty, usable: &[bool]) -> Self {
        let none = vec![0.0; classes * usable.len()];
        if grouped {
            return ClassSolver::Grouped {
                alpha: penalty.alpha,
                descent: GroupDescent::new(none, usable.to_vec()),
                penalty: GroupPenalty::new(penalty, &vec![1.0; classes]),
            };
        }
        fn spread<T: Copy>(values: &[T], classes: usize) -> Vec<T> {
            values
                .iter()
                .flat_map(|v| std::iter::repeat_n(*v, classes))
                .collect()
        }
        ClassSolver::Ungrouped {
            classes,
            descent: Descent::new(none, spread(usable, classes)),
            penalty: Penalty {
                alpha: penalty.alpha,
                factors: spread(&penalty.factors, classes),
                lower: spread(&penalty.lower, classes),
                upper: spread(&penalty.upper, classes),
            },
        }
    }

    /// True if a column has coefficients for all classes or for none.
    pub fn is_grouped(&self) -> bool {
        matches!(self, ClassSolver::Grouped { .. })
    }

    /// Goes on from other coefficients, with the gradient there.
    pub fn restart(&mut self, beta: &[f64], gradient: Vec<f64>) {
        match self {
            ClassSolver::Ungrouped { descent, .. } => descent.restart(beta, gradient),
            ClassSolver::Grouped { descent, .. } => descent.restart(beta, gradient),
        }
    }

    /// Goes on with another matrix.
    pub fn renew(&mut self, curvature: &ClassCurvature) {
        if let ClassSolver::Ungrouped { descent, .. } = self {
            descent.renew(&curvature.matrix);
        }
    }

    /// Goes on to the minimum at a λ.
    ///
    /// # Errors
    /// More sweeps or active columns than allowed.
    pub fn minimise(
        &mut self,
        curvature: &ClassCurvature,
        strength: Strength,
        ending: Ending,
    ) -> Result<(), Stuck> {
        match self {
            ClassSolver::Ungrouped {
                classes,
                descent,
                penalty,
            } => {
                let ending = Ending {
                    most_active: ending.most_active * *classes,
                    ..ending
                };
                descent.minimise(&curvature.matrix, penalty, strength, ending)?;
                // where only differences of classes count, the penalty says which of the solutions it is
                for (j, row) in descent.beta.chunks_mut(*classes).enumerate() {
                    let at = j * *classes..(j + 1) * *classes;
                    let bounds = (&penalty.lower[at.clone()], &penalty.upper[at.clone()]);
                    let alpha = match penalty.factors[at.start] > 0.0 {
                        true => penalty.alpha,
                        false => 0.0,
                    };
                    center(row, alpha, bounds);
                }
                Ok(())
            }
            ClassSolver::Grouped { descent, penalty, .. } => {
                let full = FullCurvature {
                    of: &curvature.matrix,
                    responses: penalty.responses,
                };
                descent.minimise(&full, penalty, strength, ending)?;
                // rows that are penalized add up to zero; others do where they are made to
                for (j, row) in descent.beta.chunks_mut(penalty.responses).enumerate() {
                    if penalty.factors[j] == 0.0 {
                        let bounds = (&penalty.lower[penalty.row(j)], &penalty.upper[penalty.row(j)]);
                        center(row, 0.0, bounds);
                    }
                }
                Ok(())
            }
        }
    }

    /// The coefficients.
    pub fn beta(&self) -> &[f64] {
        match self {
            ClassSolver::Ungrouped { descent, .. } => &descent.beta,
            ClassSolver::Grouped { descent, .. } => &descent.beta,
        }
    }

    /// The gradient of the quadratic model there.
    pub fn gradient(&self) -> &[f64] {
        match self {
            ClassSolver::Ungrouped { descent, .. } => &descent.gradient,
            ClassSolver::Grouped { descent, .. } => &descent.gradient,
        }
    }

    /// Sweeps and Newton steps so far.
    pub fn sweeps(&self) -> u64 {
        match self {
            ClassSolver::Ungrouped { descent, .. } => descent.sweeps,
            ClassSolver::Grouped { descent, .. } => descent.sweeps,
        }
    }

    /// λ P(B).
    pub fn value(&self, beta: &[f64], strength: Strength) -> f64 {
        match self {
            ClassSolver::Ungrouped { penalty, .. } => penalty.value(beta, strength),
            ClassSolver::Grouped { penalty, .. } => penalty.value(beta, strength),
        }
    }

    /// The smallest λ at which every penalized coefficient is zero, for the gradient there.
    pub fn largest_lambda(&self, gradient: &[f64]) -> f64 {
        match self {
            ClassSolver::Ungrouped { penalty, descent, .. } => {
                penalty.largest_lambda(gradient, &descent.usable)
            }
            ClassSolver::Grouped {
                alpha,
                penalty,
                descent,
            } => penalty.largest_lambda(gradient, &descent.usable, *alpha),
        }
    }

    /// The largest violation of the optimality conditions by coefficients with this gradient.
    pub fn violation(&self, gradient: &[f64], beta: &[f64], strength: Strength) -> f64 {
        match self {
            ClassSolver::Ungrouped { penalty, descent, .. } => {
                let places = (0..beta.len()).filter(|&i| descent.usable[i]);
                let of = |i: usize| penalty.violation(i, gradient[i], beta[i], strength);
                places.map(of).fold(0.0, f64::max)
            }
            ClassSolver::Grouped { penalty, descent, .. } => {
                let rows = (0..descent.usable.len()).filter(|&j| descent.usable[j]);
                let of = |j: usize| {
                    penalty.violation(j, &gradient[penalty.row(j)], &beta[penalty.row(j)], strength)
                };
                rows.map(of).fold(0.0, f64::max)
            }
        }
    }
}

/// Subtracts from the coefficients of a column the s that makes Σ ((1 − α) (bₖ − s)² / 2 + α |bₖ − s|) least, as far as the bounds allow: their
/// mean for a ridge and for a column that is not penalized, their median for a lasso, of an even number the mean of the middle two. The
/// probabilities are the same.
///
/// Source: Friedman, Hastie & Tibshirani (2010), "Regularization paths for generalized linear models via coordinate descent", section 4.1.
pub(super) fn center(row: &mut [f64], alpha: f64, (lower, upper): (&[f64], &[f64])) {
    if row.iter().all(|b| *b == 0.0) {
        return;
    }
    let least = row
        .iter()
        .zip(upper)
        .map(|(b, u)| b - u)
        .fold(f64::NEG_INFINITY, f64::max);
    let most = row
        .iter()
        .zip(lower)
        .map(|(b, l)| b - l)
        .fold(f64::INFINITY, f64::min);
    let s = middle(row, alpha).min(most).max(least);
    if s != 0.0 {
        row.iter_mut().for_each(|b| *b -= s);
    }
}

/// The s that makes Σ ((1 − α) (bₖ − s)² / 2 + α |bₖ − s|) least.
fn middle(row: &[f64], alpha: f64) -> f64 {
    let count = row.len();
    let mean = row.iter().sum::<f64>() / count as f64;
    let mut sorted = row.to_vec();
    sorted.sort_by(f64::total_cmp);
    if alpha >= 1.0 {
        return 0.5 * (sorted[(count - 1) / 2] + sorted[count / 2]);
    }
    // between two of the coefficients, i of them below, the derivative is zero at the mean and α / (1 − α) times how many more are above than below
    let between = |i: usize| mean + alpha / (1.0 - alpha) * (count as f64 - 2.0 * i as f64) / count as f64;
    for (i, &b) in sorted.iter().enumerate() {
        if between(i) < b {
            return between(i);
        }
        if between(i + 1) <= b {
            return b;
        }
    }
    between(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centred_coefficients_have_the_least_penalty() {
        let rows = [
            vec![0.3, -0.2, 1.0],
            vec![0.0, 0.4],
            vec![2.0, 2.0, -1.0, 0.5],
            vec![0.0, 0.0, 0.7],
            vec![-3.0, -2.9, -2.8, 0.0, 5.0],
        ];
        for row in &rows {
            for alpha in [0.0, 0.2, 0.5, 0.9, 1.0] {
                let value = |row: &[f64]| {
                    let own = |b: &f64| 0.5 * (1.0 - alpha) * b * b + alpha * b.abs();
                    row.iter().map(own).sum::<f64>()
                };
                let free = (vec![f64::NEG_INFINITY; row.len()], vec![f64::INFINITY; row.len()]);
                let mut centred = row.clone();
                center(&mut centred, alpha, (&free.0, &free.1));
                for step in -300..300 {
                    let other: Vec<f64> = row.iter().map(|b| b - f64::from(step) / 50.0).collect();
                    assert!(value(&centred) <= value(&other) + 1e-12, "{row:?} {alpha}");
                }
                // it is centred already
                let again = centred.clone();
                center(&mut centred, alpha, (&free.0, &free.1));
                assert!(centred.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-15));
            }
        }
        let mut row = [0.5, 0.5, -0.5];
        center(&mut row, 0.0, (&[-0.6; 3], &[0.6; 3]));
        assert_eq!(row, [0.4, 0.4, -0.6]);
    }
}
