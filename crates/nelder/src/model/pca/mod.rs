//! Principal components: R's `prcomp`.
//!
//! `spec` is the specification, `prcomp` the fit. `axes` computes singular values and vectors from a gram, a
//! triangle or entries, `krylov` a few of many; `few_rows` is for rows that are fewer than the columns,
//! `sparse` for sparse matrices, `scores` for the rows on the components.

mod axes;
mod few_rows;
mod krylov;
mod prcomp;
mod scores;
mod sparse;
mod spec;
mod standard;

pub use prcomp::{PcaDigits, PcaReport, Prcomp, prcomp};
pub use scores::ScoreRun;
pub use sparse::prcomp_sparse;
pub use spec::{Center, PcaAlgorithm, PcaSpec, Scale, Signs};
