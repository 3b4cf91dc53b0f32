//! The sums of models on devices: moments, residuals, sums by code, steps of Fisher scoring.

use crate::buffer::{Buffer, Codes, Matrix, check_codes};
use crate::device::outputs;
use crate::error::{DeviceError, check_length};
use crate::linear_algebra::LinearAlgebra;
use crate::moments::{self, Moments, RoughMoments};
use crate::residuals::{self, ResidualSums, Weighed};
use crate::row_expr::RowProgram;
use crate::step::{Fold, Predictor, ScoringStep, StepSums};
use crate::{Dd, by_code, products};

/// The sums that models are made of: the third of three tiers. Every verb is a composition of those before where a device has none of
/// its own; one that sums rows as it reads them is quicker.
pub trait GlmKernels: LinearAlgebra {
    /// Sums of the columns of a matrix, alone and with up to four vectors.
    ///
    /// # Errors
    /// Sizes that do not fit; a failure of the device.
    fn moments(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        with: &[&Buffer],
    ) -> Result<Moments, DeviceError> {
        moments::moments(self, x, weights, with)
    }

    /// Moments in double precision, and the gram about the origin where it is wanted, for a matrix of many rows and one
    /// vector. `None` where moments in twice the precision cost no more.
    ///
    /// # Errors
    /// As [`moments`](GlmKernels::moments).
    fn rough_moments(
        &self,
        _x: &Matrix,
        _weights: Option<&Buffer>,
        _with: &Buffer,
        _gram: bool,
    ) -> Result<Option<RoughMoments>, DeviceError> {
        Ok(None)
    }

    /// y − c − X b in twice the precision: high and low parts, which stay on the device.
    ///
    /// # Errors
    /// As [`moments`](GlmKernels::moments).
    fn residual(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        residuals::residual(self, x, b, constant, y)
    }

    /// Residuals and what they amount to.
    ///
    /// # Errors
    /// As [`moments`](GlmKernels::moments).
    fn residual_sums(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
        weights: Option<&Buffer>,
    ) -> Result<ResidualSums, DeviceError> {
        let r = self.residual(x, b, constant, y)?;
        let found = self.weigh((&r.0, Some(&r.1)), weights)?;
        let score = self.transposed_residual(x, (&found.weighed.0, &found.weighed.1))?;
        Ok(ResidualSums {
            residuals: found.rooted,
            squares: found.squares,
            sum: found.sum,
            score,
        })
    }

    /// A vector in two parts (its second part is zero where there is none) times weights.
    ///
    /// # Errors
    /// As [`moments`](GlmKernels::moments).
    fn weigh(&self, r: (&Buffer, Option<&Buffer>), weights: Option<&Buffer>) -> Result<Weighed, DeviceError> {
        residuals::weigh(self, r, weights)
    }

    /// Copies a code for each row to the device; codes are from 0 to below `count`.
    ///
    /// # Errors
    /// [`DeviceError::Length`] for a code that is not; those of [`upload`](crate::Device::upload).
    fn upload_codes(&self, codes: &[u32], count: usize) -> Result<Codes, DeviceError> {
        check_codes(codes, count)?;
        Ok(Codes::new(codes.len(), count, codes.to_vec()))
    }

    /// For each code Σ v, then Σ x v for each column x, over the rows that have it, in twice the precision. v is a vector in
    /// two parts; a part that is not there is one (the first) or zero (the second).
    ///
    /// # Errors
    /// As [`moments`](GlmKernels::moments).
    fn sums_by_code(
        &self,
        codes: &Codes,
        x: &Matrix,
        v: (Option<&Buffer>, Option<&Buffer>),
    ) -> Result<Vec<Dd>, DeviceError> {
        by_code::sums_by_code(self, codes, x, v)
    }

    /// r − m t by row, where t is the number of the row's code in a table: in twice the precision. m is 1 where there is no
    /// `multiplier`; its second part is zero where there is none.
    ///
    /// # Errors
    /// As [`moments`](GlmKernels::moments).
    fn subtract_by_code(
        &self,
        r: (&Buffer, &Buffer),
        codes: &Codes,
        table: &[Dd],
        multiplier: Option<(&Buffer, Option<&Buffer>)>,
    ) -> Result<(Buffer, Buffer), DeviceError> {
        by_code::subtract_by_code(self, r, codes, table, multiplier)
    }

    /// Xᵀ r of a vector in two parts, summed in twice the precision.
    ///
    /// # Errors
    /// As [`moments`](GlmKernels::moments).
    fn transposed_residual(&self, x: &Matrix, r: (&Buffer, &Buffer)) -> Result<Vec<Dd>, DeviceError> {
        products::sums_with(self, x, (r.0, Some(r.1)), None)
    }

    /// A step of Fisher scoring: η, a program over rows, and the sums of its outputs over the columns of a matrix.
    ///
    /// # Errors
    /// As [`moments`](GlmKernels::moments), and those of [`run`](crate::Device::run).
    fn step(&self, x: &Matrix, step: &ScoringStep<'_>) -> Result<StepSums, DeviceError> {
        composed(self, x, step)
    }

    /// Z V, Z the columns of X less their centres c and over their scales s, for vectors that are given one after another: each
    /// number within √p ε of the norms of its row of Z and its vector. The rows of a vector's numbers come one after another,
    /// those of the next vector after them. `None` where one vector at a time, in twice the precision, is as quick.
    ///
    /// # Errors
    /// Sizes that do not fit; a failure of the device.
    fn project(
        &self,
        _x: &Matrix,
        _centres: &[Dd],
        _scales: &[f64],
        _vectors: &[f64],
    ) -> Result<Option<Buffer>, DeviceError> {
        Ok(None)
    }
}

