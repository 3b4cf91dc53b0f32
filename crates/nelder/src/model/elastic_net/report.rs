//! Record of the computation of a path.

use serde::Serialize;

use super::lambda::PathEnd;
use crate::pass::PassRecord;

/// Record of the computation of a path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ElasticNetReport {
    /// `coordinate descent on covariances`.
    pub algorithm: String,
    /// Reading of the columns: `by rows, in passes`, `column by column, in memory`.
    pub reading: String,
    /// Passes that the model was to take, in words.
    pub planned: String,
    /// Where the passes ran.
    pub device: String,
    /// In which precision products were formed.
    pub precision: String,
    /// Sweeps of coordinate descent and Newton steps, over the whole path.
    pub sweeps: u64,
    /// The largest violation of the optimality conditions at any λ, for standardized columns and a response of unit variance.
    pub violation: f64,
    /// Reason why the path has no further λ.
    pub end: PathEnd,
    /// The columns that are computed from the numbers that were read: `log(x)`, `x:z`.
    pub computed: Vec<String>,
    /// The passes over the data, in order.
    pub passes: Vec<PassRecord>,
}
