//! `nelder lm`.

use std::path::Path;

use nelder::design::Missing;
use nelder::formula::{Contrast, Expr, Formula, deparse_call, parse_expression, parse_formula};
use nelder::model::{Accuracy, Covariance, LmSpec, ModelError, Vcov, lm};
use nelder::summary::{linear, print, tidy};
use nelder_data::Destination;

use crate::arguments::{LmOptions, ModelOptions};
use crate::device::Choice;
use crate::failure::Failure;
use crate::fit_file::Saved;
use crate::outputs::{all, destinations, write_whole};
use crate::progress::Progress;
use crate::{augment, fit_file, interrupt, output};

/// Fits and prints.
pub fn run(asked: &LmOptions) -> Result<(), Failure> {
    let options = &asked.model;
    let spec = spec(options)?;
    let kind: Vcov = options.vcov.parse()?;
    check_level(options.level)?;
    if let Some(path) = &options.augment {
        check_table(path)?;
    }
    // formula and expressions are checked before the file is opened
    let whole = call("lm", options, None, None)?;
    let device = Choice::new(options.device.as_deref())?;
    let opened = nelder_data::open(&options.data)?;
    let [augment, save, tidy] = model_destinations(options)?;
    let placed = device.place(&opened);
    let source = &*placed;
    let progress = Progress::new(options.explain);
    let mut fit = lm(&spec, source, &progress).map_err(|e| {
        progress.clear();
        unreadable(e.into(), opened.unreadable())
    })?;
    let covariances = if kind == Vcov::Iid {
        None
    } else {
        let found: Result<Vec<Covariance>, _> = (0..fit.responses.len())
            .map(|y| fit.vcov(y, &kind, &progress))
            .collect();
        let found = found?;
        for covariance in &found {
            fit.fit.report.passes.extend(covariance.passes.iter().cloned());
        }
        Some(found)
    };
    let mut written = Vec::new();
    if let Some(destination) = augment {
        written.push(augment::write(&mut fit, destination, asked.dfbetas, &progress));
    }
    progress.clear();
    if interrupt::requested() {
        return Err(Failure::Interrupted);
    }
    let mut summaries = linear::summaries(&fit, &whole, options.level, covariances.as_deref());
    if summaries.len() > 1 {
        // R prints each of several responses as if it were the only one
        for summary in &mut summaries {
            summary.call = call("lm", options, None, Some(&summary.response))?;
        }
    }
    if let Some(destination) = save {
        let saved = fit.save().map_err(Failure::from);
        written.push(saved.and_then(|fit| fit_file::write(destination, &Saved::Lm(Box::new(fit)))));
    }
    let report = &fit.fit.report;
    let mut tidied = false;
    if let Some(destination) = tidy {
        let done = write_whole(destination, |mut out| tidy::write_csv(&mut out, &summaries));
        tidied = done.is_ok();
        written.push(done);
    }
    let json = || output::json(&summaries, report);
    written.push(output::deliver(
        options,
        tidied,
        report,
        progress.plan().as_ref(),
        || print::summaries(&summaries),
        json,
    ));
    all(written)
}

/// Where the outputs of a model go: its rows, the fit, its coefficients.
pub fn model_destinations(options: &ModelOptions) -> Result<[Option<Destination>; 3], Failure> {
    destinations(
        &[options.data.as_path()],
        [
            ("--augment", options.augment.as_deref()),
            ("--save", options.save.as_deref()),
            ("--tidy", options.tidy.as_deref()),
        ],
    )
}

/// The call as R would print it.
pub fn call(
    function: &str,
    options: &ModelOptions,
    family: Option<&str>,
    response: Option<&str>,
) -> Result<String, Failure> {
    let mut formula = parse_formula(&options.formula).map_err(ModelError::from)?;
    if let Some(name) = response {
        formula = Formula::new(Some(Expr::Name(name.to_string())), formula.predictors);
    }
    let stem = options
        .data
        .file_stem()
        .map_or("data".into(), |s| s.to_string_lossy());
    let data = ("data", Expr::Name(stem.into_owned()));
    let mut rest = Vec::new();
    // in the order of R's arguments
    let (first, second) = match family {
        None => (("subset", &options.subset), ("weights", &options.weights)),
        Some(_) => (("weights", &options.weights), ("subset", &options.subset)),
    };
    if let Some(text) = family.filter(|t| !t.is_empty()) {
        rest.push(("family", parse_expression(text).map_err(ModelError::from)?));
    }
    rest.push(data);
    for (name, text) in [first, second, ("offset", &options.offset)] {
        if let Some(text) = text {
            rest.push((name, parse_expression(text).map_err(ModelError::from)?));
        }
    }
    Ok(deparse_call(function, &formula, &rest))
}

/// A level of confidence.
pub fn check_level(level: f64) -> Result<(), Failure> {
    match level > 0.0 && level < 1.0 {
        true => Ok(()),
        false => Err(Failure::Usage(format!("--level {level} is not between 0 and 1"))),
    }
}

/// A table that can be written.
pub fn check_table(path: &Path) -> Result<(), Failure> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("parquet" | "pq" | "csv") => Ok(()),
        _ => Err(Failure::Usage(format!(
            "{}: cannot write this kind of file; use .parquet or .csv",
            path.display()
        ))),
    }
}

/// An unknown column may be one that the file has in a type that no model can use.
pub fn unreadable(failure: Failure, columns: &[(String, String)]) -> Failure {
    match failure {
        Failure::Data(what) => {
            let hint = columns
                .iter()
                .find(|(name, _)| what.contains(&format!("`{name}`")))
                .map_or(String::new(), |(name, kind)| {
                    format!("\nthe file has a column `{name}` of type {kind}, which a model cannot use")
                });
            Failure::Data(what + &hint)
        }
        other => other,
    }
}

/// What `--na` says, of the words that it may be.
pub fn missing(na: &str) -> Missing {
    match na {
        "exclude" => Missing::Exclude,
        "fail" => Missing::Fail,
        _ => Missing::Omit,
    }
}

/// What `--precision` says, of the words that it may be.
pub fn accuracy(precision: &str) -> Accuracy {
    match precision {
        "certified" => Accuracy::Certified,
        "f64" => Accuracy::Double,
        "f32" => Accuracy::Single,
        _ => Accuracy::Auto,
    }
}

/// The design that is asked for.
pub fn spec(options: &ModelOptions) -> Result<LmSpec, Failure> {
    let mut spec = LmSpec::new(&options.formula);
    spec.weights = options.weights.clone();
    spec.subset = options.subset.clone();
    spec.offset = options.offset.clone();
    spec.tol = options.tol;
    spec.missing = missing(&options.na);
    spec.accuracy = accuracy(&options.precision);
    spec.fingerprint = options.save.is_some();
    for text in &options.contrasts {
        let Some((name, kind)) = text.split_once('=') else {
            return Err(Failure::Usage(format!("--contrasts {text}: write name=sum")));
        };
        let contrast =
            Contrast::parse(kind.trim()).map_err(|e| Failure::Usage(format!("--contrasts {text}: {e}")))?;
        spec.contrasts.push((name.trim().to_string(), contrast));
    }
    Ok(spec)
}
