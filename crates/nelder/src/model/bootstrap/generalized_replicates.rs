//! Replicates of a generalized linear model: passes for the scores and informations of all that have not converged.

use std::time::Instant;

use nelder_device::Philox;
use rayon::prelude::*;

use super::newton::Climb;
use super::row_labels::BlockLabels;
use super::running::{Made, Running, add_record, runs_of, solving};
use super::simulated::Law;
use super::spec::Resampling;
use super::weight_sets::{WeightRoom, WeightSets};
use crate::design::{Block, BlockSchema, RowError};
use crate::family::{Family, Programs, Start, Trials};
use crate::model::{ModelError, Regression};
use crate::pass::{
    Coefficients, LaneCoefficients, LanePlan, LaneScores, LaneSums, Monitor, PassRecord, Sum, means,
};

/// Passes of a group of replicates at most.
const MOST_STEPS: usize = 60;
/// Parts that all passes of a generalized linear model's replicates have in common.
struct GlmPasses<'p> {
    atoms: &'p BlockSchema,
    programs: &'p Programs,
    /// True if the response is the numbers of successes and of failures.
    counts: bool,
    /// Plans of the scores and of the informations.
    plans: (&'p LanePlan, &'p LanePlan),
    /// Distribution that responses are drawn from.
    law: Option<Law>,
    /// The coefficients of the fit.
    means: Coefficients,
}

/// Scores and informations, by lane.
struct GlmSums<'p> {
    scores: LaneSums<'p>,
    informations: Option<LaneSums<'p>>,
    /// True if a mean has left the family's range.
    astray: Vec<bool>,
}

impl Sum for GlmSums<'_> {
    fn merge(&mut self, other: Self) {
        self.scores.merge(other.scores);
        self.informations.merge(other.informations);
        let both = self.astray.iter_mut().zip(other.astray);
        both.for_each(|(own, theirs)| *own |= theirs);
    }
}

/// Scratch of a worker.
struct GlmOwn<'p> {
    sums: GlmSums<'p>,
    lanes: LaneScores,
    room: WeightRoom,
    /// Weights or responses of the replicates.
    drawn: Vec<f64>,
}

