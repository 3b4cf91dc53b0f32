//! Losses of single rows, under a measure.

use nelder_device::{Input, Output, Program, Runner};

use super::measure::Measure;
use crate::family::{Link, Programs};

/// Largest |η| of a probability that losses are computed at: 1e-5 from 0 or 1, glmnet's `prob_min`.
const MOST_LOGIT: f64 = 11.512_915_464_920_228;

/// Observations of rows: responses, trials and shares of failures.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObservedRows<'a> {
    pub y: &'a [f64],
    /// Trials, where successes are counted; else weights.
    pub trials: &'a [f64],
    /// Shares of failures, where these are counted; else responses.
    pub rest: &'a [f64],
}

/// Losses of rows of weight one under a measure.
pub(super) struct RowLosses {
    measure: Measure,
    /// Unit deviances from y, η, w, trials and the share of failures.
    deviance: Runner<f64>,
    /// μ and dμ/dη from y and η.
    mean: Runner<f64>,
    /// The largest |η|: probabilities are kept off 0 and 1.
    most: f64,
    /// True if a loss is summed over both classes.
    two_classes: bool,
    ones: Vec<f64>,
    slope: Vec<f64>,
}

impl RowLosses {
    /// Of a family.
    pub fn new(programs: &Programs, measure: Measure) -> Self {
        let runner = |program: &Program| program.runner().unwrap_or_else(|_| Runner::empty());
        let family = &programs.family;
        RowLosses {
            measure,
            deviance: runner(&programs.deviance),
            mean: runner(&programs.inverse_link),
            most: if family.is_binomial() {
                MOST_LOGIT
            } else {
                f64::INFINITY
            },
            two_classes: family.is_binomial() && family.link == Link::Logit,
            ones: Vec::new(),
            slope: Vec::new(),
        }
    }

    /// The loss of each row at its η, which is kept within the range of probabilities.
    pub fn at(&mut self, rows: ObservedRows<'_>, eta: &mut [f64], loss: &mut [f64]) {
        let n = eta.len();
        self.ones.resize(n.max(self.ones.len()), 1.0);
        self.slope.resize(n.max(self.slope.len()), 0.0);
        eta.iter_mut().for_each(|e| *e = e.clamp(-self.most, self.most));
        let eta = &*eta;
        match self.measure {
            Measure::Deviance => {
                let inputs = [rows.y, eta, &self.ones[..n], rows.trials, rows.rest].map(Input::Real);
                if self.deviance.run(&inputs, n, &mut [Output::Real(loss)]).is_err() {
                    loss.fill(f64::NAN);
                }
            }
            _ => {
                let inputs = [rows.y, eta].map(Input::Real);
                let mut outputs = [Output::Real(loss), Output::Real(&mut self.slope[..n])];
                if self.mean.run(&inputs, n, &mut outputs).is_err() {
                    loss.fill(f64::NAN);
                }
                self.measure.losses(rows.y, loss, self.two_classes);
            }
        }
    }
}

/// Puts the classes' probabilities e^ηₖ / Σ e^η in the place of η.
pub(super) fn probabilities(eta: &mut [Vec<f64>]) {
    let rows = eta.first().map_or(0, Vec::len);
    for i in 0..rows {
        let most = eta.iter().map(|e| e[i]).fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        for e in eta.iter_mut() {
            e[i] = (e[i] - most).exp();
            sum += e[i];
        }
        eta.iter_mut().for_each(|e| e[i] /= sum);
    }
}
