//! Rows of a generalized model: the sums that paths need of them, and passes at the coefficients that paths ask for.

use std::sync::Arc;

use nelder_device::Dd;
use rayon::prelude::*;

use super::ElasticNetSpec;
use super::folds::Folds;
use super::held_out::{HeldOutRows, HeldOutSums};
use super::measure::Measure;
use super::membership::Membership;
use super::moments::ColumnMoments;
use super::newton_path::NewtonPath;
use super::newton_rows::{NewtonRows, Request};
use super::path::Path;
use super::problem::Problem;
use super::scored_rows::ScoredFolds;
use crate::design::RowCounts;
use crate::family::{Family, Programs, Start, Trials};
use crate::frame::Kind;
use crate::model::equations::ladder::{check_finite, rows_left};
use crate::model::glm::{FisherScoring, Passes, counts_successes, first_products};
use crate::model::{GlmSpec, ModelError, ModelFrame};
use crate::pass::{
    At, Coefficients, Gram, Monitor, Pass, PassError, PassOutputs, PassRecord, Products, ResponseMoments,
    Scoring, ScoringPlan, Session,
};

/// The rows of a generalized model, at a session.
pub(super) struct GeneralizedRows<'a, 's> {
    bound: &'a ModelFrame<'s>,
    monitor: &'a dyn Monitor,
    pub session: Arc<dyn Session>,
    pub programs: Arc<Programs>,
    /// The same for rows with weights, which are zero in rows that are left out.
    pub weighted: Arc<Programs>,
    family: Family,
    pub counts_successes: bool,
    products: Products,
    /// The passes so far.
    pub passes: Vec<PassRecord>,
    /// Rows that were read, used and left out.
    pub counts: RowCounts,
    /// The constant of the first gram, and its working weight for a prior weight of one.
    pub constant: (f64, f64),
    /// Means μ and dμ/dη at the constant.
    mean: (f64, f64),
    /// The gram and the score at the constant, without offset.
    first: Scoring,
}

/// A response of levels that is beyond the family's range has more than two.
fn of_two_classes(error: ModelError, bound: &ModelFrame<'_>) -> ModelError {
    let fields = &bound.rows.source().schema().fields;
    let label = bound.terms.response.map(|r| bound.terms.variables[r].to_string());
    let own = label.and_then(|label| fields.iter().find(|f| f.name == label));
    match (error, own) {
        (ModelError::Pass(PassError::Row(_)), Some(own))
            if !matches!(own.kind, Kind::Real | Kind::Integer | Kind::Logical) =>
        {
            ModelError::MoreClasses(own.name.clone())
        }
        (other, _) => other,
    }
}

/// Refuses responses of which one class has one row or none.
fn both_classes(spec: &ElasticNetSpec, moments: &ResponseMoments, counts: bool) -> Result<(), ModelError> {
    if !spec.family.is_binomial() || counts || !moments.binary || spec.design.weights.is_some() {
        return Ok(());
    }
    let ones = moments.response.hi;
    let fewest = ones.min(moments.rows as f64 - ones);
    match fewest > 1.0 {
        true => Ok(()),
        false => Err(ModelError::argument(
            "y",
            format!(
                "one class has {fewest} of {} rows; each needs two at least",
                moments.rows
            ),
        )),
    }
}

/// Products of the columns' own moments: in double precision at least, whatever those of a step are.
fn doubles(products: Products) -> Products {
    match products {
        Products::Exact => Products::Exact,
        _ => Products::Stepping,
    }
}

/// Coefficients by atom that are a constant alone.
fn constant(atoms: &crate::design::BlockSchema, value: f64) -> Coefficients {
    Coefficients {
        intercept: Dd::new(value),
        dense: vec![Dd::ZERO; atoms.dense],
        groups: Vec::new(),
    }
}

