//! The factor that crosses the eliminated one, eliminated after it: solutions for the sums of the other columns by its levels.

use std::sync::Arc;

use nelder_device::Dd;

use crate::design::AbsorbedTerm;
use crate::model::CrossedReport;
use crate::solve::{TwoWaySolution, TwoWaySystem, TwoWayTable, UNIT_TWICE};

/// The second factor, eliminated.
#[derive(Clone, Debug)]
pub struct Crossed {
    /// The system of its levels.
    pub system: Arc<TwoWaySystem>,
    /// Number of kept columns, which come first in `known`; then the responses, then the intercept.
    pub(super) kept: usize,
    /// Solutions for the sums of the columns by level.
    pub(super) known: Arc<TwoWaySolution>,
    /// Relative error that the solutions leave of an entry of the matrix.
    pub excess: f64,
    /// Columns of levels that are aliased: of each component but one the last, as R has it.
    pub aliased: Vec<usize>,
    /// The intercept, where there is one.
    pub intercept: Option<CrossedIntercept>,
}

/// The intercept as a functional: the effect of a level of each factor, and a vector over the kept columns.
#[derive(Clone, Debug)]
pub struct CrossedIntercept {
    /// Terms that it puts on the kept columns.
    pub kept: Vec<Dd>,
    /// The variance over σ² that it has of the levels alone.
    pub own: f64,
    /// Bound on the energy of the error with which that is known.
    pub energy: f64,
}

/// A step of refinement.
pub(super) struct CrossedStep {
    /// Of the kept columns.
    pub kept: Vec<Dd>,
    /// Of the first factor's levels.
    pub levels: Vec<Dd>,
    /// Of the second factor's levels.
    pub second: Vec<Dd>,
    /// Bound on the energy of the error of `second`.
    pub energy: f64,
}

/// The levels that stand for the origin: of each component one of the factor that the formula has second.
pub(super) struct Origins {
    /// True if that is the factor eliminated second.
    pub second_trails: bool,
    /// By component, the level.
    pub levels: Vec<usize>,
}

impl Crossed {
    /// Number of right sides: kept columns, responses, and the intercept.
    pub(super) fn width(&self) -> usize {
        self.known.energies.len()
    }

    /// Record of the elimination so far.
    pub(super) fn report(&self) -> CrossedReport {
        let table = &self.system.table;
        CrossedReport {
            levels: (table.first.len(), table.second.len()),
            combinations: table.edges(),
            components: table.components,
            steps: self.system.steps(),
            sampled: self.system.is_sampled(),
            error: self.excess.max(UNIT_TWICE),
        }
    }

    /// Entry of the solution of right side `a` at a level.
    pub(super) fn at(&self, level: usize, a: usize) -> Dd {
        self.known.x[level * self.width() + a]
    }

    /// Bound on the energy of what a response's solution has of an error.
    pub fn energy_of_response(&self, y: usize) -> f64 {
        self.known.energies[self.kept + y]
    }

    /// xᵀ S x of a response's solution x: the sum of squares that the second factor adds to the first.
    pub fn explained(&self, y: usize) -> Dd {
        let a = self.kept + y;
        self.products(a)[a]
    }

    /// bᵢᵀ S⁺ bⱼ to second order for the right sides j ≤ i.
    pub(super) fn products(&self, i: usize) -> Vec<Dd> {
        let (k, known) = (self.width(), &self.known);
        let mut sums = vec![Dd::ZERO; i + 1];
        let levels = known.x.chunks_exact(k).zip(known.right.chunks_exact(k));
        for ((x, right), residuals) in levels.zip(known.residuals.chunks_exact(k)) {
            for (j, sum) in sums.iter_mut().enumerate() {
                *sum += x[i] * right[j] + x[j].mul_f64(residuals[i]);
            }
        }
        sums
    }

    /// Effects of the second factor's levels at some coefficients of the kept columns, `own` those without any.
    pub(super) fn effects(&self, kept: &[Dd], own: impl Fn(usize) -> Dd) -> Vec<Dd> {
        let all = 0..self.system.table.second.len();
        let of = |l: usize| {
            let rest = kept.iter().enumerate();
            rest.fold(own(l), |sum, (i, b)| sum - self.at(l, i) * *b)
        };
        all.map(of).collect()
    }

    /// Effects of the second factor's levels in the solution of a response.
    pub(super) fn effects_of_response(&self, y: usize, kept: &[Dd]) -> Vec<Dd> {
        self.effects(kept, |l| self.at(l, self.kept + y))
    }
}

impl Origins {
    pub fn new(table: &TwoWayTable, first: &AbsorbedTerm, second: &AbsorbedTerm) -> Origins {
        let second_trails = first.first_column() < second.first_column();
        let (trail, components) = match second_trails {
            true => (second, &table.component_of_second),
            false => (first, &table.component_of_first),
        };
        // the last level of each component, but the base level of its own
        let mut levels = vec![0; table.components];
        components
            .iter()
            .enumerate()
            .for_each(|(l, c)| levels[*c as usize] = l);
        if let Some(base) = trail.base() {
            levels[components[base] as usize] = base;
        }
        Origins {
            second_trails,
            levels,
        }
    }

    /// A level of the first and one of the second factor whose effects add up to the intercept's.
    pub fn levels_of_intercept(
        &self,
        table: &TwoWayTable,
        first: &AbsorbedTerm,
        second: &AbsorbedTerm,
    ) -> (usize, usize) {
        let base = |term: &AbsorbedTerm| term.base().unwrap_or(0);
        match self.second_trails {
            true => {
                let g = base(first);
                (g, self.levels[table.component_of_first[g] as usize])
            }
            false => {
                let h = base(second);
                (self.levels[table.component_of_second[h] as usize], h)
            }
        }
    }

    /// Columns of the levels that stand for an origin and are not the base level.
    pub fn aliased(&self, first: &AbsorbedTerm, second: &AbsorbedTerm) -> Vec<usize> {
        let trail = if self.second_trails { second } else { first };
        self.levels.iter().filter_map(|l| trail.columns[*l]).collect()
    }
}
