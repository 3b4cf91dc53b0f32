//! Error analysis of a solution: variances, bounds on coefficients, digits.

use nelder_device::Dd;

use crate::design::RowCounts;
use crate::pass::{Gram, Histogram, PassRecord, Products, ResidualRun, Residuals};

use super::LeastSquares;
use super::solution::{LeastSquaresSolution, UNIT_EXACT, in_model, larger};
use crate::model::{AsWritten, Digits, ModelError, ModelFrame, SolveReport};

/// Results of the last residual pass: residuals or their histogram, and Σ w f and Σ w f² of the fitted values f.
pub(super) struct Last {
    runs: Vec<ResidualRun>,
    histogram: Vec<Histogram>,
    fitted: Vec<(Dd, Dd)>,
}

impl From<Residuals> for Last {
    fn from(mut last: Residuals) -> Self {
        last.runs.sort_by_key(|r| r.index);
        Last {
            runs: last.runs,
            histogram: last.histogram,
            fitted: last.fitted,
        }
    }
}

/// A solution after its last refinement.
pub(super) struct Solved {
    /// The gram.
    pub gram: Gram,
    /// The equations and their factor.
    pub state: LeastSquaresSolution,
    /// By response and column, in the units of the rows.
    pub coefficients: Vec<Vec<Dd>>,
    /// Sizes of the last step, by response and kept column.
    pub steps: Vec<Vec<f64>>,
    /// Residual sums of squares.
    pub rss: Vec<Dd>,
    /// Residuals.
    pub last: Last,
    /// True if the factor came from a QR decomposition of the rows.
    pub tsqr: bool,
    /// Corrections so far.
    pub refinements: u32,
    /// Passes so far.
    pub passes: Vec<PassRecord>,
    /// Why the computation escalated.
    pub notes: Vec<String>,
    /// The rows.
    pub counts: RowCounts,
}

/// Factors s and t of units, in the order in which their products with a value stay in range longest.
pub(in crate::model) fn in_order(s: f64, t: f64) -> (f64, f64) {
    if (s > 1.0) == (t > 1.0) { (s, t) } else { (t, s) }
}

/// The relative error of a value that was `before` in other units, where it has left the range of normal numbers.
pub(in crate::model) fn left_by_range(value: f64, before: f64) -> f64 {
    const LEAST: f64 = f64::from_bits(1);
    match value.abs() {
        _ if before == 0.0 || before.is_nan() => 0.0,
        size if size == 0.0 || size.is_infinite() => f64::INFINITY,
        size if size < f64::MIN_POSITIVE => 0.5 / (size / LEAST),
        _ => 0.0,
    }
}

