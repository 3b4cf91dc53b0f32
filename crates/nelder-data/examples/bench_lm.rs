//! Times `lm` on a problem of `cargo xtask bench lm`, from columns in memory to a full summary.
//!
//! `bench_lm flights|dense|wide|wider REPS`, run in the project's root, prints one JSON line. As for the peers, one fit is run
//! beforehand.

mod columns;
mod timing;

use std::error::Error;

use columns::read;
use nelder::frame::Frame;
use nelder::model::{LmSpec, lm};
use nelder::pass::NoProgress;
use nelder::summary::linear::summaries;
use timing::{peak, timed};

/// Fits, and computes all that a printed summary shows.
fn fit(spec: &LmSpec, frame: &Frame<'_>) -> Result<usize, Box<dyn Error>> {
    let fit = lm(spec, frame, &NoProgress)?;
    Ok(summaries(&fit, "", 0.95, None)[0].coefficients.len())
}

fn time(problem: &str, reps: usize, spec: &LmSpec, frame: &Frame<'_>) -> Result<(), Box<dyn Error>> {
    let (seconds, _) = timed(reps, || fit(spec, frame))?;
    println!(
        "{}",
        serde_json::json!({"problem": problem, "peer": "nelder", "seconds": seconds, "peak_kb": peak()})
    );
    Ok(())
}

fn flights(reps: usize) -> Result<(), Box<dyn Error>> {
    let file = nelder_data::open("examples/flights.parquet".as_ref())?;
    let frame = nelder_data::columns_to_memory(&file, &["arr_delay", "dep_delay", "month", "day"])?;
    let spec = LmSpec::new("arr_delay ~ dep_delay + factor(paste(month, day))");
    time("flights", reps, &spec, &frame)
}

fn dense(problem: &str, (n, p): (usize, usize), reps: usize) -> Result<(), Box<dyn Error>> {
    let values = read(&format!("bench/data/dense_{n}x{p}.f64"), p + 1)?;
    if values.len() != n * (p + 1) {
        return Err(format!("the file holds {} numbers, not {n} x {}", values.len(), p + 1).into());
    }
    let names: Vec<String> = (0..p).map(|j| format!("x{}", j + 1)).collect();
    let all = names.iter().map(String::as_str).chain(["y"]);
    let frame = all
        .zip(values.chunks_exact(n))
        .fold(Frame::new(), |frame, (name, column)| {
            frame.with_real(name, column)
        });
    let spec = LmSpec::new("y ~ .");
    time(problem, reps, &spec, &frame)
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let reps = args.get(1).and_then(|a| a.parse().ok()).unwrap_or(5);
    match args.first().map(String::as_str) {
        Some("flights") => flights(reps),
        Some("dense") => dense("dense", (50_000, 200), reps),
        Some("wide") => dense("wide", (20_000, 2_500), reps),
        Some("wider") => dense("wider", (20_000, 6_000), reps),
        _ => Err("usage: bench_lm flights|dense|wide|wider [REPS]".into()),
    }
}
