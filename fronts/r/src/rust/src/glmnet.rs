//! Elastic nets: paths and their cross-validation.

use nelder::design::{Missing, RowCounts};
use nelder::family::Family;
use nelder::frame::{Source, Sparse, SparseFrame};
use nelder::model::{
    Alignment, Choice, CrossValidation, CrossValidationSpec, Curve, ElasticNet, ElasticNetReport,
    ElasticNetSpec, ErrorsOver, Folds, HeldOutPredictors, LambdaSequence, Measure, ModelError,
    MultiValidationSpec, Path, PathEnd, PerColumn, Reading, RelaxedCurves, Relaxing, Ties, cross_validate,
    cross_validate_multi, elastic_net, multi_net,
};
use nelder::pass::Run;
use savvy::{ListSexp, Sexp, TypedSexp, savvy};

use crate::background;
use crate::describe::{Options, model};
use crate::glmnet_multi;
use crate::lists::{Elements, Record};
use crate::place::named;
use crate::record::passes;
use crate::source::RSource;

/// Numbers by column: none, one for all, one for each, or some by the names in the element `<name>_names`.
///
/// # Errors
/// An element that is not there.
fn per_column(elements: &Elements<'_>, name: &str) -> savvy::Result<PerColumn> {
    let values = elements.reals(name)?;
    let names = elements.texts(&format!("{name}_names"))?;
    Ok(match values.as_slice() {
        [] => PerColumn::Default,
        _ if names.len() == values.len() => PerColumn::Named(names.into_iter().zip(values).collect()),
        [one] => PerColumn::All(*one),
        _ => PerColumn::Each(values),
    })
}

/// A count, `None` for 0.
fn count(elements: &Elements<'_>, name: &str) -> savvy::Result<Option<usize>> {
    Ok(Some(elements.real(name)? as usize).filter(|k| *k > 0))
}

/// Reads a path: a model, and `family` (or "cox", with `ties`), `alpha`, `lambda` (empty for an automatic sequence of `nlambda` down to `ratio`, `NA` for the
/// default), `standardize`, `penalty_factor`, `lower`, `upper` as [`per_column`] reads them, `thresh`, `dfmax`, `pmax` (0 for the default),
/// `maxit`, `printed`, `relax`, `maxp` (below 0 for the default), `reading` (glmnet's `type.gaussian`, or empty), and `missing`, "fail" or "omit".
///
/// # Errors
/// An element that is not there; a family that is none.
fn spec(description: &ListSexp) -> savvy::Result<ElasticNetSpec> {
    let elements = Elements(description);
    let cox = elements.text("family")? == "cox";
    let family: Family = match cox {
        true => Family::gaussian(),
        false => elements.text("family")?.parse()?,
    };
    let mut design = model(description)?;
    design.missing = match elements.text("missing")?.as_str() {
        "fail" => Missing::Fail,
        _ => Missing::Omit,
    };
    let lambda = elements.reals("lambda")?;
    Ok(ElasticNetSpec {
        design,
        family,
        cox: match cox {
            true => Ties::parse(&elements.text("ties")?),
            false => None,
        },
        alpha: elements.real("alpha")?,
        lambda: match lambda.is_empty() {
            true => LambdaSequence::Automatic {
                count: count(&elements, "nlambda")?.unwrap_or(0),
                ratio: Some(elements.real("ratio")?).filter(|r| !r.is_nan()),
            },
            false => LambdaSequence::Given(lambda),
        },
        standardize: elements.flag("standardize")?,
        penalty_factors: per_column(&elements, "penalty_factor")?,
        lower: per_column(&elements, "lower")?,
        upper: per_column(&elements, "upper")?,
        threshold: elements.real("thresh")?,
        most_nonzero: count(&elements, "dfmax")?,
        most_active: count(&elements, "pmax")?,
        most_sweeps: elements.real("maxit")? as u64,
        printed: elements.flag("printed")?,
        relax: match elements.flag("relax")? {
            true => Some(Relaxing {
                most_columns: Some(elements.real("maxp")?)
                    .filter(|m| *m >= 0.0)
                    .map(|m| m as usize),
            }),
            false => None,
        },
        reading: match elements.text("reading")?.as_str() {
            "covariance" => Reading::Rows,
            "naive" => Reading::Columns,
            _ => Reading::Auto,
        },
        ..ElasticNetSpec::new("")
    })
}

