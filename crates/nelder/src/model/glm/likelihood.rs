//! A maximum of the likelihood and what is known of it: variances, error bounds, criteria.

use faer::Mat;
use nelder_device::Dd;

use super::fisher::FisherResult;
use super::step_equations::column_scales;
use crate::design::{ColumnEncoding, Columns, RowCounts};
use crate::family::{Criterion, Family};
use crate::model::equations::bounds::left_by_range;
use crate::model::equations::solution::{UNIT_EXACT, larger};
use crate::model::warning::Warning;
use crate::model::{AsWritten, Digits, ModelError, ModelFrame, NormalEquations, SolveReport};
use crate::pass::{Gram, Histogram, Products, ResidualRun, ResponseMoments};
use crate::solve::{Factor, condition};

/// A fit by maximum likelihood, or quasi-likelihood.
#[derive(Debug)]
pub struct MaximumLikelihood {
    /// The columns of the model matrix.
    pub columns: Columns,
    /// The family, with θ as estimated.
    pub family: Family,
    /// Map from atoms to the columns of the model matrix, as they were solved.
    pub map: ColumnEncoding,
    /// The gram with the working weights of the last pass.
    pub gram: Gram,
    /// Its normal equations.
    pub normal: NormalEquations,
    /// Their factor.
    pub factor: Factor,
    /// Coefficients by column, in the units of the data; zero where aliased.
    pub coefficients: Vec<Dd>,
    /// Bounds on their absolute errors.
    pub errors: Vec<f64>,
    /// Which columns are aliased.
    pub aliased: Vec<bool>,
    /// Variance over the dispersion of each coefficient, in the units of the data; `NaN` where aliased.
    pub variances: Vec<f64>,
    /// Their roots, which may be in range where the variances are not.
    pub root_variances: Vec<f64>,
    /// Deviance.
    pub deviance: f64,
    /// Deviance of the model with the intercept and the offset alone.
    pub null_deviance: f64,
    /// Σ w (y − μ)² / V.
    pub pearson: f64,
    /// Sums over the responses.
    pub moments: ResponseMoments,
    /// The rows.
    pub counts: RowCounts,
    /// Steps as R counts them.
    pub iterations: u32,
    /// True if the iteration converged.
    pub converged: bool,
    /// True if a step left the family's range or let the deviance overflow, or the maximum is at the edge of the range.
    pub boundary: bool,
    /// Warnings for the user.
    pub warnings: Vec<Warning>,
    /// Deviance residuals in the order of the rows, where they were kept.
    pub residuals: Vec<ResidualRun>,
    /// Their distribution where they were not.
    pub histogram: Vec<Histogram>,
    /// Deviance residuals that their quartiles lie at or between, where residuals stayed on a device.
    pub places: Option<Vec<f64>>,
    /// Record of the computation: algorithm, precision, digits, passes.
    pub report: SolveReport,
    /// Powers of two that columns were multiplied with.
    pub scales: Vec<f64>,
    /// Standard error of θ, where it was estimated.
    pub theta_error: Option<f64>,
    /// Coefficients at which the weights of the gram were formed, in the units of the rows: those before the last step.
    pub(super) weighed_at: Vec<Dd>,
    likelihood: f64,
}

impl MaximumLikelihood {
    /// True if standard errors are meaningful: a maximum was found, and not at the edge of the family's range.
    pub fn is_regular(&self) -> bool {
        !self
            .warnings
            .iter()
            .any(|w| matches!(w, Warning::Edge | Warning::NoMaximum))
    }

