//! Rows of a generalized linear model: working residuals and weights, residuals of every kind, and what leaving a row out does.
//!
//! The scores of a row are x s = x W r with the working residual r, and its leverage is that of the weighted linear model of the last
//! step (Pregibon 1981; Williams 1987): R's `sandwich::vcovHC`, `residuals`, `hatvalues`, `rstandard`, `rstudent` and
//! `cooks.distance` of a `glm`.

use std::sync::Arc;

use nelder_device::Dd;

use super::Glm;
use crate::design::{Block, RowError};
use crate::family::{FamilyName, Programs, Start, Trials};
use crate::model::inference::row_model::{RowModel, Under};
use crate::model::inference::whitened_design::{Leverage, WhitenedDesign};
use crate::model::{ClusterType, Influence};
use crate::pass::{Coefficients, Working};

/// A leverage from which on what is left of 1 is formed from the very weights of the gram.
const NEARLY_ALL: f64 = 0.9;

/// Rows of a fit with the programs of its family.
pub(super) struct ScoredRows<'a, 's> {
    fit: &'a Glm<'s>,
    programs: Arc<Programs>,
    /// True if the response has two columns, the numbers of successes and of failures.
    counts: bool,
}

impl<'a, 's> ScoredRows<'a, 's> {
    /// The rows of a fit.
    pub fn new(fit: &'a Glm<'s>) -> Self {
        let counts = fit.bound.rows.layout().atoms.responses == 2;
        let weights = fit.spec.design.weights.is_some();
        let trials = Trials::of(counts, weights, fit.fit.moments.binary);
        ScoredRows {
            fit,
            programs: Programs::shared(&fit.fit.family, counts || weights, trials, Start::Family),
            counts,
        }
    }

    fn at(&self, block: &Block<'_>, coefficients: &Coefficients) -> Working {
        let atoms = self.fit.fit.gram.atoms();
        Working::of(&self.programs, atoms, self.counts, block, coefficients)
    }

    fn leverages(
        &self,
        block: &Block<'_>,
        at: &[Coefficients],
        basis: Option<&WhitenedDesign>,
        working: &Working,
    ) -> Vec<Leverage> {
        let found = Leverage::all(basis, block, Some(&working.weight));
        match at.get(1) {
            // 1 − h of nearly 1 wants the very weights that are in the gram
            Some(before) if found.iter().any(|l| l.h > NEARLY_ALL) => {
                Leverage::all(basis, block, Some(&self.at(block, before).weight))
            }
            _ => found,
        }
    }
}

impl RowModel for ScoredRows<'_, '_> {
    fn coefficients(&self) -> Vec<Vec<Dd>> {
        let fit = &self.fit.fit;
        let before = fit.weighs_the_same().then(|| fit.weighed_at.clone());
        std::iter::once(fit.scaled_coefficients()).chain(before).collect()
    }

    fn basis(&self) -> WhitenedDesign {
        let basis = self.fit.fit.system().basis();
        match self.fit.fit.weighs_the_same() {
            true => basis,
            false => basis.of_rounded_weights(),
        }
    }

    fn root_variances(&self) -> Vec<f64> {
        let roots = self.fit.fit.root_variances.iter();
        roots
            .zip(self.fit.fit.system().column_scales())
            .map(|(v, s)| v / s)
            .collect()
    }

    fn working(
        &self,
        block: &Block<'_>,
        at: &[Coefficients],
        under: Under,
        take: &mut dyn FnMut(&Block<'_>) -> Result<(), RowError>,
    ) -> Result<(), RowError> {
        let mut own = self.at(block, &at[0]);
        if let (Under::Equations, Some(before)) = (under, at.get(1)) {
            own = own.with_weights(self.at(block, before).weight);
        }
        take(&own.block(block))
    }

    fn unknown(&self, rows: usize) -> Influence {
        Influence::unknown(rows, true)
    }

    fn diagnose(
        &self,
        block: &Block<'_>,
        at: &[Coefficients],
        basis: Option<&WhitenedDesign>,
        known: &mut Option<Vec<Leverage>>,
    ) -> Influence {
        let working = self.at(block, &at[0]);
        let leverages = known.get_or_insert_with(|| self.leverages(block, at, basis, &working));
        let fit = &self.fit.fit;
        let (rank, df) = (fit.rank() as f64, fit.df_residual() as f64);
        let (dispersion, scale) = (self.fit.dispersion, self.fit.dispersion.sqrt());
        // R divides by σ without the row for all families but these two
        let fixed = matches!(fit.family.name, FamilyName::Binomial | FamilyName::Poisson);
        let mut out = self.unknown(block.rows);
        for i in 0..block.rows {
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
            let without = ((fit.deviance - d * d / left).max(0.0) / (df - 1.0)).sqrt();
            out.sigma[i] = without;
            out.cooks[i] = (p / left).powi(2) * h / (dispersion * rank);
            out.standardized[i] = d / (scale * left.sqrt());
            out.standardized_pearson[i] = p / (scale * left.sqrt());
            let student = (d * d + h * p * p / left).sqrt().copysign(d);
            out.studentized[i] = if fixed { student } else { student / without };
        }
        out
    }

    /// √W d with the deviance residual d, as R's `dfbetas` of a `glm` has it.
    fn score(&self, _: &Block<'_>, own: &Influence, i: usize) -> f64 {
        own.weight[i].sqrt() * own.deviance[i]
    }

    fn has_twice(&self) -> bool {
        false
    }

    fn cluster_type(&self) -> ClusterType {
        ClusterType::Hc0
    }

    fn response_scale(&self) -> f64 {
        1.0
    }
}
