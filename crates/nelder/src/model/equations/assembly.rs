//! Normal equations XᵀWX b = XᵀWy from a gram, block by block: dense columns about their means, coded columns by their tables.

use nelder_device::Dd;
use nelder_device::kernels::{self, Pair};
use rayon::prelude::*;

use super::NormalEquations;
use crate::design::{AbsorbedTerm, ColumnEncoding, ColumnKind};
use crate::pass::{Gram, packed};
use crate::solve::Symmetric;

/// Dense columns from which rows of the matrix are divided among threads.
const PARALLEL: usize = 384;

impl NormalEquations {
    /// Builds the equations from a gram and the map of the model matrix.
    pub fn assemble(gram: &Gram, map: &ColumnEncoding) -> NormalEquations {
        let mut assembly = Assembly::new(gram, map);
        assembly.dense_columns();
        assembly.coded_columns();
        assembly.coded_of_one_group();
        assembly.coded_of_two_groups();
        assembly.sizes_and_roundings();
        let Assembly {
            kept,
            position,
            means,
            matrix,
            right,
            ..
        } = assembly;
        let d = gram.atoms().dense;
        let centered = map.intercept || map.absorbed.is_some();
        let total = |y: usize| about_mean(gram, centered.then_some(means.as_slice()), d + y, d + y);
        let mut normal = NormalEquations {
            rows: gram.rows,
            weight: gram.weight,
            centered,
            kept,
            matrix,
            right,
            total: (0..gram.atoms().responses).map(total).collect(),
            means: means[..d].to_vec(),
            response_means: means[d..].to_vec(),
            absorbed: None,
            crossed: None,
        };
        normal.eliminate(gram, map, &position);
        normal.eliminate_second(gram, map, &position);
        normal
    }
}

/// The sum of two parts that need not be normalized.
pub(super) fn clean(v: Dd) -> Dd {
    Dd::two_sum(v.hi, v.lo)
}

/// Σ w (zᵢ − z̄ᵢ)(zⱼ − z̄ⱼ), or Σ w zᵢ zⱼ without means.
fn about_mean(gram: &Gram, means: Option<&[Dd]>, i: usize, j: usize) -> Dd {
    let raw = gram.second(i, j);
    means.map_or(raw, |means| raw - means[i] * gram.sums[j])
}

/// Normal equations under construction, block by block.
struct Assembly<'a> {
    gram: &'a Gram,
    map: &'a ColumnEncoding,
    /// Columns of the map that stay in the matrix.
    kept: Vec<usize>,
    /// Position of each column of the map among those.
    position: Vec<Option<usize>>,
    /// The same of each dense column.
    dense: Vec<Option<usize>>,
    /// Position of the intercept.
    intercept: Option<usize>,
    centered: bool,
    /// Means of the dense columns and responses; zero where they are not centred.
    means: Vec<Dd>,
    matrix: Symmetric,
    right: Vec<Vec<Dd>>,
}

impl<'a> Assembly<'a> {
    fn new(gram: &'a Gram, map: &'a ColumnEncoding) -> Self {
        let atoms = gram.atoms();
        let absorbed = map.absorbed.as_ref();
        let centered = map.intercept || absorbed.is_some();
        let skip = |column: usize| match (absorbed, map.kinds[column]) {
            (Some(_), ColumnKind::Intercept) => true,
            (Some(t), ColumnKind::Coded { group, multiplier }) => {
                let own = |t: &AbsorbedTerm| group == t.group && multiplier == t.multiplier;
                own(t) || map.crossed.as_ref().is_some_and(own)
            }
            _ => false,
        };
        let kept: Vec<usize> = (0..map.columns()).filter(|&c| !skip(c)).collect();
        let (mut position, mut dense) = (vec![None; map.columns()], vec![None; atoms.dense]);
        for (i, &c) in kept.iter().enumerate() {
            position[c] = Some(i);
            if let ColumnKind::Dense(e) = map.kinds[c] {
                dense[e] = Some(i);
            }
        }
        let mean = |sum: &Dd| if centered { *sum / gram.weight } else { Dd::ZERO };
        Assembly {
            means: gram.sums.iter().map(mean).collect(),
            matrix: Symmetric::zeros(kept.len()),
            right: vec![vec![Dd::ZERO; kept.len()]; atoms.responses],
            intercept: (map.intercept && absorbed.is_none()).then_some(0),
            gram,
            map,
            kept,
            position,
            dense,
            centered,
        }
    }

