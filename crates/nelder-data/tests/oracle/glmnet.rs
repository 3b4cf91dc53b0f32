//! Elastic nets against glmnet's answers: the cases of `accuracy/oracle/glmnet.R`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nelder::model::{
    Alignment, CrossValidationSpec, ElasticNetSpec, ErrorsOver, Folds, LambdaSequence, Measure, ModelError,
    MultiFamily, Path, PerColumn, cross_validate, elastic_net,
};
use nelder::pass::{NoProgress, Run};
use nelder_conformance::place;
use serde_json::Value;

use crate::glmnet_multi;

/// Families and measures that are not there yet, with the number of their cases.
const MISSING: [(&str, usize); 2] = [("auc", 6), ("cox", 18)];

/// Cases that are answered otherwise, and why.
const OTHERWISE: [(&str, &str); 5] = [
    ("refused, one column", "a path of one column is as good as others"),
    ("alpha above one", "refused; glmnet takes 1 with a warning"),
    ("alpha below zero", "refused; glmnet takes 0 with a warning"),
    (
        "poisson, pmax",
        "a column that was active on the way to a solution, and is not there, counts in glmnet",
    ),
    (
        "Gamma(log), constant columns and penalty factors",
        "the factor of a constant column is one for glmnet's family objects, and its own for its other families, and here",
    ),
];

pub(crate) fn folder() -> PathBuf {
    // elsewhere in a bundle
    let accuracy = std::env::var_os("NELDER_ACCURACY").map(PathBuf::from);
    let here = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../accuracy");
    accuracy.unwrap_or_else(here).join("oracle")
}

/// Numbers, `null` for what is infinite.
pub(crate) fn numbers(value: &Value, null: f64) -> Vec<f64> {
    match value {
        Value::Array(all) => all.iter().map(|v| v.as_f64().unwrap_or(null)).collect(),
        Value::Null => vec![null],
        one => vec![one.as_f64().unwrap_or(null)],
    }
}

pub(crate) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect(),
    }
}

/// The family as it is called here.
pub(crate) fn family(options: &Value) -> &str {
    let name = options["family"].as_str().unwrap();
    name.strip_prefix("MASS::").unwrap_or(name)
}

/// True for `family()` as against `"family"`.
fn is_object(options: &Value) -> bool {
    options["family"].as_str().unwrap().contains('(')
}

pub(crate) fn spec(options: &Value) -> ElasticNetSpec {
    let y = texts(&options["y"]);
    let response = match (y.as_slice(), is_object(options)) {
        ([one], _) => (*one).to_string(),
        // of two columns glmnet's own family has the second as its success, and a family object the first
        ([a, b], true) => format!("cbind({a}, {b})"),
        ([a, b], false) => format!("cbind({b}, {a})"),
        (several, _) => format!("cbind({})", several.join(", ")),
    };
    let intercept = if options["intercept"] == false { "0 + " } else { "" };
    let formula = format!("{response} ~ {intercept}{}", texts(&options["x"]).join(" + "));
    let mut spec = ElasticNetSpec::new(&formula);
    // families of several responses are specified beside
    if MultiFamily::parse(family(options)).is_none() {
        spec = spec.family(family(options).parse().unwrap());
    }
    let column = |key: &str| texts(&options[key]).first().map(|t| (*t).to_string());
    spec.design.weights = column("weights");
    spec.design.offset = column("offset");
    spec.alpha = options["alpha"].as_f64().unwrap_or(1.0);
    spec.lambda = match &options["lambda"] {
        Value::Null => LambdaSequence::Automatic {
            count: options["nlambda"].as_u64().unwrap_or(100) as usize,
            ratio: options["lambda_min_ratio"].as_f64(),
        },
        given => {
            let mut given = numbers(given, f64::NAN);
            given.sort_by(|a, b| b.total_cmp(a));
            LambdaSequence::Given(given)
        }
    };
    spec.standardize = options["standardize"] != false;
    let per_column = |key: &str, null: f64| match &options[key] {
        Value::Null => PerColumn::Default,
        value => match numbers(value, null).as_slice() {
            [one] => PerColumn::All(*one),
            several => PerColumn::Each(several.to_vec()),
        },
    };
    spec.penalty_factors = per_column("penalty_factor", f64::INFINITY);
    spec.lower = per_column("lower", f64::NEG_INFINITY);
    spec.upper = per_column("upper", f64::INFINITY);
    let x = texts(&options["x"]);
    let excluded = numbers(&options["exclude"], f64::NAN);
    let name = |k: f64| {
        x.get(k as usize - 1)
            .map_or_else(|| format!("V{k}"), |n| (*n).to_string())
    };
    spec.exclude = excluded.into_iter().filter(|k| k.is_finite()).map(name).collect();
    spec.most_nonzero = options["dfmax"].as_u64().map(|n| n as usize);
    spec.most_active = options["pmax"].as_u64().map(|n| n as usize);
    // a family object's Gaussian path is of the objective as it is printed
    spec.printed = is_object(options);
    spec.threshold = 1e-20;
    spec
}

