//! Generalized linear models against R's answers: the cases of `accuracy/oracle/glm.R`.

use std::path::PathBuf;

use nelder::frame::Source;
use nelder::model::{Glm, GlmSpec, Inference, Regression, Vcov, glm};
use nelder::pass::{NoProgress, Run};
use nelder::summary::deviance::{DevianceTest, deviance_test};
use nelder::summary::inference::coefficient_rows;
use nelder_conformance::{few, place};
use serde_json::Value;

/// Coefficients of models whose condition is below a million.
const COEFFICIENTS: f64 = 1e-10;
/// Their standard errors.
const ERRORS: f64 = 1e-9;
/// Deviances and criteria.
const DEVIANCE: f64 = 1e-12;

fn folder() -> PathBuf {
    // elsewhere in a bundle
    let accuracy = std::env::var_os("NELDER_ACCURACY").map(PathBuf::from);
    let here = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../accuracy");
    accuracy.unwrap_or_else(here).join("oracle")
}

fn cases() -> Vec<Value> {
    let text = std::fs::read_to_string(folder().join("glm.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    all["cases"].as_array().unwrap().clone()
}

fn spec(case: &Value) -> GlmSpec {
    let options = &case["options"];
    let text = |key: &str| options[key].as_str().map(str::to_string);
    let family = options["family"].as_str().unwrap().parse().unwrap();
    let mut spec = GlmSpec::new(case["formula"].as_str().unwrap(), family);
    spec.design.weights = text("weights");
    spec.design.offset = text("offset");
    spec.design.subset = text("subset");
    spec.eta_start = text("etastart");
    spec.mu_start = text("mustart");
    spec.start = options["start"]
        .as_array()
        .map(|v| v.iter().filter_map(Value::as_f64).collect());
    if let Some(steps) = options["maxit"].as_u64() {
        spec.max_iterations = steps as u32;
    }
    spec
}

fn open(case: &Value) -> impl Source {
    nelder_data::open(&folder().join(case["data"].as_str().unwrap())).unwrap()
}

/// What differs in one case.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    /// Relative to each number, or to `scale` where that is larger.
    fn compare(&mut self, what: &str, ours: &[f64], theirs: &Value, tolerance: f64, scale: &[f64]) {
        let list = match theirs {
            Value::Array(list) => list.clone(),
            single => vec![single.clone()],
        };
        if list.len() != ours.len() {
            return self
                .0
                .push(format!("{what}: {} numbers, R has {}", ours.len(), list.len()));
        }
        for (i, (&x, truth)) in ours.iter().zip(&list).enumerate() {
            match truth.as_f64() {
                None if x.is_finite() => self.0.push(format!("{what}[{i}]: {x:e}, R has none")),
                None => {}
                Some(t) => {
                    let size = t
                        .abs()
                        .max(scale.get(i).copied().unwrap_or(0.0))
                        .max(f64::MIN_POSITIVE);
                    let error = (x - t).abs() / size;
                    if !(error <= tolerance) {
                        self.0.push(format!(
                            "{what}[{i}]: {x:e}, R {t:e}, {error:.1e} > {tolerance:.1e}"
                        ));
                    }
                }
            }
        }
    }
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap_or(f64::NAN))
        .collect()
}

fn largest(v: &Value) -> f64 {
    numbers(v)
        .into_iter()
        .filter(|x| x.is_finite())
        .fold(0.0, |m, x| m.max(x.abs()))
}

