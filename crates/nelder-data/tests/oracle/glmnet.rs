//! Elastic nets against glmnet's answers: the cases of `accuracy/oracle/glmnet.R`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use nelder::frame::{Batch, Column, Frame, Source};
use nelder::model::{
    Alignment, CrossValidationSpec, Curve, ElasticNetSpec, ErrorsOver, Folds, LambdaSequence, Measure,
    ModelError, MultiFamily, Path, PerColumn, Reading, Relaxing, Ties, cross_validate, elastic_net,
};
use nelder::pass::{NoProgress, Run};
use nelder_conformance::place;
use serde_json::Value;

use crate::{glmnet_multi, glmnet_relax};

/// Families and measures that are not there yet, with the number of their cases.
const MISSING: [(&str, usize); 0] = [];

/// Cases that are answered otherwise, and why.
const OTHERWISE: [(&str, &str); 6] = [
    (
        "folds, gaussian, a measure of others",
        "refused; glmnet takes the squared error with a warning",
    ),
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
    let cox = family(options) == "cox";
    let response = match (y.as_slice(), is_object(options)) {
        _ if cox => format!("Surv({})", y.join(", ")),
        ([one], _) => (*one).to_string(),
        // of two columns glmnet's own family has the second as its success, and a family object the first
        ([a, b], true) => format!("cbind({a}, {b})"),
        ([a, b], false) => format!("cbind({b}, {a})"),
        (several, _) => format!("cbind({})", several.join(", ")),
    };
    let intercept = if options["intercept"] == false { "0 + " } else { "" };
    let mut formula = format!("{response} ~ {intercept}{}", texts(&options["x"]).join(" + "));
    if let Some(stratum) = options["strata"].as_str() {
        formula += &format!(" + strata({stratum})");
    }
    let mut spec = ElasticNetSpec::new(&formula);
    if cox {
        spec.cox = Some(Ties::Breslow);
    } else if MultiFamily::parse(family(options)).is_none() {
        // families of several responses are specified beside
        spec.family = family(options).parse().unwrap();
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
    let relaxed = options["gamma"].is_array();
    spec.relax = relaxed.then_some(Relaxing {
        most_columns: options["maxp"].as_u64().map(|n| n as usize),
    });
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
    // where a path is of glmnet's own λ, its first is what the columns enter at, to rounding
    let cox = family(options) == "cox" && options["lambda"].is_null();
    let from = usize::from(lambda[0] > 1e30 || ridge || cox);
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
    if case["error"].is_null() || error.to_string().contains(BY_ROWS) {
        wrong.push(format!("not computed: {error}"));
    }
}

/// The file of a case, and the columns of it in memory where they are to be read one by one, whole numbers among them as numbers.
fn source(case: &Value, reading: Reading) -> Box<dyn Source> {
    let name = case["data"].as_str().unwrap().trim_start_matches("data/");
    let file = nelder_data::open(&folder().join("data").join(name)).unwrap();
    if reading != Reading::Columns {
        return Box::new(file);
    }
    let frame = Mutex::new(Frame::new());
    let fields = &file.schema().fields;
    let all: Vec<usize> = (0..fields.len()).collect();
    let visit = |_: usize, batch: Batch<'_>| {
        let mut frame = frame.lock().unwrap();
        assert_eq!(batch.index, 0, "a file of one batch");
        for (field, column) in fields.iter().zip(&batch.columns) {
            let own = std::mem::take(&mut *frame);
            *frame = match column {
                Column::Real(v) => own.with_real(&field.name, v.to_vec().leak()),
                Column::Integer(v) => {
                    let number = |i: &i32| if *i == i32::MIN { f64::NAN } else { f64::from(*i) };
                    own.with_real(&field.name, v.iter().map(number).collect::<Vec<_>>().leak())
                }
                Column::Codes { codes, levels } => {
                    let label = |c: &u32| levels.label(*c);
                    own.with_text(&field.name, &codes.iter().map(label).collect::<Vec<_>>())
                }
                _ => own,
            };
        }
        true
    };
    file.scan(&all, &visit).unwrap();
    Box::new(frame.into_inner().unwrap())
}

