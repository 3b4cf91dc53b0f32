//! Why a model was not fitted.

use crate::design::{DesignError, Room};
use crate::formula::{FormulaError, SyntaxError};
use crate::pass::PassError;

/// Why a model was not fitted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The formula or an expression cannot be read.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// The formula does not describe a model.
    #[error(transparent)]
    Formula(#[from] FormulaError),
    /// A variable cannot be computed.
    #[error(transparent)]
    Bind(#[from] crate::design::BindError),
    /// The variables do not make a design.
    #[error(transparent)]
    Design(#[from] DesignError),
    /// A pass over the data did not end.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// The formula has no left side.
    #[error("the formula `{0}` has no response; write `y ~ x`")]
    NoResponse(String),
    /// Columns that are no numbers.
    #[error("PCA applies only to numerical variables: {0}")]
    NotNumeric(String),
    /// A column that cannot be scaled.
    #[error("cannot rescale a constant/zero column to unit variance: `{0}`")]
    Constant(String),
    /// A sparse matrix that is none.
    #[error(transparent)]
    Sparse(#[from] crate::frame::SparseError),
    /// A decomposition that did not converge.
    #[error("the {0} did not converge")]
    NotConverged(String),
    /// Nothing left to fit.
    #[error(
        "no complete rows: of {rows} rows, {omitted} have missing values and {unweighted} have weight zero{}{}",
        outside(*.rows, omitted + unweighted),
        most_missing(.column)
    )]
    NoRows {
        /// Rows read.
        rows: u64,
        /// Rows with missing values.
        omitted: u64,
        /// Rows of weight zero.
        unweighted: u64,
        /// A column that is missing in all rows.
        column: Option<String>,
    },
    /// An argument that does not fit.
    #[error("{argument}: {why}")]
    Argument {
        /// Its name.
        argument: String,
        /// Reason why it does not fit.
        why: String,
    },
    /// A response of more than two classes, for a family of two.
    #[error(
        "{0}: more than two classes, and the binomial family is of two; the multinomial family takes them, or leave some out with a subset"
    )]
    MoreClasses(String),
    /// A sum left the range of double precision.
    #[error("the sums of squares of `{0}` are not finite: its values are too large; rescale it")]
    Overflow(String),
    /// An eliminated factor needs what only a smaller one has.
    #[error(
        "{what} needs matrices of {columns} x {columns}, and more than {limit} columns are too many for it"
    )]
    TooManyColumns {
        /// Result that was asked for.
        what: String,
        /// Columns of the model.
        columns: usize,
        /// The largest number that works.
        limit: usize,
    },
    /// Two crossed factors were eliminated, of whose levels only estimates are known.
    #[error(
        "{what} needs the covariances of the levels of both large factors, which are not computed: their levels were eliminated by \
         conjugate gradients; leave one of the two out of the model, or give fewer levels"
    )]
    CrossedFactors {
        /// Result that was asked for.
        what: String,
    },
}

fn outside(rows: u64, dropped: u64) -> String {
    match rows.saturating_sub(dropped) {
        0 => String::new(),
        n => format!("; {n} are not in the subset"),
    }
}

fn most_missing(column: &Option<String>) -> String {
    column.as_ref().map_or(String::new(), |c| {
        format!("; `{c}` is missing in every row: leave it out of the model")
    })
}

impl ModelError {
    /// Checks that there is room for matrices of so many columns.
    ///
    /// # Errors
    /// [`ModelError::TooManyColumns`].
    pub(super) fn many_columns(what: &str, columns: usize) -> Result<(), ModelError> {
        let limit = Room::of_machine().most_columns();
        match columns <= limit {
            true => Ok(()),
            false => Err(ModelError::TooManyColumns {
                what: what.to_string(),
                columns,
                limit,
            }),
        }
    }

    /// An argument that does not fit, and why.
    pub(super) fn argument(name: &str, why: impl Into<String>) -> Self {
        ModelError::Argument {
            argument: name.to_string(),
            why: why.into(),
        }
    }

    /// True if the request was wrong rather than the data: the command line's exit code 2.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            ModelError::Syntax(_)
                | ModelError::NoResponse(_)
                | ModelError::Argument { .. }
                | ModelError::MoreClasses(_)
        )
    }
}