impl<R: Regression + ?Sized> Running<'_, R> {
    /// Replicates of a generalized linear model: steps from the fit to the maximum of each.
    pub fn climbed(&self, (family, trials): (&Family, Trials), to: Made<'_>) -> Result<(), ModelError> {
        let weighting = self.spec.weighting();
        let law = match (weighting, self.spec.resampling) {
            (Some(_), _) => None,
            (None, Resampling::Parametric) => Some(Law::of(family, self.fit.dispersion().value)?),
            (None, other) => {
                return Err(ModelError::argument(
                    "type",
                    format!(
                        "type = {} is for linear models; a generalized one has case, bayesian and parametric",
                        other.name()
                    ),
                ));
            }
        };
        let (second, first_order) = (self.whole.plan(), self.whole.first_plan());
        let programs = Programs::shared(family, true, trials, Start::Family);
        to.1.algorithm = "steps from the fit, scores under the information of each replicate".to_string();
        if family.estimated {
            to.1.notes.push("theta is held at its estimate".to_string());
        }
        let start = self.whole.start(self.fit.coef());
        let dispersion = Some(self.fit.dispersion().value)
            .filter(|d| *d > 0.0)
            .unwrap_or(1.0);
        let tolerance = self.spec.tolerance * dispersion.sqrt();
        let failed = std::cell::Cell::new(0);
        let bytes = second.bytes() + first_order.bytes();
        let all = GlmPasses {
            atoms: self.fit.equations().gram.atoms(),
            programs: &programs,
            counts: trials.are_counted(),
            plans: (&first_order, &second),
            law,
            means: self.whole.equations.by_atom(&start),
        };
        let made = self.replicates((to.0, to.1, to.2), bytes, |first, sets, monitor, passes| {
            let mut climbs: Vec<Climb> = (0..sets).map(|_| Climb::new(&start)).collect();
            for _ in 0..MOST_STEPS {
                let active: Vec<usize> = (0..sets).filter(|&set| climbs[set].ended.is_none()).collect();
                if active.is_empty() {
                    break;
                }
                let found = self.glm_pass(&all, (&climbs, &active), first, monitor, passes)?;
                let started = Instant::now();
                let mut own: Vec<(usize, &mut Climb)> = (climbs.iter_mut())
                    .filter(|climb| climb.ended.is_none())
                    .enumerate()
                    .collect();
                own.par_iter_mut().try_for_each(|(lane, climb)| {
                    let sums = (&found.scores, found.informations.as_ref(), *lane);
                    climb.step(&self.whole, sums, found.astray[*lane], tolerance)
                })?;
                add_record(passes, solving(started));
            }
            failed.set(failed.get() + climbs.iter().filter(|c| c.ended != Some(true)).count() as u32);
            let dispersion = self.fit.dispersion();
            Ok(climbs
                .iter()
                .map(|c| self.whole.climbed(c, self.spec.variances, dispersion))
                .collect())
        });
        to.1.not_converged = failed.get();
        made
    }

    /// A pass for the scores of the replicates that have not converged, and for their informations where one of them wants it.
    fn glm_pass<'p>(
        &self,
        all: &GlmPasses<'p>,
        (climbs, active): (&[Climb], &[usize]),
        first: u32,
        monitor: &dyn Monitor,
        passes: &mut Vec<PassRecord>,
    ) -> Result<GlmSums<'p>, ModelError> {
        let lanes = active.len().next_multiple_of(8);
        let of: Vec<Coefficients> = active
            .iter()
            .map(|&set| climbs[set].by_atom(&self.whole))
            .collect();
        let at = LaneCoefficients::new(&of, lanes);
        let informed = active.iter().any(|&set| climbs[set].wants_information);
        let draws = Philox::new(self.spec.seed);
        let numbers: Vec<u32> = active.iter().map(|&set| first + set as u32).collect();
        let weights = (self.spec.weighting())
            .map(|w| WeightSets::new(&self.labels, w, self.spec.seed, numbers.clone()));
        let new = || GlmOwn {
            sums: GlmSums {
                scores: LaneSums::new(all.plans.0, lanes),
                informations: informed.then(|| LaneSums::new(all.plans.1, lanes)),
                astray: vec![false; lanes],
            },
            lanes: LaneScores::new(all.programs, lanes),
            room: WeightRoom::default(),
            drawn: Vec::new(),
        };
        let update =
            |own: &mut GlmOwn<'p>, block: &Block<'_>, labels: &BlockLabels| -> Result<(), RowError> {
                let means = match all.law {
                    Some(_) => means(all.programs, all.atoms, block, &all.means).mu,
                    None => Vec::new(),
                };
                let runs =
                    (weights.as_ref()).map_or_else(|| runs_of(block.rows), |w| w.runs(labels, block.rows));
                for (from, to) in runs {
                    match (&weights, all.law) {
                        (Some(weights), _) => weights.fill(labels, (from, to), &mut own.room, &mut own.drawn),
                        (None, Some(law)) => {
                            let of = (&draws, &numbers[..], lanes);
                            law.fill(
                                (block, all.counts),
                                &means,
                                (from, to),
                                labels.before,
                                of,
                                &mut own.drawn,
                            )?;
                        }
                        (None, None) => {}
                    }
                    let drawn = &own.drawn[..];
                    let (as_weights, as_responses) = match weights {
                        Some(_) => (Some(drawn), None),
                        None => (None, Some(drawn)),
                    };
                    own.lanes.form(
                        all.atoms,
                        (block, all.counts),
                        (from, to),
                        &at,
                        as_weights,
                        as_responses,
                        lanes,
                    )?;
                    own.sums.scores.add(block, (from, to), &own.lanes.scores, None)?;
                    if let Some(informations) = &mut own.sums.informations {
                        informations.add(block, (from, to), &own.lanes.weights, None)?;
                    }
                }
                Ok(())
            };
        let finish = |own: GlmOwn<'p>| GlmSums {
            scores: own.sums.scores.flushed(),
            informations: own.sums.informations.map(LaneSums::flushed),
            astray: own.lanes.astray,
        };
        self.pass(new, update, finish, monitor, passes)
    }
}
