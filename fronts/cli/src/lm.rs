//! `nelder lm`.

use std::io::Write as _;
use std::path::Path;

use nelder::design::Missing;
use nelder::formula::{Contrast, Expr, Formula, deparse_call, parse_expression, parse_formula};
use nelder::model::{Accuracy, Covariance, Inference, LmSpec, ModelError, Regression, Vcov, lm};
use nelder::pass::Run;
use nelder::summary::{linear, print, tidy};
use nelder_data::Destination;

use crate::arguments::{LmOptions, ModelOptions};
use crate::device;
use crate::failure::Failure;
use crate::fit_file::Saved;
use crate::outputs::{all, destinations, write_whole};
use crate::progress::Progress;
use crate::{augment, collate, data, fit_file, interrupt, output};

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
    let place = device::chosen(options.device.as_deref())?;
    collate::set(&options.collate);
    let opened = data::open(&options.data)?;
    data::remark(&opened, &texts(options, &[]), false);
    let [augment, save, tidy] = model_destinations(options)?;
    let progress = Progress::new(options.explain);
    let fit = lm(&spec, &opened, Run::on(place, &progress)).map_err(|e| {
        progress.clear();
        data::unreadable(e, &opened)
    })?;
    let mut report = fit.report().clone();
    let covariances = if kind == Vcov::Iid {
        None
    } else {
        let all = fit.each();
        let found: Result<Vec<Covariance>, _> = all.iter().map(|one| one.vcov(&kind, &progress)).collect();
        let found = found?;
        // the bound is of the errors of equal variances, and these are printed
        report.digits = report.digits.without_std_errors();
        for covariance in &found {
            report.passes.extend(covariance.passes.iter().cloned());
        }
        Some(found)
    };
    let mut written = Vec::new();
    if let Some(destination) = augment {
        let all = fit.each();
        let each = all
            .iter()
            .map(|one| (&*one.estimates().name, one as &dyn Regression));
        let each: Vec<_> = each.collect();
        let done = augment::write(&each, &augment::LINEAR, asked.dfbetas, destination, &progress);
        written.push(done.map(|record| report.passes.push(record)));
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
    let mut tidied = false;
    if let Some(destination) = tidy {
        let done = write_whole(destination, |mut out| tidy::write_csv(&mut out, &summaries));
        tidied = done.is_ok();
        written.push(done);
    }
    let json = || output::json(&summaries, &report);
    written.push(output::deliver(
        options,
        tidied,
        &report,
        progress.plan().as_ref(),
        || print::summaries(&summaries),
        json,
    ));
    for text in fit.bound.rows.rounded() {
        output::note(&format!("nelder: warning: {text}"));
    }
    warn_dropped_contrasts(fit.columns());
    collate::note_reference(&options.collate, fit.columns(), &fit.bound.rows, None);
    all(written)
}

/// Where the outputs of a model go: its rows, the fit, its coefficients.
pub fn model_destinations(options: &ModelOptions) -> Result<[Option<Destination>; 3], Failure> {
    destinations(
        &data::inputs(&options.data)?,
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
    let data = ("data", data::name(&options.data));
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

/// The texts of a model in which columns are named.
pub fn texts<'o>(options: &'o ModelOptions, more: &[&'o Option<String>]) -> Vec<&'o str> {
    let own = [&options.weights, &options.subset, &options.offset];
    let optional = own.into_iter().chain(more.iter().copied());
    let mut texts = vec![options.formula.as_str(), options.vcov.as_str()];
    texts.extend(optional.flatten().map(String::as_str));
    texts
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

/// Treatment of rows with missing values that a word of `--na` names.
pub fn missing(na: &str) -> Missing {
    match na {
        "exclude" => Missing::Exclude,
        "fail" => Missing::Fail,
        _ => Missing::Omit,
    }
}

/// Accuracy that a word of `--precision` names.
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
    spec.contrasts = contrasts(&options.contrasts)?;
    Ok(spec)
}

/// Contrasts that `--contrasts` names, by variable.
pub fn contrasts(texts: &[String]) -> Result<Vec<(String, Contrast)>, Failure> {
    let mut found = Vec::new();
    for text in texts.iter().flat_map(|all| split_outside(all, ',')) {
        let mut parts = split_outside(text, '=').into_iter();
        let (Some(name), true) = (parts.next(), parts.next().is_some()) else {
            return Err(Failure::Usage(format!("--contrasts {text}: write name=sum")));
        };
        let kind = text[name.len() + 1..].trim();
        let contrast =
            Contrast::read(kind).map_err(|e| Failure::Usage(format!("--contrasts {text}: {e}")))?;
        found.push((name.trim().to_string(), contrast));
    }
    Ok(found)
}

/// The parts of a text between separators that stand outside of parentheses and quotes.
fn split_outside(text: &str, separator: char) -> Vec<&str> {
    let (mut depth, mut quote, mut from, mut parts) = (0usize, None, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, _) if c == separator && depth == 0 => {
                parts.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// Says which factors lost contrasts that were for all of their levels.
pub fn warn_dropped_contrasts(columns: &nelder::design::Columns) {
    for factor in &columns.dropped_contrasts {
        let _ = writeln!(
            std::io::stderr(),
            "nelder: warning: contrasts dropped from factor {factor} due to missing levels"
        );
    }
}
