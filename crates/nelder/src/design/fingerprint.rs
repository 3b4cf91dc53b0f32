//! A fingerprint of the rows that a fit used: by column, Σ h(xᵢ) Bⁿ⁻ⁱ modulo 2⁶⁴ over the rows in their order.
//!
//! The sum of a run of rows and that of the run after it give the sum of both, so that batches may come in any order
//! and of any size. It tells other data from the same, not a forgery.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};

use crate::frame::{Batch, Column, EXACT, Levels, MISSING};

/// The multiplier of the sum.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
/// Hash of a missing value.
const NOTHING: u64 = 0x7ff8_dead_0000_0001;

/// The rows of a fit, as they are known again: their number, and a sum of each column that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Rows in the fit.
    pub rows: u64,
    /// The columns of the data by name, over these rows.
    pub columns: Vec<(String, u64)>,
    /// The case weights, where there are any.
    pub weights: Option<u64>,
}

impl Fingerprint {
    /// Returns the difference of these rows from those of another fit, as the end of a sentence that begins with "they": the
    /// number of rows, the weights, the first column that both read; `None` where nothing differs.
    pub fn difference(&self, other: &Fingerprint) -> Option<String> {
        if self.rows != other.rows {
            return Some(format!("are {} and not {}", self.rows, other.rows));
        }
        for (name, sum) in &self.columns {
            let there = other.columns.iter().find(|(n, _)| n == name);
            if there.is_some_and(|(_, s)| s != sum) {
                return Some(format!("have other values of `{name}`, or in another order"));
            }
        }
        (self.weights != other.weights).then(|| "have other weights".to_string())
    }
}

/// The bits of a value, mixed so that each depends on all (the finalizer of MurmurHash3).
fn mixed(mut h: u64) -> u64 {
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// A number; whole ones are the same in every type, and −0 is 0.
fn of_number(x: f64) -> u64 {
    match x.is_nan() {
        true => NOTHING,
        false => mixed((x + 0.0).to_bits()),
    }
}

/// A whole number: the double's where that is the same number, else that of its digits.
fn of_whole(x: i128) -> u64 {
    match x {
        i128::MIN => NOTHING,
        x if x.unsigned_abs() <= EXACT.unsigned_abs() => of_number(x as f64),
        x => of_text(&x.to_string()),
    }
}

/// A string (FNV-1a).
pub(super) fn of_text(text: &str) -> u64 {
    mixed(text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
    }))
}

fn power(mut exponent: u64) -> u64 {
    let (mut base, mut out) = (BASE, 1u64);
    while exponent > 0 {
        if exponent & 1 == 1 {
            out = out.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        exponent >>= 1;
    }
    out
}

/// The sum over rows in their order, four at a time.
fn sum(rows: usize, value: impl Fn(usize) -> u64) -> u64 {
    let powers = [power(1), power(2), power(3), power(4)];
    let mut h = 0u64;
    let whole = rows / 4 * 4;
    for i in (0..whole).step_by(4) {
        let four = value(i)
            .wrapping_mul(powers[2])
            .wrapping_add(value(i + 1).wrapping_mul(powers[1]))
            .wrapping_add(value(i + 2).wrapping_mul(powers[0]))
            .wrapping_add(value(i + 3));
        h = h.wrapping_mul(powers[3]).wrapping_add(four);
    }
    for i in whole..rows {
        h = h.wrapping_mul(BASE).wrapping_add(value(i));
    }
    h
}

/// The sums of consecutive rows: of each column, then of the weights.
#[derive(Clone, Debug, Default)]
struct Run {
    rows: u64,
    sums: Vec<u64>,
}

impl Run {
    /// Takes in the rows after these.
    fn append(&mut self, next: &Run) {
        let shift = power(next.rows);
        self.sums.resize(next.sums.len(), 0);
        for (own, more) in self.sums.iter_mut().zip(&next.sums) {
            *own = own.wrapping_mul(shift).wrapping_add(*more);
        }
        self.rows += next.rows;
    }
}

#[derive(Debug, Default)]
struct Gathered {
    /// The batch that comes next.
    next: usize,
    /// The rows before it.
    done: Run,
    /// Sums of later batches that came before it, by number of the batch.
    waiting: BTreeMap<usize, Run>,
}

/// Gathers the fingerprint from batches in any order, each taken in once.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    gathered: Mutex<Gathered>,
    /// By column, the hashes of the levels so far.
    labels: Mutex<BTreeMap<usize, Vec<u64>>>,
}

impl Fingerprints {
    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Takes in the rows of a batch that are used, all where `kept` is absent, with their weights.
    pub fn take(&self, batch: &Batch<'_>, kept: Option<&[u32]>, weights: Option<&[f64]>) {
        {
            let gathered = self.lock();
            if batch.index < gathered.next || gathered.waiting.contains_key(&batch.index) {
                return;
            }
        }
        let rows = kept.map_or(batch.rows, <[u32]>::len);
        let place = |i: usize| kept.map_or(i, |k| k[i] as usize);
        let mut sums = Vec::with_capacity(batch.columns.len() + 1);
        for (at, column) in batch.columns.iter().enumerate() {
            sums.push(match column {
                Column::Real(x) => sum(rows, |i| of_number(x[place(i)])),
                Column::Integer(x) => sum(rows, |i| match x[place(i)] {
                    i32::MIN => NOTHING,
                    x => of_number(f64::from(x)),
                }),
                Column::Whole(x) => sum(rows, |i| of_whole(x[place(i)])),
                Column::Logical(x) => sum(rows, |i| match x[place(i)] {
                    2 => NOTHING,
                    x => of_number(f64::from(x)),
                }),
                Column::Codes { codes, levels } => self.coded(at, rows, |i| codes[place(i)], levels),
            });
        }
        sums.extend(weights.map(|w| sum(rows, |i| of_number(w[i]))));
        let run = Run {
            rows: rows as u64,
            sums,
        };
        let mut locked = self.lock();
        let gathered = &mut *locked;
        gathered.waiting.insert(batch.index, run);
        while let Some(entry) = gathered.waiting.first_entry() {
            if *entry.key() != gathered.next {
                break;
            }
            let run = entry.remove();
            gathered.done.append(&run);
            gathered.next += 1;
        }
    }

