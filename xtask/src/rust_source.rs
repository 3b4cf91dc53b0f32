//! Enough of Rust's syntax to find which modules a file names.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::CharIndices;

/// A path that a source file names, from the root of its crate or of another: `["crate", "frame", "Column"]`.
#[derive(Debug, PartialEq)]
pub struct NamedPath {
    /// 1-based line of the path's first word.
    pub line: usize,
    /// The words, after `super` and brace groups are written out.
    pub words: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Colons,
    Open,
    Close,
    Other(char),
}

/// All paths of a file that start at `crate`, at `super` or at a word before `::`, outside of comments, strings
/// and inline modules named `tests`. `module` is where the file stands: `["frame", "label"]`.
pub fn named_paths(source: &str, module: &[&str]) -> Vec<NamedPath> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    // names of the open braces: a module's, or nothing
    let mut braces: Vec<Option<String>> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (line, token) = &tokens[at];
        match token {
            Token::Word(w) if w == "mod" => {
                if let (Some((_, Token::Word(name))), Some((_, Token::Open))) =
                    (tokens.get(at + 1), tokens.get(at + 2))
                {
                    braces.push(Some(name.clone()));
                    at += 3;
                    if name == "tests" {
                        at = after_brace(&tokens, at);
                        braces.pop();
                    }
                    continue;
                }
            }
            Token::Open => braces.push(None),
            Token::Close => {
                braces.pop();
            }
            Token::Word(_) if matches!(tokens.get(at + 1), Some((_, Token::Colons))) => {
                let mut here: Vec<String> = module.iter().map(|m| m.to_string()).collect();
                here.extend(braces.iter().flatten().cloned());
                let start = *line;
                let (end, list) = paths_from(&tokens, at);
                let list = list.into_iter().filter_map(|p| resolve(p, &here));
                found.extend(list.map(|words| NamedPath { line: start, words }));
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The names that follow a keyword which declares an item, `impl` among them: empty for a file that only declares modules
/// and re-exports what they have.
pub fn declared(source: &str) -> BTreeSet<String> {
    const ITEMS: &[&str] = &[
        "fn",
        "struct",
        "enum",
        "trait",
        "impl",
        "const",
        "static",
        "type",
        "macro_rules",
    ];
    let tokens = tokens(source);
    let name = |pair: &[(usize, Token)]| match (&pair[0].1, &pair[1].1) {
        (Token::Word(w), Token::Word(name)) if ITEMS.contains(&w.as_str()) => Some(name.clone()),
        (Token::Word(w), _) if ITEMS.contains(&w.as_str()) => Some(w.clone()),
        _ => None,
    };
    tokens.windows(2).filter_map(name).collect()
}

/// The index after the brace that closes the one opened just before `at`.
fn after_brace(tokens: &[(usize, Token)], mut at: usize) -> usize {
    let mut depth = 1;
    while at < tokens.len() && depth > 0 {
        match tokens[at].1 {
            Token::Open => depth += 1,
            Token::Close => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    at
}

/// Reads `a::b::{c, d::e}` at `at`: the index after it, and the paths it stands for.
fn paths_from(tokens: &[(usize, Token)], mut at: usize) -> (usize, Vec<Vec<String>>) {
    let mut words = Vec::new();
    while let Some((_, Token::Word(w))) = tokens.get(at) {
        words.push(w.clone());
        at += 1;
        if !matches!(tokens.get(at), Some((_, Token::Colons))) {
            return (at, vec![words]);
        }
        at += 1;
    }
    if !matches!(tokens.get(at), Some((_, Token::Open))) {
        return (at, vec![words]);
    }
    at += 1;
    let mut all = Vec::new();
    while let Some((_, token)) = tokens.get(at) {
        match token {
            Token::Close => {
                at += 1;
                break;
            }
            // the name given by `as` is no path
            Token::Word(w) if w == "as" => at += 2,
            Token::Word(_) | Token::Open => {
                let (end, inner) = paths_from(tokens, at);
                all.extend(
                    inner
                        .into_iter()
                        .map(|tail| words.iter().cloned().chain(tail).collect()),
                );
                at = end.max(at + 1);
            }
            _ => at += 1,
        }
    }
    (at, all)
}

/// Writes `super` and `self` out from the module the path stands in; `None` for a path that leads nowhere.
fn resolve(path: Vec<String>, here: &[String]) -> Option<Vec<String>> {
    let climbs = path.iter().take_while(|w| *w == "super").count();
    let from_self = path.first().is_some_and(|w| w == "self");
    if climbs == 0 && !from_self {
        return Some(path);
    }
    let kept = here.len().checked_sub(climbs)?;
    let tail = path.into_iter().skip(climbs.max(usize::from(from_self)));
    Some(
        std::iter::once("crate".to_string())
            .chain(here[..kept].iter().cloned())
            .chain(tail)
            .collect(),
    )
}

fn tokens(source: &str) -> Vec<(usize, Token)> {
    let mut out = Vec::new();
    let mut line = 1;
    let mut chars = source.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let token = match c {
            '\n' => {
                line += 1;
                continue;
            }
            c if c.is_whitespace() => continue,
            '/' if next_is(&mut chars, '/') => {
                while chars.next_if(|(_, c)| *c != '\n').is_some() {}
                continue;
            }
            '/' if next_is(&mut chars, '*') => {
                line += skip_block_comment(&mut chars);
                continue;
            }
            '"' => {
                line += skip_string(&mut chars);
                continue;
            }
            '\'' => {
                skip_quote(&mut chars, source, start);
                continue;
            }
            c if c.is_alphanumeric() || c == '_' => {
                let mut end = start + c.len_utf8();
                while let Some((i, c)) = chars.next_if(|(_, c)| c.is_alphanumeric() || *c == '_') {
                    end = i + c.len_utf8();
                }
                let word = &source[start..end];
                if matches!(word, "r" | "br" | "cr")
                    && let Some(lines) = skip_raw_string(&mut chars, source, end)
                {
                    line += lines;
                    continue;
                }
                Token::Word(word.to_string())
            }
            ':' if next_is(&mut chars, ':') => {
                chars.next();
                Token::Colons
            }
            '{' => Token::Open,
            '}' => Token::Close,
            other => Token::Other(other),
        };
        out.push((line, token));
    }
    out
}

fn next_is(chars: &mut Peekable<CharIndices>, wanted: char) -> bool {
    chars.peek().is_some_and(|(_, c)| *c == wanted)
}

/// Skips to the end of a block comment, which may nest; gives the lines passed.
fn skip_block_comment(chars: &mut Peekable<CharIndices>) -> usize {
    let (mut depth, mut lines, mut last) = (1, 0, ' ');
    chars.next();
    for (_, c) in chars.by_ref() {
        lines += usize::from(c == '\n');
        match (last, c) {
            ('/', '*') => (depth, last) = (depth + 1, ' '),
            ('*', '/') => (depth, last) = (depth - 1, ' '),
            _ => last = c,
        }
        if depth == 0 {
            break;
        }
    }
    lines
}

fn skip_string(chars: &mut Peekable<CharIndices>) -> usize {
    let mut lines = 0;
    while let Some((_, c)) = chars.next() {
        match c {
            '"' => break,
            '\\' => lines += usize::from(chars.next().is_some_and(|(_, c)| c == '\n')),
            '\n' => lines += 1,
            _ => {}
        }
    }
    lines
}

/// Skips a character literal; of a lifetime only the tick.
fn skip_quote(chars: &mut Peekable<CharIndices>, source: &str, start: usize) {
    let mut ahead = source[start + 1..].chars();
    match (ahead.next(), ahead.next()) {
        (Some('\\'), _) => {
            chars.next();
            chars.next();
            while chars.next().is_some_and(|(_, c)| c != '\'') {}
        }
        (Some(_), Some('\'')) => {
            chars.next();
            chars.next();
        }
        _ => {}
    }
}

/// Skips `#"..."#` with the number of signs it begins with; `None` where it is no raw string.
fn skip_raw_string(chars: &mut Peekable<CharIndices>, source: &str, at: usize) -> Option<usize> {
    let signs = source[at..].chars().take_while(|c| *c == '#').count();
    if !source[at + signs..].starts_with('"') {
        return None;
    }
    let body = at + signs + 1;
    let close = format!("\"{}", "#".repeat(signs));
    let length = source[body..].find(&close).unwrap_or(source.len() - body);
    let end = (body + length + close.len()).min(source.len());
    while chars.next_if(|(i, _)| *i < end).is_some() {}
    Some(source[at..end].matches('\n').count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(source: &str, module: &[&str]) -> Vec<(usize, String)> {
        named_paths(source, module)
            .into_iter()
            .map(|p| (p.line, p.words.join("::")))
            .collect()
    }

    #[test]
    fn groups_are_written_out() {
        let found = paths("use crate::{frame::{Column, Kind as K}, pass};\n", &["model"]);
        let expected = ["crate::frame::Column", "crate::frame::Kind", "crate::pass"];
        assert_eq!(found, expected.map(|p| (1, p.to_string())));
    }

    #[test]
    fn comments_strings_and_test_modules_do_not_count() {
        let source = r##"
// crate::a
/* crate::b /* nested */ crate::c */
const S: &str = "crate::d \" crate::e";
const R: &str = r#"crate::f " "#;
fn f<'a>(x: &'a str) -> char { '"' }
mod tests { use crate::g::H; fn k() {} }
fn l() { crate::m::n() }
"##;
        assert_eq!(paths(source, &[]), [(8, "crate::m::n".to_string())]);
    }

    #[test]
    fn super_is_followed_from_inline_modules_too() {
        assert_eq!(
            paths("use super::super::pass::Gram;", &["solve", "qr"])[0].1,
            "crate::pass::Gram"
        );
        assert_eq!(
            paths("mod inner { use super::super::x::Y; }", &["solve", "qr"])[0].1,
            "crate::solve::x::Y"
        );
        assert_eq!(paths("use self::x::Y;", &["solve"])[0].1, "crate::solve::x::Y");
    }
}
