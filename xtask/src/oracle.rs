//! The R oracle: one script a family of cases, each writing one JSON beside itself and the data it read.

use crate::setup;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Largest relative difference between two runs of R on a design of condition 1.
const TOLERANCE: f64 = 1e-12;

/// `cargo xtask oracle [--check] [NAME...]`.
pub fn run(root: &Path, args: &[String]) -> crate::Outcome {
    let check_only = args.iter().any(|a| a == "--check");
    let names: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|a| !a.starts_with("--"))
        .collect();
    setup::ensure_r()?;
    if check_only {
        let cases = check(root, &names)?;
        println!("{cases} cases agree with R");
        return Ok(());
    }
    let folder = root.join("accuracy/oracle");
    for script in scripts(&folder, &names)? {
        run_script(&script)?;
        println!("{}", script.with_extension("json").display());
    }
    Ok(())
}

/// Runs the scripts in a temporary folder and compares what they write with what is committed.
/// Gives the number of cases; the error lists the first differences.
pub fn check(root: &Path, names: &[&str]) -> Result<usize, String> {
    let folder = root.join("accuracy/oracle");
    let fresh = std::env::temp_dir().join(format!("nelder-oracle-{}", std::process::id()));
    fs::create_dir_all(fresh.join("data")).map_err(|e| format!("{}: {e}", fresh.display()))?;
    let result = check_in(&folder, &fresh, names);
    let _ = fs::remove_dir_all(&fresh);
    result
}

fn check_in(folder: &Path, fresh: &Path, names: &[&str]) -> Result<usize, String> {
    // copies write beside themselves, so the committed files stay as they are
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for path in entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|x| x == "R"))
    {
        let copy = fresh.join(path.file_name().unwrap_or_default());
        fs::copy(&path, &copy).map_err(|e| format!("{}: {e}", copy.display()))?;
    }
    let scripts = scripts(fresh, names)?;
    let queue = Mutex::new(scripts.iter());
    let errors = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().ok().and_then(|mut q| q.next());
                    let Some(script) = next else { break };
                    if let (Err(e), Ok(mut all)) = (run_script(script), errors.lock()) {
                        all.push(e);
                    }
                }
            });
        }
    });
    let mut errors = errors.into_inner().unwrap_or_default();
    let mut cases = 0;
    if errors.is_empty() {
        for script in &scripts {
            let name = PathBuf::from(script.file_name().unwrap_or_default()).with_extension("json");
            let (old, new) = (read_json(&folder.join(&name))?, read_json(&fresh.join(&name))?);
            let name = name.display().to_string();
            cases += compare_families(&name, &old, &new, &mut errors);
        }
        compare_data(&folder.join("data"), &fresh.join("data"), &mut errors)?;
    }
    if errors.is_empty() {
        return Ok(cases);
    }
    let more = errors.len().saturating_sub(20);
    errors.truncate(20);
    if more > 0 {
        errors.push(format!("and {more} more"));
    }
    errors.push("`cargo xtask oracle` writes the files again".into());
    Err(errors.join("\n"))
}

/// The scripts, or those of the given names, in alphabetical order; `common.R` is what they share.
fn scripts(folder: &Path, names: &[&str]) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|x| x == "R") && stem(p) != "common")
        .filter(|p| names.is_empty() || names.contains(&stem(p)))
        .collect();
    found.sort();
    match names.iter().find(|n| !found.iter().any(|p| stem(p) == **n)) {
        Some(n) => Err(format!("there is no accuracy/oracle/{n}.R")),
        None => Ok(found),
    }
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|s| s.to_str()).unwrap_or_default()
}

