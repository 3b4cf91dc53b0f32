//! `cargo xtask bench lm|glm|prcomp`: problems beside their peers, in turns, on the same data.

use crate::problems::{GLM, GLMNET, LM, Ours, PRCOMP, Problem, Runner, Suite};
use crate::setup::{self, output_of};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The release builds that ours need.
const OURS_EXAMPLE: &[&str] = &["build", "--release", "-p", "nelder-data", "--example"];
const OURS_COMMAND: &[&str] = &["build", "--release", "-p", "nelder-cli"];
const OURS: &str = "nelder";

/// `cargo xtask bench lm|glm|prcomp|glmnet [--rounds N] [--problem P] [--peers-only]`.
pub fn run(root: &Path, args: &[String]) -> crate::Outcome {
    let suite = match args.first().map(String::as_str) {
        Some("lm") => &LM,
        Some("glm") => &GLM,
        Some("prcomp") => &PRCOMP,
        Some("glmnet") => &GLMNET,
        _ => return Err("say which bench: `cargo xtask bench lm`, `glm`, `prcomp`, `glmnet` or `r`".into()),
    };
    let options = Options::read(&args[1..])?;
    setup::ensure_packages(suite.debian, suite.packages)?;
    let python = virtual_environment(root)?;
    let problems: Vec<&Problem> = suite
        .problems
        .iter()
        .filter(|p| options.problem.as_deref().is_none_or(|w| w == p.name))
        .collect();
    if problems.is_empty() {
        return Err(format!(
            "no such problem; there are {}",
            suite
                .problems
                .iter()
                .map(|p| p.name)
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    if !options.peers_only {
        build(root, suite, &problems)?;
    }
    let mut results = Map::new();
    for problem in problems {
        let status = Command::new(&python)
            .arg(root.join("bench/make_data.py"))
            .arg(problem.name)
            .stdout(Stdio::null())
            .status();
        if !status.is_ok_and(|s| s.success()) {
            return Err(format!("bench/make_data.py {} failed", problem.name));
        }
        let runs = rounds(root, &python, suite, problem, &options)?;
        print_table(problem, &runs);
        let peers: Map<String, Value> = runs
            .iter()
            .map(|(name, run)| (name.clone(), run.record()))
            .collect();
        results.insert(
            problem.name.into(),
            json!({"what": problem.what, "goal": problem.goal, "rounds": options.rounds, "peers": peers}),
        );
    }
    write_results(root, &python, suite, results)
}

struct Options {
    rounds: usize,
    problem: Option<String>,
    peers_only: bool,
}

impl Options {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut options = Self {
            rounds: 3,
            problem: None,
            peers_only: false,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--rounds" => {
                    let n = args.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                    options.rounds = n.ok_or("--rounds takes a number above 0")?;
                }
                "--problem" => options.problem = Some(args.next().ok_or("--problem takes a name")?.clone()),
                "--peers-only" => options.peers_only = true,
                other => return Err(format!("unknown option `{other}`")),
            }
        }
        Ok(options)
    }
}

/// All timings of one peer.
#[derive(Default)]
struct Run {
    seconds: Vec<f64>,
    peak_kb: u64,
    extra: Map<String, Value>,
}

impl Run {
    fn median(&self) -> f64 {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            n => (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0,
        }
    }

    fn record(&self) -> Value {
        let least = self.seconds.iter().copied().fold(f64::INFINITY, f64::min);
        let mut record = json!({
            "median": self.median(), "least": least, "seconds": self.seconds, "peak_kb": self.peak_kb,
        });
        if let Some(object) = record.as_object_mut() {
            object.extend(self.extra.clone());
        }
        record
    }

    /// Adds the JSON line that a program printed last.
    fn add_line(&mut self, printed: &str) -> Option<String> {
        let line = printed.lines().rev().find(|l| l.starts_with('{'))?;
        let value: Value = serde_json::from_str(line).ok()?;
        self.seconds
            .extend(value["seconds"].as_array()?.iter().filter_map(Value::as_f64));
        self.peak_kb = self.peak_kb.max(value["peak_kb"].as_u64().unwrap_or(0));
        for (key, v) in value.as_object()? {
            if !matches!(key.as_str(), "problem" | "peer" | "seconds" | "peak_kb") {
                self.extra.insert(key.clone(), v.clone());
            }
        }
        value["peer"].as_str().map(str::to_string)
    }
}

