//! Linear least squares on a ladder of precision.
//!
//! 1. One pass accumulates the gram of the centred columns and the responses: in double precision with the sums
//!    over blocks in twice the precision, or in twice the precision throughout where that costs little.
//! 2. Cholesky in R's column order. The factor bounds the error of each variance to first order: an entry of the
//!    gram known to η moves vᵀG⁻¹v by at most η (Σ|vᵀG⁻¹|ᵢ tᵢ)² (Higham 2002, 10.1).
//! 3. The residual pass computes r = y − Xβ and Xᵀ W r in twice the precision. The correction
//!    G⁻¹ Xᵀ W r leaves an error of η times the correction (Björck 1967). Where the bound of step 2 is too
//!    large, the same pass accumulates the gram in twice the precision, and the solution is computed from that.
//! 4. Where twice the precision does not carry the gram either, a pass of Householder QR (TSQR) in twice the
//!    precision, with R's limited pivoting, and another residual pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nelder_device::Dd;

use crate::design::{Columns, Rows};
use crate::frame::{Batch, Column, MISSING};
use crate::pass::{Coefficients, Gram, Monitor, Products, ResidualRun, Residuals, Tsqr, run};
use crate::pass::{Histogram, PassRecord};
use crate::solve::{Factor, Symmetric, UNIT_TWICE, condition, factor_double, factor_twice, limited_pivoting};

use super::{Accuracy, Bound, Digits, ModelError, Normal, Score, Solution, SolveReport, by_atom};

/// Relative error of the entries of a gram whose products were rounded: runs of 1,024 rows are summed in double
/// precision; the largest of many sums of random signs stays below 16 ε √(rows), and blocks add nothing.
const UNIT_ROUNDED: f64 = 64.0 * f64::EPSILON;
/// The same with exact products.
const UNIT_EXACT: f64 = UNIT_TWICE;
/// Multiplications in twice the precision that cost less than a second pass would.
const CHEAP: f64 = 2e7;
/// Largest number of columns for which a matrix of columns x columns is formed.
pub const MOST_COLUMNS: usize = 4000;
/// Rows whose residuals are kept for their quantiles; beyond, they are counted in bins.
const KEEP_ROWS: u64 = 4_000_000;
/// Relative error of a variance beyond which more precision is asked for.
const ENOUGH: f64 = 1e-11;

/// A least-squares fit of one or several responses.
#[derive(Debug)]
pub struct LeastSquares {
    /// The columns of the model matrix.
    pub columns: Columns,
    /// The gram.
    pub gram: Gram,
    /// The normal equations.
    pub normal: Normal,
    /// Their factor.
    pub factor: Factor,
    /// Coefficients by response and column, in the units of the data; zero where aliased.
    pub coefficients: Vec<Vec<Dd>>,
    /// Bounds on their absolute errors.
    pub errors: Vec<Vec<f64>>,
    /// Which columns are aliased.
    pub aliased: Vec<bool>,
    /// Residual sum of squares by response, in the units of the data.
    pub rss: Vec<Dd>,
    /// Σ w f and Σ w f² of the fitted values with their offset, by response; absent without an offset.
    pub fitted: Option<Vec<(Dd, Dd)>>,
    /// Variance over σ² of each coefficient, in the units of the data; `NaN` where aliased.
    pub variances: Vec<f64>,
    /// Rows in the fit, rows left out as incomplete, rows of zero weight.
    pub counts: (u64, u64, u64),
    /// Weighted residuals, in the units of the data, in the order of the rows, where they were kept.
    pub residuals: Vec<ResidualRun>,
    /// Their distribution where they were not.
    pub histogram: Vec<Histogram>,
    /// How it was computed.
    pub report: SolveReport,
    /// Powers of two that columns and responses were multiplied with.
    pub scales: Vec<f64>,
}

/// One solution and what led to it.
struct Attempt {
    columns: Columns,
    normal: Normal,
    factor: Factor,
    solutions: Vec<Solution>,
}

