//! Sums of products over rows under many sets of weights at once, a lane for each set: one read of the rows for all of them.
//!
//! With c fixed centres of the atoms a of a row (the one, dense columns, responses), a table has for each lane l and code the sums
//! Σ wₗ (a − cₐ)(b − c_b) over pairs of atoms. The columns (a − cₐ)(b − c_b) are formed once for all lanes; without codes the sums are then
//! one product of matrices, lanes x rows with rows x pairs, and with codes an addition of vectors of lanes a row. Runs of rows are summed
//! in double precision, and runs in twice the precision. The centre moves to the origin exactly:
//! Σ w a b = Σ w (a − cₐ)(b − c_b) + cₐ Σ w (b − c_b) + c_b Σ w (a − cₐ) + cₐ c_b Σ w.

use std::collections::{BTreeSet, HashMap};

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use nelder_device::{Dd, vectorized};

use super::gram::{Gram, Products, add_seconds, packed};
use super::{CodeSums, ScoreSums};
use crate::design::{Block, BlockSchema, RowError};
use crate::pass::Sum;

/// Pairs whose columns are formed at a time: 512 KB for 1,024 rows.
const TILE: usize = 64;
/// Rows whose sums stay in double precision before they are taken into those in twice the precision.
const PENDING: usize = 8192;

/// Position of an atom of a row: 0 for the one, then dense and extra columns, then responses.
type Atom = u32;

/// Rows that a sum is over.
#[derive(Clone, Copy, Debug, PartialEq)]
enum RowsOf {
    /// All of them.
    All,
    /// By code of a group.
    Group(usize),
    /// By pair of codes of two groups.
    Groups(usize, usize),
}

/// Pairs of atoms whose products are summed, and by which codes.
#[derive(Clone, Debug)]
struct TablePlan {
    rows: RowsOf,
    pairs: Vec<(Atom, Atom)>,
    at: HashMap<(Atom, Atom), usize>,
    codes: usize,
}

/// The tables of sums for a design, and the centres of its atoms.
#[derive(Clone, Debug)]
pub struct LanePlan {
    atoms: BlockSchema,
    /// Centre of each atom; 0 of the one.
    centres: Vec<f64>,
    tables: Vec<TablePlan>,
}

impl TablePlan {
    /// Closed under putting the one in the place of an atom, which moving the centre needs.
    fn new(rows: RowsOf, wanted: impl Iterator<Item = (Atom, Atom)>, codes: usize) -> Self {
        let mut all = BTreeSet::from([(0, 0)]);
        for (a, b) in wanted {
            all.extend([(a.min(b), a.max(b)), (0, a), (0, b)]);
        }
        let pairs: Vec<(Atom, Atom)> = all.into_iter().collect();
        let at = pairs.iter().enumerate().map(|(i, pair)| (*pair, i)).collect();
        TablePlan {
            rows,
            pairs,
            at,
            codes,
        }
    }
}

impl LanePlan {
    /// Sums of second order: those of a [`Gram`]. `codes` is the number of codes of each group, `centres` of each dense and extra column
    /// and response a number near its mean.
    pub fn second_order(atoms: &BlockSchema, codes: &[usize], centres: &[f64]) -> LanePlan {
        let z = Self::columns(atoms);
        let all = |i: usize| {
            let a = z[i];
            z[i..].iter().map(move |&b| (a, b))
        };
        let mut tables = vec![TablePlan::new(RowsOf::All, (0..z.len()).flat_map(all), 1)];
        for (g, group) in atoms.groups.iter().enumerate() {
            let own = multipliers(group);
            let with = own
                .iter()
                .flat_map(|&m| z.iter().chain(&own).map(move |&b| (m, b)));
            tables.push(TablePlan::new(RowsOf::Group(g), with, codes[g]));
        }
        for h in 0..atoms.groups.len() {
            for g in 0..h {
                let (own, others) = (multipliers(&atoms.groups[g]), multipliers(&atoms.groups[h]));
                let with = own.iter().flat_map(|&a| others.iter().map(move |&b| (a, b)));
                tables.push(TablePlan::new(RowsOf::Groups(g, h), with, 0));
            }
        }
        Self::of(atoms, centres, tables)
    }

