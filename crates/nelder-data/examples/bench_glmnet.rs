//! Times elastic nets on a problem of `cargo xtask bench glmnet`, from columns in memory to the path or the curve.
//!
//! `bench_glmnet PROBLEM REPS`, run in the project's root, prints one JSON line. As for the peers, one fit is run beforehand. The number of
//! λ, the violation of optimality and the passes go with it.

mod columns;
mod timing;

use std::error::Error;

use columns::read;
use nelder::family::Family;
use nelder::frame::{Frame, Source, Sparse, SparseFrame};
use nelder::model::{CrossValidationSpec, ElasticNetReport, ElasticNetSpec, cross_validate, elastic_net};
use nelder::pass::NoProgress;
use timing::{peak, timed};

const USAGE: &str = "usage: bench_glmnet enet_... [REPS], a problem of `cargo xtask bench glmnet`";

fn fit(problem: &str, source: &dyn Source) -> Result<(usize, ElasticNetReport), Box<dyn Error>> {
    let (formula, family) = match problem {
        "enet_sparse" => ("y ~ .", Family::gaussian()),
        p if p.contains("binomial") => ("z ~ . - y", Family::binomial()),
        _ => ("y ~ . - z", Family::gaussian()),
    };
    let mut spec = ElasticNetSpec::new(formula).family(family);
    if problem == "enet_wide_exact" {
        spec.threshold = 1e-14;
    }
    if !(problem.ends_with("_cv") || problem == "enet_alphas") {
        let fit = elastic_net(&spec, source, &NoProgress)?;
        return Ok((fit.path.len(), fit.report));
    }
    let mut folds = CrossValidationSpec::new(spec);
    if problem == "enet_alphas" {
        folds.alphas = (0..=10).map(|a| f64::from(a) / 10.0).collect();
    }
    let found = cross_validate(&folds, source, &NoProgress)?;
    Ok((found.fit.path.len(), found.fit.report))
}

fn named(p: usize) -> Vec<String> {
    (0..p).map(|j| format!("x{}", j + 1)).collect()
}

fn dense(problem: &str, reps: usize) -> Result<(), Box<dyn Error>> {
    let (file, p) = match problem {
        "enet_wide" | "enet_wide_exact" | "enet_wide_binomial" => ("enet_1000x100000.f64", 100_000),
        "enet_ar99" => ("enet_ar99_1000x20000.f64", 20_000),
        "enet_ar99_binomial" => ("enet_ar99_50000x200.f64", 200),
        "enet_large_cv" => ("enet_250000x800.f64", 800),
        "enet_path" | "enet_cv" | "enet_alphas" | "enet_binomial" | "enet_binomial_cv" => {
            ("enet_50000x200.f64", 200)
        }
        _ => return Err(USAGE.into()),
    };
    let values = read(&format!("bench/data/{file}"), p + 2)?;
    let n = values.len() / (p + 2);
    let mut names = named(p);
    names.extend(["y".to_string(), "z".to_string()]);
    let frame = names
        .iter()
        .zip(values.chunks_exact(n))
        .fold(Frame::new(), |frame, (name, column)| {
            frame.with_real(name, column)
        });
    measure(problem, reps, &frame)
}

/// Compressed columns: starts, rows, values, and the response.
fn sparse(problem: &str, reps: usize) -> Result<(), Box<dyn Error>> {
    let (n, p) = (5000, 100_000);
    let bytes = std::fs::read("bench/data/enet_sparse_5000x100000.csc")?;
    let whole = |from: usize, count: usize| -> Vec<i32> {
        let own = bytes[from..from + 4 * count].chunks_exact(4);
        own.map(|b| i32::from_le_bytes(b.try_into().unwrap_or_default()))
            .collect()
    };
    let real = |from: usize, count: usize| -> Vec<f64> {
        let own = bytes[from..from + 8 * count].chunks_exact(8);
        own.map(|b| f64::from_le_bytes(b.try_into().unwrap_or_default()))
            .collect()
    };
    let starts = whole(0, p + 1);
    let held = starts[p] as usize;
    let from = 4 * (p + 1);
    let (rows, values) = (whole(from, held), real(from + 4 * held, held));
    let y = real(from + 12 * held, n);
    let x = Sparse::new(n, &starts, &rows, &values)?;
    let frame = SparseFrame::new(x, named(p), Frame::new().with_real("y", &y))?;
    measure(problem, reps, &frame)
}

fn measure(problem: &str, reps: usize, source: &dyn Source) -> Result<(), Box<dyn Error>> {
    let (seconds, (lambdas, report)) = timed(reps, || fit(problem, source))?;
    let mut passes: Vec<(&str, usize, f64, u64)> = Vec::new();
    for pass in &report.passes {
        match passes.iter_mut().find(|(name, ..)| *name == pass.name) {
            Some(own) => (own.1, own.2, own.3) = (own.1 + 1, own.2 + pass.seconds, own.3 + pass.bytes),
            None => passes.push((&pass.name, 1, pass.seconds, pass.bytes)),
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

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let reps = args.get(1).and_then(|a| a.parse().ok()).unwrap_or(5);
    match args.first().map_or("", String::as_str) {
        problem @ "enet_sparse" => sparse(problem, reps),
        problem => dense(problem, reps),
    }
}
