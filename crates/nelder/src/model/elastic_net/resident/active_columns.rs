//! The columns that were ever active, standardized, with the matrix of a step's quadratic model.

use faer::linalg::matmul;
use faer::linalg::matmul::triangular::BlockStructure;
use faer::{Accum, MatMut, MatRef, Par};
use nelder_device::vectorized;
use rayon::prelude::*;

use super::loss::RowScores;
use super::quadratic_step::QuadraticStep;
use super::standardized::StandardizedColumns;
use crate::model::elastic_net::active_set::{ActiveSet, NOWHERE};
use crate::model::elastic_net::descent::{Ending, Stuck, descend};
use crate::model::elastic_net::penalty::{Penalty, Strength};

/// The columns that were ever active, Z, and H = Σ ω (z − z̄)(z − z̄)ᵀ among them, z̄ the means under the working weights ω where the model has
/// an intercept.
#[derive(Debug)]
pub(super) struct ActiveColumns {
    /// Members, coefficients, gradients and H.
    set: ActiveSet,
    /// Z, column by column.
    z: Vec<f64>,
    /// z̄ under the working weights of H; zero without an intercept.
    means: Vec<f64>,
    rows: usize,
    intercept: bool,
    /// ω, the working weights of H, and their sum.
    weight: Vec<f64>,
    weight_sum: f64,
    /// √ω (z − z̄), while H is formed.
    pack: Vec<f64>,
}

impl ActiveColumns {
    /// None active.
    pub fn new(columns: usize, rows: usize, intercept: bool) -> Self {
        ActiveColumns {
            set: ActiveSet {
                places: vec![NOWHERE; columns],
                ..ActiveSet::default()
            },
            z: Vec::new(),
            means: Vec::new(),
            rows,
            intercept,
            weight: vec![0.0; rows],
            weight_sum: 0.0,
            pack: Vec::new(),
        }
    }

    fn len(&self) -> usize {
        self.set.members.len()
    }

    pub fn members(&self) -> &[usize] {
        &self.set.members
    }

    pub fn has(&self, j: usize) -> bool {
        self.set.places[j] != NOWHERE
    }

    pub fn beta(&self) -> &[f64] {
        &self.set.beta
    }

    pub fn beta_mut(&mut self) -> &mut [f64] {
        &mut self.set.beta
    }

    pub fn gradient(&self) -> &[f64] {
        &self.set.gradient
    }

    /// Standardized values of member `k`.
    fn column(&self, k: usize) -> &[f64] {
        &self.z[k * self.rows..(k + 1) * self.rows]
    }

    /// The mean of a column under the working weights of H; zero without an intercept.
    fn mean(&self, z: &[f64]) -> f64 {
        match self.intercept && self.weight_sum > 0.0 {
            true => dot(z, &self.weight) / self.weight_sum,
            false => 0.0,
        }
    }

    /// Adds columns, each with its gradient, at coefficients of zero.
    pub fn add(&mut self, x: &StandardizedColumns<'_>, joining: &[(usize, f64)]) {
        let (n, before, count) = (self.rows, self.len(), joining.len());
        self.z.resize((before + count) * n, 0.0);
        let mut weighted = vec![0.0; count * n];
        for (k, (&(j, _), out)) in joining.iter().zip(weighted.chunks_exact_mut(n)).enumerate() {
            let place = (before + k) * n;
            x.write(j, &mut self.z[place..place + n]);
            let own = &self.z[place..place + n];
            let mean = self.mean(own);
            self.means.push(mean);
            let pairs = out.iter_mut().zip(own).zip(&self.weight);
            pairs.for_each(|((out, z), w)| *out = w * (z - mean));
        }
        // Σ ω (z − z̄) z' is that of z' about its mean too
        let members = before + count;
        let mut products = vec![0.0; members * count];
        matmul::matmul(
            MatMut::from_column_major_slice_mut(&mut products, members, count),
            Accum::Replace,
            MatRef::from_column_major_slice(&self.z, n, members).transpose(),
            MatRef::from_column_major_slice(&weighted, n, count),
            1.0,
            match members * count * n < 2 * WORTH_A_PRODUCT {
                true => Par::Seq,
                false => Par::rayon(0),
            },
        );
        for (k, &(j, gradient)) in joining.iter().enumerate() {
            self.set.add_with(j, 0.0, gradient, |_, out| {
                out.copy_from_slice(&products[k * members..k * members + out.len()]);
            });
        }
    }

