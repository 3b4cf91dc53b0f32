//! The equations of a step of Fisher scoring, solved: XᵀWX Δ = Xᵀs.

use std::sync::OnceLock;

use nelder_device::Dd;

use super::elasticity::largest_spread;
use crate::design::{BlockSchema, ColumnEncoding, ColumnKind, Columns};
use crate::model::equations::solution::{LARGE_ORDER, Solver, factor, in_model, unit};
use crate::model::{ModelError, NormalEquations, Score, Solution};
use crate::pass::{Gram, Products};
use crate::solve::{Factor, Variance, factor_twice};

/// Pivots beyond which equations are left to single precision.
const FAR_APART: f64 = 0.06;
/// A share of what cancels in a combination of columns that is rounding of their entries.
const ROUNDING: f64 = 1024.0 * f64::EPSILON;

/// One solution of the scoring equations.
#[derive(Clone, Debug)]
pub(in crate::model) struct Equations {
    pub map: ColumnEncoding,
    pub normal: NormalEquations,
    pub factor: Factor,
    /// The column whose coefficient is held; the map is without it.
    pub held: Option<usize>,
    variances: OnceLock<Vec<Option<Variance>>>,
}

/// A solved step.
pub(in crate::model) struct SolvedStep {
    pub delta: Vec<Dd>,
    /// sᵀΔ.
    pub gain: f64,
}

/// The columns of a model and what is known of them, for its equations at any weights.
#[derive(Clone, Copy)]
pub(in crate::model) struct StepColumns<'a> {
    pub columns: &'a Columns,
    pub map: &'a ColumnEncoding,
    /// The column whose coefficient is held.
    pub held: Option<usize>,
    /// By column, whether it was aliased in the first equations; of no length before these.
    pub aliased: &'a [bool],
}

impl Equations {
    /// The equations of a gram over some of the columns; `None` where double precision cannot decide which columns
    /// are aliased.
    pub fn new(
        gram: &Gram,
        of: StepColumns<'_>,
        solver: Solver<'_>,
    ) -> Result<Option<Equations>, ModelError> {
        let StepColumns {
            columns,
            map,
            held,
            aliased,
        } = of;
        if let Some(held) = held {
            let others: Vec<usize> = (0..map.columns()).filter(|&c| c != held).collect();
            let sub = crate::model::inference::nested::choose(map, &others, None);
            let found = Self::over(gram, sub, aliased, solver, false)?;
            return Ok(found.map(|e| Equations {
                held: Some(held),
                ..e
            }));
        }
        let absorbed = Self::over(gram, map.clone(), aliased, solver, true)?;
        if absorbed.is_some() {
            return Ok(absorbed);
        }
        let mut map = map.clone();
        map.absorbed = None;
        ModelError::many_columns("this model", columns.names.len())?;
        Self::over(gram, map, aliased, solver, false)
    }

    fn over(
        gram: &Gram,
        map: ColumnEncoding,
        aliased: &[bool],
        solver: Solver<'_>,
        absorb: bool,
    ) -> Result<Option<Equations>, ModelError> {
        if absorb && map.absorbed.is_none() {
            return Ok(None);
        }
        let normal = NormalEquations::assemble(gram, &map);
        let found = if absorb {
            let unit = unit(gram.products());
            let f = factor_twice(&normal.matrix, solver.tol, unit);
            let least = if matches!(gram.products(), Products::Single | Products::Rough) {
                1e-3
            } else {
                1e-6
            };
            let k = normal.matrix.order;
            let part = |i: usize| f.pivots[i] * normal.matrix.get(i, i).hi;
            let weighed = normal
                .absorbed
                .iter()
                .flat_map(|a| &a.weights)
                .all(|w| w.hi > 0.0);
            let sound = weighed
                && f.accepted.len() == k
                && (0..k).all(|i| {
                    part(i) > least * normal.matrix.norms[i] || part(i) > least * normal.matrix.sizes[i]
                });
            (sound || map.columns() > LARGE_ORDER).then_some(f)
        } else {
            factor(&normal.matrix, solver, gram.products())
        };
        let Some(factor) = found else {
            return Ok(None);
        };
        let own = Equations {
            map,
            normal,
            factor,
            held: None,
            variances: OnceLock::new(),
        };
        Ok(own.without_rounding(gram, aliased, solver))
    }