    /// The sum of a column of codes, by the labels behind them.
    fn coded(&self, column: usize, rows: usize, code: impl Fn(usize) -> u32, levels: &Levels) -> u64 {
        let mut labels = self.labels.lock().unwrap_or_else(|e| e.into_inner());
        let known = labels.entry(column).or_default();
        let more = levels.keys_from(known.len() as u32);
        known.extend(more.iter().map(|key| of_text(&levels.label_of(key))));
        sum(rows, |i| match code(i) {
            MISSING => NOTHING,
            code => known.get(code as usize).copied().unwrap_or(NOTHING),
        })
    }

    /// The fingerprint of the rows so far; `names` are those of the columns.
    pub fn fingerprint(&self, names: &[String]) -> Fingerprint {
        let gathered = self.lock();
        let mut all = gathered.done.clone();
        for run in gathered.waiting.values() {
            all.append(run);
        }
        all.sums.resize(all.sums.len().max(names.len()), 0);
        Fingerprint {
            rows: all.rows,
            columns: names.iter().cloned().zip(all.sums.iter().copied()).collect(),
            weights: all.sums.get(names.len()).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::sync::Arc;

    use super::*;

    fn numbers(index: usize, first_row: u64, x: &[f64]) -> Batch<'_> {
        Batch {
            index,
            first_row,
            rows: x.len(),
            columns: vec![Column::Real(Cow::Borrowed(x))],
            coarse: Vec::new(),
        }
    }

    fn of(batches: &[(usize, &[f64])]) -> Fingerprint {
        let all = Fingerprints::default();
        for &(index, x) in batches {
            all.take(&numbers(index, 0, x), None, None);
        }
        all.fingerprint(&["x".to_string()])
    }

    #[test]
    fn batches_of_any_size_in_any_order_are_the_same_rows() {
        let x: Vec<f64> = (0..1000).map(|i| f64::from(i).sqrt()).collect();
        let one = of(&[(0, &x)]);
        assert_eq!(one.rows, 1000);
        for cut in [1, 2, 3, 5, 499, 999] {
            let (a, b) = x.split_at(cut);
            assert_eq!(of(&[(0, a), (1, b)]), one);
            // the later first, and each again, as in another pass
            assert_eq!(of(&[(1, b), (0, a), (1, b), (0, a)]), one);
        }
    }

    #[test]
    fn any_change_is_another() {
        let x: Vec<f64> = (0..64).map(f64::from).collect();
        let one = of(&[(0, &x)]);
        for i in 0..64 {
            let mut other = x.clone();
            other[i] = f64::from_bits(other[i].to_bits() + 1);
            assert!(of(&[(0, &other)]).difference(&one).is_some());
            for j in 0..i {
                let mut other = x.clone();
                other.swap(i, j);
                assert_eq!(
                    of(&[(0, &other)]).difference(&one).as_deref(),
                    Some("have other values of `x`, or in another order")
                );
            }
        }
        assert_eq!(
            of(&[(0, &x[1..])]).difference(&one).as_deref(),
            Some("are 63 and not 64")
        );
    }

    #[test]
    fn values_are_the_same_in_every_type() {
        let whole: [f64; 3] = [1.0, 0.0, 1.0];
        let types = [
            Column::Real(Cow::Borrowed(&whole)),
            Column::Integer(Cow::Borrowed(&[1, 0, 1])),
            Column::Whole(Cow::Borrowed(&[1, 0, 1])),
            Column::Logical(Cow::Borrowed(&[1, 0, 1])),
        ];
        let of = |column: &Column<'_>, kept: Option<&[u32]>, weights: Option<&[f64]>| {
            let all = Fingerprints::default();
            let batch = Batch {
                index: 0,
                first_row: 0,
                rows: 3,
                columns: vec![column.clone()],
                coarse: Vec::new(),
            };
            all.take(&batch, kept, weights);
            all.fingerprint(&["x".to_string()])
        };
        for column in &types {
            assert_eq!(of(column, None, None), of(&types[0], None, None));
            assert_eq!(of(column, Some(&[0, 2]), None).rows, 2);
            let weighted = of(column, None, Some(&[1.0, 1.0, 1.0]));
            assert_eq!(
                weighted.difference(&of(column, None, None)).as_deref(),
                Some("have other weights")
            );
        }
        // codes are those of labels, whatever order they were met in
        let coded = |labels: [&str; 2], codes: &[u32]| {
            let column = Column::Codes {
                codes: Cow::Owned(codes.to_vec()),
                levels: Arc::new(Levels::fixed(labels)),
            };
            of(&column, None, None)
        };
        assert_eq!(coded(["a", "b"], &[0, 1, 1]), coded(["b", "a"], &[1, 0, 0]));
        assert_ne!(coded(["a", "b"], &[0, 1, 1]), coded(["a", "b"], &[1, 0, 0]));
    }
}
