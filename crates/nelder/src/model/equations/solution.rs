//! One solution of the normal equations, and whether it is good enough.

use std::sync::OnceLock;

use rayon::prelude::*;

use nelder_device::{Dd, LinearAlgebra};

use crate::design::{ColumnEncoding, Columns, DesignError, Elimination, RowCounts};
use crate::pass::{Gram, Monitor, PassRecord, Products, Tsqr, run};
use crate::solve::{
    Factor, Symmetric, UNIT_TWICE, Variance, condition, factor_double, factor_twice, limited_pivoting,
};

use super::{NormalEquations, Score, Solution, by_atom};
use crate::model::{Accuracy, ModelError, ModelFrame};

/// Relative error of the entries of a gram whose products were rounded: runs of 1,024 rows are summed in double
/// precision; the largest of many sums of random signs stays below 16 ε √(rows), and blocks add nothing.
pub(super) const UNIT_ROUNDED: f64 = 64.0 * f64::EPSILON;
/// The same for runs of 16,384 rows: √16 times as much.
pub(in crate::model) const UNIT_STEPPING: f64 = 4.0 * UNIT_ROUNDED;
/// The same in single precision, as far as it decides which pivots are too small.
pub(super) const UNIT_SINGLE: f64 = 1e-7;
/// The same as a bound: 4 ε √(rows) for runs of 8,192 rows.
const UNIT_SINGLE_BOUND: f64 = 362.0 * (f32::EPSILON as f64 / 2.0);
/// Relative error assumed where products are rounded to 11 bits: which columns are aliased is known before, and the score
/// decides where a step leads, so that this only keeps pivots above four hundredths.
const UNIT_ROUGH: f64 = 4e-6;
/// The same with exact products.
pub(in crate::model) const UNIT_EXACT: f64 = UNIT_TWICE;
/// Order beyond which equations that were left by the elimination of a factor are taken as they are: those of all columns, in twice the
/// precision, would take minutes.
pub const LARGE_ORDER: usize = 4000;

/// Levels of a second factor from which on it can be solved for by conjugate gradients where there is no room for its equations.
const LEAST_CROSSED: usize = 256;

/// One solution and what led to it.
pub(super) struct LeastSquaresSolution {
    /// The columns of the model matrix.
    pub columns: Columns,
    /// The normal equations.
    pub normal: NormalEquations,
    /// Their factor.
    pub factor: Factor,
    /// One entry a response.
    pub solutions: Vec<Solution>,
    variances: OnceLock<Vec<Variance>>,
    condition: OnceLock<f64>,
}

impl LeastSquaresSolution {
    fn new(columns: Columns, normal: NormalEquations, factor: Factor) -> Self {
        let solutions = (0..normal.right.len())
            .map(|y| normal.solve(&factor, y))
            .collect();
        LeastSquaresSolution {
            columns,
            normal,
            factor,
            solutions,
            variances: OnceLock::new(),
            condition: OnceLock::new(),
        }
    }

    /// Coefficients by response and column, in the units of the rows.
    pub fn coefficients(&self) -> Vec<Vec<Dd>> {
        let normal = &self.normal;
        let of = |(y, solution)| normal.coefficients(&self.columns.map, solution, normal.response_means[y]);
        self.solutions.iter().enumerate().map(of).collect()
    }

    /// Condition of the scaled, centred design.
    pub fn condition(&self) -> f64 {
        let ones_first = self.columns.map.intercept && self.factor.accepted.first() == Some(&0);
        *self
            .condition
            .get_or_init(|| match self.factor.orthogonal && ones_first {
                true => condition(&self.factor.centred()),
                false => condition(&self.factor),
            })
    }

    /// Variance over σ² of each column's coefficient, in the units of the rows.
    pub fn variances(&self) -> &[Variance] {
        self.variances.get_or_init(|| {
            let means = self.normal.level_means();
            let reach = self.factor.reach(&self.normal.matrix);
            if self.normal.crossed.is_some() {
                return self
                    .normal
                    .crossed_variances(&self.columns.map, &self.factor, &reach);
            }
            let of = |c: usize| {
                let f = self.normal.functional(&self.columns.map, c);
                self.normal.variance(&self.factor, &f, &means, &reach)
            };
            let columns = self.columns.map.columns();
            match columns < SMALL_ORDER {
                true => (0..columns).map(of).collect(),
                false => {
                    // before threads ask for it
                    self.factor.inverse();
                    (0..columns).into_par_iter().with_min_len(16).map(of).collect()
                }
            }
        })
    }
}