/// Refusals of models whose columns cannot be read one by one.
const BY_ROWS: &str = "columns are read one by one where";

fn check(case: &Value, reading: Reading, wrong: &mut Vec<String>) {
    let (options, e) = (&case["options"], &case["expected"]);
    let data = source(case, reading);
    let mut spec = ElasticNetSpec {
        reading,
        ..spec(options)
    };
    if let Some(family) = MultiFamily::parse(family(options)) {
        if reading == Reading::Columns {
            return wrong.push(BY_ROWS.to_string());
        }
        return glmnet_multi::check(case, spec, family, data, wrong);
    }
    let run = || Run::on(place(), &NoProgress);
    let refused = !case["error"].is_null();
    if case["kind"] == "relax" {
        // of their own λ a column enters at the first by rounding; those of Cox models and family objects are not known to the last digits
        if is_object(options) || family(options) == "cox" {
            spec.lambda = LambdaSequence::Given(numbers(&e["lambda"], f64::NAN));
        }
        return match elastic_net(&spec, &data, run()) {
            Err(error) => check_refusal(case, &error, wrong),
            Ok(fit) => glmnet_relax::check_paths(case, &[&fit.path], None, wrong),
        };
    }
    if case["kind"] == "glmnet" {
        if !refused && options["lambda"].is_null() {
            as_known(case, &mut spec, &*data, wrong);
        }
        return match elastic_net(&spec, &data, run()) {
            Err(error) => check_refusal(case, &error, wrong),
            Ok(_) if refused => wrong.push(format!("no error, R has `{}`", case["error"])),
            Ok(fit) => check_path(case, &fit.path, wrong),
        };
    }
    check_folds(case, spec, data, wrong);
}

/// Gives a path glmnet's λ where these are not known to the last digits, or are of another way to read the columns.
fn as_known(case: &Value, spec: &mut ElasticNetSpec, data: &dyn Source, wrong: &mut Vec<String>) {
    let options = &case["options"];
    let lambda = || numbers(&case["expected"]["lambda"], f64::NAN);
    let free = options["penalty_factor"]
        .as_array()
        .is_some_and(|f| f.iter().any(|v| v == 0.0));
    // the first λ of a Gaussian ridge beside what is not penalized depends on how columns are read
    let by_columns = options["type_gaussian"] == "naive";
    let otherwise = free
        && spec.alpha == 0.0
        && family(options) == "gaussian"
        && by_columns != (spec.reading == Reading::Columns);
    // that of a family object is known to a glm's 1e-8
    if is_object(options) || otherwise {
        spec.lambda = LambdaSequence::Given(lambda());
    }
    // of one stratum and times from zero on, glmnet takes the root of lambda.min.ratio with an exponent in single precision
    let rounded = family(options) == "cox" && options["strata"].is_null() && texts(&options["y"]).len() == 2;
    if rounded {
        let run = Run::on(place(), &NoProgress);
        let automatic = elastic_net(spec, data, run).unwrap().path;
        let off = difference(&automatic.lambdas(), &lambda());
        if automatic.len() != lambda().len() || !(off < 1e-8) {
            wrong.push(format!(
                "{} λ, R {}, off by {off:.1e}",
                automatic.len(),
                lambda().len()
            ));
        }
        spec.lambda = LambdaSequence::Given(lambda());
    }
}

