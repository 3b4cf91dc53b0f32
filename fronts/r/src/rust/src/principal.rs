//! Principal components.

use nelder::design::Missing;
use nelder::frame::{Source, Sparse};
use nelder::model::{Center, ModelError, PcaAlgorithm, PcaSpec, Prcomp, Scale, Signs, prcomp, prcomp_sparse};
use nelder::pass::{Monitor, Run};
use savvy::{
    ListSexp, NullSexp, OwnedIntegerSexp, OwnedListSexp, OwnedRealSexp, OwnedStringSexp, Sexp, TypedSexp,
    savvy,
};

use crate::background::{self, Load};
use crate::describe::{Options, accuracy, column};
use crate::lists::{Elements, Record};
use crate::place::named;
use crate::record::passes;
use crate::source::RSource;

/// Reads what is asked: `columns`, the names of those that components are of; `center` and `scale`, empty for nothing, one
/// `TRUE` for means and deviations, or numbers; `rank`, 0 for all; `tol`, `NA` for none; `weights`, the name of a column or
/// empty; `missing`, "fail" or "omit"; `signs`, `algorithm`, `precision`; `seed`, `tolerance`.
///
/// # Errors
/// An element that is not there, or is none of what it may be.
fn spec(elements: &Elements<'_>) -> savvy::Result<PcaSpec> {
    let unknown = |what: &str, value: &str| savvy::Error::new(format!("{what}: \"{value}\" is not known"));
    let numbers = |name: &str| match elements.get(name) {
        Some(TypedSexp::Real(v)) => Some(v.as_slice().to_vec()),
        _ => None,
    };
    let signs = elements.text("signs")?;
    let algorithm = elements.text("algorithm")?;
    let missing = elements.text("missing")?;
    Ok(PcaSpec {
        columns: elements.texts("columns")?,
        center: match numbers("center") {
            Some(values) => Center::Values(values),
            None if elements.flag("center")? => Center::Means,
            None => Center::No,
        },
        scale: match numbers("scale") {
            Some(values) => Scale::Values(values),
            None if elements.flag("scale")? => Scale::Deviations,
            None => Scale::No,
        },
        rank: usize::try_from(elements.integer("rank")?).ok().filter(|k| *k > 0),
        tol: Some(elements.real("tol")?).filter(|t| !t.is_nan()),
        weights: column(elements, "weights")?,
        missing: match missing.as_str() {
            "fail" => Missing::Fail,
            "omit" => Missing::Omit,
            other => return Err(unknown("missing", other)),
        },
        signs: match signs.as_str() {
            "largest" => Signs::Largest,
            "computed" => Signs::AsComputed,
            other => return Err(unknown("signs", other)),
        },
        algorithm: match algorithm.as_str() {
            "auto" => PcaAlgorithm::Auto,
            "gram" => PcaAlgorithm::Gram,
            "qr" => PcaAlgorithm::Qr,
            "krylov" => PcaAlgorithm::Krylov,
            other => return Err(unknown("algorithm", other)),
        },
        accuracy: accuracy(elements)?,
        seed: elements.real("seed")? as u64,
        tolerance: elements.real("tolerance")?,
        ..PcaSpec::default()
    })
}

/// Results of a fit and its report as a record, with its scores where they are asked for.
fn record(fit: Prcomp<'_>, scores: Option<OwnedRealSexp>) -> Record {
    let mut out = Record::default();
    let k = fit.rotation.columns();
    let digits = fit.report.digits;
    let mut report = Record::default();
    report
        .texts("algorithm", vec![fit.report.algorithm.clone()])
        .texts("device", vec![fit.report.device.clone()])
        .texts("precision", vec![fit.report.precision.clone()])
        .reals("digits", vec![digits.sdev, digits.rotation])
        .texts("computed", fit.report.computed.clone())
        .real("steps", f64::from(fit.report.steps))
        .texts("notes", fit.report.notes.clone())
        .inner("passes", passes(&fit.report.passes));
    out.reals("sdev", fit.sdev)
        .integers("components", [k])
        .reals("rotation", fit.rotation.into_values())
        .reals("center", fit.center.unwrap_or_default())
        .reals("scale", fit.scale.unwrap_or_default())
        .real("total", fit.total)
        .integers("available", [fit.available])
        .real("used", fit.rows as f64)
        .real("omitted", fit.omitted as f64)
        .reals("errors", fit.errors)
        .reals("angles", fit.angles)
        .inner("report", report);
    if let Some(scores) = scores {
        out.made("x", scores);
    }
    out
}