impl<'a, 's> GeneralizedRows<'a, 's> {
    /// Opens a session, checks the responses, and forms the gram of the columns under the prior weights.
    ///
    /// # Errors
    /// A response out of the family's range, with its row; those of a pass.
    pub fn new(
        spec: &ElasticNetSpec,
        bound: &'a ModelFrame<'s>,
        monitor: &'a dyn Monitor,
    ) -> Result<Self, ModelError> {
        let glm = GlmSpec {
            design: spec.design.clone(),
            ..GlmSpec::new(&spec.design.formula, spec.family)
        };
        let scorer = FisherScoring {
            session: Arc::default(),
            bound,
            family: spec.family,
            terms: None,
            held: None,
            spec: &glm,
            monitor,
        };
        let counts = counts_successes(&scorer)?;
        let mut passes = Passes::new(&scorer, counts)?;
        passes
            .at("start", None, PassOutputs::default())
            .map_err(|e| of_two_classes(e, bound))?;
        rows_left(&passes.rows, bound)?;
        both_classes(spec, &passes.moments, counts)?;
        let session = passes.session();
        let exact = first_products(&scorer, session.is_device());
        // twice the precision in every step is for the exact minimum
        let wanted = match spec.is_exact() || session.is_device() || exact != Products::Exact {
            true => exact,
            false => Products::Stepping,
        };
        let moments = passes.moments;
        let mean = (moments.response / moments.weight).hi;
        let eta = spec.family.link(mean);
        if !eta.is_finite() {
            return Err(ModelError::argument(
                "y",
                format!(
                    "the mean of the response is {mean}, where the {} family has no finite predictor",
                    spec.family.label()
                ),
            ));
        }
        let mut rows = GeneralizedRows {
            bound,
            monitor,
            programs: passes.programs(),
            weighted: Arc::new(Programs::new(
                &spec.family,
                true,
                Trials::of(counts, true, moments.binary),
                Start::Family,
            )),
            family: spec.family,
            counts_successes: counts,
            products: wanted,
            counts: passes.rows.clone(),
            passes: bound
                .passes
                .iter()
                .cloned()
                .chain(passes.records.drain(..))
                .collect(),
            constant: (eta, 1.0),
            mean: spec.family.inverse_link(eta),
            session,
            first: Scoring::new(&ScoringPlan {
                atoms: bound.rows.layout().atoms.clone(),
                programs: passes.programs(),
                offset: false,
                counts,
                rough: true,
                at: At::Start,
                wanted: PassOutputs::default(),
            }),
        };
        let plan = rows.plan(&constant(&rows.atoms(), eta), Some(doubles(exact)), false);
        rows.first = rows.whole("columns", plan)?;
        let gram = rows
            .first
            .gram
            .as_ref()
            .ok_or_else(|| ModelError::Overflow("the response".into()))?;
        check_finite(gram, bound)?;
        rows.constant.1 = (gram.weight / moments.weight).hi;
        Ok(rows)
    }

    fn atoms(&self) -> crate::design::BlockSchema {
        let mut atoms = self.bound.rows.layout().atoms.clone();
        atoms.responses = 0;
        atoms
    }

    fn plan(&self, at: &Coefficients, gram: Option<Products>, offset: bool) -> Arc<ScoringPlan> {
        self.plan_of(&self.programs, at, gram, offset)
    }

    fn plan_of(
        &self,
        programs: &Arc<Programs>,
        at: &Coefficients,
        gram: Option<Products>,
        offset: bool,
    ) -> Arc<ScoringPlan> {
        Arc::new(ScoringPlan {
            atoms: self.atoms(),
            programs: programs.clone(),
            offset,
            counts: self.counts_successes,
            rough: self.products != Products::Exact,
            at: At::Coefficients(Arc::new(at.clone())),
            wanted: PassOutputs {
                gram,
                ..PassOutputs::default()
            },
        })
    }

    /// A pass over all rows for one path.
    fn whole(&mut self, name: &str, plan: Arc<ScoringPlan>) -> Result<Scoring, ModelError> {
        let precision = match plan.wanted.gram {
            Some(Products::Exact) => "f64x2",
            Some(Products::Single) => "f32",
            _ => "f64",
        };
        let pass = Pass::new(name, precision, &plan, self.monitor);
        let found = self.session.reduce(&self.bound.rows, pass)?;
        self.passes.extend(found.records);
        Ok(found.value)
    }

    /// A pass for several paths, each of some of the rows.
    fn several(&mut self, name: &str, of: &ScoredFolds<'_>) -> Result<Vec<Scoring>, ModelError> {
        let pass = Pass::new(name, "f64", of, self.monitor);
        let found = self.session.reduce(&self.bound.rows, pass)?;
        self.passes.extend(found.records);
        Ok(found.value)
    }

    /// The gram of the columns under the prior weights, up to a factor.
    pub fn gram(&self) -> Option<&Gram> {
        self.first.gram.as_ref()
    }

    /// Sums of all rows that do not change along a path.
    pub fn sums(&self, problem: &Problem) -> Option<NewtonRows> {
        let gram = self.first.gram.as_ref()?;
        Some(self.sums_of(problem, gram, self.first.score.ones.hi))
    }

    /// The same of all rows but those of each fold.
    ///
    /// # Errors
    /// Those of the pass; a fold without a row.
    pub fn sums_without(&mut self, problem: &Problem, folds: &Folds) -> Result<Vec<NewtonRows>, ModelError> {
        let products = Some(doubles(self.products));
        let plan = self.plan(&constant(&self.atoms(), self.constant.0), products, false);
        let count = folds.count() as u32;
        let parts = self.several(
            "columns of folds",
            &ScoredFolds {
                folds,
                plans: (0..count).map(|k| (Membership::Only(k), plan.clone())).collect(),
            },
        )?;
        let mut out = Vec::new();
        for (k, part) in parts.iter().enumerate() {
            let (Some(all), Some(own)) = (&self.first.gram, &part.gram) else {
                continue;
            };
            if own.rows == 0 {
                return Err(Folds::empty(k, parts.len(), self.counts.used));
            }
            let ones = self.first.score.ones.hi - part.score.ones.hi;
            out.push(self.sums_of(problem, &all.without(own), ones));
        }
        Ok(out)
    }

