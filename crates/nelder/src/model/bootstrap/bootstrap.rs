//! A bootstrap of a fit: passes over the rows, each for as many replicates as have room.

use std::time::Instant;

use nelder_device::{Dd, Philox};
use rayon::prelude::*;

use super::draws::Draws;
use super::multinomial::LEAF;
use super::newton::Climb;
use super::replicates::{Replicated, WholeFit};
use super::response_sets::{Errors, ResponseSets, Signs, residuals};
use super::row_labels::{BlockLabels, RowLabels};
use super::simulated::Law;
use super::spec::{BootstrapSpec, Resampling};
use super::weight_sets::{WeightRoom, WeightSets, Weighting};
use crate::design::{Block, BlockSchema, Room, RowError, human_size};
use crate::family::{Family, Programs, Start, Trials};
use crate::frame::Batch;
use crate::model::{ModelError, Regression};
use crate::pass::{
    Coefficients, LaneCoefficients, LanePlan, LaneScores, LaneSums, Monitor, PassError, PassRecord, Plan,
    Sum, means, run_beside,
};

/// Passes of a group of replicates at most.
const MOST_STEPS: usize = 60;
/// Share of a fit's memory that the sums of a pass may take.
const SHARE: f64 = 0.25;
/// Replicates of a pass at most: their weights for 1,024 rows take 512 KB, which stays in the second-level cache.
const MOST_LANES: usize = 64;

/// Replicates of a fit.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// What was asked for.
    pub spec: BootstrapSpec,
    /// The coefficients of the replicates.
    pub draws: Draws,
    /// Record of the computation.
    pub report: BootstrapReport,
}

/// Record of a bootstrap.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct BootstrapReport {
    /// Algorithm.
    pub algorithm: String,
    /// Replicates that were asked for.
    pub asked: u32,
    /// Replicates that were made: fewer where they were interrupted.
    pub made: u32,
    /// Replicates of a pass over the rows.
    pub at_a_time: usize,
    /// Passes over the rows.
    pub reads: usize,
    /// Bytes of the sums of a pass, on all threads.
    pub bytes: f64,
    /// Replicates in which a coefficient of the fit is aliased.
    pub aliased: u32,
    /// Replicates that did not converge.
    pub not_converged: u32,
    /// Clusters, where they were resampled.
    pub clusters: Option<usize>,
    /// Strata, where there are some.
    pub strata: Option<usize>,
    /// The passes, those of one name together.
    pub passes: Vec<PassRecord>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

/// Runs a bootstrap of a fit of one response.
///
/// A replicate is a function of the seed and its number: not of threads, of batches, or of how many replicates there are.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{BootstrapSpec, IntervalKind, LmSpec, bootstrap, lm};
/// use nelder::pass::NoProgress;
/// let x: Vec<f64> = (0..50).map(f64::from).collect();
/// let y: Vec<f64> = x.iter().map(|x| 2.0 * x + (7.0 * x).sin()).collect();
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
/// let boot = bootstrap(&fit, &BootstrapSpec::new(999), &NoProgress).unwrap();
/// let interval = boot.draws.interval(1, IntervalKind::Perc, 0.95, 0.0).unwrap();
/// assert!(interval.low < 2.0 && 2.0 < interval.high && boot.draws.std_errors()[1] < 0.02);
/// ```
///
/// # Errors
/// An argument that does not fit; those of a pass. An interrupt is one only before the first replicates are made.
pub fn bootstrap<R: Regression + ?Sized>(
    fit: &R,
    spec: &BootstrapSpec,
    monitor: &dyn Monitor,
) -> Result<Bootstrap, ModelError> {
    spec.check()?;
    check_variances(fit, spec)?;
    fit.equations().one_factor("a bootstrap")?;
    let rows = &fit.frame().rows;
    if fit.family().is_none() && rows.layout().atoms.responses != 1 {
        return Err(ModelError::argument(
            "fit",
            "a bootstrap is of one response; fit each alone",
        ));
    }
    rows.keep_blocks();
    let done = run(fit, spec, monitor);
    rows.forget_blocks();
    done
}

