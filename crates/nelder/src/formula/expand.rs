//! The algebra of R's formula language: sums, crossings and nestings of sets of variables.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::lex::is_syntactic;
use super::operands::{collect_names, unrolled, zero_or_one};
use super::{Binary, Coding, Expr, Formula, FormulaError, NameTable, Term, Terms, Unary, term_count};

/// Maximum number of terms that a formula may expand to: more columns than a design of columns can have.
const MAX_TERMS: usize = 200_000;

/// Meaning of `.` on the right side.
pub(super) enum Dot<'a> {
    /// The columns that are not in the response.
    Columns(&'a [&'a str]),
    /// A variable of that name, to be expanded later.
    Kept,
}

/// Expands a formula into its terms.
///
/// `+ - : * / ^ %in% . 0 1` and parentheses mean what they mean in R; all else is a variable. `columns` are the
/// names of the data's columns: `.` is all of them that are not in the response.
///
/// ```
/// use nelder::formula::{parse_formula, terms};
/// let formula = parse_formula("y ~ (a + b)^2 - a + offset(w)")?;
/// let terms = terms(&formula, &["y", "a", "b", "w"])?;
/// let labels: Vec<_> = terms.terms.iter().map(|t| t.label.as_str()).collect();
/// assert_eq!(labels, ["b", "a:b"]);
/// assert_eq!(terms.formula().to_string(), "y ~ b + a:b + offset(w)");
/// # Ok::<(), nelder::formula::FormulaError>(())
/// ```
///
/// # Errors
/// [`FormulaError`]: a `.` that stands for nothing, a constant that is no intercept, a power below 2, more than
/// a hundred thousand terms.
pub fn terms(formula: &Formula, columns: &[&str]) -> Result<Terms, FormulaError> {
    expand(formula, Dot::Columns(columns))
}

pub(super) fn expand(formula: &Formula, dot: Dot<'_>) -> Result<Terms, FormulaError> {
    let response = formula.response.as_ref().filter(|e| **e != Expr::Null);
    let mut reader = Reader {
        variables: Vec::new(),
        labels: Vec::new(),
        known: NameTable::default(),
        dot: None,
        dotted: None,
        intercept: true,
        adding: true,
    };
    if let Some(e) = response {
        if matches!(
            e,
            Expr::Number { .. } | Expr::Whole(_) | Expr::Text(_) | Expr::Logical(_) | Expr::Missing
        ) {
            return Err(FormulaError::ConstantResponse {
                constant: e.to_string(),
            });
        }
        reader.install(e);
    }
    match &dot {
        Dot::Kept => reader.dot = Some(vec!["."]),
        // an empty list of columns is the absence of data
        Dot::Columns([]) => {}
        Dot::Columns(columns) => {
            let mut taken = HashSet::new();
            if let Some(e) = response {
                collect_names(e, &mut taken);
            }
            let free = columns.iter().copied().filter(|name| !taken.contains(name));
            reader.dot = Some(free.collect());
        }
    }
    reader.variables_of(&formula.predictors)?;
    let columns = match dot {
        Dot::Columns(columns) => columns,
        Dot::Kept => &["."],
    };
    if let Some(count) = term_count(formula, columns).filter(|&count| count > MAX_TERMS as u128) {
        return Err(FormulaError::TooManyTerms {
            terms: Some(count),
            limit: MAX_TERMS,
        });
    }
    let mut sets = reader.terms_of(&formula.predictors)?.list;
    let offsets: Vec<usize> = (0..reader.variables.len())
        .filter(|&i| is_offset(&reader.variables[i]))
        .collect();
    sets.retain(|set| !set.iter().any(|v| offsets.binary_search(v).is_ok()));
    sets.sort_by_key(Vec::len);

    let mut labels = reader.labels;
    let alone = sets.last().is_none_or(|set| set.len() == 1);
    let codings = codings(&sets);
    let mut out = Terms {
        variables: reader.variables,
        response: response.map(|_| 0),
        intercept: reader.intercept,
        offsets,
        terms: Vec::with_capacity(sets.len()),
        dropped: None,
    };
    for (variables, coding) in sets.into_iter().zip(codings) {
        let label = match variables.as_slice() {
            [one] if alone => std::mem::take(&mut labels[*one]),
            several => several.iter().map(|&v| &*labels[v]).collect::<Vec<_>>().join(":"),
        };
        if out.response.is_some_and(|r| variables == [r]) {
            out.dropped = Some(label);
        } else {
            out.terms.push(Term {
                label,
                variables,
                coding,
            });
        }
    }
    Ok(out)
}

fn is_offset(variable: &Expr) -> bool {
    matches!(variable, Expr::Call { function, .. } if function == "offset")
}

/// Positions of variables, increasing: a term.
type Set = Vec<usize>;