/// Fits a bound model.
pub fn least_squares(
    bound: &Bound<'_>,
    tol: f64,
    accuracy: Accuracy,
    monitor: &dyn Monitor,
) -> Result<LeastSquares, ModelError> {
    let rows = &bound.rows;
    let atoms = rows.layout().atoms.clone();
    let z = (atoms.dense + atoms.responses) as f64;
    let cheap = rows
        .source()
        .rows()
        .is_some_and(|n| n as f64 * z * z / 2.0 <= CHEAP);
    let exact = accuracy == Accuracy::Certified || cheap;
    let products = if exact { Products::Exact } else { Products::Rounded };
    let mut passes = bound.passes.clone();
    let mut notes = Vec::new();

    // 1. the gram
    let precision = |p: Products| if p == Products::Exact { "f64x2" } else { "f64" };
    let (mut gram, record) = run("gram", precision(products), rows, monitor, || {
        Gram::new(&atoms, products)
    })?;
    passes.push(record);
    let (omitted, unweighted) = rows.take_dropped();
    check(&gram, bound, omitted, unweighted, &passes)?;

    // 2. factor; what cannot be decided in double precision waits for the exact gram
    let mut attempt = solve(bound, &gram, tol)?;
    let mut needs_exact = false;
    let first = match attempt.take() {
        Some(a) => a,
        None => {
            needs_exact = true;
            notes.push("a pivot of the gram is too small for double precision".to_string());
            provisional(bound, &gram)?
        }
    };
    if !needs_exact && gram.products() == Products::Rounded {
        let worst = relative_variance_error(&first);
        if worst > ENOUGH {
            needs_exact = true;
            notes.push(format!(
                "in double precision, standard errors would be right to {:.0e} only",
                worst / 2.0
            ));
        }
    }

    // 3. residuals, and the exact gram where it is needed
    let mut state = first;
    let mut coefficients: Vec<Vec<Dd>> = (0..atoms.responses)
        .map(|y| {
            state.normal.coefficients(
                &state.columns.map,
                &state.solutions[y],
                state.normal.response_means[y],
            )
        })
        .collect();
    let keep = rows.source().rows().is_some_and(|n| n <= KEEP_ROWS);
    let widths: Vec<f64> = (0..atoms.responses)
        .map(|y| {
            let scale = state.normal.total[y].hi.max(0.0) / state.normal.weight.hi.max(1.0);
            (scale.sqrt() * 3e-5).max(f64::MIN_POSITIVE)
        })
        .collect();
    let mut refinements = 0;
    let mut rss: Vec<Dd>;
    let mut steps: Vec<Vec<f64>>;
    let mut last;
    let mut tsqr = false;
    if !needs_exact && gram.products() == Products::Exact && wants_tsqr(&state, tol, accuracy) {
        (state, coefficients) = orthogonal(bound, &state, &gram, tol, monitor, &mut passes, &mut notes)?;
        tsqr = true;
    }
    loop {
        let tables: Vec<(usize, usize)> = gram
            .groups
            .iter()
            .zip(&atoms.groups)
            .map(|(t, g)| (t.codes(), g.multipliers.len()))
            .collect();
        let by: Arc<[Coefficients]> = coefficients
            .iter()
            .map(|b| by_atom(&state.columns.map, b, atoms.dense, &tables))
            .collect();
        let name = if needs_exact {
            "residuals + gram"
        } else {
            "residuals"
        };
        let ((residuals, second), record) = run(name, "f64x2", rows, monitor, || {
            let gram = needs_exact.then(|| Gram::new(&atoms, Products::Exact));
            (Residuals::new(&atoms, by.clone(), keep, &widths), gram)
        })?;
        passes.push(record);
        if let Some(second) = second {
            // the solution comes from the exact gram; what was computed from the rounded one gave the residuals
            gram = second;
            needs_exact = false;
            let Some(solved) = solve(bound, &gram, tol)? else {
                return Err(ModelError::Overflow(bound.rows.labels()[0].clone()));
            };
            let old = coefficients;
            state = solved;
            coefficients = (0..atoms.responses)
                .map(|y| {
                    state.normal.coefficients(
                        &state.columns.map,
                        &state.solutions[y],
                        state.normal.response_means[y],
                    )
                })
                .collect();
            if wants_tsqr(&state, tol, accuracy) {
                (state, coefficients) =
                    orthogonal(bound, &state, &gram, tol, monitor, &mut passes, &mut notes)?;
                tsqr = true;
                continue;
            }
            refinements += 1;
            // RSS(β) from r at the old β: the score gives the exact step, unless the old β used a column that is
            // aliased now, for then the new β is no minimum along the step
            let accepted: Vec<bool> = in_model(&state);
            let mut far = false;
            rss = Vec::new();
            for y in 0..atoms.responses {
                far |= old[y].iter().zip(&accepted).any(|(b, &a)| !a && b.hi != 0.0);
                let score = score(&residuals, y);
                let gain = gain_of(&state, &old[y], &coefficients[y], &score, &gram);
                let value = residuals.squares[y] - gain;
                far |= gain.hi.abs() > 1e-9 * residuals.squares[y].hi;
                rss.push(value);
            }
            steps = coefficients.iter().map(|b| vec![0.0; b.len()]).collect();
            last = residuals;
            if !far {
                break;
            }
            continue;
        }
        // 4. the correction
        let mut again = false;
        rss = Vec::new();
        steps = Vec::new();
        for y in 0..atoms.responses {
            let correction = state
                .normal
                .correct(&state.factor, &state.columns.map, &score(&residuals, y));
            let step = state
                .normal
                .coefficients(&state.columns.map, &correction.solution, Dd::ZERO);
            rss.push(residuals.squares[y] - correction.gain);
            let gain = correction.gain.hi.abs();
            if gain > 1e-12 * residuals.squares[y].hi
                && gain > 1e-24 * state.normal.total[y].hi
                && refinements < 4
            {
                again = true;
            }
            for (b, d) in coefficients[y].iter_mut().zip(&step) {
                *b += *d;
            }
            steps.push(correction.solution.kept.iter().map(|v| v.hi.abs()).collect());
        }
        refinements += 1;
        last = residuals;
        if !again {
            break;
        }
    }
    finish(
        bound,
        gram,
        state,
        coefficients,
        steps,
        rss,
        last_of(last),
        tsqr,
        refinements,
        passes,
        notes,
        (omitted, unweighted),
    )
}

