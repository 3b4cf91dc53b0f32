//! A model whose columns are read one by one: its path, and those of its folds.

use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;

use super::column::ResidentColumn;
use super::complete_rows::{FiniteColumns, complete};
use super::design::ResidentDesign;
use super::gathered::ObservedInMemory;
use super::loss::{RowLoss, RowsInMemory};
use super::path::{PathRows, ResidentPath, Watch};
use super::reading;
use super::rounded::{ReadColumns, RoundedColumns};
use super::standardized::StandardizedColumns;
use crate::design::{Room, RowCounts};
use crate::family::{Family, Programs, Start, Trials};
use crate::formula::Terms;
use crate::frame::{Scan, Source};
use crate::model::elastic_net::generalized::GeneralizedRows;
use crate::model::elastic_net::moments::varies;
use crate::model::elastic_net::newton_relaxation::fit_of;
use crate::model::elastic_net::path::Path;
use crate::model::elastic_net::problem::{Problem, Units};
use crate::model::elastic_net::relaxation::ActiveSets;
use crate::model::elastic_net::spec::{ElasticNetSpec, Reading};
use crate::model::equations::ladder::rows_left;
use crate::model::model_frame::bind_as;
use crate::model::{LmSpec, ModelError, ModelFrame};
use crate::pass::{Course, Monitor, Opening, Pass, PassRecord, Products, Run, Session};

/// A model whose columns are read one by one, joined to its data.
pub(in crate::model::elastic_net) struct ResidentModel<'s> {
    /// The responses, weights and offsets, without columns.
    pub bound: ModelFrame<'s>,
    source: Arc<dyn Source + 's>,
    design: ResidentDesign,
    /// Columns that have numbers in the source which are not finite, in rows that are not in the model.
    finite: FiniteColumns,
    /// The columns rounded to bytes, with their moments under `weights`, of sum 1.
    rounded: RoundedColumns,
    weights: Vec<f64>,
    /// All rows of the source.
    pub(super) rows: RowsInMemory,
    /// Rows that were read, used and left out.
    pub counts: RowCounts,
    /// The passes so far.
    pub passes: Vec<PassRecord>,
    /// The programs of the family.
    pub(super) programs: Arc<Programs>,
    /// The same for rows with weights.
    weighted: Arc<Programs>,
    /// η of the mean response.
    start: f64,
    intercept: bool,
}

/// A path, and η of rows by λ where they were asked for, without the offset, in the units of the rows' responses.
pub(super) struct FoundPath {
    pub path: Path,
    pub predictors: Vec<Vec<f64>>,
    /// The same of the relaxed steps.
    pub relaxed: Vec<Vec<f64>>,
    /// Bytes of columns that were read.
    pub bytes: u64,
}

