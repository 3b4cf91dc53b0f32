//! Where the passes over the rows of a design run: on the CPU's threads, block by block, or on a device that holds them.

use std::sync::{Arc, OnceLock};

use nelder_device::{Backend, Buffer, DeviceError};

use super::course::Course;
use super::loaded::{Accepts, Loaded};
use super::resident::{Check, Resident};
use super::{Work, plan, run, run_beside};
use crate::design::{Block, RowCounts, Rows};
use crate::frame::Batch;
use crate::pass::{
    Coefficients, Gram, GramWorker, Monitor, PassError, PassRecord, Products, Ran, Reduced, Residuals,
    ResidualsWorker, Scoring, ScoringPlan, ScoringWorker, Sum, Worker, quartile_ranks,
};

/// Where passes run.
pub struct Site<'a, 's> {
    rows: &'a Rows<'s>,
    place: Place,
}

/// Where the rows are.
enum Place {
    /// With the CPU.
    Cpu,
    /// On a device.
    Loaded(Arc<Loaded>),
    /// Nowhere all at once: this number of rows at a time goes to a device.
    Parts(Arc<dyn Backend>, usize),
}

/// Part of a device's free memory that rows may take.
const SHARE: f64 = 0.7;
/// The same of rows that come in parts, each beside what the one before it has left.
const PART: f64 = 0.25;
/// Rows of a part at least.
const LEAST_PART: usize = 1024;

impl<'a, 's> Site<'a, 's> {
    /// On the CPU.
    pub fn cpu(rows: &'a Rows<'s>) -> Self {
        Site {
            rows,
            place: Place::Cpu,
        }
    }

    /// On the source's device, where it has one or one is chosen: the rows are copied there, unless they are there already, or `kept` from
    /// before. `check` looks at blocks of rows, `accepts` at the smallest and the largest value of each response; where that
    /// says no, the rows are read block by block, so that `check` can name the first that is wrong.
    ///
    /// # Errors
    /// Those of a pass, and of the device.
    pub fn new(
        rows: &'a Rows<'s>,
        kept: &OnceLock<Arc<Loaded>>,
        monitor: &dyn Monitor,
        check: Check<'_>,
        accepts: Option<Accepts<'_>>,
        course: Course,
    ) -> Result<(Self, Vec<PassRecord>), PassError> {
        if kept.get().is_none() {
            monitor.planned(&plan(rows.source(), &Work::of(rows, course)));
        }
        let Some(device) = rows.source().device() else {
            return Ok((Site::cpu(rows), Vec::new()));
        };
        let mut passes = Vec::new();
        let site = |loaded| Site {
            rows,
            place: Place::Loaded(kept.get_or_init(|| Arc::new(loaded)).clone()),
        };
        if let Some(loaded) = kept.get() {
            let place = Place::Loaded(loaded.clone());
            return Ok((Site { rows, place }, passes));
        }
        // more rows than the device has room for come in parts
        let of_row = Resident::bytes_of_row(rows);
        let parts = |free: u64| {
            let most = (PART * free as f64 / of_row as f64) as usize;
            let place = Place::Parts(device.clone(), most.max(LEAST_PART));
            Site { rows, place }
        };
        if !rows.is_there()
            && let (Some(n), Some(free)) = (rows.source().rows(), device.room())
            && n as f64 * of_row as f64 > SHARE * free as f64
        {
            return Ok((parts(free), passes));
        }
        if let Some((resident, record)) = Resident::in_place(rows, device)? {
            passes.extend(record);
            let (loaded, record) = Loaded::new(resident, course)?;
            passes.push(record);
            if loaded.is_plain() && loaded.accepted(accepts)? {
                rows.set_scales(vec![
                    1.0;
                    rows.layout().products.len() + loaded.resident.responses.len()
                ]);
                return Ok((site(loaded), passes));
            }
        }
        let scanned = Resident::scanned(rows, device, monitor, check).and_then(|(resident, record)| {
            let (loaded, moments) = Loaded::new(resident, course)?;
            Ok((loaded, [record, moments]))
        });
        match scanned {
            Ok((loaded, records)) => {
                passes.extend(records);
                Ok((site(loaded), passes))
            }
            Err(PassError::Device(DeviceError::Memory { free, .. })) => Ok((parts(free), passes)),
            Err(error) => Err(error),
        }
    }

    /// The rows of the design.
    pub(in crate::pass) fn rows(&self) -> &'a Rows<'s> {
        self.rows
    }

    /// The rows on a device that holds all of them.
    pub(super) fn loaded(&self) -> Option<&Loaded> {
        match &self.place {
            Place::Loaded(loaded) => Some(loaded),
            _ => None,
        }
    }

    /// The device that holds all rows.
    pub fn device(&self) -> Option<&dyn Backend> {
        self.loaded().map(|loaded| &*loaded.resident.device)
    }

    /// Tests if passes run on a device that holds all rows.
    pub fn is_device(&self) -> bool {
        matches!(self.place, Place::Loaded(_))
    }

    /// Residuals that stayed on a device, at the places that their quartiles lie at or between.
    ///
    /// # Errors
    /// Those of the device.
    pub fn places(&self, there: &[Buffer]) -> Result<Vec<Vec<f64>>, PassError> {
        let Place::Loaded(loaded) = &self.place else {
            return Ok(Vec::new());
        };
        let ranks = quartile_ranks(loaded.resident.rows as u64);
        let of = |column| loaded.resident.device.order_statistics(column, &ranks);
        Ok(there.iter().map(of).collect::<Result<_, _>>()?)
    }

