//! The weighted gram of a design and its responses, from blocks of rows.
//!
//! Dense columns: each run of rows is centred about its own mean, multiplied in double precision, and moved
//! back to the origin in twice the precision, so that the sum over blocks loses nothing to the columns' means
//! (Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", in matrix form). With exact
//! products the whole sum runs in twice the precision. Codes: sums of the dense columns by code, and counts of
//! pairs of codes; a factor's block of the gram is diagonal and costs one addition a row.

use std::collections::HashMap;

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, MatMut, MatRef, Par};
use nelder_device::{Dd, zeros};

use super::product::{Product, Single};
use super::table::{CodeSums, PairSums, pair, product_of, scatter};
use crate::design::{Block, BlockSchema};
use crate::pass::Accumulator;
use nelder_device::kernels::{self, Pair};

/// How products are formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Products {
    /// Rounded to double precision within a block of rows.
    Rounded,
    /// Exact, summed in twice the precision.
    Exact,
    /// Rounded to double precision within a block, about the centres of its first rows: for a step of an iteration.
    Stepping,
    /// The same in single precision, what a response has alone in double; on a device that is no quicker in that, as
    /// [`Runs`](Products::Runs).
    Single,
    /// Rounded to 11 bits, on a device: for a step of an iteration.
    Rough,
    /// Rounded to double precision in runs of 8,192 rows, on a device; about the columns' means where `centred`, else
    /// about the origin.
    Runs {
        /// Whether the columns were centred first.
        centred: bool,
    },
}

/// Rows multiplied at a time: 200 columns of them stay in the second-level cache.
const RUN: usize = 1024;

/// The gram of a design: what [`Gram`] has accumulated.
#[derive(Clone, Debug)]
pub struct Gram {
    atoms: BlockSchema,
    products: Products,
    /// Rows.
    pub rows: u64,
    /// Σ w.
    pub weight: Dd,
    /// Σ log w.
    pub log_weight: f64,
    /// Σ w z over the dense columns and responses z.
    pub sums: Vec<Dd>,
    // Σ w z zᵀ, lower triangle by rows, leading and trailing parts
    high: Vec<f64>,
    low: Vec<f64>,
    /// For each group and code: for each multiplier m, Σ w m and Σ w m z; then Σ w m m' for m' ≤ m.
    pub groups: Vec<CodeSums>,
    /// For each group and code, the number of rows.
    pub counts: Vec<Vec<u64>>,
    /// For each two groups, their contingency table.
    pub cross: Vec<PairSums>,
    /// For each dense and extra column and response, whether a value is no number
    /// [as it was written](kernels::is_as_written): then the column stands for decimal numbers that double precision had to round.
    pub rounded: Vec<bool>,
    pack: Vec<f64>,
    product: Vec<f64>,
    stepping: Product<f64>,
    single: Product<f32>,
    /// Σ w of the rows that are in a product but not yet in the sums.
    pending: Dd,
}

/// Position of (i, j), j ≤ i, in a lower triangle stored by rows.
pub fn packed(i: usize, j: usize) -> usize {
    if i >= j {
        i * (i + 1) / 2 + j
    } else {
        j * (j + 1) / 2 + i
    }
}

impl Gram {
    /// An empty gram.
    pub fn new(atoms: &BlockSchema, products: Products) -> Self {
        let z = atoms.dense + atoms.responses;
        let groups: Vec<CodeSums> = atoms
            .groups
            .iter()
            .map(|g| {
                let q = g.multipliers.len();
                CodeSums {
                    width: q * (1 + z) + q * (q + 1) / 2,
                    cells: Vec::new(),
                }
            })
            .collect();
        let mut cross = Vec::new();
        for h in 0..groups.len() {
            for g in 0..h {
                let width = atoms.groups[g].multipliers.len() * atoms.groups[h].multipliers.len();
                let table = CodeSums {
                    width,
                    cells: Vec::new(),
                };
                cross.push(PairSums {
                    groups: (g, h),
                    index: HashMap::new(),
                    table,
                });
            }
        }
        Gram {
            atoms: atoms.clone(),
            products,
            rows: 0,
            weight: Dd::ZERO,
            log_weight: 0.0,
            sums: vec![Dd::ZERO; z],
            high: zeros(z * (z + 1) / 2),
            low: zeros(z * (z + 1) / 2),
            counts: vec![Vec::new(); groups.len()],
            groups,
            cross,
            rounded: vec![false; atoms.dense + atoms.extra + atoms.responses],
            pack: Vec::new(),
            product: Vec::new(),
            stepping: Product::new(),
            single: Product::new(),
            pending: Dd::ZERO,
        }
    }

