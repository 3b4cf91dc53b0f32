//! Rows that a path is of.

/// Rows that a path is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    /// All rows.
    All,
    /// All rows but those of a fold.
    Without(u32),
    /// Rows of a fold.
    Only(u32),
}

impl Membership {
    /// Tests if a row of a fold is one of them.
    pub fn has(self, fold: u32) -> bool {
        match self {
            Membership::All => true,
            Membership::Without(own) => own != fold,
            Membership::Only(own) => own == fold,
        }
    }
}
