//! A maximum of the likelihood and what is known of it: variances, error bounds, criteria.

use nelder_device::Dd;

use super::error_bounds::{ColumnBounds, ErrorBounds, report_of};
use super::fisher::FisherResult;
use crate::design::{ColumnEncoding, Columns, RowCounts};
use crate::family::{Criterion, Family};
use crate::model::warning::Warning;
use crate::model::{FittedEquations, ModelFrame, NormalEquations, SolveReport};
use crate::pass::{Gram, Histogram, Products, ResidualRun, ResponseMoments};
use crate::solve::Factor;

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

    /// The solved equations.
    pub fn system(&self) -> FittedEquations<'_> {
        FittedEquations {
            map: &self.map,
            normal: &self.normal,
            factor: &self.factor,
            gram: &self.gram,
            aliased: &self.aliased,
            scales: &self.scales,
            variances: &self.variances,
        }
    }

    /// Coefficients in the units in which rows are delivered.
    pub(in crate::model) fn scaled_coefficients(&self) -> Vec<Dd> {
        self.system().of_rows(&self.coefficients, 1.0)
    }

    /// Builds the fit from the end of an iteration: coefficients in the units of the data, variances, error bounds, digits.
    pub(super) fn new(ended: FisherResult, bound: &ModelFrame<'_>) -> Self {
        let aliased: Vec<bool> = ended.equations.accepted().iter().map(|a| !a).collect();
        let rank = aliased.iter().filter(|a| !**a).count();
        let moments = &ended.at.sums.moments;
        let df = (moments.rows - moments.empty).saturating_sub(rank as u64);
        let scales = bound.rows.scales().to_vec();
        let atoms = &bound.rows.layout().atoms;
        let by_column = ended.equations.map.column_scales(atoms, &scales);
        // 1. error bounds  2. variances and errors by column  3. digits
        let errors = ErrorBounds::new(&ended, bound);
        let found = ColumnBounds::new(&ended, &errors, &by_column, (rank, df));
        let report = report_of(&ended, bound, errors.digits(&ended, &found, (rank, df)));
        let FisherResult {
            columns,
            equations,
            at,
            family,
            ..
        } = ended;
        let mut sums = at.sums;
        sums.runs.sort_by_key(|r| r.index);
        let information = sums.theta[1].hi.max(f64::MIN_POSITIVE);
        MaximumLikelihood {
            columns,
            family,
            gram: (sums.gram).unwrap_or_else(|| Gram::new(atoms, Products::Rounded)),
            map: equations.map,
            normal: equations.normal,
            factor: equations.factor,
            coefficients: found.coefficients,
            errors: found.errors,
            aliased,
            variances: found.variances,
            root_variances: found.root_variances,
            deviance: sums.deviance.hi,
            null_deviance: ended.null_deviance,
            pearson: sums.pearson.hi,
            moments: sums.moments,
            counts: ended.counts,
            iterations: ended.iterations,
            converged: ended.converged,
            boundary: ended.boundary,
            warnings: ended.warnings,
            residuals: sums.runs,
            histogram: sums.histogram.into_iter().collect(),
            places: (!sums.places.is_empty()).then_some(sums.places),
            report,
            scales,
            theta_error: family.estimated.then(|| 1.0 / information.sqrt()),
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
}
