//! The programs of each family: what a step of Fisher scoring computes for a row.

use nelder::family::{Family, Programs, Start, Trials};
use nelder_device::{Binary, Device, DeviceError, Host, Op, Program, Slot};

use crate::operations::may_differ;
use crate::values::{Random, ulps};
use crate::{Outcome, few};

/// Draws a response.
type Response = fn(&mut Random) -> f64;

/// Families with a link each, and the responses that they take.
const FAMILIES: &[(&str, Response)] = &[
    ("gaussian(identity)", |r| 10.0 * r.signed()),
    ("gaussian(log)", |r| 10.0 * r.uniform() + 0.1),
    ("binomial(logit)", |r| r.uniform().round()),
    ("binomial(probit)", |r| r.uniform().round()),
    ("binomial(cauchit)", |r| r.uniform().round()),
    ("binomial(cloglog)", |r| r.uniform().round()),
    ("poisson(log)", |r| (20.0 * r.uniform()).floor()),
    ("poisson(sqrt)", |r| (20.0 * r.uniform()).floor()),
    ("Gamma(log)", |r| 10.0 * r.uniform() + 1e-3),
    ("Gamma(inverse)", |r| 10.0 * r.uniform() + 1e-3),
    ("inverse.gaussian(1/mu^2)", |r| 10.0 * r.uniform() + 1e-3),
    ("quasi(link=log, variance=mu^2)", |r| 10.0 * r.uniform() + 1e-3),
    ("negative.binomial(2.5)", |r| (20.0 * r.uniform()).floor()),
    ("tweedie(1.5, log)", |r| 10.0 * r.uniform()),
    ("gaussian(inverse)", |r| 10.0 * r.uniform() + 0.1),
    ("gaussian(sqrt)", |r| 10.0 * r.uniform() + 0.1),
    ("gaussian(1/mu^2)", |r| 10.0 * r.uniform() + 0.1),
    ("gaussian(logit)", |r| r.uniform()),
    ("binomial(log)", |r| r.uniform().round()),
    ("binomial(identity)", |r| r.uniform().round()),
    ("binomial(sqrt)", |r| r.uniform().round()),
    ("binomial(inverse)", |r| r.uniform().round()),
    ("binomial(1/mu^2)", |r| r.uniform().round()),
    ("binomial(power(0.3))", |r| r.uniform().round()),
    ("quasibinomial(identity)", |r| r.uniform()),
    ("poisson(identity)", |r| (20.0 * r.uniform()).floor()),
    ("poisson(inverse)", |r| (20.0 * r.uniform()).floor()),
    ("poisson(logit)", |r| r.uniform().round()),
    ("quasipoisson(1/mu^2)", |r| 20.0 * r.uniform()),
    ("Gamma(identity)", |r| 10.0 * r.uniform() + 1e-3),
    ("Gamma(sqrt)", |r| 10.0 * r.uniform() + 1e-3),
    ("Gamma(1/mu^2)", |r| 10.0 * r.uniform() + 1e-3),
    ("inverse.gaussian(inverse)", |r| 10.0 * r.uniform() + 1e-3),
    ("inverse.gaussian(identity)", |r| 10.0 * r.uniform() + 1e-3),
    ("inverse.gaussian(log)", |r| 10.0 * r.uniform() + 1e-3),
    ("inverse.gaussian(sqrt)", |r| 10.0 * r.uniform() + 1e-3),
    ("quasi(link=power(0.3), variance=mu^3)", |r| {
        10.0 * r.uniform() + 1e-3
    }),
    ("quasi(link=cauchit, variance=mu(1-mu))", |r| r.uniform()),
    ("negative.binomial(2.5, sqrt)", |r| (20.0 * r.uniform()).floor()),
    ("negative.binomial(2.5, inverse)", |r| {
        (20.0 * r.uniform()).floor()
    }),
];

/// The first of them are each family and each link once.
const EACH_FAMILY: usize = 14;

/// Programs that differ from the original in the rounding of their functions.
const VARIANTS: u64 = 8;

/// Allowed error of a result, as a multiple of its largest difference between a variant and the original.
const SWAY: f64 = 8.0;

/// Units in the last place that it may be off beside that.
const UNITS: f64 = 8.0;

/// The outputs of a last pass that are 16th powers, of the elasticities: (1 + δ)¹⁶ is 1 + 16 δ.
const POWERS: std::ops::RangeInclusive<usize> = 8..=9;

