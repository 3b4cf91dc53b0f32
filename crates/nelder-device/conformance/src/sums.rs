//! Sums over rows in twice the precision: moments, grams, residuals; ranges and order statistics of columns.

use nelder_device::{
    Binary, Buffer, Dd, Device, DeviceError, Fold, GlmKernels, Host, LinearAlgebra, Matrix, Predictor,
    Program, RUN_ROWS, ScoringStep,
};

use crate::products::SHAPES;
use crate::values::Random;
use crate::{Outcome, rough};

/// Each step leaves two units of 2^-104; of the addition in the kernels a few more.
const UNIT: f64 = 1.0 / (1u128 << 102) as f64;

/// Number of codes; some have no row.
const CODES: usize = 12;

/// One problem: a matrix, vectors, weights, coefficients.
#[derive(Clone)]
pub(crate) struct Problem {
    pub rows: usize,
    pub columns: usize,
    pub a: Vec<f64>,
    pub y: Vec<f64>,
    pub v: Vec<f64>,
    pub w: Vec<f64>,
    pub codes: Vec<u32>,
    pub b: Vec<Dd>,
    pub constant: Dd,
}

impl Problem {
    fn new(random: &mut Random, rows: usize, columns: usize) -> Problem {
        let codes = (0..rows)
            .map(|i| (random.signed().abs() * 7.0) as u32 + 2 * u32::from(i > 100))
            .collect();
        let mut draw = |n: usize| -> Vec<f64> { (0..n).map(|_| random.sized(2.0)).collect() };
        Problem {
            codes,
            rows,
            columns,
            a: draw(rows * columns),
            y: draw(rows),
            v: draw(rows),
            w: draw(rows).iter().map(|v| v.abs()).collect(),
            b: draw(columns).into_iter().map(|v| Dd::new(v) / 3.0).collect(),
            constant: Dd::new(draw(1)[0]) / 7.0,
        }
    }

    /// Absolute values, with which nothing cancels: what errors are relative to.
    fn sizes(&self) -> Problem {
        let abs = |v: &[f64]| v.iter().map(|v| v.abs()).collect::<Vec<f64>>();
        Problem {
            a: abs(&self.a),
            y: abs(&self.y),
            v: abs(&self.v),
            b: self.b.iter().map(|b| -b.abs()).collect(),
            constant: -self.constant.abs(),
            ..self.clone()
        }
    }

    pub(crate) fn matrix(&self, device: &dyn Device) -> Result<Matrix, DeviceError> {
        let columns: Vec<&[f64]> = match self.rows {
            0 => Vec::new(),
            rows => self.a.chunks(rows).collect(),
        };
        Matrix::new(device.upload_columns(&columns)?, self.rows, self.columns)
    }

    fn weights(&self, device: &dyn Device, weighted: bool) -> Result<Option<Buffer>, DeviceError> {
        weighted.then(|| device.upload(&self.w)).transpose()
    }
}

fn paired(device: &dyn Device, (high, low): &(Buffer, Buffer)) -> Result<Vec<Dd>, DeviceError> {
    let (high, low) = (device.download(high)?, device.download(low)?);
    Ok(high.into_iter().zip(low).map(|(hi, lo)| Dd { hi, lo }).collect())
}

fn plain(values: &[f64]) -> Vec<Dd> {
    values.iter().map(|v| Dd::new(*v)).collect()
}

/// The lower triangle by rows of vvᵀ.
pub(crate) fn outer(v: &[f64]) -> Vec<Dd> {
    let row = |i: usize| (0..=i).map(move |j| Dd::two_prod(v[i], v[j]));
    (0..v.len()).flat_map(row).collect()
}

