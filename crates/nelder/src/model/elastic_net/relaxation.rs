//! Relaxed fits: for each active set of a path the model without a penalty, and mixtures of both.
//!
//! With A(λ) the columns that have coefficients at λ, the relaxed fit β̂(A) is the minimum of the deviance over coefficients of A alone, within their
//! bounds; a mixture is γ β(λ) + (1 − γ) β̂(A(λ)). All λ of an active set share its fit.
//!
//! Source: Hastie, Tibshirani & Tibshirani (2020), "Best subset, forward stepwise or lasso?", Statistical Science 35(4), 579-592: the
//! simplified relaxed lasso.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::lambda::PathEnd;
use super::path::{Path, SparseVector, Step};

/// Wish for relaxed fits: glmnet's `relax = TRUE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relaxing {
    /// The most columns of an active set that is fitted, `maxp`; by default three fewer than the rows.
    pub most_columns: Option<usize>,
}

/// The least share γ of the penalized coefficients in a mixture, as glmnet has it: with it a column of A keeps its place where its relaxed coefficient
/// is zero.
const LEAST_SHARE: f64 = 1e-5;

/// The active set of a step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    /// No column: the relaxed fit is the step itself.
    Empty,
    /// One of the different sets.
    Set(usize),
    /// More columns than are fitted.
    Large,
}

/// The different active sets of a path.
#[derive(Clone, Debug)]
pub(super) struct ActiveSets {
    /// The sets, each in ascending order.
    pub sets: Vec<Vec<usize>>,
    /// The first step of each.
    pub first: Vec<usize>,
    of_steps: Vec<Member>,
}

impl ActiveSets {
    /// Of paths at the same λ, a column being active where it is on any of them; `rows` are those of the fit.
    pub fn of<'p>(paths: impl Iterator<Item = &'p Path> + Clone, relaxing: Relaxing, rows: u64) -> Self {
        let most = (relaxing.most_columns).unwrap_or_else(|| rows.saturating_sub(3) as usize);
        let steps = paths.clone().map(Path::len).min().unwrap_or(0);
        let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut out = ActiveSets {
            sets: Vec::new(),
            first: Vec::new(),
            of_steps: Vec::new(),
        };
        for m in 0..steps {
            let places = paths.clone().flat_map(|p| &p.steps[m].coefficients.places);
            let mut set: Vec<usize> = places.map(|j| *j as usize).collect();
            set.sort_unstable();
            set.dedup();
            out.of_steps.push(match set.len() {
                0 => Member::Empty,
                size if size > most => Member::Large,
                _ => Member::Set(*known.entry(set).or_insert_with_key(|set| {
                    out.sets.push(set.clone());
                    out.first.push(m);
                    out.sets.len() - 1
                })),
            });
        }
        out
    }

    /// Values that belong to the relaxed steps, beside those that belong to the steps: of their set, or of the step itself where its set is empty.
    pub fn picked<'a, T: Clone>(
        &'a self,
        of_steps: &'a [T],
        of_sets: &'a [Option<T>],
    ) -> impl Iterator<Item = (&'a T, T)> {
        let of = |(own, member): (&'a T, &Member)| match member {
            Member::Empty => Some((own, own.clone())),
            Member::Large => None,
            Member::Set(at) => Some((own, of_sets[*at].clone()?)),
        };
        of_steps.iter().zip(&self.of_steps).filter_map(of)
    }

    /// Gives a path its relaxed fits, from the fit of each set; steps whose set has none are left out.
    pub fn relax(&self, path: &mut Path, fits: &[Option<Step>]) {
        let at = |(step, fit): (&Step, Step)| Step {
            lambda: step.lambda,
            ..fit
        };
        let steps = self.picked(&path.steps, fits).map(at).collect();
        let failed = fits.iter().position(Option::is_none);
        let end = failed.map_or(PathEnd::Complete, |at| PathEnd::Sweeps(self.first[at] + 1));
        path.relaxed = Some(Box::new(Path {
            steps,
            end,
            relaxed: None,
            ..*path
        }));
    }
}

/// Paths that go on side by side: as many of those that are wanted as have room, one at least.
pub(super) fn at_a_time(wanted: usize, has_room: impl Fn(usize) -> bool) -> usize {
    let mut most = wanted.max(1);
    while most > 1 && !has_room(most) {
        most = most.div_ceil(2);
    }
    most
}

