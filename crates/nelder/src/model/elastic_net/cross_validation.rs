//! Cross-validation of a path: `cv.glmnet`.
//!
//! A Gaussian model's folds come from one pass: with G the gram of all rows and G_k that of fold k, the model without the fold is
//! fitted to G − G_k, centred and scaled for itself, and its squared error on the fold is a quadratic form in G_k. So a grid of folds
//! and α costs one pass too.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::curve::{Choice, Curve, ErrorsOver, FoldErrors};
use super::fit::bind_columns;
use super::fold_grams::FoldGrams;
use super::folds::Folds;
use super::generalized::{self, GeneralizedRows};
use super::held_out::{HeldOutRows, HeldOutSums};
use super::lambda::LambdaSequence;
use super::measure::Measure;
use super::membership::Membership;
use super::moments::Moments;
use super::newton_path::NewtonPath;
use super::path::{Path, SparseVector};
use super::problem::Problem;
use super::report::ElasticNetReport;
use super::{ElasticNet, ElasticNetSpec};
use crate::design::{DesignError, Room, RowCounts};
use crate::family::{Programs, Start, Trials};
use crate::frame::Source;
use crate::model::equations::ladder::{check_finite, first_products, rows_left};
use crate::model::{ModelError, ModelFrame};
use crate::pass::{Course, Gram, GramStatistic, Monitor, Opening, Pass, PassRecord, Run, Sum};

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
    /// Loss of a row.
    pub measure: Measure,
    /// What standard errors are over; rows where folds have fewer than three each.
    pub over: ErrorsOver,
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
            measure: Measure::Deviance,
            over: ErrorsOver::default(),
        }
    }

    /// Sets the loss of a row.
    pub fn measure(mut self, measure: Measure) -> Self {
        self.measure = measure;
        self
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
            return wrong(
                "lambda",
                "need more than one value of lambda for cv.glmnet".into(),
            );
        }
        match self.alphas.iter().find(|a| !(0.0..=1.0).contains(*a)) {
            Some(alpha) => wrong("alpha", format!("{alpha} is not between 0 and 1")),
            None => Ok(()),
        }
    }

    /// The folds of each draw.
    fn draws(&self) -> Vec<Folds> {
        (0..self.repeats)
            .map(|r| self.folds.repeated(u64::from(r)))
            .collect()
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
    bound.rows.keep_blocks();
    let found = match spec.model.family.is_of_residuals() {
        true => gaussian(spec, &bound, run.monitor)?,
        false => generalized(spec, &bound, run.monitor)?,
    };
    bound.rows.forget_blocks();
    let Found {
        problem,
        counts,
        passes,
        precision,
        grid,
        over,
    } = found;
    let (alpha, path, curve) = grid[best(&grid)].clone();
    let report = problem.report(&path, &bound, passes, precision);
    Ok(CrossValidation {
        spec: CrossValidationSpec { over, ..spec.clone() },
        fit: ElasticNet {
            spec: ElasticNetSpec {
                alpha,
                ..spec.model.clone()
            },
            bound,
            columns: problem.into_columns(),
            path,
            counts,
            report,
        },
        curve,
        grid: if grid.len() > 1 { grid } else { Vec::new() },
    })
}

/// Paths and curves, and what led to them.
struct Found {
    problem: Problem,
    counts: RowCounts,
    passes: Vec<PassRecord>,
    precision: &'static str,
    /// By α, in the units of the data.
    grid: Vec<(f64, Path, Curve)>,
    over: ErrorsOver,
}

/// What standard errors are over: rows where folds have fewer than three each, as in glmnet.
fn errors_over(spec: &CrossValidationSpec, rows: u64) -> ErrorsOver {
    match rows < 3 * spec.folds.count() as u64 {
        true => ErrorsOver::Rows,
        false => spec.over,
    }
}