impl Solved {
    /// Variances, error bounds and digits, in the units of the data.
    pub fn finish(self, bound: &ModelFrame<'_>) -> Result<LeastSquares, ModelError> {
        let Solved {
            gram,
            state,
            mut coefficients,
            steps,
            mut rss,
            mut last,
            tsqr,
            refinements,
            passes,
            notes,
            counts,
        } = self;
        let accepted = in_model(&state.columns.map, &state.normal, &state.factor);
        let known = state.variances().to_vec();
        let condition = state.condition();
        let LeastSquaresSolution {
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
        let (mut variances, mut relative) = (vec![f64::NAN; p], 0.0f64);
        let mut errors = vec![vec![0.0; p]; m];
        // the same without what the rounding of the data moves
        let mut own_errors = errors.clone();
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
                // weights act on the residuals; y and an offset were rounded before their difference was taken
                let weights = if gram.weights_rounded { rough[y] } else { 0.0 };
                let offset = match bound.rows.roles().offsets.is_empty() {
                    true => 0.0,
                    false => {
                        let i = atoms.dense + y;
                        let less = gram.second(i, i).hi.max(0.0).sqrt();
                        2.0 * (last.fitted[y].1.hi.max(0.0).sqrt() + rough[y]) + less
                    }
                };
                half_unit * (own + columns + weights + offset)
            })
            .collect();
        let mut data_relative = 0.0f64;
        for c in 0..p {
            if aliased[c] {
                continue;
            }
            let v = known[c];
            variances[c] = v.value;
            relative = larger(relative, v.error / v.value.max(f64::MIN_POSITIVE));
            let weights = if gram.weights_rounded { half_unit } else { 0.0 };
            let by_data = 2.0 * half_unit * v.data_spread / v.value.max(f64::MIN_POSITIVE).sqrt() + weights;
            data_relative = larger(data_relative, by_data);
            for y in 0..m {
                let error = if factor.orthogonal {
                    exact_unit * v.spread * rough[y] + v.value.max(0.0).sqrt() * blur[y]
                } else {
                    factor.unit * v.spread * sizes_of_steps[y] + v.whole_spread * blur[y]
                };
                let data = v.value.max(0.0).sqrt() * moved[y] + half_unit * v.data_spread * rough[y];
                // what is printed is rounded to double precision
                own_errors[y][c] = error + 0.5 * f64::EPSILON * coefficients[y][c].hi.abs();
                errors[y][c] = own_errors[y][c] + data;
            }
        }
        // 3. units of the data: columns and responses were multiplied with powers of two
        let at_least_zero = |r: &Dd| if r.hi < 0.0 { Dd::ZERO } else { *r };
        let row_rss: Vec<Dd> = rss.iter().map(at_least_zero).collect();
        let row_variances = variances.clone();
        let (mut out_of_range, mut errors_out_of_range) = (0.0, 0.0);
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
            variances[c] = variances[c] * s * s;
            for y in 0..m {
                // one after the other: their quotient may be out of range where the coefficient is not
                let (first, second) = in_order(s, 1.0 / response_scale(y));
                let own = coefficients[y][c];
                coefficients[y][c] = own.scale(first).scale(second);
                for errors in [&mut errors, &mut own_errors] {
                    errors[y][c] = errors[y][c] * first * second;
                }
                out_of_range = larger(out_of_range, left_by_range(coefficients[y][c].hi, own.hi));
                let std_error = known[c].value.max(0.0).sqrt() * rough[y];
                errors_out_of_range = larger(
                    errors_out_of_range,
                    left_by_range(std_error * first * second, std_error),
                );
            }
        }
        // of the computation, and with the rounding of the data
        let mut rss_relative = [0.0f64; 2];
        for y in 0..m {
            let t = 1.0 / response_scale(y);
            if rss[y].hi > 0.0 {
                // | ‖r + δ‖² − ‖r‖² | ≤ 2 ‖r‖ ‖δ‖ + ‖δ‖²
                for (worst, by) in rss_relative.iter_mut().zip([blur[y], blur[y] + moved[y]]) {
                    let part = by / rss[y].hi.sqrt();
                    *worst = larger(*worst, part * (2.0 + part));
                }
            } else {
                for (worst, by) in rss_relative.iter_mut().zip([blur[y], blur[y] + moved[y]]) {
                    *worst = if by > 0.0 { f64::INFINITY } else { *worst };
                }
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
        let worst_of = |errors: &[Vec<f64>]| {
            let mut worst: f64 = out_of_range;
            for y in 0..m {
                for c in (0..p).filter(|&c| !aliased[c] && errors[y][c] != 0.0) {
                    worst = larger(worst, errors[y][c] / coefficients[y][c].hi.abs());
                }
            }
            worst
        };
        // bounds so far are of first order, and relative to what was computed
        let doubt = factor.doubt(&normal.matrix);
        let digits = |relative: f64| {
            let bound = relative / (1.0 - doubt - relative);
            let holds = doubt + relative < 1.0 && bound < 1.0;
            (0.0 - if holds { bound.max(f64::EPSILON / 2.0) } else { 1.0 }.log10()).min(15.9)
        };
        let rank = aliased.iter().filter(|a| !**a).count();
        let has_errors = gram.rows as usize > rank && rank > 0;
        let [std_error, std_error_written] = [(0.0, rss_relative[0]), (data_relative, rss_relative[1])]
            .map(|(data, rss)| 0.5 * (relative + data + rss) + 2.0 * f64::EPSILON + errors_out_of_range);
        let algorithm = match (tsqr, gram.products(), normal.absorbed.is_some()) {
            (true, _, _) => "tsqr",
            (false, _, true) => "cholesky after elimination of a factor",
            (false, _, false) => "cholesky",
        };
        let report = SolveReport {
            algorithm: algorithm.to_string(),
            device: crate::model::report::devices(&passes),
            precision: match gram.products() {
                _ if tsqr => "f64x2".into(),
                Products::Exact => "f64x2".into(),
                Products::Single => "f32".into(),
                _ => "f64".into(),
            },
            condition,
            digits: Digits {
                coefficients: digits(worst_of(&own_errors)),
                std_errors: has_errors.then(|| digits(std_error)),
                as_written: AsWritten {
                    coefficients: digits(worst_of(&errors)),
                    std_errors: has_errors.then(|| digits(std_error_written)),
                },
            },
            computed: bound.computed(&columns.contrasts),
            refinements,
            passes,
            notes,
        };
        Ok(LeastSquares {
            counts,
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
            row_rss,
            row_variances,
            residuals: last.runs,
            histogram: last.histogram,
            report,
            places: Vec::new(),
            scales,
        })
    }
}
