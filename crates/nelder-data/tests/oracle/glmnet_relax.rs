//! Relaxed fits and predictors of held-out rows against glmnet's: the cases `relax` and `cv.relax` of `accuracy/oracle/glmnet.R`, and `fit.preval`.

use nelder::model::{Curve, HeldOutPredictors, Path, RelaxedPlace};
use serde_json::Value;

use crate::glmnet::{difference, numbers};

fn compare(what: &str, ours: &[f64], theirs: &[f64], most: f64, wrong: &mut Vec<String>) {
    let found = difference(ours, theirs);
    if ours.len() != theirs.len() || !(found <= most) {
        wrong.push(format!("{what}: off by {found:.1e}: {ours:?}, R {theirs:?}"));
    }
}

/// Checks the relaxed fits of paths at the same λ: one, or those of several responses with their names.
pub(crate) fn check_paths(case: &Value, paths: &[&Path], names: Option<&[String]>, wrong: &mut Vec<String>) {
    let (options, e) = (&case["options"], &case["expected"]);
    let answers = |key: &str| numbers(&e[key], f64::NAN);
    let Some(relaxed) = &paths[0].relaxed else {
        return wrong.push("no relaxed fits".into());
    };
    // the outer loop of family objects stops where the objective has settled; that of Cox models with strata likewise
    let family = options["family"].as_str().unwrap();
    let most = match family.contains('(') || options["strata"].is_string() {
        true => 2e-6,
        false => 1e-7,
    };
    compare("λ", &relaxed.lambdas(), &answers("relaxed_lambda"), 1e-9, wrong);
    let explained: Vec<f64> = relaxed.steps.iter().map(|s| s.explained).collect();
    compare(
        "dev.ratio",
        &explained,
        &answers("relaxed_dev_ratio"),
        most,
        wrong,
    );
    let cox = family == "cox";
    for (gamma, mixed) in numbers(&options["gamma"], f64::NAN)
        .iter()
        .zip(e["mixed"].as_array().unwrap())
    {
        let blended: Vec<Path> = paths.iter().map(|p| p.blended(*gamma)).collect();
        for (i, at) in answers("selected").iter().enumerate() {
            let m = *at as usize - 1;
            let of = |path: &Path, rows: &Value| {
                let theirs = numbers(&rows[i], f64::NAN);
                let columns = theirs.len() - usize::from(!cox);
                let step = &path.steps[m];
                let intercept = (!cox).then_some(step.intercept);
                let ours = intercept
                    .into_iter()
                    .chain((0..columns).map(|j| step.coefficients.get(j)));
                (ours.collect::<Vec<f64>>(), theirs)
            };
            let pairs: Vec<(Vec<f64>, Vec<f64>)> = match names {
                None => vec![of(&blended[0], mixed)],
                Some(names) => (blended.iter().zip(names))
                    .map(|(p, n)| of(p, &mixed[n]))
                    .collect(),
            };
            let (mut ours, theirs): (Vec<Vec<f64>>, Vec<Vec<f64>>) = pairs.into_iter().unzip();
            if options["type_multinomial"] == "grouped" {
                // known up to a shift of each column
                for j in 0..ours[0].len() {
                    let mean = ours.iter().map(|own| own[j]).sum::<f64>() / ours.len() as f64;
                    ours.iter_mut().for_each(|own| own[j] -= mean);
                }
            }
            let what = format!("coefficients at {at}, gamma {gamma}");
            compare(&what, &ours.concat(), &theirs.concat(), most, wrong);
        }
    }
}

/// Checks the curves of mixtures, and what is chosen among them.
pub(crate) fn check_curves(case: &Value, curve: &Curve, wrong: &mut Vec<String>) {
    let (options, e) = (&case["options"], &case["expected"]);
    let Some(relaxed) = &curve.relaxed else {
        return wrong.push("no relaxed fits".into());
    };
    let most = match options["family"].as_str().unwrap().contains('(') {
        true => 2e-6,
        false => 2e-7,
    };
    compare("λ", &curve.lambdas, &numbers(&e["lambda"], f64::NAN), 1e-8, wrong);
    compare(
        "gamma",
        &relaxed.gammas,
        &numbers(&options["gamma"], f64::NAN),
        0.0,
        wrong,
    );
    let list = |key: &str| -> Vec<Value> {
        match &e[key] {
            Value::Array(all) => all.clone(),
            named => named.as_object().unwrap().values().cloned().collect(),
        }
    };
    for ((own, cvm), cvsd) in relaxed.curves.iter().zip(list("cvm")).zip(list("cvsd")) {
        compare("cvm", &own.errors, &numbers(&cvm, f64::NAN), most, wrong);
        compare("cvsd", &own.std_errors, &numbers(&cvsd, f64::NAN), most, wrong);
    }
    let place = |at: RelaxedPlace| vec![(at.lambda + 1) as f64, (at.gamma + 1) as f64];
    for (key, at) in [("index_min", relaxed.best), ("index_1se", relaxed.one_error)] {
        compare(key, &place(at), &numbers(&e[key], f64::NAN), 0.0, wrong);
    }
}

/// Checks predictors of the first held-out rows, of so many responses.
pub(crate) fn check_kept(
    case: &Value,
    kept: Option<&HeldOutPredictors>,
    responses: usize,
    wrong: &mut Vec<String>,
) {
    let e = &case["expected"];
    let Some(kept) = kept else {
        return wrong.push("no predictors are kept".into());
    };
    let object = case["options"]["family"].as_str().unwrap().contains('(');
    for (row, at) in e["preval"]
        .as_array()
        .unwrap()
        .iter()
        .zip(numbers(&e["preval_at"], f64::NAN))
    {
        // rows of weight zero have none
        let rows = row.as_array().unwrap();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for k in 0..responses {
            let values = &kept.values[(at as usize - 1) * responses + k];
            for (r, eta) in kept.rows.iter().zip(values) {
                let Some(own) = rows.get(*r as usize) else {
                    continue;
                };
                let own = if own.is_array() { &own[k] } else { own };
                ours.push(*eta);
                theirs.push(own.as_f64().unwrap());
            }
        }
        let most = if object { 1e-5 } else { 2e-7 };
        compare(&format!("preval at {at}"), &ours, &theirs, most, wrong);
    }
}
