//! Principal components against matrices whose singular values are known exactly, and against each other.
//!
//! X = H diag(s) Gᵀ with columns of Hadamard matrices H and G: entries are sums of the s with signs, whole numbers where the s
//! are; the columns of H have norm √n, those of G √p, and all but the first of H have mean zero. So the centred X has the
//! singular values √n √p s, without a rounding, and axes that are the columns of G over √p.

use nelder::design::Missing;
use nelder::frame::{Frame, Sparse};
use nelder::model::{
    Accuracy, Center, ModelError, PcaAlgorithm, PcaSpec, Prcomp, Scale, Signs, prcomp, prcomp_sparse,
};
use nelder::pass::NoProgress;
use nelder::solve::Rectangular;
use proptest::prelude::*;

/// Entry (i, j) of the Hadamard matrix of Sylvester.
fn hadamard(i: usize, j: usize) -> f64 {
    if (i & j).count_ones().is_multiple_of(2) {
        1.0
    } else {
        -1.0
    }
}

struct Known {
    rows: usize,
    columns: Vec<Vec<f64>>,
    /// Standard deviations, falling.
    sdev: Vec<f64>,
    /// Which column of G each has.
    axis: Vec<usize>,
}

impl Known {
    /// p = `s.len()` and n powers of two; each column is moved by `shift`.
    fn new(n: usize, s: &[f64], shift: f64) -> Known {
        let p = s.len();
        let entry = |i: usize, j: usize| {
            let sum: f64 = (0..p).map(|k| s[k] * hadamard(i, k + 1) * hadamard(j, k)).sum();
            sum + shift * (j % 3) as f64
        };
        let mut axis: Vec<usize> = (0..p).collect();
        axis.sort_by(|&a, &b| s[b].total_cmp(&s[a]));
        let unit = (n as f64 * p as f64 / (n as f64 - 1.0)).sqrt();
        Known {
            rows: n,
            columns: (0..p).map(|j| (0..n).map(|i| entry(i, j)).collect()).collect(),
            sdev: axis.iter().map(|&k| s[k] * unit).collect(),
            axis,
        }
    }

    fn names(&self) -> Vec<String> {
        (0..self.columns.len()).map(|j| format!("x{j}")).collect()
    }

    fn frame(&self) -> Frame<'_> {
        self.columns
            .iter()
            .enumerate()
            .fold(Frame::new(), |f, (j, c)| f.with_real(&format!("x{j}"), c))
    }

    /// Every number of the fit is within what the fit says.
    fn holds(&self, fit: &Prcomp<'_>, what: &str) {
        let p = self.columns.len();
        // roundings of this comparison
        let own = 4.0 * f64::EPSILON * self.sdev[0].max(f64::MIN_POSITIVE);
        let mut worst = 0.0f64;
        for (j, s) in fit.sdev.iter().enumerate() {
            let off = (s - self.sdev[j]).abs();
            worst = worst.max(off / self.sdev[0]);
            assert!(
                off <= fit.errors[j] + own,
                "{what}: sdev {j} is {s:e}, exactly {:e}: off by {off:.1e}, said {:.1e}",
                self.sdev[j],
                fit.errors[j]
            );
        }
        assert!(
            worst <= 10f64.powf(-fit.report.digits.sdev) + 4.0 * f64::EPSILON,
            "{what}: {worst:e}, {:?}",
            fit.report.digits
        );
        orthonormal(&fit.rotation, what);
        for j in 0..fit.rotation.columns() {
            let axis = fit.rotation.column(j);
            let truth = |i: usize| hadamard(i, self.axis[j]) / (p as f64).sqrt();
            let cosine: f64 = axis.iter().enumerate().map(|(i, v)| v * truth(i)).sum();
            let sine = axis
                .iter()
                .enumerate()
                .map(|(i, v)| (v - cosine * truth(i)).powi(2))
                .sum::<f64>()
                .sqrt();
            let said = fit.angles[j] + 4.0 * f64::EPSILON;
            assert!(
                sine <= said,
                "{what}: axis {j} is off by {sine:.1e}, said {said:.1e}"
            );
        }
    }
}

