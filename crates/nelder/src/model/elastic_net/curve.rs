//! The curve of a cross-validation: errors by λ with their standard errors, and the λ to choose.

use serde::{Deserialize, Serialize};

use super::measure::Measure;
use super::path::Path;

/// Errors of a fold's model on the rows of the fold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FoldErrors {
    /// Σ w of its rows.
    pub weight: f64,
    /// Its rows of positive weight.
    pub rows: u64,
    /// Mean error, by λ of the whole path.
    pub errors: Vec<f64>,
    /// Mean squared error of the rows' errors, by λ: for standard errors over rows. Empty where these are over folds.
    pub squares: Vec<f64>,
}

/// Units that a standard error is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorsOver {
    /// The folds: glmnet's `grouped = TRUE`.
    #[default]
    Folds,
    /// The rows.
    Rows,
}

/// λ that a cross-validation chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The λ whose error is least: `lambda.min`.
    Best,
    /// The largest λ whose error is within one standard error of the least: `lambda.1se`.
    OneError,
}

/// Errors of a cross-validation by λ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// λ, descending.
    pub lambdas: Vec<f64>,
    /// Mean error of held-out rows, `cvm`: the mean over folds, weighted by the weights of their rows.
    pub errors: Vec<f64>,
    /// Its standard error, `cvsd`: with k folds the root of the weighted mean of squared deviations over k − 1.
    pub std_errors: Vec<f64>,
    /// Coefficients other than zero.
    pub nonzero: Vec<usize>,
    /// Place of `lambda.min`.
    pub best: usize,
    /// Place of `lambda.1se`.
    pub one_error: usize,
    /// The curves of mixtures with relaxed fits, where these were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relaxed: Option<RelaxedCurves>,
}

impl Curve {
    /// The curve of a path from the errors of folds, drawn several times: averages over the draws, whose standard errors are averaged too,
    /// for the draws are of the same rows. As in glmnet, `weightless` rows of weight zero count where standard errors are over rows.
    pub(super) fn new(
        path: &Path,
        folds: &[FoldErrors],
        repeats: usize,
        over: ErrorsOver,
        weightless: u64,
    ) -> Curve {
        let per_draw = folds.len() / repeats;
        let count = path.len();
        let (mut errors, mut std_errors) = (vec![0.0; count], vec![0.0; count]);
        for draw in folds.chunks(per_draw) {
            for m in 0..count {
                // a fold without an error, such as one class alone, is not in the means
                let own: Vec<&FoldErrors> = draw
                    .iter()
                    .filter(|f| f.weight > 0.0 && !f.errors[m].is_nan())
                    .collect();
                let weight: f64 = own.iter().map(|f| f.weight).sum();
                let mean: f64 = own.iter().map(|f| f.weight * f.errors[m]).sum::<f64>() / weight;
                let (spread, units) = match over {
                    ErrorsOver::Folds => {
                        let square = |f: &&FoldErrors| f.weight * (f.errors[m] - mean) * (f.errors[m] - mean);
                        (own.iter().map(square).sum::<f64>(), per_draw as f64)
                    }
                    ErrorsOver::Rows => {
                        let square = |f: &FoldErrors| f.weight * (f.squares[m] - mean * mean);
                        let rows: u64 = draw.iter().map(|f| f.rows).sum();
                        (
                            draw.iter().map(square).sum::<f64>().max(0.0),
                            (rows + weightless) as f64,
                        )
                    }
                };
                errors[m] += mean / repeats as f64;
                std_errors[m] += (spread / weight / (units - 1.0)).sqrt() / repeats as f64;
            }
        }
        let (best, one_error) = choices(&errors, &std_errors);
        Curve {
            lambdas: path.lambdas(),
            nonzero: (0..count).map(|m| path.nonzero(m)).collect(),
            errors,
            std_errors,
            best,
            one_error,
            relaxed: None,
        }
    }

    /// The same with the curves of mixtures by `gammas`, whose errors follow those of the path in each fold's, as [`aligned`](super::validated::aligned) has
    /// their models.
    pub(super) fn with_mixtures(
        self,
        path: &Path,
        folds: &[FoldErrors],
        repeats: usize,
        (over, weightless): (ErrorsOver, u64),
        gammas: &[f64],
    ) -> Curve {
        if gammas.is_empty() {
            return self;
        }
        let count = path.len();
        let part = |values: &[f64], at: usize| match values.is_empty() {
            true => Vec::new(),
            false => values[at * count..(at + 1) * count].to_vec(),
        };
        let curve = |at: usize| {
            let of = |fold: &FoldErrors| FoldErrors {
                errors: part(&fold.errors, at),
                squares: part(&fold.squares, at),
                ..*fold
            };
            let own: Vec<FoldErrors> = folds.iter().map(of).collect();
            Curve::new(path, &own, repeats, over, weightless)
        };
        let curves = (1..=gammas.len()).map(curve).collect();
        Curve {
            relaxed: Some(RelaxedCurves::new(gammas.to_vec(), curves, 1.0)),
            ..self
        }
    }

