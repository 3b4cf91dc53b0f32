//! Intervals of a coefficient from its draws: those of `boot::boot.ci`.
//!
//! Davison & Hinkley (1997), "Bootstrap methods and their application", chapter 5. With t₀ the estimate, t the R draws, t(α) their quantile
//! and α, 1 − α the ends of the level: percentile t(α), t(1 − α); basic 2t₀ − t(1 − α), 2t₀ − t(α); normal, corrected for bias,
//! 2t₀ − t̄ ± z s; studentized t₀ − s₀ z*(1 − α), t₀ − s₀ z*(α) with z* = (t − t₀)/s*; BCa t(α̃) with
//! α̃ = Φ(w + (w + z_α)/(1 − a (w + z_α))), Φ(w) the share of draws below t₀ and a the acceleration. A quantile lies between the order statistics
//! k ≤ (R + 1) α < k + 1, by interpolation on the scale of normal quantiles (their equation 5.8).

use std::str::FromStr;

use nelder_device::special::normal::{cdf, quantile};

use super::draws::{Draws, variance};
use crate::model::ModelError;

/// Kind of interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IntervalKind {
    /// Quantiles of the draws.
    #[default]
    Perc,
    /// Quantiles of the draws about the estimate, reflected.
    Basic,
    /// Normal with the draws' deviation, corrected for their bias.
    Norm,
    /// Quantiles of the draws, corrected for bias and skewness.
    Bca,
    /// Quantiles of draws over their standard errors.
    Studentized,
}

impl IntervalKind {
    const ALL: [IntervalKind; 5] = [
        IntervalKind::Perc,
        IntervalKind::Basic,
        IntervalKind::Norm,
        IntervalKind::Bca,
        IntervalKind::Studentized,
    ];

    /// Name of the kind.
    pub fn name(self) -> &'static str {
        match self {
            IntervalKind::Perc => "perc",
            IntervalKind::Basic => "basic",
            IntervalKind::Norm => "norm",
            IntervalKind::Bca => "bca",
            IntervalKind::Studentized => "studentized",
        }
    }

    /// Name of an interval of the kind, in a sentence.
    pub fn title(self) -> &'static str {
        match self {
            IntervalKind::Perc => "percentile",
            IntervalKind::Basic => "basic",
            IntervalKind::Norm => "normal, corrected for bias",
            IntervalKind::Bca => "BCa",
            IntervalKind::Studentized => "studentized",
        }
    }
}

impl FromStr for IntervalKind {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let own = Self::ALL
            .into_iter()
            .find(|own| own.name() == text || (text == "stud" && own.name() == "studentized"));
        own.ok_or_else(|| {
            let names = Self::ALL.map(IntervalKind::name).join(", ");
            ModelError::argument("interval", format!("`{text}` is none of {names}"))
        })
    }
}

/// An interval of a coefficient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BootInterval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// True if an end is the smallest or the largest draw, because there are too few for the level.
    pub extreme: bool,
}

impl BootInterval {
    const UNKNOWN: BootInterval = BootInterval {
        low: f64::NAN,
        high: f64::NAN,
        extreme: false,
    };
}

impl Draws {
    /// The interval of a coefficient; `NaN` where it is aliased. `acceleration` is that of BCa.
    ///
    /// # Errors
    /// Kinds that want what the draws do not have: BCa draws on both sides of the estimate, the studentized interval variances.
    pub fn interval(
        &self,
        column: usize,
        kind: IntervalKind,
        level: f64,
        acceleration: f64,
    ) -> Result<BootInterval, ModelError> {
        let (t0, tail) = (self.estimate[column], (1.0 - level) / 2.0);
        let draws = self.finite(column);
        if t0.is_nan() || draws.is_empty() {
            return Ok(BootInterval::UNKNOWN);
        }
        let ends = [tail, 1.0 - tail];
        match kind {
            IntervalKind::Perc => Ok(of_quantiles(quantiles(draws, ends))),
            IntervalKind::Basic => {
                let [low, high] = quantiles(draws, [1.0 - tail, tail]);
                Ok(BootInterval {
                    low: 2.0 * t0 - low.0,
                    high: 2.0 * t0 - high.0,
                    extreme: low.1 || high.1,
                })
            }
            IntervalKind::Norm => {
                let bias = draws.iter().map(|v| v - t0).sum::<f64>() / draws.len() as f64;
                let reach = variance(&draws).sqrt() * quantile(1.0 - tail);
                Ok(BootInterval {
                    low: t0 - bias - reach,
                    high: t0 - bias + reach,
                    extreme: false,
                })
            }
            IntervalKind::Bca => self.bca(column, draws, ends, acceleration),
            IntervalKind::Studentized => self.studentized(column, ends),
        }
    }