    /// Sums of first order, of the design without its responses: those of a [`ScoreSums`].
    pub fn first_order(atoms: &BlockSchema, codes: &[usize], centres: &[f64]) -> LanePlan {
        let dense = (1..=atoms.dense as Atom).map(|z| (0, z));
        let mut tables = vec![TablePlan::new(RowsOf::All, dense, 1)];
        for (g, group) in atoms.groups.iter().enumerate() {
            let with = multipliers(group).into_iter().map(|m| (0, m));
            tables.push(TablePlan::new(RowsOf::Group(g), with, codes[g]));
        }
        Self::of(atoms, centres, tables)
    }

    fn of(atoms: &BlockSchema, centres: &[f64], tables: Vec<TablePlan>) -> LanePlan {
        let own = centres.iter().map(|c| if c.is_finite() { *c } else { 0.0 });
        LanePlan {
            atoms: atoms.clone(),
            centres: std::iter::once(0.0).chain(own).collect(),
            tables,
        }
    }

    /// The one, the dense columns that are columns of the model matrix, and the responses.
    fn columns(atoms: &BlockSchema) -> Vec<Atom> {
        let (d, first) = (atoms.dense as Atom, (atoms.dense + atoms.extra + 1) as Atom);
        (0..=d).chain(first..first + atoms.responses as Atom).collect()
    }

    /// Numbers of the sums of one lane, pairs of codes left out, which are known once rows were seen.
    pub fn numbers(&self) -> usize {
        self.tables.iter().map(|t| t.pairs.len() * t.codes).sum()
    }

    /// Bytes that the sums of one lane take in a worker: one part in double precision, two in twice the precision.
    pub fn bytes(&self) -> usize {
        24 * self.numbers()
    }
}

/// The multipliers of a group as atoms.
fn multipliers(group: &crate::design::Group) -> Vec<Atom> {
    let of = |m: &Option<usize>| m.map_or(0, |e| e as Atom + 1);
    group.multipliers.iter().map(of).collect()
}

/// Sums of a table: cell by pair by lane, lanes fastest.
#[derive(Clone, Debug, Default)]
struct LaneTable {
    /// Of the rows since the last flush.
    pending: Vec<f64>,
    rows: usize,
    high: Vec<f64>,
    low: Vec<f64>,
    /// Cells of pairs of codes.
    index: HashMap<(u32, u32), u32>,
}

/// Sums of products over rows, a lane for each set of weights.
#[derive(Clone, Debug)]
pub struct LaneSums<'p> {
    plan: &'p LanePlan,
    lanes: usize,
    tables: Vec<LaneTable>,
    /// Rows that were taken in.
    pub rows: u64,
    centred: Vec<f64>,
    columns: Vec<f64>,
    positions: Vec<u32>,
}

impl<'p> LaneSums<'p> {
    /// No rows seen; `lanes` is a multiple of eight.
    pub fn new(plan: &'p LanePlan, lanes: usize) -> Self {
        LaneSums {
            plan,
            lanes,
            tables: vec![LaneTable::default(); plan.tables.len()],
            rows: 0,
            centred: Vec::new(),
            columns: Vec::new(),
            positions: Vec::new(),
        }
    }

