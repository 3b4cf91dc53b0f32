//! The weighted gram of a design and its responses, from blocks of rows.
//!
//! Dense columns: each run of rows is centred about its own mean, multiplied in double precision, and moved
//! back to the origin in twice the precision, so that the sum over blocks loses nothing to the columns' means
//! (Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", in matrix form). With exact
//! products the whole sum runs in twice the precision. Codes: sums of the dense columns by code, and counts of
//! pairs of codes; a factor's block of the gram is diagonal and costs one addition a row.

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, MatMut, MatRef, Par};
use nelder_device::kernels::{self, Pair};
use nelder_device::{Dd, zeros};
use rayon::prelude::*;

use super::gram::{Gram, Products, SecondsRow, packed};
use super::product::{Product, Single};
use super::table::{pair, product_of, scatter};
use crate::design::{Block, BlockSchema, RowError};
use crate::pass::Worker;

/// Rows multiplied at a time: 200 columns of them stay in the second-level cache.
const RUN: usize = 1024;

/// Rows whose mean is the centre of a run.
pub(super) const FIRST: usize = 128;

/// Σ z² about a run's centre over the part of it that is due to the centre, at least.
pub(super) const NEAR: f64 = 17.0;

/// Products of a run beyond which they are shared among threads: of about ten milliseconds.
const SHARED: usize = 20_000_000;

/// Columns that are multiplied with each of the others while it is in cache.
const TILE: usize = 8;

/// Forms the gram of blocks of rows.
#[derive(Clone, Debug)]
pub struct GramWorker {
    gram: Gram,
    pack: Vec<f64>,
    product: Vec<f64>,
    stepping: Product<f64>,
    single: Product<f32>,
    /// Σ w of the rows that are in a product but not yet in the sums.
    pending: Dd,
}

/// The dense columns and responses of a block, in the order of a gram's sums.
pub(super) fn columns_of<'a>(atoms: &BlockSchema, block: &'a Block<'_>) -> Vec<Pair<'a>> {
    block.dense[..atoms.dense]
        .iter()
        .chain(&block.responses)
        .map(pair)
        .collect()
}

/// Mean of sums over a weight; a run whose weights are all zero has none, and its centre is zero.
fn mean(sum: f64, weight: f64) -> f64 {
    if weight > 0.0 { sum / weight } else { 0.0 }
}

/// Mean of the first rows of a run of a column.
pub(super) fn rough_mean(x: &[f64], weights: Option<&[f64]>) -> f64 {
    let first = x.len().min(FIRST);
    let of_first = weights.map(|w| &w[..first]);
    let share = of_first.map_or(first as f64, |w| kernels::rough_sum(w, None));
    mean(kernels::rough_sum(&x[..first], of_first), share)
}

/// z = √w (x − c) of a run of a column, W its weight: c, and the rest Σ w (x − c).
///
/// c is the mean of the run's first rows, which is near the run's own. Where it is not, as in a column that jumps, c is the run's mean: so
/// Σ z² is at most 17/16 of the sum of squares about the mean, and products round relative to that.
fn centred(
    x: &[f64],
    weights: Option<&[f64]>,
    roots: Option<&[f64]>,
    weight: f64,
    packed: &mut [f64],
) -> (f64, f64) {
    let c = rough_mean(x, weights);
    let sums = kernels::center(x, c, roots, packed);
    // of Σ z², W (x̄ − c)² is due to the centre
    let shift = mean(sums.rest, weight) * sums.rest;
    if NEAR * shift <= sums.square {
        return (c, sums.rest);
    }
    let c = mean(kernels::rough_sum(x, weights), weight);
    (c, kernels::center(x, c, roots, packed).rest)
}

impl GramWorker {
    /// No rows seen.
    pub fn new(atoms: &BlockSchema, products: Products) -> Self {
        GramWorker {
            gram: Gram::new(atoms, products),
            pack: Vec::new(),
            product: Vec::new(),
            stepping: Product::new(),
            single: Product::new(),
            pending: Dd::ZERO,
        }
    }

    /// Goes on with another gram, for several that share scratch; nothing may be pending.
    pub fn swap(&mut self, gram: &mut Gram) {
        std::mem::swap(&mut self.gram, gram);
    }

