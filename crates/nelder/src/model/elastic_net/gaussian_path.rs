//! The path of a Gaussian model, from correlations alone.
//!
//! The objective is glmnet's: with ỹ of unit variance, min ½ Σ w (ỹ − x̃ᵀb)² + λ̃ P(b), and λ = λ̃ s_y. In the units of y, for columns that
//! are not divided, that is ½ Σ w (y − β₀ − xᵀβ)² + λ Σ fⱼ (α |βⱼ| + (1 − α) βⱼ² / (2 s_y)): the square's weight has the deviation of y in it,
//! which the objective as glmnet's documentation prints it has not. [`Ridge::Printed`](super::Ridge) asks for that one.

use super::descent::{Descent, Ending, Stuck};
use super::lambda::{Gain, LambdaSequence, PathControl, PathEnd};
use super::moments::Correlations;
use super::path::{Path, SparseVector, Step};
use super::penalty::Penalty;
use super::relaxation::Relaxing;

/// Settings of a path, for any loss.
#[derive(Clone, Debug)]
pub(super) struct PathSettings {
    pub sequence: LambdaSequence,
    pub control: PathControl,
    /// Measure of what a further λ gains.
    pub gain: Gain,
    pub ending: Ending,
    /// The most coefficients other than zero: glmnet's `dfmax`.
    pub most_nonzero: usize,
    /// True if the square of the penalty is as printed, without the deviation of y.
    pub printed: bool,
    /// True if the first λ of a ridge beside unpenalized columns is that of the constant alone, as glmnet's solvers over rows have it.
    pub ridge_from_constant: bool,
    /// Relaxed fits, where they are asked for.
    pub relax: Option<Relaxing>,
}

impl PathSettings {
    /// Tests if the first λ of an automatic sequence is of the gradient at the constant, not at the fit of the unpenalized columns.
    pub fn starts_at_constant(&self, penalty: &Penalty, usable: &[bool]) -> bool {
        let free = |(f, usable): (&f64, &bool)| *usable && *f == 0.0;
        let automatic = matches!(self.sequence, LambdaSequence::Automatic { .. });
        automatic
            && self.ridge_from_constant
            && penalty.alpha == 0.0
            && penalty.factors.iter().zip(usable).any(free)
    }

    /// Reason why an automatic sequence of λ ends after the last step of a path, before its own end; `None` where it goes on.
    pub fn early_end(&self, path: &Path) -> Option<PathEnd> {
        let last = path.len().checked_sub(1)?;
        self.early_end_at(last, |m| path.steps[m].explained, path.nonzero(last))
    }

    /// The same after step `m`, from the shares that the steps explain and the number of coefficients of the last.
    pub fn early_end_at(
        &self,
        m: usize,
        explained: impl Fn(usize) -> f64,
        nonzero: usize,
    ) -> Option<PathEnd> {
        let automatic = matches!(self.sequence, LambdaSequence::Automatic { .. });
        let steps = m + 1;
        if !automatic || steps < self.control.least_steps || steps == self.sequence.count() {
            return None;
        }
        match m {
            _ if nonzero > self.most_nonzero => Some(PathEnd::Nonzero),
            m if self.gain.is_small(&explained, m, &self.control) => Some(PathEnd::Gain),
            m if explained(m) > self.control.most_explained => Some(PathEnd::Explained),
            _ => None,
        }
    }
}

/// Default of the last λ over the first.
pub(super) fn default_ratio(rows: u64, columns: usize) -> f64 {
    if rows < columns as u64 { 1e-2 } else { 1e-4 }
}

/// A λ above which nothing penalized has a coefficient.
pub(super) const ENORMOUS: f64 = 9.9e35;

