//! R's formula language: parse, terms, contrasts. No data in here.
//!
//! Text becomes a [`Formula`] of two [`Expr`]essions ([`parse_formula`]), a formula becomes [`Terms`]
//! ([`terms()`]), and a factor becomes columns by its [`Contrast`]. Expressions print as R's `deparse` prints
//! them, and these are the labels and names of everything that follows.

mod ast;
mod contrast_error;
mod contrast_values;
mod contrasts;
mod deparse;
mod expand;
mod given;
mod lex;
mod name_table;
mod names;
mod operands;
mod parse;
mod scope;
mod suggest;
mod term_count;
mod terms;

pub use ast::{Arg, Binary, Expr, Formula, Resolved, Unary};
pub use contrast_error::ContrastError;
pub use contrasts::{Contrast, ContrastMatrix};
pub use deparse::deparse_call;
pub use expand::terms;
pub use given::GivenContrasts;
pub(crate) use name_table::NameTable;
pub use names::{INTERCEPT, NamePart, column_names, matrix_suffixes};
pub use parse::{SyntaxError, parse_expression, parse_formula};
pub use scope::update;
pub use suggest::nearest;
pub use term_count::term_count;
pub use terms::{Coding, FormulaError, Term, Terms};

#[cfg(test)]
mod syntax_tests;
