//! Special functions in double precision, each accurate relative to its own size: what link functions, deviances and
//! distributions are made of.

pub mod elementary;
pub mod gamma;
pub mod normal;

pub use elementary::{expm1_minus_x, log1m_exp, stirling_error, x_minus_log1p};
pub use gamma::{digamma, ln_gamma, trigamma};
