//! Times elastic nets on a problem of `cargo xtask bench glmnet`, from columns in memory to the path or the curve.
//!
//! `bench_glmnet PROBLEM REPS`, run in the project's root, prints one JSON line. As for the peers, one fit is run beforehand. The number of
//! λ, the violation of optimality and the passes go with it.

mod timing;

use std::error::Error;

use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{CrossValidationSpec, ElasticNetReport, ElasticNetSpec, cross_validate, elastic_net};
use nelder::pass::NoProgress;
use timing::{peak, read, timed};

const USAGE: &str = "usage: bench_glmnet enet_path|enet_cv|enet_alphas|enet_binomial|enet_binomial_cv [REPS]";

fn fit(problem: &str, frame: &Frame<'_>) -> Result<(usize, ElasticNetReport), Box<dyn Error>> {
    let binomial = problem.starts_with("enet_binomial");
    let (formula, family) = match binomial {
        true => ("z ~ . - y", Family::binomial()),
        false => ("y ~ . - z", Family::gaussian()),
    };
    let spec = ElasticNetSpec::new(formula).family(family);
    if matches!(problem, "enet_path" | "enet_binomial") {
        let fit = elastic_net(&spec, frame, &NoProgress)?;
        return Ok((fit.path.len(), fit.report));
    }
    let mut folds = CrossValidationSpec::new(spec);
    if problem == "enet_alphas" {
        folds.alphas = (0..=10).map(|a| f64::from(a) / 10.0).collect();
    }
    let found = cross_validate(&folds, frame, &NoProgress)?;
    Ok((found.fit.path.len(), found.fit.report))
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let reps = args.get(1).and_then(|a| a.parse().ok()).unwrap_or(5);
    let problem = args.first().map_or("", String::as_str);
    let known = [
        "enet_path",
        "enet_cv",
        "enet_alphas",
        "enet_binomial",
        "enet_binomial_cv",
    ];
    if !known.contains(&problem) {
        return Err(USAGE.into());
    }
    let p = 200;
    let values = read("bench/data/enet_50000x200.f64", p + 2)?;
    let n = values.len() / (p + 2);
    let mut names: Vec<String> = (0..p).map(|j| format!("x{}", j + 1)).collect();
    names.extend(["y".to_string(), "z".to_string()]);
    let frame = names
        .iter()
        .zip(values.chunks_exact(n))
        .fold(Frame::new(), |frame, (name, column)| {
            frame.with_real(name, column)
        });
    let (seconds, (lambdas, report)) = timed(reps, || fit(problem, &frame))?;
    let mut passes: Vec<(&str, usize, f64)> = Vec::new();
    for pass in &report.passes {
        match passes.iter_mut().find(|(name, ..)| *name == pass.name) {
            Some(own) => (own.1, own.2) = (own.1 + 1, own.2 + pass.seconds),
            None => passes.push((&pass.name, 1, pass.seconds)),
        }
    }
    println!(
        "{}",
        serde_json::json!({
            "problem": problem, "peer": "nelder", "seconds": seconds, "peak_kb": peak(),
            "lambdas": lambdas, "violation": report.violation, "sweeps": report.sweeps, "passes": passes,
        })
    );
    Ok(())
}
