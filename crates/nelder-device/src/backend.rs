//! Devices: what holds columns and matrices, and works on them.

use std::fmt;
use std::sync::Arc;

use crate::buffer::{Buffer, Codes, Matrix};
use crate::error::{DeviceError, check_length, check_ranks};
use crate::step::{Fold, Predictor, ScoringStep, StepSums};
use crate::{Binary, Dd, Program, Unary};

/// Sums of columns x with weights w, in twice the precision where it says so.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Σ w x by column, in twice the precision.
    pub sums: Vec<Dd>,
    /// Σ w x² by column, in double precision.
    pub squares: Vec<f64>,
    /// Σ w x v by vector v and column, in twice the precision.
    pub with: Vec<Vec<Dd>>,
    /// By column, whether a value is no number [as it was written](crate::kernels::is_as_written).
    pub rounded: Vec<bool>,
}

/// Moments that came with a gram.
#[derive(Clone, Debug, PartialEq)]
pub struct RoughMoments {
    /// Of the columns, with the vector.
    pub columns: Moments,
    /// Of the vector, with itself.
    pub own: Moments,
    /// Xᵀ W X, lower triangle by rows, where it was wanted or costs nothing.
    pub gram: Option<Vec<Dd>>,
}

/// Residuals r = y − c − X b of some rows, each of weight w, and their weighted sums in twice the precision.
#[derive(Clone, Debug)]
pub struct ResidualSums {
    /// √w r, rounded to double precision, on the device.
    pub residuals: Buffer,
    /// Σ w r².
    pub squares: Dd,
    /// Σ w r.
    pub sum: Dd,
    /// Xᵀ W r.
    pub score: Vec<Dd>,
}

/// Residuals r with weights w.
#[derive(Clone, Debug)]
pub struct Weighed {
    /// w r in two parts.
    pub weighed: (Buffer, Buffer),
    /// √w r, rounded to double precision.
    pub rooted: Buffer,
    /// Σ w r².
    pub squares: Dd,
    /// Σ w r.
    pub sum: Dd,
}

/// A = L Lᵀ and what follows from it, column by column.
#[derive(Clone, Debug, PartialEq)]
pub struct Decomposed {
    /// L; zeros above the diagonal.
    pub lower: Vec<f64>,
    /// A⁻¹, both triangles.
    pub inverse: Vec<f64>,
    /// By how much rounding errors may be larger than those of a decomposition column by column: the largest ‖M‖ ‖M⁻¹‖ / order
    /// of the blocks M that were inverted on the way (Frobenius norms); at least 1.
    pub growth: f64,
}

/// A symmetric matrix as V diag(λ) Vᵀ.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    /// λ, rising.
    pub values: Vec<f64>,
    /// V, orthonormal columns in that order, column by column.
    pub vectors: Vec<f64>,
}

/// A column's sum and range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reduced {
    /// Σ x, in twice the precision.
    pub sum: Dd,
    /// The smallest number; infinite where there is none.
    pub least: f64,
    /// The largest; negatively infinite where there is none.
    pub largest: f64,
    /// Number of `NaN`s.
    pub missing: u64,
}

/// Work of a device since it was opened, by its own count: launches and bytes copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Programs and products that were run.
    pub launches: u64,
    /// Bytes that were copied to the device.
    pub uploaded: u64,
    /// Bytes that were copied from it.
    pub downloaded: u64,
}

/// Approximate speeds of a device, for the choice of a plan: of memory, of products, of copies, of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Bytes a second from its memory.
    pub bandwidth: f64,
    /// Multiplications with additions of a gram in double precision a second; those of one triangle count.
    pub products: f64,
    /// Bytes a second from the host's memory.
    pub upload: f64,
    /// Seconds of a verb that has little to do.
    pub call: f64,
}

/// A device, in words and numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Name that selects the device: `cpu`, `cuda:0`.
    pub id: String,
    /// Its maker's name for it.
    pub name: String,
    /// Bytes of memory, where that is known.
    pub memory: Option<u64>,
    /// Driver and libraries, for a reader.
    pub software: String,
}