    /// Forms z̄ and H anew, under the working weights of a point.
    pub fn renew(&mut self, _: &StandardizedColumns<'_>, at: &RowScores) {
        let (n, m) = (self.rows, self.len());
        self.set.factor.clear();
        self.weight.copy_from_slice(&at.weight);
        self.weight_sum = at.weight_sum;
        if m == 0 {
            return;
        }
        for k in 0..m {
            self.means[k] = self.mean(self.column(k));
        }
        let roots: Vec<f64> = at.weight.iter().map(|w| w.sqrt()).collect();
        self.pack.resize(n * m, 0.0);
        for k in 0..m {
            let mean = self.means[k];
            let (own, z) = (&mut self.pack[k * n..(k + 1) * n], &self.z[k * n..(k + 1) * n]);
            for ((out, z), r) in own.iter_mut().zip(z).zip(&roots) {
                *out = r * (z - mean);
            }
        }
        let own = MatRef::from_column_major_slice(&self.pack, n, m);
        let capacity = self.set.capacity;
        matmul::triangular::matmul(
            MatMut::from_column_major_slice_with_stride_mut(&mut self.set.matrix, m, m, capacity),
            BlockStructure::TriangularUpper,
            Accum::Replace,
            own.transpose(),
            BlockStructure::Rectangular,
            own,
            BlockStructure::Rectangular,
            1.0,
            Par::rayon(0),
        );
        for k in 0..m {
            for l in 0..k {
                self.set.matrix[l * capacity + k] = self.set.matrix[k * capacity + l];
            }
        }
    }

    /// Gives the members the gradient Σ (z − z̄) s of scores s.
    pub fn take_gradient(&mut self, _: &StandardizedColumns<'_>, at: &RowScores) {
        let columns = self.z.par_chunks_exact(self.rows).zip(&self.means);
        let gradients = self.set.gradient.par_iter_mut().zip(columns);
        gradients
            .with_min_len((WORTH_A_THREAD / self.rows.max(1)).max(1))
            .for_each(|(g, (z, mean))| *g = dot(z, &at.score) - mean * at.score_sum);
    }

    /// The step from a point whose gradient was taken: by coordinate descent and Newton's method on the support.
    ///
    /// # Errors
    /// More sweeps than allowed.
    pub fn step(
        &mut self,
        at: &RowScores,
        penalty: &Penalty,
        strength: Strength,
        ending: Ending,
        sweeps: &mut u64,
    ) -> Result<QuadraticStep, Stuck> {
        let before = self.set.beta.clone();
        if !before.is_empty() {
            descend(&mut self.set, penalty, strength, ending, sweeps)?;
        }
        let delta: Vec<f64> = self.set.beta.iter().zip(&before).map(|(b, a)| b - a).collect();
        // the step of the intercept, which was eliminated
        let free = match self.intercept && at.weight_sum > 0.0 {
            true => at.score_sum / at.weight_sum,
            false => 0.0,
        };
        let (mut constant, mut square) = (free, free * free * at.weight_sum);
        for (k, d) in delta.iter().enumerate() {
            constant -= self.means[k] * d;
            square = square.max(self.set.matrix[k * self.set.capacity + k] * d * d);
        }
        let images = self.images(constant, &delta);
        Ok(QuadraticStep {
            delta,
            constant,
            images,
            square,
        })
    }

    /// The constant + Σ δ z of each row.
    fn images(&self, constant: f64, delta: &[f64]) -> Vec<f64> {
        let moved: Vec<(usize, f64)> = delta
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, d)| *d != 0.0)
            .collect();
        let mut images = vec![constant; self.rows];
        let length = (WORTH_A_THREAD / moved.len().max(1)).max(LEAST_RUN);
        images.par_chunks_mut(length).enumerate().for_each(|(r, run)| {
            let from = r * length;
            for &(k, d) in &moved {
                let z = &self.column(k)[from..from + run.len()];
                vectorized(
                    #[inline(always)]
                    || {
                        let pairs = run.iter_mut().zip(z);
                        pairs.for_each(|(e, z)| *e = f64::mul_add(d, *z, *e));
                    },
                );
            }
        });
        images
    }
}

/// Numbers whose reading is worth another thread.
const WORTH_A_THREAD: usize = 1 << 15;

/// Products of a matrix that are worth another thread.
const WORTH_A_PRODUCT: usize = 1 << 18;
/// The fewest rows that a thread takes.
const LEAST_RUN: usize = 256;

/// Σ x y.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    nelder_device::kernels::rough_sum(x, Some(y))
}
