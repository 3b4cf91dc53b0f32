//! A path of solutions: coefficients by λ, and what lies between two λ.

use serde::{Deserialize, Serialize};

use super::lambda::PathEnd;

/// A vector with few entries other than zero: their places in ascending order, and their values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SparseVector {
    /// Places.
    pub places: Vec<u32>,
    /// Values.
    pub values: Vec<f64>,
}

impl SparseVector {
    /// Appends an entry, at a place after all others.
    pub fn push(&mut self, place: usize, value: f64) {
        self.places.push(place as u32);
        self.values.push(value);
    }

    /// The entries.
    pub fn entries(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.places
            .iter()
            .map(|&p| p as usize)
            .zip(self.values.iter().copied())
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Tests if all entries are zero.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The value at a place.
    pub fn get(&self, place: usize) -> f64 {
        match self.places.binary_search(&(place as u32)) {
            Ok(at) => self.values[at],
            Err(_) => 0.0,
        }
    }

    /// (1 − t) a + t b.
    pub(super) fn between(a: &SparseVector, b: &SparseVector, t: f64) -> SparseVector {
        let (mut places, mut values) = (Vec::with_capacity(a.len() + b.len()), Vec::new());
        values.reserve(places.capacity());
        let (mut i, mut j) = (0, 0);
        while i < a.len() || j < b.len() {
            let at = |v: &SparseVector, k: usize| v.places.get(k).copied().unwrap_or(u32::MAX);
            let place = at(a, i).min(at(b, j));
            let mut value = 0.0;
            if at(a, i) == place {
                value += (1.0 - t) * a.values[i];
                i += 1;
            }
            if at(b, j) == place {
                value += t * b.values[j];
                j += 1;
            }
            places.push(place);
            values.push(value);
        }
        SparseVector { places, values }
    }
}

/// Solution at one λ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// λ, in the units of the response.
    pub lambda: f64,
    /// The intercept.
    pub intercept: f64,
    /// Coefficients of the columns.
    pub coefficients: SparseVector,
    /// Share of the null deviance that is explained, glmnet's `dev.ratio`.
    pub explained: f64,
    /// The largest violation of the optimality conditions, for standardized columns and a response of unit variance: the KKT residual.
    pub violation: f64,
}

/// A path of solutions, λ descending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// The solutions.
    pub steps: Vec<Step>,
    /// Columns.
    pub columns: usize,
    /// Deviance of the model of the intercept alone.
    pub null_deviance: f64,
    /// Sweeps and Newton steps over the whole path.
    pub sweeps: u64,
    /// Reason why there is no further λ.
    pub end: PathEnd,
    /// The relaxed fits, where they were asked for: of each step whose active set has one, the model of those columns without a penalty. Its `end`
    /// is [`PathEnd::Sweeps`] of the first step whose fit was not found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relaxed: Option<Box<Path>>,
}

impl Path {
    pub(super) fn new(columns: usize, null_deviance: f64) -> Self {
        Path {
            steps: Vec::new(),
            columns,
            null_deviance,
            sweeps: 0,
            end: PathEnd::Complete,
            relaxed: None,
        }
    }

    pub(super) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Number of λ.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Tests if there is no λ.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The λ.
    pub fn lambdas(&self) -> Vec<f64> {
        self.steps.iter().map(|s| s.lambda).collect()
    }

    /// A sentence where the path, or a relaxed fit, is not what was asked for; `None` otherwise.
    pub fn warning(&self) -> Option<String> {
        let relaxed = self.relaxed.as_deref().map(|r| r.end);
        match (self.end.warning(self.len()), relaxed) {
            (None, Some(PathEnd::Sweeps(step) | PathEnd::Active(step))) => Some(format!(
                "no minimum without a penalty was found for the active set of lambda number {step}: lambda of such sets have no relaxed fit"
            )),
            (own, _) => own,
        }
    }

    /// Number of coefficients other than zero at step `m`: glmnet's `df`.
    pub fn nonzero(&self, m: usize) -> usize {
        self.steps[m].coefficients.len()
    }

    /// Place of a λ on the path: the steps m and m + 1 that it is between, and its share t of the way from one to the other; beyond the ends of
    /// the path it is at its end.
    pub(super) fn place(&self, lambda: f64) -> (usize, f64) {
        let after = self.steps.partition_point(|s| s.lambda >= lambda);
        if after == 0 {
            return (0, 0.0);
        }
        let left = self.steps[after - 1].lambda;
        match self.steps.get(after) {
            Some(right) if left != lambda => (after - 1, (left - lambda) / (left - right.lambda)),
            _ => (after - 1, 0.0),
        }
    }

    /// Intercept and coefficients at any λ: between two λ of the path they are interpolated linearly in λ, as glmnet does
    /// (`exact = FALSE`); beyond its ends they are those of the end.
    pub fn at(&self, lambda: f64) -> (f64, SparseVector) {
        if self.steps.is_empty() {
            return (0.0, SparseVector::default());
        }
        let (m, t) = self.place(lambda);
        let left = &self.steps[m];
        if t == 0.0 {
            return (left.intercept, left.coefficients.clone());
        }
        let right = &self.steps[m + 1];
        (
            (1.0 - t) * left.intercept + t * right.intercept,
            SparseVector::between(&left.coefficients, &right.coefficients, t),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_lambda_coefficients_are_interpolated() {
        let step = |lambda: f64, intercept: f64, entries: &[(usize, f64)]| {
            let mut coefficients = SparseVector::default();
            entries.iter().for_each(|&(j, v)| coefficients.push(j, v));
            Step {
                lambda,
                intercept,
                coefficients,
                explained: 0.0,
                violation: 0.0,
            }
        };
        let mut path = Path::new(3, 1.0);
        path.push(step(4.0, 1.0, &[]));
        path.push(step(2.0, 2.0, &[(1, 4.0)]));
        path.push(step(1.0, 0.0, &[(0, 1.0), (1, 2.0)]));
        assert_eq!(path.at(9.0), (1.0, SparseVector::default()));
        let (intercept, beta) = path.at(3.0);
        assert_eq!((intercept, beta.get(0), beta.get(1)), (1.5, 0.0, 2.0));
        let (intercept, beta) = path.at(1.25);
        assert_eq!(
            (intercept, beta.get(0), beta.get(1), beta.get(2)),
            (0.5, 0.75, 2.5, 0.0)
        );
        assert_eq!(path.at(0.1).1, path.steps[2].coefficients);
    }
}