fn orthonormal(v: &Rectangular, what: &str) {
    for a in 0..v.columns() {
        for b in 0..=a {
            let product: f64 = v.column(a).iter().zip(v.column(b)).map(|(x, y)| x * y).sum();
            let wanted = if a == b { 1.0 } else { 0.0 };
            assert!(
                (product - wanted).abs() <= 1e-14 * v.rows() as f64,
                "{what}: axes {a} and {b}: {product:e}"
            );
        }
    }
}

/// Every way to compute components of all columns.
fn ways() -> Vec<PcaSpec> {
    vec![
        PcaSpec::default(),
        PcaSpec::default().accuracy(Accuracy::Certified),
        PcaSpec::default().algorithm(PcaAlgorithm::Gram),
        PcaSpec::default().algorithm(PcaAlgorithm::Qr),
        PcaSpec::default().rank(2).algorithm(PcaAlgorithm::Krylov),
    ]
}

fn by_every_way(known: &Known, what: &str) {
    let frame = known.frame();
    for spec in ways() {
        let fit = prcomp(&spec, &frame, &NoProgress).unwrap();
        known.holds(&fit, &format!("{what}, {}", fit.report.algorithm));
        if spec.algorithm != PcaAlgorithm::Gram {
            let off = |(j, s): (usize, &f64)| (s - known.sdev[j]).abs();
            let worst = fit.sdev.iter().enumerate().map(off).fold(0.0, f64::max);
            assert!(worst <= 1e-12 * known.sdev[0], "{what}: off by {worst:e}");
            // bounds are several times the errors
            let most = fit.errors.iter().fold(0.0f64, |m, e| m.max(*e));
            assert!(
                most <= 8e-12 * fit.sdev[0],
                "{what}: says {most:e} of {:e}, {}",
                fit.sdev[0],
                fit.report.algorithm
            );
        }
    }
}

