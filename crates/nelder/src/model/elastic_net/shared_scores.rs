//! Scores of several coefficient vectors over the same rows: columns are read once, while they are in cache, four at a time for four vectors.

use std::sync::Arc;

use nelder_device::kernels::{self, Pair, TILE, add_products, inner_products};
use nelder_device::{Input, Output, Runner};

use super::membership::Membership;
use crate::design::Block;
use crate::pass::{At, Coefficients, Observed, Scoring, ScoringPlan};

/// Rows that are taken at a time: a column of them, and their predictors and scores under each vector, stay in the first cache.
const RUN: usize = 512;

/// One vector of coefficients: its sums, and columns over the rows of a run.
struct Vector {
    of: Membership,
    at: Arc<Coefficients>,
    sums: Scoring,
    weight: Vec<f64>,
    deviance: Vec<f64>,
    /// Prior weights, zero for rows that are not its own.
    prior: Vec<f64>,
}

/// Forms scores and deviances, in double precision, without grams.
pub(super) struct SharedScores {
    plan: Arc<ScoringPlan>,
    step: Runner<f64>,
    vectors: Vec<Vector>,
    /// Coefficients of the dense columns that have some, by column, each row as long as the vectors and a tile's rest.
    used: Vec<(usize, Vec<f64>)>,
    /// η and s over the rows of a run, vector by vector, and of a tile's rest.
    eta: Vec<f64>,
    score: Vec<f64>,
    /// Xᵀs of the dense columns over the rows of a block, by column as `used` has them.
    dense: Vec<f64>,
}

/// Vectors and a tile's rest.
fn padded(vectors: usize) -> usize {
    match vectors {
        1 | 2 => vectors,
        more => more.next_multiple_of(TILE),
    }
}

impl SharedScores {
    /// No rows seen, for plans of one family. Prior weights are read in any case.
    pub fn new(plans: &[(Membership, Arc<ScoringPlan>)]) -> Option<Self> {
        let (_, first) = plans.first()?;
        let vector = |(of, plan): &(Membership, Arc<ScoringPlan>)| match &plan.at {
            At::Start => None,
            At::Coefficients(at) => Some(Vector {
                of: *of,
                at: at.clone(),
                sums: Scoring::new(plan),
                weight: vec![0.0; RUN],
                deviance: vec![0.0; RUN],
                prior: vec![0.0; RUN],
            }),
        };
        let vectors: Vec<Vector> = plans.iter().map(vector).collect::<Option<_>>()?;
        let width = padded(vectors.len());
        let coefficients = |j: usize| -> (usize, Vec<f64>) {
            let mut row: Vec<f64> = vectors.iter().map(|v| v.at.dense[j].hi).collect();
            row.resize(width, 0.0);
            (j, row)
        };
        let used = (0..first.atoms.dense).map(coefficients);
        Some(SharedScores {
            step: first.programs.step.runner().unwrap_or_else(|_| Runner::empty()),
            used: used.filter(|(_, row)| row.iter().any(|b| *b != 0.0)).collect(),
            eta: vec![0.0; width * RUN],
            score: vec![0.0; width * RUN],
            dense: vec![0.0; width * first.atoms.dense],
            plan: first.clone(),
            vectors,
        })
    }

    /// Takes in the rows of a block, each with its fold.
    pub fn add(&mut self, block: &Block<'_>, folds: &[u32]) {
        let observed = Observed::of(block, self.plan.counts);
        let mut from = 0;
        while from < block.rows {
            let to = (from + RUN).min(block.rows);
            self.run(block, &observed, folds, (from, to));
            from = to;
        }
        let width = padded(self.vectors.len());
        for (j, row) in self.dense.chunks_exact_mut(width).enumerate() {
            for (vector, own) in self.vectors.iter_mut().zip(row) {
                let cell = &mut vector.sums.score.dense[j];
                *cell = cell.add_f64(std::mem::take(own));
            }
        }
    }