/// The number that glmnet has for the end of a path, `jerr`.
fn error_number(end: PathEnd) -> f64 {
    match end {
        PathEnd::Sweeps(step) => -(step as f64),
        PathEnd::Active(step) => -10_000.0 - step as f64,
        _ => 0.0,
    }
}

/// The solutions of paths at the same λ: coefficients by the slots `p`, `i` and `x` of a sparse matrix for each, one after the other, and intercepts
/// likewise.
///
/// # Errors
/// More coefficients than such a matrix has places for.
fn solutions(paths: &[Path]) -> savvy::Result<Record> {
    let (mut starts, mut rows, mut values, mut intercepts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        let before = rows.len();
        starts.push(0);
        for step in &path.steps {
            intercepts.push(step.intercept);
            rows.extend(step.coefficients.places.iter().map(|j| *j as usize));
            values.extend_from_slice(&step.coefficients.values);
            starts.push(rows.len() - before);
        }
    }
    if i32::try_from(rows.len()).is_err() {
        return Err(savvy::Error::new(format!(
            "{} coefficients are more than a sparse matrix of R can hold; ask for fewer lambda",
            rows.len()
        )));
    }
    let explained = paths[0].steps.iter().map(|s| s.explained).collect();
    let mut out = Record::default();
    out.reals("a0", intercepts)
        .integers("p", starts)
        .integers("i", rows)
        .reals("x", values)
        .reals("lambda", paths[0].lambdas())
        .reals("dev_ratio", explained);
    Ok(out)
}

/// A path as a record: coefficients by the slots `p`, `i` and `x` of a sparse matrix.
///
/// # Errors
/// More coefficients than such a matrix has places for.
fn path(fit: &ElasticNet<'_>) -> savvy::Result<Record> {
    record_of(
        std::slice::from_ref(&fit.path),
        (0..fit.path.len()).map(|m| fit.path.nonzero(m)),
        (fit.names(), &fit.counts),
        (fit.bound.rows.rounded().into_iter()).chain(fit.warning()),
        &fit.report,
    )
}

/// The paths of one or more responses as a record, with the numbers of coefficients by λ.
///
/// # Errors
/// As [`solutions`].
pub fn record_of(
    paths: &[Path],
    nonzero: impl Iterator<Item = usize>,
    (names, counts): (&[String], &RowCounts),
    warnings: impl Iterator<Item = String>,
    of: &ElasticNetReport,
) -> savvy::Result<Record> {
    let mut out = solutions(paths)?;
    let relaxed: Option<Vec<Path>> = paths.iter().map(|p| p.relaxed.as_deref().cloned()).collect();
    if let Some(relaxed) = relaxed {
        out.inner("relaxed", solutions(&relaxed)?);
    }
    out.integers("df", nonzero)
        .real("nulldev", paths[0].null_deviance)
        .real("sweeps", paths[0].sweeps as f64)
        .real("jerr", error_number(paths[0].end))
        .texts("names", names.to_vec())
        .real("omitted", counts.omitted as f64)
        .texts("warnings", warnings.collect())
        .inner("report", report(of));
    Ok(out)
}

/// The record of a computation.
fn report(of: &ElasticNetReport) -> Record {
    let mut out = Record::default();
    out.texts("algorithm", vec![of.algorithm.clone()])
        .texts("reading", vec![of.reading.clone()])
        .texts("planned", vec![of.planned.clone()])
        .texts("device", vec![of.device.clone()])
        .texts("precision", vec![of.precision.clone()])
        .real("sweeps", of.sweeps as f64)
        .real("violation", of.violation)
        .texts("end", vec![of.end.reason().into()])
        .texts("computed", of.computed.clone())
        .inner("passes", passes(&of.passes));
    out
}

