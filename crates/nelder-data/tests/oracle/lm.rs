//! Linear models against R's answers: the cases of `accuracy/oracle`.

use std::path::PathBuf;

use nelder::formula::Contrast;
use nelder::frame::Source;
use nelder::model::{LmSpec, Regression, lm};
use nelder::pass::{NoProgress, Run};
use nelder_conformance::place;
use serde_json::Value;

fn folder() -> PathBuf {
    // elsewhere in a bundle
    let accuracy = std::env::var_os("NELDER_ACCURACY").map(PathBuf::from);
    let here = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../accuracy");
    accuracy.unwrap_or_else(here).join("oracle")
}

fn spec(case: &Value, source: &dyn Source) -> LmSpec {
    let options = &case["options"];
    let text = |key: &str| options[key].as_str().map(str::to_string);
    let mut spec = LmSpec::new(case["formula"].as_str().unwrap());
    spec.weights = text("weights");
    spec.offset = text("offset");
    spec.subset = text("subset");
    spec.tol = options["tol"].as_f64();
    if let Some(contrasts) = options["contrasts"].as_object() {
        for (variable, kind) in contrasts {
            let kind = kind.as_str().unwrap();
            let contrast = if kind.ends_with("SAS") {
                // the last level as base
                let levels = source_levels(source, variable);
                Contrast::Treatment { base: levels - 1 }
            } else {
                Contrast::parse(kind).unwrap()
            };
            spec.contrasts.push((variable.clone(), contrast));
        }
    }
    spec
}

fn source_levels(source: &dyn Source, name: &str) -> usize {
    let at = source.schema().position(name).unwrap();
    let found = std::sync::Mutex::new(0);
    source
        .scan(&[at], &|_, batch| {
            if let nelder::frame::Column::Codes { levels, .. } = &batch.columns[0] {
                *found.lock().unwrap() = levels.len();
            }
            true
        })
        .unwrap();
    found.into_inner().unwrap()
}

/// Differences beyond the tolerance, relative to the largest number of the list.
fn compare(what: &str, ours: &[f64], theirs: &Value, tolerance: f64, wrong: &mut Vec<String>) {
    let list = match theirs {
        Value::Array(list) => list.clone(),
        single => vec![single.clone()],
    };
    if list.len() != ours.len() {
        wrong.push(format!("{what}: {} numbers, R has {}", ours.len(), list.len()));
        return;
    }
    for (i, (&x, truth)) in ours.iter().zip(&list).enumerate() {
        match truth.as_f64() {
            None if x.is_finite() => wrong.push(format!("{what}[{i}]: {x:e}, R has none")),
            None => {}
            Some(t) => {
                let error = (x - t).abs();
                if !(error <= tolerance * t.abs().max(f64::MIN_POSITIVE)) {
                    wrong.push(format!(
                        "{what}[{i}]: {x:e}, R {t:e}, relative {:.1e} > {tolerance:.1e}",
                        error / t.abs()
                    ));
                }
            }
        }
    }
}

fn check(case: &Value, wrong: &mut Vec<String>) {
    let source = nelder_data::open(&folder().join(case["data"].as_str().unwrap())).unwrap();
    let spec = spec(case, &source);
    let fit = match lm(&spec, &source, Run::on(place(), &NoProgress)) {
        Ok(fit) => fit,
        Err(e) => return wrong.push(format!("not fitted: {e}")),
    };
    let blocks: Vec<&Value> = match case["kind"].as_str() {
        Some("mlm") => case["responses"].as_array().unwrap().iter().collect(),
        _ => vec![case],
    };
    // a coefficient may be the small difference of large ones, which `noise` does not know: its standard error
    // is the scale on which its digits mean something
    let tolerance = (64.0 * f64::EPSILON * case["noise"].as_f64().unwrap_or(1.0)).max(1e-13);
    for (r, block) in fit.responses.iter().zip(blocks) {
        let e = if block["expected"].is_object() {
            &block["expected"]
        } else {
            block
        };
        let names: Vec<&str> = e["terms"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap())
            .collect();
        if names != fit.coefnames() {
            return wrong.push(format!("names: {:?}, R {names:?}", fit.coefnames()));
        }
        let estimates = e["estimate"].as_array().unwrap();
        for (i, (&x, t)) in r.coefficients.iter().zip(estimates).enumerate() {
            match t.as_f64() {
                None if !x.is_nan() => wrong.push(format!("estimate of {}: {x:e}, R has NA", names[i])),
                None => {}
                Some(t) => {
                    let mut scale = t.abs().max(e["std_error"][i].as_f64().unwrap_or(0.0));
                    if case["perfect"].as_bool() == Some(true) {
                        // a coefficient that is zero but for R's rounding of the response
                        scale = scale.max(case["scale"].as_f64().unwrap_or(0.0));
                    }
                    let error = (x - t).abs();
                    if !(error <= tolerance * scale) {
                        wrong.push(format!(
                            "estimate of {}: {x:e}, R {t:e}, error {:.1e} of its scale > {tolerance:.1e}",
                            names[i],
                            error / scale
                        ));
                    }
                }
            }
        }
        compare(
            "df_residual",
            &[fit.df_residual as f64],
            &e["df_residual"],
            0.0,
            wrong,
        );
        compare("nobs", &[fit.rows() as f64], &e["nobs"], 0.0, wrong);
        if case["perfect"].as_bool() == Some(true) {
            continue;
        }
        compare("std_error", &r.std_errors, &e["std_error"], tolerance, wrong);
        if e.get("sigma").is_some() {
            compare("sigma", &[r.sigma], &e["sigma"], tolerance, wrong);
            compare("deviance", &[r.rss], &e["deviance"], 2.0 * tolerance, wrong);
            compare("log_lik", &[r.log_lik], &e["log_lik"], tolerance, wrong);
            compare(
                "r_squared",
                &[r.r_squared()],
                &e["r_squared"],
                4.0 * tolerance,
                wrong,
            );
            if let Some(f) = fit.f_statistic(fit.responses.iter().position(|x| std::ptr::eq(x, r)).unwrap()) {
                compare("f", &[f.0], &e["f_statistic"]["value"], 10.0 * tolerance, wrong);
            }
        }
    }
    let claimed = fit.report().digits;
    if !(0.0..=15.96).contains(&claimed.coefficients) {
        wrong.push(format!("claims {} digits", claimed.coefficients));
    }
}

fn family(name: &str) {
    let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let (mut failed, mut tried) = (String::new(), 0);
    for case in all["cases"].as_array().unwrap() {
        if !matches!(case["kind"].as_str(), Some("lm" | "mlm")) {
            continue;
        }
        tried += 1;
        let mut wrong = Vec::new();
        check(case, &mut wrong);
        if !wrong.is_empty() {
            wrong.truncate(4);
            failed += &format!(
                "{name}: {} `{}` {}\n    {}\n",
                case["name"].as_str().unwrap(),
                case["formula"].as_str().unwrap(),
                case["options"],
                wrong.join("\n    ")
            );
        }
    }
    assert!(tried > 0, "{name} has no cases");
    assert!(failed.is_empty(), "{failed}");
}

macro_rules! families {
    ($($name:ident),*) => { $(#[test] fn $name() { family(stringify!($name)); })* };
}

families!(
    basic,
    factors,
    interactions,
    functions,
    rows,
    aliased,
    extremes,
    responses,
    robust,
    flights,
    random
);
