//! The columns that were ever active, with their part of the matrix of a quadratic loss.

use nelder_device::vectorized;

use super::penalty::{Penalty, Strength};
use super::support_factor::SupportFactor;

/// No place in the active set.
pub(super) const NOWHERE: u32 = u32::MAX;

/// The matrix H of a quadratic loss, of whatever form.
pub(super) trait Curvature {
    /// Hⱼₘ for each of some columns m.
    fn entries(&self, j: usize, members: &[usize], out: &mut [f64]);

    /// Subtracts Hδ from g, δ of some columns.
    fn subtract(&self, members: &[usize], delta: &[f64], gradient: &mut [f64]);
}

/// A square matrix by columns.
#[derive(Clone, Debug)]
pub(super) struct DenseCurvature {
    /// Order.
    pub order: usize,
    /// Entries by columns, both triangles.
    pub values: Vec<f64>,
}

impl DenseCurvature {
    fn column(&self, j: usize) -> &[f64] {
        &self.values[j * self.order..(j + 1) * self.order]
    }
}

impl Curvature for DenseCurvature {
    fn entries(&self, j: usize, members: &[usize], out: &mut [f64]) {
        let column = self.column(j);
        for (out, &m) in out.iter_mut().zip(members) {
            *out = column[m];
        }
    }

    fn subtract(&self, members: &[usize], delta: &[f64], gradient: &mut [f64]) {
        vectorized(
            #[inline(always)]
            || {
                for (&m, &d) in members.iter().zip(delta).filter(|(_, d)| **d != 0.0) {
                    for (g, h) in gradient.iter_mut().zip(self.column(m)) {
                        *g = f64::mul_add(-d, *h, *g);
                    }
                }
            },
        );
    }
}

/// The columns that were ever active, with their part of H.
#[derive(Clone, Debug, Default)]
pub(super) struct ActiveSet {
    /// The columns.
    pub members: Vec<usize>,
    /// Place of each column among them.
    pub places: Vec<u32>,
    /// H among them, by columns of length `capacity`.
    pub matrix: Vec<f64>,
    /// Length of a column of `matrix`.
    pub capacity: usize,
    /// β of the members.
    pub beta: Vec<f64>,
    /// g of the members.
    pub gradient: Vec<f64>,
    /// Cholesky's factor of H on the support.
    pub factor: SupportFactor,
    /// β of the members when g of all columns was last computed.
    pub settled: Vec<f64>,
}

impl ActiveSet {
    /// Adds a column, with its coefficient and gradient.
    pub fn add<C: Curvature>(&mut self, j: usize, curvature: &C, beta: f64, gradient: f64) {
        self.add_with(j, beta, gradient, |members, out| {
            curvature.entries(j, members, out)
        });
    }

    /// The same, `entries` giving Hⱼₘ for each of the members, the column itself the last.
    pub fn add_with(
        &mut self,
        j: usize,
        beta: f64,
        gradient: f64,
        entries: impl FnOnce(&[usize], &mut [f64]),
    ) {
        let m = self.members.len();
        if m == self.capacity {
            let wider = (2 * m).max(16);
            let mut matrix = vec![0.0; wider * wider];
            for k in 0..m {
                matrix[k * wider..k * wider + m]
                    .copy_from_slice(&self.matrix[k * self.capacity..k * self.capacity + m]);
            }
            (self.matrix, self.capacity) = (matrix, wider);
        }
        self.places[j] = m as u32;
        self.members.push(j);
        let at = m * self.capacity;
        entries(&self.members, &mut self.matrix[at..=at + m]);
        for k in 0..m {
            self.matrix[k * self.capacity + m] = self.matrix[at + k];
        }
        self.beta.push(beta);
        self.gradient.push(gradient);
        self.settled.push(beta);
    }

    /// One sweep of coordinate descent; the largest Hⱼⱼ Δ².
    pub fn sweep(&mut self, penalty: &Penalty, strength: Strength) -> f64 {
        let m = self.members.len();
        let mut largest = 0.0_f64;
        vectorized(
            #[inline(always)]
            || {
                largest = 0.0;
                for k in 0..m {
                    let column = &self.matrix[k * self.capacity..k * self.capacity + m];
                    let (before, curvature) = (self.beta[k], column[k]);
                    let u = f64::mul_add(curvature, before, self.gradient[k]);
                    let after = penalty.coordinate(self.members[k], u, curvature, strength);
                    if after == before {
                        continue;
                    }
                    let delta = after - before;
                    self.beta[k] = after;
                    largest = largest.max(curvature * delta * delta);
                    for (g, h) in self.gradient.iter_mut().zip(column) {
                        *g = f64::mul_add(-delta, *h, *g);
                    }
                }
            },
        );
        largest
    }
}
