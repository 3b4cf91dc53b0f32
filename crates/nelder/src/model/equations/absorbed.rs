//! The factor whose levels are eliminated from the normal equations first.

use nelder_device::Dd;

/// The eliminated factor.
#[derive(Clone, Debug)]
pub struct Absorbed {
    /// Σ w of each level, in R's order of the levels.
    pub weights: Vec<Dd>,
    /// Means of the kept columns by level, kept columns fastest.
    pub means: Vec<Dd>,
    /// Means of each response by level.
    pub responses: Vec<Vec<Dd>>,
}
