//! Programs over columns, and the CPU backend that interprets them.

mod dd;
pub mod kernels;
mod real;

pub use dd::Dd;
pub use real::Real;
