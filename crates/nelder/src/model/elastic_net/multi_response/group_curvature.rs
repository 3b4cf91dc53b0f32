//! Matrices H of a quadratic loss of a coefficient matrix.

use crate::model::elastic_net::active_set::DenseCurvature;

/// The matrix H of a quadratic loss of a coefficient matrix, which lies by rows: place j K + k.
pub(super) trait GroupCurvature {
    /// Responses K.
    fn responses(&self) -> usize;

    /// A bound of the largest eigenvalue of Hⱼⱼ, the block of row `j`.
    fn bound(&self, j: usize) -> f64;

    /// Subtracts from the gradient of some rows what a change δ of row `j` takes from it: gₗ −= Hₗⱼ δ.
    fn subtract(&self, j: usize, delta: &[f64], rows: &[usize], gradient: &mut [f64]);

    /// The entry of two places.
    fn entry(&self, a: usize, b: usize) -> f64;
}

/// I ⊗ H: every response has the same curvature, and none of another's.
pub(super) struct SharedCurvature<'a> {
    pub of: &'a DenseCurvature,
    pub responses: usize,
}

impl GroupCurvature for SharedCurvature<'_> {
    fn responses(&self) -> usize {
        self.responses
    }

    fn bound(&self, j: usize) -> f64 {
        self.of.values[j * self.of.order + j]
    }

    fn subtract(&self, j: usize, delta: &[f64], rows: &[usize], gradient: &mut [f64]) {
        let column = &self.of.values[j * self.of.order..(j + 1) * self.of.order];
        for &l in rows {
            let own = &mut gradient[l * self.responses..(l + 1) * self.responses];
            own.iter_mut().zip(delta).for_each(|(g, d)| *g -= column[l] * d);
        }
    }

    fn entry(&self, a: usize, b: usize) -> f64 {
        let (j, l) = (a / self.responses, b / self.responses);
        match a % self.responses == b % self.responses {
            true => self.of.values[j * self.of.order + l],
            false => 0.0,
        }
    }
}

/// H of all coefficients with each other.
pub(super) struct FullCurvature<'a> {
    pub of: &'a DenseCurvature,
    pub responses: usize,
}

impl GroupCurvature for FullCurvature<'_> {
    fn responses(&self) -> usize {
        self.responses
    }

    // the smaller of the trace and of the largest row of absolute values (Gershgorin)
    fn bound(&self, j: usize) -> f64 {
        let places = j * self.responses..(j + 1) * self.responses;
        let row = |a: usize| places.clone().map(|b| self.entry(a, b).abs()).sum::<f64>();
        let trace: f64 = places.clone().map(|a| self.entry(a, a)).sum();
        places.clone().map(row).fold(0.0, f64::max).min(trace)
    }

    fn subtract(&self, j: usize, delta: &[f64], rows: &[usize], gradient: &mut [f64]) {
        let responses = self.responses;
        for (k, d) in delta.iter().enumerate().filter(|(_, d)| **d != 0.0) {
            let at = (j * responses + k) * self.of.order;
            let column = &self.of.values[at..at + self.of.order];
            for &l in rows {
                let places = l * responses..(l + 1) * responses;
                let pairs = gradient[places.clone()].iter_mut().zip(&column[places]);
                pairs.for_each(|(g, h)| *g -= h * d);
            }
        }
    }

    fn entry(&self, a: usize, b: usize) -> f64 {
        self.of.values[a * self.of.order + b]
    }
}