    /// (XᵀWX)⁻¹, columns x columns in the units of the data; `NaN` for aliased coefficients, and where the fit is not
    /// [regular](Self::is_regular).
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] beyond 4,000 columns.
    pub fn unscaled_covariance(&self) -> Result<Mat<f64>, ModelError> {
        let mut matrix = self.system().unscaled()?;
        if !self.is_regular() {
            matrix.fill(f64::NAN);
        }
        Ok(matrix)
    }

    /// Builds the fit from the end of an iteration: coefficients in the units of the data, variances, error bounds, digits.
    pub(super) fn new(ended: FisherResult, bound: &ModelFrame<'_>) -> Self {
        let FisherResult {
            columns,
            equations,
            at,
            step,
            size,
            shrinking,
            family,
            iterations,
            converged,
            boundary,
            warnings,
            null_deviance,
            passes,
            counts,
            polished,
            ..
        } = ended;
        let aliased: Vec<bool> = equations.accepted().iter().map(|a| !a).collect();
        let known = equations.variances().to_vec();
        let row_spread = equations.largest_spread(&bound.rows.layout().atoms, &at.sums.ranges);
        let (map, normal, factor) = (equations.map, equations.normal, equations.factor);
        let mut sums = at.sums;
        let p = map.columns();
        let gram = sums
            .gram
            .take()
            .unwrap_or_else(|| Gram::new(&bound.rows.layout().atoms, Products::Rounded));
        let scales = bound.rows.scales().to_vec();
        let by_column = column_scales(&map, gram.atoms(), &scales);
        // 1. variances
        let half_unit = 0.5 * f64::EPSILON;
        let rank = aliased.iter().filter(|a| !**a).count();
        let rows = sums.moments.rows - sums.moments.empty;
        let df = rows.saturating_sub(rank as u64);
        let beta: Vec<Dd> = at.beta.iter().zip(&step).map(|(b, s)| *b + *s).collect();
        // 2. error bounds: what the last step leaves, the rounding of y − μ and of η, the rounding of the data. Each
        //    is a vector over the rows with a norm; a coefficient moves by its standard error times that
        let noise = 4.0 * f64::EPSILON * sums.blur.max(0.0).sqrt();
        let rounded: f64 = normal
            .kept
            .iter()
            .zip(&normal.matrix.roundings)
            .map(|(&c, r)| beta[c].hi.abs() * r)
            .sum::<f64>()
            * half_unit;
        // y − μ of other families is relative to y, so that `noise` has the rounding of y already
        let of_response = match family.is_of_residuals() {
            true => sums.moments.rounding(),
            // an offset moves η: ‖√W δo‖ ≤ √ΣW max |δo|
            false if sums.moments.rounded[1] => {
                half_unit * sums.moments.offset_size * gram.weight.hi.max(0.0).sqrt()
            }
            false => 0.0,
        };
        let blur = UNIT_EXACT * 4.0 * normal.fitted_sizes(&map, &beta);
        // by how much a unit of ‖δ‖ moves a weight, as a share of it
        let [elasticity, by_size] = sums.elasticity();
        let sway = elasticity * row_spread;
        // the last step was added: of a canonical link, what is left of it is the share by which the weights moved
        let unsettled = match (converged && size.is_finite(), family.is_canonical()) {
            (false, _) => f64::INFINITY,
            (true, true) => size * (2.0 * sway * size).min(1.0),
            // steps that shrink by a share ρ each leave ρ / (1 − ρ) of the last one; ρ is known from two steps
            (true, false) => size * (2.0 * shrinking / (1.0 - shrinking)).max(1.0),
        };
        // of the computation, and with the rounding of the data
        let reach = [0.0, rounded + of_response].map(|data| unsettled + noise + data + blur);
        let (mut variances, mut errors) = (vec![f64::NAN; p], vec![0.0; p]);
        let mut root_variances = variances.clone();
        // the rounding of columns acts on the score too: G⁻¹ δXᵀ s
        let pearson = sums.pearson.hi.max(0.0).sqrt();
        // what the units of the data take from answers, and what the range takes from Pearson's statistic
        // where no column is left there is nothing to claim digits of
        let none = if rank == 0 && p > 0 { f64::INFINITY } else { 0.0 };
        // squares of rows below the least normal number are each off by half the least one
        let least = f64::from_bits(1);
        let of_squares = match sums.pearson.hi > 0.0 {
            true => 0.5 * rows as f64 / (sums.pearson.hi / least),
            // an exact fit, or one whose squares are all below the least number
            false => f64::INFINITY,
        };
        let (mut out_of_range, mut errors_out_of_range) = (none, of_squares);
        if family.known_dispersion() || df == 0 {
            errors_out_of_range = 0.0;
        }
        let mut coefficients = vec![Dd::ZERO; p];
        let (mut relative, mut worst) = ([0.0f64; 2], [0.0f64; 2]);
        for c in 0..p {
            let Some(v) = known[c] else { continue };
            let s = by_column[c];
            variances[c] = v.value * s * s;
            root_variances[c] = v.value.max(0.0).sqrt() * s;
            errors_out_of_range = larger(errors_out_of_range, left_by_range(root_variances[c], v.value));
            let by_factor = v.error / v.value.max(f64::MIN_POSITIVE);
            let by_data = 2.0 * half_unit * v.data_spread / v.value.max(f64::MIN_POSITIVE).sqrt();
            relative = [
                larger(relative[0], by_factor),
                larger(relative[1], by_factor + by_data),
            ];
            coefficients[c] = beta[c].scale(s);
            out_of_range = larger(out_of_range, left_by_range(coefficients[c].hi, beta[c].hi));
            let size = coefficients[c].hi.abs();
            let of_score = [0.0, half_unit * v.data_spread * pearson];
            for ((worst, reach), of_score) in worst.iter_mut().zip(reach).zip(of_score) {
                errors[c] = (v.value.max(0.0).sqrt() * reach + of_score) * s + half_unit * size;
                if errors[c] > 0.0 {
                    *worst = larger(*worst, errors[c] / size);
                }
            }
        }
        // 3. digits
        let doubt = factor.doubt(&normal.matrix);
        let digits = |relative: f64| {
            let bound = relative / (1.0 - doubt - relative);
            let holds = doubt + relative < 1.0 && bound < 1.0;
            (0.0 - if holds { bound.max(f64::EPSILON / 2.0) } else { 1.0 }.log10()).min(15.9)
        };
        // the weights are those before the last step, and Pearson's statistic is; each moves with η, and η is rounded
        let std_error = |reach: f64, relative: f64| {
            let away = size + reach;
            let by_weights = larger(0.0, sway * away + half_unit * by_size) + 16.0 * f64::EPSILON;
            let by_dispersion = match family.known_dispersion() {
                true => 0.0,
                false => 2.0 * away / sums.pearson.hi.max(f64::MIN_POSITIVE).sqrt() + by_weights,
            };
            0.5 * (relative + by_weights + by_dispersion)
        };
        let has_errors = rank > 0 && (df > 0 || family.known_dispersion());
        let precision = match gram.products() {
            Products::Exact => "f64x2",
            Products::Single => "f32",
            _ => "f64",
        };
        let algorithm = match normal.absorbed.is_some() {
            true => "fisher scoring by cholesky after elimination of a factor",
            false => "fisher scoring by cholesky",
        };
        let report = SolveReport {
            algorithm: algorithm.to_string(),
            device: crate::model::report::devices(&passes),
            precision: precision.to_string(),
            condition: condition(&factor),
            digits: Digits {
                coefficients: digits(worst[0] + out_of_range),
                std_errors: has_errors
                    .then(|| digits(std_error(reach[0], relative[0]) + errors_out_of_range)),
                as_written: AsWritten {
                    coefficients: digits(worst[1] + out_of_range),
                    std_errors: has_errors
                        .then(|| digits(std_error(reach[1], relative[1]) + errors_out_of_range)),
                },
            },
            computed: bound.computed(&columns.contrasts),
            refinements: polished,
            passes,
            notes: Vec::new(),
        };
        sums.runs.sort_by_key(|r| r.index);
        let theta_error = family
            .estimated
            .then(|| 1.0 / sums.theta[1].hi.max(f64::MIN_POSITIVE).sqrt());
        MaximumLikelihood {
            columns,
            family,
            map,
            gram,
            normal,
            factor,
            coefficients,
            errors,
            aliased,
            variances,
            root_variances,
            deviance: sums.deviance.hi,
            null_deviance,
            pearson: sums.pearson.hi,
            moments: sums.moments,
            counts,
            iterations,
            converged,
            boundary,
            warnings,
            residuals: sums.runs,
            histogram: sums.histogram.into_iter().collect(),
            places: (!sums.places.is_empty()).then_some(sums.places),
            report,
            scales,
            theta_error,
            weighed_at: at.beta,
            likelihood: sums.likelihood.hi,
        }
    }

    /// True where another pass gives the working weights of the gram bit by bit: then 1 − h keeps its digits for h near 1.
    pub(super) fn weighs_the_same(&self) -> bool {
        self.gram.products() == Products::Exact && self.report.passes.iter().all(|pass| pass.device == "cpu")
    }

    /// Number of columns that are not aliased.
    pub fn rank(&self) -> usize {
        self.aliased.iter().filter(|a| !**a).count()
    }

    /// Rows of positive weight.
    pub fn rows(&self) -> u64 {
        self.moments.rows - self.moments.empty
    }

    /// Residual degrees of freedom.
    pub fn df_residual(&self) -> u64 {
        self.rows().saturating_sub(self.rank() as u64)
    }

    /// The dispersion: one where the family knows it, else Pearson's statistic over its degrees of freedom.
    pub fn dispersion(&self) -> f64 {
        match (self.family.known_dispersion(), self.df_residual()) {
            (true, _) => 1.0,
            (false, 0) => f64::NAN,
            (false, df) => self.pearson / df as f64,
        }
    }

    /// Parameters that are estimated beside the coefficients.
    fn extra_parameters(&self) -> f64 {
        match self.family.criterion() {
            Criterion::Gaussian | Criterion::Gamma | Criterion::InverseGaussian => 1.0,
            Criterion::NegativeBinomial if self.family.estimated => 1.0,
            _ => 0.0,
        }
    }

    /// Number of parameters of the likelihood.
    pub fn parameters(&self) -> f64 {
        self.rank() as f64 + self.extra_parameters()
    }

    /// Akaike's criterion as R's `glm` has it; `NaN` for a quasi-likelihood.
    pub fn aic(&self) -> f64 {
        let (dev, n, weight) = (self.deviance, self.rows() as f64, self.moments.weight.hi);
        let tau = std::f64::consts::TAU;
        let own = match self.family.criterion() {
            Criterion::Gaussian => n * ((tau * dev / n).ln() + 1.0) + 2.0 - self.likelihood,
            Criterion::Gamma => {
                let shape = weight / dev;
                // shape log shape − shape − log Γ(shape) = log(shape / 2π) / 2 − D(shape)
                let part = 0.5 * (shape / tau).ln() - nelder_device::special::stirling_error(shape);
                weight * (1.0 - 2.0 * part) + 2.0 * self.likelihood + 2.0
            }
            Criterion::InverseGaussian => {
                weight * ((tau * dev / weight).ln() + 1.0) + 3.0 * self.likelihood + 2.0
            }
            // a value that is no count has no probability
            Criterion::Poisson if !self.moments.counts => f64::INFINITY,
            Criterion::Binomial | Criterion::Poisson => self.likelihood,
            Criterion::NegativeBinomial => self.likelihood + if self.family.estimated { 2.0 } else { 0.0 },
            Criterion::None => f64::NAN,
        };
        own + 2.0 * self.rank() as f64
    }

    /// Log-likelihood as R's `logLik` derives it from the criterion.
    pub fn log_lik(&self) -> f64 {
        self.parameters() - 0.5 * self.aic()
    }

    /// Schwarz's criterion.
    pub fn bic(&self) -> f64 {
        -2.0 * self.log_lik() + (self.rows() as f64).ln() * self.parameters()
    }
}
