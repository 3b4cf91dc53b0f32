//! `cargo xtask test`: every check there is, one line for each.

use crate::{bench, depcheck, oracle, plain_docs, r_package, setup};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// How one step went.
struct Verdict {
    passed: usize,
    failed: usize,
    skipped: bool,
    /// What the step has to say: the reason of a failure, or a remark.
    detail: String,
}

impl Verdict {
    fn of(result: Result<String, String>) -> Self {
        match result {
            Ok(detail) => Self {
                passed: 1,
                failed: 0,
                skipped: false,
                detail,
            },
            Err(detail) => Self {
                passed: 0,
                failed: 1,
                skipped: false,
                detail,
            },
        }
    }
}

/// The lines printed so far, and the counts behind the last one: passed and failed. Steps that run side by side share it.
#[derive(Default)]
struct Report(Mutex<(usize, usize)>);

impl Report {
    /// Runs a step and prints its line.
    fn step(&self, name: &str, run: impl FnOnce() -> Verdict) {
        self.passes(name, run);
    }

    /// The same; true if nothing failed.
    fn passes(&self, name: &str, run: impl FnOnce() -> Verdict) -> bool {
        let from = Instant::now();
        let verdict = run();
        let fine = verdict.failed == 0;
        self.line(name, from.elapsed().as_secs_f64(), verdict);
        fine
    }

    fn line(&self, name: &str, seconds: f64, verdict: Verdict) {
        let word = if verdict.failed > 0 {
            "FAILED"
        } else if verdict.skipped {
            "skipped"
        } else {
            "ok"
        };
        let beside = verdict.failed == 0 && verdict.detail.lines().count() == 1;
        let remark = if beside {
            format!("  {}", verdict.detail)
        } else {
            String::new()
        };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        println!("{name:<16} {word:<8} {seconds:>6.1} s{remark}");
        if !beside && !verdict.detail.is_empty() {
            println!("{}", verdict.detail);
        }
        counts.0 += verdict.passed;
        counts.1 += verdict.failed;
    }

