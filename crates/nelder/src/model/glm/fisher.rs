//! Fisher scoring, as R's `glm.fit` does it.
//!
//! From β, the step is (XᵀWX)⁻¹ Xᵀs (Nelder & Wedderburn 1972), one pass over the rows for all of it. The iteration
//! ends when the deviance settles; a step that leaves the family's range or overflows is halved towards where it came
//! from. R stops there, with an error in β that the change of the deviance only bounds by its root. Here the same
//! steps go on, accelerated where they converge linearly ([`polish`](super::polish)), until what is left is rounding.

use std::sync::{Arc, OnceLock};

use nelder_device::Dd;

use super::GlmSpec;
use super::iteration::Iteration;
use super::step_equations::{Equations, column_scales};
use crate::design::{ColumnEncoding, Columns};
use crate::family::Family;
use crate::model::equations::solution::counted;
use crate::model::warning::Warning;
use crate::model::{ModelError, ModelFrame};
use crate::pass::{Gram, Loaded, Monitor, PassRecord, ResponseMoments, Scoring};

/// Rows whose deviance residuals are kept for their quantiles.
const KEEP_ROWS: u64 = 4_000_000;

/// What a model of some of the columns is fitted with.
pub(super) struct FisherScoring<'a, 's> {
    /// The rows on a device, once they are there.
    pub loaded: Arc<OnceLock<Arc<Loaded>>>,
    /// The rows.
    pub bound: &'a ModelFrame<'s>,
    /// The family.
    pub family: Family,
    /// Which terms are in, by `assign`; `None` for all.
    pub terms: Option<Vec<bool>>,
    /// A column whose coefficient is held, and all coefficients to start from, in the units of the rows.
    pub held: Option<(usize, Vec<Dd>)>,
    /// How the iteration is steered.
    pub spec: &'a GlmSpec,
    /// Watches the passes.
    pub monitor: &'a dyn Monitor,
}

/// Where the iteration stands: coefficients and what a pass found there.
pub(super) struct Scored {
    /// By column, in the units of the rows.
    pub beta: Vec<Dd>,
    /// The sums.
    pub sums: Scoring,
}

/// The end of an iteration.
pub(super) struct FisherResult {
    /// The columns of the model matrix.
    pub columns: Columns,
    /// What was solved last.
    pub equations: Equations,
    /// The last pass, with the gram.
    pub at: Scored,
    /// What was added to its coefficients.
    pub step: Vec<Dd>,
    /// √(sᵀ(XᵀWX)⁻¹s) of the last step.
    pub size: f64,
    /// The family, with θ as estimated.
    pub family: Family,
    /// Codes and multipliers of each group.
    pub tables: Vec<(usize, usize)>,
    /// Steps as R counts them.
    pub iterations: u32,
    pub converged: bool,
    pub boundary: bool,
    pub warnings: Vec<Warning>,
    /// Deviance of the model without columns.
    pub null_deviance: f64,
    pub passes: Vec<PassRecord>,
    /// Rows left out as incomplete, and rows of weight zero.
    pub dropped: (u64, u64),
    pub polished: u32,
}

impl FisherScoring<'_, '_> {
    pub(in crate::model) fn resolve(
        &self,
        gram: &Gram,
    ) -> Result<(Columns, Vec<(usize, usize)>), ModelError> {
        let rows = &self.bound.rows;
        let layout = rows.layout();
        let tuples: Vec<Vec<Vec<u32>>> = (0..layout.groups.len()).map(|g| rows.tuples(g)).collect();
        let counted = counted(gram, &tuples.iter().map(Vec::len).collect::<Vec<_>>());
        let columns = Columns::new(layout, &self.bound.variables(), &tuples, &counted, true)?;
        let tables = tuples
            .iter()
            .zip(&layout.atoms.groups)
            .map(|(t, g)| (t.len(), g.multipliers.len()))
            .collect();
        Ok((columns, tables))
    }

