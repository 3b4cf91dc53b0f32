//! One step of Fisher scoring as a pass: η, μ, the working weights and the score come out of a block of rows while it
//! is in cache, and the weighted gram with them.
//!
//! With s = w (y − μ) (dμ/dη) / V and W = w (dμ/dη)² / V, the step from β is (XᵀWX)⁻¹ Xᵀs (McCullagh & Nelder 1989,
//! 2.5). That is R's weighted least squares on the working response, less what it already has: errors are relative to
//! the step and not to β. The first pass has η but no β; its sums are Xᵀ(s + W (η − offset)), whose solution is β.

use std::borrow::Cow;
use std::sync::Arc;

use nelder_device::kernels::{self, Pair};
use nelder_device::{Dd, Input, Output, Program, Runner, vectorized};

use super::observed::{Observed, ResponseMoments};
use super::residual::{Histogram, ResidualRun, differences_of, residuals_of};
use super::{Coefficients, Gram, GramWorker, Products, ScoreSums};
use crate::design::{Block, BlockSchema, RowError};
use crate::family::{LARGEST, Programs};
use crate::pass::{Sum, Worker};

/// Rows that go through all stages at a time: 200 columns of them stay in the second-level cache.
const RUN: usize = 1024;

/// The same where there are more columns than 64.
const WIDE_RUN: usize = 640;
/// Rows that gather in a product about the same centres.
const FLUSH: usize = 16 * 1024;

/// Where the linear predictor comes from.
#[derive(Clone, Debug)]
pub enum At {
    /// The family's starting values, or those given with the rows.
    Start,
    /// Coefficients.
    Coefficients(Arc<Coefficients>),
}

/// Outputs of a pass beside the score and the deviance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PassOutputs {
    /// The gram weighted by W, its products formed so.
    pub gram: Option<Products>,
    /// Statistics of the last pass, reported at the end, with η in twice the precision; deviance residuals are kept where there
    /// is no width, else counted in bins of it.
    pub last: Option<Option<f64>>,
    /// The score and the deviance of the model without columns, at this constant beside the offset.
    pub null: Option<f64>,
    /// The score and the information of a negative binomial's θ.
    pub theta: bool,
}

/// A pass of Fisher scoring, to be run.
#[derive(Clone, Debug)]
pub struct ScoringPlan {
    /// Schema of the rows: dense columns and groups of codes; the gram is without responses.
    pub atoms: BlockSchema,
    /// The family.
    pub programs: Programs,
    /// True if η has the offset, where there is one.
    pub offset: bool,
    /// True if two responses are numbers of successes and of failures.
    pub counts: bool,
    /// True if the score of a pass that is not the last may be formed in double precision.
    pub rough: bool,
    /// Where η comes from.
    pub at: At,
    /// Outputs to compute.
    pub wanted: PassOutputs,
}

/// Sums of a pass of Fisher scoring.
#[derive(Clone, Debug)]
pub struct Scoring {
    /// The gram, where it is wanted.
    pub gram: Option<Gram>,
    /// Xᵀs; in the first pass Xᵀ(s + W (η − offset)).
    pub score: ScoreSums,
    /// The deviance; not finite where it overflows.
    pub deviance: Dd,
    /// True if a row's η or μ is out of range.
    pub out_of_range: bool,
    /// Of the responses, in a first pass.
    pub moments: ResponseMoments,
    /// ΣW, Σs and the deviance of the model without columns, and that deviance again, `NaN` where it is out of range; all
    /// but the third where there is an offset.
    pub null: [Dd; 4],
    /// True if a row's deviance without columns is infinite, and true if one is `NaN`: a sum in two parts does not tell.
    pub null_ends: [bool; 2],
    /// Σ dℓ/dθ and −Σ d²ℓ/dθ².
    pub theta: [Dd; 2],
    /// Σ w (y − μ)² / V.
    pub pearson: Dd,
    /// The smallest distance of a μ to an end of its range.
    pub edge: f64,
    /// The sum that the criterion takes from rows.
    pub likelihood: Dd,
    /// Σ w a² / V, a the size of the terms that y − μ is the difference of.
    pub blur: f64,
    /// Σ e¹⁶ and Σ (e η)¹⁶ of the working weights' elasticities e = d log W / dη ([`Scoring::elasticity`]).
    pub elasticities: [f64; 2],
    /// Of the dense columns, the smallest and the largest value, from the first pass.
    pub ranges: Vec<[f64; 2]>,
    /// Deviance residuals, where they are kept.
    pub runs: Vec<ResidualRun>,
    /// Their distribution, where they are too many to keep.
    pub histogram: Option<Histogram>,
    /// The residuals at [`quartile_ranks`](super::quartile_ranks), where they stayed on a device.
    pub places: Vec<f64>,
}