/// A device that computes in double precision: the verbs that models are made of.
///
/// Matrices are column by column. Results that are small come back as numbers; those by row stay on the device.
pub trait Backend: Send + Sync + fmt::Debug {
    /// The device in words and numbers.
    fn describe(&self) -> Description;

    /// Bytes of memory that are free, where that is known.
    fn room(&self) -> Option<u64> {
        None
    }

    /// Approximate speeds of the device.
    fn rates(&self) -> Rates;

    /// Counts of the device's work so far.
    fn counters(&self) -> Counters;

    /// Waits until the device has done all that was asked of it.
    ///
    /// # Errors
    /// A failure of the device, also of what was asked of it before.
    fn synchronize(&self) -> Result<(), DeviceError>;

    /// Bytes a second that a program moves from and to the device's memory, measured: two columns of 128 MB read and one
    /// written, the best of five.
    ///
    /// # Errors
    /// Not enough memory; a failure of the device.
    fn bandwidth(&self) -> Result<f64, DeviceError> {
        let rows = 1usize << 24;
        let column = self.upload(&vec![1.0; rows])?;
        let mut program = Program::new();
        let (a, b) = (program.input(0), program.input(1));
        let sum = program.binary(crate::Binary::Add, a, b);
        program.output(sum);
        let other = self.upload(&vec![2.0; rows])?;
        let mut least = f64::INFINITY;
        for _ in 0..5 {
            self.synchronize()?;
            let start = std::time::Instant::now();
            let out = self.run(&program, &[&column, &other], rows)?;
            self.synchronize()?;
            least = least.min(start.elapsed().as_secs_f64());
            drop(out);
        }
        Ok(3.0 * 8.0 * rows as f64 / least)
    }

    /// Copies numbers to the device.
    ///
    /// # Errors
    /// [`DeviceError::Memory`] with the sizes; a failure of the device.
    fn upload(&self, values: &[f64]) -> Result<Buffer, DeviceError>;

    /// Copies columns to the device, one after another.
    ///
    /// # Errors
    /// As [`upload`](Backend::upload).
    fn upload_columns(&self, columns: &[&[f64]]) -> Result<Buffer, DeviceError> {
        self.upload(&columns.concat())
    }

    /// Copies of buffers, one after another.
    ///
    /// # Errors
    /// As [`upload`](Backend::upload); a buffer of another device.
    fn gathered(&self, parts: &[Buffer]) -> Result<Buffer, DeviceError> {
        let columns: Result<Vec<Vec<f64>>, DeviceError> = parts.iter().map(|p| self.download(p)).collect();
        let columns = columns?;
        self.upload_columns(&columns.iter().map(Vec::as_slice).collect::<Vec<&[f64]>>())
    }

    /// Copies numbers from the device.
    ///
    /// # Errors
    /// A buffer of another device; a failure of the device.
    fn download(&self, buffer: &Buffer) -> Result<Vec<f64>, DeviceError>;

    /// Runs a program over `rows` rows of columns; its outputs.
    ///
    /// # Errors
    /// Those of [`Program::run`]; a failure of the device.
    fn run(&self, program: &Program, inputs: &[&Buffer], rows: usize) -> Result<Vec<Buffer>, DeviceError>;

    /// Sums of the columns of a matrix, alone and with up to four vectors.
    ///
    /// # Errors
    /// Sizes that do not fit; a failure of the device.
    fn moments(&self, x: &Matrix, weights: Option<&Buffer>, with: &[&Buffer])
    -> Result<Moments, DeviceError>;

    /// (X − 1cᵀ)ᵀ W (X − 1cᵀ), c the `centres` (zero where there are none) and W the diagonal matrix of the weights: the
    /// lower triangle by rows. Runs of [`RUN_ROWS`] rows are summed in double precision or better, and the runs in twice
    /// that.
    ///
    /// # Errors
    /// As [`moments`](Backend::moments).
    fn gram(
        &self,
        x: &Matrix,
        weights: Option<&Buffer>,
        centres: Option<&[f64]>,
    ) -> Result<Vec<Dd>, DeviceError>;

