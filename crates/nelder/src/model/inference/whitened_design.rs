//! Coordinates of the rows in which the gram is the identity.
//!
//! A row x of the model matrix has coordinates e = L⁻¹ z over the columns that are kept, z its centred columns less
//! their means in its level of an eliminated factor, and 1/√N for its level. Its leverage is w |e|², and a
//! coefficient is the inner product of its own coordinates with Σ w y e. The sums Σ u e eᵀ that a robust covariance
//! is made of are then of the order of u, however ill-conditioned the columns are, and nothing cancels (White 1980;
//! MacKinnon & White 1985).

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use nelder_device::{Dd, vectorized};

use crate::design::{Block, BlockSchema, ColumnEncoding, ColumnKind};
use crate::model::NormalEquations;
use crate::solve::Factor;

/// Rows multiplied at a time.
pub(super) const RUN: usize = 256;
/// By how much rounding may be larger in coordinates than in columns; beyond, coordinates are formed in twice the precision.
const AMPLIFIED: f64 = 100.0;
/// Limit of 1 − h, in double precision, below which it is formed in twice the precision.
const NEARLY_ONE: f64 = 1e-2;
/// Limit of 1 − h in double precision below which it counts as rounding error of zero.
const SATURATED: f64 = 1e-10;
/// Limit of 1 − h in twice the precision below which it counts as rounding error of zero, in units of the factor's relative error.
const SATURATED_TWICE: f64 = 1e6;

/// Orthonormal coordinates of the rows of a design.
#[derive(Clone, Debug)]
pub struct WhitenedDesign {
    map: ColumnEncoding,
    atoms: BlockSchema,
    /// Position of each column of the map among the kept ones.
    position: Vec<Option<usize>>,
    /// Means of the dense columns.
    means: Vec<Dd>,
    /// Kept columns x coordinates.
    root: Mat<f64>,
    /// Low parts of `root`, where the factor is in twice the precision.
    rest: Option<Mat<f64>>,
    /// True if all coordinates are formed in twice the precision.
    amplified: bool,
    /// Relative error of the factor.
    doubt: f64,
    /// Level of each code of the eliminated factor.
    levels: Vec<u32>,
    /// Means of the kept columns by level, kept columns fastest.
    level_means: Vec<f64>,
    /// Low parts of `level_means`.
    level_rests: Vec<f64>,
    /// N of each level.
    level_weights: Vec<Dd>,
    /// 1/√N of each level.
    level_roots: Vec<f64>,
}

/// A [`WhitenedDesign`] apart from its columns: numbers to keep.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct WhitenedDesignState {
    kept: Vec<usize>,
    means: Vec<Dd>,
    coordinates: usize,
    root: Vec<f64>,
    #[serde(default)]
    rest: Vec<f64>,
    #[serde(default)]
    amplified: bool,
    #[serde(default)]
    doubt: f64,
    level_means: Vec<f64>,
    #[serde(default)]
    level_rests: Vec<f64>,
    #[serde(default)]
    level_weights: Vec<Dd>,
    level_roots: Vec<f64>,
}

/// Columns one after the other.
fn flat(m: &Mat<f64>) -> Vec<f64> {
    (0..m.ncols()).flat_map(|a| m.col(a).iter().copied()).collect()
}

fn level_of_code(codes: &[u32]) -> Vec<u32> {
    let mut levels = vec![u32::MAX; codes.iter().max().map_or(0, |&c| c as usize + 1)];
    for (l, &code) in codes.iter().enumerate() {
        levels[code as usize] = l as u32;
    }
    levels
}

