//! Linear models: coefficients and errors against claims, and twelve digits of what else is printed of them below a condition of 1e6.

use nelder::frame::Frame;
use nelder::model::{Detail, Inference, LmSpec, Regression, Vcov, lm};
use nelder::pass::{NoProgress, Run};
use nelder_conformance::place;

use super::held::{Held, count};
use super::number::{Exact, Square, inner, inverse, product};
use super::random::Random;

const KINDS: &[&str] = &[
    "whole numbers",
    "decimals",
    "decimals that nearly agree",
    "halves and eighths",
    "columns that nearly agree",
    "one row far away",
    "two rows far away",
    "means far from zero",
    "small weights",
    "nearly exact fit",
    "numbers near 2^53",
    "powers of two at the ends",
];

#[derive(Clone, Debug)]
struct Data {
    kind: &'static str,
    x: Vec<f64>,
    z: Vec<f64>,
    y: Vec<f64>,
    w: Vec<f64>,
    clusters: Vec<f64>,
    new: [[f64; 2]; 3],
}

impl Data {
    fn new(r: &mut Random, kind: &'static str) -> Data {
        let n = r.whole(8, 14) as usize;
        let (mut x, mut z, mut y) = (r.wholes(n, -20, 20), r.wholes(n, -5, 5), r.wholes(n, -30, 30));
        let mut w = vec![1.0; n];
        let scale = |column: &mut Vec<f64>, by: f64| column.iter_mut().for_each(|v| *v *= by);
        let agree = |r: &mut Random, x: &[f64], k: f64| -> Vec<f64> {
            x.iter().map(|x| k * x + r.whole(-3, 3)).collect()
        };
        match kind {
            "decimals" => {
                x.iter_mut().for_each(|v| *v /= 10.0);
                y.iter_mut().for_each(|v| *v /= 100.0);
            }
            "decimals that nearly agree" => {
                let k = 10f64.powi(r.whole(0, 4) as i32);
                z = x.iter().map(|x| (10.0 * k * x + r.whole(-3, 3)) / 10.0).collect();
                y.iter_mut().for_each(|v| *v /= 100.0);
                x.iter_mut().for_each(|v| *v /= 10.0);
            }
            "halves and eighths" => {
                scale(&mut x, 0.125);
                scale(&mut z, 0.5);
                scale(&mut y, 0.25);
            }
            "columns that nearly agree" => {
                let k = 10f64.powi(r.whole(2, 6) as i32);
                z = agree(r, &x, k);
            }
            "one row far away" => x[0] = 10f64.powi(r.whole(3, 7) as i32),
            "two rows far away" => {
                x[0] = 10f64.powi(r.whole(3, 7) as i32);
                z[1] = 10f64.powi(r.whole(2, 6) as i32);
            }
            "means far from zero" => {
                let (mean, k) = (10f64.powi(r.whole(3, 8) as i32), 10f64.powi(r.whole(0, 5) as i32));
                x.iter_mut().for_each(|v| *v += mean);
                z = agree(r, &x, k);
            }
            "small weights" => {
                x[0] = 10f64.powi(r.whole(3, 7) as i32);
                w.iter_mut()
                    .for_each(|w| *w = r.of(&[1.0, 2.0, 4.0, 0.25, 2f64.powi(-20)]));
            }
            "nearly exact fit" => {
                let part = 2f64.powi(-(r.whole(10, 40) as i32));
                y = x
                    .iter()
                    .zip(&z)
                    .map(|(x, z)| 3.0 * x - 2.0 * z + part * r.whole(-9, 9))
                    .collect();
            }
            "numbers near 2^53" => {
                let top = 2f64.powi(53) - 64.0;
                x.iter_mut().for_each(|v| *v += top);
                y.iter_mut().for_each(|v| *v += top);
            }
            "powers of two at the ends" => {
                let exponents = [-300, -200, 0, 200, 300];
                scale(&mut x, 2f64.powi(r.of(&exponents)));
                scale(&mut z, 2f64.powi(r.of(&exponents)));
                scale(&mut y, 2f64.powi(r.of(&exponents)));
            }
            _ => {}
        }
        let new = std::array::from_fn(|_| [r.of(&x), r.of(&z)]);
        let clusters = (0..n).map(|i| (i % 4) as f64).collect();
        Data {
            kind,
            x,
            z,
            y,
            w,
            clusters,
            new,
        }
    }
}