fn check_table(fit: &Glm<'_>, case: &Value, out: &mut Differences) {
    let own = &fit.fit;
    let (e, noise) = (&case["expected"], case["deviance_noise"].as_f64().unwrap());
    // where R's own answer has fewer digits, as the script says
    let times = case["tolerance"].as_f64().unwrap();
    // a coefficient that is next to nothing beside its error has no digits of its own
    let scale: Vec<f64> = numbers(&e["std_error"]).iter().map(|s| 1e-3 * s).collect();
    out.compare(
        "estimate",
        &fit.coefficients,
        &e["estimate"],
        times * COEFFICIENTS,
        &scale,
    );
    out.compare("std_error", &fit.std_errors, &e["std_error"], ERRORS, &[]);
    let rows = coefficient_rows(fit, 0.95, None);
    let column = |f: fn(&nelder::summary::CoefficientRow) -> Option<f64>| -> Vec<f64> {
        rows.iter().map(|r| f(r).unwrap_or(f64::NAN)).collect()
    };
    out.compare(
        "statistic",
        &column(|r| r.statistic),
        &e["statistic"],
        2.0 * ERRORS,
        &[1e-3; 64],
    );
    out.compare("p_value", &column(|r| r.p_value), &e["p_value"], 1e-7, &[]);
    let df = own.df_residual() as f64;
    out.compare("df_residual", &[df], &e["df_residual"], 0.0, &[]);
    out.compare("df_null", &[fit.df_null() as f64], &e["df_null"], 0.0, &[]);
    out.compare("nobs", &[own.rows() as f64], &e["nobs"], 0.0, &[]);
    out.compare("rank", &[own.rank() as f64], &e["rank"], 0.0, &[]);
    out.compare("dispersion", &[fit.dispersion], &e["dispersion"], 1e-10, &[]);
    // R's own rounding: an absolute error, which no relative tolerance knows
    let by_deviance = [noise / DEVIANCE];
    out.compare(
        "deviance",
        &[own.deviance],
        &e["deviance"],
        DEVIANCE,
        &by_deviance,
    );
    out.compare(
        "null_deviance",
        &[own.null_deviance],
        &e["null_deviance"],
        DEVIANCE,
        &by_deviance,
    );
    out.compare("aic", &[own.aic()], &e["aic"], DEVIANCE, &by_deviance);
    out.compare("log_lik", &[own.log_lik()], &e["log_lik"], DEVIANCE, &by_deviance);
    out.compare("bic", &[fit.bic()], &e["bic"], DEVIANCE, &by_deviance);
}

fn check_rows(fit: &Glm<'_>, case: &Value, out: &mut Differences) {
    let e = &case["expected"];
    if e.get("rows").is_none() {
        return;
    }
    let rows: Vec<usize> = numbers(&e["rows"]).iter().map(|r| *r as usize - 1).collect();
    let all = fit
        .influence(nelder::model::Detail::Leverages, &NoProgress)
        .unwrap();
    let columns = [
        ("fitted", &all.fitted),
        ("linear", &all.linear),
        ("residual_deviance", &all.deviance),
        ("residual_pearson", &all.pearson),
        ("residual_working", &all.working),
        ("residual_response", &all.response),
        ("leverage", &all.hat),
        ("cooks", &all.cooks),
        ("rstandard", &all.standardized),
        ("rstandard_pearson", &all.standardized_pearson),
        ("rstudent", &all.studentized),
    ];
    for (name, column) in columns {
        let ours: Vec<f64> = rows.iter().map(|&r| column[r]).collect();
        let theirs: Vec<Value> = e[name]
            .as_array()
            .unwrap()
            .iter()
            .zip(&ours)
            // R has values where rows of weight zero have none here
            .map(|(v, x)| if x.is_nan() { Value::Null } else { v.clone() })
            .collect();
        // R takes the deviance as the difference of large numbers
        let noise = case["deviance_noise"].as_f64().unwrap() / fit.fit.rows() as f64 / 1e-8;
        let noise = if name.contains("deviance") || name.starts_with("rst") {
            noise
        } else {
            0.0
        };
        let size = vec![largest(&e[name]).max(noise); rows.len()];
        out.compare(name, &ours, &Value::Array(theirs), 1e-8, &size);
    }
    // R keeps means ε away from 0 and 1, which is a residual of √(2ε)
    let noise = case["deviance_noise"].as_f64().unwrap() / fit.fit.rows() as f64 / 1e-8;
    let size = vec![largest(&e["quantiles"]).max(noise).max(3.0); 5];
    out.compare("quantiles", &fit.quantiles, &e["quantiles"], 1e-8, &size);
}