/// Of a Gaussian model: one pass for each draw of the folds, and another for losses that no gram tells.
fn gaussian(
    spec: &CrossValidationSpec,
    bound: &ModelFrame<'_>,
    monitor: &dyn Monitor,
) -> Result<Found, ModelError> {
    let products = first_products(bound, spec.model.design.accuracy);
    // 1. the grams of the folds
    let mut passes = bound.passes.clone();
    let opening = Opening::new(Course::LeastSquares(products), monitor);
    let (session, records) = bound.executor.open(&bound.rows, &opening)?;
    passes.extend(records);
    let precision = GramStatistic { products }.precision();
    room_for_folds(bound.rows.layout().atoms.dense + 1, spec)?;
    let (mut drawn, mut counts) = (Vec::new(), RowCounts::default());
    for folds in spec.draws() {
        let statistic = FoldGrams {
            folds: &folds,
            products,
        };
        let pass = Pass::new("grams of folds", precision, &statistic, monitor);
        let found = session.reduce(&bound.rows, pass)?;
        rows_left(&found.counts, bound)?;
        passes.extend(found.records);
        counts = found.counts;
        drawn.push(found.value);
    }
    let total = total(&drawn[0]);
    check_finite(&total, bound)?;
    few_rows(&drawn, counts.used)?;
    // 2. the paths of all rows and of all rows but a fold's
    let problem = Problem::new(&spec.model, bound, &counts, &total)?;
    room_for_folds(problem.columns.names.len(), spec)?;
    let over = errors_over(spec, counts.used);
    let by_rows = over == ErrorsOver::Rows || !matches!(spec.measure, Measure::Deviance | Measure::Squared);
    let paths = gaussian_paths(spec, &problem, &total, &drawn)?;
    let weighted = spec.model.design.weights.is_some();
    let programs = Programs::new(&spec.model.family, weighted, Trials::Several, Start::Family);
    let mut grid = Vec::new();
    for (alpha, whole, folds) in paths.of_alphas {
        let errors = match by_rows {
            false => {
                let of = |(held_out, path): (&Moments, &Path)| {
                    squared_errors(held_out, path, &whole, spec.alignment, problem.square_unit())
                };
                paths.held_out.iter().zip(&folds).map(of).collect()
            }
            true => {
                let mut errors = Vec::new();
                let count = spec.folds.count();
                for (folds_of, own) in spec.draws().iter().zip(folds.chunks(count)) {
                    let models = aligned(own, &whole, spec.alignment);
                    let rows = HeldOutRows {
                        bound,
                        session: &*session,
                        monitor,
                        programs: &programs,
                        counts: false,
                        offset: false,
                    };
                    let (sums, records) = rows.losses(&problem, folds_of, spec.measure, &models)?;
                    passes.extend(records);
                    let unit = match spec.measure {
                        Measure::Absolute => problem.square_unit().sqrt(),
                        _ => problem.square_unit(),
                    };
                    errors.extend(errors_of_rows(&sums, unit));
                }
                errors
            }
        };
        let mut path = whole;
        problem.rescale(&mut path);
        let curve = Curve::new(&path, &errors, drawn.len(), over, counts.weightless);
        grid.push((alpha, path, curve));
    }
    Ok(Found {
        problem,
        counts,
        passes,
        precision,
        grid,
        over,
    })
}

