//! Elastic nets of several responses against glmnet's answers: the cases `mgaussian` and `multinomial` of `accuracy/oracle/glmnet.R`.

use nelder::frame::Source;
use nelder::model::{
    ElasticNetSpec, Folds, MultiFamily, MultiNetSpec, MultiPath, MultiValidationSpec, Path,
    cross_validate_multi, multi_net,
};
use nelder::pass::{NoProgress, Run};
use nelder_conformance::place;
use serde_json::Value;

use crate::glmnet::{check_places, check_refusal, difference, folds_of, known, numbers, texts};
use crate::glmnet_relax;

/// Names of responses or classes, in the order of the answers.
fn names(case: &Value) -> Vec<String> {
    let options = &case["options"];
    match &case["expected"]["classnames"] {
        Value::Null => texts(&options["y"]).iter().map(ToString::to_string).collect(),
        named => texts(named).iter().map(ToString::to_string).collect(),
    }
}

fn compare(what: &str, ours: &[f64], theirs: &[f64], most: f64, wrong: &mut Vec<String>) {
    let found = difference(ours, theirs);
    if ours.len() != theirs.len() || !(found <= most) {
        wrong.push(format!("{what}: off by {found:.1e}: {ours:?}, R {theirs:?}"));
    }
}

fn check_path(case: &Value, path: &MultiPath, found: &[String], wrong: &mut Vec<String>) {
    let (options, e) = (&case["options"], &case["expected"]);
    if found != names(case) {
        return wrong.push(format!("responses {found:?}, R {:?}", names(case)));
    }
    let lambda = numbers(&e["lambda"], f64::NAN);
    let first = path.first();
    if path.len() != lambda.len() {
        return wrong.push(format!("{} λ, R {} ({:?})", path.len(), lambda.len(), first.end));
    }
    // a ridge has coefficients at glmnet's infinite first λ that are nothing
    let ridge = options["alpha"].as_f64().unwrap_or(1.0) == 0.0 && options["lambda"].is_null();
    let from = usize::from(lambda[0] > 1e30 || ridge);
    let answers = |key: &str| numbers(&e[key], f64::NAN);
    let unique = case["unique"] == true;
    // where working weights all but vanish, a KKT residual of 1e-9 moves coefficients by more
    let flat = case["name"].as_str().unwrap().contains("rare");
    // glmnet's own residuals are up to 1e-10 for classes, whose steps contract slowly, and ours below 1e-11
    let classes = options["family"] == "multinomial";
    let (most, residual) = match (flat, classes) {
        (true, _) => (1e-6, 1e-9),
        (_, true) => (5e-8, 1e-11),
        _ => (1e-8, 1e-9),
    };
    compare("λ", &first.lambdas()[from..], &lambda[from..], 1e-9, wrong);
    let df: Vec<f64> = (0..path.len()).map(|m| path.nonzero(m) as f64).collect();
    compare("df", &df[from..], &answers("df")[from..], 0.0, wrong);
    let explained: Vec<f64> = first.steps.iter().map(|s| s.explained).collect();
    compare(
        "dev.ratio",
        &explained[from..],
        &answers("dev_ratio")[from..],
        most,
        wrong,
    );
    compare(
        "nulldev",
        &[first.null_deviance],
        &answers("nulldev"),
        1e-9,
        wrong,
    );
    let selected = answers("selected");
    for (k, (own, name)) in path
        .responses
        .iter()
        .zip(names(case))
        .enumerate()
        .filter(|_| unique)
    {
        let df: Vec<f64> = (0..own.len()).map(|m| own.nonzero(m) as f64).collect();
        let theirs = numbers(&e["dfmat"][k], f64::NAN);
        compare(&format!("df of {name}"), &df[from..], &theirs[from..], 0.0, wrong);
        let intercepts: Vec<f64> = own.steps.iter().map(|s| s.intercept).collect();
        let (ours, theirs) = known(&intercepts[from..], &numbers(&e["a0"][k], f64::NAN)[from..]);
        compare(&format!("a0 of {name}"), &ours, &theirs, most, wrong);
        for (row, at) in e["beta"][&name].as_array().unwrap().iter().zip(&selected) {
            let m = *at as usize - 1;
            let theirs = numbers(row, f64::NAN);
            let ours: Vec<f64> = (0..theirs.len())
                .map(|j| own.steps[m].coefficients.get(j))
                .collect();
            if m >= from {
                compare(&format!("beta of {name} at {at}"), &ours, &theirs, most, wrong);
            }
        }
    }
    let worst = first.steps.iter().map(|s| s.violation).fold(0.0, f64::max);
    if !(worst < residual) {
        wrong.push(format!("KKT residual {worst:.1e}"));
    }
}