/// Runs one script in its folder. One thread and one kernel set of OpenBLAS, so that every x86 machine with AVX2
/// adds in the same order.
fn run_script(script: &Path) -> Result<(), String> {
    let done = Command::new("Rscript")
        .arg("--vanilla")
        .arg(script)
        .current_dir(script.parent().unwrap_or(script))
        .env("OPENBLAS_NUM_THREADS", "1")
        .env("OPENBLAS_CORETYPE", "Haswell")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .output()
        .map_err(|e| format!("Rscript: {e}"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!(
        "{}: {}",
        script.display(),
        String::from_utf8_lossy(&done.stderr).trim()
    ))
}

fn read_json(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Compares two files of cases; gives the number of cases in the old one.
fn compare_families(file: &str, old: &Value, new: &Value, errors: &mut Vec<String>) -> usize {
    let empty = Vec::new();
    if old["cases"].is_null() {
        compare(file, old, new, TOLERANCE, 0.0, errors);
        return 1;
    }
    let olds = old["cases"].as_array().unwrap_or(&empty);
    let news = new["cases"].as_array().unwrap_or(&empty);
    if olds.is_empty() || olds.len() != news.len() {
        errors.push(format!(
            "{file}: {} cases committed, {} written by R",
            olds.len(),
            news.len()
        ));
        return 0;
    }
    for (a, b) in olds.iter().zip(news) {
        let condition = a["condition"].as_f64().unwrap_or(1.0).max(1.0);
        let path = format!("{file} {}", a["name"].as_str().unwrap_or("?"));
        compare(&path, a, b, TOLERANCE * condition, 0.0, errors);
    }
    olds.len()
}

/// Structures must be equal; numbers agree to `tol`, relative to themselves or to the largest of their array.
fn compare(path: &str, a: &Value, b: &Value, tol: f64, scale: f64, errors: &mut Vec<String>) {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (x.as_f64().unwrap_or(f64::NAN), y.as_f64().unwrap_or(f64::NAN));
            let limit = tol * x.abs().max(y.abs()).max(scale);
            // a difference that is not a number fails too
            let agree = x == y || (x - y).abs() <= limit;
            if !agree {
                errors.push(format!("{path}: {x:e} committed, {y:e} from R"));
            }
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            let scale = x
                .iter()
                .filter_map(Value::as_f64)
                .fold(scale, |m, v| m.max(v.abs()));
            for (i, (u, v)) in x.iter().zip(y).enumerate() {
                compare(&format!("{path}[{i}]"), u, v, tol, scale, errors);
            }
        }
        (Value::Object(x), Value::Object(y)) if x.len() == y.len() => {
            for (key, u) in x {
                compare(
                    &format!("{path}.{key}"),
                    u,
                    y.get(key).unwrap_or(&Value::Null),
                    tol,
                    0.0,
                    errors,
                );
            }
        }
        _ if a == b => {}
        _ => errors.push(format!("{path}: {} committed, {} from R", short(a), short(b))),
    }
}

fn short(v: &Value) -> String {
    v.to_string().chars().take(60).collect()
}

/// The data files must be the same bytes.
fn compare_data(old: &Path, new: &Path, errors: &mut Vec<String>) -> Result<(), String> {
    let entries = fs::read_dir(new).map_err(|e| format!("{}: {e}", new.display()))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if fs::read(entry.path()).ok() != fs::read(old.join(&name)).ok() {
            errors.push(format!("data/{}: not what R writes", name.to_string_lossy()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn differences(a: Value, b: Value) -> usize {
        let mut errors = Vec::new();
        compare("x", &a, &b, 1e-12, 0.0, &mut errors);
        errors.len()
    }

    #[test]
    fn numbers_are_held_to_the_tolerance() {
        assert_eq!(differences(json!(1.0), json!(1.0 + 5e-13)), 0);
        assert_eq!(differences(json!(1.0), json!(1.0 + 5e-12)), 1);
        assert_eq!(differences(json!([1e-15, 1.0]), json!([2e-15, 1.0])), 0);
        assert_eq!(differences(json!([1e-15]), json!([2e-15])), 1);
    }

    #[test]
    fn structure_must_be_equal() {
        assert_eq!(differences(json!({"a": 1}), json!({"b": 1})), 1);
        assert_eq!(differences(json!([1, null]), json!([1, 2])), 1);
        assert_eq!(differences(json!([1]), json!([1, 2])), 1);
        assert_eq!(differences(json!("x"), json!("x")), 0);
    }
}