impl WhitenedDesign {
    /// The coordinates in which the factor's matrix is the identity.
    pub fn new(normal: &NormalEquations, factor: &Factor, map: &ColumnEncoding, atoms: &BlockSchema) -> Self {
        let mut position = vec![None; map.columns()];
        for (i, &c) in normal.kept.iter().enumerate() {
            position[c] = Some(i);
        }
        let (mut levels, mut level_means, mut level_roots) = (Vec::new(), Vec::new(), Vec::new());
        let (mut level_rests, mut level_weights) = (Vec::new(), Vec::new());
        if let (Some(term), Some(a)) = (&map.absorbed, &normal.absorbed) {
            levels = level_of_code(&term.codes);
            level_means = a.means.iter().map(|m| m.hi).collect();
            level_rests = a.means.iter().map(|m| m.lo).collect();
            level_weights = a.weights.clone();
            level_roots = a.weights.iter().map(|w| 1.0 / w.hi.sqrt()).collect();
        }
        let root = factor.root();
        let rest = factor.root_rest();
        let amplified = rest.is_some() && factor.amplification(&root) > AMPLIFIED;
        WhitenedDesign {
            map: map.clone(),
            atoms: BlockSchema {
                responses: 0,
                ..atoms.clone()
            },
            position,
            means: normal.means.clone(),
            root,
            rest,
            amplified,
            doubt: factor.doubt(&normal.matrix),
            levels,
            level_means,
            level_rests,
            level_weights,
            level_roots,
        }
    }

    /// The basis under weights rounded to doubles, as working weights are: 1 − h counts as zero below the limit of double precision.
    pub fn of_rounded_weights(self) -> Self {
        WhitenedDesign {
            doubt: f64::MAX,
            ..self
        }
    }

    /// Returns the numbers of the basis that rows of new data need.
    pub fn state(&self) -> WhitenedDesignState {
        WhitenedDesignState {
            kept: (0..self.map.columns())
                .filter(|&c| self.position[c].is_some())
                .collect(),
            means: self.means.clone(),
            coordinates: self.root.ncols(),
            root: flat(&self.root),
            rest: self.rest.as_ref().map_or_else(Vec::new, flat),
            amplified: self.amplified,
            doubt: self.doubt,
            level_means: self.level_means.clone(),
            level_rests: self.level_rests.clone(),
            level_weights: self.level_weights.clone(),
            level_roots: self.level_roots.clone(),
        }
    }

    /// The basis for the columns of a map, which may have more codes than the map of the fit. `None` where the
    /// sizes do not belong together.
    pub fn restore(state: &WhitenedDesignState, map: &ColumnEncoding, atoms: &BlockSchema) -> Option<Self> {
        let k = state.kept.len();
        let mut position = vec![None; map.columns()];
        for (i, &c) in state.kept.iter().enumerate() {
            *position.get_mut(c)? = Some(i);
        }
        let mut levels = Vec::new();
        if let Some(term) = &map.absorbed {
            levels = level_of_code(&term.codes);
            if state.level_roots.len() != term.codes.len() || state.level_means.len() != k * term.codes.len()
            {
                return None;
            }
        }
        let size = k * state.coordinates;
        let twice = !state.rest.is_empty();
        if state.means.len() != atoms.dense || state.root.len() != size || (twice && state.rest.len() != size)
        {
            return None;
        }
        // those that were saved before have no low parts
        let whole = |v: &[f64], n: usize| if v.len() == n { v.to_vec() } else { vec![0.0; n] };
        let weights = match state.level_weights.len() == state.level_roots.len() {
            true => state.level_weights.clone(),
            false => state.level_roots.iter().map(|r| Dd::new(1.0 / (r * r))).collect(),
        };
        let matrix = |v: &[f64]| Mat::from_fn(k, state.coordinates, |i, a| v[a * k + i]);
        Some(WhitenedDesign {
            map: map.clone(),
            atoms: BlockSchema {
                responses: 0,
                ..atoms.clone()
            },
            position,
            means: state.means.clone(),
            root: matrix(&state.root),
            rest: twice.then(|| matrix(&state.rest)),
            amplified: twice && state.amplified,
            doubt: state.doubt,
            levels,
            level_means: state.level_means.clone(),
            level_rests: whole(&state.level_rests, state.level_means.len()),
            level_weights: weights,
            level_roots: state.level_roots.clone(),
        })
    }

