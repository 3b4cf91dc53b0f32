//! Linear systems of two factors that cross: the Laplacian of the graph whose edges are their combinations.
//!
//! `table` holds the contingency table C (g x h) with its margins, `operator` applies the Schur complement
//! S = D_h − Cᵀ D_g⁻¹ C, `conjugate` solves with it, `sampled` is a preconditioner for graphs that hang together badly,
//! `forest` bounds what a residual leaves of an error, and `system` has the solution to twice the precision.

mod conjugate;
mod forest;
mod operator;
mod sampled;
mod system;
mod table;

pub use system::{TwoWaySolution, TwoWaySystem};
pub use table::{Crossing, TwoWayTable};
