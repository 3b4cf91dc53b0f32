//! Grams that are rough on purpose, as steps and preconditioners want them.

use nelder_device::{
    Dd, Device, DeviceError, Fold, GlmKernels, Host, LinearAlgebra, Matrix, Predictor, ScoringStep, StepSums,
};

use crate::Outcome;
use crate::sums::{Problem, outer, program};
use crate::values::Random;

/// Grams of steps: within 2^-9 of the norms of the columns, also where all products have one sign; in single precision within
/// 2^-18.
pub fn check(backend: &dyn GlmKernels, outcome: &mut Outcome) -> Result<(), DeviceError> {
    let host = &Host::default();
    let mut random = Random::new(15);
    for (rows, columns, mean) in [
        (20_001, 40, 0.0),
        (5000, 130, 0.0),
        (70_000, 33, 1.0),
        (40_000, 257, 0.3),
    ] {
        let mut of = |n: usize, mean: f64| -> Vec<f64> { (0..n).map(|_| random.signed() + mean).collect() };
        let problem = Problem {
            rows,
            columns,
            a: of(rows * columns, mean),
            y: of(rows, 0.0),
            v: of(rows, 0.0),
            w: of(rows, 1.5),
            b: vec![Dd::ZERO; columns],
            constant: Dd::ZERO,
            codes: vec![0; rows],
        };
        let program = program();
        let centres = vec![0.25; columns];
        let found = |device: &dyn GlmKernels| -> Result<StepSums, DeviceError> {
            let x = problem.matrix(device)?;
            let (y, w) = (device.upload(&problem.y)?, device.upload(&problem.w)?);
            let step = ScoringStep {
                program: &program,
                inputs: &[&y, &y, &w],
                predictor: Predictor::Of {
                    input: 1,
                    b: &problem.b,
                    constant: problem.constant,
                    offset: None,
                    twice: false,
                },
                folds: &[Fold::Sum, Fold::Sum, Fold::Sum],
                gram: true,
                centres: (mean > 0.5).then_some(&centres),
                single: true,
            };
            device.step(&x, &step)
        };
        let (want, have) = (found(host)?, found(backend)?);
        let (wanted, gram) = (want.gram.unwrap_or_default(), have.gram.unwrap_or_default());
        let norm = |i: usize| wanted[i * (i + 1) / 2 + i].to_f64().sqrt();
        let size = outer(&(0..columns).map(norm).collect::<Vec<f64>>());
        let error = |i: usize| (wanted[i] - gram[i]).abs().to_f64() / size[i].to_f64();
        let worst = (0..wanted.len()).map(error).fold(0.0, f64::max);
        outcome.compared += wanted.len() + 2 * columns;
        let near = |a: &[Dd], b: &[Dd], c: f64| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (*a - *b).abs().to_f64() <= c)
        };
        let double = rows as f64 * (rows as f64).sqrt() * f64::EPSILON * 8.0;
        if gram.len() != wanted.len()
            || !(worst <= 2f64.powi(-9))
            || !near(&want.scores, &have.scores, double)
            || !near(&want.weights, &have.weights, double)
        {
            let what = format!("rough gram of {rows} x {columns}: {worst:e}");
            outcome.failures.push(what);
        }
        // 24 bits, about centres that are means, whatever the columns' scales
        let means: Vec<f64> = (0..columns).map(|_| mean).collect();
        let (x, w) = (problem.matrix(backend)?, backend.upload(&problem.w)?);
        if let Some(gram) = backend.single_gram(&x, Some(&w), Some(&means))? {
            let (x, w) = (problem.matrix(host)?, host.upload(&problem.w)?);
            let wanted = host.gram(&x, Some(&w), Some(&means))?;
            let norm = |i: usize| wanted[i * (i + 1) / 2 + i].to_f64().sqrt();
            let size = outer(&(0..columns).map(norm).collect::<Vec<f64>>());
            let error = |i: usize| (wanted[i] - gram[i]).abs().to_f64() / size[i].to_f64();
            let worst = (0..wanted.len()).map(error).fold(0.0, f64::max);
            outcome.compared += wanted.len();
            if gram.len() != wanted.len() || !(worst <= 2f64.powi(-18)) {
                let what = format!("single-precision gram of {rows} x {columns}: {worst:e}");
                outcome.failures.push(what);
            }
        }
    }
    preconditioner(backend, outcome)
}

/// The gram of a preconditioner, where there is one: within 2^-18 of the norms of the columns, whatever their units; one column
/// with a number that is none spoils no other.
fn preconditioner(backend: &dyn LinearAlgebra, outcome: &mut Outcome) -> Result<(), DeviceError> {
    let host = &Host::default();
    let mut random = Random::new(16);
    for (rows, columns, mean) in [
        (1, 1, 0.0),
        (777, 7, 1.0),
        (20_001, 40, 0.0),
        (5000, 130, 0.3),
        (30_000, 70, 1e5),
    ] {
        let scale = |j: usize| 2f64.powi(40 * (j % 9) as i32 - 160);
        let mut a: Vec<f64> = (0..rows * columns)
            .map(|i| (random.signed() + mean) * scale(i / rows))
            .collect();
        let w: Vec<f64> = (0..rows)
            .map(|i| f64::from(i % 5 != 3) * random.uniform() * 1e-30)
            .collect();
        let centres: Vec<f64> = (0..columns).map(|j| mean * scale(j)).collect();
        for (weighted, centred, spoilt) in [
            (false, mean > 1.0, false),
            (true, mean > 1.0, false),
            (true, true, true),
        ] {
            if spoilt {
                a[rows - 1] = f64::NAN;
            }
            let gram = |device: &dyn LinearAlgebra, single: bool| -> Result<Option<Vec<Dd>>, DeviceError> {
                let columns: Vec<&[f64]> = a.chunks(rows).collect();
                let x = Matrix::new(device.upload_columns(&columns)?, rows, columns.len())?;
                let w = weighted.then(|| device.upload(&w)).transpose()?;
                let c = centred.then_some(&centres[..]);
                match single {
                    true => device.single_gram(&x, w.as_ref(), c),
                    false => device.gram(&x, w.as_ref(), c).map(Some),
                }
            };
            let Some(have) = gram(backend, true)? else {
                continue;
            };
            let want = gram(host, false)?.unwrap_or_default();
            let norm = |i: usize| want[i * (i + 1) / 2 + i].to_f64().sqrt();
            let size = outer(&(0..columns).map(norm).collect::<Vec<f64>>());
            let error = |i: usize| match want[i].is_nan() {
                true => f64::from(u8::from(!have[i].is_nan())),
                false => (want[i] - have[i]).abs().to_f64() / size[i].to_f64(),
            };
            outcome.compared += want.len();
            let fine = |i: usize| error(i) <= 2f64.powi(-18);
            if want.len() != have.len() || !(0..want.len()).all(fine) {
                let worst = (0..want.len()).map(error).fold(0.0, f64::max);
                outcome.failures.push(format!(
                    "gram in single precision of {rows} x {columns}: {worst:e}"
                ));
            }
        }
    }
    Ok(())
}