/// Takes a step of Fisher scoring over blocks of rows.
#[derive(Clone, Debug)]
pub struct ScoringWorker {
    plan: Arc<ScoringPlan>,
    sums: Scoring,
    gram: Option<GramWorker>,
    /// Rows whose products are not in the gram yet.
    pending: usize,
    buffers: [Vec<f64>; 14],
    runners: Runners,
}

/// The programs of a pass with their registers.
#[derive(Clone, Debug)]
struct Runners {
    start: Runner<f64>,
    step: Runner<f64>,
    single: Runner<f64>,
    finish: Runner<f64>,
    deviance: Runner<f64>,
    theta: Runner<f64>,
}

/// η of some rows in double precision, without the offset.
pub fn predictor_of(atoms: &BlockSchema, block: &Block<'_>, coefficients: &Coefficients, eta: &mut [f64]) {
    let n = block.rows;
    eta[..n].fill(coefficients.intercept.hi);
    vectorized(
        #[inline(always)]
        || {
            for (x, b) in block.dense.iter().zip(&coefficients.dense) {
                let (x, b) = (&x.high[..n], b.hi);
                for (eta, &x) in eta[..n].iter_mut().zip(x) {
                    *eta = x.mul_add(b, *eta);
                }
            }
        },
    );
    for (g, table) in coefficients.groups.iter().enumerate() {
        let codes = &block.codes[g];
        for (a, multiplier) in atoms.groups[g].multipliers.iter().enumerate() {
            for i in 0..n {
                let Some(b) = table.cells.get(codes[i] as usize * table.width + a) else {
                    continue;
                };
                eta[i] += multiplier.map_or(b.hi, |e| block.dense[e].high[i] * b.hi);
            }
        }
    }
}

/// Runs a program of a family over all rows of its columns.
pub(super) fn run_program(program: &Program, inputs: &[&[f64]], rows: usize, outputs: &mut [&mut Vec<f64>]) {
    let inputs: Vec<Input<'_>> = inputs.iter().map(|c| Input::Real(c)).collect();
    let mut outputs: Vec<&mut [f64]> = outputs.iter_mut().map(|o| o.as_mut_slice()).collect();
    run(&mut runner(program), &inputs, rows, &mut outputs);
}

