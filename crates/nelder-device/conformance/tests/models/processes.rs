//! Sums that travel: any partition of the rows over processes, merged through bytes in any order, gives the fit of one process.

use std::sync::Arc;

use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{
    Detail, Glm, GlmSpec, Inference, Lm, LmSpec, PcaSpec, Regression, Warning, glm, lm, prcomp,
};
use nelder::pass::{NoProgress, PartResult, Run, StateError};
use nelder_conformance::Processes;
use proptest::prelude::*;

/// A data set with numbers, texts, whole numbers, weights of which some are zero, and values that are missing.
#[derive(Clone, Debug)]
struct Data {
    x: Vec<f64>,
    k: Vec<i32>,
    g: Vec<Option<String>>,
    h: Vec<Option<String>>,
    w: Vec<f64>,
    y: Vec<f64>,
    b: Vec<f64>,
}

impl Data {
    fn frame(&self) -> Frame<'_> {
        Frame::new()
            .with_real("x", &self.x)
            .with_integer("k", &self.k)
            .with_text("g", &self.g)
            .with_text("h", &self.h)
            .with_real("w", &self.w)
            .with_real("y", &self.y)
            .with_real("b", &self.b)
    }
}

/// x, k, g, h, weight, noise, and what is missing.
type Row = (i32, i32, usize, usize, i32, i32, u8);

/// Rows by chance: `(x, k, g, h, weight, noise, missing)` of small whole numbers, so that sums are exact.
fn data() -> impl Strategy<Value = Data> {
    let row = (
        -40i32..40,
        0i32..5,
        0usize..6,
        0usize..3,
        0i32..4,
        -9i32..9,
        0u8..30,
    );
    prop::collection::vec(row, 30..90).prop_map(|rows| {
        let text = |known: bool, name: String| known.then_some(name);
        let of = |f: &dyn Fn(&Row) -> f64| rows.iter().map(f).collect();
        Data {
            x: of(&|r| if r.6 == 0 { f64::NAN } else { f64::from(r.0) }),
            k: rows.iter().map(|r| r.1).collect(),
            // levels appear in another order than that of their names
            g: rows
                .iter()
                .map(|r| text(r.6 != 1, format!("g{}", (r.2 * 5) % 7)))
                .collect(),
            h: rows
                .iter()
                .map(|r| text(r.6 != 2, ["b", "c", "a"][r.3].to_string()))
                .collect(),
            w: of(&|r| f64::from(r.4)),
            y: of(&|r| f64::from(2 * r.0 + r.5) + r.2 as f64),
            b: of(&|r| f64::from(u8::from(r.0 + 4 * r.5 > 0))),
        }
    })
}

const FORMULAS: [&str; 7] = [
    "y ~ x + g",
    "y ~ g * h + x",
    "y ~ interaction(g, h) + x",
    "y ~ relevel(g, ref = \"g0\") + factor(k)",
    "y ~ poly(x, 2) + factor(k):h",
    "y ~ factor(x > 3) + paste(h, k)",
    "y ~ scale(x) + g:x + h",
];

fn place(count: usize, pieces: usize, seed: u64) -> Run<'static> {
    Run::on(Arc::new(Processes { count, pieces, seed }), &NoProgress)
}