/// The columns of a map that are not aliased, one flag a column.
pub(in crate::model) fn in_model(
    map: &ColumnEncoding,
    normal: &NormalEquations,
    factor: &Factor,
) -> Vec<bool> {
    let mut accepted = vec![true; map.columns()];
    normal.kept.iter().for_each(|&c| accepted[c] = false);
    factor
        .accepted
        .iter()
        .for_each(|&i| accepted[normal.kept[i]] = true);
    if let Some(term) = &map.absorbed {
        term.empty.iter().for_each(|&c| accepted[c] = false);
    }
    if let Some((term, crossed)) = map.crossed.as_ref().zip(normal.crossed.as_ref()) {
        let aliased = term.empty.iter().chain(&crossed.aliased);
        aliased.for_each(|&c| accepted[c] = false);
    }
    accepted
}

/// The larger of two bounds; what is not a number bounds nothing.
pub(in crate::model) fn larger(a: f64, b: f64) -> f64 {
    if b.is_nan() { f64::INFINITY } else { a.max(b) }
}

/// 2 gᵀδ − δᵀGδ with δ the step between two coefficient vectors: by how much the step lowers the sum of squares.
pub(super) fn gain_of(
    state: &LeastSquaresSolution,
    old: &[Dd],
    new: &[Dd],
    score: &Score<'_>,
    gram: &Gram,
) -> Dd {
    let atoms = gram.atoms();
    let tables: Vec<(usize, usize)> = gram
        .groups
        .iter()
        .zip(&atoms.groups)
        .map(|(t, g)| (t.codes(), g.multipliers.len()))
        .collect();
    let delta: Vec<Dd> = new.iter().zip(old).map(|(a, b)| *a - *b).collect();
    let by = by_atom(&state.columns.map, &delta, atoms.dense, &tables);
    let mut linear = score.ones * by.intercept;
    for (a, b) in score.dense.iter().zip(&by.dense) {
        linear += *a * *b;
    }
    for (a, b) in score.groups.iter().zip(&by.groups) {
        for (x, y) in a.cells.iter().zip(&b.cells) {
            linear += Dd::two_sum(x.hi, x.lo) * *y;
        }
    }
    // at the minimum Gδ = g, so the gain is gᵀδ
    linear
}

/// For each group, which of `codes` codes have rows.
pub(in crate::model) fn counted(gram: &Gram, codes: &[usize]) -> Vec<Vec<bool>> {
    let has = |g: usize, c: usize| gram.counts[g].get(c).is_some_and(|&n| n > 0);
    let of = |(g, &n): (usize, &usize)| (0..n).map(|c| has(g, c)).collect();
    codes.iter().enumerate().map(of).collect()
}

/// The columns of the model matrix, for the levels that rows have.
///
/// # Errors
/// Columns that are too many, factors of one level.
pub(in crate::model) fn columns_of(
    bound: &ModelFrame<'_>,
    counts: &RowCounts,
    gram: &Gram,
    elimination: Elimination,
) -> Result<Columns, ModelError> {
    let groups = bound.rows.layout().groups.len();
    let tuples: Vec<Vec<Vec<u32>>> = (0..groups).map(|g| bound.rows.tuples(g)).collect();
    let counted = counted(gram, &tuples.iter().map(Vec::len).collect::<Vec<_>>());
    Ok(Columns::new(
        bound.rows.layout(),
        &bound.variables(counts),
        &tuples,
        &counted,
        elimination,
    )?)
}

pub(in crate::model) fn unit(products: Products) -> f64 {
    match products {
        Products::Rounded => UNIT_ROUNDED,
        Products::Stepping | Products::Runs { .. } => UNIT_STEPPING,
        Products::Exact => UNIT_EXACT,
        Products::Single => UNIT_SINGLE,
        Products::Rough => UNIT_ROUGH,
    }
}

/// Orders up to which a factor in twice the precision costs less than a pass.
const SMALL_ORDER: usize = 160;

/// Rows times squared columns for which a QR decomposition in twice the precision takes a moment.
const SMALL_ORTHOGONAL: f64 = 2e8;
/// Relative error of a variance from a gram in twice the precision, as where means are 1e8 deviations, from which on a QR
/// decomposition is better: a standard error of 1e-12.
const TWICE_ENOUGH: f64 = 2e-12;

/// Settings for factoring normal equations.
#[derive(Clone, Copy)]
pub(in crate::model) struct Solver<'a> {
    /// The tolerance for aliasing.
    pub tol: f64,
    /// A device for what it does quicker.
    pub device: Option<&'a dyn LinearAlgebra>,
}