/// c + o + X b in twice the precision, in two parts.
///
/// # Errors
/// Those of the verbs.
pub fn predictor(
    device: &(impl GlmKernels + ?Sized),
    x: &Matrix,
    b: &[Dd],
    constant: Dd,
    offset: Option<&Buffer>,
) -> Result<(Buffer, Buffer), DeviceError> {
    // η = −(−o − c − Xb)
    let offset = match offset {
        Some(offset) => offset.clone(),
        None => device.product(&x.part(0..0)?, &[], 0.0, None)?,
    };
    let row = RowProgram::default();
    row.output(0.0 - row.input(0));
    row.output(0.0 - row.input(1));
    let turned = row.finish();
    let [minus, _] = outputs(device, &turned, &[&offset, &offset], x.rows)?;
    let (high, low) = device.residual(x, b, constant, &minus)?;
    let [eta, low] = outputs(device, &turned, &[&high, &low], x.rows)?;
    Ok((eta, low))
}

/// η of a step, where it is not given, and the input that it is; and what it leaves over, where it is in twice the precision.
type Eta = (Option<(usize, Buffer)>, Option<Buffer>);

fn eta_of(
    device: &(impl GlmKernels + ?Sized),
    x: &Matrix,
    predictor_of: &Predictor<'_>,
) -> Result<Eta, DeviceError> {
    match predictor_of {
        Predictor::Given { low } => Ok((None, low.cloned())),
        Predictor::Of {
            input,
            b,
            constant,
            offset,
            twice: false,
        } => {
            let b: Vec<f64> = b.iter().map(|b| b.hi).collect();
            let eta = device.product(x, &b, constant.hi, *offset)?;
            Ok((Some((*input, eta)), None))
        }
        Predictor::Of {
            input,
            b,
            constant,
            offset,
            twice: true,
        } => {
            let (eta, low) = predictor(device, x, b, *constant, *offset)?;
            Ok((Some((*input, eta)), Some(low)))
        }
    }
}

/// Outputs of a step after the first two: sums or least numbers, how many are missing, and those that are kept.
type Folded = (Vec<Dd>, Vec<u64>, Vec<Buffer>);

fn folded(
    device: &(impl GlmKernels + ?Sized),
    folds: &[Fold],
    outputs: Vec<Buffer>,
) -> Result<Folded, DeviceError> {
    let (mut found, mut missing, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for (fold, column) in folds.iter().zip(outputs) {
        if *fold == Fold::Keep {
            found.push(Dd::ZERO);
            missing.push(0);
            kept.push(column);
            continue;
        }
        let own = device.reduce(&column)?;
        found.push(match *fold {
            Fold::Sum => own.sum,
            _ => Dd::new(own.least),
        });
        missing.push(own.missing);
    }
    Ok((found, missing, kept))
}

/// The gram of a step, and whether its products are in single precision.
fn gram_of(
    device: &(impl GlmKernels + ?Sized),
    x: &Matrix,
    weight: &Buffer,
    step: &ScoringStep<'_>,
) -> Result<(Option<Vec<Dd>>, bool), DeviceError> {
    if !step.gram {
        return Ok((None, false));
    }
    let quick = match step.single {
        true => device.single_gram(x, Some(weight), step.centres)?,
        false => None,
    };
    match quick {
        Some(gram) => Ok((Some(gram), true)),
        None => Ok((Some(device.gram(x, Some(weight), step.centres)?), false)),
    }
}

/// A step made of other verbs.
///
/// # Errors
/// Those of the verbs.
pub fn composed(
    device: &(impl GlmKernels + ?Sized),
    x: &Matrix,
    step: &ScoringStep<'_>,
) -> Result<StepSums, DeviceError> {
    // 1. η
    let (eta, low) = eta_of(device, x, &step.predictor)?;
    // 2. the program
    let mut inputs = step.inputs.to_vec();
    if let Some((at, eta)) = &eta {
        inputs[*at] = eta;
    }
    let mut by_row = device.run(step.program, &inputs, x.rows)?;
    check_length("folds", step.folds.len() + 2, by_row.len())?;
    let (folds, missing, kept) = folded(device, step.folds, by_row.split_off(2))?;
    let (weight, score) = (&by_row[0], &by_row[1]);
    // 3. sums over the columns
    let vectors: &[&Buffer] = if step.gram { &[score, weight] } else { &[score] };
    let mut found = device.moments(x, None, vectors)?.with.into_iter();
    let mut scores = found.next().unwrap_or_default();
    let weights = found.next().unwrap_or_default();
    let mut total = device.reduce(score)?.sum;
    if let Some(low) = &low {
        // what the leading part of η leaves over: ds/dη = −W in the mean
        let row = RowProgram::default();
        row.output(-(row.input(0) * row.input(1)));
        let [rest] = outputs(device, &row.finish(), &[low, weight], x.rows)?;
        total += device.reduce(&rest)?.sum;
        let more = device.moments(x, None, &[&rest])?.with;
        let own = scores.iter_mut().zip(more.iter().flatten());
        own.for_each(|(a, b)| *a += *b);
    }
    let (gram, single) = gram_of(device, x, weight, step)?;
    Ok(StepSums {
        weight: device.reduce(weight)?.sum,
        score: total,
        scores,
        weights,
        gram,
        single,
        folds,
        missing,
        kept,
    })
}
