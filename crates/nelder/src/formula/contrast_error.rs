//! Errors of contrasts.

/// A contrast that does not exist, or not for this factor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContrastError {
    /// An unknown name.
    #[error("there are no contrasts named `{name}`{}; known are treatment, sum, helmert, poly, SAS and identity", meant(.suggestion))]
    Unknown {
        /// The name given.
        name: String,
        /// The nearest known name.
        suggestion: Option<String>,
    },
    /// Too few levels.
    #[error("contrasts need a factor of at least 2 levels; this one has {levels}")]
    TooFewLevels {
        /// The levels there are.
        levels: usize,
    },
    /// Too many levels for polynomials.
    #[error(
        "polynomial contrasts are defined for at most 95 levels; this factor has {levels}: choose treatment or sum"
    )]
    TooManyLevels {
        /// The levels there are.
        levels: usize,
    },
    /// A base that is not a level.
    #[error(
        "the base of treatment contrasts is level {base}, counted from 0, but the factor has {levels} levels"
    )]
    NoSuchBase {
        /// The base asked for.
        base: usize,
        /// The levels there are.
        levels: usize,
    },
    /// A matrix for another number of levels.
    #[error("the contrast matrix has {rows} rows and the factor {levels} levels")]
    WrongRows {
        /// Rows of the matrix.
        rows: usize,
        /// The levels there are.
        levels: usize,
    },
    /// Numbers that make no contrast matrix.
    #[error("no contrast matrix: {why}")]
    Matrix {
        /// Reason that they make none, as the end of the message.
        why: String,
    },
    /// Text that is neither a name nor a matrix.
    #[error(
        "`{text}` is no contrast: {why}; write sum, contr.treatment(4, base = 2), c(1, -1, 0) or cbind(c(1, -1, 0), c(1, 1, -2))"
    )]
    Unreadable {
        /// The text.
        text: String,
        /// Reason that it is no contrast.
        why: String,
    },
}

fn meant(suggestion: &Option<String>) -> String {
    suggestion
        .as_ref()
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}