pub(in crate::model) fn factor(matrix: &Symmetric, solver: Solver<'_>, products: Products) -> Option<Factor> {
    let Solver { tol, device } = solver;
    match products {
        Products::Exact if matrix.order > SMALL_ORDER => {
            // well-conditioned large systems need no more than double precision
            let quick = factor_double(matrix, tol, f64::EPSILON, device)
                .filter(|f| f.pivots.iter().all(|&p| p > 1e-3));
            Some(quick.unwrap_or_else(|| factor_twice(matrix, tol, UNIT_EXACT)))
        }
        Products::Exact => Some(factor_twice(matrix, tol, UNIT_EXACT)),
        Products::Single => {
            let found = factor_double(matrix, tol, UNIT_SINGLE, device);
            found.map(|mut factor| {
                factor.unit += UNIT_SINGLE_BOUND;
                factor
            })
        }
        rounded => factor_double(matrix, tol, unit(rounded), device),
    }
}

/// Solves the normal equations of a gram; `None` where double precision cannot decide which columns are aliased.
pub(super) fn solve(
    bound: &ModelFrame<'_>,
    counts: &RowCounts,
    gram: &Gram,
    (tol, device): (f64, Option<&dyn LinearAlgebra>),
) -> Result<Option<LeastSquaresSolution>, ModelError> {
    let ways: &[Elimination] = match gram.groups.is_empty() {
        true => &[Elimination::Nothing],
        false => &[Elimination::Largest, Elimination::Nothing],
    };
    if let Some(crossed) = crossed(bound, counts, gram, tol)? {
        return Ok(Some(crossed));
    }
    for &elimination in ways {
        let absorb = elimination == Elimination::Largest;
        let columns = columns_of(bound, counts, gram, elimination)?;
        if absorb && columns.map.absorbed.is_none() {
            continue;
        }
        let p = columns.map.columns();
        let normal = NormalEquations::assemble(gram, &columns.map);
        let found = if absorb {
            // a small system, whatever the precision of its entries
            let unit = unit_left(gram.products());
            let f = factor_twice(&normal.matrix, tol, unit);
            let k = normal.matrix.order;
            let sound = f.accepted.len() == k
                && (0..k).all(|i| {
                    f.pivots[i] * normal.matrix.get(i, i).hi > 1e-6 * normal.matrix.norms[i]
                        || f.pivots[i] * normal.matrix.get(i, i).hi > 1e-6 * normal.matrix.sizes[i]
                });
            if sound || p > LARGE_ORDER {
                Some(f)
            } else {
                continue;
            }
        } else {
            factor(&normal.matrix, Solver { tol, device }, gram.products())
        };
        let Some(factor) = found else { return Ok(None) };
        return Ok(Some(LeastSquaresSolution::new(columns, normal, factor)));
    }
    Ok(None)
}

/// Unit of the entries of a small system, whatever the precision of its entries.
fn unit_left(products: Products) -> f64 {
    match products {
        Products::Single => UNIT_SINGLE_BOUND,
        other => unit(other),
    }
}

/// The solution with two crossed factors eliminated, where the equations that the larger alone leaves are too many: more levels than
/// [`ModelFrame::crossed_from`], or than there is room for.
///
/// # Errors
/// [`ModelError::NotConverged`] where conjugate gradients leave open whether a column is aliased.
fn crossed(
    bound: &ModelFrame<'_>,
    counts: &RowCounts,
    gram: &Gram,
    tol: f64,
) -> Result<Option<LeastSquaresSolution>, ModelError> {
    let least = LEAST_CROSSED.min(bound.crossed_from);
    if gram.groups.iter().filter(|t| t.codes() >= least).count() < 2 {
        return Ok(None);
    }
    let no_room = |e: &ModelError| matches!(e, ModelError::Design(DesignError::NoRoom(_)));
    let columns = match columns_of(bound, counts, gram, Elimination::TwoLargest) {
        Err(e) if no_room(&e) => return Ok(None),
        other => other?,
    };
    let second = columns.map.crossed.as_ref().map_or(0, |term| term.codes.len());
    let tight = || columns_of(bound, counts, gram, Elimination::Largest).is_err_and(|e| no_room(&e));
    if second < least || (second < bound.crossed_from && !tight()) {
        return Ok(None);
    }
    let normal = NormalEquations::assemble(gram, &columns.map);
    let excess = normal.crossed.as_ref().map_or(0.0, |crossed| crossed.excess);
    if let Some(c) = normal.in_doubt(tol) {
        return Err(ModelError::NotConverged(format!(
            "elimination of two crossed factors by conjugate gradients, as far as `{}` is concerned: their levels hang together by too \
             few rows",
            columns.names[c]
        )));
    }
    let factor = factor_twice(&normal.matrix, tol, unit_left(gram.products()) + excess);
    Ok(Some(LeastSquaresSolution::new(columns, normal, factor)))
}