/// Numbers that agree to a share of the larger of themselves and a unit.
fn near(ours: &[f64], theirs: &[f64], units: &[f64]) -> Result<(), TestCaseError> {
    prop_assert_eq!(ours.len(), theirs.len());
    for i in 0..ours.len() {
        let (a, b) = (ours[i], theirs[i]);
        let unit = units[i].abs().max(b.abs());
        let close = (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-11 * unit || a == b;
        prop_assert!(close, "{i}: {a} and {b}");
    }
    Ok(())
}

fn same_lm(ours: &Lm<'_>, theirs: &Lm<'_>) -> Result<(), TestCaseError> {
    prop_assert_eq!(ours.coefnames(), theirs.coefnames());
    prop_assert_eq!(&ours.fit.aliased, &theirs.fit.aliased);
    prop_assert_eq!(
        (ours.rows(), ours.omitted(), ours.rank),
        (theirs.rows(), theirs.omitted(), theirs.rank)
    );
    let (a, b) = (&ours.responses[0], &theirs.responses[0]);
    near(&a.coefficients, &b.coefficients, &b.std_errors)?;
    near(&a.std_errors, &b.std_errors, &b.std_errors)?;
    near(&a.quantiles, &b.quantiles, &[b.sigma.max(1e-300); 5])
}

fn same_glm(ours: &Glm<'_>, theirs: &Glm<'_>) -> Result<(), TestCaseError> {
    prop_assert_eq!(ours.coefnames(), theirs.coefnames());
    prop_assert_eq!(&ours.fit.aliased, &theirs.fit.aliased);
    // a likelihood without maximum has no last iteration: where rows lose their weight rounding decides which is
    let separation = |fit: &Glm<'_>| {
        (fit.fit.warnings.iter())
            .find(|w| matches!(w, Warning::Separation { .. }))
            .cloned()
    };
    prop_assert_eq!(separation(ours), separation(theirs));
    if separation(ours).is_some() {
        return Ok(());
    }
    prop_assert_eq!(ours.fit.iterations, theirs.fit.iterations);
    prop_assert_eq!(&ours.fit.warnings, &theirs.fit.warnings);
    match theirs.fit.converged && theirs.fit.warnings.is_empty() {
        true => near(&ours.coefficients, &theirs.coefficients, &theirs.std_errors),
        false => Ok(()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_partition_of_the_rows_gives_the_fit_of_all(
        data in data(),
        formula in 0..FORMULAS.len(),
        weighted in any::<bool>(),
        (count, pieces, seed) in (1usize..6, 1usize..20, any::<u64>()),
    ) {
        let frame = data.frame();
        let mut spec = LmSpec::new(FORMULAS[formula]);
        if weighted {
            spec = spec.weights("w");
        }
        match (lm(&spec, &frame, place(count, pieces, seed)), lm(&spec, &frame, &NoProgress)) {
            (Ok(ours), Ok(theirs)) => {
                same_lm(&ours, &theirs)?;
                // what goes over the rows again has the levels that came back
                let (a, b) = (ours.influence(Detail::Leverages, &NoProgress), theirs.influence(Detail::Leverages, &NoProgress));
                prop_assert_eq!(a.is_ok(), b.is_ok());
            }
            (Err(ours), Err(theirs)) => prop_assert_eq!(ours.to_string(), theirs.to_string()),
            (ours, theirs) => prop_assert!(false, "{:?} and {:?}", ours.err(), theirs.err()),
        }
    }

    #[test]
    fn an_iteration_takes_the_same_steps(
        data in data(),
        formula in 0..FORMULAS.len(),
        (count, pieces, seed) in (1usize..6, 1usize..20, any::<u64>()),
    ) {
        let frame = data.frame();
        let spec = GlmSpec::new(&FORMULAS[formula].replacen('y', "b", 1), Family::binomial());
        match (glm(&spec, &frame, place(count, pieces, seed)), glm(&spec, &frame, &NoProgress)) {
            (Ok(ours), Ok(theirs)) => same_glm(&ours, &theirs)?,
            (Err(ours), Err(theirs)) => prop_assert_eq!(ours.to_string(), theirs.to_string()),
            (ours, theirs) => prop_assert!(false, "{:?} and {:?}", ours.err(), theirs.err()),
        }
    }

    #[test]
    fn components_are_those_of_all_rows(data in data(), (count, pieces, seed) in (1usize..6, 1usize..20, any::<u64>())) {
        let frame = data.frame();
        let spec = PcaSpec::of_columns(&["x", "y", "w"]);
        match (prcomp(&spec, &frame, place(count, pieces, seed)), prcomp(&spec, &frame, &NoProgress)) {
            (Ok(ours), Ok(theirs)) => near(&ours.sdev, &theirs.sdev, &[theirs.sdev[0]; 3])?,
            (Err(ours), Err(theirs)) => prop_assert_eq!(ours.to_string(), theirs.to_string()),
            (ours, theirs) => prop_assert!(false, "{:?} and {:?}", ours.err(), theirs.err()),
        }
    }

    #[test]
    fn bytes_that_are_damaged_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        // whatever comes, it is no panic
        match PartResult::of_bytes(&bytes) {
            Ok(_) | Err(StateError::Damaged(_) | StateError::Version { .. }) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