    /// The intercept, and the dense columns about their means.
    fn dense_columns(&mut self) {
        let (gram, d) = (self.gram, self.dense.len());
        if let Some(i) = self.intercept {
            self.matrix.add(i, i, gram.weight);
            self.matrix.norms[i] = gram.weight.hi;
            self.matrix.sizes[i] = gram.weight.hi;
        }
        let (high, low): (Vec<f64>, Vec<f64>) = gram.sums.iter().map(|s| (s.hi, s.lo)).unzip();
        let (centered, means, dense) = (self.centered, &self.means, &self.dense);
        let row_about_mean = |a: usize| {
            let raw = gram.seconds(a);
            let (mut above, mut below) = (raw.high.to_vec(), raw.low.unwrap_or(&[]).to_vec());
            if centered {
                let sums = Pair {
                    high: &high[..=a],
                    low: Some(&low[..=a]),
                };
                kernels::subtract(sums, means[a], &mut above, &mut below);
                kernels::normalize(&mut above, &mut below);
            }
            above.into_iter().zip(below).map(|(hi, lo)| Dd { hi, lo })
        };
        if d >= PARALLEL && dense.iter().flatten().is_sorted() {
            // a row's columns are to the left of its own, so that each thread has rows of its own
            let mut rows = self.matrix.rows();
            let own: Vec<_> = (0..d)
                .filter_map(|a| Some((a, std::mem::take(&mut rows[dense[a]?]))))
                .collect();
            own.into_par_iter().with_min_len(16).for_each(|(a, row)| {
                for (v, j) in row_about_mean(a).zip(dense) {
                    if let Some(j) = j {
                        row[*j] = v;
                    }
                }
            });
        } else {
            for a in 0..d {
                let Some(i) = dense[a] else { continue };
                for (v, j) in row_about_mean(a).zip(dense) {
                    if let Some(j) = j {
                        self.matrix.lower[Symmetric::at(i, *j)] = v;
                    }
                }
            }
        }
        let means = centered.then_some(means.as_slice());
        for a in 0..d {
            let Some(i) = dense[a] else { continue };
            self.matrix.norms[i] = gram.second(a, a).hi;
            self.matrix.sizes[i] = gram.size(about_mean(gram, means, a, a).hi, a);
            for (y, right) in self.right.iter_mut().enumerate() {
                right[i] = about_mean(gram, means, d + y, a);
            }
        }
    }

    /// Coded columns against the intercept, the dense columns and the responses.
    fn coded_columns(&mut self) {
        let (gram, map, means) = (self.gram, self.map, &self.means);
        let d = self.dense.len();
        for (g, table) in gram.groups.iter().enumerate() {
            for a in 0..gram.atoms().groups[g].multipliers.len() {
                let at = a * (1 + means.len());
                for code in 0..table.codes() {
                    let row = map.row(g, a, code);
                    if row.is_empty() {
                        continue;
                    }
                    let sums = table.row(code);
                    let count = clean(sums[at]);
                    let about = |z: usize| clean(sums[at + 1 + z]) - means[z] * count;
                    for &(column, value) in row {
                        let Some(i) = self.position[column as usize] else {
                            continue;
                        };
                        if let Some(j) = self.intercept {
                            self.matrix.add(i, j, count.mul_f64(value));
                        }
                        for (b, j) in self.dense.iter().enumerate() {
                            if let Some(j) = j {
                                self.matrix.add(i, *j, about(b).mul_f64(value));
                            }
                        }
                        for (y, right) in self.right.iter_mut().enumerate() {
                            right[i] += about(d + y).mul_f64(value);
                        }
                    }
                }
            }
        }
    }

    /// Coded columns of one group against each other.
    fn coded_of_one_group(&mut self) {
        let (gram, map) = (self.gram, self.map);
        for (g, table) in gram.groups.iter().enumerate() {
            let q = gram.atoms().groups[g].multipliers.len();
            let base = q * (1 + self.means.len());
            for code in 0..table.codes() {
                let sums = table.row(code);
                for (a, b) in (0..q).flat_map(|a| (0..=a).map(move |b| (a, b))) {
                    let v = clean(sums[base + packed(a, b)]);
                    self.add_products(v, map.row(g, a, code), map.row(g, b, code), a == b);
                }
            }
        }
    }

    /// Coded columns of different groups.
    fn coded_of_two_groups(&mut self) {
        let (gram, map) = (self.gram, self.map);
        for cross in &gram.cross {
            let (g, h) = cross.groups;
            let count = |g: usize| gram.atoms().groups[g].multipliers.len();
            let (first, second) = (count(g), count(h));
            for (&(of_g, of_h), &at) in &cross.index {
                let sums = cross.table.row(at as usize);
                for (a, b) in (0..first).flat_map(|a| (0..second).map(move |b| (a, b))) {
                    let v = clean(sums[a * second + b]);
                    let (x, y) = (map.row(g, a, of_g as usize), map.row(h, b, of_h as usize));
                    self.add_products(v, x, y, false);
                }
            }
        }
    }

    /// Adds v x y for the entries of two contrast rows; of a row with itself each unordered pair once.
    fn add_products(&mut self, v: Dd, first: &[(u32, f64)], second: &[(u32, f64)], itself: bool) {
        for &(a, x) in first {
            for &(b, y) in second {
                if itself && b > a {
                    continue;
                }
                let (Some(i), Some(j)) = (self.position[a as usize], self.position[b as usize]) else {
                    continue;
                };
                self.matrix.add(i, j, v.mul_f64(x).mul_f64(y));
            }
        }
    }

    /// Norms of the coded columns, and what the rounding of decimals is relative to.
    fn sizes_and_roundings(&mut self) {
        let gram = self.gram;
        for (i, &c) in self.kept.iter().enumerate() {
            let rounded = match self.map.kinds[c] {
                ColumnKind::Intercept => false,
                ColumnKind::Dense(e) => gram.rounded[e],
                ColumnKind::Coded { group, multiplier } => {
                    self.matrix.norms[i] = self.matrix.get(i, i).hi;
                    self.matrix.sizes[i] = self.matrix.norms[i];
                    gram.atoms().groups[group].multipliers[multiplier].is_some_and(|e| gram.rounded[e])
                }
            };
            if rounded {
                self.matrix.roundings[i] = self.matrix.norms[i].max(0.0).sqrt();
            }
        }
    }
}
