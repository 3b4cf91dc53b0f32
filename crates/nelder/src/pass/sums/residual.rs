//! Residuals and their score: r = y − Xβ and Xᵀ W r, both in twice the precision.

use std::sync::Arc;

use nelder_device::Dd;
use serde::{Deserialize, Serialize};

use super::{CodeSums, ScoreSums};
use crate::design::{Block, BlockSchema, CodeMaps, Numbers, RowError};
use crate::pass::device::KeptColumn;
use crate::pass::state::travels;
use crate::pass::{StateError, Sum, Worker};
use nelder_device::kernels::{self, Pair};

/// Coefficients by atom: what each row multiplies its columns with.
#[derive(Clone, Debug, Default)]
pub struct Coefficients {
    /// The intercept.
    pub intercept: Dd,
    /// One for each dense column.
    pub dense: Vec<Dd>,
    /// For each group and code, one for each multiplier.
    pub groups: Vec<CodeSums>,
}

impl Coefficients {
    /// Makes sure that every level of a block has a coefficient.
    ///
    /// # Errors
    /// The first row with a level that no row had when the coefficients were found: the rows have changed since.
    pub fn check(&self, block: &Block<'_>) -> Result<(), RowError> {
        for (table, codes) in self.groups.iter().zip(&block.codes) {
            let known = table.codes() as u32;
            if let Some(i) = codes.iter().position(|code| *code >= known) {
                let row = block.source_row(i);
                return Err(RowError {
                    row,
                    message: format!(
                        "row {} has a level, or a combination of levels, that no row had in the first pass: the rows have \
                         changed since",
                        row + 1
                    ),
                });
            }
        }
        Ok(())
    }
}

/// The residuals of consecutive rows, one vector a response.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResidualRun {
    /// Position of the batch in the source.
    pub index: usize,
    /// Position of the batch's first row in the source.
    pub first_row: u64,
    /// Which rows of the batch these are; `None` for all.
    pub kept: Option<Vec<u32>>,
    /// √w (y − Xβ) for each response.
    pub values: Vec<Vec<f64>>,
}

/// Sums of residuals r = y − Xβ, for each response.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Residuals {
    /// Rows.
    pub rows: u64,
    /// Σ w r².
    pub squares: Vec<Dd>,
    /// Σ w f and Σ w f² of the fitted values f with their offset; zero without an offset.
    pub fitted: Vec<(Dd, Dd)>,
    /// Xᵀ W r.
    pub scores: Vec<ScoreSums>,
    /// Weighted residuals √w r, where they are kept.
    pub runs: Vec<ResidualRun>,
    /// Their distribution, where they are too many to keep.
    pub histogram: Vec<Histogram>,
    /// √w (y − Xβ) by response, where they stayed on a device.
    pub there: Vec<KeptColumn>,
}

/// Places among `n` sorted values, from 0, that their quartiles lie at or between: the first, three times the two that a
/// quartile lies between, the last.
pub fn quartile_ranks(n: u64) -> [u64; 8] {
    let last = n.saturating_sub(1);
    let at = |k: u64| (last as f64 * k as f64 / 4.0).floor() as u64;
    let next = |k: u64| (at(k) + 1).min(last);
    [0, at(1), next(1), at(2), next(2), at(3), next(3), last]
}

/// Counts of weighted residuals in bins of equal width, with the smallest and the largest value.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Bins", into = "Bins")]
pub struct Histogram {
    /// Width of a bin.
    pub width: f64,
    /// Smallest value.
    pub smallest: f64,
    /// Largest value.
    pub largest: f64,
    counts: Vec<u32>,
}

/// A histogram of another process: its bins that are not empty.
#[derive(Serialize, Deserialize)]
struct Bins {
    width: f64,
    smallest: f64,
    largest: f64,
    counts: Vec<(u32, u32)>,
}

impl From<Histogram> for Bins {
    fn from(of: Histogram) -> Bins {
        let bins = of.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        Bins {
            width: of.width,
            smallest: of.smallest,
            largest: of.largest,
            counts: bins.map(|(bin, count)| (bin as u32, *count)).collect(),
        }
    }
}

impl From<Bins> for Histogram {
    fn from(of: Bins) -> Histogram {
        let mut own = Histogram::new(of.width);
        (own.smallest, own.largest) = (of.smallest, of.largest);
        for (bin, count) in of.counts {
            if let Some(own) = own.counts.get_mut(bin as usize) {
                *own = count;
            }
        }
        own
    }
}

/// Bins on each side of zero.
const HALF: i64 = 1 << 20;

