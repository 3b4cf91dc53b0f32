//! Residuals of every kind, leverages and Cook's distances of the rows of a generalized linear model.
//!
//! The leverage is that of the weighted linear model of the last step (Pregibon 1981; Williams 1987). R's `residuals`,
//! `hatvalues`, `rstandard`, `rstudent` and `cooks.distance` of a `glm`.

use super::Glm;
use crate::design::{Block, RowError};
use crate::family::FamilyName;
use crate::frame::Batch;
use crate::model::equations::solution::counted;
use crate::model::inference::new_rows::Applier;
use crate::model::inference::predict::{leverages, spread};
use crate::model::inference::whitened_design::Leverage;
use crate::model::{Detail, ModelError};
use crate::pass::{Monitor, PassRecord, Working, run_in_order};

/// A leverage from which on what is left of 1 is formed from the very weights of the gram.
const NEARLY_ALL: f64 = 0.9;

/// Diagnostics for consecutive rows. `NaN` where a variable is missing or a quantity is not defined.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GlmInfluence {
    /// Means: R's `fitted`.
    pub fitted: Vec<f64>,
    /// Linear predictors with the offset.
    pub linear: Vec<f64>,
    /// Response residuals y − μ.
    pub response: Vec<f64>,
    /// Working residuals (y − μ) dη/dμ.
    pub working: Vec<f64>,
    /// Pearson residuals.
    pub pearson: Vec<f64>,
    /// Deviance residuals: R's `residuals`.
    pub deviance: Vec<f64>,
    /// Leverages: R's `hatvalues`.
    pub hat: Vec<f64>,
    /// √dispersion without the row: R's `influence(fit)$sigma`.
    pub sigma: Vec<f64>,
    /// R's `cooks.distance`.
    pub cooks: Vec<f64>,
    /// R's `rstandard`, of deviance residuals.
    pub standardized: Vec<f64>,
    /// R's `rstandard(type = "pearson")`.
    pub standardized_pearson: Vec<f64>,
    /// R's `rstudent`.
    pub studentized: Vec<f64>,
    /// Working weights.
    pub weight: Vec<f64>,
}

/// Diagnostics for consecutive rows of the source.
#[derive(Clone, Debug, Default)]
pub struct GlmInfluenceRun {
    /// Position of the first row, from 0.
    pub first_row: u64,
    /// Which rows of the run have values: those in the fit, those of weight zero, and with
    /// [`Missing::Exclude`](crate::design::Missing) incomplete ones; `None` for all.
    pub kept: Option<Vec<u32>>,
    /// The diagnostics.
    pub rows: GlmInfluence,
}

impl GlmInfluence {
    fn columns(&mut self) -> [&mut Vec<f64>; 13] {
        [
            &mut self.fitted,
            &mut self.linear,
            &mut self.response,
            &mut self.working,
            &mut self.pearson,
            &mut self.deviance,
            &mut self.hat,
            &mut self.sigma,
            &mut self.cooks,
            &mut self.standardized,
            &mut self.standardized_pearson,
            &mut self.studentized,
            &mut self.weight,
        ]
    }

    fn missing(rows: usize) -> Self {
        let mut out = GlmInfluence::default();
        out.columns().into_iter().for_each(|c| *c = vec![f64::NAN; rows]);
        out
    }

    fn append(&mut self, mut other: Self) {
        for (a, b) in self.columns().into_iter().zip(other.columns()) {
            a.append(b);
        }
    }
}

