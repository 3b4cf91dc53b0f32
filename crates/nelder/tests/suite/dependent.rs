//! Columns that are combinations of others are so at any weights of the rows.

use crate::draws::Draws;
use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{GlmSpec, LmSpec, Regression, Warning, glm, lm};
use nelder::pass::NoProgress;

/// `scale(x)` is a combination of the intercept and of `g:x`, exactly but for its rounding. Where some levels are separated their rows
/// lose their weight, and the rounding of the other rows is large beside what those have left.
#[test]
fn rounding_beside_rows_without_weight_is_no_column() {
    let (mut separated, mut fits) = (0, 0);
    for seed in 0..400 {
        let mut draws = Draws::new(seed);
        let n = 30;
        let x: Vec<f64> = (0..n).map(|_| draws.uniform(0.0, 80.0).floor() - 40.0).collect();
        let of = |levels: [&str; 6], draws: &mut Draws| -> Vec<Option<String>> {
            (0..n)
                .map(|_| Some(levels[draws.uniform(0.0, 6.0) as usize].to_string()))
                .collect()
        };
        let g = of(["g0", "g5", "g3", "g1", "g6", "g4"], &mut draws);
        let h = of(["b", "c", "a", "b", "c", "a"], &mut draws);
        let y: Vec<f64> = (x.iter())
            .map(|x| f64::from(x + draws.uniform(0.0, 72.0) > 36.0))
            .collect();
        let frame = Frame::new()
            .with_real("x", &x)
            .with_text("g", &g)
            .with_text("h", &h)
            .with_real("y", &y);
        let formula = "y ~ scale(x) + g:x + h";
        let columns = lm(&LmSpec::new(formula), &frame, &NoProgress).unwrap();
        let Ok(fit) = glm(&GlmSpec::new(formula, Family::binomial()), &frame, &NoProgress) else {
            continue;
        };
        fits += 1;
        let terms = (fit.fit.warnings.iter()).find_map(|w| match w {
            Warning::Separation { terms } => Some(terms),
            _ => None,
        });
        separated += usize::from(terms.is_some());
        for (c, name) in fit.coefnames().iter().enumerate() {
            if columns.fit.aliased[c] {
                assert!(fit.fit.aliased[c], "{seed}: {name} is in the model");
                assert!(
                    terms.is_none_or(|terms| !terms.contains(name)),
                    "{seed}: {name} grows"
                );
            }
        }
    }
    assert!(fits > 350 && separated > 100, "{fits} {separated}");
}
