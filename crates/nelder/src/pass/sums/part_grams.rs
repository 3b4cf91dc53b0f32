//! Grams of disjoint parts of the rows over one read: each row goes to the gram of the part that its label names.
//!
//! The folds of a cross-validation, the strata of a bootstrap, the groups of a jackknife. What is left of all rows without one part is
//! their sum less the part's ([`Gram::without`]).
//!
//! A block has few rows of each part, and products of few rows cost more than of many: so the rows of a part are gathered first, dense
//! columns about a centre as they come, z = √w (x − c), and multiplied together.

use std::ops::Range;

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, MatMut, MatRef, Par};
use nelder_device::kernels::{self, Pair};
use nelder_device::{Dd, vectorized, zeros};

use super::gram::{Gram, Products};
use super::gram_worker::{FIRST, GramWorker, NEAR, columns_of};
use crate::design::{Block, BlockSchema, RowError};

/// Rows of a part that are multiplied together, at most.
const TOGETHER: usize = 1024;
/// The same at least, where parts are many.
const FEW: usize = 64;
/// Bytes of all rows that wait to be multiplied.
const WAITING: usize = 5 << 20;
/// Numbers of a line of a cache, which pieces are filled up to.
const LINE: usize = 8;
/// Lanes of a sum.
const LANES: usize = 16;
/// Rows of a part that are gathered as a block before they are multiplied, where a design has codes.
const GATHERED: usize = 320;

/// Forms the grams of parts of the rows.
#[derive(Clone, Debug)]
pub struct PartGrams {
    grams: Vec<Gram>,
    way: Way,
    /// Positions in a block of the rows of each part.
    rows: Vec<Vec<u32>>,
}

/// Form in which rows wait for the others of their part.
#[derive(Clone, Debug)]
enum Way {
    /// Dense columns, about a centre.
    Packs(Box<Packs>),
    /// Blocks with codes, or whose products are exact; the worker has the scratch of all parts, and the gram of none.
    Blocks(Box<GramWorker>, Vec<Block<'static>>),
}

impl PartGrams {
    /// No rows seen, of so many parts.
    pub fn new(schema: &BlockSchema, products: Products, parts: usize) -> Self {
        let dense = schema.groups.is_empty() && schema.extra == 0 && schema.dense + schema.responses > 0;
        let way = match products {
            Products::Rounded | Products::Runs { .. } | Products::Rough if dense => {
                Way::Packs(Box::new(Packs::new(schema.dense + schema.responses, parts)))
            }
            _ => Way::Blocks(
                Box::new(GramWorker::new(schema, products)),
                vec![Block::default(); parts],
            ),
        };
        PartGrams {
            grams: vec![Gram::new(schema, products); parts],
            way,
            rows: vec![Vec::new(); parts],
        }
    }

    /// Takes in the rows of a block, each with the number of its part, from 0.
    ///
    /// # Errors
    /// A part that is not there, with its row.
    pub fn update(&mut self, block: &Block<'_>, parts: &[u32]) -> Result<(), RowError> {
        self.rows.iter_mut().for_each(Vec::clear);
        let count = self.rows.len();
        for (i, &part) in parts.iter().enumerate() {
            let Some(rows) = self.rows.get_mut(part as usize) else {
                let (row, part) = (block.source_row(i), u64::from(part));
                let message = format!("row {} is in part {} of {count}", row + 1, part + 1);
                return Err(RowError { row, message });
            };
            rows.push(i as u32);
        }
        match &mut self.way {
            Way::Packs(packs) => packs.add(block, &self.rows, &mut self.grams),
            Way::Blocks(worker, gathered) => {
                Block::deal(block, gathered, &self.rows, GATHERED);
                for (gathered, gram) in gathered.iter_mut().zip(&mut self.grams) {
                    if gathered.rows >= GATHERED {
                        multiply(worker, gathered, gram);
                    }
                }
            }
        }
        Ok(())
    }

