//! The project's own commands: `cargo xtask test | claims | oracle | depcheck | bench | bundle | setup`.

mod bench;
mod bench_device;
mod bench_r;
mod bundle;
mod circles;
mod claims;
mod depcheck;
mod oracle;
mod plain_docs;
mod problems;
mod r_package;
mod rust_source;
mod setup;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  test                   every check there is: format, clippy, tests, docs, layer rules, R oracle, R package
  test --device D        the conformance suite and the tests of models on a device: cuda, cuda:1, wgpu, …
  claims [--times N] [--device D]
                         digits claimed against digits that there are, N times the models of `test` (20); writes
                         accuracy/claims/cpu.csv, cuda.csv, …
  depcheck               the layer rules of crates/nelder/src, the dependencies of each crate, circles between files
  oracle [NAME...]       run the R scripts of accuracy/oracle again and write their JSON
  oracle --check         run them in a temporary folder and compare with the committed JSON
  bench lm|glm|prcomp|glmnet [--rounds N] [--problem P] [--peers-only]
                         problems beside their peers; writes bench/results/lm.json, glm.json, …
  bench r [--rounds N]   the R package beside R in one process; writes bench/results/r.json
  bench --device cuda|wgpu [--lines FILE] [PROBLEM...]
                         fits on a device beside torch and CuPy; writes bench/results/device.json
  bundle [FOLDER]        tests and benches of devices, fixtures and peers as a folder for a machine without cargo
  setup                  install what the tests need (R and its Debian packages)
";

/// What a command reports: nothing, or the message for standard error.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let root = root();
    let outcome = match args.first().map(String::as_str) {
        Some("test") => test::run(&root, rest),
        Some("claims") => claims::run(&root, rest),
        Some("depcheck") => depcheck::run(&root),
        Some("oracle") => oracle::run(&root, rest),
        Some("bench") if rest.first().is_some_and(|s| s == "r") => bench_r::run(&root, &rest[1..]),
        Some("bench") if rest.first().is_some_and(|s| s == "--device") => {
            bench_device::run(&root, &rest[1..])
        }
        Some("bundle") => bundle::run(&root, rest),
        Some("bench") => bench::run(&root, rest),
        Some("setup") => setup::run(),
        Some("help" | "--help" | "-h") | None => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => {
            eprint!("unknown command `{other}`\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
