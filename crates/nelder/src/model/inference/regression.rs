//! The trait that every fitted model has, of one response: its records, named as R and StatsAPI.jl name them.

use super::Covariance;
use super::row_model::RowModel;
use crate::design::{Columns, RowCounts};
use crate::family::{Family, Trials};
use crate::model::{FittedEquations, LmSpec, ModelError, ModelFrame, SolveReport, Warning};

/// Dispersion of a model: σ² of a linear one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dispersion {
    /// The dispersion; `NaN` where no degrees of freedom are left to estimate it.
    pub value: f64,
    /// True if the family knows it, so that tests are z and χ² tests and not t and F tests.
    pub known: bool,
}

/// A fitted model of one response. What follows from it is [`Inference`](super::Inference).
///
/// ```
/// use nelder::family::Family;
/// use nelder::frame::Frame;
/// use nelder::model::{GlmSpec, LmSpec, Regression, glm, lm};
/// use nelder::pass::NoProgress;
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.1, 6.0, 7.9]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let linear = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
/// let gaussian = glm(&GlmSpec::new("y ~ x", Family::gaussian()), &frame, &NoProgress).unwrap();
/// for fit in [&linear as &dyn Regression, &gaussian] {
///     assert!((fit.coef()[1] - 1.96).abs() < 1e-13);
///     assert_eq!((fit.nobs(), fit.dof(), fit.dof_residual()), (4, 3.0, 2));
/// }
/// ```
pub trait Regression: Sync {
    /// Coefficients by column; `NaN` where aliased.
    fn coef(&self) -> &[f64];

    /// Standard errors by column; `NaN` where aliased, or where the dispersion is not known.
    fn stderror(&self) -> &[f64];

    /// The columns of the model matrix.
    fn columns(&self) -> &Columns;

    /// The rows, and those that are not in the fit.
    fn counts(&self) -> &RowCounts;

    /// Rows in the fit, of positive weight.
    fn nobs(&self) -> u64;

    /// Parameters of the likelihood: coefficients that are not aliased, and others that are estimated beside them.
    fn dof(&self) -> f64;

    /// Residual degrees of freedom.
    fn dof_residual(&self) -> u64;

    /// Degrees of freedom of tests of a coefficient, infinite where they are z tests; `robust` under another covariance than the
    /// model's own: lmtest's `coeftest`.
    fn dof_tests(&self, robust: bool) -> f64;

    /// Deviance: the residual sum of squares of a linear model.
    fn deviance(&self) -> f64;

    /// Deviance of the model of the intercept and the offset alone.
    fn nulldeviance(&self) -> f64;

    /// Log-likelihood at its maximum; `NaN` for a quasi-likelihood.
    fn loglikelihood(&self) -> f64;

    /// Akaike's criterion.
    fn aic(&self) -> f64;

    /// The dispersion.
    fn dispersion(&self) -> Dispersion;

    /// The family of a generalized linear model and the form of its trials; `None` of a linear model.
    fn family(&self) -> Option<(&Family, Trials)> {
        None
    }

    /// Specification of the design.
    fn design(&self) -> &LmSpec;

    /// The model joined to its data.
    fn frame(&self) -> &ModelFrame<'_>;

    /// The solved equations.
    fn equations(&self) -> FittedEquations<'_>;

    /// The rows as a weighted linear model of working residuals.
    fn row_model(&self) -> Box<dyn RowModel + '_>;

    /// The covariance of the coefficients under the model itself: no pass.
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] where matrices of its order have no room.
    fn model_covariance(&self) -> Result<Covariance, ModelError>;

    /// Record of the computation: algorithm, precision, digits, passes.
    fn report(&self) -> &SolveReport;

    /// Warnings for the user.
    fn warnings(&self) -> &[Warning] {
        &[]
    }

    /// True if standard errors are meaningful: a maximum was found, and not at the edge of the family's range.
    fn is_regular(&self) -> bool {
        true
    }

    /// Names of the columns.
    fn coefnames(&self) -> &[String] {
        &self.columns().names
    }

    /// Number of columns that are not aliased.
    fn rank(&self) -> usize {
        self.equations().aliased.iter().filter(|a| !**a).count()
    }

    /// Schwarz's criterion.
    fn bic(&self) -> f64 {
        -2.0 * self.loglikelihood() + (self.nobs() as f64).ln() * self.dof()
    }

    /// True if the model has an intercept.
    fn intercept(&self) -> bool {
        self.frame().terms.intercept
    }

    /// The formula as R prints it, `.` written out.
    fn formula(&self) -> String {
        self.frame().formula(self.design())
    }

    /// The left side of the formula as R deparses it.
    fn responsename(&self) -> String {
        self.frame().response_label()
    }
}