    /// Returns the atoms of a row: number of dense columns, groups of codes.
    pub fn atoms(&self) -> &BlockSchema {
        &self.atoms
    }

    /// Number of coordinates that every row has; one more belongs to its level.
    pub fn order(&self) -> usize {
        self.root.ncols()
    }

    /// Root of N of a level of the eliminated factor.
    pub(super) fn level_root(&self, level: usize) -> Dd {
        self.level_weights[level].sqrt()
    }

    /// Number of levels of the eliminated factor.
    pub fn levels(&self) -> usize {
        self.level_roots.len()
    }

    /// Level and coordinate 1/√N of a row.
    pub fn level(&self, block: &Block<'_>, row: usize) -> Option<(usize, f64)> {
        let term = self.map.absorbed.as_ref().filter(|_| !self.levels.is_empty())?;
        let level = *self.levels.get(block.codes[term.group][row] as usize)? as usize;
        Some((level, *self.level_roots.get(level)?))
    }

    /// Centred columns of rows `from..to` of a block in twice the precision, kept columns x rows: high and low parts.
    fn centred_twice(&self, block: &Block<'_>, from: usize, to: usize) -> Vec<Vec<Dd>> {
        let (m, k) = (to - from, self.root.nrows());
        let mut z = vec![vec![Dd::ZERO; m]; k];
        for (c, kind) in self.map.kinds.iter().enumerate() {
            let Some(j) = self.position[c] else { continue };
            match kind {
                ColumnKind::Intercept => z[j].fill(Dd::ONE),
                ColumnKind::Dense(e) => {
                    let (x, mean) = (&block.dense[*e], self.means[*e]);
                    for (i, out) in z[j].iter_mut().enumerate() {
                        let low = x.low.as_ref().map_or(0.0, |l| l[from + i]);
                        *out = Dd::two_sum(x.high[from + i], low) - mean;
                    }
                }
                ColumnKind::Coded { .. } => {}
            }
        }
        for (g, group) in self.atoms.groups.iter().enumerate() {
            let codes = &block.codes[g];
            for (a, multiplier) in group.multipliers.iter().enumerate() {
                for i in 0..m {
                    let x = multiplier.map_or(Dd::ONE, |e| {
                        let low = block.dense[e].low.as_ref().map_or(0.0, |l| l[from + i]);
                        Dd::two_sum(block.dense[e].high[from + i], low)
                    });
                    for &(c, v) in self.map.row(g, a, codes[from + i] as usize) {
                        if let Some(j) = self.position[c as usize] {
                            z[j][i] += x.mul_f64(v);
                        }
                    }
                }
            }
        }
        if !self.levels.is_empty() {
            for i in 0..m {
                let Some((level, _)) = self.level(block, from + i) else {
                    continue;
                };
                for (j, z) in z.iter_mut().enumerate() {
                    let at = level * k + j;
                    z[i] -= Dd::two_sum(self.level_means[at], self.level_rests[at]);
                }
            }
        }
        z
    }

    /// e = L⁻¹ z in twice the precision for rows `from..to` of a block, rows x coordinates; `None` where the factor is in double
    /// precision.
    pub(super) fn coordinates_twice(
        &self,
        block: &Block<'_>,
        from: usize,
        to: usize,
    ) -> Option<Vec<Vec<Dd>>> {
        let mut out = vec![Vec::with_capacity(self.order()); to - from];
        self.each_twice(self.rest.as_ref()?, block, (from, to), |_, e| {
            out.iter_mut().zip(e).for_each(|(row, e)| row.push(*e));
        });
        Some(out)
    }

    /// True if the factor is in twice the precision.
    pub(super) fn has_twice(&self) -> bool {
        self.rest.is_some()
    }