/// What is read from the last residual pass.
struct Last {
    runs: Vec<ResidualRun>,
    histogram: Vec<Histogram>,
    fitted: Vec<(Dd, Dd)>,
}

fn last_of(mut last: Residuals) -> Last {
    last.runs.sort_by_key(|r| r.index);
    Last {
        runs: std::mem::take(&mut last.runs),
        histogram: std::mem::take(&mut last.histogram),
        fitted: std::mem::take(&mut last.fitted),
    }
}

fn score<'a>(residuals: &'a Residuals, y: usize) -> Score<'a> {
    Score {
        ones: residuals.ones[y],
        dense: &residuals.dense[y],
        groups: &residuals.groups[y],
    }
}

/// Which columns of the model matrix are not aliased.
fn in_model(state: &Attempt) -> Vec<bool> {
    let mut accepted = vec![true; state.columns.map.columns()];
    state.normal.kept.iter().for_each(|&c| accepted[c] = false);
    state
        .factor
        .accepted
        .iter()
        .for_each(|&i| accepted[state.normal.kept[i]] = true);
    if let Some(term) = &state.columns.map.absorbed {
        term.empty.iter().for_each(|&c| accepted[c] = false);
    }
    accepted
}

/// The larger of two bounds; what is not a number bounds nothing.
fn larger(a: f64, b: f64) -> f64 {
    if b.is_nan() { f64::INFINITY } else { a.max(b) }
}

