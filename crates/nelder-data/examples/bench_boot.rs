//! Times the bootstrap of columns in memory, fit apart.
//!
//! `bench_boot ROWS COLUMNS REPLICATES TYPE [FAMILY]` makes the columns, fits, resamples and prints one JSON line: seconds of the bootstrap, of the
//! fit, and the peak of memory.

mod timing;

use std::error::Error;

use nelder::frame::Frame;
use nelder::model::{BootstrapSpec, GlmSpec, IntervalKind, LmSpec, Regression, bootstrap, glm, lm};
use nelder::pass::NoProgress;
use nelder_device::Philox;
use timing::{peak, timed};

/// Resamples a fit a few times; the seconds of each, and a number of the last.
fn resample<R: Regression>(fit: &R, spec: &BootstrapSpec) -> Result<(Vec<f64>, f64), Box<dyn Error>> {
    timed(3, || {
        let boot = bootstrap(fit, spec, &NoProgress)?;
        let interval = boot.draws.interval(1, IntervalKind::Perc, 0.95, 0.0)?;
        Ok(interval.low + boot.draws.std_errors()[1])
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize| -> Result<usize, Box<dyn Error>> {
        Ok(args
            .get(i)
            .ok_or("ROWS COLUMNS REPLICATES TYPE [FAMILY]")?
            .parse()?)
    };
    let (n, p) = (number(0)?, number(1)?);
    let kind = args.get(3).map_or("case", String::as_str).parse()?;
    let spec = BootstrapSpec::new(number(2)? as u32).resampling(kind);
    let draws = Philox::new(1);
    let columns: Vec<Vec<f64>> = (0..=p as u64)
        .map(|j| (0..n as u64).map(|i| draws.normal(j * n as u64 + i)).collect())
        .collect();
    let signal: Vec<f64> = columns[0].iter().zip(&columns[p]).map(|(x, e)| x + e).collect();
    let of = |v: &f64| f64::from(u8::from(*v > 0.5));
    let response: Vec<f64> = match args.get(4) {
        None => signal,
        Some(_) => signal.iter().map(of).collect(),
    };
    let names: Vec<String> = (0..p).map(|j| format!("x{}", j + 1)).collect();
    let named = names.iter().zip(&columns);
    let frame = named.fold(Frame::new().with_real("y", &response), |frame, (name, x)| {
        frame.with_real(name, x)
    });
    let start = std::time::Instant::now();
    let ((seconds, _), fit) = match args.get(4) {
        None => {
            let fit = lm(&LmSpec::new("y ~ ."), &frame, &NoProgress)?;
            let own = start.elapsed().as_secs_f64();
            (resample(&fit, &spec)?, own)
        }
        Some(family) => {
            let fit = glm(&GlmSpec::new("y ~ .", family.parse()?), &frame, &NoProgress)?;
            let own = start.elapsed().as_secs_f64();
            (resample(&fit, &spec)?, own)
        }
    };
    println!(
        "{}",
        serde_json::json!({"seconds": seconds, "fit": fit, "peak_kb": peak()})
    );
    Ok(())
}
