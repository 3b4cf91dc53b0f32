//! Generalized linear models: R's `glm`, and `glm.nb` of MASS.

use std::sync::Arc;

use crate::frame::Source;
use crate::pass::Run;

use super::fisher::FisherScoring;
use super::{GlmSpec, MaximumLikelihood};
use crate::model::inference::quantiles::quantiles;
use crate::model::model_frame::{Wishes, bind_as};
use crate::model::{ModelError, ModelFrame};

/// A fitted generalized linear model.
pub struct Glm<'s> {
    /// Specification of the model.
    pub spec: GlmSpec,
    /// The model joined to its data, for the passes that its answers take.
    pub bound: ModelFrame<'s>,
    /// The maximum.
    pub fit: MaximumLikelihood,
    /// Coefficients by column; `NaN` where aliased.
    pub coefficients: Vec<f64>,
    /// Standard errors by column; `NaN` where aliased, or where the dispersion is not known.
    pub std_errors: Vec<f64>,
    /// Dispersion: 1, or its estimate.
    pub dispersion: f64,
    /// Minimum, quartiles and maximum of the deviance residuals.
    pub quantiles: [f64; 5],
}

/// Fits a generalized linear model: R's `glm`; with a negative binomial family without θ, MASS's `glm.nb`.
///
/// The source is borrowed for as long as the fit lives (`&frame`), or its own: a source, or an [`Arc`] that others share.
///
/// ```
/// use nelder::family::Family;
/// use nelder::frame::Frame;
/// use nelder::model::{GlmSpec, glm};
/// use nelder::pass::NoProgress;
/// let (x, y) = ([0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 4.0, 8.0]);
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let fit = glm(&GlmSpec::new("y ~ x", Family::poisson()), &frame, &NoProgress).unwrap();
/// assert!((fit.coefficients[1] - 2f64.ln()).abs() < 1e-12 && fit.fit.converged);
/// ```
///
/// # Errors
/// A formula or an argument that does not fit; a response out of the family's range, with its row; no valid
/// starting values; those of a pass. An iteration that does not converge is no error but a warning.
pub fn glm<'s, 'm>(
    spec: &GlmSpec,
    source: impl Source + 's,
    run: impl Into<Run<'m>>,
) -> Result<Glm<'s>, ModelError> {
    fitted(spec, Arc::new(source), run.into())
}

fn fitted<'s>(
    spec: &GlmSpec,
    source: Arc<dyn Source + 's>,
    Run { executor, monitor }: Run<'_>,
) -> Result<Glm<'s>, ModelError> {
    spec.check()?;
    let wishes = Wishes {
        untouched: true,
        levels: spec.family.is_binomial(),
        two_levels: false,
        start: spec.eta_start.clone().or_else(|| spec.mu_start.clone()),
    };
    let bound = bind_as(&spec.design, &wishes, source)?.at(executor);
    bound.rows.keep_blocks();
    let ended = FisherScoring {
        session: Arc::default(),
        bound: &bound,
        family: spec.family,
        terms: None,
        held: None,
        spec,
        monitor,
    }
    .run()?;
    let mut fit = MaximumLikelihood::new(ended, &bound);
    let mut passes = bound.passes.clone();
    passes.append(&mut fit.report.passes);
    fit.report.passes = passes;
    let mut fit = Glm::new(spec.clone(), bound, fit);
    fit.warn_of_fractions(monitor)?;
    fit.bound.rows.forget_blocks();
    Ok(fit)
}

impl<'s> Glm<'s> {
    fn new(spec: GlmSpec, bound: ModelFrame<'s>, mut fit: MaximumLikelihood) -> Self {
        let p = fit.aliased.len();
        let mask = |c: usize, v: f64| if fit.aliased[c] { f64::NAN } else { v };
        let dispersion = fit.dispersion();
        let unit = if fit.is_regular() {
            dispersion.sqrt()
        } else {
            f64::NAN
        };
        if fit.df_residual() == 0 {
            // as many columns as rows: R's deviance residuals are 0
            let runs = fit.residuals.iter_mut().flat_map(|run| &mut run.values);
            runs.for_each(|values| values.fill(0.0));
        }
        Glm {
            coefficients: (0..p).map(|c| mask(c, fit.coefficients[c].hi)).collect(),
            std_errors: (0..p).map(|c| mask(c, fit.root_variances[c] * unit)).collect(),
            dispersion,
            quantiles: quantiles(
                fit.moments.rows,
                &fit.residuals,
                fit.histogram.first(),
                fit.places.as_ref(),
                0,
            ),
            spec,
            bound,
            fit,
        }
    }

    /// Degrees of freedom of the model with the intercept alone.
    pub fn df_null(&self) -> u64 {
        self.fit.rows() - u64::from(self.bound.terms.intercept)
    }

    /// θ of a negative binomial.
    pub fn theta(&self) -> Option<f64> {
        self.fit.family.theta()
    }
}
