//! The weighted gram of a design and its responses.

use std::collections::HashMap;

use nelder_device::kernels::{self, Pair};
use nelder_device::{Dd, vectorized, zeros};
use serde::{Deserialize, Serialize};

use super::table::{CodeSums, PairSums};
use crate::design::{Block, BlockSchema, CodeMaps};
use crate::pass::state::travels;
use crate::pass::{StateError, Sum};

/// Precision and centring with which products are formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        /// True if the columns were centred first.
        centred: bool,
    },
}

/// The weighted gram Σ w z zᵀ of the dense columns and responses z of a design, with its tables by code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Gram {
    pub(super) atoms: BlockSchema,
    pub(super) products: Products,
    /// Rows.
    pub rows: u64,
    /// Σ w.
    pub weight: Dd,
    /// Σ log w.
    pub log_weight: f64,
    /// Σ w z over the dense columns and responses z.
    pub sums: Vec<Dd>,
    // Σ w z zᵀ, lower triangle by rows, leading and trailing parts
    pub(super) high: Vec<f64>,
    pub(super) low: Vec<f64>,
    /// For each group and code: for each multiplier m, Σ w m and Σ w m z; then Σ w m m' for m' ≤ m.
    pub groups: Vec<CodeSums>,
    /// For each group and code, the number of rows.
    pub counts: Vec<Vec<u64>>,
    /// For each two groups, their contingency table.
    pub cross: Vec<PairSums>,
    /// For each dense and extra column and response, whether a value is no number
    /// [as it was written](nelder_device::kernels::is_as_written): then the column stands for decimal numbers that double precision had to round.
    pub rounded: Vec<bool>,
    /// The same of the weights.
    pub weights_rounded: bool,
}

/// The sum of one column and its products with itself and those before.
pub(super) struct SecondsRow<'g> {
    sum: &'g mut Dd,
    high: &'g mut [f64],
    low: &'g mut [f64],
}

