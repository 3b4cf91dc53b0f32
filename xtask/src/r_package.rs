//! The R package: built and checked as R's own tools do it, which runs its tests, examples and vignette.

use crate::setup::ensure_packages;
use crate::test::{LINTED, executable};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Debian's names of what the check needs, and R's names of the packages among it.
pub const DEBIAN: &[&str] = &[
    "r-base-core",
    "make",
    "pandoc",
    "r-cran-bit64",
    "r-cran-boot",
    "r-cran-broom",
    "r-cran-car",
    "r-cran-data.table",
    "r-cran-emmeans",
    "r-cran-generics",
    "r-cran-insight",
    "r-cran-knitr",
    "r-cran-lmtest",
    "r-cran-mass",
    "r-cran-matrix",
    "r-cran-rmarkdown",
    "r-cran-sandwich",
    "r-cran-statmod",
    "r-cran-testthat",
];
pub const PACKAGES: &[&str] = &[
    "bit64",
    "boot",
    "broom",
    "car",
    "data.table",
    "emmeans",
    "generics",
    "insight",
    "knitr",
    "lmtest",
    "MASS",
    "Matrix",
    "rmarkdown",
    "sandwich",
    "statmod",
    "testthat",
];

/// Makes the packages available that the package's tests compare with.
pub fn ensure() -> Result<(), String> {
    ensure_packages(DEBIAN, PACKAGES)
}

/// Runs a command of R in a folder; what it prints, and whether it succeeded.
fn r(folder: &Path, target: &Path, args: &[&str]) -> Result<(String, bool), String> {
    let mut path = vec![folder.join("bin")];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let path = std::env::join_paths(path).map_err(|e| e.to_string())?;
    let out = Command::new("R")
        .args(args)
        .current_dir(folder)
        .env("PATH", path)
        .env("CARGO_TARGET_DIR", target)
        .envs(LINTED.iter().copied())
        // tests of packages that are not there are failures
        .env("CI", "true")
        .env("_R_CHECK_FORCE_SUGGESTS_", "true")
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("R: {e}"))?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    Ok((text, out.status.success()))
}

/// The archive that `R CMD build` made in a folder.
fn archive(folder: &Path, package: &Path, target: &Path, options: &[&str]) -> Result<String, String> {
    let package = package.to_string_lossy();
    let args = [&["CMD", "build"], options, &[&*package]].concat();
    let (text, built) = r(folder, target, &args)?;
    let archive = fs::read_dir(folder)
        .map_err(|e| e.to_string())?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find(|name| name.ends_with(".tar.gz"));
    archive
        .filter(|_| built)
        .ok_or_else(|| format!("R CMD build failed:\n{text}"))
}

/// Puts a `cargo` before the one of the system, for R: it builds the crate that lies in `sources`, in the profile and the folder of the
/// workspace's tests.
///
/// R's tools copy a package to a new place each time that they install it, and a crate in a new place is a new one to cargo. What the
/// tests have built need not be built again; nothing in the package's own takes its time in Rust.
fn cargo_of(root: &Path, sources: &Path, folder: &Path) -> Result<(), String> {
    let Some(cargo) = std::env::var_os("CARGO") else {
        return Ok(());
    };
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    let manifest = fs::read_to_string(root.join("Cargo.toml")).map_err(failed)?;
    fs::write(folder.join("profile.toml"), dev_profile(&manifest)).map_err(failed)?;
    let script = format!(
        r#"#!/bin/sh
for argument; do
  shift
  case "$argument" in
    rust/Cargo.toml) argument='{}/Cargo.toml' ;;
    --release) argument=--profile=dev ;;
  esac
  set -- "$@" "$argument"
done
'{}' --config '{}/profile.toml' "$@" || exit 1
mkdir -p "$CARGO_TARGET_DIR/release"
cp "$CARGO_TARGET_DIR/debug/libnelder_r.a" "$CARGO_TARGET_DIR/release/"
"#,
        sources.display(),
        PathBuf::from(cargo).display(),
        folder.display(),
    );
    fs::create_dir_all(folder.join("bin")).map_err(failed)?;
    executable(&folder.join("bin/cargo"), &script).map_err(failed)
}

