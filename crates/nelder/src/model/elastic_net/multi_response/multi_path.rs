//! Paths of several responses: for each of them intercepts and coefficients by λ.

use serde::{Deserialize, Serialize};

use crate::model::elastic_net::lambda::PathEnd;
use crate::model::elastic_net::path::{Path, SparseVector, Step};

/// Paths of several responses at the same λ: one a response, whose λ, shares of explained deviance and violations are those of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MultiPath {
    /// The path of each response.
    pub responses: Vec<Path>,
    /// True if a column has coefficients for all responses or for none.
    pub grouped: bool,
}

/// A solution at one λ: what goes into the steps of all responses.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    pub lambda: f64,
    /// By response.
    pub intercepts: Vec<f64>,
    /// By response.
    pub coefficients: Vec<SparseVector>,
    pub explained: f64,
    pub violation: f64,
}

impl MultiPath {
    /// No λ yet.
    pub(super) fn new(responses: usize, columns: usize, null_deviance: f64, grouped: bool) -> Self {
        MultiPath {
            responses: vec![Path::new(columns, null_deviance); responses],
            grouped,
        }
    }

    pub(super) fn push(&mut self, solution: Solution) {
        let parts = solution.intercepts.into_iter().zip(solution.coefficients);
        for (path, (intercept, coefficients)) in self.responses.iter_mut().zip(parts) {
            path.push(Step {
                lambda: solution.lambda,
                intercept,
                coefficients,
                explained: solution.explained,
                violation: solution.violation,
            });
        }
    }

    /// Says where the path ended, after so many sweeps.
    pub(super) fn ended(&mut self, end: PathEnd, sweeps: u64) {
        for path in &mut self.responses {
            (path.end, path.sweeps) = (end, sweeps);
        }
    }

    /// The path of the first response, whose λ and shares are those of all.
    pub fn first(&self) -> &Path {
        &self.responses[0]
    }

    /// The mixture with the relaxed fits, as [`Path::blended`] has it.
    pub fn blended(&self, gamma: f64) -> MultiPath {
        MultiPath {
            responses: self.responses.iter().map(|path| path.blended(gamma)).collect(),
            grouped: self.grouped,
        }
    }

    /// Number of λ.
    pub fn len(&self) -> usize {
        self.first().len()
    }

    /// Tests if there is no λ.
    pub fn is_empty(&self) -> bool {
        self.first().is_empty()
    }

    /// Number of columns with a coefficient other than zero for any response at step `m`: glmnet's `df`.
    pub fn nonzero(&self, m: usize) -> usize {
        let places = self
            .responses
            .iter()
            .flat_map(|p| &p.steps[m].coefficients.places);
        let mut places: Vec<u32> = places.copied().collect();
        places.sort_unstable();
        places.dedup();
        places.len()
    }

    /// The number that a cross-validation shows: of columns, or, where responses have columns of their own, the median of their numbers,
    /// rounded up.
    pub fn typical_nonzero(&self, m: usize) -> usize {
        if self.grouped {
            return self.nonzero(m);
        }
        let mut counts: Vec<usize> = self.responses.iter().map(|p| p.nonzero(m)).collect();
        counts.sort_unstable();
        let middle = counts.len() / 2;
        match counts.len() % 2 {
            1 => counts[middle],
            _ => (counts[middle - 1] + counts[middle]).div_ceil(2),
        }
    }

    /// ‖bⱼ‖ of each column over the responses, by λ, in the place of coefficients.
    pub fn norms(&self) -> Path {
        let mut path = self.first().clone();
        for (m, step) in path.steps.iter_mut().enumerate() {
            let own = self
                .responses
                .iter()
                .flat_map(|p| p.steps[m].coefficients.entries());
            let mut squares = std::collections::BTreeMap::new();
            own.for_each(|(j, b)| *squares.entry(j).or_insert(0.0) += b * b);
            step.coefficients = SparseVector::default();
            for (j, square) in squares {
                step.coefficients.push(j, f64::sqrt(square));
            }
        }
        path
    }

    /// Intercepts and coefficients by response at any λ, as [`Path::at`] has them.
    pub fn at(&self, lambda: f64) -> Vec<(f64, SparseVector)> {
        self.responses.iter().map(|path| path.at(lambda)).collect()
    }
}
