//! The normal equations of a design, from its gram: centred, with the largest factor eliminated.
//!
//! With an intercept, dense columns are centred about their weighted means, which is the first step of R's QR.
//! Where a factor's indicators Z lie in the span of the model matrix, they are eliminated first: with
//! D = ZᵀWZ diagonal, M = D⁻¹ZᵀWA the means of the other columns A by level, what is left for A is
//! S = AᵀWA − MᵀDM, of the order of A. The effects of the levels follow as D⁻¹Zᵀ W y − M γ.

use nelder_device::Dd;

use super::absorbed::Absorbed;
use super::crossed::{Crossed, CrossedStep};
use crate::design::{AbsorbedTerm, ColumnEncoding, ColumnKind, Parametrization};
use crate::pass::{CodeSums, Coefficients, ScoreSums};
use crate::solve::{Factor, Symmetric};

/// Centred normal equations.
#[derive(Clone, Debug)]
pub struct NormalEquations {
    /// Rows.
    pub rows: u64,
    /// Σ w.
    pub weight: Dd,
    /// True if dense columns and responses are centred about their weighted means.
    pub centered: bool,
    /// Columns of the model matrix that the matrix is over, in order; all but the eliminated ones.
    pub kept: Vec<usize>,
    /// The matrix.
    pub matrix: Symmetric,
    /// Right sides, one a response.
    pub right: Vec<Vec<Dd>>,
    /// Σ w (y − ȳ)², or Σ w y² where not centred.
    pub total: Vec<Dd>,
    /// Weighted means of the dense columns (zero where not centred).
    pub means: Vec<Dd>,
    /// Weighted means of the responses (zero where not centred).
    pub response_means: Vec<Dd>,
    /// The eliminated factor.
    pub absorbed: Option<Absorbed>,
    /// The factor that crosses it, eliminated after it.
    pub crossed: Option<Crossed>,
}

/// A solution in the parametrisation of [`NormalEquations`], and of the model matrix.
#[derive(Clone, Debug)]
pub struct Solution {
    /// Over the kept columns.
    pub kept: Vec<Dd>,
    /// Effects of the eliminated factor's levels.
    pub levels: Vec<Dd>,
    /// Effects of the levels of a second one.
    pub second: Vec<Dd>,
}

/// Refinement step from a score XᵀWr, with its gain.
#[derive(Clone, Debug)]
pub struct Correction {
    /// The step Δ.
    pub solution: Solution,
    /// rᵀWXΔ: by how much the step lowers the residual sum of squares.
    pub gain: Dd,
    /// Bound on the energy of the error that conjugate gradients left of it; zero without a second factor.
    pub energy: f64,
}

impl NormalEquations {
    /// Σ w r² of a solution, as far as the gram knows it.
    pub fn residual_squares(&self, response: usize, solution: &Solution) -> f64 {
        let mut left = self.total[response];
        for (b, c) in solution.kept.iter().zip(&self.right[response]) {
            left -= *b * *c;
        }
        if let Some(a) = &self.absorbed {
            for (m, w) in a.responses[response].iter().zip(&a.weights) {
                left -= *m * *m * *w;
            }
        }
        if let Some(crossed) = &self.crossed {
            left -= crossed.explained(response);
        }
        left.hi
    }

    /// Solves the equations for a response.
    pub fn solve(&self, factor: &Factor, response: usize) -> Solution {
        let kept = factor.solve(&self.right[response]);
        let mut levels = match &self.absorbed {
            None => Vec::new(),
            Some(a) => self.level_effects(a, &kept, |l| a.responses[response][l]),
        };
        let second = match &self.crossed {
            None => Vec::new(),
            Some(crossed) => crossed.effects_of_response(response, &kept),
        };
        self.beside_second(&mut levels, &second);
        Solution { kept, levels, second }
    }

