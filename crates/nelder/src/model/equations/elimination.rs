//! Elimination of the largest factor's levels from the normal equations: S = AᵀWA − MᵀDM.

use nelder_device::Dd;

use super::{Absorbed, NormalEquations};
use crate::design::{ColumnEncoding, ColumnKind};
use crate::pass::{Gram, packed};
use crate::solve::Symmetric;

impl NormalEquations {
    /// Eliminates the indicators of the absorbed factor.
    pub(super) fn eliminate(&mut self, gram: &Gram, map: &ColumnEncoding, position: &[Option<usize>]) {
        let Some(term) = &map.absorbed else { return };
        let atoms = gram.atoms();
        let (d, m) = (atoms.dense, atoms.responses);
        let z = d + m;
        let k = self.kept.len();
        let g = term.group;
        let q = atoms.groups[g].multipliers.len();
        let table = &gram.groups[g];
        let clean = |v: Dd| Dd::two_sum(v.hi, v.lo);
        let levels = term.codes.len();
        let mut order = vec![usize::MAX; table.codes()];
        for (l, &code) in term.codes.iter().enumerate() {
            order[code as usize] = l;
        }
        // 1. sums of the kept columns by level
        let mut sums = vec![Dd::ZERO; levels * k];
        let mut weights = vec![Dd::ZERO; levels];
        let mut responses = vec![vec![Dd::ZERO; levels]; m];
        let at = term.multiplier * (1 + z);
        for (l, &code) in term.codes.iter().enumerate() {
            let row = table.row(code as usize);
            let n = clean(row[at]);
            weights[l] = n;
            for (e, &c) in self.kept.iter().enumerate() {
                if let ColumnKind::Dense(b) = map.kinds[c] {
                    sums[l * k + e] = clean(row[at + 1 + b]) - self.means[b] * n;
                }
            }
            for y in 0..m {
                responses[y][l] = clean(row[at + 1 + d + y]) / n - self.response_means[y];
            }
            let base = q * (1 + z);
            for a in (0..q).filter(|&a| a != term.multiplier) {
                let v = clean(row[base + packed(a, term.multiplier)]);
                for &(c, x) in map.row(g, a, code as usize) {
                    if let Some(i) = position[c as usize] {
                        sums[l * k + i] += v.mul_f64(x);
                    }
                }
            }
        }
        for cross in &gram.cross {
            let (first, second) = cross.groups;
            let other = match (first == g, second == g) {
                (true, _) => second,
                (_, true) => first,
                _ => continue,
            };
            let (q1, q2) = (
                atoms.groups[first].multipliers.len(),
                atoms.groups[second].multipliers.len(),
            );
            for (&(c1, c2), &at) in &cross.index {
                let cells = cross.table.row(at as usize);
                let (mine, theirs) = if first == g { (c1, c2) } else { (c2, c1) };
                let l = order[mine as usize];
                if l == usize::MAX {
                    continue;
                }
                for b in 0..if first == g { q2 } else { q1 } {
                    let cell = if first == g {
                        term.multiplier * q2 + b
                    } else {
                        b * q2 + term.multiplier
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
        // 2. S = AᵀWA − MᵀDM, and the same for the right sides
        let mut means = sums.clone();
        for l in 0..levels {
            let n = weights[l];
            for v in &mut means[l * k..(l + 1) * k] {
                *v /= n;
            }
            for i in 0..k {
                let s = sums[l * k + i];
                if s.hi == 0.0 {
                    continue;
                }
                for j in 0..=i {
                    let cell = &mut self.matrix.lower[Symmetric::at(i, j)];
                    *cell -= s * means[l * k + j];
                }
                for y in 0..m {
                    self.right[y][i] -= s * responses[y][l];
                }
            }
        }
        self.absorbed = Some(Absorbed {
            weights,
            means,
            responses,
        });
    }
}
