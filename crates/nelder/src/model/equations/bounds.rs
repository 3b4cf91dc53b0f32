//! Error analysis of a solution: variances, bounds on coefficients, digits.

use nelder_device::Dd;

use crate::design::RowCounts;
use crate::pass::{Gram, Histogram, PassRecord, Products, ResidualRun, Residuals};

use super::solution::{LeastSquaresSolution, UNIT_EXACT, in_model, larger};
use super::{Crossed, LeastSquares};
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
    /// Bounds on the energies of the errors that conjugate gradients left of it, by response; zero without a second factor.
    pub energies: Vec<f64>,
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

/// Bounds of errors by column, to first order.
struct ErrorBounds {
    /// Variances over σ², in the units of the rows and then of the data; `NaN` where aliased.
    variances: Vec<f64>,
    /// Absolute errors of the coefficients, by response and column: of the computation.
    own: Vec<Vec<f64>>,
    /// The same with the rounding of the data.
    written: Vec<Vec<f64>>,
    /// Largest relative error of a variance.
    relative: f64,
    /// Largest relative error of a variance by the rounding of the data.
    by_data: f64,
    /// Relative errors of the coefficients, and of the standard errors, that left the range of normal numbers in their units.
    out_of_range: [f64; 2],
}

/// Half a unit in the last place, relative.
pub(in crate::model) const HALF_UNIT: f64 = 0.5 * f64::EPSILON;
/// Decimal digits that a relative error of first order leaves, where the factor's own is `doubt`.
pub(in crate::model) fn decimal_digits(relative: f64, doubt: f64) -> f64 {
    let bound = relative / (1.0 - doubt - relative);
    let holds = doubt + relative < 1.0 && bound < 1.0;
    (0.0 - if holds { bound.max(f64::EPSILON / 2.0) } else { 1.0 }.log10()).min(15.9)
}

/// Relative error of a sum whose terms are rounded in twice the precision.
const EXACT_UNIT: f64 = UNIT_EXACT * 4.0;

impl Solved {
    /// Variances, error bounds and digits, in the units of the data.
    pub fn finish(mut self, bound: &ModelFrame<'_>) -> Result<LeastSquares, ModelError> {
        let (state, atoms) = (&self.state, self.gram.atoms());
        // 1. which columns are aliased
        let accepted = in_model(&state.columns.map, &state.normal, &state.factor);
        let aliased: Vec<bool> = accepted.iter().map(|a| !a).collect();
        // 2. variances and error bounds
        let (blur, moved) = (self.blur(), self.moved(bound));
        let mut bounds = self.error_bounds(&aliased, &blur, &moved);
        let relative_rss = self.relative_rss(&blur, &moved);
        // 3. units of the data: columns and responses were multiplied with powers of two
        let at_least_zero = |r: &Dd| if r.hi < 0.0 { Dd::ZERO } else { *r };
        let row_rss: Vec<Dd> = self.rss.iter().map(at_least_zero).collect();
        let row_variances = bounds.variances.clone();
        let scales = bound.rows.scales().to_vec();
        let first = atoms.dense + atoms.extra;
        let inverse: Vec<f64> = (first..first + self.rss.len())
            .map(|y| 1.0 / scales.get(y).copied().unwrap_or(1.0))
            .collect();
        self.change_units(&mut bounds, &scales, &inverse);
        for (y, &t) in inverse.iter().enumerate() {
            self.rss[y] = row_rss[y].scale(t).scale(t);
            if t != 1.0 {
                let values = self.last.runs.iter_mut().flat_map(|run| &mut run.values[y]);
                values.for_each(|r| *r *= t);
            }
        }
        // 4. digits
        let digits = self.digits(&aliased, &bounds, relative_rss);
        let report = self.report(bound, digits);
        let LeastSquaresSolution {
            columns,
            normal,
            factor,
            ..
        } = self.state;
        Ok(LeastSquares {
            counts: self.counts,
            fitted: (!bound.rows.roles().offsets.is_empty()).then_some(self.last.fitted),
            columns,
            gram: self.gram,
            normal,
            factor,
            coefficients: self.coefficients,
            errors: bounds.written,
            aliased,
            rss: self.rss,
            variances: bounds.variances,
            row_rss,
            row_variances,
            residuals: self.last.runs,
            histogram: self.last.histogram,
            report,
            places: Vec::new(),
            scales,
        })
    }

    /// Root of the sum of squares of a response.
    fn size_of_response(&self, y: usize) -> f64 {
        let i = self.gram.atoms().dense + y;
        self.gram.second(i, i).hi.max(0.0).sqrt()
    }

    /// Norm of the residuals of a response.
    fn size_of_residuals(&self, y: usize) -> f64 {
        self.rss[y].hi.max(0.0).sqrt()
    }

