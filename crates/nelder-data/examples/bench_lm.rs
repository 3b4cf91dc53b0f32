//! Times `lm` on the bench's problems from columns in memory to a full summary; one JSON line a problem.

use std::time::Instant;

use nelder::frame::Frame;
use nelder::model::{Lm, LmSpec, lm};
use nelder::pass::Quiet;

fn fit_times(problem: &str, rounds: usize, fit: impl Fn() -> f64) {
    let seconds: Vec<String> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(fit());
            start.elapsed().as_secs_f64().to_string()
        })
        .collect();
    println!(
        "{{\"problem\":\"{problem}\",\"peer\":\"nelder\",\"seconds\":[{}]}}",
        seconds.join(",")
    );
}

/// Everything that a printed summary needs.
fn summarize(fit: &Lm<'_>) -> f64 {
    let r = &fit.responses[0];
    r.std_errors.iter().sum::<f64>()
        + r.r_squared()
        + fit.f_statistic(0).map_or(0.0, |f| f.0)
        + r.quantiles[2]
}

fn flights(path: &str, rounds: usize) -> Result<(), Box<dyn std::error::Error>> {
    let file = nelder_data::open(path.as_ref())?;
    let frame = nelder_data::columns_to_memory(&file, &["arr_delay", "dep_delay", "month", "day"])?;
    let spec = LmSpec::new("arr_delay ~ dep_delay + factor(paste(month, day))");
    fit_times("flights", rounds, || {
        lm(&spec, &frame, &Quiet).map_or(f64::NAN, |f| summarize(&f))
    });
    let fit = lm(&spec, &frame, &Quiet)?;
    for p in &fit.fit.report.passes {
        eprintln!("{} {:.4} s", p.name, p.seconds);
    }
    eprintln!(
        "{:?} {} {:?}",
        fit.fit.report.digits, fit.fit.report.algorithm, fit.fit.report.notes
    );
    eprintln!(
        "{} rows {} columns b {:?}",
        fit.rows(),
        fit.names().len(),
        &fit.responses[0].coefficients[..3]
    );
    Ok(())
}

fn dense(path: &str, rounds: usize) -> Result<(), Box<dyn std::error::Error>> {
    let (n, p) = (50_000usize, 200usize);
    let bytes = std::fs::read(path)?;
    let values: Vec<f64> = bytes
        .chunks_exact(8)
        .map(|b| f64::from_le_bytes(b.try_into().unwrap_or_default()))
        .collect();
    if values.len() != n * (p + 1) {
        return Err(format!("{path} holds {} numbers, not {n} x {}", values.len(), p + 1).into());
    }
    let names: Vec<String> = (0..p).map(|j| format!("x{}", j + 1)).collect();
    let mut frame = Frame::new();
    for (name, column) in names
        .iter()
        .map(String::as_str)
        .chain(["y"])
        .zip(values.chunks_exact(n))
    {
        frame = frame.with_real(name, column);
    }
    let spec = LmSpec::new(&format!("y ~ {}", names.join(" + ")));
    fit_times("dense_50000x200", rounds, || {
        lm(&spec, &frame, &Quiet).map_or(f64::NAN, |f| summarize(&f))
    });
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rounds = args.get(2).and_then(|a| a.parse().ok()).unwrap_or(5);
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["flights", path, ..] => flights(path, rounds),
        ["dense", path, ..] => dense(path, rounds),
        _ => Err("usage: bench_lm flights|dense FILE [ROUNDS]".into()),
    }
}
