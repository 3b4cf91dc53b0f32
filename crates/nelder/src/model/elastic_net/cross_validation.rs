//! Cross-validation of a path: `cv.glmnet`.
//!
//! A Gaussian model's folds come from one pass: with G the gram of all rows and G_k that of fold k, the model without the fold is
//! fitted to G − G_k, centred and scaled for itself, and its squared error on the fold is a quadratic form in G_k. So a grid of folds
//! and α costs one pass too.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::curve::{Choice, Curve, FoldErrors};
use super::fit::{ElasticNetReport, Problem, bind_columns};
use super::fold_grams::FoldGrams;
use super::folds::Folds;
use super::lambda::LambdaSequence;
use super::moments::Moments;
use super::path::Path;
use super::{ElasticNet, ElasticNetSpec};
use crate::frame::Source;
use crate::model::equations::ladder::{check_finite, first_products, rows_left};
use crate::model::{ModelError, ModelFrame};
use crate::pass::{Course, Gram, Opening, Pass, Products, Run, Sum};

/// Which λ of a fold's path an error at λ of the whole path is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alignment {
    /// The same λ, between those of the fold's path by interpolation.
    #[default]
    Lambda,
    /// The λ in the same place of the fold's path.
    Fraction,
}

/// A cross-validation: the arguments of `cv.glmnet`.
#[derive(Clone, Debug)]
pub struct CrossValidationSpec {
    /// The model.
    pub model: ElasticNetSpec,
    /// The folds.
    pub folds: Folds,
    /// Times that folds are drawn; errors are averaged.
    pub repeats: u32,
    /// Shares of absolute values in the penalty to compare; the model's alone where there are none.
    pub alphas: Vec<f64>,
    /// Comparison of λ.
    pub alignment: Alignment,
}

impl CrossValidationSpec {
    /// Ten folds of a model.
    pub fn new(model: ElasticNetSpec) -> Self {
        CrossValidationSpec {
            model,
            folds: Folds::default(),
            repeats: 1,
            alphas: Vec::new(),
            alignment: Alignment::default(),
        }
    }

    /// Sets the folds.
    pub fn folds(mut self, folds: Folds) -> Self {
        self.folds = folds;
        self
    }

    fn check(&self, rows: Option<u64>) -> Result<(), ModelError> {
        let wrong = |argument: &str, why: String| Err(ModelError::argument(argument, why));
        self.folds.check(rows)?;
        if self.repeats == 0 {
            return wrong("repeats", "0 is below 1".into());
        }
        if self.repeats > 1 && matches!(self.folds, Folds::Given(_)) {
            return wrong("repeats", "folds that are given are the same each time".into());
        }
        if let LambdaSequence::Given(values) = &self.model.lambda
            && values.len() < 2
        {
            return wrong("lambda", "need more than one value of lambda for cv.glmnet".into());
        }
        match self.alphas.iter().find(|a| !(0.0..=1.0).contains(*a)) {
            Some(alpha) => wrong("alpha", format!("{alpha} is not between 0 and 1")),
            None => Ok(()),
        }
    }

    fn alphas(&self) -> Vec<f64> {
        match self.alphas.is_empty() {
            true => vec![self.model.alpha],
            false => self.alphas.clone(),
        }
    }
}

/// A cross-validated path.
pub struct CrossValidation<'s> {
    /// What was asked for.
    pub spec: CrossValidationSpec,
    /// The path of all rows, of the α whose error is least.
    pub fit: ElasticNet<'s>,
    /// Its error by λ.
    pub curve: Curve,
    /// The same for each α, where several were asked for, in their order.
    pub grid: Vec<(f64, Path, Curve)>,
}

impl CrossValidation<'_> {
    /// The α whose error is least.
    pub fn alpha(&self) -> f64 {
        self.fit.spec.alpha
    }

    /// The record of the computation.
    pub fn report(&self) -> &ElasticNetReport {
        &self.fit.report
    }

    /// λ of a choice.
    pub fn lambda(&self, choice: Choice) -> f64 {
        self.curve.lambdas[self.curve.index(choice)]
    }
}