impl SecondsRow<'_> {
    /// Adds to neighbouring rows what a run of the columns has, exactly.
    pub fn add_products(rows: &mut [Self], columns: &[Pair<'_>], weights: Option<&[f64]>) {
        let own: Vec<Pair<'_>> = rows.iter().map(|row| columns[row.high.len() - 1]).collect();
        let mut scaled = Vec::new();
        if let Some(w) = weights {
            for column in &own {
                let (mut high, mut low) = (vec![0.0; w.len()], vec![0.0; w.len()]);
                kernels::scale(w, *column, &mut high, &mut low);
                scaled.push((high, low));
            }
        }
        let own: Vec<Pair<'_>> = match weights {
            None => own,
            Some(_) => scaled
                .iter()
                .map(|(high, low)| Pair { high, low: Some(low) })
                .collect(),
        };
        for (row, column) in rows.iter_mut().zip(&own) {
            *row.sum += kernels::sum(*column);
        }
        let last = rows.last().map_or(0, |row| row.high.len());
        for (j, other) in columns[..last].iter().enumerate() {
            for (row, column) in rows.iter_mut().zip(&own).filter(|(row, _)| row.high.len() > j) {
                let sum = Dd::two_sum(row.high[j], row.low[j]) + kernels::dot(*other, *column);
                (row.high[j], row.low[j]) = (sum.hi, sum.lo);
            }
        }
    }
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
            weights_rounded: false,
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

    /// Returns the square that errors of Σ w zᵢ² are relative to: that of the column about its mean, `about_mean`; where products
    /// are rough or about the origin, and so round relative to the whole column, Σ w zᵢ² itself.
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

    /// Tests if all products and all sums by code are finite.
    pub fn is_finite(&self) -> bool {
        self.high.iter().all(|v| v.is_finite())
            && self
                .groups
                .iter()
                .all(|t| t.cells.iter().all(|v| v.hi.is_finite()))
    }

    /// The sums of a first number of columns and their products with those before each, column by column.
    pub(super) fn rows_of_seconds(&mut self, columns: usize) -> Vec<SecondsRow<'_>> {
        let (mut high, mut low) = (self.high.as_mut_slice(), self.low.as_mut_slice());
        let mut rows = Vec::with_capacity(columns);
        for sum in &mut self.sums[..columns] {
            let width = rows.len() + 1;
            let (own_high, rest_high) = std::mem::take(&mut high).split_at_mut(width);
            let (own_low, rest_low) = std::mem::take(&mut low).split_at_mut(width);
            (high, low) = (rest_high, rest_low);
            rows.push(SecondsRow {
                sum,
                high: own_high,
                low: own_low,
            });
        }
        rows
    }

    /// Adds row i of products about centres c, to column i, moved to the origin: Σ w z zᵀ = Σ w (z − c)(z − c)ᵀ + c rᵀ + r cᵀ + W c cᵀ
    /// with the rests r = Σ w (z − c) and W = Σ w.
    pub(super) fn add_row(
        &mut self,
        i: usize,
        products: &[f64],
        (centers, rests): (&[f64], &[f64]),
        weight: Dd,
    ) {
        let (ci, ri) = (centers[i], rests[i]);
        let wc = weight.mul_f64(ci);
        self.sums[i] += wc.add_f64(ri);
        let (from, to) = (packed(i, 0), packed(i, i) + 1);
        kernels::add_corner(
            &products[..i + 1],
            &centers[..i + 1],
            &rests[..i + 1],
            wc,
            ci,
            ri,
            &mut self.high[from..to],
            &mut self.low[from..to],
        );
    }

    /// The gram of the rows that are not in a part: Σ over all rows less Σ over the part, in twice the precision.
    pub fn without(&self, part: &Gram) -> Gram {
        let less = |a: Dd, b: Dd| Dd::two_sum(a.hi, a.lo) - Dd::two_sum(b.hi, b.lo);
        let mut out = self.clone();
        out.rows -= part.rows;
        out.weight -= part.weight;
        out.log_weight -= part.log_weight;
        for (a, b) in out.sums.iter_mut().zip(&part.sums) {
            *a -= *b;
        }
        let negative = |v: Dd| Dd { hi: -v.hi, lo: -v.lo };
        add_seconds((&mut out.high, &mut out.low), (&part.high, &part.low), negative);
        let cells = out.groups.iter_mut().zip(&part.groups);
        for (a, b) in cells.flat_map(|(a, b)| a.cells.iter_mut().zip(&b.cells)) {
            *a = less(*a, *b);
        }
        let counts = out.counts.iter_mut().zip(&part.counts);
        for (a, b) in counts.flat_map(|(a, b)| a.iter_mut().zip(b)) {
            *a -= b;
        }
        for (a, b) in out.cross.iter_mut().zip(&part.cross) {
            for (pair, &from) in &b.index {
                let Some(&to) = a.index.get(pair) else { continue };
                let width = a.table.width;
                let own = &mut a.table.cells[to as usize * width..][..width];
                let theirs = &b.table.cells[from as usize * width..][..width];
                own.iter_mut().zip(theirs).for_each(|(x, y)| *x = less(*x, *y));
            }
        }
        out
    }

    /// Returns the precision and centring with which the products were formed.
    pub fn products(&self) -> Products {
        self.products
    }

    /// Returns the schema of the rows: dense columns, responses and groups of codes.
    pub fn atoms(&self) -> &BlockSchema {
        &self.atoms
    }

    /// Notes columns and weights with a number that is not as it was written.
    pub(super) fn mark_rounded(&mut self, block: &Block<'_>) {
        for (column, rounded) in block.dense.iter().chain(&block.responses).zip(&mut self.rounded) {
            // stops at the first fraction, and is not asked again
            *rounded = *rounded || !kernels::all_as_written(&column.high);
        }
        if let Some(w) = &block.weights {
            let rounded = &mut self.weights_rounded;
            *rounded = *rounded || !kernels::all_as_written(w);
        }
    }

    /// Columns, products and responses that were multiplied with these powers of two are not as they were written: a number that is
    /// whole now was of an order that decimals are rounded at.
    pub(crate) fn mark_scaled(&mut self, scales: &[f64]) {
        for (rounded, scale) in self.rounded.iter_mut().zip(scales) {
            *rounded = *rounded || *scale != 1.0;
        }
    }
}

/// Adds numbers in two parts to others, each after `of`.
pub(super) fn add_seconds(
    (high, low): (&mut [f64], &mut [f64]),
    other: (&[f64], &[f64]),
    of: impl Fn(Dd) -> Dd,
) {
    vectorized(
        #[inline(always)]
        || {
            let own = high.iter_mut().zip(low.iter_mut());
            for ((high, low), (h, l)) in own.zip(other.0.iter().zip(other.1)) {
                let sum = Dd::two_sum(*high, *low) + of(Dd::two_sum(*h, *l));
                (*high, *low) = (sum.hi, sum.lo);
            }
        },
    );
}

impl Sum for Gram {
    travels!();

    fn recode(&mut self, maps: &CodeMaps) -> Result<(), StateError> {
        for (g, table) in self.groups.iter_mut().enumerate() {
            table.recode(g, maps)?;
        }
        for (g, counts) in self.counts.iter_mut().enumerate() {
            for (code, count) in std::mem::take(counts)
                .into_iter()
                .enumerate()
                .filter(|(_, n)| *n > 0)
            {
                let code = code as u32;
                let to = maps.group(g, code).ok_or(StateError::Code(code))? as usize;
                if counts.len() <= to {
                    counts.resize(to + 1, 0);
                }
                counts[to] += count;
            }
        }
        self.cross.iter_mut().try_for_each(|pairs| pairs.recode(maps))
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
        add_seconds((&mut self.high, &mut self.low), (&other.high, &other.low), |v| v);
        for (a, b) in self.rounded.iter_mut().zip(&other.rounded) {
            *a |= b;
        }
        self.weights_rounded |= other.weights_rounded;
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
