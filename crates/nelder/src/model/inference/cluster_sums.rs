//! Scores summed by cluster, in coordinates in which the gram is the identity ([`WhitenedDesign`]).
//!
//! With e the coordinates of a row, w its weight and r its residual, the score of a cluster is u = Σ w r e. Types HC2 and HC3
//! multiply the residuals of a cluster with (I − H)^p, H = X (XᵀWX)⁻¹ Xᵀ W its block of the hat matrix and p = −1/2 or −1
//! (Bell & McCaffrey 2002). The rows need not be kept for it: with S = Σ w e eᵀ and U = Σ e eᵀ, the score is then
//! u + U ψ(S) Σ w² r e, ψ(s) = ((1 − s)^p − 1) / s. R's `sandwich::vcovCL`.

use std::collections::HashMap;
use std::sync::Arc;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use nelder_device::kernels::Pair;

use super::ClusterType;
use super::vcov::Clusters;
use super::whitened_design::WhitenedDesign;
use crate::design::{Block, RowError, Rows};
use crate::frame::Batch;
use crate::model::ModelError;
use crate::pass::{Coefficients, Monitor, PassRecord, Sum, residuals_of, run_beside};
use crate::solve::{Rectangular, eigen};

/// Rows, or clusters, multiplied at a time.
const RUN: usize = 256;
/// Numbers of all clusters' blocks at most: 1 GB.
const MOST: usize = 1 << 27;
/// A cluster's leverage this close to one leaves nothing of its residuals.
const SATURATED: f64 = 1.0 - 1e-10;

/// Sums of scores by cluster.
#[derive(Clone, Debug)]
pub(in crate::model) struct ClusterSums {
    basis: Arc<WhitenedDesign>,
    coefficients: Arc<Coefficients>,
    response: usize,
    own: ClusterType,
    /// By code of the cluster: Σ w r e; with blocks also Σ w² r e, then S and U by columns of their lower triangles.
    sums: Vec<Option<Box<[f64]>>>,
    /// Σ w r e by cluster and level of an eliminated factor; with blocks the levels are coordinates like the others.
    levels: HashMap<(u32, u32), f64>,
    used: usize,
}

/// One pass for the sums by cluster; `update` takes in a block with the codes of its rows' clusters.
///
/// # Errors
/// Those of a pass and of the expression.
pub(in crate::model) fn by_cluster(
    expression: &str,
    own: ClusterType,
    rows: &Rows<'_>,
    monitor: &dyn Monitor,
    passes: &mut Vec<PassRecord>,
    none: &ClusterSums,
    update: impl Fn(&mut ClusterSums, &Block<'_>, &[u32]) -> Result<(), RowError> + Sync,
) -> Result<ClusterSums, ModelError> {
    let codes = Clusters::new(expression, rows.source(), passes)?;
    let columns = codes.columns().to_vec();
    let name = match own.uses_blocks() {
        true => "scores and leverages by cluster",
        false => "scores by cluster",
    };
    let (found, record) = run_beside(
        name,
        "f64",
        rows,
        &columns,
        monitor,
        || none.clone(),
        |sums: &mut ClusterSums, block: &Block<'_>, beside: &Batch<'_>| {
            update(sums, block, &codes.of(block, beside)?)
        },
        |sums| sums,
    )?;
    passes.push(record);
    rows.take_dropped();
    Ok(found)
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
    pub fn new(
        basis: Arc<WhitenedDesign>,
        coefficients: Arc<Coefficients>,
        response: usize,
        own: ClusterType,
    ) -> Self {
        ClusterSums {
            basis,
            coefficients,
            response,
            own,
            sums: Vec::new(),
            levels: HashMap::new(),
            used: 0,
        }
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
            false => (self.basis.order(), self.basis.order()),
        }
    }

    /// Takes in the rows of a block, each with the code of its cluster.
    ///
    /// # Errors
    /// Blocks that are too many to be kept.
    pub fn update(&mut self, block: &Block<'_>, clusters: &[u32]) -> Result<(), RowError> {
        let basis = self.basis.clone();
        let (mut high, mut low) = (Vec::new(), Vec::new());
        let y = &block.responses[self.response];
        let response = Pair {
            high: &y.high,
            low: y.low.as_deref(),
        };
        let atoms = basis.atoms();
        residuals_of(atoms, block, response, &self.coefficients, &mut high, &mut low);
        let (k, size) = self.sizes();
        let mut row = vec![0.0; k];
        let mut from = 0;
        while from < block.rows {
            let to = (from + RUN).min(block.rows);
            let e = basis.coordinates(block, from, to);
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
                } else {
                    sums.iter_mut()
                        .zip(&row)
                        .for_each(|(sum, x)| *sum += w * high[i] * x);
                    if let Some((level, x)) = level {
                        *self.levels.entry((clusters[i], level as u32)).or_insert(0.0) += w * high[i] * x;
                    }
                }
            }
            from = to;
        }
        Ok(())
    }

    /// The sum over clusters of the squares of their scores: coordinates that every row has first, then one for each level
    /// of the eliminated factor.
    ///
    /// # Errors
    /// A cluster that determines a coefficient alone, where residuals are divided by what it leaves.
    pub fn squares(&self) -> Result<Mat<f64>, ModelError> {
        let (r, l) = (self.basis.order(), self.basis.levels());
        let mut out = Mat::<f64>::zeros(r + l, r + l);
        let mut by_level: Vec<(&(u32, u32), &f64)> = self.levels.iter().collect();
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
                s[(key.0 as usize - first * RUN, r + key.1 as usize)] = **v;
            }
            rest = &rest[end..];
            matmul(out.as_mut(), Accum::Add, s.transpose(), s.as_ref(), 1.0, Par::Seq);
        }
        Ok(out)
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

impl Sum for ClusterSums {
    fn merge(&mut self, other: Self) {
        self.used += other.used;
        if other.sums.len() > self.sums.len() {
            self.sums.resize(other.sums.len(), None);
        }
        for (mine, theirs) in self.sums.iter_mut().zip(other.sums) {
            match (mine.as_mut(), theirs) {
                (Some(a), Some(b)) => a.iter_mut().zip(&b).for_each(|(a, b)| *a += b),
                (None, Some(b)) => *mine = Some(b),
                _ => {}
            }
        }
        for (key, v) in other.levels {
            *self.levels.entry(key).or_insert(0.0) += v;
        }
    }
}
