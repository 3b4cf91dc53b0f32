//! Cross-validation of a Gaussian model, from the grams of the folds.
//!
//! With G the gram of all rows and G_k that of fold k, the model without the fold is fitted to G − G_k, centred and scaled for itself, and
//! its squared error on the fold is a quadratic form in G_k. So a grid of folds and α costs one pass.

use rayon::prelude::*;

use super::cross_validation_spec::CrossValidationSpec;
use super::drawn_grams::DrawnGrams;
use super::held_out::HeldOutRows;
use super::held_out_predictors::HeldOutPredictors;
use super::measure::Measure;
use super::moments::{Correlations, Moments};
use super::path::Path;
use super::problem::Problem;
use super::validated::{Validated, aligned, curve_of, errors_of_rows, squared_errors};
use crate::family::{Programs, Start, Trials};
use crate::model::{ModelError, ModelFrame};
use crate::pass::{Gram, Monitor};

/// Of a Gaussian model: one pass for each draw of the folds, and another for losses that no gram tells.
pub(super) fn gaussian(
    spec: &CrossValidationSpec,
    bound: &ModelFrame<'_>,
    monitor: &dyn Monitor,
) -> Result<Validated, ModelError> {
    // 1. the grams of the folds
    let DrawnGrams {
        session,
        mut passes,
        precision,
        counts,
        draws,
        grams: drawn,
        total,
    } = DrawnGrams::new(spec, bound, spec.model.design.accuracy, monitor)?;
    // 2. the paths of all rows and of all rows but a fold's
    let problem = Problem::new(&spec.model, bound, &counts, &total)?;
    spec.check_room(problem.columns.names.len())?;
    let over = spec.errors_over(counts.used);
    let by_rows = spec.reads_rows(over);
    let paths = gaussian_paths(spec, &problem, &total, &drawn)?;
    let weighted = spec.model.design.weights.is_some();
    let programs = Programs::new(&spec.model.family, weighted, Trials::Several, Start::Family);
    let (mut grid, mut kept) = (Vec::new(), Vec::new());
    for (alpha, whole, folds) in paths.of_alphas {
        let errors = match by_rows || spec.keep {
            false => {
                let of = |(held_out, path): (&Moments, &Path)| {
                    squared_errors(held_out, path, &whole, spec, problem.square_unit())
                };
                paths.held_out.par_iter().zip(&folds).map(of).collect()
            }
            true => {
                let mut errors = Vec::new();
                let count = spec.folds.count();
                for (folds_of, own) in draws.iter().zip(folds.chunks(count)) {
                    let models = aligned(own, &whole, spec);
                    let rows = HeldOutRows {
                        bound,
                        session: &*session,
                        monitor,
                        programs: &programs,
                        counts: false,
                        offset: false,
                        keep: spec.keep,
                    };
                    let (sums, records) = rows.losses(&problem, folds_of, spec.measure, &models)?;
                    passes.extend(records);
                    if spec.keep {
                        kept.push(HeldOutPredictors::new(&sums.kept, problem.square_unit().sqrt()));
                    }
                    let unit = match spec.measure {
                        Measure::Absolute => problem.square_unit().sqrt(),
                        _ => problem.square_unit(),
                    };
                    errors.extend(errors_of_rows(&sums, unit));
                }
                errors
            }
        };
        let mut path = whole;
        problem.rescale(&mut path);
        let weightless = counts.weightless;
        let curve = curve_of(
            &path,
            &errors,
            drawn.len(),
            (over, weightless),
            (spec, spec.measure),
        );
        grid.push((alpha, path, curve));
    }
    Ok(Validated {
        problem,
        counts,
        passes,
        precision,
        grid,
        over,
        measure: spec.measure,
        kept,
    })
}

/// Paths of a Gaussian model by α.
struct GaussianPaths {
    /// By draw and fold, the moments of its rows.
    held_out: Vec<Moments>,
    /// By α, the path of all rows, and by draw and fold those of the others, in the units of the rows.
    of_alphas: Vec<(f64, Path, Vec<Path>)>,
}

/// The paths of each α.
fn gaussian_paths(
    spec: &CrossValidationSpec,
    problem: &Problem,
    total: &Gram,
    drawn: &[Vec<Gram>],
) -> Result<GaussianPaths, ModelError> {
    let map = &problem.columns.map;
    let parts: Vec<&Gram> = drawn.iter().flatten().collect();
    let count = drawn[0].len();
    let standardized = |gram: &Gram| problem.standardized(&Moments::new(gram, map));
    let (all, others) = rayon::join(
        || standardized(total),
        || -> Result<Vec<(Moments, Correlations)>, ModelError> {
            let of = |(k, fold): (usize, &&Gram)| {
                let rest = standardized(&total.without(fold)).map_err(|e| e.in_fold(k % count, count))?;
                Ok((Moments::new(fold, map), rest))
            };
            parts.par_iter().enumerate().map(of).collect()
        },
    );
    let all = all?;
    let (held_out, others): (Vec<Moments>, Vec<Correlations>) = others?.into_iter().unzip();
    let alphas = spec.alphas();
    let problems: Vec<Problem> = alphas.iter().map(|a| problem.alpha(*a)).collect();
    // every path is one task: those of all rows first
    let paths: Vec<Path> = (0..alphas.len() * (others.len() + 1))
        .into_par_iter()
        .with_max_len(1)
        .map(|task| {
            let (fold, a) = (task / alphas.len(), task % alphas.len());
            problems[a].path_of(if fold == 0 { &all } else { &others[fold - 1] })
        })
        .collect();
    let mut by_alpha: Vec<Vec<Path>> = vec![Vec::new(); alphas.len()];
    for (task, path) in paths.into_iter().enumerate() {
        by_alpha[task % alphas.len()].push(path);
    }
    let of_alphas = alphas.iter().zip(by_alpha).map(|(alpha, mut own)| {
        let whole = own.remove(0);
        (*alpha, whole, own)
    });
    Ok(GaussianPaths {
        of_alphas: of_alphas.collect(),
        held_out,
    })
}