    /// A gram whose sums are known: `sums` of the dense columns and responses, `seconds` of their products, lower triangle
    /// by rows.
    #[allow(clippy::too_many_arguments)]
    pub(in crate::pass) fn of_sums<'s>(
        atoms: &BlockSchema,
        products: Products,
        rows: u64,
        weight: Dd,
        log_weight: f64,
        sums: Vec<Dd>,
        seconds: impl Iterator<Item = &'s Dd>,
        rounded: Vec<bool>,
    ) -> Self {
        let mut gram = Gram {
            rows,
            weight,
            log_weight,
            sums,
            rounded,
            ..Gram::new(atoms, products)
        };
        for ((high, low), v) in gram.high.iter_mut().zip(&mut gram.low).zip(seconds) {
            let clean = Dd::two_sum(v.hi, v.lo);
            (*high, *low) = (clean.hi, clean.lo);
        }
        gram
    }

    /// What errors of the product of a column with itself are relative to, beside the square of the column about its mean:
    /// products about the origin round relative to the whole column.
    pub fn size(&self, about_mean: f64, i: usize) -> f64 {
        match self.products {
            Products::Runs { centred: false } | Products::Rough => self.second(i, i).hi,
            _ => about_mean,
        }
    }

    /// Σ w z zᵀ for two of the dense columns and responses.
    pub fn second(&self, i: usize, j: usize) -> Dd {
        let k = packed(i, j);
        Dd::two_sum(self.high[k], self.low[k])
    }

    /// Σ w z zᵢ for the first `i + 1` of the dense columns and responses z, in two parts.
    pub fn seconds(&self, i: usize) -> Pair<'_> {
        let at = packed(i, 0);
        Pair {
            high: &self.high[at..at + i + 1],
            low: Some(&self.low[at..at + i + 1]),
        }
    }

    /// Whether all sums are finite.
    pub fn is_finite(&self) -> bool {
        self.high.iter().all(|v| v.is_finite())
            && self
                .groups
                .iter()
                .all(|t| t.cells.iter().all(|v| v.hi.is_finite()))
    }

    fn add_second(&mut self, k: usize, v: Dd) {
        let s = Dd::two_sum(self.high[k], self.low[k]) + v;
        self.high[k] = s.hi;
        self.low[k] = s.lo;
    }

    /// How the products were formed.
    pub fn products(&self) -> Products {
        self.products
    }

    /// What the rows consist of.
    pub fn atoms(&self) -> &BlockSchema {
        &self.atoms
    }

    /// The dense columns and responses of a block, in the order of `sums`.
    fn columns<'a>(&self, block: &'a Block<'_>) -> Vec<Pair<'a>> {
        block.dense[..self.atoms.dense]
            .iter()
            .chain(&block.responses)
            .map(pair)
            .collect()
    }

    fn dense_exact(&mut self, block: &Block<'_>) {
        let columns = self.columns(block);
        let n = block.rows;
        let (mut high, mut low) = (vec![0.0; RUN.min(n)], vec![0.0; RUN.min(n)]);
        let mut from = 0;
        while from < n {
            let to = (from + RUN).min(n);
            for (i, column) in columns.iter().enumerate() {
                let a = column.part(from, to);
                let a = match &block.weights {
                    None => a,
                    Some(w) => {
                        let m = to - from;
                        kernels::scale(&w[from..to], a, &mut high[..m], &mut low[..m]);
                        Pair {
                            high: &high[..m],
                            low: Some(&low[..m]),
                        }
                    }
                };
                self.sums[i] += kernels::sum(a);
                for (j, other) in columns[..=i].iter().enumerate() {
                    let k = packed(i, j);
                    self.add_second(k, kernels::dot(other.part(from, to), a));
                }
            }
            from = to;
        }
    }

    fn dense_rounded(&mut self, block: &Block<'_>) {
        let columns = self.columns(block);
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
                // a run whose weights are all zero has no mean
                let c = if weight > 0.0 {
                    kernels::rough_sum(x, weights) / weight
                } else {
                    0.0
                };
                let packed = &mut self.pack[j * RUN..j * RUN + m];
                kernels::center(x, c, roots, packed);
                centers[j] = c;
                // what the rounded mean leaves over; zero up to rounding
                rests[j] = match roots {
                    None => kernels::rough_sum(packed, None),
                    Some(r) => kernels::rough_sum(packed, Some(r)),
                };
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
            // Σ w z zᵀ = Σ w (z-c)(z-c)ᵀ + c rᵀ + r cᵀ + W c cᵀ, with r = Σ w (z-c)
            let total = match weights {
                None => Dd::from(m as f64),
                Some(w) => kernels::sum(Pair::of(w)),
            };
            for i in 0..p {
                let (ci, ri) = (centers[i], rests[i]);
                let wc = total.mul_f64(ci);
                self.sums[i] += wc.add_f64(ri);
                let at = packed(i, 0);
                kernels::add_corner(
                    &self.product[i * p..i * p + i + 1],
                    &centers[..i + 1],
                    &rests[..i + 1],
                    wc,
                    ci,
                    ri,
                    &mut self.high[at..at + i + 1],
                    &mut self.low[at..at + i + 1],
                );
            }
            from = to;
        }
    }

    fn dense_product(&mut self, block: &Block<'_>) {
        let columns = self.columns(block);
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
        match self.products {
            Products::Single => self.single.add(&columns, &roots, self.atoms.responses),
            _ => self.stepping.add(&columns, &roots, 0),
        }
    }

    /// Takes what has gathered in a product into the sums. Grams of [`Products::Stepping`] and [`Products::Single`]
    /// want it at the end of each block that their rows come from.
    pub fn settle(&mut self) {
        let own = (
            std::mem::replace(&mut self.stepping, Product::new()),
            std::mem::replace(&mut self.single, Product::new()),
        );
        self.settle_one(&own.0);
        self.settle_one(&own.1);
        (self.stepping, self.single) = own;
        self.stepping.clear();
        self.single.clear();
        self.pending = Dd::ZERO;
    }

    fn settle_one<T: Single>(&mut self, product: &Product<T>) {
        let p = product.centers.len();
        let (mut products, mut rests) = (vec![0.0; p], vec![0.0; p]);
        for i in 0..p {
            product.row(i, &mut products, &mut rests);
            let (ci, ri) = (product.centers[i], rests[i]);
            let wc = self.pending.mul_f64(ci);
            self.sums[i] += wc.add_f64(ri);
            let at = packed(i, 0);
            kernels::add_corner(
                &products[..i + 1],
                &product.centers[..i + 1],
                &rests[..i + 1],
                wc,
                ci,
                ri,
                &mut self.high[at..at + i + 1],
                &mut self.low[at..at + i + 1],
            );
        }
    }

    /// Columns, products and responses that were multiplied with these powers of two are not as they were written: a number that is
    /// whole now was of an order that decimals are rounded at.
    pub(crate) fn mark_scaled(&mut self, scales: &[f64]) {
        for (rounded, scale) in self.rounded.iter_mut().zip(scales) {
            *rounded = *rounded || *scale != 1.0;
        }
    }

    fn mark_rounded(&mut self, block: &Block<'_>) {
        for (column, rounded) in block.dense.iter().chain(&block.responses).zip(&mut self.rounded) {
            // stops at the first fraction, and is not asked again
            *rounded = *rounded || column.high.iter().any(|x| !kernels::is_as_written(*x));
        }
    }

    fn group_tables(&mut self, block: &Block<'_>) {
        let columns = self.columns(block);
        let n = block.rows;
        for (g, group) in self.atoms.groups.iter().enumerate() {
            let codes = &block.codes[g];
            let table = &mut self.groups[g];
            let Some(&largest) = codes.iter().max() else {
                continue;
            };
            table.reserve(largest as usize);
            let counts = &mut self.counts[g];
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
        for cross in &mut self.cross {
            let (g, h) = cross.groups;
            let (first, second) = (
                &self.atoms.groups[g].multipliers,
                &self.atoms.groups[h].multipliers,
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

impl Accumulator for Gram {
    fn update(&mut self, block: &Block<'_>) {
        self.rows += block.rows as u64;
        match &block.weights {
            None => self.weight = self.weight.add_f64(block.rows as f64),
            Some(w) => {
                self.weight += kernels::sum(Pair::of(w));
                // the weights of a gram without responses are not those of observations
                if self.atoms.responses > 0 {
                    self.log_weight += w.iter().map(|w| w.ln()).sum::<f64>();
                }
            }
        }
        match self.products {
            Products::Rounded | Products::Runs { .. } | Products::Rough => self.dense_rounded(block),
            Products::Exact => self.dense_exact(block),
            Products::Stepping | Products::Single => self.dense_product(block),
        }
        self.mark_rounded(block);
        self.group_tables(block);
        self.cross_tables(block);
    }

    fn merge(&mut self, other: Self) {
        // the weaker of the two bounds
        if self.products != Products::Rough
            && matches!(
                other.products,
                Products::Rough | Products::Runs { centred: false }
            )
        {
            self.products = other.products;
        }
        self.rows += other.rows;
        self.weight += other.weight;
        self.log_weight += other.log_weight;
        for (a, b) in self.sums.iter_mut().zip(&other.sums) {
            *a += *b;
        }
        for k in 0..self.high.len() {
            self.add_second(k, Dd::two_sum(other.high[k], other.low[k]));
        }
        for (a, b) in self.rounded.iter_mut().zip(&other.rounded) {
            *a |= b;
        }
        for (a, b) in self.groups.iter_mut().zip(&other.groups) {
            a.merge(b);
        }
        for (a, b) in self.counts.iter_mut().zip(&other.counts) {
            if b.len() > a.len() {
                a.resize(b.len(), 0);
            }
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        }
        for (a, b) in self.cross.iter_mut().zip(&other.cross) {
            for (&pair, &from) in &b.index {
                let next = a.index.len() as u32;
                let to = *a.index.entry(pair).or_insert(next) as usize;
                a.table.reserve(to);
                for k in 0..a.table.width {
                    let add = b.table.cells[from as usize * b.table.width + k];
                    let cell = &mut a.table.cells[to * a.table.width + k];
                    *cell = Dd::two_sum(cell.hi, cell.lo) + Dd::two_sum(add.hi, add.lo);
                }
            }
        }
    }
}