/// Exact answers of a linear model.
struct Known {
    coefficients: Vec<Exact>,
    std_errors: Vec<Exact>,
    prediction_errors: Vec<Exact>,
    hat: Vec<Exact>,
    cooks: Vec<Exact>,
    studentized: Vec<Exact>,
    robust: [Vec<Exact>; 4],
    condition: f64,
}

impl Known {
    /// Weighted least squares by its normal equations. `None` where a column depends on the others, or a row decides one alone.
    fn of(data: &Data, number: fn(f64) -> Exact) -> Option<Known> {
        let one = Exact::from(1.0);
        let row = |x: f64, z: f64| vec![one.clone(), number(x), number(z)];
        let rows: Vec<Vec<Exact>> = data.x.iter().zip(&data.z).map(|(&x, &z)| row(x, z)).collect();
        let y: Vec<Exact> = data.y.iter().map(|&y| number(y)).collect();
        let w: Vec<Exact> = data.w.iter().map(|&w| Exact::from(w)).collect();
        let (n, p) = (rows.len(), 3);
        let total = |of: &dyn Fn(usize) -> Exact| (0..n).map(of).sum::<Exact>();
        let gram: Square = (0..p)
            .map(|a| {
                (0..p)
                    .map(|b| total(&|i| &w[i] * &rows[i][a] * &rows[i][b]))
                    .collect()
            })
            .collect();
        let inverse = inverse(&gram)?;
        let right: Vec<Exact> = (0..p).map(|a| total(&|i| &w[i] * &rows[i][a] * &y[i])).collect();
        let beta = product(&inverse, &right);
        let residual: Vec<Exact> = (0..n).map(|i| &y[i] - inner(&rows[i], &beta)).collect();
        let rss = total(&|i| &w[i] * residual[i].squared());
        let df = (n - p) as f64;
        let variance = &rss / Exact::from(df);
        let quadratic = |row: &[Exact]| inner(row, &product(&inverse, row));
        let hat: Vec<Exact> = (0..n).map(|i| &w[i] * quadratic(&rows[i])).collect();
        let left: Vec<Exact> = hat.iter().map(|h| &one - h).collect();
        if rss.is_zero() || left.iter().any(|l| l.log10() < -30.0) {
            return None;
        }
        let standard = |i: usize| w[i].sqrt() * &residual[i] / (&variance * &left[i]).sqrt();
        let without = |i: usize| {
            let rest = &rss - &w[i] * residual[i].squared() / &left[i];
            (rest / Exact::from(df - 1.0)).sqrt()
        };
        let sandwich = |scores: &[Vec<Exact>], factor: Exact| -> Vec<Exact> {
            let moved: Vec<Vec<Exact>> = scores.iter().map(|s| product(&inverse, s)).collect();
            (0..p)
                .map(|a| (&factor * moved.iter().map(|m| m[a].squared()).sum::<Exact>()).sqrt())
                .collect()
        };
        let scores = |power: f64| -> Vec<Vec<Exact>> {
            let by = |l: &Exact| match power {
                0.0 => one.clone(),
                0.5 => l.sqrt(),
                _ => l.clone(),
            };
            (0..n)
                .map(|i| {
                    rows[i]
                        .iter()
                        .map(|v| &w[i] * &residual[i] * v / by(&left[i]))
                        .collect()
                })
                .collect()
        };
        let groups = 4;
        let of_clusters: Vec<Vec<Exact>> = (0..groups)
            .map(|g| {
                let own = |i: &usize| data.clusters[*i] == g as f64;
                let of = |a: usize| {
                    (0..n)
                        .filter(own)
                        .map(|i| &w[i] * &residual[i] * &rows[i][a])
                        .sum()
                };
                (0..p).map(of).collect()
            })
            .collect();
        let factor = Exact::from(groups as f64 * (n as f64 - 1.0)) / Exact::from((groups as f64 - 1.0) * df);
        // of the columns in units of their norms
        let spread = |a: usize| 0.5 * (gram[a][a].log10() + inverse[a][a].log10());
        Some(Known {
            std_errors: (0..p).map(|a| (&variance * &inverse[a][a]).sqrt()).collect(),
            prediction_errors: data
                .new
                .iter()
                .map(|&[x, z]| (&variance * quadratic(&row(x, z))).sqrt())
                .collect(),
            cooks: (0..n)
                .map(|i| standard(i).squared() * &hat[i] / (&left[i] * Exact::from(p as f64)))
                .collect(),
            studentized: (0..n)
                .map(|i| w[i].sqrt() * &residual[i] / (without(i) * left[i].sqrt()))
                .collect(),
            robust: [
                sandwich(&scores(0.0), one.clone()),
                sandwich(&scores(0.5), one.clone()),
                sandwich(&scores(1.0), one.clone()),
                sandwich(&of_clusters, factor),
            ],
            condition: (0..p).map(spread).fold(0.0, f64::max),
            coefficients: beta,
            hat,
        })
    }
}