/// The path of a Gaussian model. `penalty` has bounds in the units of the rows.
pub(super) fn gaussian_path(moments: &Correlations, penalty: &Penalty, settings: &PathSettings) -> Path {
    let order = moments.curvature.order;
    let scale = moments.response_scale;
    let units: Vec<f64> = moments.scales.iter().map(|s| s / scale).collect();
    let (penalty, usable) = penalty.standardized(&units, &moments.varies);
    let mut descent = Descent::new(moments.with_response.clone(), usable);
    let mut path = Path::new(order, moments.weight * scale * scale);
    let curvature = &moments.curvature;
    let strength = |lambda: f64| {
        let mut strength = penalty.at(lambda);
        if settings.printed {
            // λ̃ s_y for the square, which has no unit of y
            strength.square *= scale;
        }
        strength
    };
    let automatic = matches!(settings.sequence, LambdaSequence::Automatic { .. });
    let ratio = default_ratio(moments.rows, order);
    let mut largest = ENORMOUS;
    let zeros = || vec![0.0; order];
    let mut before = (f64::INFINITY, zeros(), zeros());
    let mut last = (f64::INFINITY, zeros(), zeros());
    for m in 0..settings.sequence.count() {
        // the first λ of an automatic sequence is so large that only what is not penalized has coefficients; what is written
        // for it is the one at which the first of the others would enter
        let lambda = match automatic && m == 0 {
            true => ENORMOUS,
            false => settings.sequence.at(m, largest, ratio, scale),
        };
        if m > 2 && lambda < last.0 {
            let share = (last.0 - lambda) / (before.0 - last.0);
            if share.is_finite() {
                descent.extrapolate(curvature, (&before.1, &before.2), share, &penalty);
            }
        }
        let found = descent.minimise(curvature, &penalty, strength(lambda), settings.ending);
        if let Err(stuck) = found {
            path.end = match stuck {
                Stuck::Sweeps => PathEnd::Sweeps(m + 1),
                Stuck::Active => PathEnd::Active(m + 1),
            };
            break;
        }
        if automatic && m == 0 {
            let gradient = match settings.starts_at_constant(&penalty, &descent.usable) {
                true => &moments.with_response,
                false => &descent.gradient,
            };
            largest = penalty.largest_lambda(gradient, &descent.usable);
            if largest == 0.0 {
                path.end = PathEnd::Empty;
            }
        }
        std::mem::swap(&mut before, &mut last);
        last.0 = lambda;
        last.1.copy_from_slice(&descent.beta);
        last.2.copy_from_slice(&descent.gradient);
        let explained = explained_share(&descent, &moments.with_response);
        let written = if automatic && m == 0 { largest } else { lambda };
        path.push(step_of(
            moments,
            &descent,
            written * scale,
            explained,
            descent.violation(&penalty, strength(lambda)),
        ));
        path.sweeps = descent.sweeps;
        if path.end == PathEnd::Empty {
            break;
        }
        if let Some(end) = settings.early_end(&path) {
            path.end = end;
            break;
        }
    }
    path
}

/// Share of the deviance that is explained, 2 cᵀb − bᵀHb = Σ bⱼ (cⱼ + gⱼ), for ỹ of unit variance.
pub(super) fn explained_share(descent: &Descent, with_response: &[f64]) -> f64 {
    let columns = descent.beta.iter().zip(with_response).zip(&descent.gradient);
    columns.map(|((b, c), g)| b * (c + g)).sum()
}

/// A step in the units of the rows: βⱼ = bⱼ s_y / sⱼ, and the intercept ȳ − Σ βⱼ x̄ⱼ.
pub(super) fn step_of(
    moments: &Correlations,
    descent: &Descent,
    lambda: f64,
    explained: f64,
    violation: f64,
) -> Step {
    let count = descent.beta.iter().filter(|b| **b != 0.0).count();
    let mut coefficients = SparseVector {
        places: Vec::with_capacity(count),
        values: Vec::with_capacity(count),
    };
    let mut intercept = moments.response_center;
    for (j, &b) in descent.beta.iter().enumerate().filter(|(_, b)| **b != 0.0) {
        let beta = b * moments.response_scale / moments.scales[j];
        intercept -= beta * moments.centers[j];
        coefficients.push(j, beta);
    }
    Step {
        lambda,
        intercept,
        coefficients,
        explained,
        violation,
    }
}
