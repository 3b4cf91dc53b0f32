//! Rows of a multinomial model: the sums that paths need of them, and passes at the coefficients that paths ask for.

use std::sync::Arc;

use super::class_curvature::PairMoments;
use super::class_scores::{ClassPlan, ClassScores};
use super::class_totals::{ClassSums, ClassTotals};
use super::multi_path::MultiPath;
use super::multinomial_path::{ClassRequest, ClassRows, MultinomialPath};
use super::responses::Responses;
use super::spec::{MultiFamily, MultiNetSpec};
use crate::design::{BlockSchema, DesignError, Room, RowCounts};
use crate::model::elastic_net::folds::Folds;
use crate::model::elastic_net::lambda::Gain;
use crate::model::elastic_net::membership::Membership;
use crate::model::elastic_net::moments::ColumnMoments;
use crate::model::elastic_net::problem::Problem;
use crate::model::equations::ladder::{check_finite, first_products, rows_left};
use crate::model::{ModelError, ModelFrame};
use crate::pass::{Course, Monitor, Opening, Pass, PassRecord, Products, Session, Sum};

/// Share of the weight of a class that is too little, or too much: glmnet's `pmin`.
const LEAST_SHARE: f64 = 1e-9;
/// Rows of a class that are dangerously few.
const FEW: u64 = 8;

/// The rows of a multinomial model, at a session.
pub(super) struct MultinomialRows<'a, 's> {
    bound: &'a ModelFrame<'s>,
    responses: &'a Responses,
    monitor: &'a dyn Monitor,
    pub session: Arc<dyn Session>,
    /// Of rows without responses.
    atoms: BlockSchema,
    rough: bool,
    grouped: bool,
    /// The passes so far.
    pub passes: Vec<PassRecord>,
    /// Rows that were read, used and left out.
    pub counts: RowCounts,
    /// By draw and fold; one of all rows where there are no folds.
    parts: Vec<Vec<ClassSums>>,
    all: ClassSums,
}