/// Rounds in turns: ours, a peer, ours, the next peer, and so on.
fn rounds(
    root: &Path,
    python: &Path,
    suite: &Suite,
    problem: &Problem,
    options: &Options,
) -> Result<BTreeMap<String, Run>, String> {
    let mut runs: BTreeMap<String, Run> = BTreeMap::new();
    for round in 0..options.rounds {
        if problem.peers.is_empty() && !options.peers_only {
            run_ours(root, suite, problem, runs.entry(OURS.into()).or_default())?;
        }
        for peer in problem.peers.iter().filter(|p| round < p.rounds) {
            if !options.peers_only {
                run_ours(root, suite, problem, runs.entry(OURS.into()).or_default())?;
            }
            let mut command = match peer.runner {
                Runner::R => Command::new("Rscript"),
                Runner::Python => Command::new(python),
            };
            match peer.runner {
                Runner::R => command
                    .arg("--vanilla")
                    .arg(root.join(format!("bench/peers/{}.R", suite.name))),
                Runner::Python => command.arg(root.join(format!("bench/peers/{}.py", suite.name))),
            };
            command.args([problem.name, peer.name, &peer.reps.to_string()]);
            eprintln!(
                "round {} of {}: {} {}",
                round + 1,
                options.rounds,
                problem.name,
                peer.name
            );
            let mut run = Run::default();
            let name = run
                .add_line(&printed(&mut command)?)
                .ok_or_else(|| format!("{} on {} printed no JSON line", peer.name, problem.name))?;
            let whole = runs.entry(name).or_default();
            whole.seconds.extend(run.seconds);
            whole.peak_kb = whole.peak_kb.max(run.peak_kb);
            whole.extra = run.extra;
        }
    }
    Ok(runs)
}

fn run_ours(root: &Path, suite: &Suite, problem: &Problem, run: &mut Run) -> Result<(), String> {
    match problem.ours {
        Ours::Example => {
            let mut command = Command::new(release(root).join(format!("examples/bench_{}", suite.name)));
            command
                .args([problem.name, &problem.reps.to_string()])
                .current_dir(root);
            let text = printed(&mut command)?;
            run.add_line(&text).ok_or("the bench printed no JSON line")?;
        }
        Ours::Command(args) => {
            for _ in 0..problem.reps {
                let (seconds, peak_kb) = whole_process(root, &release(root).join("nelder"), args)?;
                run.seconds.push(seconds);
                run.peak_kb = run.peak_kb.max(peak_kb);
            }
        }
    }
    Ok(())
}

/// Wall seconds and peak resident memory of a command, as GNU time reports it.
fn whole_process(root: &Path, program: &Path, args: &[&str]) -> Result<(f64, u64), String> {
    let start = Instant::now();
    let out = Command::new("/usr/bin/time")
        .args(["-f", "peak_kb %M"])
        .arg(program)
        .args(args)
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("/usr/bin/time (Debian package `time`): {e}"))?;
    let seconds = start.elapsed().as_secs_f64();
    let errors = String::from_utf8_lossy(&out.stderr);
    if !out.status.success() {
        return Err(format!("{}: {}", program.display(), errors.trim()));
    }
    let peak = errors
        .lines()
        .rev()
        .find_map(|l| l.strip_prefix("peak_kb ")?.trim().parse().ok());
    Ok((seconds, peak.ok_or("/usr/bin/time printed no peak")?))
}

fn printed(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let out = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{program}: {e}"))?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    Err(format!(
        "{program}: {}",
        String::from_utf8_lossy(&out.stderr).trim()
    ))
}

/// Where cargo puts release builds.
fn release(root: &Path) -> PathBuf {
    target(root).join("release")
}

/// Where cargo puts builds.
pub fn target(root: &Path) -> PathBuf {
    let out = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root)
        .output();
    let target = out.ok().and_then(|out| {
        let metadata: Value = serde_json::from_slice(&out.stdout).ok()?;
        metadata["target_directory"].as_str().map(PathBuf::from)
    });
    target.unwrap_or_else(|| root.join("target"))
}

fn build(root: &Path, suite: &Suite, problems: &[&Problem]) -> crate::Outcome {
    let example = problems.iter().any(|p| matches!(p.ours, Ours::Example));
    let command = problems.iter().any(|p| matches!(p.ours, Ours::Command(_)));
    let own = format!("bench_{}", suite.name);
    let of_example = [OURS_EXAMPLE, &[own.as_str()]].concat();
    let builds = [(example, of_example), (command, OURS_COMMAND.to_vec())];
    for (_, args) in builds.iter().filter(|(wanted, _)| *wanted) {
        let status = Command::new("cargo").args(args).current_dir(root).status();
        if !status.is_ok_and(|s| s.success()) {
            return Err(format!(
                "cargo {} failed; `--peers-only` measures the peers alone",
                args.join(" ")
            ));
        }
    }
    Ok(())
}