/// The program with the result of each function moved by a unit in the last place, up or down by chance: what its
/// results move by then is what they may be off by where functions are right to a unit (Vignes 1993).
fn variant(program: &Program, seed: u64) -> Program {
    let mut random = Random::new(seed);
    let mut out = Program::new();
    let mut place: Vec<Slot> = Vec::new();
    for op in program.ops() {
        let mut slot = out.push(op.moved(|slot| place[slot as usize]));
        if may_differ(op) {
            let by = if random.uniform() < 0.5 { 1.0 } else { -1.0 };
            let factor = out.constant(1.0 + by * f64::EPSILON);
            let least = out.constant(by * 5e-324);
            slot = out.push(Op::Binary(Binary::Mul, slot, factor));
            slot = out.push(Op::Binary(Binary::Add, slot, least));
        }
        place.push(slot);
    }
    for &slot in program.outputs() {
        out.output(place[slot as usize]);
    }
    out
}

fn run(
    backend: &dyn Device,
    program: &Program,
    columns: &[&[f64]],
    rows: usize,
) -> Result<Vec<Vec<f64>>, DeviceError> {
    let held: Result<Vec<_>, _> = columns.iter().map(|c| backend.upload(c)).collect();
    let held = held?;
    let out = backend.run(program, &held.iter().collect::<Vec<_>>(), rows)?;
    out.iter().map(|o| backend.download(o)).collect()
}

/// All programs of all families at η up to 700 on both sides.
pub fn check(backend: &dyn Device, outcome: &mut Outcome) -> Result<(), DeviceError> {
    let host = Host::default();
    let kept = |at: usize| !few() || at < EACH_FAMILY || at.is_multiple_of(4);
    for (_, &(name, response)) in FAMILIES.iter().enumerate().filter(|(at, _)| kept(*at)) {
        let family: Family = name.parse().map_err(|e| DeviceError::Failed {
            device: "conformance".into(),
            message: format!("{name}: {e}"),
        })?;
        let mut random = Random::new(7);
        let mut eta: Vec<f64> = vec![700.0, -700.0, 40.0, -40.0, 1e-300, 0.0, -0.0, 1.0, -1.0];
        while eta.len() < 3000 {
            let span = [1.0, 10.0, 50.0, 700.0][eta.len() % 4];
            eta.push(span * random.signed());
        }
        let rows = eta.len();
        let y: Vec<f64> = (0..rows).map(|_| response(&mut random)).collect();
        let w: Vec<f64> = (0..rows).map(|_| 0.5 + random.uniform()).collect();
        let trials = if family.is_binomial() {
            Trials::Single
        } else {
            Trials::Several
        };
        let programs = Programs::new(&family, true, trials, Start::Family);
        let all = [
            ("mean", &programs.inverse_link),
            ("step", &programs.step),
            ("deviance", &programs.deviance),
            ("finish", &programs.finish),
        ];
        for (what, program) in all {
            let expected = run(&host, program, &[&y, &eta, &w], rows)?;
            let mut variants = Vec::new();
            for seed in 0..VARIANTS {
                variants.push(run(&host, &variant(program, seed), &[&y, &eta, &w], rows)?);
            }
            let got = run(backend, program, &[&y, &eta, &w], rows)?;
            let mut worst: (f64, String) = (0.0, String::new());
            for (k, want) in expected.iter().enumerate() {
                let units = match what == "finish" && POWERS.contains(&k) {
                    true => 16.0 * UNITS,
                    false => UNITS,
                };
                for i in 0..rows {
                    outcome.compared += 1;
                    let (a, b) = (want[i], got[k][i]);
                    // the largest move; not finite where a variant is out of range
                    let sway = variants
                        .iter()
                        .map(|v| (v[k][i] - a).abs())
                        .fold(0.0, |most: f64, move_| if move_ <= most { most } else { move_ });
                    // at the edge of a range the variants are out of it
                    if !sway.is_finite() && a.is_finite() {
                        continue;
                    }
                    let sway = if sway.is_finite() { sway } else { 0.0 };
                    let allowed = SWAY * sway + units * f64::EPSILON * a.abs() + f64::MIN_POSITIVE;
                    let fine = ulps(a, b) == 0.0 || (a - b).abs() <= allowed;
                    let part = if fine {
                        (a - b).abs() / allowed
                    } else {
                        f64::INFINITY
                    };
                    if !fine && part > worst.0 {
                        worst = (
                            part,
                            format!(
                                "{name} {what} {k}: y {:?}, eta {:?}, w {:?} gives {b:?} instead of {a:?}",
                                y[i], eta[i], w[i]
                            ),
                        );
                    }
                }
            }
            if worst.0 > 0.0 {
                outcome.failures.push(worst.1);
            }
        }
    }
    Ok(())
}
