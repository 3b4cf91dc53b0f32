//! Threads of this process as an executor.

use std::sync::Arc;

use super::cost::{Plan, Work};
use super::run::run_beside;
use crate::design::{Block, Rows};
use crate::frame::Batch;
use crate::pass::session::{Executor, Opened, Opening, Pass, Session};
use crate::pass::statistic::{AnyStatistic, Erased, ErasedSum};
use crate::pass::{PassError, Ran, Worker};

/// The CPU's threads: rows are read block by block, in each pass anew.
#[derive(Clone, Copy, Debug, Default)]
pub struct Threads;

impl Executor for Threads {
    fn open(&self, rows: &Rows<'_>, opening: &Opening<'_>) -> Result<Opened, PassError> {
        let work = Work::of(rows, opening.course);
        opening
            .monitor
            .planned(&Plan::cpu(&work, rows.source().workers()));
        Ok((Arc::new(Threads), Vec::new()))
    }
}

impl Session for Threads {
    fn reduce_any(&self, rows: &Rows<'_>, pass: &Pass<'_, dyn AnyStatistic + '_>) -> Ran<ErasedSum> {
        let schema = &rows.layout().atoms;
        let update = |worker: &mut Erased<'_>, block: &Block<'_>, _: &Batch<'_>| {
            (pass.check)(block)?;
            worker.update(block)
        };
        run_beside(
            pass.label.name,
            pass.label.precision,
            rows,
            &[],
            pass.monitor,
            || pass.statistic.any_worker(schema),
            update,
            Worker::finish,
        )
    }
}