    pub(super) fn level_effects(&self, a: &Absorbed, kept: &[Dd], mean: impl Fn(usize) -> Dd) -> Vec<Dd> {
        let k = kept.len();
        (0..a.weights.len())
            .map(|l| {
                let mut s = mean(l);
                for (x, g) in a.means[l * k..(l + 1) * k].iter().zip(kept) {
                    s -= *x * *g;
                }
                s
            })
            .collect()
    }

    /// Solves for the correction that a score Xᵀ W r calls for.
    pub fn correct(&self, factor: &Factor, map: &ColumnEncoding, score: &Score<'_>) -> Correction {
        let clean = |v: Dd| Dd::two_sum(v.hi, v.lo);
        let k = self.kept.len();
        let mut position = vec![None; map.columns()];
        for (i, &c) in self.kept.iter().enumerate() {
            position[c] = Some(i);
        }
        let mut right = vec![Dd::ZERO; k];
        for (i, &c) in self.kept.iter().enumerate() {
            right[i] = match map.kinds[c] {
                ColumnKind::Intercept => score.ones,
                ColumnKind::Dense(e) if self.centered => score.dense[e] - self.means[e] * score.ones,
                ColumnKind::Dense(e) => score.dense[e],
                ColumnKind::Coded { .. } => Dd::ZERO,
            };
        }
        for (g, table) in score.groups.iter().enumerate() {
            for code in 0..table.codes() {
                let sums = table.row(code);
                for (a, &v) in sums.iter().enumerate() {
                    for &(c, x) in map.row(g, a, code) {
                        if let Some(i) = position[c as usize] {
                            right[i] += clean(v).mul_f64(x);
                        }
                    }
                }
            }
        }
        let inner = |a: &[Dd], b: &[Dd]| a.iter().zip(b).fold(Dd::ZERO, |s, (x, y)| s + *x * *y);
        let Some((term, a)) = map.absorbed.as_ref().zip(self.absorbed.as_ref()) else {
            let kept = factor.solve(&right);
            let gain = inner(&right, &kept);
            return Correction {
                solution: Solution {
                    kept,
                    levels: Vec::new(),
                    second: Vec::new(),
                },
                gain,
                energy: 0.0,
            };
        };
        let whole = right.clone();
        let by_level = score.of_term(term);
        for (l, &s) in by_level.iter().enumerate() {
            for (r, x) in right.iter_mut().zip(&a.means[l * k..(l + 1) * k]) {
                *r -= *x * s;
            }
        }
        if let Some(second) = &map.crossed
            && let Some((step, own)) = self.correct_crossed(factor, second, score, (right.clone(), &by_level))
        {
            let CrossedStep {
                kept,
                levels,
                second,
                energy,
            } = step;
            let gain = inner(&whole, &kept) + inner(&by_level, &levels) + inner(&own, &second);
            return Correction {
                solution: Solution { kept, levels, second },
                gain,
                energy,
            };
        }
        let kept = factor.solve(&right);
        let levels = self.level_effects(a, &kept, |l| by_level[l] / a.weights[l]);
        let gain = inner(&whole, &kept) + inner(&by_level, &levels);
        Correction {
            solution: Solution {
                kept,
                levels,
                second: Vec::new(),
            },
            gain,
            energy: 0.0,
        }
    }

    /// Coefficients of the model matrix from a solution; aliased ones are zero.
    pub fn coefficients(&self, map: &ColumnEncoding, solution: &Solution, response_mean: Dd) -> Vec<Dd> {
        let mut beta = vec![Dd::ZERO; map.columns()];
        let mut shift = response_mean;
        for (&c, &v) in self.kept.iter().zip(&solution.kept) {
            beta[c] = v;
            if let (ColumnKind::Dense(e), true) = (map.kinds[c], self.centered) {
                shift -= self.means[e] * v;
            }
        }
        if let Some(pair) = map.absorbed.as_ref().zip(map.crossed.as_ref()) {
            let levels = (&solution.levels[..], &solution.second[..]);
            self.crossed_coefficients(pair, levels, shift, (&mut beta, map.intercept));
            return beta;
        }
        match (&map.absorbed, map.intercept) {
            (None, true) => beta[0] += shift,
            (None, false) => {}
            (Some(term), _) => {
                let levels = &solution.levels;
                let origin = match term.parametrization {
                    Parametrization::Treatment { base } => levels[base],
                    Parametrization::Sum => {
                        let sum = levels.iter().fold(Dd::ZERO, |s, &v| s + v);
                        sum.div_f64(levels.len() as f64)
                    }
                    Parametrization::Full => -shift,
                };
                for (&v, column) in levels.iter().zip(&term.columns) {
                    if let Some(c) = column {
                        beta[*c] = v - origin;
                    }
                }
                if map.intercept {
                    beta[0] = origin + shift;
                }
            }
        }
        beta
    }