impl Path {
    /// For each step the relaxed step that belongs to it: that of its λ, or the last that there is; none where there is no relaxed step.
    pub(super) fn relaxed_places(&self) -> Vec<usize> {
        let Some(relaxed) = self.relaxed.as_ref().filter(|r| !r.is_empty()) else {
            return Vec::new();
        };
        let mut at = 0;
        let place = |step: &Step| {
            // relaxed steps are some of the path's, in its order
            while at < relaxed.len() && relaxed.steps[at].lambda > step.lambda {
                at += 1;
            }
            let own = relaxed.steps.get(at).filter(|own| own.lambda == step.lambda);
            own.map_or(relaxed.len() - 1, |_| at)
        };
        self.steps.iter().map(place).collect()
    }

    /// The mixture γ β + (1 − γ) β̂ of a path and its relaxed fits; at γ = 1, and where there are none, the path itself.
    pub fn blended(&self, gamma: f64) -> Path {
        let share = share_of(gamma);
        let relaxed = self.relaxed.as_ref().filter(|_| share < 1.0);
        let mix = |(step, place): (&Step, usize)| {
            let own = &relaxed?.steps[place];
            Some(Step {
                lambda: step.lambda,
                intercept: share * step.intercept + (1.0 - share) * own.intercept,
                coefficients: SparseVector::between(&own.coefficients, &step.coefficients, share),
                explained: share * step.explained + (1.0 - share) * own.explained,
                violation: step.violation,
            })
        };
        let mixed: Vec<Step> = (self.steps.iter().zip(self.relaxed_places()))
            .filter_map(mix)
            .collect();
        Path {
            steps: match mixed.is_empty() {
                true => self.steps.clone(),
                false => mixed,
            },
            relaxed: None,
            ..*self
        }
    }
}

/// The share of the penalized coefficients in a mixture.
pub(super) fn share_of(gamma: f64) -> f64 {
    gamma.max(LEAST_SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(lambda: f64, entries: &[(usize, f64)]) -> Step {
        let mut coefficients = SparseVector::default();
        entries.iter().for_each(|&(j, v)| coefficients.push(j, v));
        Step {
            lambda,
            intercept: 1.0,
            coefficients,
            explained: 0.5,
            violation: 0.0,
        }
    }

    #[test]
    fn steps_of_a_set_share_its_fit_and_large_sets_take_over_the_last() {
        let mut path = Path::new(4, 1.0);
        for own in [
            step(5.0, &[]),
            step(4.0, &[(1, 1.0)]),
            step(3.0, &[(1, 2.0)]),
            step(2.0, &[(0, 1.0), (1, 2.0), (3, 1.0)]),
            step(1.0, &[(1, 3.0), (3, 1.0)]),
        ] {
            path.push(own);
        }
        let relaxing = Relaxing {
            most_columns: Some(2),
        };
        let sets = ActiveSets::of(std::iter::once(&path), relaxing, 100);
        assert_eq!(sets.sets, [vec![1], vec![1, 3]]);
        assert_eq!(sets.first, [1, 4]);
        let fits = [
            Some(step(0.0, &[(1, 10.0)])),
            Some(step(0.0, &[(1, 20.0), (3, 2.0)])),
        ];
        sets.relax(&mut path, &fits);
        let relaxed = path.relaxed.as_ref().unwrap();
        assert_eq!(relaxed.lambdas(), [5.0, 4.0, 3.0, 1.0]);
        let mixed = path.blended(0.25);
        let at = |m: usize, j: usize| mixed.steps[m].coefficients.get(j);
        assert_eq!((at(0, 1), at(1, 1), at(2, 1)), (0.0, 7.75, 8.0));
        // three columns are too many: those of the last set
        assert_eq!((at(3, 0), at(3, 1), at(3, 3)), (0.25, 15.5, 1.75));
        assert_eq!(path.blended(1.0).steps, path.steps);
        // a fit that was not found is missing, and said
        sets.relax(&mut path, &[fits[0].clone(), None]);
        assert_eq!(path.relaxed.as_ref().unwrap().lambdas(), [5.0, 4.0, 3.0]);
        assert!(path.warning().unwrap().contains("lambda number 5"));
    }
}
