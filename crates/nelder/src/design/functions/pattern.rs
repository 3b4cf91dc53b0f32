//! Regular expressions on labels: `grepl`, `sub`, `gsub`, with R's default (POSIX extended, longest match), Perl's, and fixed
//! strings.

use regex_automata::meta::Regex;
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

/// Syntax of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::design) enum Syntax {
    /// R's default: POSIX extended expressions. The longest of the matches that begin first is taken.
    Extended,
    /// `perl = TRUE`: the first alternative that matches is taken.
    Perl,
    /// `fixed = TRUE`: the characters themselves.
    Fixed,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(in crate::design) struct Pattern {
    /// Pattern, syntax and case: what makes two patterns equal.
    text: (String, Syntax, bool),
    regex: Regex,
    /// Finds the longest match from a position, where alternatives may differ in length.
    longest: Option<PikeVM>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.text == other.text
    }
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, or what R has and we have not: references to groups within a pattern, looking around.
    pub fn new(pattern: &str, how: Syntax, ignore_case: bool) -> Result<Pattern, String> {
        let (translated, alternatives) = match how {
            Syntax::Fixed => (escaped(pattern), false),
            _ => translated(pattern, how)?,
        };
        let config = syntax::Config::new().case_insensitive(ignore_case);
        let wrong = |error: String| {
            let last = error
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ");
            format!("is no regular expression that is known here: {last}")
        };
        let regex = Regex::builder().syntax(config).build(&translated).map_err(|e| {
            wrong(
                e.syntax_error()
                    .map_or_else(|| e.to_string(), ToString::to_string),
            )
        })?;
        let longest = (how == Syntax::Extended && alternatives).then(|| {
            PikeVM::builder()
                .configure(PikeVM::config().match_kind(MatchKind::All))
                .syntax(config)
                .build(&translated)
                .map_err(|e| wrong(e.to_string()))
        });
        Ok(Pattern {
            text: (pattern.to_string(), how, ignore_case),
            regex,
            longest: longest.transpose()?,
        })
    }

    /// Tests if the pattern occurs in a text.
    pub fn occurs(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Tests if the pattern matches the empty string.
    pub fn matches_empty(&self) -> bool {
        self.regex.is_match("")
    }

    /// Tests if groups can be referred to: not where the longest of several alternatives is taken.
    pub fn has_groups(&self) -> bool {
        self.longest.is_none()
    }

    /// The text with the first match, or each, replaced.
    pub fn replaced(&self, text: &str, by: &Replacement, all: bool) -> String {
        let mut out = String::new();
        let (mut from, mut groups) = (0, self.regex.create_captures());
        while from <= text.len() {
            self.regex
                .captures(Input::new(text).span(from..text.len()), &mut groups);
            let Some(found) = groups.get_match() else { break };
            let (start, mut end) = (found.start(), found.end());
            if let Some(longest) = &self.longest {
                let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes);
                let mut slots = [None, None];
                longest.search_slots(&mut longest.create_cache(), &input, &mut slots);
                end = slots[1].map_or(end, |e| e.get());
            }
            out.push_str(&text[from..start]);
            for part in &by.0 {
                match part {
                    Part::Text(own) => out.push_str(own),
                    Part::Group(g) => {
                        out.push_str(groups.get_group(*g).map_or("", |s| &text[s.start..s.end]))
                    }
                }
            }
            from = end;
            if !all || end == start {
                break;
            }
        }
        out.push_str(&text[from..]);
        out
    }
}

/// Replacement of a match: text and groups of the pattern, in order.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::design) struct Replacement(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Group(usize),
}

impl Replacement {
    /// Reads `\\1` to `\\9` as groups, unless the pattern is fixed.
    ///
    /// # Errors
    /// Perl's changes of case.
    pub fn new(text: &str, how: Syntax) -> Result<Replacement, String> {
        let (mut parts, mut own) = (Vec::new(), String::new());
        let mut letters = text.chars();
        while let Some(c) = letters.next() {
            match (c, how) {
                ('\\', Syntax::Extended | Syntax::Perl) => match letters.next() {
                    Some(d @ '1'..='9') => {
                        parts.push(Part::Text(std::mem::take(&mut own)));
                        parts.push(Part::Group(d as usize - '0' as usize));
                    }
                    Some('U' | 'L' | 'E') if how == Syntax::Perl => {
                        return Err("changes the case by \\U, \\L or \\E; use toupper() or tolower()".into());
                    }
                    other => own.extend(other),
                },
                _ => own.push(c),
            }
        }
        parts.push(Part::Text(own));
        Ok(Replacement(parts))
    }

