//! Relaxed fits of paths by Newton's method: steps from the penalized solution of each active set, whose passes all sets share.

use super::folds::Folds;
use super::gaussian_relaxation::follow;
use super::generalized::GeneralizedRows;
use super::lambda::{LambdaSequence, PathEnd};
use super::membership::Membership;
use super::moments::Standardizing;
use super::newton_path::NewtonPath;
use super::newton_rows::NewtonRows;
use super::path::{Path, SparseVector, Step};
use super::problem::Problem;
use super::relaxation::{ActiveSets, at_a_time};
use super::support_factor::SupportFactor;
use crate::design::Room;
use crate::model::ModelError;

/// A path with the sums of its rows.
pub(super) struct RelaxedRows {
    /// Rows that the path is of.
    pub of: Membership,
    /// Sums that do not change along it.
    pub sums: NewtonRows,
    /// The path, in the units of the rows.
    pub path: Path,
}

/// Problems of the active sets of a path: where to start, and the columns that may have coefficients.
pub(super) struct SetProblems {
    active: ActiveSets,
    /// By set: the problem without a penalty, and the penalized solution at its largest λ.
    of_sets: Vec<(Problem, Step)>,
    null_deviance: f64,
}

impl SetProblems {
    /// The sets of a path. A column that depends on those before it has no coefficient.
    pub fn new(problem: &Problem, path: &Path, sums: &NewtonRows) -> Self {
        let relaxing = problem.settings.relax.unwrap_or_default();
        let active = ActiveSets::of(std::iter::once(path), relaxing, sums.columns.rows);
        let Standardizing { intercept, .. } = problem.standardizing;
        let curvature = sums.columns.standardized(&sums.columns.scales(true), intercept);
        let mut factor = SupportFactor::default();
        let of = |(set, first): (&Vec<usize>, &usize)| {
            follow(&mut factor, &curvature, set);
            let start = &path.steps[*first];
            let mut kept = SparseVector::default();
            for (j, b) in start.coefficients.entries().filter(|(j, _)| factor.has(*j)) {
                kept.push(j, b);
            }
            let start = Step {
                coefficients: kept,
                ..start.clone()
            };
            (problem.of_set(factor.members()), start)
        };
        let of_sets = active.sets.iter().zip(&active.first).map(of).collect();
        SetProblems {
            active,
            of_sets,
            null_deviance: path.null_deviance,
        }
    }

    /// Number of sets.
    pub fn len(&self) -> usize {
        self.of_sets.len()
    }

    /// A path of one λ, 0, for a set.
    pub fn path_of(&self, set: usize, sums: &NewtonRows) -> NewtonPath<'_> {
        let (problem, start) = &self.of_sets[set];
        problem.newton_path(sums.clone()).from(start, self.null_deviance)
    }

    /// Gives the path the fits of its sets.
    pub fn relax(&self, path: &mut Path, fits: &[Option<Step>]) {
        self.active.relax(path, fits);
    }
}

/// The solution of a path of one λ, unless none was found.
pub(super) fn fit_of(mut path: Path) -> Option<Step> {
    path.steps.pop().filter(|_| path.end == PathEnd::Complete)
}

impl Problem {
    /// The problem of these columns without a penalty.
    pub fn of_set(&self, columns: &[usize]) -> Problem {
        let mut own = self.alpha(self.penalty.alpha);
        own.penalty.factors.fill(f64::INFINITY);
        (columns.iter()).for_each(|&j| own.penalty.factors[j] = self.penalty.factors[j]);
        own.settings.sequence = LambdaSequence::Given(vec![0.0]);
        own.settings.ending.most_active = columns.len();
        own
    }
}

impl GeneralizedRows<'_, '_> {
    /// The path of all rows with its relaxed fits, where they are asked for.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn relaxed(&mut self, problem: &Problem, path: Path) -> Result<Path, ModelError> {
        let Some(sums) = self.sums(problem).filter(|_| problem.settings.relax.is_some()) else {
            return Ok(path);
        };
        let of = Membership::All;
        let mut parts = [RelaxedRows { of, sums, path }];
        self.relax(problem, &Folds::default(), &mut parts)?;
        let [part] = parts;
        Ok(part.path)
    }

    /// Gives paths their relaxed fits; sets go on side by side, as many as have room, and each pass serves all of them.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn relax(
        &mut self,
        problem: &Problem,
        folds: &Folds,
        parts: &mut [RelaxedRows],
    ) -> Result<(), ModelError> {
        let problems: Vec<SetProblems> = (parts.iter())
            .map(|part| SetProblems::new(problem, &part.path, &part.sums))
            .collect();
        let each = |(k, own): (usize, &SetProblems)| (0..own.len()).map(move |set| (k, set));
        let all: Vec<(usize, usize)> = problems.iter().enumerate().flat_map(each).collect();
        let mut fits: Vec<Vec<Option<Step>>> = problems.iter().map(|own| vec![None; own.len()]).collect();
        let (room, columns) = (Room::of_machine(), problem.columns.names.len());
        let most = at_a_time(all.len(), |paths| room.for_folds(columns, paths).is_ok());
        for some in all.chunks(most) {
            let mut paths: Vec<(Membership, NewtonPath<'_>)> = (some.iter())
                .map(|&(k, set)| (parts[k].of, problems[k].path_of(set, &parts[k].sums)))
                .collect();
            self.run(problem, folds, &mut paths)?;
            for ((k, set), (_, path)) in some.iter().zip(paths) {
                fits[*k][*set] = fit_of(path.path);
            }
        }
        for ((part, own), fits) in parts.iter_mut().zip(&problems).zip(&fits) {
            own.relax(&mut part.path, fits);
        }
        Ok(())
    }

    /// The paths of all rows but each fold's, with their relaxed fits.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn relaxed_folds(
        &mut self,
        problem: &Problem,
        folds: &Folds,
        (paths, sums): (Vec<Path>, &[NewtonRows]),
    ) -> Result<Vec<Path>, ModelError> {
        let parts = paths.into_iter().zip(sums).zip(0..);
        let mut parts: Vec<RelaxedRows> = parts
            .map(|((path, sums), k)| RelaxedRows {
                of: Membership::Without(k),
                sums: sums.clone(),
                path,
            })
            .collect();
        self.relax(problem, folds, &mut parts)?;
        Ok(parts.into_iter().map(|part| part.path).collect())
    }
}
