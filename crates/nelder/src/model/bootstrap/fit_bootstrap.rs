//! A bootstrap of a fit: passes over the rows, each for as many replicates as have room.

use super::draws::Draws;
use super::replicates::WholeFit;
use super::report::BootstrapReport;
use super::row_labels::RowLabels;
use super::running::Running;
use super::spec::BootstrapSpec;
use crate::model::{ModelError, Regression, Warning};
use crate::pass::{Monitor, PassError};

/// Replicates of a fit.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// The bootstrap that was asked for.
    pub spec: BootstrapSpec,
    /// The coefficients of the replicates.
    pub draws: Draws,
    /// Record of the computation.
    pub report: BootstrapReport,
}

/// Runs a bootstrap of a fit of one response.
///
/// A replicate is a function of the seed and its number: not of threads, of batches, or of how many replicates there are.
///
/// ```
/// use nelder::frame::Frame;
/// use nelder::model::{BootstrapSpec, IntervalKind, LmSpec, bootstrap, lm};
/// use nelder::pass::NoProgress;
/// let x: Vec<f64> = (0..50).map(f64::from).collect();
/// let y: Vec<f64> = x.iter().map(|x| 2.0 * x + (7.0 * x).sin()).collect();
/// let frame = Frame::new().with_real("x", &x).with_real("y", &y);
/// let fit = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
/// let boot = bootstrap(&fit, &BootstrapSpec::new(999), &NoProgress).unwrap();
/// let interval = boot.draws.interval(1, IntervalKind::Perc, 0.95, 0.0).unwrap();
/// assert!(interval.low < 2.0 && 2.0 < interval.high && boot.draws.std_errors()[1] < 0.02);
/// ```
///
/// # Errors
/// An argument that does not fit; those of a pass. An interrupt is one only before the first replicates are made.
pub fn bootstrap<R: Regression + ?Sized>(
    fit: &R,
    spec: &BootstrapSpec,
    monitor: &dyn Monitor,
) -> Result<Bootstrap, ModelError> {
    spec.check()?;
    check_variances(fit, spec)?;
    fit.equations().one_factor("a bootstrap")?;
    let rows = &fit.frame().rows;
    if fit.family().is_none() && rows.layout().atoms.responses != 1 {
        return Err(ModelError::argument(
            "fit",
            "a bootstrap is of one response; fit each alone",
        ));
    }
    if fit.coefnames().is_empty() {
        return Err(ModelError::argument(
            "fit",
            "the model has no coefficients to resample",
        ));
    }
    for warning in fit.warnings() {
        if let Warning::Separation { .. } = warning {
            let why = format!("no replicate has a maximum either: {warning}");
            return Err(ModelError::argument("fit", why));
        }
    }
    rows.keep_blocks();
    let done = run(fit, spec, monitor);
    rows.forget_blocks();
    done
}

fn run<R: Regression + ?Sized>(
    fit: &R,
    spec: &BootstrapSpec,
    monitor: &dyn Monitor,
) -> Result<Bootstrap, ModelError> {
    let mut passes = Vec::new();
    let expressions = (spec.cluster.as_deref(), spec.strata.as_deref());
    let labels = RowLabels::find(fit.frame(), expressions, monitor, &mut passes)?;
    check_labels(spec, &labels)?;
    // rows without trials are no observations, and are drawn as the others are
    if labels.used != fit.counts().used {
        return Err(PassError::Changed("bootstrap".to_string()).into());
    }
    let whole = WholeFit::of(fit);
    let mut draws = Draws {
        names: fit.coefnames().to_vec(),
        estimate: fit.coef().to_vec(),
        values: Vec::new(),
        variances: Vec::new(),
        variance_of_estimate: match spec.variances {
            true => fit.stderror().iter().map(|s| s * s).collect(),
            false => Vec::new(),
        },
    };
    let mut report = BootstrapReport {
        asked: spec.replicates,
        clusters: labels.clusters.as_ref().map(|c| c.sizes.len()),
        strata: labels.strata.as_ref().map(|s| s.sizes.len()),
        ..BootstrapReport::default()
    };
    let own = Running {
        fit,
        spec,
        labels,
        whole,
        monitor,
    };
    let made = (&mut draws, &mut report, &mut passes);
    match (fit.family(), spec.weighting()) {
        (Some(family), _) => own.climbed(family, made)?,
        (None, Some(weighting)) => own.weighted(weighting, made)?,
        (None, None) => own.responses(made)?,
    }
    report.made = draws.replicates() as u32;
    let missing = |row: &[f64]| {
        row.iter()
            .zip(&draws.estimate)
            .any(|(t, t0)| t.is_nan() && !t0.is_nan())
    };
    report.reads = (passes.iter())
        .filter(|pass| pass.name == "replicates")
        .map(|pass| pass.rows / fit.counts().read.max(1))
        .sum::<u64>() as usize;
    report.aliased = draws
        .values
        .chunks_exact(draws.names.len())
        .filter(|row| missing(row))
        .count() as u32
        - report.not_converged.min(draws.replicates() as u32);
    report.passes = passes;
    Ok(Bootstrap {
        spec: spec.clone(),
        draws,
        report,
    })
}

/// Checks that the variances of replicates are known, where they are asked for.
fn check_variances<R: Regression + ?Sized>(fit: &R, spec: &BootstrapSpec) -> Result<(), ModelError> {
    let known = match fit.family() {
        None => spec.weighting().is_some(),
        Some(_) => fit.dispersion().known,
    };
    match known || !spec.variances {
        true => Ok(()),
        false => Err(ModelError::argument(
            "interval",
            "studentized intervals are for linear models with type = case or bayesian, and for families whose dispersion is known; \
             take interval = perc",
        )),
    }
}

/// Checks clusters and strata.
fn check_labels(spec: &BootstrapSpec, labels: &RowLabels) -> Result<(), ModelError> {
    if let (Some(clusters), Some(expression)) = (&labels.clusters, &spec.cluster)
        && clusters.sizes.len() < 2
    {
        return Err(ModelError::argument(
            "cluster",
            format!("`{expression}` has one value in all rows; resampling clusters needs two or more"),
        ));
    }
    if let (Some(strata), Some(expression)) = (&labels.strata, &spec.strata)
        && strata.sizes.contains(&1)
    {
        let alone = strata.sizes.iter().filter(|n| **n == 1).count();
        return Err(ModelError::argument(
            "strata",
            format!(
                "{alone} of the {} strata of `{expression}` have one row, which would be in every replicate; join them to others",
                strata.sizes.len()
            ),
        ));
    }
    Ok(())
}
