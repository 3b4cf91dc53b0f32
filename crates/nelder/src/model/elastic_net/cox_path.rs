//! The path of a Cox model: Newton steps over rows in memory.

use std::time::Instant;

use rayon::prelude::*;

use super::ElasticNetSpec;
use super::cox_pass::found_at;
use super::cox_rows::{CoxPart, CoxRows};
use super::moments::ColumnMoments;
use super::newton_path::NewtonPath;
use super::newton_relaxation::{SetProblems, fit_of};
use super::path::Path;
use super::problem::Problem;
use crate::model::{ModelError, ModelFrame};
use crate::pass::{Monitor, PassError};

/// The problem of a Cox model's path.
///
/// # Errors
/// As [`Problem::new`]; columns that are all constant.
pub(super) fn problem(
    spec: &ElasticNetSpec,
    rows: &CoxRows,
    bound: &ModelFrame<'_>,
) -> Result<Problem, ModelError> {
    let mut problem = Problem::new(spec, bound, &rows.counts, &rows.gram)?;
    problem.plan = (
        "by rows, gathered in memory in the order of their times",
        "one that gathers the rows; steps are over these",
    );
    // glmnet fits strata and rows that enter late as it does family objects
    problem.settings.ridge_from_constant &= rows.times.is_plain();
    let varies = ColumnMoments::new(&rows.gram, &problem.columns.map).varies;
    match varies.iter().any(|v| *v) {
        true => Ok(problem),
        false => Err(ModelError::argument("x", "all columns are constant")),
    }
}

/// The path of all rows.
///
/// # Errors
/// An event that no other row is at risk beside; an offset out of range; an interrupt.
pub(super) fn path(
    rows: &mut CoxRows,
    problem: &Problem,
    bound: &ModelFrame<'_>,
    monitor: &dyn Monitor,
) -> Result<Path, ModelError> {
    let start = Instant::now();
    rows.centre();
    let part = rows.part(problem, rows.weights.clone(), &rows.gram);
    let path = followed(rows, problem, &part, bound, monitor)?;
    rows.record("steps", start);
    Ok(path)
}

/// The path of a part of the rows.
///
/// # Errors
/// As [`path`].
pub(super) fn followed(
    rows: &CoxRows,
    problem: &Problem,
    part: &CoxPart,
    bound: &ModelFrame<'_>,
    monitor: &dyn Monitor,
) -> Result<Path, ModelError> {
    // a matrix of the columns costs as much as many scores
    let mut newton = problem.newton_path(part.sums.clone()).beside_another();
    run(rows, problem, part, bound, (&mut newton, true), monitor)?;
    let mut path = newton.path;
    if problem.settings.relax.is_some() {
        let sets = SetProblems::new(problem, &path, &part.sums);
        let fit = |set: usize| {
            let mut newton = sets.path_of(set, &part.sums);
            run(rows, problem, part, bound, (&mut newton, false), monitor)?;
            Ok(fit_of(newton.path))
        };
        let fits: Result<Vec<_>, ModelError> = (0..sets.len()).into_par_iter().map(fit).collect();
        sets.relax(&mut path, &fits?);
    }
    Ok(path)
}

/// Runs a path until it wants no further sums; `first` of all it is at the constant.
fn run(
    rows: &CoxRows,
    problem: &Problem,
    part: &CoxPart,
    bound: &ModelFrame<'_>,
    (path, mut first): (&mut NewtonPath<'_>, bool),
    monitor: &dyn Monitor,
) -> Result<(), ModelError> {
    while let Some(request) = path.request() {
        let at = problem.coefficients(bound, &request.beta);
        let found = found_at(rows, problem, part, &at, request.gram);
        if first {
            comparable(found.deviance)?;
            first = false;
        }
        path.take_found(found);
        if !monitor.advance("steps", rows.len() as u64, Some(rows.len() as u64)) {
            return Err(ModelError::Pass(PassError::Interrupted));
        }
    }
    Ok(())
}

/// Refuses rows without coefficients of which the partial likelihood says nothing.
fn comparable(null_deviance: f64) -> Result<(), ModelError> {
    if !null_deviance.is_finite() {
        return Err(ModelError::argument(
            "offset",
            "its range is too large: exp(offset) of a row at risk is no part of what another's is",
        ));
    }
    if null_deviance <= 0.0 {
        return Err(ModelError::argument(
            "y",
            "no other row is at risk when an event happens (in its stratum), so that nothing is compared",
        ));
    }
    Ok(())
}
