//! Rows of a design, ready for a pass: complete, weighted, without names.

use std::borrow::Cow;

use nelder_device::vectorized;
use serde::{Deserialize, Serialize};

use super::{Numbers, RowCounts};

/// Schema of a block: its numbers of columns and responses, and its groups of codes. A column of the model matrix is an
/// intercept, a dense column, or the product of indicator codes with a dense column; the codes stay codes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BlockSchema {
    /// Dense columns that are columns of the model matrix.
    pub dense: usize,
    /// Dense columns that only multiply codes; they follow the `dense` ones in a block.
    pub extra: usize,
    /// Number of responses.
    pub responses: usize,
    /// The sets of codes.
    pub groups: Vec<Group>,
}

/// A set of codes and what they are multiplied with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// `None` is the indicator itself, `Some(e)` the indicator times dense column `e` (of dense and extra).
    pub multipliers: Vec<Option<usize>>,
}

/// Some rows of a design. All columns have `rows` entries; nothing is missing, all weights are positive.
#[derive(Clone, Debug, Default)]
pub struct Block<'b> {
    /// Position of the batch's first row in the source.
    pub first_row: u64,
    /// Position of the batch in the source.
    pub index: usize,
    /// Number of rows.
    pub rows: usize,
    /// Which rows of the batch these are; `None` for all.
    pub kept: Option<Vec<u32>>,
    /// Rows of the batch that are left out as incomplete, where these are to have missing values in what has one
    /// value a row.
    pub excluded: Vec<u32>,
    /// Dense columns, then extra columns.
    pub dense: Vec<Numbers<'b>>,
    /// Responses, less the offset unless they stay untouched.
    pub responses: Vec<Numbers<'b>>,
    /// The sum of the offsets, where there are any.
    pub offset: Option<Vec<f64>>,
    /// Values to start from, where they are given.
    pub start: Option<Vec<f64>>,
    /// One code a row for each group.
    pub codes: Vec<Cow<'b, [u32]>>,
    /// Case weights; `None` when all are one.
    pub weights: Option<Cow<'b, [f64]>>,
    /// Rows of the batch, those of the block, and why the others are not in it.
    pub counts: RowCounts,
}

impl Block<'_> {
    /// √w of the rows; `None` where all are one.
    pub fn roots(&self) -> Option<Vec<f64>> {
        let mut roots = self.weights.as_ref()?.to_vec();
        vectorized(
            #[inline(always)]
            || roots.iter_mut().for_each(|w| *w = w.sqrt()),
        );
        Some(roots)
    }

    /// The rows `from..to` without responses, offset and weights: what is multiplied with coefficients.
    pub fn design(&self, from: usize, to: usize) -> Block<'_> {
        Block {
            first_row: self.first_row,
            index: self.index,
            rows: to - from,
            dense: self
                .dense
                .iter()
                .map(|x| Numbers {
                    high: Cow::Borrowed(&x.high[from..to]),
                    low: x.low.as_ref().map(|l| l[from..to].to_vec()),
                })
                .collect(),
            codes: self.codes.iter().map(|c| Cow::Borrowed(&c[from..to])).collect(),
            ..Block::default()
        }
    }

    /// Some of the rows, in a block of their own.
    pub fn gathered(&self, rows: &[u32]) -> Block<'static> {
        let take = |x: &[f64]| -> Vec<f64> { rows.iter().map(|&i| x[i as usize]).collect() };
        let numbers = |all: &[Numbers<'_>]| all.iter().map(|x| x.gathered(rows)).collect();
        let kept = rows.iter().map(|&i| match &self.kept {
            None => i,
            Some(kept) => kept[i as usize],
        });
        Block {
            first_row: self.first_row,
            index: self.index,
            rows: rows.len(),
            kept: Some(kept.collect()),
            excluded: Vec::new(),
            dense: numbers(&self.dense),
            responses: numbers(&self.responses),
            offset: self.offset.as_deref().map(take),
            start: self.start.as_deref().map(take),
            codes: (self.codes.iter())
                .map(|c| Cow::Owned(rows.iter().map(|&i| c[i as usize]).collect()))
                .collect(),
            weights: self.weights.as_deref().map(|w| Cow::Owned(take(w))),
            counts: RowCounts {
                used: rows.len() as u64,
                ..RowCounts::default()
            },
        }
    }

    /// The block with columns of its own, which outlives its batch.
    pub fn into_owned(self) -> Block<'static> {
        let keep = |numbers: Vec<Numbers<'_>>| -> Vec<Numbers<'static>> {
            let own = |x: Numbers<'_>| Numbers {
                high: x.high.into_owned().into(),
                low: x.low,
            };
            numbers.into_iter().map(own).collect()
        };
        Block {
            first_row: self.first_row,
            index: self.index,
            rows: self.rows,
            kept: self.kept,
            excluded: self.excluded,
            dense: keep(self.dense),
            responses: keep(self.responses),
            offset: self.offset,
            start: self.start,
            codes: self.codes.into_iter().map(|c| c.into_owned().into()).collect(),
            weights: self.weights.map(|w| w.into_owned().into()),
            counts: self.counts,
        }
    }

    /// Position of row `i` of the block in the source, from 0.
    pub fn source_row(&self, i: usize) -> u64 {
        self.first_row + self.kept.as_ref().map_or(i as u64, |k| u64::from(k[i]))
    }
}