impl<'a, 's> MultinomialRows<'a, 's> {
    /// Opens a session, and forms the gram of the columns and the classes' totals: for each of the folds of each draw, or of all rows.
    ///
    /// # Errors
    /// A row that is in no class; a class of one row or none; a fold without a row; those of a pass.
    pub fn new(
        spec: &MultiNetSpec,
        (bound, responses): (&'a ModelFrame<'s>, &'a Responses),
        draws: &[Folds],
        monitor: &'a dyn Monitor,
    ) -> Result<Self, ModelError> {
        let mut atoms = bound.rows.layout().atoms.clone();
        atoms.responses = 0;
        let mut passes = bound.passes.clone();
        let (session, records) = bound
            .executor
            .open(&bound.rows, &Opening::new(Course::Scoring, monitor))?;
        passes.extend(records);
        let products = match first_products(bound, spec.net.design.accuracy) {
            Products::Exact => Products::Exact,
            _ => Products::Stepping,
        };
        let precision = if products == Products::Exact {
            "f64x2"
        } else {
            "f64"
        };
        let (mut parts, mut counts) = (Vec::new(), RowCounts::default());
        let of_all = [None];
        let of_draws: Vec<Option<&Folds>> = draws.iter().map(Some).collect();
        for folds in if draws.is_empty() { &of_all[..] } else { &of_draws } {
            let statistic = ClassTotals {
                folds: *folds,
                responses,
                atoms: &atoms,
                products,
            };
            let name = if folds.is_some() {
                "columns of folds"
            } else {
                "columns"
            };
            let found = session.reduce(&bound.rows, Pass::new(name, precision, &statistic, monitor))?;
            rows_left(&found.counts, bound)?;
            passes.extend(found.records);
            counts = found.counts;
            parts.push(found.value);
        }
        let mut all = parts[0][0].clone();
        parts[0][1..].iter().for_each(|part| all.merge(part.clone()));
        check_finite(&all.gram, bound)?;
        let rows = MultinomialRows {
            bound,
            responses,
            monitor,
            session,
            atoms,
            rough: !spec.net.is_exact() && products != Products::Exact,
            grouped: spec.family == MultiFamily::Multinomial { grouped: true },
            passes,
            counts,
            parts,
            all,
        };
        rows.check_classes(&rows.all, "")?;
        Ok(rows)
    }

    /// Refuses rows of which a class has one or none, or no weight.
    fn check_classes(&self, sums: &ClassSums, rest: &str) -> Result<(), ModelError> {
        let total: f64 = sums.weights.iter().sum();
        for ((name, rows), weight) in self.responses.names.iter().zip(&sums.rows).zip(&sums.weights) {
            let share = weight / total;
            let why = match self.responses.coded {
                true if *rows <= 1 => format!(
                    "class `{name}` has {rows} of {} rows; each needs two at least",
                    sums.gram.rows
                ),
                _ if !(share > LEAST_SHARE) => {
                    format!("class `{name}` has the share {share:e} of the weight")
                }
                _ if share >= 1.0 - LEAST_SHARE => format!("class `{name}` has all of the weight"),
                _ => continue,
            };
            return Err(ModelError::argument("y", format!("{why}{rest}")));
        }
        Ok(())
    }

    /// Number of classes.
    pub(super) fn classes(&self) -> usize {
        self.responses.names.len()
    }

    /// Sums of all rows but those of each fold of a draw.
    pub(super) fn sums_without(&self, draw: usize) -> Vec<ClassSums> {
        self.parts[draw]
            .iter()
            .map(|part| self.all.without(part))
            .collect()
    }

    /// A sentence where a class has dangerously few rows.
    pub fn few(&self) -> Option<String> {
        let pairs = self.responses.names.iter().zip(&self.all.rows);
        let (name, rows) = pairs.min_by_key(|(_, rows)| **rows)?;
        (self.responses.coded && *rows < FEW)
            .then(|| format!("class `{name}` has {rows} rows, fewer than {FEW}: dangerous ground"))
    }

    /// The problem of a path; there is room for `paths` of them side by side.
    ///
    /// # Errors
    /// As [`Problem::new`]; columns that are all constant; coefficients that are too many.
    pub fn problem(&self, spec: &MultiNetSpec, paths: usize) -> Result<Problem, ModelError> {
        let problem = Problem::new(&spec.net, self.bound, &self.counts, &self.all.gram)?;
        Room::of_machine()
            .for_classes(problem.columns.names.len() - 1, self.responses.names.len(), paths)
            .map_err(|lack| ModelError::Design(DesignError::NoRoom(lack)))?;
        let varies = ColumnMoments::new(&self.all.gram, &problem.columns.map).varies;
        match varies.iter().any(|v| *v) {
            true => Ok(problem.of_several(Gain::Absolute, "proximal Newton steps with coordinate descent")),
            false => Err(ModelError::argument("x", "all columns are constant")),
        }
    }

    /// A path of rows of these sums.
    pub(super) fn path_of<'p>(&self, problem: &'p Problem, sums: &ClassSums) -> MultinomialPath<'p> {
        let total: f64 = sums.weights.iter().sum();
        let rows = ClassRows {
            columns: ColumnMoments::new(&sums.gram, &problem.columns.map),
            shares: sums.weights.iter().map(|w| w / total).collect(),
        };
        MultinomialPath::new(&problem.columns.map, problem.parts(), self.grouped, rows)
    }

    /// The path of all rows, which has seen none yet.
    pub fn whole<'p>(&self, problem: &'p Problem) -> MultinomialPath<'p> {
        self.path_of(problem, &self.all)
    }

    /// The same of all rows but those of each fold of a draw.
    ///
    /// # Errors
    /// A fold without a row, or with all rows of a class.
    pub fn without<'p>(
        &self,
        problem: &'p Problem,
        draw: usize,
    ) -> Result<Vec<MultinomialPath<'p>>, ModelError> {
        let parts = &self.parts[draw];
        let of = |(k, part): (usize, &ClassSums)| {
            if part.gram.rows == 0 {
                return Err(Folds::empty(k, parts.len(), self.counts.used));
            }
            let rest = self.all.without(part);
            self.check_classes(
                &rest,
                &format!(", in the rows without fold {} of {}", k + 1, parts.len()),
            )?;
            Ok(self.path_of(problem, &rest).beside_another())
        };
        parts.iter().enumerate().map(of).collect()
    }

    /// Runs paths until none wants another pass; each is of all rows, or of all but a fold's.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn run(
        &mut self,
        problem: &Problem,
        folds: &Folds,
        paths: &mut [(Membership, MultinomialPath<'_>)],
    ) -> Result<(), ModelError> {
        loop {
            let wanted: Vec<(usize, ClassRequest)> = (paths.iter().enumerate())
                .filter_map(|(i, (_, path))| Some((i, path.request()?)))
                .collect();
            if wanted.is_empty() {
                return Ok(());
            }
            let plan = |(i, request): &(usize, ClassRequest)| {
                let at = request
                    .beta
                    .iter()
                    .map(|beta| problem.coefficients(self.bound, beta));
                ClassPlan {
                    of: paths[*i].0,
                    at: Arc::new(at.collect()),
                    curvature: request.curvature,
                }
            };
            let statistic = ClassScores {
                folds,
                responses: self.responses,
                atoms: &self.atoms,
                plans: wanted.iter().map(plan).collect(),
                rough: self.rough,
            };
            let name = if paths.len() > 1 { "steps of folds" } else { "step" };
            let pass = Pass::new(name, "f64", &statistic, self.monitor);
            let found = self.session.reduce(&self.bound.rows, pass)?;
            self.passes.extend(found.records);
            let pairs: Vec<Option<Vec<PairMoments>>> = (wanted.iter().zip(&found.value))
                .map(|((i, _), sums)| paths[*i].1.pairs(sums))
                .collect();
            // folds take over the second derivatives of all rows, which are theirs but for a fold's share
            for ((i, _), own) in wanted.iter().zip(&pairs) {
                if let (Membership::All, Some(own)) = (paths[*i].0, own) {
                    let folds = paths.iter_mut().filter(|(of, _)| *of != Membership::All);
                    folds.for_each(|(_, path)| path.renew(own));
                }
            }
            for (((i, _), sums), own) in wanted.iter().zip(&found.value).zip(&pairs) {
                paths[*i].1.take(sums, own.as_deref());
            }
        }
    }
}

/// The path of all rows.
///
/// # Errors
/// Those of a pass.
pub(super) fn path(rows: &mut MultinomialRows<'_, '_>, problem: &Problem) -> Result<MultiPath, ModelError> {
    let mut paths = [(Membership::All, rows.whole(problem))];
    rows.run(problem, &Folds::default(), &mut paths)?;
    let [(_, path)] = paths;
    relaxed(rows, problem, path.path)
}

/// The path of all rows with its relaxed fits, where they are asked for.
///
/// # Errors
/// Those of a pass.
pub(super) fn relaxed(
    rows: &mut MultinomialRows<'_, '_>,
    problem: &Problem,
    path: MultiPath,
) -> Result<MultiPath, ModelError> {
    let mut parts = [(Membership::All, rows.all.clone(), path)];
    rows.relax(problem, &Folds::default(), &mut parts)?;
    let [(_, _, path)] = parts;
    Ok(path)
}
