//! A statistic of one's own: a worker takes in blocks of complete rows, and its sums merge. A session reduces it wherever the rows are.

use std::sync::Arc;

use nelder::design::{Block, BlockSchema, RowError};
use nelder::frame::Frame;
use nelder::model::{LmSpec, bind};
use nelder::pass::{Course, Executor, NoProgress, Opening, Pass, Statistic, Sum, Threads, Worker};

/// The longest row |(x₁, …, xₚ)| of the dense columns.
struct Longest(f64);

impl Sum for Longest {
    fn merge(&mut self, other: Self) {
        self.0 = self.0.max(other.0);
    }
}

impl Worker for Longest {
    type Sum = Self;

    fn update(&mut self, block: &Block<'_>) -> Result<(), RowError> {
        for i in 0..block.rows {
            let squares: f64 = block.dense.iter().map(|x| x.high[i] * x.high[i]).sum();
            self.0 = self.0.max(squares.sqrt());
        }
        Ok(())
    }

    fn finish(self) -> Self {
        self
    }
}

/// Its description, from which each thread makes a worker.
struct LongestRow;

impl Statistic for LongestRow {
    type Sum = Longest;
    type Worker<'w> = Longest;

    fn worker(&self, _: &BlockSchema) -> Longest {
        Longest(0.0)
    }
}

/// Runs a pass with it.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (x, z, y) = ([3.0, 0.0, 1.0], [4.0, 1.0, f64::NAN], [1.0, 2.0, 3.0]);
    let frame = Frame::new()
        .with_real("x", &x)
        .with_real("z", &z)
        .with_real("y", &y);
    let rows = bind(&LmSpec::new("y ~ x + z"), Arc::new(frame))?.rows;
    let (session, _) = Threads.open(&rows, &Opening::new(Course::Scoring, &NoProgress))?;
    let found = session.reduce(&rows, Pass::new("longest row", "f64", &LongestRow, &NoProgress))?;
    println!(
        "{} in {} rows, {} left out",
        found.value.0, found.counts.used, found.counts.omitted
    );
    assert_eq!(
        (found.value.0, found.counts.used, found.counts.omitted),
        (5.0, 2, 1)
    );
    Ok(())
}