/// A block of its own, into which rows are gathered.
impl Block<'static> {
    /// Deals rows of another block of the same design out to several, each its own `rows`, column by column: a column is in cache while all take
    /// theirs. Positions in the source are not kept. The first rows make room for `room` rows and as many as another block has.
    pub fn deal(from: &Block<'_>, to: &mut [Self], rows: &[Vec<u32>], room: usize) {
        fn take<T: Copy>(to: &mut Vec<T>, from: &[T], rows: &[u32]) {
            to.extend(rows.iter().map(|&i| from[i as usize]));
        }
        for block in to.iter_mut().filter(|b| b.is_blank()) {
            block.make_room(from, room);
        }
        for j in 0..from.dense.len() {
            for (block, rows) in to.iter_mut().zip(rows) {
                block.dense[j].append(&from.dense[j], rows);
            }
        }
        for (block, rows) in to.iter_mut().zip(rows) {
            for (to, from) in block.responses.iter_mut().zip(&from.responses) {
                to.append(from, rows);
            }
            for (to, from) in [(&mut block.offset, &from.offset), (&mut block.start, &from.start)] {
                if let (Some(to), Some(from)) = (to, from) {
                    take(to, from, rows);
                }
            }
            for (to, from) in block.codes.iter_mut().zip(&from.codes) {
                take(to.to_mut(), from, rows);
            }
            if let (Some(to), Some(from)) = (&mut block.weights, &from.weights) {
                take(to.to_mut(), from, rows);
            }
            block.rows += rows.len();
            block.counts.used = block.rows as u64;
        }
    }

    /// Tests if it has no columns yet.
    fn is_blank(&self) -> bool {
        self.rows == 0 && self.dense.is_empty() && self.responses.is_empty() && self.codes.is_empty()
    }

    /// Takes on the columns of another block, without rows.
    fn make_room(&mut self, other: &Block<'_>, room: usize) {
        *self = other.gathered(&[]);
        self.kept = None;
        let room = room + other.rows;
        let numbers = self.dense.iter_mut().chain(&mut self.responses);
        numbers.for_each(|column| column.high.to_mut().reserve_exact(room));
        self.codes.iter_mut().for_each(|c| c.to_mut().reserve_exact(room));
    }

    /// Takes out all rows; their memory is kept for others.
    pub fn clear(&mut self) {
        for numbers in self.dense.iter_mut().chain(&mut self.responses) {
            numbers.high.to_mut().clear();
            if let Some(low) = &mut numbers.low {
                low.clear();
            }
        }
        for column in [&mut self.offset, &mut self.start].into_iter().flatten() {
            column.clear();
        }
        self.codes.iter_mut().for_each(|c| c.to_mut().clear());
        if let Some(w) = &mut self.weights {
            w.to_mut().clear();
        }
        self.rows = 0;
    }
}
