//! A generalized linear model without its data, and its predictions: R's `predict.glm`.

use nelder_device::Dd;
use serde::{Deserialize, Serialize};

use super::{Glm, GlmSpec};
use crate::design::{Block, Fingerprint, Rows};
use crate::family::{Family, Programs, Start, Trials};
use crate::frame::Source;
use crate::model::inference::new_rows::Applied;
use crate::model::inference::predict::Asked;
use crate::model::{Compared, ModelError, Regression, SavedDesign};
use crate::pass::{Monitor, PassRecord, means};

/// A generalized linear model apart from its data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedGlm {
    /// The columns of the model matrix.
    pub design: SavedDesign,
    /// Specification of the model.
    pub spec: GlmSpec,
    /// The family, with θ as estimated.
    pub family: Family,
    /// The formula as R deparses it.
    pub formula: String,
    /// The response as R deparses it.
    pub response: String,
    /// Rows in the fit.
    pub rows: u64,
    /// Residual degrees of freedom.
    pub df_residual: u64,
    /// Deviance.
    pub deviance: f64,
    /// Dispersion.
    pub dispersion: f64,
    /// The rows that were fitted, where the fit knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// By column, zero where aliased, in the units in which rows are delivered.
    coefficients: Vec<Dd>,
}

/// Predictions for consecutive rows; `NaN` for rows in which a variable is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GlmPrediction {
    /// Linear predictors with the offset.
    pub link: Vec<f64>,
    /// Their standard errors; empty unless asked for.
    pub link_error: Vec<f64>,
    /// Means.
    pub response: Vec<f64>,
    /// Their standard errors by the delta method; empty unless asked for.
    pub response_error: Vec<f64>,
}

/// Predictions for consecutive rows of the source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GlmPredictionRun {
    /// Position of the first row, from 0.
    pub first_row: u64,
    /// The predictions.
    pub rows: GlmPrediction,
}

