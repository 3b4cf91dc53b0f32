//! `cargo xtask bundle`: tests and benches of devices as one folder that runs where there is neither cargo nor network.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The tests that run on the device which `NELDER_TEST_DEVICE` names.
const TESTS: &[&str] = &["models", "oracle"];
/// Programs beside them.
const PROGRAMS: &[&str] = &["bench_device"];
/// Packages that hold them.
const PACKAGES: &[&str] = &["nelder-conformance", "nelder-data"];
/// A bundle has fewer bytes.
const MOST: u64 = 60 << 20;

const RUN: &str = r#"#!/bin/sh
# run [DEVICE]: every test on a device (cuda, cuda:1, wgpu, cuda:0+cuda:1, host), then the benches and, where torch or CuPy are
# there, their peers. Results are in results/; the exit status is that of the tests.
here=$(cd "$(dirname "$0")" && pwd)
device=${1:-cuda}
export NELDER_ACCURACY="$here/accuracy" NELDER_TEST_DEVICE="$device"
mkdir -p "$here/results"
status=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for packed in "$here"/tests/*.gz "$here"/bin/*.gz; do
  name=$(basename "$packed" .gz)
  gunzip -c "$packed" > "$work/$name" && chmod +x "$work/$name" || exit 1
done
for packed in "$here"/tests/*.gz; do
  name=$(basename "$packed" .gz)
  test="$work/$name"
  if "$test" > "$here/results/$name.txt" 2>&1; then
    echo "passed  $name: $(grep '^test result' "$here/results/$name.txt")"
  else
    echo "FAILED  $name: see results/$name.txt"
    status=1
  fi
done
"$work/bench_device" "$device" > "$here/results/bench.jsonl" || status=1
if python3 -c "import torch" 2> /dev/null || python3 -c "import cupy" 2> /dev/null; then
  python3 "$here/peers/device.py" >> "$here/results/bench.jsonl" || status=1
else
  echo "no torch and no CuPy here: no peers"
fi
cat "$here/results/bench.jsonl"
exit $status
"#;

/// `cargo xtask bundle [FOLDER]`.
pub fn run(root: &Path, args: &[String]) -> crate::Outcome {
    let folder = match args {
        [] => root.join("target/bundle"),
        [folder] if !folder.starts_with('-') => PathBuf::from(folder),
        [other, ..] => {
            return Err(format!(
                "`cargo xtask bundle` takes a folder or nothing, not `{other}`"
            ));
        }
    };
    let failed = |what: &Path, e: std::io::Error| format!("{}: {e}", what.display());
    if folder.exists() {
        let own = folder.join("run").exists() || fs::read_dir(&folder).is_ok_and(|mut d| d.next().is_none());
        if !own {
            return Err(format!("{} is there and is no bundle", folder.display()));
        }
        fs::remove_dir_all(&folder).map_err(|e| failed(&folder, e))?;
    }
    for part in ["tests", "bin", "peers"] {
        let part = folder.join(part);
        fs::create_dir_all(&part).map_err(|e| failed(&part, e))?;
    }
    // first: it says that the folder is a bundle
    let script = folder.join("run");
    fs::write(&script, RUN).map_err(|e| failed(&script, e))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).map_err(|e| failed(&script, e))?;
    }
    for (name, program) in built(root)? {
        let part = if TESTS.contains(&name.as_str()) {
            "tests"
        } else {
            "bin"
        };
        let to = folder.join(part).join(&name);
        // what a debugger reads is most of it
        let strip = Command::new("strip").arg("-o").arg(&to).arg(&program).status();
        if !strip.is_ok_and(|s| s.success()) {
            fs::copy(&program, &to).map_err(|e| failed(&to, e))?;
        }
        let packed = Command::new("gzip").arg("-9").arg(&to).status();
        if !packed.is_ok_and(|s| s.success()) {
            return Err(format!("gzip {} failed", to.display()));
        }
    }
    for part in ["accuracy/nist", "accuracy/oracle", "examples"] {
        copied(&root.join(part), &folder.join(part))?;
    }
    let peers = folder.join("peers/device.py");
    fs::copy(root.join("bench/peers/device.py"), &peers).map_err(|e| failed(&peers, e))?;
    let bytes = size(&folder).map_err(|e| failed(&folder, e))?;
    println!(
        "{}: {:.1} MB. Copy it to a machine with a GPU and call its `run`.",
        folder.display(),
        bytes as f64 / 1e6
    );
    match bytes < MOST {
        true => Ok(()),
        false => Err(format!("the bundle has {bytes} bytes, and {MOST} are the most")),
    }
}

/// The programs, by their names, built in release.
fn built(root: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let mut found = Vec::new();
    for programs in [false, true] {
        let mut command = Command::new("cargo");
        if programs {
            command.args(["build", "--bins"]);
        } else {
            command.args(["test", "--no-run"]);
            TESTS.iter().for_each(|t| {
                command.args(["--test", t]);
            });
        }
        command.args(["--release", "--message-format=json"]);
        PACKAGES.iter().for_each(|p| {
            command.args(["-p", p]);
        });
        let out = command
            .current_dir(root)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|e| format!("cargo: {e}"))?;
        if !out.status.success() {
            return Err("the build failed".into());
        }
        for line in String::from_utf8_lossy(&out.stdout).lines() {
            let Ok(message) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let (Some(name), Some(program)) =
                (message["target"]["name"].as_str(), message["executable"].as_str())
            else {
                continue;
            };
            let (wanted, kind) = if programs {
                (PROGRAMS, "bin")
            } else {
                (TESTS, "test")
            };
            if wanted.contains(&name) && message["target"]["kind"][0] == kind {
                found.push((name.to_string(), PathBuf::from(program)));
            }
        }
    }
    let missing = TESTS
        .iter()
        .chain(PROGRAMS)
        .find(|n| !found.iter().any(|f| f.0 == **n));
    match missing {
        None => Ok(found),
        Some(name) => Err(format!("cargo built no `{name}`")),
    }
}

fn copied(from: &Path, to: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: {e}", from.display());
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copied(&path, &to)?;
        } else {
            fs::copy(&path, &to).map_err(failed)?;
        }
    }
    Ok(())
}

fn size(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => size(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}
