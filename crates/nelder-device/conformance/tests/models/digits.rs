//! The digits that a fit claims are right, against exact arithmetic on the given doubles: a claim never exceeds the
//! truth, and on well-conditioned designs it is worth having.
//!
//! The claim allows for the rounding of decimal data, which exact arithmetic on the doubles does not see; whole
//! numbers leave that part out, so designs of whole numbers hold the rest of the bound against the truth.

use crate::designs::{Design, dependent, levels, long, many, means, powers, units};
use crate::draws::Draws;
use crate::rational::{Column, solve};
use crate::sources::Stream;
use nelder::frame::{Frame, Source};
use nelder::model::{Accuracy, LmSpec, Regression, lm};
use nelder::pass::{NoProgress, Run};
use nelder_conformance::place;

/// What one fit claims, and what is true: of the coefficients, then of the standard errors.
struct Found {
    kappa: f64,
    claims: [f64; 2],
    truths: [f64; 2],
    whole: bool,
    /// Whether the claims must be worth having.
    benign: bool,
    says: String,
}

/// Fits and compares.
fn check(design: &Design, draws: &mut Draws, what: &str) -> Found {
    let mut spec = LmSpec::new(&design.formula());
    if draws.one_in(2) {
        spec = spec.tol(1e-15);
    }
    if draws.one_in(4) {
        spec = spec.accuracy(Accuracy::Certified);
    } else if draws.one_in(8) {
        spec = spec.accuracy(Accuracy::Single);
    }
    let names: Vec<String> = (1..=design.x.len()).map(|j| format!("x{j}")).collect();
    let labels: Vec<Option<String>> = design.levels.iter().map(|l| Some(format!("{l:03}"))).collect();
    let mut own = Frame::new().with_real("y", &design.y);
    for (name, x) in names.iter().zip(&design.x) {
        own = own.with_real(name, x);
    }
    if !labels.is_empty() {
        own = own.with_text("g", &labels);
    }
    if let Some(w) = &design.w {
        own = own.with_real("w", w);
        spec = spec.weights("w");
    }
    // powers are formed in twice the precision where the number of rows is known to be small
    let streamed = design.degree < 2 && (design.y.len() > 1000 || draws.one_in(6));
    let (frame, stream);
    let source: &dyn Source = match streamed {
        true => {
            stream = Stream(own);
            &stream
        }
        false => {
            frame = own;
            &frame
        }
    };
    let fit = lm(&spec, source, Run::on(place(), &NoProgress)).unwrap();
    let weights = design.w.as_ref().map(|w| Column::new(w));
    let aliased = &fit.fit.aliased;
    let truth = solve(
        &design.columns(),
        &Column::new(&design.y),
        weights.as_ref(),
        aliased,
    );
    let (own, report) = (&fit.responses[0], fit.report());
    let says = format!(
        "{what}: {} {spec:?}, streamed {streamed}, {report:?}",
        design.formula()
    );
    let (mut worst, mut worst_std) = (0.0f64, 0.0f64);
    let (mut inflation, mut least, mut most) = (1.0f64, f64::INFINITY, 0.0f64);
    for j in (0..own.coefficients.len()).filter(|&j| !aliased[j]) {
        worst = worst.max(truth.coefficient_error(j, own.coefficients[j]));
        if fit.df_residual > 0 {
            worst_std = worst_std.max(truth.std_error_error(j, own.std_errors[j]));
        }
        inflation = inflation.max(truth.inflation[j]);
        least = least.min(truth.parts[j]);
        most = most.max(truth.parts[j]);
    }
    for (j, &pivot) in truth.pivots.iter().enumerate() {
        // R's rule for aliased columns, where it is no close call
        let rule = pivot / spec.tolerance().powi(2);
        let right = if aliased[j] { rule < 1.01 } else { rule > 0.99 };
        assert!(right, "column {j} is {rule} times the rule: {says}");
    }
    Found {
        kappa: report.condition,
        claims: [
            report.digits.coefficients,
            report.digits.std_errors.unwrap_or(f64::NAN),
        ],
        truths: [-worst.log10(), -worst_std.log10()],
        whole: design.whole,
        // Relative errors of 2⁻⁹⁶ in the normal equations come back times the square of the inflation, and once more
        // times what the other columns exceed a small coefficient's own by: 10¹⁵ leaves 13 digits, one of them for
        // the number of columns. The standard errors of an exact fit, and decimals, which were rounded to doubles
        // before (that costs log₁₀ κ of 16 digits), are another matter.
        benign: design.whole
            && design.noisy
            && report.precision != "f32"
            && inflation < 1e6
            && inflation.powi(2) * most / least < 1e15,
        says,
    }
}

/// Median of what `of` takes from each.
fn median(found: &[&Found], of: impl Fn(&Found) -> f64) -> f64 {
    let mut all: Vec<f64> = found.iter().map(|f| of(f)).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Checks `count` designs; prints what the claims are worth by power of ten of the condition.
fn run(what: &str, count: u64, new: impl Fn(&mut Draws, f64, bool) -> Design) {
    let mut all = Vec::new();
    for i in 0..count {
        let mut draws = Draws::new(i);
        let kappa = 10f64.powf(draws.uniform(0.0, 14.0));
        let whole = draws.one_in(2);
        let mut design = new(&mut draws, kappa, whole);
        design.respond(&mut draws, whole);
        all.push(check(&design, &mut draws, &format!("{what} {i}")));
    }
    for (whole, data) in [(true, "whole numbers"), (false, "decimals")] {
        for decade in 0..16 {
            let here = |f: &&Found| f.kappa.log10().floor() as i32 == decade && f.whole == whole;
            let found: Vec<&Found> = all.iter().filter(here).collect();
            if !found.is_empty() {
                println!(
                    "{what}, {data}, κ 1e{decade:<2} {:4} fits: claims {:4.1} {:4.1}, truth {:4.1} {:4.1}",
                    found.len(),
                    median(&found, |f| f.claims[0]),
                    median(&found, |f| f.claims[1]),
                    median(&found, |f| f.truths[0]),
                    median(&found, |f| f.truths[1]),
                );
            }
        }
    }
    let least = |k: usize| {
        all.iter()
            .map(|f| f.truths[k].max(0.0) - f.claims[k])
            .fold(f64::INFINITY, f64::min)
    };
    println!(
        "{what}: truth exceeds the claims by at least {:.2} and {:.2}",
        least(0),
        least(1)
    );
    for found in &all {
        for k in 0..2 {
            let (claim, truth) = (found.claims[k], found.truths[k]);
            assert!(
                !(claim > truth.max(0.0)),
                "claims {claim} of {truth}: {}",
                found.says
            );
            // where products are rounded, standard errors are let go with 11 digits
            let enough = if k == 0 { 12.0 } else { 11.0 };
            assert!(
                !(found.benign && claim < enough),
                "claims {claim} only: {}",
                found.says
            );
        }
    }
    assert!(
        all.iter().filter(|f| f.benign).count() > count as usize / 10,
        "too few to ask for more"
    );
}

#[test]
fn a_dependent_column() {
    run("dependent", 3000, dependent);
}

#[test]
fn polynomials() {
    run("powers", 2000, powers);
}

#[test]
fn large_means() {
    run("means", 1500, means);
}

#[test]
fn different_units() {
    run("units", 1500, units);
}

#[test]
fn factors() {
    run("levels", 1900, levels);
}

#[test]
fn eliminated_factors() {
    run("many", 100, many);
}

#[test]
fn many_rows() {
    run("long", 150, long);
}