/// 2 gᵀδ − δᵀGδ with δ the step between two coefficient vectors: by how much the step lowers the sum of squares.
fn gain_of(state: &Attempt, old: &[Dd], new: &[Dd], score: &Score<'_>, gram: &Gram) -> Dd {
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

fn check(
    gram: &Gram,
    bound: &Bound<'_>,
    omitted: u64,
    unweighted: u64,
    passes: &[PassRecord],
) -> Result<(), ModelError> {
    if gram.rows == 0 {
        let rows = passes.last().map_or(0, |p| p.rows);
        return Err(ModelError::NoRows {
            rows,
            omitted,
            unweighted,
            column: if omitted > 0 {
                all_missing(&bound.rows)
            } else {
                None
            },
        });
    }
    if !gram.is_finite() {
        return Err(ModelError::Overflow(
            bound
                .terms
                .variables
                .first()
                .map_or_else(String::new, ToString::to_string),
        ));
    }
    Ok(())
}

/// For each group, which of `codes` codes have rows.
pub(super) fn counted(gram: &Gram, codes: &[usize]) -> Vec<Vec<bool>> {
    let has = |g: usize, c: usize| gram.counts[g].get(c).is_some_and(|&n| n > 0);
    let of = |(g, &n): (usize, &usize)| (0..n).map(|c| has(g, c)).collect();
    codes.iter().enumerate().map(of).collect()
}

/// The first column of the model without a value in any row; `None` where there is none, or where the rows cannot be
/// read again.
fn all_missing(rows: &Rows<'_>) -> Option<String> {
    let held: Vec<AtomicBool> = rows.columns().iter().map(|_| AtomicBool::new(false)).collect();
    let visit = |_: usize, batch: Batch<'_>| {
        for (column, held) in batch.columns.iter().zip(&held) {
            let any = match column {
                Column::Real(v) => v.iter().any(|x| !x.is_nan()),
                Column::Integer(v) => v.iter().any(|&x| x != i32::MIN),
                Column::Logical(v) => v.iter().any(|&x| x != 2),
                Column::Codes { codes, .. } => codes.iter().any(|&c| c != MISSING),
            };
            held.fetch_or(any, Ordering::Relaxed);
        }
        true
    };
    rows.source().scan(rows.columns(), &visit).ok()?;
    let at = held.iter().position(|held| !held.load(Ordering::Relaxed))?;
    let field = rows.source().schema().fields.get(rows.columns()[at])?;
    Some(field.name.clone())
}

fn resolve(bound: &Bound<'_>, gram: &Gram, absorb: bool) -> Result<Columns, ModelError> {
    let groups = bound.rows.layout().groups.len();
    let tuples: Vec<Vec<Vec<u32>>> = (0..groups).map(|g| bound.rows.tuples(g)).collect();
    let counted = counted(gram, &tuples.iter().map(Vec::len).collect::<Vec<_>>());
    Ok(Columns::new(
        bound.rows.layout(),
        &bound.variables(),
        &tuples,
        &counted,
        absorb,
    )?)
}

fn unit(products: Products) -> f64 {
    match products {
        Products::Rounded => UNIT_ROUNDED,
        Products::Exact => UNIT_EXACT,
    }
}

/// Orders up to which a factor in twice the precision costs less than a pass.
const SMALL_ORDER: usize = 160;

fn factor(matrix: &Symmetric, tol: f64, products: Products) -> Option<Factor> {
    match products {
        Products::Rounded => factor_double(matrix, tol, UNIT_ROUNDED),
        Products::Exact if matrix.order > SMALL_ORDER => {
            // well-conditioned large systems need no more than double precision
            let quick =
                factor_double(matrix, tol, f64::EPSILON).filter(|f| f.pivots.iter().all(|&p| p > 1e-3));
            Some(quick.unwrap_or_else(|| factor_twice(matrix, tol, UNIT_EXACT)))
        }
        Products::Exact => Some(factor_twice(matrix, tol, UNIT_EXACT)),
    }
}

