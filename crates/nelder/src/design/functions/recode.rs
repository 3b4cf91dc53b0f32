//! From levels to other levels, to numbers and to logicals: each level is looked at once.

use std::collections::HashMap;
use std::sync::Arc;

use nelder_device::Binary;

use super::calendar;
use super::pattern::{Pattern, Replacement};
use crate::design::codes::Pool;
use crate::frame::{Key, Levels, MISSING, beside_whole, collated};

/// A value for each code of a set of levels, extended as the set grows.
pub(in crate::design) struct PerLevel<T> {
    source: Option<Arc<Levels>>,
    values: Vec<T>,
}

impl<T> Default for PerLevel<T> {
    fn default() -> Self {
        PerLevel {
            source: None,
            values: Vec::new(),
        }
    }
}

impl<T: Copy> PerLevel<T> {
    /// The values for all codes that a batch may have; `value` gets a code, its key and its label.
    pub fn of(&mut self, levels: &Arc<Levels>, mut value: impl FnMut(u32, &Key, &str) -> T) -> &[T] {
        if !self.source.as_ref().is_some_and(|s| Arc::ptr_eq(s, levels)) {
            self.values.clear();
            self.source = Some(levels.clone());
        }
        if levels.len() > self.values.len() {
            let first = self.values.len() as u32;
            for (code, key) in (first..).zip(levels.keys_from(first)) {
                self.values.push(value(code, &key, &levels.label_of(&key)));
            }
        }
        &self.values
    }
}

/// Maps each code to its entry of a table; a code without an entry is missing.
pub(in crate::design) fn mapped<T: Copy>(codes: &[u32], table: &[T], missing: T) -> Vec<T> {
    codes
        .iter()
        .map(|&c| table.get(c as usize).copied().unwrap_or(missing))
        .collect()
}

/// Codes to other codes.
pub(in crate::design) struct Recode {
    pub levels: Arc<Levels>,
    pub rule: Rule,
    /// True if the rule was made from all rows.
    pub from_rows: bool,
    /// Place of each label of [`Rule::Among`].
    index: Index,
    pool: Pool<PerLevel<u32>>,
}

type Index = HashMap<String, usize>;

/// The first place of each label.
fn index_of(labels: &[String]) -> Index {
    // later entries win, so the first comes last
    labels
        .iter()
        .enumerate()
        .rev()
        .map(|(i, l)| (l.clone(), i))
        .collect()
}

/// Rule by which levels become other levels.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::design) enum Rule {
    /// Its label, as text.
    Text,
    /// `factor(x, levels =, labels =)`: the label at the place of its own; others are missing.
    Among { from: Vec<String>, to: Vec<String> },
    /// `factor(x, exclude =)`: itself, in the order of levels, once that is known.
    Without(Vec<String>),
    /// `factor(x, labels =)`: the label at its place in the order of levels, once that is known.
    Labels(Vec<String>),
    /// `relevel(x, ref =)`: itself, in an order that is known later.
    First(Reference),
    /// Some characters of the label, from 1.
    Substring(usize, usize),
    /// The label without blanks around it.
    Trimmed,
    /// The label in upper or lower case.
    Case { upper: bool },
    /// The label with the first match of a pattern, or all, replaced.
    Replace {
        pattern: Box<Pattern>,
        by: Replacement,
        all: bool,
    },
}

/// The level that comes first: by its label, or by its place from 1.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::design) enum Reference {
    Label(String),
    Place(usize),
}

impl Recode {
    pub fn new(rule: Rule) -> Recode {
        let levels = match &rule {
            Rule::Among { to, .. } => Levels::fixed(to),
            _ => Levels::growing(),
        };
        let index = match &rule {
            Rule::Among { from, .. } => index_of(from),
            _ => Index::new(),
        };
        Recode {
            levels: Arc::new(levels),
            index,
            rule,
            from_rows: false,
            pool: Pool::default(),
        }
    }

    /// A rule made from all rows.
    pub fn settled(from: Vec<String>, to: Vec<String>) -> Recode {
        Recode {
            from_rows: true,
            ..Recode::new(Rule::Among { from, to })
        }
    }

    /// Tests if the rule needs the order of all levels.
    pub fn needs_order(&self) -> bool {
        matches!(self.rule, Rule::Labels(_) | Rule::First(_) | Rule::Without(_))
    }

