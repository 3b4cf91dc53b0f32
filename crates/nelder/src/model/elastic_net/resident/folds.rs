//! Cross-validation of a model whose columns are read one by one: folds are rows of weight zero.

use std::time::Instant;

use rayon::prelude::*;

use super::model::{FoundPath, ResidentModel};
use super::path::Watch;
use super::rounded::ReadColumns;
use crate::model::ModelError;
use crate::model::elastic_net::cross_validation_spec::{Alignment, CrossValidationSpec};
use crate::model::elastic_net::curve::{ErrorsOver, FoldErrors};
use crate::model::elastic_net::folds::Folds;
use crate::model::elastic_net::held_out_predictors::{FoldPredictors, HeldOutPredictors};
use crate::model::elastic_net::measure::Measure;
use crate::model::elastic_net::path::Path;
use crate::model::elastic_net::problem::Problem;
use crate::model::elastic_net::relaxation::share_of;
use crate::model::elastic_net::row_losses::{ObservedRows, RowLosses};
use crate::model::elastic_net::validated::{Validated, area_of, curve_of, short_paths};
use crate::pass::Monitor;

/// A fold of a draw: its rows of positive weight, from 0.
struct Fold {
    rows: Vec<usize>,
}

impl ResidentModel<'_> {
    /// Paths and curves, by α; the folds of a draw are fitted at the same time.
    ///
    /// # Errors
    /// A fold without a row; those of a path.
    pub fn cross_validated(
        &mut self,
        spec: &CrossValidationSpec,
        monitor: &dyn Monitor,
    ) -> Result<Validated, ModelError> {
        let problem = self.problem(&spec.model)?;
        let measure = spec.measure_of(self.counts.used + self.counts.weightless);
        let over = match measure {
            Measure::Area => ErrorsOver::Folds,
            _ => spec.errors_over(self.counts.used),
        };
        let spec = &spec.clone().measure(measure);
        let start = Instant::now();
        let columns = self.columns();
        let mut draws = Vec::new();
        for folds in spec.draws() {
            draws.push(self.folds(&folds)?);
        }
        let (mut grid, mut kept, mut bytes) = (Vec::new(), Vec::new(), columns.bytes());
        let paths = spec.alphas().len() * (1 + draws.iter().map(Vec::len).sum::<usize>());
        let watch = Watch {
            monitor,
            name: "paths of folds",
            total: paths * problem.settings.sequence.count(),
            paths: rayon::current_num_threads(),
        };
        for alpha in spec.alphas() {
            let own = problem.alpha(alpha);
            let whole = self.path_of(&own, &columns, (&self.rows.weight, None), watch)?;
            bytes += whole.bytes;
            let mut errors = Vec::new();
            for folds in &draws {
                let (found, read) = self.errors(spec, &own, &columns, (folds, &whole.path), watch)?;
                let (found, etas): (Vec<_>, Vec<_>) = found.into_iter().unzip();
                if spec.keep {
                    let unit = match self.family().is_of_residuals() {
                        true => own.square_unit().sqrt(),
                        false => 1.0,
                    };
                    kept.push(HeldOutPredictors::new(&etas, unit));
                }
                errors.extend(found);
                bytes += read;
            }
            let mut path = whole.path;
            own.rescale(&mut path);
            let weightless = self.counts.weightless;
            let curve = curve_of(&path, &errors, draws.len(), (over, weightless), (spec, measure));
            grid.push((alpha, path, curve));
        }
        let record = self.reading(bytes, start);
        self.passes.push(record);
        Ok(Validated {
            problem,
            counts: self.counts.clone(),
            passes: self.passes.clone(),
            precision: "f64",
            grid,
            over,
            measure,
            kept,
        })
    }

    /// The rows of each fold of a draw.
    fn folds(&self, folds: &Folds) -> Result<Vec<Fold>, ModelError> {
        let weight = &self.rows.weight;
        let mut of_rows = Vec::new();
        let all = folds.of_rows(0..weight.len() as u64, &mut of_rows);
        all.map_err(crate::pass::PassError::Row)?;
        let of = |k: usize| {
            let own = (0..weight.len()).filter(|&i| of_rows[i] as usize == k && weight[i] > 0.0);
            Fold { rows: own.collect() }
        };
        let found: Vec<Fold> = (0..folds.count()).map(of).collect();
        match found.iter().position(|f| f.rows.is_empty()) {
            Some(empty) => Err(Folds::empty(empty, found.len(), self.counts.used)),
            None => Ok(found),
        }
    }

    /// The errors of each fold of a draw on its rows, and the bytes of columns that were read.
    fn errors(
        &self,
        spec: &CrossValidationSpec,
        problem: &Problem,
        columns: &ReadColumns<'_>,
        (folds, whole): (&[Fold], &Path),
        watch: Watch<'_>,
    ) -> Result<(Vec<(FoldErrors, FoldPredictors)>, u64), ModelError> {
        let fit = |fold: &Fold| {
            let mut weight = self.rows.weight.clone();
            fold.rows.iter().for_each(|&i| weight[i] = 0.0);
            self.path_of(problem, columns, (&weight, Some(&fold.rows)), watch)
        };
        let found: Vec<Result<FoundPath, ModelError>> = folds.par_iter().with_max_len(1).map(fit).collect();
        let mut paths = Vec::new();
        for (k, found) in found.into_iter().enumerate() {
            paths.push(found.map_err(|e| e.in_fold(k, folds.len()))?);
        }
        short_paths(paths.iter().map(|p| &p.path))?;
        let bytes = paths.iter().map(|p| p.bytes).sum();
        let of = |(fold, found): (&Fold, &FoundPath)| self.fold_errors(spec, problem, fold, found, whole);
        let errors = folds.par_iter().zip(&paths).map(of).collect();
        Ok((errors, bytes))
    }

    /// The errors of a fold's models on its rows, at the λ of the whole path, and the predictors of these where they are kept.
    fn fold_errors(
        &self,
        spec: &CrossValidationSpec,
        problem: &Problem,
        fold: &Fold,
        found: &FoundPath,
        whole: &Path,
    ) -> (FoldErrors, FoldPredictors) {
        let take = |v: &[f64]| -> Vec<f64> { fold.rows.iter().map(|i| v[*i]).collect() };
        let (y, weight) = (take(&self.rows.y), take(&self.rows.weight));
        let [trials, rest, offset] =
            [&self.rows.trials, &self.rows.rest, &self.rows.offset].map(|c| c.as_deref().map(take));
        // the offset of a Gaussian model has been subtracted from the response
        let subtracted = offset.clone().filter(|_| self.family().is_of_residuals());
        let offset = offset.filter(|_| !self.family().is_of_residuals());
        let mut kept = FoldPredictors {
            rows: fold.rows.iter().map(|i| *i as u64).collect(),
            values: Vec::new(),
        };
        let seen = ObservedRows {
            y: &y,
            trials: trials.as_deref().unwrap_or(&weight),
            rest: rest.as_deref().unwrap_or(&y),
        };
        let total: f64 = match (spec.measure, &trials) {
            // trials are pairs of their own, and a fold counts by its rows
            (Measure::Area, Some(trials)) => weight.iter().zip(trials).map(|(w, n)| w / n).sum(),
            _ => weight.iter().sum(),
        };
        let classes: Vec<[f64; 2]> = y
            .iter()
            .zip(&weight)
            .map(|(y, w)| [w * (1.0 - y), w * y])
            .collect();
        let mut losses = RowLosses::new(&self.programs, spec.measure);
        let (mut errors, mut squares) = (Vec::new(), Vec::new());
        let mut loss = vec![0.0; y.len()];
        let unit = match spec.measure {
            _ if !self.family().is_of_residuals() => 1.0,
            Measure::Absolute => problem.square_unit().sqrt(),
            _ => problem.square_unit(),
        };
        let mixtures: Vec<Vec<Vec<f64>>> = spec.mixtures().iter().map(|g| mixture(found, *g)).collect();
        let all = std::iter::once(&found.predictors).chain(&mixtures);
        for (predictors, m) in all.flat_map(|own| (0..whole.len()).map(move |m| (own, m))) {
            let (at, t) = match spec.alignment {
                Alignment::Lambda => found.path.place(whole.steps[m].lambda),
                Alignment::Fraction => (m.min(found.path.len() - 1), 0.0),
            };
            let mut eta = predictors[at].clone();
            if t != 0.0 {
                let next = &predictors[at + 1];
                eta.iter_mut()
                    .zip(next)
                    .for_each(|(a, b)| *a = (1.0 - t) * *a + t * b);
            }
            if let Some(offset) = &offset {
                eta.iter_mut().zip(offset).for_each(|(e, o)| *e += o);
            }
            if spec.keep {
                let mut own = eta.clone();
                if let Some(offset) = &subtracted {
                    own.iter_mut().zip(offset).for_each(|(e, o)| *e += o);
                }
                kept.values.push(own);
            }
            if spec.measure == Measure::Area {
                errors.push(area_of(&eta, &classes));
                continue;
            }
            losses.at(seen, &mut eta, &mut loss);
            let (mut sum, mut square) = (0.0, 0.0);
            for (w, l) in weight.iter().zip(&loss) {
                sum += w * l;
                square += w * l * l;
            }
            errors.push(sum / total * unit);
            squares.push(square / total * unit * unit);
        }
        let errors = FoldErrors {
            weight: total,
            rows: y.len() as u64,
            errors,
            squares,
        };
        (errors, kept)
    }
}

/// η of rows by λ, of the mixture with the relaxed fits at γ.
fn mixture(found: &FoundPath, gamma: f64) -> Vec<Vec<f64>> {
    let share = share_of(gamma);
    let places = found.path.relaxed_places();
    if share >= 1.0 || places.is_empty() {
        return found.predictors.clone();
    }
    let mix = |(eta, place): (&Vec<f64>, usize)| {
        let pairs = eta.iter().zip(&found.relaxed[place]);
        pairs.map(|(e, r)| share * e + (1.0 - share) * r).collect()
    };
    found.predictors.iter().zip(places).map(mix).collect()
}
