//! Relaxed fits of paths of several responses: of each active set, a column being in it where it has a coefficient for any response.

use super::class_totals::ClassSums;
use super::gaussian::{MultiMoments, gaussian_path};
use super::multi_path::MultiPath;
use super::multinomial_path::MultinomialPath;
use super::multinomial_rows::MultinomialRows;
use crate::design::Room;
use crate::model::ModelError;
use crate::model::elastic_net::folds::Folds;
use crate::model::elastic_net::lambda::PathEnd;
use crate::model::elastic_net::membership::Membership;
use crate::model::elastic_net::path::{Path, Step};
use crate::model::elastic_net::problem::Problem;
use crate::model::elastic_net::relaxation::{ActiveSets, at_a_time};

/// The active sets of a path; `rows` are those of the fit.
fn sets_of(problem: &Problem, path: &MultiPath, rows: u64) -> ActiveSets {
    let relaxing = problem.settings.relax.unwrap_or_default();
    ActiveSets::of(path.responses.iter(), relaxing, rows)
}

/// Gives the path of each response the fits of the sets, each a path of one λ.
fn relax(path: &mut MultiPath, sets: &ActiveSets, fits: &[MultiPath]) {
    for (k, own) in path.responses.iter_mut().enumerate() {
        let fit = |fit: &MultiPath| {
            let of: &Path = &fit.responses[k];
            of.steps.first().cloned().filter(|_| of.end == PathEnd::Complete)
        };
        let fits: Vec<Option<Step>> = fits.iter().map(fit).collect();
        sets.relax(own, &fits);
    }
}

/// The path of Gaussian responses with its relaxed fits, where they are asked for, from the moments that it came from.
///
/// # Errors
/// As [`gaussian_path`].
pub(super) fn relaxed_gaussian(
    mut path: MultiPath,
    problem: &Problem,
    moments: &MultiMoments,
    standardize: bool,
) -> Result<MultiPath, ModelError> {
    if problem.settings.relax.is_none() {
        return Ok(path);
    }
    let sets = sets_of(problem, &path, moments.columns.rows);
    let fit = |set: &Vec<usize>| {
        let own = problem.of_set(set);
        let (penalty, settings, standardizing) = own.parts();
        gaussian_path(moments, penalty, settings, standardizing, standardize)
    };
    let fits: Vec<MultiPath> = sets.sets.iter().map(fit).collect::<Result<_, _>>()?;
    relax(&mut path, &sets, &fits);
    Ok(path)
}

impl MultinomialRows<'_, '_> {
    /// Gives paths of rows of these sums their relaxed fits, where they are asked for; sets go on side by side, as many as have room, and each pass
    /// serves all of them.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn relax(
        &mut self,
        problem: &Problem,
        folds: &Folds,
        parts: &mut [(Membership, ClassSums, MultiPath)],
    ) -> Result<(), ModelError> {
        if problem.settings.relax.is_none() {
            return Ok(());
        }
        let sets: Vec<ActiveSets> = (parts.iter())
            .map(|(_, sums, path)| sets_of(problem, path, sums.gram.rows))
            .collect();
        let each = |(k, own): (usize, &ActiveSets)| (0..own.sets.len()).map(move |set| (k, set));
        let all: Vec<(usize, usize)> = sets.iter().enumerate().flat_map(each).collect();
        let mut fits: Vec<Vec<MultiPath>> = vec![Vec::new(); parts.len()];
        let (room, columns, classes) = (Room::of_machine(), problem.columns.names.len(), self.classes());
        let most = at_a_time(all.len(), |paths| {
            room.for_classes(columns, classes, paths).is_ok()
        });
        for some in all.chunks(most) {
            let of = |(k, set): &(usize, usize)| problem.of_set(&sets[*k].sets[*set]);
            let problems: Vec<Problem> = some.iter().map(of).collect();
            let mut paths: Vec<(Membership, MultinomialPath<'_>)> = (some.iter().zip(&problems))
                .map(|((k, _), own)| (parts[*k].0, self.path_of(own, &parts[*k].1)))
                .collect();
            self.run(problem, folds, &mut paths)?;
            for ((k, _), (_, path)) in some.iter().zip(paths) {
                fits[*k].push(path.path);
            }
        }
        for (((_, _, path), sets), fits) in parts.iter_mut().zip(&sets).zip(&fits) {
            relax(path, sets, fits);
        }
        Ok(())
    }
}
