//! Solutions of S x = r to twice the precision, with a bound of what is left of their errors.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nelder_device::Dd;

use super::conjugate::{Preconditioner, conjugate_gradients};
use super::forest::Forest;
use super::sampled::SampledCholesky;
use super::table::TwoWayTable;

/// Columns that are solved for at a time.
const COLUMNS: usize = 8;
/// Part to which the conjugate gradients of a round bring the residuals' norm; double precision has no more than a few digits beyond.
const PART: f64 = 1e-9;
/// Steps with the levels' weights as preconditioner: more of them take longer than a sampled factor does.
const STEPS_BY_WEIGHTS: usize = 80;
/// Steps of a round with a sampled factor at most.
const STEPS: usize = 2000;
/// Rounds at most: residuals in twice the precision, and conjugate gradients for the rest.
const ROUNDS: usize = 12;
/// Energy of an error, relative to that of the solution, at which it is good enough: errors enter by the energy itself, so that this is
/// 10⁻⁸ of half a unit in the last place of a double.
const ENOUGH: f64 = 1e-24;

/// The system S = D_h − Cᵀ D_g⁻¹ C of a contingency table.
pub struct TwoWaySystem {
    /// The table.
    pub table: TwoWayTable,
    forest: Forest,
    sampled: OnceLock<Preconditioner>,
    /// True if the levels' weights are no good preconditioner.
    slow: AtomicBool,
    steps: AtomicUsize,
}

/// Solutions x̂ of S x = r for `k` right sides, with what is known of their errors.
#[derive(Clone, Debug)]
pub struct TwoWaySolution {
    /// x̂ by level of the second factor, columns fastest.
    pub x: Vec<Dd>,
    /// r − S x̂, the same way.
    pub residuals: Vec<f64>,
    /// Bounds of the energy eᵀ S e of the errors e = x − x̂, by column.
    pub energies: Vec<f64>,
    /// r, of which sums by component vanish.
    pub right: Vec<Dd>,
}

impl TwoWaySystem {
    /// The system of a table.
    pub fn new(table: TwoWayTable) -> TwoWaySystem {
        TwoWaySystem {
            forest: Forest::new(&table),
            table,
            sampled: OnceLock::new(),
            slow: AtomicBool::new(false),
            steps: AtomicUsize::new(0),
        }
    }

    /// True if the levels' weights are no good preconditioner.
    fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed)
    }

    /// Steps of conjugate gradients so far.
    pub fn steps(&self) -> usize {
        self.steps.load(Ordering::Relaxed)
    }

    /// True if a sampled factor was needed.
    pub fn is_sampled(&self) -> bool {
        self.sampled.get().is_some()
    }

    /// Solves for `k` right sides by level of the second factor, columns fastest.
    pub fn solve(&self, right: &[Dd], k: usize) -> TwoWaySolution {
        let h = self.table.second.len();
        let mut all = TwoWaySolution {
            x: vec![Dd::ZERO; h * k],
            residuals: vec![0.0; h * k],
            energies: vec![0.0; k],
            right: right.to_vec(),
        };
        for from in (0..k).step_by(COLUMNS) {
            let width = COLUMNS.min(k - from);
            let own = |j: usize| j * k + from..j * k + from + width;
            let part: Vec<Dd> = (0..h).flat_map(|j| right[own(j)].iter().copied()).collect();
            let found = self.some(part, width);
            for j in 0..h {
                let at = j * width..(j + 1) * width;
                all.x[own(j)].copy_from_slice(&found.x[at.clone()]);
                all.residuals[own(j)].copy_from_slice(&found.residuals[at.clone()]);
                all.right[own(j)].copy_from_slice(&found.right[at]);
            }
            all.energies[from..from + width].copy_from_slice(&found.energies);
        }
        all
    }

    /// Solves for a few right sides, round by round.
    fn some(&self, mut right: Vec<Dd>, k: usize) -> TwoWaySolution {
        let table = &self.table;
        table.balance(&mut right, k);
        let mut x = vec![Dd::ZERO; right.len()];
        let mut residuals = right.clone();
        let mut energies = self.forest.energies(&residuals, k);
        for _ in 0..ROUNDS {
            let sizes = inner(&x, &right, k);
            if energies.iter().zip(&sizes).all(|(e, s)| *e <= ENOUGH * s) {
                break;
            }
            let slow = self.is_slow();
            let step = self.step(&residuals, k);
            let next: Vec<Dd> = x.iter().zip(&step).map(|(x, s)| x.add_f64(*s)).collect();
            let mut left = table.residual(&right, &next, k);
            table.balance(&mut left, k);
            let now = self.forest.energies(&left, k);
            let smaller = |(now, before): (&f64, &f64)| *now < 0.25 * before;
            if !now.iter().zip(&energies).any(smaller) {
                if slow || !self.is_slow() {
                    break;
                }
                continue;
            }
            (x, residuals, energies) = (next, left, now);
        }
        TwoWaySolution {
            x,
            residuals: residuals.iter().map(|r| r.hi).collect(),
            energies,
            right,
        }
    }

    /// One round of conjugate gradients in double precision.
    fn step(&self, residuals: &[Dd], k: usize) -> Vec<f64> {
        let r: Vec<f64> = residuals.iter().map(|r| r.hi).collect();
        let sampled = || Preconditioner::Sampled(Box::new(SampledCholesky::new(&self.table)));
        let slow = self.is_slow();
        let found = match slow {
            true => conjugate_gradients(
                &self.table,
                self.sampled.get_or_init(sampled),
                &r,
                k,
                (PART, STEPS),
            ),
            false => conjugate_gradients(
                &self.table,
                &Preconditioner::Weights,
                &r,
                k,
                (PART, STEPS_BY_WEIGHTS),
            ),
        };
        self.slow.store(slow || !found.converged, Ordering::Relaxed);
        self.steps.fetch_add(found.steps, Ordering::Relaxed);
        found.x
    }
}

/// Σ u v of each of `k` columns, in double precision.
fn inner(u: &[Dd], v: &[Dd], k: usize) -> Vec<f64> {
    let mut sums = vec![0.0; k];
    for (u, v) in u.chunks_exact(k).zip(v.chunks_exact(k)) {
        sums.iter_mut()
            .zip(u.iter().zip(v))
            .for_each(|(s, (u, v))| *s += u.hi * v.hi);
    }
    sums
}

impl std::fmt::Debug for TwoWaySystem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "TwoWaySystem({} x {})",
            self.table.first.len(),
            self.table.second.len()
        )
    }
}
