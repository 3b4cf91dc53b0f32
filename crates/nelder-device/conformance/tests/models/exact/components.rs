//! Principal components: deviations and axes against claims; by an iteration too, where the tail is flat.

use nelder::frame::Frame;
use nelder::model::{PcaAlgorithm, PcaSpec, Scale, prcomp};
use nelder::pass::{NoProgress, Run};
use nelder_conformance::place;

use super::held::{Held, count};
use super::number::{Exact, Square};
use super::random::Random;

const KINDS: &[&str] = &[
    "whole numbers",
    "decimals",
    "close deviations scaled",
    "means far from zero",
    "falling fast",
];

fn drawn(r: &mut Random, kind: &str) -> Vec<Vec<f64>> {
    let (n, p) = (r.whole(6, 14) as usize, r.whole(2, 4) as usize);
    let mut columns: Vec<Vec<f64>> = (0..p).map(|_| r.wholes(n, -30, 30)).collect();
    match kind {
        "decimals" => columns.iter_mut().flatten().for_each(|v| *v /= 100.0),
        "means far from zero" => {
            let mean = 10f64.powi(r.whole(3, 9) as i32);
            columns.iter_mut().flatten().for_each(|v| *v += mean);
        }
        "falling fast" => {
            for (j, column) in columns.iter_mut().enumerate() {
                let part = 10f64.powi(-3 * j as i32);
                column.iter_mut().for_each(|v| *v *= part);
            }
        }
        "close deviations scaled" => {
            // six rows at the ends of three axes, nearly
            let far = 10f64.powi(r.whole(3, 7) as i32);
            columns = (0..3)
                .map(|j| {
                    let of = |i: usize| {
                        if i / 2 == j {
                            far * if i.is_multiple_of(2) { 1.0 } else { -1.0 }
                        } else {
                            0.0
                        }
                    };
                    (0..6).map(|i| of(i) + r.whole(-2, 2)).collect()
                })
                .collect();
        }
        _ => {}
    }
    columns
}

/// Eigenvalues, falling, and eigenvectors by column: Jacobi's rotations.
fn eigen(mut a: Square) -> (Vec<Exact>, Square) {
    let p = a.len();
    let (zero, one) = (Exact::from(0.0), Exact::from(1.0));
    let mut vectors: Square = (0..p)
        .map(|i| {
            (0..p)
                .map(|j| if i == j { one.clone() } else { zero.clone() })
                .collect()
        })
        .collect();
    for _ in 0..60 {
        let most = (0..p).map(|i| a[i][i].log10()).fold(f64::NEG_INFINITY, f64::max);
        let mut rotated = false;
        for i in 0..p {
            for j in i + 1..p {
                if a[i][j].is_zero() || a[i][j].log10() < most - 120.0 {
                    continue;
                }
                rotated = true;
                // t = sign(θ) / (|θ| + √(θ² + 1)), θ = (aⱼⱼ − aᵢᵢ) / 2aᵢⱼ
                let theta = (&a[j][j] - &a[i][i]) / (Exact::from(2.0) * &a[i][j]);
                let root = (theta.squared() + &one).sqrt();
                let t = &one / (theta.abs() + root);
                let t = if zero.larger(&theta) { -t } else { t };
                let c = &one / (t.squared() + &one).sqrt();
                let s = &t * &c;
                for row in a.iter_mut().chain(vectors.iter_mut()) {
                    let (x, y) = (row[i].clone(), row[j].clone());
                    row[i] = &c * &x - &s * &y;
                    row[j] = &s * x + &c * y;
                }
                for k in 0..p {
                    let (x, y) = (a[i][k].clone(), a[j][k].clone());
                    a[i][k] = &c * &x - &s * &y;
                    a[j][k] = &s * x + &c * y;
                }
            }
        }
        if !rotated {
            break;
        }
    }
    let mut order: Vec<usize> = (0..p).collect();
    order.sort_by(|&i, &j| {
        if a[i][i].larger(&a[j][j]) {
            std::cmp::Ordering::Less
        } else {
            std::cmp::Ordering::Greater
        }
    });
    let values = order.iter().map(|&k| a[k][k].clone()).collect();
    let columns = order
        .iter()
        .map(|&k| vectors.iter().map(|row| row[k].clone()).collect())
        .collect();
    (values, columns)
}

