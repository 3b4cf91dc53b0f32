//! The worker of a pass of Fisher scoring: from η the working weights, the scores and what else is wanted of each row, run by run.

use std::borrow::Cow;
use std::sync::Arc;

use nelder_device::kernels::{self, Pair};
use nelder_device::{Input, Program, Runner, vectorized};

use super::gram_worker::GramWorker;
use super::observed::Observed;
use super::residual::{ResidualRun, differences_of, residuals_of};
use super::scoring::{At, Scoring, ScoringPlan, predictor_of, run_rows, runner, widen};
use crate::design::{Block, RowError};
use crate::pass::Worker;

/// Rows that go through all stages at a time: 200 columns of them stay in the second-level cache.
const RUN: usize = 1024;
/// The same where there are more columns than 64.
const WIDE_RUN: usize = 640;
/// Rows that gather in a product about the same centres.
const FLUSH: usize = 16 * 1024;

/// Takes a step of Fisher scoring over blocks of rows.
#[derive(Clone, Debug)]
pub struct ScoringWorker {
    plan: Arc<ScoringPlan>,
    sums: Scoring,
    gram: Option<GramWorker>,
    /// Rows whose products are not in the gram yet.
    pending: usize,
    columns: RowColumns,
    runners: Runners,
}

/// The programs of a pass with their registers, each once it is run.
#[derive(Clone, Debug, Default)]
struct Runners {
    start: Option<Runner<f64>>,
    step: Option<Runner<f64>>,
    single: Option<Runner<f64>>,
    finish: Option<Runner<f64>>,
    deviance: Option<Runner<f64>>,
    theta: Option<Runner<f64>>,
}

/// The runner of a program, made where there is none yet.
fn ready<'r>(slot: &'r mut Option<Runner<f64>>, program: &Program) -> &'r mut Runner<f64> {
    slot.get_or_insert_with(|| runner(program))
}

/// Columns over the rows of a run: what the programs give.
#[derive(Clone, Debug, Default)]
struct RowColumns {
    /// The linear predictor with the offset, and what it leaves over.
    eta: Vec<f64>,
    low: Vec<f64>,
    weight: Vec<f64>,
    score: Vec<f64>,
    deviance: Vec<f64>,
    pearson: Vec<f64>,
    edge: Vec<f64>,
    likelihood: Vec<f64>,
    blur: Vec<f64>,
    residual: Vec<f64>,
    elasticity: Vec<f64>,
    by_size: Vec<f64>,
    /// η of the model without columns, and the unit deviances there.
    null: Vec<f64>,
    null_deviance: Vec<f64>,
}

impl RowColumns {
    /// Makes room for the rows of a run.
    fn reach(&mut self, rows: usize) {
        if self.eta.len() >= rows {
            return;
        }
        for column in [
            &mut self.eta,
            &mut self.low,
            &mut self.weight,
            &mut self.score,
            &mut self.deviance,
            &mut self.pearson,
            &mut self.edge,
            &mut self.likelihood,
            &mut self.blur,
            &mut self.residual,
            &mut self.elasticity,
            &mut self.by_size,
            &mut self.null,
            &mut self.null_deviance,
        ] {
            column.resize(rows, 0.0);
        }
    }
}

/// Some rows of a block, with what was observed of them.
struct RowRun<'r> {
    /// The design of the rows.
    design: Block<'r>,
    rows: usize,
    y: &'r [f64],
    weight: Option<&'r [f64]>,
    trials: Option<&'r [f64]>,
    rest: Option<&'r [f64]>,
    offset: Option<&'r [f64]>,
    /// Values to start from.
    start: Option<&'r [f64]>,
}

impl<'r> RowRun<'r> {
    fn new(
        plan: &ScoringPlan,
        block: &'r Block<'_>,
        observed: &'r Observed<'_>,
        (from, to): (usize, usize),
    ) -> Self {
        let offset = block.offset.as_ref().filter(|_| plan.offset);
        RowRun {
            design: block.design(from, to),
            rows: to - from,
            y: &observed.y[from..to],
            weight: observed.weight.as_ref().map(|w| &w[from..to]),
            trials: observed.trials.as_ref().map(|t| &t[from..to]),
            rest: observed.rest.as_ref().map(|r| &r[from..to]),
            offset: offset.map(|o| &o[from..to]),
            start: block.start.as_ref().map(|s| &s[from..to]),
        }
    }

