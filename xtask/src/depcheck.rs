//! The layer rules: which folder of the library may name which, and which crate may depend on which.

use crate::circles;
use crate::rust_source::named_paths;
use std::fs;
use std::path::{Path, PathBuf};

/// What one folder (or file) of `crates/nelder/src` may name.
struct Layer {
    name: &'static str,
    /// Layers it may name.
    may: &'static [&'static str],
    /// Single items of other layers it may name.
    only: &'static [(&'static str, &'static str)],
    /// Other crates it may name nothing of.
    never: &'static [&'static str],
    /// What it may name of them all the same: beginnings of paths.
    but: &'static [&'static [&'static str]],
    why: &'static str,
}

/// In the order in which data flows.
const LAYERS: &[Layer] = &[
    Layer {
        name: "frame",
        may: &[],
        only: &[],
        never: &["faer"],
        but: &[],
        why: "a frame is columns and nothing else",
    },
    Layer {
        name: "formula",
        may: &[],
        only: &[("frame", "number_label")],
        never: &["faer", "nelder_device"],
        but: &[],
        why: "a formula knows no data and no device",
    },
    Layer {
        name: "design",
        may: &["frame", "formula"],
        only: &[],
        never: &[],
        but: &[],
        why: "a design joins names to columns",
    },
    Layer {
        name: "family",
        may: &[],
        only: &[],
        never: &["faer"],
        but: &[],
        why: "a family is programs over rows: no data and no columns",
    },
    Layer {
        name: "pass",
        may: &["frame", "design", "family"],
        only: &[],
        never: &[],
        but: &[],
        why: "a pass sees blocks of rows; from here on there are no names",
    },
    Layer {
        name: "solve",
        may: &[],
        only: &[],
        never: &[],
        but: &[],
        why: "a solve sees products and small matrices, not where they came from",
    },
    Layer {
        name: "model",
        may: &["frame", "formula", "design", "family", "pass", "solve"],
        only: &[],
        never: &[],
        but: &[],
        why: "a model is a checked specification that becomes a fit",
    },
    Layer {
        name: "summary",
        may: &["frame", "model"],
        only: &[],
        never: &["faer", "nelder_device"],
        but: &[&["nelder_device", "special"]],
        why: "a summary reads a fit and nothing else, special functions aside",
    },
    Layer {
        name: "plan",
        may: &["frame", "formula", "design", "family", "pass", "solve", "model"],
        only: &[],
        never: &[],
        but: &[],
        why: "a plan says where a model will run",
    },
];

/// What the code of a front may not name, and may not depend on.
const FRONTS_NEVER: &[(&[&str], &str)] = &[
    (&["faer"], "the fronts hold no statistics"),
    (&["nelder", "solve"], "the fronts hold no statistics"),
];

/// Crates that a crate's own dependencies may not include; a `*` ends a prefix.
const CRATES: &[(&str, &[&str], &str)] = &[
    (
        "crates/nelder",
        &[
            "arrow*",
            "parquet",
            "cudarc",
            "wgpu",
            "nelder-cuda",
            "nelder-wgpu",
            "nelder-array",
            "nelder-data",
        ],
        "the library knows no file format and no toolchain of a device",
    ),
    (
        "crates/nelder-device",
        &[
            "nelder",
            "nelder-data",
            "nelder-cuda",
            "nelder-wgpu",
            "arrow*",
            "parquet",
            "cudarc",
            "wgpu",
            "faer",
        ],
        "programs and the CPU backend stand below everything else",
    ),
    (
        "crates/nelder-data",
        &["faer", "cudarc", "wgpu", "nelder-cuda", "nelder-wgpu"],
        "files become frames, without arithmetic",
    ),
    ("fronts/*", &["faer"], "the fronts hold no statistics"),
];

/// The workspace that the R package compiles the crates in.
const R_WORKSPACE: &str = "fronts/r/src/rust/Cargo.toml";

/// `cargo xtask depcheck`.
pub fn run(root: &Path) -> crate::Outcome {
    let files = check(root)?;
    println!("{files} files keep the layer rules");
    Ok(())
}

/// Checks the whole tree; gives the number of files read, and otherwise one line for each breach.
pub fn check(root: &Path) -> Result<usize, String> {
    let mut breaches = Vec::new();
    let mut files = 0;
    let library = root.join("crates/nelder/src");
    for path in sources(&library)? {
        let inside = path.strip_prefix(&library).unwrap_or(&path);
        let text = read(&path)?;
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        breaches.extend(check_file(&shown, inside, &text));
        files += 1;
    }
    for path in sources(&root.join("fronts"))? {
        let text = read(&path)?;
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        breaches.extend(check_front(&shown, &text));
        files += 1;
    }
    for name in circles::CRATES.split(' ') {
        let source = root.join("crates").join(name).join("src");
        let of = |path: &PathBuf| -> Result<(String, String), String> {
            let inside = path.strip_prefix(&source).unwrap_or(path).display().to_string();
            Ok((inside, read(path)?))
        };
        let read: Result<Vec<_>, String> = sources(&source)?.iter().map(of).collect();
        breaches.extend(circles::circles(&read?, |inside| {
            format!("crates/{name}/src/{inside}")
        }));
    }
    for (folder, never, why) in CRATES {
        let folders = match folder.strip_suffix("/*") {
            Some(parent) => subfolders(&root.join(parent)),
            None => vec![root.join(folder)],
        };
        for manifest in folders
            .iter()
            .map(|f| f.join("Cargo.toml"))
            .filter(|m| m.exists())
        {
            let shown = manifest
                .strip_prefix(root)
                .unwrap_or(&manifest)
                .display()
                .to_string();
            breaches.extend(check_manifest(&shown, &read(&manifest)?, never, why));
            files += 1;
        }
    }
    let (own, copy) = (root.join("Cargo.toml"), root.join(R_WORKSPACE));
    breaches.extend(check_workspaces(&read(&own)?, &read(&copy)?));
    files += 1;
    if breaches.is_empty() {
        Ok(files)
    } else {
        Err(breaches.join("\n"))
    }
}

