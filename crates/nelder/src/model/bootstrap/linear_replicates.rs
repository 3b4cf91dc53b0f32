//! Replicates of a linear model: grams under weights, or products of drawn errors with the equations of the fit.

use std::time::Instant;

use rayon::prelude::*;

use super::replicates::Replicated;
use super::response_sets::{Errors, ResponseSets, Signs, residuals};
use super::row_labels::BlockLabels;
use super::running::{Made, Running, add_record, runs_of, solving};
use super::spec::Resampling;
use super::weight_sets::{WeightRoom, WeightSets, Weighting};
use crate::design::{Block, RowError};
use crate::model::{ModelError, Regression};
use crate::pass::{LanePlan, LaneSums, PassError, PassRecord};

/// Scratch of a worker for a linear model's replicates.
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

impl<R: Regression + ?Sized> Running<'_, R> {
    /// Replicates of a linear model that are weights of the rows: a gram for each.
    pub fn weighted(&self, weighting: Weighting, to: Made<'_>) -> Result<(), ModelError> {
        let plan = self.whole.plan();
        to.1.algorithm = match weighting {
            Weighting::Multinomial => "grams of multinomial counts, Cholesky".to_string(),
            Weighting::Exponential => "grams of exponential weights, Cholesky".to_string(),
        };
        self.replicates(to, plan.bytes(), |first, sets, monitor, passes| {
            let weights = WeightSets::new(
                &self.labels,
                weighting,
                self.spec.seed,
                (first..first + sets as u32).collect(),
            );
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
    pub fn responses(&self, to: Made<'_>) -> Result<(), ModelError> {
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
}
