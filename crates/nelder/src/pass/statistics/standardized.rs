//! Statistics of standardized columns: their moments, the triangle of their decomposition, XᵀW(XV), and XV row by row.

use std::sync::Arc;

use faer::Mat;
use nelder_device::{Buffer, Dd, DeviceError};

use crate::design::BlockSchema;
use crate::pass::device::{DeviceRows, at_once, together};
use crate::pass::statistic::{OnDevice, PassLabel, Statistic};
use crate::pass::{ColumnMoments, GramVectors, PassRecord, Standard, TsqrF64};

/// Vectors that a device takes one after another.
const FEW_VECTORS: usize = 16;

/// First and second moments of the dense columns.
#[derive(Clone, Copy, Debug)]
pub struct MomentStatistic;

impl Statistic for MomentStatistic {
    type Sum = ColumnMoments;
    type Worker<'w> = ColumnMoments;

    fn worker(&self, schema: &BlockSchema) -> ColumnMoments {
        ColumnMoments::new(schema)
    }
}

/// The triangle R of the standardized columns' decomposition QR, in double precision.
#[derive(Clone, Debug)]
pub struct TriangleStatistic {
    /// Centres and scales.
    pub standard: Arc<Standard>,
}

impl Statistic for TriangleStatistic {
    type Sum = TsqrF64;
    type Worker<'w> = TsqrF64;

    fn worker(&self, _: &BlockSchema) -> TsqrF64 {
        TsqrF64::new(&self.standard)
    }
}

/// XᵀW(XV) for standardized columns X and a few vectors V.
#[derive(Clone, Copy, Debug)]
pub struct GramVectorsStatistic<'v> {
    /// Centres and scales.
    pub standard: &'v Standard,
    /// V, columns of the design x vectors.
    pub vectors: &'v Mat<f64>,
}

impl Statistic for GramVectorsStatistic<'_> {
    type Sum = Mat<f64>;
    type Worker<'w>
        = GramVectors<'w>
    where
        Self: 'w;

    fn worker(&self, _: &BlockSchema) -> GramVectors<'_> {
        GramVectors::new(self.standard, self.vectors.as_ref())
    }

    fn on_device(&self, rows: &DeviceRows, label: PassLabel<'_>) -> OnDevice<Mat<f64>> {
        if !rows.resident.rests.is_empty() {
            return Ok(None);
        }
        let (p, k) = (self.vectors.nrows(), self.vectors.ncols());
        let clock = rows.resident.clock();
        let mut out = Mat::zeros(p, k);
        for a in 0..k {
            let vector = self.vectors.col_as_slice(a);
            rows.image(self.standard, vector, out.col_as_slice_mut(a))?;
        }
        let record = clock.stop(label.name, "f64x2", 2 * p * k);
        Ok(Some((out, vec![record])))
    }
}

/// XV of the rows that devices hold, one vector's numbers after another's, with the record of the pass; `None` where there are no
/// such rows, or the CPU is quicker.
///
/// # Errors
/// Those of the devices.
pub fn projected(rows: &[DeviceRows], standard: &Standard, vectors: &[f64]) -> OnDevice<Vec<f64>> {
    let found = at_once(rows, |rows| rows.scores(standard, vectors))?;
    let Some(found) = found
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .filter(|f| !f.is_empty())
    else {
        return Ok(None);
    };
    let count = vectors.len() / standard.columns().max(1);
    let mut values = Vec::with_capacity(found.iter().map(|(own, _)| own.len()).sum());
    for k in 0..count {
        for (own, _) in &found {
            let n = own.len() / count;
            values.extend_from_slice(&own[k * n..(k + 1) * n]);
        }
    }
    let records = together(found.into_iter().map(|(_, record)| vec![record]).collect());
    Ok(Some((values, records)))
}

impl DeviceRows {
    /// XV of these rows.
    fn scores(
        &self,
        standard: &Standard,
        vectors: &[f64],
    ) -> Result<Option<(Vec<f64>, PassRecord)>, DeviceError> {
        let (resident, p) = (&self.resident, standard.columns());
        if !resident.rests.is_empty() {
            return Ok(None);
        }
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
            let (high, _) = self.projected(standard, vector)?;
            out.extend(resident.device.download(&high)?.iter().map(|v| 0.0 - v));
        }
        let record = clock.stop("scores", "f64x2", vectors.len());
        Ok(Some((out, record)))
    }

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