    /// Inputs of the family's programs: y, η, w, trials, rest. A column that is not there is not read; y stands in its place.
    fn inputs<'c>(&'c self, y: &'c [f64], eta: &'c [f64]) -> [Input<'c>; 5] {
        let [w, trials, rest] = [self.weight, self.trials, self.rest].map(|column| column.unwrap_or(self.y));
        [y, &eta[..self.rows], w, trials, rest].map(Input::Real)
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
            columns: RowColumns::default(),
            runners: Runners::default(),
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

    /// Takes in a run of rows; appends their deviance residuals.
    fn take(&mut self, run: RowRun<'_>, kept: &mut Vec<f64>) {
        self.columns.reach(run.rows);
        // 1. η
        let response = self.predictor(&run);
        // 2. W, s, deviance
        match self.plan.wanted.last.is_some() {
            true => self.last_step(&run, &response, kept),
            false => self.step(&run, &response),
        }
        let (sums, n) = (&mut self.sums, run.rows);
        let deviance = &self.columns.deviance[..n];
        sums.deviance += kernels::sum(Pair::of(deviance));
        // NaN is contagious, but so is what an overflow leaves of a sum in two parts
        if !sums.deviance.hi.is_finite() {
            sums.out_of_range |= deviance.iter().any(|d| d.is_nan());
        }
        // 3. the model without columns, and θ
        if let Some(constant) = self.plan.wanted.null {
            self.without_columns(&run, constant);
        }
        if self.plan.wanted.theta {
            self.theta(&run);
        }
        // 4. the score
        self.score(&run);
        // 5. the gram
        if let Some(gram) = &mut self.gram {
            let mut weighted: Block<'_> = run.design;
            weighted.weights = Some(Cow::Borrowed(&self.columns.weight[..n]));
            gram.add(&weighted);
        }
    }

    /// η of a run, and the column that stands for y: of least squares the residual in twice the precision, with 0 for η.
    fn predictor<'r>(&mut self, run: &RowRun<'r>) -> Cow<'r, [f64]> {
        let (plan, n) = (&self.plan, run.rows);
        let RowColumns { eta, low, .. } = &mut self.columns;
        let negated = |low: &mut [f64], rest: &[f64]| {
            low.iter_mut().zip(rest).for_each(|(low, rest)| *low = 0.0 - rest);
        };
        match &plan.at {
            At::Start => {
                let given = run.start.unwrap_or(run.y);
                let counts = run.trials.or(run.weight).unwrap_or(run.y);
                let inputs = [run.y, given, counts].map(Input::Real);
                run_rows(
                    ready(&mut self.runners.start, &plan.programs.start),
                    &inputs,
                    n,
                    &mut [eta],
                );
            }
            At::Coefficients(b) if plan.programs.family.is_of_residuals() => {
                let (mut high, mut rest) = (Vec::with_capacity(n), Vec::with_capacity(n));
                let observed = (run.y, run.offset);
                differences_of(&plan.atoms, &run.design, observed, b, &mut high, &mut rest);
                eta[..n].fill(0.0);
                negated(low, &rest);
                return Cow::Owned(high);
            }
            At::Coefficients(b) if plan.wanted.last.is_some() => {
                // η = −(0 − Xβ) + offset
                let zero = run
                    .offset
                    .map_or_else(|| vec![0.0; n], |o| o.iter().map(|o| -o).collect());
                let (mut high, mut rest) = (Vec::with_capacity(n), Vec::with_capacity(n));
                residuals_of(&plan.atoms, &run.design, Pair::of(&zero), b, &mut high, &mut rest);
                negated(eta, &high);
                negated(low, &rest);
            }
            At::Coefficients(b) => {
                predictor_of(&plan.atoms, &run.design, b, eta);
                if let Some(o) = run.offset {
                    eta.iter_mut().zip(o).for_each(|(e, o)| *e += o);
                }
            }
        }
        Cow::Borrowed(run.y)
    }

    /// Working weights, scores and deviances, with what a last pass wants beside: statistics, residuals, error bounds.
    fn last_step(&mut self, run: &RowRun<'_>, response: &[f64], kept: &mut Vec<f64>) {
        let (n, sums) = (run.rows, &mut self.sums);
        let c = &mut self.columns;
        run_rows(
            ready(&mut self.runners.finish, &self.plan.programs.finish),
            &run.inputs(response, &c.eta),
            n,
            &mut [
                &mut c.weight,
                &mut c.score,
                &mut c.deviance,
                &mut c.pearson,
                &mut c.edge,
                &mut c.likelihood,
                &mut c.blur,
                &mut c.residual,
                &mut c.elasticity,
                &mut c.by_size,
            ],
        );
        // what the leading part of η leaves over: ds/dη = −W in the mean
        let weights = c.weight[..n].iter();
        c.low.iter_mut().zip(weights).for_each(|(low, w)| *low *= -w);
        sums.pearson += kernels::sum(Pair::of(&c.pearson[..n]));
        sums.likelihood += kernels::sum(Pair::of(&c.likelihood[..n]));
        sums.blur += kernels::rough_sum(&c.blur[..n], None);
        for (sum, own) in sums.elasticities.iter_mut().zip([&c.elasticity, &c.by_size]) {
            *sum += kernels::rough_sum(&own[..n], None);
        }
        sums.edge = c.edge[..n].iter().copied().fold(sums.edge, f64::min);
        let residuals = &c.residual[..n];
        match &mut sums.histogram {
            Some(histogram) => residuals.iter().for_each(|&r| histogram.add(r)),
            None => kept.extend_from_slice(residuals),
        }
    }

    /// Working weights, scores and deviances.
    fn step(&mut self, run: &RowRun<'_>, response: &[f64]) {
        let first = matches!(self.plan.at, At::Start) && !self.plan.counts;
        let binary = || run.y.iter().all(|&y| y == 0.0 || y == 1.0);
        let step = match first && binary() {
            true => ready(&mut self.runners.single, &self.plan.programs.single),
            false => ready(&mut self.runners.step, &self.plan.programs.step),
        };
        let c = &mut self.columns;
        let inputs = run.inputs(response, &c.eta);
        run_rows(
            step,
            &inputs,
            run.rows,
            &mut [&mut c.weight, &mut c.score, &mut c.deviance],
        );
    }

    /// Deviance of the model without columns at a constant; with an offset also its weights and scores, for the constant's next step.
    fn without_columns(&mut self, run: &RowRun<'_>, constant: f64) {
        let (n, sums) = (run.rows, &mut self.sums);
        let c = &mut self.columns;
        match run.offset {
            None => c.null[..n].fill(constant),
            Some(o) => c.null.iter_mut().zip(o).for_each(|(e, o)| *e = constant + o),
        }
        let inputs = run.inputs(run.y, &c.null);
        run_rows(
            ready(&mut self.runners.deviance, &self.plan.programs.deviance),
            &inputs,
            n,
            &mut [&mut c.null_deviance],
        );
        let deviance = &c.null_deviance[..n];
        let own = kernels::sum(Pair::of(deviance));
        sums.null[2] += own;
        if !own.hi.is_finite() {
            sums.null_ends[0] |= deviance.iter().any(|d| d.is_infinite());
            sums.null_ends[1] |= deviance.iter().any(|d| d.is_nan());
        }
        if run.offset.is_some() {
            let [weight, score, deviance] = [&mut c.pearson, &mut c.edge, &mut c.likelihood];
            let step = ready(&mut self.runners.step, &self.plan.programs.step);
            run_rows(step, &inputs, n, &mut [weight, score, deviance]);
            for (k, column) in [(0, &c.pearson), (1, &c.edge), (3, &c.likelihood)] {
                sums.null[k] += kernels::sum(Pair::of(&column[..n]));
            }
        }
    }

    /// Score and information of θ.
    fn theta(&mut self, run: &RowRun<'_>) {
        let c = &mut self.columns;
        let inputs = run.inputs(run.y, &c.eta);
        let [score, information] = [&mut c.null, &mut c.null_deviance];
        run_rows(
            ready(&mut self.runners.theta, &self.plan.programs.theta),
            &inputs,
            run.rows,
            &mut [score, information],
        );
        for (sum, column) in self.sums.theta.iter_mut().zip([&c.null, &c.null_deviance]) {
            *sum += kernels::sum(Pair::of(&column[..run.rows]));
        }
    }

    /// Xᵀs; of the first pass, which has η but no β, Xᵀ(s + W(η − offset)).
    fn score(&mut self, run: &RowRun<'_>) {
        let (n, c) = (run.rows, &mut self.columns);
        if matches!(self.plan.at, At::Start) {
            let (eta, weight, score) = (&c.eta[..n], &c.weight[..n], &mut c.score[..n]);
            vectorized(
                #[inline(always)]
                || match run.offset {
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
        let twice = self.plan.wanted.last.is_some();
        let s = Pair {
            high: &c.score[..n],
            low: twice.then_some(&c.low[..n]),
        };
        let rough = !twice && self.plan.rough;
        self.sums.score.add(&self.plan.atoms, &run.design, s, rough);
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

impl Worker for ScoringWorker {
    type Sum = Scoring;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        if let At::Coefficients(coefficients) = &self.plan.at {
            coefficients.check(block)?;
        }
        let plan = self.plan.clone();
        let counts = plan.counts;
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
            let rows = RowRun::new(&plan, block, &observed, (from, to));
            self.take(rows, &mut kept);
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