impl Histogram {
    /// Bins of `width`, about a million on each side of zero.
    pub fn new(width: f64) -> Self {
        let counts = vec![0; 2 * HALF as usize];
        Histogram {
            width,
            smallest: f64::INFINITY,
            largest: f64::NEG_INFINITY,
            counts,
        }
    }

    pub(in crate::pass) fn add(&mut self, x: f64) {
        self.smallest = self.smallest.min(x);
        self.largest = self.largest.max(x);
        let bin = ((x / self.width).floor() as i64).clamp(-HALF, HALF - 1) + HALF;
        self.counts[bin as usize] += 1;
    }

    pub(in crate::pass) fn merge(&mut self, other: &Histogram) {
        self.smallest = self.smallest.min(other.smallest);
        self.largest = self.largest.max(other.largest);
        for (a, b) in self.counts.iter_mut().zip(&other.counts) {
            *a += b;
        }
    }

    /// The `rank`-th smallest value (from 0), as if the values of a bin were evenly spread in it.
    pub fn order_statistic(&self, rank: u64) -> f64 {
        let mut seen = 0u64;
        for (bin, &count) in self.counts.iter().enumerate() {
            if seen + u64::from(count) > rank {
                let part = ((rank - seen) as f64 + 0.5) / f64::from(count);
                let value = ((bin as i64 - HALF) as f64 + part) * self.width;
                return value.clamp(self.smallest, self.largest);
            }
            seen += u64::from(count);
        }
        self.largest
    }
}

impl Residuals {
    /// No rows seen, of a number of responses. Residuals are kept, or counted in bins of the `widths` where there are any.
    pub fn new(atoms: &BlockSchema, responses: usize, widths: Option<&[f64]>) -> Self {
        Residuals {
            rows: 0,
            squares: vec![Dd::ZERO; responses],
            fitted: vec![(Dd::ZERO, Dd::ZERO); responses],
            scores: vec![ScoreSums::new(atoms); responses],
            runs: Vec::new(),
            histogram: widths.map_or_else(Vec::new, |w| w.iter().map(|&w| Histogram::new(w)).collect()),
            there: Vec::new(),
        }
    }
}

impl Residuals {
    /// Counts residuals that were kept in bins instead.
    pub(in crate::pass) fn count_runs(&mut self) {
        for run in std::mem::take(&mut self.runs) {
            for (histogram, values) in self.histogram.iter_mut().zip(&run.values) {
                values.iter().for_each(|r| histogram.add(*r));
            }
        }
    }

    fn add_fitted(&mut self, k: usize, block: &Block<'_>, offset: &[f64], residuals: &[f64]) {
        let response = &block.responses[k].high;
        let (sum, squares) = &mut self.fitted[k];
        for i in 0..block.rows {
            let f = Dd::two_sum(response[i] - residuals[i], offset[i]);
            let w = block.weights.as_ref().map_or(1.0, |w| w[i]);
            *sum += f.mul_f64(w);
            *squares += (f * f).mul_f64(w);
        }
    }
}

fn pair<'a>(numbers: &'a Numbers<'_>) -> Pair<'a> {
    Pair {
        high: &numbers.high,
        low: numbers.low.as_deref(),
    }
}

/// `(high, low) = y − Xβ` for the rows of a block, normalised.
pub fn residuals_of(
    atoms: &BlockSchema,
    block: &Block<'_>,
    response: Pair<'_>,
    coefficients: &Coefficients,
    high: &mut Vec<f64>,
    low: &mut Vec<f64>,
) {
    let n = block.rows;
    high.clear();
    high.extend_from_slice(response.high);
    low.clear();
    match response.low {
        Some(l) => low.extend_from_slice(l),
        None => low.resize(n, 0.0),
    }
    // runs of rows stay in the first-level cache while all columns go by
    const RUN: usize = 1024;
    let mut from = 0;
    while from < n {
        let to = (from + RUN).min(n);
        let (h, l) = (&mut high[from..to], &mut low[from..to]);
        for (x, &b) in block.dense.iter().zip(&coefficients.dense) {
            kernels::subtract(pair(x).part(from, to), b, h, l);
        }
        from = to;
    }
    let b = coefficients.intercept;
    if b.hi != 0.0 {
        for i in 0..n {
            let d = Dd::two_sum(high[i], -b.hi);
            high[i] = d.hi;
            low[i] += d.lo - b.lo;
        }
    }
    for (g, table) in coefficients.groups.iter().enumerate() {
        let codes = &block.codes[g];
        for (a, multiplier) in atoms.groups[g].multipliers.iter().enumerate() {
            for i in 0..n {
                let Some(&b) = table.cells.get(codes[i] as usize * table.width + a) else {
                    continue;
                };
                let v = match multiplier {
                    None => b,
                    Some(e) => {
                        let x = &block.dense[*e];
                        let p = Dd::two_prod(x.high[i], b.hi);
                        let xl = x.low.as_ref().map_or(0.0, |l| l[i]);
                        Dd {
                            hi: p.hi,
                            lo: p.lo + x.high[i] * b.lo + xl * b.hi,
                        }
                    }
                };
                let d = Dd::two_sum(high[i], -v.hi);
                high[i] = d.hi;
                low[i] += d.lo - v.lo;
            }
        }
    }
    kernels::normalize(high, low);
}

