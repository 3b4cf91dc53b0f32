//! Replicates of a fit's coefficients and their intervals, between R and the library.

use nelder::model::ModelError;
use nelder::model::{Bootstrap, BootstrapSpec, Draws, IntervalKind, Regression, Resampling, bootstrap};
use nelder::pass::Monitor;
use savvy::{ListSexp, Sexp, savvy};

use crate::lists::{Elements, Record};

/// The bootstrap of a request: `replicates`, `type`, `seed`, `cluster` and `strata` as text where they are given, `variances`.
///
/// # Errors
/// An element that is not there, or of another type.
pub fn spec(request: &ListSexp) -> savvy::Result<BootstrapSpec> {
    let of = Elements(request);
    let resampling: Resampling = of.text("type")?.parse()?;
    let text = |name: &str| match of.get(name) {
        None => Ok(None),
        Some(_) => of.text(name).map(Some),
    };
    let seed = of.real("seed")?;
    Ok(BootstrapSpec {
        cluster: text("cluster")?,
        strata: text("strata")?,
        variances: of.flag("variances")?,
        ..BootstrapSpec::new(u32::try_from(of.integer("replicates")?).unwrap_or(0))
            .resampling(resampling)
            .seed(seed as u64)
    })
}

/// Runs the bootstrap of a request, and finds the acceleration of BCa intervals where there is one.
///
/// # Errors
/// A bootstrap that the library refuses.
pub fn resampled(
    fit: &dyn Regression,
    spec: &BootstrapSpec,
    monitor: &dyn Monitor,
) -> Result<(Bootstrap, Vec<f64>), ModelError> {
    let mut boot = bootstrap(fit, spec, monitor)?;
    let known = fit.family().is_none() && spec.resampling == Resampling::Case && spec.cluster.is_none();
    // an interrupted bootstrap takes no further pass
    let acceleration = match known && boot.report.made == boot.report.asked {
        true => boot.acceleration(fit, monitor)?,
        false => Vec::new(),
    };
    Ok((boot, acceleration))
}

/// As R sees it: `t` by rows, and what there is to know of it.
pub fn replicates((boot, acceleration): (Bootstrap, Vec<f64>)) -> Record {
    let (draws, report) = (boot.draws, boot.report);
    let mut out = Record::default();
    out.texts("names", draws.names)
        .reals("t0", draws.estimate)
        .reals("t", draws.values)
        .reals("variances", draws.variances)
        .reals("variance_of_estimate", draws.variance_of_estimate)
        .reals("acceleration", acceleration)
        .texts("algorithm", vec![report.algorithm])
        .integers("asked", [report.asked as usize])
        .integers("made", [report.made as usize])
        .integers("aliased", [report.aliased as usize])
        .integers("not_converged", [report.not_converged as usize])
        .integers("reads", [report.reads])
        .texts("notes", report.notes);
    out
}

/// Intervals of the coefficients of a bootstrap: `names`, `t0`, `t` by rows, `variances`, `variance_of_estimate`, `acceleration`.
///
/// @noRd
#[savvy]
fn boot_intervals(boot: ListSexp, kind: &str, level: f64) -> savvy::Result<Sexp> {
    let of = Elements(&boot);
    let draws = Draws {
        names: of.texts("names")?,
        estimate: of.reals("t0")?,
        values: of.reals("t")?,
        variances: of.reals("variances")?,
        variance_of_estimate: of.reals("variance_of_estimate")?,
    };
    let (acceleration, kind): (_, IntervalKind) = (of.reals("acceleration")?, kind.parse()?);
    if kind == IntervalKind::Bca && acceleration.is_empty() {
        return Err(savvy::Error::new(
            "BCa intervals are of linear models whose rows are resampled, type = \"case\" without clusters; take type = \"perc\"",
        ));
    }
    let (mut low, mut high, mut extreme) = (Vec::new(), Vec::new(), Vec::new());
    for column in 0..draws.names.len() {
        let own = acceleration.get(column).copied().unwrap_or(f64::NAN);
        let interval = draws.interval(column, kind, level, own)?;
        low.push(interval.low);
        high.push(interval.high);
        extreme.push(interval.extreme);
    }
    let mut out = Record::default();
    out.reals("low", low)
        .reals("high", high)
        .flags("extreme", extreme);
    out.into_list()?.into()
}
