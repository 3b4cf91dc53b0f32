//! One step of Fisher scoring as a pass: η, μ, the working weights and the score come out of a block of rows while it
//! is in cache, and the weighted gram with them.
//!
//! With s = w (y − μ) (dμ/dη) / V and W = w (dμ/dη)² / V, the step from β is (XᵀWX)⁻¹ Xᵀs (McCullagh & Nelder 1989,
//! 2.5). That is R's weighted least squares on the working response, less what it already has: errors are relative to
//! the step and not to β. The first pass has η but no β; its sums are Xᵀ(s + W (η − offset)), whose solution is β.

use std::sync::Arc;

use nelder_device::{Dd, Input, Output, Program, Runner, vectorized};
use serde::{Deserialize, Serialize};

use super::observed::ResponseMoments;
use super::residual::{Histogram, ResidualRun};
use super::{Coefficients, Gram, Products, ScoreSums};
use crate::design::{Block, BlockSchema, CodeMaps};
use crate::family::{LARGEST, Programs};
use crate::pass::device::KeptColumn;
use crate::pass::state::travels;
use crate::pass::{StateError, Sum};

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
    pub programs: Arc<Programs>,
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
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// The residuals, where they stayed on devices.
    pub there: KeptColumn,
    /// Residuals at [`quartile_ranks`](super::quartile_ranks), once they were asked for.
    pub places: Vec<f64>,
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
    run_rows(&mut runner(program), &inputs, rows, &mut outputs);
}

/// Runs a program whose columns are all as long as the rows. One that does not run leaves `NaN`, which no sum takes for a number.
pub(super) fn run_rows(
    program: &mut Runner<f64>,
    inputs: &[Input<'_>],
    rows: usize,
    outputs: &mut [&mut [f64]],
) {
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
pub(super) fn runner(program: &Program) -> Runner<f64> {
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
            there: KeptColumn::default(),
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

/// Ranges with others.
pub(in crate::pass) fn widen(ranges: &mut Vec<[f64; 2]>, others: impl Iterator<Item = [f64; 2]>) {
    for (k, [least, largest]) in others.enumerate() {
        match ranges.get_mut(k) {
            Some(own) => *own = [own[0].min(least), own[1].max(largest)],
            None => ranges.push([least, largest]),
        }
    }
}

impl Sum for Scoring {
    travels!();

    fn recode(&mut self, maps: &CodeMaps) -> Result<(), StateError> {
        self.score.recode(maps)?;
        self.gram.as_mut().map_or(Ok(()), |gram| gram.recode(maps))
    }

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
        self.there.merge(other.there);
        if let (Some(a), Some(b)) = (&mut self.histogram, &other.histogram) {
            a.merge(b);
        }
    }
}
