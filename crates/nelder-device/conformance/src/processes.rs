//! Processes as a place, for tests: each has a part of the rows and levels of its own, and what it finds comes back as bytes.

use std::borrow::Cow;
use std::sync::Arc;

use nelder::design::Rows;
use nelder::frame::{Batch, Column, Scan, Schema, Source, SourceError, Visit};
use nelder::pass::{
    AnyStatistic, ErasedSum, Executor, Opened, Opening, PartResult, Pass, PassError, Ran, Session, Threads,
    decide_scales, joined_parts,
};

/// A number of processes that share the rows, piece by piece, by chance; their sums are merged in an order that is by chance too.
#[derive(Clone, Debug)]
pub struct Processes {
    /// Number of processes.
    pub count: usize,
    /// Pieces that a batch is cut into, each for one of them.
    pub pieces: usize,
    /// Seed of the partition and of the order.
    pub seed: u64,
}

/// The finalizer of SplitMix64 (Steele, Lea & Flood 2014).
fn mixed(seed: u64, at: u64) -> u64 {
    let mut z = seed.wrapping_add(at.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The pieces of a source's batches that one process has.
struct Part<'s> {
    source: Arc<dyn Source + 's>,
    of: Processes,
    process: usize,
}

/// Rows of a column.
fn cut<'a>(column: &'a Column<'_>, from: usize, to: usize) -> Column<'a> {
    match column {
        Column::Real(v) => Column::Real(Cow::Borrowed(&v[from..to])),
        Column::Integer(v) => Column::Integer(Cow::Borrowed(&v[from..to])),
        Column::Whole(v) => Column::Whole(Cow::Borrowed(&v[from..to])),
        Column::Logical(v) => Column::Logical(Cow::Borrowed(&v[from..to])),
        Column::Codes { codes, levels } => Column::Codes {
            codes: Cow::Borrowed(&codes[from..to]),
            levels: levels.clone(),
        },
    }
}

impl Source for Part<'_> {
    fn schema(&self) -> &Schema {
        self.source.schema()
    }

    fn rows(&self) -> Option<u64> {
        self.source.rows()
    }

    fn workers(&self) -> usize {
        self.source.workers()
    }

    fn scan(&self, columns: &[usize], visit: &Visit<'_>) -> Result<Scan, SourceError> {
        let read = std::sync::Mutex::new(Scan::default());
        let whole = self.source.scan(columns, &|worker, batch| {
            let pieces = self.of.pieces;
            for piece in 0..pieces {
                let (from, to) = (batch.rows * piece / pieces, batch.rows * (piece + 1) / pieces);
                let index = batch.index * pieces + piece;
                let owner = mixed(self.of.seed, index as u64) % self.of.count as u64;
                if owner != self.process as u64 || from == to {
                    continue;
                }
                let coarse = batch.coarse.iter();
                let coarse = coarse.filter(|(_, row)| (from..to).contains(row));
                let own = Batch {
                    index,
                    first_row: batch.first_row + from as u64,
                    rows: to - from,
                    columns: batch.columns.iter().map(|c| cut(c, from, to)).collect(),
                    coarse: coarse.map(|(c, row)| (*c, row - from)).collect(),
                };
                let mut read = read.lock().unwrap_or_else(|e| e.into_inner());
                read.rows += own.rows as u64;
                drop(read);
                if !visit(worker, own) {
                    return false;
                }
            }
            true
        });
        let mut own = read.into_inner().unwrap_or_else(|e| e.into_inner());
        let whole = whole?;
        // bytes as if all rows were of one size
        own.bytes = (whole.bytes * own.rows).checked_div(whole.rows).unwrap_or(0);
        Ok(own)
    }
}

impl Executor for Processes {
    fn open(&self, rows: &Rows<'_>, _: &Opening<'_>) -> Result<Opened, PassError> {
        decide_scales(rows)?;
        Ok((Arc::new(self.clone()), Vec::new()))
    }
}

impl Processes {
    /// One process's part of a pass: bytes. A pass after the first has the codes of those before.
    fn part(
        &self,
        rows: &Rows<'_>,
        pass: &Pass<'_, dyn AnyStatistic + '_>,
        process: usize,
    ) -> Result<Vec<u8>, PassError> {
        let own = rows.forked(Arc::new(Part {
            source: rows.source().clone(),
            of: self.clone(),
            process,
        }))?;
        let known = rows.books();
        for book in &known {
            own.adopt(book)?;
        }
        let found = Threads.reduce_any(&own, pass)?;
        if !known.is_empty() && own.level_book().is_some_and(|book| !book.is_empty()) {
            return Err(PassError::Changed("a level that no row had".into()));
        }
        let part = PartResult::new(&own, pass.label.name, &found, known.is_empty())?;
        Ok(part.bytes()?)
    }
}

impl Session for Processes {
    fn reduce_any(&self, rows: &Rows<'_>, pass: &Pass<'_, dyn AnyStatistic + '_>) -> Ran<ErasedSum> {
        let mut order: Vec<usize> = (0..self.count).collect();
        order.sort_by_key(|&process| mixed(!self.seed, process as u64));
        let (mut parts, mut bad) = (Vec::new(), None);
        for process in order {
            match self.part(rows, pass, process) {
                Ok(bytes) => parts.push(bytes),
                // of several bad rows the first in the data
                Err(PassError::Row(error)) => match &bad {
                    Some(PassError::Row(other)) if other.row <= error.row => {}
                    _ => bad = Some(PassError::Row(error)),
                },
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = bad {
            return Err(error);
        }
        let mut all = None;
        for bytes in parts {
            let part = PartResult::of_bytes(&bytes)?.taken_in(rows, pass.label.name, pass.statistic)?;
            all = Some(match all {
                None => part,
                Some(all) => joined_parts(all, part),
            });
        }
        all.ok_or_else(|| PassError::Changed("there is no process".into()))
    }
}