    /// Xᵀ W X with each product exact and all sums in twice the precision: the lower triangle by rows.
    ///
    /// # Errors
    /// As [`moments`](Backend::moments).
    fn exact_gram(&self, x: &Matrix, weights: Option<&Buffer>) -> Result<Vec<Dd>, DeviceError>;

    /// y − c − X b in twice the precision: high and low parts, which stay on the device.
    ///
    /// # Errors
    /// As [`moments`](Backend::moments).
    fn residual(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
    ) -> Result<(Buffer, Buffer), DeviceError>;

    /// Residuals and what they amount to.
    ///
    /// # Errors
    /// As [`moments`](Backend::moments).
    fn residual_sums(
        &self,
        x: &Matrix,
        b: &[Dd],
        constant: Dd,
        y: &Buffer,
        weights: Option<&Buffer>,
    ) -> Result<ResidualSums, DeviceError>;

    /// A vector in two parts (its second part is zero where there is none) times weights.
    ///
    /// # Errors
    /// As [`moments`](Backend::moments).
    fn weigh(&self, r: (&Buffer, Option<&Buffer>), weights: Option<&Buffer>) -> Result<Weighed, DeviceError>;

    /// Copies a code for each row to the device; codes are from 0 to below `count`.
    ///
    /// # Errors
    /// [`DeviceError::Length`] for a code that is not; those of [`upload`](Backend::upload).
    fn upload_codes(&self, codes: &[u32], count: usize) -> Result<Codes, DeviceError>;

    /// For each code Σ v, then Σ x v for each column x, over the rows that have it, in twice the precision. v is a vector in
    /// two parts; a part that is not there is one (the first) or zero (the second).
    ///
    /// # Errors
    /// As [`moments`](Backend::moments).
    fn sums_by_code(
        &self,
        codes: &Codes,
        x: &Matrix,
        v: (Option<&Buffer>, Option<&Buffer>),
    ) -> Result<Vec<Dd>, DeviceError>;

    /// r − m t by row, where t is the number of the row's code in a table: in twice the precision. m is 1 where there is no
    /// `multiplier`; its second part is zero where there is none.
    ///
    /// # Errors
    /// As [`moments`](Backend::moments).
    fn subtract_by_code(
        &self,
        r: (&Buffer, &Buffer),
        codes: &Codes,
        table: &[Dd],
        multiplier: Option<(&Buffer, Option<&Buffer>)>,
    ) -> Result<(Buffer, Buffer), DeviceError>;

    /// Xᵀ r of a vector in two parts, summed in twice the precision.
    ///
    /// # Errors
    /// As [`moments`](Backend::moments).
    fn transposed_residual(&self, x: &Matrix, r: (&Buffer, &Buffer)) -> Result<Vec<Dd>, DeviceError>;

    /// A step of Fisher scoring: η, a program over rows, and the sums of its outputs over the columns of a matrix.
    ///
    /// # Errors
    /// As [`moments`](Backend::moments), and those of [`run`](Backend::run).
    fn step(&self, x: &Matrix, step: &ScoringStep<'_>) -> Result<StepSums, DeviceError> {
        composed(self, x, step)
    }

    /// (X − 1cᵀ)ᵀ W (X − 1cᵀ) in single precision, lower triangle by rows: entries within 2⁻¹⁸ of the norms of the columns
    /// about their centres. `None` where that is no quicker than [`gram`](Backend::gram), and where columns or weights have so
    /// little in common with their largest numbers that single precision does not hold them.
    ///
    /// # Errors
    /// As [`gram`](Backend::gram).
    fn single_gram(
        &self,
        _x: &Matrix,
        _weights: Option<&Buffer>,
        _centres: Option<&[f64]>,
    ) -> Result<Option<Vec<Dd>>, DeviceError> {
        Ok(None)
    }