/// A solution good enough to compute residuals with: columns that double precision cannot tell from aliased ones
/// are left out.
pub(super) fn provisional(
    bound: &ModelFrame<'_>,
    counts: &RowCounts,
    gram: &Gram,
) -> Result<LeastSquaresSolution, ModelError> {
    let columns = columns_of(bound, counts, gram, Elimination::Nothing)?;
    let mut normal = NormalEquations::assemble(gram, &columns.map);
    let norms = normal.matrix.norms.clone();
    normal.matrix.norms = (0..normal.matrix.order)
        .map(|i| normal.matrix.get(i, i).hi)
        .collect();
    let factor = factor_twice(&normal.matrix, 1e-6, UNIT_ROUNDED);
    normal.matrix.norms = norms;
    Ok(LeastSquaresSolution::new(columns, normal, factor))
}

/// The largest relative error bound of a variance.
pub(super) fn relative_variance_error(state: &LeastSquaresSolution) -> f64 {
    let some = state.variances().iter().filter(|v| v.value > 0.0);
    some.fold(0.0, |worst, v| larger(worst, v.error / v.value))
}

/// True if a gram in twice the precision is not enough, and the rows are to be decomposed by QR.
pub(super) fn wants_tsqr(state: &LeastSquaresSolution, tol: f64, accuracy: Accuracy) -> bool {
    let p = state.columns.map.columns();
    let n = state.normal.rows as f64;
    if state.normal.absorbed.is_some() || p > 400 || n * (p * p) as f64 > 2e10 {
        return false;
    }
    // a pivot that the exact gram cannot tell from the rule, or a variance that it leaves uncertain
    let undecided = tol < 1e-11 && state.factor.accepted.len() < p;
    let smallest = state.factor.pivots.iter().copied().fold(1.0, f64::min);
    let limit = if accuracy == Accuracy::Certified {
        1e-12
    } else {
        1e-16
    };
    let small = n * (p * p) as f64 <= SMALL_ORTHOGONAL || accuracy == Accuracy::Certified;
    let rough = small && relative_variance_error(state) > TWICE_ENOUGH;
    undecided || smallest < limit || rough
}

/// Householder QR in twice the precision.
pub(super) fn orthogonal(
    bound: &ModelFrame<'_>,
    state: &LeastSquaresSolution,
    gram: &Gram,
    tol: f64,
    monitor: &dyn Monitor,
    passes: &mut Vec<PassRecord>,
    notes: &mut Vec<String>,
) -> Result<(LeastSquaresSolution, Vec<Vec<Dd>>), ModelError> {
    notes.push("the gram is too ill-conditioned for twice the precision".to_string());
    let columns = state.columns.clone();
    let atoms = gram.atoms();
    let found = run("tsqr", "f64x2", &bound.rows, monitor, || {
        Tsqr::new(&columns.map, atoms)
    })?;
    passes.extend(found.records);
    let tsqr = found.value;
    let p = columns.map.columns();
    let mut matrix = Symmetric::zeros(p);
    for j in 0..p {
        let norm = (0..=j).fold(Dd::ZERO, |s, i| {
            let v = tsqr.triangle.get(i, j);
            s + v * v
        });
        matrix.norms[j] = norm.hi;
        matrix.sizes[j] = norm.hi;
        matrix.add(j, j, norm);
    }
    for (&c, &r) in state.normal.kept.iter().zip(&state.normal.matrix.roundings) {
        matrix.roundings[c] = r;
    }
    let (factor, effects, _) = limited_pivoting(tsqr.triangle.rows(), p, &matrix.norms, tol, UNIT_EXACT);
    let solutions: Vec<Solution> = effects
        .iter()
        .map(|e| Solution {
            kept: factor.back_substitute(e),
            levels: Vec::new(),
            second: Vec::new(),
        })
        .collect();
    let m = atoms.responses;
    let mut normal = state.normal.clone();
    normal.kept = (0..p).collect();
    normal.matrix = matrix;
    normal.centered = false;
    normal.means = vec![Dd::ZERO; atoms.dense];
    normal.response_means = vec![Dd::ZERO; m];
    let coefficients = solutions.iter().map(|s| s.kept.clone()).collect();
    Ok((
        LeastSquaresSolution {
            columns,
            normal,
            factor,
            solutions,
            variances: OnceLock::new(),
            condition: OnceLock::new(),
        },
        coefficients,
    ))
}
