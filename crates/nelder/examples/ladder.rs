//! `cargo run --release -p nelder --example ladder [FOLDER]`: what the ladder of precision of `glm` costs and gives. Fits of a
//! logistic regression for every `epsilon` and `epsilon_f64`, as a table (`ladder.csv`) and two plots.

use std::fmt::Write as _;
use std::time::Instant;

use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{Accuracy, GlmSpec, Regression, glm};
use nelder::pass::NoProgress;

const ROWS: usize = 50_000;
const COLUMNS: usize = 200;
const ROUNDS: usize = 5;

/// One setting, and what came of it.
struct Point {
    epsilon: f64,
    epsilon_f64: f64,
    seconds: f64,
    error: f64,
    single: usize,
    steps: usize,
}

/// A number in [0, 1) for each place (SplitMix64, Steele, Lea & Flood 2014).
fn uniform(at: u64) -> f64 {
    let mut z = at.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z >> 11) as f64 / (1u64 << 53) as f64
}

/// A plot of points by series, both axes logarithmic to base 10, as SVG.
fn plot(title: &str, axes: [&str; 2], series: &[(String, Vec<(f64, f64)>)]) -> String {
    const COLOURS: [&str; 4] = ["#1b6ca8", "#d1495b", "#3a7d44", "#8d6a9f"];
    let all = || series.iter().flat_map(|s| s.1.iter());
    let range = |of: fn(&(f64, f64)) -> f64| {
        let low = all().map(|p| of(p).log10()).fold(f64::INFINITY, f64::min);
        let high = all().map(|p| of(p).log10()).fold(f64::NEG_INFINITY, f64::max);
        let room = (0.08 * (high - low)).max(0.05);
        (low - room, high + room)
    };
    let (xs, ys) = (range(|p| p.0), range(|p| p.1));
    let at = |p: &(f64, f64)| {
        let x = 90.0 + 480.0 * (p.0.log10() - xs.0) / (xs.1 - xs.0);
        let y = 340.0 - 280.0 * (p.1.log10() - ys.0) / (ys.1 - ys.0);
        (x, y)
    };
    let mut out = String::from(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 720 400' font-family='sans-serif' font-size='13'>\n<rect width='720' height='400' fill='white'/>\n",
    );
    let _ = writeln!(out, "<text x='90' y='30' font-size='15'>{title}</text>");
    let _ = writeln!(out, "<path d='M90 60 V340 H570' fill='none' stroke='black'/>");
    let _ = writeln!(
        out,
        "<text x='330' y='385' text-anchor='middle'>{}</text>",
        axes[0]
    );
    let _ = writeln!(
        out,
        "<text transform='translate(20 200) rotate(-90)' text-anchor='middle'>{}</text>",
        axes[1]
    );
    let (first, last) = (xs.0.ceil() as i32, xs.1.floor() as i32);
    for e in first..=last {
        let (x, _) = at(&(10f64.powi(e), 10f64.powf(ys.0)));
        let _ = writeln!(out, "<text x='{x:.1}' y='358' text-anchor='middle'>1e{e}</text>");
    }
    for k in 0..=4 {
        let value = 10f64.powf(ys.0 + (ys.1 - ys.0) * f64::from(k) / 4.0);
        let (_, y) = at(&(10f64.powf(xs.0), value));
        let _ = writeln!(
            out,
            "<text x='84' y='{:.1}' text-anchor='end'>{value:.2e}</text>",
            y + 4.0
        );
    }
    for (k, (name, points)) in series.iter().enumerate() {
        let colour = COLOURS[k % COLOURS.len()];
        let line: Vec<String> = points
            .iter()
            .map(|p| {
                let (x, y) = at(p);
                format!("{x:.1},{y:.1}")
            })
            .collect();
        let _ = writeln!(
            out,
            "<polyline points='{}' fill='none' stroke='{colour}'/>",
            line.join(" ")
        );
        for p in points {
            let (x, y) = at(p);
            let _ = writeln!(out, "<circle cx='{x:.1}' cy='{y:.1}' r='4' fill='{colour}'/>");
        }
        let y = 70 + 20 * k;
        let _ = writeln!(out, "<text x='585' y='{y}' fill='{colour}'>{name}</text>");
    }
    out + "</svg>\n"
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "accuracy/ladder".into());
    let columns: Vec<Vec<f64>> = (0..COLUMNS)
        .map(|j| {
            (0..ROWS)
                .map(|i| 3.4 * (uniform((j * ROWS + i) as u64) - 0.5))
                .collect()
        })
        .collect();
    let y: Vec<f64> = (0..ROWS)
        .map(|i| {
            let eta: f64 = (0..COLUMNS)
                .map(|j| (j % 7) as f64 * 0.1 / (COLUMNS as f64).sqrt() * columns[j][i])
                .sum();
            let draw = uniform((COLUMNS * ROWS + i) as u64);
            f64::from(u8::from(draw < 1.0 / (1.0 + (-eta).exp())))
        })
        .collect();
    let names: Vec<String> = (0..COLUMNS).map(|j| format!("x{j}")).collect();
    let mut frame = Frame::new().with_real("y", &y);
    for (name, column) in names.iter().zip(&columns) {
        frame = frame.with_real(name, column);
    }
    let formula = format!("y ~ {}", names.join(" + "));
    // the answer that the others are held against
    let mut certified = GlmSpec::new(&formula, Family::binomial()).epsilon(1e-14);
    certified.design.accuracy = Accuracy::Certified;
    let fit = glm(&certified, &frame, &NoProgress)?;
    let exact = fit.fit.coefficients.clone();
    let size = exact.iter().map(|b| b.hi.abs()).fold(0.0, f64::max);
    let mut points = Vec::new();
    // 1 is never passed: every step in double precision
    for epsilon_f64 in [1e-5, 1e-6, 1e-7, 1.0] {
        for k in 6..=12 {
            let mut spec = GlmSpec::new(&formula, Family::binomial()).epsilon(10f64.powi(-k));
            spec.epsilon_f64 = epsilon_f64;
            if epsilon_f64 == 1.0 {
                spec.design.accuracy = Accuracy::Double;
            }
            let mut seconds = Vec::new();
            let mut last = None;
            for _ in 0..ROUNDS {
                let start = Instant::now();
                last = Some(glm(&spec, &frame, &NoProgress)?);
                seconds.push(start.elapsed().as_secs_f64());
            }
            seconds.sort_by(f64::total_cmp);
            let Some(fit) = last else { continue };
            let apart = fit
                .fit
                .coefficients
                .iter()
                .zip(&exact)
                .map(|(a, b)| (*a - *b).hi.abs());
            let passes = &fit.report().passes;
            let steps = || passes.iter().filter(|p| p.name.starts_with("st"));
            let point = Point {
                epsilon: spec.epsilon,
                epsilon_f64,
                seconds: seconds[ROUNDS / 2],
                error: apart.fold(0.0, f64::max) / size,
                single: steps().filter(|p| p.precision == "f32").count(),
                steps: steps().count(),
            };
            println!(
                "{:e} {:e}: {:.4} s, error {:.1e}, {} of {} steps in single precision",
                point.epsilon, point.epsilon_f64, point.seconds, point.error, point.single, point.steps
            );
            points.push(point);
        }
    }
    let mut table = String::from("epsilon,epsilon_f64,seconds,error,single_steps,steps\n");
    for p in &points {
        let rung = match p.epsilon_f64 {
            1.0 => "none".to_string(),
            e => format!("{e:e}"),
        };
        let _ = writeln!(
            table,
            "{:e},{rung},{:.5},{:.2e},{},{}",
            p.epsilon, p.seconds, p.error, p.single, p.steps
        );
    }
    std::fs::write(format!("{folder}/ladder.csv"), table)?;
    let series = |of: fn(&Point) -> f64| -> Vec<(String, Vec<(f64, f64)>)> {
        [1e-5, 1e-6, 1e-7, 1.0]
            .iter()
            .map(|e| {
                let own = points.iter().filter(|p| p.epsilon_f64 == *e);
                let name = match *e {
                    1.0 => "float64 only".to_string(),
                    e => format!("epsilon_f64 {e:e}"),
                };
                (name, own.map(|p| (p.epsilon, of(p))).collect())
            })
            .collect()
    };
    let errors = plot(
        "Error of the coefficients, relative to the largest",
        ["epsilon", "error"],
        &series(|p| p.error.max(1e-17)),
    );
    let times = plot("Seconds of a fit", ["epsilon", "seconds"], &series(|p| p.seconds));
    std::fs::write(format!("{folder}/error.svg"), errors)?;
    std::fs::write(format!("{folder}/time.svg"), times)?;
    Ok(())
}