    /// The equations without columns that were aliased in the first ones, and of which nothing but rounding is in these.
    ///
    /// Rank is a property of X and not of positive weights W, but dqrdc2's rule compares what is left of √W xⱼ with all of that column:
    /// where its rows have lost their weight, the rounding of the others' entries is large beside it, and looks like a part of its
    /// own. So what is left is compared with what cancels: Σₖ γₖ² ‖√W xₖ‖² for the combination xⱼ ≈ Σ γₖ xₖ.
    fn without_rounding(mut self, gram: &Gram, aliased: &[bool], solver: Solver<'_>) -> Option<Self> {
        let normal = &self.normal;
        let left = |(k, &i): (usize, &usize)| (i, self.factor.pivots[k] * normal.matrix.get(i, i).hi);
        let was = |i: usize| aliased.get(normal.kept[i]) == Some(&true);
        let accepted = self.factor.accepted.iter().enumerate().map(left);
        let returned: Vec<(usize, f64)> = accepted.filter(|&(i, _)| was(i)).collect();
        if returned.is_empty() {
            return Some(self);
        }
        let mut out: Vec<usize> = (0..normal.matrix.order).filter(|&i| was(i)).collect();
        self.factor = self.factor_without(&out, gram, solver)?;
        let rounding =
            |&(i, left): &(usize, f64)| left <= ROUNDING * ROUNDING * self.cancels(i, gram.weight.hi);
        let real: Vec<usize> = (returned.iter().filter(|r| !rounding(r)))
            .map(|&(i, _)| i)
            .collect();
        if !real.is_empty() {
            out.retain(|i| !real.contains(i));
            self.factor = self.factor_without(&out, gram, solver)?;
        }
        Some(self)
    }

    /// The factor with some of the kept columns aliased, whatever is left of them.
    fn factor_without(&mut self, out: &[usize], gram: &Gram, solver: Solver<'_>) -> Option<Factor> {
        // nothing is enough beside a norm without bound
        let norms = self.normal.matrix.norms.clone();
        out.iter()
            .for_each(|&i| self.normal.matrix.norms[i] = f64::INFINITY);
        let found = factor(&self.normal.matrix, solver, gram.products());
        self.normal.matrix.norms = norms;
        found
    }

    /// Σₖ γₖ² ‖√W xₖ‖² over the columns k of the combination that kept column i, which is aliased, is of the others.
    fn cancels(&self, i: usize, weight: f64) -> f64 {
        let normal = &self.normal;
        let Some(combination) = self.null_vector(normal.kept[i]) else {
            return f64::INFINITY;
        };
        let squared = |c: usize| combination[c].hi.powi(2);
        let constant = match self.map.intercept && normal.kept.first() != Some(&0) {
            true => squared(0) * weight,
            false => 0.0,
        };
        let norms = normal.kept.iter().zip(&normal.matrix.norms);
        norms.fold(constant, |sum, (&c, norm)| sum + squared(c) * norm)
    }

    /// The diagonal of (XᵀWX)⁻¹ by column of the map, in the units of the rows; `None` where aliased.
    pub fn variances(&self) -> &[Option<Variance>] {
        self.variances.get_or_init(|| {
            let (normal, factor) = (&self.normal, &self.factor);
            let (means, norms) = (normal.level_means(), factor.reach(&normal.matrix));
            let of = |(c, accepted): (usize, bool)| {
                accepted.then(|| {
                    let functional = normal.functional(&self.map, c);
                    normal.variance(factor, &functional, &means, &norms)
                })
            };
            in_model(&self.map, normal, factor)
                .into_iter()
                .enumerate()
                .map(of)
                .collect()
        })
    }

    /// A bound on the largest √(xᵢᵀ (XᵀWX)⁻¹ xᵢ) of a row; `ranges` are those of the dense columns.
    pub fn largest_spread(&self, atoms: &BlockSchema, ranges: &[[f64; 2]]) -> f64 {
        let root = |v: &Option<Variance>| v.map_or(0.0, |v| v.value.max(0.0).sqrt());
        let errors: Vec<f64> = self.variances().iter().map(root).collect();
        largest_spread(&self.normal, &self.map, atoms, ranges, &errors)
    }

    /// A condition low enough for equations in single precision: all columns are in, and each pivot is above [`FAR_APART`].
    pub fn well_conditioned(&self) -> bool {
        self.factor.accepted.len() == self.factor.scales.len()
            && self.factor.pivots.iter().all(|&p| p > FAR_APART)
    }

    /// Which of the map's columns are not, one flag a column.
    pub fn aliased(&self) -> Vec<bool> {
        let own = in_model(&self.map, &self.normal, &self.factor);
        own.into_iter().map(|accepted| !accepted).collect()
    }

    /// Which columns are in the model.
    pub fn accepted(&self) -> Vec<bool> {
        let own = in_model(&self.map, &self.normal, &self.factor);
        self.whole(own, false)
    }

    /// True if a column is aliased that was not in other equations.
    pub fn lack(&self, aliased: &[bool]) -> bool {
        aliased
            .iter()
            .zip(self.aliased())
            .any(|(before, now)| now && !before)
    }

    /// Entries of all columns from those of the map's.
    pub fn whole<T>(&self, mut own: Vec<T>, of_held: T) -> Vec<T> {
        if let Some(held) = self.held {
            own.insert(held, of_held);
        }
        own
    }