    /// e = L⁻¹ z in twice the precision for rows `from..to` of a block, coordinate by coordinate.
    fn each_twice(
        &self,
        rest: &Mat<f64>,
        block: &Block<'_>,
        (from, to): (usize, usize),
        mut take: impl FnMut(usize, &[Dd]),
    ) {
        let z = self.centred_twice(block, from, to);
        let mut sums = vec![Dd::ZERO; to - from];
        for a in 0..self.root.ncols() {
            sums.fill(Dd::ZERO);
            for (j, z) in z.iter().enumerate() {
                let r = Dd::two_sum(self.root[(j, a)], rest[(j, a)]);
                if r.hi == 0.0 {
                    continue;
                }
                vectorized(
                    #[inline(always)]
                    || sums.iter_mut().zip(z).for_each(|(s, z)| *s += *z * r),
                );
            }
            take(a, &sums);
        }
    }

    /// The leverage of a row of weight w, whose |e|² is about `norm`.
    pub fn leverage(&self, block: &Block<'_>, row: usize, weight: f64, norm: f64) -> Leverage {
        let h = weight * norm;
        let left = 1.0 - h;
        if left > NEARLY_ONE {
            return Leverage {
                h,
                left: Dd::new(left),
                twice: None,
            };
        }
        let (left, e) = match &self.rest {
            None if left < SATURATED => (Dd::ZERO, None),
            None => (Dd::new(left), None),
            Some(rest) => {
                let e = self.row_twice(rest, block, row);
                (self.left_twice(block, row, weight, &e), Some(e))
            }
        };
        Leverage {
            h: (Dd::ONE - left).hi,
            left,
            twice: e,
        }
    }

    /// |e|² of the rows of a block: leverages, up to the weights.
    pub fn square_norms(&self, block: &Block<'_>) -> Vec<f64> {
        let mut out = Vec::with_capacity(block.rows);
        let mut from = 0;
        while from < block.rows {
            let to = (from + RUN).min(block.rows);
            let e = self.coordinates(block, from, to);
            for i in 0..to - from {
                let own = self.level(block, from + i).map_or(0.0, |(_, x)| x * x);
                out.push(own + (0..e.ncols()).map(|a| e[(i, a)] * e[(i, a)]).sum::<f64>());
            }
            from = to;
        }
        out
    }

    /// 1 − h of a row in twice the precision, where the factor is.
    pub(in crate::model) fn left_of(&self, block: &Block<'_>, row: usize, weight: f64) -> Option<Dd> {
        let e = self.row_twice(self.rest.as_ref()?, block, row);
        Some(self.left_twice(block, row, weight, &e))
    }

    /// The coordinates of a row in twice the precision.
    fn row_twice(&self, rest: &Mat<f64>, block: &Block<'_>, row: usize) -> Vec<Dd> {
        let mut out = Vec::with_capacity(self.order());
        self.each_twice(rest, block, (row, row + 1), |_, e| out.push(e[0]));
        out
    }

    fn left_twice(&self, block: &Block<'_>, row: usize, weight: f64, e: &[Dd]) -> Dd {
        let own = match self.level(block, row) {
            Some((level, _)) => Dd::ONE / self.level_weights[level],
            None => Dd::ZERO,
        };
        let h = e.iter().fold(own, |s, e| s + *e * *e);
        let left = Dd::ONE - h.mul_f64(weight);
        // the sum over as many squares as there are coordinates is rounded too
        let error = self.doubt + self.order() as f64 * Dd::EPSILON;
        if left.hi < (SATURATED_TWICE * error).min(SATURATED) {
            Dd::ZERO
        } else {
            left
        }
    }