    /// Takes in the rows of a block. What [`Products::Stepping`] and [`Products::Single`] gather is not in the sums before
    /// [`flush`](Self::flush).
    pub fn add(&mut self, block: &Block<'_>) {
        self.gram.rows += block.rows as u64;
        match &block.weights {
            None => self.gram.weight = self.gram.weight.add_f64(block.rows as f64),
            Some(w) => {
                self.gram.weight += kernels::sum(Pair::of(w));
                // the weights of a gram without responses are not those of observations
                if self.gram.atoms.responses > 0 {
                    self.gram.log_weight += w.iter().map(|w| w.ln()).sum::<f64>();
                }
            }
        }
        match self.gram.products {
            Products::Rounded | Products::Runs { .. } | Products::Rough => self.dense_rounded(block),
            Products::Exact => self.dense_exact(block),
            Products::Stepping | Products::Single => self.dense_product(block),
        }
        self.gram.mark_rounded(block);
        self.group_tables(block);
        self.cross_tables(block);
    }

    fn dense_exact(&mut self, block: &Block<'_>) {
        let columns = columns_of(&self.gram.atoms, block);
        let n = block.rows;
        let mut from = 0;
        while from < n {
            let to = (from + RUN).min(n);
            let weights = block.weights.as_ref().map(|w| &w[from..to]);
            let run: Vec<Pair<'_>> = columns.iter().map(|column| column.part(from, to)).collect();
            let mut rows = self.gram.rows_of_seconds(run.len());
            // as many products as take longer than other threads take to wake; each sum is the same on whichever thread
            if run.len() * run.len() * (to - from) > SHARED {
                let tiles = rows.par_chunks_mut(TILE).rev();
                tiles.for_each(|rows| SecondsRow::add_products(rows, &run, weights));
            } else {
                let tiles = rows.chunks_mut(TILE);
                tiles.for_each(|rows| SecondsRow::add_products(rows, &run, weights));
            }
            from = to;
        }
    }

    fn dense_rounded(&mut self, block: &Block<'_>) {
        let columns = columns_of(&self.gram.atoms, block);
        let (n, p) = (block.rows, columns.len());
        if p == 0 {
            return;
        }
        let roots = block.roots();
        if self.pack.len() != RUN * p {
            (self.pack, self.product) = (zeros(RUN * p), zeros(p * p));
        }
        let (mut centers, mut rests) = (vec![0.0; p], vec![0.0; p]);
        let mut from = 0;
        while from < n {
            let to = (from + RUN).min(n);
            let m = to - from;
            let weights = block.weights.as_ref().map(|w| &w[from..to]);
            let roots = roots.as_ref().map(|r| &r[from..to]);
            let weight = weights.map_or(m as f64, |w| kernels::rough_sum(w, None));
            for (j, column) in columns.iter().enumerate() {
                let x = &column.high[from..to];
                let packed = &mut self.pack[j * RUN..j * RUN + m];
                (centers[j], rests[j]) = centred(x, weights, roots, weight, packed);
            }
            let z = MatRef::from_column_major_slice_with_stride(&self.pack[..RUN * p], m, p, RUN);
            matmul(
                MatMut::from_column_major_slice_mut(&mut self.product, p, p),
                BlockStructure::TriangularUpper,
                Accum::Replace,
                z.transpose(),
                BlockStructure::Rectangular,
                z,
                BlockStructure::Rectangular,
                1.0,
                Par::Seq,
            );
            let total = match weights {
                None => Dd::from(m as f64),
                Some(w) => kernels::sum(Pair::of(w)),
            };
            for i in 0..p {
                let products = &self.product[i * p..i * p + i + 1];
                self.gram.add_row(i, products, (&centers, &rests), total);
            }
            from = to;
        }
    }

    fn dense_product(&mut self, block: &Block<'_>) {
        let columns = columns_of(&self.gram.atoms, block);
        if columns.is_empty() {
            return;
        }
        let columns: Vec<&[f64]> = columns.iter().map(|c| c.high).collect();
        let roots = block.roots().unwrap_or_else(|| vec![1.0; block.rows]);
        let weight = match &block.weights {
            None => Dd::from(block.rows as f64),
            Some(w) => kernels::sum(Pair::of(w)),
        };
        self.pending += weight;
        match self.gram.products {
            Products::Single => self.single.add(&columns, &roots, self.gram.atoms.responses),
            _ => self.stepping.add(&columns, &roots, 0),
        }
    }