    /// The gram of each part.
    pub fn finish(mut self) -> Vec<Gram> {
        match &mut self.way {
            Way::Packs(packs) => packs.finish(&mut self.grams),
            Way::Blocks(worker, gathered) => {
                for (gathered, gram) in gathered.iter_mut().zip(&mut self.grams) {
                    if gathered.rows > 0 {
                        multiply(worker, gathered, gram);
                    }
                }
            }
        }
        self.grams
    }
}

/// Adds the gathered rows of a part to its gram.
fn multiply(worker: &mut GramWorker, gathered: &mut Block<'static>, gram: &mut Gram) {
    worker.swap(gram);
    worker.add(gathered);
    worker.flush();
    worker.swap(gram);
    gathered.clear();
}

/// Rows of each part that are in no product yet.
#[derive(Clone, Debug)]
struct Packs {
    /// Dense columns and responses.
    columns: usize,
    /// Rows of a pack.
    room: usize,
    /// Where z begins, at a line of a cache.
    first: usize,
    packs: Vec<Pack>,
    /// z = √w (x − c) of each pack, by pieces and in them by columns.
    z: Vec<f64>,
    /// Rows of a block in the order of their parts, and a column in that order.
    order: Vec<u32>,
    run: Vec<f64>,
    product: Vec<f64>,
}

/// Rows of a part that wait, where they are and about what.
#[derive(Clone, Debug, Default)]
struct Pack {
    centers: Vec<f64>,
    /// Σ w (x − c) and Σ w (x − c)².
    rests: Vec<f64>,
    squares: Vec<f64>,
    /// √w, where rows have weights.
    roots: Vec<f64>,
    /// Rows of each piece, which came together.
    pieces: Vec<usize>,
    rows: usize,
    /// Rows with those of zeros that fill up the pieces.
    height: usize,
    /// Σ w and Σ log w.
    weight: Dd,
    log_weight: f64,
    /// Rows of the block that come next.
    next: Range<usize>,
}

impl Packs {
    fn new(columns: usize, parts: usize) -> Self {
        let room = (WAITING / (8 * columns.max(1) * parts.max(1))).clamp(FEW, TOGETHER) / LINE * LINE;
        let z = zeros(room * columns * parts + LINE);
        Packs {
            columns,
            first: z.as_ptr().align_offset(8 * LINE).min(LINE),
            room,
            packs: vec![Pack::default(); parts],
            z,
            order: Vec::new(),
            run: Vec::new(),
            product: zeros(columns * columns),
        }
    }

    /// Takes in rows of a block, by part.
    fn add(&mut self, block: &Block<'_>, rows: &[Vec<u32>], grams: &mut [Gram]) {
        let Some(first) = grams.first_mut() else { return };
        first.mark_rounded(block);
        let columns = columns_of(&first.atoms, block);
        let roots = block.roots();
        let mut at = vec![0; rows.len()];
        while at.iter().zip(rows).any(|(at, rows)| *at < rows.len()) {
            self.order.clear();
            for (k, rows) in rows.iter().enumerate() {
                let pack = &mut self.packs[k];
                pack.next = at[k]..rows.len().min(at[k] + self.room - pack.height);
                at[k] = pack.next.end;
                let next = &rows[pack.next.clone()];
                self.order.extend(next);
                pack.weigh(block, next);
            }
            self.gather(&columns, roots.as_deref());
            let size = (self.room * self.columns).max(1);
            let all = self
                .packs
                .iter_mut()
                .zip(self.z[self.first..].chunks_exact_mut(size))
                .zip(&mut *grams);
            for ((pack, z), gram) in all {
                let (m, height) = (pack.next.len(), pack.next.len().next_multiple_of(LINE));
                if m > 0 {
                    pack.rows += m;
                    pack.height += height;
                    pack.pieces.push(m);
                }
                // as many rows again would have no room
                if pack.rows > 0 && pack.height + height.max(LINE) > self.room {
                    pack.multiply(gram, z, &mut self.product);
                }
            }
        }
    }

    /// Takes in the rows of `order`: a piece of z for each part. By column, so that it is read once.
    fn gather(&mut self, columns: &[Pair<'_>], roots: Option<&[f64]>) {
        let (p, room) = (self.columns, self.room);
        let (packs, order, run) = (&mut self.packs, &self.order, &mut self.run);
        let z = &mut self.z[self.first..];
        run.resize(order.len(), 0.0);
        if let Some(roots) = roots {
            let mut order = order.iter();
            for pack in packs.iter_mut() {
                let own = order.by_ref().take(pack.next.len());
                pack.roots.extend(own.map(|&i| roots[i as usize]));
            }
        }
        vectorized(
            #[inline(always)]
            || {
                for (j, x) in columns.iter().enumerate() {
                    (run.iter_mut().zip(order)).for_each(|(v, &i)| *v = x.high[i as usize]);
                    let mut from = 0;
                    for (k, pack) in packs.iter_mut().enumerate() {
                        let m = pack.next.len();
                        let height = m.next_multiple_of(LINE);
                        let at = (k * room + pack.height) * p + j * height;
                        let (own, rest) = z[at..at + height].split_at_mut(m);
                        pack.take(j, &run[from..from + m], own);
                        rest.fill(0.0);
                        from += m;
                    }
                }
            },
        );
    }

    /// Multiplies all rows that wait. What is as it was written in all rows is so in those of a part.
    fn finish(&mut self, grams: &mut [Gram]) {
        let size = (self.room * self.columns).max(1);
        for ((pack, gram), z) in self
            .packs
            .iter_mut()
            .zip(&mut *grams)
            .zip(self.z[self.first..].chunks_exact_mut(size))
        {
            if pack.rows > 0 {
                pack.multiply(gram, z, &mut self.product);
            }
        }
        if let Some((first, others)) = grams.split_first_mut() {
            for gram in others {
                gram.rounded.clone_from(&first.rounded);
                gram.weights_rounded = first.weights_rounded;
            }
        }
    }
}

impl Pack {
    /// Takes in the weights of rows of a block.
    fn weigh(&mut self, block: &Block<'_>, rows: &[u32]) {
        match &block.weights {
            None => self.weight = self.weight.add_f64(rows.len() as f64),
            Some(w) => {
                let own: Vec<f64> = rows.iter().map(|&i| w[i as usize]).collect();
                self.weight += kernels::sum(Pair::of(&own));
                self.log_weight += own.iter().map(|w| w.ln()).sum::<f64>();
            }
        }
    }

