//! Why a formula does not fit its data.

use crate::formula::Expr;
use crate::frame::SourceError;

/// A name in a formula that nothing has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// The name as written.
    pub name: String,
    /// True if it is called as a function; else it names a column.
    pub function: bool,
    /// The known name most like it.
    pub nearest: Option<String>,
}

impl std::fmt::Display for UnknownName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, brackets) = if self.function {
            ("function", "()")
        } else {
            ("column", "")
        };
        if self.function
            && let Some(why) = super::functions::names::refusal(&self.name)
        {
            return write!(f, "`{}()` cannot be called in a formula: {why}", self.name);
        }
        write!(f, "there is no {kind} `{}{brackets}`", self.name)?;
        if let Some(nearest) = &self.nearest {
            write!(f, "; did you mean `{nearest}{brackets}`?")?;
        }
        Ok(())
    }
}

fn listed(names: &[UnknownName]) -> String {
    names.iter().map(|n| n.to_string()).collect::<Vec<_>>().join("\n")
}

/// Why an expression cannot be bound to the columns of a source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Columns or functions that do not exist; all of them.
    #[error("{}", listed(.0))]
    Unknown(Vec<UnknownName>),
    /// A call without an argument it needs, with one too many, or with a value it cannot take.
    #[error("in `{call}`: argument `{argument}` {problem}")]
    Argument {
        /// The call as R prints it.
        call: String,
        /// The argument's name.
        argument: String,
        /// Problem and remedy, as the end of the message.
        problem: String,
    },
    /// Values of the wrong type, such as the logarithm of a text column.
    #[error("in `{call}`: {problem}")]
    Type {
        /// The expression as R prints it.
        call: String,
        /// Problem and remedy, as the end of the message.
        problem: String,
    },
    /// The rows do not allow what the expression asks for.
    #[error("in `{call}`: {problem}")]
    Data {
        /// The expression as R prints it.
        call: String,
        /// Problem and remedy, as the end of the message.
        problem: String,
    },
    /// The state of a fit does not belong to these expressions, or the new data differ in type.
    #[error("{0}")]
    State(String),
    /// Evaluation failed while the rows were scanned.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// An error about types.
pub(super) fn mistyped(expr: &Expr, problem: String) -> BindError {
    BindError::Type {
        call: expr.to_string(),
        problem,
    }
}

/// Why a batch of rows cannot be evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// A level that the fit has not seen.
    #[error(
        "`{variable}` has the new level \"{level}\" in row {row}; predictions need one of the levels of the fit"
    )]
    NewLevel {
        /// The variable as R prints it.
        variable: String,
        /// The level's label.
        level: String,
        /// The first such row of the batch, from 1 at the start of the source.
        row: u64,
    },
    /// A batch whose columns are not those that were asked for.
    #[error("column {position} of the batch is missing or not of the type that the schema promised")]
    Column {
        /// Position among the columns asked for, from 0.
        position: usize,
    },
    /// `paste` or `interaction` of too many factors with too many levels.
    #[error("`{variable}` combines more levels than can be counted; combine fewer columns")]
    Combinations {
        /// The variable as R prints it.
        variable: String,
    },
    /// [`Variables::prepare`](super::Variables::prepare) has not been called.
    #[error("`{variable}` depends on all rows and was not prepared")]
    NotPrepared {
        /// The variable as R prints it.
        variable: String,
    },
    /// A program that does not fit its columns: a batch of inconsistent length.
    #[error("a batch has columns of different length ({0})")]
    Rows(String),
}
