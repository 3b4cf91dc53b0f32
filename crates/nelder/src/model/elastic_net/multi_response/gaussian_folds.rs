//! Cross-validation of Gaussian responses, from the grams of the folds.

use rayon::prelude::*;

use super::fit::{gaussian_problem, response_scales};
use super::gaussian::{MultiMoments, gaussian_path};
use super::held_out_rows::{HeldOutResponses, Models};
use super::multi_path::MultiPath;
use super::relaxation::relaxed_gaussian;
use super::responses::Responses;
use super::spec::MultiValidationSpec;
use super::validated::{MultiValidated, aligned, curve_of};
use crate::model::elastic_net::curve::FoldErrors;
use crate::model::elastic_net::drawn_grams::DrawnGrams;
use crate::model::elastic_net::held_out_predictors::HeldOutPredictors;
use crate::model::elastic_net::validated::{errors_of_rows, short_paths};
use crate::model::{ModelError, ModelFrame};
use crate::pass::{Gram, Monitor, Pass};

/// One pass for each draw of the folds, and another for losses that no gram tells.
pub(super) fn gaussian(
    spec: &MultiValidationSpec,
    bound: &ModelFrame<'_>,
    responses: &Responses,
    standardize: bool,
    monitor: &dyn Monitor,
) -> Result<MultiValidated, ModelError> {
    let folds_spec = &spec.folds;
    // 1. the grams of the folds
    let DrawnGrams {
        session,
        mut passes,
        precision,
        counts,
        draws,
        grams: drawn,
        total,
    } = DrawnGrams::new(folds_spec, bound, spec.model.net.design.accuracy, monitor)?;
    // 2. the paths of all rows and of all rows but a fold's
    let problem = gaussian_problem(&spec.model, bound, &counts, &total)?;
    folds_spec.check_room(problem.columns.names.len())?;
    let responses = Responses {
        scales: response_scales(bound),
        ..responses.clone()
    };
    let moments = |gram: &Gram| MultiMoments::new(gram, &problem.columns.map, &responses.scales);
    let all = moments(&total);
    let parts: Vec<&Gram> = drawn.iter().flatten().collect();
    let (held_out, others): (Vec<MultiMoments>, Vec<MultiMoments>) = parts
        .par_iter()
        .map(|fold| (moments(fold), moments(&total.without(fold))))
        .unzip();
    let over = folds_spec.errors_over(counts.used);
    let by_rows = folds_spec.reads_rows(over);
    let (mut grid, mut kept) = (Vec::new(), Vec::new());
    for alpha in folds_spec.alphas() {
        let own = problem.alpha(alpha);
        let (penalty, settings, standardizing) = own.parts();
        let path = |of: &MultiMoments| {
            let path = gaussian_path(of, penalty, settings, standardizing, standardize)?;
            relaxed_gaussian(path, &own, of, standardize)
        };
        let mut whole = path(&all)?;
        let found: Vec<MultiPath> = others.par_iter().map(path).collect::<Result<_, _>>()?;
        short_paths(found.iter().map(MultiPath::first))?;
        let models = aligned(&found, &whole, folds_spec);
        let mut errors = Vec::new();
        for (d, folds) in draws.iter().enumerate() {
            let places = d * folds.count()..(d + 1) * folds.count();
            if !by_rows && !folds_spec.keep {
                let of = held_out[places.clone()].iter().zip(&models[places]);
                errors.extend(of.map(|(rows, models)| squared_errors(rows, models)));
                continue;
            }
            let statistic = HeldOutResponses::new(
                folds,
                &responses,
                (folds_spec.measure, folds_spec.keep),
                &models[places],
                (&own, bound),
            );
            let pass = Pass::new("held-out rows", "f64", &statistic, monitor);
            let losses = session.reduce(&bound.rows, pass)?;
            passes.extend(losses.records);
            if folds_spec.keep {
                kept.push(HeldOutPredictors::new(&losses.value.kept, 1.0));
            }
            errors.extend(errors_of_rows(&losses.value, 1.0));
        }
        whole.responses.iter_mut().for_each(|path| own.rescale(path));
        let curve = curve_of(&whole, &errors, folds_spec, over, counts.weightless);
        grid.push((alpha, whole, curve));
    }
    Ok(MultiValidated {
        problem,
        counts,
        passes,
        precision,
        grid,
        over,
        few: None,
        kept,
    })
}

/// The squared errors of a fold's models on its rows.
fn squared_errors(rows: &MultiMoments, models: &[Models]) -> FoldErrors {
    FoldErrors {
        weight: rows.columns.weight,
        rows: rows.columns.rows,
        errors: models.iter().map(|m| rows.squared_error(m)).collect(),
        squares: Vec::new(),
    }
}