    /// The rule once the order of all levels is known; `used` says which of them occur.
    pub fn settle(&mut self, labels: &[String], used: &[bool]) -> Result<(), String> {
        let used = || {
            labels
                .iter()
                .zip(used)
                .filter(|(_, used)| **used)
                .map(|(l, _)| l.clone())
        };
        let (from, to): (Vec<String>, Vec<String>) = match &self.rule {
            Rule::Labels(to) => {
                let from: Vec<String> = used().collect();
                match to.len() {
                    n if n == from.len() => (from, to.clone()),
                    1 => {
                        let numbered = (1..=from.len()).map(|i| format!("{}{i}", to[0])).collect();
                        (from, numbered)
                    }
                    n => {
                        return Err(format!(
                            "{n} labels for {} levels; give one for each level",
                            from.len()
                        ));
                    }
                }
            }
            Rule::Without(labels) => {
                let from: Vec<String> = used().filter(|l| !labels.contains(l)).collect();
                (from.clone(), from)
            }
            Rule::First(first) => {
                let first = match first {
                    Reference::Label(label) => label,
                    Reference::Place(place) => labels.get(place.wrapping_sub(1)).ok_or_else(|| {
                        format!(
                            "there is no level {place} to put first; there are {}",
                            labels.len()
                        )
                    })?,
                };
                if !labels.contains(first) {
                    let near = crate::formula::nearest(first, labels.iter().map(String::as_str));
                    let near = near
                        .map(|n| format!("; did you mean \"{n}\"?"))
                        .unwrap_or_default();
                    return Err(format!("there is no level \"{first}\" to put first{near}"));
                }
                let rest = labels.iter().filter(|l| *l != first);
                let order: Vec<String> = std::iter::once(first).chain(rest).cloned().collect();
                (order.clone(), order)
            }
            _ => return Ok(()),
        };
        *self = Recode::settled(from, to);
        Ok(())
    }

    pub fn apply(&self, codes: &[u32], levels: &Arc<Levels>) -> Vec<u32> {
        let to = |_code: u32, _key: &Key, label: &str| {
            let text = match &self.rule {
                Rule::Among { to, .. } => {
                    let position = self.index.get(label);
                    let Some(to) = position.and_then(|&p| to.get(p)) else {
                        return MISSING;
                    };
                    to.clone()
                }
                Rule::Substring(first, last) => {
                    let n = (last + 1).saturating_sub(*first);
                    label.chars().skip(first.saturating_sub(1)).take(n).collect()
                }
                Rule::Trimmed => label.trim_matches([' ', '\t', '\r', '\n']).to_string(),
                Rule::Case { upper: true } => label.to_uppercase(),
                Rule::Case { upper: false } => label.to_lowercase(),
                Rule::Replace { pattern, by, all } => pattern.replaced(label, by, *all),
                _ => label.to_string(),
            };
            self.levels.intern(&Key::Text(text.into()))
        };
        self.pool
            .with(|table| mapped(codes, table.of(levels, to), MISSING))
    }
}

/// `ifelse` of text.
pub(in crate::design) struct Choose {
    pub levels: Arc<Levels>,
    pool: Pool<[PerLevel<u32>; 2]>,
}

impl Choose {
    pub fn new() -> Choose {
        Choose {
            levels: Arc::new(Levels::growing()),
            pool: Pool::default(),
        }
    }

    /// `condition` is 0, 1, or 2 for missing.
    pub fn apply(
        &self,
        condition: &[u8],
        yes: (&[u32], &Arc<Levels>),
        no: (&[u32], &Arc<Levels>),
    ) -> Vec<u32> {
        let own = |_: u32, _: &Key, label: &str| self.levels.intern(&Key::Text(label.into()));
        let pick = |table: &[u32], code: u32| table.get(code as usize).copied().unwrap_or(MISSING);
        self.pool.with(|[a, b]| {
            let (a, b) = (a.of(yes.1, own), b.of(no.1, own));
            let rows = condition.iter().zip(yes.0).zip(no.0);
            let taken = rows.map(|((c, &yes), &no)| match c {
                0 => pick(b, no),
                1 => pick(a, yes),
                _ => MISSING,
            });
            taken.collect()
        })
    }
}

/// Codes to numbers or logicals.
pub(in crate::design) struct Lookup {
    pub measure: Measure,
    /// Place of each label of the measure.
    index: Index,
    numbers: Pool<PerLevel<f64>>,
    logicals: Pool<PerLevel<u8>>,
}

