//! Where the passes over the rows of a design run: on the CPU's threads, block by block, or on a device that holds them.

use std::sync::{Arc, OnceLock};

use nelder_device::Buffer;

use super::loaded::{Accepts, Loaded};
use super::resident::Resident;
use super::{
    Accumulator, Coefficients, Gram, Monitor, PassError, PassRecord, Products, Residuals, Scoring,
    ScoringPlan, quartile_ranks, run, run_beside,
};
use crate::design::{Block, RowError, Rows};

/// Where passes run.
pub struct Site<'a, 's> {
    rows: &'a Rows<'s>,
    loaded: Option<Arc<Loaded>>,
}

/// What a pass found, and the record that it leaves.
pub(super) type Ran<T> = Result<(T, Vec<PassRecord>), PassError>;

impl<'a, 's> Site<'a, 's> {
    /// On the CPU.
    pub fn cpu(rows: &'a Rows<'s>) -> Self {
        Site { rows, loaded: None }
    }

    /// On the source's device, where it has one: the rows are copied there, unless they are there already, or `kept` from
    /// before. `check` looks at blocks of rows, `accepts` at the smallest and the largest value of each response; where that
    /// says no, the rows are read block by block, so that `check` can name the first that is wrong.
    ///
    /// # Errors
    /// Those of a pass, and of the device.
    pub fn new(
        rows: &'a Rows<'s>,
        kept: &OnceLock<Arc<Loaded>>,
        monitor: &dyn Monitor,
        check: &(dyn Fn(&Block<'_>) -> Result<(), RowError> + Sync),
        accepts: Option<Accepts<'_>>,
    ) -> Ran<Self> {
        let Some(device) = rows.source().device() else {
            return Ok((Site::cpu(rows), Vec::new()));
        };
        let mut passes = Vec::new();
        let site = |loaded| Site {
            rows,
            loaded: Some(kept.get_or_init(|| Arc::new(loaded)).clone()),
        };
        if let Some(loaded) = kept.get() {
            let loaded = Some(loaded.clone());
            return Ok((Site { rows, loaded }, passes));
        }
        if let Some((resident, record)) = Resident::in_place(rows, device)? {
            passes.extend(record);
            let (loaded, record) = Loaded::new(resident)?;
            passes.push(record);
            if loaded.is_plain() && loaded.accepted(accepts)? {
                rows.set_scales(vec![
                    1.0;
                    rows.layout().products.len() + loaded.resident.responses.len()
                ]);
                return Ok((site(loaded), passes));
            }
        }
        let (resident, record) = Resident::scanned(rows, device, monitor, check)?;
        passes.push(record);
        let (loaded, record) = Loaded::new(resident)?;
        passes.push(record);
        Ok((site(loaded), passes))
    }

    /// Whether passes run on a device.
    pub fn is_device(&self) -> bool {
        self.loaded.is_some()
    }

    /// Residuals that stayed on a device, at the places that their quartiles lie at or between.
    ///
    /// # Errors
    /// Those of the device.
    pub fn places(&self, there: &[Buffer]) -> Result<Vec<Vec<f64>>, PassError> {
        let Some(loaded) = &self.loaded else {
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
        check: &(dyn Fn(&Block<'_>) -> Result<(), RowError> + Sync),
    ) -> Result<(Scoring, PassRecord), PassError> {
        let Some(loaded) = &self.loaded else {
            let new = || Scoring::new(plan.clone());
            let (mut sums, record) = run_beside(
                name,
                precision,
                self.rows,
                &[],
                monitor,
                new,
                |sums: &mut Scoring, block, _| {
                    check(block)?;
                    sums.update(block);
                    Ok(())
                },
            )?;
            sums.settle();
            return Ok((sums, record));
        };
        let done = loaded.scoring(name, precision, plan)?;
        match monitor.advance(name, done.1.rows, Some(done.1.rows)) {
            true => Ok(done),
            false => Err(PassError::Interrupted),
        }
    }

    /// The gram of the rows and their responses.
    ///
    /// # Errors
    /// Those of a pass, and of the device.
    pub fn gram(&self, products: Products, monitor: &dyn Monitor) -> Ran<Gram> {
        let precision = if products == Products::Exact {
            "f64x2"
        } else {
            "f64"
        };
        match &self.loaded {
            None => {
                let atoms = &self.rows.layout().atoms;
                let (gram, record) = run("gram", precision, self.rows, monitor, || {
                    Gram::new(atoms, products)
                })?;
                Ok((gram, vec![record]))
            }
            Some(loaded) => loaded.gram(products),
        }
    }

    /// The residuals of the rows, and the exact gram where it is wanted.
    ///
    /// # Errors
    /// Those of a pass, and of the device.
    pub fn residuals(
        &self,
        coefficients: &Arc<[Coefficients]>,
        exact: bool,
        keep: bool,
        widths: &[f64],
        monitor: &dyn Monitor,
    ) -> Ran<(Residuals, Option<Gram>)> {
        let atoms = &self.rows.layout().atoms;
        match &self.loaded {
            None => {
                let name = if exact { "residuals + gram" } else { "residuals" };
                let (found, record) = run(name, "f64x2", self.rows, monitor, || {
                    let gram = exact.then(|| Gram::new(atoms, Products::Exact));
                    (Residuals::new(atoms, coefficients.clone(), keep, widths), gram)
                })?;
                Ok((found, vec![record]))
            }
            Some(loaded) => {
                let mut found = Residuals::new(atoms, coefficients.clone(), true, &[]);
                let mut passes = vec![loaded.residuals(coefficients, &mut found)?];
                let mut gram = None;
                if exact {
                    let (own, records) = loaded.gram(Products::Exact)?;
                    gram = Some(own);
                    passes.extend(records);
                }
                Ok(((found, gram), passes))
            }
        }
    }
}
