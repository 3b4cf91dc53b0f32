//! Cross-validation of a Cox model: each path is of all rows in memory, those of its fold with weight zero.
//!
//! The error of a fold is what its rows add to the deviance under the model without them, (D_all − D_others) / Σ w over their events: beside the
//! other rows their risk sets are full. Not grouped, it is the deviance of the fold's rows alone. As in glmnet the weights of
//! each of these deviances have the mean 1 over its rows.

use std::time::Instant;

use rayon::prelude::*;

use super::concordance::concordance;
use super::cox_path::{self, followed};
use super::cox_rows::{CoxPart, CoxRows};
use super::cross_validation_spec::CrossValidationSpec;
use super::curve::{ErrorsOver, FoldErrors};
use super::folds::Folds;
use super::held_out_predictors::{FoldPredictors, HeldOutPredictors};
use super::measure::Measure;
use super::partial_likelihood::{PartialLikelihood, Ties};
use super::path::{Path, SparseVector};
use super::problem::Problem;
use super::validated::{Validated, aligned, curve_of, short_paths};
use crate::model::{ModelError, ModelFrame};
use crate::pass::{Coefficients, Monitor, Products};

/// One fold: the rows without it, and what its errors are of.
struct Fold {
    others: CoxPart,
    /// Its rows.
    rows: Vec<u32>,
    /// Σ w of its rows, and of those with an event.
    weights: (f64, f64),
    /// Number of the other rows over the sum of their weights.
    scale: f64,
    /// The partial likelihood of its rows alone, where errors are not grouped.
    alone: Option<PartialLikelihood>,
}

/// Of a Cox model: the paths of all folds beside each other, then the errors of their models.
pub(super) fn cox(
    spec: &CrossValidationSpec,
    bound: &ModelFrame<'_>,
    ties: Ties,
    monitor: &dyn Monitor,
) -> Result<Validated, ModelError> {
    let exact = spec.model.is_exact();
    let count = spec.folds.count();
    let mut rows = CoxRows::new(bound, monitor, spec.model.design.accuracy, (ties, exact), count)?;
    let problem = cox_path::problem(&spec.model, &rows, bound)?;
    spec.check_room(problem.columns.names.len())?;
    // as in glmnet, of fewer than ten rows a fold
    let all = rows.counts.used + rows.counts.weightless;
    let over = match all < 10 * count as u64 {
        true => ErrorsOver::Folds,
        false => spec.over,
    };
    let start = Instant::now();
    let draws = spec.draws();
    let mut folds = Vec::new();
    for draw in &draws {
        folds.extend(folds_of(&rows, &problem, draw, over)?);
    }
    rows.centre();
    rows.record("columns of folds", start);
    let start = Instant::now();
    let whole = rows.part(&problem, rows.weights.clone(), &rows.gram);
    let (mut grid, mut kept) = (Vec::new(), Vec::new());
    for alpha in spec.alphas() {
        let own = problem.alpha(alpha);
        let parts: Vec<&CoxPart> = std::iter::once(&whole)
            .chain(folds.iter().map(|f| &f.others))
            .collect();
        let paths: Result<Vec<Path>, ModelError> = (parts.par_iter().with_max_len(1))
            .map(|part| followed(&rows, &own, part, bound, monitor))
            .collect();
        let mut paths = paths?;
        let mut path = paths.remove(0);
        for paths in paths.chunks(count) {
            short_paths(paths.iter())?;
        }
        let models = aligned(&paths, &path, spec);
        let errors: Vec<FoldErrors> = (folds.par_iter().zip(&models))
            .map(|(fold, models)| errors_of(&rows, &own, bound, fold, &whole, models, spec.measure))
            .collect();
        if spec.keep {
            let of = |(fold, models): (&Fold, &Vec<_>)| predictors_of(&rows, &own, bound, fold, models);
            let parts: Vec<FoldPredictors> = folds.par_iter().zip(&models).map(of).collect();
            kept.push(HeldOutPredictors::new(&parts, 1.0));
        }
        own.rescale(&mut path);
        let over_folds = (ErrorsOver::Folds, 0);
        let curve = curve_of(&path, &errors, draws.len(), over_folds, (spec, spec.measure));
        grid.push((alpha, path, curve));
    }
    rows.record("steps of folds", start);
    Ok(Validated {
        problem,
        counts: rows.counts,
        passes: rows.passes,
        precision: "f64",
        grid,
        over,
        measure: spec.measure,
        kept,
    })
}

