//! `cargo xtask claims`: digits that are claimed against digits that there are, on thousands of random models.

use std::fs;
use std::path::Path;
use std::process::Command;

const HEADER: &str = "sort,kind,claim,models,above,least_away,median_away,least_true";

/// Runs the tests `exact` of the models with so many times its models on a device, and writes what claims give away, by kind, to
/// `accuracy/claims/DEVICE.csv`. Columns: how many claims are above the truth, the least and the median of digits given away, the
/// least digits that there are.
pub fn run(root: &Path, args: &[String]) -> crate::Outcome {
    let (times, device) = options(args)?;
    let to = root.join(format!("accuracy/claims/{}.csv", device.replace([':', '+'], "-")));
    let folder = to.parent().unwrap_or(root);
    fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let half = to.with_extension("part");
    fs::write(&half, "").map_err(|e| format!("{}: {e}", half.display()))?;
    let mut command = Command::new("cargo");
    command
        .args([
            "test",
            "--workspace",
            "--test",
            "models",
            "--no-fail-fast",
            "exact::",
        ])
        .env("NELDER_CLAIMS", times.to_string())
        .env("NELDER_CLAIMS_TO", &half)
        .env_remove("NELDER_TEST_FEW")
        .current_dir(root);
    if device != "cpu" {
        command.env("NELDER_TEST_DEVICE", &device);
    }
    let status = command.status().map_err(|e| format!("cargo: {e}"))?;
    let found = fs::read_to_string(&half).map_err(|e| format!("{}: {e}", half.display()))?;
    let mut rows: Vec<&str> = found.lines().collect();
    rows.sort_unstable();
    fs::write(&half, format!("{HEADER}\n{}\n", rows.join("\n")))
        .map_err(|e| format!("{}: {e}", half.display()))?;
    if !status.success() {
        return Err(format!(
            "a claim is above the truth; what there is, is in {}",
            half.display()
        ));
    }
    fs::rename(&half, &to).map_err(|e| format!("{}: {e}", to.display()))?;
    println!("{}", to.display());
    Ok(())
}

fn options(args: &[String]) -> Result<(usize, String), String> {
    let (mut times, mut device) = (20, "cpu".to_string());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("{arg} wants a value"))?;
        match arg.as_str() {
            "--times" => {
                times = value
                    .parse()
                    .map_err(|_| format!("--times {value}: no whole number"))?
            }
            "--device" => device.clone_from(value),
            _ => {
                return Err(format!(
                    "claims: unknown option `{arg}`; there are --times and --device"
                ));
            }
        }
    }
    Ok((times, device))
}