    /// Moments in double precision, and the gram about the origin where it is wanted, for a matrix of many rows and one
    /// vector. `None` where moments in twice the precision cost no more.
    ///
    /// # Errors
    /// As [`moments`](Backend::moments).
    fn rough_moments(
        &self,
        _x: &Matrix,
        _weights: Option<&Buffer>,
        _with: &Buffer,
        _gram: bool,
    ) -> Result<Option<RoughMoments>, DeviceError> {
        Ok(None)
    }

    /// The Cholesky decomposition of D⁻¹ A D⁻¹, D the diagonal matrix of the `scales` and A the symmetric matrix whose lower
    /// triangle `packed` has by rows, and its inverse. `None` where the CPU does it as well: for small orders, on devices
    /// that cannot, and where a pivot is not positive.
    ///
    /// # Errors
    /// Sizes that do not fit; a failure of the device.
    fn cholesky(&self, _packed: &[f64], _scales: &[f64]) -> Result<Option<Decomposed>, DeviceError> {
        Ok(None)
    }

    /// All eigenvalues and eigenvectors of a symmetric matrix of this order, which is given column by column; its lower
    /// triangle is read. `None` where the CPU does it as well: for small orders, on devices that cannot, where the iteration
    /// does not converge, and where an entry is not finite.
    ///
    /// # Errors
    /// Sizes that do not fit; a failure of the device.
    fn eigen(&self, _matrix: &[f64], _order: usize) -> Result<Option<Spectrum>, DeviceError> {
        Ok(None)
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

    /// The sum and the range of a column.
    ///
    /// # Errors
    /// A failure of the device.
    fn reduce(&self, x: &Buffer) -> Result<Reduced, DeviceError>;

    /// The numbers that would be at these places, from 0, if a column without `NaN` were sorted.
    ///
    /// # Errors
    /// A place that is not there; a failure of the device.
    fn order_statistics(&self, x: &Buffer, ranks: &[u64]) -> Result<Vec<f64>, DeviceError> {
        check_ranks(ranks, x.len())?;
        let mut values = self.download(x)?;
        let of = |rank: &u64| *values.select_nth_unstable_by(*rank as usize, f64::total_cmp).1;
        Ok(ranks.iter().map(of).collect())
    }

    /// c + o + X b, of length `rows`, which stays on the device; o is the `offset`.
    ///
    /// # Errors
    /// As [`moments`](Backend::moments).
    fn product(
        &self,
        x: &Matrix,
        b: &[f64],
        constant: f64,
        offset: Option<&Buffer>,
    ) -> Result<Buffer, DeviceError>;

    /// Xᵀ y, of length `columns`.
    ///
    /// # Errors
    /// As [`moments`](Backend::moments).
    fn transposed_product(&self, x: &Matrix, y: &Buffer) -> Result<Vec<f64>, DeviceError>;
}

/// A device that may be used, and is opened when it is chosen.
pub trait Offer: Send + Sync {
    /// Name that selects the device: `cuda:0`.
    fn id(&self) -> String;

    /// Seconds until it can be used, about: none where it is open.
    fn start(&self) -> f64;

