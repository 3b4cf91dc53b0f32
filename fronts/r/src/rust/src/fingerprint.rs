//! Fingerprints of columns: 64 bits that depend on every value and on where it stands, so that a change in place, a
//! permutation of the rows too, is noticed.

use rayon::prelude::*;
use savvy::{ListSexp, OwnedStringSexp, Sexp, savvy};
use savvy_ffi::{
    INTEGER_RO, INTSXP, LGLSXP, R_CHAR, R_NaString, REAL_RO, REALSXP, Rf_xlength, STRING_ELT, STRSXP, TYPEOF,
};
use std::ffi::CStr;

use crate::background;
use crate::describe::Options;

/// Values that one task takes.
const RUN: usize = 1 << 16;

/// An odd constant, the golden ratio's 64 bits.
const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;

/// The part of the `k`th value in its column's sum: the product of the halves of what the value and its place add up to,
/// which is a product of numbers of 32 bits and so vectorises, and the value.
fn part(value: u64, k: usize) -> u64 {
    let moved = value.wrapping_add((k as u64 + 1).wrapping_mul(STRIDE));
    ((moved & 0xffff_ffff) * (moved >> 32)).wrapping_add(value)
}

/// The sum of the parts of all values, modulo 2⁶⁴, in any order.
fn sum<T: Copy + Sync>(values: &[T], bits: impl Fn(T) -> u64 + Sync) -> u64 {
    let run = |(r, run): (usize, &[T])| {
        let parts = run.iter().zip(r * RUN..).map(|(&v, k)| part(bits(v), k));
        parts.fold(0u64, u64::wrapping_add)
    };
    if values.len() <= RUN {
        return run((0, values));
    }
    let runs = values.par_chunks(RUN).enumerate().map(run);
    runs.reduce(|| 0, u64::wrapping_add)
}

/// A string's bytes as 64 bits (FNV-1a); `None` for a missing one.
fn of_text(text: Option<&CStr>) -> u64 {
    let bytes = text.map_or(&b"\xff"[..], CStr::to_bytes);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &b| {
        (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A column's values in R's memory.
enum Values<'a> {
    Real(&'a [f64]),
    Integer(&'a [i32]),
    Text(Vec<u64>),
    Other,
}

/// The values of a vector; strings are hashed here, on R's thread.
fn values(of: &Sexp) -> Values<'_> {
    // SAFETY: on R's thread; types are tested before pointers are taken, and R holds the vector during the call
    unsafe {
        let length = Rf_xlength(of.0) as usize;
        match TYPEOF(of.0) {
            REALSXP if length > 0 => Values::Real(std::slice::from_raw_parts(REAL_RO(of.0), length)),
            INTSXP | LGLSXP if length > 0 => {
                Values::Integer(std::slice::from_raw_parts(INTEGER_RO(of.0), length))
            }
            STRSXP => {
                let text = |i| {
                    let one = STRING_ELT(of.0, i as _);
                    of_text((one != R_NaString).then(|| CStr::from_ptr(R_CHAR(one))))
                };
                Values::Text((0..length).map(text).collect())
            }
            _ => Values::Other,
        }
    }
}

/// One string for each vector, of its type, length and values; empty for what is no vector of numbers or strings.
///
/// @noRd
#[savvy]
fn fingerprints(vectors: ListSexp, options: ListSexp) -> savvy::Result<Sexp> {
    let options = Options::new(&options)?;
    let vectors: Vec<Sexp> = vectors.values_iter().collect();
    let all: Vec<Values<'_>> = vectors.iter().map(values).collect();
    let prints = background::on_threads(options.threads, || {
        let print = |values: &Values<'_>| match values {
            Values::Real(v) => format!("d{:x}:{:016x}", v.len(), sum(v, f64::to_bits)),
            Values::Integer(v) => format!("i{:x}:{:016x}", v.len(), sum(v, |v| v as u32 as u64)),
            Values::Text(v) => format!("s{:x}:{:016x}", v.len(), sum(v, |v| v)),
            Values::Other => String::new(),
        };
        all.iter().map(print).collect::<Vec<_>>()
    })?;
    OwnedStringSexp::try_from_slice(prints)?.into()
}