    /// The columns that are in: all, or those of some terms.
    pub(in crate::model) fn map(&self, columns: &Columns) -> ColumnEncoding {
        let Some(terms) = &self.terms else {
            return columns.map.clone();
        };
        let within = |c: usize| columns.assign[c] == 0 || terms.get(columns.assign[c] - 1) == Some(&true);
        let chosen: Vec<usize> = (0..columns.names.len()).filter(|&c| within(c)).collect();
        crate::model::inference::nested::choose(&columns.map, &chosen, None)
    }

    /// Runs the iteration.
    ///
    /// # Errors
    /// Those of a pass; no rows; no valid set of coefficients to start from; too many columns.
    pub fn run(&self) -> Result<FisherResult, ModelError> {
        if !self.family.estimated {
            return self.run_from(None);
        }
        // as MASS's glm.nb: Poisson first, then θ and β together
        let first = FisherScoring {
            loaded: self.loaded.clone(),
            family: Family {
                link: self.family.link,
                ..Family::poisson()
            },
            bound: self.bound,
            terms: self.terms.clone(),
            held: None,
            spec: self.spec,
            monitor: self.monitor,
        }
        .run_from(None)?;
        self.run_from(Some(first))
    }

    fn run_from(&self, before: Option<FisherResult>) -> Result<FisherResult, ModelError> {
        let (mut iteration, here) = Iteration::begin(self, before)?;
        let first = here.beta.clone().map(|beta| (beta, iteration.passes.family));
        // 1. steps until the deviance settles
        let mut converged = iteration.converge(here)?;
        // 2. where there may be no maximum it is looked for: in which directions the likelihood has none, and else where
        //    it is
        let mut separated = Vec::new();
        let above = iteration.above_one_mean(&converged);
        let doubtful = above || !converged.converged || iteration.runs_away(&converged);
        if doubtful {
            separated = iteration.recession()?.unwrap_or_default();
        }
        // where the likelihood has no maximum, an iteration that never left its start is no better than one that ran away
        let stuck = !converged.converged && converged.iterations <= 1;
        let goes_on = (separated.is_empty() || stuck) && iteration.goes_on();
        if goes_on && (doubtful || converged.boundary) && !self.family.estimated {
            converged = iteration.climb(converged)?;
        }
        if let Some((beta, family)) =
            first.filter(|_| self.family.estimated && goes_on && (!converged.converged || converged.boundary))
        {
            let now = iteration.passes.family;
            match iteration.alternate(beta, family)? {
                Some(found) => converged = iteration.after_all(found, converged.iterations),
                None => iteration.passes.family = now,
            }
        }
        // 3. steps until the coefficients settle
        let free = converged.converged && !converged.boundary && separated.is_empty();
        let (iterations, settled_deviance, boundary) =
            (converged.iterations, converged.converged, converged.boundary);
        let settled = iteration.settle(converged, free)?;
        let settled_deviance = settled_deviance && !iteration.warnings.contains(&Warning::NoMaximum);
        // 4. the model without columns may take more; with θ estimated it has waited for it
        let null_deviance = iteration.null_deviance(&settled)?;
        let Iteration {
            passes,
            columns,
            tables,
            mut warnings,
            ..
        } = iteration;
        self.fitted_warnings(&settled.sums, &mut warnings);
        if !separated.is_empty() {
            let names = self.names(&columns);
            warnings.push(Warning::Separation {
                terms: separated.iter().map(|&c| names[c].clone()).collect(),
            });
        }
        Ok(FisherResult {
            columns,
            equations: settled.equations,
            step: settled.step,
            size: settled.size,
            at: Scored {
                beta: settled.beta,
                sums: settled.sums,
            },
            family: Family {
                estimated: self.family.estimated,
                ..passes.family
            },
            tables,
            iterations,
            converged: settled_deviance,
            boundary,
            warnings,
            null_deviance,
            passes: passes.records,
            dropped: passes.dropped,
            polished: settled.passes,
        })
    }