/// Checks a case of several responses.
pub(crate) fn check(
    case: &Value,
    net: ElasticNetSpec,
    family: MultiFamily,
    source: Box<dyn Source>,
    wrong: &mut Vec<String>,
) {
    let options = &case["options"];
    let mut net = net;
    let offsets = texts(&options["offset"])
        .iter()
        .map(ToString::to_string)
        .collect();
    net.design.offset = None;
    let spec = MultiNetSpec {
        offsets,
        ..MultiNetSpec::new(
            net,
            match family {
                MultiFamily::Gaussian { .. } => MultiFamily::Gaussian {
                    standardize: options["standardize_response"] == true,
                },
                MultiFamily::Multinomial { .. } => MultiFamily::Multinomial {
                    grouped: options["type_multinomial"] == "grouped",
                },
            },
        )
    };
    let run = || Run::on(place(), &NoProgress);
    let refused = !case["error"].is_null();
    if case["kind"] == "relax" {
        return match multi_net(&spec, source, run()) {
            Err(error) => check_refusal(case, &error, wrong),
            Ok(fit) => {
                let paths: Vec<&Path> = fit.path.responses.iter().collect();
                glmnet_relax::check_paths(case, &paths, Some(&fit.responses), wrong);
            }
        };
    }
    if case["kind"] == "glmnet" {
        return match multi_net(&spec, source, run()) {
            Err(error) => check_refusal(case, &error, wrong),
            Ok(_) if refused => wrong.push(format!("no error, R has `{}`", case["error"])),
            Ok(fit) => check_path(case, &fit.path, &fit.responses, wrong),
        };
    }
    check_folds(case, spec, source, wrong);
}

/// Checks the folds of a path of several responses.
fn check_folds(case: &Value, spec: MultiNetSpec, source: Box<dyn Source>, wrong: &mut Vec<String>) {
    let (options, e) = (&case["options"], &case["expected"]);
    let folds = match Folds::of_column(&source, texts(&options["fold"])[0]) {
        Ok(folds) => folds,
        Err(error) => return check_refusal(case, &error, wrong),
    };
    let measure = spec
        .family
        .measure(options["measure"].as_str().unwrap_or("default"));
    let wanted = folds_of(options, spec.net.clone())
        .folds(folds)
        .measure(measure.unwrap());
    let wanted = MultiValidationSpec::new(spec, wanted);
    let found = match cross_validate_multi(&wanted, source, Run::on(place(), &NoProgress)) {
        Err(error) => return check_refusal(case, &error, wrong),
        Ok(_) if !case["error"].is_null() => {
            return wrong.push(format!("no error, R has `{}`", case["error"]));
        }
        Ok(found) => found,
    };
    let curve = &found.curve;
    if case["kind"] == "cv.relax" {
        return glmnet_relax::check_curves(case, curve, wrong);
    }
    if options["keep"] == true {
        glmnet_relax::check_kept(case, found.held_out.as_ref(), found.fit.responses.len(), wrong);
    }
    compare("λ", &curve.lambdas, &numbers(&e["lambda"], f64::NAN), 1e-9, wrong);
    compare("cvm", &curve.errors, &numbers(&e["cvm"], f64::NAN), 1e-7, wrong);
    let errors = numbers(&e["cvsd"], f64::NAN);
    compare("cvsd", &curve.std_errors, &errors, 1e-7, wrong);
    check_places(curve, e, wrong);
}