impl Glm<'_> {
    /// Diagnostics of all rows, one pass. Memory grows with the rows: [`influence_to`](Self::influence_to) hands
    /// them over in runs.
    ///
    /// ```
    /// use nelder::family::Family;
    /// use nelder::frame::Frame;
    /// use nelder::model::{Detail, GlmSpec, glm};
    /// use nelder::pass::NoProgress;
    /// let (x, y) = ([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 3.0, 8.0]);
    /// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    /// let fit = glm(&GlmSpec::new("y ~ x", Family::poisson()), &frame, &NoProgress).unwrap();
    /// let all = fit.influence(Detail::Leverages, &NoProgress).unwrap();
    /// assert!((all.hat.iter().sum::<f64>() - 2.0).abs() < 1e-13);
    /// let deviance: f64 = all.deviance.iter().map(|r| r * r).sum();
    /// assert!((deviance - fit.fit.deviance).abs() < 1e-14);
    /// ```
    ///
    /// # Errors
    /// Those of a pass.
    pub fn influence(&self, detail: Detail, monitor: &dyn Monitor) -> Result<GlmInfluence, ModelError> {
        let mut all = GlmInfluence::default();
        self.influence_to(
            detail,
            &[],
            monitor,
            |_| (),
            |run, ()| {
                all.append(run.rows);
                true
            },
        )?;
        Ok(all)
    }

    /// The same in runs of rows, in order, each with what `pick` makes of the columns `beside` of the source for
    /// its rows; `take` stops the pass by returning `false`.
    ///
    /// # Errors
    /// Those of a pass, and an interrupt where `take` stopped it.
    pub fn influence_to<B: Send>(
        &self,
        detail: Detail,
        beside: &[usize],
        monitor: &dyn Monitor,
        pick: impl Fn(&Batch<'_>) -> B + Sync,
        mut take: impl FnMut(GlmInfluenceRun, B) -> bool + Send,
    ) -> Result<PassRecord, ModelError> {
        let fit = &self.fit;
        let rows = &self.bound.rows;
        let codes: Vec<usize> = (0..rows.layout().groups.len())
            .map(|g| rows.tuples(g).len())
            .collect();
        let same = fit.weighs_the_same();
        let applier = Applier::new(
            rows,
            self.bound.variables(&fit.counts),
            counted(&fit.gram, &codes),
            fit.map.absorbed.is_some(),
            vec![fit.scaled_coefficients(), fit.weighed_at.clone()],
            (detail > Detail::Residuals).then(|| fit.basis().state()),
        )?;
        let (programs, counts) = (self.programs(), self.counts());
        let make = |batch: &Batch<'_>, other: &Batch<'_>| -> Result<(GlmInfluenceRun, B), RowError> {
            let block = rows.block_with_weightless(batch)?;
            let mut run = GlmInfluenceRun {
                first_row: batch.first_row,
                kept: block.kept.as_ref().map(|kept| {
                    let mut all = [kept.as_slice(), &block.excluded].concat();
                    all.sort_unstable();
                    all
                }),
                rows: GlmInfluence::missing(batch.rows),
            };
            if block.rows > 0 {
                let applied = applier.on(rows, &block)?;
                let at = |k: usize| {
                    let b = &applied.coefficients[k];
                    Working::of(&programs, &rows.layout().atoms, counts, &block, b)
                };
                let working = at(0);
                let mut found = match &applied.basis {
                    Some(basis) => leverages(basis, &block, Some(&working.weight)),
                    None => vec![Leverage::unknown(); block.rows],
                };
                // 1 − h of nearly 1 wants the very weights that are in the gram
                if let (Some(basis), true) = (&applied.basis, same && found.iter().any(|l| l.h > NEARLY_ALL))
                {
                    found = leverages(basis, &block, Some(&at(1).weight));
                }
                let leverages = found;
                let mut own = self.diagnose(&block, &working, &leverages);
                let kept = block.kept.as_deref();
                for (to, from) in run.rows.columns().into_iter().zip(own.columns()) {
                    *to = spread(std::mem::take(from), kept, batch.rows);
                }
            }
            Ok((run, pick(other)))
        };
        let record = run_in_order("influence", "f64x2", rows, beside, monitor, make, |(run, b)| {
            take(run, b)
        })?;
        Ok(record)
    }

    fn diagnose(&self, block: &Block<'_>, working: &Working, leverages: &[Leverage]) -> GlmInfluence {
        let n = block.rows;
        let (rank, df) = (self.fit.rank() as f64, self.fit.df_residual() as f64);
        let scale = self.dispersion.sqrt();
        // R divides by σ without the row for all families but these two
        let fixed = matches!(self.fit.family.name, FamilyName::Binomial | FamilyName::Poisson);
        let mut out = GlmInfluence::missing(n);
        for i in 0..n {
            out.fitted[i] = working.mu[i];
            out.linear[i] = working.eta[i];
            out.response[i] = working.response[i] - working.mu[i];
            out.working[i] = working.residual[i];
            out.pearson[i] = working.pearson[i];
            // as many columns as rows: R's deviance residuals are 0
            out.deviance[i] = if df == 0.0 { 0.0 } else { working.deviance[i] };
            out.weight[i] = working.weight[i];
            if working.prior.get(i) == Some(&0.0) {
                continue;
            }
            let (d, p) = (working.deviance[i], working.pearson[i]);
            let left = leverages[i].left;
            if left.hi <= 0.0 {
                out.hat[i] = 1.0;
                continue;
            }
            let h = leverages[i].h;
            let left = left.hi;
            out.hat[i] = h;
            // R's lm.influence on the deviance residuals: what is left of their squares without the row
            let without = ((self.fit.deviance - d * d / left).max(0.0) / (df - 1.0)).sqrt();
            out.sigma[i] = without;
            out.cooks[i] = (p / left).powi(2) * h / (self.dispersion * rank);
            out.standardized[i] = d / (scale * left.sqrt());
            out.standardized_pearson[i] = p / (scale * left.sqrt());
            let student = (d * d + h * p * p / left).sqrt().copysign(d);
            out.studentized[i] = if fixed { student } else { student / without };
        }
        out
    }
}
