//! The four distributions of the tables: normal, Student's t, F and chi-squared.
//!
//! Each has both tails (`lower` = P(X ≤ x), `upper` = P(X > x)), their logarithms, and quantiles for a lower or an
//! upper tail area. A tail is computed directly, never as one minus the other, wherever it is the smaller one, so
//! areas down to the smallest double keep their digits. Degrees of freedom are positive and need not be whole;
//! infinite ones give the limit. Arguments outside a parameter's range, and NaN, give NaN.
//!
//! t, F and chi-squared rest on one representation. With the log-odds (or log) scale as variable, a tail is the
//! density there times a *mills factor*, and both come without cancellation:
//!
//! * the density from Loader's deviance form (C. Loader 2000, *Fast and accurate computation of binomial
//!   probabilities*), in which large parameters never produce large terms that cancel;
//! * the factor from a series with positive terms, from the continued fraction of DiDonato & Morris (1992, TOMS 708)
//!   or Legendre's for the gamma integral, or, for large parameters, from a double exponential quadrature
//!   (Takahasi & Mori 1974) of the tail integral relative to its edge.
//!
//! Quantiles are Newton's method on the logarithm of the tail, in which it is concave.

mod beta;
pub mod chi_squared;
pub mod f;
mod gamma;
mod quadrature;
mod split;
pub mod student;

pub use nelder_device::special::normal;

pub(crate) use split::Split;

/// True if a number of degrees of freedom is valid: above zero, and not NaN.
fn positive(df: f64) -> bool {
    df > 0.0
}
