//! Passes over standardized columns, on the CPU or on the device that holds the rows.

use faer::Mat;
use nelder_device::{Buffer, Dd, DeviceError};

use super::loaded::Loaded;
use super::{Site, run};
use crate::pass::sums::gram_vectors::GramVectors;
use crate::pass::{ColumnMoments, Standard, TsqrF64};
use crate::pass::{Monitor, PassError, PassRecord, Ran};

/// Vectors that a device takes one after another.
const FEW_VECTORS: usize = 16;

impl Site<'_, '_> {
    /// First and second moments of the dense columns.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn spread(&self, monitor: &dyn Monitor) -> Ran<ColumnMoments> {
        let rows = self.rows();
        run("moments", "f64x2", rows, monitor, || {
            ColumnMoments::new(&rows.layout().atoms)
        })
    }

    /// The triangle of the standardized columns, and how many decompositions it took; always on the CPU.
    ///
    /// # Errors
    /// Those of a pass.
    pub fn triangle(&self, standard: &Standard, monitor: &dyn Monitor) -> Ran<Mat<f64>> {
        let found = run("tsqr", "f64", self.rows(), monitor, || TsqrF64::new(standard))?;
        Ok(found.map(|sum| sum.triangle()))
    }

    /// XᵀW(XV) for standardized columns X.
    ///
    /// # Errors
    /// Those of a pass, and of the device.
    pub fn images(&self, standard: &Standard, vectors: &Mat<f64>, monitor: &dyn Monitor) -> Ran<Mat<f64>> {
        if let Some(loaded) = self.loaded().filter(|l| l.resident.rests.is_empty()) {
            let (p, k) = (vectors.nrows(), vectors.ncols());
            let clock = loaded.resident.clock();
            let mut out = Mat::zeros(p, k);
            for a in 0..k {
                loaded.image(standard, vectors.col_as_slice(a), out.col_as_slice_mut(a))?;
            }
            let record = clock.stop("krylov", "f64x2", 2 * p * k);
            return match monitor.advance("krylov", record.rows, Some(record.rows)) {
                true => Ok(loaded.reduced(out, vec![record])),
                false => Err(PassError::Interrupted),
            };
        }
        let vectors = vectors.as_ref();
        let found = run("krylov", "f64", self.rows(), monitor, || {
            GramVectors::new(standard, vectors)
        })?;
        Ok(found.map(|sums| sums.sum))
    }

    /// XV for the rows that the device holds, one vector's numbers after another's; `None` where the rows are with the CPU, or it
    /// is quicker.
    ///
    /// # Errors
    /// Those of the device.
    pub fn scores(
        &self,
        standard: &Standard,
        vectors: &[f64],
    ) -> Result<Option<(Vec<f64>, PassRecord)>, PassError> {
        let Some(loaded) = self.loaded().filter(|l| l.resident.rests.is_empty()) else {
            return Ok(None);
        };
        let (resident, p) = (&loaded.resident, standard.columns());
        let clock = resident.clock();
        let there = resident
            .device
            .project(&resident.x, &standard.centers, &standard.scales, vectors)?;
        if let Some(found) = there {
            let values = resident.device.download(&found)?;
            return Ok(Some((values, clock.stop("scores", "f64", p))));
        }
        // one read of the columns for each vector: the CPU takes many of them quicker
        let count = vectors.len() / p.max(1);
        if count > FEW_VECTORS {
            return Ok(None);
        }
        let mut out = Vec::with_capacity(resident.rows * count);
        for vector in vectors.chunks_exact(p.max(1)) {
            let (high, _) = loaded.projected(standard, vector)?;
            out.extend(resident.device.download(&high)?.iter().map(|v| 0.0 - v));
        }
        let record = clock.stop("scores", "f64x2", vectors.len());
        Ok(Some((out, record)))
    }
}

impl Loaded {
    /// −XV of one vector, in two parts, on the device.
    fn projected(&self, standard: &Standard, vector: &[f64]) -> Result<(Buffer, Buffer), DeviceError> {
        let resident = &self.resident;
        // what a column is multiplied with, and what that makes of the centres
        let b: Vec<Dd> = vector
            .iter()
            .zip(&standard.scales)
            .map(|(v, s)| Dd::new(*v).div_f64(*s))
            .collect();
        let constant = b
            .iter()
            .zip(&standard.centers)
            .fold(Dd::ZERO, |sum, (b, c)| sum - *b * *c);
        let zeros = resident.device.upload(&vec![0.0; resident.rows])?;
        resident.device.residual(&resident.x, &b, constant, &zeros)
    }

    /// XᵀW(XV) of one vector.
    fn image(&self, standard: &Standard, vector: &[f64], out: &mut [f64]) -> Result<(), DeviceError> {
        let resident = &self.resident;
        let scores = self.projected(standard, vector)?;
        let weights = resident.weights.as_ref();
        let found = resident.device.weigh((&scores.0, Some(&scores.1)), weights)?;
        let weighed = (&found.weighed.0, &found.weighed.1);
        let sums = resident.device.transposed_residual(&resident.x, weighed)?;
        for (j, out) in out.iter_mut().enumerate() {
            let about = standard.centers[j] * found.sum - sums[j];
            *out = about.div_f64(standard.scales[j]).hi;
        }
        Ok(())
    }
}