/// Property of a level that is looked up, a number or a logical.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::design) enum Measure {
    /// Its place in the order of levels, from 1; the labels in order once known.
    Position(Option<Vec<String>>),
    /// The number that its label is.
    Number,
    /// Number of characters of its label.
    Characters,
    /// Comparison with a string: by place in the order of levels, or by value, where `ordered`, else as strings sort.
    Compare { op: Binary, text: String, ordered: bool },
    /// True if its label is one of these; for a missing one, `missing`.
    Among { labels: Vec<String>, missing: bool },
    /// True if its label begins with a string, or with `end`, ends with it.
    Affix { text: String, end: bool },
    /// True if a pattern occurs in its label; false for a missing one.
    Matches(Box<Pattern>),
    /// The day that it says by a format, from 1970-01-01.
    Date(String),
    /// The same by one of some formats, which the rows decide.
    DateByRows(Vec<String>),
    /// The same by the format that they have decided on.
    DateDecided(String),
    /// True if it is missing.
    IsMissing,
}

impl Measure {
    /// The type of the answer: true for a number, false for a logical.
    pub fn is_number(&self) -> bool {
        match self {
            Measure::Position(_) | Measure::Number | Measure::Characters => true,
            Measure::Date(_) | Measure::DateByRows(_) | Measure::DateDecided(_) => true,
            Measure::Compare { .. } | Measure::Among { .. } | Measure::Affix { .. } => false,
            Measure::Matches(_) | Measure::IsMissing => false,
        }
    }
}

impl Lookup {
    pub fn new(measure: Measure) -> Lookup {
        let index = match &measure {
            Measure::Position(Some(labels)) | Measure::Among { labels, .. } => index_of(labels),
            _ => Index::new(),
        };
        Lookup {
            measure,
            index,
            numbers: Pool::default(),
            logicals: Pool::default(),
        }
    }

    /// True for a measure that all rows settle first.
    pub fn needs_rows(&self) -> bool {
        matches!(self.measure, Measure::Position(None) | Measure::DateByRows(_))
    }

    /// The same with the labels that occur known, in the order of levels.
    ///
    /// # Errors
    /// Dates in more than one format, or in none: R takes the format of the first and has the others missing.
    pub fn settle(&mut self, order: &[String]) -> Result<(), String> {
        let measure = match &self.measure {
            Measure::Position(_) => Measure::Position(Some(order.to_vec())),
            Measure::DateByRows(formats) => Measure::DateDecided(format_of(order, formats)?),
            _ => return Ok(()),
        };
        *self = Lookup::new(measure);
        Ok(())
    }

    /// The order of levels, or the format of dates, that the rows settled.
    pub fn decided(&self) -> Option<Vec<String>> {
        match &self.measure {
            Measure::Position(Some(order)) => Some(order.clone()),
            Measure::DateDecided(format) => Some(vec![format.clone()]),
            _ => None,
        }
    }

    /// The same with what the rows of a fit decided.
    pub fn restore(&mut self, decided: &[String]) {
        let measure = match (&self.measure, decided) {
            (Measure::DateByRows(_), [format]) => Measure::DateDecided(format.clone()),
            _ => Measure::Position(Some(decided.to_vec())),
        };
        *self = Lookup::new(measure);
    }

    pub fn numbers(&self, codes: &[u32], levels: &Arc<Levels>) -> Vec<f64> {
        let given = levels.is_fixed();
        let value = |code: u32, _: &Key, label: &str| match &self.measure {
            Measure::Position(Some(_)) => self.index.get(label).map_or(f64::NAN, |&p| p as f64 + 1.0),
            Measure::Position(None) if given => code as f64 + 1.0,
            Measure::Characters => label.chars().count() as f64,
            Measure::Number => parsed(label),
            Measure::Date(format) | Measure::DateDecided(format) => {
                calendar::parsed(label, format).map_or(f64::NAN, |day| day as f64)
            }
            _ => f64::NAN,
        };
        self.numbers
            .with(|table| mapped(codes, table.of(levels, value), f64::NAN))
    }

