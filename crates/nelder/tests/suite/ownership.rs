//! Fits that own their rows, share them, or borrow them.

use std::borrow::Cow;
use std::sync::Arc;

use nelder::family::Family;
use nelder::frame::{Column, Frame, Kind, Source};
use nelder::model::{Detail, Glm, GlmSpec, Inference, Lm, LmSpec, PcaSpec, Vcov, glm, lm, prcomp};
use nelder::pass::NoProgress;

fn columns() -> (Vec<f64>, Vec<f64>) {
    let x: Vec<f64> = (0..40).map(|i| f64::from((i * 7) % 11)).collect();
    let y = x
        .iter()
        .zip(0..)
        .map(|(x, i)| 2.0 + x + f64::from((i * 5) % 3))
        .collect();
    (x, y)
}

/// Columns that belong to the frame.
fn owned() -> Frame<'static> {
    let (x, y) = columns();
    Frame::new()
        .with("x", Kind::Real, Column::Real(Cow::Owned(x)))
        .with("y", Kind::Real, Column::Real(Cow::Owned(y)))
}

fn fits(rows: Arc<dyn Source>) -> (Lm<'static>, Glm<'static>) {
    let linear = lm(&LmSpec::new("y ~ x"), rows.clone(), &NoProgress).unwrap();
    let counts = glm(&GlmSpec::new("y ~ x", Family::poisson()), rows, &NoProgress).unwrap();
    (linear, counts)
}

#[test]
fn a_fit_outlives_what_it_was_made_from_and_travels_between_threads() {
    let (x, y) = columns();
    let frame = Frame::new().with_real("x", &x).with_real("y", &y);
    let borrowed = lm(&LmSpec::new("y ~ x"), &frame, &NoProgress).unwrap();
    let whole = lm(&LmSpec::new("y ~ x"), owned(), &NoProgress).unwrap();
    let rows: Arc<dyn Source> = Arc::new(owned());
    let (linear, counts) = fits(rows.clone());
    drop(rows);
    // passes over the rows that only the fits hold now, on another thread
    let (linear, hat) = std::thread::spawn(move || {
        let robust = linear.vcov(&Vcov::Hc3, &NoProgress).unwrap().std_errors();
        (
            (linear, robust),
            counts.influence(Detail::Leverages, &NoProgress).unwrap().hat,
        )
    })
    .join()
    .unwrap();
    assert!((hat.iter().sum::<f64>() - 2.0).abs() < 1e-12);
    let robust = borrowed.vcov(&Vcov::Hc3, &NoProgress).unwrap().std_errors();
    assert_eq!(linear.1, robust);
    for other in [&whole, &linear.0] {
        assert_eq!(
            other.responses[0].coefficients,
            borrowed.responses[0].coefficients
        );
    }
}

#[test]
fn components_own_their_rows_too() {
    let mut own = prcomp(&PcaSpec::new("~ x + y"), owned(), &NoProgress).unwrap();
    let frame = owned();
    let mut other = prcomp(&PcaSpec::new("~ x + y"), &frame, &NoProgress).unwrap();
    let scores = |fit: &mut nelder::model::Prcomp<'_>| fit.scores(&NoProgress).unwrap().clone();
    assert_eq!(scores(&mut own).values(), scores(&mut other).values());
}
