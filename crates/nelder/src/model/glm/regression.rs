//! A generalized linear model as a fitted model.

use super::Glm;
use super::rows::ScoredRows;
use crate::design::{Columns, RowCounts};
use crate::family::{Family, Trials};
use crate::model::inference::row_model::RowModel;
use crate::model::{
    Covariance, Dispersion, FittedEquations, Inference, LmSpec, ModelError, ModelFrame, Regression,
    SolveReport, Vcov, Warning,
};

impl Regression for Glm<'_> {
    fn coef(&self) -> &[f64] {
        &self.coefficients
    }

    fn stderror(&self) -> &[f64] {
        &self.std_errors
    }

    fn columns(&self) -> &Columns {
        &self.fit.columns
    }

    fn counts(&self) -> &RowCounts {
        &self.fit.counts
    }

    fn nobs(&self) -> u64 {
        self.fit.rows()
    }

    fn dof(&self) -> f64 {
        self.fit.parameters()
    }

    fn dof_residual(&self) -> u64 {
        self.fit.df_residual()
    }

    fn dof_tests(&self, robust: bool) -> f64 {
        match robust || self.fit.family.known_dispersion() {
            true => f64::INFINITY,
            false => self.dof_residual() as f64,
        }
    }

    fn deviance(&self) -> f64 {
        self.fit.deviance
    }

    fn nulldeviance(&self) -> f64 {
        self.fit.null_deviance
    }

    fn loglikelihood(&self) -> f64 {
        self.fit.log_lik()
    }

    fn aic(&self) -> f64 {
        self.fit.aic()
    }

    fn dispersion(&self) -> Dispersion {
        Dispersion {
            value: self.dispersion,
            known: self.fit.family.known_dispersion(),
        }
    }

    fn family(&self) -> Option<(&Family, Trials)> {
        let counts = self.bound.rows.layout().atoms.responses == 2;
        let weights = self.spec.design.weights.is_some();
        Some((
            &self.fit.family,
            Trials::of(counts, weights, self.fit.moments.binary),
        ))
    }

    fn design(&self) -> &LmSpec {
        &self.spec.design
    }

    fn frame(&self) -> &ModelFrame<'_> {
        &self.bound
    }

    fn equations(&self) -> FittedEquations<'_> {
        self.fit.system()
    }

    fn row_model(&self) -> Box<dyn RowModel + '_> {
        Box::new(ScoredRows::new(self))
    }

    /// φ (XᵀWX)⁻¹
    fn model_covariance(&self) -> Result<Covariance, ModelError> {
        let mut matrix = self.unscaled_covariance()?;
        matrix
            .row_iter_mut()
            .for_each(|row| row.iter_mut().for_each(|v| *v *= self.dispersion));
        let errors = self.std_errors.clone();
        Ok(Covariance::new(&Vcov::Iid, matrix, errors, None, Vec::new()))
    }

    fn report(&self) -> &SolveReport {
        &self.fit.report
    }

    fn warnings(&self) -> &[Warning] {
        &self.fit.warnings
    }

    fn is_regular(&self) -> bool {
        self.fit.is_regular()
    }
}
