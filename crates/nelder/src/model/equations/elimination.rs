//! Elimination of the largest factor's levels from the normal equations: S = AᵀWA − MᵀDM.

use nelder_device::Dd;

use super::assembly::clean;
use super::{Absorbed, NormalEquations};
use crate::design::{AbsorbedTerm, ColumnEncoding, ColumnKind};
use crate::pass::{Gram, packed};
use crate::solve::Symmetric;

/// Sums by level of a factor that is eliminated.
pub(super) struct LevelSums {
    /// Σ w of each level.
    pub weights: Vec<Dd>,
    /// Σ w x of the kept columns x, columns fastest.
    pub columns: Vec<Dd>,
    /// Mean of each response by level.
    pub responses: Vec<Vec<Dd>>,
}

impl NormalEquations {
    /// Eliminates the indicators of the absorbed factor, where there is one.
    pub(super) fn eliminate(&mut self, gram: &Gram, map: &ColumnEncoding, position: &[Option<usize>]) {
        let Some(term) = &map.absorbed else { return };
        let k = self.kept.len();
        // 1. sums of the kept columns by level
        let mut sums = self.level_sums(gram, map, term, position);
        add_crossed(&mut sums.columns, k, gram, map, term, position);
        // 2. S = AᵀWA − MᵀDM, and the same for the right sides
        let mut means = sums.columns.clone();
        for (l, n) in sums.weights.iter().enumerate() {
            for v in &mut means[l * k..(l + 1) * k] {
                *v /= *n;
            }
            for i in 0..k {
                let s = sums.columns[l * k + i];
                if s.hi == 0.0 {
                    continue;
                }
                for j in 0..=i {
                    let cell = &mut self.matrix.lower[Symmetric::at(i, j)];
                    *cell -= s * means[l * k + j];
                }
                for (right, responses) in self.right.iter_mut().zip(&sums.responses) {
                    right[i] -= s * responses[l];
                }
            }
        }
        self.absorbed = Some(Absorbed {
            weights: sums.weights,
            means,
            responses: sums.responses,
        });
    }

    /// Sums of the dense columns, the responses and the codes of the same group by level.
    pub(super) fn level_sums(
        &self,
        gram: &Gram,
        map: &ColumnEncoding,
        term: &AbsorbedTerm,
        position: &[Option<usize>],
    ) -> LevelSums {
        let atoms = gram.atoms();
        let (d, m) = (atoms.dense, atoms.responses);
        let (g, k, levels) = (term.group, self.kept.len(), term.codes.len());
        let q = atoms.groups[g].multipliers.len();
        let mut sums = LevelSums {
            weights: vec![Dd::ZERO; levels],
            columns: vec![Dd::ZERO; levels * k],
            responses: vec![vec![Dd::ZERO; levels]; m],
        };
        let at = term.multiplier * (1 + d + m);
        let base = q * (1 + d + m);
        for (l, &code) in term.codes.iter().enumerate() {
            let row = gram.groups[g].row(code as usize);
            let n = clean(row[at]);
            sums.weights[l] = n;
            let columns = &mut sums.columns[l * k..(l + 1) * k];
            for (sum, &c) in columns.iter_mut().zip(&self.kept) {
                if let ColumnKind::Dense(b) = map.kinds[c] {
                    *sum = clean(row[at + 1 + b]) - self.means[b] * n;
                }
            }
            for (y, responses) in sums.responses.iter_mut().enumerate() {
                responses[l] = clean(row[at + 1 + d + y]) / n - self.response_means[y];
            }
            for a in (0..q).filter(|&a| a != term.multiplier) {
                let v = clean(row[base + packed(a, term.multiplier)]);
                for &(c, x) in map.row(g, a, code as usize) {
                    if let Some(i) = position[c as usize] {
                        columns[i] += v.mul_f64(x);
                    }
                }
            }
        }
        sums
    }
}

/// Adds the sums of the other groups' coded columns by level to those of the `k` kept columns.
pub(super) fn add_crossed(
    sums: &mut [Dd],
    k: usize,
    gram: &Gram,
    map: &ColumnEncoding,
    term: &AbsorbedTerm,
    position: &[Option<usize>],
) {
    let (g, groups) = (term.group, &gram.atoms().groups);
    let mut order = vec![usize::MAX; gram.groups[g].codes()];
    for (l, &code) in term.codes.iter().enumerate() {
        order[code as usize] = l;
    }
    for cross in &gram.cross {
        let (first, second) = cross.groups;
        let other = match (first == g, second == g) {
            (true, _) => second,
            (_, true) => first,
            _ => continue,
        };
        let width = groups[second].multipliers.len();
        for (&(c1, c2), &at) in &cross.index {
            let cells = cross.table.row(at as usize);
            let (mine, theirs) = if first == g { (c1, c2) } else { (c2, c1) };
            let l = order[mine as usize];
            if l == usize::MAX {
                continue;
            }
            for b in 0..groups[other].multipliers.len() {
                let cell = match first == g {
                    true => term.multiplier * width + b,
                    false => b * width + term.multiplier,
                };
                let v = clean(cells[cell]);
                for &(c, x) in map.row(other, b, theirs as usize) {
                    if let Some(i) = position[c as usize] {
                        sums[l * k + i] += v.mul_f64(x);
                    }
                }
            }
        }
    }
}
