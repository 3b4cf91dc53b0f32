//! Special functions of one number, in double precision.
//!
//! [`exp`], [`expm1`], [`log`] and [`log1p`] are written so that loops over them become vector code, and give the same
//! bits on every machine. [`normal`] is the standard normal distribution. The others are the pieces that densities and deviances of
//! exponential families consist of, in forms that do not cancel (C. Loader 2000, *Fast and accurate computation of
//! binomial probabilities*): [`x_minus_log1p`] (a vector function too), [`expm1_minus_x`], [`log1m_exp`]; and log Γ with its derivatives
//! and [`stirling_error`], what Stirling's formula leaves over of it.

mod exponential;
mod gamma;
mod logarithm;
pub mod normal;
#[cfg(test)]
mod reference;

pub use exponential::{COEFFICIENTS as EXPONENTIAL, LN_2_HIGH, LN_2_LOW, exp, expm1, expm1_minus_x};
pub use gamma::{digamma, ln_gamma, stirling_error, trigamma};
pub use logarithm::{COEFFICIENTS as LOGARITHM, log, log1m_exp, log1p, x_minus_log1p};