#[test]
fn what_is_said_holds() {
    let decay: Vec<f64> = (0..8).map(|k| 2f64.powi(49 - 7 * k)).collect();
    by_every_way(&Known::new(64, &decay, 0.0), "decay to 1e-15");
    let parts: Vec<f64> = decay.iter().map(|s| s * 2f64.powi(-60)).collect();
    by_every_way(&Known::new(64, &parts, 0.0), "decay to 1e-15 of small parts");
    by_every_way(
        &Known::new(64, &[1.0, 9.0, 4.0, 2.0, 7.0, 3.0, 5.0, 6.0], 0.0),
        "whole numbers",
    );
    by_every_way(
        &Known::new(64, &[1.0, 9.0, 4.0, 2.0, 7.0, 3.0, 5.0, 6.0], 1e9),
        "far from zero",
    );
    by_every_way(
        &Known::new(64, &[9.0, 4.0, 4.0, 4.0, 2.0, 2.0, 1.0, 1.0], 0.0),
        "repeated values",
    );
    by_every_way(
        &Known::new(64, &[9.0, 4.0, 3.0, 0.0, 0.0, 2.0, 0.0, 1.0], 0.0),
        "rank 5",
    );
    by_every_way(
        &Known::new(64, &[9.0, 4.0, 3.0, 0.0, 0.0, 2.0, 0.0, 1.0], 1e6),
        "rank 5, far from zero",
    );
    // more rows and columns than are multiplied in twice the precision
    let many: Vec<f64> = (0..128).map(|k| (2000 - 13 * k) as f64).collect();
    by_every_way(&Known::new(4096, &many, 0.0), "4096 x 128");
    let falling: Vec<f64> = (0..128).map(|k| 2f64.powi(36 - k / 4)).collect();
    by_every_way(
        &Known::new(4096, &falling, 0.0),
        "4096 x 128, repeated and falling",
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn what_is_said_holds_of_any(s in prop::collection::vec(0u32..1 << 20, 8), shift in 0u32..1 << 20, small in 0i32..24) {
        prop_assume!(s.iter().any(|s| *s > 0));
        let s: Vec<f64> = s.iter().enumerate().map(|(k, s)| f64::from(*s) * if k % 2 == 0 { 1.0 } else { 2f64.powi(-small) }).collect();
        let known = Known::new(32, &s, f64::from(shift));
        by_every_way(&known, "any");
    }

    #[test]
    fn weights_are_repeats(rows in prop::collection::vec((prop::array::uniform3(-8.0f64..8.0), 0usize..4), 5..30)) {
        prop_assume!(rows.iter().filter(|r| r.1 > 0).count() >= 2);
        let column = |j: usize| rows.iter().map(|r| r.0[j]).collect::<Vec<f64>>();
        let repeated = |j: usize| rows.iter().flat_map(|r| std::iter::repeat_n(r.0[j], r.1)).collect::<Vec<f64>>();
        let w: Vec<f64> = rows.iter().map(|r| r.1 as f64).collect();
        let (a, b, c) = (column(0), column(1), column(2));
        let (ra, rb, rc) = (repeated(0), repeated(1), repeated(2));
        let one = Frame::new().with_real("a", &a).with_real("b", &b).with_real("c", &c).with_real("w", &w);
        let other = Frame::new().with_real("a", &ra).with_real("b", &rb).with_real("c", &rc);
        let mut mine = prcomp(&PcaSpec::new("~ a + b + c").weights("w"), &one, &NoProgress).unwrap();
        let theirs = prcomp(&PcaSpec::new("~ a + b + c"), &other, &NoProgress).unwrap();
        let used = w.iter().filter(|w| **w > 0.0).count();
        prop_assert_eq!(mine.rows as usize, used);
        // the same sums of squares over another number of rows
        let ratio = ((ra.len() as f64 - 1.0) / (used as f64 - 1.0)).sqrt();
        for (s, t) in mine.sdev.iter().zip(&theirs.sdev) {
            prop_assert!((s - t * ratio).abs() <= 1e-12 * mine.sdev[0] * ratio, "{} {}", s, t * ratio);
        }
        let scores = mine.scores(&NoProgress).unwrap();
        // rows of weight zero have no part in the axes, and scores on them
        prop_assert_eq!(scores.rows(), rows.len());
        let center = mine.center.clone().unwrap();
        for (i, (row, _)) in rows.iter().enumerate() {
            for k in 0..mine.rotation.columns() {
                let score: f64 = (0..3).map(|j| (row[j] - center[j]) * mine.rotation.get(j, k)).sum();
                prop_assert!((scores.get(i, k) - score).abs() < 1e-13, "row {} {} {}", i, scores.get(i, k), score);
            }
        }
    }
}

#[test]
fn sparse_is_dense() {
    let (n, p) = (40usize, 7usize);
    let value = |i: usize, j: usize| match (i * 7 + j * 13) % 5 {
        0 => ((i * i + 3 * j) % 17) as f64 - 5.5,
        _ => 0.0,
    };
    for (n, p) in [(n, p), (p, n)] {
        let (mut starts, mut indices, mut values) = (vec![0i32], Vec::new(), Vec::new());
        let columns: Vec<Vec<f64>> = (0..p).map(|j| (0..n).map(|i| value(i, j)).collect()).collect();
        for column in &columns {
            for (i, v) in column.iter().enumerate().filter(|(_, v)| **v != 0.0) {
                indices.push(i as i32);
                values.push(*v);
            }
            starts.push(indices.len() as i32);
        }
        let names: Vec<String> = (0..p).map(|j| format!("x{j}")).collect();
        let frame = names
            .iter()
            .zip(&columns)
            .fold(Frame::new(), |f, (name, c)| f.with_real(name, c));
        let sparse = Sparse::new(n, &starts, &indices, &values).unwrap();
        for spec in [
            PcaSpec::default(),
            PcaSpec::default().scale(Scale::Deviations),
            PcaSpec::default().center(Center::No),
            PcaSpec::default().rank(3).algorithm(PcaAlgorithm::Krylov),
        ] {
            if columns.iter().any(|c| c.iter().all(|v| *v == 0.0)) && spec.scale != Scale::No {
                continue;
            }
            let mut one = prcomp(&spec, &frame, &NoProgress).unwrap();
            let mut other = prcomp_sparse(&spec, sparse, &names, &NoProgress).unwrap();
            assert_eq!((one.available, one.rows), (other.available, other.rows));
            let first = one.sdev[0];
            for (j, (a, b)) in one.sdev.iter().zip(&other.sdev).enumerate() {
                let bound = one.errors[j] + other.errors[j];
                assert!((a - b).abs() <= bound, "{n} x {p}: {a:e} {b:e} {bound:e}");
            }
            assert!(
                other.errors.iter().all(|e| *e <= 1e-9 * first),
                "{:?}",
                other.errors
            );
            orthonormal(&other.rotation, "sparse");
            let (x, y) = (
                one.scores(&NoProgress).unwrap(),
                other.scores(&NoProgress).unwrap(),
            );
            for j in 0..x.columns().min(y.columns()) {
                let most = (one.angles[j] + other.angles[j] + 1e-14) * 4.0 * first * (n as f64).sqrt();
                for (a, b) in x.column(j).iter().zip(y.column(j)) {
                    assert!((a - b).abs() <= most, "{n} x {p}: score {a:e} {b:e} {most:e}");
                }
            }
        }
    }
}

#[test]
fn passes_are_counted() {
    let known = Known::new(
        4096,
        &(0..128).map(|k| (2000 - 13 * k) as f64).collect::<Vec<f64>>(),
        0.0,
    );
    let frame = known.frame();
    let passes = |spec: &PcaSpec| {
        let mut fit = prcomp(spec, &frame, &NoProgress).unwrap();
        fit.scores(&NoProgress).unwrap();
        let names: Vec<String> = fit.report.passes.iter().map(|p| p.name.clone()).collect();
        assert!(
            fit.report
                .passes
                .iter()
                .all(|p| p.rows == 4096 && p.bytes == 4096 * 128 * 8)
        );
        (names, fit.report.steps, fit.report.algorithm)
    };
    let (names, _, algorithm) = passes(&PcaSpec::default());
    assert_eq!(
        (names, algorithm.as_str()),
        (vec!["gram".to_string(), "scores".into()], "eigen of gram")
    );
    let (names, _, _) = passes(&PcaSpec::default().algorithm(PcaAlgorithm::Qr));
    assert_eq!(names, ["moments", "tsqr", "scores"]);
    let (names, steps, _) = passes(&PcaSpec::default().rank(3).algorithm(PcaAlgorithm::Krylov));
    assert!(steps > 1);
    assert_eq!(names.len(), steps as usize + 2);
    // small singular values ask for another pass
    let falling: Vec<f64> = (0..128).map(|k| 2f64.powi(36 - k / 4)).collect();
    let known = Known::new(4096, &falling, 0.0);
    let fit_frame = known.frame();
    let fit = prcomp(&PcaSpec::default(), &fit_frame, &NoProgress).unwrap();
    assert_eq!(fit.report.algorithm, "svd of tsqr");
    assert_eq!(fit.report.passes.len(), 2);
    assert!(!fit.report.notes.is_empty());
}

#[test]
fn seeds_repeat_and_iterations_agree() {
    let known = Known::new(
        64,
        &[1.0, 9.0, 4.0, 2.0, 7.0, 3.0, 5.0, 6.0].map(|s| s * 3.0),
        5.0,
    );
    let frame = known.frame();
    let of = |seed| {
        let spec = PcaSpec::default()
            .rank(3)
            .algorithm(PcaAlgorithm::Krylov)
            .seed(seed);
        prcomp(&spec, &frame, &NoProgress).unwrap().rotation
    };
    assert_eq!(of(3), of(3));
    let (a, b) = (of(3), of(4));
    let off = a
        .values()
        .iter()
        .zip(b.values())
        .map(|(x, y)| (x - y).abs())
        .fold(0.0, f64::max);
    assert!(off <= 1e-9, "{off:e}");
}

#[test]
fn scales_of_any_size() {
    let known = Known::new(32, &[8.0, 4.0, 2.0, 1.0], 0.0);
    let plain = known.frame();
    let reference = prcomp(&PcaSpec::default().scale(Scale::Deviations), &plain, &NoProgress).unwrap();
    // 1e-150 to 1e150
    let powers = [2f64.powi(-498), 2f64.powi(498), 1.0, 2f64.powi(-60)];
    let moved: Vec<Vec<f64>> = known
        .columns
        .iter()
        .zip(powers)
        .map(|(c, s)| c.iter().map(|x| x * s).collect())
        .collect();
    let frame = moved
        .iter()
        .enumerate()
        .fold(Frame::new(), |f, (j, c)| f.with_real(&format!("x{j}"), c));
    for algorithm in [PcaAlgorithm::Auto, PcaAlgorithm::Gram, PcaAlgorithm::Qr] {
        let spec = PcaSpec::default().algorithm(algorithm);
        let fit = prcomp(&spec.clone().scale(Scale::Deviations), &frame, &NoProgress).unwrap();
        for (a, b) in fit.sdev.iter().zip(&reference.sdev) {
            assert!(
                (a - b).abs() <= 1e-12 * reference.sdev[0],
                "{algorithm:?}: {a:e} {b:e}"
            );
        }
        // without scales the largest column has all of it
        let fit = prcomp(&spec, &frame, &NoProgress).unwrap();
        let largest = moved[1].iter().map(|x| (x / powers[1]).powi(2)).sum::<f64>() / 31.0;
        let truth = largest.sqrt() * powers[1];
        assert!(
            (fit.sdev[0] / truth - 1.0).abs() <= 1e-14,
            "{:e} {truth:e}",
            fit.sdev[0]
        );
        assert!((fit.rotation.get(1, 0) - 1.0).abs() <= 1e-15);
    }
}

#[test]
fn small_matrices() {
    let (a, b) = ([3.0], [4.0]);
    let row = Frame::new().with_real("a", &a).with_real("b", &b);
    let mut fit = prcomp(&PcaSpec::default(), &row, &NoProgress).unwrap();
    assert_eq!((fit.sdev.clone(), fit.available), (vec![0.0], 1));
    assert_eq!(fit.scores(&NoProgress).unwrap().values(), [0.0]);
    let fit = prcomp(&PcaSpec::default().center(Center::No), &row, &NoProgress).unwrap();
    assert!((fit.sdev[0] - 5.0).abs() < 1e-15 && (fit.rotation.get(0, 0) - 0.6).abs() < 1e-15);
    let x = [1.0, 2.0, 4.0];
    let column = Frame::new().with_real("x", &x);
    let mut fit = prcomp(&PcaSpec::default(), &column, &NoProgress).unwrap();
    assert!((fit.sdev[0] - (14.0f64 / 6.0).sqrt()).abs() < 1e-15);
    assert_eq!(fit.rotation.values(), [1.0]);
    let scores = fit.scores(&NoProgress).unwrap();
    assert!((scores.get(2, 0) - 5.0 / 3.0).abs() < 1e-15);
}

#[test]
fn equal_deviations_determine_no_axis() {
    let zeros = [0.0; 4];
    let (right, up) = ([1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]);
    for (a, b) in [(&zeros, &zeros), (&right, &up)] {
        let frame = Frame::new().with_real("a", a).with_real("b", b);
        for algorithm in [PcaAlgorithm::Auto, PcaAlgorithm::Gram, PcaAlgorithm::Qr] {
            let fit = prcomp(&PcaSpec::default().algorithm(algorithm), &frame, &NoProgress).unwrap();
            assert_eq!(fit.angles, [1.0, 1.0], "{algorithm:?}");
            assert_eq!(fit.report.digits.rotation, 0.0);
            assert!((fit.sdev[0] - fit.sdev[1]).abs() < 1e-15);
        }
    }
    let (a, b) = ([3.0], [4.0]);
    let row = Frame::new().with_real("a", &a).with_real("b", &b);
    let fit = prcomp(&PcaSpec::default(), &row, &NoProgress).unwrap();
    assert_eq!((fit.angles[0], fit.report.digits.rotation), (1.0, 0.0));
    // three rows about their mean lie in a plane: the third axis is any that is normal to it
    let (a, b, c, d) = ([1.0, 2.0, 4.0], [3.0, 3.5, 1.0], [0.0, 5.0, 1.0], [2.0, 2.0, 7.0]);
    let wide = Frame::new()
        .with_real("a", &a)
        .with_real("b", &b)
        .with_real("c", &c)
        .with_real("d", &d);
    let fit = prcomp(&PcaSpec::default(), &wide, &NoProgress).unwrap();
    assert_eq!((fit.angles.len(), fit.angles[2], fit.sdev[2]), (3, 1.0, 0.0));
    assert!(fit.report.digits.rotation > 8.0);
}

#[test]
fn missing_rows() {
    let a = [1.0, f64::NAN, 3.0, 5.0];
    let b = [2.0, 1.0, 7.0, 4.0];
    let frame = Frame::new().with_real("a", &a).with_real("b", &b);
    let spec = PcaSpec::default();
    let mut fit = prcomp(&spec, &frame, &NoProgress).unwrap();
    assert_eq!((fit.rows, fit.omitted), (3, 1));
    assert_eq!(fit.scores(&NoProgress).unwrap().rows(), 3);
    let mut fit = prcomp(&spec.clone().missing(Missing::Exclude), &frame, &NoProgress).unwrap();
    let scores = fit.scores(&NoProgress).unwrap();
    assert_eq!(scores.rows(), 4);
    assert!(scores.get(1, 0).is_nan() && scores.get(2, 0).is_finite());
    let error = prcomp(&spec.missing(Missing::Fail), &frame, &NoProgress)
        .err()
        .unwrap();
    let text = error.to_string();
    assert!(text.contains('a') && text.contains('2'), "{text}");
}

#[test]
fn what_cannot_be_asked() {
    let (a, b) = ([1.0, 2.0, 4.0], [5.0, 5.0, 5.0]);
    let c = [1.0, f64::INFINITY, 2.0];
    let g = ["x", "y", "x"].map(|s| Some(s.to_string()));
    let frame = Frame::new()
        .with_real("a", &a)
        .with_real("b", &b)
        .with_real("c", &c)
        .with_text("g", &g);
    let fails = |spec: PcaSpec, wanted: &[&str]| {
        let text = prcomp(&spec, &frame, &NoProgress).err().unwrap().to_string();
        assert!(wanted.iter().all(|w| text.contains(w)), "{text}");
    };
    let two = || PcaSpec::of_columns(&["a", "b"]);
    fails(two().rank(0), &["rank.", "below 1"]);
    fails(two().rank(3), &["rank.", "3"]);
    fails(two().tol(-0.5), &["tol", "-0.5"]);
    fails(two().accuracy(Accuracy::Single), &["precision", "f32"]);
    fails(
        two().scale(Scale::Deviations),
        &["cannot rescale a constant/zero column to unit variance", "b"],
    );
    fails(two().scale(Scale::Values(vec![1.0, 0.0])), &["scale.", "2"]);
    fails(
        two().center(Center::Values(vec![1.0])),
        &["center", "1 numbers for 2 columns"],
    );
    fails(
        PcaSpec::of_columns(&["a", "g"]),
        &["PCA applies only to numerical variables", "g"],
    );
    fails(
        PcaSpec::new("~ a + factor(b)"),
        &["PCA applies only to numerical variables", "factor(b)"],
    );
    fails(PcaSpec::of_columns(&["a", "nope"]), &["nope"]);
    fails(PcaSpec::of_columns(&["a", "c"]), &["c", "2"]);
    fails(PcaSpec::new("b ~ a"), &["no response"]);
    fails(PcaSpec::new("~ 1"), &["columns"]);
    let none: [f64; 0] = [];
    let empty = Frame::new().with_real("a", &none);
    assert!(prcomp(&PcaSpec::default(), &empty, &NoProgress).is_err());
    assert!(matches!(
        prcomp(
            &PcaSpec::default().algorithm(PcaAlgorithm::Krylov),
            &frame,
            &NoProgress
        ),
        Err(ModelError::Argument { .. })
    ));
}

#[test]
fn the_largest_loading_is_positive() {
    let known = Known::new(64, &[1.0, 9.0, 4.0, 2.0, 7.0, 3.0, 5.0, 6.0], 0.0);
    let frame = known.frame();
    for spec in ways() {
        let fit = prcomp(&spec, &frame, &NoProgress).unwrap();
        // all loadings are of one size: the first decides
        assert!((0..fit.rotation.columns()).all(|j| fit.rotation.get(0, j) > 0.0));
        let other = prcomp(&spec.signs(Signs::AsComputed), &frame, &NoProgress).unwrap();
        for j in 0..fit.rotation.columns() {
            let turned = other.rotation.get(0, j).signum();
            assert!(
                fit.rotation
                    .column(j)
                    .iter()
                    .zip(other.rotation.column(j))
                    .all(|(a, b)| (a - turned * b).abs() == 0.0)
            );
        }
    }
    assert_eq!(known.names().len(), 8);
    assert_eq!(known.rows, 64);
}

/// Two deviations that differ by less than a scale is rounded: the axes are right where the scales are kept in twice the
/// precision, and where rows are divided by rounded scales the claim says by how much they may have turned. The exact axes
/// are eigenvectors in 60 digits.
#[test]
fn rounded_scales_turn_axes_of_close_deviations() {
    let a = [1_000_001.0, -1_000_002.0, 1.0, 0.0, 1.0, 1.0];
    let b = [0.0, 2.0, 999_999.0, -1_000_002.0, -1.0, -1.0];
    let c = [-1.0, 0.0, 1.0, 0.0, 1_000_002.0, -999_998.0];
    let exact = [
        [
            0.577_350_707_549_138_995_96,
            -0.577_350_835_847_746_238_83,
            -0.577_349_264_170_672_821_81,
        ],
        [
            0.433_976_742_419_113_038_97,
            -0.381_966_056_611_799_480_20,
            0.815_944_923_775_941_146_74,
        ],
        [
            0.691_614_305_470_761_202_53,
            0.721_642_531_966_028_434_67,
            -0.030_028_461_929_580_072_88,
        ],
    ];
    let frame = Frame::new()
        .with_real("a", &a)
        .with_real("b", &b)
        .with_real("c", &c);
    for algorithm in [PcaAlgorithm::Auto, PcaAlgorithm::Gram, PcaAlgorithm::Qr] {
        let spec = PcaSpec {
            scale: Scale::Deviations,
            ..PcaSpec::default().algorithm(algorithm)
        };
        let fit = prcomp(&spec, &frame, &NoProgress).unwrap();
        for (k, axis) in exact.iter().enumerate() {
            let of = |i: usize| fit.rotation.get(i, k);
            let sign = (0..3).map(|i| of(i) * axis[i]).sum::<f64>().signum();
            let sine = (0..3)
                .map(|i| (of(i) - sign * axis[i]).powi(2))
                .sum::<f64>()
                .sqrt();
            assert!(
                sine <= fit.angles[k],
                "{algorithm:?} {k}: {sine:e} {:e}",
                fit.angles[k]
            );
        }
        if algorithm == PcaAlgorithm::Auto {
            assert!(
                fit.report.digits.rotation > 14.0,
                "{}",
                fit.report.digits.rotation
            );
        }
    }
}

/// On a flat tail the eigenvalue after those that were wanted is further up than its Ritz value says.
#[test]
fn iterations_on_a_flat_tail_claim_what_they_have() {
    let (n, p) = (160, 60);
    for seed in 0..24u64 {
        let draws = nelder_device::Philox::new(seed);
        let at = |i: usize, j: usize| {
            draws.normal((j * n + i) as u64) * (1.0 + 2.0 * f64::from(j < 3) * (j as f64 + 1.0))
        };
        let columns: Vec<Vec<f64>> = (0..p).map(|j| (0..n).map(|i| at(i, j)).collect()).collect();
        let names: Vec<String> = (0..p).map(|j| format!("x{j}")).collect();
        let mut frame = Frame::new();
        for (name, column) in names.iter().zip(&columns) {
            frame = frame.with_real(name, column);
        }
        let exact = PcaSpec {
            accuracy: Accuracy::Certified,
            ..PcaSpec::default()
        };
        let exact = prcomp(&exact, &frame, &NoProgress).unwrap();
        let spec = PcaSpec {
            rank: Some(5),
            seed,
            ..PcaSpec::default().algorithm(PcaAlgorithm::Krylov)
        };
        let fit = prcomp(&spec, &frame, &NoProgress).unwrap();
        for k in 0..5 {
            let error = (fit.sdev[k] - exact.sdev[k]).abs();
            let bound = fit.errors[k] + exact.errors[k];
            assert!(error <= bound, "{seed} {k}: {error:e} {bound:e}");
        }
    }
}