    /// The same, the λ chosen by the most of a measure where that is the best.
    pub(super) fn chosen_by(mut self, measure: Measure) -> Curve {
        if measure.is_gain() {
            let losses: Vec<f64> = self.errors.iter().map(|e| -e).collect();
            (self.best, self.one_error) = choices(&losses, &self.std_errors);
            self.relaxed = (self.relaxed).map(|own| {
                let curves = own.curves.into_iter().map(|c| c.chosen_by(measure));
                RelaxedCurves::new(own.gammas, curves.collect(), -1.0)
            });
        }
        self
    }

    /// The best error of all λ, and of all mixtures with relaxed fits where there are some.
    pub(super) fn least(&self) -> f64 {
        match &self.relaxed {
            None => self.errors[self.best],
            Some(own) => own.curves[own.best.gamma].errors[own.best.lambda],
        }
    }

    /// γ and λ of a choice: among the mixtures with relaxed fits where there are some, else λ of the path, whose γ is 1.
    pub fn chosen(&self, choice: Choice) -> (f64, f64) {
        match &self.relaxed {
            None => (1.0, self.lambdas[self.index(choice)]),
            Some(own) => own.chosen(choice),
        }
    }

    /// The place of a choice.
    pub fn index(&self, choice: Choice) -> usize {
        match choice {
            Choice::Best => self.best,
            Choice::OneError => self.one_error,
        }
    }
}

/// A place among curves by γ: of γ and of λ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelaxedPlace {
    /// Place of γ.
    pub gamma: usize,
    /// Place of λ.
    pub lambda: usize,
}

/// Errors of mixtures γ β + (1 − γ) β̂ of penalized and relaxed fits, by γ: `cv.relaxed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RelaxedCurves {
    /// γ, ascending.
    pub gammas: Vec<f64>,
    /// The curve of each.
    pub curves: Vec<Curve>,
    /// Place of the least error of all; of several the one of the largest λ, and then γ.
    pub best: RelaxedPlace,
    /// Place of the largest λ, and then γ, whose error is at most that one's plus its standard error.
    pub one_error: RelaxedPlace,
}

impl RelaxedCurves {
    /// Chooses among curves; `sign` is −1 where the largest is the best.
    fn new(gammas: Vec<f64>, curves: Vec<Curve>, sign: f64) -> Self {
        let all = || {
            let of = |(gamma, curve): (usize, &Curve)| {
                (0..curve.errors.len()).map(move |lambda| RelaxedPlace { gamma, lambda })
            };
            curves.iter().enumerate().flat_map(of)
        };
        let error = |at: RelaxedPlace| sign * curves[at.gamma].errors[at.lambda];
        let order = |at: RelaxedPlace| (curves[at.gamma].lambdas[at.lambda], gammas[at.gamma]);
        let first = |limit: f64| {
            let within = all().filter(|at| error(*at) <= limit);
            let later = |a: RelaxedPlace, b: RelaxedPlace| if order(b) > order(a) { b } else { a };
            within.reduce(later).unwrap_or_default()
        };
        let best = first(all().map(error).fold(f64::INFINITY, f64::min));
        let spread = curves.get(best.gamma).map_or(0.0, |c| c.std_errors[best.lambda]);
        let one_error = match curves.is_empty() {
            true => best,
            false => first(error(best) + spread),
        };
        RelaxedCurves {
            gammas,
            curves,
            best,
            one_error,
        }
    }

    /// The place of a choice.
    pub fn place(&self, choice: Choice) -> RelaxedPlace {
        match choice {
            Choice::Best => self.best,
            Choice::OneError => self.one_error,
        }
    }

    /// γ and λ of a choice.
    pub fn chosen(&self, choice: Choice) -> (f64, f64) {
        let at = self.place(choice);
        (self.gammas[at.gamma], self.curves[at.gamma].lambdas[at.lambda])
    }
}

/// The places of the largest λ with the least error, and of the largest λ whose error is at most that one's plus its standard error.
fn choices(errors: &[f64], std_errors: &[f64]) -> (usize, usize) {
    let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
    let first = |limit: f64| errors.iter().position(|e| *e <= limit).unwrap_or(0);
    let best = first(least);
    (best, first(errors[best] + std_errors[best]))
}
