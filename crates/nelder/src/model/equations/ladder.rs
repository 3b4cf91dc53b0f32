//! Linear least squares on a ladder of precision.
//!
//! 1. One pass accumulates the gram of the centred columns and the responses: in double precision with the sums
//!    over blocks in twice the precision, or in twice the precision throughout where that costs little.
//! 2. Cholesky in R's column order. The factor bounds the error of each variance to first order: an entry of the
//!    gram known to η moves vᵀG⁻¹v by at most η (Σ|vᵀG⁻¹|ᵢ tᵢ)² (Higham 2002, 10.1).
//! 3. The residual pass computes r = y − Xβ and Xᵀ W r in twice the precision. The correction
//!    G⁻¹ Xᵀ W r leaves an error of η times the correction (Björck 1967). Where the bound of step 2 is too
//!    large, the same pass accumulates the gram in twice the precision, and the solution is computed from that.
//! 4. Where twice the precision does not carry the gram either, a pass of Householder QR (TSQR) in twice the
//!    precision, with R's limited pivoting, and another residual pass.

use std::sync::{Arc, OnceLock};

use nelder_device::Dd;

use crate::design::RowCounts;
use crate::pass::{Coefficients, Course, Gram, Monitor, Products, Residuals, Site};

use super::bounds::Solved;
use super::solution::{
    gain_of, in_model, orthogonal, provisional, relative_variance_error, solve, wants_tsqr,
};
use super::{LeastSquares, Score, by_atom};
use crate::model::model_frame::all_missing;
use crate::model::{Accuracy, ModelError, ModelFrame};

/// Multiplications in twice the precision that cost less than a second pass would.
const CHEAP: f64 = 2e7;
/// Rows whose residuals are kept for their quantiles; beyond, they are counted in bins.
const KEEP_ROWS: u64 = 4_000_000;
/// Relative error of a variance beyond which more precision is asked for.
const ENOUGH: f64 = 1e-11;

