//! The normal equations of a design, from its gram: centred, with the largest factor eliminated.
//!
//! With an intercept, dense columns are centred about their weighted means, which is the first step of R's QR.
//! Where a factor's indicators Z lie in the span of the model matrix, they are eliminated first: with
//! D = ZᵀWZ diagonal, M = D⁻¹ZᵀWA the means of the other columns A by level, what is left for A is
//! S = AᵀWA − MᵀDM, of the order of A. The effects of the levels follow as D⁻¹Zᵀ W y − M γ.

use nelder_device::Dd;
use nelder_device::kernels::{self, Pair};
use rayon::prelude::*;

use super::absorbed::Absorbed;
use crate::design::{ColumnEncoding, ColumnKind, Parametrization};
use crate::pass::{CodeSums, Coefficients, Gram, ScoreSums, packed};
use crate::solve::{Factor, Symmetric};

/// Dense columns from which rows of the matrix are divided among threads.
const PARALLEL: usize = 384;

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
}

/// A solution in the parametrisation of [`NormalEquations`], and of the model matrix.
#[derive(Clone, Debug)]
pub struct Solution {
    /// Over the kept columns.
    pub kept: Vec<Dd>,
    /// Effects of the eliminated factor's levels.
    pub levels: Vec<Dd>,
}

/// Refinement step from a score XᵀWr, with its gain.
#[derive(Clone, Debug)]
pub struct Correction {
    /// The step Δ.
    pub solution: Solution,
    /// rᵀWXΔ: by how much the step lowers the residual sum of squares.
    pub gain: Dd,
}

