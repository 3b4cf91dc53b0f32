//! `cargo xtask bench r`: the R package beside R's own functions, in one R process.

use crate::bench::{machine, target, virtual_environment};
use crate::r_package;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What is asked of each problem.
const GOALS: &[(&str, &str)] = &[
    ("loading", "library(nelder): 0.3 s"),
    ("flights", "the flights call to a printed summary: 0.2 s"),
    (
        "paste",
        "factor(paste(month, day)) alone, which R evaluates in both",
    ),
    ("dense", "y ~ . with 50,000 x 200 numeric columns: 0.15 s"),
    ("dense_summary", "the same to a printed summary"),
    ("glm", "binomial, 100,000 x 10: 0.05 s"),
    ("glm_summary", "the same to a printed summary"),
    (
        "pca",
        "prcomp of a data frame of 50,000 x 200, with scores: 0.25 s",
    ),
    ("pca_rank8", "the same with rank. = 8: 0.25 s"),
    ("small_lm", "mpg ~ wt of mtcars: no slower than R, as all below"),
    ("small_summary", "the same to a summary"),
    ("small_glm", "binomial, am ~ wt of mtcars"),
    ("small_lm_fit", "lm.fit, 32 x 3"),
    ("small_prcomp", "prcomp, 50 x 4"),
    ("small_predict", "predict of 3 rows"),
    ("small_anova", "anova of two terms"),
    ("small_update", "update without a term"),
    ("small_drop1", "drop1 of two terms"),
    ("small_link", "binomial with a link of one's own"),
    ("small_1000x2", "lm of 1,000 x 2"),
    ("small_1000x500", "lm of 1,000 x 500"),
    ("small_200x1000", "prcomp of 200 x 1,000"),
    ("small_boot", "boot() of 500 linear fits"),
];

pub fn run(root: &Path, args: &[String]) -> crate::Outcome {
    let reps = match args {
        [] => 7,
        [option, n] if option == "--rounds" => n
            .parse::<u32>()
            .ok()
            .filter(|n| *n > 0)
            .ok_or("--rounds takes a number above 0")?,
        _ => return Err("`cargo xtask bench r` takes only --rounds N".into()),
    };
    r_package::ensure()?;
    let python = virtual_environment(root)?;
    for problem in ["flights", "dense", "glm_tall"] {
        let made = Command::new(&python)
            .arg(root.join("bench/make_data.py"))
            .arg(problem)
            .stdout(Stdio::null())
            .status();
        if !made.is_ok_and(|s| s.success()) {
            return Err(format!("bench/make_data.py {problem} failed"));
        }
    }
    let target = target(root);
    let library = target.join("r-library");
    fs::create_dir_all(&library).map_err(|e| format!("{}: {e}", library.display()))?;
    let out = Command::new("R")
        .args(["CMD", "INSTALL", "--no-docs", "-l"])
        .arg(&library)
        .arg(root.join("fronts/r"))
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .map_err(|e| format!("R: {e}"))?;
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into_owned());
    }
    let out = Command::new("Rscript")
        .arg("--vanilla")
        .arg(root.join("bench/r.R"))
        .arg(root.join("bench/data"))
        .arg(&library)
        .arg(reps.to_string())
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("Rscript: {e}"))?;
    let text = String::from_utf8_lossy(&out.stdout);
    let line = text.lines().rev().find(|l| l.starts_with('{'));
    let measured: Value = line
        .and_then(|l| serde_json::from_str(l).ok())
        .ok_or_else(|| format!("bench/r.R: {}", String::from_utf8_lossy(&out.stderr)))?;
    println!("{:<15} {:>10} {:>10} {:>8}", "", "nelder s", "R s", "ratio");
    let mut problems = serde_json::Map::new();
    for (name, goal) in GOALS {
        let ours = median(&measured[name]["nelder"]);
        let r = median(&measured[name]["R"]);
        let shown = |v: Option<f64>| v.map_or("-".into(), |v| format!("{v:.6}"));
        let ratio = ours.zip(r).map(|(a, b)| b / a);
        println!(
            "{name:<15} {:>10} {:>10} {:>8}  {goal}",
            shown(ours),
            shown(r),
            ratio.map_or("-".into(), |r| format!("{r:.1}"))
        );
        problems.insert(
            name.to_string(),
            json!({"goal": goal, "seconds": measured[name], "median": {"nelder": ours, "R": r}}),
        );
    }
    let path = root.join("bench/results/r.json");
    let record = json!({"machine": machine(&python), "problems": problems});
    let text = serde_json::to_string_pretty(&record).map_err(|e| e.to_string())?;
    fs::write(&path, text + "\n").map_err(|e| format!("{}: {e}", path.display()))?;
    println!("\n{}", path.display());
    Ok(())
}

fn median(values: &Value) -> Option<f64> {
    let mut sorted: Vec<f64> = values.as_array()?.iter().filter_map(Value::as_f64).collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    (n > 0).then(|| (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&json!([3.0, 1.0, 2.0])), Some(2.0));
        assert_eq!(median(&json!([])), None);
        assert_eq!(median(&Value::Null), None);
    }
}