/// Scores of `rows` rows, written where R has them: a matrix whose rows have the names in `elements`, if there are any.
fn scores(
    fit: &mut Prcomp<'_>,
    rows: usize,
    elements: &Elements<'_>,
    load: Load,
) -> savvy::Result<OwnedRealSexp> {
    let k = fit.rotation.columns();
    // SAFETY: numbers of any value; all of them are written below, or the vector is let go of
    let mut x = unsafe { OwnedRealSexp::new_without_init(rows * k)? };
    let values = x.as_mut_slice();
    background::run(load, |monitor| fit.scores_into(values, monitor))?;
    let size = [rows, k].map(|n| i32::try_from(n).unwrap_or(i32::MAX));
    x.set_attrib("dim", OwnedIntegerSexp::try_from_slice(size)?.into())?;
    let mut names = OwnedListSexp::new(2, false)?;
    match elements.get("row_names") {
        Some(TypedSexp::String(rows)) => names.set_value(0, rows)?,
        _ => names.set_value(0, NullSexp)?,
    }
    let axes: Vec<String> = (1..=k).map(|j| format!("PC{j}")).collect();
    match axes.is_empty() {
        true => names.set_value(1, NullSexp)?,
        false => names.set_value(1, OwnedStringSexp::try_from_slice(axes)?)?,
    }
    x.set_attrib("dimnames", names.into())?;
    Ok(x)
}

/// Computes, and the scores where they are wanted, of `rows` rows less those that are left out.
fn compute<'s>(
    load: Load,
    elements: &Elements<'_>,
    (wanted, rows): (bool, usize),
    of: impl FnOnce(&dyn Monitor) -> Result<Prcomp<'s>, ModelError> + Send,
) -> savvy::Result<Sexp> {
    let mut fit = background::run(load, of)?;
    let rows = rows.saturating_sub(fit.omitted as usize);
    let scores = match wanted {
        true => Some(scores(&mut fit, rows, elements, load)?),
        false => None,
    };
    record(fit, scores).into_list()?.into()
}

/// Principal components of columns, and their scores if `scores`.
///
/// @noRd
#[savvy]
fn principal(
    columns: ListSexp,
    description: ListSexp,
    scores: bool,
    options: ListSexp,
) -> savvy::Result<Sexp> {
    let options = Options::new(&options)?;
    let place = named(&options.device)?;
    let source = RSource::new(&columns)?;
    let elements = Elements(&description);
    let spec = spec(&elements)?;
    let rows = source.rows().unwrap_or(0) as usize;
    compute(options.load(&source), &elements, (scores, rows), |monitor| {
        prcomp(&spec, &source, Run::on(place, monitor))
    })
}

/// The same of a sparse matrix: `rows`, and the slots `p`, `i` and `x`.
///
/// @noRd
#[savvy]
fn principal_sparse(
    matrix: ListSexp,
    description: ListSexp,
    scores: bool,
    options: ListSexp,
) -> savvy::Result<Sexp> {
    let options = Options::new(&options)?;
    let slots = Elements(&matrix);
    let (Some(TypedSexp::Integer(p)), Some(TypedSexp::Integer(i)), Some(TypedSexp::Real(x))) =
        (slots.get("p"), slots.get("i"), slots.get("x"))
    else {
        return Err(savvy::Error::new(
            "`p`, `i` and `x` must be the slots of a dgCMatrix",
        ));
    };
    let rows = usize::try_from(slots.integer("rows")?).unwrap_or(0);
    let sparse = Sparse::new(rows, p.as_slice(), i.as_slice(), x.as_slice()).map_err(ModelError::from)?;
    let elements = Elements(&description);
    let mut spec = spec(&elements)?;
    let names = std::mem::take(&mut spec.columns);
    compute(options.large(), &elements, (scores, rows), |monitor| {
        prcomp_sparse(&spec, sparse, &names, monitor)
    })
}