impl<'s> ResidentModel<'s> {
    /// Joins a model to its data, and reads the responses; `None` where the rows are to be read instead.
    ///
    /// # Errors
    /// Columns that are none of numbers, where they are to be read so, or have no room; those of a pass; a response out of the family's range.
    pub fn new(
        spec: &ElasticNetSpec,
        source: &Arc<dyn Source + 's>,
        run: &Run<'_>,
    ) -> Result<Option<Self>, ModelError> {
        spec.check()?;
        let rows = source.rows().unwrap_or(0) as usize;
        if spec.reading == Reading::Rows || spec.cox.is_some() || rows == 0 {
            return Ok(None);
        }
        let mut terms = spec.design.meaning_of_columns(&source.schema().names())?;
        let mut design = match (ResidentDesign::new(&terms, &**source), spec.reading) {
            (Ok(design), _) if design.is_empty() => return Ok(None),
            (Ok(design), Reading::Columns) => design,
            (Ok(design), _) if design.is_wide(rows) => design,
            (Ok(design), _) if !spec.family.is_of_residuals() && design.is_small(rows, &**source) => design,
            (Err(label), Reading::Columns) => {
                return Err(ModelError::argument(
                    "type.gaussian",
                    format!(
                        "columns are read one by one where each of them is a column of numbers of the data, and `{label}` is none"
                    ),
                ));
            }
            (Err(label), _) => {
                let room = Room::of_machine().for_terms(terms.terms.len() as u128 + 1);
                return match room {
                    Ok(()) => Ok(None),
                    Err(lack) => Err(ModelError::argument(
                        "formula",
                        format!(
                            "many columns are read one by one where each is one of numbers, and `{label}` is none: {lack}"
                        ),
                    )),
                };
            }
            _ => return Ok(None),
        };
        let Some((source, reading)) = reading::in_memory(spec, &terms, &design, source, run.monitor)? else {
            return Ok(None);
        };
        design.take_names(&mut terms);
        let intercept = terms.intercept;
        let bound = bind_as(
            &without_columns(spec, terms),
            &spec.response_wishes(),
            source.clone(),
        )?;
        let bound = bound.at(run.executor.clone());
        let (mut rows, mut counts, observing, programs, weighted, start) = observed(spec, &bound, run, rows)?;
        let columns = design.resident(&*source);
        let mut weights = shares(&rows.weight);
        let mut rounded = RoundedColumns::new(&columns, &weights);
        let bad = rounded.not_finite();
        let copies = complete(
            &design,
            (&columns, bad),
            spec.design.missing,
            &mut rows,
            &mut counts,
        )?;
        rows_left(&counts, &bound)?;
        if !copies.is_empty() {
            weights = shares(&rows.weight);
            rounded = RoundedColumns::new(&finite(columns, &copies), &weights);
        }
        let passes = reading.into_iter().chain(observing).collect();
        Ok(Some(ResidentModel {
            bound,
            source: source.clone(),
            design,
            finite: copies,
            rounded,
            weights,
            rows,
            counts,
            passes,
            programs,
            weighted,
            start,
            intercept,
        }))
    }