/// Standard deviations and axes of columns, which may be divided by their own deviations.
fn known(columns: &[Vec<f64>], scaled: bool, number: fn(f64) -> Exact) -> Option<(Vec<Exact>, Square)> {
    let n = columns[0].len();
    let centred: Vec<Vec<Exact>> = columns
        .iter()
        .map(|column| {
            let values: Vec<Exact> = column.iter().map(|&v| number(v)).collect();
            let mean = values.iter().cloned().sum::<Exact>() / Exact::from(n as f64);
            values.iter().map(|v| v - &mean).collect()
        })
        .collect();
    let rest = Exact::from(n as f64 - 1.0);
    let mut second: Square = centred
        .iter()
        .map(|a| {
            centred
                .iter()
                .map(|b| super::number::inner(a, b) / &rest)
                .collect()
        })
        .collect();
    if scaled {
        let roots: Vec<Exact> = (0..columns.len()).map(|j| second[j][j].sqrt()).collect();
        if roots.iter().any(Exact::is_zero) {
            return None;
        }
        for (i, row) in second.iter_mut().enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value = &*value / (&roots[i] * &roots[j]);
            }
        }
    }
    let (values, axes) = eigen(second);
    let zero = Exact::from(0.0);
    let sdev = values
        .iter()
        .map(|v| if zero.larger(v) { zero.clone() } else { v.sqrt() })
        .collect();
    Some((sdev, axes))
}

fn hold(held: &mut Held, kind: &'static str, spec: &PcaSpec, columns: &[Vec<f64>]) {
    let names: Vec<String> = (0..columns.len()).map(|j| format!("x{j}")).collect();
    let mut frame = Frame::new();
    for (name, column) in names.iter().zip(columns) {
        frame = frame.with_real(name, column);
    }
    let Ok(fit) = prcomp(spec, &frame, Run::on(place(), &NoProgress)) else {
        return;
    };
    let number = if kind == "decimals" {
        Exact::written
    } else {
        Exact::from
    };
    let scaled = spec.scale != Scale::No;
    let Some((sdev, axes)) = known(columns, scaled, number) else {
        return;
    };
    // errors of deviations are in units of the first, of axes the sine of the angle
    let of_deviation = |(own, exact): (&f64, &Exact)| {
        let error = Exact::from(*own) - exact;
        if error.is_zero() {
            16.0
        } else {
            (sdev[0].log10() - error.log10()).clamp(0.0, 16.0)
        }
    };
    let have = fit.sdev.iter().zip(&sdev).map(of_deviation).fold(16.0, f64::min);
    held.claim(kind, "deviations", &columns, fit.report.digits.sdev, have);
    let (p, kept) = (columns.len(), fit.sdev.len());
    let of_axis = |k: usize| {
        let own: Vec<Exact> = (0..p).map(|j| Exact::from(fit.rotation.get(j, k))).collect();
        let along = super::number::inner(&own, &axes[k]);
        let across = (0..p)
            .map(|j| (&own[j] - &along * &axes[k][j]).squared())
            .sum::<Exact>()
            .sqrt();
        if across.is_zero() {
            16.0
        } else {
            (-across.log10()).clamp(0.0, 16.0)
        }
    };
    let have = (0..kept).map(of_axis).fold(16.0, f64::min);
    held.claim(kind, "axes", &columns, fit.report.digits.rotation, have);
}

#[test]
fn principal_components() {
    let mut held = Held::default();
    let mut random = Random(29);
    for k in 0..count(16 * KINDS.len()) {
        let kind = KINDS[k % KINDS.len()];
        let columns = drawn(&mut random, kind);
        let mut spec = PcaSpec::default();
        if kind == "close deviations scaled" || random.share() < 0.3 {
            spec.scale = Scale::Deviations;
        }
        hold(&mut held, kind, &spec, &columns);
    }
    // a flat tail: the iteration has to tell axes that hardly differ
    for _ in 0..count(2) {
        let (n, p) = (60, 24);
        let columns: Vec<Vec<f64>> = (0..p)
            .map(|j| {
                let size = if j < 3 { 400 } else { 40 };
                random.wholes(n, -size, size)
            })
            .collect();
        let spec = PcaSpec {
            rank: Some(3),
            algorithm: PcaAlgorithm::Krylov,
            ..PcaSpec::default()
        };
        hold(&mut held, "flat tail by iteration", &spec, &columns);
    }
    held.finish("prcomp");
}