    /// The step from β: (XᵀWX)⁻¹ Xᵀs. Columns that are aliased now hand their coefficients to the others.
    pub fn step(&self, score: &Score<'_>, beta: &[Dd]) -> SolvedStep {
        let mut correction = self.normal.correct(&self.factor, &self.map, score);
        if self.held.is_some() {
            let delta = self
                .normal
                .coefficients(&self.map, &correction.solution, Dd::ZERO);
            return SolvedStep {
                delta: self.whole(delta, Dd::ZERO),
                gain: correction.gain.hi,
            };
        }
        let accepted = self.accepted();
        let lost = (0..beta.len()).any(|c| !accepted[c] && beta[c].hi != 0.0);
        if lost && self.map.absorbed.is_none() {
            let moved = self.handed_over(&accepted, beta);
            for ((kept, more), &c) in correction
                .solution
                .kept
                .iter_mut()
                .zip(moved)
                .zip(&self.normal.kept)
            {
                *kept = if accepted[c] { *kept + more } else { more };
            }
        }
        let delta = self
            .normal
            .coefficients(&self.map, &correction.solution, Dd::ZERO);
        SolvedStep {
            delta,
            gain: correction.gain.hi,
        }
    }
}

impl Equations {
    /// Step that sets aliased coefficients to zero and leaves Xβ as it is, by kept column: Δ_A = G_AA⁻¹ G_AN β_N, Δ_N = −β_N, A the
    /// accepted columns and N the aliased ones.
    fn handed_over(&self, accepted: &[bool], beta: &[Dd]) -> Vec<Dd> {
        let kept = &self.normal.kept;
        let mut right = vec![Dd::ZERO; kept.len()];
        for (i, r) in right.iter_mut().enumerate() {
            for (j, &c) in kept.iter().enumerate() {
                if !accepted[c] {
                    *r += self.normal.matrix.get(i, j) * beta[c];
                }
            }
        }
        let mut out = self.factor.solve(&right);
        for (out, &c) in out.iter_mut().zip(kept) {
            if !accepted[c] {
                *out = -beta[c];
            }
        }
        out
    }

    /// Coefficients that move no row, and are −1 at an aliased column; none where a term is absorbed.
    pub fn null_vector(&self, column: usize) -> Option<Vec<Dd>> {
        if self.map.absorbed.is_some() {
            return None;
        }
        let mut beta = vec![Dd::ZERO; self.map.columns()];
        beta[column] = Dd::ONE;
        let kept = self.handed_over(&in_model(&self.map, &self.normal, &self.factor), &beta);
        Some(self.normal.coefficients(
            &self.map,
            &Solution {
                kept,
                levels: Vec::new(),
                second: Vec::new(),
            },
            Dd::ZERO,
        ))
    }
}

/// Means and root mean squares about them of the columns of a gram: what a step does to a predictor.
#[derive(Clone, Debug, Default)]
pub(in crate::model) struct ColumnSpread {
    /// Root mean square about the mean: what a unit of the coefficient does to the predictor.
    pub deviations: Vec<f64>,
    /// Means of the dense columns, 0 of the others.
    means: Vec<Dd>,
}

impl ColumnSpread {
    /// Under the first weights.
    pub fn of(gram: &Gram, map: &ColumnEncoding) -> Self {
        let mean = |kind: &ColumnKind| match kind {
            ColumnKind::Dense(e) => gram.sums[*e] / gram.weight,
            _ => Dd::ZERO,
        };
        ColumnSpread {
            deviations: deviations(gram, map),
            means: map.kinds.iter().map(mean).collect(),
        }
    }

    /// By column, by how much a step moves the predictor: of the intercept, that of the row at the means of the dense columns, where
    /// the moves of their coefficients are undone by it.
    pub fn moves(&self, step: &[Dd], intercept: bool) -> Vec<f64> {
        let mut out: Vec<f64> = step
            .iter()
            .zip(&self.deviations)
            .map(|(d, s)| d.hi.abs() * s)
            .collect();
        if intercept && let Some(first) = out.first_mut() {
            let at_means = (step.iter().zip(&self.means).skip(1)).fold(step[0], |sum, (d, m)| sum + *d * *m);
            *first = at_means.hi.abs() * self.deviations[0];
        }
        out
    }
}

/// Root mean square of each column about its mean under the first weights: what a unit of its coefficient does to the
/// predictor.
fn deviations(gram: &Gram, map: &ColumnEncoding) -> Vec<f64> {
    let mut map = map.clone();
    map.absorbed = None;
    let weight = gram.weight.hi;
    if map.columns() > LARGE_ORDER {
        // an indicator's, whatever its share
        return vec![1.0; map.columns()];
    }
    let normal = NormalEquations::assemble(gram, &map);
    let mut out = vec![0.0; map.columns()];
    for (i, &c) in normal.kept.iter().enumerate() {
        let share = (normal.matrix.get(i, i).hi / weight).max(0.0).sqrt();
        // a rare indicator moves its own rows by all of its coefficient
        out[c] = match map.kinds[c] {
            ColumnKind::Dense(_) => share,
            _ if share > 0.0 => share.max(1.0),
            _ => 0.0,
        };
    }
    out
}