fn run<R: Regression + ?Sized>(
    fit: &R,
    spec: &BootstrapSpec,
    monitor: &dyn Monitor,
) -> Result<Bootstrap, ModelError> {
    let mut passes = Vec::new();
    let expressions = (spec.cluster.as_deref(), spec.strata.as_deref());
    let labels = RowLabels::find(fit.frame(), expressions, monitor, &mut passes)?;
    check_labels(spec, &labels)?;
    if labels.used != fit.nobs() {
        return Err(PassError::Changed("bootstrap".to_string()).into());
    }
    let whole = WholeFit::of(fit);
    let mut draws = Draws {
        names: fit.coefnames().to_vec(),
        estimate: fit.coef().to_vec(),
        values: Vec::new(),
        variances: Vec::new(),
        variance_of_estimate: match spec.variances {
            true => fit.stderror().iter().map(|s| s * s).collect(),
            false => Vec::new(),
        },
    };
    let mut report = BootstrapReport {
        asked: spec.replicates,
        clusters: labels.clusters.as_ref().map(|c| c.sizes.len()),
        strata: labels.strata.as_ref().map(|s| s.sizes.len()),
        ..BootstrapReport::default()
    };
    let own = Running {
        fit,
        spec,
        labels,
        whole,
        monitor,
    };
    let made = (&mut draws, &mut report, &mut passes);
    match (fit.family(), spec.weighting()) {
        (Some(family), _) => own.climbed(family, made)?,
        (None, Some(weighting)) => own.weighted(weighting, made)?,
        (None, None) => own.responses(made)?,
    }
    report.made = draws.replicates() as u32;
    let missing = |row: &[f64]| {
        row.iter()
            .zip(&draws.estimate)
            .any(|(t, t0)| t.is_nan() && !t0.is_nan())
    };
    report.reads = (passes.iter())
        .filter(|pass| pass.name == "replicates")
        .map(|pass| pass.rows / fit.counts().read.max(1))
        .sum::<u64>() as usize;
    report.aliased = draws
        .values
        .chunks_exact(draws.names.len())
        .filter(|row| missing(row))
        .count() as u32
        - report.not_converged.min(draws.replicates() as u32);
    report.passes = passes;
    Ok(Bootstrap {
        spec: spec.clone(),
        draws,
        report,
    })
}

/// Checks that the variances of replicates are known, where they are asked for.
fn check_variances<R: Regression + ?Sized>(fit: &R, spec: &BootstrapSpec) -> Result<(), ModelError> {
    let known = match fit.family() {
        None => spec.weighting().is_some(),
        Some(_) => fit.dispersion().known,
    };
    match known || !spec.variances {
        true => Ok(()),
        false => Err(ModelError::argument(
            "interval",
            "studentized intervals are for linear models with type = case or bayesian, and for families whose dispersion is known; \
             take interval = perc",
        )),
    }
}

/// Checks clusters and strata.
fn check_labels(spec: &BootstrapSpec, labels: &RowLabels) -> Result<(), ModelError> {
    if let (Some(clusters), Some(expression)) = (&labels.clusters, &spec.cluster)
        && clusters.sizes.len() < 2
    {
        return Err(ModelError::argument(
            "cluster",
            format!("`{expression}` has one value in all rows; resampling clusters needs two or more"),
        ));
    }
    if let (Some(strata), Some(expression)) = (&labels.strata, &spec.strata)
        && strata.sizes.contains(&1)
    {
        let alone = strata.sizes.iter().filter(|n| **n == 1).count();
        return Err(ModelError::argument(
            "strata",
            format!(
                "{alone} of the {} strata of `{expression}` have one row, which would be in every replicate; join them to others",
                strata.sizes.len()
            ),
        ));
    }
    Ok(())
}

/// Where replicates go.
type Made<'m> = (&'m mut Draws, &'m mut BootstrapReport, &'m mut Vec<PassRecord>);

/// What a worker keeps of a linear model's replicates.
struct Own<'p> {
    sums: LaneSums<'p>,
    room: WeightRoom,
    /// Weights or errors of a run, lanes fastest.
    lanes: Vec<f64>,
}

impl<'p> Own<'p> {
    fn new(plan: &'p LanePlan, lanes: usize) -> Self {
        Own {
            sums: LaneSums::new(plan, lanes),
            room: WeightRoom::default(),
            lanes: Vec::new(),
        }
    }
}

/// What all passes of a generalized linear model's replicates have in common.
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
    /// Whether a mean has left the family's range.
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

