//! Compiled kernels on disk: one file for each source and architecture, whose first line says what it was made from.

use std::fs;
use std::path::PathBuf;

/// `NELDER_CACHE`, or the user's folder for caches; `None` where there is none.
fn folder() -> Option<PathBuf> {
    let var = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    var("NELDER_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|d| d.join("nelder")))
        .or_else(|| var("HOME").map(|d| d.join(".cache/nelder")))
}

/// True if the cache has a compiled kernel (a `ptx` file).
pub fn is_filled() -> bool {
    let is_kernel = |e: fs::DirEntry| e.path().extension().is_some_and(|x| x == "ptx");
    folder()
        .and_then(|f| fs::read_dir(f).ok())
        .is_some_and(|entries| entries.flatten().any(is_kernel))
}

/// FNV-1a, which is the same for all versions of everything.
fn hash(text: &str, seed: u64) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
    })
}

fn path(arch: &str, source: &str) -> Option<PathBuf> {
    Some(folder()?.join(format!("{arch}-{:016x}.ptx", hash(source, 0))))
}

fn head(arch: &str, source: &str) -> String {
    format!("// nelder {arch} {} {:016x}", source.len(), hash(source, 1))
}

/// The PTX of a source, if a file has it.
pub fn read(arch: &str, source: &str) -> Option<String> {
    let text = fs::read_to_string(path(arch, source)?).ok()?;
    let (first, ptx) = text.split_once('\n')?;
    (first == head(arch, source)).then(|| ptx.to_string())
}

/// Keeps the PTX of a source; a cache that cannot be written is none.
pub fn write(arch: &str, source: &str, ptx: &str) {
    let Some(path) = path(arch, source) else { return };
    let Some(folder) = path.parent() else { return };
    // another process may write the same file: each writes its own and renames it
    let own = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&own, format!("{}\n{ptx}", head(arch, source))))
        .and_then(|()| fs::rename(&own, &path));
    if written.is_err() {
        let _ = fs::remove_file(&own);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_source_is_not_taken() {
        let source = "a kernel";
        assert_ne!(hash(source, 0), hash("another", 0));
        assert_ne!(head("compute_90", source), head("compute_80", source));
        assert_ne!(head("compute_90", source), head("compute_90", "a kernal"));
    }
}
