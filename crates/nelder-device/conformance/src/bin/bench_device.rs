//! `bench_device DEVICE [PROBLEM ...] [--passes] [--f32] [--compare]`: seconds of fits whose data are on a device, as JSON
//! lines. DEVICE may also be `cpu`, for the CPU's own passes, and `auto`, where the plan chooses between these and `cuda`;
//! then all data start in the host's memory. With `--f32` the gram is in single precision where that is quicker. `--compare`
//! adds how far coefficients and standard errors are from those of the CPU's own passes.

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use nelder::family::Family;
use nelder::frame::{DeviceFrame, Frame, Source};
use nelder::model::{
    Accuracy, GlmSpec, LmSpec, PcaReport, PcaSpec, Regression, SolveReport, glm, lm, prcomp,
};
use nelder::pass::{Auto, Executor, Monitor, PassRecord, Plan, Run};
use nelder_conformance::{on, open_one};
use nelder_device::{DeviceError, GlmKernels, Matrix, Offer};

type Failure = Box<dyn std::error::Error>;

/// A fit to be timed.
struct Problem {
    name: &'static str,
    rows: usize,
    columns: usize,
    /// True if y is 0 or 1: a logistic regression.
    binary: bool,
    /// True if the data start in the host's memory.
    host: bool,
    /// True if principal components and scores are wanted, of the columns but y.
    components: bool,
}

const fn problem(name: &'static str, rows: usize, columns: usize, binary: bool, host: bool) -> Problem {
    Problem {
        name,
        rows,
        columns,
        binary,
        host,
        components: false,
    }
}

const fn components(name: &'static str, rows: usize, columns: usize, host: bool) -> Problem {
    Problem {
        components: true,
        ..problem(name, rows, columns, false, host)
    }
}

const PROBLEMS: &[Problem] = &[
    problem("lm_1e6x256", 1_000_000, 256, false, false),
    problem("lm_1e7x16", 10_000_000, 16, false, false),
    problem("lm_250000x800", 250_000, 800, false, false),
    problem("lm_250000x800_host", 250_000, 800, false, true),
    problem("logistic_1e7x16", 10_000_000, 16, true, false),
    problem("logistic_1e6x256", 1_000_000, 256, true, false),
    problem("lm_1000x5", 1_000, 5, false, true),
    problem("lm_100000x10", 100_000, 10, false, true),
    problem("lm_1e6x16", 1_000_000, 16, false, true),
    problem("lm_100000x100", 100_000, 100, false, true),
    problem("logistic_100000x10", 100_000, 10, true, true),
    problem("logistic_1e6x16", 1_000_000, 16, true, true),
    problem("logistic_50000x200", 50_000, 200, true, true),
    components("pca_10000x1000_host", 10_000, 1_000, true),
    components("pca_10000x1000", 10_000, 1_000, false),
    components("pca_50000x200_host", 50_000, 200, true),
    problem("small_20000x256", 20_000, 256, false, false),
    problem("small_4000x800", 4_000, 800, false, false),
    problem("small_20000x800", 20_000, 800, false, false),
];

/// A number in [0, 1) for each place (SplitMix64, Steele, Lea & Flood 2014).
fn uniform(at: u64) -> f64 {
    let mut z = at.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as f64 / 2f64.powi(64)
}

/// About normal: the sum of four uniform numbers, scaled.
fn normal(at: u64) -> f64 {
    (0..4).map(|k| uniform(4 * at + k)).sum::<f64>() * 3f64.sqrt() - 2.0 * 3f64.sqrt()
}

