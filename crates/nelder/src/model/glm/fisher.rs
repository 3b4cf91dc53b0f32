//! The model that Fisher scoring is run for, and what it ends with.

use std::sync::{Arc, OnceLock};

use nelder_device::Dd;

use super::GlmSpec;
use super::step_equations::Equations;
use crate::design::{ColumnEncoding, Columns, Elimination, RowCounts};
use crate::family::Family;
use crate::model::equations::solution::counted;
use crate::model::warning::Warning;
use crate::model::{ModelError, ModelFrame};
use crate::pass::{Gram, Monitor, PassRecord, ResponseMoments, Scoring, Session};

/// Rows whose deviance residuals are kept for their quantiles.
const KEEP_ROWS: u64 = 4_000_000;

/// Inputs of Fisher scoring for a model of some of the columns: rows, family, terms, specification.
pub(in crate::model) struct FisherScoring<'a, 's> {
    /// The session on the rows, once it is open.
    pub session: Arc<OnceLock<Arc<dyn Session>>>,
    /// The rows.
    pub bound: &'a ModelFrame<'s>,
    /// The family.
    pub family: Family,
    /// Which terms are in, by `assign`; `None` for all.
    pub terms: Option<Vec<bool>>,
    /// A column whose coefficient is held, and all coefficients to start from, in the units of the rows.
    pub held: Option<(usize, Vec<Dd>)>,
    /// Specification: starting values, tolerances, limit of steps.
    pub spec: &'a GlmSpec,
    /// Watches the passes.
    pub monitor: &'a dyn Monitor,
}

/// Where the iteration stands: coefficients and what a pass found there.
pub(in crate::model) struct Scored {
    /// By column, in the units of the rows.
    pub beta: Vec<Dd>,
    /// The sums.
    pub sums: Scoring,
}

/// The end of an iteration.
pub(in crate::model) struct FisherResult {
    /// The columns of the model matrix.
    pub columns: Columns,
    /// Equations of the last step.
    pub equations: Equations,
    /// The last pass, with the gram.
    pub at: Scored,
    /// Last step Δβ, to be added to the coefficients β of that pass.
    pub step: Vec<Dd>,
    /// √(sᵀ(XᵀWX)⁻¹s) of the last step.
    pub size: f64,
    /// The share of its size that a step of Fisher scoring kept from the one before, at the end of the iteration; below 1.
    pub shrinking: f64,
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
    /// The rows.
    pub counts: RowCounts,
    pub polished: u32,
}

impl FisherResult {
    /// Coefficients β + Δβ after the last step, in the units of the rows.
    pub fn coefficients(&self) -> Vec<Dd> {
        self.at
            .beta
            .iter()
            .zip(&self.step)
            .map(|(b, s)| *b + *s)
            .collect()
    }
}

impl FisherScoring<'_, '_> {
    pub(in crate::model) fn resolve(
        &self,
        gram: &Gram,
        counts: &RowCounts,
    ) -> Result<(Columns, Vec<(usize, usize)>), ModelError> {
        let rows = &self.bound.rows;
        let layout = rows.layout();
        let tuples: Vec<Vec<Vec<u32>>> = (0..layout.groups.len()).map(|g| rows.tuples(g)).collect();
        let counted = counted(gram, &tuples.iter().map(Vec::len).collect::<Vec<_>>());
        let columns = Columns::new(
            layout,
            &self.bound.variables(counts),
            &tuples,
            &counted,
            Elimination::Largest,
        )?;
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
        let scales = map.column_scales(&self.bound.rows.layout().atoms, self.bound.rows.scales());
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
}