/// The tables `[profile.dev…]` of a manifest.
fn dev_profile(manifest: &str) -> String {
    let mut inside = false;
    let lines = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            inside = line.starts_with("[profile.dev");
        }
        inside
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// Compiles and lints the package's crate with GPUs through wgpu, which the package itself is built without here.
fn with_wgpu(folder: &Path, target: &Path) -> Result<(), String> {
    let out = Command::new(folder.join("bin/cargo"))
        .args(["build", "--quiet", "--lib", "--features", "wgpu"])
        .args(["--manifest-path", "rust/Cargo.toml", "--profile=dev"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .envs(LINTED.iter().copied())
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("cargo: {e}"))?;
    match out.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&out.stderr).into_owned()),
    }
}

/// `R CMD build` and `R CMD check --no-manual`: no error and no warning. Gives the number of the package's own
/// expectations that held. The library is compiled once, from the sources that are in the archive.
pub fn check(root: &Path, target: &Path) -> Result<usize, String> {
    let folder = target.join("r-package");
    let _ = fs::remove_dir_all(&folder);
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    let package = root.join("fronts/r");
    let sources = archive(&folder, &package, target, &["--no-build-vignettes"])?;
    let unpacked = Command::new("tar")
        .args(["-xzf", &sources])
        .current_dir(&folder)
        .status();
    if !unpacked.is_ok_and(|s| s.success()) {
        return Err(format!("{sources} cannot be unpacked"));
    }
    fs::remove_file(folder.join(&sources)).map_err(failed)?;
    cargo_of(root, &folder.join("nelder/src/rust"), &folder)?;
    with_wgpu(&folder, target)?;
    let archive = archive(&folder, &package, target, &[])?;
    let (text, _) = r(&folder, target, &["CMD", "check", "--no-manual", &archive])?;
    let status = text.lines().rev().find_map(|l| l.trim().strip_prefix("Status: "));
    let fine = status.is_some_and(|s| s == "OK" || !(s.contains("ERROR") || s.contains("WARNING")));
    let tests = folder.join("nelder.Rcheck/tests");
    let ran = ["testthat.Rout", "testthat.Rout.fail"].map(|name| fs::read_to_string(tests.join(name)).ok());
    let ran = ran.into_iter().flatten().next().unwrap_or_default();
    if !fine {
        let install = fs::read_to_string(folder.join("nelder.Rcheck/00install.out")).unwrap_or_default();
        return Err(format!("{text}\n{}\n{}", tail(&install), tail(&ran)));
    }
    passed(&ran).ok_or_else(|| format!("the package's tests printed no count:\n{}", tail(&ran)))
}

/// The last lines of a text.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(80)..].join("\n")
}

/// Of testthat's line `[ FAIL 0 | WARN 0 | SKIP 0 | PASS 12 ]`, where nothing failed and nothing was skipped.
fn passed(text: &str) -> Option<usize> {
    let line = text.lines().rev().find(|l| l.starts_with("[ FAIL"))?;
    let count = |what: &str| -> Option<usize> {
        let (_, rest) = line.split_once(what)?;
        rest.split_whitespace().next()?.parse().ok()
    };
    (count("FAIL") == Some(0) && count("SKIP") == Some(0))
        .then(|| count("PASS"))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_the_profile() {
        let manifest = "[workspace]\na = 1\n[profile.dev]\nopt-level = 1\n[profile.dev.package]\nb = {}\n[profile.lint]\nc = 2\n";
        let expected = "[profile.dev]\nopt-level = 1\n[profile.dev.package]\nb = {}\n";
        assert_eq!(dev_profile(manifest), expected);
    }

    #[test]
    fn counts_of_testthat() {
        assert_eq!(
            passed("x\n[ FAIL 0 | WARN 2 | SKIP 0 | PASS 12 ]\n> \n"),
            Some(12)
        );
        assert_eq!(passed("[ FAIL 0 | WARN 0 | SKIP 1 | PASS 12 ]"), None);
        assert_eq!(passed("[ FAIL 1 | WARN 0 | SKIP 0 | PASS 12 ]"), None);
        assert_eq!(passed(""), None);
    }
}
