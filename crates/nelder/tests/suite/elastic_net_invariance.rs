//! Paths of elastic nets under changes of the data that they have to follow.

use nelder::family::Family;
use nelder::frame::Frame;
use nelder::model::{ElasticNetSpec, Reading, elastic_net};
use nelder::pass::NoProgress;
use nelder_device::Philox;

/// Columns, responses and weights.
#[derive(Clone)]
struct Rows {
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    weights: Vec<f64>,
}

const COLUMNS: usize = 8;

/// Rows of a family, of which every fourth has a weight of two.
fn drawn(family: &str) -> Rows {
    let (n, draws) = (90, Philox::new(29));
    let normal = |i: usize, j: usize| draws.normal((i * (COLUMNS + 1) + j) as u64);
    let mut x = vec![vec![0.0; n]; COLUMNS];
    for i in 0..n {
        for j in 0..COLUMNS {
            let before = if j == 0 { 0.0 } else { x[j - 1][i] };
            x[j][i] = 0.6 * before + normal(i, j);
        }
    }
    let y = |i: usize| {
        let eta = 0.7 * x[0][i] - 0.4 * x[3][i] + 0.2 * x[6][i] + 0.9 * normal(i, COLUMNS);
        match family {
            "binomial" => f64::from(u8::from(eta > 0.1)),
            "poisson" => (0.5 * eta).exp().round(),
            _ => 1.0 + eta,
        }
    };
    Rows {
        y: (0..n).map(y).collect(),
        weights: (0..n).map(|i| if i % 4 == 0 { 2.0 } else { 1.0 }).collect(),
        x,
    }
}

/// λ, intercept and coefficients of one step.
type Solution = (f64, f64, Vec<f64>);

fn path(rows: &Rows, family: &str, reading: Reading) -> Vec<Solution> {
    let names: Vec<String> = (0..rows.x.len()).map(|j| format!("x{j}")).collect();
    let mut frame = Frame::new().with_real("y", &rows.y).with_real("w", &rows.weights);
    for (name, column) in names.iter().zip(&rows.x) {
        frame = frame.with_real(name, column);
    }
    let mut spec = ElasticNetSpec {
        reading,
        ..ElasticNetSpec::new(&format!("y ~ {}", names.join(" + ")))
            .family(family.parse::<Family>().unwrap())
            .alpha(0.6)
            .threshold(1e-14)
    };
    spec.design.weights = Some("w".into());
    let fit = elastic_net(&spec, &frame, &NoProgress).unwrap();
    let of = |m: usize| {
        let step = &fit.path.steps[m];
        let beta = (0..COLUMNS).map(|j| step.coefficients.get(j)).collect();
        (step.lambda, step.intercept, beta)
    };
    (0..fit.path.len()).map(of).collect()
}

/// Both have the same solutions, to what double precision leaves of a minimum.
fn same(what: &str, found: &[Solution], wanted: &[Solution]) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (m, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
        assert!(near(found.0, wanted.0), "{what}: λ {m}: {} {}", found.0, wanted.0);
        assert!(
            near(found.1, wanted.1),
            "{what}: intercept {m}: {} {}",
            found.1,
            wanted.1
        );
        for (j, (a, b)) in found.2.iter().zip(&wanted.2).enumerate() {
            assert!(near(*a, *b), "{what}: column {j} at {m}: {a} {b}");
        }
    }
}

fn each(check: impl Fn(&str, Rows, &dyn Fn(&Rows) -> Vec<Solution>)) {
    for family in ["gaussian", "binomial", "poisson"] {
        for reading in [Reading::Rows, Reading::Columns] {
            let name = format!("{family}, {reading:?}");
            check(&name, drawn(family), &|rows| path(rows, family, reading));
        }
    }
}

#[test]
fn units_and_origins_of_columns_are_those_of_their_coefficients() {
    let unit = |j: usize| [3.0, -0.1, 700.0, 1.0, 1e-3, -2.0, 0.3, 11.0][j];
    let origin = |j: usize| [0.0, 12.0, -400.0, 3.5, 0.0, 80.0, -1.0, 0.25][j];
    each(|name, rows, path| {
        let mut moved = rows.clone();
        for (j, column) in moved.x.iter_mut().enumerate() {
            column.iter_mut().for_each(|x| *x = *x * unit(j) + origin(j));
        }
        let back = |(lambda, intercept, beta): &Solution| {
            let shift: f64 = beta.iter().enumerate().map(|(j, b)| b * origin(j)).sum();
            let own = beta.iter().enumerate().map(|(j, b)| b * unit(j));
            (*lambda, intercept + shift, own.collect())
        };
        let found: Vec<Solution> = path(&moved).iter().map(back).collect();
        same(name, &found, &path(&rows));
    });
}

#[test]
fn the_order_of_rows_and_columns_is_nothing() {
    each(|name, rows, path| {
        let mut turned = rows.clone();
        turned.x.reverse();
        turned.x.iter_mut().for_each(|x| x.rotate_left(17));
        turned.y.rotate_left(17);
        turned.weights.rotate_left(17);
        let back = |(lambda, intercept, beta): &Solution| {
            (*lambda, *intercept, beta.iter().rev().copied().collect())
        };
        let found: Vec<Solution> = path(&turned).iter().map(back).collect();
        same(name, &found, &path(&rows));
    });
}

#[test]
fn a_row_of_weight_two_is_two_rows_and_the_unit_of_weights_is_nothing() {
    each(|name, rows, path| {
        let wanted = path(&rows);
        let places = (0..rows.y.len()).flat_map(|i| vec![i; rows.weights[i] as usize]);
        let places: Vec<usize> = places.collect();
        let of = |column: &Vec<f64>| places.iter().map(|&i| column[i]).collect();
        let twice = Rows {
            x: rows.x.iter().map(of).collect(),
            y: of(&rows.y),
            weights: vec![1.0; places.len()],
        };
        same(name, &path(&twice), &wanted);
        let mut scaled = rows.clone();
        scaled.weights.iter_mut().for_each(|w| *w *= 0.3);
        same(name, &path(&scaled), &wanted);
    });
}