    /// Bounds on the norm of what rounding in twice the precision does to the residuals: y and each xβ are rounded.
    fn blur(&self) -> Vec<f64> {
        let (normal, map) = (&self.state.normal, &self.state.columns.map);
        let of =
            |(y, b): (usize, &Vec<Dd>)| EXACT_UNIT * (self.size_of_response(y) + normal.fitted_sizes(map, b));
        self.coefficients.iter().enumerate().map(of).collect()
    }

    /// Norms of what the rounding of decimal data to double precision moves before they come here: each column by at most half a unit
    /// in the last place, which moves β by G⁻¹Xᵀ(δy − δX β) + G⁻¹δXᵀr, bounded by norms over the rows.
    fn moved(&self, bound: &ModelFrame<'_>) -> Vec<f64> {
        let (gram, normal) = (&self.gram, &self.state.normal);
        let first = gram.atoms().dense + gram.atoms().extra;
        let of = |(y, b): (usize, &Vec<Dd>)| {
            let own = match gram.rounded[first + y] {
                true => self.size_of_response(y),
                false => 0.0,
            };
            let columns: f64 = (0..normal.matrix.order)
                .map(|i| b[normal.kept[i]].hi.abs() * normal.matrix.roundings[i])
                .sum();
            let residuals = self.size_of_residuals(y);
            // weights act on the residuals; y and an offset were rounded before their difference was taken
            let weights = if gram.weights_rounded { residuals } else { 0.0 };
            let offset = match bound.rows.roles().offsets.is_empty() {
                true => 0.0,
                false => {
                    let fitted = self.last.fitted[y].1.hi.max(0.0).sqrt();
                    2.0 * (fitted + residuals) + self.size_of_response(y)
                }
            };
            HALF_UNIT * (own + columns + weights + offset)
        };
        self.coefficients.iter().enumerate().map(of).collect()
    }

    /// Variances and errors in the units of the rows.
    fn error_bounds(&self, aliased: &[bool], blur: &[f64], moved: &[f64]) -> ErrorBounds {
        let (p, m) = (aliased.len(), self.coefficients.len());
        let factor = &self.state.factor;
        // size of a step in the norm that errors of the gram act on
        let reach = self.state.normal.matrix.reach(factor.unit);
        let sizes_of_steps: Vec<f64> = (self.steps.iter())
            .map(|s| s.iter().zip(&reach).map(|(s, t)| s * t).sum())
            .collect();
        let mut bounds = ErrorBounds {
            variances: vec![f64::NAN; p],
            own: vec![vec![0.0; p]; m],
            written: vec![vec![0.0; p]; m],
            relative: 0.0,
            by_data: 0.0,
            out_of_range: [0.0; 2],
        };
        let weights = match self.gram.weights_rounded {
            true => HALF_UNIT,
            false => 0.0,
        };
        let known = self.state.variances();
        let excess = self.state.normal.crossed.as_ref().map_or(0.0, |c| c.excess);
        for (c, v) in known.iter().enumerate().filter(|(c, _)| !aliased[*c]) {
            if !v.is_known() {
                // levels of two crossed factors: estimates, of which nothing is claimed
                (0..m).for_each(|y| (bounds.own[y][c], bounds.written[y][c]) = (f64::NAN, f64::NAN));
                continue;
            }
            bounds.variances[c] = v.value;
            bounds.relative = larger(bounds.relative, v.error / v.value.max(f64::MIN_POSITIVE));
            let by_data = 2.0 * HALF_UNIT * v.data_spread / v.value.max(f64::MIN_POSITIVE).sqrt() + weights;
            bounds.by_data = larger(bounds.by_data, by_data);
            for y in 0..m {
                let residuals = self.size_of_residuals(y);
                let error = if factor.orthogonal {
                    EXACT_UNIT * v.spread * residuals + v.value.max(0.0).sqrt() * blur[y]
                } else {
                    // a step's error by conjugate gradients: in the kept columns' right sides, and in the levels of the intercept
                    let energy = self.energies[y].sqrt();
                    let by_levels = v.spread * excess.sqrt() * energy + self.own_spread(c) * energy;
                    factor.unit * v.spread * sizes_of_steps[y] + v.whole_spread * blur[y] + by_levels
                };
                let data = v.value.max(0.0).sqrt() * moved[y] + HALF_UNIT * v.data_spread * residuals;
                // what is printed is rounded to double precision
                bounds.own[y][c] = error + HALF_UNIT * self.coefficients[y][c].hi.abs();
                bounds.written[y][c] = bounds.own[y][c] + data;
            }
        }
        bounds
    }

    /// √ of the variance that the intercept has of levels alone, where two factors are eliminated; zero of any other column.
    fn own_spread(&self, c: usize) -> f64 {
        let crossed = self.state.normal.crossed.as_ref().filter(|_| c == 0);
        let intercept = crossed.and_then(|c| c.intercept.as_ref());
        intercept.map_or(0.0, |i| i.own.max(0.0).sqrt())
    }