impl NormalEquations {
    /// Builds the equations from a gram and the map of the model matrix.
    pub fn assemble(gram: &Gram, map: &ColumnEncoding) -> NormalEquations {
        let atoms = gram.atoms();
        let (d, m) = (atoms.dense, atoms.responses);
        let z = d + m;
        let clean = |v: Dd| Dd::two_sum(v.hi, v.lo);
        let absorbed = map.absorbed.as_ref();
        let centered = map.intercept || absorbed.is_some();
        let skip = |column: usize| match (absorbed, map.kinds[column]) {
            (Some(_), ColumnKind::Intercept) => true,
            (Some(t), ColumnKind::Coded { group, multiplier }) => {
                group == t.group && multiplier == t.multiplier
            }
            _ => false,
        };
        let kept: Vec<usize> = (0..map.columns()).filter(|&c| !skip(c)).collect();
        let k = kept.len();
        let mut position = vec![None; map.columns()];
        for (i, &c) in kept.iter().enumerate() {
            position[c] = Some(i);
        }
        let weight = gram.weight;
        let mean = |i: usize| if centered { gram.sums[i] / weight } else { Dd::ZERO };
        let means: Vec<Dd> = (0..z).map(mean).collect();
        let second = |i: usize, j: usize| {
            let raw = gram.second(i, j);
            if centered {
                raw - means[i] * gram.sums[j]
            } else {
                raw
            }
        };
        let mut matrix = Symmetric::zeros(k);
        let mut right = vec![vec![Dd::ZERO; k]; m];
        let intercept = (map.intercept && absorbed.is_none()).then_some(0usize);
        // position of the kept column of each dense column
        let mut dense = vec![None; d];
        for (i, &c) in kept.iter().enumerate() {
            if let ColumnKind::Dense(e) = map.kinds[c] {
                dense[e] = Some(i);
            }
        }
        // 1. intercept and dense columns
        if let Some(i) = intercept {
            matrix.add(i, i, weight);
            matrix.norms[i] = weight.hi;
            matrix.sizes[i] = weight.hi;
        }
        let (sums_high, sums_low): (Vec<f64>, Vec<f64>) = gram.sums.iter().map(|s| (s.hi, s.lo)).unzip();
        let about_mean = |a: usize| {
            let raw = gram.seconds(a);
            let (mut high, mut low) = (raw.high.to_vec(), raw.low.unwrap_or(&[]).to_vec());
            if centered {
                let sums = Pair {
                    high: &sums_high[..=a],
                    low: Some(&sums_low[..=a]),
                };
                kernels::subtract(sums, means[a], &mut high, &mut low);
                kernels::normalize(&mut high, &mut low);
            }
            high.into_iter().zip(low).map(|(hi, lo)| Dd { hi, lo })
        };
        if d >= PARALLEL && dense.iter().flatten().is_sorted() {
            // a row's columns are to the left of its own, so that each thread has rows of its own
            let mut rows = matrix.rows();
            let own: Vec<_> = (0..d)
                .filter_map(|a| Some((a, std::mem::take(&mut rows[dense[a]?]))))
                .collect();
            own.into_par_iter().with_min_len(16).for_each(|(a, row)| {
                for (v, j) in about_mean(a).zip(&dense) {
                    if let Some(j) = j {
                        row[*j] = v;
                    }
                }
            });
        } else {
            for a in 0..d {
                let Some(i) = dense[a] else { continue };
                for (v, j) in about_mean(a).zip(&dense) {
                    if let Some(j) = j {
                        matrix.lower[Symmetric::at(i, *j)] = v;
                    }
                }
            }
        }
        for a in 0..d {
            let Some(i) = dense[a] else { continue };
            matrix.norms[i] = gram.second(a, a).hi;
            matrix.sizes[i] = gram.size(second(a, a).hi, a);
            for y in 0..m {
                right[y][i] = second(d + y, a);
            }
        }
        // 2. coded columns against intercept, dense columns and responses
        for (g, table) in gram.groups.iter().enumerate() {
            for a in 0..atoms.groups[g].multipliers.len() {
                let at = a * (1 + z);
                for code in 0..table.codes() {
                    let row = map.row(g, a, code);
                    if row.is_empty() {
                        continue;
                    }
                    let sums = table.row(code);
                    let count = clean(sums[at]);
                    for &(column, value) in row {
                        let Some(i) = position[column as usize] else {
                            continue;
                        };
                        if let Some(j) = intercept {
                            matrix.add(i, j, count.mul_f64(value));
                        }
                        for (b, j) in dense.iter().enumerate() {
                            if let Some(j) = j {
                                let v = clean(sums[at + 1 + b]) - means[b] * count;
                                matrix.add(i, *j, v.mul_f64(value));
                            }
                        }
                        for y in 0..m {
                            let v = clean(sums[at + 1 + d + y]) - means[d + y] * count;
                            right[y][i] += v.mul_f64(value);
                        }
                    }
                }
            }
        }
        // 3. coded columns of one group against each other
        for (g, table) in gram.groups.iter().enumerate() {
            let q = atoms.groups[g].multipliers.len();
            let base = q * (1 + z);
            for code in 0..table.codes() {
                let sums = table.row(code);
                for a in 0..q {
                    for b in 0..=a {
                        let v = clean(sums[base + packed(a, b)]);
                        for &(ca, xa) in map.row(g, a, code) {
                            for &(cb, xb) in map.row(g, b, code) {
                                // each unordered pair of columns once
                                if a == b && cb > ca {
                                    continue;
                                }
                                let (Some(i), Some(j)) = (position[ca as usize], position[cb as usize])
                                else {
                                    continue;
                                };
                                matrix.add(i, j, v.mul_f64(xa).mul_f64(xb));
                            }
                        }
                    }
                }
            }
        }
        // 4. coded columns of different groups
        for cross in &gram.cross {
            let (g, h) = cross.groups;
            let (qg, qh) = (
                atoms.groups[g].multipliers.len(),
                atoms.groups[h].multipliers.len(),
            );
            for (&(cg, ch), &at) in &cross.index {
                let sums = cross.table.row(at as usize);
                for a in 0..qg {
                    for b in 0..qh {
                        let v = clean(sums[a * qh + b]);
                        for &(ca, xa) in map.row(g, a, cg as usize) {
                            for &(cb, xb) in map.row(h, b, ch as usize) {
                                let (Some(i), Some(j)) = (position[ca as usize], position[cb as usize])
                                else {
                                    continue;
                                };
                                matrix.add(i, j, v.mul_f64(xa).mul_f64(xb));
                            }
                        }
                    }
                }
            }
        }
        for (i, &c) in kept.iter().enumerate() {
            if matches!(map.kinds[c], ColumnKind::Coded { .. }) {
                matrix.norms[i] = matrix.get(i, i).hi;
                matrix.sizes[i] = matrix.get(i, i).hi;
            }
        }
        for (i, &c) in kept.iter().enumerate() {
            let rounded = match map.kinds[c] {
                ColumnKind::Intercept => false,
                ColumnKind::Dense(e) => gram.rounded[e],
                ColumnKind::Coded { group, multiplier } => {
                    atoms.groups[group].multipliers[multiplier].is_some_and(|e| gram.rounded[e])
                }
            };
            if rounded {
                matrix.roundings[i] = matrix.norms[i].max(0.0).sqrt();
            }
        }
        let total = (0..m).map(|y| second(d + y, d + y)).collect();
        let mut normal = NormalEquations {
            rows: gram.rows,
            weight,
            centered,
            kept,
            matrix,
            right,
            total,
            means: means[..d].to_vec(),
            response_means: means[d..].to_vec(),
            absorbed: None,
        };
        if absorbed.is_some() {
            normal.eliminate(gram, map, &position);
        }
        normal
    }

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
        left.hi
    }

    /// Solves the equations for a response.
    pub fn solve(&self, factor: &Factor, response: usize) -> Solution {
        let kept = factor.solve(&self.right[response]);
        let levels = match &self.absorbed {
            None => Vec::new(),
            Some(a) => self.level_effects(a, &kept, |l| a.responses[response][l]),
        };
        Solution { kept, levels }
    }

    fn level_effects(&self, a: &Absorbed, kept: &[Dd], mean: impl Fn(usize) -> Dd) -> Vec<Dd> {
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
                },
                gain,
            };
        };
        let whole = right.clone();
        let table = &score.groups[term.group];
        let by_level: Vec<Dd> = term
            .codes
            .iter()
            .map(|&code| {
                table
                    .row(code as usize)
                    .get(term.multiplier)
                    .map_or(Dd::ZERO, |&v| clean(v))
            })
            .collect();
        for (l, &s) in by_level.iter().enumerate() {
            for (r, x) in right.iter_mut().zip(&a.means[l * k..(l + 1) * k]) {
                *r -= *x * s;
            }
        }
        let kept = factor.solve(&right);
        let levels = self.level_effects(a, &kept, |l| by_level[l] / a.weights[l]);
        let gain = inner(&whole, &kept) + inner(&by_level, &levels);
        Correction {
            solution: Solution { kept, levels },
            gain,
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
        let intercept = if map.intercept { beta[0].hi.abs() } else { 0.0 };
        kept + levels.sqrt() + intercept * self.weight.hi.sqrt()
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