fn check_covariances(fit: &Glm<'_>, e: &Value, out: &mut Differences) {
    for (key, kind) in [
        ("hc0", "HC0"),
        ("hc1", "HC1"),
        ("hc2", "HC2"),
        ("hc3", "HC3"),
        ("cluster", "cluster:g"),
        ("cluster_hc0", "cluster:g:HC0"),
        ("cluster_hc1", "cluster:g:HC1"),
        ("cluster_hc2", "cluster:g:hc2"),
        ("cluster_hc3", "cluster:g:HC3"),
    ] {
        let Some(expected) = e.get(key) else { continue };
        let v = fit.vcov(&kind.parse::<Vcov>().unwrap(), &NoProgress).unwrap();
        for (i, row) in expected["values"].as_array().unwrap().iter().enumerate() {
            let ours: Vec<f64> = (0..v.matrix.ncols()).map(|j| v.matrix[(i, j)]).collect();
            let size = vec![largest(row); ours.len()];
            out.compare(key, &ours, row, 1e-8, &size);
        }
    }
}

fn check_tables(fit: &Glm<'_>, e: &Value, out: &mut Differences) {
    for (key, test) in [("chisq", DevianceTest::Chisq), ("f", DevianceTest::F)] {
        let Some(expected) = e.get(format!("anova_{key}")) else {
            continue;
        };
        let table = fit.sequential(&NoProgress).unwrap();
        let size = [table.null_deviance; 16];
        let resid: Vec<f64> = std::iter::once(table.null_deviance)
            .chain(table.terms.iter().map(|t| t.residual))
            .collect();
        out.compare("anova residual", &resid, &expected["resid_dev"], 1e-8, &size);
        let p: Vec<f64> = std::iter::once(f64::NAN)
            .chain(table.terms.iter().map(|t| {
                let tested = deviance_test(test, t.deviance, t.df, table.dispersion, table.df_dispersion);
                tested.1.unwrap_or(f64::NAN)
            }))
            .collect();
        out.compare("anova p", &p, &expected["p_value"], 1e-5, &[]);
        let expected = &e[format!("drop1_{key}")];
        let drops = fit.drop1(2.0, &NoProgress).unwrap();
        let deviances: Vec<f64> = drops.rows.iter().map(|r| r.deviance).collect();
        out.compare("drop1 deviance", &deviances, &expected["deviance"], 1e-8, &size);
        if expected["aic"].is_array() {
            let aic: Vec<f64> = drops.rows.iter().map(|r| r.aic).collect();
            out.compare("drop1 aic", &aic, &expected["aic"], 1e-8, &size);
        }
    }
}

