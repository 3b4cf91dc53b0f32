//! `nelder boot`.

use std::path::Path;

use nelder::family::Family;
use nelder::model::{BootstrapSpec, GlmSpec, IntervalKind, Regression, Resampling, Vcov, bootstrap, glm, lm};
use nelder::pass::Run;
use nelder::summary::bootstrap::{print, summary, write_csv, write_draws};
use nelder_data::Destination;

use crate::arguments::BootOptions;
use crate::device;
use crate::failure::Failure;
use crate::lm::{call, check_level, spec, texts, warn_dropped_contrasts};
use crate::outputs::{all, destinations, write_whole};
use crate::progress::Progress;
use crate::{collate, data, interrupt, output};

/// Fits, resamples and prints.
pub fn run(asked: &BootOptions) -> Result<(), Failure> {
    let options = &asked.model;
    let design = spec(options)?;
    let family = match &asked.family {
        None => None,
        Some(text) => {
            let family: Result<Family, _> = text.parse();
            Some(family.map_err(|e| Failure::Usage(format!("--family: {e}")))?)
        }
    };
    let wanted = wanted(asked)?;
    let function = if family.is_some() { "glm" } else { "lm" };
    let whole = call(function, options, asked.family.as_deref(), None)?;
    let place = device::chosen(options.device.as_deref())?;
    collate::set(&options.collate);
    let opened = data::open(&options.data)?;
    data::remark(&opened, &texts(options, &[&asked.cluster, &asked.strata]), false);
    let table = asked.csv.as_deref().or(options.tidy.as_deref());
    let named: [(&str, Option<&Path>); 2] = [("--csv", table), ("--draws", asked.draws.as_deref())];
    let outputs = destinations(&data::inputs(&options.data)?, named)?;
    let progress = Progress::new(options.explain);
    let at = Run::on(place, &progress);
    let failed = |e| {
        progress.clear();
        data::unreadable(e, &opened)
    };
    match family {
        None => {
            let fit = lm(&design, &opened, at).map_err(failed)?;
            resample(&fit, asked, &wanted, (&whole, outputs), &progress)
        }
        Some(family) => {
            let mut spec = GlmSpec::new(&options.formula, family);
            spec.design = design;
            let fit = glm(&spec, &opened, at).map_err(failed)?;
            resample(&fit, asked, &wanted, (&whole, outputs), &progress)
        }
    }
}

/// Resamples a fit and prints.
fn resample<R: Regression>(
    fit: &R,
    asked: &BootOptions,
    wanted: &BootstrapSpec,
    (call, [csv, draws]): (&str, [Option<Destination>; 2]),
    progress: &Progress,
) -> Result<(), Failure> {
    let options = &asked.model;
    let kind: IntervalKind = asked.interval.parse()?;
    let found = bootstrap(fit, wanted, progress).and_then(|mut boot| {
        let acceleration = match kind {
            IntervalKind::Bca => boot.acceleration(fit, progress)?,
            _ => Vec::new(),
        };
        let summary = summary(&boot, call, (kind, options.level), &acceleration)?;
        Ok((boot, summary))
    });
    progress.clear();
    let (boot, summary) = found?;
    let mut written = Vec::new();
    if let Some(destination) = draws {
        written.push(write_whole(destination, |mut out| write_draws(&mut out, &boot)));
    }
    let mut tabled = false;
    if let Some(destination) = csv {
        let done = write_whole(destination, |mut out| write_csv(&mut out, &summary));
        tabled = done.is_ok();
        written.push(done);
    }
    let text = match options.json {
        true => output::bootstrap_json(&summary, &boot.report, fit.report())?,
        false => {
            let table = if tabled { String::new() } else { print(&summary) };
            let explained = match options.explain {
                true => format!(
                    "\n{}\n{}",
                    output::explain(fit.report(), progress.plan().as_ref()),
                    output::explain_bootstrap(&boot.report)
                ),
                false => String::new(),
            };
            table + &explained
        }
    };
    written.push(output::print(&text));
    for text in fit.frame().rows.rounded() {
        output::note(&format!("nelder: warning: {text}"));
    }
    for warning in fit.warnings() {
        output::note(&format!("nelder: warning: {warning}"));
    }
    warn_dropped_contrasts(fit.columns());
    if interrupt::requested() {
        written.push(Err(Failure::Interrupted));
    }
    all(written)
}

/// The bootstrap that is asked for.
fn wanted(asked: &BootOptions) -> Result<BootstrapSpec, Failure> {
    let options = &asked.model;
    check_level(options.level)?;
    let resampling: Resampling = asked.resampling.parse()?;
    let kind: IntervalKind = asked.interval.parse()?;
    let other = [
        ("--vcov", options.vcov.parse::<Vcov>()? != Vcov::Iid),
        ("--augment", options.augment.is_some()),
        ("--save", options.save.is_some()),
    ];
    if let Some((name, _)) = other.iter().find(|(_, given)| *given) {
        return Err(Failure::Usage(format!(
            "{name} is of a fit, not of a bootstrap; give it to `nelder lm` or `nelder glm`"
        )));
    }
    Ok(BootstrapSpec {
        cluster: asked.cluster.clone(),
        strata: asked.strata.clone(),
        variances: kind == IntervalKind::Studentized,
        ..BootstrapSpec::new(asked.replicates)
            .resampling(resampling)
            .seed(asked.seed)
    })
}
