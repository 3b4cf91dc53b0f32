//! Times `glm` on a problem of `cargo xtask bench glm`, from columns in memory to a full summary.
//!
//! `bench_glm glm_tall|glm_wide REPS`, run in the project's root, prints one JSON line. As for the peers, one fit is
//! run beforehand. `--passes` prints the passes of the last fit to standard error.

mod columns;
mod timing;

use std::error::Error;

use columns::read;
use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{GlmSpec, glm};
use nelder::pass::NoProgress;
use nelder::summary::generalized;
use timing::{peak, timed};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (problem, path, p) = match args.first().map(String::as_str) {
        Some("glm_tall") => ("glm_tall", "bench/data/glm_100000x10.f64", 10),
        Some("glm_wide") => ("glm_wide", "bench/data/glm_50000x200.f64", 200),
        _ => return Err("usage: bench_glm glm_tall|glm_wide [REPS] [--passes]".into()),
    };
    let reps = args.get(1).and_then(|a| a.parse().ok()).unwrap_or(5);
    let values = read(path, p + 1)?;
    let n = values.len() / (p + 1);
    let names: Vec<String> = (1..=p)
        .map(|j| format!("x{j}"))
        .chain(["y".to_string()])
        .collect();
    let frame = names
        .iter()
        .zip(values.chunks_exact(n))
        .fold(Frame::new(), |frame, (name, column)| {
            frame.with_real(name, column)
        });
    let spec = GlmSpec::new(&format!("y ~ {}", names[..p].join(" + ")), Family::binomial());
    let (seconds, fit) = timed(reps, || {
        let fit = glm(&spec, &frame, &NoProgress)?;
        let summary = generalized::summary(&fit, "", 0.95, None);
        std::hint::black_box(summary.coefficients.len());
        Ok(fit.fit)
    })?;
    if args.iter().any(|a| a == "--passes") {
        for pass in &fit.report.passes {
            eprintln!("{:<20} {:>6} {:.5}", pass.name, pass.precision, pass.seconds);
        }
        eprintln!("{} iterations", fit.iterations);
    }
    println!(
        "{}",
        serde_json::json!({"problem": problem, "peer": "nelder", "seconds": seconds, "peak_kb": peak()})
    );
    Ok(())
}
