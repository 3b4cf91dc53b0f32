//! The loss of rows in memory: deviance, scores and working weights at linear predictors.

use nelder_device::{Input, Output, Runner};

/// Rows whose scores are formed at a time.
const RUN: usize = 512;

/// Rows of one response.
#[derive(Clone, Debug)]
pub(super) struct RowsInMemory {
    /// Responses; proportions of successes where these are counted; zero for rows that are not in the model.
    pub y: Vec<f64>,
    /// Prior weights, times trials; zero for rows that are not in the model.
    pub weight: Vec<f64>,
    /// Trials, where successes are counted.
    pub trials: Option<Vec<f64>>,
    /// Proportions of failures, where these are counted.
    pub rest: Option<Vec<f64>>,
    /// Offset.
    pub offset: Option<Vec<f64>>,
}

/// Loss as a function of the linear predictors.
#[derive(Clone)]
pub(super) enum RowLoss<'a> {
    /// Σ w (y − η)² of responses in units of their own.
    Squares {
        /// Responses.
        y: Vec<f64>,
    },
    /// The deviance of a family.
    Family {
        /// Working weight, score, unit deviance.
        step: Runner<f64>,
        /// The rows.
        rows: &'a RowsInMemory,
    },
}

/// Sums over rows at some linear predictors, with prior weights of sum 1.
#[derive(Clone, Debug, Default)]
pub(super) struct RowScores {
    /// Deviance; infinite out of the family's range.
    pub deviance: f64,
    /// s, minus half the derivative of the deviance by η.
    pub score: Vec<f64>,
    /// Σ s.
    pub score_sum: f64,
    /// Working weights.
    pub weight: Vec<f64>,
    /// Their sum.
    pub weight_sum: f64,
}

impl RowLoss<'_> {
    /// The loss at η, without the offset. `weights` are the prior weights, of sum 1.
    pub fn at(&mut self, eta: &[f64], weights: &[f64], total: f64, out: &mut RowScores) {
        let n = eta.len();
        out.score.resize(n, 0.0);
        out.weight.resize(n, 0.0);
        match self {
            RowLoss::Squares { y } => {
                let mut deviance = 0.0;
                for i in 0..n {
                    let r = y[i] - eta[i];
                    out.score[i] = weights[i] * r;
                    deviance += out.score[i] * r;
                }
                out.weight.copy_from_slice(weights);
                (out.deviance, out.weight_sum) = (deviance, 1.0);
            }
            RowLoss::Family { step, rows } => {
                out.deviance = of_family(step, rows, eta, (weights, total), out);
                out.weight_sum = out.weight.iter().sum();
            }
        }
        out.score_sum = out.score.iter().sum();
    }

    /// True if working weights are the prior ones wherever they are formed.
    pub fn is_quadratic(&self) -> bool {
        matches!(self, RowLoss::Squares { .. })
    }
}

fn of_family(
    step: &mut Runner<f64>,
    rows: &RowsInMemory,
    eta: &[f64],
    (weights, total): (&[f64], f64),
    out: &mut RowScores,
) -> f64 {
    let n = eta.len();
    let (mut own, mut prior, mut deviances) = ([0.0; RUN], [0.0; RUN], [0.0; RUN]);
    let (mut deviance, mut from) = (0.0, 0);
    while from < n {
        let to = (from + RUN).min(n);
        let m = to - from;
        own[..m].copy_from_slice(&eta[from..to]);
        if let Some(offset) = &rows.offset {
            own[..m]
                .iter_mut()
                .zip(&offset[from..to])
                .for_each(|(e, o)| *e += o);
        }
        let pairs = prior[..m].iter_mut().zip(&weights[from..to]);
        pairs.for_each(|(p, w)| *p = w * total);
        let y = &rows.y[from..to];
        let [trials, rest] = [&rows.trials, &rows.rest].map(|c| c.as_ref().map_or(y, |c| &c[from..to]));
        let inputs = [y, &own[..m], &prior[..m], trials, rest].map(Input::Real);
        let mut outputs = [
            Output::Real(&mut out.weight[from..to]),
            Output::Real(&mut out.score[from..to]),
            Output::Real(&mut deviances[..m]),
        ];
        if step.run(&inputs, m, &mut outputs).is_err() {
            deviances[..m].fill(f64::NAN);
        }
        for (i, d) in (from..to).zip(&deviances[..m]) {
            // a row that is not in the model may be anywhere
            if weights[i] > 0.0 {
                deviance += d;
                out.weight[i] /= total;
                out.score[i] /= total;
            } else {
                (out.weight[i], out.score[i]) = (0.0, 0.0);
            }
        }
        from = to;
    }
    match deviance.is_nan() {
        true => f64::INFINITY,
        false => deviance / total,
    }
}