/// Fits a bound model.
pub fn least_squares(
    bound: &ModelFrame<'_>,
    tol: f64,
    accuracy: Accuracy,
    monitor: &dyn Monitor,
) -> Result<LeastSquares, ModelError> {
    let rows = &bound.rows;
    let atoms = rows.layout().atoms.clone();
    let z = (atoms.dense + atoms.responses) as f64;
    let cheap = rows
        .source()
        .rows()
        .is_some_and(|n| n as f64 * z * z / 2.0 <= CHEAP);
    let exact = accuracy == Accuracy::Certified || cheap;
    let products = match (exact, accuracy) {
        (true, _) => Products::Exact,
        (false, Accuracy::Single) => Products::Single,
        _ => Products::Rounded,
    };
    let mut passes = bound.passes.clone();
    let mut notes = Vec::new();

    // 1. the gram
    let (site, records) = Site::new(
        rows,
        &OnceLock::new(),
        monitor,
        &|_| Ok(()),
        None,
        Course::LeastSquares(products),
    )?;
    passes.extend(records);
    let first = site.gram(products, monitor)?;
    let (mut gram, counts) = (first.value, first.counts);
    gram.mark_scaled(bound.rows.scales());
    passes.extend(first.records);
    rows_left(&counts, bound)?;
    if gram.products() != Products::Single {
        check_finite(&gram, bound)?;
    } else if !gram.is_finite() {
        // beyond the range of single precision
        notes.push("products leave the range of single precision".to_string());
        let own = site.gram(Products::Rounded, monitor)?;
        passes.extend(own.records);
        gram = own.value;
        gram.mark_scaled(bound.rows.scales());
        check_finite(&gram, bound)?;
    }

    // 2. factor; what cannot be decided in double precision waits for the exact gram
    let mut attempt = solve(bound, &counts, &gram, tol)?;
    let mut needs_exact = false;
    let first = match attempt.take() {
        Some(a) => a,
        None => {
            needs_exact = true;
            notes.push(match gram.products() {
                Products::Single => "a pivot of the gram is too small for single precision".to_string(),
                _ => "a pivot of the gram is too small for double precision".to_string(),
            });
            provisional(bound, &counts, &gram)?
        }
    };
    let too_rough = |worst: f64, notes: &mut Vec<String>| {
        let rough = worst > ENOUGH;
        if rough {
            notes.push(format!(
                "in double precision, standard errors would be right to {:.0e} only",
                worst / 2.0
            ));
        }
        rough
    };
    // in single precision standard errors stay as they are
    let mut undecided = !needs_exact && !matches!(gram.products(), Products::Exact | Products::Single);
    if undecided && !site.is_device() {
        undecided = false;
        needs_exact = too_rough(relative_variance_error(&first), &mut notes);
    }

    // 3. residuals, and the exact gram where it is needed
    let mut state = first;
    let mut coefficients: Vec<Vec<Dd>> = (0..atoms.responses)
        .map(|y| {
            state.normal.coefficients(
                &state.columns.map,
                &state.solutions[y],
                state.normal.response_means[y],
            )
        })
        .collect();
    // bins in units of the residuals' deviation; where the gram cannot tell it, a part of the response's
    let widths: Vec<f64> = (0..atoms.responses)
        .map(|y| {
            let total = state.normal.total[y].hi.max(0.0);
            let left = state
                .normal
                .residual_squares(y, &state.solutions[y])
                .max(1e-14 * total);
            let deviation = (left / gram.rows as f64).sqrt();
            (deviation * 3e-5).max(f64::MIN_POSITIVE)
        })
        .collect();
    let widths = (gram.rows > KEEP_ROWS).then_some(widths.as_slice());
    let mut refinements = 0;
    let mut rss: Vec<Dd>;
    let mut steps: Vec<Vec<f64>>;
    let mut last: Residuals;
    let mut tsqr = false;
    if !needs_exact && gram.products() == Products::Exact && wants_tsqr(&state, tol, accuracy) {
        (state, coefficients) = orthogonal(bound, &state, &gram, tol, monitor, &mut passes, &mut notes)?;
        tsqr = true;
    }
    loop {
        let tables: Vec<(usize, usize)> = gram
            .groups
            .iter()
            .zip(&atoms.groups)
            .map(|(t, g)| (t.codes(), g.multipliers.len()))
            .collect();
        let by: Arc<[Coefficients]> = coefficients
            .iter()
            .map(|b| by_atom(&state.columns.map, b, atoms.dense, &tables))
            .collect();
        let pass = || site.residuals(&by, needs_exact, widths, monitor);
        let (residuals, mut second);
        if undecided {
            // while the device computes residuals, the CPU looks at the variances
            undecided = false;
            let (ran, worst) = beside(pass, || {
                let of = || relative_variance_error(&state);
                rayon::join(of, || state.condition()).0
            });
            let ran = ran?;
            (residuals, second) = ran.value;
            passes.extend(ran.records);
            if too_rough(worst, &mut notes) {
                let own = site.gram(Products::Exact, monitor)?;
                passes.extend(own.records);
                second = Some(own.value);
            }
        } else {
            let ran = pass()?;
            (residuals, second) = ran.value;
            passes.extend(ran.records);
        }
        if let Some(second) = second {
            // the solution comes from the exact gram; what was computed from the rounded one gave the residuals
            gram = second;
            gram.mark_scaled(bound.rows.scales());
            needs_exact = false;
            let Some(solved) = solve(bound, &counts, &gram, tol)? else {
                return Err(ModelError::Overflow(bound.rows.labels()[0].clone()));
            };
            let old = coefficients;
            state = solved;
            coefficients = (0..atoms.responses)
                .map(|y| {
                    state.normal.coefficients(
                        &state.columns.map,
                        &state.solutions[y],
                        state.normal.response_means[y],
                    )
                })
                .collect();
            if wants_tsqr(&state, tol, accuracy) {
                (state, coefficients) =
                    orthogonal(bound, &state, &gram, tol, monitor, &mut passes, &mut notes)?;
                tsqr = true;
                continue;
            }
            refinements += 1;
            // RSS(β) from r at the old β: the score gives the exact step, unless the old β used a column that is
            // aliased now, for then the new β is no minimum along the step
            let accepted: Vec<bool> = in_model(&state.columns.map, &state.normal, &state.factor);
            let mut far = false;
            rss = Vec::new();
            for y in 0..atoms.responses {
                far |= old[y].iter().zip(&accepted).any(|(b, &a)| !a && b.hi != 0.0);
                let score = score(&residuals, y);
                let gain = gain_of(&state, &old[y], &coefficients[y], &score, &gram);
                let value = residuals.squares[y] - gain;
                far |= gain.hi.abs() > 1e-9 * residuals.squares[y].hi;
                rss.push(value);
            }
            steps = coefficients.iter().map(|b| vec![0.0; b.len()]).collect();
            last = residuals;
            if !far {
                break;
            }
            continue;
        }
        // 4. the correction
        let mut again = false;
        rss = Vec::new();
        steps = Vec::new();
        for y in 0..atoms.responses {
            let correction = state
                .normal
                .correct(&state.factor, &state.columns.map, &score(&residuals, y));
            let step = state
                .normal
                .coefficients(&state.columns.map, &correction.solution, Dd::ZERO);
            rss.push(residuals.squares[y] - correction.gain);
            let gain = correction.gain.hi.abs();
            if gain > 1e-12 * residuals.squares[y].hi
                && gain > 1e-24 * state.normal.total[y].hi
                && refinements < 4
            {
                again = true;
            }
            for (b, d) in coefficients[y].iter_mut().zip(&step) {
                *b += *d;
            }
            steps.push(correction.solution.kept.iter().map(|v| v.hi.abs()).collect());
        }
        refinements += 1;
        last = residuals;
        if !again {
            break;
        }
    }
    let there = std::mem::take(&mut last.there);
    let solved = Solved {
        gram,
        state,
        coefficients,
        steps,
        rss,
        last: last.into(),
        tsqr,
        refinements,
        passes,
        notes,
        counts,
    };
    if there.is_empty() {
        return solved.finish(bound);
    }
    // the device looks for the quartiles in the meantime
    let (places, done) = beside(|| site.places(&there), || solved.finish(bound));
    let mut done = done?;
    done.places = places?;
    for (y, places) in done.places.iter_mut().enumerate() {
        let scale = done
            .scales
            .get(atoms.dense + atoms.extra + y)
            .copied()
            .unwrap_or(1.0);
        places.iter_mut().for_each(|r| *r /= scale);
    }
    Ok(done)
}

/// Runs two things at a time, the first on a thread of its own.
fn beside<A: Send, B>(first: impl FnOnce() -> A + Send, second: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let running = scope.spawn(first);
        let b = second();
        match running.join() {
            Ok(a) => (a, b),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn score(residuals: &Residuals, y: usize) -> Score<'_> {
    Score::of(&residuals.scores[y])
}

/// Checks that a row is left to fit: [`ModelError::NoRows`] if not.
pub(in crate::model) fn rows_left(counts: &RowCounts, bound: &ModelFrame<'_>) -> Result<(), ModelError> {
    if counts.used > 0 {
        return Ok(());
    }
    Err(ModelError::NoRows {
        rows: counts.read,
        omitted: counts.omitted,
        unweighted: counts.weightless,
        column: if counts.omitted > 0 {
            all_missing(&bound.rows)
        } else {
            None
        },
    })
}

fn check_finite(gram: &Gram, bound: &ModelFrame<'_>) -> Result<(), ModelError> {
    if gram.is_finite() {
        return Ok(());
    }
    Err(ModelError::Overflow(
        bound
            .terms
            .variables
            .first()
            .map_or_else(String::new, ToString::to_string),
    ))
}
