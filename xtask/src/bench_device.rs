//! `cargo xtask bench --device DEVICE`: fits on a device beside what torch and CuPy take there.

use serde_json::{Map, Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What each problem should take on one H200.
const GOALS: &[(&str, &str)] = &[
    ("lm_1e6x256", "5 ms; through wgpu 120 ms"),
    ("lm_1e7x16", "2 ms"),
    ("lm_250000x800", "10 ms"),
    ("lm_250000x800_host", "60 ms"),
    ("logistic_1e7x16", "10 ms, 1 ms a step"),
    ("logistic_1e6x256", "3.5 ms a step"),
    ("pca_10000x1000_host", "25 ms"),
];

/// `cargo xtask bench --device DEVICE [--lines FILE] [PROBLEM...]`: runs the programs here, or reads the lines that they
/// printed elsewhere; writes `bench/results/device.json` anew for this device.
pub fn run(root: &Path, args: &[String]) -> crate::Outcome {
    let [device, rest @ ..] = args else {
        return Err("say which device: `cargo xtask bench --device cuda`".into());
    };
    let lines = match rest {
        [option, file] if option == "--lines" => {
            fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?
        }
        problems => measured(root, device, problems)?,
    };
    let path = root.join("bench/results/device.json");
    let mut all: Value = fs::read_to_string(&path)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_else(|| json!({}));
    let merged = merged(&mut all, device, &lines)?;
    let text = serde_json::to_string_pretty(&all).map_err(|e| e.to_string())?;
    fs::write(&path, text + "\n").map_err(|e| format!("{}: {e}", path.display()))?;
    println!("{merged} results in bench/results/device.json");
    Ok(())
}

/// What the programs print.
fn measured(root: &Path, device: &str, problems: &[String]) -> Result<String, String> {
    let ours = Command::new("cargo")
        .args([
            "run",
            "--quiet",
            "--release",
            "-p",
            "nelder-conformance",
            "--bin",
            "bench_device",
            "--",
        ])
        .arg(device)
        .args(problems)
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("cargo: {e}"))?;
    if !ours.status.success() {
        return Err(format!("bench_device {device} failed"));
    }
    let mut lines = String::from_utf8_lossy(&ours.stdout).into_owned();
    let peers = Command::new("python3")
        .arg(root.join("bench/peers/device.py"))
        .args(problems)
        .stderr(Stdio::piped())
        .output()
        .map_err(|e| format!("python3: {e}"))?;
    lines += &String::from_utf8_lossy(&peers.stdout);
    if !peers.status.success() {
        let said = String::from_utf8_lossy(&peers.stderr);
        println!("no peers: {}", said.lines().last().unwrap_or("they failed"));
    }
    print!("{lines}");
    Ok(lines)
}

/// Puts lines into the results; how many there were.
fn merged(all: &mut Value, device: &str, lines: &str) -> Result<usize, String> {
    let mut count = 0;
    for line in lines.lines().filter(|l| l.starts_with('{')) {
        let one: Value = serde_json::from_str(line).map_err(|e| format!("{line}: {e}"))?;
        let (Some(problem), Some(peer), Some(seconds)) = (
            one["problem"].as_str(),
            one["peer"].as_str(),
            one["seconds"].as_f64(),
        ) else {
            return Err(format!("{line}: no problem, peer and seconds"));
        };
        if let Some(name) = one["device"].as_str() {
            all["names"][device] = name.into();
        }
        let record = &mut all["problems"][problem];
        if let Some((_, goal)) = GOALS.iter().find(|(name, _)| *name == problem) {
            record["goal"] = (*goal).into();
        }
        let key = match peer {
            "nelder" => format!("nelder {device}"),
            "nelder f32" => format!("nelder {device} f32"),
            other => other.to_string(),
        };
        if !record["seconds"].is_object() {
            record["seconds"] = Value::Object(Map::new());
        }
        record["seconds"][key] = seconds.into();
        count += 1;
    }
    match count {
        0 => Err("there are no results".into()),
        n => Ok(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_find_their_places() {
        let mut all = json!({"problems": {"lm_1e7x16": {"seconds": {"torch": 1.0}}}});
        let lines = "words\n{\"problem\": \"lm_1e7x16\", \"peer\": \"nelder\", \"device\": \"GPU\", \"seconds\": 0.5}\n";
        assert_eq!(merged(&mut all, "cuda", lines), Ok(1));
        let of = &all["problems"]["lm_1e7x16"];
        assert_eq!(
            (of["seconds"]["torch"].as_f64(), of["goal"].as_str()),
            (Some(1.0), Some("2 ms"))
        );
        assert_eq!(of["seconds"]["nelder cuda"].as_f64(), Some(0.5));
        assert!(merged(&mut all, "cuda", "nothing").is_err());
    }
}