/// Terms in order of appearance, each once.
#[derive(Default)]
struct Sets {
    list: Vec<Set>,
    /// By variable, if it is a term by itself.
    alone: Vec<bool>,
    /// The terms of several variables.
    seen: HashSet<Set>,
}

impl Sets {
    fn push(&mut self, set: Set) -> Result<(), FormulaError> {
        if self.list.len() >= MAX_TERMS {
            return Err(FormulaError::TooManyTerms {
                terms: None,
                limit: MAX_TERMS,
            });
        }
        let new = match set.as_slice() {
            [] => false,
            &[one] => {
                if self.alone.len() <= one {
                    self.alone.resize(one + 1, false);
                }
                !std::mem::replace(&mut self.alone[one], true)
            }
            _ => self.seen.insert(set.clone()),
        };
        if new {
            self.list.push(set);
        }
        Ok(())
    }

    fn has(&self, set: &Set) -> bool {
        match set.as_slice() {
            [one] => self.alone.get(*one) == Some(&true),
            _ => self.seen.contains(set),
        }
    }

    fn remove(&mut self, others: &Sets) {
        self.list.retain(|set| !others.has(set));
        self.seen.retain(|set| !others.seen.contains(set));
        for (alone, taken) in self.alone.iter_mut().zip(&others.alone) {
            *alone &= !taken;
        }
    }

    /// Every variable that is in any of the terms.
    fn union(&self) -> Set {
        let all = self.list.iter().flatten().copied().collect::<HashSet<usize>>();
        let mut all: Set = all.into_iter().collect();
        all.sort_unstable();
        all
    }
}

/// The union of two sorted lists.
fn joined(a: &Set, b: &Set) -> Set {
    let mut out = Set::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let (x, y) = (a[i], b[j]);
        out.push(x.min(y));
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    out.extend_from_slice(&a[i..]);
    out.extend_from_slice(&b[j..]);
    out
}

struct Reader<'d> {
    variables: Vec<Expr>,
    /// The variables as R prints them, and their positions.
    labels: Vec<String>,
    known: NameTable,
    /// The columns that `.` stands for.
    dot: Option<Vec<&'d str>>,
    /// Their positions among the variables, where they have some.
    dotted: Option<Rc<[usize]>>,
    intercept: bool,
    /// True where terms are being added; to the right of a minus, 1 takes the intercept away.
    adding: bool,
}

impl Reader<'_> {
    /// The position of a variable, added if it is new.
    fn install(&mut self, e: &Expr) -> usize {
        self.installed(Cow::Borrowed(e))
    }

    fn installed(&mut self, e: Cow<'_, Expr>) -> usize {
        let next = self.variables.len();
        let label = match &*e {
            Expr::Name(name) if is_syntactic(name) => name.clone(),
            other => other.to_string(),
        };
        // numbers print with 15 digits, so that a label may stand for two variables
        if let Some(at) = self.known.find(&label, |at| self.variables[at] == *e) {
            return at;
        }
        self.known.push(&label);
        self.labels.push(label);
        self.variables.push(e.into_owned());
        next
    }

    /// The positions of what `.` stands for, added where they are new.
    fn dots(&mut self) -> Result<Rc<[usize]>, FormulaError> {
        if let Some(known) = &self.dotted {
            return Ok(known.clone());
        }
        let columns = self.dot.take().ok_or(FormulaError::DotWithoutColumns)?;
        self.known.reserve(columns.len());
        self.labels.reserve(columns.len());
        self.variables.reserve(columns.len());
        let name = |name: &&str| Cow::Owned(Expr::Name((*name).to_string()));
        let places: Rc<[usize]> = columns.iter().map(|n| self.installed(name(n))).collect();
        Ok(self.dotted.insert(places).clone())
    }

    /// Installs the variables in order of appearance, also those of terms that are taken away.
    fn variables_of(&mut self, e: &Expr) -> Result<(), FormulaError> {
        let (base, edge) = unrolled(e);
        match base {
            Expr::Paren(inner) | Expr::Unary(Unary::Neg | Unary::Plus, inner) => self.variables_of(inner)?,
            Expr::Null => {}
            e if zero_or_one(e).is_some() => {}
            Expr::Name(name) if name == "." => {
                self.dots()?;
            }
            Expr::Number { .. } | Expr::Whole(_) | Expr::Text(_) | Expr::Logical(_) | Expr::Missing => {
                return Err(FormulaError::Constant {
                    constant: base.to_string(),
                });
            }
            variable => {
                let mut names = HashSet::new();
                collect_names(variable, &mut names);
                if names.contains(".") {
                    return Err(FormulaError::DotInside {
                        call: variable.to_string(),
                    });
                }
                self.install(variable);
            }
        }
        for (op, right, _) in edge {
            if op != Binary::Pow {
                self.variables_of(right)?;
            }
        }
        Ok(())
    }

    fn terms_of(&mut self, e: &Expr) -> Result<Sets, FormulaError> {
        let (base, edge) = unrolled(e);
        let mut left = self.term_of(base)?;
        for (op, right, whole) in edge {
            left = match op {
                Binary::Pow => power(left, right, whole)?,
                Binary::Sub => {
                    self.adding = !self.adding;
                    let right = self.terms_of(right)?;
                    self.adding = !self.adding;
                    left.remove(&right);
                    left
                }
                _ => combine(op, left, self.terms_of(right)?)?,
            };
        }
        Ok(left)
    }

    /// The terms of an expression that is no formula operator of two sides.
    fn term_of(&mut self, e: &Expr) -> Result<Sets, FormulaError> {
        let mut out = Sets::default();
        match e {
            Expr::Paren(inner) | Expr::Unary(Unary::Plus, inner) => return self.terms_of(inner),
            Expr::Unary(Unary::Neg, inner) => {
                self.adding = !self.adding;
                self.terms_of(inner)?;
                self.adding = !self.adding;
            }
            Expr::Null => {}
            Expr::Name(name) if name == "." => {
                let places = self.dots()?;
                out.list.reserve(places.len());
                for at in places.iter() {
                    out.push(vec![*at])?;
                }
            }
            _ => match zero_or_one(e) {
                Some(one) => self.intercept = one == self.adding,
                None => {
                    let at = self.install(e);
                    out.push(vec![at])?;
                }
            },
        }
        Ok(out)
    }
}

