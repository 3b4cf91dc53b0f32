//! Generalized linear models on whose data Fisher scoring goes astray, held against an optimiser from many starts.

use crate::draws::Draws;
use crate::maxima::{Data, HARD, Maximum, Model, maxima};
use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{GlmSpec, Warning, glm};
use nelder::pass::NoProgress;

/// What a fit and the optimiser have found on the same data.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    /// A maximum of those that the optimiser has found, the highest or another.
    Found { highest: bool },
    /// None, where there is one.
    Missed,
    /// The optimiser has found none inside the domain.
    None { converged: bool },
}

const NAMES: [&str; 2] = ["x1", "x2"];

/// Fits a model to data drawn by a seed; the outcome, whether separation was claimed, and a line about it.
fn outcome(model: &Model, seed: u64) -> (Outcome, bool, String) {
    let mut draws = Draws::new(seed * 1000 + 17);
    let data = Data::hard(model, &mut draws);
    let found = maxima(&data, model, &mut draws);
    let mut frame = Frame::new().with_real("y", &data.y).with_real("w", &data.w);
    for (x, name) in data.x.iter().zip(NAMES) {
        frame = frame.with_real(name, x);
    }
    let formula = format!("y ~ {}", NAMES[..data.x.len()].join(" + "));
    let family: Family = model.name.parse().unwrap();
    let fit = glm(&GlmSpec::new(&formula, family).weights("w"), &frame, &NoProgress);
    let best: Option<&Maximum> = found.first();
    let text = |ours: String| format!("{} seed {seed}: {ours}; best {best:?}", model.name);
    let fit = match fit {
        Ok(fit) => fit.fit,
        Err(e) if best.is_some() => return (Outcome::Missed, false, text(e.to_string())),
        Err(e) => return (Outcome::None { converged: false }, false, text(e.to_string())),
    };
    let separated = fit
        .warnings
        .iter()
        .any(|w| matches!(w, Warning::Separation { .. }));
    let line = text(format!("{} {:?}", fit.deviance, fit.warnings));
    let converged = fit.converged && !separated;
    // a maximum far out may be beyond what the optimiser looks at
    let near = |m: &Maximum| converged && (m.deviance - fit.deviance).abs() < 1e-8 * (1.0 + m.deviance);
    let outcome = match best {
        None => Outcome::None { converged },
        Some(best) if near(best) => Outcome::Found { highest: true },
        Some(_) if found.iter().any(near) => Outcome::Found { highest: false },
        Some(best) if converged && fit.deviance < best.deviance => Outcome::Found { highest: true },
        Some(_) => Outcome::Missed,
    };
    (outcome, separated, line)
}

/// Every fit finds a maximum inside the domain where there is one, and claims no separation there. Which one of several it is
/// depends on where an iteration starts; it is the highest in nearly all.
#[test]
fn maxima_are_found() {
    let seeds: u64 = std::env::var("NELDER_TEST_SEEDS")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(25);
    let mut all = [0, 0];
    for (at, model) in HARD.iter().enumerate() {
        let (mut found, mut lower, mut none, mut settled) = (0, 0, 0, 0);
        for seed in 0..seeds {
            let (outcome, separated, line) = outcome(model, seed + 10_000 * at as u64);
            match outcome {
                Outcome::Missed => panic!("a maximum is missed: {line}"),
                Outcome::Found { highest } => {
                    assert!(!separated, "separation is claimed: {line}");
                    found += 1;
                    lower += u64::from(!highest);
                }
                Outcome::None { converged } => {
                    none += 1;
                    settled += u64::from(converged);
                }
            }
        }
        println!(
            "{:26} {found} maxima found, {lower} of them not the highest; {none} have none inside, of which {settled} settle",
            model.name
        );
        assert!(found * 3 >= seeds, "{}: the data are no test", model.name);
        all = [all[0] + found, all[1] + lower];
    }
    assert!(
        all[1] * 20 <= all[0],
        "{} of {} are not the highest",
        all[1],
        all[0]
    );
}
