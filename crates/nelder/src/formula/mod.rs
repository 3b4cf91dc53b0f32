//! R's formula language: parse, terms, contrasts. No data in here.

mod ast;

pub use ast::{Arg, Binary, Expr, Unary};