/// Runs a program whose columns are all as long as the rows. One that does not run leaves `NaN`, which no sum takes for a number.
fn run(program: &mut Runner<f64>, inputs: &[Input<'_>], rows: usize, outputs: &mut [&mut [f64]]) {
    let mut outputs: Vec<Output<'_>> = outputs.iter_mut().map(|o| Output::Real(&mut o[..rows])).collect();
    if program.run(inputs, rows, &mut outputs).is_err() {
        for output in outputs {
            if let Output::Real(values) = output {
                values.fill(f64::NAN);
            }
        }
    }
}

/// A program with its registers. Those of a family refer to earlier steps alone.
fn runner(program: &Program) -> Runner<f64> {
    program.runner().unwrap_or_else(|_| Runner::empty())
}

impl Scoring {
    /// No rows seen.
    pub fn new(plan: &ScoringPlan) -> Self {
        let histogram = match plan.wanted.last {
            Some(Some(width)) => Some(Histogram::new(width)),
            _ => None,
        };
        Scoring {
            gram: plan.wanted.gram.map(|products| Gram::new(&plan.atoms, products)),
            score: ScoreSums::new(&plan.atoms),
            deviance: Dd::ZERO,
            out_of_range: false,
            moments: ResponseMoments::default(),
            null: [Dd::ZERO; 4],
            null_ends: [false; 2],
            theta: [Dd::ZERO; 2],
            pearson: Dd::ZERO,
            edge: f64::INFINITY,
            likelihood: Dd::ZERO,
            blur: 0.0,
            elasticities: [0.0; 2],
            ranges: Vec::new(),
            runs: Vec::new(),
            histogram,
            places: Vec::new(),
        }
    }

    /// Counts a deviance residual, where they are counted.
    pub(in crate::pass) fn count(&mut self, residual: f64) {
        if let Some(histogram) = &mut self.histogram {
            histogram.add(residual);
        }
    }

    /// The deviance of the model without columns: infinite or `NaN` where a row's is.
    pub fn null_deviance(&self) -> f64 {
        match self.null_ends {
            [_, true] => f64::NAN,
            [true, _] => f64::INFINITY,
            _ => self.null[2].hi,
        }
    }

    /// The largest elasticity |d log W / dη| of a row's working weight, and the largest |η| times it: at least these, at most
    /// n^(1/16) times as much.
    pub fn elasticity(&self) -> [f64; 2] {
        self.elasticities.map(|sum| sum.powf(1.0 / f64::from(LARGEST)))
    }
}

impl ScoringWorker {
    /// No rows seen.
    pub fn new(plan: Arc<ScoringPlan>) -> Self {
        ScoringWorker {
            sums: Scoring {
                gram: None,
                ..Scoring::new(&plan)
            },
            gram: plan
                .wanted
                .gram
                .map(|products| GramWorker::new(&plan.atoms, products)),
            pending: 0,
            buffers: std::array::from_fn(|_| vec![0.0; RUN]),
            runners: Runners {
                start: runner(&plan.programs.start),
                step: runner(&plan.programs.step),
                single: runner(&plan.programs.single),
                finish: runner(&plan.programs.finish),
                deviance: runner(&plan.programs.deviance),
                theta: runner(&plan.programs.theta),
            },
            plan,
        }
    }

    /// Takes what is still in products into the gram.
    fn flush(&mut self) {
        self.pending = 0;
        if let Some(gram) = &mut self.gram {
            gram.flush();
        }
    }

    /// Rows `from..to` of a block; appends their deviance residuals.
    fn part(
        &mut self,
        block: &Block<'_>,
        observed: &Observed<'_>,
        from: usize,
        to: usize,
        kept: &mut Vec<f64>,
    ) {
        let plan = self.plan.clone();
        let n = to - from;
        let mut part = block.design(from, to);
        let y = &observed.y[from..to];
        let w = observed.weight.as_ref().map(|w| &w[from..to]);
        let trials = observed.trials.as_ref().map(|t| &t[from..to]);
        let rest = observed.rest.as_ref().map(|r| &r[from..to]);
        let offset = block
            .offset
            .as_ref()
            .filter(|_| plan.offset)
            .map(|o| &o[from..to]);
        let [
            eta,
            low,
            weight,
            score,
            deviance,
            pearson,
            edge,
            likelihood,
            blur,
            residual,
            null,
            spare,
            elasticity,
            by_size,
        ] = &mut self.buffers;
        let (runners, sums) = (&mut self.runners, &mut self.sums);
        // 1. η
        let twice = plan.wanted.last.is_some();
        // least squares: the residual in twice the precision stands for y, and 0 for η
        let mut own = y;
        let differences;
        match &plan.at {
            At::Start => {
                let given = block.start.as_ref().map_or(y, |s| &s[from..to]);
                let inputs = [
                    Input::Real(y),
                    Input::Real(given),
                    Input::Real(trials.or(w).unwrap_or(y)),
                ];
                run(&mut runners.start, &inputs, n, &mut [eta]);
            }
            At::Coefficients(b) if plan.programs.family.is_of_residuals() => {
                let mut rest = Vec::with_capacity(n);
                differences = {
                    let mut high = Vec::with_capacity(n);
                    differences_of(&plan.atoms, &part, (y, offset), b, &mut high, &mut rest);
                    high
                };
                own = &differences;
                eta[..n].fill(0.0);
                for i in 0..n {
                    low[i] = 0.0 - rest[i];
                }
            }
            At::Coefficients(b) if twice => {
                // η = −(0 − Xβ) + offset
                let zero = offset.map_or_else(|| vec![0.0; n], |o| o.iter().map(|o| -o).collect());
                let (mut high, mut rest) = (Vec::with_capacity(n), Vec::with_capacity(n));
                residuals_of(&plan.atoms, &part, Pair::of(&zero), b, &mut high, &mut rest);
                for i in 0..n {
                    eta[i] = 0.0 - high[i];
                    low[i] = 0.0 - rest[i];
                }
            }
            At::Coefficients(b) => {
                predictor_of(&plan.atoms, &part, b, eta);
                if let Some(o) = offset {
                    eta.iter_mut().zip(o).for_each(|(e, o)| *e += o);
                }
            }
        }
        // 2. W, s, deviance
        // a column that is not there is not read; another stands in its place
        let [w, trials, rest] = [w, trials, rest].map(|column| column.unwrap_or(y));
        let given = [y, w, trials, rest];
        let own = [own, w, trials, rest];
        fn columns<'c>([y, w, trials, rest]: [&'c [f64]; 4], eta: &'c [f64]) -> [Input<'c>; 5] {
            [y, eta, w, trials, rest].map(Input::Real)
        }
        if twice {
            run(
                &mut runners.finish,
                &columns(own, &eta[..n]),
                n,
                &mut [
                    weight, score, deviance, pearson, edge, likelihood, blur, residual, elasticity, by_size,
                ],
            );
            // what the leading part of η leaves over: ds/dη = −W in the mean
            for i in 0..n {
                low[i] *= -weight[i];
            }
            sums.pearson += kernels::sum(Pair::of(&pearson[..n]));
            sums.likelihood += kernels::sum(Pair::of(&likelihood[..n]));
            sums.blur += kernels::rough_sum(&blur[..n], None);
            for (sum, own) in sums.elasticities.iter_mut().zip([&elasticity, &by_size]) {
                *sum += kernels::rough_sum(&own[..n], None);
            }
            sums.edge = edge[..n].iter().copied().fold(sums.edge, f64::min);
            match &mut sums.histogram {
                Some(histogram) => residual[..n].iter().for_each(|&r| histogram.add(r)),
                None => kept.extend_from_slice(&residual[..n]),
            }
        } else {
            let first = matches!(plan.at, At::Start) && !plan.counts;
            let step = match first && y.iter().all(|&y| y == 0.0 || y == 1.0) {
                true => &mut runners.single,
                false => &mut runners.step,
            };
            run(step, &columns(own, &eta[..n]), n, &mut [weight, score, deviance]);
        }
        sums.deviance += kernels::sum(Pair::of(&deviance[..n]));
        // NaN is contagious, but so is what an overflow leaves of a sum in two parts
        if !sums.deviance.hi.is_finite() {
            sums.out_of_range |= deviance[..n].iter().any(|d| d.is_nan());
        }
        // 3. the model without columns
        if let Some(constant) = plan.wanted.null {
            match offset {
                None => null[..n].fill(constant),
                Some(o) => null.iter_mut().zip(o).for_each(|(e, o)| *e = constant + o),
            }
            let d = &mut sums.null[2];
            run(
                &mut runners.deviance,
                &columns(given, &null[..n]),
                n,
                &mut [spare],
            );
            let own = kernels::sum(Pair::of(&spare[..n]));
            *d += own;
            if !own.hi.is_finite() {
                sums.null_ends[0] |= spare[..n].iter().any(|d| d.is_infinite());
                sums.null_ends[1] |= spare[..n].iter().any(|d| d.is_nan());
            }
            if offset.is_some() {
                run(
                    &mut runners.step,
                    &columns(given, &null[..n]),
                    n,
                    &mut [pearson, edge, likelihood],
                );
                sums.null[0] += kernels::sum(Pair::of(&pearson[..n]));
                sums.null[1] += kernels::sum(Pair::of(&edge[..n]));
                sums.null[3] += kernels::sum(Pair::of(&likelihood[..n]));
            }
        }
        if plan.wanted.theta {
            run(
                &mut runners.theta,
                &columns(given, &eta[..n]),
                n,
                &mut [null, spare],
            );
            sums.theta[0] += kernels::sum(Pair::of(&null[..n]));
            sums.theta[1] += kernels::sum(Pair::of(&spare[..n]));
        }
        // 4. the score
        if matches!(plan.at, At::Start) {
            let (eta, weight, score) = (&eta[..n], &weight[..n], &mut score[..n]);
            vectorized(
                #[inline(always)]
                || match offset {
                    None => {
                        for i in 0..n {
                            score[i] += weight[i] * eta[i];
                        }
                    }
                    Some(o) => {
                        for i in 0..n {
                            score[i] += weight[i] * (eta[i] - o[i]);
                        }
                    }
                },
            );
        }
        let s = Pair {
            high: &score[..n],
            low: twice.then_some(&low[..n]),
        };
        let rough = !twice && plan.rough;
        sums.score.add(&plan.atoms, &part, s, rough);
        // 5. the gram
        if let Some(gram) = &mut self.gram {
            part.weights = Some(Cow::Borrowed(&weight[..n]));
            gram.add(&part);
        }
    }
}