    /// Names of the columns that are in.
    pub(in crate::model) fn names(&self, columns: &Columns) -> Vec<String> {
        let within = |c: &usize| match &self.terms {
            None => true,
            Some(terms) => columns.assign[*c] == 0 || terms.get(columns.assign[*c] - 1) == Some(&true),
        };
        (0..columns.names.len())
            .filter(within)
            .map(|c| columns.names[c].clone())
            .collect()
    }

    /// √φ: what a standard error is in units of the factor's.
    pub(super) fn scale_of(&self, sums: &Scoring, equations: &Equations) -> f64 {
        if self.family.known_dispersion() {
            return 1.0;
        }
        let rank = equations.accepted().iter().filter(|a| **a).count() as f64;
        let df = sums.moments.rows as f64 - sums.moments.empty as f64 - rank;
        if df > 0.0 {
            (sums.pearson.hi.max(0.0) / df).sqrt()
        } else {
            1.0
        }
    }

    /// The deviance of the model without columns where each y is 0 or 1 and it has one mean.
    pub(super) fn null_of_binary(&self, moments: &ResponseMoments) -> Option<f64> {
        let one_mean = self.bound.terms.intercept && self.bound.rows.roles().offsets.is_empty();
        if !(moments.binary && one_mean) || self.family.estimated {
            return None;
        }
        let mean = (moments.response / moments.weight).hi;
        let zeros = (moments.weight - moments.response).hi;
        let of = |y: f64, weight: f64| {
            if weight == 0.0 {
                0.0
            } else {
                weight * self.family.deviance(y, mean)
            }
        };
        Some(of(1.0, moments.response.hi) + of(0.0, zeros))
    }

    /// The constant of the model without columns: the mean's predictor, or where the iteration for it starts.
    pub(super) fn null_start(&self, moments: &ResponseMoments, sums: &Scoring) -> f64 {
        if !self.bound.terms.intercept {
            return 0.0;
        }
        if !self.bound.rows.roles().offsets.is_empty() && self.family.estimated {
            return self.family.link((moments.response / moments.weight).hi);
        }
        if !self.bound.rows.roles().offsets.is_empty() {
            let weight = sums.gram.as_ref().map_or(f64::NAN, |g| g.weight.hi);
            return sums.score.ones.hi / weight;
        }
        self.family.link((moments.response / moments.weight).hi)
    }

    pub(super) fn scaled_start(
        &self,
        start: &[f64],
        columns: &Columns,
        map: &ColumnEncoding,
    ) -> Result<Vec<Dd>, ModelError> {
        if start.len() != map.columns() {
            return Err(ModelError::Argument {
                argument: "start".into(),
                why: format!(
                    "has {} values and the model {} columns ({})",
                    start.len(),
                    map.columns(),
                    columns
                        .names
                        .iter()
                        .take(8)
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            });
        }
        let scales = column_scales(map, &self.bound.rows.layout().atoms, self.bound.rows.scales());
        Ok(start
            .iter()
            .zip(scales)
            .map(|(b, s)| Dd::new(*b).scale(1.0 / s))
            .collect())
    }

    pub(super) fn residual_width(&self, moments: &ResponseMoments, deviance: f64) -> Option<f64> {
        let n = moments.rows as f64;
        (moments.rows > KEEP_ROWS).then(|| ((deviance / n).sqrt() * 3e-5).max(f64::MIN_POSITIVE))
    }

    fn fitted_warnings(&self, sums: &Scoring, warnings: &mut Vec<Warning>) {
        use crate::family::FamilyName::{Binomial, Poisson};
        let limit = 10.0 * f64::EPSILON;
        match self.family.name {
            Binomial if sums.edge < limit => warnings.push(Warning::FittedProbabilities),
            Poisson if sums.edge < limit => warnings.push(Warning::FittedRates),
            _ => {}
        }
    }
}