/// What a worker keeps of them.
struct GlmOwn<'p> {
    sums: GlmSums<'p>,
    lanes: LaneScores,
    room: WeightRoom,
    /// Weights or responses of all replicates of the group.
    drawn: Vec<f64>,
    /// Those of the replicates that have not converged.
    chosen: Vec<f64>,
}

impl GlmOwn<'_> {
    /// Chooses the lanes of some replicates.
    fn choose(&mut self, width: usize, active: &[usize], lanes: usize) {
        self.chosen.clear();
        for row in self.drawn.chunks_exact(width) {
            self.chosen.extend(active.iter().map(|&set| row[set]));
            self.chosen.extend(std::iter::repeat_n(0.0, lanes - active.len()));
        }
    }
}

/// Runs of rows that are formed at a time.
fn runs_of(rows: usize) -> Vec<(usize, usize)> {
    let all = (0..rows).step_by(LEAF);
    all.map(|from| (from, (from + LEAF).min(rows))).collect()
}

/// Record of the equations of some replicates.
fn solving(start: Instant) -> PassRecord {
    PassRecord {
        name: "equations".to_string(),
        rows: 0,
        bytes: 0,
        device: "cpu".to_string(),
        precision: "f64".to_string(),
        seconds: start.elapsed().as_secs_f64(),
    }
}

/// Coefficients in the units of the rows by atom.
fn by_atom_of(whole: &WholeFit<'_>, start: &[Dd]) -> Coefficients {
    whole.equations.by_atom(start)
}

/// A bootstrap under way.
struct Running<'a, R: ?Sized> {
    fit: &'a R,
    spec: &'a BootstrapSpec,
    labels: RowLabels,
    whole: WholeFit<'a>,
    monitor: &'a dyn Monitor,
}

/// Shows several passes as one.
struct Together<'m> {
    monitor: &'m dyn Monitor,
    passes: u64,
}

impl Monitor for Together<'_> {
    fn advance(&self, pass: &str, rows: u64, total: Option<u64>) -> bool {
        self.monitor.advance(pass, rows, total.map(|n| n * self.passes))
    }

    fn planned(&self, plan: &Plan) {
        self.monitor.planned(plan);
    }
}