    /// Takes in the rows `from..to` of a block under weights `lanes` x rows, lanes fastest, each row times its `factor`.
    ///
    /// # Errors
    /// The first row with a level that no row had in the fit.
    pub fn add(
        &mut self,
        block: &Block<'_>,
        (from, to): (usize, usize),
        weights: &[f64],
        factor: Option<&[f64]>,
    ) -> Result<(), RowError> {
        let n = to - from;
        self.rows += n as u64;
        self.centre(block, from, to);
        for t in 0..self.tables.len() {
            let plan = &self.plan.tables[t];
            let cells = match plan.rows {
                RowsOf::All => 1,
                RowsOf::Group(g) => {
                    known_codes(block, g, (from, to), plan.codes)?;
                    plan.codes
                }
                RowsOf::Groups(g, h) => self.pair_positions(t, block, (g, h), (from, to)),
            };
            let (lanes, table) = (self.lanes, &mut self.tables[t]);
            let size = cells * plan.pairs.len() * lanes;
            if table.pending.len() < size {
                [&mut table.pending, &mut table.high, &mut table.low]
                    .into_iter()
                    .for_each(|part| part.resize(size, 0.0));
            }
            for (tile, pairs) in plan.pairs.chunks(TILE).enumerate() {
                let (first, width) = (tile * TILE, plan.pairs.len());
                form(&mut self.columns, &self.centred, n, pairs, factor);
                let columns = &self.columns[..n * pairs.len()];
                match plan.rows {
                    RowsOf::All => multiply(&mut table.pending[first * lanes..], lanes, weights, columns, n),
                    RowsOf::Group(g) => {
                        let codes = &block.codes[g][from..to];
                        scatter(&mut table.pending, (lanes, width, first), codes, weights, columns);
                    }
                    RowsOf::Groups(..) => {
                        let codes = &self.positions[..n];
                        scatter(&mut table.pending, (lanes, width, first), codes, weights, columns);
                    }
                }
            }
            table.rows += n;
            if table.rows >= PENDING.max(8 * cells) {
                table.flush();
            }
        }
        Ok(())
    }

    /// Forms the atoms of some rows less their centres.
    fn centre(&mut self, block: &Block<'_>, from: usize, to: usize) {
        let (n, plan) = (to - from, self.plan);
        let own = block.dense.iter().chain(&block.responses);
        self.centred.resize(n * plan.centres.len(), 0.0);
        let (one, others) = self.centred.split_at_mut(n);
        one.fill(1.0);
        for ((out, x), c) in others.chunks_exact_mut(n).zip(own).zip(&plan.centres[1..]) {
            out.iter_mut()
                .zip(&x.high[from..to])
                .for_each(|(out, x)| *out = x - c);
        }
    }

    /// Finds the cells of the pairs of codes of some rows; the number of cells there are.
    fn pair_positions(
        &mut self,
        table: usize,
        block: &Block<'_>,
        (g, h): (usize, usize),
        (from, to): (usize, usize),
    ) -> usize {
        let index = &mut self.tables[table].index;
        self.positions.clear();
        let pairs = block.codes[g][from..to].iter().zip(&block.codes[h][from..to]);
        self.positions.extend(pairs.map(|(&a, &b)| {
            let next = index.len() as u32;
            *index.entry((a, b)).or_insert(next)
        }));
        index.len()
    }

    /// Takes what is pending into the sums: before they are merged and read.
    pub fn flushed(mut self) -> Self {
        self.tables.iter_mut().for_each(LaneTable::flush);
        self
    }

    /// Σ w a b of a cell of a table under the weights of a lane, about the origin.
    fn product(&self, table: usize, cell: usize, (a, b): (Atom, Atom), lane: usize) -> Dd {
        let (plan, sums) = (&self.plan.tables[table], &self.tables[table]);
        let of = |pair: (Atom, Atom)| {
            let at = (cell * plan.pairs.len() + plan.at[&pair]) * self.lanes + lane;
            match sums.high.get(at) {
                Some(&high) => Dd::two_sum(high, sums.low[at]),
                None => Dd::ZERO,
            }
        };
        let (a, b) = (a.min(b), a.max(b));
        let centre = |atom: Atom| self.plan.centres[atom as usize];
        let (ca, cb) = (centre(a), centre(b));
        let mut sum = of((a, b));
        if b > 0 {
            sum += of((0, a)).mul_f64(cb);
        }
        if a > 0 {
            sum += of((0, b)).mul_f64(ca) + of((0, 0)).mul_f64(ca).mul_f64(cb);
            return sum;
        }
        sum
    }