/// `(high, low) = y − offset − Xβ` for the rows of a block, normalised.
pub(super) fn differences_of(
    atoms: &BlockSchema,
    block: &Block<'_>,
    (y, offset): (&[f64], Option<&[f64]>),
    coefficients: &Coefficients,
    high: &mut Vec<f64>,
    low: &mut Vec<f64>,
) {
    let Some(offset) = offset else {
        return residuals_of(atoms, block, Pair::of(y), coefficients, high, low);
    };
    let less: Vec<Dd> = y.iter().zip(offset).map(|(y, o)| Dd::two_sum(*y, -o)).collect();
    let (own, rest): (Vec<f64>, Vec<f64>) = less.iter().map(|d| (d.hi, d.lo)).unzip();
    let response = Pair {
        high: &own,
        low: Some(&rest),
    };
    residuals_of(atoms, block, response, coefficients, high, low);
}

/// Forms the residuals of blocks of rows at coefficients, one set a response.
#[derive(Clone, Debug)]
pub struct ResidualsWorker {
    atoms: BlockSchema,
    coefficients: Arc<[Coefficients]>,
    sums: Residuals,
}

impl ResidualsWorker {
    /// No rows seen. Residuals are kept, or counted in bins of the `widths` where there are any.
    pub fn new(atoms: &BlockSchema, coefficients: Arc<[Coefficients]>, widths: Option<&[f64]>) -> Self {
        ResidualsWorker {
            atoms: atoms.clone(),
            sums: Residuals::new(atoms, coefficients.len(), widths),
            coefficients,
        }
    }
}

impl Worker for ResidualsWorker {
    type Sum = Residuals;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        let sums = &mut self.sums;
        let keep = sums.histogram.is_empty();
        sums.rows += block.rows as u64;
        let n = block.rows;
        let (mut high, mut low) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let (mut wh, mut wl) = (Vec::new(), Vec::new());
        let mut kept = Vec::new();
        for k in 0..self.coefficients.len() {
            self.coefficients[k].check(block)?;
            residuals_of(
                &self.atoms,
                block,
                pair(&block.responses[k]),
                &self.coefficients[k],
                &mut high,
                &mut low,
            );
            let r = Pair {
                high: &high,
                low: Some(&low),
            };
            let wr = match &block.weights {
                None => r,
                Some(w) => {
                    wh.resize(n, 0.0);
                    wl.resize(n, 0.0);
                    kernels::scale(w, r, &mut wh, &mut wl);
                    Pair {
                        high: &wh,
                        low: Some(&wl),
                    }
                }
            };
            sums.squares[k] += kernels::dot(r, wr);
            sums.scores[k].add(&self.atoms, block, wr, false);
            if let Some(offset) = &block.offset {
                sums.add_fitted(k, block, offset, &high);
            }
            let weighted = match &block.weights {
                None => high.clone(),
                Some(w) => high.iter().zip(w.iter()).map(|(r, w)| r * w.sqrt()).collect(),
            };
            if keep {
                kept.push(weighted);
            } else {
                for x in weighted {
                    sums.histogram[k].add(x);
                }
            }
        }
        if keep {
            sums.runs.push(ResidualRun {
                index: block.index,
                first_row: block.first_row,
                kept: block.kept.clone(),
                values: kept,
            });
        }
        Ok(())
    }

    fn finish(self) -> Residuals {
        self.sums
    }
}

impl Sum for Residuals {
    travels!();

    fn recode(&mut self, maps: &CodeMaps) -> Result<(), StateError> {
        self.scores.iter_mut().try_for_each(|score| score.recode(maps))
    }

    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        for k in 0..self.squares.len() {
            self.squares[k] += other.squares[k];
            self.scores[k].merge(&other.scores[k]);
            self.fitted[k].0 += other.fitted[k].0;
            self.fitted[k].1 += other.fitted[k].1;
        }
        for (a, b) in self.histogram.iter_mut().zip(&other.histogram) {
            a.merge(b);
        }
        self.runs.extend(other.runs);
        for (k, column) in other.there.into_iter().enumerate() {
            match self.there.get_mut(k) {
                Some(own) => own.merge(column),
                None => self.there.push(column),
            }
        }
    }
}