    /// The columns where they lie, each number finite, as they were read.
    pub(super) fn columns(&self) -> ReadColumns<'_> {
        ReadColumns {
            columns: finite(self.design.resident(&*self.source), &self.finite),
            rounded: &self.rounded,
            weights: &self.weights,
        }
    }

    /// The problem of the path.
    ///
    /// # Errors
    /// Arguments that do not fit the columns.
    pub fn problem(&self, spec: &ElasticNetSpec) -> Result<Problem, ModelError> {
        let columns = self.design.columns();
        let atoms = &self.bound.rows.layout().atoms;
        let place = atoms.dense + atoms.extra;
        let units = Units {
            columns: vec![1.0; columns.names.len() - 1],
            response: self.bound.rows.scales().get(place).copied().unwrap_or(1.0),
        };
        let labels: Vec<&str> = self.design.labels.iter().map(String::as_str).collect();
        let mut problem = Problem::of_columns(spec, columns, &labels, units, self.intercept)?;
        problem.algorithm = match spec.family.is_of_residuals() {
            true => "coordinate descent, column by column",
            false => "proximal Newton steps with coordinate descent, column by column",
        };
        problem.plan = (
            "column by column, where they lie in memory",
            "of the response alone; a column is read where a bound does not tell that it stays out",
        );
        Ok(problem)
    }

    /// The path of all rows, in the units of the data.
    ///
    /// # Errors
    /// A response that is constant, columns that all are.
    pub fn path(&mut self, problem: &Problem, monitor: &dyn Monitor) -> Result<Path, ModelError> {
        let start = Instant::now();
        let columns = self.columns();
        let watch = Watch {
            monitor,
            name: "path",
            total: problem.settings.sequence.count(),
            paths: 1,
        };
        let found = self.path_of(problem, &columns, (&self.rows.weight, None), watch)?;
        let record = self.reading(columns.bytes() + found.bytes, start);
        self.passes.push(record);
        let mut path = found.path;
        problem.rescale(&mut path);
        Ok(path)
    }

    /// The record of so many bytes of columns that were read.
    pub(super) fn reading(&self, bytes: u64, start: Instant) -> PassRecord {
        let rows = self.rows.y.len() as u64;
        let scan = Scan { rows, bytes };
        PassRecord::on_cpu("columns", "f64", scan, start)
    }

    /// The path of rows of some weights, in their units; η of the rows `kept` with it.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    pub(super) fn path_of(
        &self,
        problem: &Problem,
        columns: &ReadColumns<'_>,
        (given, kept): (&[f64], Option<&[usize]>),
        watch: Watch<'_>,
    ) -> Result<FoundPath, ModelError> {
        let total: f64 = given.iter().sum();
        let weights = shares(given);
        let mean: f64 = self.rows.y.iter().zip(&weights).map(|(y, w)| w * y).sum();
        let x = StandardizedColumns::new(columns, &weights, problem.standardizing);
        let own = if columns.is_of(&weights) {
            0
        } else {
            columns.bytes()
        };
        if !x.varies.iter().any(|v| *v) {
            return Err(ModelError::argument("x", "all columns are constant"));
        }
        let mut rows = PathRows {
            weights: &weights,
            total,
            rows: given.iter().filter(|w| **w > 0.0).count() as u64,
            scale: 1.0,
            center: 0.0,
        };
        let (loss, start) = match self.family().is_of_residuals() {
            true => {
                let (loss, center, scale) = self.squares(&weights, mean)?;
                (rows.center, rows.scale) = (center, scale);
                (loss, 0.0)
            }
            false => {
                let start = self.family().link(mean);
                let step = self.weighted.step.runner();
                let loss = RowLoss::Family {
                    step: step.map_err(|e| ModelError::argument("family", e.to_string()))?,
                    rows: &self.rows,
                };
                (loss, if start.is_finite() { start } else { self.start })
            }
        };
        let mut path = ResidentPath::new(
            &x,
            rows,
            loss.clone(),
            &problem.settings,
            &problem.penalty,
            (self.intercept, start),
            watch,
        );
        path.keep(kept.unwrap_or(&[]).to_vec());
        // in the pool of threads, so that each loop of it starts at once
        let mut found = rayon::scope(|_| path.run())?;
        let mut relaxed = Vec::new();
        let mut bytes = path.bytes();
        if let Some(relaxing) = problem.settings.relax {
            let sets = ActiveSets::of(std::iter::once(&found), relaxing, rows.rows);
            let fit = |set: &Vec<usize>| {
                let own = problem.of_set(set);
                let penalty = &own.penalty;
                let start = (self.intercept, start);
                let mut path =
                    ResidentPath::new(&x, rows, loss.clone(), &own.settings, penalty, start, watch);
                path.keep(kept.unwrap_or(&[]).to_vec());
                let step = fit_of(path.run()?);
                Ok((step, path.predictors.pop(), path.bytes()))
            };
            let fits: Result<Vec<_>, ModelError> = sets.sets.par_iter().map(fit).collect();
            let fits = fits?;
            bytes += fits.iter().map(|(_, _, bytes)| bytes).sum::<u64>();
            let steps: Vec<_> = fits.iter().map(|(step, ..)| step.clone()).collect();
            let etas: Vec<_> = fits.into_iter().map(|(_, eta, _)| eta).collect();
            relaxed.extend(sets.picked(&path.predictors, &etas).map(|(_, eta)| eta));
            sets.relax(&mut found, &steps);
        }
        let unscaled = |eta: Vec<f64>| eta.iter().map(|e| rows.center + rows.scale * e).collect();
        Ok(FoundPath {
            path: found,
            // moments under other weights read each column once more
            bytes: bytes + own,
            predictors: path.predictors.into_iter().map(unscaled).collect(),
            relaxed: relaxed.into_iter().map(unscaled).collect(),
        })
    }

    /// Squares of responses of mean zero and variance one, and what takes them there.
    fn squares(&self, weights: &[f64], mean: f64) -> Result<(RowLoss<'_>, f64, f64), ModelError> {
        let y = &self.rows.y;
        let center = if self.intercept { mean } else { 0.0 };
        let about = |c: f64| -> f64 { y.iter().zip(weights).map(|(y, w)| w * (y - c) * (y - c)).sum() };
        let varies = varies(about(mean), mean);
        if !varies && (self.intercept || mean == 0.0) {
            return Err(ModelError::argument(
                "y",
                "the response is constant, and has no variance to explain",
            ));
        }
        let scale = about(center).sqrt();
        let y = y.iter().map(|y| (y - center) / scale).collect();
        Ok((RowLoss::Squares { y }, center, scale))
    }

    pub(super) fn family(&self) -> &Family {
        &self.programs.family
    }
}