    /// The last group that is referred to; 0 for none.
    pub fn groups(&self) -> usize {
        let group = |part: &Part| match part {
            Part::Group(g) => *g,
            Part::Text(_) => 0,
        };
        self.0.iter().map(group).max().unwrap_or(0)
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if !c.is_alphanumeric() && c.is_ascii() && !c.is_whitespace() {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The pattern in Rust's syntax, and whether it has alternatives.
///
/// In brackets, POSIX takes all characters but `]`, `^`, `-` and `[:class:]` for themselves; Perl has escapes there. Classes
/// are Unicode's in the default syntax, ASCII's in Perl's.
fn translated(pattern: &str, how: Syntax) -> Result<(String, bool), String> {
    let (mut out, mut alternatives) = (String::new(), false);
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                let Some(letter) = rest.next() else {
                    return Err("ends in a single backslash".into());
                };
                match (how, letter) {
                    (Syntax::Perl, 'd') => out.push_str("[0-9]"),
                    (Syntax::Perl, 'D') => out.push_str("[^0-9]"),
                    (Syntax::Perl, 'w') => out.push_str("[0-9A-Za-z_]"),
                    (Syntax::Perl, 'W') => out.push_str("[^0-9A-Za-z_]"),
                    (Syntax::Perl, 's') => out.push_str("[ \\t\\n\\r\\x0b\\x0c]"),
                    (Syntax::Perl, 'S') => out.push_str("[^ \\t\\n\\r\\x0b\\x0c]"),
                    (Syntax::Perl, 'b') => out.push_str("(?-u:\\b)"),
                    _ => out.extend(['\\', letter]),
                }
            }
            '[' => {
                out.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // a bracket that comes first stands for itself
                if rest.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
                loop {
                    let Some(c) = rest.next() else {
                        return Err("has a `[` without its `]`".into());
                    };
                    match c {
                        ']' => break,
                        '[' if rest.peek() == Some(&':') => {
                            rest.next();
                            let mut class = String::new();
                            while let Some(c) = rest.next_if(|c| *c != ':') {
                                class.push(c);
                            }
                            if (rest.next(), rest.next()) != (Some(':'), Some(']')) {
                                return Err("has a `[:` without its `:]`".into());
                            }
                            out.push_str(members(&class, how).ok_or(format!("has no class [:{class}:]"))?);
                        }
                        '\\' if how == Syntax::Perl => {
                            out.push('\\');
                            out.extend(rest.next());
                        }
                        '[' | '&' | '~' | '\\' => out.extend(['\\', c]),
                        // between two characters it is a range, else itself
                        '-' if rest.peek() == Some(&']') => out.push_str("\\-"),
                        c => out.push(c),
                    }
                }
                out.push(']');
            }
            '|' => {
                alternatives = true;
                out.push('|');
            }
            c => out.push(c),
        }
    }
    Ok((out, alternatives))
}

/// The members of a class, within brackets.
fn members(class: &str, how: Syntax) -> Option<&'static str> {
    Some(match (class, how) {
        ("digit", _) => "0-9",
        ("xdigit", _) => "0-9A-Fa-f",
        ("blank", _) => " \\t",
        ("cntrl", _) => "\\x00-\\x1f\\x7f",
        ("alpha", Syntax::Perl) => "A-Za-z",
        ("alpha", _) => "\\p{Alphabetic}",
        ("alnum", Syntax::Perl) => "0-9A-Za-z",
        ("alnum", _) => "\\p{Alphabetic}\\p{Nd}",
        ("upper", Syntax::Perl) => "A-Z",
        ("upper", _) => "\\p{Uppercase}",
        ("lower", Syntax::Perl) => "a-z",
        ("lower", _) => "\\p{Lowercase}",
        ("space", Syntax::Perl) => " \\t\\n\\r\\x0b\\x0c",
        ("space", _) => "\\s",
        ("punct", Syntax::Perl) => "!-/:-@\\[-`{-\\x7e",
        ("punct", _) => "\\p{P}\\p{S}",
        ("graph", Syntax::Perl) => "!-\\x7e",
        ("graph", _) => "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}",
        ("print", Syntax::Perl) => " -\\x7e",
        ("print", _) => " \\p{L}\\p{M}\\p{N}\\p{P}\\p{S}",
        _ => return None,
    })
}
