//! Cross-validation of a generalized model: the paths of all folds go on side by side.

use super::cross_validation_spec::CrossValidationSpec;
use super::curve::{ErrorsOver, FoldErrors};
use super::generalized::{self, GeneralizedRows};
use super::held_out_predictors::HeldOutPredictors;
use super::measure::Measure;
use super::membership::Membership;
use super::newton_path::NewtonPath;
use super::path::Path;
use super::validated::{Validated, aligned, curve_of, errors_of_classes, errors_of_rows, short_paths};
use crate::model::{ModelError, ModelFrame};
use crate::pass::Monitor;

/// Of a generalized model: the paths of all folds go on side by side, so that each pass serves all of them; then one pass for the losses.
pub(super) fn generalized(
    spec: &CrossValidationSpec,
    bound: &ModelFrame<'_>,
    monitor: &dyn Monitor,
) -> Result<Validated, ModelError> {
    let mut rows = GeneralizedRows::new(&spec.model, bound, monitor)?;
    let problem = generalized::problem(&spec.model, &rows, bound)?;
    let measure = spec.measure_of(rows.counts.used + rows.counts.weightless);
    let over = match measure {
        Measure::Area => ErrorsOver::Folds,
        _ => spec.errors_over(rows.counts.used),
    };
    spec.check_room(problem.columns.names.len())?;
    let draws = spec.draws();
    let mut sums = Vec::new();
    for folds in &draws {
        sums.push(rows.sums_without(&problem, folds)?);
    }
    let (mut grid, mut kept) = (Vec::new(), Vec::new());
    for alpha in spec.alphas() {
        let own = problem.alpha(alpha);
        let (mut whole, mut errors): (Option<Path>, Vec<FoldErrors>) = (None, Vec::new());
        for (folds, sums) in draws.iter().zip(&sums) {
            let without = sums.iter().zip(0..);
            let mut paths: Vec<(Membership, NewtonPath<'_>)> = without
                .map(|(sums, k)| {
                    (
                        Membership::Without(k),
                        own.newton_path(sums.clone()).beside_another(),
                    )
                })
                .collect();
            if whole.is_none()
                && let Some(all) = rows.sums(&own)
            {
                paths.insert(0, (Membership::All, own.newton_path(all)));
            }
            rows.run(&own, folds, &mut paths)?;
            let mut found: Vec<Path> = paths.into_iter().map(|(_, path)| path.path).collect();
            let all = match whole.take() {
                Some(all) => all,
                None => rows.relaxed(&own, found.remove(0))?,
            };
            short_paths(found.iter())?;
            if own.settings.relax.is_some() {
                found = rows.relaxed_folds(&own, folds, (found, sums))?;
            }
            let models = aligned(&found, &all, spec);
            let losses = rows.held_out(&own, folds, (measure, spec.keep), &models)?;
            if spec.keep {
                kept.push(HeldOutPredictors::new(&losses.kept, 1.0));
            }
            errors.extend(match measure {
                Measure::Area => errors_of_classes(losses),
                _ => errors_of_rows(&losses, 1.0),
            });
            whole = Some(all);
        }
        let Some(mut path) = whole else { continue };
        own.rescale(&mut path);
        let weightless = rows.counts.weightless;
        let curve = curve_of(&path, &errors, draws.len(), (over, weightless), (spec, measure));
        grid.push((alpha, path, curve));
    }
    Ok(Validated {
        problem,
        counts: rows.counts,
        passes: rows.passes,
        precision: "f64",
        grid,
        over,
        measure,
        kept,
    })
}
