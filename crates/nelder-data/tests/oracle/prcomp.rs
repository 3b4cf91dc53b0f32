//! Principal components against R's answers: the cases of `accuracy/oracle/prcomp.R`.

use std::path::PathBuf;

use nelder::design::Missing;
use nelder::frame::Source;
use nelder::model::{Center, PcaAlgorithm, PcaSpec, Prcomp, Scale, prcomp};
use nelder::pass::{NoProgress, Run};
use nelder::solve::Rectangular;
use nelder_conformance::place;
use serde_json::Value;

fn folder() -> PathBuf {
    // elsewhere in a bundle
    let accuracy = std::env::var_os("NELDER_ACCURACY").map(PathBuf::from);
    let here = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../accuracy");
    accuracy.unwrap_or_else(here).join("oracle")
}

fn numbers(value: &Value) -> Vec<f64> {
    let all = value.as_array().unwrap();
    all.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

/// Rows of numbers; `NaN` for null.
fn matrix(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

fn spec(case: &Value) -> PcaSpec {
    let options = &case["options"];
    let text = |key: &str| options[key].as_str().map(str::to_string);
    let mut spec = PcaSpec::new(case["formula"].as_str().unwrap());
    spec.center = match &options["center"] {
        Value::Bool(false) => Center::No,
        Value::Array(_) => Center::Values(numbers(&options["center"])),
        _ => Center::Means,
    };
    spec.scale = match &options["scale"] {
        Value::Bool(true) => Scale::Deviations,
        Value::Array(_) => Scale::Values(numbers(&options["scale"])),
        _ => Scale::No,
    };
    spec.weights = text("weights");
    spec.subset = text("subset");
    spec.tol = options["tol"].as_f64();
    spec.rank = options["rank"].as_u64().map(|k| k as usize);
    if options["na"] == "exclude" {
        spec.missing = Missing::Exclude;
    }
    spec
}

/// R's errors are units in the last place of the first standard deviation; ours must be in the bounds of the report too.
const OF_R: f64 = 1e-13;

fn check(spec: &PcaSpec, source: &dyn Source, case: &Value, wrong: &mut Vec<String>) {
    let mut fit = match (
        prcomp(spec, source, Run::on(place(), &NoProgress)),
        case["error"].as_str(),
    ) {
        (Ok(fit), None) => fit,
        (Err(e), Some(theirs)) if e.to_string().contains(theirs) => return,
        (Err(e), _) => return wrong.push(format!("not computed: {e}")),
        (Ok(_), Some(theirs)) => return wrong.push(format!("no error, R has `{theirs}`")),
    };
    let scores = fit.scores(&NoProgress).unwrap();
    values(spec, &fit, case, wrong);
    axes(spec, &fit, &scores, case, wrong);
}

/// Whether the report must claim digits: not where decimal numbers far from zero have lost them before they were read.
fn claims(spec: &PcaSpec, case: &Value) -> bool {
    spec.algorithm == PcaAlgorithm::Auto && case["name"] != "mean 1e8 deviations"
}

fn values(spec: &PcaSpec, fit: &Prcomp<'_>, case: &Value, wrong: &mut Vec<String>) {
    let e = &case["expected"];
    let theirs = numbers(&e["sdev"]);
    let first = theirs[0];
    let names: Vec<&str> = e["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap())
        .collect();
    if names != fit.names {
        wrong.push(format!("columns: {:?}, R {names:?}", fit.names));
    }
    let krylov = spec.algorithm == PcaAlgorithm::Krylov;
    let computed = if krylov { spec.rank.unwrap() } else { theirs.len() };
    if fit.sdev.len() != computed {
        return wrong.push(format!("{} standard deviations, R {computed}", fit.sdev.len()));
    }
    for (j, (s, t)) in fit.sdev.iter().zip(&theirs).enumerate() {
        let bound = fit.errors[j] + OF_R * first;
        let most = match spec.algorithm {
            PcaAlgorithm::Auto | PcaAlgorithm::Qr => bound.min(1e-12 * first),
            _ => bound,
        };
        if !((s - t).abs() <= most) {
            wrong.push(format!("sdev[{j}]: {s:e}, R {t:e}, bound {bound:.1e}"));
        }
    }
    if claims(spec, case) && !(fit.report.digits.sdev >= 10.0) {
        wrong.push(format!(
            "claims {} digits of sdev by {}: {:?}",
            fit.report.digits.sdev, fit.report.algorithm, fit.errors
        ));
    }
    let total: f64 = theirs.iter().map(|s| s * s).sum();
    if !((fit.total - total).abs() <= 1e-13 * total * theirs.len() as f64) {
        wrong.push(format!("total: {}, R {total}", fit.total));
    }
    for (what, ours, theirs) in [
        ("center", &fit.center, &e["center"]),
        ("scale", &fit.scale, &e["scale"]),
    ] {
        match (ours, theirs.is_null()) {
            (None, true) => {}
            (Some(ours), false) => {
                for (a, b) in ours.iter().zip(numbers(theirs)) {
                    // a mean near zero is as good as its column
                    if !((a - b).abs() <= 64.0 * f64::EPSILON * b.abs().max(first)) {
                        wrong.push(format!("{what}: {a}, R {b}"));
                    }
                }
            }
            _ => wrong.push(format!("{what}: {ours:?}, R {theirs}")),
        }
    }
}

fn axes(spec: &PcaSpec, fit: &Prcomp<'_>, scores: &Rectangular, case: &Value, wrong: &mut Vec<String>) {
    let e = &case["expected"];
    let v = &fit.rotation;
    let (p, k) = (v.rows(), v.columns());
    if k as u64 != e["components"].as_u64().unwrap() {
        return wrong.push(format!("{k} components, R {}", e["components"]));
    }
    for a in 0..k {
        for b in 0..=a {
            let product: f64 = v.column(a).iter().zip(v.column(b)).map(|(x, y)| x * y).sum();
            let wanted = if a == b { 1.0 } else { 0.0 };
            if !((product - wanted).abs() <= 1e-14 * p as f64) {
                wrong.push(format!("axes {a} and {b}: product {product:e}"));
            }
        }
    }
    // an axis is known to its part of the gap
    let gaps = numbers(&e["gaps"]);
    let (rotation, x) = (matrix(&e["rotation"]), matrix(&e["x"]));
    let size = numbers(&e["sdev"])[0] * (scores.rows() as f64).sqrt();
    // R subtracts means that are rounded, from all rows alike
    let means = if e["center"].is_null() {
        Vec::new()
    } else {
        numbers(&e["center"])
    };
    let scales = if e["scale"].is_null() {
        vec![1.0; means.len()]
    } else {
        numbers(&e["scale"])
    };
    let of_means = means
        .iter()
        .zip(&scales)
        .map(|(m, s)| (0.5 * f64::EPSILON * m / s).powi(2));
    let of_means = of_means.sum::<f64>().sqrt();
    if scores.rows() as u64 != e["n_x"].as_u64().unwrap() {
        return wrong.push(format!("{} scores, R {}", scores.rows(), e["n_x"]));
    }
    for j in (0..k).filter(|&j| !rotation[0][j].is_nan()) {
        let claimed = fit.angles[j];
        let most = 1.5 * claimed + 4.0 * OF_R / gaps[j];
        let off = (0..p)
            .map(|i| (v.get(i, j) - rotation[i][j]).powi(2))
            .sum::<f64>()
            .sqrt();
        if !(off <= most) {
            wrong.push(format!("axis {j}: off by {off:.1e}, more than {most:.1e}"));
        }
        if claims(spec, case) && !(claimed <= 1e-10 / gaps[j]) {
            wrong.push(format!(
                "axis {j}: claims {claimed:.1e} with a gap of {:.1e}",
                gaps[j]
            ));
        }
        for (i, row) in x.iter().enumerate() {
            let (ours, theirs) = (scores.get(i, j), row[j]);
            if ours.is_nan() != theirs.is_nan()
                || (ours - theirs).abs() > (most + OF_R) * size * (p as f64).sqrt() + of_means
            {
                wrong.push(format!("score [{i}, {j}]: {ours:e}, R {theirs:e}"));
            }
        }
    }
    // the space of the first axes, whatever these are
    let (lead, gap) = (
        e["lead"].as_u64().unwrap() as usize,
        e["lead_gap"].as_f64().unwrap(),
    );
    let worst = fit.angles[..lead].iter().fold(0.0f64, |m, a| m.max(*a));
    let most = match spec.algorithm {
        PcaAlgorithm::Auto | PcaAlgorithm::Qr => 1e-10f64.min(64.0 * OF_R / gap),
        _ => worst * 2.0 * (lead as f64).sqrt() + 64.0 * OF_R / gap,
    };
    for (i, row) in matrix(&e["projector"]).iter().enumerate() {
        for (j, theirs) in row.iter().enumerate() {
            let ours: f64 = (0..lead).map(|a| v.get(i, a) * v.get(j, a)).sum();
            if !((ours - theirs).abs() <= most) {
                wrong.push(format!(
                    "projector [{i}, {j}]: {ours:e}, R {theirs:e}, {most:.1e}"
                ));
            }
        }
    }
}

/// All cases by one algorithm, where `wanted` says so.
fn all(algorithm: PcaAlgorithm, wanted: impl Fn(&Value) -> bool) {
    let text = std::fs::read_to_string(folder().join("prcomp.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let (mut failed, mut tried) = (String::new(), 0);
    for case in all["cases"].as_array().unwrap().iter().filter(|c| wanted(c)) {
        tried += 1;
        let source = nelder_data::open(&folder().join(case["data"].as_str().unwrap())).unwrap();
        let mut wrong = Vec::new();
        check(&spec(case).algorithm(algorithm), &source, case, &mut wrong);
        if !wrong.is_empty() {
            wrong.truncate(4);
            failed += &format!("{}\n    {}\n", case["name"], wrong.join("\n    "));
        }
    }
    assert!(tried > 0);
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn as_r() {
    all(PcaAlgorithm::Auto, |_| true);
}

#[test]
fn by_gram() {
    all(PcaAlgorithm::Gram, |_| true);
}

#[test]
fn by_qr() {
    all(PcaAlgorithm::Qr, |_| true);
}

#[test]
fn by_krylov() {
    all(PcaAlgorithm::Krylov, |case| {
        case["options"]["rank"].is_u64() && case["options"]["tol"].is_null()
    });
}
