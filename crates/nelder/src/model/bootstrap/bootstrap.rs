//! A bootstrap of a fit: passes over the rows, each for as many replicates as have room.

use std::time::Instant;

use rayon::prelude::*;

use super::draws::Draws;
use super::replicates::{Replicated, WholeFit};
use super::row_labels::RowLabels;
use super::spec::{BootstrapSpec, Resampling};
use super::weight_sets::{WeightRoom, WeightSets, Weighting};
use crate::design::{Block, Room, RowError, human_size};
use crate::frame::Batch;
use crate::model::{ModelError, Regression};
use crate::pass::{LanePlan, LaneSums, Monitor, PassError, PassRecord, Plan, run_beside};

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
    fit.equations().one_factor("a bootstrap")?;
    let rows = &fit.frame().rows;
    if rows.layout().atoms.responses != 1 {
        return Err(ModelError::argument("fit", "a bootstrap is of one response; fit each alone"));
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
    own.weighted(&mut draws, &mut report, &mut passes)?;
    report.made = draws.replicates() as u32;
    let missing = |row: &[f64]| row.iter().zip(&draws.estimate).any(|(t, t0)| t.is_nan() && !t0.is_nan());
    report.aliased = draws.values.chunks_exact(draws.names.len()).filter(|row| missing(row)).count() as u32;
    report.passes = passes;
    Ok(Bootstrap {
        spec: spec.clone(),
        draws,
        report,
    })
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
    fn lanes(&self, plan: &LanePlan) -> Result<usize, ModelError> {
        let workers = self.fit.frame().rows.source().workers().max(1);
        // the sums of each worker, and one more while they are merged
        let bytes = plan.bytes() as f64 * (workers + 1) as f64;
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
        Ok(lanes.min(MOST_LANES).min((self.spec.replicates as usize).next_multiple_of(8)))
    }

    /// Replicates that are weights of the rows: a gram for each.
    fn weighted(
        &self,
        draws: &mut Draws,
        report: &mut BootstrapReport,
        passes: &mut Vec<PassRecord>,
    ) -> Result<(), ModelError> {
        let plan = self.whole.plan();
        let lanes = self.lanes(&plan)?;
        let weighting = match self.spec.resampling {
            Resampling::Case => Weighting::Multinomial,
            Resampling::Bayesian => Weighting::Exponential,
        };
        let reads = (self.spec.replicates as usize).div_ceil(lanes);
        let workers = self.fit.frame().rows.source().workers().max(1);
        report.algorithm = match weighting {
            Weighting::Multinomial => "grams of multinomial counts, Cholesky".to_string(),
            Weighting::Exponential => "grams of exponential weights, Cholesky".to_string(),
        };
        (report.at_a_time, report.bytes) = (lanes, (plan.bytes() * lanes * workers) as f64);
        let together = Together {
            monitor: self.monitor,
            passes: reads as u64,
        };
        for read in 0..reads {
            let first = read * lanes;
            let sets = lanes.min(self.spec.replicates as usize - first);
            let weights = WeightSets::new(&self.labels, weighting, self.spec.seed, first as u32, sets);
            let sums = match self.sums(&plan, &weights, &together, passes) {
                Ok(sums) => sums,
                Err(ModelError::Pass(PassError::Interrupted)) if first > 0 => {
                    report.notes.push(format!("interrupted after {first} of {} replicates", self.spec.replicates));
                    break;
                }
                Err(error) => return Err(error),
            };
            report.reads += 1;
            let start = Instant::now();
            let solve = |lane: usize| self.whole.solve(&sums, lane, self.spec.variances);
            let solved: Result<Vec<Replicated>, ModelError> = (0..sets).into_par_iter().map(solve).collect();
            for replicate in solved? {
                draws.values.extend(replicate.coefficients);
                draws.variances.extend(replicate.variances);
            }
            add_record(passes, PassRecord {
                name: "equations".to_string(),
                rows: 0,
                bytes: 0,
                device: "cpu".to_string(),
                precision: "f64".to_string(),
                seconds: start.elapsed().as_secs_f64(),
            });
        }
        Ok(())
    }

    /// The sums of one pass under the weights of its replicates.
    fn sums<'p>(
        &self,
        plan: &'p LanePlan,
        weights: &WeightSets<'_>,
        monitor: &dyn Monitor,
        passes: &mut Vec<PassRecord>,
    ) -> Result<LaneSums<'p>, ModelError> {
        struct Own<'p> {
            sums: LaneSums<'p>,
            room: WeightRoom,
            weights: Vec<f64>,
        }
        let update = |own: &mut Own<'p>, block: &Block<'_>, other: &Batch<'_>| -> Result<(), RowError> {
            let at = self.labels.of(block, other)?;
            for (from, to) in weights.runs(&at, block.rows) {
                weights.fill(&at, (from, to), &mut own.room, &mut own.weights);
                let factor = block.weights.as_ref().map(|w| &w[from..to]);
                own.sums.add(block, (from, to), &own.weights, factor)?;
            }
            Ok(())
        };
        let found = run_beside(
            "replicates",
            "f64",
            &self.fit.frame().rows,
            &self.labels.beside,
            monitor,
            || Own {
                sums: LaneSums::new(plan, weights.lanes),
                room: WeightRoom::default(),
                weights: Vec::new(),
            },
            update,
            |mut own| {
                own.sums.flush();
                own.sums
            },
        )?;
        found.records.into_iter().for_each(|record| add_record(passes, record));
        Ok(found.value)
    }
}

/// Adds a record to that of the same name.
fn add_record(passes: &mut Vec<PassRecord>, record: PassRecord) {
    match passes.iter_mut().find(|own| own.name == record.name && own.device == record.device) {
        Some(own) => {
            own.rows += record.rows;
            own.bytes += record.bytes;
            own.seconds += record.seconds;
        }
        None => passes.push(record),
    }
}
