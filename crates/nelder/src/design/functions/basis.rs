//! Columns that depend on all rows: what they were asked for, and what the rows made of it.

use std::borrow::Cow;

use nelder_device::{Dd, Real, vectorized};
use serde::{Deserialize, Serialize};

use super::poly::PolyBasis;
use super::quantile::{Ranks, Ties};
use super::splines::{SplineBasis, SplineRule};
use crate::design::value::Numbers;

/// `poly`, `ns`, `bs`, `scale` or `rank`; the second part is there once all rows were seen.
pub(in crate::design) enum Basis {
    Rank(Ties, Option<Ranks>),
    Poly(usize, Option<PolyBasis>),
    Spline(SplineRule, Option<SplineBasis>),
    Scale(ScaleRule, Option<Vec<Scaled>>),
}

/// Arguments `center` and `scale` of R's `scale`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::design) struct ScaleRule {
    pub center: Choice,
    pub scale: Choice,
}

/// `TRUE`, `FALSE`, or a number for each column.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::design) enum Choice {
    No,
    Computed,
    Given(Vec<f64>),
}

/// Center and scale of a column.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::design) struct Scaled {
    center: Dd,
    scale: Dd,
}

/// Number, sum and sum of squares of the values that are not missing, less one of them: n, Σ(x − s), Σ(x − s)². The values
/// about s are of the order of their spread, so that what is subtracted for a variance is not more than that either.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::design) struct ShiftedMoments {
    n: f64,
    shift: f64,
    sum: Dd,
    squares: Dd,
}

impl ShiftedMoments {
    pub fn of(values: &Numbers<'_>) -> ShiftedMoments {
        let mut m = ShiftedMoments::default();
        for i in 0..values.high.len() {
            let x = value(values, i);
            if !x.is_nan() {
                if m.n == 0.0 {
                    m.shift = x.hi;
                }
                let x = x - Dd::new(m.shift);
                m.n += 1.0;
                m.sum += x;
                m.squares += x.square();
            }
        }
        m
    }

    /// Of both; what is about the other's s is moved to ours: with d = s′ − s, Σ(x − s)² = Σ(x − s′)² + 2d Σ(x − s′) + n d².
    pub fn merge(self, other: ShiftedMoments) -> ShiftedMoments {
        if self.n == 0.0 || other.n == 0.0 {
            return if self.n == 0.0 { other } else { self };
        }
        let d = Dd::new(other.shift) - Dd::new(self.shift);
        ShiftedMoments {
            n: self.n + other.n,
            shift: self.shift,
            sum: self.sum + (other.sum + d * other.n),
            squares: self.squares + (other.squares + (d * other.sum).scale(2.0) + d.square() * other.n),
        }
    }

    /// n
    pub fn count(&self) -> f64 {
        self.n
    }

    /// Σx
    pub fn total(&self) -> f64 {
        (self.sum + Dd::new(self.shift) * self.n).hi
    }

    fn center(&self) -> Dd {
        Dd::new(self.shift) + self.sum / self.n
    }

    /// Σx / n
    pub fn mean(&self) -> f64 {
        self.center().hi
    }

    /// Σ(x − c)²
    fn about(&self, c: Dd) -> Dd {
        let d = Dd::new(self.shift) - c;
        (self.squares + (d * self.sum).scale(2.0) + d.square() * self.n).max(Dd::ZERO)
    }

    /// Σ(x − x̄)² / (n − 1)
    pub fn variance(&self) -> f64 {
        (self.about(self.center()) / (self.n - 1.0)).hi
    }
}

fn value(values: &Numbers<'_>, i: usize) -> Dd {
    let low = values.low.as_ref().map_or(0.0, |low| low[i]);
    Dd::from_parts(values.high[i], low)
}

impl ScaleRule {
    /// Center and scale of each column.
    pub fn settle(&self, moments: &[ShiftedMoments]) -> Vec<Scaled> {
        let one = |(k, m): (usize, &ShiftedMoments)| {
            let center = match &self.center {
                Choice::No => Dd::ZERO,
                Choice::Computed => m.center(),
                Choice::Given(c) => Dd::new(c[k % c.len()]),
            };
            let scale = match &self.scale {
                Choice::No => Dd::ONE,
                Choice::Computed => (m.about(center) / (m.n - 1.0).max(1.0)).sqrt(),
                Choice::Given(s) => Dd::new(s[k % s.len()]),
            };
            Scaled { center, scale }
        };
        moments.iter().enumerate().map(one).collect()
    }
}

impl Scaled {
    /// `(x - center) / scale` for each value.
    pub fn apply(&self, values: &Numbers<'_>, low: bool) -> Numbers<'static> {
        let n = values.high.len();
        if self.scale == Dd::ZERO || !self.scale.is_finite() {
            // all values are equal: 0 / 0, as in R
            return Numbers {
                high: Cow::Owned(vec![f64::NAN; n]),
                low: None,
            };
        }
        let (mut high, mut rest) = (vec![0.0; n], if low { vec![0.0; n] } else { Vec::new() });
        vectorized(
            #[inline(always)]
            || {
                for (i, high) in high.iter_mut().enumerate() {
                    let v = (value(values, i) - self.center) / self.scale;
                    *high = v.hi;
                    if low {
                        rest[i] = v.lo;
                    }
                }
            },
        );
        Numbers {
            high: Cow::Owned(high),
            low: low.then_some(rest),
        }
    }
}

impl Basis {
    pub fn is_ready(&self) -> bool {
        match self {
            Basis::Rank(_, state) => state.is_some(),
            Basis::Poly(_, state) => state.is_some(),
            Basis::Spline(_, state) => state.is_some(),
            Basis::Scale(_, state) => state.is_some(),
        }
    }

    /// The columns for some rows; `None` before all rows were seen.
    pub fn apply(&self, argument: &[Numbers<'_>], low: bool) -> Option<Vec<Numbers<'static>>> {
        let owned = |high: Vec<f64>, low: Option<Vec<f64>>| Numbers {
            high: Cow::Owned(high),
            low,
        };
        match self {
            Basis::Rank(ties, state) => {
                let ranks = state.as_ref()?;
                let own = argument.first()?.high.iter().map(|&x| ranks.rank(x, *ties));
                Some(vec![owned(own.collect(), None)])
            }
            Basis::Poly(_, state) => {
                let columns = state.as_ref()?.columns(&argument.first()?.high, low);
                Some(columns.into_iter().map(|(high, low)| owned(high, low)).collect())
            }
            Basis::Spline(_, state) => {
                let columns = state.as_ref()?.evaluate(&argument.first()?.high);
                Some(columns.into_iter().map(|high| owned(high, None)).collect())
            }
            Basis::Scale(_, state) => {
                let scaled = state.as_ref()?;
                Some(
                    argument
                        .iter()
                        .zip(scaled)
                        .map(|(a, s)| s.apply(a, low))
                        .collect(),
                )
            }
        }
    }
}
