//! The R package: built and checked as R's own tools do it, which runs its tests, examples and vignette.

use crate::setup::ensure_packages;
use crate::test::executable;
use std::fs;
use std::path::Path;
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
    "r-cran-glmnet",
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
    "glmnet",
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

/// Puts a `cargo` before the one of the system, for R: what it builds is the library that the workspace's tests have built of the same
/// sources.
///
/// R's tools copy a package to a new place each time that they install it, and a crate in a new place is a new one to cargo.
fn cargo_of(folder: &Path, library: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    let script = format!(
        r#"#!/bin/sh
mkdir -p "$CARGO_TARGET_DIR/release"
cp '{}' "$CARGO_TARGET_DIR/release/libnelder_r.a"
"#,
        library.display(),
    );
    fs::create_dir_all(folder.join("bin")).map_err(failed)?;
    executable(&folder.join("bin/cargo"), &script).map_err(failed)
}

/// Checks that the package's sources in Rust are those of the repository, with all that cargo needs for them.
fn same_sources(root: &Path, package: &Path) -> Result<(), String> {
    let (ours, theirs) = (root.join("fronts/r/src/rust"), package.join("src/rust"));
    let listed = Command::new("git")
        .args(["ls-files", "."])
        .current_dir(ours.join("src"))
        .output()
        .map_err(|e| format!("git: {e}"))?;
    let own = String::from_utf8_lossy(&listed.stdout);
    let own = own.lines().map(|file| format!("src/{file}"));
    for file in own.chain(["Cargo.toml".into(), "Cargo.lock".into()]) {
        let read = |folder: &Path| fs::read(folder.join(&file)).map_err(|e| format!("{file}: {e}"));
        if read(&ours)? != read(&theirs)? {
            return Err(format!("{file} in the package is not the repository's"));
        }
    }
    // every crate and its manifest are there: cargo reads all of them
    let metadata = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked", "--manifest-path"])
        .arg(theirs.join("Cargo.toml"))
        .output()
        .map_err(|e| format!("cargo: {e}"))?;
    match metadata.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&metadata.stderr).into_owned()),
    }
}

/// `R CMD build` and `R CMD check --no-manual`: no error and no warning. Gives the number of the package's own
/// expectations that held. The library is that of the workspace's tests, of the same sources.
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
    same_sources(root, &folder.join("nelder"))?;
    cargo_of(&folder, &target.join("debug/libnelder_r.a"))?;
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