/// Reads a cross-validation: a path, and `alphas`, `gammas`, `keep`, `measure`, `fraction`, `grouped`, `repeats`, `folds` (from 0, one for each row; empty where
/// the library draws `nfolds` of them by `seed`).
///
/// # Errors
/// An element that is not there; a measure that is none.
fn cross_validation(description: &ListSexp) -> savvy::Result<CrossValidationSpec> {
    let elements = Elements(description);
    let model = spec(description)?;
    let folds = elements.integers("folds")?;
    Ok(CrossValidationSpec {
        folds: match folds.is_empty() {
            true => Folds::Drawn {
                count: u32::try_from(elements.integer("nfolds")?).unwrap_or(0),
                seed: elements.real("seed")? as u64,
            },
            false => Folds::Given(
                folds
                    .iter()
                    .map(|f| u32::try_from(*f).unwrap_or(u32::MAX))
                    .collect(),
            ),
        },
        repeats: u32::try_from(elements.integer("repeats")?).unwrap_or(0),
        alphas: elements.reals("alphas")?,
        gammas: elements.reals("gammas")?,
        keep: elements.flag("keep")?,
        measure: match elements.text("multi")?.as_str() {
            "" => model.measure(&elements.text("measure")?)?,
            // read where the family is
            _ => Measure::Deviance,
        },
        over: match elements.flag("grouped")? {
            true => ErrorsOver::Folds,
            false => ErrorsOver::Rows,
        },
        alignment: match elements.flag("fraction")? {
            true => Alignment::Fraction,
            false => Alignment::Lambda,
        },
        ..CrossValidationSpec::new(model)
    })
}

/// A cross-validation as a record, `fit` being its path.
///
/// # Errors
/// Those of [`path`].
fn curves(found: &CrossValidation<'_>) -> savvy::Result<Record> {
    let grid: Vec<(f64, &Curve)> = found.grid.iter().map(|(alpha, _, c)| (*alpha, c)).collect();
    let mut out = curve(&found.curve, &grid, found.alpha(), path(&found.fit)?);
    if let Some(kept) = &found.held_out {
        out.inner("kept", held_out(kept));
    }
    Ok(out)
}

/// Predictors of held-out rows: `rows`, from 1, and `values`, one model after the other.
pub fn held_out(kept: &HeldOutPredictors) -> Record {
    let mut out = Record::default();
    out.reals("rows", kept.rows.iter().map(|row| (row + 1) as f64).collect())
        .reals("values", kept.values.concat());
    out
}

/// A curve, the curves of each α that was compared, and the path of the best.
pub fn curve(curve: &Curve, of_alphas: &[(f64, &Curve)], alpha: f64, fit: Record) -> Record {
    let place = |choice| curve.index(choice) + 1;
    let mut grid = Record::default();
    let least = |of: &dyn Fn(usize, &Curve) -> f64| -> Vec<f64> {
        of_alphas.iter().map(|(_, c)| of(c.best, c)).collect()
    };
    grid.reals("alpha", of_alphas.iter().map(|(alpha, _)| *alpha).collect())
        .reals("lambda.min", least(&|m, c| c.lambdas[m]))
        .reals("cvm", least(&|m, c| c.errors[m]))
        .reals("cvsd", least(&|m, c| c.std_errors[m]));
    let mut out = Record::default();
    out.reals("lambda", curve.lambdas.clone())
        .reals("cvm", curve.errors.clone())
        .reals("cvsd", curve.std_errors.clone())
        .integers("nzero", curve.nonzero.iter().copied())
        .integers("index", [place(Choice::Best), place(Choice::OneError)])
        .real("alpha", alpha)
        .inner("grid", grid)
        .inner("fit", fit);
    if let Some(relaxed) = &curve.relaxed {
        out.inner("relaxed", mixtures(relaxed));
    }
    out
}

