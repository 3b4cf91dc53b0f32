//! Scores summed by cluster, in coordinates in which the gram is the identity ([`WhitenedDesign`]).
//!
//! With e the coordinates of a row, w its weight and r its residual, the score of a cluster is u = Σ w r e. Types HC2 and HC3
//! multiply the residuals of a cluster with (I − H)^p, H = X (XᵀWX)⁻¹ Xᵀ W its block of the hat matrix and p = −1/2 or −1
//! (Bell & McCaffrey 2002). The rows need not be kept for it: with S = Σ w e eᵀ and U = Σ e eᵀ, the score is then
//! u + U ψ(S) Σ w² r e, ψ(s) = ((1 − s)^p − 1) / s. R's `sandwich::vcovCL`.
//!
//! The scores of all rows sum to zero. Where one cluster has a point far from all others, the scores of the other clusters' rows
//! cancel to what that one has, and the sums are taken again in twice the precision ([`ClusterSums::lost_to_rows`]).

use std::collections::HashMap;
use std::sync::Arc;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use nelder_device::Dd;

use super::ClusterType;
use super::vcov::Clusters;
use super::whitened_design::{ScoreTwice, WhitenedDesign};
use crate::design::{Block, RowError, Rows};
use crate::frame::Batch;
use crate::model::ModelError;
use crate::model::equations::fitted::{Coordinates, ScaledMatrix, times_two_to};
use crate::pass::{Monitor, PassRecord, Sum, run_beside};
use crate::solve::{Rectangular, eigen};

/// Rows, or clusters, multiplied at a time.
const RUN: usize = 256;
/// Numbers of all clusters' blocks at most: 1 GB.
const MOST: usize = 1 << 27;
/// A cluster's leverage this close to one leaves nothing of its residuals.
const SATURATED: f64 = 1.0 - 1e-10;
/// Share of the variance by rows below which that by clusters has lost digits: three of the error's.
const LOST: f64 = 1e-6;

/// Sums of scores by cluster.
#[derive(Clone, Debug)]
pub(in crate::model) struct ClusterSums {
    basis: Arc<WhitenedDesign>,
    own: ClusterType,
    /// True if sums are kept in twice the precision.
    twice: bool,
    /// By code of the cluster: Σ w r e; with blocks also Σ w² r e, then S and U by columns of their lower triangles; in twice the
    /// precision also what Σ w r e leaves over.
    sums: Vec<Option<Box<[f64]>>>,
    /// Σ w r by cluster and level of an eliminated factor; with blocks the levels are coordinates like the others.
    levels: HashMap<(u32, u32), Dd>,
    /// Σ (w r e)² of the rows, by coordinate.
    of_rows: Vec<f64>,
    used: usize,
}