fn least(own: &[f64], exact: &[Exact]) -> f64 {
    assert_eq!(own.len(), exact.len());
    own.iter()
        .zip(exact)
        .map(|(own, e)| e.digits(*own))
        .fold(16.0, f64::min)
}

fn hold(held: &mut Held, data: &Data) {
    let Some(known) = Known::of(data, Exact::from) else {
        return;
    };
    let frame = Frame::new()
        .with_real("x", &data.x)
        .with_real("z", &data.z)
        .with_real("y", &data.y)
        .with_real("w", &data.w)
        .with_real("g", &data.clusters);
    let mut spec = LmSpec::new("y ~ x + z").tol(1e-15);
    if data.w.iter().any(|&w| w != 1.0) {
        spec.weights = Some("w".into());
    }
    let fit = lm(&spec, &frame, Run::on(place(), &NoProgress)).expect("a model with an answer");
    let (own, digits) = (&fit.responses[0], fit.report().digits);
    let kind = data.kind;
    // a column whose part of its own is below the tolerance
    if own.coefficients.iter().any(|b| b.is_nan()) {
        return;
    }
    // 1. claims
    let errors = digits.std_errors.unwrap_or(0.0);
    held.claim(
        kind,
        "coefficients",
        data,
        digits.coefficients,
        least(&own.coefficients, &known.coefficients),
    );
    held.claim(
        kind,
        "standard errors",
        data,
        errors,
        least(&own.std_errors, &known.std_errors),
    );
    if let Some(written) = Known::of(data, Exact::written) {
        let claimed = digits.as_written;
        let errors = claimed.std_errors.unwrap_or(0.0);
        let have = least(&own.coefficients, &written.coefficients);
        held.claim(kind, "coefficients as written", data, claimed.coefficients, have);
        let have = least(&own.std_errors, &written.std_errors);
        held.claim(kind, "standard errors as written", data, errors, have);
    }
    // 2. twelve digits of the rest, where the condition is below 1e6
    if known.condition > 6.0 {
        return;
    }
    let influence = fit.influence(Detail::Leverages, &NoProgress).expect("influence");
    let [x, z] = [0, 1].map(|c| data.new.iter().map(|row| row[c]).collect::<Vec<f64>>());
    let rows = Frame::new().with_real("x", &x).with_real("z", &z);
    let predicted = fit.predict(&rows, true, &NoProgress).expect("predictions");
    let robust = [Vcov::Hc0, Vcov::Hc2, Vcov::Hc3, Vcov::Cluster("g".into())]
        .map(|kind| fit.vcov(&kind, &NoProgress).map(|c| c.std_errors()));
    let mut twelve = |what, own: &[f64], exact: &[Exact]| {
        held.wanted(kind, what, data, 12.0, least(own, exact));
    };
    twelve("leverages", &influence.hat, &known.hat);
    twelve("Cook's distances", &influence.cooks, &known.cooks);
    twelve(
        "studentized residuals",
        &influence.studentized,
        &known.studentized,
    );
    twelve(
        "errors of predictions",
        &predicted.responses[0].std_error,
        &known.prediction_errors,
    );
    for ((what, own), exact) in ["HC0", "HC2", "HC3", "clustered"]
        .into_iter()
        .zip(robust)
        .zip(&known.robust)
    {
        twelve(what, &own.expect("robust errors"), exact);
    }
}

#[test]
fn linear_models() {
    let mut held = Held::default();
    let mut random = Random(17);
    for k in 0..count(10 * KINDS.len()) {
        hold(&mut held, &Data::new(&mut random, KINDS[k % KINDS.len()]));
    }
    held.finish("lm");
}