/// The bench's own Python with the peers of requirements.txt; gives its interpreter.
pub fn virtual_environment(root: &Path) -> Result<PathBuf, String> {
    let folder = root.join("bench/.venv");
    let python = folder.join("bin/python");
    let wanted = root.join("bench/requirements.txt");
    // a copy of the list inside says for which list the environment was made
    let made = folder.join("requirements.txt");
    let same = fs::read(&wanted).is_ok_and(|a| fs::read(&made).is_ok_and(|b| a == b));
    if same {
        return Ok(python);
    }
    eprintln!("making bench/.venv");
    let ran = |program: &Path, args: &[&str]| -> crate::Outcome {
        let status = Command::new(program).args(args).current_dir(root).status();
        if status.is_ok_and(|s| s.success()) {
            return Ok(());
        }
        Err(format!("{} {} failed", program.display(), args.join(" ")))
    };
    ran(Path::new("python3"), &["-m", "venv", "bench/.venv"])
        .map_err(|e| format!("{e}; on Debian the package is python3-venv"))?;
    ran(
        &python,
        &["-m", "pip", "install", "--quiet", "-r", "bench/requirements.txt"],
    )?;
    fs::copy(&wanted, &made).map_err(|e| format!("{}: {e}", made.display()))?;
    Ok(python)
}

fn print_table(problem: &Problem, runs: &BTreeMap<String, Run>) {
    println!("\n{}: {} (goal: {})", problem.name, problem.what, problem.goal);
    println!(
        "{:<20} {:>10} {:>10} {:>12} {:>10}",
        "", "median s", "runs", "x of ours", "peak MB"
    );
    let ours = runs.get(OURS).map(Run::median);
    let mut sorted: Vec<_> = runs.iter().collect();
    sorted.sort_by(|a, b| a.1.median().total_cmp(&b.1.median()));
    for (name, run) in sorted {
        let ratio = ours.map_or("-".into(), |o| format!("{:.2}", run.median() / o));
        let peak = run.peak_kb as f64 / 1024.0;
        println!(
            "{name:<20} {:>10.4} {:>10} {ratio:>12} {peak:>10.0}",
            run.median(),
            run.seconds.len()
        );
    }
}

/// Writes the suite's file of bench/results; problems that did not run keep what the file had.
fn write_results(root: &Path, python: &Path, suite: &Suite, results: Map<String, Value>) -> crate::Outcome {
    let path = root.join(format!("bench/results/{}.json", suite.name));
    let old = fs::read_to_string(&path)
        .ok()
        .and_then(|t| serde_json::from_str::<Value>(&t).ok());
    let mut problems = old
        .and_then(|v| v["problems"].as_object().cloned())
        .unwrap_or_default();
    let machine = machine(python);
    for (name, mut result) in results {
        result["machine"] = machine.clone();
        problems.insert(name, result);
    }
    let text = serde_json::to_string_pretty(&json!({ "problems": problems })).map_err(|e| e.to_string())?;
    fs::create_dir_all(root.join("bench/results")).map_err(|e| e.to_string())?;
    fs::write(&path, text + "\n").map_err(|e| format!("{}: {e}", path.display()))?;
    println!("\n{}", path.display());
    Ok(())
}

/// The machine in words and numbers, without names.
pub fn machine(python: &Path) -> Value {
    let field = |file: &str, key: &str| -> Option<String> {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find(|l| l.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_string())
    };
    let memory = field("/proc/meminfo", "MemTotal").and_then(|v| v.split(' ').next()?.parse::<f64>().ok());
    let python = python.to_string_lossy();
    json!({
        "cpu": field("/proc/cpuinfo", "model name"),
        "cores": std::thread::available_parallelism().map(usize::from).ok(),
        "memory_gb": memory.map(|kb| (kb / 1e6).round()),
        "load": fs::read_to_string("/proc/loadavg").ok().and_then(|t| t.split(' ').next().map(str::to_string)),
        "r": output_of("Rscript", &["-e", "cat(R.version.string)"]),
        "blas_of_r": output_of("Rscript", &["-e", "cat(basename(dirname(extSoftVersion()[['BLAS']])))"]),
        "python": output_of(&python, &["-c", "import platform; print(platform.python_version())"]),
        "rustc": output_of("rustc", &["--version"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        let run = |seconds: &[f64]| {
            Run {
                seconds: seconds.to_vec(),
                ..Run::default()
            }
            .median()
        };
        assert_eq!(run(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(run(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(run(&[]).is_nan());
    }

    #[test]
    fn a_printed_line_is_added() {
        let mut run = Run::default();
        let text = "noise\n{\"problem\": \"dense\", \"peer\": \"glum\", \"seconds\": [0.5, 0.25], \"peak_kb\": 12, \"threads\": 2}\n";
        assert_eq!(run.add_line(text).as_deref(), Some("glum"));
        assert_eq!(run.seconds, [0.5, 0.25]);
        assert_eq!((run.peak_kb, run.extra["threads"].as_u64()), (12, Some(2)));
        assert_eq!(run.add_line("nothing"), None);
    }

    #[test]
    fn options_are_checked() {
        let read = |args: &[&str]| Options::read(&args.iter().map(|a| a.to_string()).collect::<Vec<_>>());
        assert_eq!(read(&["--rounds", "5"]).map(|o| o.rounds), Ok(5));
        assert!(read(&["--rounds", "0"]).is_err());
        assert!(read(&["--round", "1"]).is_err());
    }
}
