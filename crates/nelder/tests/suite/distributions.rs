//! The distributions against R, point by point.

use nelder::summary::distributions::{chi_squared, f, normal, student};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Point {
    call: String,
    args: Vec<String>,
    value: String,
}

/// R's values.
const R: &str = include_str!("../../../../accuracy/oracle/distributions.json");
/// The points at which R is off by more than 1e-13, in 40 digit arithmetic (`distributions_exact.py`).
const EXACT: &str = include_str!("../../../../accuracy/oracle/distributions_exact.json");

fn points(text: &str) -> Vec<Point> {
    serde_json::from_str(text).expect("the oracle is JSON")
}

fn evaluate(call: &str, a: &[f64]) -> f64 {
    match call {
        "normal_lower" => normal::cdf(a[0]),
        "normal_upper" => normal::sf(a[0]),
        "normal_ln_lower" => normal::ln_cdf(a[0]),
        "normal_ln_upper" => normal::ln_sf(a[0]),
        "normal_quantile_lower" => normal::quantile(a[0]),
        "normal_quantile_upper" => normal::quantile_upper(a[0]),
        "student_lower" => student::cdf(a[0], a[1]),
        "student_upper" => student::sf(a[0], a[1]),
        "student_ln_lower" => student::ln_cdf(a[0], a[1]),
        "student_ln_upper" => student::ln_sf(a[0], a[1]),
        "student_quantile_lower" => student::quantile(a[0], a[1]),
        "student_quantile_upper" => student::quantile_upper(a[0], a[1]),
        "chi_squared_lower" => chi_squared::cdf(a[0], a[1]),
        "chi_squared_upper" => chi_squared::sf(a[0], a[1]),
        "chi_squared_ln_lower" => chi_squared::ln_cdf(a[0], a[1]),
        "chi_squared_ln_upper" => chi_squared::ln_sf(a[0], a[1]),
        "chi_squared_quantile_lower" => chi_squared::quantile(a[0], a[1]),
        "chi_squared_quantile_upper" => chi_squared::quantile_upper(a[0], a[1]),
        "f_lower" => f::cdf(a[0], a[1], a[2]),
        "f_upper" => f::sf(a[0], a[1], a[2]),
        "f_ln_lower" => f::ln_cdf(a[0], a[1], a[2]),
        "f_ln_upper" => f::ln_sf(a[0], a[1], a[2]),
        "f_quantile_lower" => f::quantile(a[0], a[1], a[2]),
        "f_quantile_upper" => f::quantile_upper(a[0], a[1], a[2]),
        other => panic!("no distribution function {other}"),
    }
}

/// What the error may be, relative. An area near 1e-300 is the exponential of -690, whose last bit is 1e-13 of the
/// area; so 5e-13 for areas and for chi-squared and F quantiles, which are solved for on the scale of the logarithm. The normal
/// distribution corrects for that rounding and reaches a few ulp.
fn tolerance(call: &str) -> f64 {
    if call.starts_with("normal") { 1e-15 } else { 5e-13 }
}

#[test]
fn agree_with_r_and_with_exact_values_where_r_is_off() {
    let exact: BTreeMap<(String, Vec<String>), String> = points(EXACT)
        .into_iter()
        .map(|p| ((p.call, p.args), p.value))
        .collect();
    let r = points(R);
    assert!(r.len() > 2000);
    let mut wrong = Vec::new();
    for point in r {
        let args: Vec<f64> = point.args.iter().map(|a| a.parse().unwrap()).collect();
        let key = (point.call, point.args);
        let reference: f64 = exact.get(&key).unwrap_or(&point.value).parse().unwrap();
        let ours = evaluate(&key.0, &args);
        let error = if reference == 0.0 {
            ours.abs()
        } else {
            (ours / reference - 1.0).abs()
        };
        if error.is_nan() || error > tolerance(&key.0) {
            wrong.push(format!(
                "{}{args:?}: {ours:e}, not {reference:e}: {error:.1e}",
                key.0
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} points are off:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn quantiles_invert_the_areas() {
    for p in [1e-280, 1e-40, 1e-9, 0.003, 0.1, 0.4999, 0.6, 0.99] {
        for df in [0.7, 1.0, 3.3, 50.0, 1e3, 2.5e7] {
            for (name, back) in [
                ("t", student::sf(student::quantile_upper(p, df), df)),
                (
                    "chi squared",
                    chi_squared::sf(chi_squared::quantile_upper(p, df), df),
                ),
                ("F", f::sf(f::quantile_upper(p, 4.5, df), 4.5, df)),
                ("F swapped", f::sf(f::quantile_upper(p, df, 3.0), df, 3.0)),
                ("normal", normal::sf(normal::quantile_upper(p))),
            ] {
                // Both ways through a logarithm of up to 650, and a rounding of the quantile moves an area by the
                // slope of its log density: sqrt(df) times the distance where the degrees of freedom are many.
                if back == 0.0 {
                    // The quantile itself is beyond the largest double.
                    assert!(p == 1e-280 && df <= 1.0, "{name} {p:e} {df}");
                    continue;
                }
                let ulps = 4.0 * p.ln().abs() + 16.0 + 10.0 * df.sqrt() * (1.0 + p.ln().abs().sqrt());
                assert!(
                    (back / p - 1.0).abs() < ulps * f64::EPSILON,
                    "{name} {p:e} {df}: {back:e}"
                );
            }
        }
    }
}

#[test]
fn outside_the_support_and_bad_arguments() {
    assert_eq!(f::sf(-1.0, 2.0, 3.0), 1.0);
    assert_eq!(f::sf(f64::INFINITY, 2.0, 3.0), 0.0);
    assert_eq!(student::two_sided(f64::INFINITY, 3.0), 0.0);
    assert_eq!(student::two_sided(0.0, 3.0), 1.0);
    assert_eq!(chi_squared::cdf(0.0, 3.0), 0.0);
    for bad in [
        f::sf(f64::NAN, 2.0, 3.0),
        f::sf(1.0, 0.0, 3.0),
        student::two_sided(f64::NAN, 3.0),
        student::sf(1.0, -1.0),
        chi_squared::sf(1.0, f64::NAN),
        normal::quantile(1.5),
        student::quantile(-0.1, 3.0),
    ] {
        assert!(bad.is_nan());
    }
    assert_eq!(student::quantile(0.0, 2.0), f64::NEG_INFINITY);
    assert_eq!(student::two_sided(1.96, f64::INFINITY), 2.0 * normal::sf(1.96));
    assert!((f::sf(3.0, 2.0, f64::INFINITY) - (-3.0_f64).exp()).abs() < 1e-16);
}
