//! A linear model as a fitted model of one response.

use super::{Lm, LmSpec, Response};
use crate::design::{Columns, RowCounts};
use crate::model::equations::fitted::ScaledMatrix;
use crate::model::inference::row_model::RowModel;
use crate::model::{
    Covariance, Dispersion, FittedEquations, ModelError, ModelFrame, Regression, SolveReport, Vcov,
};

/// One response of a linear model: a fitted model of its own.
#[derive(Clone, Copy)]
pub struct LmResponse<'a, 's> {
    pub(super) fit: &'a Lm<'s>,
    pub(super) response: usize,
}

impl<'a> LmResponse<'a, '_> {
    /// Estimates of the response.
    pub fn estimates(&self) -> &'a Response {
        &self.fit.responses[self.response]
    }
}

/// A linear model and the number of a response: [`Lm`] stands for its first.
pub trait OneResponse: Sync {
    /// The model and the number.
    fn of(&self) -> (&Lm<'_>, usize);
}

impl OneResponse for LmResponse<'_, '_> {
    fn of(&self) -> (&Lm<'_>, usize) {
        (self.fit, self.response)
    }
}

impl OneResponse for Lm<'_> {
    fn of(&self) -> (&Lm<'_>, usize) {
        (self, 0)
    }
}

impl<'s> Lm<'s> {
    /// The fitted model of a response.
    ///
    /// # Errors
    /// A response that is not there.
    pub fn response(&self, response: usize) -> Result<LmResponse<'_, 's>, ModelError> {
        match response < self.responses.len() {
            true => Ok(LmResponse { fit: self, response }),
            false => Err(ModelError::Argument {
                argument: "response".into(),
                why: format!(
                    "there is no response {response}: the model has {}",
                    self.responses.len()
                ),
            }),
        }
    }

    /// The fitted models of all responses.
    pub fn each(&self) -> Vec<LmResponse<'_, 's>> {
        let all = 0..self.responses.len();
        all.map(|response| LmResponse { fit: self, response }).collect()
    }
}

/// Estimates of the response.
fn own<T: OneResponse>(model: &T) -> &Response {
    let (fit, y) = model.of();
    &fit.responses[y]
}

impl<T: OneResponse> Regression for T {
    fn coef(&self) -> &[f64] {
        &own(self).coefficients
    }

    fn stderror(&self) -> &[f64] {
        &own(self).std_errors
    }

    fn columns(&self) -> &Columns {
        &self.of().0.fit.columns
    }

    fn counts(&self) -> &RowCounts {
        &self.of().0.fit.counts
    }

    fn nobs(&self) -> u64 {
        self.of().0.rows()
    }

    fn rank(&self) -> usize {
        self.of().0.rank
    }

    fn dof(&self) -> f64 {
        self.rank() as f64 + 1.0
    }

    fn dof_residual(&self) -> u64 {
        self.of().0.df_residual
    }

    fn dof_tests(&self, _: bool) -> f64 {
        self.dof_residual() as f64
    }

    fn deviance(&self) -> f64 {
        own(self).rss
    }

    fn nulldeviance(&self) -> f64 {
        own(self).null
    }

    fn loglikelihood(&self) -> f64 {
        own(self).log_lik
    }

    fn aic(&self) -> f64 {
        -2.0 * self.loglikelihood() + 2.0 * self.dof()
    }

    fn dispersion(&self) -> Dispersion {
        let sigma = own(self).sigma;
        Dispersion {
            value: sigma * sigma,
            known: false,
        }
    }

    fn design(&self) -> &LmSpec {
        &self.of().0.spec
    }

    fn frame(&self) -> &ModelFrame<'_> {
        &self.of().0.bound
    }

    fn equations(&self) -> FittedEquations<'_> {
        self.of().0.fit.system()
    }

    fn row_model(&self) -> Box<dyn RowModel + '_> {
        let (fit, response) = self.of();
        Box::new(LmResponse { fit, response })
    }

    /// σ² (XᵀWX)⁻¹ in the units of the rows, whose squares are in range.
    fn model_covariance(&self) -> Result<Covariance, ModelError> {
        let (fit, y) = (&self.of().0.fit, self.of().1);
        let mut matrix = fit.system().unscaled_of_rows()?;
        let diagonal = fit.row_variances.iter().enumerate();
        diagonal.for_each(|(c, v)| matrix[(c, c)] = *v);
        let variance = fit.row_rss[y].hi / self.dof_residual() as f64;
        matrix
            .row_iter_mut()
            .for_each(|row| row.iter_mut().for_each(|v| *v *= variance));
        let exponents = vec![0; matrix.nrows()];
        let scales = (&fit.column_scales()[..], fit.response_scale(y));
        let matrix = ScaledMatrix { matrix, exponents };
        let found = Covariance::of_rows(&Vcov::Iid, matrix, scales, None, Vec::new());
        Ok(found.with_std_errors(self.stderror().to_vec()))
    }

    fn report(&self) -> &SolveReport {
        &self.of().0.fit.report
    }
}