/// The folds of a draw.
fn folds_of(
    rows: &CoxRows,
    problem: &Problem,
    folds: &Folds,
    over: ErrorsOver,
) -> Result<Vec<Fold>, ModelError> {
    let (of_rows, count) = (rows.folds(folds)?, folds.count());
    let mut members = vec![Vec::new(); count];
    of_rows
        .iter()
        .zip(0..)
        .for_each(|(f, i): (&u32, u32)| members[*f as usize].push(i));
    if let Some(empty) = members.iter().position(Vec::is_empty) {
        return Err(Folds::empty(empty, count, rows.counts.used));
    }
    let fold = |(k, own): (usize, Vec<u32>)| {
        let inside = |i: usize| of_rows[i] as usize == k;
        let masked = |keep: bool| -> Vec<f64> {
            let rows = rows.weights.iter().enumerate();
            rows.map(|(i, w)| if inside(i) == keep { *w } else { 0.0 })
                .collect()
        };
        let weights: Vec<f64> = own.iter().map(|&i| rows.weights[i as usize]).collect();
        let gram = rows.gram_of(&rows.block.gathered(&own), &weights, exact_products(rows));
        let others = rows.part(problem, masked(false), &rows.gram.without(&gram));
        if others.likelihood.weight_of_events() == 0.0 {
            return Err(ModelError::argument(
                "nfolds",
                format!(
                    "all events are in fold {} of {count}: there is none without it",
                    k + 1
                ),
            ));
        }
        let events = own
            .iter()
            .zip(&weights)
            .filter(|(i, _)| rows.sets.event[**i as usize]);
        Ok(Fold {
            scale: (rows.len() - own.len()) as f64 / others.sums.weight,
            weights: (weights.iter().sum(), events.map(|(_, w)| w).sum()),
            alone: (over == ErrorsOver::Rows)
                .then(|| PartialLikelihood::new(&rows.sets, rows.ties, masked(true))),
            others,
            rows: own,
        })
    };
    members.into_iter().enumerate().map(fold).collect()
}

/// Products as those of the gram of all rows.
fn exact_products(rows: &CoxRows) -> Products {
    rows.gram.products()
}

/// Coefficients by atom of a model of a fold.
fn coefficients(problem: &Problem, bound: &ModelFrame<'_>, model: &SparseVector) -> Coefficients {
    let mut beta = vec![0.0; problem.columns.names.len()];
    model.entries().for_each(|(j, b)| beta[j + 1] = b);
    problem.coefficients(bound, &beta)
}

/// Xβ of a fold's rows by its models, without their offset, as glmnet has them.
fn predictors_of(
    rows: &CoxRows,
    problem: &Problem,
    bound: &ModelFrame<'_>,
    fold: &Fold,
    models: &[(f64, SparseVector)],
) -> FoldPredictors {
    let of = |(_, own): &(f64, SparseVector)| {
        let at = coefficients(problem, bound, own);
        let (eta, rest) = (rows.linear(&at), rows.taken_off(&at));
        fold.rows.iter().map(|&i| eta[i as usize] + rest).collect()
    };
    FoldPredictors {
        rows: fold.rows.iter().map(|&i| rows.source[i as usize]).collect(),
        values: models.iter().map(of).collect(),
    }
}

/// The errors of a fold's models.
fn errors_of(
    rows: &CoxRows,
    problem: &Problem,
    bound: &ModelFrame<'_>,
    fold: &Fold,
    whole: &CoxPart,
    models: &[(f64, SparseVector)],
    measure: Measure,
) -> FoldErrors {
    let all = rows.len() as f64 / whole.sums.weight;
    let error = |(_, own): &(f64, SparseVector)| {
        let at = coefficients(problem, bound, own);
        if measure == Measure::Concordance {
            return concordance(&rows.times, &rows.linear(&at), &rows.weights, &fold.rows);
        }
        let eta = rows.predictors(&at);
        let deviance = match &fold.alone {
            Some(own) => own.deviance_at(&rows.sets, &eta) * fold.rows.len() as f64 / fold.weights.0,
            None => {
                let without = fold.others.likelihood.deviance_at(&rows.sets, &eta);
                whole.likelihood.deviance_at(&rows.sets, &eta) * all - without * fold.scale
            }
        };
        deviance / fold.weights.1
    };
    FoldErrors {
        weight: match measure {
            Measure::Concordance => fold.weights.0,
            _ => fold.weights.1,
        },
        rows: fold.rows.len() as u64,
        errors: models.par_iter().map(error).collect(),
        squares: Vec::new(),
    }
}