    /// Relative errors of the residual sums of squares, of the computation and with the rounding of the data:
    /// | ‖r + δ‖² − ‖r‖² | ≤ 2 ‖r‖ ‖δ‖ + ‖δ‖².
    fn relative_rss(&self, blur: &[f64], moved: &[f64]) -> [f64; 2] {
        let mut relative = [0.0f64; 2];
        for y in 0..self.rss.len() {
            for (worst, by) in relative.iter_mut().zip([blur[y], blur[y] + moved[y]]) {
                if self.rss[y].hi > 0.0 {
                    let part = by / self.rss[y].hi.sqrt();
                    // the gain of the last step, at most 1e-9 of the sum, is known to √(gain · energy)
                    let gain = 4e-5 * (self.energies[y] / self.rss[y].hi).sqrt();
                    *worst = larger(*worst, part * (2.0 + part) + gain);
                } else if by > 0.0 {
                    *worst = f64::INFINITY;
                }
            }
        }
        relative
    }

    /// Coefficients, variances and bounds in the units of the data, `inverse` by response being one over its scale.
    fn change_units(&mut self, bounds: &mut ErrorBounds, scales: &[f64], inverse: &[f64]) {
        let map = &self.state.columns.map;
        let known = self.state.variances();
        for (c, s) in map
            .column_scales(self.gram.atoms(), scales)
            .into_iter()
            .enumerate()
        {
            bounds.variances[c] = bounds.variances[c] * s * s;
            for (y, &t) in inverse.iter().enumerate() {
                // one after the other: their quotient may be out of range where the coefficient is not
                let (first, second) = in_order(s, t);
                let own = self.coefficients[y][c];
                let scaled = own.scale(first).scale(second);
                self.coefficients[y][c] = scaled;
                for errors in [&mut bounds.own, &mut bounds.written] {
                    errors[y][c] = errors[y][c] * first * second;
                }
                if !known[c].is_known() {
                    continue;
                }
                let std_error = known[c].value.max(0.0).sqrt() * self.rss[y].hi.max(0.0).sqrt();
                let [coefficients, std_errors] = &mut bounds.out_of_range;
                *coefficients = larger(*coefficients, left_by_range(scaled.hi, own.hi));
                *std_errors = larger(*std_errors, left_by_range(std_error * first * second, std_error));
            }
        }
    }

    /// Decimal digits of the worst coefficient and standard error. Bounds so far are of first order, and relative to what was computed.
    fn digits(&self, aliased: &[bool], bounds: &ErrorBounds, relative_rss: [f64; 2]) -> Digits {
        let [out_of_range, errors_out_of_range] = bounds.out_of_range;
        let known = self.state.variances();
        let worst_of = |errors: &[Vec<f64>]| {
            let mut worst: f64 = out_of_range;
            for (errors, coefficients) in errors.iter().zip(&self.coefficients) {
                for c in
                    (0..aliased.len()).filter(|&c| !aliased[c] && known[c].is_known() && errors[c] != 0.0)
                {
                    worst = larger(worst, errors[c] / coefficients[c].hi.abs());
                }
            }
            worst
        };
        let doubt = self.state.factor.doubt(&self.state.normal.matrix);
        let digits = |relative: f64| decimal_digits(relative, doubt);
        let rank = aliased.iter().filter(|a| !**a).count();
        let has_errors = self.gram.rows as usize > rank && rank > 0;
        let [std_error, std_error_written] =
            [(0.0, relative_rss[0]), (bounds.by_data, relative_rss[1])].map(|(data, rss)| {
                0.5 * (bounds.relative + data + rss) + 2.0 * f64::EPSILON + errors_out_of_range
            });
        Digits {
            coefficients: digits(worst_of(&bounds.own)),
            std_errors: has_errors.then(|| digits(std_error)),
            as_written: AsWritten {
                coefficients: digits(worst_of(&bounds.written)),
                std_errors: has_errors.then(|| digits(std_error_written)),
            },
        }
    }

    /// The report of the computation.
    fn report(&mut self, bound: &ModelFrame<'_>, digits: Digits) -> SolveReport {
        let algorithm = match (self.tsqr, self.state.normal.absorbed.is_some()) {
            (true, _) => "tsqr",
            (false, true) if self.state.normal.crossed.is_some() => {
                "cholesky after elimination of two factors by conjugate gradients"
            }
            (false, true) => "cholesky after elimination of a factor",
            (false, false) => "cholesky",
        };
        let crossed = self.state.normal.crossed.as_ref().map(Crossed::report);
        self.notes.extend(crossed.map(|crossed| crossed.sentence()));
        SolveReport {
            crossed,
            algorithm: algorithm.to_string(),
            device: crate::model::report::devices(&self.passes),
            precision: match self.gram.products() {
                _ if self.tsqr => "f64x2".into(),
                Products::Exact => "f64x2".into(),
                Products::Single => "f32".into(),
                _ => "f64".into(),
            },
            condition: self.state.condition(),
            digits,
            computed: bound.computed(&self.state.columns.contrasts),
            refinements: self.refinements,
            passes: std::mem::take(&mut self.passes),
            notes: std::mem::take(&mut self.notes),
        }
    }
}