/// Solves the normal equations of a gram; `None` where double precision cannot decide which columns are aliased.
fn solve(bound: &Bound<'_>, gram: &Gram, tol: f64) -> Result<Option<Attempt>, ModelError> {
    for absorb in [true, false] {
        let columns = resolve(bound, gram, absorb)?;
        if absorb && columns.map.absorbed.is_none() {
            continue;
        }
        let p = columns.map.columns();
        if !absorb && p > MOST_COLUMNS {
            return Err(ModelError::TooManyColumns {
                what: "this model".into(),
                columns: p,
                limit: MOST_COLUMNS,
            });
        }
        let normal = Normal::assemble(gram, &columns.map);
        let found = if absorb {
            // a small system, whatever the precision of its entries
            let f = factor_twice(&normal.matrix, tol, unit(gram.products()));
            let k = normal.matrix.order;
            let sound = f.accepted.len() == k
                && (0..k).all(|i| {
                    f.pivots[i] * normal.matrix.get(i, i).hi > 1e-6 * normal.matrix.norms[i]
                        || f.pivots[i] * normal.matrix.get(i, i).hi > 1e-6 * normal.matrix.sizes[i]
                });
            if sound || p > MOST_COLUMNS {
                Some(f)
            } else {
                continue;
            }
        } else {
            factor(&normal.matrix, tol, gram.products())
        };
        let Some(factor) = found else { return Ok(None) };
        let solutions = (0..normal.right.len())
            .map(|y| normal.solve(&factor, y))
            .collect();
        return Ok(Some(Attempt {
            columns,
            normal,
            factor,
            solutions,
        }));
    }
    Ok(None)
}

/// A solution good enough to compute residuals with: columns that double precision cannot tell from aliased ones
/// are left out.
fn provisional(bound: &Bound<'_>, gram: &Gram) -> Result<Attempt, ModelError> {
    let columns = resolve(bound, gram, false)?;
    let mut normal = Normal::assemble(gram, &columns.map);
    let norms = normal.matrix.norms.clone();
    normal.matrix.norms = (0..normal.matrix.order)
        .map(|i| normal.matrix.get(i, i).hi)
        .collect();
    let factor = factor_twice(&normal.matrix, 1e-6, UNIT_ROUNDED);
    normal.matrix.norms = norms;
    let solutions = (0..normal.right.len())
        .map(|y| normal.solve(&factor, y))
        .collect();
    Ok(Attempt {
        columns,
        normal,
        factor,
        solutions,
    })
}

/// The largest relative error bound of a variance.
fn relative_variance_error(state: &Attempt) -> f64 {
    let means = state.normal.level_means();
    let mut worst: f64 = 0.0;
    for c in 0..state.columns.map.columns() {
        let f = state.normal.functional(&state.columns.map, c);
        let v = state.normal.variance(&state.factor, &f, &means);
        if v.value > 0.0 {
            worst = worst.max(v.error / v.value);
        }
    }
    worst
}

/// Whether twice the precision is too little for the gram.
fn wants_tsqr(state: &Attempt, tol: f64, accuracy: Accuracy) -> bool {
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
    undecided || smallest < limit
}

/// Householder QR in twice the precision.
fn orthogonal(
    bound: &Bound<'_>,
    state: &Attempt,
    gram: &Gram,
    tol: f64,
    monitor: &dyn Monitor,
    passes: &mut Vec<PassRecord>,
    notes: &mut Vec<String>,
) -> Result<(Attempt, Vec<Vec<Dd>>), ModelError> {
    notes.push("the gram is too ill-conditioned for twice the precision".to_string());
    let columns = state.columns.clone();
    let atoms = gram.atoms();
    let (tsqr, record) = run("tsqr", "f64x2", &bound.rows, monitor, || {
        Tsqr::new(&columns.map, atoms)
    })?;
    passes.push(record);
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
        Attempt {
            columns,
            normal,
            factor,
            solutions,
        },
        coefficients,
    ))
}