/// Cross-validates a path: `cv.glmnet`.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{Choice, CrossValidationSpec, ElasticNetSpec, cross_validate};
/// use nelder::pass::NoProgress;
/// let x: Vec<f64> = (0..60).map(f64::from).collect();
/// let y: Vec<f64> = x.iter().map(|x| 2.0 * x + (x * 1.7).sin()).collect();
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let found = cross_validate(&CrossValidationSpec::new(ElasticNetSpec::new("y ~ x")), &frame, &NoProgress)?;
/// assert!(found.lambda(Choice::Best) <= found.lambda(Choice::OneError));
/// # Ok::<(), nelder::model::ModelError>(())
/// ```
///
/// # Errors
/// Those of [`elastic_net`](super::elastic_net); folds that are none; too few observations in a fold.
pub fn cross_validate<'s, 'm>(
    spec: &CrossValidationSpec,
    source: impl Source + 's,
    run: impl Into<Run<'m>>,
) -> Result<CrossValidation<'s>, ModelError> {
    let run = run.into();
    spec.check(source.rows())?;
    let bound = bind_columns(&spec.model, Arc::new(source))?.at(run.executor);
    let products = first_products(&bound, spec.model.design.accuracy);
    // 1. the grams of the folds
    let mut passes = bound.passes.clone();
    let opening = Opening::new(Course::LeastSquares(products), run.monitor);
    let (session, records) = bound.executor.open(&bound.rows, &opening)?;
    passes.extend(records);
    let mut drawn = Vec::new();
    let mut counts = None;
    for repeat in 0..spec.repeats {
        let folds = spec.folds.repeated(u64::from(repeat));
        let statistic = FoldGrams {
            folds: &folds,
            products,
        };
        let pass = Pass::new("grams of folds", precision(products), &statistic, run.monitor);
        let found = session.reduce(&bound.rows, pass)?;
        rows_left(&found.counts, &bound)?;
        passes.extend(found.records);
        counts = Some(found.counts);
        drawn.push(found.value);
    }
    let Some(counts) = counts else {
        return Err(ModelError::argument("repeats", "0 is below 1"));
    };
    let total = total(&drawn[0]);
    check_finite(&total, &bound)?;
    few_rows(&drawn, counts.used)?;
    // 2. the paths of all rows and of all rows but a fold's
    let problem = Problem::new(&spec.model, &bound, &counts, &total)?;
    let grid = grid(spec, &problem, &total, &drawn)?;
    let best = best(&grid);
    let (alpha, path, curve) = grid[best].clone();
    let report = problem.report(&path, &bound, passes, precision(products));
    let model = ElasticNetSpec {
        alpha,
        ..spec.model.clone()
    };
    Ok(CrossValidation {
        spec: spec.clone(),
        fit: fit_of(model, problem, bound, path, counts, report),
        curve,
        grid: if grid.len() > 1 { grid } else { Vec::new() },
    })
}

fn fit_of<'s>(
    spec: ElasticNetSpec,
    problem: Problem,
    bound: ModelFrame<'s>,
    path: Path,
    counts: crate::design::RowCounts,
    report: ElasticNetReport,
) -> ElasticNet<'s> {
    ElasticNet {
        spec,
        bound,
        columns: problem.columns,
        path,
        counts,
        report,
    }
}

fn precision(products: Products) -> &'static str {
    crate::pass::GramStatistic { products }.precision()
}

/// The gram of all rows.
fn total(folds: &[Gram]) -> Gram {
    let mut total = folds[0].clone();
    folds[1..].iter().for_each(|g| total.merge(g.clone()));
    total
}