    /// The device, ready.
    ///
    /// # Errors
    /// [`DeviceError::Absent`] with what is missing; a failure of the device.
    fn open(&self) -> Result<Arc<dyn Backend>, DeviceError>;
}

/// Rows that a gram sums in double precision before it goes on in twice that.
pub const RUN_ROWS: usize = 8192;

/// −x for two columns.
fn turned() -> Program {
    let mut p = Program::new();
    let (high, low, zero) = (p.input(0), p.input(1), p.constant(0.0));
    for v in [high, low] {
        let turned = p.binary(Binary::Sub, zero, v);
        p.output(turned);
    }
    p
}

/// −a b
fn minus_product() -> Program {
    let mut p = Program::new();
    let (a, b) = (p.input(0), p.input(1));
    let product = p.binary(Binary::Mul, a, b);
    let turned = p.unary(Unary::Neg, product);
    p.output(turned);
    p
}

/// c + o + X b in twice the precision, in two parts.
///
/// # Errors
/// Those of the verbs.
pub fn predictor(
    device: &(impl Backend + ?Sized),
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
    let turned = turned();
    let run = |inputs: &[&Buffer]| -> Result<[Buffer; 2], DeviceError> {
        let found = device.run(&turned, inputs, x.rows)?;
        let given = found.len();
        found.try_into().map_err(|_| DeviceError::Length {
            what: "outputs of a program",
            wanted: 2,
            given,
        })
    };
    let [minus, _] = run(&[&offset, &offset])?;
    let (high, low) = device.residual(x, b, constant, &minus)?;
    let [eta, low] = run(&[&high, &low])?;
    Ok((eta, low))
}

/// A step made of other verbs.
///
/// # Errors
/// Those of the verbs.
pub fn composed(
    device: &(impl Backend + ?Sized),
    x: &Matrix,
    step: &ScoringStep<'_>,
) -> Result<StepSums, DeviceError> {
    let n = x.rows;
    let run = |program: &Program, inputs: &[&Buffer]| device.run(program, inputs, n);
    let first = |found: Vec<Buffer>| {
        let wanted = DeviceError::Length {
            what: "outputs of a program",
            wanted: 1,
            given: 0,
        };
        found.into_iter().next().ok_or(wanted)
    };
    // 1. η
    let (eta, low): (Option<(usize, Buffer)>, Option<Buffer>) = match &step.predictor {
        Predictor::Given { low } => (None, low.cloned()),
        Predictor::Of {
            input,
            b,
            constant,
            offset,
            twice: false,
        } => {
            let b: Vec<f64> = b.iter().map(|b| b.hi).collect();
            let eta = device.product(x, &b, constant.hi, *offset)?;
            (Some((*input, eta)), None)
        }
        Predictor::Of {
            input,
            b,
            constant,
            offset,
            twice: true,
        } => {
            let (eta, low) = predictor(device, x, b, *constant, *offset)?;
            (Some((*input, eta)), Some(low))
        }
    };
    // 2. the program
    let mut inputs = step.inputs.to_vec();
    if let Some((at, eta)) = &eta {
        inputs[*at] = eta;
    }
    let mut outputs = run(step.program, &inputs)?;
    check_length("folds", step.folds.len() + 2, outputs.len())?;
    let rest = outputs.split_off(2);
    let (weight, score) = (&outputs[0], &outputs[1]);
    let (mut folds, mut missing, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for (fold, column) in step.folds.iter().zip(rest) {
        if *fold == Fold::Keep {
            folds.push(Dd::ZERO);
            missing.push(0);
            kept.push(column);
            continue;
        }
        let own = device.reduce(&column)?;
        folds.push(if *fold == Fold::Sum {
            own.sum
        } else {
            Dd::new(own.least)
        });
        missing.push(own.missing);
    }
    // 3. sums over the columns
    let vectors: Vec<&Buffer> = if step.gram {
        vec![score, weight]
    } else {
        vec![score]
    };
    let mut found = device.moments(x, None, &vectors)?.with.into_iter();
    let mut scores = found.next().unwrap_or_default();
    let weights = found.next().unwrap_or_default();
    let mut total = device.reduce(score)?.sum;
    if let Some(low) = &low {
        // what the leading part of η leaves over: ds/dη = −W in the mean
        let rest = first(run(&minus_product(), &[low, weight])?)?;
        total += device.reduce(&rest)?.sum;
        let more = device.moments(x, None, &[&rest])?.with;
        scores
            .iter_mut()
            .zip(more.iter().flatten())
            .for_each(|(a, b)| *a += *b);
    }
    let quick = match step.gram && step.single {
        true => device.single_gram(x, Some(weight), step.centres)?,
        false => None,
    };
    let single = quick.is_some();
    let gram = match (quick, step.gram) {
        (None, true) => Some(device.gram(x, Some(weight), step.centres)?),
        (quick, _) => quick,
    };
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