#[allow(clippy::too_many_arguments)]
fn finish(
    bound: &Bound<'_>,
    gram: Gram,
    state: Attempt,
    mut coefficients: Vec<Vec<Dd>>,
    steps: Vec<Vec<f64>>,
    mut rss: Vec<Dd>,
    mut last: Last,
    tsqr: bool,
    refinements: u32,
    passes: Vec<PassRecord>,
    notes: Vec<String>,
    dropped: (u64, u64),
) -> Result<LeastSquares, ModelError> {
    let accepted = in_model(&state);
    let Attempt {
        columns,
        normal,
        factor,
        ..
    } = state;
    let map = &columns.map;
    let atoms = gram.atoms();
    let p = map.columns();
    let m = coefficients.len();
    // 1. which columns are aliased
    let aliased: Vec<bool> = accepted.iter().map(|a| !a).collect();
    // 2. variances and error bounds
    let means = normal.level_means();
    let (mut variances, mut relative) = (vec![f64::NAN; p], 0.0f64);
    let mut errors = vec![vec![0.0; p]; m];
    let rough: Vec<f64> = (0..m).map(|y| rss[y].hi.max(0.0).sqrt()).collect();
    // size of a step in the norm that errors of the gram act on
    let reach = normal.matrix.reach(factor.unit);
    let sizes_of_steps: Vec<f64> = steps
        .iter()
        .map(|s| s.iter().zip(&reach).map(|(s, t)| s * t).sum())
        .collect();
    // bound on the norm of what rounding in twice the precision does to the residuals: y and each xβ are rounded
    let exact_unit = UNIT_EXACT * 4.0;
    let blur: Vec<f64> = (0..m)
        .map(|y| {
            let i = atoms.dense + y;
            let own = gram.second(i, i).hi.max(0.0).sqrt();
            exact_unit * (own + normal.fitted_sizes(map, &coefficients[y]))
        })
        .collect();
    // decimal data were rounded to double precision before they came here: each column by at most half a unit in
    // the last place, which moves β by G⁻¹Xᵀ(δy − δX β) + G⁻¹δXᵀr, bounded by norms over the rows
    let half_unit = 0.5 * f64::EPSILON;
    let moved: Vec<f64> = (0..m)
        .map(|y| {
            let own = if gram.rounded[atoms.dense + atoms.extra + y] {
                let i = atoms.dense + y;
                gram.second(i, i).hi.max(0.0).sqrt()
            } else {
                0.0
            };
            let columns = (0..normal.matrix.order)
                .map(|i| coefficients[y][normal.kept[i]].hi.abs() * normal.matrix.roundings[i])
                .sum::<f64>();
            half_unit * (own + columns)
        })
        .collect();
    let mut data_relative = 0.0f64;
    for c in 0..p {
        if aliased[c] {
            continue;
        }
        let f = normal.functional(map, c);
        let v = normal.variance(&factor, &f, &means);
        variances[c] = v.value;
        relative = larger(relative, v.error / v.value.max(f64::MIN_POSITIVE));
        let by_data = 2.0 * half_unit * v.data_spread / v.value.max(f64::MIN_POSITIVE).sqrt();
        data_relative = larger(data_relative, by_data);
        for y in 0..m {
            let error = if factor.orthogonal {
                exact_unit * v.spread * rough[y] + v.value.max(0.0).sqrt() * blur[y]
            } else {
                factor.unit * v.spread * sizes_of_steps[y] + v.whole_spread * blur[y]
            };
            let data = v.value.max(0.0).sqrt() * moved[y] + half_unit * v.data_spread * rough[y];
            // what is printed is rounded to double precision
            errors[y][c] = error + data + 0.5 * f64::EPSILON * coefficients[y][c].hi.abs();
        }
    }
    // 3. units of the data: columns and responses were multiplied with powers of two
    let scales = bound.rows.scales().to_vec();
    let dense_scale = |e: usize| scales.get(e).copied().unwrap_or(1.0);
    let response_scale = |y: usize| scales.get(atoms.dense + atoms.extra + y).copied().unwrap_or(1.0);
    for c in 0..p {
        let s = match map.kinds[c] {
            crate::design::ColumnKind::Intercept => 1.0,
            crate::design::ColumnKind::Dense(e) => dense_scale(e),
            crate::design::ColumnKind::Coded { group, multiplier } => {
                atoms.groups[group].multipliers[multiplier].map_or(1.0, dense_scale)
            }
        };
        variances[c] *= s * s;
        for y in 0..m {
            let t = s / response_scale(y);
            coefficients[y][c] = coefficients[y][c].scale(t);
            errors[y][c] *= t;
        }
    }
    let mut rss_relative: f64 = 0.0;
    for y in 0..m {
        let t = 1.0 / response_scale(y);
        if rss[y].hi > 0.0 {
            // | ‖r + δ‖² − ‖r‖² | ≤ 2 ‖r‖ ‖δ‖ + ‖δ‖²
            let part = (blur[y] + moved[y]) / rss[y].hi.sqrt();
            rss_relative = larger(rss_relative, part * (2.0 + part));
        } else if blur[y] + moved[y] > 0.0 {
            rss_relative = f64::INFINITY;
        }
        rss[y] = if rss[y].hi < 0.0 {
            Dd::ZERO
        } else {
            rss[y].scale(t).scale(t)
        };
        if t != 1.0 {
            for run in &mut last.runs {
                run.values[y].iter_mut().for_each(|r| *r *= t);
            }
        }
    }
    // 4. digits
    let mut worst: f64 = 0.0;
    for y in 0..m {
        for c in (0..p).filter(|&c| !aliased[c]) {
            let b = coefficients[y][c].hi.abs();
            worst = larger(
                worst,
                if errors[y][c] == 0.0 {
                    0.0
                } else {
                    errors[y][c] / b
                },
            );
        }
    }
    // bounds so far are of first order, and relative to what was computed
    let doubt = factor.doubt(&normal.matrix);
    let digits = |relative: f64| {
        let bound = relative / (1.0 - doubt - relative);
        let holds = doubt + relative < 1.0 && bound < 1.0;
        (0.0 - if holds { bound.max(f64::EPSILON / 2.0) } else { 1.0 }.log10()).min(15.9)
    };
    let rank = aliased.iter().filter(|a| !**a).count();
    let has_errors = gram.rows as usize > rank && rank > 0;
    let std_error = 0.5 * (relative + data_relative + rss_relative) + 2.0 * f64::EPSILON;
    let algorithm = match (tsqr, gram.products(), normal.absorbed.is_some()) {
        (true, _, _) => "tsqr",
        (false, _, true) => "cholesky after elimination of a factor",
        (false, _, false) => "cholesky",
    };
    let report = SolveReport {
        algorithm: algorithm.to_string(),
        device: "cpu".to_string(),
        precision: if tsqr || gram.products() == Products::Exact {
            "f64x2".into()
        } else {
            "f64".into()
        },
        condition: condition(&factor),
        digits: Digits {
            coefficients: digits(worst),
            std_errors: has_errors.then(|| digits(std_error)),
        },
        refinements,
        passes,
        notes,
    };
    Ok(LeastSquares {
        counts: (gram.rows, dropped.0, dropped.1),
        fitted: (!bound.rows.roles().offsets.is_empty()).then_some(last.fitted),
        columns,
        gram,
        normal,
        factor,
        coefficients,
        errors,
        aliased,
        rss,
        variances,
        residuals: last.runs,
        histogram: last.histogram,
        report,
        scales,
    })
}
