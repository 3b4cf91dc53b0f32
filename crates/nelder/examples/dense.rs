//! Times `lm` on dense columns in memory, with the seconds of each pass.
use nelder::frame::Frame;
use nelder::model::{LmSpec, Regression, lm};
use nelder::pass::NoProgress;

fn main() {
    let args: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let (n, p) = (
        args.first().copied().unwrap_or(50_000),
        args.get(1).copied().unwrap_or(200),
    );
    let mut state = 1u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut normal =
        || (-2.0 * uniform().max(1e-300).ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
    let columns: Vec<Vec<f64>> = (0..p).map(|_| (0..n).map(|_| normal()).collect()).collect();
    let y: Vec<f64> = (0..n)
        .map(|i| columns.iter().map(|c| c[i]).sum::<f64>() + normal())
        .collect();
    let names: Vec<String> = (0..p).map(|j| format!("x{j}")).collect();
    let mut frame = Frame::new().with_real("y", &y);
    for (name, column) in names.iter().zip(&columns) {
        frame = frame.with_real(name, column);
    }
    let formula = format!("y ~ {}", names.join(" + "));
    for _ in 0..5 {
        let start = std::time::Instant::now();
        let fit = lm(&LmSpec::new(&formula), &frame, &NoProgress).unwrap_or_else(|e| panic!("{e}"));
        let seconds = start.elapsed().as_secs_f64();
        let report = fit.report();
        let passes: Vec<String> = report
            .passes
            .iter()
            .map(|p| format!("{} {:.4}", p.name, p.seconds))
            .collect();
        println!(
            "{seconds:.4} s  {} {:?} κ {:.1} {}",
            passes.join(", "),
            report.digits,
            report.condition,
            report.precision
        );
    }
}
