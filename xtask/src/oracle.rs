//! The R oracle: one script a family of cases, each writing one JSON beside itself and the data it read.

use crate::setup;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

/// Largest relative difference between two runs of R on a case whose noise is 1.
const TOLERANCE: f64 = 1e-12;

/// Where the scripts lie below the root.
const FOLDER: &str = "accuracy/oracle";

/// Scripts that run only when they are named.
const SLOW: &[&str] = &["flights"];

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
    for name in scripts(&root.join(FOLDER), &names)? {
        run_script(root, &name)?;
        println!("{FOLDER}/{name}.json");
    }
    Ok(())
}

/// Runs copies of the scripts under a temporary root and compares what they write with what is committed.
/// Gives the number of cases; the error lists the first differences.
pub fn check(root: &Path, names: &[&str]) -> Result<usize, String> {
    let fresh = std::env::temp_dir().join(format!("nelder-oracle-{}", std::process::id()));
    let result = check_in(root, &fresh, names);
    let _ = fs::remove_dir_all(&fresh);
    result
}

fn check_in(root: &Path, fresh: &Path, names: &[&str]) -> Result<usize, String> {
    let (folder, copies) = (root.join(FOLDER), fresh.join(FOLDER));
    let subfolders = copy_scripts(&folder, &copies)?;
    let scripts = scripts(&folder, names)?;
    let queue = Mutex::new(scripts.iter());
    let errors = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().ok().and_then(|mut q| q.next());
                    let Some(script) = next else { break };
                    if let (Err(e), Ok(mut all)) = (run_script(fresh, script), errors.lock()) {
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
            let name = format!("{script}.json");
            let (old, new) = (read_json(&folder.join(&name))?, read_json(&copies.join(&name))?);
            cases += compare_families(&name, &old, &new, &mut errors);
        }
        for subfolder in &subfolders {
            compare_files(
                &folder.join(subfolder),
                &copies.join(subfolder),
                subfolder,
                &mut errors,
            )?;
        }
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

/// Copies the scripts, so that they write beside their copies; makes the subfolders and gives their names.
fn copy_scripts(folder: &Path, copies: &Path) -> Result<Vec<String>, String> {
    fs::create_dir_all(copies).map_err(|e| format!("{}: {e}", copies.display()))?;
    let mut subfolders = Vec::new();
    for path in fs::read_dir(folder)
        .map_err(|e| format!("{}: {e}", folder.display()))?
        .flatten()
        .map(|e| e.path())
    {
        let Some(name) = path.file_name().and_then(|n| n.to_str()) else {
            continue;
        };
        let copy = copies.join(name);
        let done = if path.is_dir() {
            subfolders.push(name.to_string());
            fs::create_dir_all(&copy)
        } else if name.ends_with(".R") {
            fs::copy(&path, &copy).map(|_| ())
        } else {
            Ok(())
        };
        done.map_err(|e| format!("{}: {e}", copy.display()))?;
    }
    Ok(subfolders)
}

/// The names of the scripts, or those of the given names, sorted; `common.R` and those whose names begin so are what they share.
fn scripts(folder: &Path, names: &[&str]) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut found: Vec<String> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|x| x == "R") && !stem(p).starts_with("common"))
        .filter(|p| names.contains(&stem(p)) || names.is_empty() && !SLOW.contains(&stem(p)))
        .map(|p| stem(&p).to_string())
        .collect();
    found.sort();
    match names.iter().find(|n| !found.iter().any(|f| f == *n)) {
        Some(n) => Err(format!("there is no {FOLDER}/{n}.R")),
        None => Ok(found),
    }
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|s| s.to_str()).unwrap_or_default()
}

/// Runs one script from the root it lies under. One thread and one kernel set of OpenBLAS, so that every x86
/// machine with AVX2 adds in the same order.
fn run_script(root: &Path, name: &str) -> Result<(), String> {
    let script = format!("{FOLDER}/{name}.R");
    let done = Command::new("Rscript")
        .arg("--vanilla")
        .arg(&script)
        .current_dir(root)
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
        script,
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
        let noise = a["noise"].as_f64().unwrap_or(1.0).max(1.0);
        let path = format!("{file} {}", a["name"].as_str().unwrap_or("?"));
        compare(&path, a, b, TOLERANCE * noise, 0.0, errors);
    }
    olds.len()
}

/// Structures must be equal; numbers agree to `tol`, relative to themselves or to the largest of their array.
fn compare(path: &str, a: &Value, b: &Value, tol: f64, scale: f64, errors: &mut Vec<String>) {
    match (a, b) {
        _ if a == b => {}
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            let scale = x.iter().filter_map(number).fold(scale, |m, v| m.max(v.abs()));
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
        _ => match (number(a), number(b)) {
            (Some(x), Some(y)) if (x - y).abs() <= tol * x.abs().max(y.abs()).max(scale) => {}
            _ => errors.push(format!("{path}: {} committed, {} from R", short(a), short(b))),
        },
    }
}

/// A number, also one written as text, as some scripts do; nothing for what is not finite.
fn number(v: &Value) -> Option<f64> {
    let number = v.as_f64().or_else(|| v.as_str()?.parse().ok());
    number.filter(|v| v.is_finite())
}

fn short(v: &Value) -> String {
    v.to_string().chars().take(60).collect()
}

/// Whatever else the scripts wrote must be the same bytes.
fn compare_files(old: &Path, new: &Path, subfolder: &str, errors: &mut Vec<String>) -> Result<(), String> {
    let entries = fs::read_dir(new).map_err(|e| format!("{}: {e}", new.display()))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if fs::read(entry.path()).ok() != fs::read(old.join(&name)).ok() {
            errors.push(format!(
                "{subfolder}/{}: not what R writes",
                name.to_string_lossy()
            ));
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
        assert_eq!(differences(json!(["1", "1e-16"]), json!(["1", "0"])), 0);
        assert_eq!(differences(json!("NaN"), json!("1")), 1);
    }

    #[test]
    fn structure_must_be_equal() {
        assert_eq!(differences(json!({"a": 1}), json!({"b": 1})), 1);
        assert_eq!(differences(json!([1, null]), json!([1, 2])), 1);
        assert_eq!(differences(json!([1]), json!([1, 2])), 1);
        assert_eq!(differences(json!("x"), json!("x")), 0);
    }
}
