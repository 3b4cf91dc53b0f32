//! Bounds of the errors of a maximum of the likelihood: what the last step leaves, the rounding of y − μ and of η, the rounding of
//! the data. Each is a vector over the rows with a norm; a coefficient moves by its standard error times that.

use nelder_device::Dd;

use super::fisher::FisherResult;
use crate::model::equations::bounds::{HALF_UNIT, decimal_digits, left_by_range};
use crate::model::equations::solution::{UNIT_EXACT, larger};
use crate::model::{AsWritten, Digits, ModelFrame, SolveReport};
use crate::pass::Products;

/// Norms over the rows, of the computation and with the rounding of the data.
pub(super) struct ErrorBounds {
    /// By how much predictors are off, in units in which a standard error is its coefficient's share.
    reach: [f64; 2],
    /// By how much a unit of ‖δ‖ moves a weight, as a share of it.
    sway: f64,
    /// The same of a relative error of all predictors.
    by_size: f64,
}

impl ErrorBounds {
    pub fn new(ended: &FisherResult, bound: &ModelFrame<'_>) -> Self {
        let (sums, equations, family) = (&ended.at.sums, &ended.equations, &ended.family);
        let (normal, map) = (&equations.normal, &equations.map);
        let beta = ended.coefficients();
        let noise = 4.0 * f64::EPSILON * sums.blur.max(0.0).sqrt();
        let roundings = normal.kept.iter().zip(&normal.matrix.roundings);
        let rounded: f64 = roundings.map(|(&c, r)| beta[c].hi.abs() * r).sum::<f64>() * HALF_UNIT;
        // y − μ of other families is relative to y, so that `noise` has the rounding of y already
        let of_response = match family.is_of_residuals() {
            true => sums.moments.rounding(),
            // an offset moves η: ‖√W δo‖ ≤ √ΣW max |δo|
            false if sums.moments.rounded[1] => {
                let weight = sums.gram.as_ref().map_or(0.0, |gram| gram.weight.hi);
                HALF_UNIT * sums.moments.offset_size * weight.max(0.0).sqrt()
            }
            false => 0.0,
        };
        let blur = UNIT_EXACT * 4.0 * normal.fitted_sizes(map, &beta);
        let [elasticity, by_size] = sums.elasticity();
        let row_spread = equations.largest_spread(&bound.rows.layout().atoms, &sums.ranges);
        let sway = elasticity * row_spread;
        let (size, shrinking) = (ended.size, ended.shrinking);
        // the last step was added: of a canonical link, what is left of it is the share by which the weights moved
        let unsettled = match (ended.converged && size.is_finite(), family.is_canonical()) {
            (false, _) => f64::INFINITY,
            (true, true) => size * (2.0 * sway * size).min(1.0),
            // steps that shrink by a share ρ each leave ρ / (1 − ρ) of the last one; ρ is known from two steps
            (true, false) => size * (2.0 * shrinking / (1.0 - shrinking)).max(1.0),
        };
        ErrorBounds {
            reach: [0.0, rounded + of_response].map(|data| unsettled + noise + data + blur),
            sway,
            by_size,
        }
    }

    /// Decimal digits of the worst coefficient and standard error.
    pub fn digits(&self, ended: &FisherResult, found: &ColumnBounds, (rank, df): (usize, u64)) -> Digits {
        let (pearson, family) = (ended.at.sums.pearson.hi, &ended.family);
        let doubt = ended.equations.factor.doubt(&ended.equations.normal.matrix);
        let digits = |relative: f64| decimal_digits(relative, doubt);
        // the weights are those before the last step, and Pearson's statistic is; each moves with η, and η is rounded
        let std_error = |reach: f64, relative: f64| {
            let away = ended.size + reach;
            let by_weights = larger(0.0, self.sway * away + HALF_UNIT * self.by_size) + 16.0 * f64::EPSILON;
            let by_dispersion = match family.known_dispersion() {
                true => 0.0,
                false => 2.0 * away / pearson.max(f64::MIN_POSITIVE).sqrt() + by_weights,
            };
            0.5 * (relative + by_weights + by_dispersion)
        };
        let has_errors = rank > 0 && (df > 0 || family.known_dispersion());
        let [coefficients, std_errors] = found.out_of_range;
        let of_errors =
            |k: usize| has_errors.then(|| digits(std_error(self.reach[k], found.relative[k]) + std_errors));
        Digits {
            coefficients: digits(found.worst[0] + coefficients),
            std_errors: of_errors(0),
            as_written: AsWritten {
                coefficients: digits(found.worst[1] + coefficients),
                std_errors: of_errors(1),
            },
        }
    }
}

