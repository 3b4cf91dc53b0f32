//! Acceleration of a coefficient: the skewness of its influence values, which BCa intervals take.
//!
//! a = Σ l³ / (6 (Σ l²)^(3/2)) with l the jackknife values of the rows, (n − 1)(θ̂ − θ̂₋ᵢ), exactly (Efron 1987; `empinf(type = "jack")`, which is what
//! `boot.ci` takes where R ≤ n). The coefficients without a row come from its leverage and residual, in one pass.

use super::fit_bootstrap::Bootstrap;
use super::spec::Resampling;
use crate::model::inference::influence_to;
use crate::model::{Detail, InfluenceRun, ModelError, Regression};
use crate::pass::Monitor;

/// Squares and cubes of a coefficient's values.
#[derive(Clone, Copy, Default)]
struct Powers {
    second: f64,
    third: f64,
}

impl Bootstrap {
    /// The acceleration of each coefficient, by a pass over the rows of the fit; `NaN` where it is aliased.
    ///
    /// # Errors
    /// A pass that fails; resamplings that are not of single rows.
    pub fn acceleration<R: Regression + ?Sized>(
        &mut self,
        fit: &R,
        monitor: &dyn Monitor,
    ) -> Result<Vec<f64>, ModelError> {
        if self.spec.cluster.is_some() || self.spec.resampling != Resampling::Case || fit.family().is_some() {
            return Err(ModelError::argument(
                "interval",
                "BCa intervals are of linear models whose rows are resampled, type = case without clusters; take interval = perc",
            ));
        }
        let mut sums = vec![Powers::default(); self.draws.names.len()];
        let take = |run: InfluenceRun, (): ()| {
            for model in &run.models {
                for (sums, column) in sums.iter_mut().zip(&model.dfbetas) {
                    // dfbetas is (θ̂ − θ̂₋ᵢ) over σ₋ᵢ and a constant, of which the ratio is free
                    let values = column.iter().zip(&model.sigma).map(|(d, s)| d * s);
                    for l in values.filter(|l| l.is_finite()) {
                        sums.second += l * l;
                        sums.third += l * l * l;
                    }
                }
            }
            true
        };
        let record = influence_to(&[fit], Detail::Deletions, &[], monitor, |_| (), take)?;
        self.report.passes.push(record);
        let of = |powers: &Powers| powers.third / (6.0 * powers.second.powf(1.5));
        Ok(sums.iter().map(of).collect())
    }
}