    fn counts(self) -> (usize, usize) {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `cargo xtask test`. With `CI=true` in the environment a missing R is a failure, otherwise a skipped step.
///
/// Everything is compiled once, by clippy's driver, which lints what it compiles ([`LINTED`]). Beside that R's oracle runs; then tests, the R
/// package, and programs through Vulkan go on at a time, since each of them has long stretches on one core.
pub fn run(root: &Path, args: &[String]) -> crate::Outcome {
    match args {
        [] => {}
        [option, device] if option == "--device" => return on_device(root, device),
        [other, ..] => {
            return Err(format!(
                "`cargo xtask test` takes --device DEVICE or nothing, not `{other}`"
            ));
        }
    }
    let started = Instant::now();
    let report = Report::default();
    report.step("tools", tools);
    let r = setup::ensure_r();
    if let Err(reason) = &r {
        report.line("R", started.elapsed().as_secs_f64(), missing(reason));
    }
    let r_packages = r_package::ensure();
    let vulkan = setup::ensure_vulkan();
    if let Err(reason) = &vulkan {
        report.line("Vulkan", started.elapsed().as_secs_f64(), missing(reason));
    }
    read(root, &report);
    std::thread::scope(|scope| {
        scope.spawn(|| match r {
            Ok(()) => report.step("oracle", || {
                Verdict::of(oracle::check(root, &[]).map(|n| format!("{n} cases agree with R")))
            }),
            Err(_) => report.line("oracle", 0.0, missing("R is missing")),
        });
        if !report.passes("build", || build(root)) {
            return;
        }
        if vulkan.is_ok() {
            // one core each: programs compile and run one after another
            scope.spawn(|| report.step("wgpu", || on_wgpu(root, "models")));
            scope.spawn(|| report.step("wgpu, oracle", || on_wgpu(root, "oracle")));
        }
        scope.spawn(|| match r_packages {
            Err(reason) => report.line("R package", 0.0, missing(&reason)),
            Ok(()) => report.step("R package", || package(root)),
        });
        report.step("tests", || tests(root));
        // devices that are the CPU, one of them a first tier alone
        for (name, device) in [
            ("host device", "host"),
            ("two devices", "host+host"),
            ("first tier alone", "bare"),
        ] {
            report.step(name, || fits(root, device, FITS));
        }
        // sums that come as bytes
        report.step("processes", || fits(root, "processes:3", ON_PROCESSES));
        report.step("docs", || doctests(root));
    });

    let (passed, failed) = report.counts();
    println!("{:.1} s", started.elapsed().as_secs_f64());
    println!("{passed} passed, {failed} failed");
    match failed {
        0 => Ok(()),
        _ => Err("some checks failed".into()),
    }
}

/// The verdict on an oracle that is absent: a failure where the project's CI runs, else said.
fn missing(reason: &str) -> Verdict {
    let ci = std::env::var("CI").is_ok_and(|v| v == "true" || v == "1");
    match ci {
        true => Verdict::of(Err(reason.to_string())),
        false => Verdict {
            passed: 0,
            failed: 0,
            skipped: true,
            detail: reason.to_string(),
        },
    }
}

/// Checks that read the source: layers, comments, format.
fn read(root: &Path, report: &Report) {
    report.step("depcheck", || {
        Verdict::of(depcheck::check(root).map(|n| format!("{n} files")))
    });
    report.step("plain docs", || {
        Verdict::of(plain_docs::check(root).map(|n| format!("{n} comments")))
    });
    report.step("fmt", || cargo(root, &["fmt", "--all", "--check"], &[], None));
}

/// Compiler of the workspace's crates: clippy's driver, whose lints are errors. So what is linted need not be compiled once more.
const LINTED: &[(&str, &str)] = &[
    ("RUSTC_WORKSPACE_WRAPPER", "clippy-driver"),
    ("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__"),
];

/// The folder of R's headers, which the bindings to R compile a file of C with; the same in all calls of cargo, or they would be compiled
/// again.
fn r_headers() -> Option<&'static str> {
    static FOLDER: OnceLock<Option<String>> = OnceLock::new();
    let ask = || {
        let mut command = Command::new("Rscript");
        let out = command.args(["-e", "cat(R.home('include'))"]).output().ok()?;
        Some(String::from_utf8(out.stdout).ok()?.trim().to_string()).filter(|folder| !folder.is_empty())
    };
    FOLDER.get_or_init(ask).as_deref()
}

/// Compiles and lints all targets of the workspace, the R package's crate with and without GPUs through wgpu.
fn build(root: &Path) -> Verdict {
    let args = ["build", "--quiet", "--workspace", "--all-targets"];
    let with_wgpu = [&args[..], &["--features", "nelder-r/wgpu"]].concat();
    each(root, &[&with_wgpu, &args], &[])
}

/// All tests of the workspace.
fn tests(root: &Path) -> Verdict {
    if setup::succeeds("cargo", &["nextest", "--version"]) {
        let args = [
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--hide-progress-bar",
        ];
        return cargo(root, &args, &[], Some(nextest_counts));
    }
    let args = [
        "test",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--no-fail-fast",
    ];
    cargo(root, &args, &[], Some(libtest_counts))
}

/// The tests of models on a device, without those that `less` leaves out.
fn fits(root: &Path, device: &str, less: &[&str]) -> Verdict {
    let env = [("NELDER_TEST_DEVICE", device)];
    cargo(root, &[MODELS, less].concat(), &env, Some(libtest_counts))
}

/// The conformance suite and the tests of models through Vulkan, or the oracle's cases.
fn on_wgpu(root: &Path, program: &str) -> Verdict {
    let env = [
        ("NELDER_TEST_DEVICE", "wgpu"),
        // software compiles a program for seconds
        ("NELDER_TEST_FEW", "1"),
        // Mesa asks for a display otherwise
        ("NODEVICE_SELECT", "1"),
    ];
    let args = ["test", "--workspace", "--test", program, "--no-fail-fast"];
    cargo(root, &[&args, ON_DEVICES].concat(), &env, Some(libtest_counts))
}

/// In the place of rustdoc: runs the examples in comments, then makes the pages of the same crate, where a link that leads nowhere is an
/// error. `cargo doc` would compile every dependency again for them.
const RUSTDOC: &str = r#"#!/bin/sh
rustdoc "$@" || exit 1
case " $* " in *" --test "*) ;; *) exit 0 ;; esac
skip=
for argument; do
  shift
  if [ -n "$skip" ]; then skip=; continue; fi
  case "$argument" in
    --test | --no-run) continue ;;
    --test-run-directory | --test-args | --test-runtool) skip=yes; continue ;;
  esac
  set -- "$@" "$argument"