    pub fn logicals(&self, codes: &[u32], levels: &Arc<Levels>) -> Vec<u8> {
        let value = |code: u32, key: &Key, label: &str| {
            let yes = match &self.measure {
                Measure::Compare { op, text, ordered } => {
                    let ordering = match key {
                        _ if *ordered && !matches!(op, Binary::Eq | Binary::Ne) && levels.is_fixed() => {
                            // a string that is no level compares as missing
                            match levels.code(&Key::Text(text.as_str().into())) {
                                Some(place) => code.cmp(&place),
                                None => return 2,
                            }
                        }
                        Key::Number(x) if *ordered => match x.partial_cmp(&parsed(text)) {
                            Some(ordering) => ordering,
                            None => return 2,
                        },
                        Key::Whole(x) if *ordered => match text.trim().parse::<i128>() {
                            Ok(y) => x.cmp(&y),
                            Err(_) if parsed(text).is_nan() => return 2,
                            Err(_) => beside_whole(parsed(text), *x).reverse(),
                        },
                        _ => collated(label, text),
                    };
                    match op {
                        Binary::Eq => ordering.is_eq(),
                        Binary::Ne => ordering.is_ne(),
                        Binary::Lt => ordering.is_lt(),
                        Binary::Le => ordering.is_le(),
                        Binary::Gt => ordering.is_gt(),
                        _ => ordering.is_ge(),
                    }
                }
                Measure::Among { .. } => self.index.contains_key(label),
                Measure::Affix { text, end: false } => label.starts_with(text.as_str()),
                Measure::Affix { text, end: true } => label.ends_with(text.as_str()),
                Measure::Matches(pattern) => pattern.occurs(label),
                _ => false,
            };
            yes as u8
        };
        let missing = match self.measure {
            Measure::Compare { .. } | Measure::Affix { .. } => 2,
            Measure::Among { missing, .. } => missing as u8,
            Measure::Matches(_) => 0,
            _ => 1,
        };
        self.logicals
            .with(|table| mapped(codes, table.of(levels, value), missing))
    }
}

/// The format by which labels are dates; those that are none by any are missing.
fn format_of(labels: &[String], formats: &[String]) -> Result<String, String> {
    let mut found: Option<(&String, &String)> = None;
    for label in labels {
        let own = formats.iter().find(|f| calendar::parsed(label, f).is_some());
        match (found, own) {
            (Some((first, format)), Some(own)) if own != format => {
                return Err(format!(
                    "\"{first}\" and \"{label}\" are dates in two formats, {format} and {own}; give the format of those \
                     that are meant, such as format = \"{format}\", and the others are missing"
                ));
            }
            (None, Some(own)) => found = Some((label, own)),
            _ => {}
        }
    }
    match (found, labels.first()) {
        (Some((_, format)), _) => Ok(format.clone()),
        (None, Some(label)) => Err(format!(
            "\"{label}\" is no date in the format {}, and no other text is; give its format, such as format = \"%d.%m.%Y\"",
            formats.join(" or ")
        )),
        (None, None) => Ok(formats.first().cloned().unwrap_or_default()),
    }
}

/// The number that a string is to `as.numeric`; `NaN` if it is none.
fn parsed(text: &str) -> f64 {
    let text = text.trim();
    // Rust also reads "infinity" and "nan", as R does
    text.parse().unwrap_or(f64::NAN)
}

/// Two columns of codes, compared by label.
pub(in crate::design) struct Match {
    pub negated: bool,
    pool: Pool<PerLevel<u32>>,
}

impl Match {
    pub fn new(negated: bool) -> Match {
        Match {
            negated,
            pool: Pool::default(),
        }
    }

    pub fn apply(&self, a: (&[u32], &Arc<Levels>), b: (&[u32], &Arc<Levels>)) -> Vec<u8> {
        // what a's levels have is looked up anew for each batch: they may have grown
        let labels = a.1.labels();
        let index: HashMap<&str, u32> = labels
            .iter()
            .enumerate()
            .map(|(c, l)| (l.as_str(), c as u32))
            .collect();
        let own = |_: u32, _: &Key, label: &str| index.get(label).copied().unwrap_or(MISSING - 1);
        let same = |(&x, &y): (&u32, &u32)| match x == MISSING || y == MISSING {
            true => 2,
            false => ((x == y) != self.negated) as u8,
        };
        self.pool.with(|table| {
            *table = PerLevel::default();
            let b = mapped(b.0, table.of(b.1, own), MISSING);
            a.0.iter().zip(&b).map(same).collect()
        })
    }
}
