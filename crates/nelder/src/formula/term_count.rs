//! The number of terms of a formula, told without writing them out.

use std::borrow::Cow;
use std::collections::HashSet;

use super::operands::{collect_names, unrolled, zero_or_one};
use super::{Binary, Expr, Formula, Unary};

/// Number of terms that a formula expands to, where each variable stands in it once; `None` where some stand twice or terms are taken
/// away, since equal terms then fall together.
///
/// `a * b` has the terms of a, those of b, and one for each pair: l + r + l r. `(a + … )^k` of m variables has one for each set of at most
/// k of them: Σ C(m, i).
///
/// ```
/// use nelder::formula::{parse_formula, term_count};
/// let count = |text| term_count(&parse_formula(text).unwrap(), &["y", "a", "b", "c"]);
/// assert_eq!(count("y ~ a * b * c"), Some(7));
/// assert_eq!(count("y ~ .^2"), Some(6));
/// assert_eq!(count("y ~ a * a"), None);
/// ```
pub fn term_count(formula: &Formula, columns: &[&str]) -> Option<u128> {
    let mut taken = HashSet::new();
    if let Some(response) = &formula.response {
        collect_names(response, &mut taken);
    }
    if unrolled(&formula.predictors)
        .1
        .iter()
        .any(|(op, ..)| *op == Binary::Sub)
    {
        return None;
    }
    let columns = columns.iter().copied().filter(|name| !taken.contains(name));
    let mut counter = Counter {
        columns: columns.collect(),
        seen: HashSet::new(),
    };
    counter.of(&formula.predictors).map(|count| count.terms)
}

/// Number of terms of a part of a formula.
struct Count {
    terms: u128,
    /// True if each of them is a single variable.
    single: bool,
}

struct Counter<'a> {
    /// Columns that `.` stands for.
    columns: Vec<&'a str>,
    /// The variables so far.
    seen: HashSet<Cow<'a, str>>,
}

impl<'a> Counter<'a> {
    fn of(&mut self, e: &Expr) -> Option<Count> {
        let (base, edge) = unrolled(e);
        let mut left = self.of_operand(base)?;
        for (op, right, _) in edge {
            left = match op {
                Binary::Pow => power(&left, right)?,
                Binary::Sub => return None,
                _ => combined(op, &left, &self.of(right)?),
            };
        }
        Some(left)
    }

    fn of_operand(&mut self, e: &Expr) -> Option<Count> {
        let terms = match e {
            Expr::Paren(inner) | Expr::Unary(Unary::Plus, inner) => return self.of(inner),
            Expr::Unary(Unary::Neg, _) => return None,
            Expr::Null => 0,
            Expr::Name(name) if name == "." => {
                let columns = std::mem::take(&mut self.columns);
                self.seen.reserve(columns.len());
                let new = columns.iter().all(|name| self.seen.insert(Cow::Borrowed(name)));
                if !new || columns.is_empty() {
                    return None;
                }
                columns.len() as u128
            }
            e if zero_or_one(e).is_some() => 0,
            variable => match self.seen.insert(variable.to_string().into()) {
                true => 1,
                false => return None,
            },
        };
        Some(Count { terms, single: true })
    }
}

/// Terms of two parts without a variable in common.
fn combined(op: Binary, left: &Count, right: &Count) -> Count {
    let (l, r) = (left.terms, right.terms);
    let both = l.saturating_mul(r);
    let terms = match op {
        Binary::Add => l.saturating_add(r),
        // `1 * a` and `1 / a` are nothing in R
        Binary::Mul | Binary::Div if l == 0 => 0,
        Binary::Mul => l.saturating_add(r).saturating_add(both),
        Binary::Div => l.saturating_add(r),
        Binary::In => l,
        _ => both,
    };
    Count {
        terms,
        single: left.single && right.single && op == Binary::Add,
    }
}

/// Σ C(m, i) for i from 1 to the power.
fn power(base: &Count, exponent: &Expr) -> Option<Count> {
    let times = match exponent {
        Expr::Number { value, .. } if *value >= 2.0 => value.trunc(),
        _ => return None,
    };
    if !base.single {
        return None;
    }
    let m = base.terms;
    let most = m.min(times as u128);
    let (mut sum, mut choose) = (0u128, 1u128);
    for i in 0..most {
        choose = match choose.checked_mul(m - i) {
            Some(product) => product / (i + 1),
            None => u128::MAX,
        };
        sum = sum.saturating_add(choose);
        if sum == u128::MAX {
            break;
        }
    }
    Some(Count {
        terms: sum,
        single: m <= 1,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formula::{parse_formula, terms};

    /// Formulas in which each variable stands once.
    fn formula() -> impl Strategy<Value = String> {
        let operators = prop::sample::select(vec![" + ", " * ", " / ", ":", " %in% ", "^2 + ", "^3 * "]);
        let one = (operators, any::<bool>(), any::<bool>());
        prop::collection::vec(one, 1..9).prop_map(|parts| {
            let mut text = "y ~ 1".to_string();
            let mut open = 0;
            for (k, (op, opens, closes)) in parts.into_iter().enumerate() {
                text += if k == 0 { " + " } else { op };
                if opens {
                    text += "(";
                    open += 1;
                }
                text += &format!("v{k}");
                if closes && open > 0 {
                    text += ")";
                    open -= 1;
                }
            }
            text + &")".repeat(open)
        })
    }

    proptest! {
        /// Where terms can be counted, there are as many as are written out.
        #[test]
        fn counts_are_those_of_the_expansion(text in formula()) {
            let parsed = parse_formula(&text).unwrap();
            if let (Some(count), Ok(all)) = (term_count(&parsed, &[]), terms(&parsed, &[])) {
                prop_assert_eq!(count, all.terms.len() as u128, "{}", text);
            }
        }
    }

    #[test]
    fn counts_beyond_any_range() {
        let names: Vec<String> = (0..300).map(|i| format!("v{i}")).collect();
        let columns: Vec<&str> = names.iter().map(String::as_str).collect();
        let count = |text: &str| term_count(&parse_formula(text).unwrap(), &columns);
        assert_eq!(count("y ~ .^1000"), Some(u128::MAX));
        assert_eq!(count("y ~ .^1"), None);
        assert_eq!(count("y ~ . + v1"), None);
        assert_eq!(count("y ~ a - a"), None);
        assert_eq!(count("y ~ offset(w) + log(a) * b"), Some(4));
        let crossed: Vec<String> = (0..200).map(|i| format!("a{i}")).collect();
        assert_eq!(count(&format!("y ~ {}", crossed.join("*"))), Some(u128::MAX));
        assert_eq!(
            count(&format!("y ~ {}", crossed[..22].join("*"))),
            Some((1 << 22) - 1)
        );
    }
}