fn combine(op: Binary, mut left: Sets, right: Sets) -> Result<Sets, FormulaError> {
    let mut out = Sets::default();
    match op {
        Binary::Add => {
            for set in right.list {
                left.push(set)?;
            }
            return Ok(left);
        }
        // `1 * a` and `1 / a` are nothing in R, whereas `a * 1` and `a / 1` are `a`
        Binary::Mul | Binary::Div if left.list.is_empty() => {}
        Binary::Mul => {
            for a in left.list.iter().chain(&right.list) {
                out.push(a.clone())?;
            }
            cross(&left, &right, &mut out)?;
        }
        Binary::Div => {
            let all = left.union();
            for a in &left.list {
                out.push(a.clone())?;
            }
            for b in &right.list {
                out.push(joined(&all, b))?;
            }
        }
        Binary::In => {
            let all = right.union();
            for a in &left.list {
                out.push(joined(a, &all))?;
            }
        }
        _ => cross(&left, &right, &mut out)?,
    }
    Ok(out)
}

fn cross(left: &Sets, right: &Sets, out: &mut Sets) -> Result<(), FormulaError> {
    for a in &left.list {
        for b in &right.list {
            out.push(joined(a, b))?;
        }
    }
    Ok(())
}

fn power(base: Sets, exponent: &Expr, whole: &Expr) -> Result<Sets, FormulaError> {
    let times = match exponent {
        // R drops the fraction
        Expr::Number { value, .. } if *value >= 2.0 => value.trunc(),
        _ => {
            return Err(FormulaError::Power {
                power: whole.to_string(),
            });
        }
    };
    let mut out = Sets {
        list: base.list.clone(),
        alone: base.alone.clone(),
        seen: base.seen.clone(),
    };
    let mut done = 1.0;
    while done < times {
        let mut next = Sets::default();
        cross(&out, &base, &mut next)?;
        let settled = next.list == out.list;
        out = next;
        if settled {
            break;
        }
        done += 1.0;
    }
    Ok(out)
}

/// For each variable of each term: by contrasts if the term without it is empty or part of a term before it
/// (Chambers & Hastie 1992, page 38, with R's "part of").
fn codings(sets: &[Set]) -> Vec<Vec<Coding>> {
    // the longest are last: of terms of one variable each the margin is empty
    if sets.last().is_none_or(|set| set.len() == 1) {
        return vec![vec![Coding::Contrasts]; sets.len()];
    }
    let mut exact: HashSet<&[usize]> = HashSet::new();
    let mut holding: HashMap<usize, Vec<&Set>> = HashMap::new();
    let mut out = Vec::with_capacity(sets.len());
    for set in sets {
        let of = |skip: usize| {
            let margin: Set = set
                .iter()
                .enumerate()
                .filter(|(i, _)| *i != skip)
                .map(|(_, &v)| v)
                .collect();
            let found = margin.is_empty()
                || exact.contains(margin.as_slice())
                || holding.get(&margin[0]).is_some_and(|terms| {
                    terms
                        .iter()
                        .any(|term| margin.iter().all(|v| term.binary_search(v).is_ok()))
                });
            if found { Coding::Contrasts } else { Coding::Full }
        };
        out.push((0..set.len()).map(of).collect());
        exact.insert(set);
        for &v in set {
            holding.entry(v).or_default().push(set);
        }
    }
    out
}