/// Columns x1 …, then y, made by all threads.
fn data(problem: &Problem) -> Vec<f64> {
    let (n, p) = (problem.rows, problem.columns);
    let mut all = vec![0.0; n * (p + 1)];
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (x, y) = all.split_at_mut(n * p);
    let piece = x.len().div_ceil(threads);
    std::thread::scope(|scope| {
        for (k, part) in x.chunks_mut(piece).enumerate() {
            scope.spawn(move || {
                for (i, v) in part.iter_mut().enumerate() {
                    *v = normal((k * piece + i) as u64);
                }
            });
        }
    });
    let x = &*x;
    let piece = n.div_ceil(threads);
    std::thread::scope(|scope| {
        for (k, part) in y.chunks_mut(piece).enumerate() {
            scope.spawn(move || {
                let from = k * piece;
                for j in 0..p {
                    let b = (j % 7) as f64 * 0.1 / (p as f64).sqrt();
                    let column = &x[j * n + from..j * n + from + part.len()];
                    part.iter_mut().zip(column).for_each(|(y, x)| *y += b * x);
                }
                for (i, y) in part.iter_mut().enumerate() {
                    let u = uniform(u64::MAX / 2 + (from + i) as u64);
                    *y = match problem.binary {
                        true => f64::from(u8::from(u < 1.0 / (1.0 + (-*y).exp()))),
                        false => *y + 3.0 * (u - 0.5),
                    };
                }
            });
        }
    });
    all
}

/// Keeps the first plan of a fit.
#[derive(Default)]
struct Watch(Mutex<Option<Plan>>);

impl Monitor for Watch {
    fn advance(&self, _: &str, _: u64, _: Option<u64>) -> bool {
        true
    }

    fn planned(&self, plan: &Plan) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| plan.clone());
    }
}

