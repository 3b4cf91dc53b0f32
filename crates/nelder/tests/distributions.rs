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

fn oracle() -> Vec<Point> {
    serde_json::from_str(include_str!("../../../accuracy/oracle/distributions.json"))
        .expect("the oracle is JSON")
}

fn evaluate(call: &str, a: &[f64]) -> f64 {
    match call {
        "normal_lower" => normal::lower(a[0]),
        "normal_upper" => normal::upper(a[0]),
        "normal_ln_lower" => normal::ln_lower(a[0]),
        "normal_ln_upper" => normal::ln_upper(a[0]),
        "normal_quantile_lower" => normal::quantile(a[0]),
        "normal_quantile_upper" => normal::quantile_upper(a[0]),
        "student_lower" => student::lower(a[0], a[1]),
        "student_upper" => student::upper(a[0], a[1]),
        "student_ln_lower" => student::ln_lower(a[0], a[1]),
        "student_ln_upper" => student::ln_upper(a[0], a[1]),
        "student_quantile_lower" => student::quantile(a[0], a[1]),
        "student_quantile_upper" => student::quantile_upper(a[0], a[1]),
        "chi_squared_lower" => chi_squared::lower(a[0], a[1]),
        "chi_squared_upper" => chi_squared::upper(a[0], a[1]),
        "chi_squared_ln_lower" => chi_squared::ln_lower(a[0], a[1]),
        "chi_squared_ln_upper" => chi_squared::ln_upper(a[0], a[1]),
        "chi_squared_quantile_lower" => chi_squared::quantile(a[0], a[1]),
        "chi_squared_quantile_upper" => chi_squared::quantile_upper(a[0], a[1]),
        "f_lower" => f::lower(a[0], a[1], a[2]),
        "f_upper" => f::upper(a[0], a[1], a[2]),
        "f_ln_lower" => f::ln_lower(a[0], a[1], a[2]),
        "f_ln_upper" => f::ln_upper(a[0], a[1], a[2]),
        "f_quantile_lower" => f::quantile(a[0], a[1], a[2]),
        "f_quantile_upper" => f::quantile_upper(a[0], a[1], a[2]),
        other => panic!("no distribution function {other}"),
    }
}

#[test]
fn agree_with_r() {
    let points = oracle();
    assert!(points.len() > 2000);
    let mut worst: BTreeMap<&str, (f64, String)> = BTreeMap::new();
    let mut off = 0;
    for point in &points {
        let args: Vec<f64> = point.args.iter().map(|a| a.parse().unwrap()).collect();
        let exact: f64 = point.value.parse().unwrap();
        let ours = evaluate(&point.call, &args);
        let error = if exact == 0.0 {
            ours.abs()
        } else {
            (ours / exact - 1.0).abs()
        };
        let error = if error.is_nan() { f64::INFINITY } else { error };
        if error > 3e-13 {
            off += 1;
            println!(
                "OFF {} {} {:e} r={} ours={:.17e}",
                point.call,
                point.args.join(" "),
                error,
                point.value,
                ours
            );
        }
        let entry = worst.entry(&point.call).or_insert((0.0, String::new()));
        if error > entry.0 {
            *entry = (error, format!("{:?} R {exact:e} ours {ours:e}", point.args));
        }
    }
    for (call, (error, text)) in &worst {
        println!("{call:28} {error:.2e} {text}");
    }
    println!("off {off}");
}