/// Refuses folds whose errors cannot be averaged.
fn few_rows(drawn: &[Vec<Gram>], rows: u64) -> Result<(), ModelError> {
    for folds in drawn {
        if let Some(empty) = folds.iter().position(|g| g.rows == 0) {
            return Err(ModelError::argument(
                "nfolds",
                format!(
                    "no complete row of positive weight is in fold {} of {}: there are {rows} rows for them",
                    empty + 1,
                    folds.len()
                ),
            ));
        }
    }
    Ok(())
}

/// Path and curve of each α.
fn grid(
    spec: &CrossValidationSpec,
    problem: &Problem,
    total: &Gram,
    drawn: &[Vec<Gram>],
) -> Result<Vec<(f64, Path, Curve)>, ModelError> {
    let map = &problem.columns.map;
    // the moments of all rows; by repeat and fold, those of the fold and of the others
    let all = Moments::new(total, map);
    let parts: Vec<&Gram> = drawn.iter().flatten().collect();
    let moments: Vec<(Moments, Moments)> = parts
        .par_iter()
        .map(|fold| (Moments::new(fold, map), Moments::new(&total.without(fold), map)))
        .collect();
    let alphas = spec.alphas();
    let problems: Vec<Problem> = alphas.iter().map(|a| problem.alpha(*a)).collect();
    // every path is one task: the longest, of all rows, first
    let tasks: Vec<(usize, Option<usize>)> = (0..alphas.len())
        .map(|a| (a, None))
        .chain((0..moments.len()).flat_map(|k| (0..alphas.len()).map(move |a| (a, Some(k)))))
        .collect();
    let paths: Vec<Path> = tasks
        .par_iter()
        .with_max_len(1)
        .map(|&(a, fold)| match fold {
            None => problems[a].path_of(&all),
            Some(k) => problems[a].path_of(&moments[k].1).map_err(|e| in_fold(e, k, drawn[0].len())),
        })
        .collect::<Result<_, _>>()?;
    let mut out = Vec::new();
    for (a, alpha) in alphas.into_iter().enumerate() {
        let of = |fold: Option<usize>| {
            let at = tasks.iter().position(|t| *t == (a, fold));
            &paths[at.unwrap_or_default()]
        };
        let whole = of(None);
        let errors: Vec<FoldErrors> = (0..moments.len())
            .map(|k| errors_of(&moments[k].0, of(Some(k)), whole, spec.alignment, problem.square_unit()))
            .collect();
        let mut path = whole.clone();
        problem.rescale(&mut path);
        let curve = Curve::new(&path, &errors, drawn.len());
        out.push((alpha, path, curve));
    }
    Ok(out)
}

/// The errors of a fold's path on its rows, at the λ of the whole path.
fn errors_of(held_out: &Moments, path: &Path, whole: &Path, alignment: Alignment, unit: f64) -> FoldErrors {
    let of = |m: usize| {
        let (intercept, coefficients) = match alignment {
            Alignment::Lambda => path.at(whole.steps[m].lambda),
            Alignment::Fraction => {
                let step = &path.steps[m.min(path.len() - 1)];
                (step.intercept, step.coefficients.clone())
            }
        };
        let entries: Vec<(usize, f64)> = coefficients.entries().collect();
        held_out.squared_error(intercept, &entries) * unit
    };
    FoldErrors {
        weight: held_out.columns.weight,
        errors: (0..whole.len()).map(of).collect(),
    }
}

/// An error in the model of a fold, with the fold's number.
fn in_fold(error: ModelError, k: usize, folds: usize) -> ModelError {
    match error {
        ModelError::Argument { argument, why } => ModelError::Argument {
            argument,
            why: format!("{why}, in the rows without fold {} of {folds}", k % folds + 1),
        },
        other => other,
    }
}

/// The α whose least error is least; the first of several.
fn best(grid: &[(f64, Path, Curve)]) -> usize {
    let least = |(_, _, curve): &(f64, Path, Curve)| curve.errors[curve.best];
    let mut best = 0;
    for (i, one) in grid.iter().enumerate() {
        if least(one) < least(&grid[best]) {
            best = i;
        }
    }
    best
}