/// The smallest and the largest value.
fn range(x: &[f64]) -> [f64; 2] {
    let mut ends = [[f64::INFINITY; 8], [f64::NEG_INFINITY; 8]];
    vectorized(
        #[inline(always)]
        || {
            for run in x.chunks(8) {
                for (k, &x) in run.iter().enumerate() {
                    ends[0][k] = if x < ends[0][k] { x } else { ends[0][k] };
                    ends[1][k] = if x > ends[1][k] { x } else { ends[1][k] };
                }
            }
        },
    );
    let least = ends[0].iter().copied().fold(f64::INFINITY, f64::min);
    [least, ends[1].iter().copied().fold(f64::NEG_INFINITY, f64::max)]
}

/// Ranges with others.
fn widen(ranges: &mut Vec<[f64; 2]>, others: impl Iterator<Item = [f64; 2]>) {
    for (k, [least, largest]) in others.enumerate() {
        match ranges.get_mut(k) {
            Some(own) => *own = [own[0].min(least), own[1].max(largest)],
            None => ranges.push([least, largest]),
        }
    }
}

impl Worker for ScoringWorker {
    type Sum = Scoring;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        if let At::Coefficients(coefficients) = &self.plan.at {
            coefficients.check(block)?;
        }
        let counts = self.plan.counts;
        let observed = Observed::of(block, counts);
        if matches!(self.plan.at, At::Start) {
            self.sums.moments.add(&observed);
            if self.plan.programs.family.is_of_residuals() {
                self.sums.moments.add_sizes(&observed, block.offset.as_deref());
            }
            if let Some(offset) = &block.offset {
                self.sums.moments.add_offset(offset);
            }
            let own = block.dense.iter().map(|x| range(&x.high[..block.rows]));
            widen(&mut self.sums.ranges, own);
        }
        let mut kept = Vec::new();
        let mut from = 0;
        // wide rows in shorter runs, so that a run stays in the second-level cache
        let most = if self.plan.atoms.dense > 64 { WIDE_RUN } else { RUN };
        let run = block.rows.div_ceil(block.rows.div_ceil(most).max(1));
        while from < block.rows {
            let to = (from + run).min(block.rows);
            self.part(block, &observed, from, to, &mut kept);
            from = to;
        }
        self.pending += block.rows;
        if self.pending >= FLUSH {
            self.flush();
        }
        if !kept.is_empty() {
            self.sums.runs.push(ResidualRun {
                index: block.index,
                first_row: block.first_row,
                kept: block.kept.clone(),
                values: vec![kept],
            });
        }
        Ok(())
    }

    fn finish(mut self) -> Scoring {
        Scoring {
            gram: self.gram.take().map(Worker::finish),
            ..self.sums
        }
    }
}

impl Sum for Scoring {
    fn merge(&mut self, other: Self) {
        if let (Some(a), Some(b)) = (&mut self.gram, other.gram) {
            a.merge(b);
        }
        self.score.merge(&other.score);
        self.deviance += other.deviance;
        self.out_of_range |= other.out_of_range;
        self.moments.merge(&other.moments);
        for (a, b) in self.null.iter_mut().zip(other.null) {
            *a += b;
        }
        for (a, b) in self.null_ends.iter_mut().zip(other.null_ends) {
            *a |= b;
        }
        for (a, b) in self.theta.iter_mut().zip(other.theta) {
            *a += b;
        }
        self.pearson += other.pearson;
        self.edge = self.edge.min(other.edge);
        self.likelihood += other.likelihood;
        self.blur += other.blur;
        for (a, b) in self.elasticities.iter_mut().zip(other.elasticities) {
            *a += b;
        }
        widen(&mut self.ranges, other.ranges.into_iter());
        self.runs.extend(other.runs);
        if let (Some(a), Some(b)) = (&mut self.histogram, &other.histogram) {
            a.merge(b);
        }
    }
}
