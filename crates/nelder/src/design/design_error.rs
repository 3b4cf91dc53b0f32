//! Errors in laying out a model over its data.

use super::Lack;

/// A model that cannot be laid out over its data.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DesignError {
    /// The response is not numeric.
    #[error("the response `{0}` is text; a linear model needs numbers")]
    TextResponse(String),
    /// A factor that does not vary.
    #[error(
        "the factor `{variable}` has {} in the complete rows; contrasts need two or more: leave it out of the formula",
        match level { Some(l) => format!("one level, `{l}`,"), None => "no level".to_string() }
    )]
    OneLevel {
        /// The factor.
        variable: String,
        /// Its only level.
        level: Option<String>,
    },
    /// A model whose equations have no room.
    #[error("{0}")]
    NoRoom(Lack),
    /// Contrasts that do not fit a factor.
    #[error("contrasts of `{variable}`: {why}")]
    Contrast {
        /// The factor.
        variable: String,
        /// Reason that they do not fit, as the end of the message.
        why: String,
    },
}