    /// The gram of the rows under the weights of a lane, of sums of second order; `products` says how its errors are to be judged.
    pub fn gram(&self, lane: usize, products: Products) -> Gram {
        let atoms = &self.plan.atoms;
        let z = LanePlan::columns(atoms);
        let sums = z[1..].iter().map(|&a| self.product(0, 0, (0, a), lane)).collect();
        let all = |i: usize| (1..=i).map(move |j| (i, j));
        let seconds: Vec<Dd> = ((1..z.len()).flat_map(all))
            .map(|(i, j)| self.product(0, 0, (z[i], z[j]), lane))
            .collect();
        let weight = self.product(0, 0, (0, 0), lane);
        let rounded = vec![false; atoms.dense + atoms.extra + atoms.responses];
        let mut gram = Gram::of_sums(
            atoms,
            products,
            self.rows,
            weight,
            0.0,
            sums,
            seconds.iter(),
            rounded,
        );
        let (mut of_group, mut of_pair) = (0, 0);
        for (t, plan) in self.plan.tables.iter().enumerate() {
            match plan.rows {
                RowsOf::All => {}
                RowsOf::Group(g) => {
                    gram.groups[of_group].cells = self.cells_of_group(t, g, &z, lane);
                    of_group += 1;
                }
                RowsOf::Groups(g, h) => {
                    let cross = &mut gram.cross[of_pair];
                    cross.index = self.tables[t].index.clone();
                    cross.table.cells = self.cells_of_pair(t, (g, h), lane);
                    of_pair += 1;
                }
            }
        }
        gram
    }

    /// The cells of a group in the order of [`Gram::groups`].
    fn cells_of_group(&self, table: usize, group: usize, z: &[Atom], lane: usize) -> Vec<Dd> {
        let own = multipliers(&self.plan.atoms.groups[group]);
        let q = own.len();
        let width = q * z.len() + q * (q + 1) / 2;
        let mut cells = vec![Dd::ZERO; width * self.plan.tables[table].codes];
        for (code, cells) in cells.chunks_exact_mut(width).enumerate() {
            for (a, &m) in own.iter().enumerate() {
                for (j, &other) in z.iter().enumerate() {
                    cells[a * z.len() + j] = self.product(table, code, (m, other), lane);
                }
                for (b, &other) in own[..=a].iter().enumerate() {
                    cells[q * z.len() + packed(a, b)] = self.product(table, code, (m, other), lane);
                }
            }
        }
        cells
    }

    /// The cells of two groups in the order of [`Gram::cross`].
    fn cells_of_pair(&self, table: usize, (g, h): (usize, usize), lane: usize) -> Vec<Dd> {
        let groups = &self.plan.atoms.groups;
        let (own, others) = (multipliers(&groups[g]), multipliers(&groups[h]));
        let cells = 0..self.tables[table].index.len();
        let of = |cell: usize| {
            let all = own.iter().flat_map(|&a| others.iter().map(move |&b| (a, b)));
            all.map(move |pair| self.product(table, cell, pair, lane))
                .collect::<Vec<_>>()
        };
        cells.flat_map(of).collect()
    }

    /// Σ s x over the rows, s the numbers of a lane, of sums of first order.
    pub fn score(&self, lane: usize) -> ScoreSums {
        let atoms = &self.plan.atoms;
        let dense = (1..=atoms.dense as Atom).map(|a| self.product(0, 0, (0, a), lane));
        let groups = atoms.groups.iter().enumerate().map(|(g, group)| {
            let own = multipliers(group);
            let codes = 0..self.plan.tables[1 + g].codes;
            let cells = codes.flat_map(|code| own.iter().map(move |&m| (code, m)));
            CodeSums {
                width: own.len(),
                cells: cells
                    .map(|(code, m)| self.product(1 + g, code, (0, m), lane))
                    .collect(),
            }
        });
        ScoreSums {
            ones: self.product(0, 0, (0, 0), lane),
            dense: dense.collect(),
            groups: groups.collect(),
        }
    }
}

impl Sum for LaneSums<'_> {
    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        let width = |t: usize| self.plan.tables[t].pairs.len() * self.lanes;
        let widths: Vec<usize> = (0..self.tables.len()).map(width).collect();
        for ((own, theirs), width) in self.tables.iter_mut().zip(other.tables).zip(widths) {
            let is_pairs = !own.index.is_empty() || !theirs.index.is_empty();
            let mut cells: Vec<(usize, usize)> = match is_pairs {
                false => vec![(0, 0)],
                true => Vec::with_capacity(theirs.index.len()),
            };
            for (&pair, &from) in &theirs.index {
                let next = own.index.len() as u32;
                cells.push((*own.index.entry(pair).or_insert(next) as usize, from as usize));
            }
            let size = match is_pairs {
                true => own.index.len() * width,
                false => theirs.high.len(),
            };
            if own.high.len() < size {
                [&mut own.pending, &mut own.high, &mut own.low]
                    .into_iter()
                    .for_each(|part| part.resize(size, 0.0));
            }
            for (to, from) in cells {
                let (to, from, count) = match is_pairs {
                    true => (to * width, from * width, width),
                    false => (0, 0, theirs.high.len()),
                };
                let (to, from) = (to..to + count, from..from + count);
                let sums = (&mut own.high[to.clone()], &mut own.low[to]);
                add_seconds(sums, (&theirs.high[from.clone()], &theirs.low[from]), |v| v);
            }
        }
    }
}