/// The breaches of one library file; `inside` is its path below `src`.
fn check_file(shown: &str, inside: &Path, text: &str) -> Vec<String> {
    let mut module: Vec<&str> = inside.iter().filter_map(|p| p.to_str()).collect();
    let file = module.pop().unwrap_or_default().trim_end_matches(".rs");
    // tests in files of their own may build on any layer, as inline ones may
    if file == "tests" || file.ends_with("_tests") || module.contains(&"tests") {
        return Vec::new();
    }
    if !matches!(file, "mod" | "lib") {
        module.push(file);
    }
    let Some(own) = module.first().copied() else {
        return Vec::new();
    };
    let Some(layer) = LAYERS.iter().find(|l| l.name == own) else {
        return vec![format!(
            "{shown}:1: `{own}` is no layer; add it to the table in xtask/src/depcheck.rs"
        )];
    };
    let mut breaches = Vec::new();
    for path in named_paths(text, &module) {
        let words: Vec<&str> = path.words.iter().map(String::as_str).collect();
        let (first, second, third) = (
            words[0],
            words.get(1).copied().unwrap_or(""),
            words.get(2).copied().unwrap_or(""),
        );
        let broken = if first == "crate" {
            let is_layer = LAYERS.iter().any(|l| l.name == second);
            let allowed = second == own
                || layer.may.contains(&second)
                || layer.only.contains(&(second, third))
                || !is_layer;
            !allowed
        } else {
            layer.never.contains(&first) && !layer.but.iter().any(|b| words.starts_with(b))
        };
        if broken {
            let named = words.join("::");
            let may = if layer.may.is_empty() {
                "no other layer".into()
            } else {
                layer.may.join(", ")
            };
            breaches.push(format!(
                "{shown}:{}: `{own}` names `{named}`; it may name {may} ({})",
                path.line, layer.why
            ));
        }
    }
    breaches
}

fn check_front(shown: &str, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    for path in named_paths(text, &[]) {
        for (never, why) in FRONTS_NEVER {
            if path
                .words
                .iter()
                .map(String::as_str)
                .take(never.len())
                .eq(never.iter().copied())
            {
                breaches.push(format!(
                    "{shown}:{}: names `{}` ({why})",
                    path.line,
                    path.words.join("::")
                ));
            }
        }
    }
    breaches
}

/// The forbidden names among the dependencies of a manifest, tests' dependencies aside.
fn check_manifest(shown: &str, text: &str, never: &[&str], why: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let mut within = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            within = section.ends_with("dependencies") && !section.ends_with("dev-dependencies");
            if let Some((table, name)) = section.rsplit_once('.')
                && table.ends_with("dependencies")
                && !table.ends_with("dev-dependencies")
            {
                breaches.extend(forbidden(shown, number, name, never, why));
            }
            continue;
        }
        let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
        if within && !name.starts_with('#') {
            breaches.extend(forbidden(shown, number, name, never, why));
        }
    }
    breaches
}

/// What the R package's workspace asks of another version, or with other features, than the repository's.
fn check_workspaces(own: &str, copy: &str) -> Vec<String> {
    let own = workspace_dependencies(own);
    let differs = |(name, _, asked): &(String, usize, String)| {
        let here = own.iter().find(|(n, _, _)| n == name);
        here.is_some_and(|(_, _, text)| text != asked) && !asked.contains("path=")
    };
    workspace_dependencies(copy)
        .iter()
        .filter(|dependency| differs(dependency))
        .map(|(name, line, _)| format!("{R_WORKSPACE}:{line}: `{name}` is not as in the workspace"))
        .collect()
}

/// The entries of `[workspace.dependencies]`: names, lines, and what is asked of them without its spaces.
fn workspace_dependencies(text: &str) -> Vec<(String, usize, String)> {
    let mut entries: Vec<(String, usize, String)> = Vec::new();
    let mut within = false;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            within = line.trim() == "[workspace.dependencies]";
        } else if within {
            let bare: String = line.chars().filter(|c| !c.is_whitespace()).collect();
            match (line.split_once('='), entries.last_mut()) {
                (Some((name, _)), _) if name.starts_with(|c: char| c.is_alphabetic()) => {
                    entries.push((name.trim().to_string(), number + 1, bare));
                }
                (_, Some((_, _, text))) => text.push_str(&bare),
                _ => {}
            }
        }
    }
    entries
}