impl Glm<'_> {
    /// The fit apart from its data.
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`] where the columns that are left after a factor is eliminated are too many.
    pub fn save(&self) -> Result<SavedGlm, ModelError> {
        let fit = &self.fit;
        Ok(SavedGlm {
            design: SavedDesign::of(self)?,
            spec: self.spec.clone(),
            family: fit.family,
            formula: self.formula(),
            response: self.responsename(),
            rows: fit.rows(),
            df_residual: fit.df_residual(),
            deviance: fit.deviance,
            dispersion: self.dispersion,
            fingerprint: self.bound.fingerprint(fit.rows()),
            coefficients: fit.scaled_coefficients(),
        })
    }

    /// Predictions for the rows of a source: [`SavedGlm::predict`].
    ///
    /// # Errors
    /// Those of [`SavedGlm::predict`] and of [`save`](Self::save).
    pub fn predict(
        &self,
        source: &dyn Source,
        std_errors: bool,
        monitor: &dyn Monitor,
    ) -> Result<GlmPrediction, ModelError> {
        self.save()?.predict(source, std_errors, monitor)
    }
}

impl SavedGlm {
    /// Returns the quantities of the model that a comparison with others reads.
    pub(super) fn compared(&self) -> Compared {
        Compared {
            formula: self.formula.clone(),
            response: self.response.clone(),
            rows: self.rows,
            df_residual: self.df_residual,
            rss: Some(Dd::new(self.deviance)),
            fingerprint: self.fingerprint.clone(),
        }
    }

    /// That a fit of the same request is one of the same rows: by the fingerprints, or, where one of them has none, by the
    /// number of rows and the deviance.
    ///
    /// # Errors
    /// [`ModelError::Argument`] with what differs.
    pub fn check_rows(&self, again: &Glm<'_>) -> Result<(), ModelError> {
        let (rows, deviance) = (again.fit.rows(), again.fit.deviance);
        let differs = match (&self.fingerprint, again.bound.fingerprint(rows)) {
            (Some(own), Some(other)) => other.difference(own),
            _ if rows != self.rows => Some(format!("are {rows} and not {}", self.rows)),
            _ => {
                let size = self.deviance.abs().max(deviance.abs());
                let near = (deviance - self.deviance).abs() <= 1e-6 * size + 1e-9 * rows as f64;
                (!near).then(|| format!("have a deviance of {deviance} and not {}", self.deviance))
            }
        };
        match differs {
            None => Ok(()),
            Some(what) => Err(ModelError::argument(
                "data",
                format!("these are not the rows of the fit: they {what}"),
            )),
        }
    }

    /// Predictions for the rows of a source, which needs all columns of the formula but the response; R's
    /// `predict(fit, newdata, type = "link")` and `"response"`, with `se.fit = std_errors`. Memory grows with the
    /// rows: [`predict_to`](Self::predict_to) hands them over in runs.
    ///
    /// ```
    /// use nelder::family::Family;
    /// use nelder::frame::Frame;
    /// use nelder::model::{GlmSpec, glm};
    /// use nelder::pass::NoProgress;
    /// let (x, y) = ([0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 4.0, 8.0]);
    /// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    /// let fit = glm(&GlmSpec::new("y ~ x", Family::poisson()), &frame, &NoProgress).unwrap();
    /// let new = [4.0];
    /// let all = fit.predict(&Frame::new().with_real("x", &new), true, &NoProgress).unwrap();
    /// assert!((all.response[0] - 16.0).abs() < 1e-10);
    /// ```
    ///
    /// # Errors
    /// A column that is not there or of another kind than in the fit; a level that the fit does not have; an
    /// infinite value; those of a pass.
    pub fn predict(
        &self,
        source: &dyn Source,
        std_errors: bool,
        monitor: &dyn Monitor,
    ) -> Result<GlmPrediction, ModelError> {
        let mut all = GlmPrediction::default();
        self.predict_to(source, std_errors, monitor, |run| {
            all.link.extend(run.rows.link);
            all.link_error.extend(run.rows.link_error);
            all.response.extend(run.rows.response);
            all.response_error.extend(run.rows.response_error);
            true
        })?;
        Ok(all)
    }

    /// The same in runs of rows, in order; `take` stops the pass by returning `false`.
    ///
    /// # Errors
    /// Those of [`predict`](Self::predict), and an interrupt where `take` stopped it.
    pub fn predict_to(
        &self,
        source: &dyn Source,
        std_errors: bool,
        monitor: &dyn Monitor,
        mut take: impl FnMut(GlmPredictionRun) -> bool + Send,
    ) -> Result<PassRecord, ModelError> {
        let programs = Programs::shared(&self.family, false, Trials::Several, Start::Family);
        let scale = self.dispersion.sqrt();
        let of = |rows: &Rows<'_>, block: &Block<'_>, applied: &Applied| {
            let own = means(&programs, &rows.layout().atoms, block, &applied.coefficients[0]);
            let errors = applied.basis.as_ref().map(|basis| {
                let norms = basis.square_norms(block);
                let errors: Vec<f64> = norms.iter().map(|n| scale * n.sqrt()).collect();
                let by_mean = errors.iter().zip(&own.slope).map(|(e, s)| e * s.abs()).collect();
                [errors, by_mean]
            });
            let values = [own.eta, own.mu].into_iter();
            values.chain(errors.into_iter().flatten()).collect()
        };
        let asked = Asked {
            design: &self.design,
            coefficients: vec![self.coefficients.clone()],
            std_errors,
            columns: if std_errors { 4 } else { 2 },
        };
        asked.columns_of(source, monitor, of, |first_row, columns| {
            let mut columns = columns.into_iter();
            let mut next = || columns.next().unwrap_or_default();
            let rows = GlmPrediction {
                link: next(),
                response: next(),
                link_error: next(),
                response_error: next(),
            };
            take(GlmPredictionRun { first_row, rows })
        })
    }
}
