//! Directions of recession: whether a likelihood has a maximum, and where its domain has an inside.
//!
//! A log-likelihood that is concave in η has no maximum exactly where there is a direction γ with Xγ ≠ 0 along which no
//! row's likelihood falls (Albert & Anderson 1984; Konis 2007). For zeros and ones that is a cone: rows at an end of
//! their range move there or stay, all others stay. The point of it in which most rows have moved minimises
//!
//! ```text
//! Σ max(0, 1 − σz)² + K Σ max(0, −σz)² + K Σ z²,   z = Xγ,   K → ∞
//! ```
//!
//! (first sum over rows at an end, second over those that move away from it, last over the others), by Newton's steps,
//! each a weighted least squares of a pass. Violations fall as 1/K where there is such a direction, and stay where
//! there is none: the iterative rectifier of Correia, Guimarães & Zylkin (2019) with all rows' signs.

use nelder_device::Dd;

use super::attempt::Solver;
use super::equations::Equations;
use super::iteration::{Here, Iteration, plus};
use super::scoring::Rows;
use super::{ModelError, Score};
use crate::family::{Programs, Receding};
use crate::pass::{Products, Scoring, Wanted};

/// K for one row, one after the other.
const STIFFNESS: [f64; 3] = [1048576.0, 1099511627776.0, 1125899906842624.0];
/// The violations that may be left with each of them.
const VIOLATION: [f64; 3] = [1e-3, 1e-8, 1e-11];
/// Steps with each of them at most.
const MOST_STEPS: u32 = 40;
/// Halvings of a step at most.
const MOST_HALVINGS: u32 = 20;
/// The tolerance for aliased columns where rows differ by K in weight.
const ALIASED: f64 = 1e-13;
/// A coefficient of a direction that moves no row by more is none.
const MOVES: f64 = 1e-6;

impl Iteration<'_, '_> {
    /// The columns whose coefficients grow without end: those of a direction of recession. `None` where the likelihood has a
    /// maximum, or where that cannot be told.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn recession(&mut self) -> Result<Option<Vec<usize>>, ModelError> {
        let Some(ends) = self.scorer.family.receding().filter(|_| self.held.is_none()) else {
            return Ok(None);
        };
        if ends == Receding::BothEnds && self.passes.moments.rows == 0 {
            return Ok(None);
        }
        let rows = self.passes.moments.rows as f64;
        let mut direction = vec![Dd::ZERO; self.map.columns()];
        for (stiffness, allowed) in STIFFNESS.iter().zip(VIOLATION) {
            let like = self.passes.programs();
            let programs = Programs::recession(ends, self.passes.weighted(), stiffness * rows, like);
            let Some((found, sums)) = self.nearest(&programs, direction, Rows::WithoutOffset, |_| false)?
            else {
                return Ok(None);
            };
            // no row has moved, or one the wrong way
            if sums.likelihood.hi < 0.5 || !(sums.edge >= -allowed) {
                return Ok(None);
            }
            direction = found;
        }
        let moves = |c: &usize| direction[*c].hi.abs() * self.deviations[*c] > MOVES;
        let columns: Vec<usize> = (0..self.map.columns()).filter(moves).collect();
        Ok((!columns.is_empty()).then_some(columns))
    }

    /// Coefficients at which all means are in the family's range, and what a pass finds there; `None` where there are none.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn inside(&mut self) -> Result<Option<Here>, ModelError> {
        let moments = self.passes.moments;
        let mean = (moments.response / moments.weight).hi;
        let family = self.passes.family;
        let domain = family.domain(mean);
        let mut centre = family.predictor(mean);
        if !(centre > domain.0 && centre < domain.1) {
            centre = match (domain.0.is_finite(), domain.1.is_finite()) {
                (true, true) => 0.5 * (domain.0 + domain.1),
                (true, false) => domain.0 + 1.0,
                (false, true) => domain.1 - 1.0,
                (false, false) => 0.0,
            };
        }
        let programs = Programs::interior(domain, centre, self.passes.weighted(), self.passes.programs());
        let start = vec![Dd::ZERO; self.map.columns()];
        let well = |sums: &Scoring| sums.edge > 0.0 && sums.deviance.hi == 0.0;
        let Some((beta, sums)) = self.nearest(&programs, start, Rows::AsTheyAre, well)? else {
            return Ok(None);
        };
        if !(sums.edge > 0.0) {
            return Ok(None);
        }
        let wanted = self.passes.gram();
        let sums = self.at("inside", Some(&beta), wanted)?;
        Ok(super::iteration::sound(&sums).then_some(Here {
            beta: Some(beta),
            sums,
        }))
    }

    /// Newton's steps towards the smallest distance, or until a point is `enough`; `None` where the equations fail.
    fn nearest(
        &mut self,
        programs: &Programs,
        start: Vec<Dd>,
        rows: Rows,
        enough: impl Fn(&Scoring) -> bool,
    ) -> Result<Option<(Vec<Dd>, Scoring)>, ModelError> {
        let wanted = Wanted {
            gram: Some(Products::Exact),
            last: Some(self.scorer.residual_width(&self.passes.moments, 1.0)),
            ..Wanted::default()
        };
        let mut beta = start;
        let mut sums = self.distance(programs, &beta, &wanted, rows)?;
        for _ in 0..MOST_STEPS {
            if enough(&sums) {
                break;
            }
            let Some(gram) = &sums.gram else {
                return Ok(None);
            };
            let solver = Solver {
                tol: ALIASED,
                ..Solver::of(self.tol, self.scorer.bound.rows.source())
            };
            let Some(equations) = Equations::new(gram, &self.columns, &self.map, self.held, solver)? else {
                return Ok(None);
            };
            let step = equations.step(&Score::of(&sums.score), &beta);
            if !step.gain.is_finite() || !step.delta.iter().all(|d| d.is_finite()) {
                return Ok(None);
            }
            if step.gain <= 1e-13 * sums.deviance.hi {
                break;
            }
            let mut delta = step.delta;
            let mut fell = false;
            for _ in 0..MOST_HALVINGS {
                let next = plus(&beta, &delta);
                let there = self.distance(programs, &next, &wanted, rows)?;
                if there.deviance.hi < sums.deviance.hi {
                    (beta, sums, fell) = (next, there, true);
                    break;
                }
                delta.iter_mut().for_each(|d| *d = d.scale(0.5));
            }
            if !fell {
                break;
            }
        }
        Ok(Some((beta, sums)))
    }
}