/// The curves of mixtures with relaxed fits, one γ after the other; `index` has the places of λ and γ of the least error, then of the other choice.
fn mixtures(of: &RelaxedCurves) -> Record {
    let all = |part: fn(&Curve) -> &Vec<f64>| of.curves.iter().flat_map(part).copied().collect();
    let index = [of.best, of.one_error]
        .into_iter()
        .flat_map(|at| [at.lambda + 1, at.gamma + 1]);
    let mut out = Record::default();
    out.reals("gamma", of.gammas.clone())
        .reals("cvm", all(|c| &c.errors))
        .reals("cvsd", all(|c| &c.std_errors))
        .integers("index", index);
    out
}

/// Has `fit` read the columns, and before them those of the sparse matrix in the element `sparse`, where there is one: its slots `p`, `i` and `x`,
/// `rows` and `names`.
///
/// # Errors
/// A matrix that is none; those of `fit`.
fn over<T>(
    description: &ListSexp,
    columns: &RSource,
    fit: impl FnOnce(&dyn Source) -> savvy::Result<T>,
) -> savvy::Result<T> {
    let Some(TypedSexp::List(slots)) = Elements(description).get("sparse") else {
        return fit(columns);
    };
    let slots = Elements(&slots);
    let (Some(TypedSexp::Integer(p)), Some(TypedSexp::Integer(i)), Some(TypedSexp::Real(x))) =
        (slots.get("p"), slots.get("i"), slots.get("x"))
    else {
        return Err(savvy::Error::new(
            "`p`, `i` and `x` must be the slots of a dgCMatrix",
        ));
    };
    let rows = usize::try_from(slots.integer("rows")?).unwrap_or(0);
    let sparse = Sparse::new(rows, p.as_slice(), i.as_slice(), x.as_slice()).map_err(ModelError::from)?;
    let frame = SparseFrame::new(sparse, slots.texts("names")?, columns).map_err(ModelError::from)?;
    fit(&frame)
}

/// The path of an elastic net over columns.
///
/// @noRd
#[savvy]
fn penalized(columns: ListSexp, description: ListSexp, options: ListSexp) -> savvy::Result<Sexp> {
    let options = Options::new(&options)?;
    let place = named(&options.device)?;
    let source = RSource::new(&columns)?;
    let spec = spec(&description)?;
    let found = over(&description, &source, |all| {
        let sparse = matches!(Elements(&description).get("sparse"), Some(TypedSexp::List(_)));
        let load = if sparse {
            options.large()
        } else {
            options.load(&source)
        };
        if let Some(spec) = glmnet_multi::spec(&description, spec.clone())? {
            let fit = background::run(load, |monitor| multi_net(&spec, all, Run::on(place, monitor)))?;
            return glmnet_multi::path(&fit);
        }
        let fit = background::run(load, |monitor| elastic_net(&spec, all, Run::on(place, monitor)))?;
        path(&fit)
    })?;
    found.into_list()?.into()
}

/// The same path, cross-validated.
///
/// @noRd
#[savvy]
fn penalized_folds(columns: ListSexp, description: ListSexp, options: ListSexp) -> savvy::Result<Sexp> {
    let options = Options::new(&options)?;
    let place = named(&options.device)?;
    let source = RSource::new(&columns)?;
    let spec = cross_validation(&description)?;
    let found = over(&description, &source, |all| {
        let large = options.large();
        if let Some(model) = glmnet_multi::spec(&description, spec.model.clone())? {
            let measure = model.family.measure(&Elements(&description).text("measure")?)?;
            let spec = MultiValidationSpec::new(model, spec.measure(measure));
            let found = background::run(large, |monitor| {
                cross_validate_multi(&spec, all, Run::on(place, monitor))
            })?;
            return glmnet_multi::curves(&found);
        }
        let found = background::run(large, |monitor| {
            cross_validate(&spec, all, Run::on(place, monitor))
        })?;
        curves(&found)
    })?;
    found.into_list()?.into()
}
