//! Fingerprints of columns: 64 bits that depend on every value and on where it stands, so that a change in place, a
//! permutation of the rows too, is noticed.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use nelder_device::vectorized;
use rayon::prelude::*;
use savvy::{ListSexp, OwnedStringSexp, Sexp, savvy};
use savvy_ffi::{
    INTEGER_RO, INTSXP, LGLSXP, R_CHAR, R_NaString, REAL_RO, REALSXP, Rf_xlength, STRING_ELT, STRSXP, TYPEOF,
};
use std::ffi::CStr;

use crate::background;
use crate::describe::Options;
use crate::source::RSource;

/// Values that one task takes.
const RUN: usize = 1 << 16;

/// An odd constant, the golden ratio's 64 bits.
const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;

/// The part of the `k`th value in its column's sum: the product of the halves of what the value and its place add up to,
/// which is a product of numbers of 32 bits and so vectorises, and the value.
#[inline(always)]
fn part(value: u64, k: u64) -> u64 {
    let moved = value.wrapping_add((k + 1).wrapping_mul(STRIDE));
    ((moved & 0xffff_ffff) * (moved >> 32)).wrapping_add(value)
}

/// The sum of the parts of values the first of which is the `from`th, modulo 2⁶⁴.
fn sum_of_run<T: Copy>(values: &[T], from: usize, bits: impl Fn(T) -> u64) -> u64 {
    let mut sum = 0u64;
    vectorized(
        #[inline(always)]
        || {
            for (i, &v) in values.iter().enumerate() {
                sum = sum.wrapping_add(part(bits(v), (from + i) as u64));
            }
        },
    );
    sum
}

/// The sum of the parts of all values, modulo 2⁶⁴, in any order.
fn sum<T: Copy + Sync>(values: &[T], bits: impl Fn(T) -> u64 + Sync) -> u64 {
    let run = |(r, run): (usize, &[T])| sum_of_run(run, r * RUN, &bits);
    if values.len() <= RUN {
        return run((0, values));
    }
    let runs = values.par_chunks(RUN).enumerate().map(run);
    runs.reduce(|| 0, u64::wrapping_add)
}

/// The sum of a column's parts, added up while a pass over the rows has them at hand.
#[derive(Default)]
pub struct Summed {
    claimed: AtomicBool,
    rows: AtomicUsize,
    sum: AtomicU64,
}

impl Summed {
    /// Returns true to the first caller alone, whose pass over this column is the one that adds.
    pub fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::Relaxed)
    }

    /// Adds values, the first of which is the `from`th of its vector.
    pub fn add<T: Copy>(&self, values: &[T], from: usize, bits: impl Fn(T) -> u64) {
        self.sum
            .fetch_add(sum_of_run(values, from, bits), Ordering::Relaxed);
        self.rows.fetch_add(values.len(), Ordering::Relaxed);
    }

    /// The sum, if each of the `rows` was added.
    pub fn of(&self, rows: usize) -> Option<u64> {
        (self.rows.load(Ordering::Relaxed) == rows).then(|| self.sum.load(Ordering::Relaxed))
    }
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

impl Values<'_> {
    fn len(&self) -> usize {
        match self {
            Values::Real(v) => v.len(),
            Values::Integer(v) => v.len(),
            Values::Text(v) => v.len(),
            Values::Other => 0,
        }
    }
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

/// A column's type, length and values in one string; empty for what is no vector of numbers or strings. `known` are the
/// sums that a fit's passes have made.
fn print(of: &Values<'_>, known: Option<&RSource>) -> String {
    let summed = |at: *const u8, length| known.and_then(|source| source.summed(at, length));
    match of {
        Values::Real(v) => {
            let sum = summed(v.as_ptr().cast(), v.len()).unwrap_or_else(|| sum(v, f64::to_bits));
            format!("d{:x}:{sum:016x}", v.len())
        }
        Values::Integer(v) => {
            let sum = summed(v.as_ptr().cast(), v.len()).unwrap_or_else(|| sum(v, |v| v as u32 as u64));
            format!("i{:x}:{sum:016x}", v.len())
        }
        Values::Text(v) => format!("s{:x}:{:016x}", v.len(), sum(v, |v| v)),
        Values::Other => String::new(),
    }
}

/// One string for each vector, of its type, length and values, and of its levels.
///
/// # Errors
/// Threads that cannot be started.
pub fn of_vectors(vectors: &ListSexp, threads: usize, known: Option<&RSource>) -> savvy::Result<Sexp> {
    let vectors: Vec<Sexp> = vectors.values_iter().collect();
    let levels = vectors.iter().map(|vector| vector.get_attrib("levels"));
    let levels = levels.collect::<savvy::Result<Vec<Option<Sexp>>>>()?;
    let all: Vec<Values<'_>> = vectors.iter().map(values).collect();
    let labels = levels.iter().map(|l| l.as_ref().map_or(Values::Other, values));
    let labels: Vec<Values<'_>> = labels.collect();
    let prints = || -> Vec<String> {
        let pairs = all.iter().zip(&labels);
        pairs
            .map(|(values, labels)| print(values, known) + &print(labels, None))
            .collect()
    };
    // a few values take less time than another thread does to wake
    let prints = match all.iter().all(|values| values.len() <= RUN) {
        true => prints(),
        false => background::on_threads(threads, prints)?,
    };
    OwnedStringSexp::try_from_slice(prints)?.into()
}

/// One string for each vector, of its type, length and values, and of its levels; empty for what is no vector of numbers
/// or strings.
///
/// @noRd
#[savvy]
fn fingerprints(vectors: ListSexp, options: ListSexp) -> savvy::Result<Sexp> {
    of_vectors(&vectors, Options::new(&options)?.threads, None)
}
