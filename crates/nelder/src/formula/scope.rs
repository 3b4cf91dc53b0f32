//! Models one term away from a model, and one formula from another: what `drop1`, `add1`, `step` and `update`
//! need.

use std::collections::{BTreeSet, HashSet};

use super::expand::{Dot, expand};
use super::{Arg, Expr, Formula, FormulaError, Terms, parse_formula};

impl Terms {
    /// The model without term `k` (R's `update(f, . ~ . - term)`): variables that are in no other term go too.
    ///
    /// # Errors
    /// [`FormulaError::NoSuchTerm`].
    pub fn drop_term(&self, k: usize) -> Result<Terms, FormulaError> {
        self.check_term(k)?;
        let keep: Vec<usize> = (0..self.terms.len()).filter(|&i| i != k).collect();
        expand(&self.formula_of(&keep, None), Dot::Kept)
    }

    /// The model with term `k` of `upper` (R's `update(f, . ~ . + term)`).
    ///
    /// # Errors
    /// [`FormulaError::NoSuchTerm`].
    pub fn add_term(&self, upper: &Terms, k: usize) -> Result<Terms, FormulaError> {
        upper.check_term(k)?;
        let keep: Vec<usize> = (0..self.terms.len()).collect();
        expand(&self.formula_of(&keep, upper.term_expr(k)), Dot::Kept)
    }

    fn check_term(&self, term: usize) -> Result<(), FormulaError> {
        let count = self.terms.len();
        if term < count {
            Ok(())
        } else {
            Err(FormulaError::NoSuchTerm { term, count })
        }
    }

    /// The terms that can be dropped: those that are part of no other term (R's `drop.scope`).
    ///
    /// ```
    /// use nelder::formula::{parse_formula, terms};
    /// let model = terms(&parse_formula("y ~ a * b + c")?, &[])?;
    /// assert_eq!(model.drop_scope(), [2, 3]); // c and a:b
    /// # Ok::<(), nelder::formula::FormulaError>(())
    /// ```
    pub fn drop_scope(&self) -> Vec<usize> {
        let sets = self.label_sets();
        (0..sets.len()).filter(|&i| !has_superset(&sets, i)).collect()
    }

    /// The terms that can be dropped while all of `lower` stays: those that are not in `lower` and part of no
    /// other such term (R's `drop.scope(model, lower)`).
    ///
    /// # Errors
    /// [`FormulaError::LowerScope`] where `lower` has a term that the model has not.
    pub fn drop_scope_above(&self, lower: &Terms) -> Result<Vec<usize>, FormulaError> {
        let sets = self.label_sets();
        let kept = lower.label_sets();
        let own: HashSet<_> = sets.iter().collect();
        if let Some(at) = kept.iter().position(|set| !own.contains(set)) {
            return Err(FormulaError::LowerScope {
                label: lower.terms[at].label.clone(),
            });
        }
        let kept: HashSet<_> = kept.iter().collect();
        let (at, free): (Vec<usize>, Vec<_>) = sets
            .iter()
            .enumerate()
            .filter(|(_, set)| !kept.contains(set))
            .map(|(i, set)| (i, set.clone()))
            .unzip();
        Ok((0..free.len())
            .filter(|&i| !has_superset(&free, i))
            .map(|i| at[i])
            .collect())
    }

    /// The terms of `upper` that can be added: those that are not in the model and whose margins in `upper`
    /// are (R's `add.scope`). Positions in `upper.terms`.
    ///
    /// # Errors
    /// [`FormulaError::UpperScope`] where the model has a term that `upper` has not.
    pub fn add_scope(&self, upper: &Terms) -> Result<Vec<usize>, FormulaError> {
        let sets = upper.label_sets();
        let own = self.label_sets();
        let all: HashSet<_> = sets.iter().collect();
        if let Some(at) = own.iter().position(|set| !all.contains(set)) {
            return Err(FormulaError::UpperScope {
                label: self.terms[at].label.clone(),
            });
        }
        let own: HashSet<_> = own.iter().collect();
        let free: Vec<usize> = (0..sets.len()).filter(|&i| !own.contains(&sets[i])).collect();
        let addable = |&i: &usize| !free.iter().any(|&j| j != i && sets[j].is_subset(&sets[i]));
        Ok(free.iter().copied().filter(addable).collect())
    }

    /// Each term as the set of its variables' labels: `a:b` of one formula is `b:a` of another.
    fn label_sets(&self) -> Vec<BTreeSet<String>> {
        let labels: Vec<String> = self.variables.iter().map(|v| v.to_string()).collect();
        self.terms
            .iter()
            .map(|term| term.variables.iter().map(|&v| labels[v].clone()).collect())
            .collect()
    }
}

fn has_superset(sets: &[BTreeSet<String>], i: usize) -> bool {
    sets.iter()
        .enumerate()
        .any(|(j, other)| j != i && sets[i].is_subset(other))
}

/// R's `update.formula`: `new` with `.` replaced by that side of `old`, then simplified.
///
/// A `.` of `old` that stands for the data's columns stays one, and the formula is then not simplified.
///
/// ```
/// use nelder::formula::{parse_formula, update};
/// let old = parse_formula("y ~ a * b")?;
/// assert_eq!(update(&old, "log(.) ~ . - a:b + x")?.to_string(), "log(y) ~ a + b + x");
/// # Ok::<(), nelder::formula::FormulaError>(())
/// ```
///
/// # Errors
/// [`FormulaError::Syntax`] where `new` is no formula, and the errors of [`terms`](super::terms()).
pub fn update(old: &Formula, new: &str) -> Result<Formula, FormulaError> {
    let new = parse_formula(new)?;
    let response = match (new.response, &old.response) {
        (None, old) => old.clone(),
        (Some(Expr::Null), _) => None,
        (Some(new), Some(old)) => Some(replaced(new, old)),
        // nothing to put in place of the dot
        (Some(Expr::Name(name)), None) if name == "." => None,
        (new, None) => new,
    };
    let predictors = replaced(new.predictors, &old.predictors);
    let formula = Formula::new(response, predictors);
    let expanded = expand(&formula, Dot::Kept)?;
    // `. - x` can only be worked out when the columns are known
    let open = expanded
        .variables
        .iter()
        .any(|v| matches!(v, Expr::Name(name) if name == "."));
    Ok(if open { formula } else { expanded.formula() })
}

/// `e` with each `.` replaced.
fn replaced(e: Expr, by: &Expr) -> Expr {
    match e {
        Expr::Name(name) if name == "." => by.clone(),
        Expr::Unary(op, inner) => Expr::Unary(op, Box::new(replaced(*inner, by))),
        Expr::Paren(inner) => Expr::Paren(Box::new(replaced(*inner, by))),
        Expr::Call { function, args } => {
            let args = args.into_iter().map(|arg| Arg {
                name: arg.name,
                value: replaced(arg.value, by),
            });
            Expr::Call {
                function,
                args: args.collect(),
            }
        }
        Expr::Binary(..) => {
            // the left edge without recursion: a formula may be a long chain
            let mut edge = Vec::new();
            let mut base = e;
            while let Expr::Binary(op, left, right) = base {
                edge.push((op, right));
                base = *left;
            }
            let first = replaced(base, by);
            edge.into_iter().rev().fold(first, |left, (op, right)| {
                Expr::Binary(op, Box::new(left), Box::new(replaced(*right, by)))
            })
        }
        other => other,
    }
}
