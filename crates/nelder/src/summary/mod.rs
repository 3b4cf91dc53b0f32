//! What a fit is asked for: distributions, printed tables, tidy records. Reads records, computes no fit.

pub mod distributions;
