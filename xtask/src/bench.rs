//! `cargo xtask bench`.
use std::path::Path;

pub fn run(_root: &Path, _args: &[String]) -> crate::Outcome {
    Err("not here yet".into())
}