fn fit(problem: &Problem, source: &dyn Source, accuracy: Accuracy, run: Run<'_>) -> Result<Fitted, Failure> {
    let monitor = run.monitor;
    if problem.components {
        let names: Vec<String> = (1..=problem.columns).map(|j| format!("x{j}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut found = prcomp(&PcaSpec::of_columns(&names), source, run)?;
        let scores = found.scores(monitor)?;
        // the length of a row is the same on other axes
        let length = |i: usize| {
            (0..scores.columns())
                .map(|j| scores.get(i, j).powi(2))
                .sum::<f64>()
        };
        return Ok(Fitted {
            coefficients: vec![length(0), length(scores.rows() - 1)],
            errors: found.sdev,
            report: Report::of_components(&found.report),
        });
    }
    let terms: Vec<String> = (1..=problem.columns).map(|j| format!("x{j}")).collect();
    let formula = format!("y ~ {}", terms.join(" + "));
    if problem.binary {
        let spec = GlmSpec::new(&formula, Family::binomial()).accuracy(accuracy);
        let found = glm(&spec, source, run)?;
        return Ok(Fitted {
            report: Report::of_fit(found.report()),
            coefficients: found.coefficients,
            errors: found.std_errors,
        });
    }
    let mut found = lm(&LmSpec::new(&formula).accuracy(accuracy), source, run)?;
    let response = found.responses.pop().ok_or("a fit without a response")?;
    Ok(Fitted {
        coefficients: response.coefficients,
        errors: response.std_errors,
        report: Report::of_fit(found.report()),
    })
}

/// Results of a fit that are compared (coefficients and their standard errors), and its report.
struct Fitted {
    coefficients: Vec<f64>,
    errors: Vec<f64>,
    report: Report,
}

/// Printed parts of a report: algorithm, device, digits, passes.
struct Report {
    summary: String,
    device: String,
    passes: Vec<PassRecord>,
}

impl Report {
    fn of_fit(report: &SolveReport) -> Self {
        Report {
            summary: format!(
                "{} {} digits {:?} refinements {}",
                report.algorithm, report.device, report.digits, report.refinements
            ),
            device: report.device.clone(),
            passes: report.passes.clone(),
        }
    }

    fn of_components(report: &PcaReport) -> Self {
        Report {
            summary: format!(
                "{} {} digits {:?}",
                report.algorithm, report.device, report.digits
            ),
            device: report.device.clone(),
            passes: report.passes.clone(),
        }
    }
}

/// The largest difference in units of the second numbers, each.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs() / b.abs())
        .fold(0.0, f64::max)
}

/// A device that is open.
struct Open(Arc<dyn GlmKernels>);

impl Offer for Open {
    fn id(&self) -> String {
        self.0.describe().id
    }

    fn start(&self) -> f64 {
        0.0
    }

    fn open(&self) -> Result<Arc<dyn GlmKernels>, DeviceError> {
        Ok(self.0.clone())
    }
}

fn time(
    problem: &Problem,
    device: &Arc<dyn GlmKernels>,
    id: &str,
    accuracy: Accuracy,
    [passes, compare]: [bool; 2],
) -> Result<(), Failure> {
    let values = data(problem);
    let (n, p) = (problem.rows, problem.columns);
    let names: Vec<String> = (1..=p).map(|j| format!("x{j}")).chain(["y".into()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut frame = Frame::new();
    let there;
    let cpu = matches!(id, "cpu" | "auto");
    let place: Arc<dyn Executor> = match id {
        "auto" => Arc::new(Auto::new(vec![Arc::new(Open(device.clone()))])),
        "cpu" => Arc::new(Auto::default()),
        _ => on(std::slice::from_ref(device)),
    };
    let source: &dyn Source = match problem.host || cpu {
        true => {
            for (name, column) in names.iter().zip(values.chunks(n)) {
                frame = frame.with_real(name, column);
            }
            &frame
        }
        false => {
            let matrix = Matrix::new(device.upload(&values)?, n, p + 1)?;
            there = DeviceFrame::new(device.clone()).with(&names, &matrix)?;
            &there
        }
    };
    let mut seconds = Vec::new();
    let (mut fitted, watch) = (None, Watch::default());
    for _ in 0..9 {
        device.synchronize()?;
        let start = Instant::now();
        // each fit chooses anew
        fitted = Some(fit(problem, source, accuracy, Run::on(place.clone(), &watch))?);
        seconds.push(start.elapsed().as_secs_f64());
    }
    let first = seconds[0];
    seconds[1..].sort_by(f64::total_cmp);
    let planned = watch.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    let planned = planned.map_or(f64::NAN, |p| p.seconds());
    println!(
        "{{\"problem\": \"{}\", \"peer\": \"nelder{}\", \"device\": \"{}\", \"seconds\": {:.6}, \"least\": {:.6}, \"first\": {:.6}, \"planned\": {:.6}}}",
        problem.name,
        if accuracy == Accuracy::Single { " f32" } else { "" },
        match fitted.as_ref() {
            Some(fitted) if id == "auto" => fitted.report.device.clone(),
            _ => device.describe().name,
        },
        seconds[5],
        seconds[1],
        first,
        planned
    );
    if let (true, Some(fitted)) = (compare, &fitted) {
        let columns = names.iter().zip(values.chunks(n));
        let frame = columns.fold(Frame::new(), |frame, (name, column)| {
            frame.with_real(name, column)
        });
        let other = fit(problem, &frame, Accuracy::Auto, (&Watch::default()).into())?;
        println!(
            "  from the CPU's: coefficients {:.1e}, standard errors (or deviations) {:.1e}",
            apart(&fitted.coefficients, &other.coefficients),
            apart(&fitted.errors, &other.errors)
        );
    }
    if let (true, Some(Fitted { report, .. })) = (passes, fitted) {
        println!("  {}", report.summary);
        for pass in &report.passes {
            println!(
                "  {:<12} {:>8.3} ms {:>8} {} {}",
                pass.name,
                1e3 * pass.seconds,
                pass.precision,
                pass.device,
                pass.bytes
            );
        }
    }
    Ok(())
}

fn run() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut words = arguments.iter().filter(|a| !a.starts_with("--"));
    // the CPU's own passes, not the verbs of a device
    let id = words.next().map_or("cuda", String::as_str);
    let device = open_one(match id {
        "cpu" => "host",
        "auto" => "cuda",
        id => id,
    })?;
    let wanted: Vec<&String> = words.collect();
    let asked = |option: &str| arguments.iter().any(|a| a == option);
    let accuracy = match asked("--f32") {
        true => Accuracy::Single,
        false => Accuracy::Auto,
    };
    for problem in PROBLEMS {
        if wanted.is_empty() || wanted.iter().any(|w| problem.name.contains(w.as_str())) {
            time(
                problem,
                &device,
                id,
                accuracy,
                [asked("--passes"), asked("--compare")],
            )?;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