    fn run(&mut self, block: &Block<'_>, observed: &Observed<'_>, folds: &[u32], (from, to): (usize, usize)) {
        let n = to - from;
        let offset = block.offset.as_ref().filter(|_| self.plan.offset);
        for (v, eta) in self.vectors.iter().zip(self.eta.chunks_exact_mut(RUN)) {
            match offset {
                None => eta[..n].fill(v.at.intercept.hi),
                Some(o) => {
                    let pairs = eta[..n].iter_mut().zip(&o[from..to]);
                    pairs.for_each(|(eta, o)| *eta = v.at.intercept.hi + o);
                }
            }
        }
        // 1. η, of the columns that have coefficients
        let column = |j: usize| &block.dense[j].high[from..to];
        for columns in self.used.chunks(TILE) {
            let x = std::array::from_fn(|c| column(columns.get(c).unwrap_or(&columns[0]).0));
            let row = |c: usize| columns.get(c).map(|(_, row)| row.as_slice());
            add_tile(x, row, &mut self.eta, n);
        }
        let etas = self.eta.chunks_exact_mut(RUN);
        for ((v, eta), score) in self
            .vectors
            .iter_mut()
            .zip(etas)
            .zip(self.score.chunks_exact_mut(RUN))
        {
            for (g, table) in v.at.groups.iter().enumerate() {
                let codes = &block.codes[g][from..to];
                for (a, multiplier) in self.plan.atoms.groups[g].multipliers.iter().enumerate() {
                    let x = multiplier.map(|e| &block.dense[e].high[from..to]);
                    for (i, &code) in codes.iter().enumerate() {
                        if let Some(b) = table.cells.get(code as usize * table.width + a) {
                            eta[i] += x.map_or(b.hi, |x| x[i] * b.hi);
                        }
                    }
                }
            }
            // 2. W, s, the deviance
            let prior = observed.weight.as_deref().map(|w| &w[from..to]);
            for (i, w) in v.prior[..n].iter_mut().enumerate() {
                let own = folds.is_empty() || v.of.has(folds[from + i]);
                *w = if own { prior.map_or(1.0, |p| p[i]) } else { 0.0 };
            }
            let y = &observed.y[from..to];
            let [trials, rest] =
                [&observed.trials, &observed.rest].map(|c| c.as_ref().map_or(y, |c| &c[from..to]));
            let inputs = [y, &eta[..n], &v.prior[..n], trials, rest].map(Input::Real);
            let mut outputs =
                [&mut v.weight[..], &mut score[..], &mut v.deviance[..]].map(|c| Output::Real(&mut c[..n]));
            if self.step.run(&inputs, n, &mut outputs).is_err() {
                v.deviance[..n].fill(f64::NAN);
            }
            let deviance = &v.deviance[..n];
            v.sums.deviance += kernels::sum(Pair::of(deviance));
            if !v.sums.deviance.hi.is_finite() {
                v.sums.out_of_range |= deviance.iter().any(|d| d.is_nan());
            }
            v.sums.score.ones += kernels::sum(Pair::of(&score[..n]));
        }
        // 3. Xᵀs
        let width = padded(self.vectors.len());
        for (t, out) in self.dense.chunks_mut(TILE * width).enumerate() {
            let count = out.len() / width;
            let x = std::array::from_fn(|c| column(t * TILE + c.min(count - 1)));
            inner_tile(x, &self.score, n, (out, width));
        }
        for (v, score) in self.vectors.iter_mut().zip(self.score.chunks_exact(RUN)) {
            for (g, table) in v.sums.score.groups.iter_mut().enumerate() {
                let codes = &block.codes[g][from..to];
                let Some(&largest) = codes.iter().max() else {
                    continue;
                };
                table.reserve(largest as usize);
                for (a, multiplier) in self.plan.atoms.groups[g].multipliers.iter().enumerate() {
                    let x = multiplier.map(|e| &block.dense[e].high[from..to]);
                    for (i, &code) in codes.iter().enumerate() {
                        let value = x.map_or(score[i], |x| x[i] * score[i]);
                        let cell = &mut table.cells[code as usize * table.width + a];
                        *cell = cell.add_f64(value);
                    }
                }
            }
        }
    }

    /// The sums of each vector.
    pub fn finish(self) -> Vec<Scoring> {
        self.vectors.into_iter().map(|v| v.sums).collect()
    }
}

/// η ← η + Σ x b of a tile of columns, for all vectors; a column without a row of coefficients counts nothing.
fn add_tile<'a>(x: [&[f64]; TILE], row: impl Fn(usize) -> Option<&'a [f64]>, eta: &mut [f64], n: usize) {
    let at = |c: usize, v: usize| row(c).map_or(0.0, |row| row[v]);
    let mut runs = eta.chunks_exact_mut(RUN).map(|run| &mut run[..n]);
    let mut v = 0;
    while let Some(first) = runs.next() {
        match runs.next() {
            None => add_products(x, std::array::from_fn(|c| [at(c, v)]), [first]),
            Some(second) => match (runs.next(), runs.next()) {
                (Some(third), Some(fourth)) => {
                    let b = std::array::from_fn(|c| std::array::from_fn(|k| at(c, v + k)));
                    add_products::<TILE>(x, b, [first, second, third, fourth]);
                }
                _ => add_products(
                    x,
                    std::array::from_fn(|c| [at(c, v), at(c, v + 1)]),
                    [first, second],
                ),
            },
        }
        v += TILE;
    }
}

/// Adds Xᵀs of a tile of columns for all vectors, to rows of `width`; columns beyond these are not wanted.
fn inner_tile(x: [&[f64]; TILE], score: &[f64], n: usize, (out, width): (&mut [f64], usize)) {
    let run = |v: usize| &score[v * RUN..v * RUN + n];
    let mut v = 0;
    while v < width {
        match width - v {
            1 => add_rows(inner_products(x, [run(v)]), (out, width), v),
            2 => add_rows(inner_products(x, [run(v), run(v + 1)]), (out, width), v),
            _ => {
                let own = std::array::from_fn::<_, TILE, _>(|k| run(v + k));
                add_rows(inner_products(x, own), (out, width), v);
            }
        }
        v += TILE;
    }
}

fn add_rows<const V: usize>(products: [[f64; V]; TILE], (out, width): (&mut [f64], usize), from: usize) {
    for (row, products) in out.chunks_exact_mut(width).zip(products) {
        let pairs = row[from..from + V].iter_mut().zip(products);
        pairs.for_each(|(out, p)| *out += p);
    }
}