/// Largest |a − b| over the largest |b|.
pub(crate) fn difference(a: &[f64], b: &[f64]) -> f64 {
    let size = b
        .iter()
        .filter(|v| v.is_finite())
        .fold(0.0_f64, |m, v| m.max(v.abs()));
    let largest = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    if size == 0.0 { largest } else { largest / size }
}

/// Entries at which both have numbers.
pub(crate) fn known(ours: &[f64], theirs: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let both = ours.iter().zip(theirs).filter(|(_, b)| b.is_finite());
    both.map(|(a, b)| (*a, *b)).unzip()
}

fn check_path(case: &Value, path: &Path, wrong: &mut Vec<String>) {
    let (options, e) = (&case["options"], &case["expected"]);
    let lambda = numbers(&e["lambda"], f64::NAN);
    if path.len() != lambda.len() {
        return wrong.push(format!("{} λ, R {} ({:?})", path.len(), lambda.len(), path.end));
    }
    // glmnet's first λ is infinite, and written as such in short paths; a ridge has coefficients there that are nothing
    let ridge = options["alpha"].as_f64().unwrap_or(1.0) == 0.0 && options["lambda"].is_null();
    let from = usize::from(lambda[0] > 1e30 || ridge);
    let compare = |what: &str, ours: &[f64], theirs: &[f64], most: f64, wrong: &mut Vec<String>| {
        let found = difference(ours, theirs);
        if !(found <= most) {
            wrong.push(format!("{what}: off by {found:.1e}: {ours:?}, R {theirs:?}"));
        }
    };
    // glmnet's outer loop of family objects ends far from the minimum; what it has at the selected λ was taken further
    let object = is_object(options);
    // where working weights all but vanish, a KKT residual of 1e-9 moves coefficients by more
    let flat = ["separable", "rare"]
        .iter()
        .any(|w| case["name"].as_str().unwrap().contains(w));
    let most = if object || flat { 1e-6 } else { 1e-8 };
    compare("λ", &path.lambdas()[from..], &lambda[from..], 1e-9, wrong);
    let df: Vec<f64> = (0..path.len()).map(|m| path.nonzero(m) as f64).collect();
    let unique = case["unique"] == true;
    if unique && !object {
        compare(
            "df",
            &df[from..],
            &numbers(&e["df"], f64::NAN)[from..],
            0.0,
            wrong,
        );
    }
    let explained: Vec<f64> = path.steps.iter().map(|s| s.explained).collect();
    compare(
        "dev.ratio",
        &explained[from..],
        &numbers(&e["dev_ratio"], f64::NAN)[from..],
        most,
        wrong,
    );
    compare(
        "nulldev",
        &[path.null_deviance],
        &numbers(&e["nulldev"], f64::NAN),
        1e-9,
        wrong,
    );
    let intercepts: Vec<f64> = path.steps.iter().map(|s| s.intercept).collect();
    let (ours, theirs) = known(&intercepts[from..], &numbers(&e["a0"], f64::NAN)[from..]);
    if unique {
        compare("a0", &ours, &theirs, most, wrong);
    }
    let selected = numbers(&e["selected"], f64::NAN);
    for (row, at) in e["beta"].as_array().unwrap().iter().zip(&selected) {
        let m = *at as usize - 1;
        let theirs = numbers(row, f64::NAN);
        let ours: Vec<f64> = (0..theirs.len())
            .map(|j| path.steps[m].coefficients.get(j))
            .collect();
        // at the first λ a column enters by what λ is rounded
        if unique && m >= from.max(usize::from(object)) {
            compare(&format!("beta at {at}"), &ours, &theirs, most, wrong);
        }
    }
    let worst = path.steps.iter().map(|s| s.violation).fold(0.0, f64::max);
    if !(worst < 1e-9) {
        wrong.push(format!("KKT residual {worst:.1e}"));
    }
}

pub(crate) fn check_refusal(case: &Value, error: &ModelError, wrong: &mut Vec<String>) {
    if case["error"].is_null() {
        wrong.push(format!("not computed: {error}"));
    }
}

