//! What the timed programs share.

use std::error::Error;
use std::time::Instant;

/// The most memory that this process has had, in kB.
pub fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:").map(str::to_string));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse().ok())
        .unwrap_or(0)
}

/// Seconds of `reps` runs after one that warms up, and what the last one gave.
pub fn timed<T>(
    reps: usize,
    mut run: impl FnMut() -> Result<T, Box<dyn Error>>,
) -> Result<(Vec<f64>, T), Box<dyn Error>> {
    let mut last = run()?;
    let mut seconds = Vec::new();
    for _ in 0..reps {
        let start = Instant::now();
        last = std::hint::black_box(run()?);
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok((seconds, last))
}