    /// Takes what has gathered in a product into the sums.
    pub fn flush(&mut self) {
        let own = (
            std::mem::replace(&mut self.stepping, Product::new()),
            std::mem::replace(&mut self.single, Product::new()),
        );
        self.flush_one(&own.0);
        self.flush_one(&own.1);
        (self.stepping, self.single) = own;
        self.stepping.clear();
        self.single.clear();
        self.pending = Dd::ZERO;
    }

    fn flush_one<T: Single>(&mut self, product: &Product<T>) {
        let p = product.centers.len();
        let (mut products, mut rests) = (vec![0.0; p], vec![0.0; p]);
        for i in 0..p {
            product.row(i, &mut products, &mut rests);
            self.gram
                .add_row(i, &products, (&product.centers, &rests), self.pending);
        }
    }

    fn group_tables(&mut self, block: &Block<'_>) {
        let columns = columns_of(&self.gram.atoms, block);
        let n = block.rows;
        for (g, group) in self.gram.atoms.groups.iter().enumerate() {
            let codes = &block.codes[g];
            let table = &mut self.gram.groups[g];
            let Some(&largest) = codes.iter().max() else {
                continue;
            };
            table.reserve(largest as usize);
            let counts = &mut self.gram.counts[g];
            if counts.len() <= largest as usize {
                counts.resize(largest as usize + 1, 0);
            }
            codes.iter().for_each(|&c| counts[c as usize] += 1);
            let width = table.width;
            for (a, multiplier) in group.multipliers.iter().enumerate() {
                // w m, in two parts
                let (mut high, mut low) = (Vec::new(), Vec::new());
                let wm = product_of(block, *multiplier, &mut high, &mut low);
                let at = a * (1 + columns.len());
                scatter(table, codes, at, width, n, wm, None);
                for (j, column) in columns.iter().enumerate() {
                    scatter(table, codes, at + 1 + j, width, n, wm, Some(*column));
                }
                let at = group.multipliers.len() * (1 + columns.len()) + packed(a, 0);
                for (b, other) in group.multipliers[..=a].iter().enumerate() {
                    let other = other.map(|e| pair(&block.dense[e]));
                    scatter(table, codes, at + b, width, n, wm, other);
                }
            }
        }
    }

    fn cross_tables(&mut self, block: &Block<'_>) {
        for cross in &mut self.gram.cross {
            let (g, h) = cross.groups;
            let (first, second) = (
                &self.gram.atoms.groups[g].multipliers,
                &self.gram.atoms.groups[h].multipliers,
            );
            // position of each row's pair
            let mut last = ((u32::MAX, u32::MAX), 0u32);
            let positions: Vec<u32> = block.codes[g]
                .iter()
                .zip(block.codes[h].iter())
                .map(|(&a, &b)| {
                    if last.0 != (a, b) {
                        let next = cross.index.len() as u32;
                        last = ((a, b), *cross.index.entry((a, b)).or_insert(next));
                    }
                    last.1
                })
                .collect();
            let Some(&largest) = positions.iter().max() else {
                continue;
            };
            cross.table.reserve(largest as usize);
            let width = cross.table.width;
            for (a, multiplier) in first.iter().enumerate() {
                let (mut high, mut low) = (Vec::new(), Vec::new());
                let wm = product_of(block, *multiplier, &mut high, &mut low);
                for (b, other) in second.iter().enumerate() {
                    let other = other.map(|e| pair(&block.dense[e]));
                    let at = a * second.len() + b;
                    scatter(&mut cross.table, &positions, at, width, block.rows, wm, other);
                }
            }
        }
    }
}

impl Worker for GramWorker {
    type Sum = Gram;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        self.add(block);
        // products are about the centres of a block's first rows
        self.flush();
        Ok(())
    }

    fn finish(mut self) -> Gram {
        self.flush();
        self.gram
    }
}
