//! What is claimed of answers, against answers in 154 digits: linear and generalized linear models, components, tails.
//!
//! Data are drawn at random, of the kinds on which claims are hard to keep. An ordinary run has a few hundred models, `NELDER_CLAIMS=20`
//! twenty times as many; `NELDER_TEST_DEVICE` says where passes run; `NELDER_CLAIMS_TO` names a file that gets what claims give away,
//! by kind. `cargo xtask claims` does all three.

mod components;
mod crossed;
mod generalized;
mod held;
mod linear;
mod number;
mod random;
mod tails;
