//! A step of Fisher scoring: what a program says of each row, and what it amounts to over the columns of a matrix.

use crate::backend::{Backend, DeviceError, check_length};
use crate::buffer::{Buffer, Matrix};
use crate::{Binary, Dd, Program, Unary};

/// Where the linear predictor comes from.
#[derive(Clone, Debug)]
pub enum Predictor<'a> {
    /// One of the inputs, or the program's own; `low` is what it leaves over.
    Given {
        /// Its trailing part.
        low: Option<&'a Buffer>,
    },
    /// η = c + o + X b, which takes the place of an input.
    Of {
        /// The input.
        input: usize,
        /// b.
        b: &'a [Dd],
        /// c.
        constant: Dd,
        /// o.
        offset: Option<&'a Buffer>,
        /// Whether it is formed in twice the precision.
        twice: bool,
    },
}

/// What becomes of an output by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// Its sum, in twice the precision, and how many are `NaN`.
    Sum,
    /// Its smallest number.
    Least,
    /// It stays on the device.
    Keep,
}

/// A step to be taken.
#[derive(Clone, Debug)]
pub struct ScoringStep<'a> {
    /// Outputs are the weight W and the score s of a row, then one for each fold.
    pub program: &'a Program,
    /// The columns that it reads; the one in the predictor's place is not read where that is computed.
    pub inputs: &'a [&'a Buffer],
    /// η.
    pub predictor: Predictor<'a>,
    /// What becomes of the outputs after the first two.
    pub folds: &'a [Fold],
    /// Whether the gram (X − 1cᵀ)ᵀ W (X − 1cᵀ) is wanted.
    pub gram: bool,
    /// c, zero where they are absent.
    pub centres: Option<&'a [f64]>,
    /// Whether the products of the gram may be in single precision, where that is quicker.
    pub single: bool,
}

/// What a step amounts to.
#[derive(Clone, Debug)]
pub struct StepSums {
    /// ΣW.
    pub weight: Dd,
    /// Σs, of what the leading part of η leaves over too.
    pub score: Dd,
    /// Xᵀs; in twice the precision where η is.
    pub scores: Vec<Dd>,
    /// XᵀW, where the gram is wanted.
    pub weights: Vec<Dd>,
    /// The gram, lower triangle by rows, runs as in [`Backend::gram`].
    pub gram: Option<Vec<Dd>>,
    /// Whether its products are in single precision: within 2^-9 of the norms of the columns about the centres.
    pub single: bool,
    /// By fold: the sum, or the least number as its leading part; zero where the output was kept.
    pub folds: Vec<Dd>,
    /// By fold, how many were `NaN`, where it is a sum.
    pub missing: Vec<u64>,
    /// The outputs that were kept.
    pub kept: Vec<Buffer>,
}

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