    fn bca(
        &self,
        column: usize,
        draws: Vec<f64>,
        ends: [f64; 2],
        acceleration: f64,
    ) -> Result<BootInterval, ModelError> {
        let t0 = self.estimate[column];
        if draws.iter().all(|v| *v == t0) {
            return Err(ModelError::argument(
                "interval",
                format!(
                    "all draws of `{}` are the estimate itself; no BCa interval is of that",
                    self.names[column]
                ),
            ));
        }
        let below = draws.iter().filter(|v| **v < t0).count() as f64 / draws.len() as f64;
        let w = quantile(below);
        if !w.is_finite() || !acceleration.is_finite() {
            let why = match w.is_finite() {
                false => format!(
                    "a BCa interval needs draws on both sides of the estimate, and all {} of `{}` are on one; \
                     take more replicates, or interval = perc",
                    draws.len(),
                    self.names[column]
                ),
                true => format!(
                    "the acceleration of `{}` is not known: no row has influence on it, or none can be left out; take interval = perc",
                    self.names[column]
                ),
            };
            return Err(ModelError::argument("interval", why));
        }
        let adjusted = ends.map(|alpha| {
            let z = w + quantile(alpha);
            cdf(w + z / (1.0 - acceleration * z))
        });
        Ok(of_quantiles(quantiles(draws, adjusted)))
    }

    fn studentized(&self, column: usize, ends: [f64; 2]) -> Result<BootInterval, ModelError> {
        let (t0, own) = (self.estimate[column], self.variances_of(column));
        let Some(variance) = self.variance_of_estimate.get(column).filter(|v| v.is_finite()) else {
            return Err(ModelError::argument(
                "interval",
                "a studentized interval needs the variances of the replicates; ask for them with the draws",
            ));
        };
        let z = self
            .of(column)
            .into_iter()
            .zip(own)
            .map(|(t, v)| (t - t0) / v.sqrt());
        // a replicate that fits exactly has no standard error
        let known: Vec<f64> = z.filter(|z| z.is_finite()).collect();
        if known.is_empty() {
            return Ok(BootInterval::UNKNOWN);
        }
        let [low, high] = quantiles(known, ends);
        Ok(BootInterval {
            low: t0 - variance.sqrt() * high.0,
            high: t0 - variance.sqrt() * low.0,
            extreme: low.1 || high.1,
        })
    }
}

fn of_quantiles([low, high]: [(f64, bool); 2]) -> BootInterval {
    BootInterval {
        low: low.0,
        high: high.0,
        extreme: low.1 || high.1,
    }
}

/// Quantiles of draws by interpolation on the normal scale, and whether each is the smallest or largest draw.
fn quantiles(mut draws: Vec<f64>, alphas: [f64; 2]) -> [(f64, bool); 2] {
    draws.sort_unstable_by(f64::total_cmp);
    let count = draws.len();
    if count == 0 {
        return [(f64::NAN, true); 2];
    }
    let all = count as f64 + 1.0;
    alphas.map(|alpha| {
        let rank = all * alpha;
        let k = rank.trunc();
        let extreme = !(rank > 1.0 && rank < count as f64);
        let value = match k as usize {
            0 => draws[0],
            at if at >= count => draws[count - 1],
            at if k == rank => draws[at - 1],
            at => {
                let [of, low, high] = [alpha, k / all, (k + 1.0) / all].map(quantile);
                draws[at - 1] + (of - low) / (high - low) * (draws[at] - draws[at - 1])
            }
        };
        (value, extreme)
    })
}
