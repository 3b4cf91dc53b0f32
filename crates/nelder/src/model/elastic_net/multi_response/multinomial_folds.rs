//! Cross-validation of a multinomial model: the paths of all folds go on side by side.

use super::held_out_rows::HeldOutResponses;
use super::multi_path::MultiPath;
use super::multinomial_path::MultinomialPath;
use super::multinomial_rows::{MultinomialRows, relaxed};
use super::responses::Responses;
use super::spec::MultiValidationSpec;
use super::validated::{MultiValidated, aligned, curve_of};
use crate::model::elastic_net::curve::FoldErrors;
use crate::model::elastic_net::held_out_predictors::HeldOutPredictors;
use crate::model::elastic_net::membership::Membership;
use crate::model::elastic_net::validated::{errors_of_rows, short_paths};
use crate::model::{ModelError, ModelFrame};
use crate::pass::{Monitor, Pass};

/// The paths of all folds go on side by side, so that each pass serves all of them; then one pass for the losses.
pub(super) fn multinomial(
    spec: &MultiValidationSpec,
    bound: &ModelFrame<'_>,
    responses: &Responses,
    monitor: &dyn Monitor,
) -> Result<MultiValidated, ModelError> {
    let draws = spec.folds.draws();
    spec.folds.check_room(bound.rows.layout().atoms.dense + 1)?;
    let mut rows = MultinomialRows::new(&spec.model, (bound, responses), &draws, monitor)?;
    let problem = rows.problem(&spec.model, spec.folds.folds.count() + 1)?;
    let over = spec.folds.errors_over(rows.counts.used);
    let (mut grid, mut kept) = (Vec::new(), Vec::new());
    for alpha in spec.folds.alphas() {
        let own = problem.alpha(alpha);
        let (mut whole, mut errors): (Option<MultiPath>, Vec<FoldErrors>) = (None, Vec::new());
        for (draw, folds) in draws.iter().enumerate() {
            let without = rows.without(&own, draw)?.into_iter().zip(0..);
            let mut paths: Vec<(Membership, MultinomialPath<'_>)> =
                without.map(|(path, k)| (Membership::Without(k), path)).collect();
            if whole.is_none() {
                paths.insert(0, (Membership::All, rows.whole(&own)));
            }
            rows.run(&own, folds, &mut paths)?;
            let mut found: Vec<MultiPath> = paths.into_iter().map(|(_, path)| path.path).collect();
            let all = match whole.take() {
                Some(all) => all,
                None => relaxed(&mut rows, &own, found.remove(0))?,
            };
            short_paths(found.iter().map(MultiPath::first))?;
            if own.settings.relax.is_some() {
                let parts = found.into_iter().zip(rows.sums_without(draw)).zip(0..);
                let mut parts: Vec<_> = parts
                    .map(|((path, sums), k)| (Membership::Without(k), sums, path))
                    .collect();
                rows.relax(&own, folds, &mut parts)?;
                found = parts.into_iter().map(|(.., path)| path).collect();
            }
            let models = aligned(&found, &all, &spec.folds);
            let statistic = HeldOutResponses::new(
                folds,
                responses,
                (spec.folds.measure, spec.folds.keep),
                &models,
                (&own, bound),
            );
            let pass = Pass::new("held-out rows", "f64", &statistic, monitor);
            let losses = rows.session.reduce(&bound.rows, pass)?;
            rows.passes.extend(losses.records);
            if spec.folds.keep {
                kept.push(HeldOutPredictors::new(&losses.value.kept, 1.0));
            }
            errors.extend(errors_of_rows(&losses.value, 1.0));
            whole = Some(all);
        }
        let Some(mut path) = whole else { continue };
        path.responses.iter_mut().for_each(|path| own.rescale(path));
        let curve = curve_of(&path, &errors, &spec.folds, over, rows.counts.weightless);
        grid.push((alpha, path, curve));
    }
    Ok(MultiValidated {
        problem,
        few: rows.few(),
        counts: rows.counts,
        passes: rows.passes,
        precision: "f64",
        grid,
        over,
        kept,
    })
}
