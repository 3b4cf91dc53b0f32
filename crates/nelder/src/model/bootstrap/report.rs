//! Record of a bootstrap's computation.

use crate::pass::PassRecord;

/// Record of a bootstrap.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct BootstrapReport {
    /// Algorithm.
    pub algorithm: String,
    /// Replicates that were asked for.
    pub asked: u32,
    /// Replicates that were made: fewer where they were interrupted.
    pub made: u32,
    /// Replicates of a pass over the rows.
    pub at_a_time: usize,
    /// Passes over the rows.
    pub reads: usize,
    /// Bytes of the sums of a pass, on all threads.
    pub bytes: f64,
    /// Replicates in which a coefficient of the fit is aliased.
    pub aliased: u32,
    /// Replicates that did not converge.
    pub not_converged: u32,
    /// Clusters, where they were resampled.
    pub clusters: Option<usize>,
    /// Strata, where there are some.
    pub strata: Option<usize>,
    /// The passes, those of one name together.
    pub passes: Vec<PassRecord>,
    /// Sentences on anything out of the ordinary.
    pub notes: Vec<String>,
}
