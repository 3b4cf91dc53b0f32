//! Programs over columns, and the CPU backend that interprets them.
//!
//! A [`Program`] is a straight-line list of scalar operations over columns: a formula's `log(x) * z`, a link
//! function, a variance function. It is data, so each device can run it in its own way; here the CPU
//! interprets it in chunks of rows, in `f64` or in twice the precision ([`Dd`]).

mod buffer;
mod by_code;
mod column_tiles;
mod cpu;
mod dd;
mod device;
mod error;
mod glm_kernels;
mod host;
pub mod kernels;
mod linear_algebra;
mod matrix;
mod memory;
mod moments;
mod opened;
mod pair;
mod philox;
mod products;
mod program;
mod real;
mod reduce;
mod residuals;
mod row_expr;
mod scalar;
mod simd;
pub mod special;
mod step;
mod twice;

pub use buffer::{Buffer, Codes, Matrix, SortedCodes, check_codes};
pub use cpu::{Input, Output, Runner};
pub use dd::Dd;
pub use device::{Counters, Description, Device, Rates, Reduced, outputs};
pub use error::{DeviceError, check_length, check_ranks};
pub use glm_kernels::{GlmKernels, composed, predictor};
pub use host::Host;
pub use linear_algebra::{Decomposed, LinearAlgebra, RUN_ROWS, Spectrum};
pub use matrix::Rows2;
pub use memory::{large_pages, machine_memory, zeros};
pub use moments::{Moments, RoughMoments};
pub use opened::{Offer, Opened, any_opened};
pub use philox::Philox;
pub use program::{Binary, Op, Program, ProgramError, Slot, Unary};
pub use real::Real;
pub use residuals::{ResidualSums, Weighed};
pub use row_expr::{Operand, RowExpr, RowProgram};
pub use simd::vectorized;
pub use step::{Fold, Predictor, ScoringStep, StepSums};
