//! A formula joined to data: names become columns, expressions become values, batch by batch.
//!
//! [`Variables`] binds the expressions of a formula to the columns of a source and evaluates them: numbers
//! stay columns, factors stay codes.

mod arguments;
mod bases;
mod basis;
mod bind;
mod codes;
mod constant;
mod cut;
mod error;
mod evaluate;
mod factors;
mod functions;
mod node;
mod poly;
mod prepare;
mod recode;
mod splines;
mod value;
mod variables;

pub use error::{BindError, EvaluateError, UnknownName};
pub use value::{Numbers, Precision, Shape, Value};
pub use variables::{Variables, VariablesState};