/// Of a generalized model: the paths of all folds go on side by side, so that each pass serves all of them; then one pass for the losses.
fn generalized(
    spec: &CrossValidationSpec,
    bound: &ModelFrame<'_>,
    monitor: &dyn Monitor,
) -> Result<Found, ModelError> {
    let mut rows = GeneralizedRows::new(&spec.model, bound, monitor)?;
    let problem = generalized::problem(&spec.model, &rows, bound)?;
    let over = errors_over(spec, rows.counts.used);
    room_for_folds(problem.columns.names.len(), spec)?;
    let draws = spec.draws();
    let mut sums = Vec::new();
    for folds in &draws {
        sums.push(rows.sums_without(&problem, folds)?);
    }
    let mut grid = Vec::new();
    for alpha in spec.alphas() {
        let own = problem.alpha(alpha);
        let (mut whole, mut errors): (Option<Path>, Vec<FoldErrors>) = (None, Vec::new());
        for (folds, sums) in draws.iter().zip(&sums) {
            let without = sums.iter().zip(0..);
            let mut paths: Vec<(Membership, NewtonPath<'_>)> = without
                .map(|(sums, k)| {
                    (
                        Membership::Without(k),
                        own.newton_path(sums.clone()).beside_another(),
                    )
                })
                .collect();
            if whole.is_none()
                && let Some(all) = rows.sums(&own)
            {
                paths.insert(0, (Membership::All, own.newton_path(all)));
            }
            rows.run(&own, folds, &mut paths)?;
            let mut found: Vec<Path> = paths.into_iter().map(|(_, path)| path.path).collect();
            let all = match whole.take() {
                Some(all) => all,
                None => found.remove(0),
            };
            short_paths(&found)?;
            let models = aligned(&found, &all, spec.alignment);
            let losses = rows.held_out(&own, folds, spec.measure, &models)?;
            errors.extend(errors_of_rows(&losses, 1.0));
            whole = Some(all);
        }
        let Some(mut path) = whole else { continue };
        own.rescale(&mut path);
        let curve = Curve::new(&path, &errors, draws.len(), over, rows.counts.weightless);
        grid.push((alpha, path, curve));
    }
    Ok(Found {
        problem,
        counts: rows.counts,
        passes: rows.passes,
        precision: "f64",
        grid,
        over,
    })
}

/// Refuses folds whose models have no solution at all.
fn short_paths(paths: &[Path]) -> Result<(), ModelError> {
    match paths.iter().position(Path::is_empty) {
        None => Ok(()),
        Some(fold) => Err(ModelError::argument(
            "y",
            format!(
                "no model can be fitted to the rows without fold {} of {}: {}",
                fold + 1,
                paths.len(),
                paths[fold].end.reason()
            ),
        )),
    }
}

/// Refuses folds whose matrices would be larger than the memory that a fit may take.
fn room_for_folds(columns: usize, spec: &CrossValidationSpec) -> Result<(), ModelError> {
    let folds = spec.folds.count() * spec.repeats as usize;
    Room::of_machine()
        .for_folds(columns, folds)
        .map_err(|lack| match folds > 10 {
            true => ModelError::argument(
                "nfolds",
                format!("{folds} folds have no room: {lack}; fewer folds or repeats need less"),
            ),
            false => ModelError::Design(DesignError::NoRoom(lack)),
        })
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

/// Paths of a Gaussian model by α.
struct GaussianPaths {
    /// By draw and fold, the moments of its rows.
    held_out: Vec<Moments>,
    /// By α, the path of all rows, and by draw and fold those of the others, in the units of the rows.
    of_alphas: Vec<(f64, Path, Vec<Path>)>,
}

/// The paths of each α.
fn gaussian_paths(
    spec: &CrossValidationSpec,
    problem: &Problem,
    total: &Gram,
    drawn: &[Vec<Gram>],
) -> Result<GaussianPaths, ModelError> {
    let map = &problem.columns.map;
    let all = Moments::new(total, map);
    let parts: Vec<&Gram> = drawn.iter().flatten().collect();
    let (held_out, others): (Vec<Moments>, Vec<Moments>) = parts
        .par_iter()
        .map(|fold| (Moments::new(fold, map), Moments::new(&total.without(fold), map)))
        .unzip();
    let alphas = spec.alphas();
    let problems: Vec<Problem> = alphas.iter().map(|a| problem.alpha(*a)).collect();
    // every path is one task: those of all rows first
    let folds = others.len();
    let paths: Vec<Path> = (0..alphas.len() * (folds + 1))
        .into_par_iter()
        .with_max_len(1)
        .map(|task| {
            let (fold, a) = (task / alphas.len(), task % alphas.len());
            match fold {
                0 => problems[a].path_of(&all),
                k => problems[a]
                    .path_of(&others[k - 1])
                    .map_err(|e| in_fold(e, k - 1, drawn[0].len())),
            }
        })
        .collect::<Result<_, _>>()?;
    let of_alphas = alphas.iter().enumerate().map(|(a, alpha)| {
        let mut own = paths.iter().skip(a).step_by(alphas.len()).cloned();
        let whole = own.next().unwrap_or_else(|| Path::new(0, f64::NAN));
        (*alpha, whole, own.collect())
    });
    Ok(GaussianPaths {
        of_alphas: of_alphas.collect(),
        held_out,
    })
}

/// The models of folds' paths at the λ of the whole path.
fn aligned(paths: &[Path], whole: &Path, alignment: Alignment) -> Vec<Vec<(f64, SparseVector)>> {
    let of = |path: &Path, m: usize| match alignment {
        Alignment::Lambda => path.at(whole.steps[m].lambda),
        Alignment::Fraction => {
            let step = &path.steps[m.min(path.len() - 1)];
            (step.intercept, step.coefficients.clone())
        }
    };
    let fold = |path: &Path| (0..whole.len()).map(|m| of(path, m)).collect();
    paths.iter().map(fold).collect()
}

/// The squared errors of a fold's path on its rows, at the λ of the whole path.
fn squared_errors(
    held_out: &Moments,
    path: &Path,
    whole: &Path,
    alignment: Alignment,
    unit: f64,
) -> FoldErrors {
    let models = aligned(std::slice::from_ref(path), whole, alignment);
    let of = |(intercept, coefficients): &(f64, SparseVector)| {
        let entries: Vec<(usize, f64)> = coefficients.entries().collect();
        held_out.squared_error(*intercept, &entries) * unit
    };
    FoldErrors {
        weight: held_out.columns.weight,
        rows: held_out.columns.rows,
        errors: models.iter().flatten().map(of).collect(),
        squares: Vec::new(),
    }
}

/// The errors of folds from sums over their rows, in `unit`.
fn errors_of_rows(sums: &HeldOutSums, unit: f64) -> Vec<FoldErrors> {
    let of = |k: usize| {
        let weight = sums.weights[k];
        let per_row = |sums: &[f64], unit: f64| sums.iter().map(|s| s / weight * unit).collect();
        FoldErrors {
            weight,
            rows: sums.rows[k],
            errors: per_row(&sums.losses[k], unit),
            squares: per_row(&sums.squares[k], unit * unit),
        }
    };
    (0..sums.weights.len()).map(of).collect()
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
