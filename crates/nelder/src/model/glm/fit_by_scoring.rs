//! Fisher scoring, as R's `glm.fit` does it.
//!
//! From β, the step is (XᵀWX)⁻¹ Xᵀs (Nelder & Wedderburn 1972), one pass over the rows for all of it. The iteration
//! ends when the deviance settles; a step that leaves the family's range or overflows is halved towards where it came
//! from. R stops there, with an error in β that the change of the deviance only bounds by its root. Here the same
//! steps go on, accelerated where they converge linearly ([`polish`](super::polish)), until what is left is rounding.

use super::fisher::{FisherResult, FisherScoring, Scored};
use super::iteration::Iteration;
use crate::family::Family;
use crate::model::ModelError;
use crate::model::warning::Warning;
use crate::pass::Scoring;

impl FisherScoring<'_, '_> {
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
            session: self.session.clone(),
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
        let shrinking = iteration.shrinking();
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
            // more steps are no help where some only lead further
            let early = |w: &Warning| matches!(w, Warning::NotConverged { iterations } if *iterations < self.spec.max_iterations);
            warnings.retain(|w| !early(w));
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
            shrinking,
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
            counts: passes.rows,
            polished: settled.passes,
        })
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