done
exec rustdoc "$@" --out-dir "$NELDER_PAGES" --deny warnings
"#;

/// The examples in comments, and the pages of comments.
fn doctests(root: &Path) -> Verdict {
    let target = bench::target(root);
    let (script, pages) = (target.join("rustdoc.sh"), target.join("doc"));
    if let Err(e) = executable(&script, RUSTDOC) {
        return Verdict::of(Err(format!("{}: {e}", script.display())));
    }
    let (script, pages) = (script.to_string_lossy(), pages.to_string_lossy());
    let env = [("RUSTDOC", &*script), ("NELDER_PAGES", &*pages)];
    let args = ["test", "--workspace", "--doc", "--no-fail-fast"];
    cargo(root, &args, &env, Some(libtest_counts))
}

/// Writes a program for the shell.
#[cfg(unix)]
pub fn executable(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

/// Writes a program for the shell.
#[cfg(not(unix))]
pub fn executable(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::write(path, text)
}

/// The R package's own tests.
fn package(root: &Path) -> Verdict {
    match r_package::check(root, &bench::target(root)) {
        Ok(passed) => Verdict {
            passed,
            failed: 0,
            skipped: false,
            detail: format!("{passed} expectations"),
        },
        Err(text) => Verdict::of(Err(text)),
    }
}

/// The tests of models that run on the device which `NELDER_TEST_DEVICE` names.
const MODELS: &[&str] = &[
    "test",
    // as all tests are built, so that nothing is built again
    "--workspace",
    "--test",
    "models",
    "--test",
    "oracle",
    "--no-fail-fast",
];

/// For libtest, after [`MODELS`]: without the tests of the CPU's processes, which no device changes.
const ON_DEVICES: &[&str] = &["--", "--skip", "processes::"];
/// The same without the conformance suite, which has a run of its own.
const FITS: &[&str] = &["--", "--skip", "processes::", "--skip", "conformance::"];
/// For processes, which are no device.
const ON_PROCESSES: &[&str] = &[
    "--",
    "--skip",
    "processes::",
    "--skip",
    "conformance::",
    "--skip",
    "devices::",
];

/// `cargo xtask test --device cuda`: the conformance suite on a device of this machine, and the tests of models there. The
/// program that the suite is, `target/release/conformance`, needs neither cargo nor network and may be copied to another
/// machine.
fn on_device(root: &Path, device: &str) -> crate::Outcome {
    let status = Command::new("cargo")
        .args([
            "run",
            "--quiet",
            "--release",
            "-p",
            "nelder-conformance",
            "--",
            device,
            "--worst",
        ])
        .current_dir(root)
        .status()
        .map_err(|e| format!("cargo: {e}"))?;
    if !status.success() {
        return Err(format!("the conformance suite failed on `{device}`"));
    }
    let models = fits(root, device, FITS);
    println!(
        "{} tests of models passed, {} failed",
        models.passed, models.failed
    );
    match models.failed {
        0 => Ok(()),
        _ => Err(models.detail),
    }
}

/// The parts of the toolchain that a minimal installation lacks.
fn tools() -> Verdict {
    for (command, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let there = || setup::succeeds("cargo", &[command, "--version"]);
        let ready = there() || setup::succeeds("rustup", &["component", "add", component]) && there();
        if !ready {
            return Verdict::of(Err(format!(
                "cargo {command} is missing: rustup component add {component}"
            )));
        }
    }
    Verdict::of(Ok(String::new()))
}

/// Reads how many tests passed and failed from what a runner printed.
type Counts = fn(&str) -> Option<(usize, usize)>;

/// Calls of cargo one after another, up to the first that fails.
fn each(root: &Path, calls: &[&[&str]], env: &[(&str, &str)]) -> Verdict {
    let failed = calls
        .iter()
        .map(|args| cargo(root, args, env, None))
        .find(|verdict| verdict.failed > 0);
    failed.unwrap_or_else(|| Verdict::of(Ok(String::new())))
}

/// Runs cargo and keeps quiet unless it fails.
fn cargo(root: &Path, args: &[&str], env: &[(&str, &str)], counts: Option<Counts>) -> Verdict {
    let out = Command::new("cargo")
        .args(args)
        .envs(LINTED.iter().chain(env).copied())
        .envs(r_headers().map(|folder| ("R_INCLUDE_DIR", folder)))
        .env("CARGO_TERM_COLOR", "never")
        .current_dir(root)
        .stdin(Stdio::null())
        .output();
    let out = match out {
        Ok(out) => out,
        Err(e) => return Verdict::of(Err(format!("cargo {}: {e}", args[0]))),
    };
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    let (passed, failed) = match counts {
        // a count that cannot be read, or a run of nothing, must not look like success
        Some(read) => read(&text).unwrap_or((0, 1)),
        None => (usize::from(out.status.success()), 0),
    };
    if out.status.success() && failed == 0 {
        let detail = if counts.is_some() {
            format!("{passed} tests")
        } else {
            String::new()
        };
        return Verdict {
            passed,
            failed,
            skipped: false,
            detail,
        };
    }
    Verdict {
        passed,
        failed: failed.max(1),
        skipped: false,
        detail: text.trim_end().to_string(),
    }
}

/// Of nextest's line `Summary [   1.2s] 12 tests run: 11 passed, 1 failed, 0 skipped`.
fn nextest_counts(text: &str) -> Option<(usize, usize)> {
    let line = text
        .lines()
        .rev()
        .find(|l| l.trim_start().starts_with("Summary ["))?;
    let (_, counts) = line.split_once("run:")?;
    let number = |what: &str| count_before(counts, what);
    let failed = number("failed").unwrap_or(0) + number("timed out").unwrap_or(0);
    Some((number("passed")?, failed))
}

/// Sums libtest's lines `test result: ok. 5 passed; 0 failed; ...`.
fn libtest_counts(text: &str) -> Option<(usize, usize)> {
    let lines = text.lines().filter(|l| l.starts_with("test result:"));
    lines
        .map(|l| Some((count_before(l, "passed")?, count_before(l, "failed")?)))
        .try_fold(None, |sum, next| {
            let ((p, f), (q, g)) = (sum.unwrap_or((0, 0)), next?);
            Some(Some((p + q, f + g)))
        })?
}

/// The number that stands before a word.
fn count_before(text: &str, word: &str) -> Option<usize> {
    let (before, _) = text.split_once(word)?;
    before.split_whitespace().next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_nextest() {
        let text = "x\n     Summary [   0.012s] 13 tests run: 11 passed (1 slow), 2 failed, 4 skipped\n";
        assert_eq!(nextest_counts(text), Some((11, 2)));
        let text = "     Summary [   0.012s] 1 test run: 1 passed, 0 skipped\n";
        assert_eq!(nextest_counts(text), Some((1, 0)));
        assert_eq!(nextest_counts("error: could not compile"), None);
    }

    #[test]
    fn counts_of_libtest() {
        let text =
            "test result: ok. 5 passed; 0 failed; 0 ignored\nx\ntest result: FAILED. 2 passed; 1 failed;\n";
        assert_eq!(libtest_counts(text), Some((7, 1)));
        assert_eq!(libtest_counts("error"), None);
    }
}
