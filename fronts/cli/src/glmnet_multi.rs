//! `nelder glmnet` and `nelder cv-glmnet` of the families multinomial and mgaussian.

use nelder::formula::{Expr, parse_expression};
use nelder::model::{
    Choice, CrossValidationSpec, ElasticNetSpec, ModelError, MultiFamily, MultiNet, MultiNetSpec,
    MultiValidationSpec, cross_validate_multi, multi_net,
};
use nelder::summary::multi_net as summary;

use crate::arguments::{CvGlmnetOptions, GlmnetOptions, PathOptions};
use crate::failure::Failure;
use crate::glmnet::{
    Watched, call, drawn, folds, held_out, keep, kept, path_destinations, place_of, printed,
};
use crate::output;
use crate::outputs::all;

/// The family of several responses that is asked for; `None` for those of one.
///
/// # Errors
/// Options that are of another family.
pub fn family(options: &PathOptions) -> Result<Option<MultiFamily>, Failure> {
    let family = MultiFamily::parse(&options.family);
    let grouped = options.type_multinomial == "grouped";
    match family {
        Some(MultiFamily::Multinomial { .. }) if !options.standardize_response => {
            Ok(Some(MultiFamily::Multinomial { grouped }))
        }
        Some(MultiFamily::Gaussian { .. }) if !grouped => Ok(Some(MultiFamily::Gaussian {
            standardize: options.standardize_response,
        })),
        None if !grouped && !options.standardize_response => Ok(None),
        _ => Err(Failure::Usage(match grouped {
            true => "--type-multinomial: the family is not multinomial".into(),
            false => "--standardize-response: the family is not mgaussian".into(),
        })),
    }
}

/// The model, `net` being that of one response: an offset of `cbind(a, b)` is one for each response.
fn model(net: ElasticNetSpec, family: MultiFamily) -> Result<MultiNetSpec, Failure> {
    let mut spec = MultiNetSpec::new(net, family);
    if let Some(text) = spec.net.design.offset.take() {
        spec.offsets = match parse_expression(&text).map_err(ModelError::from)? {
            Expr::Call { function, args } if function == "cbind" => {
                args.iter().map(|arg| arg.value.to_string()).collect()
            }
            _ => {
                return Err(Failure::Usage(
                    "--offset: write cbind(a, b), with an offset for each response or class".into(),
                ));
            }
        };
    }
    Ok(spec)
}

/// Fits a path and prints it.
pub fn run(options: &GlmnetOptions, net: ElasticNetSpec, family: MultiFamily) -> Result<(), Failure> {
    let spec = model(net, family)?;
    let call = call("glmnet", &options.path)?;
    let [plot, save] = path_destinations(&options.path)?;
    let watched = Watched::new(&options.path, None)?;
    let fit = watched.finished(multi_net(&spec, &watched.opened, watched.run()))?;
    let record = summary::summary(&fit, &call);
    let mut written = Vec::new();
    if let Some(destination) = plot {
        written.push(drawn(destination, &summary::path_plot(&fit)));
    }
    written.push(kept(save, || fit.save(None)));
    let mut text = summary::print(&record);
    for s in &options.s {
        text += &format!(
            "\ns={s}:\n\n{}",
            summary::coefficients_at(&fit, *s, options.gamma)
        );
    }
    let json = || output::path_json(&record, &fit.report);
    written.push(deliver(&options.path, &fit, text, json));
    all(written)
}

/// Cross-validates a path and prints what it chooses.
pub fn run_cross_validated(
    options: &CvGlmnetOptions,
    net: ElasticNetSpec,
    family: MultiFamily,
) -> Result<(), Failure> {
    let call = call("cv.glmnet", &options.path)?;
    let [plot, save] = path_destinations(&options.path)?;
    let keep = keep(options)?;
    let watched = Watched::new(&options.path, options.foldid.as_deref())?;
    let net = net.alpha(options.alpha.first().copied().unwrap_or(1.0));
    let model = model(net, family)?;
    let validation = CrossValidationSpec::new(model.net.clone()).measure(family.measure(&options.measure)?);
    let spec = MultiValidationSpec::new(model, folds(options, &watched.opened, validation)?);
    let found = watched.finished(cross_validate_multi(&spec, &watched.opened, watched.run()))?;
    let record = summary::cross_validation(&found, &call);
    let mut written = Vec::new();
    if let Some(destination) = plot {
        written.push(drawn(destination, &summary::curve_plot(&record)));
    }
    written.push(kept(save, || {
        let chosen = [Choice::Best, Choice::OneError].map(|choice| place_of(&found.curve, choice));
        found.fit.save(Some(chosen))
    }));
    let mut text = summary::print_cross_validation(&record);
    for (name, choice) in [("lambda.min", Choice::Best), ("lambda.1se", Choice::OneError)] {
        let (gamma, lambda) = found.curve.chosen(choice);
        let at = summary::coefficients_at(&found.fit, lambda, gamma);
        text += &format!("\n{name}:\n\n{at}");
    }
    if let (Some(destination), Some(kept)) = (keep, &found.held_out) {
        written.push(held_out(destination, kept, &found.fit.responses));
    }
    let json = || output::path_json(&record, &found.fit.report);
    written.push(deliver(&options.path, &found.fit, text, json));
    all(written)
}

fn deliver(
    options: &PathOptions,
    fit: &MultiNet<'_>,
    text: String,
    json: impl FnOnce() -> Result<String, Failure>,
) -> Result<(), Failure> {
    let warnings = fit.bound.rows.rounded().into_iter();
    let warnings = warnings.chain(fit.few.clone()).chain(fit.warning());
    printed(
        options,
        (&fit.report, &fit.columns),
        text,
        warnings.collect(),
        json,
    )
}
