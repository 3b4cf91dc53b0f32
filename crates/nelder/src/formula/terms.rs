//! A formula's terms: R's `terms.formula`.

use super::{Binary, Expr, Formula, SyntaxError};

/// A formula that parses but has no meaning as a model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FormulaError {
    /// The text is not a formula.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// `.` without columns to stand for.
    #[error("`.` in the formula stands for all other columns of the data, but there are no data here")]
    DotWithoutColumns,
    /// `log(.)`.
    #[error("`.` stands for all other columns and cannot be used inside `{call}`; write the terms out")]
    DotInside {
        /// The variable that contains it.
        call: String,
    },
    /// A constant other than 0 and 1 among the terms.
    #[error("`{constant}` is not a term; only 0 and 1 (the intercept) may stand alone in a formula")]
    Constant {
        /// The constant as R prints it.
        constant: String,
    },
    /// A constant response.
    #[error("the response `{constant}` is a constant; write a column or an expression left of `~`")]
    ConstantResponse {
        /// The constant as R prints it.
        constant: String,
    },
    /// `(a + b)^n` without a number of at least 2.
    #[error(
        "the power in `{power}` must be a whole number of at least 2; for the square of a column write `I(x^2)`"
    )]
    Power {
        /// The term with the power.
        power: String,
    },
    /// An expansion without end.
    #[error("the formula expands to {}, each a column or more", many(terms, limit))]
    TooManyTerms {
        /// Its terms, where they can be counted without writing them out.
        terms: Option<u128>,
        /// The most terms there can be.
        limit: usize,
    },
    /// A term number that does not exist.
    #[error("there is no term {term}: the model has {count} terms")]
    NoSuchTerm {
        /// The number asked for, from 0.
        term: usize,
        /// Number of terms of the model.
        count: usize,
    },
    /// A lower scope that is not part of the model.
    #[error("the lower scope has the term `{label}`, which the model has not")]
    LowerScope {
        /// The term.
        label: String,
    },
    /// An upper scope that does not hold the model.
    #[error("the upper scope lacks the term `{label}` of the model")]
    UpperScope {
        /// The term.
        label: String,
    },
}

/// `4194303 terms`; beyond any use, as a power of ten.
fn many(terms: &Option<u128>, limit: &usize) -> String {
    match *terms {
        Some(count) if count < 1_000_000_000_000 => format!("{count} terms"),
        Some(u128::MAX) => "more than 1e38 terms".to_string(),
        Some(count) => format!("{:.1e} terms", count as f64),
        None => format!("more than {limit} terms"),
    }
}

/// Coding of a factor in a term: the 1 and 2 of `attr(terms, "factors")` in R.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// By contrasts (1): its margin is in the model.
    Contrasts,
    /// By an indicator for each level (2).
    Full,
}

/// One term of a model: a variable, or an interaction of variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// `a`, `a:b`, `log(x)`, as R prints it.
    pub label: String,
    /// Positions in [`Terms::variables`], increasing.
    pub variables: Vec<usize>,
    /// For each of `variables`, how it is coded if it is a factor. The rule for models without intercept is
    /// not in here: see [`Terms::coding`].
    pub coding: Vec<Coding>,
}

/// The meaning of a formula.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Every variable of the formula: the response first, then in order of appearance; offsets, and variables
    /// whose terms were taken away again, included (rows where they are missing are dropped by R too).
    pub variables: Vec<Expr>,
    /// Position of the response in `variables`.
    pub response: Option<usize>,
    /// True if the model has an intercept.
    pub intercept: bool,
    /// Positions in `variables` of the `offset()` calls.
    pub offsets: Vec<usize>,
    /// The terms by degree, then by appearance.
    pub terms: Vec<Term>,
    /// The response where it stood among the terms, too, and was left out there (R warns); interactions with it
    /// stay, as in R.
    pub dropped: Option<String>,
}

impl Terms {
    /// The terms for rows whose response is not known: without the response among the variables, unless a term
    /// has it too. Also the place of each variable that is left among those of `self`.
    pub fn without_response(&self) -> (Terms, Vec<usize>) {
        let mut used = vec![false; self.variables.len()];
        let of_terms = self.terms.iter().flat_map(|t| &t.variables);
        of_terms.chain(&self.offsets).for_each(|v| used[*v] = true);
        // a variable that `. - x` took out again makes no column
        let left: Vec<usize> = (0..self.variables.len()).filter(|&v| used[v]).collect();
        let place = |v: &usize| left.binary_search(v).unwrap_or_default();
        let terms = Terms {
            variables: left.iter().map(|&v| self.variables[v].clone()).collect(),
            response: None,
            intercept: self.intercept,
            offsets: self.offsets.iter().map(place).collect(),
            terms: self
                .terms
                .iter()
                .map(|t| Term {
                    variables: t.variables.iter().map(place).collect(),
                    ..t.clone()
                })
                .collect(),
            dropped: None,
        };
        (terms, left)
    }

    /// The coding of each variable of each term once it is known which variables are factors (logicals and
    /// strings are): [`Term::coding`], and, in a model without intercept, the first factor of the first term
    /// that has one by indicators (R's `model.matrix`; terms with the response are passed over).
    ///
    /// `is_factor` has one entry for each of `variables`; entries that are not there count as numeric. What is
    /// said of a numeric variable has no meaning.
    pub fn coding(&self, is_factor: &[bool]) -> Vec<Vec<Coding>> {
        let mut out: Vec<Vec<Coding>> = self.terms.iter().map(|term| term.coding.clone()).collect();
        if !self.intercept {
            let factor = |v: &usize| is_factor.get(*v).copied().unwrap_or(false);
            for (term, coding) in self.terms.iter().zip(&mut out) {
                if self.response.is_some_and(|r| term.variables.contains(&r)) {
                    continue;
                }
                if let Some(at) = term.variables.iter().position(factor) {
                    coding[at] = Coding::Full;
                    break;
                }
            }
        }
        out
    }

    /// The model written out, as R's `formula(terms(f, simplify = TRUE))`: terms, then offsets, then `- 1`.
    pub fn formula(&self) -> Formula {
        let all: Vec<usize> = (0..self.terms.len()).collect();
        self.formula_of(&all, None)
    }

    /// The formula of some of the terms, and of one more.
    pub(super) fn formula_of(&self, keep: &[usize], more: Option<Expr>) -> Formula {
        let number = |value| Expr::Number {
            value,
            integer: false,
        };
        let terms = keep.iter().filter_map(|&k| self.term_expr(k));
        let offsets = self
            .offsets
            .iter()
            .filter_map(|&v| self.variables.get(v).cloned());
        let sum = terms
            .chain(more)
            .chain(offsets)
            .reduce(|sum, term| Expr::Binary(Binary::Add, Box::new(sum), Box::new(term)));
        let mut right = sum.unwrap_or(number(1.0));
        if !self.intercept {
            right = Expr::Binary(Binary::Sub, Box::new(right), Box::new(number(1.0)));
        }
        Formula::new(self.response.and_then(|r| self.variables.get(r).cloned()), right)
    }

    /// A term as an expression, `a:b`.
    pub(super) fn term_expr(&self, k: usize) -> Option<Expr> {
        let variables = self
            .terms
            .get(k)?
            .variables
            .iter()
            .filter_map(|&v| self.variables.get(v).cloned());
        // a variable such as `a == b` is printed in parentheses where it needs them
        variables.reduce(|left, right| Expr::Binary(Binary::Colon, Box::new(left), Box::new(right)))
    }
}
