//! A fit in a file: a line that says what it is, with a checksum, and the fit as JSON.

use std::path::Path;

use nelder::model::{SavedGlm, SavedLm, SavedNet};
use nelder_data::Destination;

use crate::failure::Failure;
use crate::outputs::write_whole;

/// Start of the first line: format and version; the number changes when older fits can no longer be read.
const KIND: &str = "nelder-fit 2";

/// A fit of any kind.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Saved {
    /// A linear model.
    Lm(Box<SavedLm>),
    /// A generalized linear model.
    Glm(Box<SavedGlm>),
    /// A path of penalized models.
    Net(Box<SavedNet>),
}

/// FNV-1a: tells a damaged file, not a forged one.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| {
        (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
    })
}

/// Writes a fit.
pub fn write(destination: Destination, fit: &Saved) -> Result<(), Failure> {
    let text = serde_json::to_string(fit).map_err(|e| Failure::Data(e.to_string()))?;
    write_whole(destination, |out| {
        writeln!(out, "{KIND} {:016x}", checksum(text.as_bytes()))?;
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")
    })
}

/// Reads a fit.
pub fn read(path: &Path) -> Result<Saved, Failure> {
    let wrong = |what: &str| Failure::Data(format!("{}: {what}", path.display()));
    let bytes = std::fs::read(path).map_err(|e| wrong(&e.to_string()))?;
    let not_a_fit = "not a fit; `nelder lm … --save FILE` writes one";
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong(not_a_fit))?;
    let (head, body) = text.split_once('\n').ok_or_else(|| wrong(not_a_fit))?;
    let Some(sum) = head.strip_prefix(KIND) else {
        return Err(wrong(match head.starts_with("nelder-fit") {
            true => "a fit of another version of nelder; fit and save it again",
            false => not_a_fit,
        }));
    };
    let body = body.trim_end_matches('\n');
    if u64::from_str_radix(sum.trim(), 16) != Ok(checksum(body.as_bytes())) {
        return Err(wrong("the fit is damaged; fit and save it again"));
    }
    serde_json::from_str(body).map_err(|e| wrong(&format!("the fit cannot be read: {e}")))
}