/// Columns, some of which were copied without what is no number.
fn finite<'a>(mut columns: Vec<ResidentColumn<'a>>, copies: &'a FiniteColumns) -> Vec<ResidentColumn<'a>> {
    for (j, own) in copies {
        columns[*j] = match columns[*j] {
            ResidentColumn::Dense(_) => ResidentColumn::Dense(own),
            ResidentColumn::Sparse { rows, .. } => ResidentColumn::Sparse { rows, values: own },
        };
    }
    columns
}

/// w / Σ w.
fn shares(weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| w / total).collect()
}

/// A linear model of the same response, weights, offset and subset without columns.
fn without_columns(spec: &ElasticNetSpec, terms: Terms) -> LmSpec {
    let mut variables = Vec::new();
    let mut place = |v: usize| {
        variables.push(terms.variables[v].clone());
        variables.len() - 1
    };
    let response = terms.response.map(&mut place);
    let offsets = terms.offsets.iter().map(|v| place(*v)).collect();
    LmSpec {
        terms: Some(Terms {
            response,
            offsets,
            variables,
            intercept: true,
            terms: Vec::new(),
            dropped: terms.dropped,
        }),
        contrasts: Vec::new(),
        ..spec.design.clone()
    }
}

/// Observations of all rows, and how the family reads them.
type ObservedModel = (
    RowsInMemory,
    RowCounts,
    Vec<PassRecord>,
    Arc<Programs>,
    Arc<Programs>,
    f64,
);

/// Reads responses, weights and offsets.
fn observed(
    spec: &ElasticNetSpec,
    bound: &ModelFrame<'_>,
    run: &Run<'_>,
    rows: usize,
) -> Result<ObservedModel, ModelError> {
    if spec.family.is_of_residuals() {
        let opening = Opening::new(Course::LeastSquares(Products::Rounded), run.monitor);
        let (session, mut passes) = bound.executor.open(&bound.rows, &opening)?;
        let (found, counts) = gathered(bound, &*session, run, false, rows, &mut passes)?;
        let weighted = spec.design.weights.is_some();
        let programs = Programs::shared(&spec.family, weighted, Trials::Several, Start::Family);
        return Ok((found, counts, passes, programs.clone(), programs, 0.0));
    }
    let own = GeneralizedRows::new(spec, bound, run.monitor)?;
    let mut passes = own.passes.clone();
    let counts = own.counts_successes;
    let (found, counts) = gathered(bound, &*own.session, run, counts, rows, &mut passes)?;
    Ok((
        found,
        counts,
        passes,
        own.programs.clone(),
        own.weighted.clone(),
        own.constant.0,
    ))
}

fn gathered(
    bound: &ModelFrame<'_>,
    session: &dyn Session,
    run: &Run<'_>,
    counts: bool,
    rows: usize,
    passes: &mut Vec<PassRecord>,
) -> Result<(RowsInMemory, RowCounts), ModelError> {
    let statistic = ObservedInMemory { counts };
    let pass = Pass::new("responses", "f64", &statistic, run.monitor);
    let found = session.reduce(&bound.rows, pass)?;
    rows_left(&found.counts, bound)?;
    passes.extend(found.records);
    Ok((found.value.in_memory(rows), found.counts))
}
