//! Models whose terms and variables someone else has evaluated give what the same text gives.

use nelder::formula::{Coding, Expr, Term, Terms};
use nelder::frame::{Frame, in_batches};
use nelder::model::{LmSpec, Regression, lm};
use nelder::pass::NoProgress;

fn evaluated(text: &str, columns: &[&str], suffixes: &[&str]) -> Expr {
    Expr::Evaluated {
        text: text.into(),
        columns: columns.iter().map(|c| c.to_string()).collect(),
        suffixes: suffixes.iter().map(|c| c.to_string()).collect(),
    }
}

fn term(label: &str, variables: &[usize]) -> Term {
    Term {
        label: label.into(),
        variables: variables.to_vec(),
        coding: vec![Coding::Contrasts; variables.len()],
    }
}

#[test]
fn evaluated_variables_are_the_columns_they_name() {
    let n = 40;
    let x: Vec<f64> = (0..n).map(|i| f64::from(i * i % 17)).collect();
    let square: Vec<f64> = x.iter().map(|v| v * v).collect();
    let y: Vec<f64> = (0..n).map(|i| f64::from(i * 7 % 23)).collect();
    let g: Vec<Option<String>> = (0..n)
        .map(|i| Some(["a", "b", "c"][i as usize % 3].into()))
        .collect();
    let frame = Frame::new()
        .with_real("y", &y)
        .with_real("x", &x)
        .with_real("s", &square)
        .with_text("g", &g);
    let terms = Terms {
        variables: vec![
            evaluated("y", &["y"], &[]),
            evaluated("poly({ x }, 2, raw = TRUE)", &["x", "s"], &["1", "2"]),
            evaluated("f(g)", &["g"], &[]),
        ],
        response: Some(0),
        intercept: true,
        offsets: Vec::new(),
        terms: vec![
            term("poly({ x }, 2, raw = TRUE)", &[1]),
            term("f(g)", &[2]),
            term("poly({ x }, 2, raw = TRUE):f(g)", &[1, 2]),
        ],
        dropped: None,
    };
    let spec = LmSpec::of_terms("y ~ whatever", terms);
    let fit = lm(&spec, &frame, &NoProgress).unwrap();
    let text = lm(
        &LmSpec::new("y ~ poly(x, 2, raw = TRUE) * g"),
        &frame,
        &NoProgress,
    )
    .unwrap();
    // 50 terms of size one, each rounded a few times, on a condition below 1e4
    for (a, b) in fit.responses[0]
        .coefficients
        .iter()
        .zip(&text.responses[0].coefficients)
    {
        assert!((a - b).abs() <= 1e-11 * b.abs().max(1.0), "{a} {b}");
    }
    assert_eq!(fit.coefnames().len(), text.coefnames().len());
    assert_eq!(fit.coefnames()[2], "poly({ x }, 2, raw = TRUE)2");
    assert_eq!(fit.coefnames()[3], "f(g)b");
    assert_eq!(fit.coefnames()[5], "poly({ x }, 2, raw = TRUE)1:f(g)b");
    assert_eq!(fit.formula(), "y ~ whatever");
    // the terms go on to smaller models and to new rows
    let dropped = fit
        .drop1(0, Some(&["poly({ x }, 2, raw = TRUE):f(g)"]), 2.0)
        .unwrap();
    let expected = text.drop1(0, None, 2.0).unwrap();
    assert!((dropped.rows[1].deviance / expected.rows[1].deviance - 1.0).abs() < 1e-12);
    let all = fit.predict(&frame, true, &NoProgress).unwrap();
    let same = text.predict(&frame, true, &NoProgress).unwrap();
    for (a, b) in all.responses[0].fit.iter().zip(&same.responses[0].fit) {
        assert!((a - b).abs() < 1e-10, "{a} {b}");
    }
}

#[test]
fn a_column_that_is_not_there_is_named() {
    let y = [1.0, 2.0, 4.0];
    let frame = Frame::new().with_real("y", &y);
    let terms = Terms {
        variables: vec![evaluated("y", &["y"], &[]), evaluated("log(x)", &["gone"], &[])],
        response: Some(0),
        intercept: true,
        offsets: Vec::new(),
        terms: vec![term("log(x)", &[1])],
        dropped: None,
    };
    let error = lm(&LmSpec::of_terms("y ~ log(x)", terms), &frame, &NoProgress)
        .err()
        .unwrap();
    assert!(error.to_string().contains("gone"), "{error}");
}

#[test]
fn batches_cover_the_rows_once_and_stop_when_asked() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let seen = AtomicU64::new(0);
    let all = in_batches(1003, 100, 3, &|_, index, from, to| {
        assert_eq!(from, index * 100);
        seen.fetch_add((to - from) as u64, Ordering::Relaxed);
        true
    });
    assert!(all);
    assert_eq!(seen.into_inner(), 1003);
    assert!(!in_batches(1003, 100, 1, &|_, index, _, _| index < 3));
    assert!(in_batches(0, 100, 2, &|_, _, _, _| false));
}