    /// A pass of Fisher scoring; on the CPU `check` looks at each block first.
    ///
    /// # Errors
    /// Those of a pass, of `check`, and of the device.
    pub fn scoring(
        &self,
        name: &str,
        precision: &str,
        plan: &Arc<ScoringPlan>,
        monitor: &dyn Monitor,
        check: Check<'_>,
    ) -> Ran<Scoring> {
        if let Place::Parts(device, most) = &self.place {
            let mut value = Scoring::new(plan);
            let as_what = (name, precision);
            let streamed =
                Resident::streamed(as_what, self.rows, device, *most, monitor, check, |resident| {
                    let (loaded, _) = Loaded::new(resident, Course::Scoring)?;
                    let (mut own, _) = loaded.scoring(name, precision, plan)?;
                    if let Some(Some(_)) = plan.wanted.last {
                        for run in std::mem::take(&mut own.runs) {
                            run.values.iter().flatten().for_each(|r| own.count(*r));
                        }
                    }
                    value.merge(own);
                    Ok(())
                })?;
            return Ok(in_parts(value, streamed));
        }
        let Place::Loaded(loaded) = &self.place else {
            let new = || ScoringWorker::new(plan.clone());
            let update = |worker: &mut ScoringWorker, block: &Block<'_>, _: &Batch<'_>| {
                check(block)?;
                worker.update(block)
            };
            return run_beside(
                name,
                precision,
                self.rows,
                &[],
                monitor,
                new,
                update,
                Worker::finish,
            );
        };
        let (value, record) = loaded.scoring(name, precision, plan)?;
        match monitor.advance(name, record.rows, Some(record.rows)) {
            true => Ok(loaded.reduced(value, vec![record])),
            false => Err(PassError::Interrupted),
        }
    }

    /// The gram of the rows and their responses.
    ///
    /// # Errors
    /// Those of a pass, and of the device.
    pub fn gram(&self, products: Products, monitor: &dyn Monitor) -> Ran<Gram> {
        let precision = match products {
            Products::Exact => "f64x2",
            Products::Single => "f32",
            _ => "f64",
        };
        match &self.place {
            Place::Parts(device, most) => {
                let mut all: Option<Gram> = None;
                let as_what = ("gram", precision);
                let check: Check<'_> = &|_| Ok(());
                let streamed =
                    Resident::streamed(as_what, self.rows, device, *most, monitor, check, |resident| {
                        let (loaded, _) = Loaded::new(resident, Course::LeastSquares(products))?;
                        add(&mut all, loaded.gram(products)?.value);
                        Ok(())
                    })?;
                let gram = all.unwrap_or_else(|| Gram::new(&self.rows.layout().atoms, products));
                Ok(in_parts(gram, streamed))
            }
            Place::Cpu => {
                let atoms = &self.rows.layout().atoms;
                run("gram", precision, self.rows, monitor, || {
                    GramWorker::new(atoms, products)
                })
            }
            Place::Loaded(loaded) => loaded.gram(products),
        }
    }

    /// The residuals of the rows, and the exact gram where it is wanted. Residuals are kept, or counted in bins of the `widths` where
    /// there are any.
    ///
    /// # Errors
    /// Those of a pass, and of the device.
    pub fn residuals(
        &self,
        coefficients: &Arc<[Coefficients]>,
        exact: bool,
        widths: Option<&[f64]>,
        monitor: &dyn Monitor,
    ) -> Ran<(Residuals, Option<Gram>)> {
        let atoms = &self.rows.layout().atoms;
        match &self.place {
            Place::Parts(device, most) => {
                let name = if exact { "residuals + gram" } else { "residuals" };
                let mut found = Residuals::new(atoms, coefficients.len(), widths);
                let mut gram: Option<Gram> = None;
                let as_what = (name, "f64x2");
                let check: Check<'_> = &|_| Ok(());
                let streamed =
                    Resident::streamed(as_what, self.rows, device, *most, monitor, check, |resident| {
                        let (loaded, _) = Loaded::new(resident, Course::Scoring)?;
                        let mut own = Residuals::new(atoms, coefficients.len(), widths);
                        loaded.residuals(coefficients, &mut own)?;
                        if widths.is_some() {
                            own.count_runs();
                        }
                        found.merge(own);
                        if exact {
                            add(&mut gram, loaded.gram(Products::Exact)?.value);
                        }
                        Ok(())
                    })?;
                Ok(in_parts((found, gram), streamed))
            }
            Place::Cpu => {
                let name = if exact { "residuals + gram" } else { "residuals" };
                run(name, "f64x2", self.rows, monitor, || {
                    let gram = exact.then(|| GramWorker::new(atoms, Products::Exact));
                    (ResidualsWorker::new(atoms, coefficients.clone(), widths), gram)
                })
            }
            Place::Loaded(loaded) => {
                let mut found = Residuals::new(atoms, coefficients.len(), None);
                let mut passes = vec![loaded.residuals(coefficients, &mut found)?];
                let mut gram = None;
                if exact {
                    let own = loaded.gram(Products::Exact)?;
                    gram = Some(own.value);
                    passes.extend(own.records);
                }
                Ok(loaded.reduced((found, gram), passes))
            }
        }
    }
}

/// Returns the result of a pass over rows that came in parts, with its record and counts.
fn in_parts<T>(value: T, (record, counts): (PassRecord, RowCounts)) -> Reduced<T> {
    Reduced {
        value,
        counts,
        records: vec![record],
    }
}

/// Adds the gram of a part of the rows to that of those before it.
fn add(all: &mut Option<Gram>, own: Gram) {
    match all {
        None => *all = Some(own),
        Some(all) => all.merge(own),
    }
}