/// Checks the folds of a path of one response.
fn check_folds(case: &Value, spec: ElasticNetSpec, data: Box<dyn Source>, wrong: &mut Vec<String>) {
    let (options, e) = (&case["options"], &case["expected"]);
    let folds = match Folds::of_column(&data, texts(&options["fold"])[0]) {
        Ok(folds) => folds,
        Err(error) => return check_refusal(case, &error, wrong),
    };
    let measure = match options["measure"].as_str() {
        Some(name) => spec.measure(name).unwrap(),
        None => Measure::Deviance,
    };
    let wanted = folds_of(options, spec).folds(folds).measure(measure);
    let found = match cross_validate(&wanted, &data, Run::on(place(), &NoProgress)) {
        Err(error) => return check_refusal(case, &error, wrong),
        Ok(_) if !case["error"].is_null() => {
            return wrong.push(format!("no error, R has `{}`", case["error"]));
        }
        Ok(found) => found,
    };
    if case["kind"] == "cv.relax" {
        return glmnet_relax::check_curves(case, &found.curve, wrong);
    }
    if options["keep"] == true {
        glmnet_relax::check_kept(case, found.held_out.as_ref(), 1, wrong);
    }
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
    check_places(ours, e, wrong);
}

/// Folds of a case.
pub(crate) fn folds_of(options: &Value, spec: ElasticNetSpec) -> CrossValidationSpec {
    CrossValidationSpec {
        alignment: match options["alignment"].as_str() {
            Some("fraction") => Alignment::Fraction,
            _ => Alignment::Lambda,
        },
        over: match options["grouped"] == false {
            true => ErrorsOver::Rows,
            false => ErrorsOver::Folds,
        },
        keep: options["keep"] == true,
        gammas: numbers(&options["gamma"], f64::NAN),
        ..CrossValidationSpec::new(spec)
    }
}

/// Checks the places that a curve chooses.
pub(crate) fn check_places(curve: &Curve, expected: &Value, wrong: &mut Vec<String>) {
    for (what, ours, theirs) in [
        ("min", curve.best, &expected["index_min"]),
        ("1se", curve.one_error, &expected["index_1se"]),
    ] {
        if theirs.as_u64() != Some(ours as u64 + 1) {
            wrong.push(format!("index of lambda.{what}: {}, R {theirs}", ours + 1));
        }
    }
}

/// The same of what is read column by column.
const OTHERWISE_BY_COLUMNS: [(&str, &str); 1] = [(
    "binomial, pmax",
    "which columns are active on the way to a solution, and count, depends on the order in which they are looked at",
)];

/// Checks all cases, or the one that is asked for, and returns how many of them were computed.
fn check_all(reading: Reading) -> usize {
    let text = std::fs::read_to_string(folder().join("glmnet.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let (mut failures, mut missing, mut computed) = (Vec::new(), BTreeMap::new(), 0);
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
        let by_columns = reading == Reading::Columns;
        let otherwise = OTHERWISE
            .iter()
            .chain(&OTHERWISE_BY_COLUMNS[..usize::from(by_columns)]);
        if otherwise.into_iter().any(|(own, _)| *own == name) {
            continue;
        }
        let mut wrong = Vec::new();
        check(case, reading, &mut wrong);
        // those of factors or computed columns, and of Cox models, are read by rows
        if by_columns && wrong.iter().any(|w| w.contains(BY_ROWS)) {
            continue;
        }
        computed += 1;
        failures.extend(wrong.into_iter().map(|w| format!("{name}: {w}")));
    }
    let cut: Vec<String> = failures.iter().map(|f| f.chars().take(400).collect()).collect();
    assert!(cut.is_empty(), "{} wrong:\n{}", cut.len(), cut.join("\n"));
    if only.is_none() {
        let found: Vec<(&str, usize)> = missing.into_iter().collect();
        assert_eq!(found, MISSING);
    }
    computed
}

#[test]
fn paths_and_folds_are_glmnets() {
    check_all(Reading::Rows);
}

#[test]
fn paths_of_columns_are_glmnets() {
    let computed = check_all(Reading::Columns);
    assert!(
        computed > 200 || std::env::var("NELDER_CASE").is_ok(),
        "{computed} cases"
    );
}