impl<R: Regression + ?Sized> Running<'_, R> {
    /// Replicates of a pass: as many as there is room for, a multiple of eight.
    fn lanes(&self, bytes: usize) -> Result<usize, ModelError> {
        let workers = self.fit.frame().rows.source().workers().max(1);
        // the sums of each worker, and one more while they are merged
        let bytes = bytes as f64 * (workers + 1) as f64;
        let room = SHARE * Room::of_machine().bytes();
        let lanes = (room / bytes.max(1.0)) as usize / 8 * 8;
        if lanes == 0 {
            return Err(ModelError::argument(
                "R",
                format!(
                    "the sums of eight replicates of this model take {}, and a bootstrap may take {}; set NELDER_MEMORY to more, or \
                     leave columns out",
                    human_size(8.0 * bytes),
                    human_size(room)
                ),
            ));
        }
        Ok(lanes
            .min(MOST_LANES)
            .min((self.spec.replicates as usize).next_multiple_of(8)))
    }

    /// Makes the replicates, as many at a time as there is room for: `make` gives those of a pass, or of several.
    fn replicates(
        &self,
        (draws, report, passes): (&mut Draws, &mut BootstrapReport, &mut Vec<PassRecord>),
        bytes: usize,
        make: impl Fn(u32, usize, &dyn Monitor, &mut Vec<PassRecord>) -> Result<Vec<Replicated>, ModelError>,
    ) -> Result<(), ModelError> {
        let lanes = self.lanes(bytes)?;
        let groups = (self.spec.replicates as usize).div_ceil(lanes);
        let workers = self.fit.frame().rows.source().workers().max(1);
        (report.at_a_time, report.bytes) = (lanes, (bytes * lanes * workers) as f64);
        let together = Together {
            monitor: self.monitor,
            passes: groups as u64,
        };
        for group in 0..groups {
            let first = group * lanes;
            let sets = lanes.min(self.spec.replicates as usize - first);
            match make(first as u32, sets, &together, passes) {
                Ok(made) => {
                    for replicate in made {
                        draws.values.extend(replicate.coefficients);
                        draws.variances.extend(replicate.variances);
                    }
                }
                Err(ModelError::Pass(PassError::Interrupted)) if first > 0 => {
                    let note = format!("interrupted after {first} of {} replicates", self.spec.replicates);
                    report.notes.push(note);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Replicates of a linear model that are weights of the rows: a gram for each.
    fn weighted(&self, weighting: Weighting, to: Made<'_>) -> Result<(), ModelError> {
        let plan = self.whole.plan();
        to.1.algorithm = match weighting {
            Weighting::Multinomial => "grams of multinomial counts, Cholesky".to_string(),
            Weighting::Exponential => "grams of exponential weights, Cholesky".to_string(),
        };
        self.replicates(to, plan.bytes(), |first, sets, monitor, passes| {
            let weights = WeightSets::new(&self.labels, weighting, self.spec.seed, first, sets);
            let new = || Own::new(&plan, weights.lanes);
            let update = |own: &mut Own<'_>, block: &Block<'_>, at: &BlockLabels| -> Result<(), RowError> {
                for (from, to) in weights.runs(at, block.rows) {
                    weights.fill(at, (from, to), &mut own.room, &mut own.lanes);
                    let factor = block.weights.as_ref().map(|w| &w[from..to]);
                    own.sums.add(block, (from, to), &own.lanes, factor)?;
                }
                Ok(())
            };
            let sums = self.pass(new, update, |own| own.sums.flushed(), monitor, passes)?;
            let start = Instant::now();
            let solve = |lane: usize| self.whole.solve(&sums, lane, self.spec.variances);
            let solved: Result<Vec<Replicated>, ModelError> = (0..sets).into_par_iter().map(solve).collect();
            add_record(passes, solving(start));
            solved
        })
    }

    /// Replicates of a linear model that are responses: Xᵀ W e* for each.
    fn responses(&self, to: Made<'_>) -> Result<(), ModelError> {
        let errors = self.errors(to.2)?;
        let plan = self.whole.first_plan();
        to.1.algorithm = "products of drawn errors, the equations of the fit".to_string();
        let start = self.whole.start(self.fit.coef());
        self.replicates(to, plan.bytes(), |first, sets, monitor, passes| {
            let responses = ResponseSets::new(&errors, self.spec.seed, first, sets);
            let new = || Own::new(&plan, responses.lanes);
            let update = |own: &mut Own<'_>, block: &Block<'_>, at: &BlockLabels| -> Result<(), RowError> {
                let roots = block.roots();
                for (from, to) in runs_of(block.rows) {
                    responses.fill(at, (from, to), &mut own.lanes);
                    let factor = roots.as_ref().map(|w| &w[from..to]);
                    own.sums.add(block, (from, to), &own.lanes, factor)?;
                }
                Ok(())
            };
            let sums = self.pass(new, update, |own| own.sums.flushed(), monitor, passes)?;
            let solved = (0..sets)
                .into_par_iter()
                .map(|lane| self.whole.moved(&start, &sums, lane));
            Ok(solved.collect())
        })
    }

    /// The distribution of the errors that responses are made of.
    fn errors(&self, passes: &mut Vec<PassRecord>) -> Result<Errors, ModelError> {
        let adjusted = self.labels.clusters.is_none();
        let law = match self.spec.resampling {
            Resampling::Mammen => Signs::Mammen,
            _ => Signs::Even,
        };
        if self.spec.resampling == Resampling::Parametric {
            let scale = self.fit.row_model().response_scale();
            return Ok(Errors::Normal(self.fit.dispersion().value.sqrt() * scale));
        }
        let mut all = residuals(self.fit, adjusted, self.monitor, passes)?;
        if all.len() as u64 != self.labels.used {
            return Err(PassError::Changed("residuals".to_string()).into());
        }
        Ok(match (self.spec.resampling, &self.labels.clusters) {
            (Resampling::Residual, _) => {
                let mean = all.iter().sum::<f64>() / all.len() as f64;
                all.iter_mut().for_each(|r| *r -= mean);
                Errors::Drawn(all)
            }
            (_, Some(clusters)) => Errors::OwnByCluster(all, law, clusters.sizes.len()),
            (_, None) => Errors::Own(all, law),
        })
    }

    /// Replicates of a generalized linear model: steps from the fit to the maximum of each.
    fn climbed(&self, (family, trials): (&Family, Trials), to: Made<'_>) -> Result<(), ModelError> {
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
            means: by_atom_of(&self.whole, &start),
        };
        let not_converged = &mut 0;
        let made = self.replicates((to.0, to.1, to.2), bytes, |first, sets, monitor, passes| {
            let weights = weighting.map(|w| WeightSets::new(&self.labels, w, self.spec.seed, first, sets));
            let mut climbs: Vec<Climb> = (0..sets).map(|_| Climb::new(&start)).collect();
            for _ in 0..MOST_STEPS {
                let active: Vec<usize> = (0..sets).filter(|&set| climbs[set].ended.is_none()).collect();
                if active.is_empty() {
                    break;
                }
                let found = self.glm_pass(
                    &all,
                    (&climbs, &active),
                    (weights.as_ref(), first, sets),
                    monitor,
                    passes,
                )?;
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
        *not_converged += failed.get();
        to.1.not_converged = *not_converged;
        made
    }

    /// A pass for the scores of the replicates that have not converged, and for their informations where one of them wants it.
    fn glm_pass<'p>(
        &self,
        all: &GlmPasses<'p>,
        (climbs, active): (&[Climb], &[usize]),
        (weights, first, sets): (Option<&WeightSets<'_>>, u32, usize),
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
        let whole = active.len() == sets && weights.is_some_and(|w| w.lanes == lanes);
        let draws = Philox::new(self.spec.seed);
        let new = || GlmOwn {
            sums: GlmSums {
                scores: LaneSums::new(all.plans.0, lanes),
                informations: informed.then(|| LaneSums::new(all.plans.1, lanes)),
                astray: vec![false; lanes],
            },
            lanes: LaneScores::new(all.programs, lanes),
            room: WeightRoom::default(),
            drawn: Vec::new(),
            chosen: Vec::new(),
        };
        let update =
            |own: &mut GlmOwn<'p>, block: &Block<'_>, labels: &BlockLabels| -> Result<(), RowError> {
                let means = match all.law {
                    Some(_) => means(all.programs, all.atoms, block, &all.means).mu,
                    None => Vec::new(),
                };
                let runs = weights.map_or_else(|| runs_of(block.rows), |w| w.runs(labels, block.rows));
                for (from, to) in runs {
                    let width = match (weights, all.law) {
                        (Some(weights), _) => {
                            weights.fill(labels, (from, to), &mut own.room, &mut own.drawn);
                            weights.lanes
                        }
                        (None, Some(law)) => {
                            let width = sets.next_multiple_of(8);
                            let of = (&draws, first, sets, width);
                            law.fill(
                                (block, all.counts),
                                &means,
                                (from, to),
                                labels.before,
                                of,
                                &mut own.drawn,
                            )?;
                            width
                        }
                        (None, None) => 0,
                    };
                    if !whole {
                        own.choose(width, active, lanes);
                    }
                    let drawn = if whole { &own.drawn } else { &own.chosen };
                    let (as_weights, as_responses) = match weights {
                        Some(_) => (Some(&drawn[..]), None),
                        None => (None, Some(&drawn[..])),
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

    /// One pass over the rows and their labels.
    fn pass<W: Send, S: Sum>(
        &self,
        new: impl Fn() -> W,
        update: impl Fn(&mut W, &Block<'_>, &BlockLabels) -> Result<(), RowError> + Sync,
        finish: impl Fn(W) -> S,
        monitor: &dyn Monitor,
        passes: &mut Vec<PassRecord>,
    ) -> Result<S, ModelError> {
        let update = |own: &mut W, block: &Block<'_>, other: &Batch<'_>| -> Result<(), RowError> {
            update(own, block, &self.labels.of(block, other)?)
        };
        let rows = &self.fit.frame().rows;
        let beside = &self.labels.beside;
        let found = run_beside("replicates", "f64", rows, beside, monitor, new, update, finish)?;
        found
            .records
            .into_iter()
            .for_each(|record| add_record(passes, record));
        Ok(found.value)
    }
}

/// Adds a record to that of the same name.
fn add_record(passes: &mut Vec<PassRecord>, record: PassRecord) {
    match passes
        .iter_mut()
        .find(|own| own.name == record.name && own.device == record.device)
    {
        Some(own) => {
            own.rows += record.rows;
            own.bytes += record.bytes;
            own.seconds += record.seconds;
        }
        None => passes.push(record),
    }
}
