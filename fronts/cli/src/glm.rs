//! `nelder glm`.

use nelder::family::Family;
use nelder::model::{Glm, GlmSpec, Vcov, glm};
use nelder::summary::{GlmSummary, generalized, print_generalized, tidy};

use crate::arguments::GlmOptions;
use crate::device::Choice;
use crate::failure::Failure;
use crate::fit_file::Saved;
use crate::lm::{call, check_level, check_table, spec, texts, warn_dropped_contrasts};
use crate::progress::Progress;
use crate::{augment, data, fit_file, output};

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
    let device = Choice::new(options.device.as_deref())?;
    let opened = data::open(&options.data)?;
    data::remark(
        &opened,
        &texts(options, &[&asked.etastart, &asked.mustart]),
        false,
    );
    let placed = device.place(&opened);
    let source = &*placed;
    let progress = Progress::new(options.explain);
    let mut fit = glm(&wanted, source, &progress).map_err(|e| {
        progress.clear();
        data::unreadable(e.into(), opened.unreadable())
    })?;
    let covariance = match kind == Vcov::Iid {
        true => None,
        false => Some(fit.vcov(&kind, &progress)?),
    };
    let mut summary = generalized::summary(&fit, &whole, options.level, covariance.as_ref());
    if let Some(covariance) = &covariance {
        fit.fit.report.passes.extend(covariance.passes.iter().cloned());
    }
    if asked.limits == "profile" {
        profile_limits(&mut fit, &mut summary, options.level, &progress)?;
    }
    if let Some(path) = &options.augment {
        augment::write_generalized(&mut fit, path, &progress)?;
    }
    progress.clear();
    if let Some(path) = &options.save {
        fit_file::write(path, &Saved::Glm(Box::new(fit.save()?)))?;
    }
    for text in fit.bound.rows.rounded() {
        eprintln!("nelder: warning: {text}");
    }
    warn_dropped_contrasts(&fit.fit.columns);
    for warning in &summary.warnings {
        eprintln!("nelder: warning: {warning}");
    }
    let report = &fit.fit.report;
    if let Some(path) = &options.tidy {
        output::write_whole(path, |out| {
            let mut out = out;
            tidy::write_rows(&mut out, &summary.coefficients)
        })?;
    }
    let json = || output::generalized_json(&summary, report);
    output::deliver(
        options,
        report,
        progress.plan().as_ref(),
        || print_generalized::summary(&summary),
        json,
    )
}

/// Puts limits by profile likelihood in place of Wald's.
fn profile_limits(
    fit: &mut Glm<'_>,
    summary: &mut GlmSummary,
    level: f64,
    progress: &Progress,
) -> Result<(), Failure> {
    let found = fit.profile(level, progress)?;
    for (row, (low, high)) in summary.coefficients.iter_mut().zip(&found.limits) {
        if row.estimate.is_some() {
            (row.conf_low, row.conf_high) = (Some(*low), Some(*high));
        }
    }
    fit.fit.report.passes.extend(found.passes);
    Ok(())
}