    fn sums_of(&self, problem: &Problem, gram: &Gram, ones: f64) -> NewtonRows {
        let columns = ColumnMoments::new(gram, &problem.columns.map);
        // Σ s / ΣW = Σ w (y − μ) / (Σw dμ/dη) at a constant
        let mean = self.mean.0 + ones / gram.weight.hi * self.mean.1;
        let start = self.family.link(mean);
        NewtonRows {
            share: self.constant.1,
            weight: columns.weight / self.constant.1,
            columns,
            start: if start.is_finite() { start } else { self.constant.0 },
        }
    }

    /// Runs paths until none wants another pass; each is of all rows, or of all but a fold's.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn run(
        &mut self,
        problem: &Problem,
        folds: &Folds,
        paths: &mut [(Membership, NewtonPath<'_>)],
    ) -> Result<(), ModelError> {
        loop {
            let wanted: Vec<(usize, Request)> = (paths.iter().enumerate())
                .filter_map(|(i, (_, path))| Some((i, path.request()?)))
                .collect();
            // columns of rows in memory are read once for all; devices have sums of their own for one path
            let shared = wanted.len() > 1 || !self.session.is_device();
            let plans: Vec<(Membership, Arc<ScoringPlan>)> = wanted
                .iter()
                .map(|(i, request)| {
                    let at = problem.coefficients(self.bound, &request.beta);
                    let gram = request.gram.then_some(self.products);
                    let scores = shared && gram.is_none() && self.products != Products::Exact;
                    let programs = if scores { &self.weighted } else { &self.programs };
                    (paths[*i].0, self.plan_of(programs, &at, gram, true))
                })
                .collect();
            let found = match plans.as_slice() {
                [] => return Ok(()),
                [(Membership::All, plan)] if plan.wanted.gram.is_some() || !shared || !plan.rough => {
                    vec![self.whole("step", plan.clone())?]
                }
                [_] => self.several("step", &ScoredFolds { folds, plans })?,
                _ => self.several("steps of folds", &ScoredFolds { folds, plans })?,
            };
            // folds take over the Hessian of all rows, which is theirs but for a fold's share
            for ((i, _), sums) in wanted.iter().zip(&found) {
                if let (Membership::All, Some(gram)) = (paths[*i].0, &sums.gram) {
                    let moments = ColumnMoments::new(gram, &problem.columns.map);
                    let share = moments.weight / paths[*i].1.weight();
                    let folds = paths.iter_mut().filter(|(of, _)| *of != Membership::All);
                    folds.for_each(|(_, path)| path.renew(&moments, share));
                }
            }
            let mut sums: Vec<Option<&Scoring>> = vec![None; paths.len()];
            (wanted.iter().zip(&found)).for_each(|((i, _), own)| sums[*i] = Some(own));
            paths.par_iter_mut().zip(sums).for_each(|((_, path), sums)| {
                if let Some(sums) = sums {
                    path.take(sums);
                }
            });
        }
    }

    /// Losses of held-out rows, by fold and λ of `lambdas`, in the units of the rows.
    ///
    /// # Errors
    /// Those of the pass.
    pub fn held_out(
        &mut self,
        problem: &Problem,
        folds: &Folds,
        (measure, keep): (Measure, bool),
        models: &[Vec<(f64, super::SparseVector)>],
    ) -> Result<HeldOutSums, ModelError> {
        let rows = HeldOutRows {
            bound: self.bound,
            session: &*self.session,
            monitor: self.monitor,
            programs: &self.programs,
            counts: self.counts_successes,
            offset: true,
            keep,
        };
        let (sums, records) = rows.losses(problem, folds, measure, models)?;
        self.passes.extend(records);
        Ok(sums)
    }
}

/// The problem of a generalized model's path.
///
/// # Errors
/// As [`Problem::new`]; columns that are all constant.
pub(super) fn problem(
    spec: &ElasticNetSpec,
    rows: &GeneralizedRows<'_, '_>,
    bound: &ModelFrame<'_>,
) -> Result<Problem, ModelError> {
    let Some(gram) = rows.gram() else {
        return Err(ModelError::Overflow("the response".into()));
    };
    let problem = Problem::new(spec, bound, &rows.counts, gram)?;
    let varies = ColumnMoments::new(gram, &problem.columns.map).varies;
    match varies.iter().any(|v| *v) {
        true => Ok(problem),
        false => Err(ModelError::argument("x", "all columns are constant")),
    }
}

/// The path of all rows.
///
/// # Errors
/// Those of a pass.
pub(super) fn path(rows: &mut GeneralizedRows<'_, '_>, problem: &Problem) -> Result<Path, ModelError> {
    let Some(sums) = rows.sums(problem) else {
        return Err(ModelError::Overflow("the response".into()));
    };
    let mut paths = [(Membership::All, problem.newton_path(sums))];
    rows.run(problem, &Folds::default(), &mut paths)?;
    let [(_, path)] = paths;
    rows.relaxed(problem, path.path)
}
