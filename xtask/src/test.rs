//! `cargo xtask test`: every check there is, one line for each.

use crate::{depcheck, oracle, setup};
use std::path::Path;
use std::process::{Command, Stdio};
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

/// `cargo xtask test`. With `CI=true` in the environment a missing R is a failure, otherwise a skipped step.
pub fn run(root: &Path, args: &[String]) -> crate::Outcome {
    if let Some(other) = args.first() {
        return Err(format!("`cargo xtask test` takes no argument, not `{other}`"));
    }
    let ci = std::env::var("CI").is_ok_and(|v| v == "true" || v == "1");
    let started = Instant::now();
    let mut verdicts = Vec::new();
    let mut step = |name: &str, from: Instant, verdict: Verdict| {
        let word = match (verdict.failed, verdict.skipped) {
            (0, false) => "ok",
            (0, true) => "skipped",
            _ => "FAILED",
        };
        let remark = verdict.detail.lines().count() == 1 && verdict.failed == 0;
        let remark = if remark {
            format!("  {}", verdict.detail)
        } else {
            String::new()
        };
        println!(
            "{name:<12} {word:<8} {:>6.1} s{remark}",
            from.elapsed().as_secs_f64()
        );
        if verdict.failed > 0 || (verdict.skipped && !remark.is_empty() && verdict.detail.lines().count() > 1)
        {
            println!("{}", verdict.detail);
        }
        verdicts.push(verdict);
    };

    let from = Instant::now();
    let r = setup::ensure_r();
    let tools = r.clone().map(|()| String::new());
    step(
        "tools",
        from,
        if ci || r.is_ok() {
            Verdict::of(tools)
        } else {
            absent(&r)
        },
    );

    // R works on one thread each while cargo compiles
    let (oracle, oracle_from) = (r.is_ok().then(|| spawn_oracle(root)), Instant::now());

    let from = Instant::now();
    step(
        "depcheck",
        from,
        Verdict::of(depcheck::check(root).map(|n| format!("{n} files"))),
    );
    let from = Instant::now();
    step("fmt", from, cargo(root, &["fmt", "--all", "--check"], &[], None));
    let from = Instant::now();
    let args = [
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    step("clippy", from, cargo(root, &args, &[], None));
    let from = Instant::now();
    let verdict = if setup::succeeds("cargo", &["nextest", "--version"]) {
        let args = [
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--hide-progress-bar",
        ];
        cargo(root, &args, &[], Some(nextest_counts))
    } else {
        let args = [
            "test",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--examples",
            "--no-fail-fast",
        ];
        cargo(root, &args, &[], Some(libtest_counts))
    };
    step("tests", from, verdict);
    let from = Instant::now();
    step(
        "doctests",
        from,
        cargo(root, &["test", "--workspace", "--doc"], &[], Some(libtest_counts)),
    );
    let from = Instant::now();
    let args = ["doc", "--quiet", "--workspace", "--no-deps"];
    step(
        "doc",
        from,
        cargo(root, &args, &[("RUSTDOCFLAGS", "-D warnings")], None),
    );
    match oracle {
        Some(handle) => {
            let result = handle
                .join()
                .unwrap_or_else(|_| Err("the check of the oracle panicked".into()));
            step(
                "oracle",
                oracle_from,
                Verdict::of(result.map(|n| format!("{n} cases agree with R"))),
            );
        }
        None if ci => step("oracle", oracle_from, Verdict::of(Err("R is missing".into()))),
        None => step("oracle", oracle_from, absent(&Ok(()))),
    }

    let passed: usize = verdicts.iter().map(|v| v.passed).sum();
    let failed: usize = verdicts.iter().map(|v| v.failed).sum();
    println!("{:.1} s", started.elapsed().as_secs_f64());
    println!("{passed} passed, {failed} failed");
    if failed == 0 {
        Ok(())
    } else {
        Err("some checks failed".into())
    }
}

fn spawn_oracle(root: &Path) -> std::thread::JoinHandle<Result<usize, String>> {
    let root = root.to_path_buf();
    std::thread::spawn(move || oracle::check(&root, &[]))
}

fn absent(reason: &Result<(), String>) -> Verdict {
    let detail = reason.clone().err().unwrap_or_else(|| "R is missing".into());
    Verdict {
        passed: 0,
        failed: 0,
        skipped: true,
        detail,
    }
}

/// Reads how many tests passed and failed from what a runner printed.
type Counts = fn(&str) -> Option<(usize, usize)>;

/// Runs cargo and keeps quiet unless it fails.
fn cargo(root: &Path, args: &[&str], env: &[(&str, &str)], counts: Option<Counts>) -> Verdict {
    let out = Command::new("cargo")
        .args(args)
        .envs(env.iter().copied())
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