    /// Coordinates of rows `from..to` of a block, rows x coordinates.
    pub fn coordinates(&self, block: &Block<'_>, from: usize, to: usize) -> Mat<f64> {
        if let Some(rest) = self.rest.as_ref().filter(|_| self.amplified) {
            // differences of large terms, rounded once
            let mut out = Mat::<f64>::zeros(to - from, self.root.ncols());
            self.each_twice(rest, block, (from, to), |a, e| {
                let column = out.col_as_slice_mut(a).iter_mut();
                column.zip(e).for_each(|(out, e)| *out = e.hi);
            });
            return out;
        }
        let (m, k) = (to - from, self.root.nrows());
        let mut z = Mat::<f64>::zeros(m, k);
        for (c, kind) in self.map.kinds.iter().enumerate() {
            let Some(j) = self.position[c] else { continue };
            match kind {
                ColumnKind::Intercept => z.col_as_slice_mut(j).fill(1.0),
                ColumnKind::Dense(e) => {
                    let (x, mean) = (&block.dense[*e], self.means[*e]);
                    let out = z.col_as_slice_mut(j);
                    for (i, out) in out.iter_mut().enumerate() {
                        let low = x.low.as_ref().map_or(0.0, |l| l[from + i]);
                        *out = (x.high[from + i] - mean.hi) + (low - mean.lo);
                    }
                }
                ColumnKind::Coded { .. } => {}
            }
        }
        for (g, group) in self.atoms.groups.iter().enumerate() {
            let codes = &block.codes[g];
            for (a, multiplier) in group.multipliers.iter().enumerate() {
                for i in 0..m {
                    let x = multiplier.map_or(1.0, |e| block.dense[e].high[from + i]);
                    for &(c, v) in self.map.row(g, a, codes[from + i] as usize) {
                        if let Some(j) = self.position[c as usize] {
                            z[(i, j)] += x * v;
                        }
                    }
                }
            }
        }
        if !self.levels.is_empty() {
            for i in 0..m {
                let Some((level, _)) = self.level(block, from + i) else {
                    continue;
                };
                for (j, mean) in self.level_means[level * k..(level + 1) * k].iter().enumerate() {
                    z[(i, j)] -= mean;
                }
            }
        }
        let mut e = Mat::<f64>::zeros(m, self.root.ncols());
        matmul(
            e.as_mut(),
            Accum::Replace,
            z.as_ref(),
            self.root.as_ref(),
            1.0,
            Par::Seq,
        );
        e
    }
}

/// A leverage h, and what it leaves of one: zero where that is no more than rounding error.
#[derive(Clone, Debug)]
pub struct Leverage {
    /// h = w|e|²
    pub h: f64,
    /// 1 − h
    pub left: Dd,
    /// The coordinates in twice the precision, where h is near one.
    pub(super) twice: Option<Vec<Dd>>,
}

impl Leverage {
    /// The coordinates of the row in twice the precision, where h is near one.
    pub fn coordinates(&self) -> Option<&[Dd]> {
        self.twice.as_deref()
    }

    /// The leverages of the rows of a block under weights; `NaN` without a basis.
    pub fn all(basis: Option<&WhitenedDesign>, block: &Block<'_>, weights: Option<&[f64]>) -> Vec<Leverage> {
        let Some(basis) = basis else {
            let unknown = Leverage {
                h: f64::NAN,
                left: Dd::new(f64::NAN),
                twice: None,
            };
            return vec![unknown; block.rows];
        };
        let norms = basis.square_norms(block);
        let of = |(i, &norm): (usize, &f64)| basis.leverage(block, i, weights.map_or(1.0, |w| w[i]), norm);
        norms.iter().enumerate().map(of).collect()
    }
}

/// A score f Σ u e in twice the precision, because what is left of it in most coefficients is a small difference: that of a row of
/// leverage near one, or of a cluster whose rows cancel.
#[derive(Clone, Debug)]
pub struct ScoreTwice {
    /// The row of the source, or the code of the cluster.
    pub at: u64,
    /// Its coordinates Σ u e.
    pub e: Vec<Dd>,
    /// Σ u by level of an eliminated factor.
    pub levels: Vec<(usize, Dd)>,
    /// f: w r / (1 − h)^q of a row.
    pub factor: f64,
}