    /// z = √w (x − c) of rows of column j, c the mean of the pack's first rows.
    #[inline(always)]
    fn take(&mut self, j: usize, x: &[f64], z: &mut [f64]) {
        if self.rows == 0 {
            if self.centers.len() <= j {
                self.centers.resize(j + 1, 0.0);
                self.rests.resize(j + 1, 0.0);
                self.squares.resize(j + 1, 0.0);
            }
            let first = &x[..x.len().min(FIRST)];
            self.centers[j] = first.iter().sum::<f64>() / first.len().max(1) as f64;
            (self.rests[j], self.squares[j]) = (0.0, 0.0);
        }
        let center = self.centers[j];
        let (mut rests, mut squares) = ([0.0; LANES], [0.0; LANES]);
        let lanes = x.len() - x.len() % LANES;
        let (z, rest_z) = z.split_at_mut(lanes);
        let (x, rest_x) = x.split_at(lanes);
        match self.roots.get(self.rows..) {
            Some(roots) if !roots.is_empty() => {
                let runs = z
                    .chunks_exact_mut(LANES)
                    .zip(x.chunks_exact(LANES))
                    .zip(roots.chunks_exact(LANES));
                for ((z, x), r) in runs {
                    for i in 0..LANES {
                        z[i] = r[i] * (x[i] - center);
                        rests[i] = r[i].mul_add(z[i], rests[i]);
                        squares[i] = z[i].mul_add(z[i], squares[i]);
                    }
                }
                for ((z, x), r) in rest_z.iter_mut().zip(rest_x).zip(&roots[lanes..]) {
                    *z = r * (x - center);
                    rests[0] += r * *z;
                    squares[0] += *z * *z;
                }
            }
            _ => {
                for (z, x) in z.chunks_exact_mut(LANES).zip(x.chunks_exact(LANES)) {
                    for i in 0..LANES {
                        z[i] = x[i] - center;
                        rests[i] += z[i];
                        squares[i] = z[i].mul_add(z[i], squares[i]);
                    }
                }
                for (z, x) in rest_z.iter_mut().zip(rest_x) {
                    *z = x - center;
                    rests[0] += *z;
                    squares[0] += *z * *z;
                }
            }
        }
        self.rests[j] += rests.iter().sum::<f64>();
        self.squares[j] += squares.iter().sum::<f64>();
    }

    /// Adds the products of the pack to a gram, and empties it.
    fn multiply(&mut self, gram: &mut Gram, z: &mut [f64], product: &mut [f64]) {
        let p = self.centers.len();
        self.recenter(z);
        self.form(z, product);
        gram.rows += self.rows as u64;
        gram.weight += self.weight;
        // the weights of a gram without responses are not those of observations
        if gram.atoms.responses > 0 {
            gram.log_weight += self.log_weight;
        }
        for i in 0..p {
            let own = &product[i * p..=i * p + i];
            gram.add_row(i, own, (&self.centers, &self.rests), self.weight);
        }
        self.roots.clear();
        (self.rows, self.height) = (0, 0);
        (self.weight, self.log_weight) = (Dd::ZERO, 0.0);
        self.pieces.clear();
    }

    /// Σ z zᵀ of the pack.
    fn form(&self, z: &[f64], product: &mut [f64]) {
        let width = self.centers.len();
        let mut from = 0;
        for &m in &self.pieces {
            let m = m.next_multiple_of(LINE);
            let z = MatRef::from_column_major_slice(&z[from..from + m * width], m, width);
            matmul(
                MatMut::from_column_major_slice_mut(product, width, width),
                BlockStructure::TriangularUpper,
                if from == 0 { Accum::Replace } else { Accum::Add },
                z.transpose(),
                BlockStructure::Rectangular,
                z,
                BlockStructure::Rectangular,
                1.0,
                Par::Seq,
            );
            from += m * width;
        }
    }

    /// Moves columns whose first rows are far from the others to their mean, if there are some: so Σ z² is at most 17/16 of the sum of
    /// squares about it, and products round relative to that.
    fn recenter(&mut self, z: &mut [f64]) {
        let p = self.centers.len();
        let weight = self.weight.hi;
        for j in 0..p {
            let rest = self.rests[j];
            let mean = if weight > 0.0 { rest / weight } else { 0.0 };
            if NEAR * mean * rest <= self.squares[j] {
                continue;
            }
            self.centers[j] += mean;
            self.rests[j] = 0.0;
            let (mut from, mut at) = (0, 0);
            for &m in &self.pieces {
                let height = m.next_multiple_of(LINE);
                let own = &mut z[at * p + j * height..][..m];
                at += height;
                for (i, z) in (from..).zip(own) {
                    let root = self.roots.get(i).copied().unwrap_or(1.0);
                    *z -= root * mean;
                    self.rests[j] += root * *z;
                }
                from += m;
            }
        }
    }
}
