//! Times `prcomp` on a problem of `cargo xtask bench prcomp`, from columns in memory to components and scores.
//!
//! `bench_prcomp pca_tall|pca_steep|pca_200|pca_rank8 REPS`, run in the project's root, prints one JSON line. As for the peers, one
//! fit is run beforehand. Seconds of each pass and the bound of the standard deviations' errors go with it.

mod columns;
mod timing;

use std::error::Error;

use columns::read;
use nelder::frame::Frame;
use nelder::model::{PcaReport, PcaSpec, prcomp};
use nelder::pass::NoProgress;
use timing::{peak, timed};

/// Components and scores: the last score, so that none is left out, and the report.
fn fit(spec: &PcaSpec, frame: &Frame<'_>) -> Result<(f64, PcaReport), Box<dyn Error>> {
    let mut fit = prcomp(spec, frame, &NoProgress)?;
    let scores = fit.scores(&NoProgress)?;
    let last = scores.values().last().copied().unwrap_or(0.0);
    Ok((last, fit.report))
}

fn time(problem: &str, reps: usize, spec: &PcaSpec, frame: &Frame<'_>) -> Result<(), Box<dyn Error>> {
    let (seconds, (_, report)) = timed(reps, || fit(spec, frame))?;
    let passes: Vec<(&str, f64)> = report
        .passes
        .iter()
        .map(|p| (p.name.as_str(), p.seconds))
        .collect();
    println!(
        "{}",
        serde_json::json!({
            "problem": problem, "peer": "nelder", "seconds": seconds, "peak_kb": peak(),
            "algorithm": report.algorithm, "digits": report.digits, "passes": passes,
        })
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let reps = args.get(1).and_then(|a| a.parse().ok()).unwrap_or(5);
    let problem = args.first().map_or("", String::as_str);
    // the last column of this file is a response
    let dense = ("bench/data/dense_50000x200.f64", 201, 200);
    let ((path, all, p), spec) = match problem {
        "pca_tall" => (("bench/data/pca_10000x1000.f64", 1000, 1000), PcaSpec::default()),
        "pca_steep" => (
            ("bench/data/pca_steep_10000x1000.f64", 1000, 1000),
            PcaSpec::default(),
        ),
        "pca_200" => (dense, PcaSpec::default()),
        "pca_rank8" => (dense, PcaSpec::default().rank(8)),
        _ => return Err("usage: bench_prcomp pca_tall|pca_steep|pca_200|pca_rank8 [REPS]".into()),
    };
    let values = read(path, all)?;
    let n = values.len() / all;
    let names: Vec<String> = (0..p).map(|j| format!("x{}", j + 1)).collect();
    let frame = names
        .iter()
        .zip(values.chunks_exact(n))
        .fold(Frame::new(), |frame, (name, column)| {
            frame.with_real(name, column)
        });
    time(problem, reps, &spec, &frame)
}
