//! `nelder glm`.

use nelder::family::Family;
use nelder::model::{Glm, GlmSpec, Inference, Regression, Vcov, glm};
use nelder::pass::{PassRecord, Run};
use nelder::summary::{GlmSummary, generalized, print_generalized, tidy};

use crate::arguments::GlmOptions;
use crate::device;
use crate::failure::Failure;
use crate::fit_file::Saved;
use crate::lm::{call, check_level, check_table, model_destinations, spec, texts, warn_dropped_contrasts};
use crate::outputs::{all, write_whole};
use crate::progress::Progress;
use crate::{augment, collate, data, fit_file, interrupt, output};

/// Fits and prints.
pub fn run(asked: &GlmOptions) -> Result<(), Failure> {
    let options = &asked.model;
    let family: Family = asked
        .family
        .parse()
        .map_err(|e| Failure::Usage(format!("--family: {e}")))?;
    let mut wanted = GlmSpec::new(&options.formula, family);
    wanted.design = spec(options)?;
    wanted.start = (!asked.start.is_empty()).then(|| asked.start.clone());
    wanted.eta_start = asked.etastart.clone();
    wanted.mu_start = asked.mustart.clone();
    wanted.epsilon = asked.epsilon;
    wanted.max_iterations = asked.maxit;
    wanted.epsilon_f64 = asked.epsilon_f64;
    let kind: Vcov = options.vcov.parse()?;
    check_level(options.level)?;
    if let Some(path) = &options.augment {
        check_table(path)?;
    }
    // formula and expressions are checked before the file is opened
    let whole = match family.estimated {
        true => call("glm.nb", options, Some(""), None)?,
        false => call("glm", options, Some(&asked.family), None)?,
    };
    let place = device::chosen(options.device.as_deref())?;
    collate::set(&options.collate);
    let opened = data::open(&options.data)?;
    data::remark(
        &opened,
        &texts(options, &[&asked.etastart, &asked.mustart]),
        false,
    );
    let [augment, save, tidy] = model_destinations(options)?;
    let progress = Progress::new(options.explain);
    let fit = glm(&wanted, &opened, Run::on(place, &progress)).map_err(|e| {
        progress.clear();
        data::unreadable(e, &opened)
    })?;
    let covariance = match kind == Vcov::Iid {
        true => None,
        false => Some(fit.vcov(&kind, &progress)?),
    };
    let mut report = fit.report().clone();
    let mut summary = generalized::summary(&fit, &whole, options.level, covariance.as_ref());
    if let Some(covariance) = &covariance {
        // the bound is of the errors by the information, and these are printed
        report.digits = report.digits.without_std_errors();
        report.passes.extend(covariance.passes.iter().cloned());
    }
    if asked.limits == "profile" {
        let passes = profile_limits(&fit, &mut summary, options.level, &progress)?;
        report.passes.extend(passes);
    }
    let mut written = Vec::new();
    if let Some(destination) = augment {
        let columns = &augment::GENERALIZED;
        let done = augment::write(&[("", &fit)], columns, false, destination, &progress);
        written.push(done.map(|record| report.passes.push(record)));
    }
    progress.clear();
    if interrupt::requested() {
        return Err(Failure::Interrupted);
    }
    if let Some(destination) = save {
        let saved = fit.save().map_err(Failure::from);
        written.push(saved.and_then(|fit| fit_file::write(destination, &Saved::Glm(Box::new(fit)))));
    }
    let mut tidied = false;
    if let Some(destination) = tidy {
        let done = write_whole(destination, |mut out| {
            tidy::write_rows(&mut out, &summary.coefficients)
        });
        tidied = done.is_ok();
        written.push(done);
    }
    let json = || output::generalized_json(&summary, &report);
    written.push(output::deliver(
        options,
        tidied,
        &report,
        progress.plan().as_ref(),
        || print_generalized::summary(&summary),
        json,
    ));
    for text in fit.bound.rows.rounded() {
        output::note(&format!("nelder: warning: {text}"));
    }
    warn_dropped_contrasts(fit.columns());
    let response = fit.bound.terms.response;
    collate::note_reference(&options.collate, fit.columns(), &fit.bound.rows, response);
    for warning in &summary.warnings {
        output::note(&format!("nelder: warning: {warning}"));
    }
    all(written)
}

/// Puts limits by profile likelihood in place of Wald's; the passes that it took.
fn profile_limits(
    fit: &Glm<'_>,
    summary: &mut GlmSummary,
    level: f64,
    progress: &Progress,
) -> Result<Vec<PassRecord>, Failure> {
    let found = fit.profile(level, progress)?;
    for (row, (low, high)) in summary.coefficients.iter_mut().zip(&found.limits) {
        if row.estimate.is_some() {
            (row.conf_low, row.conf_high) = (Some(*low), Some(*high));
        }
    }
    Ok(found.passes)
}