impl LaneTable {
    fn flush(&mut self) {
        let LaneTable {
            pending, high, low, ..
        } = self;
        vectorized(
            #[inline(always)]
            || {
                for ((p, h), l) in pending.iter_mut().zip(high.iter_mut()).zip(low.iter_mut()) {
                    let sum = *h + *p;
                    let part = sum - *h;
                    *l += (*h - (sum - part)) + (*p - part);
                    *h = sum;
                    *p = 0.0;
                }
            },
        );
        self.rows = 0;
    }
}

/// Tests that the codes of some rows are among those of the fit.
pub(super) fn known_codes(
    block: &Block<'_>,
    group: usize,
    (from, to): (usize, usize),
    codes: usize,
) -> Result<(), RowError> {
    let own = &block.codes[group][from..to];
    let Some(i) = own.iter().position(|&code| code as usize >= codes) else {
        return Ok(());
    };
    let row = block.source_row(from + i);
    let message = format!(
        "row {} has a level, or a combination of levels, that no row had in the fit: the rows have changed since",
        row + 1
    );
    Err(RowError { row, message })
}

/// The columns (a − cₐ)(b − c_b) of some pairs, each row times its factor.
fn form(out: &mut Vec<f64>, centred: &[f64], n: usize, pairs: &[(Atom, Atom)], factor: Option<&[f64]>) {
    out.resize((n * pairs.len()).max(out.len()), 0.0);
    let of = |atom: Atom| &centred[atom as usize * n..][..n];
    vectorized(
        #[inline(always)]
        || {
            for (out, &(a, b)) in out.chunks_exact_mut(n).zip(pairs) {
                let (x, y) = (of(a), of(b));
                match a {
                    0 => out.copy_from_slice(y),
                    _ => (out.iter_mut().zip(x).zip(y)).for_each(|((out, x), y)| *out = x * y),
                }
                if let Some(factor) = factor {
                    out.iter_mut().zip(factor).for_each(|(out, w)| *out *= w);
                }
            }
        },
    );
}

/// Adds lanes x rows times rows x columns.
fn multiply(sums: &mut [f64], lanes: usize, weights: &[f64], columns: &[f64], n: usize) {
    let k = columns.len() / n;
    matmul(
        MatMut::from_column_major_slice_mut(&mut sums[..lanes * k], lanes, k),
        Accum::Add,
        MatRef::from_column_major_slice(&weights[..lanes * n], lanes, n),
        MatRef::from_column_major_slice(columns, n, k),
        1.0,
        Par::Seq,
    );
}

/// Adds each row's numbers, times its weights, to the cells of its code.
fn scatter(
    sums: &mut [f64],
    (lanes, width, first): (usize, usize, usize),
    codes: &[u32],
    weights: &[f64],
    columns: &[f64],
) {
    let n = codes.len();
    let k = columns.len() / n;
    vectorized(
        #[inline(always)]
        || {
            for (i, (&code, own)) in codes.iter().zip(weights.chunks_exact(lanes)).enumerate() {
                let from = (code as usize * width + first) * lanes;
                let cells = &mut sums[from..from + k * lanes];
                for (j, cell) in cells.chunks_exact_mut(lanes).enumerate() {
                    let v = columns[j * n + i];
                    for (sums, own) in cell.chunks_exact_mut(8).zip(own.chunks_exact(8)) {
                        for l in 0..8 {
                            sums[l] += v * own[l];
                        }
                    }
                }
            }
        },
    );
}
