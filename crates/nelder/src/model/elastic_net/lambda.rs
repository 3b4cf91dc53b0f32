//! The sequence of λ, and where a path ends.

/// Penalties λ of a path.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum LambdaSequence {
    /// From the smallest λ at which every penalized coefficient is zero down to a part of it, at equal ratios.
    Automatic {
        /// Number of λ.
        count: usize,
        /// The last λ over the first: glmnet's `lambda.min.ratio`; by default 1e-4, and 1e-2 where columns are more than rows.
        ratio: Option<f64>,
    },
    /// These, in descending order.
    Given(Vec<f64>),
}

impl Default for LambdaSequence {
    fn default() -> Self {
        LambdaSequence::Automatic {
            count: 100,
            ratio: None,
        }
    }
}

impl LambdaSequence {
    /// The most λ that there will be.
    pub fn count(&self) -> usize {
        match self {
            LambdaSequence::Automatic { count, .. } => *count,
            LambdaSequence::Given(values) => values.len(),
        }
    }

    /// λ of step `m`, in the units of `scale`: the responses'. `largest` is λ of the first step of an automatic sequence.
    pub(super) fn at(&self, m: usize, largest: f64, default_ratio: f64, scale: f64) -> f64 {
        match self {
            LambdaSequence::Given(values) => values[m] / scale,
            LambdaSequence::Automatic { count, ratio } => {
                let ratio = ratio.unwrap_or(default_ratio).max(LEAST_RATIO);
                let steps = count.saturating_sub(1).max(1) as f64;
                largest * ratio.powf(m as f64 / steps)
            }
        }
    }
}

/// The smallest `lambda.min.ratio`.
const LEAST_RATIO: f64 = 1e-6;

/// glmnet's `glmnet.control`: where an automatic sequence of λ ends early.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PathControl {
    /// The path ends where the share of deviance that is explained grows by less than this part of itself.
    pub least_gain: f64,
    /// The path ends where the share of deviance that is explained exceeds it.
    pub most_explained: f64,
    /// λ that are fitted at least.
    pub least_steps: usize,
}

impl Default for PathControl {
    fn default() -> Self {
        PathControl {
            least_gain: 1e-5,
            most_explained: 0.999,
            least_steps: 5,
        }
    }
}

/// Measure of what a further λ gains, where D is the share of deviance that is explained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Gain {
    /// (Dₖ − Dₖ₋₁) / Dₖ, of a Gaussian model.
    Relative,
    /// (Dₖ − Dₖ₋₁) / (1 − Dₖ), of a Gaussian model of several responses: against what is left.
    OfRest,
    /// Dₖ − Dₖ₋₁.
    Absolute,
    /// (Dₖ − Dₖ₋₄) / Dₖ against so many times the limit, over as many λ as are fitted at least: of a Poisson model ten, of a Cox model a hundred.
    OverSteps(f64),
}

impl Gain {
    /// Tests if step `m` of a path gains too little over those before.
    pub fn is_small(self, explained: impl Fn(usize) -> f64, m: usize, control: &PathControl) -> bool {
        let now = explained(m);
        let since = |steps: usize| now - explained(m.saturating_sub(steps));
        match self {
            Gain::Relative => since(1) < control.least_gain * now,
            Gain::OfRest => since(1) < control.least_gain * (1.0 - now),
            Gain::Absolute => since(1) < control.least_gain,
            Gain::OverSteps(times) => since(control.least_steps - 1) < times * control.least_gain * now,
        }
    }
}

/// Reason why a path has no further λ.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum PathEnd {
    /// All λ are fitted.
    Complete,
    /// The explained deviance grew no more.
    Gain,
    /// Nearly all deviance is explained.
    Explained,
    /// More coefficients than `dfmax` are not zero.
    Nonzero,
    /// More coefficients than `pmax` were ever not zero, at this step, from 1.
    Active(usize),
    /// More sweeps than `maxit`, at this step, from 1.
    Sweeps(usize),
    /// Nothing to penalize, or nothing that varies: one λ.
    Empty,
}

impl PathEnd {
    /// A sentence for paths that a user should know to be shorter than asked for; `None` for those that ended as they do.
    pub fn warning(&self, fitted: usize) -> Option<String> {
        match self {
            PathEnd::Complete | PathEnd::Gain | PathEnd::Explained | PathEnd::Nonzero | PathEnd::Empty => {
                None
            }
            PathEnd::Active(step) => Some(format!(
                "more than pmax coefficients were not zero at lambda number {step}: the path has the {fitted} before; \
                 raise pmax for smaller ones"
            )),
            PathEnd::Sweeps(step) => Some(format!(
                "coordinate descent did not converge at lambda number {step} within maxit sweeps: the path has the {fitted} before; \
                 raise maxit or thresh for smaller ones, or give a larger lambda.min.ratio"
            )),
        }
    }

    /// The reason in words.
    pub fn reason(&self) -> &'static str {
        match self {
            PathEnd::Complete => "all lambda are fitted",
            PathEnd::Gain => {
                "the explained deviance grew by less than fdev, so that smaller lambda would change little"
            }
            PathEnd::Explained => "the explained deviance exceeds devmax",
            PathEnd::Nonzero => "more than dfmax coefficients are not zero",
            PathEnd::Active(_) => "more than pmax coefficients were not zero",
            PathEnd::Sweeps(_) => "coordinate descent did not converge within maxit sweeps",
            PathEnd::Empty => "no column is penalized and varies",
        }
    }
}