/// A verb on a device: named results, each with the rows that its errors grow with.
type Results = Vec<(&'static str, f64, Vec<Dd>)>;

fn verbs(device: &dyn GlmKernels, p: &Problem, weighted: bool) -> Result<Results, DeviceError> {
    let x = p.matrix(device)?;
    let w = p.weights(device, weighted)?;
    let w = w.as_ref();
    let (y, v) = (device.upload(&p.y)?, device.upload(&p.v)?);
    let n = p.rows as f64 + 6.0;
    let run = p.rows.min(RUN_ROWS) as f64 + 6.0;
    let double = f64::EPSILON / UNIT;
    let mut out: Results = Vec::new();
    let moments = device.moments(&x, w, &[&y, &v])?;
    out.push(("sums", n, moments.sums));
    out.push(("squares", n * double, plain(&moments.squares)));
    out.push(("sums with a vector", n, moments.with.concat()));
    out.push(("gram", run * double, device.gram(&x, w, None)?));
    out.push(("exact gram", n, device.exact_gram(&x, w)?));
    let residual = device.residual(&x, &p.b, p.constant, &y)?;
    let terms = p.columns as f64 + 6.0;
    out.push(("residual", terms, paired(device, &residual)?));
    let sums = device.residual_sums(&x, &p.b, p.constant, &y, w)?;
    out.push((
        "residuals",
        terms.max(8.0 * double),
        plain(&device.download(&sums.residuals)?),
    ));
    out.push(("squares of residuals", n + 2.0 * terms, vec![sums.squares]));
    out.push(("sum of residuals", n + terms, vec![sums.sum]));
    out.push(("score", n + terms, sums.score));
    let codes = device.upload_codes(&p.codes, CODES)?;
    let parts = (&residual.0, &residual.1);
    let by_code = device.sums_by_code(&codes, &x, (Some(parts.0), Some(parts.1)))?;
    out.push(("sums by code", n + terms, by_code));
    out.push((
        "sums of ones by code",
        n,
        device.sums_by_code(&codes, &x, (w, None))?,
    ));
    let table: Vec<Dd> = (0..CODES).map(|c| p.constant * Dd::new(c as f64)).collect();
    let plain_part = device.subtract_by_code(parts, &codes, &table, None)?;
    out.push(("residual by code", terms + 8.0, paired(device, &plain_part)?));
    let rest: Vec<f64> =
        p.y.iter()
            .zip(&p.v)
            .map(|(y, v)| y.abs().min(v.abs()) * 2f64.powi(-60))
            .collect();
    let rest = device.upload(&rest)?;
    let times = device.subtract_by_code(parts, &codes, &table, Some((&v, Some(&rest))))?;
    out.push((
        "residual by code and column",
        terms + 8.0,
        paired(device, &times)?,
    ));
    let weighed = device.weigh((parts.0, Some(parts.1)), w)?;
    out.push(("weighed", terms + 4.0, paired(device, &weighed.weighed)?));
    out.push(("sum of the weighed", n + terms, vec![weighed.sum]));
    step(device, p, weighted, &mut out)?;
    out.push((
        "transposed residual",
        n + terms,
        device.transposed_residual(&x, (&residual.0, &residual.1))?,
    ));
    Ok(out)
}

/// W = w, s = w (y − η), and (y − η)², y − η twice.
pub(crate) fn program() -> Program {
    let mut p = Program::new();
    let (y, eta, w) = (p.input(0), p.input(1), p.input(2));
    let apart = p.binary(Binary::Sub, y, eta);
    let score = p.binary(Binary::Mul, w, apart);
    let square = p.binary(Binary::Mul, apart, apart);
    for slot in [w, score, square, apart, apart] {
        p.output(slot);
    }
    p
}

/// Steps whose predictor is computed, in double precision and in twice that, and given.
fn step(device: &dyn GlmKernels, p: &Problem, offset: bool, out: &mut Results) -> Result<(), DeviceError> {
    let x = p.matrix(device)?;
    let (y, v, w) = (device.upload(&p.y)?, device.upload(&p.v)?, device.upload(&p.w)?);
    let program = program();
    let folds = [Fold::Sum, Fold::Least, Fold::Keep];
    let double = f64::EPSILON / UNIT;
    let n = p.rows as f64 + 6.0;
    let run = p.rows.min(RUN_ROWS) as f64 + 6.0;
    // errors of η and of the products, each relative to the sum of absolute values
    let terms = (p.columns as f64 + 12.0) * double;
    let minus: Vec<f64> = p.v.iter().map(|v| -v.abs()).collect();
    let minus = device.upload(&minus)?;
    for twice in [false, true] {
        let step = ScoringStep {
            program: &program,
            inputs: &[&y, &y, &w],
            predictor: Predictor::Of {
                input: 1,
                b: &p.b,
                constant: p.constant,
                offset: offset.then_some(&minus),
                twice,
            },
            folds: &folds,
            gram: offset,
            centres: None,
            single: false,
        };
        let found = device.step(&x, &step)?;
        let scores = [&[found.score][..], &found.scores].concat();
        out.push(("weight of a step", n, vec![found.weight]));
        out.push(("score of a step", terms + run * double, scores));
        out.push(("weights of a step", run * double, found.weights));
        out.push(("gram of a step", run * double, found.gram.unwrap_or_default()));
        out.push(("sum of a step", 2.0 * terms, vec![found.folds[0]]));
        out.push(("kept of a step", terms, plain(&device.download(&found.kept[0])?)));
        // it is one of what was kept
        let least = device.reduce(&found.kept[0])?.least;
        let same = f64::from(u8::from(least == found.folds[1].hi));
        out.push(("least of a step", 0.0, plain(&[same])));
    }
    let step = ScoringStep {
        program: &program,
        inputs: &[&y, &minus, &w],
        predictor: Predictor::Given { low: Some(&v) },
        folds: &folds,
        gram: true,
        centres: None,
        single: false,
    };
    let found = device.step(&x, &step)?;
    // sizes: y − η is y + |v|, and the rest −w v is not more than that
    let sums = [&[found.score][..], &found.scores].concat();
    let rest = device.moments(&x, Some(&w), &[&v])?;
    let rest: Vec<Dd> = [
        &device
            .moments(&Matrix::new(w.clone(), p.rows, 1)?, None, &[&v])?
            .with[0][..],
        &rest.with[0],
    ]
    .concat();
    // with what the rest took away put back, nothing is small beside its parts
    let back = sums.iter().zip(&rest).map(|(s, r)| *s + *r).collect();
    out.push(("score of a given step", (20.0 + run) * double + n, back));
    out.push((
        "gram of a given step",
        run * double,
        found.gram.unwrap_or_default(),
    ));
    Ok(())
}

/// Within the stated number of units of the sums of absolute values.
pub fn check(backend: &dyn GlmKernels, outcome: &mut Outcome) -> Result<(), DeviceError> {
    let host = Host::default();
    let mut random = Random::new(12);
    for &(rows, columns) in SHAPES {
        let problem = Problem::new(&mut random, rows, columns);
        for weighted in [false, true] {
            let want = verbs(&host, &problem, weighted)?;
            let size = verbs(&host, &problem.sizes(), weighted)?;
            let have = verbs(backend, &problem, weighted)?;
            for (((what, units, want), (_, _, size)), (_, _, have)) in want.iter().zip(&size).zip(&have) {
                outcome.compared += want.len();
                let apart = |i: usize| (want[i] - have[i]).abs().to_f64();
                let fine = |i: usize| apart(i) <= units * UNIT * size[i].to_f64() + f64::MIN_POSITIVE;
                let same = want.len() == have.len();
                if same {
                    let shares = (0..want.len()).map(|i| (apart(i) - f64::MIN_POSITIVE) / size[i].to_f64());
                    outcome.at_worst(what, shares.fold(0.0, f64::max) / UNIT);
                }
                if !same || !(0..want.len()).all(fine) {
                    let weights = if weighted { ", weighted" } else { "" };
                    outcome
                        .failures
                        .push(format!("{what} of {rows} x {columns}{weights}"));
                }
            }
            centred(backend, &host, &problem, weighted, outcome)?;
        }
        flags(backend, &host, &problem, outcome)?;
    }
    rough::check(backend, outcome)?;
    columns(backend, &mut random, outcome)
}

/// A gram about centres: what is far from the origin loses nothing.
fn centred(
    backend: &dyn LinearAlgebra,
    host: &Host,
    problem: &Problem,
    weighted: bool,
    outcome: &mut Outcome,
) -> Result<(), DeviceError> {
    let centres: Vec<f64> = (0..problem.columns).map(|j| 1e6 + j as f64).collect();
    let mut far = problem.clone();
    for (j, c) in centres.iter().enumerate() {
        far.a[j * far.rows..(j + 1) * far.rows]
            .iter_mut()
            .for_each(|a| *a += c);
    }
    let gram = |device: &dyn LinearAlgebra| -> Result<Vec<Dd>, DeviceError> {
        let w = far.weights(device, weighted)?;
        device.gram(&far.matrix(device)?, w.as_ref(), Some(&centres))
    };
    let (want, have) = (gram(host)?, gram(backend)?);
    let diagonal = |i: usize| want[i * (i + 1) / 2 + i].to_f64().max(0.0).sqrt();
    let size = outer(&(0..problem.columns).map(diagonal).collect::<Vec<f64>>());
    let bound = (problem.rows.min(RUN_ROWS) as f64 + 8.0) * f64::EPSILON;
    let fine = |i: usize| (want[i] - have[i]).abs().to_f64() <= bound * size[i].to_f64() + f64::MIN_POSITIVE;
    outcome.compared += want.len();
    if want.len() != have.len() || !(0..want.len()).all(fine) {
        outcome
            .failures
            .push(format!("centred gram of {} x {}", problem.rows, problem.columns));
    }
    Ok(())
}

/// Which columns have a value that is not as it was written: 0.5 is, 0.3 and 2⁻¹³ are not.
fn flags(
    backend: &dyn GlmKernels,
    host: &Host,
    problem: &Problem,
    outcome: &mut Outcome,
) -> Result<(), DeviceError> {
    let mut whole = problem.clone();
    whole
        .a
        .iter_mut()
        .for_each(|a| *a = (a.clamp(-1e6, 1e6) * 4096.0).round() / 4096.0);
    for (k, value) in [0.3, 2f64.powi(-13), 2f64.powi(28) + 0.5, 1e16]
        .into_iter()
        .enumerate()
    {
        if let Some(a) = whole.a.get_mut(problem.rows * (2 * k + 1) / 2) {
            *a = value;
        }
    }
    let of = |device: &dyn GlmKernels| {
        Ok::<_, DeviceError>(device.moments(&whole.matrix(device)?, None, &[])?.rounded)
    };
    outcome.compared += whole.columns;
    if of(backend)? != of(host)? {
        outcome.failures.push(format!(
            "fractions of {} x {} are not told from whole numbers",
            problem.rows, problem.columns
        ));
    }
    Ok(())
}

/// Ranges and order statistics: exact.
fn columns(backend: &dyn Device, random: &mut Random, outcome: &mut Outcome) -> Result<(), DeviceError> {
    for len in [1usize, 2, 31, 1000, 100_003] {
        let mut values: Vec<f64> = (0..len).map(|_| random.sized(30.0)).collect();
        // ties, zeros of both signs
        for i in 0..len / 3 {
            values[3 * i] = [0.0, -0.0, 1.5, -1.5][i % 4];
        }
        let buffer = backend.upload(&values)?;
        let last = len as u64 - 1;
        let ranks = [0, last / 4, (last / 4 + 1).min(last), last / 2, last];
        let have = backend.order_statistics(&buffer, &ranks)?;
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let want: Vec<f64> = ranks.iter().map(|r| sorted[*r as usize]).collect();
        outcome.compared += ranks.len() + 4;
        if want != have {
            outcome
                .failures
                .push(format!("order statistics of {len}: {have:?}, not {want:?}"));
        }
        if backend.order_statistics(&buffer, &[last + 1]).is_ok() {
            outcome
                .failures
                .push(format!("there is a place {} of {len}", last + 1));
        }
        values[len / 2] = f64::NAN;
        let host = Host::default();
        let (want, have) = (
            host.reduce(&host.upload(&values)?)?,
            backend.reduce(&backend.upload(&values)?)?,
        );
        let finite = backend.reduce(&buffer)?;
        let total = host.reduce(&host.upload(&sorted)?)?.sum;
        let size: f64 = sorted.iter().map(|v| v.abs()).sum();
        let near = (finite.sum - total).abs().to_f64() <= len as f64 * UNIT * size;
        let same = (want.least, want.largest, want.missing) == (have.least, have.largest, have.missing);
        if !(near && same && have.missing == 1 && finite.missing == 0) {
            outcome.failures.push(format!("the range or the sum of {len}"));
        }
    }
    Ok(())
}
