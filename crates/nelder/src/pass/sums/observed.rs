//! Responses and prior weights of rows, and sums over them.

use std::borrow::Cow;

use nelder_device::Dd;
use nelder_device::kernels::{self, Pair};
use serde::{Deserialize, Serialize};

use crate::design::Block;

/// Responses and prior weights of some rows.
#[derive(Clone, Debug)]
pub struct Observed<'b> {
    /// Responses; proportions of successes where these are counted.
    pub y: Cow<'b, [f64]>,
    /// Prior weights times trials.
    pub weight: Option<Cow<'b, [f64]>>,
    /// Trials, where successes are counted.
    pub trials: Option<Vec<f64>>,
    /// Proportions of failures, where these are counted: 1 − y would have lost them where they are few.
    pub rest: Option<Vec<f64>>,
}

impl<'b> Observed<'b> {
    /// Returns the responses and prior weights of a block's rows; `counts` is true for successes and failures.
    pub fn of(block: &'b Block<'_>, counts: bool) -> Observed<'b> {
        let own = &block.responses;
        if !counts || own.len() < 2 {
            return Observed {
                y: own.first().map_or(Cow::Borrowed(&[]), |y| Cow::Borrowed(&y.high)),
                weight: block.weights.as_deref().map(Cow::Borrowed),
                trials: None,
                rest: None,
            };
        }
        let (s, f) = (&own[0].high, &own[1].high);
        let trials: Vec<f64> = s.iter().zip(f.iter()).map(|(s, f)| s + f).collect();
        let share = |(s, n): (&f64, &f64)| if *n == 0.0 { 0.0 } else { s / n };
        let rest = f.iter().zip(&trials).map(share).collect();
        let weight = match &block.weights {
            None => trials.clone(),
            Some(w) => w.iter().zip(&trials).map(|(w, n)| w * n).collect(),
        };
        Observed {
            y: s.iter().zip(&trials).map(share).collect(),
            weight: Some(Cow::Owned(weight)),
            trials: Some(trials),
            rest: Some(rest),
        }
    }
}

/// Sums over responses and prior weights alone.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ResponseMoments {
    /// Rows.
    pub rows: u64,
    /// Rows whose weight is zero because they have no trial.
    pub empty: u64,
    /// Σ w.
    pub weight: Dd,
    /// Σ w y.
    pub response: Dd,
    /// True if each y is 0 or 1.
    pub binary: bool,
    /// True if each w y is a whole number, to a thousandth; where successes are counted, if they and the failures are.
    pub whole: bool,
    /// True if each y of positive weight is a whole number, to 1e-7 of it: a count.
    pub counts: bool,
    /// Σ w y², and the same of the offset, where the family is one [of residuals](crate::family::Family::is_of_residuals).
    pub squares: [f64; 2],
    /// True if a value of the response, or of the offset, is no number [as it was written](kernels::is_as_written).
    pub rounded: [bool; 2],
    /// The largest |o| of the offset.
    pub offset_size: f64,
}

impl Default for ResponseMoments {
    fn default() -> Self {
        ResponseMoments {
            rows: 0,
            empty: 0,
            weight: Dd::ZERO,
            response: Dd::ZERO,
            binary: true,
            whole: true,
            counts: true,
            squares: [0.0; 2],
            rounded: [false; 2],
            offset_size: 0.0,
        }
    }
}

impl ResponseMoments {
    pub(in crate::pass) fn add(&mut self, observed: &Observed<'_>) {
        let y = &observed.y;
        self.rows += y.len() as u64;
        self.binary = self.binary && y.iter().all(|&y| y == 0.0 || y == 1.0);
        match &observed.weight {
            None => {
                self.weight = self.weight.add_f64(y.len() as f64);
                self.response += kernels::sum(Pair::of(y));
                self.whole = self.whole && (self.binary || y.iter().all(|&y| near_whole(y)));
                self.counts = self.counts && (self.binary || y.iter().all(|&y| is_count(y)));
            }
            Some(w) => {
                self.empty += w.iter().filter(|w| **w == 0.0).count() as u64;
                self.weight += kernels::sum(Pair::of(w));
                self.response += kernels::dot(Pair::of(w), Pair::of(y));
                self.whole = self.whole
                    && match &observed.trials {
                        None => w.iter().zip(y.iter()).all(|(w, y)| near_whole(w * y)),
                        Some(n) => n
                            .iter()
                            .zip(y.iter())
                            .all(|(n, y)| near_whole(*n) && near_whole(n * y)),
                    };
                self.counts = self.counts && w.iter().zip(y.iter()).all(|(&w, &y)| w == 0.0 || is_count(y));
            }
        }
    }

    /// Takes in sizes and roundings, for families in which the residual alone counts: nothing else tells of them there.
    pub(in crate::pass) fn add_sizes(&mut self, observed: &Observed<'_>, offset: Option<&[f64]>) {
        for (k, column) in [Some(observed.y.as_ref()), offset].into_iter().enumerate() {
            let Some(column) = column else { continue };
            self.squares[k] += match &observed.weight {
                None => kernels::rough_sum(column, Some(column)),
                Some(w) => {
                    let weighted: Vec<f64> = column.iter().zip(w.iter()).map(|(v, w)| v * w).collect();
                    kernels::rough_sum(column, Some(&weighted))
                }
            };
            // stops at the first fraction, and is not asked again
            self.rounded[k] = self.rounded[k] || !kernels::all_as_written(column);
        }
    }

    /// Takes in the largest number of the offset, and whether it was rounded.
    pub(in crate::pass) fn add_offset(&mut self, offset: &[f64]) {
        self.offset_size = offset.iter().fold(self.offset_size, |most, o| most.max(o.abs()));
        self.rounded[1] = self.rounded[1] || !kernels::all_as_written(offset);
    }

    /// Norm of what rounding to double precision was to the decimals of the response and the offset: half a unit in the last place
    /// of all of a column that has any.
    pub fn rounding(&self) -> f64 {
        let of = |k: usize| {
            if self.rounded[k] {
                self.squares[k].max(0.0).sqrt()
            } else {
                0.0
            }
        };
        0.5 * f64::EPSILON * (of(0) + of(1))
    }

    pub(in crate::pass) fn merge(&mut self, other: &ResponseMoments) {
        self.rows += other.rows;
        self.empty += other.empty;
        self.weight += other.weight;
        self.response += other.response;
        self.binary &= other.binary;
        self.whole &= other.whole;
        self.counts &= other.counts;
        for k in 0..2 {
            self.squares[k] += other.squares[k];
            self.rounded[k] |= other.rounded[k];
        }
        self.offset_size = self.offset_size.max(other.offset_size);
    }
}

/// Tests if a Poisson count may be `y`, as R's `dpois` has it: a whole number, to 1e-7 max(|y|, 1).
pub fn is_count(y: f64) -> bool {
    (y - y.round()).abs() <= 1e-7 * y.abs().max(1.0)
}

fn near_whole(x: f64) -> bool {
    (x - x.round()).abs() <= 1e-3
}