    /// Σ |βⱼ| ‖xⱼ‖ over the columns as they are: what the terms of a fitted value add up to, as a norm over the rows.
    pub fn fitted_sizes(&self, map: &ColumnEncoding, beta: &[Dd]) -> f64 {
        let kept: f64 = self
            .kept
            .iter()
            .zip(&self.matrix.norms)
            .map(|(&c, n)| beta[c].hi.abs() * n.max(0.0).sqrt())
            .sum();
        let Some((term, a)) = map.absorbed.as_ref().zip(self.absorbed.as_ref()) else {
            return kept;
        };
        let levels: f64 = term
            .columns
            .iter()
            .zip(&a.weights)
            .filter_map(|(c, w)| c.map(|c| beta[c].hi * beta[c].hi * w.hi))
            .sum();
        let second: f64 = match map.crossed.as_ref().zip(self.crossed.as_ref()) {
            None => 0.0,
            Some((term, crossed)) => {
                let levels = term.columns.iter().zip(&crossed.system.table.second);
                let own = levels.filter_map(|(c, w)| c.map(|c| beta[c].hi * beta[c].hi * w.hi));
                own.sum()
            }
        };
        let intercept = if map.intercept { beta[0].hi.abs() } else { 0.0 };
        second.sqrt() + kept + levels.sqrt() + intercept * self.weight.hi.sqrt()
    }
}

/// Xᵀ W r by atom.
#[derive(Clone, Copy, Debug)]
pub struct Score<'a> {
    /// Σ w r.
    pub ones: Dd,
    /// Σ w x r.
    pub dense: &'a [Dd],
    /// By group, code and multiplier.
    pub groups: &'a [CodeSums],
}

impl<'a> Score<'a> {
    /// The sums of a pass.
    pub fn of(sums: &'a ScoreSums) -> Score<'a> {
        Score {
            ones: sums.ones,
            dense: &sums.dense,
            groups: &sums.groups,
        }
    }

    /// Σ w r of each level of a term.
    pub(super) fn of_term(&self, term: &AbsorbedTerm) -> Vec<Dd> {
        let table = &self.groups[term.group];
        let of = |&code: &u32| {
            let own = table.row(code as usize).get(term.multiplier);
            own.map_or(Dd::ZERO, |v| Dd::two_sum(v.hi, v.lo))
        };
        term.codes.iter().map(of).collect()
    }
}

/// Coefficients by atom: the tables that a row's codes look up.
pub fn by_atom(map: &ColumnEncoding, beta: &[Dd], dense: usize, tables: &[(usize, usize)]) -> Coefficients {
    let mut out = Coefficients {
        intercept: Dd::ZERO,
        dense: vec![Dd::ZERO; dense],
        groups: Vec::new(),
    };
    for (c, kind) in map.kinds.iter().enumerate() {
        match kind {
            ColumnKind::Intercept => out.intercept = beta[c],
            ColumnKind::Dense(e) => out.dense[*e] = beta[c],
            ColumnKind::Coded { .. } => {}
        }
    }
    for (g, &(codes, width)) in tables.iter().enumerate() {
        let mut cells = Vec::with_capacity(codes * width);
        for code in 0..codes {
            for a in 0..width {
                cells.push(map.predict_table(g, a, code, beta));
            }
        }
        out.groups.push(CodeSums { width, cells });
    }
    out
}
