//! Two crossed factors eliminated by conjugate gradients: claims of the numeric columns and the intercept, against all equations.

use nelder::frame::Frame;
use nelder::model::{LmSpec, Regression, lm};
use nelder::pass::{NoProgress, Run};
use nelder_conformance::place;

use super::held::{Held, count};
use super::number::{Exact, Square, inner, inverse, product};
use super::random::Random;

const KINDS: &[&str] = &[
    "whole numbers",
    "decimals",
    "columns that nearly agree",
    "a column near the span of the factors",
    "a chain of levels",
    "small weights",
    "nearly exact fit",
];

/// Levels of the two factors.
const LEVELS: [usize; 2] = [26, 24];

#[derive(Clone, Debug)]
struct Data {
    kind: &'static str,
    x: Vec<f64>,
    z: Vec<f64>,
    y: Vec<f64>,
    w: Vec<f64>,
    g: Vec<f64>,
    h: Vec<f64>,
}

impl Data {
    fn new(r: &mut Random, kind: &'static str) -> Data {
        let n = 110;
        let (mut x, mut z, mut y) = (r.wholes(n, -20, 20), r.wholes(n, -5, 5), r.wholes(n, -30, 30));
        let mut w = vec![1.0; n];
        // a path through all levels first, so that they are connected
        let path = |i: usize| [i.div_ceil(2) % LEVELS[0], (i / 2) % LEVELS[1]];
        let mut levels: Vec<[usize; 2]> = (0..n).map(path).collect();
        if kind != "a chain of levels" {
            for levels in levels.iter_mut().skip(2 * LEVELS[0]) {
                *levels = LEVELS.map(|l| r.whole(0, l as i64 - 1) as usize);
            }
        }
        let [g, h] = [0, 1].map(|f| levels.iter().map(|l| l[f] as f64).collect::<Vec<f64>>());
        match kind {
            "decimals" => {
                x.iter_mut().for_each(|v| *v /= 10.0);
                y.iter_mut().for_each(|v| *v /= 100.0);
            }
            "columns that nearly agree" => {
                let k = 10f64.powi(r.whole(2, 5) as i32);
                z = x.iter().map(|x| k * x + r.whole(-3, 3)).collect();
            }
            "a column near the span of the factors" => {
                let k = 10f64.powi(r.whole(2, 5) as i32);
                z = (0..n).map(|i| k * (g[i] - h[i] * h[i]) + z[i]).collect();
            }
            "small weights" => w
                .iter_mut()
                .for_each(|w| *w = r.of(&[1.0, 2.0, 4.0, 0.25, 2f64.powi(-20)])),
            "nearly exact fit" => {
                let part = 2f64.powi(-(r.whole(10, 40) as i32));
                y = (0..n)
                    .map(|i| 3.0 * x[i] - 2.0 * z[i] + g[i] - h[i] + part * r.whole(-9, 9))
                    .collect();
            }
            _ => {}
        }
        Data {
            kind,
            x,
            z,
            y,
            w,
            g,
            h,
        }
    }
}

/// Coefficients and standard errors of the intercept and of x and z: weighted least squares over all columns. `None` where a column
/// depends on the others.
fn known(data: &Data, number: fn(f64) -> Exact) -> Option<[Vec<Exact>; 2]> {
    let row = |i: usize| -> Vec<Exact> {
        let mut row = vec![Exact::from(1.0), number(data.x[i]), number(data.z[i])];
        for (levels, own) in LEVELS.iter().zip([data.g[i], data.h[i]]) {
            let one = |l: usize| Exact::from(if own == l as f64 { 1.0 } else { 0.0 });
            row.extend((1..*levels).map(one));
        }
        row
    };
    let n = data.y.len();
    let rows: Vec<Vec<Exact>> = (0..n).map(row).collect();
    let (y, w): (Vec<Exact>, Vec<Exact>) = (0..n)
        .map(|i| (number(data.y[i]), Exact::from(data.w[i])))
        .unzip();
    let p = rows[0].len();
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
    let rss = total(&|i| &w[i] * (&y[i] - inner(&rows[i], &beta)).squared());
    let variance = rss / Exact::from((n - p) as f64);
    let errors = (0..3).map(|a| (&variance * &inverse[a][a]).sqrt()).collect();
    Some([beta[..3].to_vec(), errors])
}

fn hold(held: &mut Held, data: &Data) {
    let Some([coefficients, errors]) = known(data, Exact::from) else {
        return;
    };
    let frame = Frame::new()
        .with_real("x", &data.x)
        .with_real("z", &data.z)
        .with_real("y", &data.y)
        .with_real("w", &data.w)
        .with_real("g", &data.g)
        .with_real("h", &data.h);
    let mut spec = LmSpec::new("y ~ x + z + factor(g) + factor(h)").tol(1e-12);
    spec.crossed_from = Some(LEVELS[1]);
    if data.w.iter().any(|&w| w != 1.0) {
        spec.weights = Some("w".into());
    }
    let fit = lm(&spec, &frame, Run::on(place(), &NoProgress)).expect("a model with an answer");
    assert!(fit.report().crossed.is_some());
    let (own, digits) = (&fit.responses[0], fit.report().digits);
    assert!(
        own.std_errors[3..].iter().all(|s| s.is_nan()),
        "no errors of levels"
    );
    let least = |own: &[f64], exact: &[Exact]| {
        let all = own.iter().zip(exact).map(|(own, e)| e.digits(*own));
        all.fold(16.0, f64::min)
    };
    let mut claims = |what: [&'static str; 2], claimed: [f64; 2], exact: [&[Exact]; 2]| {
        let have = [
            least(&own.coefficients[..3], exact[0]),
            least(&own.std_errors[..3], exact[1]),
        ];
        for k in 0..2 {
            held.claim(data.kind, what[k], data, claimed[k], have[k]);
        }
    };
    let claimed = [digits.coefficients, digits.std_errors.unwrap_or(0.0)];
    claims(
        ["coefficients", "standard errors"],
        claimed,
        [&coefficients, &errors],
    );
    if let Some([coefficients, errors]) = known(data, Exact::written) {
        let claimed = [
            digits.as_written.coefficients,
            digits.as_written.std_errors.unwrap_or(0.0),
        ];
        let what = ["coefficients as written", "standard errors as written"];
        claims(what, claimed, [&coefficients, &errors]);
    }
}

#[test]
fn crossed_factors() {
    let mut held = Held::default();
    let mut random = Random(29);
    for k in 0..count(3 * KINDS.len()) {
        hold(&mut held, &Data::new(&mut random, KINDS[k % KINDS.len()]));
    }
    held.finish("lm of crossed factors");
}