fn check(case: &Value) -> Vec<String> {
    let mut out = Differences::default();
    let source = open(case);
    let fit = match (
        glm(&spec(case), &source, Run::on(place(), &NoProgress)),
        case.get("error"),
    ) {
        (Err(e), Some(theirs)) => {
            let (ours, theirs) = (e.to_string(), theirs.as_str().unwrap());
            if theirs.contains("no valid set") != ours.contains("no valid set") {
                out.0.push(format!("error: {ours}, R: {theirs}"));
            }
            return out.0;
        }
        // R stops where its first step leaves the domain; the maximum is inside of it all the same
        (Ok(fit), Some(theirs)) if theirs.as_str().is_some_and(|t| t.contains("no valid set")) => {
            if !(fit.fit.converged && fit.report().digits.coefficients > 9.0) {
                out.0.push(format!("no maximum: {:?}", fit.fit.warnings));
            }
            return out.0;
        }
        (Ok(_), Some(_)) => return vec!["fitted, where R has an error".into()],
        (Err(e), None) => return vec![format!("not fitted: {e}")],
        (Ok(fit), None) => fit,
    };
    let e = &case["expected"];
    let names: Vec<&str> = e["terms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap())
        .collect();
    if names != fit.coefnames() {
        return vec![format!("names: {:?}, R {names:?}", fit.coefnames())];
    }
    let theta = case["options"]["family"] == "negative.binomial";
    if !theta {
        let (ours, theirs) = (
            u64::from(fit.fit.iterations),
            case["iterations"].as_u64().unwrap(),
        );
        // R's rounding of a deviance of large terms may keep it from settling
        let noisy = case["deviance_noise"]
            .as_f64()
            .is_some_and(|n| n > 1e-8 * fit.fit.deviance);
        if ours != theirs && !(noisy && ours < theirs) {
            out.0.push(format!("{ours} iterations, R {theirs}"));
        }
    }
    if Some(fit.fit.converged) != case["converged"].as_bool() && case["name"] != "separated" {
        out.0.push(format!("converged: {}", fit.fit.converged));
    }
    if e.get("estimate").is_some() {
        check_table(&fit, case, &mut out);
        check_rows(&fit, case, &mut out);
        check_covariances(&fit, e, &mut out);
        check_tables(&fit, e, &mut out);
        if let Some(expected) = e.get("predict") {
            let new = nelder_data::open(&folder().join("data/glm_new.csv")).unwrap();
            let ours = fit.predict(&new, true, &NoProgress).unwrap();
            let scale = [1e-3; 16];
            out.compare("predict link", &ours.link, &expected["link"], 1e-9, &scale);
            out.compare(
                "predict link se",
                &ours.link_error,
                &expected["link_se"],
                1e-8,
                &[],
            );
            out.compare(
                "predict response",
                &ours.response,
                &expected["response"],
                1e-9,
                &[],
            );
            out.compare(
                "predict response se",
                &ours.response_error,
                &expected["response_se"],
                1e-8,
                &[],
            );
        }
        if theta {
            out.compare("theta", &[fit.theta().unwrap()], &e["theta"], 1e-9, &[]);
            out.compare(
                "theta error",
                &[fit.fit.theta_error.unwrap()],
                &e["theta_error"],
                1e-8,
                &[],
            );
        }
        let digits = fit.report().digits;
        if !(0.0..=15.96).contains(&digits.coefficients) {
            out.0.push(format!("claims {} digits", digits.coefficients));
        }
        claims(&fit, e, &mut out);
    }
    out.0
}

/// The digits that the fit claims are there, as far as R's own can tell.
fn claims(fit: &Glm<'_>, e: &Value, out: &mut Differences) {
    // R's answer is a fixed point to about 1e-13
    let floor = 1e-12;
    let claimed = 10f64.powf(-fit.report().digits.coefficients);
    for (x, t) in fit.coefficients.iter().zip(numbers(&e["estimate"])) {
        let error = (x - t).abs() / t.abs();
        if error > claimed.max(floor) && (x - t).abs() > floor * largest(&e["std_error"]) {
            out.0.push(format!(
                "claims {:.1} digits, and {x:e} is {t:e}",
                fit.report().digits.coefficients
            ));
        }
    }
}

#[test]
fn all_cases() {
    let (mut failed, mut tried) = (String::new(), 0);
    let is_link = |case: &Value| case["name"].as_str().unwrap().starts_with("link ");
    let (links, mut all): (Vec<Value>, Vec<Value>) = cases().into_iter().partition(is_link);
    assert!(links.len() >= 99, "{} links", links.len());
    // 11 links are no multiple of 4: each link comes with some families, each family with some links
    let every = if few() { 4 } else { 1 };
    println!("1 in {every} of {} links with families", links.len());
    all.extend(links.into_iter().step_by(every));
    for case in all {
        tried += 1;
        let mut wrong = check(&case);
        if !wrong.is_empty() {
            wrong.truncate(6);
            failed += &format!(
                "{}: `{}` {}\n    {}\n",
                case["name"].as_str().unwrap(),
                case["formula"].as_str().unwrap(),
                case["options"],
                wrong.join("\n    ")
            );
        }
    }
    assert!(tried > if every == 1 { 220 } else { 160 }, "{tried} cases");
    assert!(failed.is_empty(), "{failed}");
}
