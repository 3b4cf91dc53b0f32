//! Limits by profile likelihood: where the deviance, at its least over the other coefficients, has risen by the square
//! of a normal quantile (times the dispersion). R's `confint` of a `glm`, which interpolates between a few such points;
//! here the equation is solved.

use std::sync::Arc;

use nelder_device::Dd;

use super::fisher::FisherScoring;
use super::{Glm, GlmSpec};
use crate::family::Family;
use crate::model::ModelError;
use crate::pass::{Monitor, PassRecord};

/// Limits of the coefficients.
#[derive(Clone, Debug)]
pub struct Profile {
    /// (lower, upper) by column, in the units of the data; `NaN` where aliased, infinite where the deviance does not
    /// rise enough.
    pub limits: Vec<(f64, f64)>,
    /// The passes over the data that it took.
    pub passes: Vec<PassRecord>,
}

/// Points of a profile at most.
const MOST_POINTS: usize = 40;
/// Relative error of a limit, in standard errors.
const CLOSE: f64 = 1e-9;

impl Glm<'_> {
    /// Limits of all coefficients at a level. Two or three dozen passes for each coefficient.
    ///
    /// ```
    /// use nelder::family::Family;
    /// use nelder::frame::Frame;
    /// use nelder::model::{GlmSpec, glm};
    /// use nelder::pass::NoProgress;
    /// let (x, y) = ([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 3.0, 8.0]);
    /// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    /// let fit = glm(&GlmSpec::new("y ~ x", Family::poisson()), &frame, &NoProgress).unwrap();
    /// let (low, high) = fit.profile(0.95, &NoProgress).unwrap().limits[1];
    /// assert!(low < fit.coefficients[1] && fit.coefficients[1] < high);
    /// ```
    ///
    /// # Errors
    /// Those of a pass.
    pub fn profile(&self, level: f64, monitor: &dyn Monitor) -> Result<Profile, ModelError> {
        let quantile = nelder_device::special::normal::quantile_upper((1.0 - level) / 2.0);
        let system = self.fit.system();
        let scales = system.column_scales();
        let inverse = system.unscaled()?;
        let beta = self.fit.scaled_coefficients();
        let mut out = Profile {
            limits: Vec::new(),
            passes: Vec::new(),
        };
        for c in 0..beta.len() {
            let error = self.std_errors[c];
            if !(error > 0.0 && error.is_finite()) {
                out.limits.push((f64::NAN, f64::NAN));
                continue;
            }
            // how the others move with this one where the likelihood is quadratic, in the units of the rows
            let slope: Vec<f64> = (0..beta.len())
                .map(|d| {
                    let share = inverse[(d, c)] / inverse[(c, c)];
                    if share.is_finite() {
                        share * scales[c] / scales[d]
                    } else {
                        0.0
                    }
                })
                .collect();
            let mut limit = |side: f64| {
                self.limit(
                    c,
                    side * quantile,
                    error / scales[c],
                    &beta,
                    &slope,
                    monitor,
                    &mut out.passes,
                )
            };
            let (low, high) = (limit(-1.0)?, limit(1.0)?);
            let own = self.coefficients[c];
            out.limits.push((own + low * scales[c], own + high * scales[c]));
        }
        Ok(out)
    }

    /// By how much a coefficient moves until the signed root of the deviance's rise is `target`.
    #[allow(clippy::too_many_arguments)]
    fn limit(
        &self,
        column: usize,
        target: f64,
        error: f64,
        beta: &[Dd],
        slope: &[f64],
        monitor: &dyn Monitor,
        passes: &mut Vec<PassRecord>,
    ) -> Result<f64, ModelError> {
        let spec = GlmSpec {
            start: None,
            epsilon: 1e-11,
            ..self.spec.clone()
        };
        let mut root = |by: f64| -> Result<f64, ModelError> {
            let mut start = beta.to_vec();
            for (b, s) in start.iter_mut().zip(slope) {
                *b = b.add_f64(s * by);
            }
            start[column] = beta[column].add_f64(by);
            let ended = FisherScoring {
                session: Arc::default(),
                bound: &self.bound,
                family: Family {
                    estimated: false,
                    ..self.fit.family
                },
                terms: None,
                held: Some((column, start)),
                spec: &spec,
                monitor,
            }
            .run()?;
            passes.extend(ended.passes);
            let rise = (ended.at.sums.deviance.hi - self.fit.deviance) / self.dispersion;
            Ok(rise.max(0.0).sqrt().copysign(by))
        };
        // the signed root is nearly linear in the coefficient: secants, with the interval that holds the limit
        let (mut inside, mut outside): ((f64, f64), Option<(f64, f64)>) = ((0.0, 0.0), None);
        let mut by = target * error;
        for _ in 0..MOST_POINTS {
            let z = match root(by) {
                Ok(z) => z,
                // beyond the family's range: the limit lies before
                Err(ModelError::Argument { .. }) => {
                    by = 0.5 * (inside.0 + by);
                    if (by - inside.0).abs() < 1e-6 * error {
                        return Ok(by);
                    }
                    continue;
                }
                Err(e) => return Err(e),
            };
            let last = by;
            let from = outside.unwrap_or(inside);
            if z.abs() >= target.abs() {
                outside = Some((by, z));
            } else {
                inside = (by, z);
            }
            let anchor = if from.0 == last { inside } else { from };
            let mut next = last + (target - z) * (last - anchor.0) / (z - anchor.1);
            if let Some(outside) = outside {
                let (a, b) = (inside.0.min(outside.0), inside.0.max(outside.0));
                if !(next > a && next < b) {
                    next = 0.5 * (a + b);
                }
            } else if !(next.is_finite() && next.abs() <= 3.0 * last.abs()) {
                next = 3.0 * last;
            }
            if (next - last).abs() <= CLOSE * error {
                return Ok(next);
            }
            if next.abs() > 1e6 * error {
                return Ok(f64::INFINITY.copysign(target));
            }
            by = next;
        }
        Ok(by)
    }
}