fn check(case: &Value, wrong: &mut Vec<String>) {
    let (options, e) = (&case["options"], &case["expected"]);
    let name = case["data"].as_str().unwrap().trim_start_matches("data/");
    let source = nelder_data::open(&folder().join("data").join(name)).unwrap();
    let mut spec = spec(options);
    if let Some(family) = MultiFamily::parse(family(options)) {
        return glmnet_multi::check(case, spec, family, source, wrong);
    }
    let run = || Run::on(place(), &NoProgress);
    let refused = !case["error"].is_null();
    if case["kind"] == "glmnet" {
        let free = options["penalty_factor"]
            .as_array()
            .is_some_and(|f| f.iter().any(|v| v == 0.0));
        // there the largest λ is one that ignores what is not penalized, or is known to a glm's 1e-8
        let own =
            is_object(options) || (free && spec.alpha == 0.0 && options["type_gaussian"] != "covariance");
        if own && !refused && options["lambda"].is_null() {
            spec.lambda = LambdaSequence::Given(numbers(&e["lambda"], f64::NAN));
        }
        return match elastic_net(&spec, source, run()) {
            Err(error) => check_refusal(case, &error, wrong),
            Ok(_) if refused => wrong.push(format!("no error, R has `{}`", case["error"])),
            Ok(fit) => check_path(case, &fit.path, wrong),
        };
    }
    let folds = Folds::of_column(&source, texts(&options["fold"])[0]);
    let folds = match folds {
        Ok(folds) => folds,
        Err(error) => return check_refusal(case, &error, wrong),
    };
    let measure = match options["measure"].as_str() {
        Some(name) => Measure::parse(name, &spec.family).unwrap(),
        None => Measure::Deviance,
    };
    let wanted = CrossValidationSpec {
        alignment: match options["alignment"].as_str() {
            Some("fraction") => Alignment::Fraction,
            _ => Alignment::Lambda,
        },
        over: match options["grouped"] == false {
            true => ErrorsOver::Rows,
            false => ErrorsOver::Folds,
        },
        ..CrossValidationSpec::new(spec).folds(folds).measure(measure)
    };
    let found = match cross_validate(&wanted, source, run()) {
        Err(error) => return check_refusal(case, &error, wrong),
        Ok(_) if refused => return wrong.push(format!("no error, R has `{}`", case["error"])),
        Ok(found) => found,
    };
    let (ours, theirs) = (&found.curve, numbers(&e["lambda"], f64::NAN));
    if ours.lambdas.len() != theirs.len() {
        return wrong.push(format!("{} λ, R {}", ours.lambdas.len(), theirs.len()));
    }
    let limit = if is_object(options) { 1e-6 } else { 1e-7 };
    for (what, ours, theirs) in [
        ("cvm", &ours.errors, &e["cvm"]),
        ("cvsd", &ours.std_errors, &e["cvsd"]),
    ] {
        let off = difference(ours, &numbers(theirs, f64::NAN));
        if !(off <= limit) {
            wrong.push(format!("{what}: off by {off:.1e}"));
        }
    }
    for (what, ours, theirs) in [
        ("min", ours.best, &e["index_min"]),
        ("1se", ours.one_error, &e["index_1se"]),
    ] {
        if theirs.as_u64() != Some(ours as u64 + 1) {
            wrong.push(format!("index of lambda.{what}: {}, R {theirs}", ours + 1));
        }
    }
}

#[test]
fn paths_and_folds_are_glmnets() {
    let text = std::fs::read_to_string(folder().join("glmnet.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let (mut failures, mut missing) = (Vec::new(), BTreeMap::new());
    let only = std::env::var("NELDER_CASE").ok();
    for case in all["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let family = case["options"]["family"].as_str().unwrap();
        let measure = case["options"]["measure"].as_str().unwrap_or_default();
        if let Some((own, _)) = MISSING.iter().find(|(own, _)| [family, measure].contains(own)) {
            *missing.entry(*own).or_insert(0) += 1;
            continue;
        }
        if OTHERWISE.iter().any(|(own, _)| *own == name) {
            continue;
        }
        let mut wrong = Vec::new();
        check(case, &mut wrong);
        failures.extend(wrong.into_iter().map(|w| format!("{name}: {w}")));
    }
    let cut: Vec<String> = failures.iter().map(|f| f.chars().take(400).collect()).collect();
    assert!(cut.is_empty(), "{} wrong:\n{}", cut.len(), cut.join("\n"));
    if only.is_none() {
        let found: Vec<(&str, usize)> = missing.into_iter().collect();
        assert_eq!(found, MISSING);
    }
}
