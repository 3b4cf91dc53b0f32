//! Programs over columns, and the CPU backend that interprets them.
//!
//! A [`Program`] is a straight-line list of scalar operations over columns: a formula's `log(x) * z`, a link
//! function, a variance function. It is data, so each device can run it in its own way; here the CPU
//! interprets it in chunks of rows, in `f64` or in twice the precision ([`Dd`]).

mod backend;
mod buffer;
mod cpu;
mod dd;
mod error;
mod host;
pub mod kernels;
mod matrix;
mod memory;
mod opened;
mod pair;
mod philox;
mod program;
mod real;
mod reduce;
mod row_expr;
mod scalar;
mod simd;
pub mod special;
mod step;

pub use backend::{
    Backend, Counters, Decomposed, Description, Moments, Offer, RUN_ROWS, Rates, Reduced, ResidualSums,
    RoughMoments, Spectrum, Weighed, composed, predictor,
};
pub use buffer::{Buffer, Codes, Matrix, SortedCodes, check_codes};
pub use cpu::{Input, Output, Runner};
pub use dd::Dd;
pub use error::{DeviceError, check_length, check_ranks};
pub use host::Host;
pub use matrix::Rows2;
pub use memory::{large_pages, zeros};
pub use opened::Opened;
pub use philox::Philox;
pub use program::{Binary, Op, Program, ProgramError, Slot, Unary};
pub use real::Real;
pub use row_expr::{Operand, RowExpr, RowProgram};
pub use simd::vectorized;
pub use step::{Fold, Predictor, ScoringStep, StepSums};
