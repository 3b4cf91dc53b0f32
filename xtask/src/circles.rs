//! Circles between the files of a crate: a file that names another, which leads back to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use crate::rust_source::{NamedPath, declared, named_paths};

/// The crates whose files form no circles.
pub const CRATES: &str = "nelder nelder-device nelder-cuda nelder-wgpu nelder-data";

/// A file of a crate: the paths that it names, and the items that it defines.
struct File {
    shown: String,
    paths: Vec<NamedPath>,
    items: BTreeSet<String>,
}

/// The modules of a crate by their paths: `["pass", "sums", "gram"]`.
type Modules = BTreeMap<Vec<String>, File>;

/// One line for each circle among files, which are given by their paths below `src` and their text.
pub fn circles(files: &[(String, String)], shown: impl Fn(&str) -> String) -> Vec<String> {
    let modules: Modules = files
        .iter()
        .filter_map(|(inside, text)| file(inside, text, &shown))
        .collect();
    let mut edges: BTreeMap<&[String], BTreeMap<&[String], &NamedPath>> = BTreeMap::new();
    for (from, file) in modules.iter().filter(|(_, file)| !file.items.is_empty()) {
        for path in &file.paths {
            if let Some(to) = defining(&modules, from, &path.words, &mut BTreeSet::new())
                && to != from
            {
                edges.entry(from).or_default().entry(to).or_insert(path);
            }
        }
    }
    let mut told: BTreeSet<&[String]> = BTreeSet::new();
    let mut found = Vec::new();
    for start in modules.keys() {
        let Some(circle) = shortest(&edges, start) else {
            continue;
        };
        if circle.iter().any(|m| told.contains(m)) {
            continue;
        }
        told.extend(circle.iter().copied());
        let mut lines = String::from("a circle between files:");
        for (from, to) in circle.iter().zip(circle.iter().cycle().skip(1)) {
            let (file, path) = (&modules[*from].shown, edges[from][to]);
            lines += &format!("\n  {file}:{}: names `{}`", path.line, path.words.join("::"));
        }
        found.push(lines);
    }
    found
}

/// The module of a file below `src`; `None` for tests.
fn file(inside: &str, text: &str, shown: impl Fn(&str) -> String) -> Option<(Vec<String>, File)> {
    let mut module: Vec<String> = Path::new(inside)
        .iter()
        .map(|p| p.to_string_lossy().into())
        .collect();
    let name = module.pop()?.trim_end_matches(".rs").to_string();
    if name == "tests" || name.ends_with("_tests") || module.iter().any(|m| m == "tests") {
        return None;
    }
    if !matches!(name.as_str(), "mod" | "lib") {
        module.push(name);
    }
    let words: Vec<&str> = module.iter().map(String::as_str).collect();
    let (paths, items) = (named_paths(text, &words), declared(text));
    Some((
        module,
        File {
            shown: shown(inside),
            paths,
            items,
        },
    ))
}

/// The module that defines what a path names in `from`, through the re-exports of others.
fn defining<'m>(
    modules: &'m Modules,
    from: &[String],
    words: &[String],
    seen: &mut BTreeSet<Vec<String>>,
) -> Option<&'m [String]> {
    let words = bare(words);
    let (first, rest) = words.split_first()?;
    let child = [from, std::slice::from_ref(first)].concat();
    let taken = |p: &&NamedPath| bare(&p.words).last() == Some(first) && p.words[0] == "crate";
    let inside = match modules.get(from)?.paths.iter().find(taken) {
        _ if first == "crate" => rest.to_vec(),
        // a name that the file has from elsewhere, and what follows it
        Some(path) if !modules.contains_key(&child) => [&bare(&path.words)[1..], rest].concat(),
        _ => [from, words].concat(),
    };
    if !seen.insert(inside.clone()) {
        return None;
    }
    let depth = (0..=inside.len())
        .rev()
        .find(|&n| modules.contains_key(&inside[..n]))?;
    let (module, file) = modules.get_key_value(&inside[..depth])?;
    let own = (!file.items.is_empty()).then_some(module.as_slice());
    let Some(item) = inside.get(depth).filter(|w| !file.items.contains(*w)) else {
        return own;
    };
    // what a file names by its last word, it has from there
    let exported = file.paths.iter().filter(|p| bare(&p.words).last() == Some(item));
    let elsewhere = exported
        .filter_map(|p| defining(modules, module, &p.words, seen))
        .find(|m| *m != module);
    elsewhere.or(own)
}

/// A path without the `self` that stands for its last module.
fn bare(words: &[String]) -> &[String] {
    words.strip_suffix(&["self".to_string()]).unwrap_or(words)
}

/// The shortest way from a module back to itself.
fn shortest<'m>(
    edges: &BTreeMap<&'m [String], BTreeMap<&'m [String], &NamedPath>>,
    start: &'m [String],
) -> Option<Vec<&'m [String]>> {
    let mut before: BTreeMap<&[String], &'m [String]> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for to in edges.get(at).into_iter().flat_map(|e| e.keys().copied()) {
            if to == start {
                let mut way = vec![at];
                while let Some(last) = way.last().filter(|m| **m != start) {
                    way.push(before[*last]);
                }
                way.reverse();
                return Some(way);
            }
            if !before.contains_key(to) {
                before.insert(to, at);
                queue.push_back(to);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = files
            .iter()
            .map(|(f, t)| (f.to_string(), t.to_string()))
            .collect();
        circles(&files, str::to_string)
    }

    #[test]
    fn a_circle_is_found_through_re_exports() {
        let found = of(&[
            ("lib.rs", "pub mod pass;"),
            (
                "pass/mod.rs",
                "mod run;\nmod gram;\nmod cost;\npub use run::run;\npub use gram::Gram;",
            ),
            ("pass/run.rs", "use crate::pass::cost::Cost;\npub fn run() {}"),
            ("pass/cost.rs", "use super::Gram;\npub struct Cost;"),
            ("pass/gram.rs", "pub struct Gram;\nfn f() { super::run() }"),
        ]);
        let line = "a circle between files:\n  pass/cost.rs:1: names `crate::pass::Gram`\n  \
                    pass/gram.rs:2: names `crate::pass::run`\n  pass/run.rs:1: names `crate::pass::cost::Cost`";
        assert_eq!(found, [line]);
    }

    #[test]
    fn modules_that_only_re_export_and_tests_are_no_part_of_a_circle() {
        let files = [
            ("mod.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;"),
            (
                "a.rs",
                "use super::B;\npub struct A;\nmod tests { use super::super::b::B; }",
            ),
            ("b.rs", "pub struct B;\nmod tests { use crate::A; }"),
            ("b_tests.rs", "use crate::{A, B};"),
        ];
        assert_eq!(of(&files), Vec::<String>::new());
        // a parent that has code of its own is a file as any other
        let parent = [
            ("mod.rs", "mod a;\npub struct P(a::A);"),
            ("a.rs", "use super::P;\npub struct A;"),
        ];
        assert_eq!(of(&parent).len(), 1);
    }
}
