//! Answers of any fitted model, written once on its records.

use faer::Mat;

use super::{Covariance, Detail, Influence, Regression, ResidualKind, Vcov, deletion, sandwich};
use crate::model::ModelError;
use crate::pass::Monitor;

/// Inference from a fitted model.
pub trait Inference: Regression {
    /// (XᵀWX)⁻¹, columns x columns in the units of the data; `NaN` in rows and columns of aliased coefficients, and where the fit is
    /// not [regular](Regression::is_regular). R's `summary(fit)$cov.unscaled`, with the aliased.
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] where matrices of its order have no room.
    fn unscaled_covariance(&self) -> Result<Mat<f64>, ModelError> {
        let mut matrix = self.equations().unscaled()?;
        if !self.is_regular() {
            matrix.fill(f64::NAN);
        }
        Ok(matrix)
    }

    /// A covariance of the coefficients. `Iid` takes no pass, the others one.
    ///
    /// ```
    /// use nelder::family::Family;
    /// use nelder::frame::Frame;
    /// use nelder::model::{GlmSpec, Inference, Vcov, glm};
    /// use nelder::pass::NoProgress;
    /// let (x, y) = ([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 3.0, 8.0]);
    /// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    /// let fit = glm(&GlmSpec::new("y ~ x", Family::poisson()), &frame, &NoProgress).unwrap();
    /// let robust = fit.vcov(&Vcov::Hc3, &NoProgress).unwrap();
    /// assert!(robust.std_errors()[1] > 0.0 && robust.passes.len() == 1);
    /// ```
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] where matrices of its order have no room; [`ModelError::Argument`] where HC2 or HC3 meet a row
    /// of leverage one, or where there are fewer than two clusters; those of a pass and of the cluster expression.
    fn vcov(&self, kind: &Vcov, monitor: &dyn Monitor) -> Result<Covariance, ModelError> {
        sandwich::vcov(self, kind, monitor)
    }

    /// F statistic of all coefficients but the intercept under a covariance (R's `lmtest::waldtest`): value and
    /// degrees of freedom. `None` where there is nothing to test, or the covariance of the slopes is singular.
    fn wald(&self, covariance: &Covariance) -> Option<(f64, f64, f64)> {
        sandwich::wald(self, covariance)
    }

    /// Diagnostics of all rows, one pass. Memory grows with the rows: [`influence_to`](super::influence_to) hands
    /// them over in runs.
    ///
    /// ```
    /// use nelder::frame::Frame;
    /// use nelder::model::{Detail, Inference, LmSpec, lm};
    /// use nelder::pass::NoProgress;
    /// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
    /// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    /// let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
    /// let all = fit.influence(Detail::Deletions, &NoProgress).unwrap();
    /// assert!((all.hat.iter().sum::<f64>() - 2.0).abs() < 1e-14);
    /// assert_eq!(all.dfbetas.len(), 2);
    /// ```
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] for `dfbetas` where matrices of its order have no room; those of a pass.
    fn influence(&self, detail: Detail, monitor: &dyn Monitor) -> Result<Influence, ModelError> {
        deletion::influence(self, detail, monitor)
    }

    /// Fitted values of all rows, with the offset; means of a generalized linear model. One pass.
    ///
    /// # Errors
    /// Those of a pass.
    fn fitted(&self, monitor: &dyn Monitor) -> Result<Vec<f64>, ModelError> {
        Ok(self.influence(Detail::Residuals, monitor)?.fitted)
    }

    /// Residuals of all rows: R's `residuals(fit, type = …)`. One pass.
    ///
    /// # Errors
    /// Those of a pass.
    fn residuals(&self, kind: ResidualKind, monitor: &dyn Monitor) -> Result<Vec<f64>, ModelError> {
        let all = self.influence(Detail::Residuals, monitor)?;
        Ok(all.residuals(kind).to_vec())
    }
}

impl<R: Regression + ?Sized> Inference for R {}
