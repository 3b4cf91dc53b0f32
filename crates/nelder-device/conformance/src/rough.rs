//! Grams that are rough on purpose, as steps and preconditioners want them.

use nelder_device::{Backend, Dd, DeviceError, Fold, Host, Predictor, Step, StepSums};

use crate::Outcome;
use crate::sums::{Problem, outer, program};
use crate::values::Random;

/// Grams of steps: within 2^-9 of the norms of the columns, also where all products have one sign; in single precision within
/// 2^-18.
pub fn check(backend: &dyn Backend, outcome: &mut Outcome) -> Result<(), DeviceError> {
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
        let found = |device: &dyn Backend| -> Result<StepSums, DeviceError> {
            let x = problem.matrix(device)?;
            let (y, w) = (device.upload(&problem.y)?, device.upload(&problem.w)?);
            let step = Step {
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
    Ok(())
}