fn forbidden(shown: &str, line: usize, name: &str, never: &[&str], why: &str) -> Option<String> {
    let name = name.trim_matches('"');
    let hit = never.iter().any(|n| match n.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *n,
    });
    hit.then(|| format!("{shown}:{}: depends on `{name}` ({why})", line + 1))
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for path in entries.flatten().map(|e| e.path()) {
        // the R package reaches the crates by links; they are looked at where they are
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() && path.file_name().is_none_or(|n| n != "target") {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|x| x == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|e| e.path()).filter(|p| p.is_dir()).collect()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaches(file: &str, text: &str) -> Vec<String> {
        check_file(file, Path::new(file), text)
    }

    #[test]
    fn a_layer_may_not_name_a_later_one() {
        let found = breaches("solve/qr.rs", "\nuse crate::design::Block;\n");
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("solve/qr.rs:2: `solve` names `crate::design::Block`"),
            "{}",
            found[0]
        );
        assert_eq!(
            breaches("design/mod.rs", "fn f() { crate::pass::gram() }").len(),
            1
        );
        assert_eq!(
            breaches("summary/anova.rs", "use super::super::solve::Factor;").len(),
            1
        );
        assert_eq!(
            breaches("frame/mod.rs", "use crate::{formula::Expr, frame::Kind};").len(),
            1
        );
    }

    #[test]
    fn a_layer_may_name_an_earlier_one_and_itself() {
        let all =
            "use crate::{frame::Column, formula::Expr, design::Block, pass::Gram, solve::Factor, model::Lm};";
        assert_eq!(breaches("model/lm.rs", all), Vec::<String>::new());
        assert_eq!(
            breaches("pass/gram.rs", "use crate::design::Block; use super::Pass;"),
            Vec::<String>::new()
        );
        assert_eq!(breaches("plan.rs", "use crate::model::Lm;"), Vec::<String>::new());
        assert_eq!(
            breaches("lib.rs", "pub use crate::model::Lm; pub use summary::Table;"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn formula_takes_one_function_of_frame() {
        assert_eq!(
            breaches("formula/names.rs", "use crate::frame::number_label;"),
            Vec::<String>::new()
        );
        assert_eq!(
            breaches("formula/names.rs", "use crate::frame::{number_label, Column};").len(),
            1
        );
        assert_eq!(
            breaches("formula/names.rs", "fn f(m: faer::Mat<f64>) {}").len(),
            1
        );
    }

    #[test]
    fn summary_takes_one_module_of_the_device() {
        let file = "summary/distributions/gamma.rs";
        assert_eq!(
            breaches(file, "use nelder_device::special::{digamma, normal};"),
            Vec::<String>::new()
        );
        assert_eq!(breaches(file, "use nelder_device::{Dd, special};").len(), 1);
        assert_eq!(
            breaches("formula/names.rs", "use nelder_device::special::digamma;").len(),
            1
        );
    }

    #[test]
    fn a_folder_without_a_rule_is_a_breach() {
        assert_eq!(breaches("helpers/mod.rs", "").len(), 1);
    }

    #[test]
    fn tests_may_name_anything() {
        assert_eq!(
            breaches("solve/qr.rs", "mod tests { use crate::model::Lm; }"),
            Vec::<String>::new()
        );
        assert_eq!(
            breaches("solve/qr_tests.rs", "use crate::model::Lm;"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn manifests_and_fronts() {
        let manifest =
            "[dependencies]\narrow-array.workspace = true\nrayon = \"1\"\n[dev-dependencies]\nwgpu = \"1\"\n";
        let found = check_manifest("Cargo.toml", manifest, &["arrow*", "wgpu"], "why");
        assert_eq!(found, ["Cargo.toml:2: depends on `arrow-array` (why)"]);
        let table = "[target.'cfg(unix)'.dependencies.wgpu]\nversion = \"1\"\n";
        assert_eq!(check_manifest("Cargo.toml", table, &["wgpu"], "why").len(), 1);
        assert_eq!(check_front("main.rs", "use nelder::solve::Factor;").len(), 1);
        assert_eq!(check_front("main.rs", "use nelder::model::Lm;").len(), 0);
        assert_eq!(check_front("main.rs", "let m = faer::Mat::new();").len(), 1);
    }

    #[test]
    fn the_package_compiles_what_the_workspace_does() {
        let own =
            "[workspace.dependencies]\nrayon = \"1\"\nx = { version = \"1\", features = [\n    \"a\",\n] }\n";
        assert!(check_workspaces(own, own).is_empty());
        let copy = own
            .replace("    \"a\",\n", "")
            .replace("rayon = \"1\"", "rayon = { path = \"rayon\" }");
        let found = check_workspaces(own, &copy);
        assert_eq!(
            found,
            [format!("{R_WORKSPACE}:3: `x` is not as in the workspace")]
        );
    }
}
