//! Generalized linear models on whose data Fisher scoring goes astray, held against an optimiser from many starts.

mod draws;
mod maxima;

use draws::Draws;
use maxima::{Data, HARD, maxima};
use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{GlmSpec, Warning, glm};
use nelder::pass::Quiet;

#[test]
#[ignore]
fn survey() {
    let seeds: u64 = std::env::var("SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(40);
    let from: u64 = std::env::var("FROM").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    let only = std::env::var("ONLY").unwrap_or_default();
    for model in HARD.iter().filter(|m| m.name.contains(&only)) {
        let (mut with, mut best, mut local, mut missed, mut claims, mut passes) = (0, 0, 0, 0, 0, 0);
        let (mut none, mut none_converged) = (0, 0);
        for seed in from..from + seeds {
            let mut draws = Draws::new(seed * 1000 + 17);
            let data = Data::hard(model, &mut draws);
            let found = maxima(&data, model, &mut draws);
            let mut frame = Frame::new().with_real("y", &data.y).with_real("w", &data.w);
            let names = ["x1", "x2"];
            for (x, name) in data.x.iter().zip(names) {
                frame = frame.with_real(name, x);
            }
            let formula = format!("y ~ {}", names[..data.x.len()].join(" + "));
            let family: Family = model.name.parse().unwrap();
            let spec = GlmSpec::new(&formula, family).weights("w");
            let fit = glm(&spec, &frame, &Quiet);
            let text = match &fit {
                Ok(f) => format!("conv {} dev {} {:?} {:?}", f.fit.converged, f.fit.deviance, f.coefficients, f.fit.warnings),
                Err(e) => format!("{e}"),
            };
            if let Ok(f) = &fit { passes += f.fit.report.passes.len(); }
            let separated = matches!(&fit, Ok(f) if f.fit.warnings.iter().any(|w| matches!(w, Warning::Separation { .. })));
            if found.is_empty() {
                none += 1;
                if matches!(&fit, Ok(f) if f.fit.converged && !separated) { none_converged += 1;
                    println!("NONE {} seed {seed}: ours {text}", model.name);
                }
                continue;
            }
            with += 1;
            claims += separated as usize;
            let ours = match &fit { Ok(f) if f.fit.converged => f.fit.deviance, _ => f64::NAN };
            let near = |d: f64| (d - ours).abs() < 1e-7 * (1.0 + d);
            if near(found[0].deviance) { best += 1 }
            else if found.iter().any(|f| near(f.deviance)) { local += 1; println!("LOCAL {} seed {seed}: {text} of {:?}", model.name, found.iter().map(|f| f.deviance).collect::<Vec<_>>()); }
            else { missed += 1; println!("MISS {} seed {seed}: best {:?}\n    ours {text}", model.name, found[0]); }
        }
        println!("{:26} {with} with a maximum: best {best} local {local} missed {missed} claims {claims}; none {none}, of which converged {none_converged}; passes {passes}", model.name);
    }
}