/// Coefficients and variances by column in the units of the data, with their errors.
pub(super) struct ColumnBounds {
    pub coefficients: Vec<Dd>,
    /// `NaN` where aliased.
    pub variances: Vec<f64>,
    pub root_variances: Vec<f64>,
    /// Absolute errors of the coefficients, with the rounding of the data.
    pub errors: Vec<f64>,
    /// Largest relative errors of a variance, of the computation and with the rounding of the data.
    relative: [f64; 2],
    /// The same of a coefficient.
    worst: [f64; 2],
    /// Relative errors of the coefficients, and of the standard errors, that left the range of normal numbers in their units.
    out_of_range: [f64; 2],
}

impl ColumnBounds {
    pub fn new(
        ended: &FisherResult,
        bounds: &ErrorBounds,
        by_column: &[f64],
        (rank, df): (usize, u64),
    ) -> Self {
        let (sums, p) = (&ended.at.sums, by_column.len());
        let mut out = ColumnBounds {
            coefficients: vec![Dd::ZERO; p],
            variances: vec![f64::NAN; p],
            root_variances: vec![f64::NAN; p],
            errors: vec![0.0; p],
            relative: [0.0; 2],
            worst: [0.0; 2],
            out_of_range: [0.0; 2],
        };
        // where no column is left there is nothing to claim digits of
        let none = if rank == 0 && p > 0 { f64::INFINITY } else { 0.0 };
        // squares of rows below the least normal number are each off by half the least one
        let rows = sums.moments.rows - sums.moments.empty;
        let of_squares = match sums.pearson.hi > 0.0 {
            _ if ended.family.known_dispersion() || df == 0 => 0.0,
            true => 0.5 * rows as f64 / (sums.pearson.hi / f64::from_bits(1)),
            // an exact fit, or one whose squares are all below the least number
            false => f64::INFINITY,
        };
        let [mut of_coefficients, mut of_errors] = [none, of_squares];
        // the rounding of columns acts on the score too: G⁻¹ δXᵀ s
        let pearson = sums.pearson.hi.max(0.0).sqrt();
        let beta = ended.coefficients();
        for (c, known) in ended.equations.variances().iter().enumerate() {
            let Some(v) = known else { continue };
            let s = by_column[c];
            out.variances[c] = v.value * s * s;
            out.root_variances[c] = v.value.max(0.0).sqrt() * s;
            of_errors = larger(of_errors, left_by_range(out.root_variances[c], v.value));
            let by_factor = v.error / v.value.max(f64::MIN_POSITIVE);
            let by_data = 2.0 * HALF_UNIT * v.data_spread / v.value.max(f64::MIN_POSITIVE).sqrt();
            for (worst, relative) in out.relative.iter_mut().zip([by_factor, by_factor + by_data]) {
                *worst = larger(*worst, relative);
            }
            out.coefficients[c] = beta[c].scale(s);
            let size = out.coefficients[c].hi.abs();
            of_coefficients = larger(of_coefficients, left_by_range(out.coefficients[c].hi, beta[c].hi));
            let of_score = [0.0, HALF_UNIT * v.data_spread * pearson];
            for ((worst, reach), of_score) in out.worst.iter_mut().zip(bounds.reach).zip(of_score) {
                out.errors[c] = (v.value.max(0.0).sqrt() * reach + of_score) * s + HALF_UNIT * size;
                if out.errors[c] > 0.0 {
                    *worst = larger(*worst, out.errors[c] / size);
                }
            }
        }
        out.out_of_range = [of_coefficients, of_errors];
        out
    }
}

/// The report of the computation.
pub(super) fn report_of(ended: &FisherResult, bound: &ModelFrame<'_>, digits: Digits) -> SolveReport {
    let equations = &ended.equations;
    let products = ended.at.sums.gram.as_ref().map(|gram| gram.products());
    let precision = match products {
        Some(Products::Exact) => "f64x2",
        Some(Products::Single) => "f32",
        _ => "f64",
    };
    let algorithm = match equations.normal.absorbed.is_some() {
        true => "fisher scoring by cholesky after elimination of a factor",
        false => "fisher scoring by cholesky",
    };
    SolveReport {
        crossed: None,
        algorithm: algorithm.to_string(),
        device: crate::model::report::devices(&ended.passes),
        precision: precision.to_string(),
        condition: crate::solve::condition(&equations.factor),
        digits,
        computed: bound.computed(&ended.columns.contrasts),
        refinements: ended.polished,
        passes: ended.passes.clone(),
        notes: Vec::new(),
    }
}
