//! The tools which the tests need beside cargo: R and a few of its packages.

use std::process::{Command, Stdio};

/// Debian's names of the packages, and R's names of what they bring.
const DEBIAN: &[&str] = &[
    "r-base-core",
    "r-cran-jsonlite",
    "r-cran-sandwich",
    "r-cran-lmtest",
    "r-cran-mass",
    "r-cran-glmnet",
    "libopenblas0-pthread",
];
const R_PACKAGES: &[&str] = &["jsonlite", "sandwich", "lmtest", "MASS", "glmnet"];

/// Whether a command runs and succeeds, without showing what it prints.
pub fn succeeds(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// What a command prints, trimmed; `None` where it does not run or fails.
pub fn output_of(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    out.status
        .success()
        .then(|| String::from_utf8_lossy(&out.stdout).trim().to_string())
}

/// Whether R is there with the packages that the oracle scripts load.
pub fn r_is_ready(packages: &[&str]) -> bool {
    let quoted: Vec<String> = packages.iter().map(|p| format!("{p:?}")).collect();
    // system.file finds a package without loading it
    let found = "function(p) nzchar(system.file(package = p))";
    let script = format!(
        "q(status = as.integer(!all(sapply(c({}), {found}))))",
        quoted.join(",")
    );
    succeeds("Rscript", &["--vanilla", "-e", &script])
}

/// Makes R and its packages available, by `apt-get` where this user may; the error says what to do by hand.
///
/// R must add by OpenBLAS: the last bits of the oracle's numbers come from there, and the times of the peers.
pub fn ensure_r() -> Result<(), String> {
    ensure_packages(DEBIAN, R_PACKAGES)?;
    if r_adds_by_openblas() {
        return Ok(());
    }
    let by_hand = "let R use OpenBLAS (on Debian or Ubuntu: apt-get install libopenblas0-pthread, then \
                   update-alternatives --auto libblas.so.3-x86_64-linux-gnu)";
    apt_install("OpenBLAS", &["libopenblas0-pthread"], by_hand)?;
    match r_adds_by_openblas() {
        true => Ok(()),
        false => Err(format!("R does not use OpenBLAS after its install: {by_hand}")),
    }
}

/// Whether the BLAS that R has loaded is OpenBLAS.
fn r_adds_by_openblas() -> bool {
    let script = "cat(extSoftVersion()[['BLAS']], La_library())";
    output_of("Rscript", &["--vanilla", "-e", script]).is_some_and(|paths| paths.contains("openblas"))
}

/// As [`ensure_r`], for any list of Debian packages and the R packages they bring.
pub fn ensure_packages(debian: &[&str], r_packages: &[&str]) -> Result<(), String> {
    if r_is_ready(r_packages) {
        return Ok(());
    }
    let by_hand = format!(
        "install R with the packages {} (on Debian or Ubuntu: apt-get install {})",
        r_packages.join(", "),
        debian.join(" ")
    );
    apt_install("R", debian, &by_hand)?;
    if r_is_ready(r_packages) {
        Ok(())
    } else {
        Err(format!("R does not run after the install: {by_hand}"))
    }
}

/// Installs Debian packages, where this user may.
fn apt_install(what: &str, debian: &[&str], by_hand: &str) -> Result<(), String> {
    if !succeeds("apt-get", &["--version"]) {
        return Err(format!(
            "{what} is missing and there is no apt-get here: {by_hand}"
        ));
    }
    if output_of("id", &["-u"]).as_deref() != Some("0") {
        return Err(format!(
            "{what} is missing and only root can install it: {by_hand}"
        ));
    }
    println!("installing {what} by apt-get: {}", debian.join(" "));
    let apt = |args: &[&str]| -> Result<(), String> {
        let out = Command::new("apt-get")
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .output()
            .map_err(|e| format!("apt-get: {e}"))?;
        if out.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&out.stderr);
        let tail: Vec<&str> = text.lines().rev().take(5).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        Err(format!(
            "apt-get {} failed: {}\n{by_hand}",
            args[0],
            tail.join("\n")
        ))
    };
    // a failing update may still leave lists good enough for the install
    let updated = apt(&["update", "-q"]);
    let mut install = vec!["install", "-q", "-y", "--no-install-recommends"];
    install.extend_from_slice(debian);
    apt(&install).map_err(|e| match &updated {
        Ok(()) => e,
        Err(u) => format!("{u}\n{e}"),
    })?;
    Ok(())
}

/// Whether a driver for Vulkan says that it is there; other systems have their own.
fn vulkan_is_there() -> bool {
    let folders = [
        "/usr/share/vulkan/icd.d",
        "/etc/vulkan/icd.d",
        "/usr/local/share/vulkan/icd.d",
    ];
    let has = |folder: &str| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    !cfg!(target_os = "linux")
        || std::env::var_os("VK_DRIVER_FILES").is_some()
        || folders.iter().any(|f| has(f))
}

/// Makes a device for wgpu available: Mesa's driver for Vulkan on the CPU, where there is none.
pub fn ensure_vulkan() -> Result<(), String> {
    if vulkan_is_there() {
        return Ok(());
    }
    let debian = ["mesa-vulkan-drivers", "libvulkan1"];
    let by_hand = format!(
        "install a driver for Vulkan (on Debian or Ubuntu: apt-get install {})",
        debian.join(" ")
    );
    apt_install("Vulkan", &debian, &by_hand)?;
    match vulkan_is_there() {
        true => Ok(()),
        false => Err(format!(
            "there is no driver for Vulkan after the install: {by_hand}"
        )),
    }
}

/// `cargo xtask setup`.
pub fn run() -> crate::Outcome {
    ensure_r()?;
    ensure_vulkan()?;
    println!(
        "R is ready: {}",
        output_of("Rscript", &["--version"]).unwrap_or_default()
    );
    Ok(())
}
