//! Times `prcomp` on a problem of `cargo xtask bench prcomp`, from columns in memory to components and scores.
//!
//! `bench_prcomp pca_tall|pca_steep|pca_200|pca_rank8 REPS`, run in the project's root, prints one JSON line. As for the peers, one
//! fit is run beforehand. Seconds of each pass and the bound of the standard deviations' errors go with it.

use std::error::Error;
use std::time::Instant;

use nelder::frame::Frame;
use nelder::model::{PcaReport, PcaSpec, prcomp};
use nelder::pass::Quiet;

/// Components and scores: the last score, so that none is left out, and the report.
fn fit(spec: &PcaSpec, frame: &Frame<'_>) -> Result<(f64, PcaReport), Box<dyn Error>> {
    let mut fit = prcomp(spec, frame, &Quiet)?;
    let scores = fit.scores(&Quiet)?;
    let last = scores.values().last().copied().unwrap_or(0.0);
    Ok((last, fit.report))
}

fn time(problem: &str, reps: usize, spec: &PcaSpec, frame: &Frame<'_>) -> Result<(), Box<dyn Error>> {
    let (_, report) = fit(spec, frame)?;
    let mut seconds = Vec::new();
    for _ in 0..reps {
        let start = Instant::now();
        std::hint::black_box(fit(spec, frame)?);
        seconds.push(start.elapsed().as_secs_f64());
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak: u64 = status
        .lines()
        .find_map(|l| {
            l.strip_prefix("VmHWM:")?
                .trim()
                .trim_end_matches("kB")
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0);
    let passes: Vec<(&str, f64)> = report
        .passes
        .iter()
        .map(|p| (p.name.as_str(), p.seconds))
        .collect();
    println!(
        "{}",
        serde_json::json!({
            "problem": problem, "peer": "nelder", "seconds": seconds, "peak_kb": peak,
            "algorithm": report.algorithm, "digits": report.digits, "passes": passes,
        })
    );
    Ok(())
}

/// Columns of `rows` doubles from a file that has them one after another.
fn columns(path: &str, rows: usize, count: usize) -> Result<Vec<f64>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    if bytes.len() < 8 * rows * count {
        return Err(format!(
            "{path} holds {} bytes, fewer than {rows} x {count} numbers",
            bytes.len()
        )
        .into());
    }
    let values = bytes[..8 * rows * count]
        .chunks_exact(8)
        .map(|b| f64::from_le_bytes(b.try_into().unwrap_or_default()))
        .collect();
    Ok(values)
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let reps = args.get(1).and_then(|a| a.parse().ok()).unwrap_or(5);
    let problem = args.first().map_or("", String::as_str);
    let dense = ("bench/data/dense_50000x200.f64", 50_000, 200);
    let ((path, n, p), spec) = match problem {
        "pca_tall" => (
            ("bench/data/pca_10000x1000.f64", 10_000, 1000),
            PcaSpec::default(),
        ),
        "pca_steep" => (
            ("bench/data/pca_steep_10000x1000.f64", 10_000, 1000),
            PcaSpec::default(),
        ),
        "pca_200" => (dense, PcaSpec::default()),
        "pca_rank8" => (dense, PcaSpec::default().rank(8)),
        _ => return Err("usage: bench_prcomp pca_tall|pca_steep|pca_200|pca_rank8 [REPS]".into()),
    };
    let values = columns(path, n, p)?;
    let names: Vec<String> = (0..p).map(|j| format!("x{}", j + 1)).collect();
    let frame = names
        .iter()
        .zip(values.chunks_exact(n))
        .fold(Frame::new(), |frame, (name, column)| {
            frame.with_real(name, column)
        });
    time(problem, reps, &spec, &frame)
}