/// One pass for the sums by cluster; `update` takes in a block with the codes of its rows' clusters.
///
/// # Errors
/// Those of a pass and of the expression.
pub(in crate::model) fn by_cluster(
    expression: &str,
    rows: &Rows<'_>,
    monitor: &dyn Monitor,
    passes: &mut Vec<PassRecord>,
    none: &ClusterSums,
    update: impl Fn(&mut ClusterSums, &Block<'_>, &[u32]) -> Result<(), RowError> + Sync,
) -> Result<ClusterSums, ModelError> {
    let codes = Clusters::new(expression, rows.source(), passes)?;
    let columns = codes.columns().to_vec();
    let (name, arithmetic) = match (none.own.uses_blocks(), none.twice) {
        (true, _) => ("scores and leverages by cluster", "f64"),
        (false, false) => ("scores by cluster", "f64"),
        (false, true) => ("scores by cluster, again", "f64x2"),
    };
    let found = run_beside(
        name,
        arithmetic,
        rows,
        &columns,
        monitor,
        || none.clone(),
        |sums: &mut ClusterSums, block: &Block<'_>, beside: &Batch<'_>| {
            update(sums, block, &codes.of(block, beside)?)
        },
        |sums| sums,
    )?;
    passes.extend(found.records);
    Ok(found.value)
}

/// ψ(s) = ((1 − s)^p − 1) / s without cancellation.
fn psi(own: ClusterType, s: f64) -> f64 {
    match own {
        ClusterType::Hc3 => 1.0 / (1.0 - s),
        _ => {
            let root = (1.0 - s).sqrt();
            1.0 / (root * (1.0 + root))
        }
    }
}

impl ClusterSums {
    /// Nothing seen.
    pub fn new(basis: Arc<WhitenedDesign>, own: ClusterType) -> Self {
        ClusterSums {
            of_rows: vec![0.0; basis.order()],
            basis,
            own,
            twice: false,
            sums: Vec::new(),
            levels: HashMap::new(),
            used: 0,
        }
    }

    /// The same sums in twice the precision, nothing seen.
    pub fn in_twice(self) -> Self {
        ClusterSums { twice: true, ..self }
    }

    /// True if the clusters of this type can be summed in twice the precision.
    pub fn has_twice(&self) -> bool {
        self.basis.has_twice() && !self.own.uses_blocks()
    }

    /// True if a variance by clusters, entry (c, c) of f E Q Eᵀ times 2^(2 a), is so small a part of that by rows that sums have
    /// lost digits: f Σ (Eᶜ)² Σ (w r e)² over the coordinates, products of different coordinates left out.
    pub fn lost_to_rows(
        &self,
        all: &Coordinates,
        ScaledMatrix { matrix, exponents }: &ScaledMatrix,
        factor: f64,
    ) -> bool {
        (0..matrix.nrows()).any(|c| {
            let size = |(a, q): (usize, &f64)| {
                let part = times_two_to(all.kept[(c, a)] * q.sqrt(), -exponents[c]);
                part * part
            };
            let by_rows: f64 = self.of_rows.iter().enumerate().map(size).sum();
            matrix[(c, c)] < LOST * factor * by_rows
        })
    }

    /// Number of clusters with rows.
    pub fn clusters(&self) -> usize {
        self.sums.iter().flatten().count()
    }

    /// Coordinates of a row, and the numbers that are kept of a cluster.
    fn sizes(&self) -> (usize, usize) {
        match self.own.uses_blocks() {
            true => {
                let k = self.basis.order() + self.basis.levels();
                (k, 2 * k + k * (k + 1))
            }
            false => {
                let k = self.basis.order();
                (k, if self.twice { 2 * k } else { k })
            }
        }
    }

    /// Takes in the rows of a block, whose responses are their residuals, each with the code of its cluster.
    ///
    /// # Errors
    /// Blocks that are too many to be kept.
    pub fn update(&mut self, block: &Block<'_>, clusters: &[u32]) -> Result<(), RowError> {
        let basis = self.basis.clone();
        let residuals = &block.responses[0];
        let high = &residuals.high;
        let whole = |i: usize| Dd::two_sum(high[i], residuals.low.as_ref().map_or(0.0, |low| low[i]));
        let (k, size) = self.sizes();
        let mut row = vec![0.0; k];
        let mut from = 0;
        while from < block.rows {
            let to = (from + RUN).min(block.rows);
            let e = basis.coordinates(block, from, to);
            let exact = match self.twice {
                true => basis.coordinates_twice(block, from, to),
                false => None,
            };
            for i in from..to {
                let w = block.weights.as_ref().map_or(1.0, |w| w[i]);
                row.fill(0.0);
                for (a, x) in row.iter_mut().take(basis.order()).enumerate() {
                    *x = e[(i - from, a)];
                }
                let at = clusters[i] as usize;
                if at >= self.sums.len() {
                    self.sums.resize(at + 1, None);
                }
                let sums = match &mut self.sums[at] {
                    Some(sums) => sums,
                    none => {
                        self.used += size;
                        if self.own.uses_blocks() && self.used > MOST {
                            return Err(RowError {
                                row: block.source_row(i),
                                message: format!(
                                    "HC2 and HC3 by cluster keep a matrix of {k} x {k} for each cluster, and there are \
                                     too many clusters for that; use HC0 or HC1"
                                ),
                            });
                        }
                        none.insert(vec![0.0; size].into())
                    }
                };
                let level = basis.level(block, i);
                if self.own.uses_blocks() {
                    if let Some((level, x)) = level {
                        row[basis.order() + level] = x;
                    }
                    add_block(sums, &row, w, high[i]);
                    continue;
                }
                if let Some(exact) = &exact {
                    add_twice(sums, &exact[i - from], whole(i).mul_f64(w));
                } else {
                    for ((sum, of_rows), x) in sums.iter_mut().zip(&mut self.of_rows).zip(&row) {
                        let score = w * high[i] * x;
                        *sum += score;
                        *of_rows += score * score;
                    }
                }
                if let Some((level, _)) = level {
                    let sum = self.levels.entry((clusters[i], level as u32)).or_insert(Dd::ZERO);
                    *sum += whole(i).mul_f64(w);
                }
            }
            from = to;
        }
        Ok(())
    }

    /// The sum over clusters of the squares of their scores, but for those of [`scores`](ClusterSums::scores): coordinates that every row has first, then one for each level
    /// of the eliminated factor.
    ///
    /// # Errors
    /// A cluster that determines a coefficient alone, where residuals are divided by what it leaves.
    pub fn squares(&self) -> Result<Mat<f64>, ModelError> {
        let (r, l) = (self.basis.order(), self.basis.levels());
        let mut out = Mat::<f64>::zeros(r + l, r + l);
        if self.twice {
            return Ok(out);
        }
        let mut by_level: Vec<(&(u32, u32), &Dd)> = self.levels.iter().collect();
        by_level.sort_by_key(|(key, _)| **key);
        let mut rest = by_level.as_slice();
        for (first, part) in self.sums.chunks(RUN).enumerate() {
            let mut s = Mat::<f64>::zeros(part.len(), r + l);
            for (i, sums) in part.iter().enumerate() {
                let Some(sums) = sums else { continue };
                let score = match self.own.uses_blocks() {
                    true => self.corrected(sums)?,
                    false => sums.to_vec(),
                };
                for (a, v) in score.into_iter().enumerate() {
                    s[(i, a)] = v;
                }
            }
            let end = rest.partition_point(|(key, _)| (key.0 as usize) < (first + 1) * RUN);
            for (key, v) in &rest[..end] {
                let score = v.hi / self.basis.level_root(key.1 as usize).hi;
                s[(key.0 as usize - first * RUN, r + key.1 as usize)] = score;
            }
            rest = &rest[end..];
            matmul(out.as_mut(), Accum::Add, s.transpose(), s.as_ref(), 1.0, Par::Seq);
        }
        Ok(out)
    }

    /// The scores of the clusters, where they were summed in twice the precision.
    pub fn scores(&self) -> Vec<ScoreTwice> {
        let k = self.basis.order();
        let mut out = Vec::new();
        if !self.twice {
            return out;
        }
        let mut position = vec![None; self.sums.len()];
        for (at, sums) in self.sums.iter().enumerate() {
            let Some(sums) = sums else { continue };
            let (high, low) = sums.split_at(k);
            position[at] = Some(out.len());
            out.push(ScoreTwice {
                at: at as u64,
                e: high.iter().zip(low).map(|(h, l)| Dd::two_sum(*h, *l)).collect(),
                levels: Vec::new(),
                factor: 1.0,
            });
        }
        for ((cluster, level), u) in &self.levels {
            if let Some(score) = position[*cluster as usize] {
                out[score].levels.push((*level as usize, *u));
            }
        }
        // a map has no order, and sums of doubles have one
        out.iter_mut()
            .for_each(|score| score.levels.sort_by_key(|(l, _)| *l));
        out
    }

    /// u + U ψ(S) v of a cluster with its sums u, v, S and U.
    fn corrected(&self, sums: &[f64]) -> Result<Vec<f64>, ModelError> {
        let (k, _) = self.sizes();
        let (score, rest) = sums.split_at(k);
        let (other, rest) = rest.split_at(k);
        let (weighted, plain) = rest.split_at(k * (k + 1) / 2);
        let at = |m: &[f64], i: usize, j: usize| m[i.max(j) * (i.max(j) + 1) / 2 + i.min(j)];
        let found = eigen(&Rectangular::from_fn(k, k, |i, j| at(weighted, i, j)), None);
        let Some(found) = found.filter(|f| f.values.iter().all(|&s| s < SATURATED)) else {
            return Err(ModelError::Argument {
                argument: "vcov".into(),
                why: format!(
                    "{} by cluster divides by 1 - leverage, and there is a cluster that determines a coefficient alone; \
                     use HC0 or HC1",
                    if self.own == ClusterType::Hc2 {
                        "HC2"
                    } else {
                        "HC3"
                    }
                ),
            });
        };
        let mut turned = vec![0.0; k];
        for (a, &s) in found.values.iter().enumerate() {
            let column = found.vectors.column(a);
            let part: f64 = column.iter().zip(other).map(|(x, y)| x * y).sum();
            let scale = part * psi(self.own, s);
            turned.iter_mut().zip(column).for_each(|(t, x)| *t += scale * x);
        }
        Ok((0..k)
            .map(|i| score[i] + (0..k).map(|j| at(plain, i, j) * turned[j]).sum::<f64>())
            .collect())
    }
}

/// Adds a row with coordinates e, weight and residual to the sums of its cluster.
fn add_block(sums: &mut [f64], e: &[f64], w: f64, residual: f64) {
    let k = e.len();
    let (score, rest) = sums.split_at_mut(k);
    let (other, rest) = rest.split_at_mut(k);
    let (weighted, plain) = rest.split_at_mut(k * (k + 1) / 2);
    let mut at = 0;
    for i in 0..k {
        score[i] += w * residual * e[i];
        other[i] += w * w * residual * e[i];
        for j in 0..=i {
            weighted[at] += w * e[i] * e[j];
            plain[at] += e[i] * e[j];
            at += 1;
        }
    }
}

/// Adds the score f e of a row to high and low parts of the sums of its cluster.
fn add_twice(sums: &mut [f64], e: &[Dd], score: Dd) {
    let (high, low) = sums.split_at_mut(e.len());
    for ((high, low), e) in high.iter_mut().zip(low).zip(e) {
        let sum = Dd::two_sum(*high, *low) + *e * score;
        (*high, *low) = (sum.hi, sum.lo);
    }
}

impl Sum for ClusterSums {
    fn merge(&mut self, other: Self) {
        self.used += other.used;
        for (a, b) in self.of_rows.iter_mut().zip(&other.of_rows) {
            *a += b;
        }
        let twice = self.twice;
        if other.sums.len() > self.sums.len() {
            self.sums.resize(other.sums.len(), None);
        }
        for (mine, theirs) in self.sums.iter_mut().zip(other.sums) {
            match (mine.as_mut(), theirs) {
                (Some(a), Some(b)) if twice => {
                    let k = a.len() / 2;
                    let theirs: Vec<Dd> = (0..k).map(|i| Dd::two_sum(b[i], b[k + i])).collect();
                    add_twice(a, &theirs, Dd::ONE);
                }
                (Some(a), Some(b)) => a.iter_mut().zip(&b).for_each(|(a, b)| *a += b),
                (None, Some(b)) => *mine = Some(b),
                _ => {}
            }
        }
        for (key, v) in other.levels {
            *self.levels.entry(key).or_insert(Dd::ZERO) += v;
        }
    }
}
